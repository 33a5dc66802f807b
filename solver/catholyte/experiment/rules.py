"""The grammar of conditions.

::

    stops     = ( "for" | "until" ) …                        a rule whose first word is one of these
    rule      = all { "or" all }
    all       = term { "and" term }                          "and" binds tighter than "or"
    term      = "for" duration | [ "until" ] ( limit | "(" rule ")" )
    limit     = quantity comparator amount | bare            "voltage < 2.5 V", "2.5 V"
    quantity  = "voltage" | "current" | "capacity" | "time" | "temperature" | "utilisation" | "dV/dt" | "|dV/dt|"
    comparator = "<" | ">" | "<=" | ">=" | "≤" | "≥" | "below" | "above"
    bare      = a voltage | a current | a capacity           where the step gives it a direction
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from catholyte.experiment.amounts import Capacity, Current
from catholyte.experiment.conditions import AllOf, AnyOf, Condition, Limit, Quantity
from catholyte.experiment.quantities import (
    capacity,
    current,
    duration,
    fail_amount,
    share,
    temperature,
    voltage,
    voltage_rate,
)
from catholyte.experiment.reader import Reader, Token

_NAMES: Mapping[str, Quantity] = {
    "voltage": "voltage",
    "current": "current",
    "capacity": "capacity",
    "time": "time",
    "temperature": "temperature",
    "utilisation": "utilisation",
    "utilization": "utilisation",
}
_FALLING: Mapping[str, bool] = {"<": True, "≤": True, "below": True, ">": False, "≥": False, "above": False}
_ONLY_GROW: tuple[Quantity, ...] = ("time", "capacity")
_WORDS = ("for", "until", *_NAMES, "dV/dt")
_DEEPEST = 20  # parentheses


@dataclass(frozen=True)
class Setting:
    """What a rule is written for, which decides what may stand in it.

    Attributes
    ----------
    falling
        Direction of a voltage without a comparator; None where it has none.
    one_way
        Whether charge passes in one direction only, that in which the voltage falls or rises.
    bare_current
        Whether a current may stand without a comparator: it then falls.
    refused
        Quantities that cannot end what the rule is written for, and why.
    example
        What may stand without a comparator, for errors.
    """

    falling: bool | None = None
    one_way: bool = False
    bare_current: bool = False
    refused: Mapping[Quantity, str] = field(default_factory=dict)
    example: str = ""

    @property
    def expected(self) -> str:
        """What may come next, in words."""
        condition = "a condition like 'voltage < 2.5 V' or 'time > 1 hour'"
        return f"{self.example} or {condition}" if self.example else condition


#: a rule of a group, a loop or a whole experiment
ANYTHING = Setting()


def read_stops(reader: Reader, setting: Setting) -> Condition:
    """Take a rule that begins with "for" or "until"."""
    if not (reader.starts("for") or reader.starts("until")):
        reader.fail(
            "a stop rule, 'for' a time or 'until' a limit (the step would never end)", reader.next, ("for", "until")
        )
    return read_rule(reader, setting)


def read_rule(reader: Reader, setting: Setting, depth: int = 0) -> Condition:
    """Take alternatives joined by "or"."""
    first = _all_of(reader, setting, depth)
    parts = _parts(first, AnyOf)
    while reader.accept("or"):
        start = reader.next
        parts += _parts(_all_of(reader, setting, depth), AnyOf)
        _refuse_twice(reader, parts, start)
    return first if len(parts) == 1 else AnyOf(tuple(parts))


def quantities_of(condition: Condition) -> frozenset[Quantity]:
    """Return what a condition watches."""
    if isinstance(condition, Limit):
        return frozenset((condition.quantity,))
    return frozenset(quantity for part in condition.conditions for quantity in quantities_of(part))


def decided(condition: Condition, kelvin: float) -> bool | None:
    """Return whether a constant temperature alone decides that a condition is met, or never met."""
    if isinstance(condition, Limit):
        if condition.quantity != "temperature" or not isinstance(condition.amount, float):
            return None
        return kelvin <= condition.amount if condition.falling else kelvin >= condition.amount
    parts = [decided(part, kelvin) for part in condition.conditions]
    deciding = isinstance(condition, AnyOf)  # one met part decides AnyOf, one that is never met AllOf
    if deciding in parts:
        return deciding
    return None if None in parts else not deciding


def _all_of(reader: Reader, setting: Setting, depth: int) -> Condition:
    first = _term(reader, setting, depth)
    parts = _parts(first, AllOf)
    while reader.accept("and"):
        start = reader.next
        parts += _parts(_term(reader, setting, depth), AllOf)
        _refuse_twice(reader, parts, start)
    return first if len(parts) == 1 else AllOf(tuple(parts))


def _parts(condition: Condition, joined: type[AllOf] | type[AnyOf]) -> list[Condition]:
    """Return the parts of a condition that is joined in one way, so that parentheses around it do not matter."""
    return list(condition.conditions) if isinstance(condition, joined) else [condition]


def _term(reader: Reader, setting: Setting, depth: int) -> Condition:
    if reader.accept("for"):
        return Limit("time", duration(reader), falling=False)
    reader.accept("until")
    opening = reader.next
    if not reader.accept("("):
        return _limit(reader, setting)
    if depth == _DEEPEST:
        reader.fail(f"at most {_DEEPEST} parentheses within one another", opening)
    rule = read_rule(reader, setting, depth + 1)
    if not reader.accept(")"):
        reader.fail("'and', 'or' or ')'", reader.next, ("and", "or"))
    return rule


def _limit(reader: Reader, setting: Setting) -> Limit:
    start = reader.next
    quantity = _quantity(reader)
    limit = _bare(reader, setting) if quantity is None else _explicit(reader, setting, quantity)
    if limit.quantity in setting.refused:
        reader.fail(f"a limit on something else ({setting.refused[limit.quantity]})", start)
    return limit


def _quantity(reader: Reader) -> Quantity | None:
    """Take the name of a quantity; nothing is taken if there is none."""
    if reader.next.lower in _NAMES:
        return _NAMES[reader.take().lower]
    if reader.accept("|", "dv", "/", "dt", "|") or reader.accept("dv", "/", "dt"):
        return "voltage rate"
    return None


def _explicit(reader: Reader, setting: Setting, quantity: Quantity) -> Limit:
    token = reader.take()
    if token.lower not in _FALLING:
        reader.fail("'<' or '>' (or 'below', 'above')", token, ("below", "above"))
    falling = _FALLING[token.lower]
    if token.text in "<>":
        reader.accept("=")
    if falling and quantity in _ONLY_GROW:
        reader.fail(f"'>' (the {quantity} of a step only grows)", token)
    if quantity == "utilisation" and setting.one_way and falling == setting.falling:
        moves, sign = ("rises on discharge", ">") if setting.falling else ("falls on charge", "<")
        reader.fail(f"'{sign}' (the utilisation {moves})", token)
    return Limit(quantity, _amount(reader, quantity), falling)


def _amount(reader: Reader, quantity: Quantity) -> float | Current | Capacity:
    amount: float | Current | Capacity | None
    match quantity:
        case "time":
            return duration(reader)
        case "temperature":
            return temperature(reader)
        case "utilisation":
            return share(reader, signed=True)
        case "voltage rate":
            return voltage_rate(reader)
        case "voltage":
            amount, example = voltage(reader), "a voltage like 2.5 V"
        case "current":
            amount, example = current(reader), "a current like C/50, 50 uA or 0.05 mA/cm2"
        case "capacity":
            if reader.ahead(1).text == "%" and reader.ahead(2).lower != "of":
                return Capacity(share(reader), "nominal")
            amount, example = capacity(reader), "a capacity like 100 mAh/g, 2 mAh or 10 % (of the nominal capacity)"
    if amount is None:
        fail_amount(reader, example)
    return amount


def _bare(reader: Reader, setting: Setting) -> Limit:
    start = reader.next
    if (volts := voltage(reader)) is not None:
        if setting.falling is None and "voltage" not in setting.refused:
            reader.fail(f"a direction, as in 'voltage < {volts:g} V' or 'voltage > {volts:g} V'", start)
        return Limit("voltage", volts, bool(setting.falling))
    if (passed := capacity(reader)) is not None:
        return Limit("capacity", passed, falling=False)
    if (amperes := current(reader)) is not None:
        if not setting.bare_current and "current" not in setting.refused:
            reader.fail("a direction, as in 'current < C/50'", start)
        return Limit("current", amperes, falling=True)
    return fail_amount(reader, setting.expected, _WORDS)


def _refuse_twice(reader: Reader, parts: list[Condition], start: Token) -> None:
    """Refuse two limits on one quantity in one direction, of which one could not matter."""
    seen = [(part.quantity, part.falling) for part in parts if isinstance(part, Limit)]
    if len(set(seen)) < len(seen):
        reader.fail("at most one limit of a kind and direction", start)
