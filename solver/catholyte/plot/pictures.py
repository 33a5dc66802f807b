"""Every picture of a result at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from catholyte.errors import InputError, nearest
from catholyte.evaluation.basis import basis
from catholyte.evaluation.cycles import cycles
from catholyte.evaluation.derivative import half_cycle_derivatives
from catholyte.evaluation.gitt import diffusion_length, gitt
from catholyte.evaluation.halfcycles import half_cycles
from catholyte.evaluation.hppc import TIMES, hppc
from catholyte.evaluation.interruption import interruptions
from catholyte.evaluation.voltammetry import sweeps
from catholyte.plot.curves import lithiation_spread, polarisation_split, voltage_curve
from catholyte.plot.cycles import cycle_life, derivative_curves
from catholyte.plot.fields import is_flat, lithiation_slices
from catholyte.plot.frames import charge_passed, default_frames
from catholyte.plot.impedance import spectra_pictures
from catholyte.plot.layers import shell_maps
from catholyte.plot.pulses import interruption_resistance, pulse_resistance, titration
from catholyte.plot.scene import RenderError, scene_lithiation, scene_phases
from catholyte.plot.species import composition, species_maps
from catholyte.plot.stored import species_curves, species_fields, stores_lithium
from catholyte.plot.style import DPI, styled
from catholyte.plot.voltammogram import voltammogram
from catholyte.results import MeshRecord, Results, Spectrum

FORMATS = ("png", "pdf", "svg")

_log = logging.getLogger(__name__)


def plot_all(results: Results, folder: str | Path, *, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write every picture that the result has the data for.

    Curves need a step with current, cuts need fields; laminates and layered electrodes are not drawn in three
    dimensions, and where the machine cannot render, a warning is logged instead.

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
    drawings = _curves(results) | _states(results) | _evaluations(results)
    written = []
    for name, draw in drawings.items():
        written += save(draw(results), folder, name, formats)
    written += plot_spectra(results.spectra, folder, formats=formats)
    if not _is_solid(results.mesh):
        return written
    try:
        written.append(scene_phases(results, folder / "phases_3d.png"))
        if results.counts.frames and stores_lithium(results):
            frames = default_frames(results)
            written.append(scene_lithiation(results, frames[len(frames) // 2], folder / "lithiation_3d.png"))
    except RenderError as error:
        _log.warning("%s", error)
    return written


def _is_solid(mesh: MeshRecord) -> bool:
    """Return whether there is something to draw in three dimensions."""
    if mesh.elements is not None:
        return not mesh.elements.flat
    return mesh.layers is None and not is_flat(mesh)


def plot_spectra(spectra: Sequence[Spectrum], folder: Path, *, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write the pictures of impedance spectra and return the files."""
    return [file for name, draw in spectra_pictures(spectra).items() for file in save(draw(), folder, name, formats)]


def save(figure: Figure, folder: Path, name: str, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write a figure in the style of all pictures; the folder is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.{form}" for form in formats]
    with styled():
        for file in files:
            figure.savefig(file, dpi=DPI)
    return files


def _curves(results: Results) -> dict[str, Callable[[Results], Figure]]:
    """Return the pictures of a charge or discharge, if there is one."""
    halves = half_cycles(results)
    if not halves:
        return {}
    drawings: dict[str, Callable[[Results], Figure]] = {
        "voltage": voltage_curve,
        "polarisation": polarisation_split,
    }
    if stores_lithium(results):
        drawings["spread"] = lithiation_spread
    if half_cycle_derivatives(results):
        drawings["derivative"] = derivative_curves
    table = cycles(results)
    if len(table) > 1:
        drawings["cycles"] = lambda results: cycle_life(table, basis(results))
    return drawings


def _states(results: Results) -> dict[str, Callable[[Results], Figure]]:
    """Return the pictures of what is stored and what flows."""
    drawings: dict[str, Callable[[Results], Figure]] = {}
    if not results.counts.points:
        return drawings
    flows = bool(charge_passed(results)[-1] > 0.0)
    if flows and species_curves(results):
        drawings["composition"] = composition
    if not results.counts.frames:
        return drawings
    if flows or stores_lithium(results):
        drawings["slices"] = lithiation_slices
    if results.mesh.layers is not None:
        if not results.mesh.layers.of_particles:
            drawings["shells"] = shell_maps
    elif species_fields(results) and results.mesh.is_image and not is_flat(results.mesh):
        drawings["species"] = species_maps
    return drawings


def _evaluations(results: Results) -> dict[str, Callable[[Results], Figure]]:
    """Return the pictures of the measurements that the protocol holds."""
    drawings: dict[str, Callable[[Results], Figure]] = {}
    if results.provenance.get("active_volume_m3_m2") and results.provenance.get("interface_area_m2_m2"):
        length, _ = diffusion_length(results)
        titrated = gitt(results, length)
        if titrated:
            drawings["gitt"] = lambda results: titration(titrated)
    pulses = hppc(results)
    if pulses:
        drawings["hppc"] = lambda results: pulse_resistance(pulses, TIMES)
    cuts = interruptions(results)
    if cuts:
        drawings["interruption"] = lambda results: interruption_resistance(cuts)
    swept = sweeps(results)
    if swept:
        drawings["voltammogram"] = lambda results: voltammogram(results, swept)
    return drawings
