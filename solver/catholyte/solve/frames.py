"""What goes into an integration and what comes out of it, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from catholyte.solve.bdf import History
from catholyte.solve.events import Instant


@dataclass(frozen=True)
class Settings:
    """Accuracy of the time integration.

    Attributes
    ----------
    x_tolerance
        Local error of site fractions a step may make (root mean square).
    voltage_tolerance
        Local error of the collector potential a step may make, in V.
    current_tolerance
        Local error of the current a step may make where the current is not imposed, relative to it.
    order
        Highest order of the formula, 1 to 5.
    balance
        Imbalance of currents left by Newton's method, relative to the current of the cell.
    first_step, largest_step
        In s.
    fixed_step
        Take steps of this length in s without error control, to measure the order of convergence.
    """

    x_tolerance: float = 4e-4
    voltage_tolerance: float = 1e-3
    current_tolerance: float = 1e-3
    order: int = 4
    balance: float = 5e-9
    first_step: float | None = None
    largest_step: float = np.inf
    fixed_step: float | None = None


@dataclass(frozen=True)
class Frame:
    """An accepted time step.

    Attributes
    ----------
    t
        Time in s.
    evaluation
        The right-hand side at the state; ``evaluation.u`` is the state.
    charge
        Charge passed since the start of the run in C, discharge positive.
    time_step
        Length of the step in s, zero at the start of a piece.
    order
        Order of the formula, zero at the start of a piece.
    newton_iterations, linear_iterations
        What the step cost, rejected attempts included.
    event
        The stop rule that ended the piece, if this is its last frame.
    """

    t: float
    evaluation: Any
    charge: float
    time_step: float
    order: int
    newton_iterations: int
    linear_iterations: int
    event: str | None = None

    @property
    def instant(self) -> Instant:
        """What a stop rule can ask for."""
        at = self.evaluation
        return Instant(self.t, float(at.current), float(at.voltage), float(at.memory_rate[-1]), self.charge)


@dataclass(frozen=True)
class Progress:
    """Where an integration stands between two steps: all that is needed to go on from there."""

    history: History
    order: int
    step: float
    steps_at_order: int
