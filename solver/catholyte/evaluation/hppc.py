r"""Hybrid pulse power characterisation: resistance of short pulses against the state of charge.

.. math:: R(t) = \frac{V(\text{before}) - V(t)}{i}

with the voltage at the end of the rest before the pulse, and t counted from the moment at which the current sets in. At
t = 0 that is the ohmic part: what the double layers of the case let through at once, or charge transfer too where none
is given. Resistances are those of an area; divided by the area of the cell they are what an instrument shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catholyte.errors import InputError
from catholyte.evaluation.columns import Column, column
from catholyte.evaluation.pulses import Pulse, Record
from catholyte.results import Results
from catholyte.units import from_si

#: times after the current sets in at which resistances are read [s]
TIMES = (0.0, 1.0, 10.0)


@dataclass(frozen=True)
class HppcPulse:
    """What one pulse gives.

    Attributes
    ----------
    level
        Which state of charge, from 1.
    direction
        "discharge" or "charge".
    time, duration
        When it began and how long it was, in s.
    utilisation
        Charge passed before it, over the nominal capacity.
    lithiation
        Mean site fraction before it; NaN where the result does not hold it.
    current_density
        In A/m², discharge positive.
    before
        Voltage before it in V vs Li/Li⁺.
    resistances
        At the times that were asked for, in Ω m²; NaN beyond the end of the pulse.
    final
        At the end of the pulse in Ω m².
    """

    level: int
    direction: str
    time: float
    duration: float
    utilisation: float
    lithiation: float
    current_density: float
    before: float
    resistances: tuple[float, ...]
    final: float


def hppc(results: Results, *, times: Sequence[float] = TIMES) -> tuple[HppcPulse, ...]:
    """Evaluate the HPPC pulses of a run; empty if it has none.

    Parameters
    ----------
    results
        The run.
    times
        Times after the current sets in at which resistances are read [s].

    Raises
    ------
    InputError
        If a time is negative.
    """
    for time in times:
        if not 0.0 <= time < math.inf:
            raise InputError("--at", time, "a time that is not negative, in s")
    record = Record(results)
    pulses = [
        (direction, pulse)
        for direction in ("discharge", "charge")
        for pulse in record.pulses(f"hppc {direction}", "hppc rest")
    ]
    pulses.sort(key=lambda entry: entry[1].step.first)
    found: list[HppcPulse] = []
    level = 0
    for direction, pulse in pulses:
        level += direction == pulses[0][0]
        found.append(_evaluate(record, level, direction, pulse, times))
    return tuple(found)


def hppc_columns(pulses: Sequence[HppcPulse], times: Sequence[float]) -> list[Column]:
    """Return the pulses as columns."""
    ohm_cm2 = from_si(1.0, "ohm cm2", "area resistance")
    final = [column("R(end)", "ohm cm2", (ohm_cm2 * p.final for p in pulses))]
    return [
        column("level", "", (p.level for p in pulses)),
        column("pulse", "", (p.direction for p in pulses)),
        column("utilisation", "%", (100.0 * p.utilisation for p in pulses), ".2f"),
        column("x", "", (p.lithiation for p in pulses), ".4f"),
        column("voltage before", "V", (p.before for p in pulses), ".4f"),
        column("current density", "mA/cm2", (0.1 * p.current_density for p in pulses)),
        column("duration", "s", (p.duration for p in pulses)),
        *(
            column(f"R({time:g} s)", "ohm cm2", (ohm_cm2 * p.resistances[k] for p in pulses))
            for k, time in enumerate(times)
        ),
        *([] if all(ends_at(p, times) for p in pulses) else final),
    ]


def ends_at(pulse: HppcPulse, times: Sequence[float]) -> bool:
    """Return whether the end of a pulse is one of the times at which resistances are read."""
    return any(math.isclose(pulse.duration, time, rel_tol=1e-6) for time in times)


def _evaluate(record: Record, level: int, direction: str, pulse: Pulse, times: Sequence[float]) -> HppcPulse:
    step = pulse.step
    since = record.time[step.points] - record.time[step.first]
    voltage = record.voltage[step.points]
    current = float(record.current[step.last])

    def resistance(at: float) -> float:
        return float((pulse.before - at) / current)

    reached = [float(np.interp(time, since, voltage)) if time <= since[-1] else math.nan for time in times]
    return HppcPulse(
        level=level,
        direction=direction,
        time=float(record.time[step.first]),
        duration=record.duration(step),
        utilisation=record.at("utilisation", step.first),
        lithiation=record.at("lithiation", step.first),
        current_density=current,
        before=pulse.before,
        resistances=tuple(resistance(at) for at in reached),
        final=resistance(float(voltage[-1])),
    )
