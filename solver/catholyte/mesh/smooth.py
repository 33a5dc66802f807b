"""Tetrahedra from a label image, with smooth interfaces between the regions, and these interfaces for themselves.

Points are the corners of the voxels; those on interfaces move (:mod:`catholyte.mesh.fairing`), and the voxels are cut
so that they can (:mod:`catholyte.mesh.cut`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError, MeshError
from catholyte.mesh.cut import Cut, cells_of, cut_faces, cut_voxels, portions, voxel_corners
from catholyte.mesh.fairing import corner_shape, displacements, faces_between
from catholyte.mesh.unstructured import CellBlock, FacetBlock, UnstructuredMesh

if TYPE_CHECKING:
    import pyvista

Spacing = Sequence[float]
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]


def tetrahedra(
    labels: NDArray[Any],
    spacing: Spacing,
    region_names: Sequence[str],
    *,
    smoothing: int = 10,
    excluded: Collection[int] = (),
    grains: NDArray[Any] | None = None,
) -> UnstructuredMesh:
    """Return conforming tetrahedra of a label image whose interfaces are smooth surfaces.

    Parameters
    ----------
    labels
        Label of every voxel [z, y, x], an index into ``region_names``.
    spacing
        Voxel size (dz, dy, dx), m.
    region_names
        Names of the regions by label.
    smoothing
        Number of smoothing steps; zero leaves the voxels as they are.
    excluded
        Labels that get no cells, such as void. Their interfaces are smoothed as all others.
    grains
        Number of the grain of every voxel, zero for none. Grain boundaries are smoothed as well.

    Returns
    -------
    UnstructuredMesh
        Points (x, y, z) with z through the plane; the outer faces at its ends are tagged ``"counter"`` and
        ``"collector"``. Cells follow the voxels, z first.

    Raises
    ------
    InputError
        If the image is not of three dimensions, a label has no name, or the number of steps is negative.
    MeshError
        If all voxels are excluded.
    """
    low, high = (0, 0) if labels.size == 0 else (int(labels.min()), int(labels.max()))
    if low < 0 or high >= len(region_names):
        wrong = low if low < 0 else high
        raise InputError("labels", wrong, f"labels from 0 to {len(region_names) - 1}, one for each of the names")
    cut = _smoothed(labels, smoothing, excluded, grains)
    nodes, voxel = cells_of(cut)
    used, points = _points(cut, np.asarray(spacing, dtype=np.float64))
    facets, tag = _plates(cut)
    region = labels.ravel()[voxel].astype(np.int16)
    grain = np.zeros(voxel.size, np.int32) if grains is None else grains.ravel()[voxel].astype(np.int32)
    block = CellBlock("tetra", used[nodes], region, np.arange(voxel.size), grain)
    plates = FacetBlock("triangle", used[facets], tag)
    return UnstructuredMesh(points, (block,), tuple(region_names), (plates,), ("counter", "collector"))


def surface(
    labels: NDArray[Any],
    spacing: Spacing,
    pair: tuple[int, int],
    *,
    smoothing: int = 10,
    excluded: Collection[int] = (),
) -> pyvista.PolyData:
    """Return the smooth interface between two labels, with the points of :func:`tetrahedra`, to be viewed or exported.

    The triangles' normals point from the first label of the pair to the second. Arguments are those of
    :func:`tetrahedra`; points are (x, y, z) in m.
    """
    import pyvista

    points, triangles = surface_triangles(labels, spacing, pair, smoothing=smoothing, excluded=excluded)
    return pyvista.PolyData.from_regular_faces(points, triangles.astype(int))


def surface_triangles(
    labels: NDArray[Any],
    spacing: Spacing,
    pair: tuple[int, int],
    *,
    smoothing: int = 10,
    excluded: Collection[int] = (),
) -> tuple[Floats, Indices]:
    """Return points (n, 3) and triangles (m, 3) of :func:`surface` as arrays."""
    if pair[0] == pair[1] or set(pair) <= set(excluded):
        raise InputError("pair", pair, "two different labels, of which one has cells")
    cut = _smoothed(labels, smoothing, excluded, None)
    parts = []
    for axis in range(3):
        face = faces_between(labels, axis)
        above = np.array(np.unravel_index(face, [n + (k == axis) for k, n in enumerate(labels.shape)]))
        below = above.copy()
        below[axis] -= 1
        sides = labels[tuple(below)], labels[tuple(above)]
        for first, second in (pair, pair[::-1]):
            chosen = face[(sides[0] == first) & (sides[1] == second)]
            triangles = cut_faces(cut, axis, chosen).reshape(-1, 3)
            # seen in (x, y, z), corners in the order of the other two axes run around −z, +y and −x
            outward = (axis == 1) != (first == pair[0])
            parts.append(triangles if outward else triangles[:, ::-1])
    corner, triangles = np.unique(np.concatenate(parts), return_inverse=True)
    place = np.array(np.unravel_index(corner, corner_shape(labels.shape))).T + cut.moved[corner]
    points = (place * np.asarray(spacing, dtype=np.float64))[:, ::-1]
    return np.ascontiguousarray(points), triangles.reshape(-1, 3)


def _smoothed(labels: NDArray[Any], smoothing: int, excluded: Collection[int], grains: NDArray[Any] | None) -> Cut:
    """Move the points of an image, all excluded labels being one region, and cut its voxels."""
    if labels.ndim != 3 or labels.size == 0:
        raise InputError("labels", f"shape {labels.shape}", "a three-dimensional image")
    if grains is not None and grains.shape != labels.shape:
        raise InputError("grains", f"shape {grains.shape}", f"the shape {labels.shape} of the image")
    if isinstance(smoothing, bool) or int(smoothing) != smoothing or smoothing < 0:
        raise InputError("smoothing", smoothing, "a whole number of steps, zero or more")
    filled = ~np.isin(labels, list(excluded))
    if not filled.any():
        raise MeshError("all voxels of the image are excluded: nothing to cut into tetrahedra")
    levels = [np.where(filled, labels, -1).astype(np.int32)]
    if grains is not None:
        _, finer = np.unique(np.stack([levels[0].ravel(), grains.ravel()]), axis=1, return_inverse=True)
        levels.append(finer.reshape(labels.shape).astype(np.int32))
    corner, way = displacements(levels, int(smoothing))
    return cut_voxels(filled, corner, way)


def _points(cut: Cut, spacing: Floats) -> tuple[Indices, Floats]:
    """Return the number of every point, corners and middles, and the coordinates x, y, z of those that cells have."""
    shape, corners = cut.shape, cut.moved.shape[0]
    taken = np.zeros(corners, dtype=bool)
    for voxel in portions(np.flatnonzero(cut.filled)):
        taken[voxel_corners(shape, voxel)] = True
    corner = np.flatnonzero(taken)
    at_corner = np.array(np.unravel_index(corner, corner_shape(shape))).T
    in_middle = np.array(np.unravel_index(cut.near, shape)).T
    # middles stand among the corners, on a lattice of half voxels: neighbours in space are neighbours in memory
    half = [2 * n + 1 for n in shape]
    order = np.argsort(np.ravel_multi_index(np.concatenate([2 * at_corner, 2 * in_middle + 1]).T, half))
    number = np.full(corners + cut.filled.size, -1, np.int64)
    number[np.concatenate([corner, corners + cut.near])[order]] = np.arange(order.size)
    middles = [cut.moved[voxel_corners(shape, voxel)].mean(axis=1) for voxel in portions(cut.near)]
    at_middle = np.concatenate([np.empty((0, 3)), *middles]) + in_middle + 0.5
    place = np.concatenate([at_corner + cut.moved[corner], at_middle])
    return number, np.ascontiguousarray((place[order] * spacing)[:, ::-1])


def _plates(cut: Cut) -> tuple[Indices, NDArray[np.int16]]:
    """Return the triangles on the first and the last layer, and which of the two they lie on."""
    layers, rows, columns = cut.shape
    first = np.flatnonzero(cut.filled[0])
    last = np.flatnonzero(cut.filled[-1]) + layers * rows * columns
    triangles = [cut_faces(cut, 0, face).reshape(-1, 3) for face in (first, last)]
    tag = np.repeat(np.array([0, 1], np.int16), [part.shape[0] for part in triangles])
    return np.concatenate(triangles), tag
