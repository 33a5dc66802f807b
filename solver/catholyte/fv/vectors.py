"""Long vectors in threads, compiled by numba.

Sums are taken over a fixed number of chunks, so that they do not depend on the number of threads.
"""

from __future__ import annotations

import numba as nb
import numpy as np

_jit = nb.njit(cache=True, nogil=True, parallel=True, fastmath={"reassoc", "contract", "nsz"})

#: parts of a vector that are summed on their own
CHUNKS = 64


@_jit
def inner(a, b):
    """Inner product Σ conj(a)·b in double precision, summed over chunks that do not depend on the threads."""
    size = (a.size + CHUNKS - 1) // CHUNKS
    zero = 0.0 * b[0]
    parts = np.full(CHUNKS, zero)
    for k in nb.prange(CHUNKS):
        total = zero
        for i in range(k * size, min((k + 1) * size, a.size)):
            total += np.conj(a[i]) * (1.0 * b[i])
        parts[k] = total
    whole = zero
    for k in range(CHUNKS):  # not parts.sum(), which would be shared among the threads
        whole += parts[k]
    return whole


@_jit
def subtract_multiple(w, factor, v):
    """W −= factor·v."""
    size = (w.size + CHUNKS - 1) // CHUNKS
    for k in nb.prange(CHUNKS):
        for i in range(k * size, min((k + 1) * size, w.size)):
            w[i] -= factor * v[i]


@_jit
def advance(x, r, step, p, q, overlap):
    """X += step·p, r −= step·q; overlap[k] = Σ |r|² over chunk k."""
    size = (x.size + CHUNKS - 1) // CHUNKS
    for k in nb.prange(CHUNKS):
        total = 0.0
        for i in range(k * size, min((k + 1) * size, x.size)):
            x[i] += step * p[i]
            r[i] -= step * q[i]
            total += r[i].real * r[i].real + r[i].imag * r[i].imag
        overlap[k] = total


@_jit
def overlap_sums(overlap, a, b):
    """overlap[k] = Σ a·b over chunk k (no conjugate)."""
    size = (a.size + CHUNKS - 1) // CHUNKS
    for k in nb.prange(CHUNKS):
        total = 0.0 * a[0]
        for i in range(k * size, min((k + 1) * size, a.size)):
            total += a[i] * b[i]
        overlap[k] = total


@_jit
def turn(p, z, factor):
    """P = z + factor·p."""
    size = (p.size + CHUNKS - 1) // CHUNKS
    for k in nb.prange(CHUNKS):
        for i in range(k * size, min((k + 1) * size, p.size)):
            p[i] = z[i] + factor * p[i]


@_jit
def spread(grid, cells, values, factor):
    """grid[cells] = factor·values for cells without repeats."""
    size = (cells.size + CHUNKS - 1) // CHUNKS
    for k in nb.prange(CHUNKS):
        for i in range(k * size, min((k + 1) * size, cells.size)):
            grid[cells[i]] = factor * values[i]


@_jit
def collect(values, cells, grid, factor):
    """Values = factor·grid[cells]."""
    size = (cells.size + CHUNKS - 1) // CHUNKS
    for k in nb.prange(CHUNKS):
        for i in range(k * size, min((k + 1) * size, cells.size)):
            values[i] = factor * grid[cells[i]]
