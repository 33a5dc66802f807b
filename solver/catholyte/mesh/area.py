"""Areas of the interfaces in a label image: as the voxels have them, and corrected for being voxels.

The faces between voxels of phases a and b add up to the area on which the solver computes, but not to that of the
surface which was cut into voxels: of a smooth isotropic surface they make half as much again, at any resolution.

The corrected area follows from Cauchy's and Crofton's formulas: lines of direction u, spread evenly over the plane
across it, meet a surface as often as its projected area says, ∫|n·u| dS, and the mean of |n·u| over all u is one half.
Hence

    S_V(a, b) = 2 Σ_k w_k P_k(a, b) / |d_k|

with the 13 directions d_k to the neighbours of a voxel (6 across faces, 12 across edges, 8 across corners, opposite
ones counted once), P_k the share of the pairs (voxel, voxel + d_k) of which one lies in a and the other in b, and
weights w_k, Σ w_k = 1, that are the areas of the directions' Voronoi cells on the sphere of directions. They depend on
the shape of the voxel.

Ohser & Mücklich 2000, Statistical Analysis of Microstructures in Materials Science, Wiley; Legland, Kiêu & Devaux 2007,
Image Anal. Stereol. 26, 83, doi:10.5566/ias.v26.p83-92. Pairs of phases are counted each for itself, as in the "joint
surface" of Legland's MatImage.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

#: one of each pair of opposite steps (z, y, x) to the 26 neighbours; those across faces come first
STEPS: NDArray[np.int64] = np.array(
    [
        (1, 0, 0), (0, 1, 0), (0, 0, 1),
        (0, 1, 1), (0, 1, -1), (1, 0, 1), (1, 0, -1), (1, 1, 0), (1, -1, 0),
        (1, 1, 1), (1, 1, -1), (1, -1, 1), (1, -1, -1),
    ]
)  # fmt: skip

#: layers are counted in so many portions, which threads share
_PORTIONS = 32


@dataclass(frozen=True, eq=False)
class InterfaceAreas:
    """Areas between phases per volume of the image, in 1/m.

    Attributes
    ----------
    counted
        By the faces between voxels, [phase, phase], symmetric with a zero diagonal. The borders of the image are no
        interface, but opposite borders that are joined are.
    corrected
        The estimate for the surface behind the voxels, of the same form.
    """

    counted: NDArray[np.float64]
    corrected: NDArray[np.float64]

    def counted_of(self, phases: Sequence[int]) -> float:
        """Return the counted area between these phases together and all others."""
        return _against_others(self.counted, phases)

    def corrected_of(self, phases: Sequence[int]) -> float:
        """Return the corrected area between these phases together and all others."""
        return _against_others(self.corrected, phases)


def _against_others(areas: NDArray[np.float64], phases: Sequence[int]) -> float:
    inside = np.isin(np.arange(len(areas)), phases)
    return float(areas[inside][:, ~inside].sum())


def interface_areas(
    labels: NDArray[np.uint8],
    spacing: Sequence[float],
    n_phases: int,
    *,
    periodic: Sequence[bool] = (False, False, False),
) -> InterfaceAreas:
    """Measure the interfaces between all pairs of phases.

    Parameters
    ----------
    labels
        Phase index of every voxel, shape (nz, ny, nx), below ``n_phases``.
    spacing
        Voxel edges along z, y, x in m.
    n_phases
        Number of phases.
    periodic
        Whether the image goes on at its opposite side, along z, y, x. Where it does not, only pairs of voxels inside
        the image are counted, and the corrected area refers to their number: the structure is taken to go on beyond the
        image in the same manner. An axis of one voxel is taken to be uniform.
    """
    shape = np.array(labels.shape)
    joined = np.array(periodic, dtype=np.bool_) & (shape > 1)
    counts = _transitions(np.ascontiguousarray(labels), n_phases, joined, STEPS, _PORTIONS).sum(axis=0)
    counts = (counts + counts.transpose(0, 2, 1)).astype(np.float64)
    counts[:, np.arange(n_phases), np.arange(n_phases)] = 0.0

    edges = np.asarray(spacing, dtype=np.float64)
    counted = sum(counts[axis] / (edges[axis] * labels.size) for axis in range(3))
    uniform = joined | (shape == 1)
    pairs = np.prod(np.where((STEPS != 0) & ~uniform, shape - 1, shape), axis=1)
    lengths = np.linalg.norm(STEPS * edges, axis=1)
    factor = 2.0 * direction_weights((float(edges[0]), float(edges[1]), float(edges[2]))) / (pairs * lengths)
    return InterfaceAreas(np.asarray(counted), np.einsum("k,kab->ab", factor, counts))


@functools.lru_cache(maxsize=64)
def direction_weights(spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the shares of the sphere of directions that lie nearest to each of :data:`STEPS` and its opposite."""
    from scipy.spatial import SphericalVoronoi

    steps = STEPS * np.array(spacing)
    directions = steps / np.linalg.norm(steps, axis=1)[:, None]
    cells = SphericalVoronoi(np.concatenate([directions, -directions]))
    areas = cells.calculate_areas().reshape(2, -1).sum(axis=0)
    return np.asarray(areas / areas.sum(), dtype=np.float64)


@nb.njit(cache=True, nogil=True, parallel=True)
def _transitions(
    labels: NDArray[np.uint8],
    n_phases: int,
    joined: NDArray[np.bool_],
    steps: NDArray[np.int64],
    portions: int,
) -> NDArray[np.int64]:
    """Count pairs (voxel, voxel + step) of unlike phases, by portion of the layers, step, and the two phases."""
    nz, ny, nx = labels.shape
    counts = np.zeros((portions, len(steps), n_phases, n_phases), np.int64)
    for portion in nb.prange(portions):
        for z in range(portion * nz // portions, (portion + 1) * nz // portions):
            for k in range(len(steps)):
                z_next = z + steps[k, 0]
                if z_next == nz:
                    if nz > 1 and not joined[0]:
                        continue
                    z_next = 0
                for y in range(ny):
                    y_next = y + steps[k, 1]
                    if y_next == ny or y_next < 0:
                        if ny > 1 and not joined[1]:
                            continue
                        y_next = y_next % ny
                    step = steps[k, 2]
                    for x in range(max(0, -step), nx - max(0, step)):
                        a, b = labels[z, y, x], labels[z_next, y_next, x + step]
                        if a != b:
                            counts[portion, k, a, b] += 1
                    if step != 0 and (nx == 1 or joined[2]):
                        x, x_next = (nx - 1, 0) if step > 0 else (0, nx - 1)
                        a, b = labels[z, y, x], labels[z_next, y_next, x_next]
                        if a != b:
                            counts[portion, k, a, b] += 1
    return counts
