"""Pulses and rests of a run: which of its steps they are, and the voltage before, during and after them.

Steps carry their role where the protocol was written as a measurement (``GITT …``, ``HPPC …``, an interruption). A
protocol that spells the same thing out step by step can be read as one: every step of constant current that a rest
follows is then a pulse, and every rest that follows a current an interruption.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.evaluation.segments import NO_CURRENT, Segment, segments
from catholyte.results import Results

Curve = NDArray[np.float64]

#: part of a rest, at its end, over which its drift is measured
_TAIL = 0.1


@dataclass(frozen=True)
class Pulse:
    """A step of constant current with what stands before and behind it.

    Attributes
    ----------
    step
        The pulse.
    before
        Voltage of the relaxed cell before it in V; NaN where no rest precedes it.
    rest
        The rest behind it; None if the run ended before.
    """

    step: Segment
    before: float
    rest: Segment | None


class Record:
    """The curves of a run and its steps, without the spectra that were taken between them."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.steps = tuple(each for each in segments(results) if each.kind != "spectrum")
        self.time, self.voltage, self.cell_voltage, self.current, self.charge = (
            (results.curves[name].to_numpy() if results.counts.points else np.empty(0))
            for name in ("time", "voltage", "cell_voltage", "current_density", "charge")
        )

    def at(self, name: str, point: int) -> float:
        """Return a curve at a point; NaN if the result does not hold it."""
        return float(self.results.curves[name][point]) if name in self.results.curves else math.nan

    def pulses(self, role: str, rest_role: str, *, spelled_out: bool = False) -> list[Pulse]:
        """Return the steps of a role; with ``spelled_out`` every step of constant current that a rest follows."""
        found = []
        for k, step in enumerate(self.steps):
            follower = self.steps[k + 1] if k + 1 < len(self.steps) else None
            rest = (
                follower if follower is not None and (follower.role == rest_role or follower.kind == "rest") else None
            )
            if step.role == role or (spelled_out and not step.role and step.kind == "current" and rest is not None):
                found.append(Pulse(step, self._before(k), rest))
        return found

    def interruptions(self, *, spelled_out: bool = False) -> list[tuple[int, Segment]]:
        """Return the interruptions with the last point before each; with ``spelled_out`` every rest after a current."""
        if not self.steps:
            return []
        flows = np.abs(self.current) > NO_CURRENT * float(np.nanmax(np.abs(self.current)))
        found = []
        for before, step in itertools.pairwise(self.steps):
            if (step.role == "interruption" or (spelled_out and step.kind == "rest")) and flows[before.last]:
                found.append((before.last, step))
        return found

    def duration(self, step: Segment) -> float:
        """Return how long a step lasted in s, from the end of the one before it."""
        return float(self.time[step.last] - self.time[step.first])

    def drift(self, rest: Segment) -> float:
        """Return dV/dt at the end of a rest in V/s, fitted to its last tenth."""
        time, voltage = self.time[rest.points], self.voltage[rest.points]
        if time.size < 2:
            return math.nan
        tail = time >= time[-1] - _TAIL * (time[-1] - time[0])
        tail[-2:] = True
        return float(np.polyfit(time[tail] - time[-1], voltage[tail], 1)[0])

    def _before(self, k: int) -> float:
        """Return the voltage before step ``k`` if the cell was at rest there."""
        if k == 0:
            # A run begins in equilibrium; the first recorded point lies after the jump.
            return self.at("equilibrium_voltage", 0) if self.charge[0] == 0.0 else math.nan
        previous = self.steps[k - 1]
        return float(self.voltage[previous.last]) if previous.kind == "rest" else math.nan


@dataclass(frozen=True)
class RootFit:
    """A straight line through the voltage against the root of the time since a pulse began.

    Attributes
    ----------
    slope
        dV/d√t in V/√s; NaN if there were too few points.
    intercept
        In V.
    linearity
        Coefficient of determination R².
    points
        How many points the line went through.
    """

    slope: float
    intercept: float
    linearity: float
    points: int


def root_fit(time: Curve, voltage: Curve, window: Sequence[float], *, curvature: bool = False) -> RootFit:
    """Fit V = a + b √t, or a + b √t + c t, to a part of a pulse.

    The points are weighted with their distance in √t, so that it does not matter how they are spaced.

    Parameters
    ----------
    time
        Since the pulse began in s, rising, up to its end.
    voltage
        In V.
    window
        The part: from the first to the second share of the whole time.
    curvature
        Adds the term in t; see :mod:`catholyte.evaluation.gitt` for what it is good for.
    """
    low, high = window
    inside = (time >= low * time[-1]) & (time <= high * time[-1] * (1.0 + 1e-12)) & (time > 0.0)
    columns = 3 if curvature else 2
    root, V = np.sqrt(time[inside]), voltage[inside]
    if root.size <= columns:
        return RootFit(math.nan, math.nan, math.nan, int(root.size))
    weights = np.sqrt(np.gradient(root))
    scale = root[-1]
    terms = np.stack([(root / scale) ** power for power in range(columns)], axis=1)
    found, *_ = np.linalg.lstsq(weights[:, None] * terms, weights * V, rcond=None)
    mean = float(np.average(V, weights=weights**2))
    spread = float(np.sum((weights * (V - mean)) ** 2))
    missed = float(np.sum((weights * (V - terms @ found)) ** 2))
    linearity = 1.0 - missed / spread if spread > 0.0 else math.nan
    return RootFit(float(found[1] / scale), float(found[0]), linearity, int(root.size))
