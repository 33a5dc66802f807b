"""Overrides from the command line: ``phases.electrolyte.sigma_i=0.3 mS/cm`` changes one key of a case.

``@fitted.toml`` stands for all that a file of TOML holds: ``"phases.electrolyte.sigma_i" = "0.3 mS/cm"`` there is the
same as above, and so is a table ``[phases.electrolyte]`` with ``sigma_i = "0.3 mS/cm"``.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from catholyte.case.faults import dotted, known_keys, shorthand
from catholyte.errors import InputError, InputErrors, nearest

_PART = re.compile(
    r"""\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^."'=\[\]\s][^."'=\[\]]*?))\s*(?P<end>[.=])"""
)
_DEEPEST = 30
_FORM = "KEY=VALUE with a dotted key, like phases.electrolyte.sigma_i=0.3 mS/cm, or @FILE with such keys"


def apply_overrides(data: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Return a copy of the case ``data`` in which the overrides hold, later ones over earlier ones.

    Raises
    ------
    InputErrors
        If an override is neither KEY=VALUE nor @FILE, or names a key that a case does not have.
    """
    changed = copy.deepcopy(dict(data))
    errors = []
    for text in overrides:
        try:
            changes = list(_of_file(text)) if text.startswith("@") else [parse_override(text)]
        except InputError as error:
            errors.append(error)
            continue
        for path, value in changes:
            try:
                _set(changed, path, value)
            except InputError as error:
                errors.append(error)
    if errors:
        raise InputErrors(errors)
    return changed


def parse_override(text: str) -> tuple[tuple[str, ...], Any]:
    """Split ``key.path=value``; the value is TOML if it can be read so, and a text otherwise."""
    path, position = _dotted_key(text)
    return path, _value(text[position:].strip())


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


def _dotted_key(text: str) -> tuple[tuple[str, ...], int]:
    """Return the parts of a dotted key, and where the text goes on behind the sign of equality that ends it."""
    path: list[str] = []
    position = 0
    while True:
        part = _PART.match(text, position)
        if part is None or len(path) == _DEEPEST:
            raise InputError("--set", text, _FORM)
        path.append(next(word for word in part.group("double", "single", "bare") if word is not None))
        position = part.end()
        if part["end"] == "=":
            return tuple(path), position


def _of_file(text: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return keys and values of a file of overrides."""
    file = Path(text[1:].strip())
    try:
        data = load_toml(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, OverflowError) as error:  # a TOMLDecodeError is a ValueError
        names = [f"@{other}" for other in file.parent.glob("*.toml")] if file.parent.is_dir() else []
        expected = f"@ and a file of TOML with keys of a case ({error})"
        raise InputError("--set", text, expected, nearest(f"@{file}", names)) from error
    return _leaves(data, ())


def _leaves(table: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Go through the values of nested tables; each of their keys may itself be dotted."""
    for key, value in table.items():
        path = (*above, *_dotted_key(f"{key}=")[0])
        if isinstance(value, dict):
            yield from _leaves(value, path)
        else:
            yield path, value


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
