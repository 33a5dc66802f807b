"""Reads a case: TOML, overrides, form, and what its tables mean together; all faults are reported at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from catholyte.case.checks import contradictions
from catholyte.case.faults import MISSING, Fault, explain, explain_all
from catholyte.case.overrides import apply_overrides, load_toml
from catholyte.case.schema import Case
from catholyte.errors import InputError, InputErrors, nearest


def read_case(path: str | Path, overrides: Sequence[str] = (), *, folder: Path | None = None) -> Case:
    """Read a case file.

    Parameters
    ----------
    path
        A TOML file.
    overrides
        Changes of single keys, such as ``"mesh.packing.seed=8"``; see :mod:`catholyte.case.overrides`.
    folder
        Where relative paths in the case start from; the folder of the file if not given.

    Raises
    ------
    InputError
        If the file cannot be read as TOML.
    InputErrors
        All that is wrong with the case.
    """
    path = Path(path)
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(str(path), MISSING, "a case file (.toml)", _file_alike(path)) from error
    except (OSError, ValueError) as error:  # a folder, no permission; not UTF-8, or a zero byte in the name
        raise InputError(str(path), str(error), "a case file (.toml) in UTF-8", _file_alike(path)) from error
    return parse_case(content, overrides, folder=path.parent if folder is None else folder, name=str(path))


def parse_case(text: str, overrides: Sequence[str] = (), *, folder: Path = Path(), name: str = "case.toml") -> Case:
    """Read a case from TOML text; ``name`` stands for the file in errors. Else as :func:`read_case`."""
    try:
        data = load_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(name, text, str(error)) from error
    except OverflowError as error:
        raise InputError(name, str(error), "numbers and lists of a sensible size") from error
    if overrides:
        import tomli_w

        data = apply_overrides(data, overrides)
        text = tomli_w.dumps(data)
    case = validate_case(data, folder=folder)
    case._text = text
    return case


def validate_case(data: Mapping[str, Any], *, folder: Path = Path()) -> Case:
    """Make a case of what its TOML says; its ``text`` stays empty.

    Raises
    ------
    InputErrors
        All that is wrong with the case.
    """
    try:
        case = Case.model_validate(data)
    except ValidationError as error:
        raise InputErrors(explain_all(error, data)) from error
    case._folder = folder
    found = [explain(fault, data) if isinstance(fault, Fault) else fault for fault in contradictions(case)]
    if found:
        raise InputErrors(found)
    return case


def _syntax_error(name: str, text: str, message: str) -> InputError:
    """Turn "Invalid value (at line 3, column 9)" into an error that shows the line."""
    expected = "a file in the TOML format: " + message[:1].lower() + message[1:]
    lines = text.split("\n")
    place = re.search(r"\(at line (\d+), column (\d+)\)", message)
    if place is None:  # at the end of the file
        return InputError(name, lines[-1], expected)
    line, column = int(place[1]), int(place[2])
    shown = lines[line - 1] if line <= len(lines) else ""
    if "{" in shown and column > len(shown):
        expected += "; a table in braces stands on one line"
    return InputError(f"{name}:{line}:{column}", shown, expected)


def _file_alike(path: Path) -> str | None:
    if path.is_dir() and (path / "case.toml").is_file():
        return str(path / "case.toml")
    try:
        names = [file.name for file in path.parent.glob("*.toml")]
    except (OSError, ValueError):
        return None
    alike = nearest(path.name, names)
    return None if alike is None else str(path.parent / alike)
