"""A manufactured solution of the mixed conductor in three dimensions: order two on voxels and on skewed elements.

    φ = a cos(πz/2) (1 + k cos(πx) cos(πy)),      ψ = −U₁ + b sin(πz/2) (1 + k cos(πx) cos(πy))

in a cube of edge one, with electrolyte below z = 0 and the collector at z = 1: φ and ψ keep the conditions at all
walls, for electrons stop at the electrolyte and ions at the collector. With σ_e(x), σ_i(x) and a curved U(x) = φ − ψ
what φ and ψ leave in both balances is added as a source (Roache 2002, doi:10.1115/1.1436090).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from builders import T, laminate_graph, observed_order
from scipy.optimize import brentq

from catholyte.mesh.nodes import node_graph
from catholyte.mesh.shapes import LayerShape, build
from catholyte.models.cathode import Cathode
from catholyte.models.control import VoltageControl
from catholyte.models.parameters import CellParameters, Host, Interface, Phase
from catholyte.physics.constants import F
from catholyte.physics.kinetics import ConstantExchange, Linear
from catholyte.physics.transport import MixedConduction
from catholyte.solve.bdf import Past
from catholyte.solve.linear import KrylovSolver
from catholyte.solve.newton import newton

A, B, K, U1, C_MAX, GAMMA = 0.05, 0.08, 0.3, 3.75, 1e4, 1e-10
SIDE, SEPARATOR = 1.0, 0.25


def U(x, T):
    return 4.2 - 0.7 * x - 0.3 * x * x


def sigma_e(x, T):
    return 2.0 * np.exp(-0.8 * x)


def sigma_i(x, T):
    return 0.5 * np.exp(0.9 * x)


def fields(points):
    """Return φ, ψ and x at points of shape (n, 3), z counted from the electrolyte."""
    x, y, z = points.T
    across = 1.0 + K * np.cos(np.pi * x) * np.cos(np.pi * y)
    phi, ions = A * np.cos(0.5 * np.pi * z) * across, -U1 + B * np.sin(0.5 * np.pi * z) * across
    step = phi - ions
    # U(x) = 4.2 − 0.7 x − 0.3 x²
    return phi, ions, (-0.7 + np.sqrt(0.49 + 1.2 * (4.2 - step))) / 0.6


def sources(points, h=2e-4):
    """Return −∇·j of electrons and of ions at points in A/m³, by fourth-order differences of the closed form."""

    def divergence(carrier):
        total = np.zeros(len(points))
        for axis in range(3):
            for offset, weight in ((-1.5, 1 / 24), (-0.5, -27 / 24), (0.5, 27 / 24), (1.5, -1 / 24)):
                at = points.copy()
                at[:, axis] += offset * h
                total += weight * flux(at, axis, carrier) / h
        return total

    def flux(at, axis, carrier):
        sigma = (sigma_e if carrier == 0 else sigma_i)(fields(at)[2], T)
        slope = np.zeros(len(at))
        for offset, weight in ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12)):
            there = at.copy()
            there[:, axis] += offset * h
            slope += weight * fields(there)[carrier] / h
        return sigma * slope

    return divergence(0), divergence(1)


@dataclass
class Forced:
    """The cathode with a source in every balance of potentials and lithium."""

    cathode: Cathode
    source: np.ndarray

    def __getattr__(self, name):
        return getattr(self.cathode, name)

    def evaluate(self, u, guess=None, past=None):
        at = self.cathode.evaluate(u, guess, past)
        return replace(at, rate=at.rate - self.source)


def cell():
    law = MixedConduction(sigma_e, sigma_i, U)
    phases = {
        "separator": Phase("electrolyte", 1e7),
        "active": Phase("active", 1.0, Host(C_MAX, U, law)),
    }
    faces = {frozenset(("separator", "active")): Interface(Linear(), ConstantExchange(np.inf))}
    return CellParameters(phases, faces, SIDE**2, T)


def on_voxels(n):
    h = SIDE / n
    graph = laminate_graph([("separator", 1), ("active", n)], (h, h, h), (n, n))
    z, y, x = np.unravel_index(graph.grid.voxel, graph.grid.shape)
    return graph, h * (np.column_stack([x, y, z - 1]) + 0.5)


def on_elements(kind, n):
    shape = LayerShape(
        thickness=1.0,
        width=SIDE,
        separator=SEPARATOR,
        mesh_size=1.0 / n,
        cells=kind,
        distortion=0.0 if kind == "tetrahedra" else 0.2,
        seed=1,
    )
    graph, nodes = node_graph(build(shape), terminals={"counter": "counter", "collector": "collector"})
    return graph, nodes.points - np.array([0.0, 0.0, SEPARATOR])


def errors(graph, points):
    """Return the errors of φ and x, root mean squares over the volume."""
    cathode = Cathode(graph, cell())
    cells = cathode.store_cells
    phi, _, x = fields(points[cells])
    electrons, ions = sources(points[cells])
    source = np.zeros(cathode.size - 1)
    source[cathode.potential_of[cells]] = (electrons + ions) * graph.volume[cells]
    source[cathode.n_phi :] = ions * graph.volume[cells]
    problem = Forced(cathode, source)
    start = np.zeros(cathode.size)
    start[cathode.potential_of[cells]], start[cathode.n_phi : -1], start[-1] = phi, x, U1
    found = newton(
        problem,
        start,
        VoltageControl(U1),
        KrylovSolver(),
        scale=1.0,
        past=Past(GAMMA, np.zeros(cathode.n_memory)),
        beta=-GAMMA * x,
        tolerance=1e-8,
    ).evaluation.u
    weight = graph.volume[cells] / graph.volume[cells].sum()
    miss_phi, miss_x = found[cathode.potential_of[cells]] - phi, found[cathode.n_phi : -1] - x
    return [float(np.sqrt(weight @ miss**2)) for miss in (miss_phi, miss_x)]


def test_the_fields_are_in_equilibrium():
    points = np.random.default_rng(0).random((20, 3))
    phi, ions, x = fields(points)
    np.testing.assert_allclose(U(x, T), phi - ions, rtol=1e-13)
    assert brentq(lambda v: U(v, T) - (phi - ions)[0], 0.0, 1.0) == pytest.approx(x[0])
    assert F * C_MAX * GAMMA < 1.0  # storage does not hold x where it is


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [("voxels", (8, 16)), ("hexahedra", (8, 16)), ("wedges", (8, 16)), ("tetrahedra", (6, 12))],
)
def test_second_order(kind, sizes):
    if kind == "tetrahedra":
        pytest.importorskip("gmsh")
    found = np.array([errors(*(on_voxels(n) if kind == "voxels" else on_elements(kind, n))) for n in sizes])
    for which in (0, 1):
        assert -observed_order(sizes, found[:, which]) >= 1.9, found
    assert found[-1].max() < 5e-3
