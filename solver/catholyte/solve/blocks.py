"""Approximate inverses of the two diagonal blocks of a Newton matrix: potentials, and lithium.

On a voxel grid by geometric multigrid, on any graph by aggregation. Both answer in single precision and keep their
hierarchies from one matrix to the next.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from catholyte.fv.assembly import CoupledSystem, Placement
from catholyte.fv.laplacian import Laplacian
from catholyte.solve.conjugate import GridSolver
from catholyte.solve.grid import GridLaplacian
from catholyte.solve.krylov import fgmres
from catholyte.solve.multigrid import Multigrid

Vector = NDArray[Any]

#: relative residual to which the potentials are solved for one direction of the outer iteration, and most cycles for it
_INNER, _MOST_INNER = 0.1, 16


class Blocks(Protocol):
    """Approximate inverses of the blocks of the matrix that was last taken."""

    def take(self, system: CoupledSystem) -> None:
        """Take the numbers of a system."""
        ...

    def potentials(self, load: Vector) -> Vector:
        """Solve the reduced A_φφ approximately, shape (n_phi,), in single precision."""
        ...

    def lithium(self, load: Vector) -> Vector:
        """Solve A_xx for y = slope·x approximately, shape (n_x,), in single precision."""
        ...


class GridBlocks:
    """Geometric multigrid: a few steps of conjugate gradients for the potentials, one cycle for lithium."""

    name = "grid"

    def __init__(self) -> None:
        self._phi: GridSolver | None = None
        self._lithium: GridSolver | None = None

    def take(self, system: CoupledSystem) -> None:
        """Take the numbers of a system; raises ValueError where it has no place on a grid."""
        place = system.placement
        if place is None:
            raise ValueError("the system has no placement on a voxel grid")
        self._place = place
        self._dtype = np.complex64 if system.dtype.kind == "c" else np.float32
        self._phi_scale = 1.0 / float(max(system.conduction.max(initial=0.0), np.abs(system.phi.excess).max()))
        edges = np.concatenate([system.conduction, system.reduced_conductance])
        potentials = self._operator(place, place.phi_links, edges, place.phi, system.phi.excess, self._phi_scale)
        self._phi = _renewed(self._phi, potentials)
        if system.frozen:
            return
        self._lithium_scale = 1.0 / float(np.abs(system.lithium_excess).max())
        lithium = self._operator(
            place,
            place.lithium_links,
            system.lithium_paths,
            place.lithium,
            system.lithium_excess,
            self._lithium_scale,
            storage=True,
        )
        self._lithium = _renewed(self._lithium, lithium)

    def _operator(
        self,
        place: Placement,
        at: NDArray[np.int64],
        edges: Vector,
        cells: NDArray[np.int32],
        excess: Vector,
        scale: float,
        *,
        storage: bool = False,
    ) -> GridLaplacian:
        n = place.network.size
        links = np.zeros(3 * n, dtype=self._dtype)
        links[at] = edges * scale
        diagonal = np.zeros(n, dtype=self._dtype)
        diagonal[cells] = excess * scale
        shaped = diagonal.reshape(1, *place.shape)
        return GridLaplacian(
            links.reshape(1, 1, 3, *place.shape),
            np.zeros_like(shaped) if storage else shaped,
            shaped if storage else None,
            network=None if storage else place.network.reshape(place.shape),
        )

    def _spread(self, load: Vector, cells: NDArray[np.int32]) -> tuple[Vector, float]:
        size = float(np.max(np.abs(load), initial=0.0))
        grid = np.zeros(self._place.network.size, dtype=self._dtype)
        if size > 0.0:
            grid[cells] = load / size
        return grid, size

    def potentials(self, load: Vector) -> Vector:
        """Solve the reduced A_φφ to a tenth."""
        assert self._phi is not None
        grid, size = self._spread(load, self._place.phi)
        solution = self._phi.solve(grid, _INNER, _MOST_INNER)
        return solution.x[self._place.phi] * np.float32(size * self._phi_scale)

    def lithium(self, load: Vector) -> Vector:
        """Run one cycle on A_xx."""
        assert self._lithium is not None
        grid, size = self._spread(load, self._place.lithium)
        x = self._lithium.multigrid.apply(grid)
        return x[self._place.lithium] * np.float32(size * self._lithium_scale)


def _renewed(solver: GridSolver | None, operator: GridLaplacian) -> GridSolver:
    if solver is None:
        return GridSolver(operator)
    solver.refresh(operator)
    return solver


class GraphBlocks:
    """Aggregation multigrid, which follows the strong links at any contrast.

    Parameters
    ----------
    inner
        Relative residual to which the potentials are solved for one outer direction; one cycle if None.
    """

    def __init__(self, inner: float | None = None) -> None:
        self.name = "graph" if inner is None else "graph, nested"
        self._inner = inner
        self._phi: Multigrid | None = None
        self._lithium: Multigrid | None = None

    def take(self, system: CoupledSystem) -> None:
        """Take the numbers of a system."""
        self._matrix = system.reduced_phi()
        if self._phi is None:
            self._phi = Multigrid(self._matrix)
        else:
            self._phi.refresh(self._matrix)
        if system.frozen:
            return
        lithium: Laplacian = system.reduced_lithium()
        if self._lithium is None:
            self._lithium = Multigrid(lithium, sweeps=1)  # storage dominates its diagonal
        else:
            self._lithium.refresh(lithium)

    def potentials(self, load: Vector) -> Vector:
        """Solve the reduced A_φφ by a cycle, or nested."""
        assert self._phi is not None
        if self._inner is None:
            return self._phi.apply(load)
        wide = load.astype(np.result_type(load.dtype, np.float64))
        solved = fgmres(self._matrix.product, self._phi.apply, wide, tolerance=self._inner, most_iterations=60)
        return solved.x.astype(load.dtype)

    def lithium(self, load: Vector) -> Vector:
        """Run one cycle on A_xx."""
        assert self._lithium is not None
        return self._lithium.apply(load)
