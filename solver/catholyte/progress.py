"""A progress bar for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from catholyte.simulation import Update


@contextmanager
def watch(console: Console, *, quiet: bool) -> Iterator[Callable[[Update], None] | None]:
    """Show a bar while a run goes on; yields the function to call after every time step, or None if quiet.

    On a terminal the bar moves; elsewhere one line is printed at the end of every protocol step.
    """
    if quiet:
        yield None
        return
    if not console.is_terminal:
        yield lambda update: _line(console, update) if update.ended is not None else None
        return
    columns = (
        TextColumn("step {task.fields[step]}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("compiling and starting", total=1.0, step="-")

        def show(update: Update) -> None:
            progress.update(
                task,
                completed=update.fraction,
                step=f"{update.step}/{update.n_steps}",
                description=f"{update.voltage:.4f} V  {0.1 * update.current_density:+.4g} mA/cm2  "
                f"t = {update.time:,.0f} s",
            )
            if update.ended is not None:
                _line(progress.console, update)

        yield show


def _line(console: Console, update: Update) -> None:
    console.print(
        f"step {update.step}/{update.n_steps} [dim]{update.text}[/]: {update.ended} "
        f"(t = {update.time:,.0f} s, {update.voltage:.4f} V, utilisation {100 * update.utilisation:.2f} %)",
        highlight=False,
        soft_wrap=True,
    )
