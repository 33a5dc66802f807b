"""Surfaces of an unstructured mesh for pictures in three dimensions, with the quarter that faces the viewer cut out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.results import Elements

#: angle in degrees between facets from which on an edge is drawn as sharp
_SHARP = 40.0


class Solid:
    """An unstructured mesh in the world of a picture: x is z of the mesh, its longest edge is 1.

    Parameters
    ----------
    elements
        The mesh.
    fields
        Arrays of one value a cell by name.
    """

    def __init__(self, elements: Elements, fields: dict[str, NDArray[np.floating]]) -> None:
        world = elements.points[:, ::-1]
        low, high = world.min(axis=0), world.max(axis=0)
        #: edges of the block in m
        self.lengths = tuple(float(length) for length in high - low)
        self.size = (high - low) / (high - low).max()
        self._grid = elements.grid(fields)
        self._grid.points = (world - low) / (high - low).max()

    def surface(self, phase: int, *, cut: bool, finite: str | None = None) -> Any:
        """Return the surface of a phase, None where there is none.

        Parameters
        ----------
        phase
            Number of the phase.
        cut
            Whether the quarter that faces the viewer is taken out of it.
        finite
            Name of a field that has to be known: elements in which it is not are left out.
        """
        chosen = np.asarray(self._grid.cell_data["phase"]) == phase
        if finite is not None:
            unknown = ~np.isfinite(np.asarray(self._grid.point_data[finite]))
            part = self._grid.extract_points(np.flatnonzero(unknown), adjacent_cells=True, include_cells=True)
            chosen[np.asarray(part.cell_data.get("vtkOriginalCellIds", []), dtype=np.int64)] = False
        if not chosen.any():
            return None
        part = self._grid.extract_cells(np.flatnonzero(chosen))
        surfaces = [_surface(each) for each in (self._opened(part) if cut else [part]) if each.n_cells]
        if not surfaces:
            return None
        whole = surfaces[0] if len(surfaces) == 1 else surfaces[0].append_polydata(*surfaces[1:])
        return whole.triangulate().compute_normals(
            cell_normals=False, split_vertices=True, feature_angle=_SHARP, auto_orient_normals=True
        )

    def _opened(self, part: Any) -> list[Any]:
        """Return what is left of a part: that far from the viewer along y, and below the middle of what is near."""
        middle = (0.0, 0.5 * self.size[1], 0.5 * self.size[2])
        far = part.clip(normal=(0.0, -1.0, 0.0), origin=middle)
        near = part.clip(normal=(0.0, 1.0, 0.0), origin=middle)
        return [far, near.clip(normal=(0.0, 0.0, 1.0), origin=middle) if near.n_cells else near]


def _surface(part: Any) -> Any:
    import pyvista
    from vtkmodules.vtkFiltersGeometry import vtkGeometryFilter

    geometry = vtkGeometryFilter()
    geometry.SetInputData(part)
    geometry.Update()
    return pyvista.wrap(geometry.GetOutput())
