"""Approximate inverses of the two diagonal blocks by Ruge and Stüben's algebraic multigrid, of pyamg.

Aggregation follows the strong links of a graph, but needs positive ones. On meshes of elements couplings are negative
behind obtuse angles and differ by orders of magnitude between neighbours; interpolation from the matrix entries copes
with both. What it loses are the potentials of clusters that conduct well inside and hang on resistive boundaries, as
grains do; they are solved for apart, one unknown a cluster. A hierarchy is kept while the diagonal of its matrix stays
about the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyamg
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from catholyte.fv.assembly import CoupledSystem
from catholyte.fv.laplacian import Laplacian
from catholyte.solve.threads import share

Vector = NDArray[Any]

#: relative change of an entry of the diagonal from which a hierarchy is made anew
_CHANGED = 0.25
#: rows up to which a level is solved directly
_COARSEST = 300
#: links join two rows into a cluster beyond this share of the largest links of both
_STRONG = 1e-3


@dataclass
class _Hierarchy:
    """Multigrid of a matrix that changes a little from one solve to the next."""

    diagonal: Vector = field(default_factory=lambda: np.zeros(0))
    scale: float = 1.0
    cycle: Any = None
    matrix: Any = None
    cluster: Any = None
    clusters: Any = None

    def take(self, matrix: Laplacian) -> None:
        """Set up the hierarchy of a matrix, or keep the one at hand."""
        diagonal = matrix.diagonal
        if self.diagonal.size == diagonal.size:
            change = np.abs(diagonal - self.diagonal) / np.abs(self.diagonal)
            if float(change.max()) <= _CHANGED:
                return
        self.diagonal = diagonal
        # Conductances of a mesh of nanometres lie below the thresholds of the library.
        self.scale = 1.0 / float(np.abs(diagonal).max())
        scaled = (matrix.matrix() * self.scale).tocsr()
        levels = pyamg.ruge_stuben_solver(scaled, max_coarse=_COARSEST, coarse_solver="splu")
        self.cycle = levels.aspreconditioner()
        self.matrix = scaled
        self.cluster = _clusters(matrix)
        member = csr_array((np.ones(diagonal.size), (np.arange(diagonal.size), self.cluster)))
        self.clusters = splu((member.T @ scaled @ member).tocsc())

    def solve(self, load: Vector) -> Vector:
        """Solve for the clusters, and run one cycle on what that leaves."""
        wide = load.astype(np.float64)
        of_clusters = self.clusters.solve(np.bincount(self.cluster, wide))[self.cluster]
        solved: Vector = self.scale * (of_clusters + self.cycle @ (wide - self.matrix @ of_clusters))
        return solved.astype(load.dtype)


def _clusters(matrix: Laplacian) -> NDArray[np.int32]:
    """Return the cluster of every row: those that strong links join."""
    links, weights = matrix.links, np.abs(matrix.weights)
    largest = np.maximum.reduceat(np.append(weights, 0.0), np.minimum(links.indptr[:-1], weights.size))
    row = np.repeat(np.arange(links.n, dtype=np.int32), np.diff(links.indptr))
    strong = weights > _STRONG * np.minimum(largest[row], largest[links.indices])
    joined = coo_array(
        (np.ones(np.count_nonzero(strong), dtype=np.int8), (row[strong], links.indices[strong])),
        shape=(links.n, links.n),
    )
    return np.asarray(connected_components(joined, directed=False)[1], dtype=np.int32)


class AlgebraicBlocks:
    """Classical algebraic multigrid for potentials and for lithium, one cycle each, in double precision.

    Parameters
    ----------
    system
        A real system; those that are taken later share its skeleton.
    """

    wide = True

    def __init__(self, system: CoupledSystem) -> None:
        share(system.n_phi)
        self._phi, self._lithium = _Hierarchy(), _Hierarchy()

    def take(self, system: CoupledSystem) -> None:
        """Take the numbers of a system."""
        self._system = system
        self._phi.take(system.reduced_matrix)
        if not system.frozen:
            self._lithium.take(system.reduced_lithium())

    def potentials(self, load: Vector) -> Vector:
        """Solve the reduced A_φφ by a cycle."""
        return self._phi.solve(load)

    def lithium(self, load: Vector) -> Vector:
        """Run one cycle on A_xx."""
        return self._lithium.solve(load)

    def product(self, v: Vector) -> Vector:
        """Multiply with the matrix."""
        return self._system.product(v)
