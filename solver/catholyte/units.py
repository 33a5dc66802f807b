"""Literature units to SI: the only place that knows pint.

``to_si("0.18 mS/cm", "conductivity", key="phases.electrolyte.sigma_i")`` gives ``0.018`` (S/m). A number
without a unit is refused unless the dimension is "fraction"; a wrong dimension is an :class:`InputError`
naming the key.

A quantity is a number and a product of units, read here by a grammar of its own; pint is only asked what a
single unit name means, so that no text from a case file is ever evaluated::

    quantity = number [units]
    number   = 5 | -0.5 | 3.8e-12 | 3.8×10⁻¹²
    units    = factor { (" " | "*" | "·" | "/") factor }      read from left to right
    factor   = name [exponent] | "(" units ")"                cm2, cm^2, cm**2, cm², s-1
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from catholyte.errors import InputError, nearest

if TYPE_CHECKING:
    import pint

#: name of a dimension -> (SI unit, an example in the units of the literature)
DIMENSIONS: dict[str, tuple[str, str]] = {
    "length": ("m", "5 um"),
    "area": ("m**2", "0.785 cm2"),
    "specific area": ("m**2/kg", "0.5 m2/g"),
    "time": ("s", "30 minutes"),
    "mass": ("kg", "12 mg"),
    "temperature": ("K", "25 degC"),
    "conductivity": ("S/m", "0.18 mS/cm"),
    "diffusivity": ("m**2/s", "3.8e-12 cm2/s"),
    "density": ("kg/m**3", "4.7 g/cm3"),
    "molar mass": ("kg/mol", "97.3 g/mol"),
    "molar volume": ("m**3/mol", "20.5 cm3/mol"),
    "concentration": ("mol/m**3", "48.2 mol/L"),
    "potential": ("V", "2.5 V"),
    "current": ("A", "0.5 mA"),
    "current density": ("A/m**2", "0.5 mA/cm2"),
    "specific current": ("A/kg", "22 mA/g"),
    "area resistance": ("ohm*m**2", "10 ohm cm2"),
    "areal capacitance": ("F/m**2", "10 uF/cm2"),
    "inductance": ("H", "1 uH"),
    "specific capacity": ("A*s/kg", "160 mAh/g"),
    "areal capacity": ("A*s/m**2", "2 mAh/cm2"),
    "areal mass": ("kg/m**2", "8 mg/cm2"),
    "capacity": ("A*s", "5 mAh"),
    "power": ("W", "5 mW"),
    "areal power": ("W/m**2", "1 mW/cm2"),
    "specific power": ("W/kg", "50 W/kg"),
    "specific energy": ("J/kg", "560 W h/kg"),
    "resistance": ("ohm", "5 ohm"),
    "voltage rate": ("V/s", "0.1 mV/s"),
    "frequency": ("Hz", "1 kHz"),
    "molar energy": ("J/mol", "0.3 eV"),
    "pressure": ("Pa", "7 MPa"),
    "fraction": ("", "0.7 or 70 %"),
}

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
    r"(?:[eE](?P<exponent>[+-]?[0-9]+)|\s*[x×·*]\s*10(?:\^|\*\*)?(?P<power>[+-]?[0-9]+))?"
    r"\s*(?P<units>.*)"
)
_TOKEN = re.compile(
    r"(?P<name>[A-Za-zΩμÅ°%_]{1,24})(?:(?:\^|\*\*)?(?P<exponent>[+-]?[1-9]))?(?![A-Za-z0-9.])"
    r"|\s*(?P<operator>[*·⋅/()])\s*|\s+"
)
_LONGEST = 80  # characters; anything longer is no quantity and not worth reading


class _UnreadableError(Exception):
    """The text is not a product of units; the message says why, if there is more to say."""


def to_si(value: object, dimension: str, *, key: str) -> float:
    """Convert a quantity written with its unit to an SI float.

    Parameters
    ----------
    value
        Text such as ``"0.18 mS/cm"``; a bare number only for the dimension "fraction".
    dimension
        A key of :data:`DIMENSIONS`.
    key
        Where the value stands in the case file; used in the error.

    Raises
    ------
    InputError
        If the text is not a quantity, has another dimension, or is not finite.
    """
    unit, example = DIMENSIONS[dimension]
    expected = f"a finite {dimension} with its unit, like {example!r}" if unit else "a fraction, like 0.7 or '70 %'"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(key, value, expected)
    if isinstance(value, str):
        number = _read(value, dimension, key=key, expected=expected)
    elif unit:
        raise InputError(key, value, expected, f"{value:g} {_usual_unit(dimension)}" if _fits_float(value) else None)
    else:
        number = float(value) if _fits_float(value) else math.inf
    if not math.isfinite(number):
        raise InputError(key, value, expected)
    return number


def from_si(value: float, unit: str, dimension: str) -> float:
    """Convert an SI float of a named dimension to another unit.

    ``from_si(0.018, "mS/cm", "conductivity")`` is 0.18.

    Raises
    ------
    InputError
        If ``unit`` is not a unit of that dimension.
    """
    try:
        p, q = _ratio(unit, dimension)
    except _UnreadableError as error:
        raise InputError("unit", unit, f"a unit of {dimension}{error}") from error
    if dimension == "temperature":  # degC has an offset
        return float(_registry().Quantity(value, "K").to(_unit(unit)).magnitude)
    return value * q / p


def _read(text: str, dimension: str, *, key: str, expected: str) -> float:
    """Read number and units from ``text``; the result may be infinite."""
    unit = DIMENSIONS[dimension][0]
    found = _QUANTITY.fullmatch(_plain(text)) if len(text) <= _LONGEST else None
    if found is None:
        raise InputError(key, text, expected)
    written, number_text = found["units"].strip(), found[0][: found.start("units")].strip()
    if unit and not written:
        raise InputError(key, text, expected, f"{number_text} {_usual_unit(dimension)}")
    try:
        return _convert(f"{found['number']}e{found['exponent'] or found['power'] or 0}", written, dimension)
    except _UnreadableError as error:
        alike = nearest(written, (_usual_unit(dimension), unit.replace("**", ""))) if unit else None
        suggestion = f"{number_text} {alike}" if alike is not None else None
        raise InputError(key, text, f"{expected}{error}", suggestion) from error


def _fits_float(value: int | float) -> bool:
    return isinstance(value, float) or value.bit_length() < 1024


def _usual_unit(dimension: str) -> str:
    """Return the unit of the dimension's example: "mS/cm" for a conductivity."""
    return DIMENSIONS[dimension][1].partition(" ")[2]


