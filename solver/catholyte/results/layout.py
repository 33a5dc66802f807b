"""The files of a result, and the checkpoint that says how much of them is committed."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.results.elements import ElementBlock, Elements
from catholyte.results.mesh_record import LayerCells, MeshRecord

if TYPE_CHECKING:
    import xarray

CASE = "case.toml"
PROVENANCE = "provenance.json"
CURVES = "curves.csv"
STORE = "data.zarr"
CHECKPOINT = "checkpoint.npz"

#: prefix of the checkpoint's entries that are not the solver's
COUNTS = "committed_"

#: groups of the store
MESH = "mesh"
POINTS = "curves"
FRAMES = "fields"
SPECTRA = "spectra"

_IMAGE_DIMENSIONS = {"labels": ("z", "y", "x"), "cell_voxel": ("cell",)}
_LAYER_UNITS = {"depth": "m", "radius": "m", "size_class": "1", "volume": "m3/m2"}
#: arrays of unstructured meshes: the points, and by kind of elements their corners and their phase
POINTS_OF_ELEMENTS = "points"
_CORNERS, _PHASE = "nodes_", "phase_"
#: the array of the mesh that every result has
CELLS = "cell_phase"


@dataclass(frozen=True)
class Counts:
    """How many points, frames, rows of spectra and bytes of ``curves.csv`` are committed."""

    points: int
    frames: int
    spectra: int
    csv_bytes: int

    def entries(self) -> dict[str, NDArray[np.int64]]:
        """Return the entries that the checkpoint carries."""
        return {f"{COUNTS}{name}": np.array(value, dtype=np.int64) for name, value in vars(self).items()}


def read_counts(path: Path) -> Counts:
    """Return what is committed in the result at ``path``.

    Raises
    ------
    InputError
        If ``path`` is not a result, or nothing was committed to it.
    """
    if not path.is_dir():
        raise InputError("result", str(path), "the folder of a result, written by 'catholyte run'")
    if not (path / STORE / "zarr.json").is_file():
        raise InputError("result", str(path), f"the folder of a result, which holds {STORE} and {CHECKPOINT}")
    if not (path / CHECKPOINT).is_file():
        raise InputError(
            "result",
            str(path),
            f"a result with a committed point ({CHECKPOINT} is missing: the run died early)",
        )
    try:
        with np.load(path / CHECKPOINT, allow_pickle=False) as entries:
            return Counts(*(int(entries[f"{COUNTS}{name}"]) for name in Counts.__dataclass_fields__))
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError("result", str(path / CHECKPOINT), "a checkpoint written by 'catholyte run'") from error


def read_checkpoint(path: Path) -> dict[str, NDArray[Any]]:
    """Return what the last commit was given."""
    read_counts(path)
    with np.load(path / CHECKPOINT, allow_pickle=False) as entries:
        return {name: entries[name] for name in entries.files if not name.startswith(COUNTS)}


def write_mesh(store: Path, mesh: MeshRecord) -> dict[str, Any]:
    """Make ``store`` and its group ``mesh``; return the group's metadata for consolidation, by path."""
    import xarray

    arrays: dict[str, tuple[Any, ...]] = {CELLS: (("cell",), mesh.cell_phase)}
    attributes: dict[str, Any] = {"phase_names": list(mesh.phase_names)}
    if mesh.layers is not None:
        for name, unit in _LAYER_UNITS.items():
            arrays[name] = (("cell",), getattr(mesh.layers, name), {"units": unit})
    elif mesh.elements is not None:
        attributes["symmetry"] = mesh.elements.symmetry
        arrays |= _element_arrays(mesh.elements)
    else:
        attributes["spacing"] = [float(edge) for edge in mesh.spacing]
        arrays |= {name: (dimensions, getattr(mesh, name)) for name, dimensions in _IMAGE_DIMENSIONS.items()}
    dataset = xarray.Dataset(arrays, attrs=attributes)
    dataset.to_zarr(store, group=MESH, zarr_format=3, consolidated=False)
    paths = [MESH, *(f"{MESH}/{name}" for name in arrays)]
    return {path: json.loads((store / path / "zarr.json").read_text(encoding="utf-8")) for path in paths}


def _element_arrays(elements: Elements) -> dict[str, tuple[Any, ...]]:
    """Return the arrays of an unstructured mesh, with their dimensions and units."""
    arrays: dict[str, tuple[Any, ...]] = {
        POINTS_OF_ELEMENTS: (("node", "axis"), elements.points, {"units": "m"}),
        "volume": (("cell",), elements.volume, {"units": "m3/m2"}),
    }
    for block in elements.blocks:
        arrays[f"{_CORNERS}{block.kind}"] = ((block.kind, f"corner_of_{block.kind}"), block.nodes)
        arrays[f"{_PHASE}{block.kind}"] = ((block.kind,), block.phase)
    return arrays


def _elements(dataset: xarray.Dataset) -> Elements:
    """Return the unstructured mesh of :func:`_element_arrays`."""
    kinds = [str(name).removeprefix(_CORNERS) for name in dataset.data_vars if str(name).startswith(_CORNERS)]
    return Elements(
        dataset[POINTS_OF_ELEMENTS].to_numpy(),
        tuple(
            ElementBlock(kind, dataset[f"{_CORNERS}{kind}"].to_numpy(), dataset[f"{_PHASE}{kind}"].to_numpy())
            for kind in kinds
        ),
        dataset["volume"].to_numpy(),
        dataset.attrs["symmetry"],
    )


def read_mesh(store: Path) -> MeshRecord:
    """Read what :func:`write_mesh` wrote."""
    import xarray

    dataset = xarray.open_dataset(store, engine="zarr", group=MESH, chunks=None).load()
    names, cells = tuple(dataset.attrs["phase_names"]), dataset[CELLS].to_numpy()
    if "depth" in dataset:
        layers = LayerCells(**{name: dataset[name].to_numpy() for name in _LAYER_UNITS})
        return MeshRecord.without_voxels(names, cells, layers=layers)
    if POINTS_OF_ELEMENTS in dataset:
        return MeshRecord.without_voxels(names, cells, elements=_elements(dataset))
    z, y, x = dataset["labels"].shape
    dz, dy, dx = dataset.attrs["spacing"]
    labels, voxels = (dataset[name].to_numpy() for name in _IMAGE_DIMENSIONS)
    return MeshRecord((z, y, x), (dz, dy, dx), labels, names, voxels, cells)
