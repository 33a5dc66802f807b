"""Impedance spectra as an analyser shows them, what each part of the cell adds, and their relaxation times."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MultipleLocator, NullFormatter

from catholyte.evaluation.drt import relaxation_times
from catholyte.evaluation.impedance import OHM_CM2, kind, ordered_parts, owner
from catholyte.evaluation.spectrum import Complexes, Reals
from catholyte.plot.curves import LOSSES, stack
from catholyte.plot.style import REFERENCE, Colour, new_figure, open_frame, sequence, styled
from catholyte.results import Spectrum

_COLOURS = {name.removeprefix("loss_"): colour for name, (_, colour) in LOSSES.items()} | {"elements": "#4D4D4D"}
_WORDS = {
    "electron": "Electrons in",
    "ion": "Ions in",
    "contact": "Contact",
    "film": "Film",
    "reaction": "Charge transfer",
    "diffusion": "Li diffusion in",
    "separator": "Separator",
    "counter": "Counter electrode",
    "series": "Series resistance",
    "elements": "Lumped elements",
}
#: a part that never exceeds this part of the whole is not drawn
_NOTHING = 2e-3
_LEGEND_LINES = 5
_LEGEND_COLUMNS = 4
_AGAINST = "Voltage vs Li/Li⁺"
_LIST: dict[str, Any] = {"loc": "upper left", "borderaxespad": 0.0, "alignment": "left", "fontsize": 8.0}
_FEWEST_FOR_DRT = 8
#: a peak with less of the polarisation is not named, and so many are at most
_LEAST_NAMED, _MOST_NAMED = 0.01, 6
#: an apex is labelled if it is so high, and so far from others, over the size of the picture
_APEX = 0.08
#: contributions of so many spectra at most, evenly spaced
_MOST_SPLIT = 6


def spectra_pictures(spectra: Sequence[Spectrum]) -> dict[str, Callable[[], Figure]]:
    """Return the pictures of the spectra of a run by the names of their files."""
    if not spectra:
        return {}
    pictures: dict[str, Callable[[], Figure]] = {
        "nyquist": lambda: nyquist(spectra),
        "bode": lambda: bode(spectra),
    }
    if any(spectrum.frequency.size >= _FEWEST_FOR_DRT for spectrum in spectra):
        pictures["relaxation_times"] = lambda: relaxation(spectra)
    some = [(k, one) for k, one in enumerate(spectra, 1) if len(one.parts) > 1 and one.frequency.size > 1]
    shown = np.unique(np.linspace(0, len(some) - 1, min(len(some), _MOST_SPLIT)).round().astype(int))
    for number, spectrum in (some[k] for k in shown):
        name = "contributions" if len(spectra) == 1 else f"contributions_{number}"
        pictures[name] = _contributions_of(spectrum)
    return pictures


def _contributions_of(spectrum: Spectrum) -> Callable[[], Figure]:
    return lambda: contributions(spectrum)


# ----------------------------------------------------------------------------------------- spectra as a whole


def nyquist(spectra: Sequence[Spectrum]) -> Figure:
    """Draw −Im Z against Re Z on equal axes; full decades of the frequency are marked.

    Where a tail at low frequency dwarfs the arcs before it, they are drawn again beside it.
    """
    boxes = [_box(spectra)]
    close = _box([_arcs_only(spectrum) for spectrum in spectra])
    if close.right - close.left < 0.7 * (boxes[0].right - boxes[0].left):
        boxes.append(close)
    with styled():
        figure = new_figure(4.8 * len(boxes), 4.0 * max(box.slope for box in boxes) + 0.85 + _legend_height(spectra))
        panels = figure.subplots(1, len(boxes), squeeze=False)[0]
        for axes, box in zip(panels, boxes, strict=True):
            for spectrum, colour in zip(spectra, sequence(len(spectra)), strict=True):
                Z = spectrum.impedance / OHM_CM2
                axes.plot(Z.real, -Z.imag, ".-", color=colour, markersize=2.5, linewidth=1.0)
                _mark_decades(axes, spectrum.frequency, Z, colour, box, named=spectrum is spectra[-1])
            box.apply(axes)
            axes.set_xlabel("Re Z (Ω cm²)")
            axes.set_ylabel("−Im Z (Ω cm²)")
            open_frame(axes)
        _legend(figure, spectra)
    return figure


def bode(spectra: Sequence[Spectrum]) -> Figure:
    """Draw magnitude and phase against the frequency."""
    with styled():
        figure = new_figure(4.4, 4.2 + _legend_height(spectra))
        upper, lower = figure.subplots(2, 1, sharex=True)
        for spectrum, colour in zip(spectra, sequence(len(spectra)), strict=True):
            Z = spectrum.impedance / OHM_CM2
            upper.loglog(spectrum.frequency, np.abs(Z), ".-", color=colour, markersize=2.5, linewidth=1.0)
            phase = -np.angle(Z, deg=True)
            lower.semilogx(spectrum.frequency, phase, ".-", color=colour, markersize=2.5, linewidth=1.0)
        _magnitude_axis(upper)
        upper.set_ylabel("|Z| (Ω cm²)")
        lower.set_ylabel("−Phase (°)")
        lower.axhline(0.0, color="black", linewidth=0.6)
        lower.yaxis.set_major_locator(MultipleLocator(15.0 if np.ptp(lower.dataLim.intervaly) < 100.0 else 30.0))
        _frequency_axis(lower)
        _legend(figure, spectra)
        for axes in (upper, lower):
            axes.margins(x=0.02, y=0.06)
            open_frame(axes)
        figure.align_ylabels()
    return figure


def _arcs_only(spectrum: Spectrum) -> Spectrum:
    """Return a spectrum down to where the tail of low frequency begins: at the last minimum of a −Im Z that rises."""
    order = np.argsort(-spectrum.frequency)
    y = -spectrum.impedance[order].imag
    valleys = [k for k in range(1, y.size - 1) if y[k - 1] >= y[k] < y[k + 1] and y[:k].max() > 0.0]
    if not valleys or np.argmax(y) != y.size - 1:
        return spectrum
    kept = order[: valleys[-1] + 2]
    parts = {name: part[kept] for name, part in spectrum.parts.items()}
    return replace(spectrum, frequency=spectrum.frequency[kept], impedance=spectrum.impedance[kept], parts=parts)


@dataclass(frozen=True)
class _Box:
    """Limits of a plane with one scale for both axes, in Ω cm²."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def slope(self) -> float:
        return (self.top - self.bottom) / (self.right - self.left)

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.bottom <= y <= self.top

    def apply(self, axes: Axes) -> None:
        axes.set_xlim(self.left, self.right)
        axes.set_ylim(self.bottom, self.top)
        axes.set_aspect("equal", adjustable="box")


