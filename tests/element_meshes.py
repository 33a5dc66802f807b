"""Small unstructured meshes of every kind of element, distorted at random, and linear systems on their graphs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import spsolve

from catholyte.mesh.elements import ELEMENTS, FACET_KIND
from catholyte.mesh.facets import facets_of
from catholyte.mesh.graph import Graph
from catholyte.mesh.unstructured import CellBlock, FacetBlock, UnstructuredMesh

#: offsets (x, y, z) of the corners of a cube, in the order of VTK
CUBE = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))

#: the two wedges of a cube, their triangles facing along x
WEDGES = ((0, 3, 7, 1, 2, 6), (0, 7, 4, 1, 6, 5))


def _kuhn() -> list[tuple[int, ...]]:
    """Return the six tetrahedra around the long diagonal of a cube, with positive volume."""
    number = {corner: k for k, corner in enumerate(CUBE)}
    cells = []
    for way in itertools.permutations(range(3)):
        corners = [np.zeros(3, int)]
        for axis in way:
            corners.append(corners[-1] + np.eye(3, dtype=int)[axis])
        nodes = [number[tuple(int(c) for c in corner)] for corner in corners]
        if np.linalg.det(np.diff(corners, axis=0)) < 0:
            nodes[1], nodes[2] = nodes[2], nodes[1]
        cells.append(tuple(nodes))
    return cells


SOLIDS = {"hexahedron": [tuple(range(8))], "wedge": list(WEDGES), "tetra": _kuhn()}
PLANES = {"quad": [(0, 1, 2, 3)], "triangle": [(0, 1, 2), (0, 2, 3)]}


def block(kind: str, nodes: np.ndarray, region: np.ndarray | int = 0, grain: np.ndarray | int = 0) -> CellBlock:
    nodes = np.asarray(nodes, np.int64)
    m = len(nodes)
    return CellBlock(
        kind,
        nodes,
        np.broadcast_to(np.asarray(region, np.int16), m).copy(),
        np.arange(m),
        np.broadcast_to(np.asarray(grain, np.int32), m).copy(),
    )


def box(
    kinds: Sequence[str] | Callable[[np.ndarray], np.ndarray],
    n: Sequence[int],
    *,
    lengths: Sequence[float] | None = None,
    distortion: float = 0.0,
    seed: int = 1,
    region_names: Sequence[str] = ("solid",),
    region: Callable[[np.ndarray], np.ndarray] | None = None,
    symmetry: str = "none",
    still: Sequence[tuple[int, float]] = (),
) -> UnstructuredMesh:
    """Return a box of n cubes (or squares) along each axis, cut into cells of one kind or of those of ``kinds``.

    ``region`` gives the region of cubes by their centres. Points move at random by up to ``distortion`` edges, those on
    outer faces and on the planes in ``still``, pairs of axis and place, within these. Facets at the ends of the last
    axis are tagged "counter" and "collector".
    """
    d = len(n)
    lengths = np.ones(d) if lengths is None else np.asarray(lengths, float)
    axes = [np.linspace(0.0, length, k + 1) for length, k in zip(lengths, n, strict=True)]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    moved = places.copy()
    random = np.random.default_rng(seed)
    for axis in range(d):
        way = random.uniform(-distortion, distortion, places.shape[:-1]) * lengths[axis] / n[axis]
        fixed = [(axis, 0.0), (axis, lengths[axis]), *still]
        for of, at in fixed:
            if of == axis:
                way[np.isclose(places[..., axis], at)] = 0.0
        moved[..., axis] += way
    points = np.zeros((places[..., 0].size, 3))
    points[:, :d] = moved.reshape(-1, d)
    number = np.arange(len(points)).reshape(places.shape[:-1])
    offsets = np.array(CUBE)[: 2**d, :d]
    corners = np.stack(
        [number[tuple(slice(o, o + k) for o, k in zip(off, n, strict=True))] for off in offsets], axis=-1
    )
    corners = corners.reshape(-1, 2**d)
    centres = places.reshape(-1, d)[corners].mean(axis=1)
    of_region = np.zeros(len(corners), np.int16) if region is None else region(centres).astype(np.int16)
    cuts = SOLIDS if d == 3 else PLANES
    chosen = kinds(centres) if callable(kinds) else np.full(len(corners), kinds[0])
    blocks = []
    for kind in cuts:
        at = chosen == kind
        if at.any():
            ways = cuts[kind]
            nodes = np.concatenate([corners[at][:, list(way)] for way in ways])
            blocks.append(block(kind, nodes, np.tile(of_region[at], len(ways))))
    facets = plates(points, blocks, d - 1, lengths[d - 1])
    return UnstructuredMesh(points, tuple(blocks), tuple(region_names), facets, ("counter", "collector"), symmetry)


def plates(points: np.ndarray, blocks: Sequence[CellBlock], axis: int, top: float) -> tuple[FacetBlock, ...]:
    found: dict[str, list[np.ndarray]] = {}
    tags: dict[str, list[int]] = {}
    for each in blocks:
        for facet in ELEMENTS[each.kind].facets:
            nodes = each.nodes[:, facet]
            for tag, place in enumerate((0.0, top)):
                at = np.all(np.isclose(points[nodes, axis], place), axis=1)
                if at.any():
                    kind = FACET_KIND[len(facet)]
                    found.setdefault(kind, []).append(nodes[at])
                    tags.setdefault(kind, []).extend([tag] * int(at.sum()))
    return tuple(FacetBlock(kind, np.concatenate(found[kind]), np.array(tags[kind], np.int16)) for kind in found)


def boundary_points(mesh: UnstructuredMesh) -> np.ndarray:
    return np.unique(np.concatenate([each.nodes[each.alone].ravel() for each in facets_of(mesh.cells)]))


def mixed(n: int, distortion: float, seed: int = 1, **rest: object) -> UnstructuredMesh:
    """Return hexahedra below wedges, and tetrahedra beside the wedges: an L, for the rest of the box has no place."""
    full = box(
        lambda c: np.where(
            c[:, 0] > 0.5, np.where(c[:, 2] > 0.5, "tetra", "none"), np.where(c[:, 2] > 0.5, "wedge", "hexahedron")
        ),
        (n, n, n),
        distortion=distortion,
        seed=seed,
        still=[(0, 0.5), (2, 0.5)],
        **rest,
    )
    used = np.unique(np.concatenate([each.nodes.ravel() for each in full.cells]))
    new = np.full(len(full.points), -1)
    new[used] = np.arange(used.size)
    cells = tuple(CellBlock(each.kind, new[each.nodes], each.region, each.number, each.grain) for each in full.cells)
    facets = tuple(FacetBlock(each.kind, new[each.nodes], each.tag) for each in full.facets)
    return UnstructuredMesh(full.points[used], cells, full.region_names, facets, full.tag_names)


def conductance(graph: Graph, sigma: Sequence[float] = (1.0,), contact: float = 0.0) -> np.ndarray:
    """Return area/(d_a/σ_a + d_b/σ_b + contact) of every face; the contact is between phases or grains."""
    sigma = np.broadcast_to(np.asarray(sigma, float), len(graph.phase_names))
    a, b = graph.cell_a, graph.cell_b
    apart = graph.phase[a] != graph.phase[b]
    if graph.grain is not None:
        apart |= graph.grain[a] != graph.grain[b]
    series = graph.distance_a / sigma[graph.phase[a]] + graph.distance_b / sigma[graph.phase[b]]
    return graph.area / (series + np.where(apart, contact, 0.0))


def laplacian(graph: Graph, g: np.ndarray) -> csr_array:
    """Return the matrix whose row i is Σ_j g_ij (u_i − u_j)."""
    n = graph.n_cells
    a, b = graph.cell_a, graph.cell_b
    links = coo_array((np.r_[g, g], (np.r_[a, b], np.r_[b, a])), shape=(n, n)).tocsr()
    return (diags_array(np.asarray(links.sum(axis=1)).ravel()) - links).tocsr()


def solve_fixed(matrix: csr_array, load: np.ndarray, fixed: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Solve with the values at some unknowns (mask) given."""
    u, free = np.where(fixed, values, 0.0), ~fixed
    right = load - matrix @ u
    u[free] = spsolve(matrix[free][:, free].tocsc(), right[free])
    return u


def between_plates(graph: Graph, g: np.ndarray, sigma: Sequence[float] = (1.0,)) -> tuple[np.ndarray, float, float]:
    """Return the potential with the counter at 0 V and the collector at 1 V, and the currents at both in A."""
    sigma = np.broadcast_to(np.asarray(sigma, float), len(graph.phase_names))
    matrix, load, ends = laplacian(graph, g), np.zeros(graph.n_cells), {}
    for name, value in (("counter", 0.0), ("collector", 1.0)):
        terminal = graph.terminals[name]
        at = terminal.area * sigma[graph.phase[terminal.cell]] / terminal.distance
        diagonal = np.bincount(terminal.cell, at, graph.n_cells)
        matrix = matrix + diags_array(diagonal)
        load += value * diagonal
        ends[name] = diagonal
    u = spsolve(matrix.tocsc(), load)
    return u, float(ends["counter"] @ u), float(ends["collector"] @ (1.0 - u))
