"""Geometric multigrid on voxel grids for graph Laplacians plus a diagonal, matrix-free and in single precision.

Blocks of 2×2×2 cells become coarse cells (along an axis that is much more weakly linked than the others the blocks are
one cell deep), the transfer is piecewise constant, the coarse links are half the sum of the fine ones they cover.
Absent cells need no mask: they have no links. Where two networks fill the grid (electrons in some cells, ions in the
others) a coarse cell keeps an unknown for each of them, joined by the exchange between the networks, and both are
relaxed at once: however weak or strong the exchange, neither network sees the other's conductivity.

One red–black Gauss–Seidel sweep before and, in reversed order, after the coarse correction; two visits to every coarse
level below the first (W-cycle). It is symmetric, hence a preconditioner for conjugate gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.fv import grid_kernels as kernels
from catholyte.fv import grid_setup
from catholyte.solve.threads import PARALLEL_FROM

Array = NDArray[Any]

#: unknowns up to which a level is inverted
_DENSE_LIMIT = 256
#: an axis is not coarsened while its links are weaker than this share of the strongest axis's
_WEAK = 0.25


@dataclass(frozen=True)
class GridLaplacian:
    """Graph Laplacian plus a diagonal on a voxel grid with one or two unknowns in every cell.

    Attributes
    ----------
    links
        Conductance from slot s of a cell to slot t of the next cell along each axis, shape
        (slots, slots, 3, nz, ny, nx); zero at a sealed wall. The last cell's next is the first along y and x;
        along z nothing wraps.
    plates
        Conductance of every unknown to a plate of fixed potential, shape (slots, nz, ny, nx).
    storage
        What else the diagonal holds (capacity, reaction), same shape, or None.
    within
        Conductance between the two slots of a cell, shape (nz, ny, nx), or None with one slot.
    network
        For one slot: which of two networks a cell belongs to (uint8), so that coarse cells keep them apart; or None.
    """

    links: Array
    plates: Array
    storage: Array | None = None
    within: Array | None = None
    network: NDArray[np.uint8] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells along z, y, x."""
        nz, ny, nx = self.links.shape[3:]
        return nz, ny, nx

    @property
    def slots(self) -> int:
        """Unknowns in a cell."""
        return int(self.links.shape[0])


_NONE = np.zeros(1, dtype=np.uint8)


