"""Reading a result, finished or not."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError, nearest
from catholyte.results.layout import CASE, FRAMES, POINTS, PROVENANCE, SPECTRA, STORE, Counts, read_counts, read_mesh
from catholyte.results.mesh_record import MeshRecord
from catholyte.results.spectra import Spectrum, read_spectra
from catholyte.units import from_si

if TYPE_CHECKING:
    import xarray


#: charge of a time step over that of the run, below which none has passed
_NO_CHARGE = 1e-12


@dataclass(frozen=True)
class Results:
    """The committed part of a result; made by :meth:`open`.

    Attributes
    ----------
    path
        The folder.
    counts
        Points and frames that were committed when it was opened.
    case_text
        The case file, word for word.
    provenance
        Versions, mesh hash, derived numbers, and for a finished run also times and counts.
    """

    path: Path
    counts: Counts
    case_text: str
    provenance: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> Results:
        """Open a result; that of a run in progress is read as of its last commit.

        Raises
        ------
        InputError
            If ``path`` is not a result, or nothing was committed to it.
        """
        path = Path(path)
        counts = read_counts(path)
        provenance = json.loads((path / PROVENANCE).read_text(encoding="utf-8"))
        return cls(path, counts, (path / CASE).read_text(encoding="utf-8"), provenance)

    @functools.cached_property
    def curves(self) -> xarray.Dataset:
        """One value a point of every quantity in :data:`~catholyte.results.variables.POINT_VARIABLES`."""
        return self._group(POINTS).isel(point=slice(self.counts.points), missing_dims="ignore").load()

    @functools.cached_property
    def fields(self) -> xarray.Dataset:
        """Every field of every frame, of dimensions (frame, cell); read from the disk when it is used."""
        return self._group(FRAMES).isel(frame=slice(self.counts.frames), missing_dims="ignore")

    @functools.cached_property
    def spectra(self) -> tuple[Spectrum, ...]:
        """All impedance spectra, in the order of their measurement."""
        if not self.counts.spectra:
            return ()
        rows = self._group(SPECTRA).isel(row=slice(self.counts.spectra)).load()
        return read_spectra({str(name): rows[name].to_numpy() for name in rows.data_vars}, self.curves)

    @functools.cached_property
    def mesh(self) -> MeshRecord:
        """The geometry."""
        return read_mesh(self.path / STORE)

    def grid(self, name: str, frame: int) -> NDArray[np.floating]:
        """Return a field as an image.

        Parameters
        ----------
        name
            A name of :attr:`fields`.
        frame
            Which frame, from 0; negative counts from the last.

        Returns
        -------
        array
            (nz, ny, nx), NaN where the field is not defined.

        Raises
        ------
        InputError
            If there is no such field or frame.
        """
        if name not in self.fields.data_vars:
            names = [str(known) for known in self.fields.data_vars]
            raise InputError("field", name, f"one of {', '.join(names) or 'none'}", nearest(name, names))
        if not -self.counts.frames <= frame < self.counts.frames:
            raise InputError("frame", frame, f"a frame below {self.counts.frames}")
        return self.mesh.image(self.fields[name].isel(frame=frame).to_numpy())

    def increments(self, curve: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what passed up to every point from the one before it.

        Parameters
        ----------
        curve
            The voltage that energies are taken at, "voltage" or "cell_voltage".

        Returns
        -------
        charge, energy
            In A s/m² and J/m², discharge positive. The energy is a trapezoid in charge; a step begins with a jump of
            the voltage, so the charge up to its first point is taken at the voltage of that point.
        """
        total, voltage, step = (self.curves[name].to_numpy() for name in ("charge", curve, "step_count"))
        charge = np.diff(total, prepend=0.0)
        charge[np.abs(charge) <= _NO_CHARGE * np.abs(total).max()] = 0.0  # rounding during a rest
        before = np.where(np.diff(step, prepend=np.nan) == 0.0, np.roll(voltage, 1), voltage)
        return charge, 0.5 * (before + voltage) * charge

    def summary(self) -> dict[str, float | int | str | None]:
        """Return the headline numbers, with the unit at the end of each name.

        Capacities, mean voltages and energies are those of the last cycle in which charge passed in that
        direction; None if it never did. Energies are taken at the voltage against the counter electrode,
        per mass of active material.
        """
        summary: dict[str, float | int | str | None] = {"end_reason": self.provenance.get("end_reason")}
        for direction, sign in (("discharge", 1.0), ("charge", -1.0)):
            summary |= self._passage(direction, sign)
        last = {name: float(self.curves[name][-1]) for name in ("time", "voltage", "utilisation") if self.counts.points}
        summary |= {
            "time_s": last.get("time"),
            "final_voltage_vs_Li_V": last.get("voltage"),
            "final_utilisation": last.get("utilisation"),
            "points": self.counts.points,
            "frames": self.counts.frames,
        }
        for name in (
            "time_steps",
            "newton_iterations",
            "linear_iterations",
            "wall_time_s",
            "peak_memory_MiB",
        ):
            summary[name] = self.provenance.get(name)
        return summary

    def _passage(self, direction: str, sign: float) -> dict[str, float | None]:
        names = (
            f"{direction}_capacity_mAh_g",
            f"{direction}_capacity_mAh_cm2",
            f"mean_{direction}_voltage_vs_Li_V",
            f"mean_{direction}_cell_voltage_V",
            f"{direction}_energy_Wh_kg",
        )
        if not self.counts.points:
            return dict.fromkeys(names)
        passed, _ = self.increments("voltage")
        flows = sign * passed > 0.0
        if not flows.any():
            return dict.fromkeys(names)
        cycle = self.curves["cycle_index"].to_numpy()
        flows &= cycle == cycle[flows][-1]
        charge = float(sign * passed[flows].sum())

        def mean(curve: str) -> float:
            return float(sign * self.increments(curve)[1][flows].sum()) / charge

        per_mass = charge / self.provenance["active_areal_mass_kg_m2"]
        cell_voltage = mean("cell_voltage")
        values = (
            from_si(per_mass, "mAh/g", "specific capacity"),
            from_si(charge, "mAh/cm**2", "areal capacity"),
            mean("voltage"),
            cell_voltage,
            cell_voltage * from_si(per_mass, "Ah/kg", "specific capacity"),
        )
        return dict(zip(names, values, strict=True))

    def _group(self, name: str) -> xarray.Dataset:
        import xarray

        return xarray.open_dataset(self.path / STORE, engine="zarr", group=name, chunks=None)
