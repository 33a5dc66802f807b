"""Systems with mixed conductors over every corner of their constants, by iteration; `pytest -s` prints the table.

The systems are those of implicit steps at a state with uneven lithium, as in ``test_corners.py``.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace

import numpy as np
import pytest
from small_cells import (
    ACTIVE,
    CARBON,
    ELECTROLYTE,
    NAMES,
    VOID,
    Piece,
    composite,
    percolating,
    run,
    solid_solution,
    state,
    window,
)

from catholyte.mesh.nodes import node_graph
from catholyte.mesh.shapes import PolycrystalShape, build
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl
from catholyte.models.parameters import CellParameters, Host, Interface, Phase
from catholyte.physics.kinetics import ButlerVolmer, ConstantExchange, Linear, SymmetricExchange
from catholyte.physics.transport import Diffusion, MixedConduction, Uniform
from catholyte.solve.linear import DirectSolver, KrylovSolver

T, C_MAX = 298.15, 2e4
#: conductivity of the better carrier in S/m, and of electrons over ions; exchange currents in A/m²; steps in s
SIGMA = (1e-6, 1e-2, 1e3)
RATIO = (1e-6, 1e-3, 1.0, 1e3, 1e6)
EXCHANGE = (1e-4, 1e2, 1e11)
STEPS = (1e-6, 1.0, 1e6)
TOLERANCE = 1e-6
SPACING = (0.5e-6, 0.5e-6, 0.5e-6)
IMAGE = composite(8, seed=3)
CONTROL = CurrentControl(1e-9)


def mixed_cathode(sigma_e, sigma_i, i0, *, structured=True):
    """A random composite whose active material is a mixed conductor; carbon and electrolyte are ten times better."""
    graph = percolating(voxel_graph(IMAGE, SPACING, NAMES))
    law = MixedConduction(Uniform(sigma_e), Uniform(sigma_i), solid_solution)
    phases = {
        "electrolyte": Phase("electrolyte", 10.0 * sigma_i),
        "active": Phase("active", sigma_e, Host(C_MAX, solid_solution, law)),
        "carbon": Phase("conductor", 10.0 * sigma_e),
    }
    faces = {frozenset(("electrolyte", "active")): Interface(ButlerVolmer(), SymmetricExchange(i0))}
    area = IMAGE[0].size * SPACING[1] * SPACING[2]
    return Cathode(graph if structured else replace(graph, grid=None), CellParameters(phases, faces, area, T))


def uneven(problem):
    """Evaluate a state 50 mV from equilibrium in which x scatters by two percent."""
    u = state(problem, 0.4, -0.05)
    u[problem.n_phi : -1] += 0.02 * np.random.default_rng(0).standard_normal(problem.n_x)
    return problem.evaluate(u)


def system_of(problem, gamma, at):
    load = np.append(at.rate, -CONTROL.equation(at.current, at.voltage)[0])
    return problem.system(at, gamma, CONTROL), load


@pytest.mark.parametrize("sigma", SIGMA)
@pytest.mark.parametrize("structured", [True, False], ids=["grid", "graph"])
def test_every_corner_is_solved(structured, sigma):
    """Against the direct solution too, where the potentials are not drowned in rounding."""
    assert {ELECTROLYTE, ACTIVE, CARBON, VOID} <= set(np.unique(IMAGE))
    table = []
    for ratio, i0 in itertools.product(RATIO, EXCHANGE):
        sigma_e, sigma_i = (sigma, sigma / ratio) if ratio >= 1.0 else (sigma * ratio, sigma)
        problem = mixed_cathode(sigma_e, sigma_i, i0, structured=structured)
        at = uneven(problem)
        for time in STEPS:
            system, load = system_of(problem, 1.0 / time, at)
            solver = KrylovSolver()
            found = solver.solve(system, load, TOLERANCE)
            corner = f"step {time:7.0e}  sigma_e {sigma_e:6.0e}  sigma_i {sigma_i:6.0e}  i0 {i0:6.0e}"
            table.append(f"{corner}  {solver.variant:14s} {found.iterations:3d}")
            assert found.residual <= 100.0 * TOLERANCE, table[-1]
    sys.stdout.write("\n" + "\n".join(table) + "\n")


@pytest.mark.parametrize("structured", [True, False], ids=["grid", "graph"])
@pytest.mark.parametrize("sigma", [(30.0, 0.05), (1e-3, 1e-3), (1e-3, 1.0)])
def test_a_solution_is_that_of_the_direct_solver(sigma, structured):
    problem = mixed_cathode(*sigma, 10.0, structured=structured)
    at = uneven(problem)
    for gamma in (1e3, 1.0, 1e-3):
        system, load = system_of(problem, gamma, at)
        found, exact = KrylovSolver().solve(system, load, 1e-8), DirectSolver().solve(system, load, 0.0)
        n = problem.n_phi
        for part in (slice(0, n), slice(n, -1)):
            assert np.linalg.norm(found.x[part] - exact.x[part]) < 1e-3 * np.linalg.norm(exact.x[part])


def test_the_reduced_matrix_is_symmetric_and_positive():
    """Electrons and ions as two networks joined by the capacities of the cells."""
    problem = mixed_cathode(1.0, 0.01, 10.0)
    system, _ = system_of(problem, 1.0, uneven(problem))
    dense = system.reduced_matrix.matrix().toarray()
    assert dense.shape[0] == problem.n_phi + problem.mixed.at.size
    np.testing.assert_allclose(dense, dense.T, rtol=1e-13)
    assert np.linalg.eigvalsh(dense / np.abs(dense).max()).min() > 0.0


@pytest.mark.parametrize("resistance", [0.0, 1e-3])
def test_grains_on_tetrahedra_take_a_dozen_iterations(resistance):
    """Whether their boundaries of 10 ohm cm2 tie them together or nearly cut them off."""
    pytest.importorskip("gmsh")
    shape = PolycrystalShape(grains=6, mesh_size=1.5e-6, interface_size=0.7e-6)
    graph, _ = node_graph(build(shape), terminals={"counter": "counter", "collector": "collector"}, apart=("active",))
    phases = {
        "electrolyte": Phase("electrolyte", 0.1),
        "active": Phase("active", 100.0, Host(49000.0, solid_solution, Diffusion(1e-15, 49000.0))),
    }
    faces = {
        frozenset(("electrolyte", "active")): Interface(ButlerVolmer(), SymmetricExchange(0.5)),
        frozenset(("active",)): Interface(contact_resistance=resistance),
    }
    problem = Cathode(graph, CellParameters(phases, faces, 1e-11, T))
    assert min(problem.conduction.conductance) < 0.0
    system, load = system_of(problem, 0.1, uneven(problem))
    solver = KrylovSolver()
    found = solver.solve(system, load, TOLERANCE)
    assert solver.variant == "algebraic"
    assert found.iterations <= 30
    assert found.residual <= TOLERANCE


@pytest.mark.parametrize("ratio", RATIO)
@pytest.mark.parametrize("U", [lambda x, T: 3.0 - 2.0 * x, solid_solution], ids=["steep", "solid solution"])
def test_a_layer_discharges_at_any_ratio_of_conductivities(ratio, U):
    """From full to its cut-off, by a carrier a million times better than the other, and back in balance."""
    sigma = 1e-3
    law = MixedConduction(Uniform(sigma * max(ratio, 1.0)), Uniform(sigma * max(1.0 / ratio, 1.0)), U)
    phases = {"electrolyte": Phase("electrolyte", 1.0), "active": Phase("active", 1.0, Host(2e4, U, law))}
    faces = {frozenset(("electrolyte", "active")): Interface(Linear(), ConstantExchange(np.inf))}
    labels = np.concatenate([np.zeros((1, 1, 1), np.uint8), np.ones((20, 1, 1), np.uint8)])
    problem = Cathode(voxel_graph(labels, SPACING, NAMES), CellParameters(phases, faces, 2.5e-13, T))
    current = problem.capacity.sum() / 3600.0
    start = state(problem, 0.05)
    low = float(np.real(U(np.array([0.97]), T))[0])
    pieces = [Piece(CurrentControl(current), 7200.0, window(low, 9.0))]
    frames = [frame for frame, _ in run(problem, start, pieces, scale=current)]
    assert frames[-1].event == "lower"
    x = problem.split(frames[-1].evaluation.u)[1]
    stored = float(problem.capacity @ (x - 0.05))
    assert stored == pytest.approx(frames[-1].charge, rel=1e-8)
