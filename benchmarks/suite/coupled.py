"""One Newton system of the main case at growing size: the first of a step of 300 s from rest at 0.1C."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from catholyte.fv.assembly import CoupledSystem
from catholyte.models.control import CurrentControl
from catholyte.simulation import Simulation
from catholyte.solve.linear import LinearResult, LinearSolver, linear_solver

from . import skip_long
from .discharge import main_case

TIME_STEP = 300.0
TOLERANCE = 1e-6
#: voxels along an edge of the case that is solved first, so that all kernels are compiled; threads start within it
WARM_UP = 32


@dataclass(frozen=True)
class NewtonSystem:
    """A matrix, a right-hand side and the number of unknowns, the terminal potential included."""

    system: CoupledSystem
    rhs: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Unknowns."""
        return self.rhs.size

    def solver(self) -> LinearSolver:
        """Return a fresh iterative solver."""
        return linear_solver(self.size, "krylov")

    def solve(self, solver: LinearSolver) -> LinearResult:
        """Solve with a solver that may have served before."""
        return solver.solve(self.system, self.rhs, TOLERANCE)


def newton_system(voxels: int) -> NewtonSystem:
    """Return the system that the first Newton iteration of a time step solves."""
    simulation = Simulation(main_case(voxels))
    current = 0.1 * simulation.built.design.current_density_1C * simulation.area
    control = CurrentControl(current)
    start = simulation.integrator.consistent(simulation.initial_state(), control, current=current).evaluation
    # Implicit Euler from rest: γu + β vanishes in the first iterate, what is left is F(u).
    return NewtonSystem(simulation.cathode.system(start, 1.0 / TIME_STEP, control), np.append(start.rate, 0.0))


class Coupled:
    """Solves of one Newton system to a true residual of 1e-6."""

    params = (32, 48, 64, 96, 128)
    param_names = ("voxels",)
    timeout = 3600
    number = 1
    warmup_time = 0

    def setup(self, voxels: int) -> None:
        skip_long(voxels, 64)
        small = newton_system(WARM_UP)
        small.solve(small.solver())
        self.newton = newton_system(voxels)
        self.used = self.newton.solver()
        self.newton.solve(self.used)

    def time_first_solve(self, voxels: int) -> None:
        """Hierarchies included."""
        self.newton.solve(self.newton.solver())

    def time_next_solve(self, voxels: int) -> None:
        """By a solver that has hierarchies to refresh, as in the Newton iterations that follow."""
        self.newton.solve(self.used)

    def peakmem_solve(self, voxels: int) -> None:
        self.newton.solve(self.used)

    def track_iterations(self, voxels: int) -> int:
        return self.newton.solve(self.used).iterations

    track_iterations.unit = "products"

    def track_us_per_unknown(self, voxels: int) -> float:
        began = perf_counter()
        self.newton.solve(self.used)
        return 1e6 * (perf_counter() - began) / self.newton.size

    track_us_per_unknown.unit = "us"
