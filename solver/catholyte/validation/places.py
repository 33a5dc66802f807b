"""Where in a run something is read: a carried-out step, a charge, a discharge or all of it, and a point along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError, InputErrors
from catholyte.evaluation.basis import basis
from catholyte.evaluation.halfcycles import half_cycles
from catholyte.evaluation.segments import segments
from catholyte.results import Results
from catholyte.units import from_si, to_si
from catholyte.validation.reading import Keys

Curve = NDArray[np.float64]

_SIGNS = {"discharge": 1, "charge": -1}
_AXES = ("time", "specific capacity", "areal capacity", "potential")
_AT = "'start', 'end', a time, a capacity or a voltage along it, like '10 hours', '60 mAh/g' or '3.25 V'"


@dataclass(frozen=True)
class Stretch:
    """A part of a run.

    Attributes
    ----------
    kind
        step, charge, discharge, or run for all of it.
    number
        Which one, from 1 in the order of the run, or from the last with -1, -2, …
    where
        Path of its key in errors.
    """

    kind: str
    number: int
    where: str

    def points(self, results: Results) -> NDArray[np.intp]:
        """Return the points of this part of a run, rests inside it left out where it is a charge or discharge.

        Raises
        ------
        InputError
            If the run has no such part.
        """
        if self.kind == "run":
            found = [np.arange(results.counts.points)]
        elif self.kind == "step":
            found = [np.arange(step.first, step.stop) for step in segments(results)]
        else:
            found = [
                np.concatenate([np.arange(part.start, part.stop) for part in half.parts])
                for half in half_cycles(results)
                if half.sign == _SIGNS[self.kind]
            ]
        return found[nth(self.number, len(found), self.kind, self.where)]


def nth(number: int, there: int, what: str, where: str) -> int:
    """Return the index of the so-manieth of some things; negative numbers count from the last.

    Raises
    ------
    InputError
        If there are not so many.
    """
    if not 1 <= abs(number) <= there:
        few = f"only {there} of them" if there else "none"
        raise InputError(where, number, f"the number of a {what} of the run, which has {few}")
    return number - 1 if number > 0 else there + number


def read_stretch(keys: Keys, *, kinds: tuple[str, ...] = ("step", "charge", "discharge")) -> Stretch:
    """Read which part of a run is meant: at most one of the kinds as a key, else the whole run."""
    given = [kind for kind in kinds if keys.has(kind)]
    if len(given) > 1:
        raise InputErrors(
            InputError(keys.path(kind), keys.data[kind], f"one of {', '.join(kinds)} alone") for kind in given
        )
    if not given:
        return Stretch("run", 1, keys.where)
    (kind,) = given
    expected = f"the number of a {kind} of the run from 1, or from the last with -1"
    number = keys.whole(kind, expected, 1)
    return Stretch(kind, number, keys.path(kind))


@dataclass(frozen=True)
class Place:
    """A point along a part of a run.

    Attributes
    ----------
    stretch
        The part.
    axis
        start, end, time, specific capacity, areal capacity, or potential vs Li/Li⁺.
    value
        How far along, in SI.
    where
        Path of its key in errors.
    """

    stretch: Stretch
    axis: str
    value: float
    where: str

    def read(self, results: Results, curve: str) -> float:
        """Return a curve there, interpolated linearly.

        Raises
        ------
        InputError
            If the run has no such curve, or does not get there.
        """
        values = results.curves[curve].to_numpy()
        at = self.stretch.points(results)
        if self.axis in ("start", "end"):
            return float(values[at[0 if self.axis == "start" else -1]])
        if self.axis == "potential":
            return self._at_voltage(results.curves["voltage"].to_numpy()[at], values[at])
        along = self._along(results, at)
        if self.value > along[-1]:
            unit = {"time": "s", "specific capacity": "mAh/g", "areal capacity": "mAh/cm2"}[self.axis]
            here, last = (f"{from_si(each, unit, self.axis):.6g} {unit}" for each in (self.value, float(along[-1])))
            raise InputError(self.where, here, f"a place that the run reaches; it ends at {last}")
        return float(np.interp(self.value, along, values[at]))

    def _at_voltage(self, voltage: Curve, values: Curve) -> float:
        """Return a curve where the voltage last passes the value: what has happened by then is over."""
        above = voltage > self.value
        passes = np.flatnonzero(above[1:] != above[:-1])
        if not passes.size:
            span = f"from {voltage.min():.4g} to {voltage.max():.4g} V"
            raise InputError(self.where, f"{self.value:g} V", f"a voltage that this part of the run passes, {span}")
        k = int(passes[-1])
        share = (self.value - voltage[k]) / (voltage[k + 1] - voltage[k])
        return float(values[k] + share * (values[k + 1] - values[k]))

    def _along(self, results: Results, at: NDArray[np.intp]) -> Curve:
        if self.axis == "time":
            time = results.curves["time"].to_numpy()
            begin = time[at[0] - 1] if at[0] else 0.0  # a step begins where the one before it ended
            along: Curve = time[at] - min(begin, time[at[0]])
        else:
            passed, _ = results.increments("voltage")
            along = np.cumsum(np.abs(passed[at]))
            if self.axis == "specific capacity":
                along = along / basis(results).amount
        return np.maximum.accumulate(along)


def read_place(keys: Keys) -> Place:
    """Read a point along a part of a run: ``at``, and which part; the end of the run by default."""
    stretch = read_stretch(keys)
    text = keys.text_or("at", _AT, "end")
    where = keys.path("at")
    if text in ("start", "end"):
        return Place(stretch, text, 0.0, where)
    for axis in _AXES:
        try:
            return Place(stretch, axis, to_si(text, axis, key=where), where)
        except InputError:
            continue
    raise InputError(where, text, _AT)
