"""What one step of a protocol is: the control it imposes and the rules that end it.

Sign: a current that discharges the cell is positive. Amounts keep the basis on which they were written until
:func:`resolve` and :func:`threshold` bring them to the area of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Basis = Literal["C-rate", "total", "area", "mass"]
Quantity = Literal["elapsed", "voltage", "current", "charge"]


@dataclass(frozen=True)
class Current:
    """A current on the basis on which it was written.

    Attributes
    ----------
    value
        Multiple of 1C ("C-rate"), A ("total"), A/m2 of cell ("area") or A/kg of active material ("mass");
        positive on discharge. The limit of a hold is a magnitude.
    basis
        What ``value`` refers to.
    """

    value: float
    basis: Basis


@dataclass(frozen=True)
class Capacity:
    """A charge that a step passes, as a magnitude: A s ("total"), A s/m2 ("area") or A s/kg ("mass")."""

    value: float
    basis: Basis


@dataclass(frozen=True)
class CurrentControl:
    """The step imposes ``current``."""

    current: Current


@dataclass(frozen=True)
class VoltageControl:
    """The step imposes ``voltage`` [V]."""

    voltage: float


@dataclass(frozen=True)
class RestControl:
    """The circuit is open."""


@dataclass(frozen=True)
class TimeStop:
    """The step ends ``duration`` [s] after it began."""

    duration: float


@dataclass(frozen=True)
class VoltageStop:
    """The step ends when the voltage has fallen (discharge) or risen (charge) to ``voltage`` [V]."""

    voltage: float
    falling: bool


@dataclass(frozen=True)
class CurrentStop:
    """The step ends when the magnitude of the current has fallen to ``current``."""

    current: Current


@dataclass(frozen=True)
class CapacityStop:
    """The step ends when it has passed ``capacity``, in whichever direction."""

    capacity: Capacity


Control = CurrentControl | VoltageControl | RestControl
StopRule = TimeStop | VoltageStop | CurrentStop | CapacityStop


@dataclass(frozen=True)
class Step:
    """One step of a protocol.

    Attributes
    ----------
    text
        The step as it was written; two steps that mean the same are equal whatever their texts.
    control
        What is imposed.
    stop_rules
        The step ends with whichever is met first; never empty.
    period
        Interval at which output is wanted [s], or None for every time step.
    """

    text: str = field(compare=False)
    control: Control
    stop_rules: tuple[StopRule, ...]
    period: float | None = None


@dataclass(frozen=True)
class Threshold:
    """A stop rule in the units of the solver, as an event to be located.

    Attributes
    ----------
    quantity
        What is watched: "elapsed" time of the step [s], "voltage" [V], "current" (magnitude, A/m2) or
        "charge" passed by the step (magnitude, A s/m2).
    limit
        The value that ends the step.
    falling
        Whether the quantity comes down to the limit (otherwise it rises to it).
    """

    quantity: Quantity
    limit: float
    falling: bool

    def margin(self, value: float) -> float:
        """Return how far ``value`` is from the limit: positive before, zero or less once it is reached."""
        return value - self.limit if self.falling else self.limit - value


def resolve(amount: Current | Capacity, *, areal_capacity_1C: float, area: float, areal_mass: float) -> float:
    """Convert a current or a capacity to the solver's basis, the area of the cell.

    Parameters
    ----------
    amount
        The current or capacity as written.
    areal_capacity_1C
        Charge that 1C passes in one hour [A s/m2].
    area
        Area of the cell [m2].
    areal_mass
        Mass of active material per area of the cell [kg/m2].

    Returns
    -------
    float
        A/m2 for a current, A s/m2 for a capacity; the sign is kept.
    """
    per_area = {"C-rate": areal_capacity_1C / 3600.0, "total": 1.0 / area, "area": 1.0, "mass": areal_mass}
    return amount.value * per_area[amount.basis]


def threshold(rule: StopRule, *, areal_capacity_1C: float, area: float, areal_mass: float) -> Threshold:
    """Return the event that ``rule`` stands for; parameters as in :func:`resolve`."""
    scales = {"areal_capacity_1C": areal_capacity_1C, "area": area, "areal_mass": areal_mass}
    match rule:
        case TimeStop(duration):
            return Threshold("elapsed", duration, falling=False)
        case VoltageStop(voltage, falling):
            return Threshold("voltage", voltage, falling=falling)
        case CurrentStop(current):
            return Threshold("current", resolve(current, **scales), falling=True)
        case CapacityStop(capacity):
            return Threshold("charge", resolve(capacity, **scales), falling=False)
