"""A fitted parameter: keys of cases, bounds, and the way from a number between 0 and 1 to a value with its unit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from catholyte.errors import InputError
from catholyte.validation.reading import Keys

_VALUE = re.compile(r"\s*(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(?P<unit>.*?)\s*")
_FORM = "a value with its unit, like '1e-12 cm2/s', or a plain number"


@dataclass(frozen=True)
class FitParameter:
    """One fitted parameter.

    Attributes
    ----------
    name
        What it is called.
    keys
        Dotted keys of the cases that get its value.
    low, high, start
        In its unit.
    unit
        As it was written; empty for a plain number.
    logarithmic
        Whether its logarithm runs evenly from 0 to 1.
    cases
        Names of the cases that have it; empty for all.
    """

    name: str
    keys: tuple[str, ...]
    low: float
    high: float
    start: float
    unit: str
    logarithmic: bool
    cases: tuple[str, ...]

    def value(self, z: float) -> float:
        """Return the value in its unit at ``z``, which is 0 at the lower and 1 at the upper bound."""
        if self.logarithmic:
            return self.low * math.exp(z * math.log(self.high / self.low))
        return self.low + z * (self.high - self.low)

    def scaled(self, value: float) -> float:
        """Return ``z`` of a value."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def slope(self, z: float) -> float:
        """Return d(value)/dz."""
        return self.value(z) * math.log(self.high / self.low) if self.logarithmic else self.high - self.low

    def text(self, value: float) -> str:
        """Return a value as a case file has it."""
        return f"{value:.10g} {self.unit}".strip()

    def overrides(self, z: float) -> tuple[str, ...]:
        """Return the changes of keys that set it."""
        return tuple(f"{key}={self.text(self.value(z))}" for key in self.keys)

    def belongs_to(self, case: str) -> bool:
        """Whether a case has it."""
        return not self.cases or case in self.cases


def read_parameter(name: str, keys: Keys, cases: Iterable[str]) -> FitParameter:
    """Read a table ``[parameters.NAME]``; ``cases`` are the names that its ``cases`` stand for.

    Raises
    ------
    InputError
        If bounds and start do not fit together.
    """
    dotted = keys.texts("key", "a dotted key of a case, like 'phases.active.D', or several")
    if not dotted:
        keys.raw("key", "a dotted key of a case, like 'phases.active.D', or several")
    bounds = keys.raw("bounds", "two rising values with their unit")
    if not isinstance(bounds, list) or len(bounds) != 2:
        raise InputError(
            keys.path("bounds"), bounds, "two rising values with their unit, like ['1e-14 m2/s', '1e-12 m2/s']"
        )
    (low, unit), (high, other) = (_number(each, keys.path("bounds")) for each in bounds)
    start, own = _number(keys.raw("start", f"where the fit begins: {_FORM}"), keys.path("start"))
    for value, written in ((bounds[1], other), (keys.data["start"], own)):
        if written != unit:
            where = keys.path("bounds" if value is bounds[1] else "start")
            raise InputError(where, value, f"a value in {unit or 'no unit'}, as the lower bound has it")
    if not low < high:
        raise InputError(keys.path("bounds"), bounds, "two rising values")
    if not low <= start <= high:
        raise InputError(keys.path("start"), keys.data["start"], f"a value from {bounds[0]} to {bounds[1]}")
    logarithmic = keys.choice("scale", ("linear", "log"), "linear") == "log"
    if logarithmic and low <= 0.0:
        raise InputError(keys.path("bounds"), bounds, "values above zero for scale = 'log'")
    return FitParameter(name, dotted, low, high, start, unit, logarithmic, tuple(cases))


def _number(value: object, where: str) -> tuple[float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value), ""
    found = _VALUE.fullmatch(value) if isinstance(value, str) else None
    if found is None or not math.isfinite(float(found["number"])):
        raise InputError(where, value, _FORM)
    return float(found["number"]), found["unit"]
