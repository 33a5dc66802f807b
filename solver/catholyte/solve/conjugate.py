"""Conjugate gradients on a voxel grid, preconditioned by geometric multigrid, in single precision throughout.

For complex symmetric operators (impedance) the products carry no conjugate, which makes it the conjugate orthogonal
method (van der Vorst & Melissen 1990, doi:10.1109/20.106415).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.fv import grid_kernels as kernels
from catholyte.fv import vectors
from catholyte.solve.grid import GridLaplacian, GridMultigrid
from catholyte.solve.threads import Pace

Array = NDArray[Any]


@dataclass(frozen=True)
class Solution:
    """Outcome of a solve on a grid.

    Attributes
    ----------
    x
        The solution, shape (slots·nz·ny·nx,); the array is the solver's own.
    iterations
        Multigrid cycles.
    residual
        ‖b − A x‖₂ / ‖b‖₂ as the recurrence has it.
    """

    x: Array
    iterations: int
    residual: float


class GridSolver:
    """Solves systems with a :class:`GridLaplacian`; keeps its hierarchy and work arrays from one to the next."""

    def __init__(self, operator: GridLaplacian) -> None:
        self.multigrid = GridMultigrid(operator)
        self._x, self._r, self._p, self._q = (np.empty_like(self.multigrid.levels[0].x) for _ in range(4))
        self._sums = np.empty(vectors.CHUNKS, dtype=np.result_type(self._x.dtype, np.float64))
        self._planes = np.empty(operator.shape[0], dtype=self._sums.dtype)
        self._squares = np.empty(vectors.CHUNKS)
        self._pace = Pace(self._x.size)

    def refresh(
        self, operator: GridLaplacian, *, exchange: bool = True, storage: bool = True, conduction: bool = False
    ) -> None:
        """Take an operator in which the links between networks, the storage, or those within networks have changed."""
        self.multigrid.refresh(operator, exchange=exchange, storage=storage, conduction=conduction)

    def solve(
        self,
        b: Array,
        tolerance: float,
        most_iterations: int = 200,
        accept: Callable[[Array, float], bool] | None = None,
    ) -> Solution:
        """Solve A x = b from x = 0.

        Parameters
        ----------
        b
            Right-hand side in the precision of the operator, shape (slots·nz·ny·nx,).
        tolerance
            Wanted relative residual.
        most_iterations
            Where to give up; the caller judges ``residual``.
        accept
            Called after every iteration with x and the estimate rᵀ A⁻¹ r of the squared energy norm of the error that
            preceded the iteration; true ends the solve.
        """
        x, r, p, q = self._x, self._r, self._p, self._q
        x.fill(0)
        r[:] = b
        size = float(np.linalg.norm(b))
        if size == 0.0:
            return Solution(x, 0, 0.0)
        norm, before, done = size, 0.0, 0
        while norm > tolerance * size and done < most_iterations:
            self._pace.begin()
            z = self.multigrid.apply(r)
            overlap = self._dot(r, z)
            if done == 0:
                p[:] = z
            else:
                vectors.turn(p, z, p.dtype.type(overlap / before))
            curvature = self._product(q, p)
            if curvature == 0.0 or not np.isfinite(curvature):
                break
            step = overlap / curvature
            vectors.advance(x, r, p.dtype.type(step), p, q, self._squares)
            norm = float(np.sqrt(self._squares.sum()))
            before = overlap
            done += 1
            self._pace.end()
            if accept is not None and accept(x, abs(overlap)):
                break
        return Solution(x, done, norm / size)

    def residual(self, b: Array, x: Array) -> Array:
        """Return b − A x in the precision of ``x``."""
        out = np.empty_like(x)
        self._product(out, x)
        return np.subtract(b, out, out=out)

    def _product(self, out: Array, x: Array) -> Any:
        level = self.multigrid.levels[0]
        kernels.grid_product(out, self._planes, x, level.links, level.excess, level.within, level.slots, *level.shape)
        return self._planes.sum()

    def _dot(self, a: Array, b: Array) -> Any:
        vectors.overlap_sums(self._sums, a, b)
        return self._sums.sum()
