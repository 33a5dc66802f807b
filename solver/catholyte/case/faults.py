"""From a fault in a case to the error that its writer reads: key, value as written, what was expected."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from catholyte.case.schema import Case
from catholyte.case.values import REFUSED
from catholyte.errors import InputError, nearest

Path = tuple[str | int, ...]


class _Missing:
    def __repr__(self) -> str:
        return "missing"


#: stands for the value of a key that is not there
MISSING = _Missing()


@dataclass(frozen=True)
class Fault:
    """A value that does not fit the others.

    Attributes
    ----------
    path
        Keys from the top of the case.
    expected, suggestion
        As in :class:`catholyte.errors.InputError`.
    """

    path: Path
    expected: str
    suggestion: str | None = None


def dotted(path: Path) -> str:
    """Write a path as in TOML: ``("mesh", "crop", 0)`` is "mesh.crop[0]"."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = re.fullmatch(r"[\w|:/+-]+", part)
            text += ("." if text else "") + (part if bare else repr(part))
    return text or "case"


def as_written(data: object, path: Path) -> tuple[Path, object]:
    """Return the value at ``path``, or the nearest thing above it that is no table, with its path."""
    for depth, part in enumerate(path):
        if isinstance(data, Mapping):
            if part not in data:
                return path[: depth + 1], MISSING
            data = data[part]
        elif isinstance(data, list | tuple) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:  # a shorthand: the text stands for the table that the path goes through
            return path[:depth], data
    return path, data


def explain(fault: Fault, data: Mapping[str, Any]) -> InputError:
    """Make the error of a fault in the case ``data``."""
    path, value = as_written(data, fault.path)
    return InputError(dotted(path), value, fault.expected, fault.suggestion)


def explain_all(error: ValidationError, data: Mapping[str, Any]) -> list[InputError]:
    """Make the errors of everything that pydantic found in the case ``data``."""
    return [_explain(details, data) for details in error.errors(include_url=False, include_input=False)]


def _explain(details: ErrorDetails, data: Mapping[str, Any]) -> InputError:
    path = tuple(part for part in details["loc"] if part != "[key]")
    if details["type"] == REFUSED:
        context = details["ctx"]
        return explain(Fault(path, context["expected"], context["suggestion"]), data)
    if details["type"] == "extra_forbidden":
        known = list(_properties(_node(path[:-1])))
        word = str(path[-1])
        return explain(Fault(path, "one of the keys " + ", ".join(known), nearest(word, known)), data)
    return explain(Fault(path, _meaning(_node(path))), data)


# -------------------------------------------------------------------------- what the schema says of a key


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a case file, with which editors complete and check it."""
    schema = _tidy(Case.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _tidy(node: Any) -> Any:
    """Drop what pydantic says of None: TOML has no null, a key is simply not there."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {word: _tidy(item) for word, item in node.items()}
    if "default" in node and node["default"] is None:
        del node["default"]
    options = node.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        options = [option for option in options if option != {"type": "null"}]
        rest = {word: item for word, item in node.items() if word != "anyOf"}
        return {**options[0], **rest} if len(options) == 1 else {**rest, "anyOf": options}
    return node


@functools.cache
def _schema() -> dict[str, Any]:
    return json_schema()


def _table_of(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the table among what a key may hold."""
    if "$ref" in node:
        return _table_of(_schema()["$defs"][node["$ref"].rpartition("/")[2]])
    for option in node.get("anyOf", ()):
        table = _table_of(option)
        if table.get("type") == "object":
            return table
    return node


def _properties(node: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _table_of(node).get("properties", {})
    return found


def _node(path: Path) -> Mapping[str, Any]:
    """Return what the schema says of the key at ``path``."""
    node: Mapping[str, Any] = _schema()
    for part in path:
        if isinstance(part, int) and "items" in node:
            node = node["items"]
            continue
        table = _table_of(node)
        named = table.get("additionalProperties")
        if part in table.get("properties", {}):
            node = table["properties"][part]
        elif isinstance(named, dict):
            node = named
        else:
            break
    return node


def known_keys(path: Path) -> tuple[str, ...] | None:
    """Return the keys that the table at ``path`` may have; None if it is no table or its keys are names."""
    return tuple(_properties(_node(path))) or None


def shorthand(path: Path) -> str | None:
    """Return the key that is meant where the table at ``path`` is written as a mere text."""
    node = _node(path)
    while "$ref" in node:
        node = _schema()["$defs"][node["$ref"].rpartition("/")[2]]
    found: str | None = node.get("x-shorthand")
    return found


def _meaning(node: Mapping[str, Any]) -> str:
    description: str = node.get("description", "a value").rstrip(".")
    if keys := ", ".join(_properties(node)):
        description += f" (a table with the keys {keys})"
    examples: Sequence[Any] = node.get("examples", ())
    return f"{description}, like {_inline(examples[0])}" if examples else description


def _inline(value: Any) -> str:
    """Write a value as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else repr(value)
