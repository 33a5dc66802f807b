"""A particle, or a polycrystal, that the collector plate cuts, in electrolyte; built by gmsh's OpenCASCADE kernel.

Lengths are in diameters while the geometry is built, for the kernel's tolerances are absolute.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Voronoi, cKDTree

from catholyte.mesh import gmsh_mesh
from catholyte.mesh.gmsh_mesh import Entity
from catholyte.mesh.shape_parameters import ParticleShape, PolycrystalShape
from catholyte.mesh.unstructured import Symmetry, UnstructuredMesh

Floats = NDArray[np.float64]

#: half axis across z, in diameters
_RADIUS = 0.5

#: points in the ball to each grain, and rounds, of Lloyd's iteration
_SAMPLES, _ROUNDS = 500, 20


def build_particle(shape: ParticleShape) -> UnstructuredMesh:
    """Return the mesh of a particle or a polycrystal."""
    dimension = 2 if shape.part == "axisymmetric" else 3
    unit = shape.diameter
    with gmsh_mesh.session() as gmsh:
        regions, grains = _regions(gmsh, shape, dimension)
        tags = _tags(gmsh, shape, dimension, regions)
        gmsh_mesh.generate(
            gmsh,
            dimension,
            size=shape.mesh_size / unit,
            fine=tags["surface"] + tags.get("grain boundary", []),
            fine_size=shape.interface_size / unit,
            reach=max(shape.gap / unit, 0.2),
        )
        symmetry: Symmetry = "axisymmetric" if dimension == 2 else "none"
        return gmsh_mesh.read(gmsh, dimension, regions=regions, tags=tags, unit=unit, grains=grains, symmetry=symmetry)


def _heights(shape: ParticleShape) -> tuple[float, float]:
    """Return the heights of the particle's centre and of the collector."""
    half = _RADIUS * shape.aspect
    below = 0.0 if shape.surroundings == "none" else (shape.separator + shape.gap) / shape.diameter
    return below + half, below + half * (1.0 + math.cos(math.radians(shape.contact_angle)))


def _box(gmsh: Any, shape: ParticleShape, dimension: int, half: float, low: float, high: float) -> Entity:
    """Add a box of a half width between two heights; in the plane a rectangle at the axis."""
    if dimension == 2:
        return 2, gmsh.model.occ.addRectangle(0.0, low, 0.0, half, high - low)
    start = 0.0 if shape.part == "quarter" else -half
    return 3, gmsh.model.occ.addBox(start, start, low, half - start, half - start, high - low)


def _spheroid(gmsh: Any, shape: ParticleShape, dimension: int, beyond: float) -> list[Entity]:
    """Add what lies below the collector of the particle grown by ``beyond``."""
    occ = gmsh.model.occ
    centre, top = _heights(shape)
    across, along = _RADIUS + beyond, _RADIUS * shape.aspect + beyond
    if dimension == 3 and shape.aspect == 1.0:
        body = [(3, occ.addSphere(0.0, 0.0, centre, across))]
    else:
        # drawn in the plane (x, y), the axis along y; OpenCASCADE wants the longer half axis of an ellipse first
        longer = [1.0, 0.0, 0.0] if across >= along else [0.0, 1.0, 0.0]
        axes = {"zAxis": [0.0, 0.0, 1.0], "xAxis": longer}
        disk = (2, occ.addDisk(0.0, centre, 0.0, max(across, along), min(across, along), **axes))
        half = (2, occ.addRectangle(0.0, centre - 2.0 * along, 0.0, 2.0 * across, 4.0 * along))
        body = occ.intersect([disk], [half])[0]
        if dimension == 3:
            occ.rotate(body, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.5 * math.pi)
            turn = 0.5 * math.pi if shape.part == "quarter" else 2.0 * math.pi
            body = [entity for entity in occ.revolve(body, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, turn) if entity[0] == 3]
    below = _box(gmsh, shape, dimension, 2.0 * across, centre - 2.0 * along, top)
    return list(occ.intersect(body, [below])[0])


def _around(gmsh: Any, shape: ParticleShape, dimension: int) -> list[Entity]:
    """Add what surrounds the particle, not yet without it, and a separator as the last body."""
    if shape.surroundings == "none":
        return []
    gap, low = shape.gap / shape.diameter, shape.separator / shape.diameter
    if shape.surroundings == "shell":
        return _spheroid(gmsh, shape, dimension, gap)
    _, top = _heights(shape)
    above = _box(gmsh, shape, dimension, _RADIUS + gap, low, top)
    return [above, _box(gmsh, shape, dimension, _RADIUS + gap, 0.0, low)] if low else [above]


