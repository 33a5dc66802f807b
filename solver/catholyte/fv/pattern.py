"""Sparse matrices of one pattern, filled again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

Array = NDArray[Any]


@dataclass(frozen=True)
class Pattern:
    """Where a list of contributions, many of which may share a place, stand in a square matrix.

    Attributes
    ----------
    slot
        Position of every contribution among the stored entries, shape (contributions,).
    indices, indptr
        Rows and column pointers of the compressed columns.
    """

    slot: NDArray[np.int64]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int32]

    @classmethod
    def of(cls, n: int, rows: Array, columns: Array) -> Pattern:
        """Sort the places (row, column) of contributions to a matrix of shape (n, n)."""
        places, slot = np.unique(columns.astype(np.int64) * n + rows, return_inverse=True)
        indptr = np.searchsorted(places, np.arange(n + 1, dtype=np.int64) * n)
        return cls(slot, (places % n).astype(np.int32), indptr.astype(np.int32))

    def matrix(self, values: Array) -> csc_array:
        """Return the matrix whose entries are the sums of the contributions at their places."""
        size, n = self.indices.size, self.indptr.size - 1
        data: Array
        if np.iscomplexobj(values):
            data = np.bincount(self.slot, values.real, size) + 1j * np.bincount(self.slot, values.imag, size)
        else:
            data = np.bincount(self.slot, values, size)
        return csc_array((data, self.indices, self.indptr), shape=(n, n))
