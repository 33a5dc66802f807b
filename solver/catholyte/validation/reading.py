"""Reading small tables of TOML key by key: every fault is told with its key and the nearest thing that is known."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from catholyte.case.faults import MISSING
from catholyte.case.overrides import load_toml
from catholyte.errors import InputError, InputErrors, nearest
from catholyte.units import to_si

T = TypeVar("T")

_ALLOWANCE = "a positive number in the unit of the row, or a share of the measured value like '10 %'"


@dataclass(frozen=True)
class Allowance:
    """How far a value may be off: in the unit of its row, or as a share of the measured value."""

    amount: float
    relative: bool

    def of(self, measured: float) -> float:
        """Return it for a measured value, in the unit of the row."""
        return self.amount * abs(measured) if self.relative else self.amount


class Keys:
    """A table whose keys are taken one by one; :meth:`close` refuses those that nobody asked for.

    Parameters
    ----------
    data
        What TOML gave.
    where
        Path of the table in errors.

    Attributes
    ----------
    asked
        Keys that were asked for so far, whether they are there or not.

    Raises
    ------
    InputError
        If ``data`` is no table.
    """

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, Mapping):
            raise InputError(where, data, "a table")
        self.data: Mapping[str, Any] = data
        self.where = where
        self.asked: list[str] = []

    def path(self, key: str) -> str:
        """Return the path of a key in errors."""
        return f"{self.where} {key}" if self.where.endswith(":") else f"{self.where}.{key}"

    def has(self, key: str) -> bool:
        """Whether a key is there."""
        self.asked.append(key)
        return key in self.data

    def raw(self, key: str, expected: str) -> Any:
        """Return the value of a key that has to be there."""
        if not self.has(key):
            unread = [word for word in self.data if word not in self.asked]
            raise InputError(self.path(key), MISSING, expected, _instead(key, unread))
        return self.data[key]

    def text(self, key: str, expected: str) -> str:
        """Return a text that has to be there."""
        return _text(self.raw(key, expected), self.path(key), expected)

    def text_or(self, key: str, expected: str, default: T) -> str | T:
        """Return a text, or the default without one."""
        return self.text(key, expected) if self.has(key) else default

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        """Return one of some words."""
        expected = f"one of {', '.join(choices)}"
        if default is not None and not self.has(key):
            return default
        value = self.raw(key, expected)
        if value not in choices:
            raise InputError(
                self.path(key), value, expected, nearest(value, choices) if isinstance(value, str) else None
            )
        return str(value)

    def whole(self, key: str, expected: str, default: T) -> int | T:
        """Return a whole number other than zero, or the default without one."""
        if not self.has(key):
            return default
        value = self.data[key]
        if isinstance(value, bool) or not isinstance(value, int) or value == 0:
            raise InputError(self.path(key), value, expected)
        return value

    def flag(self, key: str) -> bool:
        """Return whether something is set; it is not by default."""
        if not self.has(key):
            return False
        if not isinstance(self.data[key], bool):
            raise InputError(self.path(key), self.data[key], "true or false")
        return bool(self.data[key])

    def quantity(self, key: str, dimension: str, default: T) -> float | T:
        """Return a quantity in SI, or the default without one."""
        return to_si(self.data[key], dimension, key=self.path(key)) if self.has(key) else default

    def positive(self, key: str, default: float) -> float:
        """Return a plain number above zero."""
        return positive(self.data[key], self.path(key)) if self.has(key) else default

    def allowance(self, key: str) -> Allowance | None:
        """Return how far a value may be off; None without it."""
        if not self.has(key):
            return None
        value = self.data[key]
        try:
            amount = to_si(value, "fraction", key=self.path(key))
        except InputError as error:
            raise InputError(self.path(key), value, _ALLOWANCE) from error
        if not amount > 0.0:
            raise InputError(self.path(key), value, _ALLOWANCE)
        return Allowance(amount, relative=isinstance(value, str))

    def texts(self, key: str, expected: str) -> tuple[str, ...]:
        """Return one text or several; none by default."""
        if not self.has(key):
            return ()
        value = self.data[key]
        listed = value if isinstance(value, list) else [value]
        return tuple(_text(each, self.path(key), expected) for each in listed)

    def table(self, key: str, expected: str) -> Keys:
        """Return a table that has to be there."""
        return Keys(self.raw(key, expected), self.path(key))

    def close(self) -> None:
        """Refuse keys that were not asked for.

        Raises
        ------
        InputErrors
            One for each.
        """
        known = list(dict.fromkeys(self.asked))
        unknown = [key for key in self.data if key not in known]
        if unknown:
            expected = f"one of the keys {', '.join(known)}"
            raise InputErrors(
                InputError(self.path(key), self.data[key], expected, nearest(key, known)) for key in unknown
            )


def positive(value: object, key: str) -> float:
    """Return a number above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0.0):
        raise InputError(key, value, "a number above zero")
    return float(value)


def load_table(path: Path, what: str) -> dict[str, Any]:
    """Read a file of TOML.

    Raises
    ------
    InputError
        If there is none, or it is not TOML.
    """
    try:
        return load_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        names = [file.name for file in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        raise InputError(str(path), MISSING, f"{what} (.toml)", nearest(path.name, names)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), str(error), f"{what} (.toml) in UTF-8") from error
    except (tomllib.TOMLDecodeError, OverflowError) as error:
        raise InputError(str(path), str(error), "a file in the TOML format") from error


def _text(value: object, key: str, expected: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(key, value, expected)
    return value.strip()


def _instead(key: str, unread: Sequence[str]) -> str | None:
    alike = nearest(key, unread)
    return None if alike is None else f"{key} instead of {alike}"
