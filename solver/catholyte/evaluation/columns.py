"""A table as named columns with units, for the screen and for a .csv file."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

Entry = float | int | str | None


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    name
        What it holds, in words.
    unit
        Its unit; empty where there is none.
    entries
        One a row; None and NaN where there is no value.
    form
        How a number is shown on the screen, as in ``format(number, form)``.
    """

    name: str
    unit: str
    entries: tuple[Entry, ...]
    form: str = ".4g"

    @property
    def header(self) -> str:
        """Name and unit, as the Battery Data Format writes them."""
        return f"{self.name} / {self.unit}" if self.unit else self.name

    def texts(self) -> list[str]:
        """Return the entries as they are shown on the screen."""
        return ["–" if _missing(entry) else _shown(entry, self.form) for entry in self.entries]


def column(name: str, unit: str, entries: Iterable[Entry], form: str = ".4g") -> Column:
    """Return a column of what an iterable gives."""
    return Column(name, unit, tuple(entries), form)


def write_csv(path: Path, columns: Sequence[Column]) -> None:
    """Write a table; values that are missing stay empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([each.header for each in columns])
        for row in zip(*(each.entries for each in columns), strict=True):
            rows.writerow(["" if _missing(entry) else _exact(entry) for entry in row])


def _missing(entry: Entry) -> bool:
    return entry is None or (isinstance(entry, float) and math.isnan(entry))


def _shown(entry: Entry, form: str) -> str:
    return format(entry, form) if isinstance(entry, float) else str(entry)


def _exact(entry: Entry) -> str:
    return f"{entry:.12g}" if isinstance(entry, float) else str(entry)