class _Level:
    """One level: its operator, how it is coarsened, and the two vectors a cycle needs."""

    def __init__(self, operator: GridLaplacian) -> None:
        self.operator = operator
        self.shape, self.slots = operator.shape, operator.slots
        self.dtype = operator.links.dtype
        self.factors = _factors(operator)
        self.coarse_slots = 2 if operator.network is not None else self.slots
        self.network = _NONE if operator.network is None else operator.network.reshape(-1)
        n = self.slots * math.prod(self.shape)
        self.diagonal = np.empty(n, dtype=self.dtype)
        self.x = np.empty(n, dtype=self.dtype)
        row, column = np.indices(self.shape[1:])
        self.checker = ((row + column) & 1).astype(np.uint8).reshape(-1)
        self.wrapped = bool(np.any(operator.links[..., 2, :, :, -1]))
        self.parallel = n >= PARALLEL_FROM
        self.coarse_b: Array = np.empty(0, dtype=self.dtype)
        self.update()

    def update(self) -> None:
        """Take over the numbers of the operator."""
        op = self.operator
        self.links = op.links.reshape(-1)
        self.within = np.zeros(1, dtype=self.dtype) if op.within is None else op.within.reshape(-1)
        self.excess = (op.plates if op.storage is None else op.plates + op.storage).reshape(-1)
        grid_setup.grid_diagonal(self.diagonal, self.excess, self.links, self.within, self.slots, *self.shape)

    def relax(self, b: Array, colour: int, *, neighbours: bool = True) -> None:
        """Relax the cells of one colour."""
        relax = kernels.grid_relax_parallel if self.parallel else kernels.grid_relax
        relax(self.x, b, *self.stencil, self.checker, self.slots, *self.shape, self.wrapped, colour, neighbours)

    def restrict(self, b: Array) -> None:
        """Sum the residual over the blocks of the next level."""
        restrict = kernels.grid_restrict_parallel if self.parallel else kernels.grid_restrict
        restrict(self.coarse_b, self.x, b, *self.stencil, self.network, *self._blocks, self.wrapped)

    def prolong(self, coarse: Array) -> None:
        """Add the correction of the next level."""
        prolong = kernels.grid_prolong_parallel if self.parallel else kernels.grid_prolong
        prolong(self.x, coarse, self.network, *self._blocks)

    @property
    def _blocks(self) -> tuple[int, int, int, int, int, int, int, int]:
        return (self.slots, *self.shape, *self.factors, self.coarse_slots)

    @property
    def stencil(self) -> tuple[Array, Array, Array]:
        return self.links, self.diagonal, self.within

    def coarsened(self) -> GridLaplacian:
        """Return the operator of the next level."""
        op, s = self.operator, self.coarse_slots
        shape = tuple(-(-n // f) for n, f in zip(self.shape, self.factors, strict=True))
        links = np.empty((s, s, 3, *shape), dtype=self.dtype)
        within = np.empty(shape, dtype=self.dtype) if s == 2 else None
        coarse = GridLaplacian(links, self._block_sum(op.plates, shape), self._block_sum(op.storage, shape), within)
        if self.factors[0] == 2:
            coarse.plates[...] *= self.dtype.type(0.5)
        self._coarsen(coarse, everything=True)
        return coarse

    def renew(self, coarse: GridLaplacian, *, exchange: bool, storage: bool, conduction: bool) -> GridLaplacian:
        """Return the operator of the next level after a change of its numbers; writes into ``coarse``."""
        if conduction or (exchange and coarse.slots == 2):
            self._coarsen(coarse, everything=conduction)
        if conduction:
            plates = self._block_sum(self.operator.plates, coarse.shape)
            coarse = replace(coarse, plates=plates * self.dtype.type(0.5) if self.factors[0] == 2 else plates)
        if storage:
            return replace(coarse, storage=self._block_sum(self.operator.storage, coarse.shape))
        return coarse

    def _coarsen(self, coarse: GridLaplacian, *, everything: bool) -> None:
        within = np.zeros(1, dtype=self.dtype) if coarse.within is None else coarse.within.reshape(-1)
        grid_setup.grid_coarsen(
            coarse.links.reshape(-1), within, self.links, self.within, self.network, *self._blocks, everything
        )

    def _block_sum(self, fine: Array | None, shape: tuple[int, ...]) -> Any:
        if fine is None:
            return None
        coarse = np.empty((self.coarse_slots, *shape), dtype=self.dtype)
        grid_setup.grid_block_sum(coarse.reshape(-1), fine.reshape(-1), self.network, *self._blocks)
        return coarse


def _factors(operator: GridLaplacian) -> tuple[int, int, int]:
    """Choose how deep a block is along every axis."""
    strength = []
    for axis in range(3):
        own = sum(np.abs(operator.links[s, s, axis]).sum(dtype=np.float64) for s in range(operator.slots))
        strength.append(float(own))
    strongest = max(strength)
    chosen = [2 if n > 1 and (strength[axis] >= _WEAK * strongest) else 1 for axis, n in enumerate(operator.shape)]
    if max(chosen) == 1:
        chosen = [2 if n > 1 else 1 for n in operator.shape]
    return chosen[0], chosen[1], chosen[2]


class GridMultigrid:
    """Approximate inverse of a :class:`GridLaplacian`.

    ``refresh`` takes changes of the numbers on the same grid; ``apply`` runs one cycle.
    """

    def __init__(self, operator: GridLaplacian) -> None:
        self.levels = [_Level(operator)]
        while self.levels[-1].slots * math.prod(self.levels[-1].shape) > _DENSE_LIMIT:
            self.levels.append(_Level(self.levels[-1].coarsened()))
            self.levels[-2].coarse_b = np.empty_like(self.levels[-1].x)
        self._invert_coarsest()

    def refresh(
        self, operator: GridLaplacian, *, exchange: bool = True, storage: bool = True, conduction: bool = False
    ) -> None:
        """Take an operator in which the links between networks, the storage, or those within networks have changed."""
        for k, level in enumerate(self.levels):
            level.operator = operator
            level.update()
            if k + 1 < len(self.levels):
                operator = level.renew(
                    self.levels[k + 1].operator, exchange=exchange, storage=storage, conduction=conduction
                )
        self._invert_coarsest()

    def _invert_coarsest(self) -> None:
        level = self.levels[-1]
        n = level.x.size
        dense = np.zeros((n, n), dtype=np.result_type(self.levels[0].dtype, np.float64))
        probe, image = np.zeros(n, dtype=level.dtype), np.empty(n, dtype=level.dtype)
        nothing = np.zeros(n, dtype=level.dtype)
        whole = (*level.shape, 1, 1, 1, level.slots)
        for k in range(n):
            probe[k] = 1
            kernels.grid_restrict(image, probe, nothing, *level.stencil, _NONE, level.slots, *whole, level.wrapped)
            dense[:, k] = -image
            probe[k] = 0
        try:
            inverse = np.linalg.inv(dense)
        except np.linalg.LinAlgError:  # a network without any plate or storage
            inverse = np.linalg.pinv(dense)
        self._inverse = inverse

    def apply(self, b: Array) -> Array:
        """Return an approximation of A⁻¹ b for b of shape (slots·nz·ny·nx,); the array is the cycle's own."""
        return self._cycle(0, b)

    def bytes_per_cycle(self) -> int:
        """Return the bytes that one cycle reads and writes at least, from sizes and the passes over every level."""
        total, visits = 0, 1
        for at, level in enumerate(self.levels[:-1]):
            vectors = level.x.nbytes
            stencil = level.links.nbytes + level.diagonal.nbytes + (level.within.nbytes if level.slots == 2 else 0)
            again = at > 0 and at + 1 < len(self.levels) - 1
            sweeps, corrections = (6, 2) if again else (3, 1)
            # A sweep reads stencil, right-hand side and x and writes x; a residual reads the same; the first half
            # sweep from zero reads only diagonal and right-hand side; a prolongation reads and writes x.
            per_visit = sweeps * (stencil + 3 * vectors) + corrections * (stencil + 4 * vectors) + 4 * vectors
            total += visits * per_visit
            visits *= corrections
        return total

    def _cycle(self, at: int, b: Array) -> Array:
        level = self.levels[at]
        if at == len(self.levels) - 1:
            level.x[:] = self._inverse @ b  # in double precision: strong clusters float on weak links
            return level.x
        x = level.x
        level.relax(b, 0, neighbours=False)
        level.relax(b, 1)
        self._correct(level, at, b)
        if at > 0 and at + 1 < len(self.levels) - 1:
            for colour in (1, 0, 1):
                level.relax(b, colour)
            self._correct(level, at, b)
        level.relax(b, 1)
        level.relax(b, 0)
        return x

    def _correct(self, level: _Level, at: int, b: Array) -> None:
        level.restrict(b)
        level.prolong(self._cycle(at + 1, level.coarse_b))
