"""Tables as all reports draw them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from catholyte.evaluation.columns import Column

MAH_G = 3600.0  # A s/kg in 1 mAh/g
MAH_CM2 = 3.6e4  # A s/m2 in 1 mAh/cm2
MA_CM2 = 10.0  # A/m2 in 1 mA/cm2


def new_table(title: str, *columns: str, numeric: bool = True) -> Table:
    """Return an empty table; columns behind the first stand to the right if they hold numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for k, column in enumerate(columns):
        table.add_column(column, justify="right" if k and numeric else "left", overflow="fold")
    return table


def pairs(title: str, rows: list[tuple[str, str]]) -> Table:
    """Return a table of names and their values."""
    table = new_table(title, "", "", numeric=False)
    table.show_header = False
    for name, value in rows:
        table.add_row(name, value)
    return table


def length_text(metres: float) -> str:
    """Return a length in um or nm."""
    return f"{metres * 1e6:.4g} um" if metres >= 1e-6 else f"{metres * 1e9:.4g} nm"


def listing(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    """Return a plain table of texts."""
    table = new_table(title, *columns, numeric=False)
    for row in rows:
        table.add_row(*(str(entry) for entry in row))
    return table


def column_table(title: str, columns: Sequence[Column]) -> Table:
    """Return columns with their units as a table; texts stand to the left."""
    table = new_table(title)
    table.collapse_padding = True
    for each in columns:
        number = any(isinstance(entry, float | int) for entry in each.entries)
        # A line a word keeps the columns narrow.
        header = "\n".join([*each.name.split(), each.unit])
        table.add_column(header, justify="right" if number else "left", overflow="fold")
    for row in zip(*(each.texts() for each in columns), strict=True):
        table.add_row(*row)
    return table


def chosen(columns: Sequence[Column], *names: str) -> list[Column]:
    """Return the columns of these names, in this order."""
    by_name = {each.name: each for each in columns}
    return [by_name[name] for name in names]
