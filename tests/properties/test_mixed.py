"""Mixed conductors on random images: what is conserved, what is mirrored, what balances, whatever the constants."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import Phase as Stage
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_cells import ACTIVE, CARBON, ELECTROLYTE, NAMES, Piece, run, solid_solution, state, window

from catholyte.errors import MeshError
from catholyte.mesh.percolation import percolation
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.analysis import LOSSES, Analysis
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.parameters import CellParameters, Host, Interface, Layer, Phase
from catholyte.physics.constants import F
from catholyte.physics.kinetics import ButlerVolmer, ConstantExchange, Linear, SymmetricExchange
from catholyte.physics.transport import Diffusion, MixedConduction, Uniform
from catholyte.solve.bdf import Past
from catholyte.solve.linear import DirectSolver
from catholyte.solve.transient import Integrator

T, SPACING = 298.15, (0.65e-6, 0.5e-6, 0.5e-6)
#: the void of the shared names is an ordinary active material here
NAMED = (*NAMES[:3], "oxide")
OXIDE = 3
UNSHRUNK = {"deadline": None, "derandomize": True, "phases": (Stage.explicit, Stage.generate)}


@dataclass(frozen=True)
class Rising:
    """σ(x) = σ₀·exp(k x)."""

    sigma: float
    k: float

    def __call__(self, x, T):
        return self.sigma * np.exp(self.k * x)


def decades(low, high):
    return st.floats(np.log10(low), np.log10(high)).map(lambda a: float(10.0**a))


@st.composite
def images(draw):
    nz, ny, nx = draw(st.tuples(st.integers(2, 5), st.integers(1, 4), st.integers(1, 4)))
    phase = st.sampled_from([ELECTROLYTE, ACTIVE, ACTIVE, ACTIVE, CARBON, OXIDE])
    inner = draw(arrays(np.uint8, (nz, ny, nx), elements=phase))
    return np.concatenate([np.zeros((1, ny, nx), np.uint8), inner])


@st.composite
def cells(draw):
    sigma_i = draw(decades(1e-4, 1.0))
    sigma_e = sigma_i * draw(decades(1e-6, 1e6))
    law = MixedConduction(Rising(sigma_e, draw(st.floats(-2.0, 2.0))), Rising(sigma_i, 0.5), solid_solution)
    if draw(st.booleans()):
        law = replace(law, sigma_e=Uniform(sigma_e))
    fast = Interface(Linear(), ConstantExchange(np.inf), layers=(Layer("interphase", 1e-4, 1e-9),))
    slow = Interface(ButlerVolmer(), SymmetricExchange(draw(decades(1e-1, 1e3))))
    phases = {
        "electrolyte": Phase("electrolyte", 0.1),
        "active": Phase("active", sigma_e, Host(2e4, solid_solution, law)),
        "carbon": Phase("conductor", 10.0),
        "oxide": Phase("active", 1.0, Host(4e4, solid_solution, Diffusion(1e-14, 4e4))),
    }
    interfaces = {
        frozenset(("electrolyte", "active")): draw(st.sampled_from([fast, slow])),
        frozenset(("electrolyte", "oxide")): Interface(ButlerVolmer(), SymmetricExchange(1.0)),
        frozenset(("active",)): Interface(contact_resistance=1e-5, ionic_resistance=draw(st.sampled_from([0.0, 1e-3]))),
        frozenset(("active", "carbon")): Interface(contact_resistance=1e-5),
    }
    return phases, interfaces


def model(image, cell, seed=0):
    phases, interfaces = cell
    graph = voxel_graph(image, SPACING, NAMED, excluded=())
    graph = replace(graph, grain=np.random.default_rng(seed).integers(1, 4, graph.n_cells, dtype=np.int32))
    kinds = {name: phase.kind for name, phase in phases.items()}
    try:
        graph = graph.subset(percolation(graph, kinds, mixed=("active",)).keep)
        problem = Cathode(graph, CellParameters(phases, interfaces, 1e-11, T))
    except MeshError:
        assume(False)
    assume(problem.mixed is not None)
    return problem


def drawn(problem, x, shift):
    """Return the current that a jump of the voltage draws."""
    u = state(problem, x, shift)
    integrator = Integrator(problem, DirectSolver(), 1e-3 * problem.capacity.sum() / 3600)
    return integrator.begin(0.0, u, VoltageControl(u[-1]), 0.0, 0.0)[0].evaluation.current


@settings(max_examples=12, **UNSHRUNK)
@given(images(), cells(), st.floats(-0.08, 0.08))
def test_charge_and_lithium_are_conserved(image, cell, shift):
    problem = model(image, cell)
    current = drawn(problem, 0.4, shift)
    assume(abs(current) > 1e-16)
    duration = min(0.05 * problem.capacity.sum() / abs(current), 1e7)
    pieces = [Piece(CurrentControl(0.3 * current), duration), Piece(CurrentControl(0.0), 100.0)]
    frames = [frame for frame, _ in run(problem, state(problem, 0.4), pieces, scale=abs(current))]
    before = float(problem.capacity @ problem.split(frames[0].evaluation.u)[1])
    after = float(problem.capacity @ problem.split(frames[-1].evaluation.u)[1])
    passed = frames[-1].charge
    assert passed == pytest.approx(0.3 * current * duration, rel=1e-9)
    rounding = 8.0 * np.finfo(float).eps * problem.capacity.sum()
    assert abs(after - before - passed) <= 1e-8 * abs(passed) + rounding


@settings(max_examples=12, **UNSHRUNK)
@given(images(), cells(), st.floats(-0.08, 0.08))
def test_the_parts_of_the_polarisation_sum_to_the_whole(image, cell, shift):
    problem = model(image, cell)
    current = drawn(problem, 0.4, shift)
    assume(abs(current) > 1e-16)
    duration = min(0.02 * problem.capacity.sum() / abs(current), 1e6)
    pieces = [Piece(CurrentControl(0.5 * current), duration)]
    last = [frame for frame, _ in run(problem, state(problem, 0.4), pieces, scale=abs(current))][-1]
    losses = Analysis(problem).losses(last.evaluation)
    total = losses["loss_total"]
    parts = [losses[f"loss_{name}"] for name in LOSSES]
    assert sum(parts) == pytest.approx(total, abs=1e-8 * sum(map(abs, parts)) + 1e-9)


@settings(max_examples=10, **UNSHRUNK)
@given(images(), cells())
def test_the_mirror_image_has_the_mirrored_rates(image, cell):
    problem = model(image, cell)
    mirrored = model(np.ascontiguousarray(image[:, :, ::-1]), cell)
    graph, other = problem.graph, mirrored.graph
    shape = graph.grid.shape
    z, y, x = np.unravel_index(other.grid.voxel, shape)
    place = np.full(int(np.prod(shape)), -1)
    place[graph.grid.voxel] = np.arange(graph.n_cells)
    original = place[np.ravel_multi_index((z, y, shape[2] - 1 - x), shape)]
    graph = replace(graph, grain=np.ones(graph.n_cells, np.int32))
    problem = Cathode(graph, problem.cell)
    mirrored = Cathode(replace(other, grain=np.ones(other.n_cells, np.int32)), problem.cell)
    u = state(problem, 0.4, -0.03)
    rng = np.random.default_rng(1)
    phi, values = rng.normal(scale=1e-3, size=problem.n_phi), rng.uniform(0.3, 0.6, problem.n_x)
    u[: problem.n_phi], u[problem.n_phi : -1] = phi, values
    v = np.empty_like(u)
    v[-1] = u[-1]
    own = np.zeros(graph.n_cells)
    own[problem.store_cells] = values
    v[: mirrored.n_phi][mirrored.potential_of] = phi[problem.potential_of[original]]
    v[mirrored.n_phi : -1] = own[original[mirrored.store_cells]]
    first, second = problem.evaluate(u), mirrored.evaluate(v)
    rate = np.zeros(graph.n_cells)
    rate[problem.store_cells] = first.rate[problem.n_phi :]
    size = np.abs(rate).max()
    np.testing.assert_allclose(
        second.rate[mirrored.n_phi :], rate[original[mirrored.store_cells]], rtol=1e-9, atol=1e-9 * size
    )


@settings(max_examples=10, **UNSHRUNK)
@given(images(), cells())
def test_equilibrium_stays(image, cell):
    """At one potential of lithium everywhere nothing moves."""
    problem = model(image, cell)
    u = state(problem, 0.4)
    at = problem.evaluate(u, None, Past.hold(problem.evaluate(u).memory))
    assert np.abs(at.rate).sum() <= 1e-9 * problem.capacity.sum() / 3600.0


@pytest.mark.parametrize("ratio", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("U", [lambda x, T: 3.0 - 2.0 * x, solid_solution], ids=["steep", "solid solution"])
def test_a_layer_discharges_at_any_ratio_of_conductivities(ratio, U):
    """From full to its cut-off, by a carrier a million times better than the other, and back in balance."""
    sigma = 1e-3
    law = MixedConduction(Uniform(sigma * max(ratio, 1.0)), Uniform(sigma * max(1.0 / ratio, 1.0)), U)
    phases = {"electrolyte": Phase("electrolyte", 1.0), "active": Phase("active", 1.0, Host(2e4, U, law))}
    faces = {frozenset(("electrolyte", "active")): Interface(Linear(), ConstantExchange(np.inf))}
    labels = np.concatenate([np.zeros((1, 1, 1), np.uint8), np.ones((20, 1, 1), np.uint8)])
    problem = Cathode(voxel_graph(labels, SPACING, NAMED), CellParameters(phases, faces, 2.5e-13, T))
    current = problem.capacity.sum() / 3600.0
    start = state(problem, 0.05)
    low = float(np.real(U(np.array([0.97]), T))[0])
    pieces = [Piece(CurrentControl(current), 7200.0, window(low, 9.0))]
    frames = [frame for frame, _ in run(problem, start, pieces, scale=current)]
    assert frames[-1].event == "lower"
    x = problem.split(frames[-1].evaluation.u)[1]
    stored = float(problem.capacity @ (x - 0.05))
    assert stored == pytest.approx(frames[-1].charge, rel=1e-8)
    assert frames[-1].charge / F > 0.0
