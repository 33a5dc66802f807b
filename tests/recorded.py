"""Results whose curves are written down by a test: what an evaluation must find in them is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from catholyte.results import MeshRecord, Results, ResultWriter

COUNTER = 0.62

#: a cell of 1 cm² with 5 mg of active material, 1C = 10 A/m²
FACTS: dict[str, Any] = {
    "cell_area_m2": 1e-4,
    "active_areal_mass_kg_m2": 0.05,
    "areal_mass_kg_m2": 0.08,
    "nominal_capacity_As_kg": 720e3,
    "counter_potential_V": COUNTER,
    "thickness_m": 40e-6,
    "active_volume_m3_m2": 20e-6,
    "interface_area_m2_m2": 20.0,
}
ONE_C = FACTS["active_areal_mass_kg_m2"] * FACTS["nominal_capacity_As_kg"] / 3600.0

_CASE = (
    '[phases]\nactive = { material = "NCM83" }\nelectrolyte = { material = "Li3InCl6" }\n[cell]\ncounter = "Li-In"\n'
)


@dataclass(frozen=True)
class Step:
    """One carried-out step: times from its beginning [s], voltages vs Li/Li⁺ [V], current densities [A/m²]."""

    time: ArrayLike
    voltage: ArrayLike
    current: ArrayLike
    kind: str = "current"
    role: str = ""
    cycle: int = 0
    curves: Mapping[str, ArrayLike] = field(default_factory=dict)


def recorded(path: Path, steps: Sequence[Step], *, facts: Mapping[str, Any] | None = None) -> Results:
    """Write steps one after the other; the charge is the trapezoid of the current."""
    labels = np.repeat(np.array([0, 1, 2, 3], np.uint8), (2, 6, 6, 2)).reshape(-1, 1, 1)
    names = ("separator", "electrolyte", "active", "collector")
    mesh = MeshRecord(labels.shape, (5e-6,) * 3, labels, names, np.arange(labels.size), labels.ravel().astype(int))
    tasks = [{"text": f"{step.kind} step", "kind": step.kind, "role": step.role} for step in steps]
    provenance = FACTS | dict(facts or {}) | {"tasks": tasks}
    writer = ResultWriter.create(path, case_text=_CASE, provenance=provenance, mesh=mesh)
    began, charge = 0.0, 0.0
    places: dict[int, int] = {}
    for number, step in enumerate(steps):
        time = np.asarray(step.time, float)
        voltage, current = (
            np.broadcast_to(np.asarray(each, float), time.shape) for each in (step.voltage, step.current)
        )
        more = {name: np.broadcast_to(np.asarray(values, float), time.shape) for name, values in step.curves.items()}
        passed = np.concatenate([[0.0], np.cumsum(0.5 * (current[1:] + current[:-1]) * np.diff(time))])
        place = places.get(step.cycle, 0)
        places[step.cycle] = place + 1
        for k in range(time.size):
            q = charge + passed[k]
            used = q / (FACTS["active_areal_mass_kg_m2"] * FACTS["nominal_capacity_As_kg"])
            point = {
                "time": began + time[k],
                "voltage": voltage[k],
                "cell_voltage": voltage[k] - COUNTER,
                "current_density": current[k],
                "charge": q,
                "step_index": place,
                "cycle_index": step.cycle,
                "utilisation": used,
                "lithiation": 0.3 + 0.7 * used,
                "equilibrium_voltage": voltage[k],
            }
            x = point["lithiation"]
            point |= {"lithiation_std": 0.01, "lithiation_p05": x - 0.02, "lithiation_p95": x + 0.02}
            point |= {"loss_reaction": 1e-3 * current[k], "loss_total": 1e-3 * current[k]}
            counts = {"step_count": number, "task": number, "temperature": 298.15}
            writer.append_point(point | counts | {name: values[k] for name, values in more.items()})
        began, charge = began + time[-1], charge + passed[-1]
    writer.commit({"state": 0})
    writer.finish({})
    return Results.open(path)


def constant(current: float, hours: float, first: float, last: float, *, points: int = 50, **more: Any) -> Step:
    """Return a step of constant current in which the voltage goes along a straight line."""
    share = np.linspace(0.0, 1.0, points)
    return Step(3600.0 * hours * share, first + (last - first) * share, current, **more)


def rest(hours: float, voltage: float, *, points: int = 5, **more: Any) -> Step:
    """Return a rest at one voltage."""
    return Step(np.linspace(0.0, 3600.0 * hours, points), voltage, 0.0, kind="rest", **more)
