"""The answers as a table of plain values, for JSON: documented keys, SI units, no number that JSON does not know.

The entries ``bpx`` and ``pybamm`` carry the names of the Battery Parameter eXchange standard (https://bpxstandard.com)
and of PyBaMM's parameters. What does not follow from the image is left out.
"""

from __future__ import annotations

import importlib.metadata
import math
from typing import Any

from catholyte.effective.request import Request
from catholyte.effective.study import Direction, Outcome, Study
from catholyte.mesh.images import AXES

#: version of the form of the summary; it grows by one when a key changes its name or meaning
FORM = 1


def summary(study: Study) -> dict[str, Any]:
    """Return the answers as documented in docs/effective.md; infinite values are None, beside ``percolates`` false."""
    request = study.request
    return {
        "form": FORM,
        "catholyte": importlib.metadata.version("catholyte"),
        "source": request.source,
        "mesh_sha256": request.mesh_sha256,
        "shape": list(request.labels.shape),
        "voxel_size_m": None if request.voxel_size is None else list(request.voxel_size),
        "walls": request.walls,
        "tolerance": request.plates.tolerance,
        "temperature_K": request.temperature,
        "phases": _phases(study),
        "interfaces": _interfaces(study),
        "transport": {outcome.quantity.name: _outcome(outcome, request) for outcome in study.outcomes},
        "bpx": _bpx(study),
        "pybamm": _pybamm(study),
        "notes": _notes(study),
    }


def _phases(study: Study) -> list[dict[str, Any]]:
    areas = study.areas
    return [
        {
            "name": phase.name,
            "label": phase.label,
            "kind": phase.kind,
            "volume_fraction": study.fractions[k],
            "area_counted_per_m": None if areas is None else areas.counted_of([k]),
            "area_corrected_per_m": None if areas is None else areas.corrected_of([k]),
        }
        for k, phase in enumerate(study.request.phases)
    ]


def _interfaces(study: Study) -> list[dict[str, Any]]:
    areas, phases = study.areas, study.request.phases
    if areas is None:
        return []
    return [
        {
            "phases": [phases[a].name, phases[b].name],
            "area_counted_per_m": float(areas.counted[a, b]),
            "area_corrected_per_m": float(areas.corrected[a, b]),
        }
        for a in range(len(phases))
        for b in range(a + 1, len(phases))
        if areas.corrected[a, b] > 0.0
    ]


def _outcome(outcome: Outcome, request: Request) -> dict[str, Any]:
    quantity, tensor, first = outcome.quantity, outcome.tensor, outcome.directions[0]
    names = [phase.name for phase in request.phases]
    resistances = (
        []
        if quantity.resistance is None
        else [
            {"phases": [names[a], names[b]], "area_resistance_ohm_m2": float(quantity.resistance[a, b])}
            for a in range(len(names))
            for b in range(a + 1, len(names))
            if quantity.resistance[a, b] > 0.0
        ]
    )
    return {
        "title": quantity.title,
        "unit": quantity.unit,
        "phases": {names[k]: quantity.sigma[k] for k in quantity.conducting},
        "resistances": resistances,
        "volume_fraction": first.fraction,
        "reference": quantity.reference,
        "mean": first.mean,
        "directions": {AXES[d.transport.axis]: _direction(d) for d in outcome.directions},
        "tensor": None if tensor is None else tensor.tolist(),
    }


