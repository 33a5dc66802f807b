"""The table of a study: as columns, and as a part of a page that is written anew between two marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from catholyte.errors import InputError
from catholyte.evaluation.columns import Column, column
from catholyte.validation.compare import Answer, Verdict
from catholyte.validation.rows import Row
from catholyte.validation.runs import replace_text

_USES = {"calibrate": "calibrated", "predict": "predicted", "blind": "blind"}


def answer_columns(answers: Sequence[Answer]) -> list[Column]:
    """Return a row a number; a row without an answer has its problem in the last column."""
    lines = [(each, verdict) for each in answers for verdict in each.verdicts or (None,)]
    return [
        column("row", "", (name(each, verdict) for each, verdict in lines)),
        column("use", "", (_USES[each.row.use] for each, _ in lines)),
        column("unit", "", (each.row.unit for each, _ in lines)),
        column("measured", "", (_measured(each.row, verdict) for each, verdict in lines)),
        column("computed", "", (None if verdict is None else verdict.computed for _, verdict in lines)),
        column("deviation", "", (math.nan if verdict is None else verdict.deviation for _, verdict in lines), "+.3g"),
        column("relative", "%", (math.nan if v is None else 100.0 * v.relative for _, v in lines), "+.1f"),
        column("within", "", (_within(verdict) for _, verdict in lines)),
        column("case", "", (each.case for each, _ in lines)),
        column("remark", "", (each.problem or each.note for each, _ in lines)),
    ]


def name(answer: Answer, verdict: Verdict | None) -> str:
    """Return what a number is called: the id of its row, and its name within that."""
    return f"{answer.row.id} {verdict.name}".strip() if verdict is not None else answer.row.id


def _measured(row: Row, verdict: Verdict | None) -> str | None:
    if verdict is None:
        values = [f"{value:.4g}" for item in row.items for value in item.measured or ()]
        return (" … " if row.is_range else ", ").join(values) or None
    if isinstance(verdict.measured, tuple):
        return " … ".join(f"{value:.4g}" for value in verdict.measured)
    if verdict.measured is None:
        return None
    off = "" if row.uncertainty is None else f" ± {row.uncertainty.of(verdict.measured):.3g}"
    return f"{verdict.measured:.4g}{off}"


def _within(verdict: Verdict | None) -> str | None:
    return None if verdict is None or verdict.within is None else ("yes" if verdict.within else "no")


def marks(name: str) -> tuple[str, str]:
    """Return the lines between which the table of a study stands in a page."""
    return f"<!-- validation {name}: written by catholyte validate -->", f"<!-- end of validation {name} -->"


def check_page(path: Path, name: str) -> None:
    """Check that a page can take the table of a study, before anything is computed.

    Raises
    ------
    InputError
        If it is no .md file, or is there without the marks.
    """
    if path.suffix != ".md":
        raise InputError("--write", str(path), "a page in Markdown (.md)")
    if path.exists():
        begin, end = marks(name)
        text = path.read_text(encoding="utf-8")
        if not 0 <= text.find(begin) < text.find(end):
            raise InputError("--write", str(path), f"a page with the lines {begin!r} and {end!r}, or a new one")


def write_page(path: Path, name: str, answers: Sequence[Answer], picture: Path | None) -> None:
    """Write the table between its marks; what else the page says stays. A page that is missing is made.

    The picture, if there is one, stands beside the page.

    Raises
    ------
    InputError
        As of :func:`check_page`.
    """
    check_page(path, name)
    begin, end = marks(name)
    drawn = "" if picture is None else f"\n\n![Measured and computed]({picture.name})"
    table = f"{begin}\n{markdown(answers)}{drawn}\n{end}"
    if path.exists():
        before, _, rest = path.read_text(encoding="utf-8").partition(begin)
        text = before + table + rest.partition(end)[2]
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = f"# Validation: {name}\n\n{table}\n"
    replace_text(path, text)


def markdown(answers: Sequence[Answer]) -> str:
    """Return the table in Markdown, without columns that nothing stands in."""
    columns = [each for each in answer_columns(answers) if any(text not in ("–", "") for text in each.texts())]
    return markdown_table(columns)


def markdown_table(columns: Sequence[Column]) -> str:
    """Return columns in Markdown, numbers to the right."""
    header = [f"{each.name} ({each.unit})" if each.unit else each.name for each in columns]
    right = [any(isinstance(entry, float | int) for entry in each.entries) for each in columns]
    lines = [header, ["---:" if number else "---" for number in right]]
    lines += [[_cell(text) for text in row] for row in zip(*(each.texts() for each in columns), strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
