"""The geometry that a result belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.results.elements import Elements


@dataclass(frozen=True, eq=False)
class LayerCells:
    """Where the cells of a layered electrode, or of single particles, lie.

    Attributes
    ----------
    depth
        Middle of the layer, from the counter electrode [m]; zero for single particles.
    radius
        Centre of a shell [m], NaN for the cells that conduct along the depth.
    size_class
        Number of the size class of a shell, -1 for the cells that conduct along the depth.
    volume
        Volume per area of the electrode [m]; a cell that conducts along the depth stands for its whole layer.
    """

    depth: NDArray[np.floating]
    radius: NDArray[np.floating]
    size_class: NDArray[np.integer]
    volume: NDArray[np.floating]

    @property
    def of_particles(self) -> bool:
        """Whether there are no layers, only particles."""
        return not self.depth.any()


@dataclass(frozen=True, eq=False)
class MeshRecord:
    """A label image, layers, or an unstructured mesh, and the cells that the solver made of it.

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
    layers
        Where the cells of a layered electrode, or of single particles, lie; None elsewhere.
    elements
        Points and elements of an unstructured mesh; None elsewhere. Without an image there are no voxels: ``shape`` is
        zero, ``labels`` and ``cell_voxel`` are empty.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    labels: NDArray[np.uint8]
    phase_names: tuple[str, ...]
    cell_voxel: NDArray[np.int64]
    cell_phase: NDArray[np.integer]
    layers: LayerCells | None = None
    elements: Elements | None = None

    @classmethod
    def without_voxels(
        cls,
        phase_names: Sequence[str],
        cell_phase: NDArray[np.integer],
        *,
        layers: LayerCells | None = None,
        elements: Elements | None = None,
    ) -> Self:
        """Return the record of layers, of single particles or of an unstructured mesh."""
        nothing = np.empty((0, 0, 0), dtype=np.uint8)
        no_voxel = np.empty(0, dtype=np.int64)
        return cls((0, 0, 0), (0.0, 0.0, 0.0), nothing, tuple(phase_names), no_voxel, cell_phase, layers, elements)

    @property
    def is_image(self) -> bool:
        """Whether there are voxels."""
        return self.layers is None and self.elements is None

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.cell_phase.size)

    def thickness(self, phase: str) -> float:
        """Return the volume of a phase over the area of the electrode in m: the thickness of a layer of it."""
        index = self.phase_names.index(phase)
        cells = self.layers or self.elements
        if cells is not None:
            return float(cells.volume[self.cell_phase == index].sum())
        return float(np.mean(self.labels == index)) * self.shape[0] * self.spacing[0]

    def image(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Spread the values of the cells over the image: (nz, ny, nx), NaN in voxels that are no cell.

        Raises
        ------
        InputError
            If the mesh has no voxels.
        """
        if not self.is_image:
            what = "an unstructured mesh" if self.elements is not None else "a layered electrode"
            why = "its cells make no image" if self.elements is not None else "layers and shells make no image"
            raise InputError("result", what, f"a mesh of voxels; {why}")
        flat = np.full(int(np.prod(self.shape)), np.nan, dtype=values.dtype)
        flat[self.cell_voxel] = values
        return flat.reshape(self.shape)
