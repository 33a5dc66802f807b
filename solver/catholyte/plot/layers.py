"""Pictures of a layered electrode: what is stored and what flows against depth, and what is stored inside domains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.plot.frames import chosen_frames, frame_title
from catholyte.plot.stored import STORED_MAP, fraction_norm, stored_fields, stored_label
from catholyte.plot.style import REFERENCE, length_unit, new_figure, pale, sequence, styled
from catholyte.results import LayerCells, Results
from catholyte.units import from_si

Floats = NDArray[np.floating]

_CURRENTS: dict[str, tuple[Literal["-", "--"], str]] = {"current_e": ("-", "Electrons"), "current_i": ("--", "Ions")}


def layer_profiles(results: Results, frames: Sequence[int] | None = None) -> Figure:
    """Draw what is stored, and the current densities of electrons and ions, against depth, a line a frame.

    Lines of what is stored are means over the domains of a layer, weighted with volume; bands reach from the emptiest
    shell to the fullest one.

    Parameters
    ----------
    results
        A run with a layered electrode.
    frames
        At most four frames, from 0; without it the beginning, middle and end of the first discharge.

    Raises
    ------
    InputError
        If the mesh has no layers, there is no such frame, or none at all.
    """
    cells, chosen, stored = _given(results, frames)
    factor, unit = length_unit(float(cells.depth.max()))
    with styled():
        figure = new_figure(4.6, 1.2 + 1.9 * (len(stored) + 1))
        *panels, last = figure.subplots(len(stored) + 1, 1, sharex=True)
        for frame, colour in zip(chosen, sequence(len(chosen)), strict=True):
            title = frame_title(results, frame).replace("\n", ", ")
            for axes, name in zip(panels, stored, strict=True):
                depth, mean, low, high = _by_depth(cells, _values(results, name, frame))
                axes.plot(factor * depth, mean, color=colour, label=title)
                axes.fill_between(factor * depth, low, high, color=colour, alpha=0.18, linewidth=0.0)
            for name, (style, _) in _CURRENTS.items():
                values = _values(results, name, frame) * from_si(1.0, "mA/cm**2", "current density")
                depth, flow = _along_depth(results, cells, values)
                last.plot(factor * depth, flow, style, color=colour)
        for axes, name in zip(panels, stored, strict=True):
            axes.set_ylabel(stored_label(name))
        last.set_ylabel("Current density (mA cm⁻²)")
        last.set_xlabel(f"separator ←  Depth ({unit})  → collector")
        last.set_ylim(bottom=0.0)
        last.set_xlim(0.0, factor * _end(cells))
        for axes in (*panels, last):
            axes.axvspan(0.0, factor * _separator(results), facecolor=pale(REFERENCE), linewidth=0.0, zorder=0.0)
        carriers = [Line2D([], [], color=REFERENCE, linestyle=s, label=label) for s, label in _CURRENTS.values()]
        last.legend(handles=carriers, loc="best")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left")
    return figure


def shell_maps(results: Results, frames: Sequence[int] | None = None, size_class: int | None = None) -> Figure:
    """Draw what is stored against depth and radius, a column a frame and a row a quantity.

    Parameters
    ----------
    results
        A run with a layered electrode.
    frames
        At most four frames, from 0; without it the beginning, middle and end of the first discharge.
    size_class
        Which size class, from 0; without it the one that fills most of the electrode.

    Raises
    ------
    InputError
        If the mesh has no layers, there is no such frame or size class.
    """
    cells, chosen, stored = _given(results, frames)
    number = _size_class(cells, size_class)
    of_class = cells.size_class == number
    factor, unit = length_unit(float(cells.depth.max()))
    radial, radial_unit = length_unit(float(np.nanmax(cells.radius)))
    with styled():
        figure = new_figure(1.3 + 2.1 * len(chosen), 0.9 + 1.7 * len(stored))
        grid = figure.subplots(len(stored), len(chosen), sharex=True, squeeze=False)
        for row, name in zip(grid, stored, strict=True):
            images = [_values(results, name, frame) for frame in chosen]
            norm = fraction_norm([image[of_class] for image in images])
            for axes, image in zip(row, images, strict=True):
                _map(axes, cells, of_class, image, norm, (factor, radial))
                axes.tick_params(direction="out", length=2.5, labelleft=axes is row[0])
            row[0].set_ylabel(f"Radius ({radial_unit})")
            bar = figure.colorbar(ScalarMappable(norm, STORED_MAP), ax=list(row), aspect=12)
            bar.set_label(stored_label(name))
        for axes, frame in zip(grid[0], chosen, strict=True):
            axes.set_title(frame_title(results, frame))
        for axes in grid[-1]:
            axes.set_xlabel(f"Depth ({unit})")
    return figure


def _given(results: Results, frames: Sequence[int] | None) -> tuple[LayerCells, tuple[int, ...], list[str]]:
    """Return where the cells lie, the frames to draw, and the fields that say what is stored."""
    cells = results.mesh.layers
    if cells is None or cells.of_particles:
        raise InputError("result", str(results.path), "a result with a layered electrode ([mesh.layers])")
    chosen = chosen_frames(results, frames)
    return cells, chosen, stored_fields(results, chosen)


def _values(results: Results, name: str, frame: int) -> Floats:
    return results.fields[name].isel(frame=frame).to_numpy()


def _by_depth(cells: LayerCells, values: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return depth, mean weighted with volume, least and greatest value of every layer that has one."""
    known = np.isfinite(values)
    depth, layer = np.unique(cells.depth[known], return_inverse=True)
    weight, value = cells.volume[known], values[known].astype(np.float64)
    mean = np.bincount(layer, weight * value) / np.bincount(layer, weight)
    low, high = np.full((2, depth.size), np.nan)
    np.fmin.at(low, layer, value)
    np.fmax.at(high, layer, value)
    return depth, mean, low, high


