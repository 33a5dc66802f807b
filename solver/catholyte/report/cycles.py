"""What ``catholyte cycles`` shows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table

from catholyte.evaluation.basis import Basis
from catholyte.evaluation.columns import Column, column
from catholyte.evaluation.cycles import Cycle, cycle_columns, first_cycle_loss
from catholyte.evaluation.derivative import Derivative
from catholyte.report.tables import chosen, column_table

_AGAINST = {"cell": "the counter electrode", "li": "Li/Li+"}


def cycles_report(table: Sequence[Cycle], basis: Basis, *, against: str) -> Group:
    """Return the cycles in two tables, and how much the first one lost."""
    columns = cycle_columns(table, basis)
    passed = chosen(
        columns,
        "cycle",
        "discharge capacity",
        "charge capacity",
        "Coulombic efficiency",
        "retention",
        "discharge energy",
        "charge energy",
        "energy efficiency",
    )
    voltages = chosen(
        columns,
        "cycle",
        "mean discharge voltage",
        "mean charge voltage",
        "voltage efficiency",
        "end of discharge",
        "end of charge",
        "duration",
    )
    parts: list[Table | str] = [
        column_table(f"Capacity and energy {basis.words}", passed),
        "",
        column_table(f"Voltages against {_AGAINST[against]}", voltages),
    ]
    loss = first_cycle_loss(table)
    if loss is not None:
        share = 1.0 - next(cycle.coulombic_efficiency for cycle in table if cycle.preceding and cycle.discharge)
        lost = f"{basis.capacity(loss):.4g} {basis.capacity_unit}"
        parts += ["", f"first-cycle loss {lost} ({100.0 * share:.2f} % of the charge)"]
    parts += ["", "efficiencies: discharge over the charge that precedes it"]
    return Group(*parts)


def peaks_report(curves: Sequence[tuple[str, Derivative]]) -> Table:
    """Return the peaks of dQ/dV, a row each."""
    return column_table("Peaks of dQ/dV", peak_columns(curves))


def peak_columns(curves: Sequence[tuple[str, Derivative]]) -> list[Column]:
    """Return the peaks of dQ/dV of named half-cycles as columns."""
    rows = [(name, peak) for name, curve in curves for peak in curve.peaks]
    return [
        column("half-cycle", "", (name for name, _ in rows)),
        column("voltage", "V", (peak.voltage for _, peak in rows), ".4f"),
        column("dQ/dV", "mAh/g/V", (peak.height for _, peak in rows)),
        column("width", "mV", (1e3 * peak.width for _, peak in rows)),
        column("charge within", "mAh/g", (peak.charge for _, peak in rows)),
    ]
