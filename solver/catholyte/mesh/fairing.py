"""Smooth interfaces from a label image: where the corners of its voxels go.

The faces between voxels of two regions make a surface of steps. Its points are moved in pairs of steps,

    d ← d + λ L(x + d),   d ← d − λ L(x + d),   L(x) = W x − x,   λ = 0.9,

of which the first smooths and the second takes back the shrinkage: together they multiply a mode with L(x) = −k x by
1 − (λk)². W averages over the other points of all faces that meet at a point, each as often as it occurs; its
eigenvalues lie in [−1/3, 1], so that no mode grows. All lengths are in voxels. What volume is still lost or
won is given back in the end (:mod:`catholyte.mesh.offsets`).

A point that lies on the line where three regions meet moves along with its neighbours on this line only, and a point
where lines meet stays: interfaces that are flat remain exactly flat, whatever ends on them. Points on the outer faces
of the image stay on them, as if the image went on behind a mirror. No point leaves the cube between the centres of the
eight voxels around it.

Taubin 1995, Curve and surface smoothing without shrinkage, Proc. ICCV, 852, doi:10.1109/ICCV.1995.466848, with steps of
equal size; the bound is that of the surface nets of Gibson 1998, MICCAI, LNCS 1496, 888, doi:10.1007/BFb0056277.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from catholyte.mesh.offsets import keep_volumes

Shape = tuple[int, ...]
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

#: size of the smoothing and of the unshrinking step
_STEP = 0.9

#: how far a point may go along each axis, in voxels
REACH = 0.5


def corner_shape(shape: Shape) -> Shape:
    """Return the numbers of corners along z, y, x of an image."""
    return tuple(n + 1 for n in shape)


def face_corners(shape: Shape, axis: int, face: Indices) -> Indices:
    """Return the corners of faces across an axis, in the order (0, 0), (0, 1), (1, 0), (1, 1) along the other two.

    Parameters
    ----------
    shape
        Voxels along z, y, x.
    axis
        Axis across which the faces lie.
    face
        Flat index of every face among the faces across the axis, of which there is one more than voxels, shape (m,).

    Returns
    -------
    Flat indices among the corners, shape (m, 4).
    """
    faces = tuple(n + (k == axis) for k, n in enumerate(shape))
    corners = corner_shape(shape)
    step = [corners[1] * corners[2], corners[2], 1]
    first = np.ravel_multi_index(np.unravel_index(face, faces), corners)
    u, v = (step[k] for k in range(3) if k != axis)
    return np.asarray(first)[:, None] + np.array([0, v, u, u + v])


def faces_between(regions: NDArray[Any], axis: int) -> Indices:
    """Return the flat indices of the faces across an axis whose two voxels lie in different regions."""
    shape = tuple(n + (k == axis) for k, n in enumerate(regions.shape))
    apart = np.zeros(shape, dtype=bool)
    inner = [slice(None)] * 3
    inner[axis] = slice(1, -1)
    apart[tuple(inner)] = np.diff(regions, axis=axis) != 0
    return np.flatnonzero(apart)


def displacements(levels: Sequence[NDArray[np.int32]], steps: int) -> tuple[Indices, Floats]:
    """Return the points of the interfaces and how far they move.

    Parameters
    ----------
    levels
        Images of regions [z, y, x]: the phases, and where wanted a finer partition such as grains. The points between
        phases do not see the finer one.
    steps
        Number of pairs of steps; with zero no point moves.

    Returns
    -------
    corner
        Flat index of every point of an interface among the corners, ascending, shape (n,).
    moved
        Displacements along z, y, x in voxels, shape (n, 3).
    """
    shape = levels[0].shape
    quads = [
        np.concatenate([face_corners(shape, axis, faces_between(regions, axis)) for axis in range(3)])
        for regions in levels
    ]
    corner = np.unique(np.concatenate([faces.ravel() for faces in quads]))
    average = sparse.csr_array((corner.size, corner.size))
    taken = np.zeros(corner.size, dtype=bool)
    for regions, faces in zip(levels, quads, strict=True):
        nodes = np.searchsorted(corner, faces)
        own = np.zeros(corner.size, dtype=bool)
        own[nodes] = True
        average = average + _neighbours(regions, corner, nodes, own & ~taken)
        taken |= own
    place = np.array(np.unravel_index(corner, corner_shape(shape))).T
    free = np.array([(place[:, axis] > 0) & (place[:, axis] < n) for axis, n in enumerate(shape)]).T
    moved = _fair(average, place, free, steps)
    if steps:
        faces = np.searchsorted(corner, quads[0])
        moved = keep_volumes(faces, _sides(levels[0]), place, moved, free, reach=REACH)
    return corner, moved


def _sides(regions: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the regions from which and to which the first edge across the second goes, of all faces between some."""
    sides = []
    for axis in range(3):
        face = faces_between(regions, axis)
        above = np.array(np.unravel_index(face, [n + (k == axis) for k, n in enumerate(regions.shape)]))
        below = above.copy()
        below[axis] -= 1
        pair = regions[tuple(above)], regions[tuple(below)]
        # x is across y along −z
        sides.append(np.stack(pair if axis != 1 else pair[::-1], axis=1))
    return np.concatenate(sides)


