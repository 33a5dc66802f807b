"""What reaction networks make of the electrode: the composition over a run, and where the species are."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.evaluation.halfcycles import per_gram
from catholyte.evaluation.segments import segments
from catholyte.plot.fields import Plane, cut_plane, painted
from catholyte.plot.frames import charge_passed, chosen_frames, frame_title, protocol_frames
from catholyte.plot.panels import phase_legend
from catholyte.plot.phases import phase_colours, phase_kinds
from catholyte.plot.stored import STORED_MAP, TRACE, species_curves, species_fields, species_text, without_counterparts
from catholyte.plot.style import OKABE_ITO, REFERENCE, Colour, new_figure, open_frame, pale, panel_figure, styled
from catholyte.results import Results

Floats = NDArray[np.floating]

#: colours of the species of a phase, and of what is drawn behind them while a charge or discharge goes on
_COLOURS = [OKABE_ITO[name] for name in ("blue", "vermilion", "green", "orange", "purple", "sky", "black")]
_DIRECTIONS = {-1: ("Charge", "#FBEFE6"), 1: ("Discharge", "#E9F2F9")}

#: protocols of more steps are drawn with thin lines
_FEW_STEPS = 12

#: maps have a column for each of so many species; those whose mean fraction changes by less than this are left out
_MOST_SPECIES = 5
_UNCHANGED = 0.03

_FRACTIONS = Normalize(0.0, 1.0)


def composition(results: Results) -> Figure:
    """Draw the mean fraction of every species in its phase against the charge passed, and the voltage above.

    Charge counts in either direction, so that the steps of the protocol follow one another; a thin line ends each of
    them. Species that are never more than traces are left out.

    Raises
    ------
    InputError
        If no phase takes part in a reaction network, or no charge has passed.
    """
    phases = {
        phase: {name: results.curves[curve].to_numpy() for name, curve in curves.items()}
        for phase, curves in species_curves(results).items()
    }
    shown = {phase: {n: v for n, v in each.items() if v.max() > TRACE} for phase, each in phases.items()}
    shown = {phase: each for phase, each in shown.items() if each}
    if not shown:
        raise InputError("result", str(results.path), "a run with the species of a reaction network")
    passed = charge_passed(results) * per_gram(results)
    if passed[-1] <= 0.0:
        raise InputError("result", str(results.path), "a run in which a charge has passed")
    with styled():
        figure = new_figure(5.6, 1.9 + 1.7 * len(shown))
        top, *panels = figure.subplots(len(shown) + 1, 1, sharex=True)
        few = len(segments(results)) <= _FEW_STEPS
        top.plot(passed, results.curves["voltage"].to_numpy(), color="black", linewidth=1.4 if few else 0.9)
        top.set_ylabel("Voltage\nvs Li/Li⁺ (V)")
        top.margins(y=0.08)
        for axes, (phase, species) in zip(panels, shown.items(), strict=True):
            for k, (name, fraction) in enumerate(species.items()):
                width = max(2.4 - 0.5 * k, 0.8) if few else 0.9  # lines over each other stay visible
                colour = _COLOURS[k % len(_COLOURS)]
                axes.plot(passed, fraction, color=colour, linewidth=width, label=species_text(name))
            axes.set_ylabel(f"Site fraction\nin {phase} (–)")
            axes.set_ylim(-0.03, 1.03 * max(1.0, axes.dataLim.y1))
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        panels[-1].set_xlabel("Charge passed in either direction (mAh g⁻¹)")
        top.set_xlim(0.0, passed[-1])
        directions = _steps_behind((top, *panels), results, passed)
        patches = [Patch(facecolor=colour, edgecolor=REFERENCE, linewidth=0.4, label=n) for n, colour in directions]
        figure.legend(handles=patches, loc="outside upper center", ncols=2)
        for axes in (top, *panels):
            open_frame(axes)
        figure.align_ylabels()
    return figure


def species_maps(
    results: Results,
    beside: Results | None = None,
    *,
    frames: Sequence[int] | None = None,
    species: Sequence[str] | None = None,
) -> Figure:
    """Draw where the species are, in a cut along the depth: a row a frame and a column a species.

    An image of a single voxel along one direction is drawn as a whole. Around the phases that react with electrons
    there is a line; other phases than that of a species have a flat colour.

    Parameters
    ----------
    results
        A run on a mesh of voxels.
    beside
        Another one, drawn on the right of it with the same species.
    frames
        At most four frames of each, from 0; without it the beginning, the ends of charges and discharges, and moments
        between these.
    species
        Names of species; without it those that change most in the frames, and of two that fill their sites alone the
        one that is rarer at first.

    Raises
    ------
    InputError
        If a mesh is no image or too thin for a cut, or there are no such species or frames.
    """
    both = [results] if beside is None else [results, beside]
    blocks = [_block(each, frames) for each in both]
    fields = _fields(blocks, species)
    with styled():
        return _drawn(blocks, fields, titled=beside is not None)


@dataclass(frozen=True, eq=False)
class _Block:
    """What is drawn of one result: a cut and its phases, and the frames."""

    results: Results
    plane: Plane
    frames: tuple[int, ...]
    labels: NDArray[np.uint8]
    phases: dict[str, Colour]
    active: NDArray[np.bool_]


def _block(results: Results, frames: Sequence[int] | None) -> _Block:
    if not results.mesh.is_image:
        raise InputError("result", str(results.path), "a result on a mesh of voxels; shell_maps draws layers")
    plane = cut_plane(results.mesh)
    labels, kinds = plane.of(results.mesh.labels), phase_kinds(results)
    active = np.isin(labels, [index for index, kind in enumerate(kinds.values()) if kind == "active"])
    colours = phase_colours(results)
    phases: dict[str, Colour] = {n: pale(c) if kinds[n] == "active" else c for n, c in colours.items()}
    return _Block(results, plane, chosen_frames(results, frames, protocol_frames), labels, phases, active)


def _fields(blocks: Sequence[_Block], species: Sequence[str] | None) -> list[str]:
    """Return the fields to draw: those that are asked for, or those that change most."""
    known = [name for name in species_fields(blocks[0].results) if all(name in b.results.fields for b in blocks)]
    if species is not None:
        by_species = {name.removeprefix("fraction "): name for name in known}
        for name in species:
            if name not in by_species:
                raise InputError("species", name, f"one of {', '.join(by_species) or 'none'}")
        return [by_species[name] for name in species]
    means = {name: np.concatenate([_means(block, name) for block in blocks]) for name in known}
    changes = {name: float(np.ptp(means[name])) for name in without_counterparts(means)}
    most = sorted(changes, key=changes.__getitem__, reverse=True)[:_MOST_SPECIES]
    chosen = [name for name in changes if name in most and changes[name] > _UNCHANGED]
    if not known:
        raise InputError("result", str(blocks[0].results.path), "a run with the species of a reaction network")
    return chosen or most[:1]


def _means(block: _Block, name: str) -> Floats:
    """Return the mean of a field at every frame, over the cells that have it."""
    return np.nanmean(block.results.fields[name].isel(frame=list(block.frames)).to_numpy(), axis=1)


def _drawn(blocks: Sequence[_Block], fields: Sequence[str], *, titled: bool) -> Figure:
    widest = 1.35 if len(blocks) == 1 else 1.05
    ratios = [block.plane.size[1] / block.plane.size[0] for block in blocks]
    height = min(max(widest * min(ratios), 0.6), 1.6 * widest)
    widths = [min(widest, height / ratio) for ratio in ratios]
    left, right, bottom, top, gap = 1.5, 0.9, 0.95, 0.35, 0.08
    n_rows = max(len(block.frames) for block in blocks)
    spans = [len(fields) * (width + gap) - gap for width in widths]
    titles = [""] * len(blocks)
    if titled:
        titles = [textwrap.fill(_title(block), int(14 * span)) for block, span in zip(blocks, spans, strict=True)]
        top += 0.16 * max(title.count("\n") + 1 for title in titles)
    total = (sum(spans) + left * len(blocks) + right, bottom + n_rows * (height + gap) - gap + top)
    figure, place = panel_figure(*total)
    x = 0.0
    for block, title, width, span in zip(blocks, titles, widths, spans, strict=True):
        x += left
        figure.text((x + 0.5 * span) / total[0], 1.0 - 0.06 / total[1], title, ha="center", va="top")
        for row, frame in enumerate(block.frames):
            y = total[1] - top - (row + 1) * height - row * gap
            panels = [place(x + k * (width + gap), y, width, height) for k in range(len(fields))]
            _draw_row(panels, block, frame, fields, last=row == len(block.frames) - 1)
            if row == 0:
                for axes, name in zip(panels, fields, strict=True):
                    axes.set_title(species_text(name))
            when = frame_title(block.results, frame).replace(", ", "\n")
            figure.text((x - 0.62) / total[0], (y + 0.5 * height) / total[1], when, ha="right", va="center", fontsize=8)
        x += span
    tall = min(total[1] - top - bottom, 2.6)
    bar = place(x + 0.2, bottom + 0.5 * (total[1] - top - bottom - tall), 0.12, tall)
    figure.colorbar(ScalarMappable(_FRACTIONS, STORED_MAP), cax=bar).set_label("Site fraction (–)")
    phase_legend(figure, _seen(blocks))
    return figure


def _title(block: _Block) -> str:
    return str(block.results.provenance.get("title", block.results.path.stem))


def _draw_row(panels: Sequence[Axes], block: _Block, frame: int, fields: Sequence[str], *, last: bool) -> None:
    """Draw the species at one moment; the scales of length stand at the left and below."""
    plane = block.plane
    flat = np.array([to_rgb(colour) for colour in block.phases.values()])[block.labels]
    for axes, name in zip(panels, fields, strict=True):
        image = plane.of(block.results.grid(name, frame))
        axes.imshow(
            painted(image, (_FRACTIONS, STORED_MAP), flat),
            extent=plane.extent,
            origin="lower",
            interpolation="none",
            aspect="auto",
        )
        plane.outline(axes, block.active, "black")
        axes.tick_params(direction="out", length=2.5, labelbottom=last, labelleft=axes is panels[0])
        axes.set_xticks(_ticks(plane.size[0]))
        axes.set_yticks(_ticks(plane.size[1]))
        if last:
            axes.set_xlabel(f"{plane.across} ({plane.unit})")
    panels[0].set_ylabel(f"Width ({plane.unit})")


def _ticks(length: float) -> list[float]:
    """Return some lengths, none so near to the end that its number would touch that of the next panel."""
    return [float(tick) for tick in MaxNLocator(4).tick_values(0.0, length) if 0.0 <= tick < 0.9 * length]


def _seen(blocks: Sequence[_Block]) -> dict[str, Colour]:
    """Return the flat colours of the phases in the cuts."""
    return {
        name: colour
        for block in blocks
        for index, (name, colour) in enumerate(block.phases.items())
        if (block.labels == index).any()
    }


def _steps_behind(panels: Sequence[Axes], results: Results, passed: Floats) -> list[tuple[str, str]]:
    """Shade charges and discharges, draw a line at the end of every step, and return the directions there are."""
    charge, _ = results.increments("voltage")
    flows = np.flatnonzero(charge)
    signs = np.sign(charge[flows]).astype(int)
    begins = np.flatnonzero(np.diff(signs, prepend=0))
    edges = [0.0, *(float(passed[flows[begin] - 1]) for begin in begins[1:]), float(passed[-1])]
    for low, high, sign in zip(edges[:-1], edges[1:], signs[begins], strict=True):
        for axes in panels:
            axes.axvspan(low, high, facecolor=_DIRECTIONS[sign][1], linewidth=0.0, zorder=0.0)
    carried_out = segments(results)
    few = len(carried_out) <= _FEW_STEPS
    for segment in carried_out[:-1]:
        for axes in panels:
            axes.axvline(float(passed[segment.last]), color=REFERENCE, linewidth=0.4 if few else 0.15, zorder=0.5)
    return [look for sign, look in _DIRECTIONS.items() if sign in signs]
