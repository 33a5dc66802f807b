"""File formats of label images: one reader, and where it is written one writer, for each.

Every reader returns the array as it stands in the file, indexed [z, y, x]; :mod:`catholyte.mesh.images`
checks it.
The libraries of a format are imported when a file of that format is met.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError, nearest

_PACKBITS = 32773


def read_tiff(path: Path, source: Path | io.BytesIO) -> NDArray[Any]:
    """Read a TIFF stack from ``source``; ``path`` is what an error names."""
    import tifffile

    try:
        with tifffile.TiffFile(source) as stack:
            page = stack.pages.first
            packed = page.compression == _PACKBITS and page.dtype == np.uint8 and page.ndim == 2
            series_shape = stack.series[0].shape
            if packed and page.photometric == tifffile.PHOTOMETRIC.MINISBLACK and len(series_shape) == 3:
                return _read_packbits(source, series_shape)
            return np.asarray(stack.asarray())
    except (tifffile.TiffFileError, ValueError, OSError, IndexError) as error:
        raise InputError(str(path), str(error), "a readable TIFF stack") from error


def _read_packbits(source: Path | io.BytesIO, shape: Sequence[int]) -> NDArray[np.uint8]:
    """Read a PackBits stack page by page: Pillow's decoder is compiled, tifffile's is a Python loop."""
    from PIL import Image

    image = np.empty(shape, np.uint8)
    with Image.open(source) as stack:
        for z in range(shape[0]):
            stack.seek(z)
            image[z] = np.asarray(stack)
    return image


def read_zipped_tiff(path: Path) -> NDArray[Any]:
    """Read the only TIFF stack in a zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            # macOS adds a hidden twin "__MACOSX/._name" of every file
            names = [
                name
                for name in archive.namelist()
                if name.lower().endswith((".tif", ".tiff")) and not Path(name).name.startswith("._")
            ]
            if len(names) != 1:
                raise InputError(str(path), names, "an archive that holds one TIFF stack")
            content = io.BytesIO(archive.read(names[0]))
    except zipfile.BadZipFile as error:
        raise InputError(str(path), str(error), "a readable zip archive") from error
    return read_tiff(path, content)


def read_npy(path: Path) -> NDArray[Any]:
    """Read a .npy array (never a pickle)."""
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise InputError(str(path), str(error), "a readable .npy array") from error


def _pick(path: Path, array: str | None, shapes: Mapping[str, Sequence[int]]) -> str:
    """Return the name of the array to read: the one asked for, or the only three-dimensional one."""
    if array is not None:
        if array not in shapes:
            raise InputError(
                "mesh.image.array",
                array,
                f"one of {', '.join(shapes)} in {path.name}",
                nearest(array, shapes),
            )
        return array
    candidates = [name for name, shape in shapes.items() if len(shape) == 3]
    if len(candidates) != 1:
        held = ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items()) or "no array"
        raise InputError("mesh.image.array", None, f"the name of a three-dimensional array; {path.name} holds {held}")
    return candidates[0]


def read_npz(path: Path, array: str | None) -> NDArray[Any]:
    """Read the array of that name, or the only three-dimensional one."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(str(path), str(error), "a readable .npz archive") from error
    return np.asarray(arrays[_pick(path, array, {name: held.shape for name, held in arrays.items()})])


def read_raw(path: Path, shape: Sequence[int] | None, dtype: str | None) -> NDArray[Any]:
    """Read a headerless file of shape [z, y, x], x fastest."""
    if shape is None or len(shape) != 3 or any(n < 1 for n in shape):
        raise InputError("mesh.image.shape", shape, "three positive whole numbers [z, y, x] for a .raw file")
    known = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "bool")
    try:
        kind = np.dtype(dtype) if dtype is not None else None
    except TypeError:
        kind = None
    if kind is None or kind.hasobject or kind.itemsize == 0:
        near = nearest(dtype, known) if dtype is not None else None
        raise InputError("mesh.image.dtype", dtype, f"the type of a .raw file, like {', '.join(known)}", near)
    expected = int(np.prod(np.asarray(shape, dtype=np.int64))) * kind.itemsize
    held = path.stat().st_size
    if held != expected:
        size = " x ".join(str(n) for n in shape)
        raise InputError(str(path), f"{held} bytes", f"{expected} bytes for {size} voxels of type {kind.name}")
    return np.fromfile(path, dtype=kind).reshape(tuple(shape)).astype(kind.newbyteorder("="), copy=False)


def read_vti(path: Path, array: str | None) -> NDArray[Any]:
    """Read cell or point data of a VTK image; VTK counts x fastest, so the shape is turned round."""
    from vtkmodules.util import numpy_support
    from vtkmodules.vtkIOXML import vtkXMLImageDataReader

    reader = vtkXMLImageDataReader()
    if not reader.CanReadFile(str(path)):
        raise InputError(str(path), path.name, "a readable VTK image (.vti)")
    reader.SetFileName(str(path))
    reader.Update()
    grid = reader.GetOutput()
    points = tuple(reversed(grid.GetDimensions()))
    cells = tuple(max(1, n - 1) for n in points)
    # the last one wins when a name stands twice: cell data are what a voxel image means
    places = {}
    for data, shape in ((grid.GetPointData(), points), (grid.GetCellData(), cells)):
        for index in range(data.GetNumberOfArrays()):
            values = data.GetArray(index)
            if values is not None:
                vector = () if values.GetNumberOfComponents() == 1 else (values.GetNumberOfComponents(),)
                places[data.GetArrayName(index)] = (values, shape + vector)
    values, shape = places[_pick(path, array, {name: held[1] for name, held in places.items()})]
    to_numpy: Any = numpy_support.vtk_to_numpy  # carries no types
    return np.array(to_numpy(values)).reshape(shape)


def write_tiff(path: Path, labels: NDArray[Any], spacing: Sequence[float]) -> None:
    """Write uint8 or uint16 labels with ImageJ's metadata (voxel size in um)."""
    import tifffile

    if labels.dtype not in (np.uint8, np.uint16):
        raise InputError(str(path), str(labels.dtype), "uint8 or uint16 labels in a .tif file")
    dz, dy, dx = (1e6 * d for d in spacing)
    tifffile.imwrite(
        path,
        np.ascontiguousarray(labels),
        imagej=min(labels.shape) > 1,  # ImageJ's layout drops axes of one voxel
        resolution=(1.0 / dx, 1.0 / dy),
        metadata={"axes": "ZYX", "spacing": dz, "unit": "um"},
    )


def write_vti(path: Path, labels: NDArray[Any], spacing: Sequence[float]) -> None:
    """Write labels as cell data ``labels`` of a VTK image (m)."""
    from vtkmodules.util import numpy_support
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkIOXML import vtkXMLImageDataWriter

    grid = vtkImageData()
    nz, ny, nx = labels.shape
    dz, dy, dx = spacing
    grid.SetDimensions(nx + 1, ny + 1, nz + 1)
    grid.SetSpacing(dx, dy, dz)
    to_vtk: Any = numpy_support.numpy_to_vtk  # carries no types
    values = to_vtk(np.ascontiguousarray(labels).ravel(), deep=True)
    values.SetName("labels")
    grid.GetCellData().SetScalars(values)
    writer = vtkXMLImageDataWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(grid)
    writer.SetCompressorTypeToZLib()
    if not writer.Write():
        raise InputError(str(path), path.name, "a file that can be written")
