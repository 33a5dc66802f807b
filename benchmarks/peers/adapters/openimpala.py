"""OpenImpala: ``openimpala.tortuosity`` of the compiled wheel, on one process.

``solver="pcg"`` (hypre's PCG with its SMG preconditioner, what OpenImpala recommends where voxels are masked): the
values are set in the first and the last layer of voxels ("centres"); the τ that it prints divides by the full length
all the same, so it is low by a factor of (n − 1)/n. The tolerance of 1e-9 on the residual cannot be changed from
Python: what it reaches is tighter than what was asked for.

``solver="mlmg"`` (AMReX's matrix-free multigrid, its default): plates on the outer faces, insulating voxels as an
embedded boundary. ``mlmg_eps`` is tightened tenfold from 1e-4 until the currents match; the first run that does is
counted. AMReX ends the process at voxels that touch along an edge only ("more than 2 cuts").

The potential stays inside; the currents through the first and the last plane of faces are returned. The whole call is
counted. One session serves the whole process, since MPI starts only once in it.
"""

from __future__ import annotations

import atexit
from contextlib import suppress
from functools import cache

import numpy as np
import openimpala

from benchmarks.peers.problem import Answer, Clock, Currents, Problem

_TOLERANCES = tuple(10.0**-k for k in range(4, 12))


@cache
def _session() -> openimpala.Session:
    session = openimpala.Session()
    session.__enter__()
    atexit.register(session.__exit__, None, None, None)
    return session


def solve(problem: Problem, clock: Clock, *, solver: str) -> Answer:
    """Solve with ``tortuosity`` along z, which is axis 0."""
    _session()
    image = problem.conducts.astype(np.int32)
    if solver != "mlmg":
        return _run(image, clock, solver)
    for tolerance in _TOLERANCES:
        clock.seconds.clear()
        # It raises ConvergenceError itself where its currents differ by more than 1e-4.
        with suppress(openimpala.ConvergenceError):
            answer = _run(image, clock, solver, mlmg_eps=tolerance)
            if answer.through(problem, "faces").mismatch <= problem.tolerance:
                return answer
    clock.seconds.clear()
    return _run(image, clock, solver)


def _run(image: np.ndarray, clock: Clock, solver: str, **options: float) -> Answer:
    with clock("solve"):
        # One box: boxes share work among processes, and there is one.
        result = openimpala.tortuosity(
            image, phase=1, direction="z", solver=solver, max_grid_size=max(image.shape), **options
        )
    currents = Currents(abs(result.flux_in), abs(result.flux_out))
    return Answer(currents=currents, iterations=result.iterations, tau=result.tortuosity)
