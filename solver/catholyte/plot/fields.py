"""The state inside the electrode: cuts through lithiation and current density, or profiles of a laminate.

Species of reaction networks have maps of their own (:mod:`catholyte.plot.species`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.plot.elements import element_slices
from catholyte.plot.frames import chosen_frames, frame_title
from catholyte.plot.layers import layer_profiles
from catholyte.plot.panels import CURRENT_MAP, Row, colour_bar, current_limits, panel_grid, phase_legend
from catholyte.plot.particles import radial_profiles
from catholyte.plot.phases import ISOLATED, phase_colours, phase_kinds
from catholyte.plot.stored import STORED_MAP, fraction_norm, stored_fields, stored_label, stores_lithium
from catholyte.plot.style import REFERENCE, Colour, length_unit, new_figure, pale, sequence, styled
from catholyte.results import MeshRecord, Results
from catholyte.units import from_si

#: a cross-section of fewer voxels, or of a smaller share of the depth, is drawn as profiles
_FEWEST_VOXELS = 4
_THINNEST = 0.05

#: parts of a voxel's edge in the lines around phases, which cut its corners by no more than that
_FINER = 8

_CURRENT_LINES: dict[str, tuple[Literal["-", "--"], str]] = {
    "current_e": ("-", "Electrons"),
    "current_i": ("--", "Ions"),
}


def lithiation_slices(results: Results, frames: Sequence[int] | None = None) -> Figure:
    """Draw lithiation (above) and current density (below) in a cut along the depth, a column a frame.

    The cut lies in the middle of the electrode. The current density is the sum of the magnitudes of the
    electronic and the ionic one, of which all but mixed conductors have a single one. Where nothing intercalates,
    the current density stands alone. A laminate and a layered electrode are drawn as profiles along the depth, single
    particles as profiles along the radius; an unstructured mesh of two dimensions as it is.

    Parameters
    ----------
    results
        The run.
    frames
        At most four frames, from 0; without it the beginning, middle and end of the first discharge.

    Raises
    ------
    InputError
        If there is no such frame, or none at all, or neither lithiation nor current in them.
    """
    if results.mesh.layers is not None:
        return (radial_profiles if results.mesh.layers.of_particles else layer_profiles)(results, frames)
    if results.mesh.elements is not None:
        return element_slices(results, frames)
    chosen = chosen_frames(results, frames)
    with styled():
        return _profiles(results, chosen) if is_flat(results.mesh) else _slices(results, chosen)


def is_flat(mesh: MeshRecord) -> bool:
    """Return whether the cross-section is too small for a picture, so that profiles say all."""
    (nz, ny, nx), (dz, dy, dx) = mesh.shape, mesh.spacing
    voxels, width = max((ny, ny * dy), (nx, nx * dx), key=lambda side: side[1])
    return voxels < _FEWEST_VOXELS or width < _THINNEST * nz * dz


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through an image; what is taken from it is [up, across].

    Attributes
    ----------
    place
        Where it lies.
    size
        Its lengths across and up, in ``unit``.
    unit
        nm or µm.
    across
        What is drawn across: Depth, or Width where the image has a single voxel along the depth.
    """

    place: tuple[slice | int, slice | int, slice | int]
    size: tuple[float, float]
    unit: str
    across: str

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Its edges, as matplotlib takes them."""
        return (0.0, self.size[0], 0.0, self.size[1])

    def of(self, image: NDArray[Any]) -> NDArray[Any]:
        """Take the plane out of an image."""
        return image[self.place].T

    def outline(self, axes: Axes, region: NDArray[np.bool_], colour: str) -> None:
        """Draw the edge of a part of the plane, along the faces of the voxels."""
        if region.any() and not region.all():
            fine = np.kron(region, np.ones((_FINER, _FINER)))
            axes.contour(fine, [0.5], extent=self.extent, origin="lower", colors=colour, linewidths=0.5, alpha=0.8)


def cut_plane(mesh: MeshRecord) -> Plane:
    """Return the plane along the depth in the middle of the narrower lateral direction.

    An image of a single voxel along the depth is one itself.
    """
    (nz, ny, nx), (dz, dy, dx) = mesh.shape, mesh.spacing
    if nz == 1:
        factor, unit = length_unit(max(ny * dy, nx * dx))
        return Plane((0, slice(None), slice(None)), (factor * ny * dy, factor * nx * dx), unit, "Width")
    factor, unit = length_unit(nz * dz)
    if nx * dx >= ny * dy:
        return Plane((slice(None), ny // 2, slice(None)), (factor * nz * dz, factor * nx * dx), unit, "Depth")
    return Plane((slice(None), slice(None), nx // 2), (factor * nz * dz, factor * ny * dy), unit, "Depth")


def _slices(results: Results, frames: Sequence[int]) -> Figure:
    plane = cut_plane(results.mesh)
    active = _active(results, plane)
    flat, named = flat_phases(results, plane)
    rows = _rows(results, plane, frames)
    figure, grid, bars = panel_grid(len(rows), len(frames), plane.size[1] / plane.size[0])
    for row, panels, bar_axes in zip(rows, grid, bars, strict=True):
        for axes, image in zip(panels, row.images, strict=True):
            axes.imshow(
                painted(image, (row.norm, row.map_name), flat),
                extent=plane.extent,
                origin="lower",
                interpolation="none",
                aspect="auto",
            )
            axes.tick_params(direction="out", length=2.5, labelbottom=row is rows[-1], labelleft=axes is panels[0])
            if row.map_name == CURRENT_MAP:
                plane.outline(axes, active, "white")
        colour_bar(figure, bar_axes, row)
        panels[0].set_ylabel(f"Width ({plane.unit})")
    for axes, frame in zip(grid[0], frames, strict=True):
        axes.set_title(frame_title(results, frame), pad=15.0)
        if plane.across == "Depth":
            ends: dict[str, Any] = {"transform": axes.transAxes, "fontsize": 7.5, "color": REFERENCE}
            axes.text(0.0, 1.02, "← separator", ha="left", va="bottom", **ends)
            axes.text(1.0, 1.02, "collector →", ha="right", va="bottom", **ends)
    for axes in grid[-1]:
        axes.set_xlabel(f"{plane.across} ({plane.unit})")
    if (active & ~np.isfinite(rows[0].images[0])).any():
        named["active, not connected"] = ISOLATED
    phase_legend(figure, named)
    return figure


def _rows(results: Results, plane: Plane, frames: Sequence[int]) -> list[Row]:
    rows = []
    if stores_lithium(results):
        images = [plane.of(results.grid("x", frame)) for frame in frames]
        rows.append(Row(images, fraction_norm(images), STORED_MAP, stored_label("x")))
    images = [plane.of(_current(results, frame)) for frame in frames]
    limits = current_limits(images)
    if limits is not None:
        rows.append(Row(images, LogNorm(*limits), CURRENT_MAP, "Current density (mA cm⁻²)"))
    if not rows:
        raise InputError("result", str(results.path), "a run with lithiation, or with a current in the frames")
    return rows


def _current(results: Results, frame: int) -> NDArray[np.floating]:
    """Return the current density of an image [mA/cm²]; NaN where neither kind is defined."""
    total: NDArray[np.floating] = np.full(results.mesh.shape, np.nan, np.float32)
    for name in ("current_e", "current_i"):
        if name in results.fields:
            values = results.grid(name, frame)
            total = np.where(np.isnan(total), values, total + np.nan_to_num(values))
    return total * from_si(1.0, "mA/cm**2", "current density")


def flat_phases(results: Results, plane: Plane) -> tuple[NDArray[np.floating], dict[str, Colour]]:
    """Return an RGB image of the phases of a plane in their colours, and the colours of those that are seen.

    Active material is drawn as if it were isolated.
    """
    labels, colours, kinds = plane.of(results.mesh.labels), phase_colours(results), phase_kinds(results)
    flat: NDArray[np.floating] = np.array([to_rgb(colour) for colour in colours.values()])[labels]
    flat[_active(results, plane)] = to_rgb(ISOLATED)
    seen = np.unique(labels)
    named: dict[str, Colour] = {
        name: colours[name] for index, (name, kind) in enumerate(kinds.items()) if kind != "active" and index in seen
    }
    return flat, named


def _active(results: Results, plane: Plane) -> NDArray[np.bool_]:
    kinds = phase_kinds(results).values()
    return np.isin(plane.of(results.mesh.labels), [k for k, kind in enumerate(kinds) if kind == "active"])


def painted(
    values: NDArray[np.floating], scale: tuple[Normalize, str], flat: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return an RGB image: the map where there are values, flat colours elsewhere."""
    norm, name = scale
    image, known = flat.copy(), np.isfinite(values)
    image[known] = matplotlib.colormaps[name](norm(values[known]))[:, :3]
    return image


