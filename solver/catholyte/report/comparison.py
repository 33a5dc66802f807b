"""What ``catholyte rates`` and ``catholyte compare`` show."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table

from catholyte.evaluation.basis import Basis
from catholyte.evaluation.columns import Column, column
from catholyte.evaluation.comparison import Comparison, Distance
from catholyte.report.tables import column_table, pairs


def rates_report(columns: Sequence[Column], basis: Basis, direction: str) -> Table:
    """Return the points of a rate test."""
    return column_table(f"Rate capability: {direction}, {basis.words}", columns)


def comparison_columns(found: Sequence[Comparison], basis: Basis) -> list[Column]:
    """Return the distances of half-cycles as columns."""
    unit = basis.capacity_unit
    return [
        column("half-cycle", "", (f"{each.computed.direction} {each.number}" for each in found)),
        column("rms", "mV", (1e3 * each.distance.rms for each in found)),
        column("mean", "mV", (1e3 * each.distance.mean for each in found)),
        column("largest", "mV", (1e3 * each.distance.largest for each in found)),
        column("at", unit, (basis.capacity(each.distance.where) for each in found)),
        column("common range to", unit, (basis.capacity(each.distance.last) for each in found)),
        column("cut-off", "V", (each.cut_off for each in found), ".4f"),
        column("computed capacity", unit, (basis.capacity(each.at_cut_off[0]) for each in found)),
        column("measured capacity", unit, (basis.capacity(each.at_cut_off[1]) for each in found)),
        column("difference", "%", (100.0 * each.relative for each in found), ".2f"),
    ]


def comparison_report(columns: Sequence[Column]) -> Group:
    """Return the distances of half-cycles."""
    return Group(
        column_table("Computed less measured, over capacity", columns[:6]),
        "",
        column_table("Capacity at the cut-off that both reach", [columns[0], *columns[6:]]),
    )


def time_report(found: Distance) -> Table:
    """Return the distance of two curves over time."""
    return pairs(
        "Computed less measured, over time",
        [
            ("rms", f"{1e3 * found.rms:.4g} mV"),
            ("mean", f"{1e3 * found.mean:.4g} mV"),
            ("largest", f"{1e3 * found.largest:.4g} mV at {found.where:.6g} s"),
            ("common range", f"{found.first:.6g} … {found.last:.6g} s"),
        ],
    )
