"""How good the cells of an unstructured mesh are.

Radius ratios of simplices and scaled Jacobians of the others are 1 for the best cell and 0 for a flat one (Knupp 2001,
SIAM J. Sci. Comput. 23, 193, doi:10.1137/S1064827500371499). Non-orthogonality and skewness are those of cell-centred
finite volumes; they tell how a mesh would do there, and cost no accuracy here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.mesh.checks import check_cells
from catholyte.mesh.elements import ELEMENTS, corner_jacobians, facet_loads, lumped_mass
from catholyte.mesh.facets import CellFacets, facets_of
from catholyte.mesh.nodes import node_graph
from catholyte.mesh.unstructured import CellKind, UnstructuredMesh

Floats = NDArray[np.float64]

#: cells that are named as the worst
_WORST = 5

#: volume of a cell over (facet times height above it), by kind of cell and number of nodes of the facet
_HEIGHT = {
    ("triangle", 2): 2.0,
    ("quad", 2): 1.0,
    ("tetra", 3): 3.0,
    ("hexahedron", 4): 1.0,
    ("wedge", 3): 1.0,
    ("wedge", 4): 2.0,
}

#: product of the edges at a corner over the determinant of the map from the reference element, in the best cell
_BEST = {"quad": 4.0, "hexahedron": 8.0, "wedge": 4.0 / np.sqrt(3.0)}


@dataclass(frozen=True)
class Spread:
    """Smallest, median and largest of some values."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Floats) -> Spread:
        """Return that of an array."""
        return cls(float(values.min()), float(np.median(values)), float(values.max()))


@dataclass(frozen=True)
class KindQuality:
    """The cells of one kind.

    Attributes
    ----------
    kind, count
        Their shape and number.
    angle
        Dihedral angles of tetrahedra, angles at the corners of the facets of others, in degrees.
    shape
        Radius ratio of simplices (three, in the plane two, times the radius of the inscribed over that of the
        circumscribed sphere), smallest scaled Jacobian of others.
    aspect
        Longest edge over shortest height.
    """

    kind: CellKind
    count: int
    angle: Spread
    shape: Spread
    aspect: Spread


@dataclass(frozen=True)
class Quality:
    """The cells of a mesh, and what lies between them.

    Attributes
    ----------
    kinds
        Cells by kind.
    volume
        Of cells in m³; in two dimensions in m² times 1 m of depth, or of rings.
    edge
        Lengths of edges in m.
    non_orthogonality
        Mean and largest angle between the line of two neighbours' centres and the normal of their facet, in degrees.
    skewness
        Mean and largest distance between the middle of a facet and where that line meets it, over the line's length.
    worst
        Numbers of the cells with the lowest ``shape``.
    negative_couplings
        Share of the pairs of nodes whose coupling is negative.
    """

    kinds: tuple[KindQuality, ...]
    volume: Spread
    edge: Spread
    non_orthogonality: tuple[float, float]
    skewness: tuple[float, float]
    worst: tuple[int, ...]
    negative_couplings: float


def check_mesh(mesh: UnstructuredMesh) -> Quality:
    """Refuse a broken mesh, and measure one that is whole.

    Raises
    ------
    MeshError
        As :func:`~catholyte.mesh.checks.check_cells`.
    """
    check_cells(mesh)
    kinds, shapes, volumes, edges = [], [], [], []
    for block in mesh.cells:
        x = mesh.points[block.nodes]
        shape = _radius_ratio(x) if ELEMENTS[block.kind].is_simplex else _scaled_jacobian(block.kind, x)
        measures = [Spread.of(values) for values in (_angles(block.kind, x), shape, _aspect(block.kind, x))]
        kinds.append(KindQuality(block.kind, len(x), *measures))
        shapes.append(shape)
        volumes.append(lumped_mass(block.kind, x, mesh.symmetry).sum(axis=1))
        edges.append(_edges(block.kind, x).ravel())
    number = np.concatenate([block.number for block in mesh.cells])
    order = np.argsort(np.concatenate(shapes), kind="stable")[:_WORST]
    tilt, offset = _between_centres(mesh, facets_of(mesh.cells))
    graph, _ = node_graph(mesh, terminals={})
    within = graph.phase[graph.cell_a] == graph.phase[graph.cell_b]
    return Quality(
        tuple(kinds),
        Spread.of(np.concatenate(volumes)),
        Spread.of(np.concatenate(edges)),
        (float(tilt.mean()), float(tilt.max())) if tilt.size else (0.0, 0.0),
        (float(offset.mean()), float(offset.max())) if offset.size else (0.0, 0.0),
        tuple(int(n) for n in number[order]),
        float(np.mean(graph.area[within] < 0.0)),
    )


