"""Linear solves of the Newton systems: direct when small, preconditioned Krylov beyond.

The preconditioner is block triangular: multigrid on the potentials with every interface conductance in series with the
storage behind it, then multigrid on lithium. The terminal potential is eliminated inside the preconditioner with the
response of the state to it, kept from earlier solves; its equation is formed from the counter-electrode current, so
nothing large cancels. The true residual of the bordered system is the judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from catholyte.errors import NotConverged
from catholyte.fv import kernels
from catholyte.fv.assembly import CoupledSystem
from catholyte.solve.krylov import fgmres
from catholyte.solve.multigrid import Multigrid

Vector = NDArray[np.float64]

#: unknowns below which a sparse factorisation is faster than the iteration (benchmarks/linear_crossover.py)
DIRECT_LIMIT = 1000
#: relative residual of the terminal response from which it is renewed, and to which
_STALE, _RENEWED = 0.2, 0.02


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
        scale = 1.0 / np.maximum(np.abs(matrix).max(axis=1).toarray().ravel(), 1e-300)
        scaled = matrix.multiply(scale[:, None]).tocsc()
        factor = splu(scaled, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0.1)
        x = factor.solve(scale * rhs)
        x += factor.solve(scale * (rhs - matrix @ x))
        size = float(np.linalg.norm(scale * rhs))
        left = float(np.linalg.norm(scale * (rhs - matrix @ x)))
        return LinearResult(x, 0, left / size if size > 0.0 else 0.0)


class KrylovSolver:
    """Flexible GMRES on the bordered system with block-triangular multigrid.

    Keeps its hierarchies and the response of the state to the terminal potential, which serves to eliminate the
    terminal inside the preconditioner and may lag behind the matrix.
    """

    def __init__(self) -> None:
        self._phi: Multigrid | None = None
        self._lithium: Multigrid | None = None
        self._response: Vector | None = None

    def solve(self, system: CoupledSystem, rhs: Vector, tolerance: float) -> LinearResult:
        """Solve for [δφ, δx, δV].

        Raises
        ------
        NotConverged
            If the true residual stays above 100 times the tolerance.
        """
        n = system.n_phi
        self._prepare(system)
        iterations = self._renew_response(system, _STALE, _RENEWED)
        column, corner = system.terminal_column, system.terminal_corner
        # A control in volts is weighted to amperes, so that one norm judges all rows.
        weight = float(np.linalg.norm(column)) / abs(corner) if corner != 0.0 else 1.0
        row, corner = weight * system.terminal_row, weight * corner

        def product(v: Vector) -> Vector:
            out = np.empty_like(v)
            out[:-1] = system.product(v[:-1])
            out[:-1] += v[-1] * column
            out[-1] = row @ v[:n] + corner * v[-1]
            return out

        def precondition(r: Vector) -> Vector:
            assert self._response is not None
            alone = self._precondition(system, r[:-1])
            V = (r[-1] - row @ alone[:n]) / (corner - row @ self._response[:n])
            return np.append(alone - V * self._response, V)

        weighted = rhs.copy()
        weighted[-1] *= weight
        result = fgmres(product, precondition, weighted, tolerance=tolerance)
        iterations += result.iterations
        if result.residual > tolerance:
            iterations += self._renew_response(system, 0.0, tolerance)
            result = fgmres(product, precondition, weighted, tolerance=tolerance, start=result.x)
            iterations += result.iterations
        if not result.residual <= 100.0 * tolerance:
            raise NotConverged("linear solve", f"after {iterations} iterations", [result.residual])
        return LinearResult(result.x, iterations, result.residual)

    def _renew_response(self, system: CoupledSystem, stale: float, tolerance: float) -> int:
        """Solve for the response to the terminal potential if the one at hand has a larger residual than ``stale``."""
        column = system.terminal_column
        if self._response is not None:
            miss = float(np.linalg.norm(column - system.product(self._response)))
            if miss <= stale * float(np.linalg.norm(column)):
                return 0
        result = fgmres(
            system.product,
            lambda r: self._precondition(system, r),
            column,
            tolerance=tolerance,
            start=self._response,
        )
        self._response = result.x
        return result.iterations

    def _prepare(self, system: CoupledSystem) -> None:
        phi = system.reduced_phi()
        if self._phi is None:
            self._phi = Multigrid(phi)
        else:
            self._phi.refresh(phi)
        if system.frozen:
            return
        lithium = system.reduced_lithium()
        if self._lithium is None:
            self._lithium = Multigrid(lithium, sweeps=1)  # storage dominates its diagonal
        else:
            self._lithium.refresh(lithium)

    def _precondition(self, system: CoupledSystem, r: Vector) -> Vector:
        n, c = system.n_phi, system.coupling
        out = np.empty_like(r)
        assert self._phi is not None
        if system.frozen:
            out[:n] = self._phi.apply(r[:n])
            out[n:] = r[n:]
            return out
        assert self._lithium is not None
        # Upper step: what x would answer alone changes the load of the potentials.
        alone = r[n:] / system.lithium_diagonal
        load = r[:n].copy()
        kernels.couple_potential(load, c.electron, c.ion, c.host, -c.response, alone)
        out[:n] = self._phi.apply(load)
        rest = r[n:].copy()
        kernels.couple_species(rest, c.electron, c.ion, c.host, -c.conductance, out[:n])
        out[n:] = self._lithium.apply(rest) / system.safe_slope
        return out
