"""Pictures of single particles: what is stored against the radius."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from catholyte.errors import InputError
from catholyte.plot.frames import chosen_frames, frame_title
from catholyte.plot.stored import stored_fields, stored_label
from catholyte.plot.style import length_unit, new_figure, sequence, styled
from catholyte.results import Results

#: size classes in one picture
_MOST_CLASSES = 4


def radial_profiles(results: Results, frames: Sequence[int] | None = None) -> Figure:
    """Draw what is stored against the radius: a column a size class, a row a quantity, a line a frame.

    Of more than four size classes, four from the smallest to the largest are drawn.

    Parameters
    ----------
    results
        A run with single particles.
    frames
        At most four frames, from 0; without it the beginning, middle and end of the first discharge.

    Raises
    ------
    InputError
        If the mesh is not one of single particles, there is no such frame, or none at all.
    """
    cells = results.mesh.layers
    if cells is None or not cells.of_particles:
        raise InputError("result", str(results.path), "a result with single particles ([mesh.particle])")
    chosen = chosen_frames(results, frames)
    stored = stored_fields(results, chosen)
    known = np.unique(cells.size_class)
    classes = known[np.unique(np.linspace(0, known.size - 1, min(known.size, _MOST_CLASSES)).round().astype(int))]
    factor, unit = length_unit(float(cells.radius.max()))
    with styled():
        figure = new_figure(1.4 + 2.1 * len(classes), 1.1 + 1.9 * len(stored))
        grid = figure.subplots(len(stored), len(classes), sharey="row", squeeze=False)
        for row, name in zip(grid, stored, strict=True):
            for frame, colour in zip(chosen, sequence(len(chosen)), strict=True):
                values = results.fields[name].isel(frame=frame).to_numpy()
                title = frame_title(results, frame).replace("\n", ", ")
                for axes, number in zip(row, classes, strict=True):
                    at = (cells.size_class == number) & np.isfinite(values)
                    axes.plot(factor * cells.radius[at], values[at], color=colour, label=title)
            row[0].set_ylabel(stored_label(name))
        for axes in grid[-1]:
            axes.set_xlabel(f"Radius ({unit})")
            axes.set_xlim(left=0.0)
        figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside upper left")
    return figure
