"""Every picture of a result at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from catholyte.errors import InputError, nearest
from catholyte.plot.curves import lithiation_spread, polarisation_split, voltage_curve
from catholyte.plot.fields import default_frames, is_layered, lithiation_slices
from catholyte.plot.halfcycles import half_cycles
from catholyte.plot.scene import RenderError, scene_lithiation, scene_phases
from catholyte.plot.style import DPI, styled
from catholyte.results import Results

FORMATS = ("png", "pdf", "svg")

_log = logging.getLogger(__name__)


def plot_all(results: Results, folder: str | Path, *, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write every picture that the result has the data for.

    Curves need a step with current, cuts need fields; laminates are not drawn in three dimensions, and where
    the machine cannot render, a warning is logged instead.

    Parameters
    ----------
    results
        The run, finished or not.
    folder
        Made if it is missing.
    formats
        File formats of the curves and cuts; the scenes are always png.

    Returns
    -------
    list[Path]
        The files.

    Raises
    ------
    InputError
        If a format is not known.
    """
    for form in formats:
        if form not in FORMATS:
            raise InputError("formats", form, f"one of {', '.join(FORMATS)}", nearest(form, FORMATS))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, Callable[[Results], Figure]] = {}
    if half_cycles(results):
        drawings |= {
            "voltage": voltage_curve,
            "polarisation": polarisation_split,
            "spread": lithiation_spread,
        }
    if results.counts.frames:
        drawings["slices"] = lithiation_slices
    written = []
    for name, draw in drawings.items():
        figure = draw(results)
        for form in formats:
            written.append(folder / f"{name}.{form}")
            with styled():
                figure.savefig(written[-1], dpi=DPI)
    if is_layered(results.mesh):
        return written
    try:
        written.append(scene_phases(results, folder / "phases_3d.png"))
        if results.counts.frames:
            frames = default_frames(results)
            written.append(scene_lithiation(results, frames[len(frames) // 2], folder / "lithiation_3d.png"))
    except RenderError as error:
        _log.warning("%s", error)
    return written
