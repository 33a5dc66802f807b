"""What ``catholyte pulses`` and ``catholyte sweeps`` show."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table

from catholyte.evaluation.columns import Column
from catholyte.report.tables import chosen, column_table


def gitt_report(columns: Sequence[Column], *, length: float, origin: str) -> Group:
    """Return the titration pulses, and the length that their diffusivities refer to."""
    doubts = next(each for each in columns if each.name == "doubts").entries
    shown = chosen(
        columns, "pulse", "capacity", "x", "relaxed voltage after", "R0", "dE_s", "dE_t", "R2", "D", "D tau/L2"
    )
    parts: list[Table | str] = [
        column_table("Titration (GITT)", shown),
        "",
        f"D = 4/(pi tau) L^2 (dE_s/dE_t)^2 with L = V/S = {1e6 * length:.4g} um ({origin})",
    ]
    numbers = next(each for each in columns if each.name == "pulse").entries
    by_doubt: dict[str, list[str]] = {}
    for number, words in zip(numbers, doubts, strict=True):
        for doubt in filter(None, str(words).split("; ")):
            by_doubt.setdefault(doubt, []).append(str(number))
    parts += [f"{doubt}: pulse {_ranges(found)}" for doubt, found in by_doubt.items()]
    return Group(*parts)


def hppc_report(columns: Sequence[Column]) -> Table:
    """Return the resistances of HPPC pulses."""
    return column_table("Pulse resistances (HPPC)", [each for each in columns if each.name != "duration"])


def interruption_report(columns: Sequence[Column]) -> Table:
    """Return the resistances of current interruptions."""
    shown = chosen(
        columns,
        "number",
        "utilisation",
        "current density",
        "ohmic drop",
        "relaxation",
        "ohmic resistance",
        "slow resistance",
        "drift at the end",
    )
    return column_table("Current interruptions", shown)


def sweeps_report(sweeps: Sequence[Column], pairs: Sequence[Column]) -> Group:
    """Return the peaks of a voltammogram and what neighbouring sweeps say together."""
    parts: list[Table | str] = [column_table("Sweeps (oxidation positive)", sweeps)]
    if pairs and pairs[0].entries:
        parts += ["", column_table("Pairs of peaks", pairs)]
    return Group(*parts)


def _ranges(numbers: Sequence[str]) -> str:
    """Write numbers as 1–3, 7."""
    runs: list[list[int]] = []
    for number in map(int, numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
