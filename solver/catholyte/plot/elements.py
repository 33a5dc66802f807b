"""Cuts through the state of an unstructured mesh, a column a moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.plot.cuts import Cut, cut_through, draw_cut
from catholyte.plot.frames import chosen_frames, frame_title
from catholyte.plot.panels import CURRENT_MAP, Row, colour_bar, current_limits, panel_grid, phase_legend
from catholyte.plot.phases import ISOLATED, phase_colours, phase_kinds
from catholyte.plot.stored import STORED_MAP, fraction_norm, stored_fields, stored_label
from catholyte.plot.style import Colour, styled
from catholyte.results import Results
from catholyte.units import from_si

Floats = NDArray[np.floating]


def element_slices(results: Results, frames: Sequence[int] | None = None) -> Figure:
    """Draw what is stored, and the current density if it is known, in a cut through an unstructured mesh.

    A mesh of three dimensions is cut through its middle along z, one of two is drawn as it is.

    Parameters
    ----------
    results
        A run on an unstructured mesh.
    frames
        At most four frames, from 0; without it the beginning, middle and end of the first discharge.

    Raises
    ------
    InputError
        If the mesh is another one, there is no such frame, or nothing to draw in them.
    """
    elements = results.mesh.elements
    if elements is None:
        raise InputError("result", str(results.path), "a result on an unstructured mesh")
    chosen = chosen_frames(results, frames)
    names = stored_fields(results, chosen)
    fields = [results.fields[name].isel(frame=frame).to_numpy() for name in names for frame in chosen]
    cut = cut_through(elements, [*fields, *(current_density(results, frame) for frame in chosen)])
    rows = _rows(cut, names, len(chosen))
    if not rows:
        raise InputError("result", str(results.path), "a run with lithiation, or with a current in the frames")
    with styled():
        return _drawn(results, chosen, cut, rows)


def current_density(results: Results, frame: int) -> Floats:
    """Return the sum of the magnitudes of both current densities of every cell [mA/cm²], NaN where none is known."""
    total: Floats = np.full(results.mesh.n_cells, np.nan)
    for name in ("current_e", "current_i"):
        if name in results.fields:
            values = results.fields[name].isel(frame=frame).to_numpy()
            total = np.where(np.isnan(total), values, total + np.nan_to_num(values))
    return total * from_si(1.0, "mA/cm**2", "current density")


def flat_colours(results: Results) -> dict[int, Colour]:
    """Return the flat colours of all phases but the active ones, by number."""
    colours, kinds = phase_colours(results), phase_kinds(results)
    return {k: colours[name] for k, (name, kind) in enumerate(kinds.items()) if kind != "active"}


def _rows(cut: Cut, names: Sequence[str], columns: int) -> list[tuple[Row, list[int]]]:
    """Return the rows and which values of the cut each of them shows."""
    rows = []
    for at, name in enumerate([*names, None]):
        numbers = list(range(at * columns, (at + 1) * columns))
        images = [cut.values[number] for number in numbers]
        if name is not None:
            rows.append((Row(images, fraction_norm(images), STORED_MAP, stored_label(name)), numbers))
        elif (limits := current_limits(images)) is not None:
            rows.append((Row(images, LogNorm(*limits), CURRENT_MAP, "Current density (mA cm⁻²)"), numbers))
    return rows


def _drawn(results: Results, frames: Sequence[int], cut: Cut, rows: Sequence[tuple[Row, list[int]]]) -> Figure:
    flat, names = flat_colours(results), results.mesh.phase_names
    figure, grid, bars = panel_grid(len(rows), len(frames), cut.height_to_width)
    for (row, numbers), panels, bar_axes in zip(rows, grid, bars, strict=True):
        for axes, number in zip(panels, numbers, strict=True):
            draw_cut(axes, cut, number, scale=(row.norm, row.map_name), colours=flat, unknown=ISOLATED)
            axes.tick_params(direction="out", length=2.5, labelbottom=panels is grid[-1], labelleft=axes is panels[0])
        colour_bar(figure, bar_axes, row)
        panels[0].set_ylabel(f"{cut.labels[1]} ({cut.unit})")
    for axes, frame in zip(grid[0], frames, strict=True):
        axes.set_title(frame_title(results, frame))
    for axes in grid[-1]:
        axes.set_xlabel(f"{cut.labels[0]} ({cut.unit})")
    named: dict[str, Colour] = {names[k]: colour for k, colour in flat.items() if (cut.phase == k).any()}
    if (~cut.known(0) & ~np.isin(cut.phase, list(flat))).any():
        named["active, not connected"] = ISOLATED
    phase_legend(figure, named)
    return figure
