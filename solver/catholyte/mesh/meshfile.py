"""Unstructured meshes from files and into files, through meshio.

Cells of the highest dimension are the cells of the mesh, those of one dimension less its tagged facets; lines and
points below mean nothing. The number of a region or tag stands with the cells; its name comes from the physical groups
of gmsh, from named sets of cells, or is the number itself. Grains are the cell data ``grain``; where there are none,
the volumes (in the plane, surfaces) of gmsh that make up a region are its grains.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError, nearest
from catholyte.mesh.orientation import oriented
from catholyte.mesh.unstructured import CellBlock, CellKind, FacetBlock, FacetKind, Symmetry, UnstructuredMesh

Numbers = NDArray[np.int64]

#: arrays in which formats keep the numbers of regions and tags, in the order in which they are looked for
NUMBERS = (
    "gmsh:physical",
    "medit:ref",
    "cell_tags",
    "CellEntityIds",
    "region",
    "phase",
    "material",
    "nastran:ref",
    "tetgen:ref",
    "netgen:index",
    "avsucd:material",
    "su2:tag",
    "ugrid:ref",
)

#: formats of unstructured meshes; those that store HDF5 or netCDF need a library that meshio asks for
SUFFIXES = (
    *(".msh", ".vtu", ".vtk", ".xdmf", ".xmf", ".mesh", ".meshb", ".inp", ".bdf", ".nas", ".fem", ".vol", ".avs"),
    *(".su2", ".ugrid", ".ele", ".med", ".cgns", ".exo", ".e", ".h5m"),
)

_DIMENSION = {"triangle": 2, "quad": 2, "tetra": 3, "hexahedron": 3, "wedge": 3, "line": 1, "vertex": 0}

#: coordinates that differ less are the same, relative to the size of the mesh
_FLAT = 1e-9

#: names of physical groups stand at the beginning of a file of gmsh
_HEAD = 1 << 20


def read_mesh(
    path: Path | str, *, unit: float = 1.0, symmetry: Symmetry = "none", key: str = "mesh.file"
) -> UnstructuredMesh:
    """Read a mesh.

    Parameters
    ----------
    path
        A file of a format of meshio.
    unit
        The unit of length of the file in m.
    symmetry
        ``"axisymmetric"``: x is the radius, y lies along the axis.
    key
        What errors name.

    Returns
    -------
    UnstructuredMesh
        Cells that were numbered the other way round are renumbered.

    Raises
    ------
    InputError
        If the file cannot be read, has cells of other kinds, or is not flat where its cells are of two dimensions.
    """
    path = Path(path)
    file = _File(_read(path, key), path, key)
    dimension = file.dimension
    if symmetry == "axisymmetric" and dimension == 3:
        raise InputError(key, str(path), "cells of two dimensions, for an axisymmetric mesh")
    cells, regions = _cells(file, dimension)
    facets, tags = _facets(file, dimension)
    used = np.unique(
        np.concatenate([*(cell.nodes.ravel() for cell in cells), *(each.nodes.ravel() for each in facets)])
    )
    points = np.zeros((len(used), 3))
    given = np.asarray(file.raw.points, dtype=np.float64)[used]
    points[:, : given.shape[1]] = given
    if dimension == 2:
        points = _in_plane(points, path, key)
    mesh = UnstructuredMesh(
        points * unit,
        tuple(replace(block, nodes=np.searchsorted(used, block.nodes)) for block in cells),
        regions,
        tuple(replace(facet, nodes=np.searchsorted(used, facet.nodes)) for facet in facets),
        tags,
        symmetry,
        used if len(used) < len(file.raw.points) else None,
    )
    return oriented(mesh)


@dataclass(frozen=True, eq=False)
class _File:
    """What meshio read, and what errors say of it."""

    raw: Any
    path: Path
    key: str

    @property
    def dimension(self) -> int:
        """Dimension of the cells, once their kinds are known to be supported."""
        count = Counter({block.type: 0 for block in self.raw.cells})
        for block in self.raw.cells:
            count[block.type] += len(block)
        others = [f"{number} of {kind}" for kind, number in count.items() if kind not in _DIMENSION and number]
        if others:
            expected = "linear cells: " + ", ".join(get_args(CellKind))
            raise InputError(self.key, f"{self.path} with cells: {', '.join(others)}", expected)
        dimension = max((_DIMENSION[kind] for kind, number in count.items() if number), default=0)
        if dimension < 2:
            raise InputError(self.key, str(self.path), "a mesh with cells of two or three dimensions")
        return dimension

    def numbers(self) -> list[Numbers] | None:
        """Return the numbers of regions or tags by block, None where there are none."""
        for name in NUMBERS:
            if name in self.raw.cell_data:
                return self.whole(name)
        return None

    def whole(self, name: str) -> list[Numbers]:
        """Return cell data as whole numbers by block."""
        found = []
        for values in self.raw.cell_data[name]:
            given = np.asarray(values)
            numbers = given.astype(np.int64) if np.all(np.isfinite(given)) else np.zeros(given.shape, np.int64)
            if given.ndim != 1 or not np.array_equal(numbers, given):
                raise InputError(self.key, f"{self.path}: cell data {name!r}", "a whole number for every cell")
            found.append(numbers)
        return found

    def blocks(self, dimension: int) -> Iterator[tuple[int, Any, int]]:
        """Yield the blocks of a dimension: their number, the block, and the number of their first cell."""
        first = 0
        for k, block in enumerate(self.raw.cells):
            if _DIMENSION[block.type] == dimension and len(block):
                yield k, block, first
            first += len(block)

    def names(self, dimension: int) -> dict[int, str]:
        """Return the names of numbers of regions or tags."""
        found = {}
        mark = "region:" if dimension == self.dimension else "tag:"
        for name, value in self.raw.field_data.items():
            entry = np.asarray(value).ravel()
            if name.startswith(mark) and entry.size == 1:
                found[int(entry[0])] = name.removeprefix(mark)
            elif entry.size == 2 and np.issubdtype(entry.dtype, np.integer) and entry[1] == dimension:
                found[int(entry[0])] = name
        # meshio keeps one group of a name; gmsh has one for each dimension
        if self.path.suffix.lower() == ".msh":
            found |= {number: name for (of, number), name in _physical_names(self.path).items() if of == dimension}
        return found

    def sets(self, dimension: int) -> Iterator[tuple[str, int, Numbers]]:
        """Yield named sets of cells of a dimension: name, number of the block, cells in it."""
        for name, members in self.raw.cell_sets.items():
            if name.startswith("gmsh:"):
                continue
            for k, _, _ in self.blocks(dimension):
                if members[k] is not None and len(members[k]):
                    yield name, k, np.asarray(members[k], dtype=np.int64)


def _read(path: Path, key: str) -> Any:
    import meshio

    if not path.is_file():
        raise InputError(key, str(path), "an existing file")
    if path.suffix.lower() not in SUFFIXES:
        expected = f"a mesh: a file that ends in {', '.join(SUFFIXES)}"
        raise InputError(key, str(path), expected, nearest(path.suffix, SUFFIXES))
    with path.open("rb") as file:
        gmsh = file.read(11) == b"$MeshFormat"
    said = io.StringIO()
    try:
        # meshio prints, and ends the program where it cannot read a file
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return meshio.read(path, file_format="gmsh" if gmsh else None)
    except ImportError as error:
        expected = f"{error.name}, which meshio reads {path.suffix} with: pip install {error.name}"
        raise InputError(key, str(path), expected) from error
    except (Exception, SystemExit) as error:
        words = said.getvalue() if isinstance(error, SystemExit) else f"{type(error).__name__}: {error}"
        expected = f"a mesh that meshio can read, which says: {' '.join(words.split())}"
        if path.suffix.lower() == ".vtk":
            expected += "; binary files of VTK are better saved as .vtu"
        raise InputError(key, str(path), expected) from error


def _physical_names(path: Path) -> dict[tuple[int, int], str]:
    """Return the names of gmsh's physical groups by dimension and number."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    section = re.search(rb"\$PhysicalNames(.*?)\$EndPhysicalNames", head, re.DOTALL)
    lines = re.findall(r'^\s*(\d+)\s+(\d+)\s+"(.*)"\s*$', section[1].decode(), re.MULTILINE) if section else []
    return {(int(dimension), int(number)): name for dimension, number, name in lines}


