"""Which way round the nodes of cells are numbered.

A file may number cells, or all cells of one of its surfaces, the other way round than VTK does. That is no fault of the
mesh, but a cell that is turned inside out is one. They are told apart by the neighbours: in a patch of cells whose
numbers agree across their facets either all are the other way round, or single ones are inside out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from catholyte.mesh.elements import ELEMENTS, corner_jacobians
from catholyte.mesh.facets import CellFacets, facets_of
from catholyte.mesh.unstructured import UnstructuredMesh


def oriented(mesh: UnstructuredMesh) -> UnstructuredMesh:
    """Renumber the nodes of cells that are numbered the other way round; cells that are inside out stay so."""
    backward = np.concatenate(
        [np.all(corner_jacobians(block.kind, mesh.points[block.nodes]) < 0.0, axis=1) for block in mesh.cells]
    )
    if not backward.any():
        return mesh
    patch = linked(facets_of(mesh.cells), backward.size, agreeing=True)
    turned = (np.bincount(patch, backward) == np.bincount(patch))[patch]
    begin, blocks = 0, []
    for block in mesh.cells:
        at = turned[begin : begin + len(block.nodes)]
        begin += len(block.nodes)
        mirrored = block.nodes[:, ELEMENTS[block.kind].mirror]
        blocks.append(replace(block, nodes=np.where(at[:, None], mirrored, block.nodes)))
    return replace(mesh, cells=tuple(blocks))


def linked(facets: Sequence[CellFacets], n_cells: int, *, agreeing: bool = False) -> NDArray[np.int32]:
    """Label the cells that are connected through facets, or through facets across which their numbering agrees."""
    pairs = []
    for each in facets:
        pair = np.stack([each.cell[each.first], each.cell[each.second]])
        pairs.append(pair[:, each.turns_left(each.first) != each.turns_left(each.second)] if agreeing else pair)
    a, b = np.concatenate(pairs, axis=1)
    links = coo_array((np.ones(a.size, np.int8), (a, b)), shape=(n_cells, n_cells))
    return connected_components(links.tocsr(), directed=False)[1].astype(np.int32)
