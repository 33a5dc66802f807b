"""Distribution of relaxation times of a spectrum: how much resistance relaxes at which time constant.

The spectrum is read as::

    Z(ω) = R_∞ + iωL + S/(iω) + ∫ γ(ln τ)/(1 + iωτ) d ln τ,        γ, R_∞, L, S ≥ 0

with γ linear in ln τ between the points of a grid, where the trapezium rule has no error that matters. The fit
minimises, with relative residuals r and γ in units of the median of abs(Z)::

    mean abs(r)² + λ² ∫ w² (d²γ/d(ln τ)²)² d ln τ

by non-negative least squares: Tikhonov regularisation as of Saccoccio, Wan, Chen & Ciucci 2014,
doi:10.1016/j.electacta.2014.09.058, and Wan, Saccoccio, Chen & Ciucci 2015, doi:10.1016/j.electacta.2015.09.097. The
weight w is the inverse of γ and its curvature nearby, and is found in a few rounds. It holds the curvature down
relative to what is there: narrow peaks stay narrow beside broad ones, and their tails free of ripples that would pass
for peaks. A penalty that varies along τ is the idea of Effat & Ciucci 2017, doi:10.1016/j.electacta.2017.07.050.

Without a λ given, generalised cross-validation chooses it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls
from scipy.signal import find_peaks

from catholyte.errors import InputError
from catholyte.evaluation.spectrum import Complexes, Reals, read_spectrum

#: the λ that are tried: below the first nothing more is seen in a spectrum without noise
_LAMBDAS = tuple(10.0**k for k in np.arange(-5.0, -0.9, 0.5))
#: a λ is as good as the best if its score is within this factor, or its residual so small; the largest one is taken
_AS_GOOD, _GOOD = 1.7, 3e-5
_ROUNDS = 4
#: how far around a point γ and its curvature count for the weight, in units of ln τ, and the part that curvature counts
_NEAR_HEIGHT, _NEAR_CURVATURE, _CURVATURE = 1.0, 0.3, 0.3
#: what counts where γ is zero, over its largest value
_FLOOR = 1e-2
#: a peak stands out of its surroundings by this part of its height, and holds this part of the polarisation
_LEAST_PROMINENCE, _LEAST_SHARE = 0.05, 0.005
#: less than this part of a peak within a decade of it is its flank: regularisation is not good to more
_FLANK = 0.1
_ROUNDING = 1e-10


@dataclass(frozen=True)
class Peak:
    """A peak of a distribution of relaxation times.

    Attributes
    ----------
    tau, frequency
        Its place in s, and 1/(2πτ) in Hz.
    resistance
        Area from the minimum before it to the one behind it, in the unit of the impedance.
    share
        That part of the polarisation resistance.
    """

    tau: float
    frequency: float
    resistance: float
    share: float


@dataclass(frozen=True)
class RelaxationTimes:
    """A spectrum as a distribution of relaxation times.

    Attributes
    ----------
    tau, gamma
        Grid in s, evenly spaced in ln τ, and γ(ln τ) in the unit of the impedance, both of shape (m,).
    resistance
        R_∞, the limit at high frequency.
    inductance, elastance
        L in the unit of the impedance times s, and S, the inverse of the capacitance in series, in that unit over s.
    regularisation
        λ.
    residual
        (fit − data)/abs(data), complex, of shape (n,).
    peaks
        By falling frequency.
    """

    tau: Reals
    gamma: Reals
    resistance: float
    inductance: float
    elastance: float
    regularisation: float
    residual: Complexes
    peaks: tuple[Peak, ...]

    @property
    def polarisation(self) -> float:
        """The area of the distribution: what lies between R_∞ and the limit at low frequency."""
        return float(self.gamma.sum() * np.log(self.tau[1] / self.tau[0]))

    def impedance(self, frequency: ArrayLike) -> Complexes:
        """Return the impedance of the distribution at other frequencies in Hz."""
        s = 2j * np.pi * np.asarray(frequency, dtype=np.complex128)
        relaxing = (self.gamma / (1.0 + s[:, np.newaxis] * self.tau)).sum(axis=1) * np.log(self.tau[1] / self.tau[0])
        return self.resistance + s * self.inductance + self.elastance / s + relaxing


def relaxation_times(
    frequency: ArrayLike,
    impedance: ArrayLike,
    *,
    regularisation: float | None = None,
    per_decade: int = 20,
    inductive: bool = True,
    blocking: bool = True,
) -> RelaxationTimes:
    """Find the distribution of relaxation times of a spectrum.

    Parameters
    ----------
    frequency, impedance
        In Hz and in any unit of impedance, in any order, both of shape (n,).
    regularisation
        λ; by generalised cross-validation without it.
    per_decade
        Points of the grid in a decade of τ.
    inductive, blocking
        Whether there may be an inductance and a capacitance in series.

    Raises
    ------
    InputError
        If the data cannot be evaluated, or λ or the grid are not above zero.
    """
    f, Z = read_spectrum(frequency, impedance, least=8)
    if regularisation is not None and not (np.isfinite(regularisation) and regularisation > 0.0):
        raise InputError("regularisation", regularisation, "a number above zero, like 1e-3")
    if per_decade < 5:
        raise InputError("per_decade", per_decade, "at least 5 points in a decade")
    problem = _Problem(f, Z, per_decade, inductive=inductive, blocking=blocking)
    if regularisation is not None:
        chosen, x = regularisation, problem.solve(regularisation)[0]
    else:
        tried = [(value, *problem.solve(value)) for value in _LAMBDAS]
        best = min(score for _, _, score in tried)
        chosen, x, _ = next(trial for trial in reversed(tried) if trial[2] <= max(_AS_GOOD * best, _GOOD**2))
    residual = problem.residual(x)
    m = problem.tau.size
    values = dict.fromkeys(("resistance", "inductance", "elastance"), 0.0)
    values |= {name: float(value) for name, value in zip(problem.series, x[m:], strict=True)}
    # less than the residual leaves open is no polarisation
    unknown = float(np.median(np.abs(Z))) * max(float(np.sqrt(np.mean(np.abs(residual) ** 2))), _ROUNDING)
    peaks = _peaks(problem.tau, x[:m], problem.step) if x[:m].sum() * problem.step > unknown else ()
    return RelaxationTimes(problem.tau, x[:m], **values, regularisation=chosen, residual=residual, peaks=peaks)


class _Problem:
    """The least-squares problem of a spectrum, ready to be solved for any λ."""

    def __init__(self, f: Reals, Z: Complexes, per_decade: int, *, inductive: bool, blocking: bool) -> None:
        # a decade beyond the spectrum, where the flanks of its first and last peak may lie
        first, last = np.log10(0.1 / (2.0 * np.pi * f.max())), np.log10(10.0 / (2.0 * np.pi * f.min()))
        self.tau = np.logspace(first, last, int(np.ceil(per_decade * (last - first))) + 1)
        self.step = float(np.log(self.tau[1] / self.tau[0]))
        s = 2j * np.pi * f
        columns = {"resistance": np.ones_like(s)}
        if inductive:
            columns["inductance"] = s
        if blocking:
            columns["elastance"] = 1.0 / s
        self.series = tuple(columns)
        kernel = self.step / (1.0 + s[:, np.newaxis] * self.tau)
        A = np.concatenate([kernel, np.stack(list(columns.values()), axis=1)], axis=1)
        A /= np.abs(Z)[:, np.newaxis] * np.sqrt(f.size)
        b = Z / (np.abs(Z) * np.sqrt(f.size))
        m = self.tau.size
        self._scale = np.empty(A.shape[1])
        self._scale[:m] = np.median(np.abs(Z))
        self._scale[m:] = 1.0 / np.linalg.norm(A[:, m:], axis=0)
        self._A = np.concatenate([A.real, A.imag]) * self._scale
        self._b = np.concatenate([b.real, b.imag])
        # beyond its ends γ is zero
        self._curvature = np.diff(np.eye(m + 2), n=2, axis=0)[:, 1:-1] / self.step**2
        distance = self.step * np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
        self._near_height = _mean_within(distance, _NEAR_HEIGHT)
        self._near_curvature = _CURVATURE * _mean_within(distance, _NEAR_CURVATURE)

    def solve(self, value: float) -> tuple[Reals, float]:
        """Return the unknowns at one λ, and the score of generalised cross-validation."""
        A, b, m = self._A, self._b, self.tau.size
        penalty = np.zeros((m, A.shape[1]))
        right = np.concatenate([b, np.zeros(m)])
        weight = np.ones(m)
        for _ in range(_ROUNDS):
            penalty[:, :m] = (value * np.sqrt(self.step)) * weight[:, np.newaxis] * self._curvature
            stacked = np.concatenate([A, penalty])
            x, _ = nnls(stacked, right, maxiter=30 * A.shape[1])
            height = self._near_height @ x[:m]
            largest = height.max()
            if largest == 0.0:
                break
            here = height + self._near_curvature @ np.abs(self._curvature @ x[:m])
            weight = (1.0 + _FLOOR) * largest / (here + _FLOOR * largest)
        # The unknowns at zero do not answer the data; the others do so by a linear map, of which the trace counts.
        free = np.linalg.qr(stacked[:, x > 0.0])[0][: b.size]
        left = 1.0 - (free**2).sum() / b.size
        return x * self._scale, float(((A @ x - b) ** 2).sum() / left**2)

    def residual(self, x: Reals) -> Complexes:
        """Return (fit − data)/abs(data) of the unknowns ``x``."""
        n = self._b.size // 2
        r = (self._A @ (x / self._scale) - self._b) * np.sqrt(n)
        return r[:n] + 1j * r[n:]


def _mean_within(distance: Reals, reach: float) -> Reals:
    """Return the matrix that takes means over a neighbourhood."""
    near = np.exp(-distance / reach)
    return near / near.sum(axis=1, keepdims=True)


def _peaks(tau: Reals, gamma: Reals, step: float) -> tuple[Peak, ...]:
    """Return the peaks of γ by rising τ; every bit of the area belongs to one of them."""
    total = gamma.sum() * step
    padded = np.concatenate([[0.0], gamma, [0.0]])
    at, found = find_peaks(padded, prominence=0.0)
    at = at[found["prominences"] >= _LEAST_PROMINENCE * padded[at]] - 1
    while True:
        # the minimum between two peaks belongs to the later one
        inner = [a + int(np.argmin(gamma[a : b + 1])) for a, b in itertools.pairwise(at)]
        edges = [0, *inner, gamma.size]
        areas = np.array([gamma[a:b].sum() * step for a, b in itertools.pairwise(edges)])
        faint = [k for k in range(at.size) if areas[k] < _LEAST_SHARE * total or _is_flank(k, at, areas, step)]
        if not faint or at.size == 1:
            break
        at = np.delete(at, min(faint, key=lambda k: areas[k]))
    peaks = []
    for k, area in zip(at, areas, strict=True):
        before, here, behind = padded[k : k + 3]
        curvature = before - 2.0 * here + behind
        shift = 0.5 * (before - behind) / curvature if curvature < 0.0 else 0.0
        time = float(tau[k] * np.exp(step * shift))
        peaks.append(Peak(time, 1.0 / (2.0 * np.pi * time), float(area), float(area / total)))
    return tuple(peaks)


def _is_flank(k: int, at: NDArray[np.intp], areas: Reals, step: float) -> bool:
    """Whether a peak lies so close to a much larger one that it is part of its flank."""
    neighbours = [j for j in (k - 1, k + 1) if 0 <= j < at.size]
    return any(areas[k] < _FLANK * areas[j] and abs(at[k] - at[j]) * step < np.log(10.0) for j in neighbours)
