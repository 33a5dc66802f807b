"""What makes two runs the same: the case, the numbers of its materials, and the version of the program."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import tomllib
from collections.abc import Mapping
from types import FunctionType
from typing import Any

import numpy as np

from catholyte.build.cell import load_materials
from catholyte.case import Case
from catholyte.materials import load_material


def case_key(case: Case) -> str:
    """Return the SHA-256 of everything that a run of a case depends on.

    Comments and the order of the keys do not count. Materials count by their numbers, wherever those are written down;
    images and meshes count by name, size and date of their files, for reading them would take long.
    """
    about = {
        "case": tomllib.loads(case.text),
        "materials": load_materials(case),
        "counter": load_material(case.cell.counter.material, folder=case.folder),
        "image": _geometry(case),
        "conduction": _conduction(case),
        "catholyte": importlib.metadata.version("catholyte"),
    }
    text = json.dumps(_plain(about), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _geometry(case: Case) -> list[Any]:
    """Return name, size and date of every file that the geometry is read from."""
    image, mesh = case.mesh.image, case.mesh.file
    files = [image.file if image is not None else None, mesh.path if mesh is not None else None]
    files += [phase.grains.file for phase in case.phases.values() if phase.grains is not None]
    found: list[Any] = []
    for file in files:
        if file is None:
            continue
        path = case.folder / file
        found.append(file)
        if path.is_file():
            about = path.stat()
            found += [about.st_size, about.st_mtime_ns]
    return found


def _conduction(case: Case) -> str:
    """Return what `catholyte effective` saved of the conduction of layers, if that is where it comes from."""
    layers = case.mesh.layers
    if layers is None or layers.conduction.result is None:
        return ""
    path = case.folder / layers.conduction.result / "summary.json"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _plain(value: Any) -> Any:
    """Return what JSON can write of a frozen value: the same for the same content, in every process."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return [type(value).__qualname__, fields]
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return [list(value.shape), hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()]
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, set | frozenset):
        return sorted(str(entry) for entry in value)
    if isinstance(value, FunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
