"""The carried-out steps of a run as ranges of its points: where each began and ended, and what it was told to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.results import Results

#: a step in which no more than this share of the largest current of the run flows is a rest
NO_CURRENT = 1e-9

#: a step in which the voltage varies by no more than this is held at it [V]
HELD = 1e-7

#: currents are the same when they differ by no more than this share
SAME_CURRENT = 0.01


@dataclass(frozen=True)
class Segment:
    """One carried-out step of the protocol.

    Attributes
    ----------
    first, stop
        Its points: from ``first`` to the one before ``stop``.
    cycle, step
        Where it stands in the protocol, from 0.
    text
        The step as it was written; empty where the result does not say.
    kind
        current, voltage, rest, power, resistance, sweep or spectrum; "other" where the result does not say and
        neither current, voltage nor rest fits.
    role
        Its part in a measurement, such as "gitt pulse"; empty if it has none.
    """

    first: int
    stop: int
    cycle: int
    step: int
    text: str
    kind: str
    role: str

    @property
    def points(self) -> slice:
        """The points as a slice."""
        return slice(self.first, self.stop)

    @property
    def last(self) -> int:
        """The last point."""
        return self.stop - 1


def segments(results: Results) -> tuple[Segment, ...]:
    """Return the carried-out steps of a run in their order.

    Steps are told apart by ``step_count``; results without it by cycle and step within it.
    """
    if not results.counts.points:
        return ()
    curves = results.curves
    cycle = curves["cycle_index"].to_numpy().astype(int)
    step = curves["step_index"].to_numpy().astype(int)
    changed = (np.diff(cycle, prepend=-1) != 0) | (np.diff(step, prepend=-1) != 0)
    if "step_count" in curves:
        changed = np.diff(curves["step_count"].to_numpy(), prepend=-1.0) != 0.0
    begins = np.flatnonzero(changed).tolist()
    ends = [*begins[1:], cycle.size]
    current = curves["current_density"].to_numpy()
    voltage = curves["voltage"].to_numpy()
    largest = float(np.nanmax(np.abs(current)))
    tasks = results.provenance.get("tasks", ())
    numbers = curves["task"].to_numpy().astype(int) if tasks and "task" in curves else None
    found = []
    for begin, end in zip(begins, ends, strict=True):
        if numbers is not None:
            task = tasks[numbers[begin]]
            text, kind, role = task["text"], task["kind"], task["role"]
        else:
            text, kind, role = "", _kind(current[begin:end], voltage[begin:end], largest), ""
        found.append(Segment(begin, end, int(cycle[begin]), int(step[begin]), text, kind, role))
    return tuple(found)


def _kind(current: NDArray[np.float64], voltage: NDArray[np.float64], largest: float) -> str:
    """Tell from what was recorded what was held."""
    amounts = np.abs(current)
    if amounts.max() <= NO_CURRENT * largest:
        return "rest"
    if np.ptp(current) <= SAME_CURRENT * amounts.max():
        return "current"
    return "voltage" if np.ptp(voltage) <= HELD else "other"
