r"""The distance between a computed and a measured curve.

Over the range of capacity (or time) that both curves cover,

.. math:: \Delta V(q) = V_\text{computed}(q) - V_\text{measured}(q), \qquad
          \text{rms} = \Bigl( \frac1{q_2 - q_1} \int_{q_1}^{q_2} \Delta V^2\,dq \Bigr)^{1/2}

with both curves interpolated linearly, so that it does not matter where they were sampled; the mean and the largest
|ΔV| go over the same range. The capacity at cut-off is that at which each curve first reaches the voltage that both
reach: the higher of the two end voltages of a discharge, the lower of a charge. Its difference is computed less
measured, relative to the measured one.

Both capacities count from zero at the beginning of the half-cycle. A half-cycle of the measurement is where its current
keeps its sign, rests left out; a table without a current has to count its capacity from zero in every half-cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError, nearest
from catholyte.evaluation.cycles import REFERENCES
from catholyte.evaluation.halfcycles import HalfCycle, half_cycles
from catholyte.evaluation.measured import Measured
from catholyte.results import Results

Curve = NDArray[np.float64]

#: a measured current below this share of the largest is that of a rest
_NO_CURRENT = 1e-3

#: a measured half-cycle that passes less than this share of the largest is none
_SHORT = 0.01

#: places at which two curves are compared
_PLACES = 2001


@dataclass(frozen=True, eq=False)
class Branch:
    """Voltage [V] against capacity per area [A s/m²], from zero; sign 1 for a discharge, -1 for a charge."""

    sign: int
    capacity: Curve
    voltage: Curve

    @property
    def direction(self) -> str:
        """Discharge or Charge."""
        return "Discharge" if self.sign > 0 else "Charge"


@dataclass(frozen=True)
class Distance:
    """How far two curves are apart; abscissa is a capacity in A s/m² or a time in s.

    Attributes
    ----------
    first, last
        The common range.
    rms, mean, largest
        Of ΔV in V; the largest with its sign.
    where
        Abscissa of the largest.
    """

    first: float
    last: float
    rms: float
    mean: float
    largest: float
    where: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """A computed and a measured half-cycle.

    Attributes
    ----------
    number
        Which half-cycle of its direction, from 1.
    computed, measured
        The curves.
    distance
        Between them.
    cut_off
        Voltage that both reach in V.
    at_cut_off
        Capacities at which they do, computed and measured, in A s/m².
    """

    number: int
    computed: Branch
    measured: Branch
    distance: Distance
    cut_off: float
    at_cut_off: tuple[float, float]

    @property
    def difference(self) -> float:
        """Computed less measured capacity at cut-off in A s/m²."""
        return self.at_cut_off[0] - self.at_cut_off[1]

    @property
    def relative(self) -> float:
        """The difference over the measured capacity."""
        return self.difference / self.at_cut_off[1] if self.at_cut_off[1] else float("nan")


def distance(x: Curve, V: Curve, x_measured: Curve, V_measured: Curve) -> Distance | None:
    """Compare two curves with rising abscissas; None if they have no range in common."""
    first, last = max(x[0], x_measured[0]), min(x[-1], x_measured[-1])
    if not last > first:
        return None
    places = np.linspace(first, last, _PLACES)
    apart = np.interp(places, x, V) - np.interp(places, x_measured, V_measured)
    at = int(np.argmax(np.abs(apart)))
    span = last - first
    return Distance(
        first=float(first),
        last=float(last),
        rms=float(np.sqrt(np.trapezoid(apart**2, places) / span)),
        mean=float(np.trapezoid(apart, places) / span),
        largest=float(apart[at]),
        where=float(places[at]),
    )


def compare_capacity(
    results: Results, measured: Measured, *, against: str = "cell", half_cycle: int | None = None
) -> tuple[Comparison, ...]:
    """Compare voltage against capacity: the first discharge with the first discharge, and so on.

    Parameters
    ----------
    results, measured
        The run and the measurement.
    against
        What the measured voltage refers to: "cell" or "li".
    half_cycle
        Takes this one of the run's half-cycles, from 1 in their order, and the first of the measurement's that
        goes the same way.

    Raises
    ------
    InputError
        If there is nothing that can be compared.
    """
    theirs = branches(measured)
    if not theirs:
        raise InputError("DATA", measured.name, "a measured charge or discharge with its capacity, or current and time")
    halves = half_cycles(results)
    if half_cycle is not None:
        if not 1 <= half_cycle <= len(halves):
            raise InputError("--half-cycle", half_cycle, f"a half-cycle of the run, from 1 to {len(halves)}")
        halves = halves[half_cycle - 1 : half_cycle]
    found = []
    for sign in (1, -1):
        mine = [half for half in halves if half.sign == sign]
        for half, other in zip(mine, [branch for branch in theirs if branch.sign == sign], strict=False):
            comparison = _compare(half, _branch(results, half, _curve(against)), other)
            if comparison is not None:
                found.append((half.parts[0].start, comparison))
    if not found:
        ways = " and ".join(sorted({branch.direction.lower() for branch in theirs}))
        raise InputError("DATA", measured.name, f"a half-cycle of the run's direction; it has only {ways}")
    return tuple(comparison for _, comparison in sorted(found, key=lambda entry: entry[0]))


def compare_time(results: Results, measured: Measured, *, against: str = "cell") -> Distance:
    """Compare voltage against time, both from the first point.

    Raises
    ------
    InputError
        If the measurement has no time, or the run no points.
    """
    if measured.time is None:
        raise InputError("--by", "time", "a table with a column of time", "capacity")
    x, V = time_curve(results, against=against)
    found = distance(x, V, measured.time - measured.time[0], measured.voltage)
    if found is None:
        raise InputError("DATA", measured.name, "a measurement that lasts for some time")
    return found


def time_curve(results: Results, *, against: str) -> tuple[Curve, Curve]:
    """Return time [s] from the first point on, and voltage [V]."""
    curves = results.curves
    time = curves["time"].to_numpy()
    return time - time[0], curves[_curve(against)].to_numpy()


def branches(measured: Measured) -> tuple[Branch, ...]:
    """Return the charges and discharges of a measurement in their order."""
    V, q = measured.voltage, measured.capacity
    if measured.current is not None:
        parts = _by_current(measured.current)
    elif q is not None:
        parts = _by_capacity(q)
    else:
        return ()
    found = []
    for part in parts:
        if q is not None:
            passed = np.abs(q[part] - q[part[0]]) if measured.current is not None else np.abs(q[part])
        elif measured.time is not None and measured.current is not None:
            steps = np.diff(measured.time[part]) * (np.diff(part) == 1)
            amounts = np.abs(measured.current[part])
            passed = np.concatenate([[0.0], np.cumsum(0.5 * (amounts[1:] + amounts[:-1]) * steps)])
        else:
            continue
        if measured.signed and measured.current is not None:
            sign = 1 if measured.current[part].sum() > 0.0 else -1
        else:
            sign = 1 if V[part[-1]] < V[part[0]] else -1
        found.append(Branch(sign, np.maximum.accumulate(passed), V[part]))
    largest = max((branch.capacity[-1] for branch in found), default=0.0)
    return tuple(branch for branch in found if branch.capacity[-1] > _SHORT * largest)


def _curve(against: str) -> str:
    if against not in REFERENCES:
        raise InputError("--against", against, f"one of {', '.join(REFERENCES)}", nearest(against, REFERENCES))
    return REFERENCES[against]


def _by_current(current: Curve) -> list[NDArray[np.intp]]:
    """Return the rows of each half-cycle: those of one sign of the current, rests left out."""
    flows = np.flatnonzero(np.abs(current) > _NO_CURRENT * np.abs(current).max())
    if not flows.size:
        return []
    return [part for part in np.split(flows, np.flatnonzero(np.diff(np.sign(current[flows]))) + 1) if part.size > 1]


def _by_capacity(q: Curve) -> list[NDArray[np.intp]]:
    """Return the rows of each half-cycle of a capacity that begins again from zero."""
    restarts = np.flatnonzero(np.abs(q[1:]) < 0.5 * np.abs(q[:-1])) + 1
    return [part for part in np.split(np.arange(q.size), restarts) if part.size > 1]


def _branch(results: Results, half: HalfCycle, curve: str) -> Branch:
    charge, voltage = results.curves["charge"].to_numpy(), results.curves[curve].to_numpy()
    passed = np.concatenate([half.sign * (charge[part] - half.start) for part in half.parts])
    return Branch(half.sign, np.maximum.accumulate(passed), np.concatenate([voltage[part] for part in half.parts]))


def _compare(half: HalfCycle, computed: Branch, measured: Branch) -> Comparison | None:
    apart = distance(computed.capacity, computed.voltage, measured.capacity, measured.voltage)
    if apart is None:
        return None
    sign = computed.sign
    ends = [float((sign * branch.voltage).min()) for branch in (computed, measured)]
    cut_off = sign * max(ends)
    reached = (_reaches(computed, cut_off), _reaches(measured, cut_off))
    return Comparison(half.number, computed, measured, apart, cut_off, reached)


def _reaches(branch: Branch, cut_off: float) -> float:
    """Return the capacity at which a curve first reaches a voltage that it does reach."""
    beyond = branch.sign * (branch.voltage - cut_off)
    k = int(np.argmax(beyond <= 0.0))
    if k == 0:
        return float(branch.capacity[0])
    part = beyond[k - 1] / (beyond[k - 1] - beyond[k])
    return float(branch.capacity[k - 1] + part * (branch.capacity[k] - branch.capacity[k - 1]))
