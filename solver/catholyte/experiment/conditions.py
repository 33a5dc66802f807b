"""Rules that end a step, a group or a loop: limits on what a cycler reads, joined by "and" and "or".

A rule is judged at one :class:`Moment`. Its :func:`margin` is positive before the rule is met and zero or less once it
is, measured in the tolerance to which the event is located, so that limits of different units can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from catholyte.experiment.amounts import Capacity, Current, Scales, resolve

Quantity = Literal["time", "voltage", "current", "capacity", "temperature", "utilisation", "voltage rate"]

#: located to this part of the limit
_RELATIVE: Mapping[Quantity, float] = {"time": 1e-9, "current": 1e-6, "capacity": 1e-6, "voltage rate": 1e-6}
#: located to this amount: V, K, 1
_ABSOLUTE: Mapping[Quantity, float] = {"voltage": 1e-6, "temperature": 1e-6, "utilisation": 1e-8}


@dataclass(frozen=True)
class Limit:
    """A value that a quantity has to reach.

    Attributes
    ----------
    quantity
        "time" since the step or group began [s]; "voltage" [V]; "current" (magnitude); "capacity" passed since the
        step or group began (magnitude); "temperature" of the step [K]; "utilisation", the net charge since the start
        of the run over the nominal capacity; or "voltage rate" |dV/dt| [V/s].
    amount
        The limit in these units; a current or a capacity on the basis on which it was written.
    falling
        Whether the quantity comes down to the limit (otherwise it rises to it).
    """

    quantity: Quantity
    amount: float | Current | Capacity
    falling: bool


@dataclass(frozen=True)
class AllOf:
    """Met while every one of ``conditions`` is met."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """Met as soon as one of ``conditions`` is met."""

    conditions: tuple[Condition, ...]


Condition = Limit | AllOf | AnyOf


@dataclass(frozen=True)
class Moment:
    """What a cycler reads at one instant; NaN where a quantity is not known.

    Attributes
    ----------
    time
        Since the start of the run [s].
    voltage
        Against the reference of the protocol [V].
    current
        Discharge positive [A/m2].
    charge
        Net charge since the start of the run, discharge positive [A s/m2].
    temperature
        Of the step [K].
    utilisation
        ``charge`` over the nominal capacity.
    voltage_rate
        |dV/dt| [V/s].
    """

    time: float
    voltage: float
    current: float
    charge: float
    temperature: float
    utilisation: float
    voltage_rate: float


def margin(
    condition: Condition,
    moment: Moment,
    began: Moment,
    scales: Scales,
    tolerance: Mapping[Quantity, float] | None = None,
) -> float:
    """Return how far a condition is from being met.

    Parameters
    ----------
    condition
        The rule.
    moment
        The instant at which it is judged.
    began
        The instant at which its step or group began.
    scales
        Of the cell.
    tolerance
        Tolerances in the units of :class:`Limit` (per area for current and capacity), where they are not to be the
        usual ones: 1e-6 V, 1e-6 of a current or capacity, 1e-9 of a time, 1e-6 of a voltage rate, 1e-6 K, and 1e-8 of
        the nominal capacity for a utilisation.

    Returns
    -------
    float
        In tolerances: positive before, zero or less once it is met, of magnitude 1 or less where it is met to
        tolerance. Infinite while a quantity is not known.
    """
    if isinstance(condition, AnyOf):
        return min(margin(part, moment, began, scales, tolerance) for part in condition.conditions)
    if isinstance(condition, AllOf):
        return max(margin(part, moment, began, scales, tolerance) for part in condition.conditions)
    limit = _in_si(condition, scales)
    value = _reading(condition.quantity, moment, began)
    if math.isnan(value):
        return math.inf
    if tolerance is not None and condition.quantity in tolerance:
        unit = tolerance[condition.quantity]
    elif condition.quantity in _RELATIVE:
        unit = _RELATIVE[condition.quantity] * limit
    else:
        unit = _ABSOLUTE[condition.quantity]
    return (value - limit if condition.falling else limit - value) / unit


def duration(condition: Condition) -> float:
    """Return the time after which a condition is met for certain [s]; infinite if there is none."""
    if isinstance(condition, AnyOf):
        return min(duration(part) for part in condition.conditions)
    if isinstance(condition, AllOf):
        return max(duration(part) for part in condition.conditions)
    if condition.quantity == "time" and isinstance(condition.amount, float) and not condition.falling:
        return condition.amount
    return math.inf


def met_by(condition: Condition, moment: Moment, began: Moment, scales: Scales) -> str:
    """Say in words which part of a condition is met, or nearest to it: "cut-off of 2.5 V reached"."""
    if isinstance(condition, AnyOf):
        first = min(condition.conditions, key=lambda part: margin(part, moment, began, scales))
        return met_by(first, moment, began, scales)
    if isinstance(condition, AllOf):
        return " and ".join(met_by(part, moment, began, scales) for part in condition.conditions)
    limit = _in_si(condition, scales)
    moved = "fell" if condition.falling else "rose"
    return {
        "time": f"time {limit:g} s reached",
        "voltage": f"cut-off of {limit:g} V reached",
        "current": f"current {moved} to {0.1 * limit:.4g} mA/cm2",
        "capacity": f"capacity of {limit / 3.6e4:.4g} mAh/cm2 passed",
        "temperature": f"temperature of {limit - 273.15:.6g} degC reached",
        "utilisation": f"utilisation of {100.0 * limit:.6g} % reached",
        "voltage rate": f"|dV/dt| {moved} to {3.6e6 * limit:.4g} mV/h",
    }[condition.quantity]


def _in_si(limit: Limit, scales: Scales) -> float:
    return limit.amount if isinstance(limit.amount, float) else resolve(limit.amount, scales)


def _reading(quantity: Quantity, moment: Moment, began: Moment) -> float:
    match quantity:
        case "time":
            return moment.time - began.time
        case "voltage":
            return moment.voltage
        case "current":
            return abs(moment.current)
        case "capacity":
            return abs(moment.charge - began.charge)
        case "temperature":
            return moment.temperature
        case "utilisation":
            return moment.utilisation
        case "voltage rate":
            return abs(moment.voltage_rate)
