"""Seeded geometries: sphere packings (:mod:`catholyte.mesh.composite`), blends of domains, laminates.

Every generator returns phase indices [z, y, x] (uint8) whose counts meet the volume shares to a voxel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.mesh import fields, spheres
from catholyte.mesh.composite import (
    CoatingPhase,
    DispersedPhase,
    Phase,
    Shape,
    Spacing,
    SpherePhase,
    VoidPhase,
    check_box,
    check_shares,
    packing,
)

__all__ = [
    "CoatingPhase",
    "DispersedPhase",
    "Phase",
    "SpherePhase",
    "VoidPhase",
    "add_layer",
    "blend",
    "laminate",
    "packing",
]


def blend(
    shape: Shape, spacing: Spacing, *, shares: Sequence[float], domain_size: float, seed: int
) -> NDArray[np.uint8]:
    """Generate interpenetrating domains of two or more phases by cutting Gaussian random fields at quantiles.

    The first field parts phase 0 from the rest, a second one phase 1 from what then remains, and so on, so
    that any two phases meet. The blend is periodic along all three axes.

    Parameters
    ----------
    shape, spacing
        Voxels (z, y, x) and their size, m.
    shares
        Volume share of phase 0, 1, …; they sum to 1.
    domain_size
        Mean chord length of the domains in a half-and-half blend, m; in general the mean chord of phase 0 is
        ``2 share exp(u²/2) domain_size`` with u = Phi^-1(share) (:mod:`catholyte.mesh.fields`).
    seed
        Same seed, same image.

    Returns
    -------
    NDArray[uint8]
        Phase index of every voxel.
    """
    check_box(shape, spacing, "mesh.blend")
    check_shares(shares)
    if abs(sum(shares) - 1.0) > 1e-6:
        raise InputError("phases.*.volume_share", [*shares], f"shares that sum to 1, not {sum(shares):.6g}")
    last = max(number for number, share in enumerate(shares) if share > 0.0)
    labels = np.full(shape, last, np.uint8)
    for number, stream in enumerate(np.random.SeedSequence(seed).spawn(last)):
        rng = np.random.Generator(np.random.PCG64(stream))
        field = fields.random_field(shape, spacing, domain_size, rng, key="mesh.blend.domain_size")
        free = labels == last
        count = min(round(shares[number] * labels.size), int(np.count_nonzero(free)))
        labels.ravel()[spheres.lowest(field, free, count, what=f"phases.{number}")] = number
    return labels


def laminate(
    voxel_size: float | Spacing, cross_section: tuple[int, int], stack: Sequence[tuple[int, float]]
) -> tuple[NDArray[np.uint8], Spacing]:
    """Stack flat layers from the counter electrode (first) to the current collector (last).

    Parameters
    ----------
    voxel_size
        One length or (dz, dy, dx), m.
    cross_section
        Voxels (ny, nx).
    stack
        (phase index, thickness in m) of every layer; a thickness is a whole number of voxels.

    Returns
    -------
    tuple
        Phase indices [z, y, x] and the spacing (dz, dy, dx), m.
    """
    dz, dy, dx = (voxel_size,) * 3 if isinstance(voxel_size, int | float) else voxel_size
    check_box((1, *cross_section), (dz, dy, dx), "mesh.laminate")
    if not stack:
        raise InputError("mesh.laminate.stack", [], "at least one layer")
    layers = []
    for index, thickness in stack:
        number = round(thickness / dz) if math.isfinite(thickness) else 0
        if number < 1 or abs(thickness / dz - number) > 1e-6 * max(1, number):
            below = max(1, math.floor(thickness / dz)) if math.isfinite(thickness) else 1
            low, high = (f"{1e6 * count * dz:.6g} um" for count in (below, below + 1))
            raise InputError(
                "mesh.laminate.stack",
                f"{1e6 * thickness:.6g} um",
                f"a whole number of voxels of {1e6 * dz:.6g} um; the nearest are {low} and {high}",
            )
        layers += [index] * number
    column = np.array(layers, np.uint8)[:, None, None]
    return np.ascontiguousarray(np.broadcast_to(column, (len(layers), *cross_section))), (dz, dy, dx)


def add_layer(labels: NDArray[np.uint8], index: int, n_voxels: int, side: str = "low") -> NDArray[np.uint8]:
    """Add ``n_voxels`` layers of one phase at the low (counter) or high (collector) end of axis 0."""
    if n_voxels < 1:
        raise InputError("thickness", f"{n_voxels} voxels", "one voxel or more")
    layer = np.full((n_voxels, *labels.shape[1:]), index, np.uint8)
    match side:
        case "low":
            return np.concatenate([layer, labels])
        case "high":
            return np.concatenate([labels, layer])
        case _:
            raise InputError("side", side, "'low' or 'high'")
