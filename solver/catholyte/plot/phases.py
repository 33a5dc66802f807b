"""What kind each phase is, and the colour it has in every picture."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

import numpy as np

from catholyte.errors import InputError
from catholyte.materials import load_material
from catholyte.plot.stored import species_fields
from catholyte.plot.style import OKABE_ITO
from catholyte.results import Results

#: kind -> colours of its first, second, … phase
_COLOURS: dict[str, tuple[str, ...]] = {
    "active": (OKABE_ITO["blue"], OKABE_ITO["vermilion"], OKABE_ITO["green"], OKABE_ITO["purple"]),
    "electrolyte": ("#DCDCDC", "#EBE6D2", "#D3DEE6", "#E8D9D9"),
    "conductor": ("#3A3A3A", "#77706A", "#5A4A42"),
    "void": ("#FFFFFF",),
}

#: layers that the case adds to the image have a colour of their own, whatever else is there
_LAYERS = {"separator": "#B9C3CA", "collector": "#93939B"}

#: active material that takes no part because it has no path to the collector or to the counter electrode
ISOLATED = "#A79BA8"


def phase_kinds(results: Results) -> dict[str, str]:
    """Return the kind of every phase: active, electrolyte, conductor or void.

    The fields tell it: lithium or species are stored in active material, ions flow in an electrolyte, electrons
    alone in a conductor. Phases without a cell (void, grains that take no part) are looked up in the case.
    """
    mesh = results.mesh
    kinds: dict[str, str] = {}
    if results.counts.frames:
        defined = {
            name: np.isfinite(results.fields[name].isel(frame=0).to_numpy())
            for name in ("x", "phi_i", "phi_e")
            if name in results.fields
        }
        species = np.zeros(mesh.n_cells, dtype=bool)
        for name in species_fields(results):
            species |= np.isfinite(results.fields[name].isel(frame=0).to_numpy())
        # species that share their cells with electrons are those of an active material, others of an electrolyte
        if "phi_e" in defined:
            defined["x"] = defined.get("x", np.zeros_like(species)) | (species & defined["phi_e"])
        for index, phase in enumerate(mesh.phase_names):
            cells = mesh.cell_phase == index
            for field, kind in (("x", "active"), ("phi_i", "electrolyte"), ("phi_e", "conductor")):
                if field in defined and defined[field][cells].any():
                    kinds[phase] = kind
                    break
    stated = _stated_kinds(results)
    return {name: kinds.get(name) or stated.get(name, "void") for name in mesh.phase_names}


def _stated_kinds(results: Results) -> dict[str, str]:
    """Return the kinds of the phases whose material the case names and the library knows."""
    kinds = {"separator": "electrolyte", "collector": "conductor"}
    for name, phase in tomllib.loads(results.case_text).get("phases", {}).items():
        if not isinstance(phase, dict) or not isinstance(phase.get("material"), str):
            continue
        if phase["material"] == "void":
            kinds[name] = "void"
            continue
        try:
            kinds[name] = load_material(phase["material"]).kind
        except InputError:  # a file of the user's that is not where the result is
            continue
    return kinds


def phase_colours(results: Results) -> dict[str, str]:
    """Return the colour of every phase, by its kind and its place among the phases of that kind."""
    return colours_of_kinds(phase_kinds(results))


def colours_of_kinds(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return the colour of every phase whose kind is given, by name."""
    colours: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name, kind in kinds.items():
        if name in _LAYERS:
            colours[name] = _LAYERS[name]
            continue
        count = counts.get(kind, 0)
        colours[name] = _COLOURS[kind][count % len(_COLOURS[kind])]
        counts[kind] = count + 1
    return colours
