"""Computed beside measured values: a bar for each row and the parity of both, a pair of panels for each unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from catholyte.plot.style import OKABE_ITO, REFERENCE, new_figure, open_frame, pale, styled, typeset

#: use -> colour, marker, word
_USES: Mapping[str, tuple[str, str, str]] = {
    "calibrate": (OKABE_ITO["blue"], "o", "calibrated"),
    "predict": (OKABE_ITO["vermilion"], "s", "predicted"),
    "blind": (OKABE_ITO["green"], "D", "blind"),
}
#: values that span more than this factor, or ranges that span the other, stand on a logarithmic axis
_SPAN, _RANGE = 100.0, 10.0
#: values whose smallest is above this share of the largest are dots on an axis of their own: bars begin at zero
_NEAR = 0.3


@dataclass(frozen=True)
class Mark:
    """A computed value, NaN where there is none, and what was measured: a value, a range, or nothing."""

    name: str
    use: str
    unit: str
    computed: float
    measured: float | tuple[float, float] | None
    uncertainty: float

    @property
    def known(self) -> tuple[float, ...]:
        """Everything that was measured."""
        if isinstance(self.measured, tuple):
            return self.measured
        return () if self.measured is None else (self.measured,)


def measured_and_computed(marks: Sequence[Mark]) -> Figure:
    """Draw every computed value with what was measured upon it, and computed against measured beside it.

    Values are bars from zero, or dots where zero is far away or the axis logarithmic.
    """
    by_unit: dict[str, list[Mark]] = {}
    for mark in marks:
        by_unit.setdefault(mark.unit, []).append(mark)
    heights = [0.75 + 0.24 * len(group) for group in by_unit.values()]
    heights = [max(height, 1.9) for height in heights]
    with styled():
        figure = new_figure(7.4, sum(heights) + 0.4)
        panels = figure.subplots(len(by_unit), 2, squeeze=False, height_ratios=heights, width_ratios=[1.7, 1.0])
        for (bars, parity), (unit, group) in zip(panels, by_unit.items(), strict=True):
            logarithmic = _spans_decades(group)
            _bars(bars, group, unit, logarithmic=logarithmic)
            _parity(parity, group, unit, logarithmic=logarithmic)
        uses = [use for use in _USES if any(mark.use == use for mark in marks)]
        handles = [
            Line2D([], [], linestyle="", marker=_USES[use][1], color=_USES[use][0], label=_USES[use][2]) for use in uses
        ]
        handles.append(Line2D([], [], linestyle="", marker="|", markersize=10.0, color="black", label="measured"))
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def _bars(axes: Axes, group: Sequence[Mark], unit: str, *, logarithmic: bool) -> None:
    values = _values(group)
    dots = logarithmic or (bool(values) and min(values) > _NEAR * max(values))
    for k, mark in enumerate(group):
        colour, marker, _ = _USES[mark.use]
        if dots:
            axes.plot(mark.computed, k, marker, color=colour, markersize=5.0)
        elif math.isfinite(mark.computed):
            axes.barh(k, mark.computed, height=0.62, color=pale(colour), edgecolor=colour, linewidth=0.8)
        if isinstance(mark.measured, tuple):
            axes.plot(mark.measured, (k, k), "|-", color="black", linewidth=1.0, markersize=10.0)
        elif mark.measured is not None:
            error = mark.uncertainty or None
            axes.errorbar(
                mark.measured, k, xerr=error, fmt="|", color="black", markersize=10.0, elinewidth=0.8, clip_on=False
            )
    if logarithmic:
        axes.set_xscale("log")
    axes.margins(x=0.1 if dots else 0.05)
    axes.set_yticks(range(len(group)), [mark.name for mark in group])
    axes.set_ylim(len(group) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0.0)
    axes.set_xlabel(_label("Value", unit))
    open_frame(axes)


def _parity(axes: Axes, group: Sequence[Mark], unit: str, *, logarithmic: bool) -> None:
    both = [mark for mark in group if mark.known and math.isfinite(mark.computed)]
    if logarithmic:
        both = [mark for mark in both if min(mark.computed, *mark.known) > 0.0]
    if not both:
        axes.set_axis_off()
        return
    for mark in both:
        colour, marker, _ = _USES[mark.use]
        low, high = min(mark.known), max(mark.known)
        middle = math.sqrt(low * high) if logarithmic else 0.5 * (low + high)
        error = mark.uncertainty or 0.5 * (high - low) or None
        if logarithmic and high > low:
            axes.plot((low, high), (mark.computed,) * 2, color=colour, linewidth=0.8)
            error = None
        axes.errorbar(middle, mark.computed, xerr=error, fmt=marker, color=colour, markersize=4.5, elinewidth=0.8)
    values = [value for mark in both for value in (*mark.known, mark.computed)]
    low, high = min(values), max(values)
    if logarithmic:
        ends = (low / 1.5, high * 1.5)
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        low = min(low, 0.0) if low < 0.3 * high else low
        room = 0.07 * (high - low or abs(high) or 1.0)
        ends = (low - room, high + room)
    axes.plot(ends, ends, color=REFERENCE, linewidth=0.8, zorder=0.5)
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    axes.set_aspect("equal")
    axes.set_xlabel(_label("Measured", unit))
    axes.set_ylabel(_label("Computed", unit))
    open_frame(axes)


def _spans_decades(group: Sequence[Mark]) -> bool:
    values = _values(group)
    if not values or min(values) <= 0.0:
        return False
    return max(values) > _SPAN * min(values) or any(
        max(mark.known) >= _RANGE * min(mark.known) for mark in group if mark.known
    )


def _values(group: Sequence[Mark]) -> list[float]:
    return [value for mark in group for value in (*mark.known, mark.computed) if math.isfinite(value)]


def _label(word: str, unit: str) -> str:
    return word if unit == "1" else f"{word} ({typeset(unit).replace('m2 ', 'm² ')})"
