"""The local flux of a conduction problem, σ ∂φ/∂x for a unit mean gradient, from the potential of the voxels.

Across the face between voxels a and b, with resistance R_ab in Ω m² where their phases meet,

    j = (φ_b − φ_a) L / (h/2σ_a + h/2σ_b + R_ab)

and across a plate, half a voxel from the centre, with R = 0 and the potential of the plate: 0 V before the first layer,
1 V behind the last. L is the distance of the plates, so that a mean gradient of one drives the flux. A voxel has the
mean of its two faces along each axis; averaged over the image, that along the axis of the plates is the effective
conductivity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numba as nb
import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice, slice]


def local_flux(
    labels: NDArray[np.uint8],
    potential: NDArray[np.float32],
    spacing: Sequence[float],
    sigma: Sequence[float] | NDArray[np.float64],
    *,
    axis: int,
    walls: Literal["sealed", "periodic"] = "sealed",
    resistance: NDArray[np.float64] | None = None,
    box: Box | None = None,
) -> NDArray[np.float32]:
    """Return the flux in the voxels of a box.

    Parameters
    ----------
    labels, spacing, sigma, resistance
        The conduction problem: phase indices (nz, ny, nx), voxel edges in m, conductivities in S/m and area resistances
        in Ω m² by phase.
    potential
        Solution in V, NaN where nothing flows.
    axis
        Direction across the plates.
    walls
        Whether the side walls are sealed or joined to the opposite ones.
    box
        Voxels asked for (slices without step); all of them by default.

    Returns
    -------
    NDArray[float32]
        Components along z, y, x, shape (3, *box), in S/m (A/m² for a mean gradient of 1 V/m), counted positive up the
        gradient; zero where nothing flows. Differences of float32 potentials carry no information in phases that
        conduct some 1e4 times better than their surroundings.
    """
    ranges = [part.indices(n) for part, n in zip(box or (slice(None),) * 3, labels.shape, strict=True)]
    corner = np.array([start for start, _, _ in ranges])
    out = np.zeros((3, *(stop - start for start, stop, _ in ranges)), np.float32)
    contact = np.zeros((len(sigma), len(sigma))) if resistance is None else np.asarray(resistance, np.float64)
    joined = np.array([walls == "periodic" and a != axis for a in range(3)])
    edges = np.asarray(spacing, np.float64)
    _fluxes(out, labels, potential, edges, np.asarray(sigma, np.float64), contact, axis, joined, corner)
    return out


@nb.njit(cache=True, nogil=True, parallel=True)
def _fluxes(
    out: NDArray[np.float32],
    labels: NDArray[np.uint8],
    potential: NDArray[np.float32],
    edges: NDArray[np.float64],
    sigma: NDArray[np.float64],
    contact: NDArray[np.float64],
    axis: int,
    joined: NDArray[np.bool_],
    corner: NDArray[np.int64],
) -> None:
    """Fill ``out`` (3, box) with the mean flux of the two faces of every voxel along each axis."""
    length = labels.shape[axis] * edges[axis]
    for i in nb.prange(out.shape[1]):
        for j in range(out.shape[2]):
            for k in range(out.shape[3]):
                z, y, x = i + corner[0], j + corner[1], k + corner[2]
                here = float(potential[z, y, x])
                if np.isnan(here):
                    continue
                a = labels[z, y, x]
                for direction in range(3):
                    n, h = labels.shape[direction], edges[direction]
                    place = (z, y, x)[direction]
                    total = 0.0
                    for side in (-1, 1):
                        other = place + side
                        if other < 0 or other == n:
                            if direction == axis:
                                plate = 1.0 if side > 0 else 0.0
                                total += side * (plate - here) * 2.0 * sigma[a] / h
                                continue
                            if not joined[direction]:
                                continue
                            other = other % n
                        zo, yo, xo = z, y, x
                        if direction == 0:
                            zo = other
                        elif direction == 1:
                            yo = other
                        else:
                            xo = other
                        there = float(potential[zo, yo, xo])
                        if np.isnan(there):
                            continue
                        b = labels[zo, yo, xo]
                        series = 0.5 * h / sigma[a] + 0.5 * h / sigma[b]
                        if a != b:
                            series += contact[a, b]
                        total += side * (there - here) / series
                    out[direction, i, j, k] = 0.5 * total * length
