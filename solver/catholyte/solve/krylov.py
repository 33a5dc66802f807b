"""Flexible GMRES (Saad 1993, doi:10.1137/0914028), real or complex, with the true residual as its judge.

Directions are kept in single precision, which a preconditioner deserves; every restart begins from the residual in
double precision, so the accuracy of the solution is not limited by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.fv import vectors

Vector = NDArray[Any]

#: a cycle ends where single-precision directions have nothing more to give
_LEAST_REDUCTION = 2e-6


@dataclass(frozen=True)
class KrylovResult:
    """Outcome of an iterative solve.

    Attributes
    ----------
    x
        The solution.
    iterations
        Number of preconditioned products.
    residual
        True residual ‖b − A x‖₂ / ‖b‖₂.
    """

    x: Vector
    iterations: int
    residual: float


def fgmres(
    product: Callable[[Vector], Vector],
    precondition: Callable[[Vector], Vector],
    b: Vector,
    *,
    tolerance: float,
    start: Vector | None = None,
    most_iterations: int = 120,
    restart: int = 30,
    wide: bool = False,
) -> KrylovResult:
    """Solve A x = b.

    Parameters
    ----------
    product, precondition
        v ↦ A v in the precision of v (single for directions, double for residuals), and v ↦ approximately A⁻¹ v in
        single precision; the latter may change from call to call.
    b
        Right-hand side, shape (n,).
    tolerance
        Wanted ‖b − A x‖₂ / ‖b‖₂, checked on the true residual at every restart and at the end.
    start
        Initial guess, zero by default.
    most_iterations
        Where to give up; the caller judges ``residual``.
    restart
        Krylov vectors kept between restarts.
    wide
        Whether directions are in double precision, for matrices whose rounding in single precision drowns what is
        sought.
    """
    size = float(np.linalg.norm(b))
    if size == 0.0:
        return KrylovResult(np.zeros_like(b), 0, 0.0)
    x = np.zeros_like(b) if start is None else start.copy()
    residual = b if start is None else b - product(x)
    norm = float(np.linalg.norm(residual))
    done = 0
    while norm > tolerance * size and done < most_iterations:
        before = norm
        correction, steps = _cycle(
            product, precondition, residual, norm, tolerance * size, min(restart, most_iterations - done), wide
        )
        x += correction
        done += steps
        residual = b - product(x)
        norm = float(np.linalg.norm(residual))
        if not np.isfinite(norm) or norm > 0.99 * before:
            break
    return KrylovResult(x, done, norm / size)


def _cycle(
    product: Callable[[Vector], Vector],
    precondition: Callable[[Vector], Vector],
    residual: Vector,
    norm: float,
    target: float,
    length: int,
    wide: bool,
) -> tuple[Vector, int]:
    """Minimise the residual over a Krylov space of at most ``length`` directions; returns the correction."""
    single = np.complex64 if np.iscomplexobj(residual) else np.float32
    kept = residual.dtype if wide else single
    basis = [(residual / norm).astype(kept)]
    searched: list[Vector] = []
    hessenberg = np.zeros((length + 1, length), dtype=residual.dtype)
    rhs = np.zeros(length + 1, dtype=residual.dtype)
    rhs[0] = norm
    coefficients = np.zeros(0)
    target = max(target, _LEAST_REDUCTION * norm)
    for j in range(length):
        searched.append(precondition(basis[j]))
        w = product(searched[j])
        for i, vector in enumerate(basis):
            # Summed in double precision: single-precision sums over long vectors would spoil orthogonality.
            hessenberg[i, j] = vectors.inner(vector, w)
            vectors.subtract_multiple(w, hessenberg[i, j], vector)
        length_w = float(np.sqrt(vectors.inner(w, w).real))
        if not np.isfinite(length_w):
            searched.pop()
            break
        hessenberg[j + 1, j] = length_w
        small = hessenberg[: j + 2, : j + 1]
        coefficients = np.linalg.lstsq(small, rhs[: j + 2], rcond=None)[0]
        left = float(np.linalg.norm(rhs[: j + 2] - small @ coefficients))
        if left <= target or length_w == 0.0 or not np.isfinite(left):
            break
        basis.append((w / length_w).astype(kept))
    x = np.zeros_like(residual)
    for weight, vector in zip(coefficients, searched, strict=True):
        vectors.subtract_multiple(x, -weight, vector)
    return x, len(searched)