def _plain(text: str) -> str:
    """Spell superscripts, micro signs, thin spaces and true minus signs in one way (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", text).replace("−", "-").strip()


@functools.cache
def _registry() -> pint.UnitRegistry[Any]:
    # No cache on disk: it would save 0.1 s, and fails where the home folder cannot be written.
    import pint

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


@functools.lru_cache(maxsize=512)
def _unit(text: str) -> pint.Unit:
    """Return the product of units that ``text`` spells."""
    import pint

    product = _registry().Unit("")
    for name, exponent in _factors(_plain(text)):
        try:
            product = product * _registry().parse_units(name) ** exponent
        except (pint.PintError, AttributeError, ValueError) as error:
            raise _UnreadableError(f"; {name!r} is not a unit") from error
    return product


def _factors(text: str) -> list[tuple[str, int]]:
    """Split ``"J/(mol K)"`` into ``[("J", 1), ("mol", -1), ("K", -1)]``."""
    factors: list[tuple[str, int]] = []
    signs = [1]  # of the groups that are open
    sign, operand_due, position = 1, False, 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise _UnreadableError
        position = token.end()
        operator = token["operator"]
        if token["name"]:
            factors.append((token["name"], signs[-1] * sign * int(token["exponent"] or 1)))
            sign, operand_due = 1, False
        elif operator == "(":
            signs.append(signs[-1] * sign)
            sign, operand_due = 1, True
        elif operator is not None:
            if operand_due or not factors or (operator == ")" and len(signs) == 1):
                raise _UnreadableError
            if operator == ")":
                signs.pop()
            else:
                sign, operand_due = (-1 if operator == "/" else 1), True
    if operand_due or len(signs) > 1:
        raise _UnreadableError
    return factors


def _is_energy_of_one_particle(unit: pint.Unit) -> bool:
    # "0.3 eV" stands for an energy per mole throughout the literature; "30 kJ" would be a slip.
    return "electron_volt" in str(unit) and unit.is_compatible_with("J")


@functools.lru_cache(maxsize=512)
def _ratio(text: str, dimension: str) -> tuple[float, float]:
    """Return p and q, whole if possible, where one of the units that ``text`` spells is p/q in SI."""
    import pint

    unit = _unit(text)
    try:
        one = _registry().Quantity(1.0, unit)
        if dimension == "molar energy" and _is_energy_of_one_particle(unit):
            one = one * _registry().avogadro_constant
        factor = float(one.to(_unit(DIMENSIONS[dimension][0])).magnitude)
        if factor < 1.0 and math.isclose(factor * round(1.0 / factor), 1.0, rel_tol=1e-12):
            return 1.0, float(round(1.0 / factor))
        return (float(round(factor)) if math.isclose(factor, round(factor), rel_tol=1e-12) else factor), 1.0
    except pint.DimensionalityError as error:
        raise _UnreadableError(f", not {_name_of_dimension(unit)}") from error
    except (pint.PintError, OverflowError, ZeroDivisionError) as error:  # degC2, or 10⁴⁰⁰ on the way
        raise _UnreadableError from error


def _convert(number: str, units: str, dimension: str) -> float:
    """Return the float nearest to the quantity in SI, so that "0.4 um" is the same as 4e-7."""
    p, q = _ratio(units, dimension)
    magnitude = float(number)
    if dimension == "temperature":  # degC has an offset
        return float(_registry().Quantity(magnitude, _unit(units)).to("K").magnitude)
    if magnitude == 0.0 or math.isinf(magnitude):  # its exponent may be too large to write out
        return magnitude
    try:
        return float(Fraction(number) * Fraction(p) / Fraction(q))
    except OverflowError:
        return math.inf


def _name_of_dimension(unit: pint.Unit) -> str:
    """Say in words what has this unit: "a length", or "the dimension [current] * [time]"."""
    for name, (si, _) in DIMENSIONS.items():
        if _unit(si).dimensionality == unit.dimensionality:
            return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    return f"the dimension {unit.dimensionality}"
