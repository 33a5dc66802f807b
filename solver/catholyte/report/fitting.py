"""What ``catholyte fit`` shows."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table

from catholyte.fitting.evaluate import Evaluation
from catholyte.fitting.outcome import Outcome
from catholyte.fitting.request import Fit
from catholyte.report.tables import column_table


def evaluation_line(evaluation: Evaluation, fit: Fit) -> str:
    """Return one evaluation in a line."""
    values = ", ".join(
        f"{each.name} {each.value(z):.4g} {each.unit}".strip()
        for each, z in zip(fit.parameters, evaluation.z, strict=True)
    )
    told = evaluation.problem or f"chi² {evaluation.chi_squared:.5g}"
    return f"{evaluation.number:>3}  {told}  at {values}{'  (kept)' if evaluation.kept else ''}"


def fit_report(found: Outcome) -> Group:
    """Return the parameters with their errors, their correlations, and how near each target is."""
    parts: list[Table | str] = [column_table("Parameters", found.parameters()), ""]
    if len(found.fit.parameters) > 1:
        parts += [column_table("Correlations", found.correlations()), ""]
    parts += [column_table("Targets", found.targets()), "", *found.remarks()]
    return Group(*parts)
