"""The carried-out steps of a run as ranges of its points: where each began and ended, and what it was told to be."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from catholyte.results import Results

#: what the provenance tells of a task
_TOLD = ("text", "kind", "role")

#: a step in which no more than this share of the largest current of the run flows is a rest
NO_CURRENT = 1e-9

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
        The step as it was written.
    kind
        current, voltage, rest, power, resistance, sweep or spectrum.
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
    """Return the carried-out steps of a run in their order."""
    if not results.counts.points:
        return ()
    curves, tasks = results.curves, results.provenance["tasks"]
    cycle, step, task, count = (
        curves[name].to_numpy().astype(int) for name in ("cycle_index", "step_index", "task", "step_count")
    )
    begins = np.flatnonzero(np.diff(count, prepend=-1)).tolist()
    return tuple(
        Segment(begin, end, int(cycle[begin]), int(step[begin]), *(tasks[task[begin]][key] for key in _TOLD))
        for begin, end in itertools.pairwise([*begins, count.size])
    )
