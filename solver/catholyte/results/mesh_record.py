"""The geometry that a result belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class MeshRecord:
    """A label image and the cells that the solver made of it.

    Attributes
    ----------
    shape
        Voxels along z, y, x; z runs from the counter electrode to the current collector.
    spacing
        Edges of a voxel along z, y, x [m].
    labels
        Index into ``phase_names`` of every voxel, uint8 of ``shape``.
    phase_names
        Names of the phases.
    cell_voxel
        Flat index (C order) of the voxel of every cell, int64.
    cell_phase
        Index into ``phase_names`` of every cell.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    labels: NDArray[np.uint8]
    phase_names: tuple[str, ...]
    cell_voxel: NDArray[np.int64]
    cell_phase: NDArray[np.integer]

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.cell_voxel.size)

    def image(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Spread the values of the cells over the image: (nz, ny, nx), NaN in voxels that are no cell."""
        flat = np.full(int(np.prod(self.shape)), np.nan, dtype=values.dtype)
        flat[self.cell_voxel] = values
        return flat.reshape(self.shape)
