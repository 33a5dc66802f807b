"""Cuts through unstructured meshes, as triangles with values at their corners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.tri import Triangulation
from numpy.typing import NDArray

from catholyte.plot.style import Colour, length_unit
from catholyte.results import Elements

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Cut:
    """Triangles in a plane; no two phases or grains share a corner.

    Attributes
    ----------
    points
        Places across and up in ``unit``, (n, 2).
    triangles
        Corners, (m, 3).
    phase
        Number of the phase of every triangle, (m,).
    values
        What was asked for at the corners, (n,) each; NaN where it is not defined.
    unit
        nm or µm.
    labels
        Names of the directions across and up.
    """

    points: Floats
    triangles: NDArray[np.int64]
    phase: NDArray[np.int64]
    values: tuple[Floats, ...]
    unit: str
    labels: tuple[str, str]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Edges of what is drawn: left, right, bottom, top."""
        (left, bottom), (right, top) = self.points.min(axis=0), self.points.max(axis=0)
        return (float(left), float(right), float(bottom), float(top))

    @property
    def height_to_width(self) -> float:
        """Height over width."""
        left, right, bottom, top = self.extent
        return (top - bottom) / (right - left)

    def known(self, number: int) -> NDArray[np.bool_]:
        """Return which triangles have a value at every corner."""
        return np.asarray(np.isfinite(self.values[number])[self.triangles].all(axis=1), dtype=np.bool_)


def cut_through(elements: Elements, fields: Sequence[Floats]) -> Cut:
    """Cut a mesh through its middle, along z and the wider one of x and y.

    Meshes of two dimensions are taken as they are; one around an axis is drawn on both sides of it.

    Parameters
    ----------
    elements
        The mesh.
    fields
        Arrays of one value a cell.
    """
    return _flat(elements, fields) if elements.flat else _through_the_middle(elements, fields)


def _flat(elements: Elements, fields: Sequence[Floats]) -> Cut:
    corners: list[NDArray[np.int32]] = []
    phases: list[NDArray[np.integer]] = []
    for block in elements.blocks:
        corners.append(block.nodes[:, :3])
        phases.append(block.phase)
        if block.kind == "quad":
            corners.append(block.nodes[:, [0, 2, 3]])
            phases.append(block.phase)
    n = len(elements.points)
    values = tuple(np.concatenate([field, np.full(n - field.size, np.nan, field.dtype)]) for field in fields)
    scaled, unit = _scaled(elements.points[:, :2])
    triangles, phase = np.concatenate(corners).astype(np.int64), np.concatenate(phases).astype(np.int64)
    cut = Cut(scaled, triangles, phase, values, unit, ("x", "y"))
    return _both_sides(cut) if elements.symmetry == "axisymmetric" else cut


def _both_sides(cut: Cut) -> Cut:
    n = len(cut.points)
    return replace(
        cut,
        points=np.concatenate([cut.points, cut.points * np.array([-1.0, 1.0])]),
        triangles=np.concatenate([cut.triangles, cut.triangles + n]),
        phase=np.tile(cut.phase, 2),
        values=tuple(np.tile(value, 2) for value in cut.values),
        labels=("r", "z"),
    )


def _through_the_middle(elements: Elements, fields: Sequence[Floats]) -> Cut:
    import pyvista
    from vtkmodules.vtkCommonDataModel import vtkPlane
    from vtkmodules.vtkFiltersCore import vtk3DLinearGridPlaneCutter

    low, high = elements.points.min(axis=0), elements.points.max(axis=0)
    across = 0 if high[0] - low[0] >= high[1] - low[1] else 1
    grid = elements.grid({str(number): field for number, field in enumerate(fields)})
    # Every point belongs to one phase; where phases meet each has a point of its own.
    of_point = np.zeros(grid.n_points)
    for block in elements.blocks:
        of_point[block.nodes] = block.phase[:, None]
    grid.point_data["phase of point"] = of_point
    plane = vtkPlane()
    plane.SetOrigin(*(0.5 * (low + high)))
    plane.SetNormal(*np.eye(3)[1 - across])
    cutter = vtk3DLinearGridPlaneCutter()
    cutter.SetInputData(grid)
    cutter.SetPlane(plane)
    cutter.SetInterpolateAttributes(True)
    cutter.Update()
    found = pyvista.wrap(cutter.GetOutput())
    triangles = np.asarray(found.regular_faces, dtype=np.int64)
    scaled, unit = _scaled(np.asarray(found.points)[:, [2, across]])
    return Cut(
        scaled,
        triangles,
        np.rint(np.asarray(found.point_data["phase of point"])[triangles[:, 0]]).astype(np.int64),
        tuple(np.asarray(found.point_data[str(number)]) for number in range(len(fields))),
        unit,
        ("z", "xy"[across]),
    )


def _scaled(points: Floats) -> tuple[Floats, str]:
    factor, unit = length_unit(float(np.ptp(points, axis=0).max()))
    return factor * points, unit


def draw_cut(
    axes: Axes, cut: Cut, number: int, *, scale: tuple[Normalize, str], colours: Mapping[int, Colour], unknown: Colour
) -> None:
    """Draw one of the values of a cut, and its phases in flat colours where it is not defined.

    Parameters
    ----------
    number
        Which of the values.
    scale
        Norm and name of the colour map.
    colours
        Flat colours of phases by number.
    unknown
        The colour of triangles without a value in the other phases.
    """
    known = cut.known(number)
    for phase in np.unique(cut.phase[~known]):
        corners = cut.points[cut.triangles[~known & (cut.phase == phase)]]
        colour = colours.get(int(phase), unknown)
        flat = PolyCollection(list(corners), facecolors=colour, edgecolors=colour, linewidths=0.1, rasterized=True)
        axes.add_collection(flat)
    if known.any():
        used, triangles = np.unique(cut.triangles[known], return_inverse=True)
        x, y = cut.points[used].T
        axes.tripcolor(
            Triangulation(x, y, triangles.reshape(-1, 3)),
            cut.values[number][used],
            shading="gouraud",
            norm=scale[0],
            cmap=scale[1],
            rasterized=True,
        )
    left, right, bottom, top = cut.extent
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")
