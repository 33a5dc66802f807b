"""The unstructured mesh that a result belongs to: points with values, and the elements between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: kinds of elements -> names in VTK
_VTK = {"tetra": "TETRA", "hexahedron": "HEXAHEDRON", "wedge": "WEDGE", "triangle": "TRIANGLE", "quad": "QUAD"}


@dataclass(frozen=True, eq=False)
class ElementBlock:
    """Elements of one kind.

    Attributes
    ----------
    kind
        Tetra, hexahedron, wedge, triangle or quad; corners are numbered as in VTK.
    nodes
        Index into the points of every corner, int32 (m, corners).
    phase
        Index into the names of the phases of every element.
    """

    kind: str
    nodes: NDArray[np.int32]
    phase: NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Elements:
    """Points and elements of an unstructured mesh.

    Attributes
    ----------
    points
        Coordinates [m], (n, 3). The first ones are the cells of the result, the surroundings of nodes; behind them come
        the nodes that take no part. Where phases meet, each has a point of its own at the same place.
    blocks
        Elements by kind; all corners of an element belong to its phase.
    volume
        Volume of every cell per area of the electrode [m].
    symmetry
        ``"none"``, or ``"axisymmetric"``: the first coordinate is the radius, the second lies along the axis.
    """

    points: NDArray[np.floating]
    blocks: tuple[ElementBlock, ...]
    volume: NDArray[np.floating]
    symmetry: str = "none"

    @property
    def flat(self) -> bool:
        """Whether the elements are of two dimensions."""
        return self.blocks[0].kind in ("triangle", "quad")

    def grid(self, fields: Mapping[str, NDArray[np.floating]]) -> Any:
        """Return the elements as a grid of pyvista, with their phase and with fields at the points.

        Parameters
        ----------
        fields
            Arrays of one value a cell by name; nodes that take no part get NaN.
        """
        import pyvista

        cells = {getattr(pyvista.CellType, _VTK[block.kind]): block.nodes for block in self.blocks}
        grid = pyvista.UnstructuredGrid(cells, np.asarray(self.points, dtype=np.float64))
        grid.cell_data["phase"] = np.concatenate([block.phase for block in self.blocks]).astype(np.int32)
        for name, values in fields.items():
            at_points = np.full(len(self.points), np.nan, dtype=values.dtype)
            at_points[: values.size] = values
            grid.point_data[name] = at_points
        return grid
