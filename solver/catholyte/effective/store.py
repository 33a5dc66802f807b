"""What ``--save`` leaves behind: summary.json, the fields as zarr, and an image for ParaView for each solve.

    FOLDER/summary.json
    FOLDER/fields.zarr      labels, and potential_AXIS and flux_AXIS in a group for each quantity
    FOLDER/QUANTITY_AXIS.vti

Fields are written as they are solved for, a few layers at a time, so that no more than one of them is in memory.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.effective.options import check_folder
from catholyte.effective.request import Quantity, Request
from catholyte.mesh.images import AXES
from catholyte.models.effective import EffectiveTransport
from catholyte.models.flux import local_flux

SUMMARY, FIELDS = "summary.json", "fields.zarr"

#: unit of the flux of a unit gradient is that of the conductivity; potentials run from 0 to 1 between the plates
_POTENTIAL = "potential between the plates, 0 at the low and 1 at the high one; NaN where nothing flows"
_FLUX = "flux of a unit mean gradient (components z, y, x), positive up the gradient; its mean is the effective value"

_VOXELS_PER_CHUNK = 1 << 22


class FieldStore:
    """A folder that fields are added to.

    Parameters
    ----------
    folder
        Made here; must not exist.
    request
        Whose fields they are.

    Raises
    ------
    InputError
        If the folder exists or cannot be made.
    """

    def __init__(self, folder: Path, request: Request) -> None:
        import zarr

        check_folder(folder)
        folder.mkdir(parents=True)
        self.folder, self.request = folder, request
        self._layers = max(1, _VOXELS_PER_CHUNK // request.labels[0].size)
        attributes: dict[str, Any] = {
            "spacing_m": list(request.spacing) if request.voxel_size is not None else None,
            "phase_names": [phase.name for phase in request.phases],
        }
        self._root = zarr.open_group(folder / FIELDS, mode="w", attributes=attributes)
        self._write(self._root, "labels", request.labels, {"long_name": "index of the phase"})

    def add(self, quantity: Quantity, transport: EffectiveTransport) -> None:
        """Write potential and flux of one solve."""
        assert transport.potential is not None
        axis = AXES[transport.axis]
        group = self._root.require_group(quantity.name)
        described = {"units": "1", "long_name": _POTENTIAL}
        self._write(group, f"potential_{axis}", transport.potential, described)
        flux = self._array(
            group,
            f"flux_{axis}",
            (3, *self.request.labels.shape),
            np.dtype(np.float32),
            {"units": quantity.unit, "long_name": _FLUX},
        )
        vectors = np.empty((self.request.labels.size, 3), np.float32)
        plane = self.request.labels[0].size
        for layers in self._portions():
            part = flux_in(self.request, quantity, transport, (layers, slice(None), slice(None)))
            flux[:, layers] = part
            # VTK wants components x, y, z, and runs through the voxels as the array does
            vectors[layers.start * plane : layers.stop * plane] = part[::-1].reshape(3, -1).T
        self._write_vti(self.folder / f"{quantity.name}_{axis}.vti", transport.potential, vectors)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the summary, and the list of arrays by which readers open the store at once."""
        import zarr

        with warnings.catch_warnings():  # zarr-python warns that others may not read the list; they need not
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(self._root.store)
        text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
        (self.folder / SUMMARY).write_text(text + "\n", encoding="utf-8")

    def _portions(self) -> Iterator[slice]:
        n = len(self.request.labels)
        for start in range(0, n, self._layers):
            yield slice(start, min(start + self._layers, n))

    def _array(self, group: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], about: dict[str, Any]) -> Any:
        dimensions = (("component",) if len(shape) == 4 else ()) + AXES
        chunks = (1,) * (len(shape) - 3) + (min(self._layers, shape[-3]), *shape[-2:])
        fill = np.nan if dtype.kind == "f" else 0
        return group.create_array(
            name, shape=shape, dtype=dtype, chunks=chunks, dimension_names=dimensions, attributes=about, fill_value=fill
        )

    def _write(self, group: Any, name: str, values: NDArray[Any], about: dict[str, Any]) -> None:
        array = self._array(group, name, values.shape, values.dtype, about)
        for layers in self._portions():
            array[layers] = values[layers]

    def _write_vti(self, path: Path, potential: NDArray[np.float32], flux: NDArray[np.float32]) -> None:
        import pyvista

        nz, ny, nx = self.request.labels.shape
        dz, dy, dx = self.request.spacing
        image = pyvista.ImageData(dimensions=(nx + 1, ny + 1, nz + 1), spacing=(dx, dy, dz))
        image.cell_data["phase"] = self.request.labels.ravel()
        image.cell_data["potential"] = potential.ravel()
        image.cell_data["flux"] = flux
        image.field_data["phase_names"] = np.array([phase.name for phase in self.request.phases])
        image.save(path)


def flux_in(
    request: Request, quantity: Quantity, transport: EffectiveTransport, box: tuple[slice, slice, slice]
) -> NDArray[np.float32]:
    """Return the flux of one solve in a box of voxels, (3, *box); the solve must have kept its potential."""
    assert transport.potential is not None
    return local_flux(
        request.labels,
        transport.potential,
        request.spacing,
        quantity.sigma,
        axis=transport.axis,
        walls=request.walls,
        resistance=quantity.resistance,
        box=box,
    )