def _depth_label(unit: str) -> str:
    """Return the label of an axis of depth, which says which side is which."""
    return f"separator ←  Depth ({unit})  → collector"


def _profiles(results: Results, frames: Sequence[int]) -> Figure:
    """Draw the mean over the cross-section against depth, a line a frame, with the layers behind."""
    (nz, _, _), (dz, _, _) = results.mesh.shape, results.mesh.spacing
    factor, unit = length_unit(nz * dz)
    depth = factor * dz * (np.arange(nz) + 0.5)
    stored = stored_fields(results, frames)
    figure = new_figure(4.6, 1.2 + 1.9 * (len(stored) + 1))
    *panels, lower = figure.subplots(len(stored) + 1, 1, sharex=True, squeeze=False)[:, 0]
    _layers_behind((*panels, lower), results, factor * dz)
    lines = []
    for frame, colour in zip(frames, sequence(len(frames)), strict=True):
        title = frame_title(results, frame).replace("\n", ", ")
        for axes, name in zip(panels, stored, strict=True):
            axes.plot(depth, _layer_mean(results.grid(name, frame)), color=colour)
        lines.append(Line2D([], [], color=colour, label=title))
        for name, (style, _) in _CURRENT_LINES.items():
            values = _layer_mean(results.grid(name, frame)) * from_si(1.0, "mA/cm**2", "current density")
            lower.plot(depth, values, style, color=colour)
    for axes, name in zip(panels, stored, strict=True):
        axes.set_ylabel(stored_label(name))
    lower.set_ylabel("Current density (mA cm⁻²)")
    lower.set_xlabel(_depth_label(unit))
    lower.set_xlim(0.0, factor * dz * nz)
    lower.set_ylim(bottom=0.0)
    carriers = [Line2D([], [], color=REFERENCE, linestyle=s, label=label) for s, label in _CURRENT_LINES.values()]
    lower.legend(handles=carriers, loc="best")
    figure.legend(handles=lines, loc="outside upper left")
    seen = np.unique(results.mesh.labels)
    colours = phase_colours(results)
    phase_legend(figure, {name: pale(colours[name]) for name in (results.mesh.phase_names[i] for i in seen)})
    return figure


def _layers_behind(panels: Sequence[Axes], results: Results, thickness: float) -> None:
    """Shade every layer in the colour of the phase that fills most of it."""
    names, colours = results.mesh.phase_names, phase_colours(results)
    flat = results.mesh.labels.reshape(results.mesh.shape[0], -1)
    commonest = np.array([np.bincount(layer, minlength=len(names)).argmax() for layer in flat])
    begins = np.flatnonzero(np.diff(commonest, prepend=-1))
    for begin, end in zip(begins, [*begins[1:], commonest.size], strict=True):
        colour = pale(colours[names[commonest[begin]]])
        for axes in panels:
            axes.axvspan(begin * thickness, end * thickness, facecolor=colour, linewidth=0.0, zorder=0.0)


def _layer_mean(image: NDArray[np.floating]) -> NDArray[np.float64]:
    known = np.isfinite(image)
    count = known.sum(axis=(1, 2))
    total = np.where(known, image, 0.0).sum(axis=(1, 2))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
