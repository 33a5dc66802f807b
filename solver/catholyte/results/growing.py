"""Zarr arrays (format 3) that grow along their first dimension, and the metadata that reveals their growth.

zarr-python rewrites a chunk and the metadata of an array at every append, some 2 ms an array, and cannot make
the new lengths of many arrays visible at once. Here chunks and metadata are written separately, following the
specification (https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html): chunks first, and when all of
them are in place one renaming of the root's consolidated metadata shows them to every reader.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numcodecs.zstd  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

#: name of the temporary file that becomes another one by renaming; one writer has one at a time
PARTIAL = ".partial"

_ROWS_PER_CHUNK = 1024
_ZSTD_LEVEL = 1


def replace_file(path: Path, content: bytes, folder: Path) -> None:
    """Write ``path`` as a whole or not at all, by way of a temporary file in ``folder`` of the same disk."""
    partial = folder / PARTIAL
    partial.write_bytes(content)
    os.replace(partial, path)


def group_metadata(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a group."""
    return {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}


def write_json(path: Path, content: Mapping[str, Any], folder: Path) -> None:
    """Replace ``path`` by ``content`` as JSON."""
    replace_file(path, json.dumps(content).encode(), folder)


@dataclass(frozen=True)
class Column:
    """One number a row, in chunks of raw bytes so that a row is appended where it belongs.

    Attributes
    ----------
    folder
        Where the array lives.
    dimension
        Name of its dimension.
    dtype
        "float64" or "int64".
    attributes
        Attributes that readers see.
    """

    folder: Path
    dimension: str
    dtype: str
    attributes: Mapping[str, Any]

    def metadata(self, rows: int) -> dict[str, Any]:
        """Return the array's metadata at a length of ``rows``."""
        codecs = [{"name": "bytes", "configuration": {"endian": "little"}}]
        return _array_metadata((rows,), (_ROWS_PER_CHUNK,), self.dtype, (self.dimension,), codecs, self.attributes)

    def write(self, start: int, values: NDArray[Any]) -> None:
        """Write ``values`` from row ``start`` on; the bytes of the rows before it are left alone."""
        while values.size:
            chunk, offset = divmod(start, _ROWS_PER_CHUNK)
            here = values[: _ROWS_PER_CHUNK - offset].astype(self._stored)
            path = self._chunk(chunk)
            if offset:
                with path.open("r+b") as file:
                    file.seek(offset * here.itemsize)
                    file.write(here.tobytes())
            else:
                whole = np.full(_ROWS_PER_CHUNK, self._fill, dtype=self._stored)
                whole[offset : offset + here.size] = here
                path.parent.mkdir(parents=True, exist_ok=True)
                # Not yet within the length of the array, so it need not appear all at once.
                path.write_bytes(whole.tobytes())
            start += here.size
            values = values[here.size :]

    def read(self, rows: int) -> NDArray[Any]:
        """Return the first ``rows`` values."""
        chunks = [np.fromfile(self._chunk(chunk), dtype=self._stored) for chunk in range(-(-rows // _ROWS_PER_CHUNK))]
        return np.concatenate(chunks)[:rows] if chunks else np.empty(0, dtype=self._stored)

    def truncate(self, rows: int) -> None:
        """Remove everything from row ``rows`` on."""
        full, offset = divmod(rows, _ROWS_PER_CHUNK)
        for path in (self.folder / "c").glob("*"):
            if int(path.name) > full or (int(path.name) == full and offset == 0):
                path.unlink()
        if offset:
            self.write(rows, np.full(_ROWS_PER_CHUNK - offset, self._fill, dtype=self._stored))

    @property
    def _stored(self) -> np.dtype[Any]:
        return np.dtype(self.dtype).newbyteorder("<")

    @property
    def _fill(self) -> float | int:
        return np.nan if self.dtype == "float64" else 0

    def _chunk(self, index: int) -> Path:
        return self.folder / "c" / str(index)


@dataclass(frozen=True)
class CellRows:
    """One value a cell in every row; a row is one compressed chunk.

    Attributes
    ----------
    folder
        Where the array lives.
    dimensions
        Names of its two dimensions.
    cells
        Values in a row.
    dtype
        "float32" or "float64".
    attributes
        Attributes that readers see.
    """

    folder: Path
    dimensions: tuple[str, str]
    cells: int
    dtype: str
    attributes: Mapping[str, Any]

    def metadata(self, rows: int) -> dict[str, Any]:
        """Return the array's metadata at a length of ``rows``."""
        codecs = [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "zstd", "configuration": {"level": _ZSTD_LEVEL, "checksum": False}},
        ]
        return _array_metadata(
            (rows, self.cells), (1, self.cells), self.dtype, self.dimensions, codecs, self.attributes
        )

    def write(self, row: int, values: NDArray[Any]) -> None:
        """Write one row."""
        stored = values.astype(np.dtype(self.dtype).newbyteorder("<"))
        path = self.folder / "c" / str(row) / "0"
        path.parent.mkdir(parents=True, exist_ok=True)
        # A frame is not within the length of the array before its commit, so it need not appear all at once.
        path.write_bytes(numcodecs.zstd.compress(stored.tobytes(), _ZSTD_LEVEL))

    def truncate(self, rows: int) -> None:
        """Remove everything from row ``rows`` on."""
        for path in (self.folder / "c").glob("*"):
            if int(path.name) >= rows:
                shutil.rmtree(path)


def _array_metadata(
    shape: tuple[int, ...],
    chunk_shape: tuple[int, ...],
    dtype: str,
    dimensions: tuple[str, ...],
    codecs: list[dict[str, Any]],
    attributes: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk_shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0 if dtype.startswith("int") else "NaN",
        "codecs": codecs,
        "attributes": dict(attributes),
        "dimension_names": list(dimensions),
        "storage_transformers": [],
    }
