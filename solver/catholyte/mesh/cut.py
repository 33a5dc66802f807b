"""How the voxels of an image are cut into tetrahedra when the points of its interfaces have moved.

A voxel without a point of an interface is cut into five tetrahedra, by diagonals of its faces that join corners of even
place. Any other voxel gets a point in its middle and two tetrahedra on each face, so that its faces can take either
diagonal and a corner may move into the plane of its neighbours, as it does on slopes of one in one. Faces between two
such voxels take the diagonal with the better tetrahedra beside it, all others the even one: neighbours always agree.

The quality of a tetrahedron is 12 (3V)^(2/3) over the sum of its squared edges, 1 when regular and 0 when flat (Liu &
Joe 1994, BIT 34, 268, doi:10.1007/BF01955874), in units of voxels. Where it would fall below a floor its corners step
back towards their places in the image until it does not.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catholyte.mesh.fairing import corner_shape, face_corners

Shape = tuple[int, int, int]
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

#: least quality of a tetrahedron
FLOOR = 0.1

#: part of its way that a corner keeps when a tetrahedron beside it is too flat, and after how many times it goes home
_KEEP, _TRIALS = 0.85, 16

#: voxels whose tetrahedra are looked at together
_PORTION = 1 << 14

#: corners of a voxel by place (z, y, x), then its middle
_PLACES = np.array([*itertools.product((0.0, 1.0), repeat=3), (0.5, 0.5, 0.5)])


def _oriented(cells: Indices) -> Indices:
    """Turn tetrahedra between corners of a voxel so that their volume in x, y, z is positive."""
    edges = _PLACES[cells[..., 1:]][..., ::-1] - _PLACES[cells[..., :1]][..., ::-1]
    turned = cells.copy()
    wrong = np.linalg.det(edges) < 0.0
    turned[wrong, :2] = cells[wrong, 1::-1]
    return turned


def _triangles(corners: Indices) -> Indices:
    """Cut faces with corners (0, 0), (0, 1), (1, 0), (1, 1) by either diagonal: [..., diagonal, triangle, corner]."""
    first, second, third, fourth = np.moveaxis(corners, -1, 0)
    by_main = [[first, second, fourth], [first, fourth, third]]
    by_other = [[first, second, third], [second, fourth, third]]
    return np.moveaxis(np.array([by_main, by_other]), (0, 1, 2), (-3, -2, -1))


#: corners of the faces of a voxel: [axis, low or high, corner]
_FACES = np.array(
    [
        [
            [4 * p[0] + 2 * p[1] + p[2] for p in itertools.product((0, 1), repeat=3) if p[axis] == side]
            for side in (0, 1)
        ]
        for axis in range(3)
    ]
)

#: tetrahedra around the middle: [axis, low or high, diagonal, triangle, node]
_AROUND_MIDDLE = _oriented(np.concatenate([_triangles(_FACES), np.full((3, 2, 2, 2, 1), 8)], axis=-1))

#: the five tetrahedra of a voxel whose first corner is even, and of one whose first corner is odd
_FIVE = _oriented(
    np.array(
        [
            [(0, 3, 5, 6), (1, 0, 3, 5), (2, 0, 3, 6), (4, 0, 5, 6), (7, 3, 5, 6)],
            [(1, 2, 4, 7), (0, 1, 2, 4), (3, 1, 2, 7), (5, 1, 4, 7), (6, 2, 4, 7)],
        ]
    )
)


@dataclass(frozen=True)
class Cut:
    """How an image is cut into tetrahedra.

    Attributes
    ----------
    filled
        Whether a voxel gets cells, [z, y, x].
    near
        Flat indices of the filled voxels with a point in their middle, ascending, shape (n,).
    moved
        Displacement of every corner along z, y, x in voxels, shape (corners, 3).
    diagonals
        By which diagonal the faces across each axis are cut, flat.
    """

    filled: NDArray[np.bool_]
    near: Indices
    moved: Floats
    diagonals: tuple[NDArray[np.int8], ...]

    @property
    def shape(self) -> Shape:
        """Voxels along z, y, x."""
        return self.filled.shape


def cut_voxels(filled: NDArray[np.bool_], corner: Indices, way: Floats) -> Cut:
    """Cut the filled voxels of an image so that the points of its interfaces go their way, where cells allow it.

    Parameters
    ----------
    filled
        Whether a voxel gets cells, [z, y, x].
    corner
        Flat index of every point of an interface among the corners, shape (n,).
    way
        Displacements along z, y, x in voxels, shape (n, 3).
    """
    shape = filled.shape
    corners = corner_shape(shape)
    moved = np.zeros((int(np.prod(corners)), 3))
    moved[corner] = way
    on_interface = np.zeros(corners, dtype=bool)
    on_interface.ravel()[corner] = True
    near = np.zeros(shape, dtype=bool)
    for z, y, x in itertools.product((0, 1), repeat=3):
        near |= on_interface[z : z + shape[0], y : y + shape[1], x : x + shape[2]]
    start = Cut(filled, np.flatnonzero(near & filled), moved, _even_diagonals(shape))
    return _step_back(_with_best_diagonals(start))


def _even_diagonals(shape: Shape) -> tuple[NDArray[np.int8], ...]:
    """Cut every face by the diagonal between its corners of even place."""
    diagonals = []
    for axis in range(3):
        z, y, x = np.indices([n + (k == axis) for k, n in enumerate(shape)], np.int32, sparse=True)
        diagonals.append(((z + y + x) % 2).astype(np.int8).ravel())
    return tuple(diagonals)


def voxel_corners(shape: Shape, voxel: Indices) -> Indices:
    """Return the corners of voxels in the order of their places, shape (n, 8)."""
    corners = corner_shape(shape)
    first = np.ravel_multi_index(np.unravel_index(voxel, shape), corners)
    steps = _PLACES[:8].astype(np.int64) @ np.array([corners[1] * corners[2], corners[2], 1])
    return np.asarray(first)[:, None] + steps


def _faces(shape: Shape, voxel: Indices) -> Indices:
    """Return the faces of voxels among all faces across their axis, shape (n, 3, 2)."""
    place = np.array(np.unravel_index(voxel, shape))
    faces = np.empty((voxel.size, 3, 2), np.int64)
    for axis, side in itertools.product(range(3), (0, 1)):
        beside = place.copy()
        beside[axis] += side
        faces[:, axis, side] = np.ravel_multi_index(beside, [n + (k == axis) for k, n in enumerate(shape)])
    return faces


def _local_points(cut: Cut, voxel: Indices) -> Floats:
    """Return the corners and the middle of voxels relative to their first corner, in voxels, shape (n, 9, 3)."""
    points = np.empty((voxel.size, 9, 3))
    points[:, :8] = _PLACES[:8] + cut.moved[voxel_corners(cut.shape, voxel)]
    points[:, 8] = points[:, :8].mean(axis=1)
    return points


def _quality(points: Floats) -> Floats:
    """Return the quality of tetrahedra with points along z, y, x, shape (..., 4, 3); negative when turned over."""
    a, b, c = (points[..., k, :] - points[..., 0, :] for k in (1, 2, 3))
    # the axes are taken backwards, so the product changes its sign
    six_volumes = -np.einsum("...i,...i->...", a, np.cross(b, c))
    edges = sum(np.einsum("...i,...i->...", e, e) for e in (a, b, c, b - a, c - a, c - b))
    return np.sign(six_volumes) * 12.0 * np.cbrt(0.25 * six_volumes**2) / edges


def portions(voxel: Indices) -> list[Indices]:
    """Cut a list of voxels into parts whose tetrahedra fit into little memory."""
    return [voxel[start : start + _PORTION] for start in range(0, voxel.size, _PORTION)]


def _with_best_diagonals(cut: Cut) -> Cut:
    """Let the faces between voxels with a middle take the diagonal whose worst tetrahedron is the better one."""
    shape = cut.shape
    worst = [np.full((bits.size, 2), np.inf) for bits in cut.diagonals]
    for voxel in portions(cut.near):
        quality = _quality(_local_points(cut, voxel)[:, _AROUND_MIDDLE]).min(axis=-1)
        faces = _faces(shape, voxel)
        for axis, side in itertools.product(range(3), (0, 1)):
            face = faces[:, axis, side]
            worst[axis][face] = np.minimum(worst[axis][face], quality[:, axis, side])
    far = cut.filled.copy()
    far.ravel()[cut.near] = False
    fixed = _faces(shape, np.flatnonzero(far))
    diagonals = []
    for axis, (bits, found) in enumerate(zip(cut.diagonals, worst, strict=True)):
        here, other = (np.take_along_axis(found, b[:, None], axis=1)[:, 0] for b in (bits, 1 - bits))
        # a hair of difference is not a choice: the same image turned over shall give the same cells
        turned = other > here + 1e-9
        turned[fixed[:, axis].ravel()] = False
        diagonals.append(np.where(turned, 1 - bits, bits))
    return replace(cut, diagonals=tuple(diagonals))


def _chosen(cut: Cut, voxel: Indices) -> Indices:
    """Return the twelve tetrahedra of voxels with a middle, by place in the voxel, shape (n, 12, 4)."""
    faces = _faces(cut.shape, voxel)
    cells = np.empty((voxel.size, 6, 2, 4), np.int64)
    for k, (axis, side) in enumerate(itertools.product(range(3), (0, 1))):
        cells[:, k] = _AROUND_MIDDLE[axis, side, cut.diagonals[axis][faces[:, axis, side]]]
    return cells.reshape(-1, 12, 4)


def _step_back(cut: Cut) -> Cut:
    """Draw corners of too flat tetrahedra back until there are none."""
    moved = cut.moved.copy()
    at = replace(cut, moved=moved)
    active, trial = cut.near, 0
    while active.size:
        last = trial >= _TRIALS
        drawn = np.unique(np.concatenate([_flat_corners(at, voxel, last) for voxel in portions(active)]))
        moved[drawn] *= 0.0 if last else _KEEP
        touched = np.zeros(moved.shape[0], dtype=bool)
        touched[drawn] = True
        active = cut.near[touched[voxel_corners(cut.shape, cut.near)].any(axis=1)]
        trial += 1
    return at


def _flat_corners(cut: Cut, voxel: Indices, all_corners: bool) -> Indices:
    """Return the corners of the tetrahedra that are too flat, or all those of the voxels that have such ones."""
    row = np.arange(voxel.size)[:, None, None]
    cells = _chosen(cut, voxel)
    flat = _quality(_local_points(cut, voxel)[row, cells]) < FLOOR
    corners = voxel_corners(cut.shape, voxel)
    if all_corners:
        return corners[flat.any(axis=1)].ravel()
    # the middle goes with the corners
    at_corner = flat[..., None] & (cells < 8)
    return corners[np.broadcast_to(row, cells.shape)[at_corner], cells[at_corner]]


def cells_of(cut: Cut) -> tuple[Indices, Indices]:
    """Return the points of all tetrahedra, corners first and then the middle of every voxel, and their voxels."""
    shape = cut.shape
    count = np.where(cut.filled.ravel(), 5, 0)
    count[cut.near] = 12
    first = np.cumsum(count) - count
    nodes = np.empty((int(count.sum()), 4), np.int64)
    for voxel in portions(cut.near):
        middle = cut.moved.shape[0] + voxel[:, None]
        own = np.concatenate([voxel_corners(shape, voxel), middle], axis=1)
        nodes[first[voxel][:, None] + np.arange(12)] = own[np.arange(voxel.size)[:, None, None], _chosen(cut, voxel)]
    for voxel in portions(np.flatnonzero(count == 5)):
        odd = np.sum(np.unravel_index(voxel, shape), axis=0) % 2
        nodes[first[voxel][:, None] + np.arange(5)] = voxel_corners(shape, voxel)[
            np.arange(voxel.size)[:, None, None], _FIVE[odd]
        ]
    return nodes, np.repeat(np.arange(count.size), count)


def cut_faces(cut: Cut, axis: int, face: Indices) -> Indices:
    """Return the triangles of faces across an axis by their corners, shape (n, 2, 3)."""
    bits = cut.diagonals[axis][face].astype(np.int64)
    return _triangles(face_corners(cut.shape, axis, face))[np.arange(face.size), bits]
