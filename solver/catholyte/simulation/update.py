"""What a progress display is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Update:
    """What a progress display needs after every time step and every frequency.

    Attributes
    ----------
    step, n_steps
        Number of the task (from 1) and how many are planned; None where loops end by a condition.
    cycle
        Cycle of the protocol, from 1.
    text
        The task as it was written.
    time
        Simulated time in s.
    wall_time
        Time since the start of the run in s.
    voltage
        In V vs Li/Li⁺.
    current_density
        In A/m², discharge positive.
    utilisation
        Charge passed over the nominal capacity.
    fraction
        Estimated part of the present task that is done, 0 to 1.
    progress
        Estimated part of the run that is done, 0 to 1; None where it is not known.
    spectrum
        How far a spectrum is, as in "EIS 12/60, 1.2 kHz"; None during a step.
    ended
        Why the task ended, at its last time step or frequency.
    """

    step: int
    n_steps: int | None
    cycle: int
    text: str
    time: float
    wall_time: float
    voltage: float
    current_density: float
    utilisation: float
    fraction: float
    progress: float | None
    spectrum: str | None
    ended: str | None
