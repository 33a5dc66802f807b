"""Small offsets of smoothed interfaces that give every region the volume back that it has in the image.

Smoothing moves volume from small bodies to what surrounds them. Each interface between two regions is therefore moved
along its normals by one distance δ, the same everywhere on it, such that all volumes are those of the image; of the
many sets of distances that do so, the one with the least Σ A δ² over the areas A. Points that have not left the plane
in which they started stay there, and so do lines where interfaces meet. The distances are found again some times, for
the volumes are cubic in them.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

#: rounds, each of which leaves a few per cent of what was missing
_ROUNDS = 3

#: a point is in its plane if it is nearer to it than so many voxels
_IN_PLANE = 1e-9

#: corners of the triangles of a quadrilateral (0, 0), (0, 1), (1, 0), (1, 1) by either diagonal, turning alike
_TRIANGLES = np.array([(0, 1, 3), (0, 3, 2), (0, 1, 2), (1, 3, 2)])


def keep_volumes(
    quads: Indices, sides: NDArray[Any], place: Indices, moved: Floats, free: NDArray[np.bool_], *, reach: float
) -> Floats:
    """Return displacements of the points of interfaces that leave all volumes as they were.

    Parameters
    ----------
    quads
        Points of the faces between regions, in the order (0, 0), (0, 1), (1, 0), (1, 1), shape (m, 4).
    sides
        Regions on the two sides of each face, shape (m, 2): from the first to the second goes the edge to (0, 1) across
        that to (1, 0).
    place
        Where the points lie in the image, in voxels, shape (n, 3).
    moved
        How far they have moved, shape (n, 3).
    free
        Along which axes each may move, shape (n, 3).
    reach
        Farthest that a point may be from its place along each axis.
    """
    names, region = np.unique(sides, return_inverse=True)
    region = region.reshape(sides.shape)
    # every face looks from its lower to its higher region, which both sides of an interface agree upon
    turned = region[:, 0] > region[:, 1]
    quads = np.where(turned[:, None], quads[:, [0, 2, 1, 3]], quads)
    pairs, pair = np.unique(np.sort(region, axis=1), axis=0, return_inverse=True)
    pair = pair.ravel()
    of_point = _only_pair(quads, pair, len(place))
    gain = np.zeros((names.size, len(pairs)))
    gain[pairs[:, 0], np.arange(len(pairs))] = 1.0
    gain[pairs[:, 1], np.arange(len(pairs))] = -1.0
    start = place.astype(np.float64)
    for _ in range(_ROUNDS):
        swept = np.bincount(pair, _swept(start[quads], moved[quads]), len(pairs))
        normal = _normals(quads, start + moved) * free
        size = np.linalg.norm(normal, axis=1)
        normal /= np.where(size > 0.0, size, 1.0)[:, None]
        out = np.abs(np.einsum("ij,ij->i", normal, moved)) > _IN_PLANE
        movable = out & (of_point >= 0)
        area = np.bincount(of_point[movable], size[movable], len(pairs))
        root = np.sqrt(area)
        distance = np.linalg.lstsq(gain * root, -gain @ swept, rcond=None)[0] / np.where(root > 0.0, root, 1.0)
        moved = moved.copy()
        moved[movable] += distance[of_point[movable], None] * normal[movable]
        moved = np.clip(moved, -reach, reach)
    return moved


def _only_pair(quads: Indices, pair: Indices, n_points: int) -> Indices:
    """Return the interface on which each point lies, −1 where several meet."""
    lowest = np.full(n_points, np.iinfo(np.int64).max)
    highest = np.full(n_points, -1)
    for k in range(4):
        np.minimum.at(lowest, quads[:, k], pair)
        np.maximum.at(highest, quads[:, k], pair)
    return np.where(lowest == highest, highest, -1)


def _area_vectors(points: Floats) -> Floats:
    """Return the area vectors of triangles, shape (..., 3, 3) to (..., 3)."""
    return 0.5 * np.cross(points[..., 1, :] - points[..., 0, :], points[..., 2, :] - points[..., 0, :])


def _swept(start: Floats, moved: Floats) -> Floats:
    """Return the volume that each face sweeps, the mean over both diagonals.

    A triangle whose corners go straight has an area vector that is quadratic in time, so Simpson's rule is exact.
    """
    swept = np.zeros(len(start))
    for triangle in _TRIANGLES:
        first, way = start[:, triangle], moved[:, triangle]
        area = sum(w * _area_vectors(first + t * way) for t, w in ((0.0, 1.0), (0.5, 4.0), (1.0, 1.0)))
        swept += 0.5 * np.einsum("ij,ij->i", area / 6.0, way.mean(axis=1))
    return swept


def _normals(quads: Indices, points: Floats) -> Floats:
    """Return a quarter of the area vectors of all faces at each point."""
    normals = np.zeros_like(points)
    corners = points[quads]
    quarter = 0.125 * np.cross(corners[:, 1] - corners[:, 2], corners[:, 3] - corners[:, 0])
    for k, axis in itertools.product(range(4), range(3)):
        normals[:, axis] += np.bincount(quads[:, k], quarter[:, axis], len(points))
    return normals
