"""Writing a result while it is computed; :mod:`catholyte.results` says how a commit works."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.results.bdf import BdfTable
from catholyte.results.growing import (
    PARTIAL,
    CellRows,
    Column,
    group_metadata,
    replace_file,
    write_json,
)
from catholyte.results.layout import (
    CASE,
    CELLS,
    CHECKPOINT,
    COUNTS,
    CURVES,
    FRAMES,
    MESH,
    POINTS,
    PROVENANCE,
    SPECTRA,
    STORE,
    Counts,
    read_checkpoint,
    read_counts,
    write_mesh,
)
from catholyte.results.mesh_record import MeshRecord
from catholyte.results.variables import (
    DOUBLE_PRECISION_FIELDS,
    FIELD_VARIABLES,
    POINT_VARIABLES,
    SPECTRUM_VARIABLES,
    attributes,
)

_GROUPS: dict[str, dict[str, str]] = {POINTS: {}, FRAMES: {"coordinates": "time point_index"}, SPECTRA: {}}
#: groups of plain columns -> dimension, known variables
_TABLES = {POINTS: ("point", POINT_VARIABLES), SPECTRA: ("row", SPECTRUM_VARIABLES)}


class ResultWriter:
    """One open result; made by :meth:`create` or :meth:`resume`.

    Attributes
    ----------
    path
        The folder of the result.
    n_points, n_frames, n_spectra
        Points, frames and rows of spectra appended so far, committed or not.
    """

    def __init__(self, path: Path, provenance: dict[str, Any], n_cells: int) -> None:
        self.path = path
        self.n_points = 0
        self.n_frames = 0
        self.n_spectra = 0
        self._provenance = provenance
        self._n_cells = n_cells
        self._table = BdfTable(provenance)
        self._csv_bytes = 0
        self._committed = Counts(0, 0, 0, 0)
        self._pending: list[dict[str, float]] = []
        self._pending_spectra: list[dict[str, float]] = []
        self._columns: dict[str, Column] = {}
        self._spectrum_columns: dict[str, Column] = {}
        self._frame_columns: dict[str, Column] = {}
        self._fields: dict[str, CellRows] = {}
        self._mesh_metadata: dict[str, Any] = {}

    @classmethod
    def create(cls, path: str | Path, *, case_text: str, provenance: Mapping[str, Any], mesh: MeshRecord) -> Self:
        """Begin a new result in a folder that must not exist.

        Parameters
        ----------
        path
            The folder; those above it are made as needed.
        case_text
            The case file, word for word.
        provenance
            What is known before the run; :class:`~catholyte.results.bdf.BdfTable` names the keys it needs.
        mesh
            The geometry.

        Raises
        ------
        InputError
            If the folder exists.
        """
        path = Path(path)
        writer = cls(path, dict(provenance), mesh.n_cells)
        try:
            path.mkdir(parents=True)
        except FileExistsError as error:
            raise InputError(
                "out",
                str(path),
                "a folder that does not exist yet (--resume continues it, --out names another)",
            ) from error
        replace_file(path / CASE, case_text.encode(), path)
        writer._write_provenance()
        store = path / STORE
        writer._mesh_metadata = write_mesh(store, mesh)
        for group, group_attributes in _GROUPS.items():
            (store / group).mkdir()
            write_json(store / group / "zarr.json", group_metadata(group_attributes), path)
        header = writer._table.header().encode()
        replace_file(path / CURVES, header, path)
        writer._csv_bytes = len(header)
        writer._show_lengths()
        return writer

    @classmethod
    def resume(cls, path: str | Path) -> Self:
        """Open a result to continue it; everything after its last commit is removed.

        Raises
        ------
        InputError
            If ``path`` is not a result, or nothing was committed to it.
        """
        path = Path(path)
        counts = read_counts(path)
        (path / PARTIAL).unlink(missing_ok=True)
        root = json.loads((path / STORE / "zarr.json").read_text(encoding="utf-8"))
        known: dict[str, Any] = root["consolidated_metadata"]["metadata"]
        n_cells = int(known[f"{MESH}/{CELLS}"]["shape"][0])
        writer = cls(path, json.loads((path / PROVENANCE).read_text(encoding="utf-8")), n_cells)
        writer._mesh_metadata = {name: entry for name, entry in known.items() if name.partition("/")[0] == MESH}
        for name, entry in known.items():
            group, _, variable = name.partition("/")
            if entry["node_type"] != "array" or group == MESH:
                continue
            if group == POINTS and counts.points:
                writer._columns[variable] = writer._column(group, variable, entry["data_type"])
            elif group == SPECTRA and counts.spectra:
                writer._spectrum_columns[variable] = writer._column(group, variable, entry["data_type"])
            elif group == FRAMES and counts.frames:
                if len(entry["shape"]) == 1:
                    writer._frame_columns[variable] = writer._column(group, variable, entry["data_type"])
                else:
                    writer._fields[variable] = writer._field(variable)
        writer.n_points = counts.points
        writer.n_frames = counts.frames
        writer.n_spectra = counts.spectra
        writer._csv_bytes = counts.csv_bytes
        writer._committed = counts
        writer._drop_uncommitted()
        return writer

    @property
    def checkpoint(self) -> dict[str, NDArray[Any]]:
        """What the last commit was given."""
        return read_checkpoint(self.path)

    def replace_case(self, case_text: str) -> None:
        """Replace the case file by one with further steps."""
        replace_file(self.path / CASE, case_text.encode(), self.path)

    def append_point(self, point: Mapping[str, float]) -> None:
        """Add an accepted time step; it is on disk after the next commit.

        Parameters
        ----------
        point
            Values by name, in the SI units of :data:`~catholyte.results.variables.POINT_VARIABLES`; the same
            names every time.
        """
        if not self._columns:
            self._columns = {name: self._column(POINTS, name, "float64") for name in point}
        _same_names("point", self._columns, point)
        self._pending.append({name: float(value) for name, value in point.items()})
        self.n_points += 1

    def append_spectrum(self, row: Mapping[str, float]) -> None:
        """Add one frequency of a spectrum; it is on disk after the next commit.

        Parameters
        ----------
        row
            Values by name: those of :data:`~catholyte.results.variables.SPECTRUM_VARIABLES`, and "real NAME" and
            "imaginary NAME" of every part of the impedance [Ohm m2]; the same names every time.
        """
        if not self._spectrum_columns:
            self._spectrum_columns = {name: self._column(SPECTRA, name, "float64") for name in row}
        _same_names("row of a spectrum", self._spectrum_columns, row)
        self._pending_spectra.append({name: float(value) for name, value in row.items()})
        self.n_spectra += 1

    def append_frame(self, time: float, point_index: int, fields: Mapping[str, NDArray[np.floating]]) -> None:
        """Add the state of every cell; it belongs to the result after the next commit.

        Parameters
        ----------
        time
            Time of the state [s].
        point_index
            The point that was computed at that time, from 0.
        fields
            Arrays of one value a cell, NaN where a field is not defined; the same names every time.
        """
        if not self._fields:
            self._fields = {name: self._field(name) for name in fields}
            self._frame_columns = {
                "time": self._column(FRAMES, "time", "float64"),
                "point_index": self._column(FRAMES, "point_index", "int64"),
            }
        _same_names("frame", self._fields, fields)
        for name, values in fields.items():
            if values.shape != (self._n_cells,):
                raise ValueError(f"field {name} has shape {values.shape}, expected ({self._n_cells},)")
            self._fields[name].write(self.n_frames, values)
        self._frame_columns["time"].write(self.n_frames, np.array([time]))
        self._frame_columns["point_index"].write(self.n_frames, np.array([point_index]))
        self.n_frames += 1

    def commit(self, checkpoint: Mapping[str, NDArray[Any] | float | int | str]) -> None:
        """Make everything appended so far part of the result, together with the state of the solver.

        Parameters
        ----------
        checkpoint
            Arrays, numbers and texts from which the run can go on. Names that begin with ``committed_`` are
            taken.
        """
        arrays = {name: np.asarray(value) for name, value in checkpoint.items()}
        for name, array in arrays.items():
            if array.dtype.hasobject or name.startswith(COUNTS):
                raise ValueError(f"checkpoint entry {name} of type {array.dtype} cannot be saved")
        if self._pending:
            first = self.n_points - len(self._pending)
            for name, column in self._columns.items():
                column.write(first, np.array([point[name] for point in self._pending]))
            rows = "".join(self._table.row(point) for point in self._pending).encode()
            with (self.path / CURVES).open("r+b") as file:
                file.seek(self._csv_bytes)
                file.write(rows)
            self._csv_bytes += len(rows)
            self._pending.clear()
        if self._pending_spectra:
            first = self.n_spectra - len(self._pending_spectra)
            for name, column in self._spectrum_columns.items():
                column.write(first, np.array([row[name] for row in self._pending_spectra]))
            self._pending_spectra.clear()
        self._show_lengths()
        counts = Counts(self.n_points, self.n_frames, self.n_spectra, self._csv_bytes)
        with (self.path / PARTIAL).open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays, **counts.entries())
        os.replace(self.path / PARTIAL, self.path / CHECKPOINT)
        self._committed = counts

    def finish(self, provenance_update: Mapping[str, Any]) -> None:
        """Add to the provenance what is known at the end of a run, after its last commit."""
        done = self._committed
        if (self.n_points, self.n_frames, self.n_spectra) != (done.points, done.frames, done.spectra):
            raise ValueError("points, frames or spectra were appended after the last commit")
        for array, rows in self._arrays().values():
            write_json(array.folder / "zarr.json", array.metadata(rows), self.path)
        self._provenance |= provenance_update
        self._write_provenance()

    def _write_provenance(self) -> None:
        text = json.dumps(self._provenance, indent=2, default=_plain)
        replace_file(self.path / PROVENANCE, text.encode(), self.path)

    def _column(self, group: str, name: str, dtype: str) -> Column:
        dimension, known = _TABLES.get(group, ("frame", POINT_VARIABLES))
        return Column(self.path / STORE / group / name, dimension, dtype, attributes(name, known))

    def _field(self, name: str) -> CellRows:
        dtype = "float64" if name in DOUBLE_PRECISION_FIELDS else "float32"
        folder = self.path / STORE / FRAMES / name
        return CellRows(folder, ("frame", "cell"), self._n_cells, dtype, attributes(name, FIELD_VARIABLES))

    def _arrays(self) -> dict[str, tuple[Column | CellRows, int]]:
        """Return every growing array and its present length, by path."""
        points = {f"{POINTS}/{name}": (array, self.n_points) for name, array in self._columns.items()}
        frames = {
            f"{FRAMES}/{name}": (array, self.n_frames) for name, array in (self._frame_columns | self._fields).items()
        }
        spectra = {f"{SPECTRA}/{name}": (array, self.n_spectra) for name, array in self._spectrum_columns.items()}
        return points | frames | spectra

    def _show_lengths(self) -> None:
        """Show readers the present lengths of all arrays at once."""
        known = self._mesh_metadata | {name: group_metadata(entries) for name, entries in _GROUPS.items()}
        for name, (array, rows) in self._arrays().items():
            known[name] = array.metadata(rows)
            if not (array.folder / "zarr.json").exists():
                write_json(array.folder / "zarr.json", known[name], self.path)
        consolidated = {"kind": "inline", "must_understand": False, "metadata": known}
        root = group_metadata({}) | {"consolidated_metadata": consolidated}
        write_json(self.path / STORE / "zarr.json", root, self.path)

    def _drop_uncommitted(self) -> None:
        self._show_lengths()
        arrays = self._arrays()
        for group in _GROUPS:
            folders = self.path / STORE / group
            folders.mkdir(exist_ok=True)
            for folder in folders.iterdir():
                if folder.is_dir() and f"{group}/{folder.name}" not in arrays:
                    shutil.rmtree(folder)
        for array, rows in arrays.values():
            array.truncate(rows)
        os.truncate(self.path / CURVES, self._csv_bytes)
        values = {name: column.read(self.n_points) for name, column in self._columns.items()}
        for i in range(self.n_points):
            self._table.row({name: float(column[i]) for name, column in values.items()})


def _same_names(what: str, known: Mapping[str, object], given: Mapping[str, object]) -> None:
    if known.keys() != given.keys():
        raise ValueError(f"a {what} with other names than before: {sorted(known.keys() ^ given.keys())}")


def _plain(value: object) -> object:
    """Turn what numpy and pathlib give into what JSON knows."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot stand in the provenance")
