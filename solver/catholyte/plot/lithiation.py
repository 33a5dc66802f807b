"""A row of cuts through the electrode, or through particles cut open, coloured by lithiation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.plot.cuts import cut_through, draw_cut
from catholyte.plot.elements import flat_colours
from catholyte.plot.fields import cut_plane, flat_phases, is_flat, painted
from catholyte.plot.frames import chosen_frames
from catholyte.plot.panels import Row, colour_bar, panel_grid, phase_legend
from catholyte.plot.phases import ISOLATED
from catholyte.plot.stored import STORED_MAP, fraction_norm, stored_label
from catholyte.plot.style import Colour, length_unit, styled
from catholyte.results import LayerCells, Results

Floats = NDArray[np.floating]

#: rays that a particle cut open is drawn with
_RAYS = 181


@dataclass(frozen=True, eq=False)
class _Sight:
    """What one panel shows: its lithiation, and how it is drawn into axes for the number of a frame.

    Attributes
    ----------
    values
        Lithiation in the panel at every moment.
    draw
        Draws a moment with a scale.
    height_to_width
        Of the panel.
    labels
        What stands at the axes, across and up.
    phases
        Flat colours that are seen.
    """

    values: list[Floats]
    draw: Callable[[Axes, int, Normalize], None]
    height_to_width: float
    labels: tuple[str, str]
    phases: dict[str, Colour]


def lithiation_frames(
    results: Results,
    utilisations: Sequence[float] | None = None,
    *,
    norm: tuple[float, float] | None = None,
    size_class: int | None = None,
) -> Figure:
    """Draw cuts coloured by lithiation, side by side, at given utilisations of the capacity.

    Images and meshes are cut through the middle along z, meshes around an axis are drawn on both sides of it, single
    particles as spheres (cylinders, slabs) cut open.

    Parameters
    ----------
    results
        A run in which lithium is intercalated.
    utilisations
        At most four utilisations; the frame nearest to each is drawn. Without them the beginning, middle and end of
        the first discharge.
    norm
        Ends of the scale of x; without it what is there.
    size_class
        Of single particles which size class, from 0; without it the largest particles.

    Raises
    ------
    InputError
        If there is no frame, no lithiation, no such size class, or the electrode is layered or a laminate.
    """
    frames = chosen_frames(results, None if utilisations is None else frames_at(results, utilisations))
    if "x" not in results.fields or not np.isfinite(results.fields["x"].isel(frame=frames[0]).to_numpy()).any():
        raise InputError("result", str(results.path), "a run in which lithium is intercalated")
    with styled():
        sight = _sight(results, frames, size_class)
        scale = fraction_norm(sight.values) if norm is None else Normalize(*norm)
        figure, (panels,), (bar,) = panel_grid(1, len(frames), sight.height_to_width)
        for number, (axes, frame) in enumerate(zip(panels, frames, strict=True)):
            sight.draw(axes, number, scale)
            axes.set_title(_title(results, frame))
            axes.set_xlabel(sight.labels[0])
            axes.tick_params(direction="out", length=2.5, labelleft=axes is panels[0])
        panels[0].set_ylabel(sight.labels[1])
        colour_bar(figure, bar, Row(sight.values, scale, STORED_MAP, stored_label("x")))
        phase_legend(figure, sight.phases)
    return figure


def frames_at(results: Results, utilisations: Sequence[float]) -> tuple[int, ...]:
    """Return the frame nearest to each utilisation; of several at the same one, as after a rest, the first."""
    if not results.counts.frames:
        raise InputError("result", str(results.path), "a run that has written fields (output.fields)")
    points = results.fields["point_index"].to_numpy().astype(np.int64)
    reached = results.curves["utilisation"].to_numpy()[points]
    return tuple(int(np.argmin(np.abs(reached - value).round(6))) for value in utilisations)


def _title(results: Results, frame: int) -> str:
    point = int(results.fields["point_index"][frame])
    curves = results.curves.isel(point=point)
    return f"{100.0 * float(curves['utilisation']):.0f} % used, {float(curves['voltage']):.2f} V"


def _sight(results: Results, frames: Sequence[int], size_class: int | None) -> _Sight:
    mesh = results.mesh
    if mesh.elements is not None:
        return _of_elements(results, frames)
    if mesh.layers is not None and mesh.layers.of_particles:
        return _of_particle(results, mesh.layers, frames, size_class)
    if mesh.layers is not None or is_flat(mesh):
        expected = "an image, an unstructured mesh or single particles; lithiation_slices draws profiles"
        raise InputError("result", str(results.path), expected)
    return _of_image(results, frames)


def _of_elements(results: Results, frames: Sequence[int]) -> _Sight:
    assert results.mesh.elements is not None
    fields = [results.fields["x"].isel(frame=frame).to_numpy() for frame in frames]
    cut, flat, names = cut_through(results.mesh.elements, fields), flat_colours(results), results.mesh.phase_names
    seen: dict[str, Colour] = {names[k]: colour for k, colour in flat.items() if (cut.phase == k).any()}

    def draw(axes: Axes, number: int, norm: Normalize) -> None:
        draw_cut(axes, cut, number, scale=(norm, STORED_MAP), colours=flat, unknown=ISOLATED)

    labels = (f"{cut.labels[0]} ({cut.unit})", f"{cut.labels[1]} ({cut.unit})")
    return _Sight(list(cut.values), draw, cut.height_to_width, labels, seen)


def _of_image(results: Results, frames: Sequence[int]) -> _Sight:
    plane = cut_plane(results.mesh)
    images = [plane.of(results.grid("x", frame)) for frame in frames]
    flat, seen = flat_phases(results, plane)

    def draw(axes: Axes, number: int, norm: Normalize) -> None:
        image = painted(images[number], (norm, STORED_MAP), flat)
        axes.imshow(image, extent=plane.extent, origin="lower", interpolation="none", aspect="auto")

    labels = (f"{plane.across} ({plane.unit})", f"Width ({plane.unit})")
    return _Sight(images, draw, plane.size[1] / plane.size[0], labels, seen)


def _of_particle(results: Results, cells: LayerCells, frames: Sequence[int], size_class: int | None) -> _Sight:
    known = np.isfinite(results.fields["x"].isel(frame=frames[0]).to_numpy())
    largest = int(cells.size_class[np.argmax(np.where(known, cells.radius, 0.0))])
    number = largest if size_class is None else size_class
    at = known & (cells.size_class == number)
    if not at.any():
        raise InputError("size_class", number, f"a size class from 0 to {int(cells.size_class.max())}")
    factor, unit = length_unit(float(cells.radius.max()))
    radius = factor * cells.radius[at]
    edge = float(radius[-1] + 0.5 * (radius[-1] - radius[-2])) if radius.size > 1 else 2.0 * float(radius[0])
    profiles = [results.fields["x"].isel(frame=frame).to_numpy()[at] for frame in frames]
    rays = np.linspace(0.0, 2.0 * np.pi, _RAYS)
    rings = np.concatenate([[0.0], radius, [edge]])

    def draw(axes: Axes, moment: int, norm: Normalize) -> None:
        x = profiles[moment]
        values = np.concatenate([x[:1], x, x[-1:]])
        across, up = rings[:, None] * np.cos(rays), rings[:, None] * np.sin(rays)
        shown = np.repeat(values[:, None], _RAYS, axis=1)
        axes.pcolormesh(across, up, shown, norm=norm, cmap=STORED_MAP, shading="gouraud", rasterized=True)
        axes.set_xlim(-edge, edge)
        axes.set_ylim(-edge, edge)
        axes.set_aspect("equal")

    return _Sight(profiles, draw, 1.0, (f"r ({unit})", f"r ({unit})"), {})
