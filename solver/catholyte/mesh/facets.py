"""The facets of the cells of a mesh: which cells share them, and which lie on the boundary.

A corner is one node of one cell. Corners are numbered through all cells, block by block, so that a corner names a cell,
a node in it and thereby a point of the mesh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.mesh.elements import ELEMENTS, FACET_KIND
from catholyte.mesh.unstructured import CellBlock, FacetKind

Indices = NDArray[np.int64]
Corners = NDArray[np.int32]

#: numbers below this fit into one half of a 64-bit integer
_HALF = 2**31


@dataclass(frozen=True, eq=False)
class CellFacets:
    """The facets of all cells that have one shape; an inner facet is there twice, once for each of its cells.

    Attributes
    ----------
    kind
        Their shape.
    corner
        Corners of every facet, shape (m, w); seen from outside of the cell they run counter-clockwise.
    nodes
        Points of every facet, sorted, shape (m, w).
    order
        Places of the corners in the order of ``nodes``, shape (m, w).
    cell
        Cell of every facet, numbered through all blocks, shape (m,).
    first, second
        The two facets that are one, by number, shape (p,).
    alone
        Facets of one cell only, by number.
    crowded
        Facets of more than two cells, by number.
    """

    kind: FacetKind
    corner: Corners
    nodes: Indices
    order: NDArray[np.int8]
    cell: Corners
    first: Indices
    second: Indices
    alone: Indices
    crowded: Indices

    def sorted_corners(self, facets: Indices) -> Corners:
        """Return the corners of some facets in the order of their points, so that those of both sides correspond."""
        return np.take_along_axis(self.corner[facets], self.order[facets].astype(np.int64), axis=1)

    def turns_left(self, facets: Indices) -> NDArray[np.bool_]:
        """Return which way round facets run, as a mark that is opposite on the two sides of a facet."""
        place = np.empty_like(self.order[facets])
        ranks = np.arange(place.shape[1], dtype=np.int8)
        np.put_along_axis(place, self.order[facets].astype(np.int64), ranks[None, :], axis=1)
        # seen from the lowest point: whether the next one is lower than the one before
        row, lowest = np.arange(len(place)), place.argmin(axis=1)
        width = place.shape[1]
        if width == 2:
            return lowest == 0
        return place[row, (lowest + 1) % width] < place[row, lowest - 1]

    def find(self, nodes: Indices) -> Indices:
        """Return the numbers of facets with given points, shape (k, w).

        Returns
        -------
        Both numbers of inner facets, shape (k, 2); −1 where there is no second one, or none at all.
        """
        wanted = np.sort(nodes, axis=1)
        count = len(self.nodes)
        groups, _ = row_groups(np.vstack([self.nodes, wanted]))
        at = np.full((int(groups.max()) + 1 if groups.size else 0, 2), -1, dtype=np.int64)
        at[groups[self.second], 1] = self.second
        at[groups[self.first], 0] = self.first
        at[groups[self.alone], 0] = self.alone
        return at[groups[count:]]


def facets_of(blocks: Sequence[CellBlock]) -> tuple[CellFacets, ...]:
    """Return the facets of cells by kind: lines, or triangles and quadrilaterals."""
    corners: dict[int, list[Corners]] = {}
    nodes: dict[int, list[Indices]] = {}
    cells: dict[int, list[Corners]] = {}
    first_corner = first_cell = 0
    for block in blocks:
        m, k = block.nodes.shape
        own = first_corner + k * np.arange(m, dtype=np.int32)
        for facet in ELEMENTS[block.kind].facets:
            width = len(facet)
            corners.setdefault(width, []).append(own[:, None] + np.array(facet, dtype=np.int32))
            nodes.setdefault(width, []).append(block.nodes[:, facet])
            cells.setdefault(width, []).append(np.arange(first_cell, first_cell + m, dtype=np.int32))
        first_corner += m * k
        first_cell += m
    return tuple(
        _matched(np.concatenate(corners[width]), np.concatenate(nodes[width]), np.concatenate(cells[width]))
        for width in sorted(corners)
    )


def _matched(corner: Corners, nodes: Indices, cell: Corners) -> CellFacets:
    """Find the facets that are the same."""
    order = np.argsort(nodes, axis=1).astype(np.int8)
    nodes = np.take_along_axis(nodes, order.astype(np.int64), axis=1)
    groups, sequence = row_groups(nodes)
    ordered = groups[sequence]
    start = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if ordered.size else np.empty(0, np.int64)
    number = np.diff(np.r_[start, ordered.size])
    pairs = start[number == 2]
    crowded = np.isin(ordered, ordered[start[number > 2]]) if np.any(number > 2) else np.zeros(ordered.size, bool)
    kind = FACET_KIND[nodes.shape[1]]
    return CellFacets(
        kind,
        corner,
        nodes,
        order,
        cell,
        sequence[pairs],
        sequence[pairs + 1],
        sequence[start[number == 1]],
        sequence[crowded],
    )


def row_groups(rows: Indices) -> tuple[Indices, Indices]:
    """Return a number for every row of points, alike for equal ones, and the sequence that brings these together."""
    columns = [rows[:, k] for k in range(rows.shape[1])]
    if rows.size and int(rows.max()) < _HALF:
        # two points in one number, which halves the sorting
        columns = [
            rows[:, k] * _HALF + rows[:, k + 1] if k + 1 < rows.shape[1] else rows[:, k]
            for k in range(0, rows.shape[1], 2)
        ]
    sequence = np.lexsort(columns[::-1])
    new = np.zeros(len(rows), dtype=bool)
    for column in columns:
        ordered = column[sequence]
        new[1:] |= ordered[1:] != ordered[:-1]
    groups = np.empty(len(rows), dtype=np.int64)
    groups[sequence] = np.cumsum(new)
    return groups, sequence