def _along_depth(results: Results, cells: LayerCells, values: Floats) -> tuple[Floats, Floats]:
    """Return depth and value of the cells that conduct along the depth; the separator has one value throughout."""
    along = np.flatnonzero(np.isnan(cells.radius) & np.isfinite(values))
    order = along[np.argsort(cells.depth[along])]
    depth, flow = cells.depth[order], values[order]
    width = _separator(results)
    if width > 0.0 and depth.size and depth[0] < width:
        depth, flow = np.concatenate([[0.0, width], depth[1:]]), np.concatenate([flow[:1], flow])
    return depth, flow


def _separator(results: Results) -> float:
    return results.mesh.thickness("separator") if "separator" in results.mesh.phase_names else 0.0


def _end(cells: LayerCells) -> float:
    """Return the depth at which the electrode ends."""
    depth = np.unique(cells.depth)
    return float(depth[-1] + 0.5 * (depth[-1] - depth[-2])) if depth.size > 2 else 2.0 * float(depth[-1])


def _size_class(cells: LayerCells, wanted: int | None) -> int:
    shells = cells.size_class >= 0
    volume = np.bincount(cells.size_class[shells], cells.volume[shells])
    if wanted is None:
        return int(np.argmax(volume))
    if not 0 <= wanted < volume.size:
        raise InputError("size_class", wanted, f"a size class from 0 to {volume.size - 1}")
    return wanted


def _map(
    axes: Axes,
    cells: LayerCells,
    of_class: NDArray[np.bool_],
    values: Floats,
    norm: Normalize,
    scale: tuple[float, float],
) -> None:
    """Draw values over depth (across) and radius (up), each cell out to the middle of the way to its neighbours."""
    known = of_class & np.isfinite(values)
    depth, column = np.unique(cells.depth[known], return_inverse=True)
    radius, row = np.unique(cells.radius[known], return_inverse=True)
    image = np.full((radius.size, depth.size), np.nan)
    image[row, column] = values[known]
    radii = _edges(radius)
    if radius[0] == cells.radius[of_class].min():
        radii[0] = 0.0  # the middle of the domain
    axes.pcolormesh(scale[0] * _edges(depth), scale[1] * radii, image, norm=norm, cmap=STORED_MAP)


def _edges(centres: Floats) -> Floats:
    """Return edges between centres, the outer ones as far beyond the last centres as the edges on their other side."""
    if centres.size == 1:
        return np.array([0.0, 2.0 * float(centres[0])])
    inner = 0.5 * (centres[:-1] + centres[1:])
    first, last = max(2.0 * centres[0] - inner[0], 0.0), 2.0 * centres[-1] - inner[-1]
    return np.concatenate([[first], inner, [last]])
