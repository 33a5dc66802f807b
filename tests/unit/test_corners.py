"""Newton and frequency systems over every corner of the constants, solved by iteration; `pytest -s` prints the table.

The systems are those after a jump of the voltage with uneven lithium: γM − ∂F/∂u with γ one over the step, or iω.
"""

from __future__ import annotations

import itertools
import logging
import sys
from dataclasses import replace

import numpy as np
import pytest
from small_cells import NAMES, Constants, composite, parameters, percolating, state

from catholyte.errors import NotConverged
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl
from catholyte.solve import linear
from catholyte.solve.blocks import GridBlocks
from catholyte.solve.linear import DirectSolver, KrylovSolver

#: exchange currents over their base value, conductivities in S/m, steps in s and angular frequencies in rad/s
EXCHANGE = (1e-4, 1.0, 1e4, 1e8, 1e11)
SIGMA = (1e-8, 1e-3, 1e-1, 1e7)
STEPS = (1e-6, 1e-2, 1e2, 1e6)
FREQUENCIES = (1e-5, 1e-1, 1e3, 1e8)
#: preconditioned products of a solve to 1e-6, and at the longest step, where little holds the mean of x
MOST_ITERATIONS, MOST_AT_LAST = 30, 45
TOLERANCE = 1e-6
#: two levels and more in every hierarchy
IMAGE = composite(8)
CONTROL = CurrentControl(1e-9)


def cathode(constants, *, structured=True):
    spacing = (0.5e-6, 0.5e-6, 0.5e-6)
    graph = percolating(voxel_graph(IMAGE, spacing, NAMES))
    area = IMAGE[0].size * spacing[1] * spacing[2]
    return Cathode(graph if structured else replace(graph, grid=None), parameters(constants, area))


def jump(problem):
    """Evaluate a state 50 mV from equilibrium in which x scatters by two percent."""
    u = state(problem, 0.4, -0.05)
    u[problem.n_phi : -1] += 0.02 * np.random.default_rng(0).standard_normal(problem.n_x)
    return problem.evaluate(u)


def system_of(problem, gamma, at=None):
    at = jump(problem) if at is None else at
    load = np.append(at.rate, -CONTROL.equation(at.current, at.voltage)[0])
    return problem.system(at, gamma, CONTROL), load.astype(np.result_type(load, gamma))


def misses(system, found, exact):
    """Return the relative errors of potentials, lithium and terminal."""
    n = system.n_phi
    parts = (slice(0, n), slice(n, -1), slice(-1, None))
    return [float(np.linalg.norm(found[p] - exact[p]) / np.linalg.norm(exact[p])) for p in parts]


@pytest.mark.parametrize("sigma_i", SIGMA)
@pytest.mark.parametrize(("kind", "times"), [("step", STEPS), ("frequency", FREQUENCIES)])
def test_every_corner_is_solved(kind, times, sigma_i):
    table, unsolved = [], []
    for sigma_e, i0 in itertools.product(SIGMA, EXCHANGE):
        problem = cathode(Constants(i0=0.11 * i0, sigma_i=sigma_i, sigma_e=sigma_e, sigma_carbon=10.0 * sigma_e))
        at = jump(problem)
        for time in times:
            corner = f"{kind} {time:7.0e}  sigma_i {sigma_i:6.0e}  sigma_e {sigma_e:6.0e}  i0 {i0:6.0e}"
            system, load = system_of(problem, 1.0 / time if kind == "step" else 1j * time, at)
            solver = KrylovSolver()
            try:
                found = solver.solve(system, load, TOLERANCE)
            except NotConverged as failure:
                unsolved.append(f"{corner}: {failure}")
                continue
            table.append(f"{corner}  {solver.variant:14s} {found.iterations:3d}")
            assert found.residual <= TOLERANCE
            assert found.iterations <= (MOST_AT_LAST if time in (STEPS[-1], FREQUENCIES[0]) else MOST_ITERATIONS), (
                table[-1]
            )
            if i0 in (1.0, EXCHANGE[-1]):
                exact = DirectSolver().solve(system, load, 0.0)
                assert max(misses(system, found.x, exact.x)) < 1e-4, corner
    sys.stdout.write("\n" + "\n".join(table) + "\n")
    assert not unsolved


# --- the choice between the variants


@pytest.mark.parametrize(
    ("constants", "structured", "variant"),
    [
        (Constants(), True, "grid"),
        (Constants(sigma_e=0.1, sigma_carbon=100.0), True, "grid"),
        (Constants(sigma_e=1e-4, sigma_carbon=100.0), True, "graph"),
        (Constants(sigma_e=1e-6, sigma_carbon=100.0), True, "graph"),
        (Constants(), False, "graph"),
    ],
    ids=["uniform", "moderate contrast", "contrast 1e6", "contrast 1e8", "unstructured"],
)
@pytest.mark.parametrize("gamma", [1.0, 1.0j], ids=["step", "frequency"])
def test_variant_follows_from_the_coefficients(constants, structured, variant, gamma, caplog):
    """The grid where there is one and conductances differ moderately, else the graph; either solves, and is logged."""
    system, load = system_of(cathode(constants, structured=structured), gamma)
    solver = KrylovSolver()
    with caplog.at_level(logging.INFO, logger="catholyte"):
        found = solver.solve(system, load, TOLERANCE)
    assert solver.variant == variant
    assert f"{variant} multigrid" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    exact = DirectSolver().solve(system, load, 0.0)
    assert max(misses(system, found.x, exact.x)) < 1e-4


class Noise(GridBlocks):
    """Answers that have nothing to do with the question."""

    def potentials(self, load):
        return np.random.default_rng(0).standard_normal(load.size).astype(load.dtype)


class Overflow(GridBlocks):
    """What is left of a number that single precision could not hold."""

    def potentials(self, load):
        return np.full_like(load, np.nan)


@pytest.mark.parametrize("failing", [Noise, Overflow])
def test_a_failing_variant_hands_over_and_says_so(failing, monkeypatch, caplog):
    monkeypatch.setitem(linear._VARIANTS, "grid", failing)
    system, load = system_of(cathode(Constants()), 1.0)
    solver = KrylovSolver()
    with caplog.at_level(logging.INFO, logger="catholyte"):
        found = solver.solve(system, load, TOLERANCE)
    assert solver.variant == "graph"
    exact = DirectSolver().solve(system, load, 0.0)
    assert max(misses(system, found.x, exact.x)) < 1e-4
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "grid multigrid left a residual" in warnings[0]

    # The next system begins with what worked.
    caplog.clear()
    again = solver.solve(system, load, TOLERANCE)
    assert again.iterations < found.iterations
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]


def test_when_every_variant_fails_the_residual_is_told(monkeypatch):
    for name in linear._VARIANTS:
        monkeypatch.setitem(linear._VARIANTS, name, Noise)
    system, load = system_of(cathode(Constants()), 1.0)
    with pytest.raises(NotConverged, match="linear solve"):
        KrylovSolver().solve(system, load, TOLERANCE)
