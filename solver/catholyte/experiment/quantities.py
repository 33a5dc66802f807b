"""Numbers with units in a sentence: times, currents, voltages, temperatures and the like, in SI."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn, TypeVar

from catholyte.errors import InputError
from catholyte.experiment.amounts import Basis, Capacity, Current, Power, Resistance
from catholyte.experiment.reader import Reader, Token
from catholyte.units import to_si

T = TypeVar("T")

_TIME_UNITS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "hour"),
    **dict.fromkeys(("day", "days"), "day"),
}
_CELSIUS = ("degC", "oC", "°C", "Celsius", "celsius")
_KELVIN = ("K", "kelvin", "Kelvin")
#: words that cannot belong to a unit
_KEYWORDS = frozenset(
    (
        *("and", "at", "charge", "cycle", "cycles", "discharge", "every", "for", "from", "hold", "of", "or", "period"),
        *("points", "pulses", "rest", "times", "to", "under", "until"),
    )
)
_CURRENTS: dict[str, Basis] = {"current": "total", "current density": "area", "specific current": "mass"}
_CAPACITIES: dict[str, Basis] = {"capacity": "total", "areal capacity": "area", "specific capacity": "mass"}
_POWERS: dict[str, Basis] = {"power": "total", "areal power": "area", "specific power": "mass"}
_RESISTANCES: dict[str, Basis] = {"resistance": "total", "area resistance": "area"}
#: for the suggestion when a unit is not known
_UNITS = (
    *("V", "mV", "A", "mA", "uA", "mA/cm2", "A/m2", "mA/g", "mAh", "mAh/g", "mAh/cm2"),
    *("W", "mW", "mW/cm2", "W/kg", "ohm", "kohm", "ohm cm2", "mV/s", "mV/h", "Hz", "kHz", "MHz", "mHz"),
)
_LONGEST_UNIT = 8  # words and signs


def duration(reader: Reader) -> float:
    """Take a time [s]."""
    number = reader.number("a time like 30 minutes")
    unit = reader.take()
    if not is_time(unit):
        reader.fail("a time in seconds, minutes, hours or days", unit, list(_TIME_UNITS))
    reader.positive(number)
    seconds = number.value * to_si(f"1 {_TIME_UNITS[unit.lower]}", "time", key=reader.key)
    return _representable(reader, seconds, number)


def is_time(unit: Token) -> bool:
    """Whether a word is a unit of time."""
    return unit.lower in _TIME_UNITS and not (unit.lower == "ms" and unit.text != "ms")


def current(reader: Reader) -> Current | None:
    """Take a current, if one comes next."""
    start = reader.at
    rate = reader.number("a number").value if reader.next.kind == "number" else 1.0
    if reader.next.lower == "c":  # before any unit is tried: here C is the rate, never the coulomb
        if start != reader.at:
            reader.positive(reader.tokens[start])
        first = reader.take()
        if reader.accept("/"):
            rate /= reader.positive(reader.number("a number of hours, as in C/10")).value
        return Current(_representable(reader, rate, first), "C-rate")
    reader.at = start
    found = _measure(reader, _CURRENTS)
    return None if found is None else Current(*found)


def capacity(reader: Reader) -> Capacity | None:
    """Take a charge, or a part of the nominal capacity as in "10 % of capacity", if one comes next."""
    if reader.ahead(1).text == "%" and reader.ahead(2).lower == "of":
        part = share(reader)
        reader.keyword("of")
        reader.accept("the")
        reader.accept("nominal")
        reader.keyword("capacity")
        return Capacity(part, "nominal")
    found = _measure(reader, _CAPACITIES)
    return None if found is None else Capacity(*found)


def share(reader: Reader, *, signed: bool = False) -> float:
    """Take a fraction like 0.8 or 80 %."""
    number = reader.number("a fraction like 80 % or 0.8")
    if not signed:
        reader.positive(number)
    if not reader.accept("%"):
        return number.value
    return _representable(reader, number.value / 100.0, None if signed else number)


def power(reader: Reader) -> Power | None:
    """Take a power, if one comes next."""
    found = _measure(reader, _POWERS)
    return None if found is None else Power(*found)


def resistance(reader: Reader) -> Resistance | None:
    """Take a resistance, if one comes next."""
    found = _measure(reader, _RESISTANCES)
    return None if found is None else Resistance(*found)


def voltage(reader: Reader) -> float | None:
    """Take a voltage [V] of either sign, if one comes next."""
    found = _measure(reader, {"potential": None}, signed=True)
    return None if found is None else found[0]


def voltage_rate(reader: Reader) -> float:
    """Take a rate [V/s]."""
    found = _measure(reader, {"voltage rate": None})
    return fail_amount(reader, "a rate like 0.1 mV/s or 1 mV/h") if found is None else found[0]


def frequency(reader: Reader) -> float:
    """Take a frequency [Hz]."""
    start = reader.at
    found = _measure(reader, {"frequency": None})
    # Other inverse times, rad/s and rpm among them, differ from Hz by factors that are easily overlooked.
    if found is None or not reader.tokens[reader.at - 1].text.endswith("Hz"):
        reader.at = start
        fail_amount(reader, "a frequency like 10 Hz, 7 MHz or 100 mHz")
    return found[0]


def temperature(reader: Reader) -> float:
    """Take a temperature [K]."""
    number = reader.number("a temperature like 45 degC or 318 K")
    unit = reader.take()
    written = unit.text
    if written == "°" and reader.next.kind == "word":
        written += reader.take().text
    written = unicodedata.normalize("NFKC", written)
    if written not in _CELSIUS + _KELVIN:
        reader.fail("a temperature in degC or K", unit, ("degC", "K") if written != "C" else ())
    scale = "degC" if written in _CELSIUS else "K"
    kelvin = to_si(f"{number.value!r} {scale}", "temperature", key=reader.key)
    if not kelvin > 0.0:
        reader.fail("a temperature above absolute zero", number)
    return kelvin


def fail_amount(reader: Reader, expected: str, choices: Sequence[str] = ()) -> NoReturn:
    """Say why the tokens that come next are not the amount that was expected, or one of the words ``choices``."""
    if reader.next.kind != "number":
        token = reader.next
        hours = re.fullmatch(r"[Cc]([0-9]+)", token.text)
        reader.fail(expected, token, (f"C/{hours[1]}",) if hours else choices)
    number = reader.take()
    unit = next(_units(reader), None)
    if unit is None:
        reader.fail(f"{expected}, with its unit", reader.next)
    if is_time(unit):
        reader.fail(f"{expected} (a time is written 'for {number.text} {unit.text}')", unit)
    reader.fail(expected, unit, () if unit.text in _UNITS else _UNITS)


def _measure(reader: Reader, dimensions: Mapping[str, T], *, signed: bool = False) -> tuple[float, T] | None:
    """Take a number with a unit of one of ``dimensions``; nothing is taken if there is none."""
    start = reader.at
    if reader.next.kind == "number":
        number = reader.number("a number")
        for unit in _units(reader):
            for dimension, meaning in dimensions.items():
                try:
                    value = to_si(f"{number.value!r} {unit.text}", dimension, key=reader.key)
                except InputError:
                    continue
                if not signed:
                    _representable(reader, value, reader.positive(number))
                return value, meaning
    reader.at = start
    return None


def _units(reader: Reader) -> Iterator[Token]:
    """Take the words and signs that may be a unit, the longest stretch first; a shorter one each time after."""
    first = reader.at
    while reader.at - first < _LONGEST_UNIT and (
        reader.next.text in ("/", "·", "*") or (reader.next.kind == "word" and reader.next.lower not in _KEYWORDS)
    ):
        reader.take()
    for end in range(reader.at, first, -1):
        reader.at = end
        last = reader.tokens[end - 1]
        text = reader.text[reader.tokens[first].start : last.start + len(last.text)]
        yield Token("unit", re.sub(r"[oO]hms?\b", "ohm", text), reader.tokens[first].start)
    reader.at = first


def _representable(reader: Reader, value: float, number: Token | None) -> float:
    """Refuse a positive number that becomes zero or infinite in SI."""
    if number is not None and not 0.0 < value < float("inf"):
        reader.fail("a number of a sensible size", number)
    return value
