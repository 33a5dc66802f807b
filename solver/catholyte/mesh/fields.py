"""Band-limited Gaussian random fields, periodic, the same at every resolution.

The field is a sum of plane waves whose wave numbers lie in a narrow shell around k0 (Teubner 1991,
doi:10.1209/0295-5075/14/5/003; Berk 1991, doi:10.1103/PhysRevA.44.5069). Along any line, a field of unit
variance crosses the level u at a rate of (1/pi) sqrt(<k²>/3) exp(-u²/2) (Rice 1944,
doi:10.1002/j.1538-7305.1944.tb00874.x), so the mean chord of a phase that fills the share phi below u is

    chord = 2 phi exp(u²/2) * domain_size,    domain_size = pi / sqrt(<k²>/3),    u = Phi^-1(phi)

``domain_size`` is therefore the mean chord length of either phase of a half-and-half mixture.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from catholyte.errors import InputError

#: standard deviation of the shell of wave numbers, relative to k0, and where it is cut off
_WIDTH = 0.15
_CUT = 3.0

#: a domain needs this many voxels for every wave of the shell to lie below the grid's Nyquist limit
VOXELS_PER_DOMAIN = 3.0


def random_field(
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    domain_size: float,
    rng: np.random.Generator,
    *,
    key: str,
) -> NDArray[np.float32]:
    """Sample a Gaussian random field at the voxel centres.

    Parameters
    ----------
    shape, spacing
        Voxels (z, y, x) and their size, m; the field is periodic over their product.
    domain_size
        Mean chord length of the two phases that the level 0 separates, m.
    rng
        Source of randomness; what is drawn depends on the box and the domain size only, not on the voxels.
    key
        Where the domain size stands in the case; used in errors.

    Returns
    -------
    NDArray
        The field, mean near 0, standard deviation near 1.

    Raises
    ------
    InputError
        If a domain has fewer than three voxels, or the box less than two domains.
    """
    # rounded, so that 32 voxels of 0.5 um and 64 of 0.25 um are the same box to the last bit
    box = [float(f"{n * h:.12g}") for n, h in zip(shape, spacing, strict=True)]
    smallest, largest = VOXELS_PER_DOMAIN * max(spacing), min(box) / 2.0
    if not smallest * (1 - 1e-9) <= domain_size <= largest * (1 + 1e-9):
        raise InputError(
            key,
            f"{1e9 * domain_size:.4g} nm",
            f"a length from {1e9 * smallest:.4g} nm (three voxels) to {1e9 * largest:.4g} nm (half the box)",
        )
    # <k²> of a narrow Gaussian shell is k0² (1 + 5 width²) to second order: its area grows as k²
    k0 = math.pi * math.sqrt(3.0) / domain_size / math.sqrt(1.0 + 5.0 * _WIDTH**2)
    top = k0 * (1.0 + _CUT * _WIDTH)
    numbers = [math.floor(top * edge / (2.0 * math.pi)) for edge in box]
    mz, my = (np.arange(-number, number + 1) for number in numbers[:2])
    mx = np.arange(numbers[2] + 1)
    draw = rng.standard_normal((len(mz), len(my), len(mx), 2))

    kz, ky, kx = (2.0 * math.pi * m / edge for m, edge in zip((mz, my, mx), box, strict=True))
    k = np.sqrt(kz[:, None, None] ** 2 + ky[:, None] ** 2 + kx**2)
    amplitude = np.exp(-0.25 * ((k - k0) / (_WIDTH * k0)) ** 2) * (k <= top)
    # waves with kx = 0 stand for themselves alone, all others for their mirror image too
    amplitude[:, :, 0] *= math.sqrt(2.0)
    # FFT points lie at i h, voxel centres at (i + 1/2) h
    shift = 0.5 * (kz[:, None, None] * spacing[0] + ky[:, None] * spacing[1] + kx * spacing[2])
    waves = amplitude * (draw[..., 0] + 1j * draw[..., 1]) * np.exp(1j * shift)

    spectrum = np.zeros((shape[0], shape[1], shape[2] // 2 + 1), np.complex128)
    spectrum[np.ix_(mz % shape[0], my % shape[1], mx)] = waves
    field = fft.irfftn(spectrum, s=shape, overwrite_x=True, norm="forward")
    variance = 2.0 * np.sum(amplitude[:, :, 1:] ** 2) * 2.0 + np.sum(amplitude[:, :, 0] ** 2)
    return np.asarray(field / math.sqrt(variance), np.float32)
