"""Tables of measurements, for the terminal and as Markdown, under a line that says on which machine they were made."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

Row = Mapping[str, Any]
#: a column of words is not squeezed below this
_WORDS = 30


@dataclass(frozen=True)
class Column:
    """One column: which entry of a row it shows, under which heading, in which format."""

    key: str
    heading: str
    form: str = ".3g"

    def text(self, row: Row) -> str:
        """Return the cell of a row; a dash where it has none."""
        value = row.get(self.key)
        if value is None:
            return "–"
        return value if isinstance(value, str) else format(value, self.form)


def show(rows: Sequence[Row], columns: Sequence[Column], *, title: str, markdown: bool = False) -> None:
    """Print rows as a table; columns that no row fills are left out."""
    columns = [column for column in columns if any(row.get(column.key) is not None for row in rows)]
    cells = [[column.text(row) for column in columns] for row in rows]
    if markdown:
        print(f"\n**{title}**\n")
        print("| " + " | ".join(column.heading for column in columns) + " |")
        print("|" + "---|" * len(columns))
        for line in cells:
            print("| " + " | ".join(line) + " |")
        return
    table = Table(title=title, title_justify="left", padding=(0, 0, 0, 1))
    for k, column in enumerate(columns):
        words = all(isinstance(row.get(column.key), str | None) for row in rows)
        table.add_column(
            column.heading,
            justify="left" if words else "right",
            overflow="fold",
            no_wrap=not words or k == 0,
            min_width=min(_WORDS, max(map(len, (line[k] for line in cells)))) if words else None,
        )
    for line in cells:
        table.add_row(*line)
    console = Console()
    # A file or a pipe has no width of its own, and eighty columns would break the numbers.
    (console if console.is_terminal else Console(width=200)).print(table)


def machine(threads: int) -> str:
    """Return processor, memory, versions and threads in one line."""
    parts = [_processor(), f"{os.cpu_count()} cores", f"{_memory():.0f} GiB", f"Python {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("numpy", "scipy", "numba", "catholyte")]
    return ", ".join([*parts, f"{threads} thread{'s' if threads > 1 else ''}"])


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in (described.read_text(encoding="utf-8").splitlines() if described.exists() else [])
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


def _memory() -> float:
    """Return the memory of the machine in GiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
