"""Export of the fields for ParaView: one image file a frame, and a collection that gives their times."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from catholyte.errors import InputError
from catholyte.results.reader import Results


def export_paraview(results: Results, folder: str | Path) -> Path:
    """Write ``frame_NNNN.vti`` for every frame, and ``frames.pvd``, the file to open in ParaView.

    Every image holds ``phase`` (index into the field data ``phase_names``) and all fields of the result, as
    values of its voxels; lengths are in metres, x and y in the plane and z from the counter electrode to the
    current collector.

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
    import pyvista

    if results.mesh.layers is not None:
        raise InputError(
            "result",
            str(results.path),
            "a result on a mesh of voxels; of a layered electrode read results.fields over results.mesh.layers",
        )
    if not results.counts.frames:
        raise InputError(
            "result",
            str(results.path),
            "a result with at least one frame ([output] fields says when to keep one)",
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    nz, ny, nx = results.mesh.shape
    dz, dy, dx = results.mesh.spacing
    entries = []
    for frame, time in enumerate(results.fields["time"].to_numpy()):
        image = pyvista.ImageData(dimensions=(nx + 1, ny + 1, nz + 1), spacing=(dx, dy, dz))
        # VTK runs through x first, which is the order of an array [z, y, x].
        image.cell_data["phase"] = results.mesh.labels.ravel()
        for name in results.fields.data_vars:
            image.cell_data[str(name)] = results.grid(str(name), frame).ravel()
        image.field_data["phase_names"] = np.array(results.mesh.phase_names)
        file = f"frame_{frame:04d}.vti"
        image.save(folder / file)
        entries.append(f'    <DataSet timestep="{float(time)!r}" part="0" file="{file}"/>')
    collection = folder / "frames.pvd"
    lines = ['<?xml version="1.0"?>', '<VTKFile type="Collection" version="0.1">', "  <Collection>"]
    collection.write_text("\n".join([*lines, *entries, "  </Collection>", "</VTKFile>", ""]), encoding="utf-8")
    return collection
