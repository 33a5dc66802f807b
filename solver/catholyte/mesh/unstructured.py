"""Meshes of tetrahedra, hexahedra, wedges, triangles and quadrilaterals, as they come from a file or a generator.

Lengths are in m. Regions of cells are phases (or parts of them), tags of facets are terminals and parts of interfaces.
Numbers of cells and points in messages are those of the source, counted from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CellKind = Literal["tetra", "hexahedron", "wedge", "triangle", "quad"]
FacetKind = Literal["line", "triangle", "quad"]
Symmetry = Literal["none", "axisymmetric"]


@dataclass(frozen=True)
class CellBlock:
    """Cells of one kind.

    Attributes
    ----------
    kind
        Shape of the cells; nodes are numbered as in VTK and meshio.
    nodes
        Points of every cell, shape (m, nodes of the kind).
    region
        Index into ``region_names`` of every cell, shape (m,).
    number
        Number of every cell in its source, shape (m,).
    grain
        Number of the grain of every cell, shape (m,); zero where no grains are told apart.
    """

    kind: CellKind
    nodes: NDArray[np.int64]
    region: NDArray[np.int16]
    number: NDArray[np.int64]
    grain: NDArray[np.int32]


@dataclass(frozen=True)
class FacetBlock:
    """Tagged facets of one kind: lines in two dimensions, triangles and quadrilaterals in three.

    Attributes
    ----------
    kind
        Shape of the facets.
    nodes
        Points of every facet, shape (m, nodes of the kind).
    tag
        Index into ``tag_names`` of every facet, shape (m,).
    """

    kind: FacetKind
    nodes: NDArray[np.int64]
    tag: NDArray[np.int16]


@dataclass(frozen=True)
class UnstructuredMesh:
    """Points, cells in regions, and tagged facets.

    Attributes
    ----------
    points
        Coordinates in m, shape (n, 3); with cells of two dimensions the third is zero. With axial symmetry the first
        is the radius and the second lies along the axis.
    cells
        Cells by kind; all of two or all of three dimensions.
    region_names
        Names of the regions.
    facets
        Tagged facets by kind.
    tag_names
        Names of the tags.
    symmetry
        ``"axisymmetric"``: cells of two dimensions stand for rings around the axis.
    point_number
        Number of every point in its source, shape (n,), where points of the source are left out.
    """

    points: Floats
    cells: tuple[CellBlock, ...]
    region_names: tuple[str, ...]
    facets: tuple[FacetBlock, ...] = ()
    tag_names: tuple[str, ...] = ()
    symmetry: Symmetry = "none"
    point_number: NDArray[np.int64] | None = None

    @property
    def dimension(self) -> int:
        """Dimension of the cells, 2 or 3."""
        return 2 if self.cells[0].kind in ("triangle", "quad") else 3

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return sum(block.nodes.shape[0] for block in self.cells)
