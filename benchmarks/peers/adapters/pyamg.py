"""pyamg: classical (Ruge–Stüben) or smoothed aggregation multigrid as the preconditioner of conjugate gradients.

It is handed our assembled matrix, so the plates are on the outer faces and assembling is not counted; the hierarchy
and the iteration are. The iteration stops as soon as the currents through the plates match; the time spent on looking
is taken off.
"""

from __future__ import annotations

from contextlib import suppress

import pyamg

from benchmarks.peers.problem import Answer, Clock, Problem
from benchmarks.peers.system import Matched, Watch, assemble

_COARSENINGS = {
    "ruge-stuben": pyamg.ruge_stuben_solver,
    "smoothed-aggregation": pyamg.smoothed_aggregation_solver,
}


def solve(problem: Problem, clock: Clock, *, coarsening: str) -> Answer:
    """Solve with pyamg's defaults."""
    with clock("assembly"):
        system = assemble(problem)
    with clock("set-up"):
        hierarchy = _COARSENINGS[coarsening](system.matrix)
    watch = Watch(system)
    with clock("solve"), suppress(Matched):
        hierarchy.solve(system.load, tol=1e-14, maxiter=500, accel="cg", callback=watch)
    clock.seconds["solve"] -= watch.seconds
    return system.answer(watch.x, watch.iterations)
