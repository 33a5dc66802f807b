"""Numbers of materials and where they come from, and how a file writes them.

``{ value = "5.17 mS/cm", source = "doi:…" }`` or ``{ value = …, assumed = "the reason for this number" }``: a number
without one of the two, or with both, is refused. What varies with the lithiation x of a host is given at points,
``{ x = [0.0, 1.0], value = ["0.22 mS/cm", "0.66 mS/cm"], source = "doi:…" }``.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catholyte.errors import InputError, nearest
from catholyte.physics.arrhenius import arrhenius
from catholyte.units import DIMENSIONS, to_si

Points = tuple[tuple[float, ...], tuple[float, ...]]

_MARKS = ("source", "assumed", "note")
_PROPERTY_KEYS = (
    "value",
    "x",
    *_MARKS,
    "activation_energy",
    "activation_energy_source",
    "activation_energy_assumed",
    "reference_temperature",
)


@dataclass(frozen=True)
class Origin:
    """Where a number comes from: exactly one of a citable source and the reason for an assumption."""

    source: str | None = None
    assumed: str | None = None
    note: str | None = None

    def __str__(self) -> str:
        return self.source if self.source is not None else f"assumed: {self.assumed}"


@dataclass(frozen=True)
class Property:
    """One number of a material.

    Attributes
    ----------
    value
        SI value at ``reference_temperature``; at x = 1/2 where it varies with the lithiation x.
    unit
        SI unit of ``value``.
    text
        The value as it was written, with its own unit.
    source, assumed
        Exactly one of them is given.
    activation_energy
        J/mol; None if the property is not known to depend on the temperature.
    reference_temperature
        K.
    points
        Lithiations x and the SI values there, of a property that varies with x; None where it is one number.
    """

    value: float
    unit: str
    text: str
    source: str | None = None
    assumed: str | None = None
    activation_energy: float | None = None
    activation_energy_origin: Origin | None = None
    reference_temperature: float = 298.15
    note: str | None = None
    points: Points | None = None

    @property
    def origin(self) -> Origin:
        """Where the number comes from."""
        return Origin(self.source, self.assumed, self.note)

    def at(self, T: float) -> float:
        """Value at T (K) by Arrhenius: p = p_ref·exp[−E_a/R·(1/T − 1/T_ref)]."""
        if self.activation_energy is None:
            return self.value
        return arrhenius(self.value, self.activation_energy, T, self.reference_temperature)

    def along(self, x: ArrayLike, T: float) -> NDArray[Any]:
        """SI values at lithiations ``x`` (any shape, real or complex) and temperature ``T`` in K.

        Between points ln(value) is linear in x; beyond the first and the last the value is theirs.
        """
        x = np.asarray(x)
        factor = self.at(T) / self.value if self.value != 0.0 else 1.0
        if self.points is None:
            return self.value * factor + 0.0 * x
        return factor * interpolated(*self.points, x)

    def replaced(self, value: float, reason: str = "given in the case") -> Property:
        """Return the property with another SI ``value``, assumed for ``reason``; the activation energy stays.

        The value is one number then, the same at every lithiation.
        """
        text = f"{value:g} {self.unit}".strip()
        return replace(self, value=value, text=text, source=None, assumed=reason, note=None, points=None)


def new_property(value: float, dimension: str, reason: str = "given in the case") -> Property:
    """Make a property of an SI value that is assumed for ``reason``."""
    return Property(value, DIMENSIONS[dimension][0], "").replaced(value, reason)


def interpolated(knots: Sequence[float], values: Sequence[float], x: NDArray[Any]) -> NDArray[Any]:
    """Interpolate ``values`` > 0 over rising ``knots``: linear in the logarithm, constant beyond the ends.

    ``x`` may be complex, for derivatives by complex step.
    """
    at, logs = np.array(knots), np.log(values)
    k = np.clip(np.searchsorted(at, x.real, side="right") - 1, 0, at.size - 2)
    # At the last knot itself the slope is that inside, as at the first one.
    inside = (x.real >= at[0]) & (x.real <= at[-1])
    place = np.where(inside, x, np.clip(x.real, at[0], at[-1]))
    return np.exp(logs[k] + (place - at[k]) * (np.diff(logs) / np.diff(at))[k])


def read_property(
    entry: object,
    dimension: str,
    key: str,
    *,
    signed: bool = False,
    positive: bool = False,
    varying: bool = False,
) -> Property:
    """Read ``{ value = …, source = … }`` of one dimension.

    Parameters
    ----------
    entry
        The table.
    dimension
        A key of :data:`catholyte.units.DIMENSIONS`.
    key
        Where the table stands; used in errors.
    signed, positive, varying
        Whether the value may be negative, must not be zero, may be a list over the lithiation ``x``.

    Raises
    ------
    InputError
        Unknown key, missing or doubled mark of origin, wrong dimension, a sign that the number cannot have, points that
        make no curve.
    """
    section, origin = marked(entry, key)
    for word in section:
        known(word, _PROPERTY_KEYS, key)
    if "value" not in section:
        raise InputError(f"{key}.value", None, f"a value with its unit, like {DIMENSIONS[dimension][1]!r}")
    points = None
    if "x" in section:
        if not varying:
            raise InputError(f"{key}.x", section["x"], "no x: only D, sigma_e and sigma_i may vary with the lithiation")
        points = _points(section, dimension, key)
        value = float(interpolated(*points, np.array(0.5)))
        text = ", ".join(f"{one} at x = {x:g}" for x, one in zip(points[0], section["value"], strict=True))
    else:
        value = to_si(section["value"], dimension, key=f"{key}.value")
        text = str(section["value"])
    if value < 0.0 and not signed:
        raise InputError(f"{key}.value", section["value"], "a value that is not negative")
    if value == 0.0 and positive:
        raise InputError(f"{key}.value", section["value"], "a value above zero")
    energy, energy_origin = None, None
    if "activation_energy" in section:
        energy = to_si(section["activation_energy"], "molar energy", key=f"{key}.activation_energy")
        marks = {
            mark: section[f"activation_energy_{mark}"]
            for mark in ("source", "assumed")
            if f"activation_energy_{mark}" in section
        }
        energy_origin = read_origin(marks, f"{key}.activation_energy")
    temperature = section.get("reference_temperature", "298.15 K")
    return Property(
        value=value,
        unit=DIMENSIONS[dimension][0],
        text=text,
        source=origin.source,
        assumed=origin.assumed,
        activation_energy=energy,
        activation_energy_origin=energy_origin,
        reference_temperature=to_si(temperature, "temperature", key=f"{key}.reference_temperature"),
        note=origin.note,
        points=points,
    )


def _points(section: Mapping[str, Any], dimension: str, key: str) -> Points:
    """Read lithiations and the values there."""
    x, values = section["x"], section["value"]
    if not isinstance(x, list) or len(x) < 2:
        raise InputError(f"{key}.x", x, "a list of two lithiations or more, like [0.0, 1.0]")
    if not isinstance(values, list) or len(values) != len(x):
        example = DIMENSIONS[dimension][1]
        raise InputError(f"{key}.value", values, f"a list of {len(x)} values like {example!r}, one for each x")
    at = tuple(to_si(one, "fraction", key=f"{key}.x[{k}]") for k, one in enumerate(x))
    for a, b in itertools.pairwise(at):
        if b <= a:
            raise InputError(f"{key}.x", f"{a:g} then {b:g}", "lithiations that increase")
    if at[0] < 0.0 or at[-1] > 1.0:
        raise InputError(f"{key}.x", f"{at[0]:g} … {at[-1]:g}", "lithiations from 0 (charged) to 1 (discharged)")
    read = tuple(to_si(one, dimension, key=f"{key}.value[{k}]") for k, one in enumerate(values))
    for k, one in enumerate(read):
        if one <= 0.0:
            raise InputError(f"{key}.value[{k}]", values[k], "a value above zero: its logarithm is interpolated")
    return at, read


def marked(entry: object, key: str) -> tuple[dict[str, Any], Origin]:
    """Split a table into what it says and where that comes from."""
    section, marks = split(entry, key)
    return section, read_origin(marks, key)


def split(entry: object, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a table into what it says and its marks of origin, of which there may be none."""
    if not isinstance(entry, dict):
        raise InputError(key, entry, "a table with a value and its source, like { value = …, source = … }")
    marks = {word: entry[word] for word in _MARKS if word in entry}
    return {word: entry[word] for word in entry if word not in marks}, marks


def read_origin(marks: Mapping[str, Any], key: str) -> Origin:
    """Read the marks of origin, of which there must be exactly one."""
    for word, text in marks.items():
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{key}.{word}", text, "a text that is not empty")
    if ("source" in marks) == ("assumed" in marks):
        expected = 'exactly one of source = "doi:…" and assumed = "the reason for this value"'
        raise InputError(key, "both" if "source" in marks else None, expected)
    return Origin(**marks)


def known(word: str, choices: Collection[str], where: str) -> None:
    """Refuse a word that is not among the choices."""
    if word not in choices:
        raise InputError(f"{where}: {word}", word, "one of " + ", ".join(choices), nearest(word, choices))
