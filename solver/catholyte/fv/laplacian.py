"""Weighted graph Laplacians plus a diagonal: the form of every block of the Newton systems.

    (A x)_p = d_p x_p + Σ_q w_pq (x_p − x_q)

The pattern (which unknowns are linked) is built once; weights and diagonal change with the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from catholyte.fv import kernels

Indices = NDArray[np.int32]

#: rows from which starting threads pays
_PARALLEL_FROM = 100_000


@dataclass(frozen=True)
class Links:
    """Rows of a symmetric graph in compressed form, and where every edge stands in them.

    Attributes
    ----------
    indptr, indices
        Row pointers (n + 1,) and columns (2 m,); the diagonal is not stored.
    slot_ab, slot_ba
        Position of edge k in the row of its first and of its second end, shape (m,).
    """

    indptr: Indices
    indices: Indices
    slot_ab: Indices
    slot_ba: Indices

    @classmethod
    def from_edges(cls, n: int, a: Indices, b: Indices) -> Links:
        """Build the rows of ``n`` unknowns linked by the edges (a, b)."""
        degree = np.zeros(n, dtype=np.int32)
        kernels.count_links(degree, a, b)
        indptr = np.zeros(n + 1, dtype=np.int32)
        np.cumsum(degree, out=indptr[1:])
        indices = np.empty(2 * a.size, dtype=np.int32)
        slot_ab, slot_ba = np.empty(a.size, dtype=np.int32), np.empty(a.size, dtype=np.int32)
        kernels.fill_links(indices, slot_ab, slot_ba, indptr[:-1].copy(), a, b)
        return cls(indptr, indices, slot_ab, slot_ba)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.indptr.size - 1)


@dataclass(frozen=True)
class Laplacian:
    """Graph Laplacian with edge weights plus a diagonal.

    Attributes
    ----------
    links
        The pattern.
    weights
        Weight of every stored link, shape (2 m,).
    excess
        What the diagonal holds beyond the sum of the links (Dirichlet faces, storage), shape (n,).
    """

    links: Links
    weights: NDArray[Any]
    excess: NDArray[Any]

    @classmethod
    def from_edges(cls, links: Links, edge_weights: NDArray[Any], excess: NDArray[Any]) -> Laplacian:
        """Build from one weight an edge, shape (m,), and the diagonal excess, shape (n,)."""
        weights = np.empty(links.indices.size, dtype=edge_weights.dtype)
        kernels.fill_weights(weights, links.slot_ab, links.slot_ba, edge_weights)
        return cls(links, weights, excess)

    @cached_property
    def row_sum(self) -> NDArray[Any]:
        """Sum of the link weights of every row, shape (n,)."""
        total = np.empty(self.links.n, dtype=self.weights.dtype)
        kernels.row_sums(total, self.links.indptr, self.weights)
        return total

    @cached_property
    def diagonal(self) -> NDArray[Any]:
        """The diagonal of the matrix, shape (n,)."""
        return self.row_sum + self.excess

    def product(self, x: NDArray[Any]) -> NDArray[Any]:
        """Multiply with a vector of shape (n,)."""
        out = np.empty_like(x)
        product = kernels.laplacian_product if x.size < _PARALLEL_FROM else kernels.laplacian_product_parallel
        product(out, self.links.indptr, self.links.indices, self.weights, self.diagonal, x)
        return out

    def matrix(self) -> csr_array:
        """Return the assembled sparse matrix (repeated links are summed)."""
        n = self.links.n
        off = csr_array((-self.weights, self.links.indices, self.links.indptr), shape=(n, n))
        rows = np.arange(n)
        return (off + csr_array((self.diagonal, (rows, rows)), shape=(n, n))).tocsr()
