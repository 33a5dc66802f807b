"""The search for the parameters: least squares between the bounds, with derivatives from runs beside each point.

The trust-region method of Branch, Coleman & Li 1999, doi:10.1137/S1064827595289108, as in scipy. A point whose runs
fail has no residuals, and the method then tries a shorter step; only the first point has to succeed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from catholyte.errors import NotConverged
from catholyte.fitting.evaluate import Evaluator, Point

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the search ended.

    Attributes
    ----------
    z
        Scaled parameters.
    residuals, jacobian
        There; the derivatives are those by ``z``.
    converged
        Whether it ended because nothing changed any more.
    message
        Why it ended, in words.
    """

    z: Point
    residuals: NDArray[np.float64]
    jacobian: Matrix
    converged: bool
    message: str


_ENDS = {
    0: "the largest number of iterations was reached",
    1: "the gradient vanished",
    2: "the sum of squares did not change any more",
    3: "the parameters did not change any more",
    4: "neither the sum of squares nor the parameters changed any more",
}


def optimise(evaluator: Evaluator) -> Solution:
    """Search for the least sum of squares.

    Raises
    ------
    NotConverged
        If runs or targets fail at the first point, or on either side of a point.
    """
    options = evaluator.fit.options
    (first,) = evaluator.at([evaluator.fit.start])
    if first.problem:
        raise NotConverged("fit", f"at its start: {first.problem}")

    def residuals(z: NDArray[np.float64]) -> NDArray[np.float64]:
        (found,) = evaluator.at([_point(z)])
        return np.full(first.residuals.size, np.nan) if found.problem else found.residuals

    found = least_squares(
        residuals,
        np.array(evaluator.fit.start),
        jac=lambda z: jacobian(evaluator, _point(z)),
        bounds=(0.0, 1.0),
        method="trf",
        ftol=options.tolerance,
        xtol=options.tolerance,
        gtol=1e-10,
        max_nfev=options.iterations,
    )
    return Solution(_point(found.x), found.fun, found.jac, bool(found.status > 0), _ENDS[int(found.status)])


def jacobian(evaluator: Evaluator, z: Point) -> Matrix:
    """Return the derivatives of the residuals by the scaled parameters, from runs on one side of each.

    Raises
    ------
    NotConverged
        If the runs fail on both sides.
    """
    step = evaluator.fit.options.step
    signs = [1.0 if value + step <= 1.0 else -1.0 for value in z]
    here, *beside = evaluator.at([z, *(_moved(z, k, sign * step) for k, sign in enumerate(signs))])
    columns = []
    for k, (sign, other) in enumerate(zip(signs, beside, strict=True)):
        signed, there = sign * step, other
        if there.problem and 0.0 <= z[k] - signed <= 1.0:
            signed = -signed
            (there,) = evaluator.at([_moved(z, k, signed)])
        if there.problem:
            name = evaluator.fit.parameters[k].name
            raise NotConverged("fit", f"beside evaluation {here.number}, where {name} was changed: {there.problem}")
        columns.append((there.residuals - here.residuals) / signed)
    return np.stack(columns, axis=1)


def _moved(z: Point, k: int, step: float) -> Point:
    return (*z[:k], z[k] + step, *z[k + 1 :])


def _point(z: NDArray[np.float64]) -> Point:
    return tuple(float(value) for value in z)
