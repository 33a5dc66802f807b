"""Approximate inverses of the two diagonal blocks of a Newton matrix: potentials, and lithium.

On a voxel grid by geometric multigrid, on any graph by aggregation. Both answer in single precision and keep their
hierarchies from one matrix to the next.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from catholyte.fv import vectors
from catholyte.fv.assembly import CoupledSystem
from catholyte.fv.grid_kernels import grid_product
from catholyte.fv.laplacian import Laplacian
from catholyte.solve.conjugate import GridSolver
from catholyte.solve.grid import GridLaplacian, GridMultigrid
from catholyte.solve.krylov import fgmres
from catholyte.solve.multigrid import Multigrid
from catholyte.solve.threads import share

Vector = NDArray[Any]

#: relative residual to which the potentials are solved for one direction of the outer iteration, and most cycles for it
_INNER, _MOST_INNER = 0.2, 16


class Blocks(Protocol):
    """Approximate inverses of the blocks of the matrix that was last taken.

    Attributes
    ----------
    wide
        Whether they answer in double precision.
    """

    wide: bool

    def take(self, system: CoupledSystem) -> None:
        """Take the numbers of a system."""
        ...

    def potentials(self, load: Vector) -> Vector:
        """Solve the reduced A_φφ approximately, shape (n_phi,), in single precision."""
        ...

    def lithium(self, load: Vector) -> Vector:
        """Solve A_xx for y = slope·x approximately, shape (n_x,), in single precision."""
        ...

    def product(self, v: Vector) -> Vector:
        """Multiply the matrix without its border with v = [φ, x] in single precision."""
        ...


class GridBlocks:
    """Geometric multigrid: a few steps of conjugate gradients for the potentials, one cycle for lithium.

    Parameters
    ----------
    system
        A system with a place on a voxel grid; those that are taken later share its skeleton and precision.
    """

    wide = False

    def __init__(self, system: CoupledSystem) -> None:
        skeleton, dtype = system.skeleton, np.dtype(np.complex64 if system.dtype.kind == "c" else np.float32)
        place = skeleton.placement
        if place is None:
            raise ValueError("the system has no placement on a voxel grid")
        share(place.network.size)
        self._dtype, self._place = dtype, place
        self._slots = 1 if place.within is None else 2
        self._edges = skeleton.conduction.size
        largest = max(np.abs(skeleton.conduction).max(initial=0.0), np.abs(skeleton.terminals).max())
        self._phi_scale = 1.0 / float(largest)
        self._lithium_scale = 1.0 / float(skeleton.paths.max(initial=0.0) or 1.0)
        size, below = place.network.size, place.copies * place.network.size
        double = np.result_type(dtype, np.float64)
        self._phi_grid, self._x_grid, self._nothing = (
            np.zeros(n, dtype=dtype) for n in (self._slots * size, below, below)
        )
        self._wide, self._image = np.zeros(below, dtype=double), np.empty(below, dtype=double)
        self._planes = np.empty(place.copies * place.shape[0], dtype=double)
        if self._slots == 1:
            self._terminals = self._on_grid(place.phi, skeleton.terminals * self._phi_scale)
            self._paths = self._links(place.phi_links[: self._edges], skeleton.conduction * self._phi_scale, 1)
            self._links_phi = self._paths.copy()
        self._links_lithium = self._links(place.lithium_links, skeleton.paths * self._lithium_scale, place.copies)
        self._phi: GridSolver | None = None
        self._lithium: GridMultigrid | None = None

    def take(self, system: CoupledSystem) -> None:
        """Take the numbers of a system."""
        self._system = system
        place = self._place
        if self._slots == 2:
            phi = self._with_mixed(system)
        else:
            faces = place.phi_links[self._edges :]
            self._links_phi[faces] = system.reduced_conductance * self._phi_scale
            network = place.network.reshape(place.shape)
            phi = GridLaplacian(self._shaped(self._links_phi), self._cells(self._terminals), network=network)
        if self._phi is None:
            self._phi = GridSolver(phi)
        else:
            # The conductivities of mixed conductors follow their lithiation.
            self._phi.refresh(phi, storage=False, conduction=self._slots == 2)
        if system.frozen:
            return
        storage = self._cells(self._on_grid(place.lithium, system.lithium_excess * self._lithium_scale, place.copies))
        lithium = GridLaplacian(self._shaped(self._links_lithium), np.zeros_like(storage), storage)
        if self._lithium is None:
            self._lithium = GridMultigrid(lithium)
        else:
            self._lithium.refresh(lithium, exchange=False)

    def _with_mixed(self, system: CoupledSystem) -> GridLaplacian:
        """Return the reduced A_φφ with electrons in the first slot of every voxel and ions in the second."""
        place, size = self._place, self._place.network.size
        assert place.within is not None
        edges, scale = system.reduced_edges, self._phi_scale
        cut = edges.size - place.within.size
        links, within = np.zeros(12 * size, dtype=self._dtype), np.zeros(size, dtype=self._dtype)
        links[place.phi_links] = edges[:cut] * scale
        within[place.within] = edges[cut:] * scale
        plates = self._on_grid(place.phi, system.reduced_terminals * scale, 2)
        shape = place.shape
        return GridLaplacian(links.reshape(2, 2, 3, *shape), plates.reshape(2, *shape), within=within.reshape(shape))

    def potentials(self, load: Vector) -> Vector:
        """Solve the reduced A_φφ to a fifth."""
        assert self._phi is not None
        size = float(np.max(np.abs(load), initial=0.0))
        if size == 0.0:
            return np.zeros_like(load)
        vectors.spread(self._phi_grid, self._place.phi, load, load.dtype.type(1.0 / size))
        solution = self._phi.solve(self._phi_grid, _INNER, _MOST_INNER)
        out = np.empty_like(load)
        vectors.collect(out, self._place.phi, solution.x, load.dtype.type(size * self._phi_scale))
        return out

    def lithium(self, load: Vector) -> Vector:
        """Run one cycle on A_xx."""
        assert self._lithium is not None
        size = float(np.max(np.abs(load), initial=0.0))
        if size == 0.0:
            return np.zeros_like(load)
        vectors.spread(self._x_grid, self._place.lithium, load, load.dtype.type(1.0 / size))
        out = np.empty_like(load)
        x = self._lithium.apply(self._x_grid)
        vectors.collect(out, self._place.lithium, x, load.dtype.type(size * self._lithium_scale))
        return out

    def product(self, v: Vector) -> Vector:
        """Multiply with the matrix; only the directions and the result are in single precision."""
        system, n = self._system, self._system.n_phi
        if self._slots == 2:
            return system.product(v)
        out = np.empty_like(v)
        self._conduct(out[:n], v[:n])
        if not system.frozen:
            x = v[n:]
            self._diffuse(out[n:], system.lithium_slope * x)
            out[n:] += system.storage * x
        system.add_faces(out, v)
        return out

    def _conduct(self, out: Vector, phi: Vector) -> None:
        """Out = conduction and terminals times φ."""
        vectors.spread(self._wide, self._place.phi, phi, 1.0)
        self._multiply(self._paths, self._terminals, 1)
        vectors.collect(out, self._place.phi, self._image, 1.0 / self._phi_scale)

    def _diffuse(self, out: Vector, y: Vector) -> None:
        """Out = transport paths times y."""
        vectors.spread(self._wide, self._place.lithium, y, 1.0)
        self._multiply(self._links_lithium, self._nothing, self._place.copies)
        vectors.collect(out, self._place.lithium, self._image, 1.0 / self._lithium_scale)

    def _multiply(self, links: Vector, excess: Vector, copies: int) -> None:
        """Multiply in double precision: the flows through a cell nearly cancel, what is left must keep its digits."""
        nz, ny, nx = self._place.shape
        grid_product(self._image, self._planes, self._wide, links, excess, self._nothing[:1], 1, copies * nz, ny, nx)

    def _links(self, at: NDArray[np.int64], conductance: Vector, copies: int) -> Vector:
        links = np.zeros(3 * copies * self._place.network.size, dtype=self._dtype)
        links[at] = conductance
        return links

    def _on_grid(self, cells: NDArray[np.int32], values: Vector, copies: int = 1) -> Vector:
        grid = np.zeros(copies * self._place.network.size, dtype=self._dtype)
        grid[cells] = values
        return grid

    def _cells(self, grid: Vector) -> Vector:
        return grid.reshape(1, -1, *self._place.shape[1:])

    def _shaped(self, links: Vector) -> Vector:
        return links.reshape(1, 1, 3, -1, *self._place.shape[1:])


class GraphBlocks:
    """Aggregation multigrid, which follows the strong links at any contrast.

    Parameters
    ----------
    system
        A system; those that are taken later share its skeleton and precision.
    inner
        Relative residual to which the potentials are solved for one outer direction; one cycle if None.
    """

    def __init__(self, system: CoupledSystem, inner: float | None = None) -> None:
        share(system.n_phi)
        # Nearly solved potentials deserve directions that do not drown them.
        self.wide = inner is not None
        self._inner = inner
        self._phi: Multigrid | None = None
        self._lithium: Multigrid | None = None

    def take(self, system: CoupledSystem) -> None:
        """Take the numbers of a system."""
        self._system = system
        self._matrix = system.reduced_matrix
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

    def product(self, v: Vector) -> Vector:
        """Multiply with the matrix."""
        return self._system.product(v)
