"""The coarse correction of systems with reaction networks: what it solves exactly, and what it saves."""

from __future__ import annotations

import numpy as np
import pytest
from builders import T, random_image
from small_networks import composed, iodine_network

from catholyte.mesh.percolation import percolation
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl
from catholyte.models.parameters import CellParameters, Interface, Phase
from catholyte.solve.coarse import BoxCorrection
from catholyte.solve.linear import DirectSolver, KrylovSolver

#: leading coefficients in 1/s, from steps of eleven days to steps of a millisecond
GAMMA = (1e-6, 1e-3, 1.0, 1e3)
#: both phases in the middle of a couple, and next to nothing left of what reacts
STATES = {
    "lower couple": {"I-": 0.5, "I0": 0.5, "ICl": 1e-12, "Cl-": 1.0, "Cl0": 1e-9, "In3+": 1.0 - 1e-6, "In2+": 1e-6},
    "upper couple": {"I-": 1e-9, "I0": 0.5, "ICl": 0.5, "Cl-": 0.7, "Cl0": 1e-9, "In3+": 1.0 - 1e-6, "In2+": 1e-12},
    "indium": {"I-": 1.0 - 1e-8, "I0": 1e-8, "ICl": 1e-30, "Cl-": 1.0, "Cl0": 1e-9, "In3+": 0.4, "In2+": 0.6},
}
#: preconditioned products of a solve to 1e-6; 14 is the most that any takes today, and without the correction some fail
MOST_ITERATIONS = 20


def nanocomposite(n=10):
    """Return iodine and catholyte in half a nanometre's voxels, each through to its terminal."""
    labels = random_image((n, n, n), 0.5, 1, width=2.5)
    labels[:2], labels[-2:] = 1, 0
    graph = voxel_graph(labels, (0.5e-9,) * 3, ("active", "electrolyte"), excluded=())
    graph = graph.subset(percolation(graph, {"active": "active", "electrolyte": "electrolyte"}).keep)
    network = iodine_network()
    solid, fluid = network.stocks
    phases = {"active": Phase("active", 10.0, stock=solid), "electrolyte": Phase("electrolyte", 0.02, stock=fluid)}
    interfaces = {frozenset(phases): Interface(network=network)}
    return Cathode(graph, CellParameters(phases, interfaces, (n * 0.5e-9) ** 2, T))


@pytest.fixture(scope="module")
def problem():
    return nanocomposite()


def newton_system(problem, state, gamma):
    """Return the first system of a step of a charge within ten hours, and its right-hand side."""
    iodine = problem.stores[0].at
    current = -problem.capacity[iodine].sum() / 36000.0
    u = problem.starting_guess(composed(problem, STATES[state], 3.2), current)
    at = problem.evaluate(u)
    load = np.append(at.rate, 0.0)
    load[: problem.n_phi] += np.random.default_rng(0).standard_normal(problem.n_phi) * current / problem.size
    return problem.system(at, gamma, CurrentControl(current)), load


@pytest.mark.parametrize("state", STATES)
def test_long_and_short_steps_are_solved(problem, state):
    for gamma in GAMMA:
        system, load = newton_system(problem, state, gamma)
        found = KrylovSolver().solve(system, load, 1e-6)
        assert found.residual <= 2e-6
        assert found.iterations <= MOST_ITERATIONS, gamma


@pytest.mark.parametrize("gamma", GAMMA[1:])
def test_solution_is_that_of_the_factorisation(problem, gamma):
    system, load = newton_system(problem, "upper couple", gamma)
    exact = DirectSolver().solve(system, load, 0.0).x
    found = KrylovSolver().solve(system, load, 1e-8).x
    assert np.abs(found - exact).max() < 1e-4 * np.abs(exact).max()


@pytest.mark.parametrize("omega", [1e-4, 1e-1, 1e2])
def test_frequencies_in_place_of_steps(problem, omega):
    at = problem.evaluate(composed(problem, STATES["upper couple"], 3.7))
    system = problem.alternating(at, omega)
    load = np.zeros(problem.size, dtype=complex)
    load[-1] = 1.0
    exact = DirectSolver().solve(system, load, 0.0).x
    found = KrylovSolver().solve(system, load, 1e-6)
    assert found.iterations <= MOST_ITERATIONS
    assert np.abs(found.x - exact).max() < 1e-3 * np.abs(exact).max()


@pytest.mark.parametrize("gamma", GAMMA[1:])
def test_what_is_uniform_over_boxes_is_answered_exactly(problem, gamma):
    """Galerkin: the load of boxwise numbers gives them back."""
    system, _ = newton_system(problem, "upper couple", gamma)
    correction = BoxCorrection(system.skeleton)
    correction.take(system)
    uniform = correction.solve(np.random.default_rng(3).standard_normal(system.n_phi + system.n_x))
    again = correction.solve(system.product(uniform))
    assert np.abs(again - uniform).max() < 1e-5 * np.abs(uniform).max()


def test_steps_that_are_short_against_diffusion_go_without(problem, monkeypatch):
    def refuse(*_):
        raise AssertionError("corrected")

    monkeypatch.setattr(BoxCorrection, "solve", refuse)
    system, load = newton_system(problem, "upper couple", 1e7)
    assert KrylovSolver().solve(system, load, 1e-6).residual <= 2e-6
    system, load = newton_system(problem, "upper couple", 1.0)
    with pytest.raises(AssertionError, match="corrected"):
        KrylovSolver().solve(system, load, 1e-6)