def _cells(file: _File, dimension: int) -> tuple[list[CellBlock], tuple[str, ...]]:
    """Return the cells by kind, and the names of their regions."""
    numbers, names = file.numbers(), file.names(dimension)
    # regions are counted as they are met, and put in order at the end
    met: dict[str, int] = {}
    region: dict[int, NDArray[Any]] = {}
    for k, block, _ in file.blocks(dimension):
        if numbers is not None:
            given, back = np.unique(numbers[k], return_inverse=True)
            region[k] = np.array([met.setdefault(names.get(int(n), str(n)), len(met)) for n in given])[back]
        else:
            region[k] = np.full(len(block), -1)
    if numbers is None:
        # small sets last: a cell belongs to the narrowest of its sets, not to that of all cells
        for name, k, members in sorted(file.sets(dimension), key=lambda found: -found[2].size):
            region[k][members] = met.setdefault(name, len(met))
        for own in region.values():
            if np.any(own < 0):
                own[own < 0] = met.setdefault("unnamed", len(met))
    present = _in_order(met, names)
    index = np.array([present.index(name) for name in met], dtype=np.int16)
    region = {k: index[own] for k, own in region.items()}
    grain = _grains(file, region)
    parts: dict[CellKind, list[tuple[NDArray[Any], ...]]] = {}
    for k, block, first in file.blocks(dimension):
        number = np.arange(first, first + len(block))
        parts.setdefault(block.type, []).append((block.data.astype(np.int64), region[k], number, grain[k]))
    return [CellBlock(kind, *_joined(own)) for kind, own in parts.items()], present


