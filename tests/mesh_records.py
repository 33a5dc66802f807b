"""A small unstructured mesh of a result: a cube of voxels, each cut into six tetrahedra, phase by phase."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from catholyte.results import ElementBlock, Elements, MeshRecord

#: the six ways from one corner of a cube to the opposite one
_WAYS = list(itertools.permutations(range(3)))


def tetrahedral_record(
    labels: NDArray[np.integer], spacing: float, names: tuple[str, ...], *, left_out: int = 0
) -> MeshRecord:
    """Return the record of labels [z, y, x]; the last ``left_out`` points take no part."""
    nz, ny, nx = labels.shape
    number = np.arange((nz + 1) * (ny + 1) * (nx + 1)).reshape(nz + 1, ny + 1, nx + 1)
    corners, phases = [], []
    for z, y, x in np.ndindex(labels.shape):
        for way in _WAYS:
            at = np.array([z, y, x])
            tetra = [number[tuple(at)]]
            for axis in way:
                at[axis] += 1
                tetra.append(number[tuple(at)])
            corners.append(tetra)
            phases.append(labels[z, y, x])
    nodes, phase = np.array(corners), np.array(phases, dtype=np.int16)
    keys, nodes_of_phases = np.unique(nodes + number.size * phase[:, None].astype(np.int64), return_inverse=True)
    z, y, x = np.unravel_index(keys % number.size, number.shape)
    points = spacing * np.column_stack([x, y, z]).astype(float)
    n = len(points) - left_out
    block = ElementBlock("tetra", nodes_of_phases.reshape(-1, 4).astype(np.int32), phase)
    elements = Elements(points, (block,), np.full(n, spacing**3 / (ny * nx * spacing**2)))
    return MeshRecord.without_voxels(names, (keys // number.size)[:n].astype(np.int16), elements=elements)
