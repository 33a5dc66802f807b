"""What ``catholyte effective`` shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from catholyte.report.tables import length_text, new_table


def effective_report(facts: Mapping[str, Any]) -> Group:
    """Return what ``catholyte effective`` shows of its summary."""
    edges = facts["voxel_size_m"]
    size = (
        "voxel size not known" if edges is None else "voxels of " + " x ".join(map(length_text, dict.fromkeys(edges)))
    )
    shape = " x ".join(str(n) for n in facts["shape"])
    parts: list[Any] = [
        Text(facts["source"], style="bold cyan"),
        f"{shape} (z, y, x), {size}, {facts['walls']} walls",
        "",
    ]
    parts += [_phase_areas(facts), ""]
    if facts["interfaces"]:
        between = new_table("Interfaces", "between", "counted 1/um", "corrected 1/um")
        for pair in facts["interfaces"]:
            between.add_row(" | ".join(pair["phases"]), _per_um(pair, "counted"), _per_um(pair, "corrected"))
        parts += [between, ""]
    for outcome in facts["transport"].values():
        parts += [_directions(outcome), ""]
        if outcome["tensor"] is not None:
            unit = "" if outcome["unit"] == "1" else f" in {outcome['unit']}"
            tensor = new_table(f"Tensor{unit}", "flux along, for a gradient along:", "z", "y", "x")
            for name, row in zip("zyx", outcome["tensor"], strict=True):
                tensor.add_row(name, *(f"{value:.5g}" for value in row))
            parts += [tensor, ""]
    return Group(*parts, *map(Text, facts["notes"]))


def _phase_areas(facts: Mapping[str, Any]) -> Table:
    labelled = any(phase["label"] is not None for phase in facts["phases"])
    table = new_table("Phases", "phase", *(("label",) if labelled else ()), "vol %", "area 1/um counted", "corrected")
    for phase in facts["phases"]:
        table.add_row(
            phase["name"],
            *((str(phase["label"]),) if labelled else ()),
            f"{100 * phase['volume_fraction']:.3f}",
            _per_um(phase, "counted"),
            _per_um(phase, "corrected"),
        )
    return table


def _per_um(entry: Mapping[str, Any], how: str) -> str:
    value = entry[f"area_{how}_per_m"]
    return "" if value is None else f"{1e-6 * value:.4g}"


def _directions(outcome: Mapping[str, Any]) -> Table:
    ratios = {"tau": "tortuosity_factor", "alpha": "bruggeman_exponent", "N_M": "macmullin_number"}
    if outcome["reference"] is None:
        ratios = {"mean/eff": "mean_over_effective", "max/eff": "formation_factor"}
    unit = "" if outcome["unit"] == "1" else f" {outcome['unit']}"
    what = ", ".join(f"{name}: {value:.4g}{unit}" for name, value in outcome["phases"].items())
    columns = ("along", f"effective{unit}", *ratios, "isolated %", "mismatch", "iter.")
    table = new_table(f"{outcome['title'].capitalize()} ({what})", *columns)
    for axis, found in outcome["directions"].items():
        shown = ["∞" if not found["percolates"] else _short(found[key]) for key in ratios.values()]
        mismatch = "" if found["flux_mismatch"] is None else f"{found['flux_mismatch']:.1e}"
        isolated = f"{100 * found['isolated_share']:.3f}"
        table.add_row(axis, f"{found['effective']:.6g}", *shown, isolated, mismatch, str(found["iterations"]))
    methods = dict.fromkeys(found["solver"] for found in outcome["directions"].values())
    seconds = sum(found["seconds"] for found in outcome["directions"].values())
    table.caption = f"{', '.join(methods)}; {seconds:.2f} s"
    table.caption_justify = "left"
    return table


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}"