def _box(spectra: Sequence[Spectrum]) -> _Box:
    """Return limits around spectra that make no slim picture; Re Z begins at zero unless they are far from it."""
    Z = np.concatenate([spectrum.impedance for spectrum in spectra]) / OHM_CM2
    low, high, top = float(Z.real.min()), float(Z.real.max()), float((-Z.imag).max())
    low = 0.0 if 0.0 < low < 0.5 * high else low
    span = max(high - low, 1e-9 * float(np.abs(Z).max()))
    bottom = max(min(0.0, float((-Z.imag).min())), -0.15 * max(span, top))  # an inductance may go far down
    margin = 0.05 * max(span, top - bottom)
    bottom -= margin if bottom < 0.0 else 0.0
    width, height = span + 2.0 * margin, top + 1.5 * margin - bottom
    width, height = max(width, height / 0.95), max(height, 0.4 * width)
    return _Box(low - margin, low - margin + width, bottom, bottom + height)


def _mark_decades(axes: Axes, frequency: Reals, Z: Complexes, colour: Colour, box: _Box, *, named: bool) -> None:
    order = np.argsort(frequency)
    f = np.log10(frequency[order])
    least = 0.09 * (box.right - box.left)
    last: tuple[float, float] | None = None
    for decade in range(math.ceil(f[0] - 1e-9), math.floor(f[-1] + 1e-9) + 1):
        x = float(np.interp(decade, f, Z.real[order]))
        y = -float(np.interp(decade, f, Z.imag[order]))
        if not box.holds(x, y):
            continue
        axes.plot([x], [y], "o", color=colour, markersize=4.5, markeredgecolor="white", markeredgewidth=0.5, zorder=3)
        if named and (last is None or math.hypot(x - last[0], y - last[1]) > least):
            rim = x > box.right - 1.5 * least
            axes.annotate(
                frequency_text(10.0**decade),
                (x, y),
                (0 if rim else 3, 4),
                textcoords="offset points",
                ha="right" if rim else "left",
                fontsize=7.5,
                color="0.25",
                path_effects=[withStroke(linewidth=2.0, foreground="white")],
            )
            last = (x, y)


# ------------------------------------------------------------------------------------- what each part adds