def _grains(file: _File, region: Mapping[int, NDArray[Any]]) -> dict[int, NDArray[np.int32]]:
    """Return the number of the grain of every cell by block; ``region`` is that of every cell."""
    if "grain" in file.raw.cell_data:
        given = file.whole("grain")
        return {k: given[k].astype(np.int32) for k in region}
    if "gmsh:geometrical" not in file.raw.cell_data:
        return {k: np.zeros(own.size, np.int32) for k, own in region.items()}
    volumes = file.whole("gmsh:geometrical")
    pairs = np.concatenate([np.stack([own, volumes[k]], axis=1) for k, own in region.items()])
    known, back = np.unique(pairs, axis=0, return_inverse=True)
    # numbered from 1 in each region; a region of one volume has no grains
    first, number = np.unique(known[:, 0], return_index=True, return_counts=True)[1:]
    rank = np.arange(len(known)) - np.repeat(first, number) + 1
    grain = np.where(np.repeat(number, number) > 1, rank, 0).astype(np.int32)[back.ravel()]
    ends = np.cumsum([own.size for own in region.values()])
    return dict(zip(region, np.split(grain, ends[:-1]), strict=True))


def _facets(file: _File, dimension: int) -> tuple[list[FacetBlock], tuple[str, ...]]:
    """Return the tagged facets by kind, and the names of the tags; a facet in several sets is there several times."""
    numbers, names = file.numbers(), file.names(dimension - 1)
    tagged: dict[tuple[int, str], list[Numbers]] = {}
    if numbers is not None:
        for k, _, _ in file.blocks(dimension - 1):
            for number in np.unique(numbers[k][numbers[k] != 0]):
                name = names.get(int(number), str(number))
                tagged.setdefault((k, name), []).append(np.flatnonzero(numbers[k] == number))
    for name, k, members in file.sets(dimension - 1):
        tagged.setdefault((k, name), []).append(members)
    present = _in_order([name for _, name in tagged], names)
    parts: dict[FacetKind, list[tuple[NDArray[Any], ...]]] = {}
    for (k, name), found in tagged.items():
        block, at = file.raw.cells[k], np.unique(np.concatenate(found))
        tag = np.full(at.size, present.index(name), np.int16)
        parts.setdefault(block.type, []).append((block.data[at].astype(np.int64), tag))
    return [FacetBlock(kind, *_joined(own)) for kind, own in parts.items()], present


def _joined(parts: Sequence[tuple[NDArray[Any], ...]]) -> list[NDArray[Any]]:
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _in_order(found: Iterable[str], names: Mapping[int, str]) -> tuple[str, ...]:
    """Return the names that were found once each, in the order of their numbers and then as they were met."""
    met = dict.fromkeys(found)
    numbered = [names[number] for number in sorted(names) if names[number] in met]
    return tuple(dict.fromkeys([*numbered, *met]))


