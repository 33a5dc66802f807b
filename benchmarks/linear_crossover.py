"""Print the time of a Newton solve by factorisation and by the iteration over size, to place the limit between them.

python -m benchmarks.linear_crossover
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.suite.coupled import NewtonSystem, newton_system
from benchmarks.tables import Column, show
from catholyte.solve.linear import DIRECT_LIMIT, DirectSolver, LinearSolver

_TIMES = 5
_COLUMNS = (
    Column("unknowns", "unknowns", ",d"),
    Column("direct", "direct ms", ".1f"),
    Column("krylov", "iterative ms", ".1f"),
    Column("iterations", "iterations", "d"),
)


def main() -> None:
    """Compare both solvers on the systems of the main case at 300 s steps."""
    rows = []
    for voxels in (8, 10, 12, 14, 16, 20, 24):
        newton = newton_system(voxels)
        direct, _ = _measure(newton, DirectSolver())
        krylov, iterations = _measure(newton, newton.solver())
        rows.append({"unknowns": newton.size, "direct": direct, "krylov": krylov, "iterations": iterations})
    show(rows, _COLUMNS, title=f"one Newton system; factorised up to {DIRECT_LIMIT} unknowns")


def _measure(newton: NewtonSystem, solver: LinearSolver) -> tuple[float, int]:
    """Return the mean time of a solve in ms, after a first one, and its iterations."""
    newton.solve(solver)
    began = time.perf_counter()
    for _ in range(_TIMES):
        iterations = newton.solve(solver).iterations
    return 1e3 * (time.perf_counter() - began) / _TIMES, iterations


if __name__ == "__main__":
    main()
