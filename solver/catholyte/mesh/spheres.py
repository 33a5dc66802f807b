"""Sphere packings in physical units: diameters, relaxed centres, and the level of spheres on a voxel grid.

Nothing here but :func:`levels` knows the voxels, so the same seed gives the same spheres at every resolution.
The box is periodic along all three axes. An image cut out of it has no wall effect at its first and last
layers, and it tiles.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import ndtri

from catholyte.errors import InputError, MeshError

#: cores may not overlap, shells may: the pressed particles of a composite touch in necks. At 0.97 of the
#: contact distance two equal spheres of radius r share a neck of radius sqrt(1 - 0.97²) r = 0.24 r.
_CORE = 0.97

_SWEEPS = 600

#: the most by which diameters are scaled to meet a share
_SCALE = 1.1


def diameters(volume: float, median: float, spread: float, *, key: str) -> NDArray[np.float64]:
    """Return sphere diameters whose volumes add up to ``volume``.

    They are the quantiles (1/2)/n, (3/2)/n, … of the lognormal distribution, scaled by a common factor near
    1, so that even a small sample has its shape and no seed has an outlier.

    Parameters
    ----------
    volume
        Sum of the sphere volumes, m³.
    median
        Median of the volume-weighted distribution (D50 of a particle sizer), m.
    spread
        Standard deviation of ln d. The number-weighted median of a lognormal distribution is then
        ``median * exp(-3 spread²)`` (Hatch and Choate 1929, doi:10.1016/S0016-0032(29)91451-4).
    key
        Where the diameter stands in the case; used in errors.

    Returns
    -------
    NDArray
        Diameters, m, largest first.
    """
    mu = math.log(median) - 3.0 * spread**2
    mean_volume = math.pi / 6.0 * math.exp(3.0 * mu + 4.5 * spread**2)
    number = round(volume / mean_volume)
    if number < 1:
        raise InputError(
            key,
            f"{1e6 * median:.4g} um",
            f"spheres that fit into their share of the domain, {1e18 * volume:.4g} um3; one of them takes "
            f"{1e18 * mean_volume:.4g} um3, so enlarge the domain or the share, or take smaller spheres",
        )
    quantiles = (np.arange(number) + 0.5) / number
    drawn = np.exp(mu + spread * ndtri(quantiles))
    scale = float((volume / (math.pi / 6.0 * np.sum(drawn**3))) ** (1.0 / 3.0))
    # a few spheres cannot stand for a wide distribution: its largest ones, which hold the volume, are missing
    if not 1.0 / _SCALE <= scale <= _SCALE:
        raise InputError(
            key,
            f"{1e6 * median:.4g} um with a spread of {spread:.4g}",
            f"a domain for more than {number} spheres, or a smaller spread: these would have to be scaled by "
            f"{scale:.3f} to fill their share",
        )
    drawn *= scale
    return np.sort(drawn)[::-1]


def relax(radii: NDArray[np.float64], box: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Place spheres in a periodic box with as little overlap as possible.

    Random centres are pushed apart until no two cores (``_CORE`` times the radii) overlap, or until
    ``_SWEEPS`` sweeps have been made; dense mixtures keep some overlap then. This is the overlap relaxation
    of Jodrey and Tory 1985 (doi:10.1103/PhysRevA.32.2347) with all overlapping pairs moved at once.

    Parameters
    ----------
    radii
        Radii, m.
    box
        Edge lengths (z, y, x), m.
    rng
        Source of the first centres.

    Returns
    -------
    NDArray
        Centres, shape (n, 3), m, inside the box.
    """
    unit = float(np.max(radii))
    r = radii / unit
    edge = box / unit
    centres = rng.random((len(r), 3)) * edge
    for _ in range(_SWEEPS):
        pairs = cKDTree(centres, boxsize=edge).query_pairs(2.0 * _CORE, output_type="ndarray")
        i, j = pairs[:, 0], pairs[:, 1]
        apart = centres[i] - centres[j]
        apart -= edge * np.round(apart / edge)
        distance = np.sqrt(np.sum(apart**2, axis=1))
        overlap = _CORE * (r[i] + r[j]) - distance
        close = overlap > 0.0
        if not np.any(close) or float(np.max(overlap / np.minimum(r[i], r[j]))) < 1e-3:
            break
        i, j, overlap = i[close], j[close], overlap[close]
        direction = apart[close] / np.maximum(distance[close], 1e-12)[:, None]
        # the smaller sphere gives way more
        yielding = r[j] / (r[i] + r[j])
        push = overlap[:, None] * direction
        for axis in range(3):
            centres[:, axis] += np.bincount(i, yielding * push[:, axis], len(r))
            centres[:, axis] -= np.bincount(j, (1.0 - yielding) * push[:, axis], len(r))
        centres = np.mod(centres, edge)
        # rounding can leave a centre on the edge itself, which is outside for the tree
        centres = np.where(centres >= edge, 0.0, centres)
    return np.asarray(centres * unit)


def levels(
    centres: NDArray[np.float64],
    radii: NDArray[np.float64],
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    *,
    reach: float,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return for every voxel centre the smallest distance/radius of all spheres, and the sphere that has it.

    The level is below 1 inside a sphere. Spheres are followed out to ``reach`` radii; beyond, the level is
    infinite and the sphere -1. Distances are those to the nearest periodic image.
    """
    level = np.full(shape, np.inf, np.float32)
    owner = np.full(shape, -1, np.int32)
    for number, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        squares, places = [], []
        for length, step, position in zip(shape, spacing, centre, strict=True):
            # along an axis that the sphere fills, every voxel is met once, at its nearest image
            first = math.ceil((position - reach * radius) / step - 0.5)
            last = math.floor((position + reach * radius) / step - 0.5)
            if last - first >= length:
                first = math.ceil(position / step - 0.5 - length / 2)
                last = first + length - 1
            voxels = np.arange(first, last + 1)
            squares.append((((voxels + 0.5) * step - position) / radius) ** 2)
            places.append(voxels % length)
        if any(len(place) == 0 for place in places):
            continue
        here = np.ix_(*places)
        near = np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2]).astype(np.float32)
        better = (near < level[here]) & (near <= reach)
        level[here] = np.where(better, near, level[here])
        owner[here] = np.where(better, number, owner[here])
    return level, owner


def lowest(score: NDArray[np.float32], allowed: NDArray[np.bool_], count: int, *, what: str) -> NDArray[np.intp]:
    """Return the flat indices of the ``count`` allowed voxels of lowest finite score; ties by position."""
    candidates = np.flatnonzero(allowed & np.isfinite(score))
    if len(candidates) < count:
        raise MeshError(f"{what}: {count} voxels are needed and only {len(candidates)} can be had")
    order = np.argsort(score.ravel()[candidates], kind="stable")
    return np.asarray(candidates[order[:count]])