def _in_plane(points: NDArray[np.float64], path: Path, key: str) -> NDArray[np.float64]:
    """Return points of a coordinate plane as (x, y, 0)."""
    extent = np.ptp(points, axis=0)
    for dropped in (2, 1, 0):
        if extent[dropped] <= _FLAT * extent.max():
            flat = np.zeros_like(points)
            flat[:, :2] = np.delete(points, dropped, axis=1)
            return flat
    text = " x ".join(f"{length:.4g}" for length in extent)
    raise InputError(key, f"{path}: a surface of {text}", "cells of two dimensions in a plane of two coordinates")


def write_mesh(path: Path | str, mesh: UnstructuredMesh, *, unit: float = 1.0) -> None:
    """Write a mesh with its regions, tags and grains as gmsh's format 2.2 (``.msh``) or for VTK (``.vtu``).

    Parameters
    ----------
    path
        The file.
    mesh
        What is written.
    unit
        The unit of length in the file in m.

    Raises
    ------
    InputError
        If the file ends in something else, or a name holds a quotation mark.
    """
    import meshio

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".msh", ".vtu"):
        raise InputError("path", str(path), "a file that ends in .msh or .vtu", nearest(suffix, (".msh", ".vtu")))
    for name in (*mesh.region_names, *mesh.tag_names):
        if '"' in name:
            raise InputError("name", name, "a name without quotation marks")
    facets = [block for block in mesh.facets if len(block.nodes)]
    blocks = [(cell.kind, cell.nodes) for cell in mesh.cells] + [(facet.kind, facet.nodes) for facet in facets]
    # zero means no tag
    numbers = [block.region + 1 for block in mesh.cells] + [block.tag + 1 for block in facets]
    grains = [block.grain for block in mesh.cells] + [np.zeros(len(block.nodes), np.int32) for block in facets]
    gmsh = suffix == ".msh"
    data: dict[str, list[NDArray[Any]]] = {"gmsh:physical" if gmsh else "region": [n.astype(np.int32) for n in numbers]}
    if gmsh:
        # a volume for each grain of a region, a surface for each tag
        pairs = np.stack([np.concatenate(numbers), np.concatenate(grains)], axis=1)
        volume = np.unique(pairs, axis=0, return_inverse=True)[1].ravel().astype(np.int32) + 1
        data["gmsh:geometrical"] = np.split(volume, np.cumsum([len(n) for n in numbers])[:-1])
    elif any(grain.any() for grain in grains):
        data["grain"] = grains
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        meshio.write(
            path, meshio.Mesh(mesh.points / unit, blocks, cell_data=data), file_format="gmsh22" if gmsh else "vtu"
        )
    after, text = _names_as_gmsh(mesh) if gmsh else _names_as_vtk(mesh)
    written = path.read_bytes()
    at = written.index(after) + len(after)
    path.write_bytes(written[:at] + text.encode() + written[at:])


def _names_as_gmsh(mesh: UnstructuredMesh) -> tuple[bytes, str]:
    """Return the section of names and what it stands after; meshio cannot write one name for two dimensions."""
    groups = [(mesh.dimension - 1, k + 1, name) for k, name in enumerate(mesh.tag_names)]
    groups += [(mesh.dimension, k + 1, name) for k, name in enumerate(mesh.region_names)]
    lines = "".join(f'{dimension} {number} "{name}"\n' for dimension, number, name in groups)
    return b"$EndMeshFormat\n", f"$PhysicalNames\n{len(groups)}\n{lines}$EndPhysicalNames\n"


def _names_as_vtk(mesh: UnstructuredMesh) -> tuple[bytes, str]:
    """Return the numbers of all names as field data, and what they stand after; meshio cannot write field data."""
    arrays = "".join(
        f'<DataArray type="Int64" Name={quoteattr(mark + name)} NumberOfTuples="1" format="ascii">{k + 1}</DataArray>\n'
        for mark, names in (("region:", mesh.region_names), ("tag:", mesh.tag_names))
        for k, name in enumerate(names)
    )
    return b"<UnstructuredGrid>", f"\n<FieldData>\n{arrays}</FieldData>\n"
