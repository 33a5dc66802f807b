"""Print the time of a Newton solve by factorisation and by the iteration over size, to place the limit between them.

python benchmarks/linear_crossover.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from suite.discharge import main_case

from catholyte.models.control import CurrentControl
from catholyte.simulation import Simulation
from catholyte.solve.linear import DIRECT_LIMIT, DirectSolver, KrylovSolver


def main() -> None:
    """Compare both solvers on the systems of the main case at 300 s steps."""
    print(f"{'unknowns':>10}{'direct ms':>12}{'Krylov ms':>12}{'iterations':>12}      limit {DIRECT_LIMIT}")
    for voxels in (8, 10, 12, 14, 16, 20, 24):
        simulation = Simulation(main_case(voxels))
        current = 0.1 * simulation.built.design.current_density_1C * simulation.area
        control = CurrentControl(current)
        start = simulation.integrator.consistent(simulation.initial_state(), control, current=current)
        system = simulation.cathode.system(start.evaluation, 1.0 / 300.0, control)
        rhs = np.random.default_rng(0).standard_normal(simulation.cathode.size) * current * 1e-3
        times, iterations = [], 0
        for solver in (DirectSolver(), KrylovSolver()):
            solver.solve(system, rhs, 1e-6)
            began = time.perf_counter()
            for _ in range(5):
                iterations = solver.solve(system, rhs, 1e-6).iterations
            times.append((time.perf_counter() - began) / 5)
        print(
            f"{simulation.cathode.size:>10}{1e3 * times[0]:>12.1f}{1e3 * times[1]:>12.1f}{iterations:>12}", flush=True
        )


if __name__ == "__main__":
    main()
