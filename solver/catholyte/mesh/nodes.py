"""From an unstructured mesh to the finite-volume graph: a cell of the graph is the surroundings of a node.

On simplices this is the control-volume finite element, or box, method (Bank & Rose 1987, SIAM J. Numer. Anal. 24, 777,
doi:10.1137/0724050). The flux from node i to node j of a mesh of elements is

    G_ij (u_i − u_j)    with    G_ij = −Σ_elements ∫ ∇N_i·∇N_j dV

and the volume of a cell is ∫ N_i dV. Fluxes of linear fields are exact on any mesh, so there is nothing to be corrected
for non-orthogonality, and the method is of second order. Behind obtuse angles G_ij is negative; the sum of each row is
zero all the same.

A node has one cell in each phase, and where grains are told apart in each grain, that meets there. Hence interfaces
are the facets of the mesh themselves: a facet gives each of its nodes ∫ N_i dA of its area, as a face between the two
cells of that node. Cells of one phase that meet in an edge or a point only are not connected, as in an image.

The node of a cell lies on the interfaces and terminals where the cell ends. The distance to such a face is therefore
nothing; it is set to :data:`GAP` times the depth of the cell behind it (its volume over the area of all its faces of
that kind), because a face without any resistance has no conductance. On a flat interface the cell is half an element
deep: what is added to the path is 1e-4 of half an element on each side, far below the error of the discretisation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, reverse_cuthill_mckee

from catholyte.errors import InputError, MeshError, nearest
from catholyte.mesh.elements import element_matrices, facet_loads
from catholyte.mesh.facets import CellFacets, facets_of
from catholyte.mesh.graph import Graph, Terminal
from catholyte.mesh.unstructured import CellBlock, CellKind, Symmetry, UnstructuredMesh

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Numbers = NDArray[np.int32]

#: distance between a node and an interface that it lies on, in depths of its cell
GAP = 1e-4

#: couplings that are rounding errors, relative to the largest of their nodes
_NOISE = 1e-14


@dataclass(frozen=True, eq=False)
class NodeBlock:
    """Elements of one kind between the cells of a graph.

    Attributes
    ----------
    kind
        Their shape; nodes are numbered as in VTK.
    nodes
        Cells of the graph at the nodes of every element, shape (m, k).
    phase
        Index into the names of the phases of every element, shape (m,).
    """

    kind: CellKind
    nodes: Numbers
    phase: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class NodeMesh:
    """Where the cells of a graph of nodes lie, and the elements between them.

    Attributes
    ----------
    points
        Coordinates of the node of every cell in m, shape (n, 3).
    point
        Point of the mesh that every cell belongs to, shape (n,).
    blocks
        Elements by kind.
    symmetry
        That of the mesh.
    """

    points: Floats
    point: Indices
    blocks: tuple[NodeBlock, ...]
    symmetry: Symmetry = "none"


@dataclass(frozen=True, eq=False)
class _Corners:
    """The cells of the graph, by the corners of the elements.

    Attributes
    ----------
    label
        Phase and grain of every element, shape (m, 2).
    place, cell
        Coordinates, and cell of the graph, of every corner.
    n_cells
        Number of cells of the graph.
    point, phase, grain
        Of every cell of the graph.
    """

    label: Numbers
    place: Floats
    cell: Numbers
    n_cells: int
    point: Indices
    phase: NDArray[np.int16]
    grain: Numbers


@dataclass(frozen=True, eq=False)
class _Faces:
    """Faces between cells, each pair (and tag) once; ``tag`` is −1 without a tag."""

    a: Indices
    b: Indices
    area: Floats
    tag: Indices


def node_graph(
    mesh: UnstructuredMesh,
    *,
    terminals: Mapping[str, str],
    apart: Collection[str] = (),
    excluded: Collection[str] = (),
    phase_of: Mapping[str, str] | None = None,
) -> tuple[Graph, NodeMesh]:
    """Build the graph of the nodes of a mesh.

    Parameters
    ----------
    mesh
        Points, cells and tagged facets.
    terminals
        Tags of the facets at ``"counter"`` and ``"collector"``.
    apart
        Phases whose grains have cells of their own.
    excluded
        Phases that carry nothing and get no cells.
    phase_of
        Phase of regions by name; the others are called like their region.

    Returns
    -------
    graph
        In two dimensions per metre of depth, with axial symmetry of the whole body. Tags of facets on interfaces and
        grain boundaries become tags of faces; those of other facets inside a phase mean nothing.
    nodes
        Where its cells lie.

    Raises
    ------
    InputError
        If the mesh has no such tag.
    MeshError
        If nothing is left, or the facets of a terminal are not on the boundary.
    """
    phase_names, phase_of_region = _phases(mesh.region_names, phase_of or {})
    blocks = _parts(mesh, phase_of_region, phase_names, apart, excluded)
    facets = facets_of(blocks)
    corners = _corners(mesh, blocks, facets)
    n = corners.n_cells
    volume, couplings = _within(mesh, blocks, corners)
    between = _between(mesh, facets, corners)
    ends = {name: _at_terminal(mesh, name, tag, facets, corners) for name, tag in terminals.items()}

    surface = np.zeros(n)
    for cell, area in ((between.a, between.area), (between.b, between.area), *ends.values()):
        surface += np.bincount(cell, area, n)
    gap = np.divide(GAP * volume, surface, out=np.zeros(n), where=surface > 0.0)
    place = mesh.points[corners.point]
    length = np.linalg.norm(place[couplings.a] - place[couplings.b], axis=1)

    rank = _ranks(couplings, between, n)
    back = np.argsort(rank)
    tags, face_tag = np.unique(np.concatenate([couplings.tag, between.tag]), return_inverse=True)
    tag_names = tuple(mesh.tag_names[tag] for tag in tags if tag >= 0)
    graph = Graph(
        volume=volume[back],
        phase=corners.phase[back],
        phase_names=phase_names,
        cell_a=rank[np.concatenate([couplings.a, between.a])],
        cell_b=rank[np.concatenate([couplings.b, between.b])],
        area=np.concatenate([couplings.area * length, between.area]),
        distance_a=np.concatenate([0.5 * length, gap[between.a]]),
        distance_b=np.concatenate([0.5 * length, gap[between.b]]),
        terminals={name: Terminal(rank[cell], area, gap[cell]) for name, (cell, area) in ends.items()},
        grain=corners.grain[back] if apart else None,
        face_tag=(face_tag - (tags.size - len(tag_names))).astype(np.int16) if tag_names else None,
        tag_names=tag_names,
    )
    return graph, NodeMesh(place[back], corners.point[back], _node_blocks(blocks, rank[corners.cell]), mesh.symmetry)


def tagged_area(mesh: UnstructuredMesh, tag: str) -> float:
    """Return the area of the facets with a tag in m²; in two dimensions in m² per metre of depth.

    Raises
    ------
    InputError
        If the mesh has no such tag.
    """
    return sum(float(facet_loads(mesh.points[nodes], mesh.symmetry).sum()) for nodes in _tagged(mesh, "tag", tag))


def _phases(region_names: Sequence[str], phase_of: Mapping[str, str]) -> tuple[tuple[str, ...], NDArray[np.int16]]:
    """Return the names of the phases and the phase of every region."""
    names = [phase_of.get(region, region) for region in region_names]
    phases = tuple(dict.fromkeys(names))
    return phases, np.array([phases.index(name) for name in names], dtype=np.int16)


def _parts(
    mesh: UnstructuredMesh,
    phase_of_region: NDArray[np.int16],
    phase_names: tuple[str, ...],
    apart: Collection[str],
    excluded: Collection[str],
) -> list[CellBlock]:
    """Return the cells that take part; their region is the phase, their grain zero where it does not matter."""
    takes_part = np.array([name not in excluded for name in phase_names])
    has_grains = np.array([name in apart for name in phase_names])
    parts = []
    for block in mesh.cells:
        phase = phase_of_region[block.region]
        at = takes_part[phase]
        if at.any():
            grain = np.where(has_grains[phase], block.grain, 0)[at]
            parts.append(replace(block, nodes=block.nodes[at], region=phase[at], number=block.number[at], grain=grain))
    if not parts:
        raise MeshError("the mesh has no cells: every region is void or excluded")
    return parts


def _corners(mesh: UnstructuredMesh, blocks: Sequence[CellBlock], facets: Sequence[CellFacets]) -> _Corners:
    """Find the cells of the graph: the corners at a node that facets connect within one phase and grain."""
    label = np.concatenate([np.stack([block.region, block.grain], axis=1) for block in blocks])
    node = np.concatenate([block.nodes.ravel() for block in blocks])
    sides = [(np.empty(0, np.int32), np.empty(0, np.int32))]
    for each in facets:
        same = np.all(label[each.cell[each.first]] == label[each.cell[each.second]], axis=1)
        first, second = (each.sorted_corners(side[same]).ravel() for side in (each.first, each.second))
        sides.append((first, second))
    a, b = (np.concatenate(side) for side in zip(*sides, strict=True))
    links = coo_array((np.ones(a.size, dtype=np.int8), (a, b)), shape=(node.size, node.size))
    cell = connected_components(links.tocsr(), directed=False)[1].astype(np.int32)
    n = int(cell.max()) + 1
    point, of_cell = np.empty(n, dtype=np.int64), np.empty((n, 2), dtype=np.int32)
    point[cell] = node
    width = np.repeat([block.nodes.shape[1] for block in blocks], [len(block.nodes) for block in blocks])
    of_cell[cell] = np.repeat(label, width, axis=0)
    return _Corners(label, mesh.points[node], cell, n, point, of_cell[:, 0].astype(np.int16), of_cell[:, 1])


def _within(mesh: UnstructuredMesh, blocks: Sequence[CellBlock], corners: _Corners) -> tuple[Floats, _Faces]:
    """Return the volumes of the cells and the couplings within phases; the area is that over the distance."""
    n = corners.n_cells
    volume, sums = np.zeros(n), csr_array((n, n))
    for block, cells in zip(blocks, _by_block(blocks, corners.cell), strict=True):
        stiffness, mass = element_matrices(block.kind, mesh.points[block.nodes], mesh.symmetry)
        volume += np.bincount(cells.ravel(), mass.ravel(), n)
        i, j = np.triu_indices(cells.shape[1], 1)
        a, b = cells[:, i].ravel(), cells[:, j].ravel()
        entries = coo_array((-stiffness[:, i, j].ravel(), (np.minimum(a, b), np.maximum(a, b))), shape=(n, n))
        sums = sums + entries.tocsr()
    found = sums.tocoo()
    low, high = (index.astype(np.int64) for index in found.coords)
    size, largest = np.abs(found.data), np.zeros(n)
    np.maximum.at(largest, low, size)
    np.maximum.at(largest, high, size)
    kept = size > _NOISE * np.minimum(largest[low], largest[high])
    return volume, _Faces(low[kept], high[kept], found.data[kept], np.full(np.count_nonzero(kept), -1))


def _by_block(blocks: Sequence[CellBlock], values: Numbers) -> Iterator[Numbers]:
    """Yield values of all corners for one block after the other, in the shape of its nodes."""
    begin = 0
    for block in blocks:
        yield values[begin : begin + block.nodes.size].reshape(block.nodes.shape)
        begin += block.nodes.size


def _tags_of_facets(mesh: UnstructuredMesh, facets: Sequence[CellFacets]) -> list[Indices]:
    """Return the tag of every facet of the cells, −1 without one.

    Raises
    ------
    MeshError
        If a facet within the mesh has two.
    """
    found = []
    for each in facets:
        tag_of = np.full(len(each.nodes), -1, dtype=np.int64)
        for block in mesh.facets:
            if block.kind != each.kind:
                continue
            sides = each.find(block.nodes)
            inside = sides[:, 1] >= 0
            for tag in np.unique(block.tag[inside]):
                at = sides[inside & (block.tag == tag)]
                other = tag_of[at[:, 0]]
                twice, first = np.unique(at[(other >= 0) & (other != tag), 0], return_index=True)
                if twice.size:
                    names = ", ".join(sorted({mesh.tag_names[k] for k in (tag, *tag_of[twice])}))
                    where = _place(mesh.points[each.nodes[twice[first.argmin()]]].mean(axis=0))
                    raise MeshError(
                        f"{twice.size} facets inside the mesh have several tags ({names}), the first at {where}; "
                        "a part of an interface has one name"
                    )
                tag_of[at.ravel()] = tag
        found.append(tag_of)
    return found


def _between(mesh: UnstructuredMesh, facets: Sequence[CellFacets], corners: _Corners) -> _Faces:
    """Return the faces between phases and between grains."""
    empty = np.empty(0, np.int64)
    parts = [(empty, empty, np.empty(0), empty)]
    for each, tag_of in zip(facets, _tags_of_facets(mesh, facets), strict=True):
        differ = np.any(corners.label[each.cell[each.first]] != corners.label[each.cell[each.second]], axis=1)
        first, second = each.first[differ], each.second[differ]
        a, b = (corners.cell[each.sorted_corners(side)].astype(np.int64) for side in (first, second))
        loads = facet_loads(corners.place[each.corner[first]], mesh.symmetry)
        areas = np.take_along_axis(loads, each.order[first].astype(np.int64), axis=1)
        tags = np.repeat(tag_of[first][:, None], a.shape[1], axis=1)
        parts.append((np.minimum(a, b).ravel(), np.maximum(a, b).ravel(), areas.ravel(), tags.ravel()))
    low, high, area, tag = (np.concatenate(part) for part in zip(*parts, strict=True))
    n, n_tags = corners.n_cells, len(mesh.tag_names) + 1
    keys, member = np.unique((low * n + high) * n_tags + tag + 1, return_inverse=True)
    pair, tag = np.divmod(keys, n_tags)
    sums = np.asarray(np.bincount(member, area, keys.size), dtype=np.float64)
    return _Faces(pair // n, pair % n, sums, tag - 1)


def _at_terminal(
    mesh: UnstructuredMesh, name: str, tag: str, facets: Sequence[CellFacets], corners: _Corners
) -> tuple[Indices, Floats]:
    """Return the cells at a terminal and the area that each has there."""
    area = np.zeros(corners.n_cells)
    for nodes in _tagged(mesh, name, tag):
        for each in facets:
            if each.nodes.shape[1] != nodes.shape[1]:
                continue
            sides = each.find(nodes)
            if np.any(inside := sides[:, 1] >= 0):
                where = mesh.points[nodes[inside][0]].mean(axis=0)
                raise MeshError(
                    f"{np.count_nonzero(inside)} facets of the {name} (tag {tag!r}) lie inside the mesh, the first at "
                    f"{_place(where)}; a terminal is a part of the boundary"
                )
            corner = each.corner[np.unique(sides[sides[:, 0] >= 0, 0])]
            loads = facet_loads(corners.place[corner], mesh.symmetry)
            area += np.bincount(corners.cell[corner].ravel(), loads.ravel(), area.size)
    cell = np.flatnonzero(area)
    if not cell.size:
        raise MeshError(f"no cell that takes part touches the {name}: no facet with the tag {tag!r} belongs to one")
    return cell, area[cell]


def _tagged(mesh: UnstructuredMesh, key: str, tag: str) -> Iterator[Indices]:
    """Yield the points of the facets with a tag, each facet once, by kind."""
    if tag not in mesh.tag_names:
        expected = f"one of the tags of the mesh: {', '.join(mesh.tag_names) or 'it has none'}"
        raise InputError(key, tag, expected, nearest(tag, mesh.tag_names))
    number = mesh.tag_names.index(tag)
    for kind in sorted({block.kind for block in mesh.facets}):
        nodes = np.concatenate([block.nodes[block.tag == number] for block in mesh.facets if block.kind == kind])
        _, once = np.unique(np.sort(nodes, axis=1), axis=0, return_index=True)
        yield nodes[np.sort(once)]


def _ranks(couplings: _Faces, between: _Faces, n: int) -> Numbers:
    """Return the number of every cell in an order in which neighbours are near each other."""
    a, b = np.concatenate([couplings.a, between.a]), np.concatenate([couplings.b, between.b])
    links = coo_array((np.ones(2 * a.size, np.int8), (np.r_[a, b], np.r_[b, a])), shape=(n, n)).tocsr()
    rank = np.empty(n, dtype=np.int32)
    rank[reverse_cuthill_mckee(links, symmetric_mode=True)] = np.arange(n, dtype=np.int32)
    return rank


def _node_blocks(blocks: Sequence[CellBlock], cell: Numbers) -> tuple[NodeBlock, ...]:
    """Return the elements with the cells of the graph at their nodes; ``cell`` is that of every corner."""
    pairs = zip(blocks, _by_block(blocks, cell), strict=True)
    return tuple(NodeBlock(block.kind, nodes, block.region) for block, nodes in pairs)


def _place(point: Floats) -> str:
    return "(" + ", ".join(f"{x:.4g}" for x in point) + ") m"