def contributions(spectrum: Spectrum) -> Figure:
    """Draw real and imaginary parts as stacks of what the parts of the cell add, and the parts in one plane."""
    size = float(np.abs(spectrum.impedance).max())
    names = [n for n in ordered_parts([spectrum]) if np.abs(spectrum.parts[n]).max() > _NOTHING * size]
    names = [n for n in names if np.abs(spectrum.parts[n]).max() > 0.0] or list(spectrum.parts)
    colours = _part_colours(names)
    order = np.argsort(spectrum.frequency)
    f = spectrum.frequency[order]
    with styled():
        figure = new_figure(8.6, 5.0)
        grid = figure.add_gridspec(2, 2, width_ratios=[1.15, 1.0])
        upper, lower = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0])
        plane = figure.add_subplot(grid[:, 1])
        for axes, sign, what in ((upper, 1.0, "Re Z"), (lower, -1.0, "−Im Z")):
            side = np.real if sign > 0.0 else np.imag
            layers = np.array([sign * side(spectrum.parts[name][order]) / OHM_CM2 for name in names])
            inner, outer = stack(layers)
            for k, name in enumerate(names):
                for low, high in zip(inner[:, k], outer[:, k], strict=True):
                    if (low != high).any():
                        axes.fill_between(f, low, high, facecolor=colours[name], edgecolor=colours[name], linewidth=0.2)
            axes.plot(f, sign * side(spectrum.impedance[order]) / OHM_CM2, color="black", linewidth=1.2)
            axes.axhline(0.0, color="black", linewidth=0.6)
            axes.set_xscale("log")
            axes.set_ylabel(f"{what} (Ω cm²)")
            axes.margins(x=0.0, y=0.05)
            _frequency_axis(axes)
            open_frame(axes)
            _cut(axes, sign * side(spectrum.impedance[order]) / OHM_CM2)
        upper.set_xlabel("")
        upper.tick_params(labelbottom=False)
        arcs = _arcs_only(spectrum)
        box = _box([replace(arcs, impedance=arcs.parts[name]) for name in names])
        labelled: list[tuple[float, float]] = []
        for name in names:
            Z = spectrum.parts[name][order] / OHM_CM2
            plane.plot(Z.real, -Z.imag, ".-", color=colours[name], markersize=2.5, linewidth=1.0)
            top = int(np.argmax(-Z.imag))
            at = (float(Z[top].real), -float(Z[top].imag))
            apart = min((math.dist(at, other) for other in labelled), default=math.inf)
            if 0 < top < f.size - 1 and at[1] > _APEX * box.top and apart > _APEX * (box.right - box.left):
                label = frequency_text(float(f[top]))
                plane.annotate(label, at, (0, 3), textcoords="offset points", fontsize=7.5, ha="center")
                labelled.append(at)
        box.apply(plane)
        plane.set_xlabel("Re of each part (Ω cm²)")
        plane.set_ylabel("−Im of each part (Ω cm²)")
        plane.set_title(f"{_state(spectrum)} vs Li/Li⁺")
        open_frame(plane)
        patches: list[Patch | Line2D] = [Line2D([], [], color="black", linewidth=1.2, label="Whole")]
        patches += [
            Patch(facecolor=colours[n], edgecolor="black", linewidth=0.3, label=part_text(n)) for n in reversed(names)
        ]
        figure.legend(handles=patches, loc="outside lower center", ncols=3)
    return figure


def _cut(axes: Axes, whole: Reals) -> None:
    """Cut the axis where the lowest frequencies would dwarf all else, and say how far it goes."""
    usual = float(np.quantile(whole, 0.8))
    highest = float(whole.max())
    if usual > 0.0 and highest > 4.0 * usual:
        axes.set_ylim(1.2 * min(float(whole.min()), -0.02 * usual), 1.6 * usual)
        axes.annotate(f"to {highest:.3g}", (0.02, 0.93), xycoords="axes fraction", fontsize=7.5)


def _part_colours(names: Sequence[str]) -> dict[str, Colour]:
    """Return a colour a part: that of its kind in all pictures, lighter for every further part of the kind."""
    colours: dict[str, Colour] = {}
    for k, name in enumerate(names):
        r, g, b = to_rgb(_COLOURS.get(kind(name), REFERENCE))
        share = 0.6 ** sum(kind(other) == kind(name) for other in names[:k])
        colours[name] = (1.0 - share * (1.0 - r), 1.0 - share * (1.0 - g), 1.0 - share * (1.0 - b), 1.0)
    return colours


def part_text(name: str) -> str:
    """Return the name of a part in words."""
    words = _WORDS.get(kind(name))
    if words is None:
        return name
    what = name.partition(" ")[2].replace("|", " | ")
    return f"{words} {what}".strip()


# ----------------------------------------------------------------------------------------- relaxation times


