"""From a label image to the finite-volume graph: a voxel is a cell, two neighbours share a face."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import MeshError
from catholyte.mesh.graph import Graph, Grid, Terminal


def voxel_graph(
    labels: NDArray[np.uint8],
    spacing: Sequence[float],
    phase_names: Sequence[str],
    *,
    excluded: Collection[str] = ("void",),
    periodic: bool = False,
) -> Graph:
    """Build the graph of a label image.

    Parameters
    ----------
    labels
        Phase index of every voxel, shape (nz, ny, nx); the counter electrode lies at z = 0, the collector at the end.
    spacing
        Voxel edges along z, y, x in m.
    phase_names
        Name of every phase index.
    excluded
        Phases that carry nothing and get no cells.
    periodic
        Whether the side walls (y and x) are joined to their opposite sides; otherwise they are sealed.

    Raises
    ------
    MeshError
        If no voxel is left.
    """
    nz, ny, nx = labels.shape
    names = tuple(phase_names)
    solid = np.array([name not in excluded for name in names])[labels]
    index = np.full(labels.shape, -1, dtype=np.int32)
    n = int(np.count_nonzero(solid))
    if n == 0:
        raise MeshError("the mesh has no cells: every voxel is void or excluded")
    index[solid] = np.arange(n, dtype=np.int32)

    areas = (spacing[1] * spacing[2], spacing[0] * spacing[2], spacing[0] * spacing[1])
    sides_a, sides_b, face_area, half, face_axis = [], [], [], [], []
    for axis in range(3):
        pairs = [(np.moveaxis(index, axis, 0)[:-1], np.moveaxis(index, axis, 0)[1:])]
        if periodic and axis > 0 and labels.shape[axis] > 1:
            pairs.append((np.moveaxis(index, axis, 0)[-1:], np.moveaxis(index, axis, 0)[:1]))
        for low, high in pairs:
            both = (low >= 0) & (high >= 0)
            sides_a.append(low[both])
            sides_b.append(high[both])
            face_area.append(np.full(sides_a[-1].size, areas[axis]))
            half.append(np.full(sides_a[-1].size, 0.5 * spacing[axis]))
            face_axis.append(np.full(sides_a[-1].size, axis, dtype=np.int8))

    def terminal(layer: NDArray[np.int32]) -> Terminal:
        cells = layer[layer >= 0]
        return Terminal(cells, np.full(cells.size, areas[0]), np.full(cells.size, 0.5 * spacing[0]))

    distance = np.concatenate(half)
    return Graph(
        volume=np.full(n, float(np.prod(spacing))),
        phase=labels[solid].astype(np.int16),
        phase_names=names,
        cell_a=np.concatenate(sides_a),
        cell_b=np.concatenate(sides_b),
        area=np.concatenate(face_area),
        distance_a=distance,
        distance_b=distance,
        terminals={"counter": terminal(index[0]), "collector": terminal(index[-1])},
        grid=Grid(
            (nz, ny, nx),
            (float(spacing[0]), float(spacing[1]), float(spacing[2])),
            np.flatnonzero(solid.ravel()).astype(np.int64),
        ),
        face_axis=np.concatenate(face_axis),
    )