def _neighbours(
    regions: NDArray[np.int32], corner: Indices, quads: Indices, own: NDArray[np.bool_]
) -> sparse.csr_array:
    """Return how much of each other point each of the ``own`` points averages over, not normalised."""
    mine = np.flatnonzero(own)
    around = _regions_around(regions, corner[mine])
    rank = np.zeros(corner.size, dtype=np.int64)
    rank[mine] = _distinct(around.reshape(-1, 8))
    rows, columns, weights = [], [], []

    def add(row: Indices, column: Indices, weight: float) -> None:
        rows.append(row)
        columns.append(column)
        weights.append(np.full(row.size, weight))

    for here, there in itertools.permutations(range(4), 2):
        on_surface = rank[quads[:, here]] == 2
        add(quads[on_surface, here], quads[on_surface, there], 1.0)
    on_line = rank[mine] > 2
    line, at_line = mine[on_line], around[on_line]
    place = np.array(np.unravel_index(corner[line], corner_shape(regions.shape)))
    for axis, side in itertools.product(range(3), (0, 1)):
        beyond = place.copy()
        beyond[axis] += 2 * side - 1
        inside = (beyond[axis] >= 0) & (beyond[axis] <= regions.shape[axis])
        follows = inside & (_distinct(np.take(at_line, side, axis=axis + 1).reshape(-1, 4)) >= rank[line])
        row = line[follows]
        other = np.ravel_multi_index(beyond[:, follows], corner_shape(regions.shape))
        add(row, np.searchsorted(corner, np.atleast_1d(other)), 1.0)
        # a third of its weight on the point itself keeps the eigenvalues of lines in the range of those of surfaces
        add(row, row, 0.5)
    entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(sparse.coo_array(entries, shape=(corner.size, corner.size)))


def _regions_around(regions: NDArray[np.int32], corner: Indices) -> NDArray[np.int32]:
    """Return the regions of the voxels before and behind corners along z, y, x, mirrored at the ends, (n, 2, 2, 2)."""
    place = np.unravel_index(corner, corner_shape(regions.shape))
    z, y, x = (np.clip(at[:, None] + np.array([-1, 0]), 0, n - 1) for at, n in zip(place, regions.shape, strict=True))
    return regions[z[:, :, None, None], y[:, None, :, None], x[:, None, None, :]]


def _distinct(values: NDArray[np.int32]) -> NDArray[np.int64]:
    """Count the different values in every row."""
    return 1 + np.count_nonzero(np.diff(np.sort(values, axis=1), axis=1), axis=1)


def _fair(average: sparse.csr_array, place: Indices, free: NDArray[np.bool_], steps: int) -> Floats:
    """Take pairs of steps and return how far the points at ``place`` have moved."""
    total = np.asarray(average.sum(axis=1))
    scale = np.where(total > 0.0, 1.0 / np.maximum(total, 1.0), 0.0)[:, None]
    held = np.where(total > 0.0, 1.0, 0.0)[:, None]
    # half-integers, so that what is flat gives exactly zero
    start = (average @ place - total[:, None] * place) * scale
    moved = np.zeros(place.shape)
    for factor in (_STEP, -_STEP) * steps:
        moved += factor * free * (start + (average @ moved) * scale - held * moved)
        np.clip(moved, -REACH, REACH, out=moved)
    return moved