def relaxation(spectra: Sequence[Spectrum]) -> Figure:
    """Draw the distributions of relaxation times; a list names the peaks of the last, with the part that makes them."""
    some = [spectrum for spectrum in spectra if spectrum.frequency.size >= _FEWEST_FOR_DRT]
    with styled():
        figure = new_figure(7.6, 3.7)
        axes, panel = figure.subplots(1, 2, width_ratios=[2.2, 1.0])
        for spectrum, colour in zip(some, sequence(len(some)), strict=True):
            drt = relaxation_times(spectrum.frequency, spectrum.impedance)
            axes.semilogx(drt.tau, drt.gamma / OHM_CM2, color=colour, linewidth=1.2)
            if len(some) < 4:
                axes.fill_between(drt.tau, drt.gamma / OHM_CM2, color=colour, alpha=0.12, linewidth=0.0)
        axes.set_ylim(0.0, 1.12 * axes.dataLim.y1 if axes.dataLim.y1 > 0.0 else 1.0)
        handles = []
        least = sorted((peak.share for peak in drt.peaks), reverse=True)[:_MOST_NAMED][-1:]
        for number, peak in enumerate((peak for peak in drt.peaks if peak.share >= max(*least, _LEAST_NAMED)), 1):
            height = float(np.interp(math.log(peak.tau), np.log(drt.tau), drt.gamma)) / OHM_CM2
            axes.annotate(str(number), (peak.tau, height), (0, 2), textcoords="offset points", ha="center", va="bottom")
            found = owner(some[-1], peak.frequency)
            words = part_text(found[0]) if found is not None else "Beyond the spectrum"
            label = f"{words}\n{peak.resistance / OHM_CM2:.3g} Ω cm² at {frequency_text(peak.frequency)}"
            mark = Line2D([], [], linestyle="", marker=f"${number}$", markeredgewidth=0.0, color="black", label=label)
            handles.append(mark)
        axes.set_xlabel("Relaxation time τ (s)")
        axes.set_ylabel("γ (Ω cm²)")
        top = axes.secondary_xaxis("top", functions=(_inverse, _inverse))
        top.set_xlabel("Frequency 1/(2πτ) (Hz)")
        axes.xaxis.set_major_locator(LogLocator(numticks=20))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.spines["right"].set_visible(False)
        panel.axis("off")
        room = 0.0
        if len(some) > 1:
            panel.add_artist(panel.legend(handles=_handles(some), title=_AGAINST, **_LIST))
            room = (0.35 + 0.17 * min(len(some), _LEGEND_LINES)) / 3.0
        title = f"Peaks at {_state(some[-1])}"
        panel.legend(handles=handles, labelspacing=0.5, title=title, bbox_to_anchor=(0.0, 1.0 - room), **_LIST)
    return figure


def _inverse(values: Any) -> Any:
    with np.errstate(divide="ignore"):
        return 1.0 / (2.0 * np.pi * np.asarray(values, dtype=np.float64))


# --------------------------------------------------------------------------------------------------- together


def _handles(spectra: Sequence[Spectrum]) -> list[Line2D]:
    """Return the lines of a legend, evenly spaced ones if there are many spectra."""
    shown = np.unique(np.linspace(0, len(spectra) - 1, min(len(spectra), _LEGEND_LINES)).round().astype(int))
    colours = sequence(len(spectra))
    alike = len({_state(spectrum) for spectrum in spectra}) < len(spectra)
    return [Line2D([], [], color=colours[k], label=_state(spectra[k], cycle=alike)) for k in shown]


def _legend(figure: Figure, spectra: Sequence[Spectrum]) -> None:
    """Name the spectra by their voltage, above the picture."""
    if len(spectra) == 1:
        figure.suptitle(f"{_state(spectra[0])} vs Li/Li⁺", fontsize=9.0)
    else:
        handles = _handles(spectra)
        figure.legend(
            handles=handles, title=_AGAINST, loc="outside upper center", labelspacing=0.3, ncols=_LEGEND_COLUMNS
        )


def _legend_height(spectra: Sequence[Spectrum]) -> float:
    """Return what the legend takes in inches."""
    rows = -(-min(len(spectra), _LEGEND_LINES) // _LEGEND_COLUMNS)
    return 0.15 if len(spectra) == 1 else 0.3 + 0.17 * rows


def _state(spectrum: Spectrum, *, cycle: bool = False) -> str:
    load = spectrum.current_density / 10.0
    text = f"{spectrum.voltage:.3f} V"
    if abs(load) > 1e-9:
        text += f", {'discharge' if load > 0.0 else 'charge'} {abs(load):.3g} mA cm⁻²"
    return f"{text}, cycle {spectrum.cycle + 1}" if cycle else text


def frequency_text(f: float) -> str:
    """Return a frequency with the unit that it is read in."""
    for factor, unit in ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz"), (1e-3, "mHz")):
        if f >= 0.9995 * factor:
            return f"{f / factor:.2g} {unit}" if f < 99.5 * factor else f"{f / factor:.0f} {unit}"
    return f"{f * 1e6:.2g} µHz"


def _frequency_axis(axes: Axes) -> None:
    axes.set_xlabel("Frequency (Hz)")
    axes.xaxis.set_major_locator(LogLocator(numticks=20))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _magnitude_axis(axes: Axes) -> None:
    low, high = axes.dataLim.y0, axes.dataLim.y1
    if high < 10.0 * low:
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
