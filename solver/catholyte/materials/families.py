"""Materials whose composition is a number: Li(3+x)InCl(6+x) for any x of its solid solution, from one file.

The file of a family is a material file in which

* braces hold a linear function of x: ``name = "LIC{6+x}"``, ``per_formula = "{0.364+x}"``, and
* a table stands where a value follows from x in another way::

      { nodes = [[0.0, "0.63 mS/cm"], [1.2, "0.18 mS/cm"]], interpolation = "logarithmic" }   or "linear"
      { atomic_weights = "Li{3+x}InCl{6+x}" }                            molar mass of a formula
      { formula = "Li{3+x}InCl{6+x}", molar_volume = "{128.06+20.48x} cm3/mol" }   density

Its table ``[family]`` gives the range of x and the members that the library lists.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catholyte.errors import InputError
from catholyte.physics.species import molar_mass, parse_formula
from catholyte.units import to_si

_BRACES = re.compile(r"\{(?P<constant>[0-9.]+)?\s*(?P<sum>\+)?\s*(?:(?P<slope>[0-9.]+)?\s*(?P<x>x))?\}")
_NUMBER = r"[0-9]+(?:\.[0-9]{1,6})?"
_ROUNDING = 9  # decimals of x: 7.2 − 6 is 1.2


@dataclass(frozen=True, eq=False)
class Family:
    """A file of materials that differ by one number x.

    Attributes
    ----------
    where
        Name of the file.
    lo, hi
        Range of x.
    members
        Names of the members that the library lists.
    """

    where: str
    lo: float
    hi: float
    members: tuple[str, ...]
    _content: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, content: Mapping[str, Any], where: str) -> Family:
        """Make the family of a parsed file."""
        section = content["family"]
        lo, hi = (float(x) for x in section["x"])
        members = tuple(_expanded(content["name"], float(x)) for x in section["members"])
        return cls(where, lo, hi, members, {key: value for key, value in content.items() if key != "family"})

    @property
    def span(self) -> str:
        """First and last member, in words."""
        return " to ".join(_expanded(self._content["name"], x) for x in (self.lo, self.hi))

    def composition(self, name: str, *, key: str) -> float | None:
        """Return x of the member of that name, None if it is no name of this family.

        Raises
        ------
        InputError
            If x lies outside the range.
        """
        for pattern in (self._content["name"], *self._content.get("aliases", ())):
            found = _composition(name, pattern)
            if found is None:
                continue
            if not self.lo <= found <= self.hi:
                bounds = [_expanded(pattern, x) for x in (self.lo, self.hi)]
                expected = f"{bounds[0]} to {bounds[1]} (x from {self.lo:g} to {self.hi:g}; it is {found:g})"
                raise InputError(key, name, expected, bounds[0] if found < self.lo else bounds[1])
            return found
        return None

    def member(self, x: float) -> dict[str, Any]:
        """Return the content of the material file of one member."""
        return {key: _at(value, x) for key, value in self._content.items()}


def _composition(name: str, pattern: str) -> float | None:
    """Solve ``name = pattern(x)`` for x; None unless one x fits all braces."""
    braces = list(_BRACES.finditer(pattern))
    literal = [re.escape(part) for part in re.split(r"\{[^}]*\}", pattern)]
    found = re.fullmatch(f"({_NUMBER})".join(literal), name, re.IGNORECASE)
    if found is None:
        return None
    values = [
        round((float(number) - _constant(brace)) / _slope(brace), _ROUNDING)
        for number, brace in zip(found.groups(), braces, strict=True)
    ]
    return values[0] if all(value == values[0] for value in values) else None


def _at(value: Any, x: float) -> Any:
    """Put x into everything that a file says."""
    if isinstance(value, str):
        return _expanded(value, x)
    if isinstance(value, list):
        return [_at(entry, x) for entry in value]
    if not isinstance(value, dict):
        return value
    if "nodes" in value:
        return _interpolated(value, x)[0]
    if "atomic_weights" in value:
        return f"{_grams_per_mole(value['atomic_weights'], x):.6g} g/mol"
    if "molar_volume" in value:
        volume = to_si(_expanded(value["molar_volume"], x), "molar volume", key="molar_volume")
        return f"{1e-6 * _grams_per_mole(value['formula'], x) / volume:.6g} g/cm3"
    made = {key: _at(entry, x) for key, entry in value.items()}
    for entry in value.values():
        if isinstance(entry, dict) and "nodes" in entry:
            remark = _interpolated(entry, x)[1]
            if remark:
                made["note"] = "; ".join(text for text in (made.get("note"), remark) if text)
    return made


def _interpolated(table: Mapping[str, Any], x: float) -> tuple[str | float, str]:
    """Return the value at x and, between the nodes, how it came about."""
    nodes = [(float(at), _parts(value)) for at, value in table["nodes"]]
    for at, (number, unit) in nodes:
        if math.isclose(x, at, abs_tol=1e-9):
            return (f"{number:g} {unit}" if unit else number), ""
    for (a, (p, unit)), (b, (q, _)) in itertools.pairwise(nodes):
        if a < x < b:
            share = (x - a) / (b - a)
            if table["interpolation"] == "logarithmic":
                between, way = math.exp((1.0 - share) * math.log(p) + share * math.log(q)), "its logarithm linear in x"
            else:
                between, way = (1.0 - share) * p + share * q, "linear in x"
            remark = f"interpolated between x = {a:g} and {b:g}, {way}"
            return (f"{between:.6g} {unit}" if unit else round(between, _ROUNDING)), remark
    raise ValueError(f"no nodes on both sides of x = {x}")


def _parts(value: str | float) -> tuple[float, str]:
    number, _, unit = str(value).partition(" ")
    return float(number), unit


def _expanded(text: str, x: float) -> str:
    return _BRACES.sub(lambda brace: f"{round(_constant(brace) + _slope(brace) * x, _ROUNDING):.10g}", text)


def _constant(brace: re.Match[str]) -> float:
    return float(brace["constant"] or 0.0)


def _slope(brace: re.Match[str]) -> float:
    return float(brace["slope"] or 1.0) if brace["x"] else 0.0


def _grams_per_mole(formula: str, x: float) -> float:
    return 1e3 * molar_mass(parse_formula(_expanded(formula, x), key="formula"))
