"""scipy: conjugate gradients with the diagonal as preconditioner, or the sparse factorisation (SuperLU).

Both are handed our assembled matrix: plates on the outer faces, assembling not counted. The iteration stops as soon
as the currents through the plates match; the time spent on looking is taken off. The factorisation orders by minimum
degree of A + Aᵀ, which is several times faster here than its default.
"""

from __future__ import annotations

from contextlib import suppress

from scipy.sparse import diags
from scipy.sparse.linalg import cg, splu

from benchmarks.peers.problem import Answer, Clock, Problem
from benchmarks.peers.system import Matched, Watch, assemble


def solve(problem: Problem, clock: Clock, *, method: str) -> Answer:
    """Solve with ``cg`` or ``splu``."""
    with clock("assembly"):
        system = assemble(problem)
    if method == "direct":
        with clock("set-up"):
            factor = splu(
                system.matrix.tocsc(),
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
        with clock("solve"):
            x = factor.solve(system.load)
        return system.answer(x, 1)
    watch = Watch(system)
    with clock("solve"), suppress(Matched):
        jacobi = diags(1.0 / system.matrix.diagonal())
        cg(system.matrix, system.load, rtol=1e-14, maxiter=100_000, M=jacobi, callback=watch)
    clock.seconds["solve"] -= watch.seconds
    return system.answer(watch.x, watch.iterations)
