"""Print how far areas and volumes of label images and of the smooth tetrahedra made from them are from the body's own.

    python -m benchmarks.surface_area [--radii N …] [--voxels N] [--picture FILE.png] [--markdown]

A sphere is cut into voxels at some positions of its centre, of which the mean is printed. A composite of spheres with
pores, as it is used for effective transport, has no surface known exactly: its areas stand beside those that Crofton's
formula finds in the same image. The picture shows the sphere of the first radius as voxels and smoothed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.suite.images import MATRIX, PORES, SPACING, SPHERES, sphere_packing
from benchmarks.tables import Column, machine, show
from catholyte.mesh.area import interface_areas
from catholyte.mesh.smooth import surface, surface_triangles, tetrahedra

_UNIT = (1.0, 1.0, 1.0)
_POSITIONS = 5
_NAMES = {MATRIX: "matrix", SPHERES: "spheres", PORES: "pores"}

_SPHERE = (
    Column("radius", "radius in voxels", "d"),
    Column("voxels", "area of voxels", "+.1%"),
    Column("area", "area, smooth", "+.2%"),
    Column("volume", "volume, smooth", "+.2%"),
)
_AREA = (
    Column("pair", "interface"),
    Column("voxels", "area of voxels over Crofton's", ".3f"),
    Column("area", "smooth area over Crofton's", ".3f"),
)
_VOLUME = (
    Column("phase", "phase"),
    Column("share", "share in the image", ".4f"),
    Column("volume", "share, smooth", ".4f"),
)


def ball(radius: float, offset: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a ball (0) in a box (1); ``offset`` moves its centre, in voxels."""
    n = int(2.0 * radius) + 6
    z, y, x = ((np.arange(n) + 0.5 - 0.5 * n + shift) ** 2 for shift in offset)
    return np.where(z[:, None, None] + y[:, None] + x < radius**2, 0, 1).astype(np.uint8)


def triangle_area(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> float:
    """Return the area of all triangles."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return 0.5 * float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def _sphere(radius: int) -> dict[str, Any]:
    """Return the relative errors of a sphere."""
    errors = []
    for offset in np.random.default_rng(0).random((_POSITIONS, 3)) - 0.5:
        image = ball(radius, offset)
        areas = []
        for smoothing in (0, 10):
            points, triangles = surface_triangles(image, _UNIT, (0, 1), smoothing=smoothing)
            areas.append(triangle_area(points, triangles) / (4.0 * np.pi * radius**2) - 1.0)
        a, b, c = (points[triangles[:, k]] - points.mean(axis=0) for k in range(3))
        volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0
        errors.append((*areas, volume / (4.0 / 3.0 * np.pi * radius**3) - 1.0))
    return dict(zip(("voxels", "area", "volume"), np.mean(errors, axis=0), strict=True), radius=radius)


def _composite(voxels: int, markdown: bool) -> None:
    """Measure a composite and print it."""
    image = sphere_packing(voxels)
    began = perf_counter()
    mesh = tetrahedra(image, SPACING, tuple(_NAMES[k] for k in sorted(_NAMES)))
    seconds = perf_counter() - began
    found = interface_areas(image, SPACING, 3)
    box = image.size * float(np.prod(SPACING))
    rows = []
    for pair in ((MATRIX, SPHERES), (MATRIX, PORES), (SPHERES, PORES)):
        reference = found.corrected[pair] * box
        smooth = triangle_area(*surface_triangles(image, SPACING, pair))
        name = " and ".join(_NAMES[k] for k in pair)
        rows.append({"pair": name, "voxels": found.counted[pair] * box / reference, "area": smooth / reference})
    points = mesh.points[mesh.cells[0].nodes]
    volumes = np.bincount(mesh.cells[0].region, np.linalg.det(points[:, 1:] - points[:, :1]) / 6.0)
    title = f"composite of {voxels}³ voxels: {mesh.n_cells} tetrahedra, {len(mesh.points)} points in {seconds:.1f} s"
    show(rows, _AREA, title=title, markdown=markdown)
    shares = [
        {"phase": _NAMES[k], "share": float(np.mean(image == k)), "volume": volumes[k] / box} for k in sorted(_NAMES)
    ]
    show(shares, _VOLUME, title="volumes of its phases", markdown=markdown)


def picture(path: Path, radius: int) -> None:
    """Draw a sphere as voxels and smoothed, side by side."""
    import pyvista

    image = ball(radius, np.array([0.1, 0.2, 0.3]))
    plotter = pyvista.Plotter(shape=(1, 2), off_screen=True, window_size=(800, 400), border=False)
    for column, smoothing in enumerate((0, 10)):
        plotter.subplot(0, column)
        body = surface(image, _UNIT, (0, 1), smoothing=smoothing)
        plotter.add_mesh(body, color="#c9a45c", show_edges=True, edge_color="#5a4a2a", line_width=0.6)
        plotter.camera_position = "iso"
        plotter.camera.zoom(1.4)
    pixels = plotter.screenshot(return_img=True)
    plotter.close()
    # a palette keeps the file small
    Image.fromarray(pixels).quantize(32).save(path, optimize=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--radii", type=int, nargs="+", default=[4, 6, 8, 12, 16, 24])
    parser.add_argument("--voxels", type=int, default=64, help="edge of the composite")
    parser.add_argument("--picture", type=Path, help="draw the sphere of the first radius")
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args(arguments)
    print(machine(1))
    rows = [_sphere(radius) for radius in chosen.radii]
    show(rows, _SPHERE, title="errors of a sphere, mean over positions", markdown=chosen.markdown)
    _composite(chosen.voxels, chosen.markdown)
    if chosen.picture:
        picture(chosen.picture, chosen.radii[0])


if __name__ == "__main__":
    main()
