"""Pictures of the design map: utilisation over the groups, and thickness against rate of the rows of the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from benchmarks.design_map_rows import Row
from catholyte.plot.style import OKABE_ITO, REFERENCE, new_figure, open_frame, sequence, styled

_DPI = 200
_LEAST = 0.02  # of the groups shown


class Point(Protocol):
    """A run: its groups and its utilisation."""

    @property
    def W_i(self) -> float: ...
    @property
    def W_e(self) -> float: ...
    @property
    def used(self) -> float: ...


def draw_map(path: Path, mapped: Sequence[Point], plane: Sequence[Point], rows: Sequence[Row]) -> None:
    """Draw utilisation over W of all runs, and over both groups with the rows of the table."""
    with styled():
        figure = new_figure(7.2, 3.3)
        left, right = figure.subplots(1, 2)
        _collapse(left, mapped)
        _plane(right, plane, rows)
        _save(figure, path)


def _collapse(axes: Axes, mapped: Sequence[Point]) -> None:
    W = np.array([run.W_i + run.W_e for run in mapped])
    ions = np.array([run.W_e for run in mapped]) / W
    used = np.array([run.used for run in mapped])
    bands = (
        (ions < 0.05, "vermilion", "electrons mobile"),
        ((ions >= 0.05) & (ions <= 0.95), "blue", "both count"),
        (ions > 0.95, "green", "ions mobile"),
    )
    line = np.geomspace(_LEAST, 3.0, 200)
    axes.plot(line, 1.0 - line / 3.0, color=REFERENCE, label=r"$1 - W/3$")
    sand = np.geomspace(2.0, 40.0, 100)
    axes.plot(sand, np.pi / (4.0 * sand), color=REFERENCE, linestyle=":", label=r"$\pi/4W$")
    for chosen, colour, name in bands:
        axes.plot(W[chosen], used[chosen], "o", ms=3.0, mfc="none", mew=0.8, color=OKABE_ITO[colour], label=name)
    axes.set(xscale="log", xlim=(_LEAST, 40.0), ylim=(-0.02, 1.02))
    axes.set(xlabel=r"$W = iL/\sigma_\mathrm{i}\Delta U + iL/\sigma_\mathrm{e}\Delta U$", ylabel="utilisation")
    axes.set_title("a   discharge to a voltage", loc="left")
    axes.legend(loc="lower left")
    open_frame(axes)


def _plane(axes: Axes, plane: Sequence[Point], rows: Sequence[Row]) -> None:
    levels = np.unique([round(run.W_i, 12) for run in plane])
    at = {(round(run.W_i, 12), round(run.W_e, 12)): run.used for run in plane}
    used = np.array([[at[ion, electron] for ion in levels] for electron in levels])
    steps = np.linspace(0.0, 1.0, 11)
    filled = axes.contourf(levels, levels, used, levels=steps, cmap="viridis")
    axes.contour(levels, levels, used, levels=[0.8], colors="black", linewidths=1.4)
    for row in rows:
        if row.W_i is not None and row.W_e is not None:
            x, y = max(row.W_i, 1.05 * _LEAST), max(row.W_e, 1.05 * _LEAST)
            axes.plot(x, y, "o", ms=4.0, color="white", mec="black", mew=0.7, clip_on=False, zorder=3)
    axes.set(xscale="log", yscale="log", xlim=(levels[0], levels[-1]), ylim=(levels[0], levels[-1]), aspect="equal")
    axes.set(xlabel=r"ions, $iL/\sigma_\mathrm{i}\Delta U$", ylabel=r"electrons, $iL/\sigma_\mathrm{e}\Delta U$")
    axes.set_title("b   until a face is full", loc="left")
    axes.figure.colorbar(filled, ax=axes, label="utilisation", ticks=steps[::2], shrink=0.9)


def draw_rows(path: Path, rows: Sequence[Row]) -> None:
    """Draw the thickness up to which 80 % are used against the rate, a line a row."""
    known = sorted((row for row in rows if row.thickness is not None), key=lambda row: -float(row.thickness or 0.0))
    missing = [row.name for row in rows if row.thickness is None]
    rates = np.array([0.05, 20.0])
    with styled():
        figure = new_figure(6.6, 4.4)
        axes = figure.subplots()
        at_end = []
        for row, colour in zip(known, sequence(len(known)), strict=True):
            assert row.thickness is not None
            line = row.thickness * 1e6 / np.sqrt(rates)
            axes.plot(rates, line, color=colour, linestyle="--" if row.sigma_e is None else "-")
            axes.plot([1.0], [row.thickness * 1e6], "o", ms=3.5, color=colour)
            at_end.append((float(line[-1]), f"{row.bound}{row.name}", colour))
        axes.axhspan(5.0, 500.0, color=REFERENCE, alpha=0.12, lw=0.0)
        axes.set(xscale="log", yscale="log", xlim=rates, ylim=(0.005, 1500.0))
        axes.set(xlabel="rate (C)", ylabel="thickness up to which 80 % are used (µm)")
        _labels(axes, at_end)
        text = "no conductivity of ions, missing:\n" + "\n".join(missing)
        axes.text(0.02, 0.02, text, transform=axes.transAxes, va="bottom", fontsize=7.0, color=REFERENCE)
        open_frame(axes)
        _save(figure, path)


def _labels(axes: Axes, ends: Sequence[tuple[float, str, Any]]) -> None:
    """Write names at the right, moved apart where they would cover each other."""
    apart, above = 0.052, 2.0
    low, high = np.log10(axes.get_ylim())
    for value, name, colour in sorted(ends, key=lambda end: end[0], reverse=True):
        place = min((np.log10(value) - low) / (high - low), above - apart)
        above = place
        axes.annotate(
            name,
            (20.0, value),
            (1.04, place),
            textcoords="axes fraction",
            va="center",
            fontsize=7.5,
            color=colour,
            arrowprops={
                "arrowstyle": "-",
                "lw": 0.4,
                "color": colour,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0.0, 0.5),
            },
            annotation_clip=False,
        )


def _save(figure: matplotlib.figure.Figure, path: Path) -> None:
    """Save with a palette, which keeps the file small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(128).save(path, optimize=True)
