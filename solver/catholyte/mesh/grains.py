"""Grains of a polycrystalline phase: Voronoi cells of random points, in a label image or on the cells of a mesh.

Points are drawn in physical units, and those that miss the phase are dropped: half the voxel size with the same seed
gives the same grains, finer. There are as many as grains of the mean volume π/6 · grain_size³ fill the phase. Distances
are straight ones within each particle, that is each connected part of the phase;
a particle without a point is one grain. The sizes of Voronoi cells of independent points scatter by 42 % of their mean
volume (Gilbert 1962, Ann. Math. Statist. 33, 958, doi:10.1214/aoms/1177704464).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from catholyte.errors import InputError, MeshError

Floats = NDArray[np.float64]
Grains = NDArray[np.int32]

#: a point lies in the phase if it is nearer to the centre of a cell than so many radii of a sphere of its volume
_REACH = 1.5

#: points whose grain is looked up together
_PORTION = 1 << 20

#: rounds in which points are drawn, and the fewest in a round; a phase so small that all miss it is one grain
_ROUNDS, _FEWEST = 20, 100

#: more grains than this are taken for a slip in a length
_MOST_GRAINS = 1e8


def voronoi_grains(
    labels: NDArray[Any],
    spacing: Sequence[float],
    phase: int,
    *,
    grain_size: float,
    seed: int,
    by_particle: bool = True,
) -> Grains:
    """Divide a phase of a label image into grains.

    Parameters
    ----------
    labels
        Labels [z, y, x].
    spacing
        Voxel size (dz, dy, dx), m.
    phase
        Label of the phase.
    grain_size
        Diameter of the sphere with the mean volume of a grain, m.
    seed
        Same seed, same grains.
    by_particle
        Whether parts of the phase that do not touch by faces of voxels have grains of their own.

    Returns
    -------
    Number of the grain of every voxel, from 1 without a gap; 0 outside of the phase.

    Raises
    ------
    InputError
        If the grain size is below the size of a voxel.
    MeshError
        If the image does not hold the phase.
    """
    edges = np.asarray(spacing, dtype=np.float64)
    if not max(spacing) <= grain_size < math.inf:
        raise InputError("grain_size", grain_size, f"at least {max(spacing):.4g} m, the size of a voxel")
    inside = labels == phase
    voxel = np.flatnonzero(inside)
    if not voxel.size:
        raise MeshError(f"the image does not hold label {phase}, which is to be divided into grains")
    particles = ndimage.label(inside)[0].astype(np.int32) if by_particle else inside.astype(np.int32)

    def particle_at(drawn: Floats) -> NDArray[np.int32]:
        return particles[tuple(np.minimum((drawn / edges).astype(np.int64), np.array(labels.shape) - 1).T)]

    share = voxel.size / labels.size
    points, particle = _draw(np.zeros(3), edges * labels.shape, particle_at, (share, grain_size), seed)
    alone, first = np.unique(particles.ravel()[voxel], return_index=True)
    missing = first[~np.isin(alone, particle)]
    centres = _centres(voxel[missing], labels.shape, edges)
    points, particle = np.vstack([points, centres]), np.append(particle, particles.ravel()[voxel[missing]])
    find = _Nearest(points, particle, float(np.linalg.norm(edges * labels.shape)))
    grains = np.zeros(labels.size, np.int32)
    for start in range(0, voxel.size, _PORTION):
        part = voxel[start : start + _PORTION]
        grains[part] = find(_centres(part, labels.shape, edges), particles.ravel()[part])
    return _renumbered(grains).reshape(labels.shape)


def grains_of_points(
    points: Floats,
    volumes: Floats,
    box: tuple[Sequence[float], Sequence[float]],
    *,
    grain_size: float,
    seed: int,
    particle: NDArray[Any] | None = None,
) -> Grains:
    """Divide the cells of one phase of a mesh into grains by where their centres lie.

    Parameters
    ----------
    points
        Centres of the cells of the phase, m, shape (n, 3).
    volumes
        Their volumes, m³, shape (n,).
    box
        Lowest and highest corner of a box around the phase, m. Points are drawn in it, so that it should not depend on
        the resolution.
    grain_size, seed
        As for :func:`voronoi_grains`.
    particle
        Number of the particle of every cell, from 1, shape (n,); one particle by default.

    Returns
    -------
    Number of the grain of every cell, from 1 without a gap, shape (n,).
    """
    if not 0.0 < grain_size < math.inf:
        raise InputError("grain_size", grain_size, "a positive length in m")
    if len(points) == 0:
        raise MeshError("there are no cells to be divided into grains")
    low, high = (np.asarray(corner, dtype=np.float64) for corner in box)
    if np.any(points < low) or np.any(points > high):
        raise InputError("box", box, "a box around all cells")
    of_cell = np.ones(len(points), np.int32) if particle is None else np.asarray(particle, np.int32)
    tree, reach = cKDTree(points), _REACH * np.cbrt(0.75 / math.pi * volumes)

    def particle_at(drawn: Floats) -> NDArray[np.int32]:
        distance, cell = tree.query(drawn)
        return np.where(distance <= reach[cell], of_cell[cell], 0)

    share = float(volumes.sum() / np.prod(high - low))
    drawn, owner = _draw(low, high, particle_at, (share, grain_size), seed)
    alone, first = np.unique(of_cell, return_index=True)
    missing = first[~np.isin(alone, owner)]
    drawn, owner = np.vstack([drawn, points[missing]]), np.append(owner, of_cell[missing])
    find = _Nearest(drawn, owner, float(np.linalg.norm(high - low)))
    return _renumbered(find(points, of_cell))


def grains_from_image(image: NDArray[Any], labels: NDArray[Any], phase: int) -> Grains:
    """Check an image of grains against the label image of the phases, and number its grains from 1 without a gap.

    Parameters
    ----------
    image
        Number of the grain of every voxel [z, y, x]; anything outside of the phase.
    labels
        Labels [z, y, x].
    phase
        Label of the phase that has the grains.

    Returns
    -------
    Number of the grain of every voxel; 0 outside of the phase.

    Raises
    ------
    InputError
        If the images differ in shape, or a voxel of the phase has no positive whole number.
    MeshError
        If the image does not hold the phase.
    """
    if image.shape != labels.shape:
        raise InputError("grains", f"shape {image.shape}", f"the shape {labels.shape} of the label image")
    if not np.issubdtype(image.dtype, np.integer):
        raise InputError("grains", str(image.dtype), "whole numbers of grains")
    inside = labels == phase
    if not inside.any():
        raise MeshError(f"the image does not hold label {phase}, which is to have grains")
    if without := int(np.count_nonzero(inside & (image <= 0))):
        raise InputError("grains", f"{without} voxels of the phase without a grain", "a number above 0 in each of them")
    return _renumbered(np.where(inside, image, 0))


class _Nearest:
    """Numbers of the nearest points among those of the same particle.

    The particle is a fourth coordinate in which different ones lie farther apart than anything within one.
    """

    def __init__(self, points: Floats, particle: NDArray[np.int32], diameter: float) -> None:
        self._apart = 2.0 * diameter
        self._tree = cKDTree(self._with_particle(points, particle))

    def __call__(self, points: Floats, particle: NDArray[np.int32]) -> Grains:
        """Return the number of the nearest point, from 1."""
        return (self._tree.query(self._with_particle(points, particle))[1] + 1).astype(np.int32)

    def _with_particle(self, points: Floats, particle: NDArray[np.int32]) -> Floats:
        return np.column_stack([points, self._apart * particle])


def _draw(
    low: Floats,
    high: Floats,
    particle_at: Callable[[Floats], NDArray[np.int32]],
    filling: tuple[float, float],
    seed: int,
) -> tuple[Floats, NDArray[np.int32]]:
    """Draw points of grains in a box, and return them with their particles.

    Parameters
    ----------
    low, high
        Corners of the box, m.
    particle_at
        Numbers of the particles at points, 0 outside of the phase.
    filling
        Share of the phase in the box, and the size of its grains in m.
    seed
        Of the random numbers.
    """
    share, grain_size = filling
    in_box = float(np.prod(high - low)) / (math.pi / 6.0 * grain_size**3)
    if in_box > _MOST_GRAINS:
        raise InputError("grain_size", grain_size, f"a length that makes fewer than {_MOST_GRAINS:.0e} grains")
    count = max(1, round(share * in_box))
    random = np.random.default_rng(seed)
    points, particle = np.empty((0, 3)), np.empty(0, np.int32)
    for _ in range(_ROUNDS):
        drawn = low + random.random((max(_FEWEST, round(in_box)), 3)) * (high - low)
        at = particle_at(drawn)
        points, particle = np.vstack([points, drawn[at > 0]]), np.append(particle, at[at > 0])
        if len(points) >= count:
            break
    return points[:count], particle[:count]


def _centres(voxel: NDArray[np.int64], shape: tuple[int, ...], edges: Floats) -> Floats:
    """Return the centres of voxels along z, y, x in m, shape (n, 3)."""
    return (np.array(np.unravel_index(voxel, shape)).T + 0.5) * edges


def _renumbered(grains: NDArray[Any]) -> Grains:
    """Close the gaps between numbers of grains; zero stays zero."""
    present = np.unique(grains)
    return np.searchsorted(present[present > 0], grains, side="right").astype(np.int32)
