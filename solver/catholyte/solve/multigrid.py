"""Algebraic multigrid by aggregation for graph Laplacians plus a diagonal.

Aggregates follow the strong links (three passes of pairwise matching, Notay 2010, ETNA 37, 123), so they follow the
conducting network at any contrast of conductivities. Transfer is piecewise constant; the coarse matrix is again a
graph Laplacian plus a diagonal, whose weights are sums of fine weights. The cycle is the K-cycle (Notay & Vassilevski
2008, doi:10.1002/nla.542): one or two steps of conjugate gradients on every coarse level repair the scaling that plain
aggregation gets wrong. Everything runs in float32: it is a preconditioner, used inside a flexible Krylov method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.fv import kernels
from catholyte.fv.laplacian import Laplacian

Floats32 = NDArray[Any]  # float32, or complex64 for impedance
Indices = NDArray[np.int32]

#: rows from which a level is coarsened, and up to which the last one is inverted
_COARSEST = 300
_DENSE_LIMIT = 600
_PASSES = 3
#: rows from which a level is smoothed in this many blocks side by side
_PARALLEL_FROM = 30_000
_BLOCKS = 4
#: a row whose diagonal exceeds this many times its links is solved by the smoother alone
_DOMINANT = 12.0
_STRONG = 0.25


@dataclass(frozen=True)
class _Transfer:
    """Which coarse row every fine row belongs to, and which coarse link every fine link is summed into."""

    aggregate: Indices
    slot: Indices
    indptr: Indices
    indices: Indices

    @property
    def n_coarse(self) -> int:
        return int(self.indptr.size - 1)


@dataclass
class _Level:
    """One level: its matrix, its transfer to the next, and the work arrays of a cycle."""

    indptr: Indices
    indices: Indices
    weights: Floats32
    excess: Floats32
    diagonal: Floats32
    transfer: _Transfer | None
    residual: Floats32
    blocks: NDArray[np.int64] | None
    inverse: Floats32 | None = None


def _coarsen(level_indptr: Indices, level_indices: Indices, aggregate: Indices, n_coarse: int) -> _Transfer:
    order = np.argsort(aggregate, kind="stable").astype(np.int32)
    outside = int(np.count_nonzero(aggregate < 0))
    members = order[outside:]
    starts = np.zeros(n_coarse + 1, dtype=np.int64)
    np.cumsum(np.bincount(aggregate[members], minlength=n_coarse), out=starts[1:])
    slot = np.full(level_indices.size, -1, dtype=np.int32)
    indptr = np.zeros(n_coarse + 1, dtype=np.int32)
    indices = np.empty(level_indices.size, dtype=np.int32)
    used = kernels.coarse_graph(indptr, indices, slot, level_indptr, level_indices, aggregate, members, starts)
    return _Transfer(aggregate, slot, indptr, indices[:used].copy())


def _sum_to(
    indptr: Indices, indices: Indices, transfer: _Transfer, weights: Floats32, excess: Floats32
) -> tuple[Floats32, Floats32]:
    # Links to rows without a coarse partner ground their other end, as in the Galerkin product.
    outside = transfer.aggregate[indices] < 0
    if outside.any():
        excess = excess + _row_sums(indptr, np.where(outside, weights, weights.dtype.type(0)))
    coarse_weights = np.empty(transfer.indices.size, dtype=weights.dtype)
    kernels.sum_links(coarse_weights, transfer.slot, weights)
    coarse_excess = np.empty(transfer.n_coarse, dtype=excess.dtype)
    kernels.restrict(coarse_excess, transfer.aggregate, excess)
    return coarse_weights, coarse_excess


def _row_sums(indptr: Indices, weights: Floats32) -> Floats32:
    total = np.empty(indptr.size - 1, dtype=weights.dtype)
    kernels.row_sums(total, indptr, weights)
    return total


def _aggregate(indptr: Indices, indices: Indices, weights: Floats32, excess: Floats32) -> _Transfer:
    """Aggregate by repeated pairwise matching; the passes work on ever coarser graphs."""
    links = _row_sums(indptr, weights)
    combined = np.empty(indptr.size - 1, dtype=np.int32)
    kernels.mark_dominant(combined, links, links + excess, _DOMINANT)
    step_indptr, step_indices, step_weights = indptr, indices, weights
    aggregate = combined.copy()
    count = 0
    for k in range(_PASSES):
        count = kernels.match_pairs(aggregate, step_indptr, step_indices, step_weights, _STRONG)
        if k == 0:
            combined = aggregate
        elif count:
            inside = combined >= 0
            combined = np.where(inside, aggregate[np.where(inside, combined, 0)], -1).astype(np.int32)
        if count == 0:
            break
        if k + 1 < _PASSES:
            step = _coarsen(step_indptr, step_indices, aggregate, count)
            coarse_weights = np.empty(step.indices.size, dtype=np.float32)
            kernels.sum_links(coarse_weights, step.slot, step_weights)
            step_indptr, step_indices, step_weights = step.indptr, step.indices, coarse_weights
            aggregate = np.full(count, -2, dtype=np.int32)
    return _coarsen(indptr, indices, combined, count)


class Multigrid:
    """Approximate inverse of a :class:`~catholyte.fv.laplacian.Laplacian` with positive weights.

    ``refresh`` takes new weights on the same pattern and keeps the aggregates; ``apply`` runs one K-cycle with
    ``sweeps`` Gauss–Seidel sweeps before and after every coarse correction.
    """

    def __init__(self, matrix: Laplacian, sweeps: int = 2) -> None:
        self._sweeps = sweeps
        self._levels: list[_Level] = []
        indptr, indices = matrix.links.indptr, matrix.links.indices
        weights, excess = self._scaled(matrix)
        while True:
            n = indptr.size - 1
            transfer = None
            if n > _COARSEST:
                transfer = _aggregate(indptr, indices, np.abs(weights), np.abs(excess))
                if transfer.n_coarse == 0 or transfer.n_coarse > 0.8 * n:
                    transfer = None
            self._levels.append(
                _Level(
                    indptr,
                    indices,
                    weights,
                    excess,
                    _row_sums(indptr, weights) + excess,
                    transfer,
                    np.empty(n, dtype=weights.dtype),
                    None if n < _PARALLEL_FROM else np.linspace(0, n, _BLOCKS + 1).astype(np.int64),
                )
            )
            if transfer is None:
                break
            weights, excess = _sum_to(indptr, indices, transfer, weights, excess)
            indptr, indices = transfer.indptr, transfer.indices
        self._invert_coarsest()

    def _scaled(self, matrix: Laplacian) -> tuple[Floats32, Floats32]:
        """Scale to a largest diagonal of one, so that float32 holds any unit system."""
        self._scale = 1.0 / float(np.abs(matrix.diagonal).max())
        single = np.complex64 if np.iscomplexobj(matrix.diagonal) else np.float32
        return (
            (matrix.weights * self._scale).astype(single),
            (matrix.excess * self._scale).astype(single),
        )

    def _invert_coarsest(self) -> None:
        level = self._levels[-1]
        n = level.diagonal.size
        if n > _DENSE_LIMIT:
            level.inverse = None
            return
        dense = np.zeros((n, n), dtype=np.result_type(level.diagonal.dtype, np.float64))
        rows = np.repeat(np.arange(n), np.diff(level.indptr))
        np.add.at(dense, (rows, level.indices), -level.weights.astype(dense.dtype))
        dense[np.arange(n), np.arange(n)] += -dense.sum(axis=1) + level.excess
        level.inverse = np.linalg.inv(dense)

    def refresh(self, matrix: Laplacian) -> None:
        """Take the weights of ``matrix``, whose pattern is that of the constructor's."""
        weights, excess = self._scaled(matrix)
        for level in self._levels:
            level.weights, level.excess = weights, excess
            level.diagonal = _row_sums(level.indptr, weights) + excess
            if level.transfer is not None:
                weights, excess = _sum_to(level.indptr, level.indices, level.transfer, weights, excess)
        self._invert_coarsest()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows of every level, finest first."""
        return tuple(level.diagonal.size for level in self._levels)

    def apply(self, b: NDArray[Any]) -> Floats32:
        """Return an approximation of A⁻¹ b in single precision for b of shape (n,)."""
        size = float(np.max(np.abs(b), initial=0.0))
        dtype = self._levels[0].diagonal.dtype
        if size == 0.0:
            return np.zeros(b.size, dtype=dtype)
        x = self._cycle(0, (b / size).astype(dtype))
        x *= np.float32(size * self._scale)
        return x

    def _cycle(self, at: int, b: Floats32) -> Floats32:
        level = self._levels[at]
        if level.inverse is not None:
            return (level.inverse @ b.astype(level.inverse.dtype)).astype(b.dtype)
        x = np.zeros_like(b)
        self._smooth(level, x, b, kernels.gauss_seidel_forward, kernels.gauss_seidel_forward_blocks)
        if level.transfer is not None:
            residual = kernels.laplacian_residual if level.blocks is None else kernels.laplacian_residual_parallel
            residual(level.residual, level.indptr, level.indices, level.weights, level.diagonal, x, b)
            coarse = np.empty(level.transfer.n_coarse, dtype=b.dtype)
            kernels.restrict(coarse, level.transfer.aggregate, level.residual)
            kernels.prolong_add(x, level.transfer.aggregate, self._coarse_solve(at + 1, coarse))
        self._smooth(level, x, b, kernels.gauss_seidel_backward, kernels.gauss_seidel_backward_blocks)
        return x

    def _smooth(
        self, level: _Level, x: Floats32, b: Floats32, sweep: Callable[..., None], sweep_blocks: Callable[..., None]
    ) -> None:
        arrays = (level.indptr, level.indices, level.weights, level.diagonal)
        for _ in range(self._sweeps):
            if level.blocks is None:
                sweep(x, *arrays, b)
            else:
                sweep_blocks(x, x.copy(), level.blocks, *arrays, b)

    def _coarse_solve(self, at: int, b: Floats32) -> Floats32:
        """One or two steps of flexible conjugate gradients, preconditioned by the next cycle."""
        level = self._levels[at]
        first = self._cycle(at, b)
        if level.inverse is not None:
            return first
        a_first = self._product(level, first)
        curvature, overlap = kernels.dot(first, a_first), kernels.dot(first, b)
        if curvature.real <= 0.0:
            return first
        step = overlap / curvature
        rest = b - b.dtype.type(step) * a_first
        if np.linalg.norm(rest) <= 0.25 * np.linalg.norm(b):
            return b.dtype.type(step) * first
        second = self._cycle(at, rest)
        a_second = self._product(level, second)
        mixed = kernels.dot(second, a_first)
        curvature_2 = kernels.dot(second, a_second) - mixed * mixed / curvature
        overlap_2 = kernels.dot(second, rest)
        if curvature_2.real <= 0.0:
            return b.dtype.type(step) * first
        along = overlap_2 / curvature_2
        return b.dtype.type(step - mixed * along / curvature) * first + b.dtype.type(along) * second

    @staticmethod
    def _product(level: _Level, x: Floats32) -> Floats32:
        out = np.empty_like(x)
        kernels.laplacian_residual(out, level.indptr, level.indices, level.weights, level.diagonal, x, np.zeros_like(x))
        return np.negative(out, out=out)
