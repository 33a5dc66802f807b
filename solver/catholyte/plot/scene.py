"""The electrode in three dimensions, rendered off-screen with pyvista and lettered with matplotlib.

An unstructured mesh is drawn as it is (:mod:`catholyte.plot.solids`). A large image is coarsened first: a picture shows
no more than some hundred voxels along an edge, and the memory stays bounded.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, map_coordinates

from catholyte.errors import CatholyteError
from catholyte.mesh.images import downsample
from catholyte.plot.frames import chosen_frames, frame_title
from catholyte.plot.phases import phase_colours, phase_kinds
from catholyte.plot.solids import Solid
from catholyte.plot.stored import STORED_MAP
from catholyte.plot.style import DPI, REFERENCE, length_unit, new_figure, styled
from catholyte.plot.surface import quarter, surfaces
from catholyte.results import Results

#: pixels of a picture
WIDTH, HEIGHT = 1600, 1200

#: voxels above which an image is coarsened before it is drawn
_MOST_VOXELS = 1_500_000

#: from where the camera looks: x is depth, z is up
_DIRECTION = (-0.62, -1.0, 0.62)


_SHADING = {"ambient": 0.34, "diffuse": 0.72, "specular": 0.06, "specular_power": 12}

#: directions of the lights, and their strengths: one from above, weaker ones from the left and from the front
_LIGHTS = (((-0.4, -0.8, 1.8), 0.75), ((-1.6, -0.6, 0.5), 0.55), ((0.3, -1.5, 0.3), 0.4))


#: by which part of half the window the block stands right of its middle, to leave room for the legend
_SHIFT = (-0.16, 0.0)


class RenderError(CatholyteError):
    """The machine has no library for drawing in three dimensions without a screen."""


@dataclass(frozen=True, eq=False)
class _Block:
    """What is drawn: labels [z, y, x], coarsened, and the edges of the whole [m]."""

    labels: NDArray[np.uint8]
    factor: int
    lengths: tuple[float, float, float]

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Edges of a voxel in the world, where the longest edge of the block is 1."""
        return self.size / np.array(self.labels.shape)

    @property
    def size(self) -> NDArray[np.float64]:
        """Edges of the block in the world; OpenGL computes badly with nanometres."""
        return np.array(self.lengths) / max(self.lengths)


def scene_phases(results: Results, path: str | Path) -> Path:
    """Render the phases; in the quarter that faces the viewer the electrolyte is cut away.

    Raises
    ------
    RenderError
        If the machine cannot render.
    """
    kinds, colours = list(phase_kinds(results).values()), phase_colours(results)
    if results.mesh.elements is not None:
        solid_phases = Solid(results.mesh.elements, {})
        found = {k: solid_phases.surface(k, cut=kinds[k] == "electrolyte") for k in range(len(kinds))}
        seen = [k for k, surface in found.items() if surface is not None]
        parts = [(found[k], {"color": list(colours.values())[k]}) for k in seen]
        return _phases(results, parts, solid_phases, seen, path)
    block = _block(results)
    labels = block.labels
    hidden = np.isin(labels, [i for i, kind in enumerate(kinds) if kind == "electrolyte"]) & quarter(labels.shape)
    hidden |= np.isin(labels, [i for i, kind in enumerate(kinds) if kind == "void"])
    solid = np.where(hidden, 0, labels + 1).astype(np.uint8)
    looks = [{"color": colour} for colour in colours.values()]
    parts = [(surface, looks[label - 1]) for label, surface in surfaces(solid, block.spacing).items()]
    return _phases(results, parts, block, np.unique(labels), path)


def _phases(
    results: Results,
    parts: Sequence[tuple[Any, Mapping[str, Any]]],
    block: _Block | Solid,
    seen: Collection[int] | NDArray[np.integer],
    path: str | Path,
) -> Path:
    """Render surfaces and name the phases that are seen."""
    kinds, colours = list(phase_kinds(results).values()), phase_colours(results)
    picture, corners = _render(parts, block.size)
    with styled():
        figure, axes = _lettered(picture, corners, block.lengths, _direction(results))
        patches = [
            Patch(facecolor=colour, edgecolor="black", linewidth=0.4, label=name)
            for index, (name, colour) in enumerate(colours.items())
            if index in seen and kinds[index] != "void"
        ]
        axes.legend(handles=patches, loc="upper left", borderaxespad=1.0)
        return _save(figure, path)


