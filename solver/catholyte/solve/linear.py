"""Linear solves of the Newton systems: direct when small, preconditioned Krylov beyond.

The preconditioner is block triangular: multigrid on the potentials with every interface conductance in series with the
storage behind it, then multigrid on lithium. The terminal is not part of the iteration: two right-hand sides are solved
with the same preconditioner, the terminal potential follows from the counter-electrode current, and the whole is
refined on the true residual of the bordered system.
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
DIRECT_LIMIT = 4000


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
    """Flexible GMRES with block-triangular multigrid; keeps its hierarchies and the last terminal response."""

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
        column, row, corner = system.terminal_column, system.terminal_row, system.terminal_corner

        def precondition(r: Vector) -> Vector:
            return self._precondition(system, r)

        response = fgmres(
            system.product, precondition, column, tolerance=tolerance, start=self._response
        )
        self._response = response.x
        stiffness = corner - row @ response.x[:n]
        iterations = response.iterations
        inner, terminal = rhs[:-1], rhs[-1]
        x, V = np.zeros(n + system.n_x), 0.0
        size = float(np.linalg.norm(inner))
        residual = inner
        relative = 1.0
        for _ in range(3):
            target = tolerance if size == 0.0 else tolerance * size / max(float(np.linalg.norm(residual)), 1e-300)
            part = fgmres(system.product, precondition, residual, tolerance=min(target, 0.1))
            iterations += part.iterations
            x = x + part.x
            dV = (terminal - row @ x[:n] - corner * V) / stiffness
            V += dV
            x -= dV * response.x
            residual = inner - system.product(x) - V * column
            reference = max(size, float(abs(V) * np.linalg.norm(column)))
            relative = float(np.linalg.norm(residual)) / reference if reference > 0.0 else 0.0
            if relative <= 2.0 * tolerance:
                break
        if not relative <= 100.0 * tolerance:
            raise NotConverged("linear solve", f"after {iterations} iterations", [relative])
        return LinearResult(np.append(x, V), iterations, relative)

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
            self._lithium = Multigrid(lithium)
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
