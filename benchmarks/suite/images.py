"""The images that effective transport is measured on: a sphere packing of any size, or a volume of the catalogue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catholyte.mesh.generate import SpherePhase, VoidPhase, packing

#: phase index of the matrix between the spheres (35 %), the spheres (55 %) and the pores (10 %)
MATRIX, SPHERES, PORES = 0, 1, 2
SPACING = (1e-6, 1e-6, 1e-6)


def sphere_packing(voxels: int) -> NDArray[np.uint8]:
    """Return a composite with spheres of 16 voxels: more of them, not finer ones, at a larger size."""
    edge = SPACING[0]
    phases = [SpherePhase(SPHERES, 0.55, 16 * edge, 0.1), VoidPhase(PORES, 0.10)]
    return packing((voxels,) * 3, SPACING, matrix=MATRIX, phases=phases, seed=3)


def catalogued(name: str, voxels: int | None, axis: int = 0) -> tuple[NDArray[np.uint8], dict[str, int]]:
    """Return the low corner of a catalogued volume (all of it without ``voxels``) and the index of each phase.

    ``axis`` of the volume becomes axis 0, along which the plates lie.
    """
    from catholyte.mesh.catalogue import entry, fetch
    from catholyte.mesh.images import read_image

    described = entry(name)
    image = np.moveaxis(read_image(fetch(name)), axis, 0)[:voxels, :voxels, :voxels]
    index = np.zeros(256, dtype=np.uint8)
    phases = {}
    for number, (phase, label) in enumerate(described.labels.items()):
        index[label] = phases[phase] = number
    return np.ascontiguousarray(index[image]), phases
