"""Export of the fields for ParaView: one file a frame, and a collection that gives their times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from catholyte.errors import InputError
from catholyte.results.reader import Results


def export_paraview(results: Results, folder: str | Path) -> Path:
    """Write ``frame_NNNN.vti`` (or ``.vtu``) for every frame, and ``frames.pvd``, the file to open in ParaView.

    Every file holds ``phase`` (index into the field data ``phase_names``) and all fields of the result, as values of
    the voxels of an image or of the points of an unstructured mesh. Lengths are in metres; in an image x and y lie in
    the plane and z runs from the counter electrode to the current collector.

    Parameters
    ----------
    results
        An open result.
    folder
        Where the files go; made if it does not exist, files of the same names are replaced.

    Returns
    -------
    Path
        ``frames.pvd``.

    Raises
    ------
    InputError
        If the result has no frame, or is that of a layered electrode.
    """
    if results.mesh.layers is not None:
        raise InputError(
            "result",
            str(results.path),
            "a result on a mesh of voxels or elements; of layers and particles read results.fields over "
            "results.mesh.layers",
        )
    if not results.counts.frames:
        raise InputError(
            "result",
            str(results.path),
            "a result with at least one frame ([output] fields says when to keep one)",
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    suffix = "vti" if results.mesh.is_image else "vtu"
    entries = []
    for frame, time in enumerate(results.fields["time"].to_numpy()):
        data = _image(results, frame) if results.mesh.is_image else _grid(results, frame)
        data.field_data["phase_names"] = np.array(results.mesh.phase_names)
        file = f"frame_{frame:04d}.{suffix}"
        data.save(folder / file)
        entries.append(f'    <DataSet timestep="{float(time)!r}" part="0" file="{file}"/>')
    collection = folder / "frames.pvd"
    lines = ['<?xml version="1.0"?>', '<VTKFile type="Collection" version="0.1">', "  <Collection>"]
    collection.write_text("\n".join([*lines, *entries, "  </Collection>", "</VTKFile>", ""]), encoding="utf-8")
    return collection


def _image(results: Results, frame: int) -> Any:
    import pyvista

    nz, ny, nx = results.mesh.shape
    dz, dy, dx = results.mesh.spacing
    image = pyvista.ImageData(dimensions=(nx + 1, ny + 1, nz + 1), spacing=(dx, dy, dz))
    # VTK runs through x first, which is the order of an array [z, y, x].
    image.cell_data["phase"] = results.mesh.labels.ravel()
    for name in results.fields.data_vars:
        image.cell_data[str(name)] = results.grid(str(name), frame).ravel()
    return image


def _grid(results: Results, frame: int) -> Any:
    assert results.mesh.elements is not None
    fields = {str(name): results.fields[name].isel(frame=frame).to_numpy() for name in results.fields.data_vars}
    return results.mesh.elements.grid(fields)
