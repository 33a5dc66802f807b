"""How far a run is: a bar on a terminal, a line a step elsewhere, and a plain file for clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from catholyte.errors import InputError

if TYPE_CHECKING:
    from catholyte.simulation import Update

Display = Callable[["Update"], None]

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


class Remaining:
    """Estimates wall times by proportion: what is left takes as long as what was done, part for part.

    Attributes
    ----------
    step, run
        Wall time in s until the end of the present step and of the run; None where there is nothing to go by.
    """

    def __init__(self) -> None:
        self.step: float | None = None
        self.run: float | None = None
        self._step_origin = (0, 0.0, 0.0)  # number, wall time and part done when it was first seen
        self._run_origin: tuple[float, float] | None = None
        self._wall_time: float | None = None

    def see(self, update: Update) -> None:
        """Take another time step into account."""
        now = update.wall_time
        if update.step != self._step_origin[0]:
            # A step is first heard of when a part of it is done; it began with the last word of the one before. Of
            # a resumed step only what is done from now on tells how fast it goes.
            if self._wall_time is None:
                self._step_origin = (update.step, now, update.fraction)
            else:
                self._step_origin = (update.step, self._wall_time, 0.0)
        self.step = _left(now - self._step_origin[1], update.fraction, self._step_origin[2])
        if update.progress is None:
            self.run = None
        else:
            if self._run_origin is None:
                self._run_origin = (now, update.progress)
            self.run = _left(now - self._run_origin[0], update.progress, self._run_origin[1])
        self._wall_time = now


def _left(spent: float, done: float, before: float) -> float | None:
    return spent * (1.0 - done) / (done - before) if done > before and spent > 0.0 else None


@contextmanager
def watch(console: Console, *, quiet: bool, log: Path | None = None, every: float = 0.0) -> Iterator[Display | None]:
    """Show how a run goes on; yields the function to call after every time step, None if there is nothing to do.

    On a terminal a bar moves; elsewhere one line is printed at the end of every protocol step.

    Parameters
    ----------
    console
        Where to.
    quiet
        Shows nothing; a log is written all the same.
    log
        File to which plain lines are appended; see :func:`log_line`.
    every
        Wall time between two lines of the log in s; 0 for a line every time step. Steps that end always have one.

    Raises
    ------
    InputError
        If the log cannot be written.
    """
    remaining = Remaining()
    displays: list[Display] = [remaining.see]
    with ExitStack() as stack:
        if log is not None:
            displays.append(_log(stack.enter_context(_appended(log)), remaining, every))
        if not quiet:
            displays.append(stack.enter_context(_bar(console, remaining)) if console.is_terminal else _lines(console))

        def show(update: Update) -> None:
            for display in displays:
                display(update)

        yield show if len(displays) > 1 else None


def log_line(update: Update, remaining: Remaining) -> str:
    """Return one line of a log: printable characters only, the same fields in the same order.

    ``wall`` is the wall time, ``t`` the simulated one, both in s; ``left`` the estimated wall time of the present step
    and, behind the slash, of the run; a dash where there is no estimate.
    """
    fields = (
        f"wall {update.wall_time:.1f}",
        f"step {_number(update)}",
        f"cycle {update.cycle}",
        f"t {update.time:.9g}",
        f"V {update.voltage:.5f}",
        f"mA/cm2 {0.1 * update.current_density:+.5g}",
        f"utilisation {update.utilisation:.5f}",
        f"done {100.0 * update.fraction:.1f}%"
        + ("" if update.progress is None else f"/{100.0 * update.progress:.1f}%"),
        f"left {_seconds(remaining.step)}/{_seconds(remaining.run)}",
    )
    words = [update.text] if update.spectrum is None else [update.text, update.spectrum]
    if update.ended is not None:
        words.append(f"ended: {update.ended}")
    return _printable("  ".join((*fields, " | ".join(words))))


def duration_text(seconds: float) -> str:
    """Return a duration in its two largest units: 42 s, 3 min 5 s, 2 h 10 min, 1 d 3 h."""
    whole = round(seconds)
    for unit, name, smaller, smaller_name in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1.0, "s"),
    ):
        if whole >= unit:
            return f"{int(whole // unit)} {name} {int(whole % unit // smaller)} {smaller_name}"
    return f"{whole} s"


@contextmanager
def _bar(console: Console, remaining: Remaining) -> Iterator[Display]:
    """Show a bar of the run, or of the present step where the length of the run is not known."""
    columns = (
        TextColumn("step {task.fields[step]}"),
        BarColumn(bar_width=24),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("compiling and starting", total=1.0, step="-", left="")

        def show(update: Update) -> None:
            now = f"{update.voltage:.4f} V  {0.1 * update.current_density:+.4g} mA/cm2  t = {update.time:,.0f} s"
            progress.update(
                task,
                completed=update.fraction if update.progress is None else update.progress,
                step=_number(update),
                description=escape(now if update.spectrum is None else update.spectrum),
                left=_left_text(remaining),
            )
            if update.ended is not None:
                _line(progress.console, update)

        yield show


def _lines(console: Console) -> Display:
    return lambda update: _line(console, update) if update.ended is not None else None


def _line(console: Console, update: Update) -> None:
    console.print(
        f"step {_number(update)} [dim]{escape(update.text)}[/]: {escape(str(update.ended))} "
        f"(t = {update.time:,.0f} s, {update.voltage:.4f} V, utilisation {100 * update.utilisation:.2f} %)",
        highlight=False,
        soft_wrap=True,
    )


@contextmanager
def _appended(path: Path) -> Iterator[TextIO]:
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise InputError("--log", str(path), f"a file that can be written ({error.strerror})") from error
    with file:
        yield file


def _log(file: TextIO, remaining: Remaining, every: float) -> Display:
    written: float | None = None

    def show(update: Update) -> None:
        nonlocal written
        if written is None or update.ended is not None or update.wall_time - written >= every:
            written = update.wall_time
            file.write(log_line(update, remaining) + "\n")
            file.flush()

    return show


def _number(update: Update) -> str:
    return str(update.step) if update.n_steps is None else f"{update.step}/{update.n_steps}"


def _left_text(remaining: Remaining) -> str:
    if remaining.run is not None:
        return f"{duration_text(remaining.run)} left"
    return "" if remaining.step is None else f"{duration_text(remaining.step)} left of the step"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
