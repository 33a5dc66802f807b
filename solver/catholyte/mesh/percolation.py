"""Which cells can take part: electrons need a path to the collector, ions one to the counter electrode.

Cells without their path are excluded before anything is solved, so they never make the system singular, and their
volumes are reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from catholyte.errors import MeshError
from catholyte.mesh.graph import Graph

#: kinds of phases that carry electrons
ELECTRONIC = ("active", "conductor")


@dataclass(frozen=True)
class Percolation:
    """Outcome of the search for conducting paths.

    Attributes
    ----------
    keep
        Cells that have their path, shape (n,).
    connected
        Volume share of every phase that has its path.
    reacting
        Volume share of every phase that reacts, has its path and belongs to a cluster touching connected electrolyte.
    """

    keep: NDArray[np.bool_]
    connected: Mapping[str, float]
    reacting: Mapping[str, float]


def percolation(
    graph: Graph, kinds: Mapping[str, str], *, reacting: Collection[str] = (), mixed: Collection[str] = ()
) -> Percolation:
    """Find the cells that can take part.

    Parameters
    ----------
    graph
        The mesh.
    kinds
        ``"active"``, ``"conductor"`` or ``"electrolyte"`` for every phase.
    reacting
        Names of phases that react besides the active ones, where they carry electrons.
    mixed
        Names of active phases that are mixed conductors: ions pass through them too, to electrolyte behind them and
        from one to the other.

    Raises
    ------
    MeshError
        If no active material reaches the collector, no electrolyte the counter electrode, or the two never touch.
    """
    kind = np.array([kinds[name] for name in graph.phase_names])[graph.phase]
    electronic = np.isin(kind, ELECTRONIC)
    by_electrons = graph.connected_to("collector", electronic)
    is_mixed = np.isin(graph.phase, [k for k, name in enumerate(graph.phase_names) if name in mixed])
    electrolyte = kind == "electrolyte"
    by_ions = graph.connected_to("counter", electrolyte | (is_mixed & by_electrons)) & electrolyte
    keep = by_electrons | by_ions
    also = [k for k, name in enumerate(graph.phase_names) if name in reacting and kinds[name] in ELECTRONIC]
    active = (kind == "active") | np.isin(graph.phase, also)
    if not (by_electrons & active).any():
        raise MeshError(
            "no active material has an electron path to the current collector: nothing percolates on the electron side"
            if active.any()
            else "there is no active material in the mesh"
        )
    if not by_ions.any():
        raise MeshError(
            "no electrolyte has an ion path to the counter electrode: nothing percolates on the ion side; "
            "a separator layer may be missing"
        )
    same_host = (graph.phase[graph.cell_a] == graph.phase[graph.cell_b]) & active[graph.cell_a]
    same_host |= is_mixed[graph.cell_a] & is_mixed[graph.cell_b]
    cluster = graph.components(same_host)
    touching = (by_electrons & active)[graph.cell_a] & by_ions[graph.cell_b]
    gripping = (by_electrons & active)[graph.cell_b] & by_ions[graph.cell_a]
    fed = np.zeros(int(cluster.max()) + 1, dtype=bool)
    fed[cluster[graph.cell_a[touching]]] = True
    fed[cluster[graph.cell_b[gripping]]] = True
    if not fed.any():
        raise MeshError("connected active material and connected electrolyte touch nowhere: nothing can react")
    fed_cells = fed[cluster] & by_electrons & active
    connected_share, reacting_share = {}, {}
    for index, name in enumerate(graph.phase_names):
        cells = graph.phase == index
        volume = float(graph.volume[cells].sum())
        if volume > 0.0:
            connected_share[name] = float(graph.volume[cells & keep].sum()) / volume
            if kinds[name] == "active" or index in also:
                reacting_share[name] = float(graph.volume[cells & fed_cells].sum()) / volume
    return Percolation(keep, connected_share, reacting_share)


def joined_to_both_ends(conducts: NDArray[np.bool_], *, periodic: bool = False) -> NDArray[np.bool_]:
    """Find the voxels that are joined, through faces, to both ends of the first axis.

    Parameters
    ----------
    conducts
        Which voxels conduct, shape (nz, ny, nx).
    periodic
        Whether opposite side walls are joined.

    Returns
    -------
    Mask of the same shape.
    """
    clusters = np.empty(conducts.shape, dtype=np.int32)
    count = int(ndimage.label(conducts, output=clusters))
    joined = np.arange(count + 1)
    if periodic and count:
        pairs = np.concatenate(
            [
                np.stack([clusters[:, 0].ravel(), clusters[:, -1].ravel()]),
                np.stack([clusters[:, :, 0].ravel(), clusters[:, :, -1].ravel()]),
            ],
            axis=1,
        )
        a, b = pairs[:, (pairs > 0).all(axis=0)]
        links = coo_array((np.ones(a.size, dtype=np.int8), (a, b)), shape=(count + 1, count + 1))
        joined = connected_components(links.tocsr(), directed=False)[1]
    low, high = joined[clusters[0][conducts[0]]], joined[clusters[-1][conducts[-1]]]
    through = np.isin(joined, np.intersect1d(low, high))
    through[0] = False
    kept: NDArray[np.bool_] = through[clusters]
    return kept
