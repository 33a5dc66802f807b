"""``curves.csv``: the points of a run in the Battery Data Format, as a cycler would have recorded them.

The format is that of the Battery Data Alliance: the headers are the preferred labels of its ontology, version
1.0.0 (https://w3id.org/battery-data-alliance/ontology/battery-data-format, issued 2026-05-14). Required are
"Test Time / s", "Voltage / V" and "Current / A". The sign follows from the definition ``Charging Capacity =
integral of max(I, 0) dt``: **current is positive on charge**, the opposite of the rest of Catholyte. So is
``Net Capacity = Charging Capacity - Discharging Capacity``.

Currents and capacities are those of the real cell: values per area times ``cell_area_m2``. "Voltage / V" is
measured against the counter electrode. Three columns that the format does not define stand behind those it
does; they are counted on discharge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from catholyte.units import from_si

_KELVIN = 273.15


class BdfTable:
    """Turns points into rows of ``curves.csv``.

    Steps and capacities are counted from row to row, so every point of a run has to pass through in order; a
    resumed run sends its old points through again.

    Parameters
    ----------
    provenance
        Needs ``cell_area_m2`` and ``active_areal_mass_kg_m2``; with ``temperature_K`` the table has the
        ambient temperature too.
    """

    def __init__(self, provenance: Mapping[str, Any]) -> None:
        area = float(provenance["cell_area_m2"])
        areal_mass = float(provenance["active_areal_mass_kg_m2"])
        ampere_hours = area * from_si(1.0, "Ah", "capacity")
        per_mass = from_si(1.0, "mAh/g", "specific capacity") / areal_mass
        per_area = from_si(1.0, "mAh/cm**2", "areal capacity")
        self._charge = 0.0
        self._charged = 0.0
        self._discharged = 0.0
        self._step: tuple[float, float] | None = None
        self._step_count = 0
        self._step_row = 0
        self._columns: dict[str, Callable[[Mapping[str, float]], float]] = {
            "Test Time / s": lambda p: p["time"],
            "Voltage / V": lambda p: p["cell_voltage"],
            "Current / A": lambda p: 0.0 - p["current_density"] * area,
            "Cycle Count / 1": lambda p: p["cycle_index"],
            "Step Count / 1": lambda _: self._step_count,
            "Step Index / 1": lambda _: self._step_row,
            "Charging Capacity / Ah": lambda _: self._charged * ampere_hours,
            "Discharging Capacity / Ah": lambda _: self._discharged * ampere_hours,
            "Net Capacity / Ah": lambda p: 0.0 - p["charge"] * ampere_hours,
        }
        if "temperature_K" in provenance:
            usual = float(provenance["temperature_K"])
            self._columns["Ambient Temperature / degC"] = lambda p: p.get("temperature", usual) - _KELVIN
        self._columns |= {
            "Voltage vs Li/Li+ / V": lambda p: p["voltage"],
            "Net Specific Discharge Capacity / mAh/g": lambda p: p["charge"] * per_mass,
            "Net Areal Discharge Capacity / mAh/cm2": lambda p: p["charge"] * per_area,
        }

    def header(self) -> str:
        """Return the first line."""
        return ",".join(self._columns) + "\n"

    def row(self, point: Mapping[str, float]) -> str:
        """Return the line of the next point."""
        step = (point["cycle_index"], point["step_index"])
        if step != self._step:
            self._step = step
            self._step_count += 1
            self._step_row = 0
        self._step_row += 1
        passed = point["charge"] - self._charge
        self._charge = point["charge"]
        if passed > 0.0:
            self._discharged += passed
        else:
            self._charged -= passed
        return ",".join(_number(column(point)) for column in self._columns.values()) + "\n"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.12g}"