def scene_lithiation(results: Results, frame: int, path: str | Path) -> Path:
    """Render the lithiation of the active material; the quarter that faces the viewer is cut out of it.

    Raises
    ------
    InputError
        If there is no such frame.
    RenderError
        If the machine cannot render.
    """
    chosen_frames(results, (frame,))
    x = results.fields["x"].isel(frame=frame).to_numpy()
    known = x[np.isfinite(x)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    norm = Normalize(low, high if high - low > 0.01 else low + 0.01)
    look = {"scalars": "x", "cmap": STORED_MAP, "clim": (norm.vmin, norm.vmax), "show_scalar_bar": False}
    block: _Block | Solid
    if results.mesh.elements is not None:
        block = Solid(results.mesh.elements, {"x": x})
        found = [block.surface(k, cut=True, finite="x") for k in range(len(results.mesh.phase_names))]
    else:
        block = _block(results)
        found = _lithiated(results, frame, block)
    picture, corners = _render([(surface, look) for surface in found if surface is not None], block.size)
    with styled():
        figure, axes = _lettered(picture, corners, block.lengths, _direction(results))
        place = axes.inset_axes((0.035, 0.60, 0.022, 0.3))
        bar = figure.colorbar(ScalarMappable(norm, STORED_MAP), cax=place)
        bar.set_label("Lithiation x (–)")
        axes.text(0.03, 0.98, frame_title(results, frame), transform=axes.transAxes, va="top")
        return _save(figure, path)


def _lithiated(results: Results, frame: int, block: _Block) -> list[Any]:
    """Return the surfaces of the active material of an image, with its lithiation."""
    lithiation = _coarse_mean(results.grid("x", frame), block)
    solid = (np.isfinite(lithiation) & ~quarter(block.labels.shape)).astype(np.uint8)
    found = list(surfaces(solid, block.spacing).values())
    for surface in found:
        surface["x"] = _sample(lithiation, surface.points, block.spacing)
    return found


def _direction(results: Results) -> str:
    """Return what is written along the depth."""
    layered = results.mesh.is_image or "separator" in results.mesh.phase_names
    return "separator → collector" if layered else ""


def _block(results: Results) -> _Block:
    mesh = results.mesh
    factor = math.ceil((mesh.labels.size / _MOST_VOXELS) ** (1.0 / 3.0))
    factor = min(factor, *mesh.shape)
    labels = downsample(mesh.labels, factor)
    depth, width, height = (n * factor * edge for n, edge in zip(labels.shape, mesh.spacing, strict=True))
    return _Block(labels, factor, (depth, width, height))


def _coarse_mean(values: NDArray[np.floating], block: _Block) -> NDArray[np.floating]:
    """Return the mean of the defined values in every coarse voxel, NaN where there is none."""
    if block.factor == 1:
        return values
    f, (nz, ny, nx) = block.factor, block.labels.shape
    coarse = np.empty((nz, ny, nx), np.float32)
    for layer in range(nz):
        fine = values[layer * f : (layer + 1) * f, : ny * f, : nx * f].reshape(f, ny, f, nx, f)
        known = np.isfinite(fine)
        count = known.sum(axis=(0, 2, 4))
        total = np.where(known, fine, 0.0).sum(axis=(0, 2, 4))
        coarse[layer] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return coarse


def _sample(values: NDArray[np.floating], points: NDArray[np.floating], spacing: NDArray[np.float64]) -> Any:
    """Interpolate at points of a surface; beyond the values their nearest neighbour stands in."""
    unknown = ~np.isfinite(values)
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    filled = values[tuple(nearest)]
    return map_coordinates(filled, (points / spacing - 0.5).T, order=1, mode="nearest")


def _render(
    parts: Sequence[tuple[Any, Mapping[str, Any]]], size: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the picture, and where in it (pixels) the eight corners of the block lie: (2, 2, 2, 2)."""
    import pyvista

    diagonal = math.hypot(*size)
    with _quiet_window_search(), ExitStack() as stack:
        _require_library()
        plotter: Any = pyvista.Plotter(off_screen=True, window_size=[WIDTH, HEIGHT], lighting="none")
        stack.callback(plotter.close)
        plotter.set_background("white")
        plotter.add_mesh(
            pyvista.Box((0.0, size[0], 0.0, size[1], 0.0, size[2])),
            style="wireframe",
            color="#888888",
            line_width=1.5,
            lighting=False,
        )
        for surface, look in parts:
            plotter.add_mesh(surface, smooth_shading=True, **_SHADING, **look)
        for position, strength in _LIGHTS:
            light = pyvista.Light(position=position, intensity=strength, light_type="scene light")
            light.positional = False
            plotter.add_light(light)
        centre = 0.5 * size
        direction = np.array(_DIRECTION) / math.hypot(*_DIRECTION)
        plotter.camera_position = [centre + 3.0 * diagonal * direction, centre, (0.0, 0.0, 1.0)]
        plotter.enable_parallel_projection()
        plotter.camera.parallel_scale = 0.5 * diagonal
        plotter.camera.SetWindowCenter(*_SHIFT)
        plotter.camera.clipping_range = (1.5 * diagonal, 4.5 * diagonal)
        plotter.enable_ssao(radius=0.04 * diagonal, bias=0.004 * diagonal, kernel_size=24)
        plotter.enable_anti_aliasing("ssaa")
        picture = plotter.screenshot(return_img=True)
        corners = np.empty((2, 2, 2, 2))
        for index in np.ndindex(2, 2, 2):
            renderer = plotter.renderer
            renderer.SetWorldPoint(*(size * index), 1.0)
            renderer.WorldToDisplay()
            corners[index] = renderer.GetDisplayPoint()[:2]
    return picture, corners


@contextmanager
def _quiet_window_search() -> Iterator[None]:
    """Keep VTK from telling which kinds of window it tried in vain; its errors are still shown."""
    from vtkmodules.vtkCommonCore import vtkLogger

    before = vtkLogger.ConvertToVerbosity(vtkLogger.GetCurrentVerbosityCutoff())
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    try:
        yield
    finally:
        vtkLogger.SetStderrVerbosity(before)


def _require_library() -> None:
    """Raise RenderError where VTK would die for want of a library."""
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - it registers the kinds of window
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

    if vtkRenderWindow().GetClassName() != "vtkOSOpenGLRenderWindow":
        return
    for name in ("libOSMesa.so", "libOSMesa.so.8", "libOSMesa.so.6"):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return
    raise RenderError("no library to draw in 3D without a screen: install EGL (libegl1) or OSMesa (libosmesa6)")


def _lettered(
    picture: NDArray[np.uint8], corners: NDArray[np.float64], lengths: Sequence[float], direction: str
) -> tuple[Figure, Axes]:
    """Put a rendering into a figure of its size, its lengths beside three of its edges, and a text along the depth."""
    figure = new_figure(WIDTH / DPI, HEIGHT / DPI)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.imshow(picture[::-1], origin="lower", extent=(0, WIDTH, 0, HEIGHT), interpolation="none")
    axes.set_axis_off()
    factor, unit = length_unit(lengths[0])
    centre = corners.reshape(-1, 2).mean(axis=0)
    edges = (((0, 0, 0), (1, 0, 0)), ((0, 0, 0), (0, 1, 0)), ((1, 0, 0), (1, 0, 1)))
    for (first, second), length in zip(edges, lengths, strict=True):
        begin, end = corners[first], corners[second]
        along = (end - begin) / np.linalg.norm(end - begin)
        outward = np.array([along[1], -along[0]])
        middle = 0.5 * (begin + end)
        outward *= np.sign(outward @ (middle - centre))
        angle = (math.degrees(math.atan2(along[1], along[0])) + 90.0) % 180.0 - 90.0
        letters: dict[str, Any] = {"rotation": angle, "rotation_mode": "anchor"}
        letters |= {"ha": "center", "va": "center"}
        x, y = middle + 30.0 * outward
        axes.text(x, y, f"{factor * length:.3g} {unit}", **letters)
        if second == (1, 0, 0):
            x, y = middle + 74.0 * outward
            axes.text(x, y, direction, fontsize=7.5, color=REFERENCE, **letters)
    return figure, axes


def _save(figure: Figure, path: str | Path) -> Path:
    path = Path(path)
    figure.savefig(path, dpi=DPI)
    return path
