"""What a measure is: a question to a result whose answer is one number or several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from catholyte.errors import InputError, nearest
from catholyte.results import Results
from catholyte.validation.reading import Keys

#: what an unordered answer is matched by
LINEAR, LOGARITHMIC = "linear", "logarithmic"


@dataclass(frozen=True)
class Found:
    """What a measure read off a result.

    Attributes
    ----------
    values
        In SI.
    matched
        How the values find their partners in a measured list: in their order if empty, else the nearest ones on a
        linear or logarithmic scale (peaks, of which there may be others).
    """

    values: tuple[float, ...]
    matched: str = ""


class Measure(Protocol):
    """A question to a result."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Dimensions that the answer may be given in; the unit of the row chooses."""

    def __call__(self, results: Results, dimension: str) -> Found:
        """Answer in SI units of one of the dimensions.

        Raises
        ------
        InputError
            If the result cannot answer.
        """


@dataclass(frozen=True)
class Bounds:
    """A range of values with open ends."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def only(self, values: Iterable[float]) -> tuple[float, ...]:
        """Return the values inside."""
        return tuple(value for value in values if value in self)


def read_bounds(keys: Keys, dimension: str) -> Bounds:
    """Read ``above`` and ``below``; without them every value is inside.

    Raises
    ------
    InputError
        If nothing lies between them.
    """
    low = keys.quantity("above", dimension, float("-inf"))
    high = keys.quantity("below", dimension, float("inf"))
    if not low < high:
        raise InputError(keys.path("above"), keys.data["above"], f"less than below = {keys.data['below']!r}")
    return Bounds(low, high)


def cannot(results: Results, what: str) -> InputError:
    """Return the error of a result that a measure cannot be read off."""
    return InputError("result", results.path.name, what)


def known_curve(results: Results, name: str, where: str) -> str:
    """Return the name of a curve that a result has.

    Raises
    ------
    InputError
        If it has none of that name.
    """
    names = [str(each) for each in results.curves.data_vars]
    if name not in names:
        alike = [each for each in names if each.split(" ")[0] == name.split(" ")[0]]
        there = ", ".join(alike) or "none of its kind"
        raise InputError(where, name, f"a curve of the result, which has {there}", nearest(name, alike))
    return name
