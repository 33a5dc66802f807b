"""From phases.NAME.grains to the number of the grain of every voxel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.build.geometry import Geometry
from catholyte.build.keys import in_case
from catholyte.case.schema import Case
from catholyte.errors import InputError
from catholyte.mesh import images
from catholyte.mesh.grains import grains_from_image, voronoi_grains


def grain_image(case: Case, image: Geometry) -> NDArray[np.int32] | None:
    """Return the number of the grain of every voxel of an image, zero where there are none.

    Parameters
    ----------
    image
        The label image of the case, with its layers.

    Returns
    -------
    Shape of the labels; None if no phase has grains.

    Raises
    ------
    InputError
        If a size is below that of a voxel, or an image of grains cannot be read or does not fit.
    MeshError
        If the image does not hold a phase that is to be divided.
    """
    labels = image.labels[image.electrode]
    found: NDArray[np.int32] | None = None
    for index, (name, phase) in enumerate(case.phases.items()):
        if phase.grains is None:
            continue
        key = f"phases.{name}.grains"
        with in_case({"grain_size": f"{key}.size", "grains": f"{key}.file", "image": f"{key}.file"}):
            if phase.grains.file is not None:
                numbers = grains_from_image(_read(case, phase.grains.file, f"{key}.file"), labels, index)
            else:
                assert phase.grains.size is not None
                numbers = voronoi_grains(
                    labels, image.spacing, index, grain_size=phase.grains.size, seed=phase.grains.seed
                )
        if found is None:
            found = np.zeros(image.labels.shape, dtype=np.int32)
        found[image.electrode] += numbers  # no two phases share a voxel
    return found


def _read(case: Case, file: str, key: str) -> NDArray[Any]:
    """Read an image of grains, turned and cropped like the image of the case."""
    numbers = images.read_image(case.folder / Path(file))
    mesh = case.mesh.image
    if mesh is None:
        return numbers
    if mesh.downsample > 1:
        raise InputError(key, file, "no downsampling of mesh.image beside it: numbers of grains cannot be coarsened")
    numbers = images.orient(numbers, mesh.axis, flip=mesh.flip)
    return numbers if mesh.crop is None else images.crop(numbers, mesh.crop)