def _regions(gmsh: Any, shape: ParticleShape, dimension: int) -> tuple[dict[str, list[Entity]], dict[Entity, int]]:
    """Build all bodies, make them fit; return the parts of each region, and the grains of those of the particle."""
    occ = gmsh.model.occ
    particle, points = _spheroid(gmsh, shape, dimension, 0.0), None
    if isinstance(shape, PolycrystalShape) and shape.grains > 1:
        points = _grain_points(shape)
        particle = _cut_into_grains(gmsh, particle, points)
    regions = {"active": sorted(particle)}
    if around := _around(gmsh, shape, dimension):
        _, pieces = occ.fragment(particle, around)
        of_particle = {entity for found in pieces[: len(particle)] for entity in found}
        others = [sorted(set(found) - of_particle) for found in pieces[len(particle) :]]
        regions = dict(zip(("active", "electrolyte", "separator"), [sorted(of_particle), *others], strict=False))
    occ.synchronize()
    if points is None:
        return regions, dict.fromkeys(regions["active"], int(isinstance(shape, PolycrystalShape)))
    # a part of a convex cell has its centre of mass in the cell, where the cell's point is the nearest
    centres = np.array([occ.getCenterOfMass(*entity) for entity in regions["active"]])
    _, nearest = cKDTree(points).query(centres)
    return regions, {entity: int(grain) + 1 for entity, grain in zip(regions["active"], nearest, strict=True)}


def _tags(gmsh: Any, shape: ParticleShape, dimension: int, regions: dict[str, list[Entity]]) -> dict[str, list[Entity]]:
    """Return the tagged faces of the synchronised geometry."""
    _, top = _heights(shape)
    outer = gmsh_mesh.boundary(gmsh, dimension)
    tags = gmsh_mesh.plates(gmsh, dimension, top, bottom=0.0 if shape.surroundings == "box" else None)
    curved = [face for face in outer if gmsh.model.getType(*face) not in ("Plane", "Line")]
    of_parts = [face for part in regions["active"] for face in gmsh.model.getBoundary([part], oriented=False)]
    times = Counter(of_parts)
    between = sorted(face for face, number in times.items() if number == 2)
    if shape.surroundings == "none":
        del tags["counter"]
        tags["surface"] = curved
    else:
        tags["surface"] = sorted(set(of_parts) - set(outer) - set(between))
    if shape.surroundings == "shell":
        tags["counter"] = curved
    if isinstance(shape, PolycrystalShape):
        tags["grain boundary"] = between
    return tags


def _grain_points(shape: PolycrystalShape) -> Floats:
    """Draw the points of the grains in the spheroid, each moved to the middle of its cell some times."""
    random = np.random.default_rng(shape.seed)
    centre, top = _heights(shape)
    count = shape.grains * _SAMPLES
    ball = random.normal(size=(8 * count, 3))
    ball *= (_RADIUS * np.cbrt(random.random(8 * count)) / np.linalg.norm(ball, axis=1))[:, None]
    ball[:, 2] *= shape.aspect
    ball[:, 2] += centre
    samples = ball[ball[:, 2] < top][:count]
    points = samples[: shape.grains].copy()
    for _ in range(_ROUNDS):
        _, owner = cKDTree(points).query(samples)
        number = np.bincount(owner, minlength=shape.grains)
        points = np.stack([np.bincount(owner, samples[:, k], shape.grains) for k in range(3)], axis=1)
        points /= number[:, None]
    return points


def _cut_into_grains(gmsh: Any, particle: list[Entity], points: Floats) -> list[Entity]:
    """Cut the particle with the polygons between the Voronoi cells of points."""
    occ = gmsh.model.occ
    # far points around them give every polygon between two of the grains an end outside of the particle
    far = points.mean(axis=0) + 20.0 * np.vstack([np.eye(3), -np.eye(3), np.ones(3), -np.ones(3)])
    cells = Voronoi(np.vstack([points, far]))
    vertices: dict[int, int] = {}
    edges: dict[tuple[int, int], int] = {}
    polygons = []
    for pair, ring in zip(cells.ridge_points, cells.ridge_vertices, strict=True):
        if pair.max() >= len(points) or -1 in ring:
            continue
        loop = []
        for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
            for corner in (a, b):
                if corner not in vertices:
                    vertices[corner] = occ.addPoint(*cells.vertices[corner])
            if (key := (min(a, b), max(a, b))) not in edges:
                edges[key] = occ.addLine(vertices[key[0]], vertices[key[1]])
            loop.append(edges[key] if a < b else -edges[key])
        polygons.append((2, occ.addPlaneSurface([occ.addCurveLoop(loop)])))
    pieces, _ = occ.fragment(particle, polygons)
    grains = [entity for entity in pieces if entity[0] == 3]
    occ.synchronize()
    used = set(gmsh.model.getBoundary(grains, combined=False, oriented=False))
    occ.remove([entity for entity in occ.getEntities(2) if entity not in used], recursive=True)
    return grains
