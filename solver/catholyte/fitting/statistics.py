r"""What the data say of the parameters that were found.

With the derivatives J of the residuals by the scaled parameters that are not at a bound, m residuals and p of those,

.. math:: C = s^2 (J^T J)^{-1}, \qquad s^2 = \sum r^2 / (m - p)

and s² = 1, the given uncertainties, where there are no more residuals than parameters. The interval of 95 % is
z ± t √C_kk with Student's t for m − p degrees of freedom (1.96 without any), carried over to the value, so that of a
logarithmic parameter it is not symmetric. This holds where the residuals are linear in the parameters over the
interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from catholyte.fitting.optimise import Solution
from catholyte.fitting.parameters import FitParameter

#: scaled parameters nearer to a bound than this are at it
_AT_BOUND = 1e-3
#: a combination of parameters that moves the residuals by less than this share of what the strongest does is not seen
_UNSEEN = 1e-6
#: a parameter whose interval is wider than this share of its bounds is not identified
_WIDE = 1.0
#: an interval of so many times the range between the bounds has no ends
_FAR = 10.0


@dataclass(frozen=True)
class Estimate:
    """A fitted parameter.

    Attributes
    ----------
    parameter
        Which one.
    value
        In its unit.
    error
        Standard error in its unit; infinite if the data do not determine it, NaN at a bound.
    interval
        95 % interval in its unit; NaN at a bound.
    at_bound
        "lower", "upper" or empty.
    identified
        Whether the data determine it better than its bounds do.
    """

    parameter: FitParameter
    value: float
    error: float
    interval: tuple[float, float]
    at_bound: str
    identified: bool


@dataclass(frozen=True, eq=False)
class Assessment:
    """All parameters of a fit.

    Attributes
    ----------
    estimates
        In the order of the fit.
    correlation
        Matrix of the correlations; NaN where a parameter is at a bound or not determined.
    chi_squared, residuals, freedom
        Sum of the squared residuals, their number, and that less the free parameters.
    scale
        s², by which the covariance was multiplied; 1 where the given uncertainties were taken.
    """

    estimates: tuple[Estimate, ...]
    correlation: NDArray[np.float64]
    chi_squared: float
    residuals: int
    freedom: int
    scale: float


def assess(parameters: tuple[FitParameter, ...], solution: Solution) -> Assessment:
    """Return what the residuals and their derivatives at a solution say of its parameters."""
    z, r = np.array(solution.z), solution.residuals
    free = (z > _AT_BOUND) & (z < 1.0 - _AT_BOUND)
    chi_squared = float(r @ r)
    freedom = int(r.size - free.sum())
    scale = chi_squared / freedom if freedom > 0 else 1.0
    quantile = float(t.ppf(0.975, freedom)) if freedom > 0 else float(norm.ppf(0.975))
    covariance = np.full((z.size, z.size), np.nan)
    if free.any():
        covariance[np.ix_(free, free)] = scale * _inverse(solution.jacobian[:, free])
    deviation = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.outer(deviation, deviation)
    estimates = []
    for k, parameter in enumerate(parameters):
        value = parameter.value(float(z[k]))
        if not free[k]:
            at_bound = "lower" if z[k] < 0.5 else "upper"
            estimates.append(Estimate(parameter, value, math.nan, (math.nan, math.nan), at_bound, identified=True))
            continue
        half = quantile * float(deviation[k])
        identified = 2.0 * half < _WIDE
        far = half > _FAR
        interval = (-math.inf, math.inf) if far else (parameter.value(z[k] - half), parameter.value(z[k] + half))
        error = float(deviation[k]) * parameter.slope(float(z[k]))
        estimates.append(Estimate(parameter, value, error, interval, "", identified))
    return Assessment(tuple(estimates), correlation, chi_squared, int(r.size), freedom, scale)


def _inverse(J: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (JᵀJ)⁻¹, with infinite variances where parameters take part in a change that the residuals do not see."""
    _, s, V = np.linalg.svd(J, full_matrices=True)
    strengths = np.zeros(J.shape[1])
    strengths[: s.size] = s
    seen = strengths > _UNSEEN * strengths.max()
    inverse: NDArray[np.float64] = (V[seen].T / strengths[seen] ** 2) @ V[seen]
    unseen = (np.abs(V[~seen]) > 1e-3).any(axis=0)
    inverse[np.diag_indices_from(inverse)] += np.where(unseen, np.inf, 0.0)
    return inverse
