"""Meshes from FiPy and to FiPy (Guyer, Wheeler & Warren 2009, Comput. Sci. Eng. 11, 6, doi:10.1109/MCSE.2009.52).

FiPy is an optional dependency: what is called here with one of its meshes has it, :func:`to_fipy` asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.mesh.elements import ELEMENTS, corner_jacobians, facet_loads, lumped_mass
from catholyte.mesh.facets import facets_of
from catholyte.mesh.graph import Graph, Terminal
from catholyte.mesh.unstructured import CellBlock, CellKind, FacetBlock, FacetKind, Symmetry, UnstructuredMesh

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Masks = Mapping[str, Any]

#: kind of a cell by its dimension, the number of its faces and that of those with three corners
_KINDS: dict[tuple[int, int, int], CellKind] = {
    (2, 3, 0): "triangle",
    (2, 4, 0): "quad",
    (3, 4, 4): "tetra",
    (3, 5, 2): "wedge",
    (3, 6, 0): "hexahedron",
}

#: what has a graph of cells
_GRID = "an orthogonal grid of FiPy; others have the graph node_graph(from_fipy(mesh), …)"

#: largest sine of the angle between a normal and the line of centres on an orthogonal grid
_STRAIGHT = 1e-9


def from_fipy(fipy_mesh: Any, regions: Masks | None = None, tags: Masks | None = None) -> UnstructuredMesh:
    """Return a mesh of FiPy as an unstructured mesh, lengths in m.

    Parameters
    ----------
    fipy_mesh
        A mesh of two or three dimensions. The cells of a cylindrical one become rings.
    regions
        Masks over the cells by name; by default the physical groups of a mesh from gmsh, else all is one region
        ``"unnamed"``.
    tags
        Masks over the faces by name, such as ``{"counter": mesh.facesLeft}``; by default physical groups, else none.

    Returns
    -------
    UnstructuredMesh
        Numbers of cells are those of FiPy.

    Raises
    ------
    InputError
        If it has other cells than triangles, quadrilaterals, tetrahedra, hexahedra and wedges, or cells without region.
    """
    vertices = np.asarray(fipy_mesh.vertexCoords, dtype=np.float64)
    dimension = len(vertices)
    if dimension not in (2, 3):
        raise InputError("fipy_mesh", f"a mesh of {dimension} dimension", "a mesh of two or three dimensions")
    points = np.zeros((vertices.shape[1], 3))
    points[:, :dimension] = vertices.T
    region_names, region = _region(fipy_mesh, regions)
    blocks = [
        CellBlock(kind, nodes, region[cells], cells, np.zeros(cells.size, np.int32))
        for kind, cells, nodes in _cells(fipy_mesh, points, dimension)
    ]
    masks = getattr(fipy_mesh, "physicalFaces", {}) if tags is None else tags
    facets = _tagged(fipy_mesh, {name: np.asarray(mask, dtype=bool) for name, mask in masks.items()})
    symmetry: Symmetry = "axisymmetric" if "Cylindrical" in type(fipy_mesh).__name__ else "none"
    return UnstructuredMesh(points, tuple(blocks), region_names, facets, tuple(masks), symmetry)


def _region(fipy_mesh: Any, regions: Masks | None) -> tuple[tuple[str, ...], NDArray[np.int16]]:
    masks = getattr(fipy_mesh, "physicalCells", {}) if regions is None else regions
    region = np.full(fipy_mesh.numberOfCells, -1 if masks else 0, dtype=np.int16)
    for k, mask in enumerate(masks.values()):
        region[np.asarray(mask, dtype=bool)] = k
    if np.any(region < 0):
        raise InputError("regions", f"{np.count_nonzero(region < 0)} cells in none of them", "a region for every cell")
    return tuple(masks) or ("unnamed",), region


def _cells(fipy_mesh: Any, points: Floats, dimension: int) -> list[tuple[CellKind, Indices, Indices]]:
    """Return the cells by kind: their numbers, and their points as VTK numbers them."""
    rings = np.ma.filled(fipy_mesh.faceVertexIDs, -1).T.astype(np.int64)
    faces = np.ma.filled(fipy_mesh.cellFaceIDs, -1).T.astype(np.int64)
    faces = np.take_along_axis(faces, np.argsort(faces < 0, axis=1, kind="stable"), axis=1)
    number = np.count_nonzero(faces >= 0, axis=1)
    three = np.count_nonzero(rings >= 0, axis=1) == 3
    triangles = np.count_nonzero(three[faces] & (faces >= 0), axis=1)
    found, known = [], np.zeros(len(faces), dtype=bool)
    for (of, n_faces, n_triangles), kind in _KINDS.items():
        cells = (
            np.flatnonzero((number == n_faces) & (triangles == n_triangles)) if of == dimension else np.empty(0, int)
        )
        known[cells] = True
        if cells.size:
            own = faces[cells, :n_faces]
            base = np.argmax(three[own], axis=1) if kind == "wedge" else np.zeros(cells.size, int)
            nodes = _corners(kind, rings[own], base)
            backward = np.any(corner_jacobians(kind, points[nodes]) < 0.0, axis=1)
            nodes[backward] = nodes[backward][:, ELEMENTS[kind].mirror]
            found.append((kind, cells, nodes))
    if not known.all():
        expected = f"cells that are {', '.join(kind for (of, _, _), kind in _KINDS.items() if of == dimension)}"
        raise InputError("fipy_mesh", f"{np.count_nonzero(~known)} cells of other shapes", expected)
    return found


def _corners(kind: CellKind, rings: Indices, base: Indices) -> Indices:
    """Return the corners of cells: those of one face, and those at the other ends of the edges that leave it.

    ``rings`` are the corners of all faces of the cells, shape (m, faces, w), with −1 behind those of triangles.
    """
    bottom = rings[np.arange(len(rings)), base]
    bottom = bottom[:, : 3 if kind in ("tetra", "wedge") else None]
    closed = np.where(rings < 0, rings[:, :, :1], rings)
    edges = np.stack([closed, np.roll(closed, -1, axis=2)], axis=-1).reshape(len(rings), -1, 2)
    edges = np.concatenate([edges, edges[:, :, ::-1]], axis=1)
    leaves = ~np.any(edges[:, :, 1, None] == bottom[:, None], axis=2)

    def end(corner: int) -> Indices:
        at = leaves & (edges[:, :, 0] == bottom[:, corner, None])
        return np.max(np.where(at, edges[:, :, 1], -1), axis=1)

    ends = {"triangle": (1,), "quad": (1, 0), "tetra": (0,), "wedge": (0, 1, 2), "hexahedron": (0, 1, 2, 3)}[kind]
    return np.column_stack([bottom, *(end(corner) for corner in ends)])


def _tagged(fipy_mesh: Any, masks: Mapping[str, NDArray[np.bool_]]) -> tuple[FacetBlock, ...]:
    rings = np.ma.filled(fipy_mesh.faceVertexIDs, -1).T.astype(np.int64)
    width = np.count_nonzero(rings >= 0, axis=1)
    kinds: dict[int, FacetKind] = {2: "line", 3: "triangle", 4: "quad"}
    blocks = []
    for corners, kind in kinds.items():
        chosen = [np.flatnonzero(mask & (width == corners)) for mask in masks.values()]
        if any(own.size for own in chosen):
            tag = np.repeat(np.arange(len(chosen)), [own.size for own in chosen]).astype(np.int16)
            blocks.append(FacetBlock(kind, rings[np.concatenate(chosen), :corners], tag))
    return tuple(blocks)


def to_fipy(mesh: UnstructuredMesh) -> Any:
    """Return an unstructured mesh as ``fipy.meshes.mesh.Mesh``, in the plane ``Mesh2D``, with its cells in their order.

    Raises
    ------
    InputError
        If FiPy cannot be imported, or the mesh is axisymmetric, which FiPy has on grids only.
    """
    if mesh.symmetry == "axisymmetric":
        raise InputError("mesh", "an axisymmetric mesh", "a plane or a solid one: FiPy has cylindrical grids only")
    try:
        from fipy.meshes.mesh import Mesh
        from fipy.meshes.mesh2D import Mesh2D
    except ImportError as error:
        raise InputError("fipy", str(error), "an installed FiPy: pip install fipy") from error
    corner_node = np.concatenate([block.nodes.ravel() for block in mesh.cells])
    widest = max(len(facet) for block in mesh.cells for facet in ELEMENTS[block.kind].facets)
    rings, face, cell = [], [], []
    first = 0
    for each in facets_of(mesh.cells):
        own = np.concatenate([each.first, each.alone])
        number = np.empty(len(each.cell), dtype=np.int64)
        number[own] = first + np.arange(own.size)
        number[each.second] = number[each.first]
        ring = np.full((own.size, widest), -1, dtype=np.int64)
        ring[:, : each.corner.shape[1]] = corner_node[each.corner[own]]
        first += own.size
        rings.append(ring)
        face.append(number)
        cell.append(each.cell)
    faces, cells = np.concatenate(face), np.concatenate(cell)
    order = np.argsort(cells, kind="stable")
    number = np.bincount(cells)
    place = np.arange(cells.size) - np.repeat(np.cumsum(number) - number, number)
    of_cells = np.full((number.max(), number.size), -1, dtype=np.int64)
    of_cells[place, cells[order]] = faces[order]
    vertices = mesh.points[:, : mesh.dimension].T.copy()
    return (Mesh2D if mesh.dimension == 2 else Mesh)(vertices, np.concatenate(rings).T, of_cells)


def graph_from_fipy(fipy_mesh: Any, *, terminals: Masks, regions: Masks | None = None) -> Graph:
    """Return the graph of the cells of an orthogonal grid of FiPy, whose unknowns are those of FiPy, in its order.

    For other meshes there is the graph of the nodes: ``node_graph(from_fipy(mesh, regions, tags), …)``.

    Parameters
    ----------
    fipy_mesh
        A grid.
    terminals
        Masks over the faces at ``"counter"`` and ``"collector"``, such as ``mesh.facesLeft``.
    regions
        Phases: masks over the cells by name, as for :func:`from_fipy`.

    Raises
    ------
    InputError
        If the lines between the centres of neighbours do not stand upright on their faces.
    """
    mesh = from_fipy(fipy_mesh, regions, terminals)
    kinds = [block.kind for block in mesh.cells]
    if kinds not in (["quad"], ["hexahedron"]):
        raise InputError("fipy_mesh", f"cells that are {', '.join(kinds)}", _GRID)
    (block,), (facets,) = mesh.cells, facets_of(mesh.cells)
    centre = mesh.points[block.nodes].mean(axis=1)
    place = mesh.points[block.nodes.ravel()][facets.corner]
    area, middle = facet_loads(place, mesh.symmetry).sum(axis=1), place.mean(axis=1)
    way = middle - centre[facets.cell]
    distance = np.linalg.norm(way, axis=1)
    along = np.abs(np.einsum("mx,mwx->mw", way, place - middle[:, None])).max(axis=1)
    if np.any(along > _STRAIGHT * distance * np.abs(place - middle[:, None]).max()):
        raise InputError("fipy_mesh", "a grid that is not orthogonal", _GRID)
    ends = {}
    for k, name in enumerate(mesh.tag_names):
        faces = np.concatenate([each.nodes[each.tag == k] for each in mesh.facets])
        at = facets.find(faces)[:, 0]
        ends[name] = Terminal(facets.cell[at], area[at], distance[at])
    return Graph(
        volume=lumped_mass(block.kind, mesh.points[block.nodes], mesh.symmetry).sum(axis=1),
        phase=block.region,
        phase_names=mesh.region_names,
        cell_a=facets.cell[facets.first],
        cell_b=facets.cell[facets.second],
        area=area[facets.first],
        distance_a=distance[facets.first],
        distance_b=distance[facets.second],
        terminals=ends,
    )
