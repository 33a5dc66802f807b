"""What ``catholyte info`` shows of a run."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from catholyte.report.tables import new_table, pairs
from catholyte.units import from_si

if TYPE_CHECKING:
    from catholyte.results import Results


def run_report(results: Results) -> Group:
    """Return what ``catholyte info`` shows: the outcome of a run and where its voltage went."""
    summary, facts = results.summary(), results.provenance

    basis = tomllib.loads(results.case_text).get("cell", {}).get("mass_basis", "active material")
    mass = basis if isinstance(basis, str) else " and ".join(basis)

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
            number("discharge_energy_Wh_kg", ".1f", f"Wh/kg of {mass} (cell voltage)"),
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
    outcome = pairs("Outcome", [(name, value) for name, value in rows if value])
    return Group(Text(str(facts.get("title", "")), style="bold cyan"), "", outcome, "", _losses(results))


def _before(results: Results, point: int) -> float:
    """Return the charge that had passed before a point [A s/m²]."""
    return float(results.curves["charge"][point - 1]) if point else 0.0


def _join(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _losses(results: Results) -> Table:
    """Tabulate the split of the polarisation at a few states of the last step with current.

    The states are told by the lithiation, or by the charge passed in the step where nothing intercalates.
    """
    import numpy as np

    curves = results.curves
    table = new_table("Where the voltage goes (mV)", "")
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
    x = curves["lithiation"].values[at]
    lithium = bool(np.isfinite(x).all())
    since = from_si(1.0, "mAh/g", "specific capacity") / float(results.provenance["active_areal_mass_kg_m2"])
    capacity = since * np.abs(curves["charge"].values[at] - _before(results, int(last[0])))
    heads = [f"x = {each:.3f}" for each in x] if lithium else [f"{each:.1f} mAh/g" for each in capacity]
    for head in heads:
        table.add_column(head, justify="right")
    for name in curves:
        if str(name).startswith("loss_") and name != "loss_total":
            values = curves[name].values[at] * 1e3
            if np.any(np.abs(values) > 5e-4):
                table.add_row(str(name)[5:], *(f"{value:.3f}" for value in values))
    table.add_row(
        f"sum = U({'mean x' if lithium else 'mean'}) - V", *(f"{1e3 * value:.3f}" for value in total[at]), style="bold"
    )
    return table
