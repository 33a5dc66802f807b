"""The grammar of one step, read by recursive descent.

::

    step    = action [ "at" temperature ] [ "(" duration "period" ")" ]
    action  = ( "Discharge" | "Charge" ) "at" load stops
            | "Hold" "at" voltage stops
            | "Rest" stops
            | "Interrupt" stops
    load    = "C/10" | "0.1C" | a number with a unit of current, power or resistance

Rules (``stops``) stand in :mod:`~catholyte.experiment.rules`; sentences that stand for several steps in
:mod:`~catholyte.experiment.sequences`. Words are read without regard to case; units are not, because mA and MA differ.
The grammar contains that of ``pybamm.step.string`` (Sulzer et al. 2021, doi:10.5334/jors.309), except for its drive
cycles; and a rule that is sure to end the step is required, so that none can last for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from catholyte.experiment.amounts import Current, Power
from catholyte.experiment.conditions import AnyOf, Condition, Limit, Quantity
from catholyte.experiment.quantities import current, duration, fail_amount, power, resistance, temperature, voltage
from catholyte.experiment.reader import Reader
from catholyte.experiment.rules import Setting, decided, quantities_of, read_stops
from catholyte.experiment.steps import (
    Control,
    CurrentControl,
    PowerControl,
    ResistanceControl,
    RestControl,
    Role,
    Step,
    VoltageControl,
)

_NO_CURRENT = "no current flows at rest"
_AT_REST = Setting(refused={"current": _NO_CURRENT, "capacity": _NO_CURRENT, "utilisation": _NO_CURRENT})
_CONSTANT_VOLTAGE = "the voltage of a hold does not change"
_HELD = Setting(
    refused={"voltage": _CONSTANT_VOLTAGE, "voltage rate": _CONSTANT_VOLTAGE},
    bare_current=True,
    example="a current like C/50, 50 uA or 0.05 mA/cm2, a capacity like 100 mAh/g",
)
_IMPOSED: Mapping[Quantity, str] = {"current": "the current of this step is imposed"}


@dataclass(frozen=True)
class Manner:
    """What stands at the end of a sentence: temperature [K] and interval of output [s]."""

    temperature: float | None
    period: float | None


def read_discharge(reader: Reader, sign: int, *, role: Role = "") -> Step:
    """Take what follows "Discharge" (``sign`` 1) or "Charge" (-1), up to the end of its stops."""
    control, setting = read_load(reader, sign)
    start = reader.next
    stop = read_stops(reader, setting)
    if isinstance(control, ResistanceControl) and not _is_sure(stop, ("time", "current", "voltage", "voltage rate")):
        why = "a resistor may never get there"
        reader.fail(f"a rule that is sure to be met, like 'for 10 hours or until …' ({why})", start)
    return Step(reader.text, control, stop, role=role)


def read_load(reader: Reader, sign: int) -> tuple[Control, Setting]:
    """Take "at" and what a discharge or charge imposes, with what may end it."""
    reader.keyword("at")
    start = reader.next
    if start.text.startswith(("-", "−")):
        reader.fail("a current without a sign ('Discharge' or 'Charge' gives its direction)", start)
    falling = sign > 0
    example = "a voltage like 2.5 V, a capacity like 100 mAh/g"
    if (amperes := current(reader)) is not None:
        control = CurrentControl(Current(sign * amperes.value, amperes.basis))
        return control, Setting(falling, one_way=True, refused=_IMPOSED, example=example)
    if (watts := power(reader)) is not None:
        return PowerControl(Power(sign * watts.value, watts.basis)), Setting(falling, one_way=True, example=example)
    if (ohms := resistance(reader)) is not None:
        if sign < 0:
            reader.fail("a current or a power (a resistor cannot charge a cell)", start)
        return ResistanceControl(ohms), Setting(falling, one_way=True, bare_current=True, example=example)
    return fail_amount(reader, "a current like C/10, 0.1C, 0.5 mA, 0.5 mA/cm2 or 22 mA/g, a power or a resistance")


def read_hold(reader: Reader) -> Step:
    """Take what follows "Hold", up to the end of its stops."""
    reader.keyword("at")
    volts = voltage(reader)
    if volts is None:
        fail_amount(reader, "a voltage like 4.2 V (a current is imposed by 'Discharge at' or 'Charge at')")
    start = reader.next
    stop = read_stops(reader, _HELD)
    if not _is_sure(stop, ("time", "current")):
        reader.fail("also a time or a current below which to end (the current of a hold dies away)", start)
    return Step(reader.text, VoltageControl(volts), stop)


def read_rest(reader: Reader, *, role: Role = "") -> Step:
    """Take what follows "Rest" or "Interrupt", up to the end of its stops."""
    start = reader.next
    stop = read_stops(reader, _AT_REST)
    if not _is_sure(stop, ("time", "voltage rate")):
        why = "the voltage may come to rest before"
        reader.fail(f"a rule that is sure to be met, like 'for 10 hours or until …' ({why})", start)
    return Step(reader.text, RestControl(), stop, role=role)


def read_manner(reader: Reader) -> Manner:
    """Take the temperature and the interval of output, and the end of the sentence."""
    kelvin = period = None
    ends = "'and', 'or', 'at' a temperature, a period like '(5 minute period)'"
    if reader.accept("at"):
        kelvin = temperature(reader)
        ends = "a period like '(5 minute period)'"
    if reader.accept("("):
        period = duration(reader)
        reader.keyword("period")
        reader.keyword(")")
        ends = "nothing more"
    if reader.next.kind != "end":
        reader.fail(f"{ends} or the end of the step", reader.next, ("and", "or", "at"))
    return Manner(kelvin, period)


def check_temperature(reader: Reader, stop: Condition | None, kelvin: float | None) -> None:
    """Refuse the rule of a step that its temperature decides, since that does not change within the step."""
    if stop is None or "temperature" not in quantities_of(stop):
        return
    start = next(token for token in reader.tokens if token.lower == "temperature")
    why = "the temperature does not change within a step"
    if kelvin is None:
        if quantities_of(stop) == {"temperature"}:
            reader.fail(f"a rule that does not rest on temperature alone ({why})", start)
    elif (met := decided(stop, kelvin)) is not None:
        outcome = "is met before it begins" if met else "can never be met"
        expected = f"a rule that its temperature leaves open (at {kelvin - 273.15:g} degC this one {outcome}: {why})"
        reader.fail(expected, start)


def _is_sure(stop: Condition, quantities: tuple[Quantity, ...]) -> bool:
    """Whether a rule is met in the end if limits on time are, and falling limits on ``quantities``."""
    if isinstance(stop, Limit):
        return stop.quantity in quantities and (stop.falling or stop.quantity == "time")
    sure = [_is_sure(part, quantities) for part in stop.conditions]
    return any(sure) if isinstance(stop, AnyOf) else all(sure)
