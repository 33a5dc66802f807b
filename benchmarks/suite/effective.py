"""Effective transport of a sphere packing: time, memory and cycles over the size of the image and over the contrast."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from catholyte.models.effective import EffectiveTransport, effective_transport

from . import skip_long, wanted
from .images import MATRIX, PORES, SPACING, SPHERES, sphere_packing

#: voxels of the image that is solved first, so that all kernels are compiled; threads start within it
WARM_UP = 64
Image = NDArray[np.uint8]


def one_phase(labels: Image) -> EffectiveTransport:
    """Solve for the matrix alone, as when the tortuosity of an electrolyte is wanted."""
    sigma = np.zeros(3)
    sigma[MATRIX] = 1.0
    return effective_transport(labels, SPACING, sigma)


def two_phases(labels: Image, contrast: float) -> EffectiveTransport:
    """Solve with spheres that conduct ``contrast`` times as well as the matrix; pores insulate."""
    sigma = np.ones(3)
    sigma[SPHERES], sigma[PORES] = contrast, 0.0
    return effective_transport(labels, SPACING, sigma)


class Effective:
    """The matrix of a packing to a mismatch of 1e-4."""

    params = (64, 128, 256)
    param_names = ("voxels",)
    timeout = 1200
    number = 1
    warmup_time = 0

    def setup_cache(self) -> dict[int, Image]:
        # In a process of its own: what the generator needs is not counted.
        return {voxels: sphere_packing(voxels) for voxels in {WARM_UP, *self.params}}

    def setup(self, images: dict[int, Image], voxels: int) -> None:
        one_phase(images[WARM_UP])

    def time_effective(self, images: dict[int, Image], voxels: int) -> None:
        one_phase(images[voxels])

    def peakmem_effective(self, images: dict[int, Image], voxels: int) -> None:
        one_phase(images[voxels])

    def track_iterations(self, images: dict[int, Image], voxels: int) -> int:
        return one_phase(images[voxels]).iterations

    track_iterations.unit = "cycles"

    def track_us_per_voxel(self, images: dict[int, Image], voxels: int) -> float:
        began = perf_counter()
        one_phase(images[voxels])
        return 1e6 * (perf_counter() - began) / voxels**3

    track_us_per_voxel.unit = "us"


class EffectiveLong(Effective):
    """The same at 500³, the size of the published reference image."""

    params = (500,)
    timeout = 7200
    repeat = 1
    rounds = 1

    def setup_cache(self) -> dict[int, Image]:
        return {voxels: sphere_packing(voxels) for voxels in {WARM_UP, *wanted(self.params, 256)}}

    setup_cache.timeout = 3600

    def setup(self, images: dict[int, Image], voxels: int) -> None:
        skip_long(voxels, 256)
        super().setup(images, voxels)


class EffectiveContrast:
    """Matrix and spheres of a packing over the ratio of their conductivities."""

    params = (1.0, 1e2, 1e4, 1e6, 1e8)
    param_names = ("contrast",)
    voxels = 96
    timeout = 1200
    number = 1
    warmup_time = 0

    def setup_cache(self) -> dict[int, Image]:
        return {voxels: sphere_packing(voxels) for voxels in (WARM_UP, self.voxels)}

    def setup(self, images: dict[int, Image], contrast: float) -> None:
        two_phases(images[WARM_UP], contrast)

    def time_contrast(self, images: dict[int, Image], contrast: float) -> None:
        two_phases(images[self.voxels], contrast)

    def peakmem_contrast(self, images: dict[int, Image], contrast: float) -> None:
        two_phases(images[self.voxels], contrast)

    def track_iterations(self, images: dict[int, Image], contrast: float) -> int:
        return two_phases(images[self.voxels], contrast).iterations

    track_iterations.unit = "cycles"