def _edges(kind: CellKind, x: Floats) -> Floats:
    """Return the lengths of the edges of cells, shape (m, edges)."""
    edges = np.array(ELEMENTS[kind].edges)
    return np.linalg.norm(x[:, edges[:, 0]] - x[:, edges[:, 1]], axis=2)


def _areas(kind: CellKind, x: Floats) -> Floats:
    """Return the areas of the facets of cells, in the plane their lengths, shape (m, facets)."""
    return np.stack([facet_loads(x[:, facet]).sum(axis=1) for facet in ELEMENTS[kind].facets], axis=1)


def _angles(kind: CellKind, x: Floats) -> Floats:
    """Return dihedral angles of tetrahedra, angles between the edges of facets of others, in degrees, flat."""
    if kind == "tetra":
        corners = [x[:, facet] for facet in ELEMENTS[kind].facets]
        normals = [np.cross(c[:, 1] - c[:, 0], c[:, 2] - c[:, 0]) for c in corners]
        pairs = [(normals[k], -normals[j]) for k in range(4) for j in range(k)]
    else:
        rings = ELEMENTS[kind].facets if ELEMENTS[kind].dimension == 3 else (tuple(range(x.shape[1])),)
        pairs = [
            (x[:, ring[(k + 1) % len(ring)]] - x[:, ring[k]], x[:, ring[k - 1]] - x[:, ring[k]])
            for ring in rings
            for k in range(len(ring))
        ]
    return np.concatenate([_angle(a, b) for a, b in pairs])


def _angle(a: Floats, b: Floats) -> Floats:
    """Return the angles between vectors in degrees."""
    across = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(across, np.einsum("...x,...x->...", a, b)))


def _radius_ratio(x: Floats) -> Floats:
    if x.shape[1] == 3:
        edges = _edges("triangle", x)
        area = lumped_mass("triangle", x).sum(axis=1)
        return 16.0 * area**2 / (edges.sum(axis=1) * edges.prod(axis=1))
    edges = _edges("tetra", x)
    volume = lumped_mass("tetra", x).sum(axis=1)
    # circumscribed sphere from the products of opposite edges (Cayley–Menger)
    a, b, c = (edges[:, k] * edges[:, j] for k, j in ((0, 5), (1, 3), (2, 4)))
    crossed = (a + b + c) * (a + b - c) * (a - b + c) * (b + c - a)
    return 216.0 * volume**2 / (_areas("tetra", x).sum(axis=1) * np.sqrt(np.maximum(crossed, 0.0)))


def _scaled_jacobian(kind: CellKind, x: Floats) -> Floats:
    """Return the smallest, over the corners of cells, of determinant over product of the edges; 1 for the best cell."""
    edges, length = np.array(ELEMENTS[kind].edges), _edges(kind, x)
    at_corner = [length[:, np.any(edges == k, axis=1)].prod(axis=1) for k in range(x.shape[1])]
    return np.min(_BEST[kind] * corner_jacobians(kind, x) / np.stack(at_corner, axis=1), axis=1)


def _aspect(kind: CellKind, x: Floats) -> Floats:
    volume = lumped_mass(kind, x).sum(axis=1)
    factor = np.array([_HEIGHT[kind, len(facet)] for facet in ELEMENTS[kind].facets])
    return _edges(kind, x).max(axis=1) / np.min(factor * volume[:, None] / _areas(kind, x), axis=1)


def _between_centres(mesh: UnstructuredMesh, facets: Sequence[CellFacets]) -> tuple[Floats, Floats]:
    """Return non-orthogonality in degrees and skewness of all inner facets."""
    centre = np.concatenate([mesh.points[block.nodes].mean(axis=1) for block in mesh.cells])
    node = np.concatenate([block.nodes.ravel() for block in mesh.cells])
    tilts, offsets = [np.empty(0)], [np.empty(0)]
    for each in facets:
        x = mesh.points[node[each.corner[each.first]]]
        a, b = centre[each.cell[each.first]], centre[each.cell[each.second]]
        if x.shape[1] == 2:
            normal = np.cross(x[:, 1] - x[:, 0], [0.0, 0.0, 1.0])
        else:
            normal = np.cross(x[:, 2] - x[:, 0], x[:, -1] - x[:, 1])
        line, middle = b - a, x.mean(axis=1)
        share = np.einsum("mx,mx->m", middle - a, normal) / np.einsum("mx,mx->m", line, normal)
        tilts.append(_angle(line, normal))
        offsets.append(np.linalg.norm(a + share[:, None] * line - middle, axis=1) / np.linalg.norm(line, axis=1))
    return np.concatenate(tilts), np.concatenate(offsets)
