"""Atoms and charge of a species, read from its name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from catholyte.errors import InputError, nearest
from catholyte.physics.atoms import ATOMIC_WEIGHTS


class Compound(Protocol):
    """What balances: atoms and charge."""

    @property
    def elements(self) -> Mapping[str, float]:
        """Element -> number of atoms."""
        ...

    @property
    def charge(self) -> float:
        """Charge in elementary charges."""
        ...


@dataclass(frozen=True)
class Formula:
    """Atoms and charge of a species.

    Attributes
    ----------
    elements
        Element -> number of atoms.
    charge
        In elementary charges.
    """

    elements: Mapping[str, float]
    charge: float


_SIGNED = re.compile(r"(?P<body>.+?)(?P<number>[0-9]*)(?P<sign>[+-])")
_ATOM = re.compile(r"(?P<element>[A-Z][a-z]?)(?P<count>[0-9]*\.?[0-9]*)|(?P<open>\()|\)(?P<group>[0-9]*\.?[0-9]*)")


def plain(text: str) -> str:
    """Spell superscripts, true minus signs and arrows in one way: ``"I⁻ ⇌ I⁰ + e⁻"`` becomes ``"I- <=> I0 + e-"``."""
    text = unicodedata.normalize("NFKC", text)
    for sign, ascii_sign in (("−", "-"), ("⇌", "<=>"), ("⇄", "<=>"), ("→", "=>"), ("⇒", "=>")):
        text = text.replace(sign, ascii_sign)
    return text.strip()


def parse_formula(text: str, *, key: str) -> dict[str, float]:
    """Count the atoms of a neutral formula: ``"Li3.6InCl6.6"``, ``"Fe(CN)6"``.

    Raises
    ------
    InputError
        If the text is not a formula, or names an element that does not exist.
    """
    expected = "a formula, like 'Li3InCl6' or 'Fe(CN)6'"
    groups: list[dict[str, float]] = [{}]
    position = 0
    while position < len(text):
        found = _ATOM.match(text, position)
        if found is None:
            raise InputError(key, text, f"{expected}; {text[position:]!r} cannot be read")
        position = found.end()
        if found["open"]:
            groups.append({})
            continue
        if found["element"]:
            counted = {_element(found["element"], text, key): 1.0}
        elif len(groups) > 1:
            counted = groups.pop()
        else:
            raise InputError(key, text, f"{expected}; a ')' has no '('")
        number = found["count"] if found["element"] else found["group"]
        if number == "." or (number and float(number) == 0.0):
            raise InputError(key, text, f"{expected}, with numbers of atoms above zero")
        for element, count in counted.items():
            groups[-1][element] = groups[-1].get(element, 0.0) + count * float(number or 1)
    if len(groups) > 1 or not groups[0]:
        raise InputError(key, text, expected if text.strip() == "" else f"{expected}; a '(' is not closed")
    return groups[0]


def molar_mass(elements: Mapping[str, float]) -> float:
    """Return the molar mass of so many atoms in kg/mol."""
    return sum(count * ATOMIC_WEIGHTS[element] for element, count in elements.items())


def parse_species(name: str, *, key: str) -> Formula:
    """Read atoms and charge from the name of a species.

    ``"ICl"`` and ``"I2"`` are neutral, a single 0 behind one element says so (``"I0"``), a sign is one charge
    (``"I-"``, ``"ClO-"``), and a number before the sign is the charge where the species is one element (``"In3+"``,
    ``"O2-"``). Where it could count atoms as well as charges (``"SO42-"``) the name does not tell.

    Raises
    ------
    InputError
        If the name does not tell.
    """
    text = plain(name)
    signed = _SIGNED.fullmatch(text)
    if signed is None:
        single = re.fullmatch(r"([A-Z][a-z]?)0", text)
        return Formula(parse_formula(single[1] if single is not None else text, key=key), 0.0)
    sign = 1.0 if signed["sign"] == "+" else -1.0
    body, number = signed["body"], signed["number"]
    if not number:
        return Formula(parse_formula(body, key=key), sign)
    if re.fullmatch(r"[A-Z][a-z]?", body) and float(number) > 0.0:
        return Formula(parse_formula(body, key=key), sign * float(number))
    raise InputError(
        key, name, f"formula and charge beside the name: {number!r} may count charges or atoms of a species like this"
    )


def _element(symbol: str, text: str, key: str) -> str:
    if symbol not in ATOMIC_WEIGHTS:
        alike = nearest(symbol, ATOMIC_WEIGHTS)
        raise InputError(key, text, f"elements with an atomic weight; {symbol!r} is none", alike)
    return symbol
