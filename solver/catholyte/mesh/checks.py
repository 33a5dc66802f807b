"""What an unstructured mesh must not have: each fault is told with the numbers of the cells or points, and a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from catholyte.errors import MeshError
from catholyte.mesh.elements import ELEMENTS, corner_jacobians, lumped_mass
from catholyte.mesh.facets import CellFacets, facets_of, row_groups
from catholyte.mesh.orientation import linked
from catholyte.mesh.unstructured import UnstructuredMesh

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

#: a cell of less than this volume, in cubes (in the plane squares) of its longest edge, is flat
FLAT = 1e-12

#: points nearer than this are one, in diagonals of the mesh
_SAME = 1e-8

#: a point this near to a facet lies on it, in sizes of the facet
_ON = 1e-6

#: numbers that a message lists
_LISTED = 10


def check_cells(mesh: UnstructuredMesh, *, connected: bool = True) -> None:
    """Refuse a mesh on which nothing can be computed, or something else than was meant.

    Parameters
    ----------
    mesh
        The mesh.
    connected
        Whether all of it must hang together. In a file, pieces are parts that were never joined; in an image whose void
        has no cells they are islands, and no fault.

    Raises
    ------
    MeshError
        Coordinates that are no numbers, or left of the axis; cells that are there twice, flat or inside out; facets of
        more than two cells, or with both cells on one side; points at the same place, or on a facet that they do not
        belong to; parts that are not connected; tagged facets of no cell.
    """
    whole = _Whole.of(mesh)
    _check_points(whole)
    _check_each_cell(whole)
    facets = facets_of(mesh.cells)
    _check_facets(whole, facets)
    _check_boundary(whole, facets)
    if connected:
        _check_connection(whole, facets)
    _check_tags(whole, facets)


@dataclass(frozen=True, eq=False)
class _Whole:
    """A mesh with all of its cells in a row.

    Attributes
    ----------
    mesh
        The mesh.
    number
        Number of every cell in its source.
    centre
        Mean of the nodes of every cell.
    """

    mesh: UnstructuredMesh
    number: Indices
    centre: Floats

    @classmethod
    def of(cls, mesh: UnstructuredMesh) -> _Whole:
        number = np.concatenate([block.number for block in mesh.cells])
        return cls(mesh, number, np.concatenate([mesh.points[block.nodes].mean(axis=1) for block in mesh.cells]))

    def refuse_cells(self, cells: Indices, what: str) -> None:
        """Raise an error that names some cells, if there are any."""
        if len(cells):
            raise MeshError(
                f"{what}: {_listed(self.number[cells], 'cell')}, the first at {_place(self.centre[cells[0]])}"
            )

    def refuse_points(self, points: Indices, what: str) -> None:
        """Raise an error that names some points, if there are any."""
        if len(points):
            numbers = self.point_numbers(points)
            raise MeshError(f"{what}: {_listed(numbers, 'point')}, the first at {_place(self.mesh.points[points[0]])}")

    def point_numbers(self, points: Indices) -> Indices:
        return points if self.mesh.point_number is None else self.mesh.point_number[points]


def _check_points(whole: _Whole) -> None:
    points = whole.mesh.points
    whole.refuse_points(np.flatnonzero(~np.isfinite(points).all(axis=1)), "coordinates that are no numbers")
    if whole.mesh.symmetry == "axisymmetric":
        low = -_SAME * np.ptp(points[:, 0])
        whole.refuse_points(np.flatnonzero(points[:, 0] < low), "a radius below zero")


def _check_each_cell(whole: _Whole) -> None:
    """Refuse cells that are there twice, flat, or inside out."""
    mesh, begin = whole.mesh, 0
    twice, flat, inverted, all_inverted = [], [], [], []
    for block in mesh.cells:
        x = mesh.points[block.nodes]
        own = begin + np.arange(len(block.nodes))
        begin += len(block.nodes)
        groups, _ = row_groups(np.sort(block.nodes, axis=1))
        twice.append(own[np.bincount(groups)[groups] > 1])
        edges = np.array(ELEMENTS[block.kind].edges)
        longest = np.linalg.norm(x[:, edges[:, 0]] - x[:, edges[:, 1]], axis=2).max(axis=1)
        smallest = FLAT * longest**mesh.dimension
        volume = lumped_mass(block.kind, x).sum(axis=1)
        jacobian = corner_jacobians(block.kind, x)
        flat.append(own[np.abs(volume) < smallest])
        bad = np.any(jacobian < -smallest[:, None], axis=1)
        inverted.append(own[bad])
        all_inverted.append(bool(np.all(jacobian < 0.0)))
    whole.refuse_cells(np.concatenate(twice), "cells that are there twice")
    whole.refuse_cells(np.concatenate(flat), "cells without volume")
    hint = ""
    if all(all_inverted):
        hint = " (all of them: the nodes are numbered the other way round, see catholyte.mesh.orientation.oriented)"
    whole.refuse_cells(np.concatenate(inverted), f"cells that are inside out{hint}")


def _check_facets(whole: _Whole, facets: Sequence[CellFacets]) -> None:
    for each in facets:
        whole.refuse_cells(np.unique(each.cell[each.crowded]), "a facet of more than two cells")
    for each in facets:
        folded = each.turns_left(each.first) == each.turns_left(each.second)
        pairs = np.stack([each.cell[each.first[folded]], each.cell[each.second[folded]]], axis=1)
        whole.refuse_cells(pairs.ravel(), "cells that lie on the same side of the facet between them")


def _check_boundary(whole: _Whole, facets: Sequence[CellFacets]) -> None:
    """Refuse meshes that do not fit together: points at one place, and points on facets of others."""
    points = whole.mesh.points
    at = np.unique(np.concatenate([each.nodes[each.alone].ravel() for each in facets]))
    tree = cKDTree(points[at])
    size = float(np.linalg.norm(np.ptp(points, axis=0)))
    pairs = tree.query_pairs(_SAME * size, output_type="ndarray")
    whole.refuse_points(at[pairs[np.lexsort(pairs.T[::-1])].ravel()], "points at the same place that are not one point")
    hanging, cells = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for each in facets:
        nodes, of = each.nodes[each.alone], each.cell[each.alone]
        corners = points[_nodes_of_corners(whole.mesh)[each.corner[each.alone]]]
        facet, point = _on_facets(corners, nodes, at, tree, _SAME * size)
        hanging.append(point)
        cells.append(of[facet].astype(np.int64))
    found, owner = np.concatenate(hanging), np.concatenate(cells)
    if found.size:
        _, first = np.unique(found, return_index=True)
        where = f"on the boundary of {_listed(whole.number[owner[first]], 'cell')} that they do not belong to"
        whole.refuse_points(found[first], f"hanging nodes, {where}")


def _nodes_of_corners(mesh: UnstructuredMesh) -> Indices:
    """Return the point of every corner."""
    return np.concatenate([block.nodes.ravel() for block in mesh.cells])


def _on_facets(x: Floats, nodes: Indices, at: Indices, tree: cKDTree, slack: float) -> tuple[Indices, Indices]:
    """Return which points of a tree lie on facets that they do not belong to: numbers of facets and points."""
    nothing = np.empty(0, np.int64)
    if not len(x):
        return nothing, nothing
    centre = x.mean(axis=1)
    radius = np.linalg.norm(x - centre[:, None], axis=2).max(axis=1)
    near = tree.query_ball_point(centre, radius * (1.0 + _ON))
    facet = np.repeat(np.arange(len(x)), [len(found) for found in near])
    point = at[np.concatenate([np.asarray(found, np.int64) for found in near])]
    other = ~np.any(nodes[facet] == point[:, None], axis=1)
    facet, point = facet[other], point[other]
    place, tolerance = tree.data[np.searchsorted(at, point)], _ON * radius[facet] + slack
    corners = x[facet]
    inside = np.zeros(facet.size, dtype=bool)
    for part in ((0, 1),) if x.shape[1] == 2 else ((0, 1, 2), (0, 2, 3))[: x.shape[1] - 2]:
        inside |= _on_simplices(corners[:, part], place, tolerance)
    return facet[inside], point[inside]


def _on_simplices(x: Floats, place: Floats, tolerance: Floats) -> NDArray[np.bool_]:
    """Return whether places lie on lines (m, 2, 3) or triangles (m, 3, 3)."""
    edges = x[:, 1:] - x[:, :1]
    way = place - x[:, 0]
    gram, right = edges @ np.swapaxes(edges, 1, 2), np.einsum("mex,mx->me", edges, way)
    if edges.shape[1] == 1:
        along, flat = right / gram[:, 0], np.zeros(len(x), dtype=bool)
    else:
        determinant = gram[:, 0, 0] * gram[:, 1, 1] - gram[:, 0, 1] ** 2
        flat = determinant <= FLAT**2 * gram[:, 0, 0] * gram[:, 1, 1]
        adjoint = np.stack([gram[:, 1, 1], -gram[:, 0, 1], -gram[:, 0, 1], gram[:, 0, 0]], axis=1).reshape(-1, 2, 2)
        along = np.einsum("med,md->me", adjoint, right) / np.where(flat, 1.0, determinant)[:, None]
    off = np.linalg.norm(way - np.einsum("me,mex->mx", along, edges), axis=1)
    inside: NDArray[np.bool_] = ~flat & (off <= tolerance) & (along >= -_ON).all(axis=1)
    return inside & (along.sum(axis=1) <= 1.0 + _ON)


def _check_connection(whole: _Whole, facets: Sequence[CellFacets]) -> None:
    piece = linked(facets, whole.number.size)
    sizes = np.bincount(piece)
    if sizes.size > 1:
        small = np.flatnonzero(piece == sizes.argmin())
        region = np.concatenate([block.region for block in whole.mesh.cells])[small]
        names = ", ".join(whole.mesh.region_names[k] for k in np.unique(region))
        what = f"{sizes.size} pieces that share no facet; the smallest has {small.size} of {piece.size} cells ({names})"
        whole.refuse_cells(small, what)


def _check_tags(whole: _Whole, facets: Sequence[CellFacets]) -> None:
    mesh = whole.mesh
    for block in mesh.facets:
        lost = np.ones(len(block.nodes), dtype=bool)
        for each in facets:
            if each.kind == block.kind:
                lost = each.find(block.nodes)[:, 0] < 0
        if lost.any():
            names = ", ".join(mesh.tag_names[k] for k in np.unique(block.tag[lost]))
            what = f"{np.count_nonzero(lost)} tagged facets that are not those of a cell ({names})"
            raise MeshError(f"{what}, the first at {_place(mesh.points[block.nodes[lost][0]].mean(axis=0))}")


def _listed(numbers: Indices, noun: str) -> str:
    """Return a number of things and the first of their numbers."""
    once = list(dict.fromkeys(numbers.tolist()))
    shown = ", ".join(str(number) for number in once[:_LISTED]) + (", …" if len(once) > _LISTED else "")
    return f"{len(once)} {noun}{'s' if len(once) > 1 else ''} ({shown})"


def _place(point: Floats) -> str:
    return "(" + ", ".join(f"{x:.4g}" for x in point) + ") m"
