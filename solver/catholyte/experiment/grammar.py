"""The step grammar of PyBaMM, read by recursive descent.

::

    step      = action [ "(" duration "period" ")" ]
    action    = ( "Discharge" | "Charge" ) "at" current stops
              | "Hold" "at" voltage stops
              | "Rest" "for" duration
    stops     = stop { "or" stop }
    stop      = "for" duration | [ "until" ] limit           "until" may be left out after "or"
    current   = "C/10" | "0.1C" | a number with a unit of A, A/m2 or A/kg
    limit     = a voltage (Discharge, Charge) | a current (Hold) | a capacity in Ah, Ah/m2 or Ah/kg

Words are read without regard to case; units are not, because mA and MA differ. The grammar is that of
``pybamm.step.string`` (Sulzer et al. 2021, doi:10.5334/jors.309), with currents and capacities per area and
per mass of active material added, and with a stop rule required, so that no step can last for ever.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from catholyte.errors import InputError, nearest
from catholyte.experiment.steps import (
    Basis,
    Capacity,
    CapacityStop,
    Control,
    Current,
    CurrentControl,
    CurrentStop,
    RestControl,
    Step,
    StopRule,
    TimeStop,
    VoltageControl,
    VoltageStop,
)
from catholyte.units import to_si

#: a number; a word or a unit with its exponent; one other sign
_TOKEN = re.compile(
    r"(?P<number>[+\-−]?(?:\d+\.?\d*|\.\d+)(?:[eE][+\-]?\d+)?)"
    r"|(?P<word>[^\W\d_]+(?:\^?[-−]?\d+|[⁻¹²³]+)?)"
    r"|(?P<sign>\S)"
)
_TIME_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "hour", "hours"), "hour"),
    **dict.fromkeys(("day", "days"), "day"),
}
_KEYWORDS = ("at", "for", "or", "until", "period")
_CURRENTS: dict[str, Basis] = {"current": "total", "current density": "area", "specific current": "mass"}
_CAPACITIES: dict[str, Basis] = {
    "capacity": "total",
    "areal capacity": "area",
    "specific capacity": "mass",
}
#: for the suggestion when a unit is not known
_UNITS = ("V", "mV", "A", "mA", "uA", "mA/cm2", "A/m2", "mA/g", "mAh", "mAh/g", "mAh/cm2")
#: units of PyBaMM's other controls, recognised in order to be refused by name
_REFUSED_UNIT = re.compile(r"(?P<power>[a-zµμA-Z]?W)|(?P<resistance>\S*(ohm|\u03a9|\u2126)s?)", re.IGNORECASE)


def parse_step(text: object, *, key: str = "step") -> Step:
    """Read one step; see the grammar at the top of this module.

    Raises
    ------
    InputError
        Naming the word that was not understood, its position (from 1), and what was expected there.
    """
    if not isinstance(text, str):
        raise InputError(key, text, "a step as text, like 'Discharge at C/10 until 2.5 V'")
    return _Parser(text, key).step()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def lower(self) -> str:
        return self.text.lower()


class _Parser:
    """Recursive descent over the tokens of one step; a method reads one rule of the grammar."""

    def __init__(self, text: str, key: str) -> None:
        self.text = text
        self.key = key
        self.tokens = [_Token(str(m.lastgroup), m.group(), m.start()) for m in _TOKEN.finditer(text)]
        self.end = _Token("end", "", len(text))
        self.at = 0
        self.actions: dict[str, Callable[[], tuple[Control, tuple[StopRule, ...]]]] = {
            "discharge": lambda: self.constant_current(+1),
            "charge": lambda: self.constant_current(-1),
            "hold": self.constant_voltage,
            "rest": self.rest,
        }

    @property
    def next(self) -> _Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else self.end

    def take(self) -> _Token:
        token = self.next
        self.at += 1
        return token

    def fail(self, expected: str, token: _Token, choices: Sequence[str] = ()) -> NoReturn:
        found = f"{token.text!r} at position {token.start + 1}" if token.text else "the end of the text"
        raise InputError(self.key, self.text, f"{expected}, not {found}", nearest(token.text, choices))

    def keyword(self, *words: str, why: str = "") -> str:
        token = self.take()
        if token.lower not in words:
            self.fail(" or ".join(repr(word) for word in words) + why, token, words)
        return token.lower

    # --- steps ---

    def step(self) -> Step:
        token = self.take()
        if token.lower == "run":
            self.fail("a step with a constant control (drive cycles are not supported)", token)
        if token.lower not in self.actions:
            names = [word.capitalize() for word in self.actions]
            self.fail("'Discharge', 'Charge', 'Hold' or 'Rest'", token, names)
        control, stops = self.actions[token.lower]()
        period = None
        if self.next.text == "(":
            self.take()
            period = self.duration()
            self.keyword("period")
            self.keyword(")")
        if self.next.lower == "at":
            self.fail("the end of the step (a temperature per step is not supported)", self.next)
        if self.next.kind != "end":
            self.fail("'or', a period like '(5 minute period)' or the end of the step", self.next, ("or",))
        return Step(self.text, control, stops, period)

    def constant_current(self, sign: int) -> tuple[Control, tuple[StopRule, ...]]:
        self.keyword("at")
        if self.next.text.startswith(("-", "−")):
            self.fail("a current without a sign ('Discharge' or 'Charge' gives its direction)", self.next)
        current = self.current()
        if current is None:
            self.fail_amount("a current like C/10, 0.1C, 0.5 mA, 0.5 mA/cm2 or 22 mA/g")
        stops = self.stops(lambda: self.cutoff_or_capacity(falling=sign > 0))
        return CurrentControl(Current(sign * current.value, current.basis)), stops

    def constant_voltage(self) -> tuple[Control, tuple[StopRule, ...]]:
        self.keyword("at")
        voltage = self.voltage()
        if voltage is None:
            self.fail_amount("a voltage like 4.2 V (a current is imposed by 'Discharge at' or 'Charge at')")
        return VoltageControl(voltage), self.stops(self.current_or_capacity)

    def rest(self) -> tuple[Control, tuple[StopRule, ...]]:
        by_time_alone = " (a rest ends by time alone)"
        self.keyword("for", why=by_time_alone)
        stops = (TimeStop(self.duration()),)
        if self.next.lower in ("or", "until"):
            self.fail("the end of the step" + by_time_alone, self.next)
        return RestControl(), stops

    # --- stop rules ---

    def stops(self, limit: Callable[[], StopRule]) -> tuple[StopRule, ...]:
        if self.next.kind == "end" or self.next.text == "(":
            self.fail("a stop rule, 'for' a time or 'until' a limit (the step would never end)", self.next)
        rules = [self.stop(self.keyword("for", "until"), limit)]
        while self.next.lower == "or":
            self.take()
            start = self.next
            word = self.keyword("for", "until") if start.kind != "number" else "until"
            rules.append(self.stop(word, limit))
            if type(rules[-1]) in [type(rule) for rule in rules[:-1]]:
                self.fail("at most one stop rule of a kind", start)
        return tuple(rules)

    def stop(self, word: str, limit: Callable[[], StopRule]) -> StopRule:
        return TimeStop(self.duration()) if word == "for" else limit()

    def cutoff_or_capacity(self, *, falling: bool) -> StopRule:
        if (voltage := self.voltage()) is not None:
            return VoltageStop(voltage, falling)
        if (capacity := self.capacity()) is not None:
            return CapacityStop(capacity)
        return self.fail_amount("a voltage like 2.5 V or a capacity like 100 mAh/g")

    def current_or_capacity(self) -> StopRule:
        if (current := self.current()) is not None:
            return CurrentStop(current)
        if (capacity := self.capacity()) is not None:
            return CapacityStop(capacity)
        return self.fail_amount("a current like C/50, 50 uA or 0.05 mA/cm2 or a capacity like 100 mAh/g")

    # --- amounts ---

    def duration(self) -> float:
        number = self.number("a time like 30 minutes")
        unit = self.take()
        if unit.lower not in _TIME_UNITS:
            self.fail("a time in seconds, minutes, hours or days", unit, list(_TIME_UNITS))
        self.positive(number)
        return to_si(f"{_value(number)!r} {_TIME_UNITS[unit.lower]}", "time", key=self.key)

    def current(self) -> Current | None:
        start = self.at
        rate = _value(self.number("a number")) if self.next.kind == "number" else 1.0
        if self.next.lower == "c":  # before any unit is tried: here C is the rate, never the coulomb
            if start != self.at:
                self.positive(self.tokens[start])
            self.take()
            if self.next.text == "/":
                self.take()
                rate /= _value(self.positive(self.number("a number of hours, as in C/10")))
            return Current(rate, "C-rate")
        self.at = start
        found = self.amount(_CURRENTS)
        return None if found is None else Current(*found)

    def voltage(self) -> float | None:
        found = self.amount({"potential": "total"}, signed=True)
        return None if found is None else found[0]

    def capacity(self) -> Capacity | None:
        found = self.amount(_CAPACITIES)
        return None if found is None else Capacity(*found)

    def amount(self, dimensions: Mapping[str, Basis], *, signed: bool = False) -> tuple[float, Basis] | None:
        """Read a number with a unit of one of ``dimensions``; nothing is taken if there is none."""
        start = self.at
        if self.next.kind == "number":
            number = self.number("a number")
            unit = self.unit()
            for dimension, basis in dimensions.items() if unit.kind == "unit" else ():
                try:
                    value = to_si(f"{_value(number)!r} {unit.text}", dimension, key=self.key)
                except InputError:
                    continue
                if not signed:
                    self.positive(number)
                return value, basis
        self.at = start
        return None

    def unit(self) -> _Token:
        """Take the words and signs up to the next keyword; without any, return what stands there instead."""
        start = self.next
        end = start.start
        while self.next.text in ("/", "·", "*") or (self.next.kind == "word" and self.next.lower not in _KEYWORDS):
            token = self.take()
            end = token.start + len(token.text)
        return _Token("unit", self.text[start.start : end], start.start) if end > start.start else start

    def number(self, expected: str) -> _Token:
        if self.next.kind != "number":
            self.fail(expected, self.next)
        if not math.isfinite(_value(self.next)):
            self.fail("a finite number", self.next)
        return self.take()

    def positive(self, number: _Token) -> _Token:
        if not _value(number) > 0.0:
            self.fail("a finite number above zero", number)
        return number

    def fail_amount(self, expected: str) -> NoReturn:
        """Say why the tokens that come next are not the amount that was expected."""
        if self.next.kind != "number":
            token = self.next
            hours = re.fullmatch(r"[Cc](\d+)", token.text)
            self.fail(expected, token, (f"C/{hours[1]}",) if hours else ())
        number = self.take()
        unit = self.unit()
        if unit.kind != "unit":
            self.fail(f"{expected}, with its unit", unit)
        if unit.lower in _TIME_UNITS:
            self.fail(f"{expected} (a time is written 'for {number.text} {unit.text}')", unit)
        if refused := _REFUSED_UNIT.fullmatch(unit.text):
            name = "power" if refused["power"] else "resistance"
            self.fail(f"{expected} (constant {name} is not supported)", unit)
        self.fail(expected, unit, () if unit.text in _UNITS else _UNITS)


def _value(number: _Token) -> float:
    return float(number.text.replace("−", "-"))
