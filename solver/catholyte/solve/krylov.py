"""Flexible GMRES (Saad 1993, doi:10.1137/0914028) with the true residual as its judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.fv import kernels

Vector = NDArray[np.float64]

#: unknowns from which orthogonalisation in threads pays
_PARALLEL_FROM = 100_000


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
) -> KrylovResult:
    """Solve A x = b.

    Parameters
    ----------
    product, precondition
        v ↦ A v and v ↦ approximately A⁻¹ v; the latter may change from call to call.
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
    """
    size = float(np.linalg.norm(b))
    if size == 0.0:
        return KrylovResult(np.zeros_like(b), 0, 0.0)
    x = np.zeros_like(b) if start is None else start.copy()
    residual = b.copy() if start is None else b - product(x)
    norm = float(np.linalg.norm(residual))
    done = 0
    while norm > tolerance * size and done < most_iterations:
        before = norm
        x, steps = _cycle(product, precondition, x, residual, tolerance * size, min(restart, most_iterations - done))
        done += steps
        residual = b - product(x)
        norm = float(np.linalg.norm(residual))
        if not np.isfinite(norm) or norm > 0.99 * before:
            break
    return KrylovResult(x, done, norm / size)


def _cycle(
    product: Callable[[Vector], Vector],
    precondition: Callable[[Vector], Vector],
    x: Vector,
    residual: Vector,
    target: float,
    length: int,
) -> tuple[Vector, int]:
    norm = float(np.linalg.norm(residual))
    basis = np.empty((length + 1, residual.size))
    np.divide(residual, norm, out=basis[0])
    searched: list[NDArray[np.float32]] = []
    hessenberg = np.zeros((length + 1, length))
    rotations = np.zeros((length, 2))
    rhs = np.zeros(length + 1)
    rhs[0] = norm
    used = 0
    for j in range(length):
        direction = precondition(basis[j])
        searched.append(direction.astype(np.float32))
        # The stored single-precision direction is the one that is used, so rounding it costs nothing.
        w = product(searched[j].astype(np.float64))
        if w.size >= _PARALLEL_FROM:
            kernels.project_out(w, hessenberg[:, j], basis, j + 1)
        else:
            for i in range(j + 1):
                hessenberg[i, j] = basis[i] @ w
                w -= hessenberg[i, j] * basis[i]
        length_w = float(np.linalg.norm(w))
        hessenberg[j + 1, j] = length_w
        for i in range(j):
            c, s = rotations[i]
            upper, lower = hessenberg[i, j], hessenberg[i + 1, j]
            hessenberg[i, j], hessenberg[i + 1, j] = c * upper + s * lower, c * lower - s * upper
        radius = float(np.hypot(hessenberg[j, j], hessenberg[j + 1, j]))
        if radius == 0.0:
            break
        rotations[j] = hessenberg[j, j] / radius, hessenberg[j + 1, j] / radius
        c, s = rotations[j]
        hessenberg[j, j], hessenberg[j + 1, j] = radius, 0.0
        rhs[j], rhs[j + 1] = c * rhs[j], -s * rhs[j]
        used = j + 1
        if abs(rhs[j + 1]) <= target or length_w == 0.0:
            break
        np.divide(w, length_w, out=basis[j + 1])
    coefficients = np.linalg.solve(np.triu(hessenberg[:used, :used]), rhs[:used])
    x = x.copy()
    for weight, vector in zip(coefficients, searched[:used], strict=True):
        x += weight * vector
    return x, used