def _direction(direction: Direction) -> dict[str, Any]:
    transport = direction.transport
    return {
        "percolates": direction.percolates,
        "effective": transport.value,
        "tortuosity_factor": _finite(direction.tortuosity_factor),
        "bruggeman_exponent": _finite(direction.bruggeman_exponent),
        "macmullin_number": _finite(direction.macmullin_number),
        "formation_factor": _finite(direction.formation_factor),
        "mean_over_effective": _finite(direction.mean_ratio),
        "percolating_share": 1.0 - direction.isolated_share,
        "isolated_share": direction.isolated_share,
        "flux": list(transport.flux),
        "flux_mismatch": _finite(transport.mismatch),
        "iterations": transport.iterations,
        "solver": transport.method,
        "seconds": direction.seconds,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


# ----------------------------------------------------------------------------- names of other programs


def _bpx(study: Study) -> dict[str, Any]:
    """Return the BPX entries of an electrode. In an image that of the one phase that conducts, as its electrolyte."""
    request, areas = study.request, study.areas
    kinds = [phase.kind for phase in request.phases]
    by_name = {outcome.quantity.name: outcome for outcome in study.outcomes}
    found: dict[str, Any] = {}
    ionic = by_name.get("ionic") if any(kinds) else study.outcomes[0]
    if any(kinds):
        found["Thickness [m]"] = request.labels.shape[0] * request.spacing[0]
        electrolyte = tuple(k for k, kind in enumerate(kinds) if kind == "electrolyte")
        if electrolyte:
            found["Porosity"] = sum(study.fractions[k] for k in electrolyte)
        if ionic is not None and ionic.quantity.conducting != electrolyte:
            ionic = None  # not the share of a single electrolyte, which is what a transport efficiency refers to
        if "electronic" in by_name:
            found["Conductivity [S.m-1]"] = by_name["electronic"].through.transport.value
        active = [k for k, kind in enumerate(kinds) if kind == "active"]
        if areas is not None and electrolyte and len(active) == 1:
            found[_AREA] = _touching(study, active[0], electrolyte)
        elif areas is not None and electrolyte:
            found["Particle"] = {request.phases[k].name: {_AREA: _touching(study, k, electrolyte)} for k in active}
    elif ionic is not None and ionic.quantity.reference is not None:
        found["Porosity"] = ionic.through.fraction
        if areas is not None:
            found[_AREA] = areas.corrected_of(ionic.quantity.conducting)
    if ionic is not None and ionic.quantity.reference is not None:
        found["Transport efficiency"] = ionic.through.transport.value / ionic.quantity.reference
    return found


_AREA = "Surface area per unit volume [m-1]"


def _touching(study: Study, phase: int, others: tuple[int, ...]) -> float:
    assert study.areas is not None
    return float(study.areas.corrected[phase, list(others)].sum())


def _pybamm(study: Study) -> dict[str, float]:
    """Return the parameters of a positive electrode; PyBaMM multiplies σ_e by (1 - porosity)^b, so b is zero."""
    bpx, electrode = _bpx(study), "Positive electrode"
    found: dict[str, float] = {}
    if "Thickness [m]" in bpx:
        found[f"{electrode} thickness [m]"] = bpx["Thickness [m]"]
    porosity, efficiency = bpx.get("Porosity"), bpx.get("Transport efficiency")
    if porosity is not None:
        found[f"{electrode} porosity"] = porosity
        if efficiency is not None and efficiency > 0.0 and 0.0 < porosity < 1.0 - 1e-12:
            found[f"{electrode} Bruggeman coefficient (electrolyte)"] = math.log(efficiency) / math.log(porosity)
    active = [k for k, phase in enumerate(study.request.phases) if phase.kind == "active"]
    if len(active) == 1:
        found[f"{electrode} active material volume fraction"] = study.fractions[active[0]]
    if "Conductivity [S.m-1]" in bpx:
        found[f"{electrode} conductivity [S.m-1]"] = bpx["Conductivity [S.m-1]"]
        found[f"{electrode} Bruggeman coefficient (electrode)"] = 0.0
    return found


# ------------------------------------------------------------------------------------------- sentences


def _notes(study: Study) -> list[str]:
    """Say in a sentence each what the numbers leave open."""
    notes = []
    for outcome in study.outcomes:
        quantity, names = outcome.quantity, [phase.name for phase in study.request.phases]
        who = " and ".join(names[k] for k in quantity.conducting)
        stopped = [AXES[d.transport.axis] for d in outcome.directions if not d.percolates]
        if stopped:
            does = "does" if len(quantity.conducting) == 1 else "do"
            notes.append(
                f"{who} {does} not percolate along {', '.join(stopped)}: "
                f"the effective {quantity.title} is zero there and the tortuosity factor infinite."
            )
        if quantity.reference is None:
            differ = len({quantity.sigma[k] for k in quantity.conducting}) > 1
            reasons = ["with different conductivities"] if differ else []
            reasons += ["with resistances in between"] if quantity.resistance is not None else []
            notes.append(
                f"{who} conduct {' and '.join(reasons)}, so that there is no tortuosity factor: "
                "mean/effective is the ratio of the mean conductivity over the volume to the effective one."
            )
    if study.areas is None:
        notes.append("The voxel size is not known (--voxel-size), so no areas are given.")
    return notes
