"""Linear solves of the Newton systems: direct when small, preconditioned Krylov beyond.

The preconditioner is block triangular: multigrid on the potentials with every interface conductance in series with the
storage behind it, then multigrid on lithium; where there are reaction networks, after a coarse correction of all of
them together. The terminal potential is eliminated inside the preconditioner with the response of the state to it, kept
from earlier solves; its equation is formed from the counter-electrode current, so nothing large cancels. The true
residual of the bordered system is the judge.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from catholyte.errors import NotConverged
from catholyte.fv import kernels, vectors
from catholyte.fv.assembly import CoupledSystem, Skeleton
from catholyte.fv.mixed import MixedBlock
from catholyte.solve.algebraic import AlgebraicBlocks
from catholyte.solve.blocks import Blocks, GraphBlocks, GridBlocks
from catholyte.solve.coarse import BoxCorrection
from catholyte.solve.krylov import KrylovResult, fgmres

Vector = NDArray[Any]

_log = logging.getLogger(__name__)

_VARIANTS: dict[str, Callable[[CoupledSystem], Blocks]] = {
    "grid": GridBlocks,
    "algebraic": AlgebraicBlocks,
    "graph": GraphBlocks,
    "graph, nested": partial(GraphBlocks, inner=1e-2),
}
#: iterations after which a variant is left for the next, and those of the last one
_PATIENCE, _MOST = 60, 120
#: contrast of the conductances within one network, and ratio of interface to network conductance, up to which the
#: geometric hierarchy is tried
_CONTRAST, _STIFFEST = 1e4, 1e2

#: exchange of a store with its neighbours over its storage in a time step, beyond which stores of a box move together
_LONG = 10.0

#: unknowns below which a sparse factorisation is faster than the iteration (benchmarks/linear_crossover.py)
DIRECT_LIMIT = 2000
#: relative residual of the terminal response from which it is renewed, and to which
_STALE, _RENEWED = 0.2, 0.1


@dataclass(frozen=True)
class LinearResult:
    """Solution of a bordered system.

    Attributes
    ----------
    x
        [δφ, δx, δV].
    iterations
        Preconditioned products, zero for a direct solve.
    residual
        True relative residual in the 2-norm.
    """

    x: Vector
    iterations: int
    residual: float


class LinearSolver(Protocol):
    """Anything that solves the Newton systems of a run; it may keep what helps the next solve."""

    def solve(self, system: CoupledSystem, rhs: Vector, tolerance: float) -> LinearResult:
        """Solve for [δφ, δx, δV] with a relative residual of at most ``tolerance``."""
        ...


def linear_solver(size: int, method: Literal["auto", "direct", "krylov"] = "auto") -> LinearSolver:
    """Choose a solver for systems of ``size`` unknowns."""
    if method == "direct" or (method == "auto" and size <= DIRECT_LIMIT):
        return DirectSolver()
    return KrylovSolver()


class DirectSolver:
    """Sparse LU of the bordered matrix, refined once."""

    def solve(self, system: CoupledSystem, rhs: Vector, tolerance: float) -> LinearResult:
        """Solve for [δφ, δx, δV]; ``tolerance`` is met to rounding."""
        matrix = system.matrix()
        # Rows differ by the units of φ and x and the border: equilibrate before factorising.
        largest = np.full(rhs.size, 1e-300)
        np.maximum.at(largest, matrix.indices, np.abs(matrix.data))
        scale = 1.0 / largest
        scaled = csc_array((matrix.data * scale[matrix.indices], matrix.indices, matrix.indptr), shape=matrix.shape)
        factor = splu(scaled, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0.1)
        x = factor.solve(scale * rhs)
        x += factor.solve(scale * (rhs - matrix @ x))
        size = float(np.linalg.norm(scale * rhs))
        left = float(np.linalg.norm(scale * (rhs - matrix @ x)))
        return LinearResult(x, 0, left / size if size > 0.0 else 0.0)


class KrylovSolver:
    """Flexible GMRES on the bordered system with block-triangular multigrid.

    Several variants of the blocks stand ready: geometric multigrid on the voxel grid, classical algebraic multigrid,
    aggregation on the graph, and aggregation with the potentials nearly solved for every direction. Which are tried is
    chosen from the coefficients; where one fails the next takes over, which is logged. A variant that had to be left
    stays so for the next solves.

    The response of the state to the terminal potential serves to eliminate the terminal inside the preconditioner and
    may lag behind the matrix.
    """

    def __init__(self) -> None:
        self._skeleton: Skeleton | None = None
        self._blocks: dict[tuple[str, np.dtype[Any]], Blocks] = {}
        self._coarse: BoxCorrection | None = None
        self._response: Vector | None = None
        self._left: set[str] = set()
        self.variant = ""

    def solve(self, system: CoupledSystem, rhs: Vector, tolerance: float) -> LinearResult:
        """Solve for [δφ, δx, δV].

        Raises
        ------
        NotConverged
            If the true residual stays above 100 times the tolerance with every variant.
        """
        if self._skeleton is not system.skeleton:
            self._skeleton, self._response, self._coarse = system.skeleton, None, None
            self._blocks.clear()
        coarse = self._correction(system)
        spent = 0
        result: KrylovResult | None = None
        variants = _variants(system)
        for k, name in enumerate(variants):
            last = k + 1 == len(variants)
            if name in self._left and not last:
                continue
            if self.variant != name:
                _log.info("linear solver: %s multigrid for %d unknowns", name, rhs.size)
                self.variant = name
            blocks = self._blocks.get((name, system.dtype)) or _VARIANTS[name](system)
            self._blocks[name, system.dtype] = blocks
            blocks.take(system)
            inverse = _Inverse(system, blocks, coarse)
            result = self._attempt(inverse, rhs, tolerance, _MOST if last else _PATIENCE)
            spent += result.iterations
            if result.residual <= (100.0 * tolerance if last else tolerance):
                return LinearResult(result.x, spent, result.residual)
            _log.warning(
                "linear solver: %s multigrid left a residual of %.1e after %d iterations", name, result.residual, spent
            )
            self._left.add(name)
        assert result is not None
        raise NotConverged("linear solve", f"after {spent} iterations", [result.residual])

    def _correction(self, system: CoupledSystem) -> BoxCorrection | None:
        """Return the coarse correction of networks on a grid, None for steps that are too short to need it."""
        if not system.networks or system.frozen or system.skeleton.placement is None:
            return None
        transport = system.lithium_slope * system.skeleton.lithium.row_sum
        if not np.any(transport > _LONG * np.abs(system.storage)):
            return None
        if self._coarse is None:
            self._coarse = BoxCorrection(system.skeleton)
        self._coarse.take(system)
        return self._coarse

    def _attempt(self, inverse: _Inverse, rhs: Vector, tolerance: float, most_iterations: int) -> KrylovResult:
        iterations = self._renew_response(inverse, _STALE, _RENEWED)
        bordered = _Bordered(inverse, self._response)
        weighted = rhs.copy()
        weighted[-1] *= bordered.weight
        result = bordered.solve(weighted, tolerance, most_iterations)
        iterations += result.iterations
        if result.residual > tolerance:
            iterations += self._renew_response(inverse, 0.0, max(tolerance, 1e-6))
            bordered = _Bordered(inverse, self._response)
            result = bordered.solve(weighted, tolerance, most_iterations, result.x)
            iterations += result.iterations
        return KrylovResult(result.x, iterations, result.residual)

    def _renew_response(self, inverse: _Inverse, stale: float, tolerance: float) -> int:
        """Solve for the response to the terminal potential if the one at hand has a larger residual than ``stale``."""
        system = inverse.system
        column = system.terminal_column
        start = None
        if self._response is not None and self._response.dtype == _single(column):
            start = self._response.astype(column.dtype)
            miss = float(np.linalg.norm(column - system.product(start)))
            if miss <= stale * float(np.linalg.norm(column)):
                return 0
        result = fgmres(
            inverse.product,
            inverse.apply,
            column,
            tolerance=tolerance,
            start=start,
            most_iterations=_PATIENCE,
            wide=inverse.blocks.wide,
        )
        self._response = result.x.astype(_single(column))
        return result.iterations


class _Bordered:
    """A Newton matrix with its border: products, and a preconditioner that eliminates the terminal.

    Attributes
    ----------
    weight
        Factor of the terminal equation: a control in volts is weighted to amperes, so that one norm judges all rows.
    """

    def __init__(self, inverse: _Inverse, response: Vector | None) -> None:
        assert response is not None
        system = inverse.system
        self._inverse, self._response = inverse, response
        self._column = system.terminal_column
        corner = system.terminal_corner
        self.weight = float(np.linalg.norm(self._column)) / abs(corner) if system.in_volts else 1.0
        self._at = np.flatnonzero(system.terminal_row)
        self._row, self._corner = self.weight * system.terminal_row[self._at], self.weight * corner
        self._pivot = self._corner - self._row @ response[self._at]

    def solve(self, rhs: Vector, tolerance: float, most_iterations: int, start: Vector | None = None) -> KrylovResult:
        return fgmres(
            self._product,
            self._precondition,
            rhs,
            tolerance=tolerance,
            start=start,
            most_iterations=most_iterations,
            wide=self._inverse.blocks.wide,
        )

    def _product(self, v: Vector) -> Vector:
        out = np.empty_like(v)
        out[:-1] = self._inverse.product(v[:-1])
        vectors.subtract_multiple(out[:-1], -v[-1], self._column)
        out[-1] = self._row @ v[self._at] + self._corner * v[-1]
        return out

    def _precondition(self, r: Vector) -> Vector:
        inner = self._inverse.apply(r[:-1])
        out = np.empty(r.size, dtype=inner.dtype)
        out[:-1] = inner
        out[-1] = (r[-1] - self._row @ out[self._at]) / self._pivot
        vectors.subtract_multiple(out[:-1], out[-1], self._response)
        return out


def _single(v: Vector) -> type[np.floating[Any] | np.complexfloating[Any, Any]]:
    return np.complex64 if np.iscomplexobj(v) else np.float32


def _variants(system: CoupledSystem) -> tuple[str, ...]:
    """Choose the variants for a system, in the order in which they are tried.

    Geometric multigrid wants a grid and moderate contrast within each network. The couplings of finite elements, some
    of them negative, want classical algebraic multigrid, which is for real systems. The capacities of mixed conductors
    are strong links: the grid solves the two potentials of a cell at once, the graph needs nested solves for them
    (tests/unit/test_mixed_solver.py).
    """
    skeleton = system.skeleton
    place, paths = skeleton.placement, skeleton.conduction
    on_grid = place is not None and place.contrast <= _CONTRAST
    real = np.issubdtype(system.dtype, np.floating)
    if system.mixed is not None:
        return (*("grid",) * on_grid, *("algebraic",) * real, "graph, nested")
    if place is None and real and min(paths.min(initial=0.0), skeleton.paths.min(initial=0.0)) < 0.0:
        return "algebraic", "graph, nested"
    largest = np.max(np.abs(system.reduced_conductance), initial=0.0)
    others = ("graph", "algebraic", "graph, nested") if real else ("graph", "graph, nested")
    if not on_grid or paths.size == 0 or largest > _STIFFEST * float(np.abs(paths).min()):
        return others
    return ("grid", *others)


@dataclass(frozen=True)
class _Inverse:
    """A Newton matrix without its border, and what approximates its inverse.

    Attributes
    ----------
    system
        The matrix.
    blocks
        Its diagonal blocks.
    coarse
        What stores and potentials do together; None without networks.
    """

    system: CoupledSystem
    blocks: Blocks
    coarse: BoxCorrection | None

    def product(self, v: Vector) -> Vector:
        """Multiply the matrix with v = [φ, x] in the precision of v."""
        return self.blocks.product(v) if v.dtype == _single(v) else self.system.product(v)

    def apply(self, r: Vector) -> Vector:
        """Return approximately A⁻¹ r: in double precision with a coarse correction, otherwise in single."""
        if self.coarse is None:
            return self._fine(r)
        out = self.coarse.solve(r)
        out += self._fine((r - self.system.product(out)).astype(r.dtype))
        return out

    def _fine(self, r: Vector) -> Vector:
        system, blocks = self.system, self.blocks
        n = system.n_phi
        out = np.empty_like(r)
        if system.mixed is not None:
            return self._with_mixed(system.mixed, r)
        if system.frozen:
            out[:n] = blocks.potentials(r[:n])
            out[n:] = r[n:]
            return out
        # Upper step: what x would answer alone changes the load of the potentials.
        out[:n] = blocks.potentials(r[:n] - system.couple(_alone(system, r[n:])))
        rest = r[n:] - system.drive(out[:n])
        out[n:] = blocks.lithium(rest) / system.safe_slope
        if system.networks:
            # Reactions couple the stores of a face: each face by itself, on what the phases have left.
            trial = np.zeros_like(r)
            trial[n:] = out[n:]
            out[n:] += _alone(system, rest - blocks.product(trial)[n:])
        return out

    def _with_mixed(self, mixed: MixedBlock, r: Vector) -> Vector:
        """Solve with the ion potentials ψ of mixed conductors beside φ: electrons lose to ψ what charges a cell.

        The site fraction of a mixed store follows from φ − ψ, corrected by what that leaves of its balance.
        """
        system, blocks, at = self.system, self.blocks, mixed.at
        n, stores = system.n_phi, at.stores
        out = np.empty_like(r)
        load = np.zeros(n + at.size, dtype=r.dtype)
        load[:n] = r[:n]
        if not system.frozen:
            load[n:] = r[n:][stores]
            kernels.subtract_at(load, at.potentials, load[n:])
            others = r[n:].copy()
            others[stores] = 0.0
            load[:n] -= system.couple(_alone(system, others))
        solved = blocks.potentials(load)
        out[:n] = solved[:n]
        if system.frozen:
            out[n:] = r[n:]
            return out
        out[n:] = blocks.lithium(r[n:] - system.drive(out[:n])) / system.safe_slope
        wide = solved.astype(np.result_type(solved.dtype, np.float64))
        ionic = system.reduced_matrix
        capacity, storage = mixed.capacity(system.mixed_storage), system.storage[stores]
        steepness = storage / capacity
        x = (wide[n:] - wide[at.potentials]) / steepness
        left = load[n:] - ionic.product(wide)[n:]
        out[n:][stores] = x + left / (storage + steepness * (ionic.diagonal[n:] - capacity))
        return out


def _alone(system: CoupledSystem, load: Vector) -> Vector:
    """Return what every store answers without transport from its neighbours."""
    alone: Vector = load / system.lithium_diagonal
    if not system.networks:
        return alone
    reacting = np.zeros_like(alone)
    for local in system.local_stores:
        alone[local.block.hosts] = 0.0
        local.add_answer(reacting, load)
    return (alone + reacting).astype(load.dtype)
