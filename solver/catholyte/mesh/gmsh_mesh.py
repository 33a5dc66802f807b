"""gmsh, as it is used here: one session a mesh, one thread, a fixed seed, silent; and what it returns as a mesh."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import CatholyteError, InputError, MeshError
from catholyte.mesh.unstructured import CellBlock, CellKind, FacetBlock, FacetKind, Symmetry, UnstructuredMesh

Entity = tuple[int, int]

#: how near a flat face lies to a plate to be part of it, in units of the geometry; gmsh's boxes are wider by 1e-7
_NEAR = 1e-5

#: coordinates below this are rounding errors, in units of the geometry
_ZERO = 1e-12

_OPTIONS = {
    "General.Terminal": 0,
    "General.NumThreads": 1,
    "Mesh.RandomSeed": 1,
    "Mesh.MeshSizeExtendFromBoundary": 0,
    "Mesh.MeshSizeFromPoints": 0,
    "Mesh.MeshSizeFromCurvature": 0,
    # Delaunay's algorithms, the most robust ones in space and those that follow a field of sizes best in the plane
    "Mesh.Algorithm": 5,
    "Mesh.Algorithm3D": 1,
    "Mesh.OptimizeThreshold": 0.5,
}


#: gmsh's number and the name of simplices by dimension
_CELLS: dict[int, tuple[int, CellKind]] = {2: (2, "triangle"), 3: (4, "tetra")}
_FACETS: dict[int, tuple[int, FacetKind]] = {2: (1, "line"), 3: (2, "triangle")}


@contextmanager
def session() -> Iterator[Any]:
    """Give gmsh with an empty model, and take both away in any case.

    Raises
    ------
    InputError
        If gmsh cannot be imported.
    MeshError
        If gmsh fails; with its own words.
    """
    try:
        import gmsh
    except (ImportError, OSError) as error:
        raise InputError("gmsh", str(error), 'an installed gmsh: pip install "catholyte[gmsh]"') from error
    gmsh.initialize(readConfigFiles=False, interruptible=False)
    try:
        for name, value in _OPTIONS.items():
            gmsh.option.setNumber(name, value)
        gmsh.model.add("shape")
        yield gmsh
    except CatholyteError:
        raise
    # gmsh's Python interface raises Exception itself
    except Exception as error:
        raise MeshError(f"gmsh cannot build this geometry: {error}") from error
    finally:
        gmsh.finalize()


def boundary(gmsh: Any, dimension: int) -> list[Entity]:
    """Return the outer faces (in the plane: curves) of a synchronised model."""
    found = gmsh.model.getBoundary(gmsh.model.getEntities(dimension), combined=True, oriented=False)
    return sorted(found)


def plates(gmsh: Any, dimension: int, top: float, *, bottom: float | None = 0.0) -> dict[str, list[Entity]]:
    """Return the flat outer faces at the bottom and the top along the last axis, as ``counter`` and ``collector``."""
    found: dict[str, list[Entity]] = {"counter": [], "collector": []}
    for entity in boundary(gmsh, dimension):
        box = gmsh.model.getBoundingBox(*entity)
        low, high = box[dimension - 1], box[dimension + 2]
        if bottom is not None and max(abs(low - bottom), abs(high - bottom)) < _NEAR:
            found["counter"].append(entity)
        if max(abs(low - top), abs(high - top)) < _NEAR:
            found["collector"].append(entity)
    return found


def generate(
    gmsh: Any, dimension: int, *, size: float, fine: Sequence[Entity] = (), fine_size: float = 0.0, reach: float = 1.0
) -> None:
    """Make the mesh, with edges of ``fine_size`` at some faces that grow to ``size`` within ``reach``."""
    field = gmsh.model.mesh.field
    if fine:
        distance = field.add("Distance")
        field.setNumbers(distance, "SurfacesList" if dimension == 3 else "CurvesList", [tag for _, tag in fine])
        # gmsh measures from points on the faces, which are to be as dense as the mesh
        field.setNumber(distance, "Sampling", min(200, 10 + round(1.0 / fine_size)))
        sizes = field.add("Threshold")
        for name, value in (
            ("InField", distance),
            ("SizeMin", fine_size),
            ("SizeMax", size),
            ("DistMin", 0.0),
            ("DistMax", reach),
        ):
            field.setNumber(sizes, name, value)
    else:
        sizes = field.add("MathEval")
        field.setString(sizes, "F", repr(float(size)))
    field.setAsBackgroundMesh(sizes)
    gmsh.model.mesh.generate(dimension)


def read(
    gmsh: Any,
    dimension: int,
    *,
    regions: Mapping[str, Sequence[Entity]],
    tags: Mapping[str, Sequence[Entity]],
    unit: float,
    grains: Mapping[Entity, int] | None = None,
    symmetry: Symmetry = "none",
) -> UnstructuredMesh:
    """Return gmsh's mesh; lengths are multiplied with ``unit``, cells follow regions and entities."""
    cell_number, cell_kind = _CELLS[dimension]
    facet_number, facet_kind = _FACETS[dimension]
    cells, of_region, cell_entity = _elements(gmsh, cell_number, dimension + 1, regions.values())
    facets, tag, _ = _elements(gmsh, facet_number, dimension, tags.values())
    if not len(cells):
        raise MeshError("gmsh made no cells")
    grain = np.array([(grains or {}).get((dimension, int(entity)), 0) for entity in cell_entity], np.int32)
    names, place, _ = gmsh.model.mesh.getNodes()
    order = np.argsort(names)
    used, nodes = np.unique(cells, return_inverse=True)
    points = np.asarray(place).reshape(-1, 3)[order][np.searchsorted(np.asarray(names)[order], used)]
    # on planes of symmetry, and above all on an axis, coordinates are zero and not just small
    points[np.abs(points) < _ZERO] = 0.0
    block = CellBlock(cell_kind, nodes.reshape(cells.shape), of_region, np.arange(len(cells)), grain)
    tagged = FacetBlock(facet_kind, np.searchsorted(used, facets), tag)
    return UnstructuredMesh(points * unit, (block,), tuple(regions), (tagged,), tuple(tags), symmetry)


def _elements(
    gmsh: Any, kind: int, width: int, groups: Iterable[Sequence[Entity]]
) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int64]]:
    """Return the elements of one kind on groups of entities, the number of their group, and their entity."""
    nodes, group, entity = [np.empty((0, width), np.int64)], [], []
    for index, entities in enumerate(groups):
        for _, tag in entities:
            found = np.asarray(gmsh.model.mesh.getElementsByType(kind, tag)[1], np.int64).reshape(-1, width)
            nodes.append(found)
            group.append(np.full(len(found), index))
            entity.append(np.full(len(found), tag))
    empty = [np.empty(0, np.int64)]
    return np.concatenate(nodes), np.concatenate(empty + group).astype(np.int16), np.concatenate(empty + entity)
