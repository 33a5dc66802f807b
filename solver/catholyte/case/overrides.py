"""Overrides from the command line: ``phases.electrolyte.sigma_i=0.3 mS/cm`` changes one key of a case."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from catholyte.case.faults import dotted, known_keys, shorthand
from catholyte.errors import InputError, InputErrors, nearest

_PART = re.compile(
    r"""\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^."'=\[\]\s][^."'=\[\]]*?))\s*(?P<end>[.=])"""
)
_DEEPEST = 30
_FORM = "KEY=VALUE with a dotted key, like phases.electrolyte.sigma_i=0.3 mS/cm"


def apply_overrides(data: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Return a copy of the case ``data`` in which the overrides hold, later ones over earlier ones.

    Raises
    ------
    InputErrors
        If an override is not of the form KEY=VALUE or names a key that a case does not have.
    """
    changed = copy.deepcopy(dict(data))
    errors = []
    for text in overrides:
        try:
            path, value = parse_override(text)
            _set(changed, path, value)
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputErrors(errors)
    return changed


def parse_override(text: str) -> tuple[tuple[str, ...], Any]:
    """Split ``key.path=value``; the value is TOML if it can be read so, and a text otherwise."""
    path: list[str] = []
    position = 0
    while True:
        part = _PART.match(text, position)
        if part is None or len(path) == _DEEPEST:
            raise InputError("--set", text, _FORM)
        path.append(next(word for word in part.group("double", "single", "bare") if word is not None))
        position = part.end()
        if part["end"] == "=":
            return tuple(path), _value(text[position:].strip())


def load_toml(text: str) -> dict[str, Any]:
    """Read TOML that Python can go on to copy, show and write again.

    Raises
    ------
    tomllib.TOMLDecodeError
        If the text is not TOML.
    OverflowError
        If it has a number of thousands of digits, or lists or tables far more nested than those of a case.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise OverflowError(str(error)) from error
    level: list[Any] = [data]
    for _ in range(_DEEPEST):
        level = [
            inner
            for held in level
            if isinstance(held, dict | list)
            for inner in (held.values() if isinstance(held, dict) else held)
        ]
    if level:
        raise OverflowError(f"nested more than {_DEEPEST} deep")
    return data


def _value(text: str) -> Any:
    try:
        read = load_toml(f"value = {text}")
    except (tomllib.TOMLDecodeError, OverflowError):
        return text
    return read["value"] if set(read) == {"value"} else text


def _set(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    table = data
    for depth, part in enumerate(path):
        above = path[:depth]
        known = known_keys(above)
        if known is not None and part not in known:
            where = f" in {dotted(above)}" if above else ""
            expected = f"one of the keys {', '.join(known)}{where}"
            raise InputError(dotted(path), value, expected, nearest(part, known))
        part = _same_interface(part, table) if above == ("interfaces",) else part
        if depth == len(path) - 1:
            table[part] = value
            return
        if above == ("phases",) and part not in table:
            names = ", ".join(table) or "none"
            raise InputError(dotted(path), value, f"the name of a phase of the case ({names})", nearest(part, table))
        below = table.setdefault(part, {})
        short = shorthand(path[: depth + 1])
        if short is not None and isinstance(below, str):
            below = table[part] = {short: below}
        if not isinstance(below, dict):
            raise InputError(
                dotted(path),
                value,
                f"a key of a table, but {dotted(path[: depth + 1])} is {below!r} in the case",
            )
        table = below


def _same_interface(name: str, interfaces: Mapping[str, Any]) -> str:
    """Return the name under which the case has this pair of phases, in whatever order."""
    pair = sorted(name.split("|"))
    return next((written for written in interfaces if sorted(written.split("|")) == pair), name)
