"""The iterative solver against the factorisation, over every corner of the material constants."""

from __future__ import annotations

import numpy as np
import pytest
from small_cells import Constants, composite, half_cell, laminate, state

from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.parameters import Lumped
from catholyte.solve.linear import DIRECT_LIMIT, DirectSolver, KrylovSolver, linear_solver

EXCHANGE = (1e-4, 1e-1, 1e2, 1e5)
SIGMA_I = (1e-4, 1e-1, 1e2)
SIGMA_E = (1e-4, 1.0, 1e4)
#: leading coefficients in 1/s, from steps of eleven days to steps of a microsecond
GAMMA = (1e-6, 1e-3, 1.0, 1e6)
IMAGE = composite(9)
#: preconditioned products of a solve to 1e-6; 23 is the most that any corner takes today
MOST_ITERATIONS = 35


def newton_system(problem, gamma, control, *, shift=-0.05, frozen=False):
    """Return the first system of a step after a jump of the voltage, and its right-hand side."""
    at = problem.evaluate(state(problem, 0.4, shift))
    f, _, _ = control.equation(at.current, at.voltage)
    load = np.append(at.rate, -f)
    if frozen:
        load[problem.n_phi : -1] = 0.0
    return problem.system(at, gamma, control, frozen=frozen), load


def misses(system, found, exact):
    """Return relative errors: potentials in the norm of the dissipation, lithium by its diagonal, V."""
    n = system.n_phi

    def energies(v):
        phi, x = v[:n], v[n:-1]
        return np.array(
            [
                np.sqrt(phi @ system.phi.product(phi)),
                np.sqrt(np.sum(system.lithium_diagonal * x * x)),
                abs(v[-1]),
            ]
        )

    return energies(found - exact) / energies(exact)


@pytest.mark.parametrize("sigma_e", SIGMA_E)
@pytest.mark.parametrize("sigma_i", SIGMA_I)
def test_every_corner_is_solved(sigma_i, sigma_e, record_property):
    """Twelve decades of steps, nine of kinetics: the direct solution, in a bounded number of products."""
    counts = []
    for i0 in EXCHANGE:
        problem = half_cell(IMAGE, Constants(sigma_i=sigma_i, sigma_e=sigma_e, i0=i0))
        for gamma in GAMMA:
            system, load = newton_system(problem, gamma, CurrentControl(1e-12))
            # At the longest step little holds the mean of x: its error is the residual over that little.
            tolerance = 1e-9 if gamma == GAMMA[0] else 1e-6
            exact = DirectSolver().solve(system, load, 0.0)
            found = KrylovSolver().solve(system, load, tolerance)
            assert exact.residual < 1e-8
            assert found.residual <= 2.0 * tolerance
            assert misses(system, found.x, exact.x).max() < 1e-3, (i0, gamma)
            if gamma != GAMMA[0]:
                counts.append(found.iterations)
    record_property("iterations", counts)
    assert max(counts) <= MOST_ITERATIONS


@pytest.mark.parametrize("control", [CurrentControl(1e-12), VoltageControl(3.5)])
@pytest.mark.parametrize("frozen", [False, True])
def test_both_controls_and_frozen_lithium(control, frozen):
    problem = half_cell(IMAGE, Constants(lumped=Lumped(1e-3, 1e-3, 10.0)))
    system, load = newton_system(problem, 1e-2, control, frozen=frozen)
    exact = DirectSolver().solve(system, load, 0.0)
    found = KrylovSolver().solve(system, load, 1e-9)
    n = system.n_phi
    np.testing.assert_allclose(found.x[-1], exact.x[-1], rtol=1e-6)
    np.testing.assert_allclose(found.x[:n], exact.x[:n], atol=1e-6 * np.abs(exact.x[:n]).max())
    np.testing.assert_allclose(found.x[n:-1], exact.x[n:-1], atol=1e-6 * np.abs(exact.x[n:-1]).max())
    if frozen:
        assert not found.x[n:-1].any()


@pytest.mark.parametrize("frozen", [False, True])
def test_product_and_matrix_are_one_operator(frozen):
    """What Krylov multiplies with and what LU factorises, border included, are built by different code."""
    problem = half_cell(IMAGE, Constants())
    system, _ = newton_system(problem, 1e-3, VoltageControl(3.5), frozen=frozen)
    v = np.random.default_rng(1).standard_normal(problem.size)
    inner = system.product(v[:-1]) + system.terminal_column * v[-1]
    border = system.terminal_row @ v[: system.n_phi] + system.terminal_corner * v[-1]
    product = system.matrix() @ v
    np.testing.assert_allclose(inner, product[:-1], rtol=1e-12, atol=1e-12 * np.abs(product).max())
    np.testing.assert_allclose(border, product[-1], rtol=1e-12)


def test_a_kept_solver_solves_a_changed_system():
    """Hierarchies and the terminal response are reused for new coefficients: the answer must not show it."""
    kept = KrylovSolver()
    problem = half_cell(IMAGE, Constants())
    for gamma, shift in ((1e2, -0.01), (1e-3, -0.05), (1.0, 0.2)):
        system, load = newton_system(problem, gamma, CurrentControl(1e-12), shift=shift)
        exact = DirectSolver().solve(system, load, 0.0)
        found = kept.solve(system, load, 1e-8)
        assert misses(system, found.x, exact.x).max() < 1e-5


def test_small_problems_are_factorised_unless_told_otherwise():
    assert isinstance(linear_solver(DIRECT_LIMIT), DirectSolver)
    assert isinstance(linear_solver(DIRECT_LIMIT + 1), KrylovSolver)
    assert isinstance(linear_solver(10, "krylov"), KrylovSolver)
    assert isinstance(linear_solver(10**7, "direct"), DirectSolver)


def test_no_load_is_answered_by_nothing():
    problem = half_cell(laminate(2, 3), Constants())
    system, _ = newton_system(problem, 1.0, CurrentControl(0.0))
    for solver in (DirectSolver(), KrylovSolver()):
        result = solver.solve(system, np.zeros(problem.size), 1e-9)
        assert not result.x.any()
        assert result.residual == 0.0
