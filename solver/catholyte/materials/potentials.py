"""Reads an equilibrium potential from a material or case file: ``{ law = "table", file = "u.csv" }``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from catholyte.errors import InputError, nearest
from catholyte.physics.equilibrium import (
    Constant,
    EquilibriumPotential,
    IdealSolution,
    Linear,
    continued,
    from_formula,
    from_table,
)
from catholyte.units import to_si


def read_equilibrium_potential(
    section: Mapping[str, Any], *, key: str, folder: Path | None = None
) -> EquilibriumPotential:
    """Make the law that ``section`` describes.

    Parameters
    ----------
    section
        ``law`` and the keys of that law: "table" (``file``, or ``x`` and ``U`` with ``unit``), "formula"
        (``formula``), "constant" (``U0``), "linear" (``U_at_0``, ``U_at_1``), "ideal-solution" (``U0``,
        ``margules``). "constant" and "linear" take ``x_lo`` and ``x_hi``, beyond which they are continued.
    key
        Where the section stands; used in errors.
    folder
        Folder that a table's file is sought in; default the working directory.

    Raises
    ------
    InputError
        Unknown law or key, missing key, wrong dimension, unusable table.
    """
    law = section.get("law")
    if not isinstance(law, str) or law not in _LAWS:
        suggestion = nearest(law, _LAWS) if isinstance(law, str) else None
        raise InputError(f"{key}.law", law, "one of " + ", ".join(_LAWS), suggestion)
    read, required, optional = _LAWS[law]
    allowed = ("law", *required, *optional)
    for word in section:
        if word not in allowed:
            raise InputError(f"{key}.{word}", section[word], "one of " + ", ".join(allowed), nearest(word, allowed))
    for word in required:
        if word not in section:
            raise InputError(f"{key}.{word}", None, f"a value: the law {law!r} needs it")
    return read(section, key, folder or Path())


def _constant(section: Mapping[str, Any], key: str, folder: Path) -> EquilibriumPotential:
    return _with_range(Constant(_volts(section, "U0", key)), section, key)


def _linear(section: Mapping[str, Any], key: str, folder: Path) -> EquilibriumPotential:
    return _with_range(Linear(_volts(section, "U_at_0", key), _volts(section, "U_at_1", key)), section, key)


def _ideal_solution(section: Mapping[str, Any], key: str, folder: Path) -> EquilibriumPotential:
    terms = section.get("margules", [])
    if not isinstance(terms, list):
        terms = [terms]
    margules = tuple(to_si(term, "molar energy", key=f"{key}.margules[{k}]") for k, term in enumerate(terms))
    return IdealSolution(_volts(section, "U0", key), margules)


def _formula(section: Mapping[str, Any], key: str, folder: Path) -> EquilibriumPotential:
    return from_formula(str(section["formula"]), key=f"{key}.formula")


def _table(section: Mapping[str, Any], key: str, folder: Path) -> EquilibriumPotential:
    inline = [word for word in ("x", "U", "unit") if word in section]
    if ("file" in section) == bool(inline):
        raise InputError(key, sorted(section), "either file, or x, U and unit")
    if "file" in section:
        x, U = _read_csv(folder / str(section["file"]), f"{key}.file")
        return from_table(x, U, key=f"{key}.file")
    for word in ("x", "U", "unit"):
        if word not in section:
            raise InputError(f"{key}.{word}", None, "a value: a table needs x, U and unit")
    for word in ("x", "U"):
        if not isinstance(section[word], list) or not all(_is_number(v) for v in section[word]):
            raise InputError(f"{key}.{word}", section[word], "a list of numbers")
    factor = to_si(f"1 {section['unit']}", "potential", key=f"{key}.unit")
    return from_table(section["x"], [factor * U for U in section["U"]], key=key)


def _read_csv(path: Path, key: str) -> tuple[list[float], list[float]]:
    """Read two columns under the heading ``x,U / V``; lines that start with # are comments."""
    if not path.is_file():
        raise InputError(key, str(path), "a file that exists")
    rows = [row for row in path.read_text(encoding="utf-8").splitlines() if row.strip() and row.strip()[0] != "#"]
    heading = [word.strip() for word in rows[0].split(",")] if rows else []
    if len(heading) != 2 or heading[0] != "x" or not heading[1].startswith("U / "):
        raise InputError(key, rows[0] if rows else "", "the heading 'x,U / V' above the numbers")
    factor = to_si("1 " + heading[1].removeprefix("U / "), "potential", key=key)
    x: list[float] = []
    U: list[float] = []
    for row in rows[1:]:
        try:
            first, second = (float(word) for word in row.split(","))
        except ValueError as error:
            raise InputError(key, row, "two numbers a line") from error
        x.append(first)
        U.append(factor * second)
    return x, U


def _with_range(law: Constant | Linear, section: Mapping[str, Any], key: str) -> EquilibriumPotential:
    if "x_lo" not in section and "x_hi" not in section:
        return law
    lo = to_si(section.get("x_lo", 0.0), "fraction", key=f"{key}.x_lo")
    hi = to_si(section.get("x_hi", 1.0), "fraction", key=f"{key}.x_hi")
    if not 0.0 <= lo < hi <= 1.0:
        raise InputError(f"{key}.x_lo", lo, f"a site fraction below x_hi = {hi:g}, both between 0 and 1")
    return continued(law, lo, hi)


def _volts(section: Mapping[str, Any], word: str, key: str) -> float:
    return to_si(section[word], "potential", key=f"{key}.{word}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_Reader = Callable[[Mapping[str, Any], str, Path], EquilibriumPotential]

#: law -> (reader, required keys, optional keys)
_LAWS: dict[str, tuple[_Reader, tuple[str, ...], tuple[str, ...]]] = {
    "table": (_table, (), ("file", "x", "U", "unit")),
    "formula": (_formula, ("formula",), ()),
    "constant": (_constant, ("U0",), ("x_lo", "x_hi")),
    "linear": (_linear, ("U_at_0", "U_at_1"), ("x_lo", "x_hi")),
    "ideal-solution": (_ideal_solution, ("U0",), ("margules",)),
}
