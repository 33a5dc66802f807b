"""What ``catholyte validate`` shows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table

from catholyte.report.tables import chosen, column_table
from catholyte.validation.compare import Answer
from catholyte.validation.table import answer_columns


def validation_report(answers: Sequence[Answer]) -> Group:
    """Return measured beside computed values, what could not be answered, and how many are within tolerance."""
    columns = chosen(answer_columns(answers), "row", "use", "unit", "measured", "computed", "relative", "within")
    parts: list[Table | str] = [column_table("Computed beside measured", columns)]
    remarks = [
        f"{each.row.id} ({each.case}): {each.problem or each.note}" for each in answers if each.problem or each.note
    ]
    if remarks:
        parts += ["", *remarks]
    told = []
    for use, word in (("calibrate", "calibrated"), ("predict", "predicted")):
        judged = [v.within for each in answers if each.row.use == use for v in each.verdicts if v.within is not None]
        if judged:
            told.append(f"{sum(judged)} of {len(judged)} {word} values within tolerance")
    if told:
        parts += ["", "; ".join(told)]
    return Group(*parts)
