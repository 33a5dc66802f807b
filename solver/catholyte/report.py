"""Tables for people: what a case amounts to, what a run gave, what a material is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from catholyte.build import Built
    from catholyte.materials import Material
    from catholyte.mesh.images import LabelSummary
    from catholyte.results import Results

_MAH_G = 3600.0  # A s/kg in 1 mAh/g
_MAH_CM2 = 3.6e4  # A s/m2 in 1 mAh/cm2
_MA_CM2 = 10.0  # A/m2 in 1 mA/cm2


def _table(title: str, *columns: str, numeric: bool = True) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for k, column in enumerate(columns):
        table.add_column(column, justify="right" if k and numeric else "left", overflow="fold")
    return table


def _pairs(title: str, rows: list[tuple[str, str]]) -> Table:
    table = _table(title, "", "", numeric=False)
    table.show_header = False
    for name, value in rows:
        table.add_row(name, value)
    return table


def _length(metres: float) -> str:
    return f"{metres * 1e6:.4g} um" if metres >= 1e-6 else f"{metres * 1e9:.4g} nm"


def check_report(built: Built) -> Group:
    """Return what ``catholyte check`` shows: composition, capacity, percolation, size of the computation."""
    design, image = built.design, built.geometry
    composition = _table("Electrode", "phase", "material", "vol %", "mass %", "connected %", "reacting %")
    for name in image.phase_names:
        material = built.materials.get(name)
        share = design.volume_shares.get(name)
        connected, reacting = built.percolation.connected.get(name), built.percolation.reacting.get(name)
        composition.add_row(
            name,
            material.name if material is not None else "void",
            "layer" if share is None else f"{100 * share:.2f}",
            f"{100 * design.mass_shares[name]:.2f}" if name in design.mass_shares else "",
            "" if connected is None or material is None else f"{100 * connected:.2f}",
            "" if reacting is None else f"{100 * reacting:.2f}",
        )
    one_c = design.current_density_1C
    shape = " x ".join(str(n) for n in image.labels.shape)
    spacing = " x ".join(_length(h) for h in dict.fromkeys(image.spacing))
    numbers = _pairs(
        "Derived numbers",
        [
            ("thickness", _length(design.thickness)),
            ("porosity", f"{100 * design.porosity:.2f} %"),
            (
                "mass loading",
                f"{design.areal_mass * 100:.4g} mg/cm2 composite, {design.active_areal_mass * 100:.4g} mg/cm2 active",
            ),
            (
                "theoretical capacity",
                f"{design.theoretical_capacity / _MAH_G:.1f} mAh/g, "
                f"{design.theoretical_areal_capacity / _MAH_CM2:.4g} mAh/cm2",
            ),
            (
                "nominal capacity (1C)",
                f"{design.nominal_capacity / _MAH_G:.1f} mAh/g, {design.areal_capacity / _MAH_CM2:.4g} mAh/cm2",
            ),
            ("1C", f"{one_c / _MA_CM2:.4g} mA/cm2"),
            ("C/10", f"{one_c / _MA_CM2 / 10:.4g} mA/cm2"),
            (
                "initial voltage",
                f"{built.initial_voltage:.4f} V vs Li/Li+, "
                f"{built.initial_voltage - built.counter_potential:.4f} V cell",
            ),
            (
                "initial lithiation",
                ", ".join(f"{x:.4f} ({name})" for name, x in built.initial_lithiation.items()),
            ),
            ("mesh", f"{shape} voxels of {spacing}"),
            ("unknowns", f"{built.unknowns:,}"),
            ("estimated memory", f"{built.estimated_memory / 2**20:,.0f} MiB"),
        ],
    )
    steps = _pairs("Protocol", [(str(k + 1), step.text) for k, (_, _, step) in enumerate(built.experiment)][:20])
    return Group(Text(built.case.title, style="bold cyan"), "", composition, "", numbers, "", steps)


def run_report(results: Results) -> Group:
    """Return what ``catholyte info`` shows: the outcome of a run and where its voltage went."""
    summary, facts = results.summary(), results.provenance

    def number(key: str, form: str, unit: str) -> str:
        value = summary.get(key)
        return "" if value is None else f"{float(value):{form}} {unit}"

    rows = [
        (
            "ended because",
            str(summary.get("end_reason") or "still running, or killed: continue it with --resume"),
        ),
        (
            "discharge capacity",
            _join(
                number("discharge_capacity_mAh_g", ".2f", "mAh/g"),
                number("discharge_capacity_mAh_cm2", ".4g", "mAh/cm2"),
            ),
        ),
        (
            "charge capacity",
            _join(
                number("charge_capacity_mAh_g", ".2f", "mAh/g"),
                number("charge_capacity_mAh_cm2", ".4g", "mAh/cm2"),
            ),
        ),
        (
            "mean discharge voltage",
            _join(
                number("mean_discharge_voltage_vs_Li_V", ".4f", "V vs Li/Li+"),
                number("mean_discharge_cell_voltage_V", ".4f", "V cell"),
            ),
        ),
        (
            "discharge energy",
            number("discharge_energy_Wh_kg", ".1f", "Wh/kg of active material (cell voltage)"),
        ),
        ("final voltage", number("final_voltage_vs_Li_V", ".4f", "V vs Li/Li+")),
        ("simulated time", number("time_s", ",.0f", "s")),
        (
            "effort",
            f"{summary.get('time_steps')} time steps, {summary.get('newton_iterations')} Newton "
            f"and {summary.get('linear_iterations')} linear iterations",
        ),
        (
            "wall time, peak memory",
            _join(number("wall_time_s", ".1f", "s"), number("peak_memory_MiB", ".0f", "MiB")),
        ),
        ("unknowns", f"{facts.get('unknowns', 0):,}"),
        ("mesh sha256", str(facts.get("mesh_sha256", ""))[:16] + "…"),
        ("versions", ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items())),
    ]
    outcome = _pairs("Outcome", [(name, value) for name, value in rows if value])
    return Group(Text(str(facts.get("title", "")), style="bold cyan"), "", outcome, "", _losses(results))


def _join(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _losses(results: Results) -> Table:
    """Tabulate the split of the polarisation at a few states of the last step with current."""
    import numpy as np

    curves = results.curves
    table = _table("Where the voltage goes (mV)", "")
    total = curves["loss_total"].values
    flowing = np.flatnonzero(np.isfinite(curves["loss_reaction"].values))
    if flowing.size == 0:
        return table
    last = flowing[curves["step_index"].values[flowing] == curves["step_index"].values[flowing[-1]]]
    last = last[curves["cycle_index"].values[last] == curves["cycle_index"].values[flowing[-1]]]
    passed = curves["charge"].values[last]
    wanted = passed[0] + np.array([0.0, 0.25, 0.5, 0.75, 1.0]) * (passed[-1] - passed[0])
    at = [int(last[np.argmin(np.abs(passed - value))]) for value in wanted]
    at = list(dict.fromkeys(at))
    for k in at:
        table.add_column(f"x = {curves['lithiation'].values[k]:.3f}", justify="right")
    for name in curves:
        if str(name).startswith("loss_") and name != "loss_total":
            values = curves[name].values[at] * 1e3
            if np.any(np.abs(values) > 5e-4):
                table.add_row(str(name)[5:], *(f"{value:.3f}" for value in values))
    table.add_row("sum = U(mean x) - V", *(f"{1e3 * value:.3f}" for value in total[at]), style="bold")
    return table


def material_report(material: Material) -> Group:
    """Return the values of a material with their sources."""
    table = _table(
        f"{material.name}  {material.formula}  ({material.kind})",
        "property",
        "value",
        "source",
        numeric=False,
    )
    for name, value in material.properties.items():
        table.add_row(name, value.text, value.source or f"assumed: {value.assumed}")
        if value.activation_energy is not None:
            origin = str(value.activation_energy_origin)
            table.add_row("  activation energy", f"{value.activation_energy / 96485.33212:.3g} eV", origin)
    if material.equilibrium_potential is not None:
        table.add_row("equilibrium potential", "U(x)", str(material.equilibrium_origin))
    if material.kinetics is not None:
        law = ", ".join(f"{key} {value}" for key, value in material.kinetics.items())
        table.add_row("kinetics", law, str(material.kinetics_origin))
    return Group(Text(material.description), "", table)


def image_report(labels: Mapping[int, LabelSummary], shape: tuple[int, ...]) -> Group:
    """Return what ``catholyte mesh inspect`` shows of an image."""
    table = _table("Labels", "label", "voxels", "vol %", "clusters", "largest %", "percolates")
    for label, summary in labels.items():
        through = "".join(axis if yes else "-" for axis, yes in zip("zyx", summary.percolates, strict=True))
        table.add_row(
            str(label),
            f"{summary.voxels:,}",
            f"{100 * summary.fraction:.3f}",
            f"{summary.clusters:,}",
            f"{100 * summary.largest_share:.2f}",
            through,
        )
    return Group(" x ".join(str(n) for n in shape) + " voxels (z, y, x)", "", table)


def listing(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    """Return a plain table of texts."""
    table = _table(title, *columns, numeric=False)
    for row in rows:
        table.add_row(*(str(entry) for entry in row))
    return table


def effective_report(facts: Mapping[str, Any]) -> Group:
    """Return what ``catholyte effective`` shows of its summary."""
    edges = facts["voxel_size_m"]
    size = "voxel size not known" if edges is None else "voxels of " + " x ".join(map(_length, dict.fromkeys(edges)))
    shape = " x ".join(str(n) for n in facts["shape"])
    parts: list[Any] = [
        Text(facts["source"], style="bold cyan"),
        f"{shape} (z, y, x), {size}, {facts['walls']} walls",
        "",
    ]
    parts += [_phase_areas(facts), ""]
    if facts["interfaces"]:
        between = _table("Interfaces", "between", "counted 1/um", "corrected 1/um")
        for pair in facts["interfaces"]:
            between.add_row(" | ".join(pair["phases"]), _per_um(pair, "counted"), _per_um(pair, "corrected"))
        parts += [between, ""]
    for outcome in facts["transport"].values():
        parts += [_directions(outcome), ""]
        if outcome["tensor"] is not None:
            unit = "" if outcome["unit"] == "1" else f" in {outcome['unit']}"
            tensor = _table(f"Tensor{unit}", "flux along, for a gradient along:", "z", "y", "x")
            for name, row in zip("zyx", outcome["tensor"], strict=True):
                tensor.add_row(name, *(f"{value:.5g}" for value in row))
            parts += [tensor, ""]
    return Group(*parts, *map(Text, facts["notes"]))


def _phase_areas(facts: Mapping[str, Any]) -> Table:
    labelled = any(phase["label"] is not None for phase in facts["phases"])
    table = _table("Phases", "phase", *(("label",) if labelled else ()), "vol %", "area 1/um counted", "corrected")
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
    table = _table(f"{outcome['title'].capitalize()} ({what})", *columns)
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
