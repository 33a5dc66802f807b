r"""Equilibrium potentials U(x, T) of an active material against Li/Li⁺, in V.

``x`` is the site fraction of lithium, 0 delithiated, 1 full. Every law is a frozen object that is called as
``law(x, T)`` with floats, arrays or complex arrays (derivatives are taken by complex step) and is finite for
all x in (0, 1). Data and fitted formulas hold on [x_lo, x_hi] only; beyond, they continue with the slope at
the end of the range, the term of an ideal solution and a wall, so that U is continuously differentiable and runs to
+∞ at x = 0 and to −∞ at x = 1:

    x > x_hi:  U(x_hi) + U′(x_hi)·(x − x_hi) + (RT/F)·[ln s − (s−1)] − w·(1−s)²/s,   s = (1−x)/(1−x_hi)
    x < x_lo:  U(x_lo) + U′(x_lo)·(x − x_lo) − (RT/F)·[ln s − (s−1)] + w·(1−s)²/s,   s = x/x_lo

The wall (w = 10 mV) stands for the steep end of every measured curve: the logarithm alone would fall by one volt only
where 1−x is 1e-17, which no double can hold; with the wall a host is full to 1 % of the unmeasured range at −1 V.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catholyte.errors import CatholyteError, InputError, nearest
from catholyte.physics.constants import F, R
from catholyte.physics.formulas import FORMULAS

#: A table or formula that reaches x = 0 or x = 1 is left this far from it, so that U still diverges there.
MARGIN = 1e-3

#: Height of the wall at the ends of a continued law, V.
WALL = 0.01

_STEP = 1e-30  # of the complex-step derivative: exact to rounding, no subtraction is involved


class EquilibriumPotential(Protocol):
    """U(x, T) in V vs Li/Li⁺, known on [x_lo, x_hi] and finite on (0, 1)."""

    @property
    def x_lo(self) -> float:
        """Lower end of the range in which the law is backed by data."""

    @property
    def x_hi(self) -> float:
        """Upper end of that range."""

    def __call__(self, x: ArrayLike, T: float) -> NDArray[Any]:
        """Return U at site fractions ``x`` (any shape, real or complex) and temperature ``T`` in K."""


def value_and_slope(
    law: Callable[..., NDArray[Any]], x: NDArray[np.float64], T: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return U(x) in V and dU/dx in V at real ``x``: from the law's own derivative, or by complex step."""
    own = getattr(law, "with_slope", None)
    if own is not None:
        U, slope = own(x, T)
        return U, slope
    value = np.asarray(law(x + 1j * _STEP, T))
    return value.real, value.imag / _STEP


class VoltageError(CatholyteError, ValueError):
    """No site fraction in (0, 1) has the voltage asked for.

    Parameters
    ----------
    voltage
        The voltage asked for, V vs Li/Li⁺.
    lowest, highest
        The range of voltages that the law attains, V.
    """

    def __init__(self, voltage: float, lowest: float, highest: float) -> None:
        self.voltage = voltage
        self.lowest = lowest
        self.highest = highest
        super().__init__(
            f"the equilibrium potential never equals {voltage:.6g} V: it lies between {lowest:.6g} and {highest:.6g} V"
        )


# ------------------------------------------------------------------------------------------------------- laws


@dataclass(frozen=True)
class Constant:
    """U(x) = U0, the same at every composition (a two-phase plateau)."""

    U0: float
    x_lo: float = 0.0
    x_hi: float = 1.0

    def __call__(self, x: ArrayLike, T: float) -> NDArray[Any]:
        """Return U0 in the shape and type of ``x``."""
        x = np.asarray(x)
        return self.U0 + 0.0 * x


@dataclass(frozen=True)
class Linear:
    """U(x) = U_at_0 + (U_at_1 − U_at_0)·x."""

    U_at_0: float
    U_at_1: float
    x_lo: float = 0.0
    x_hi: float = 1.0

    def __call__(self, x: ArrayLike, T: float) -> NDArray[Any]:
        """Return the straight line at ``x``."""
        return self.U_at_0 + (self.U_at_1 - self.U_at_0) * np.asarray(x)


@dataclass(frozen=True)
class IdealSolution:
    r"""Ideal or Redlich–Kister solution of lithium and vacancies on one lattice.

    U = U0 + (RT/F)·ln((1−x)/x) − (1/F)·dG_ex/dx,   G_ex = x(1−x)·Σ_k A_k·(2x−1)^k

    With no ``margules`` terms this is Nernst's equation; one term A_0 is the regular solution, which
    separates into two phases (U is then not monotonic) when A_0 > 2RT. Valid on the whole of (0, 1).

    Parameters
    ----------
    U0
        Potential at x = 1/2 of the ideal solution, V.
    margules
        A_0, A_1, … in J/mol (Redlich & Kister 1948, doi:10.1021/ie50458a036).
    """

    U0: float
    margules: tuple[float, ...] = ()
    x_lo: float = 0.0
    x_hi: float = 1.0

    def __call__(self, x: ArrayLike, T: float) -> NDArray[Any]:
        """Return U at ``x`` and ``T``; ±∞ at the ends, NaN beyond them."""
        x = np.asarray(x)
        U = self.U0 + (R * T / F) * (_log(1.0 - x) - _log(x))
        for k, A in enumerate(self.margules):
            slope = -((2 * x - 1) ** (k + 1))
            if k > 0:
                slope = slope + 2 * k * x * (1 - x) * (2 * x - 1) ** (k - 1)
            U = U - (A / F) * slope
        return U


@dataclass(frozen=True, eq=False)
class Table:
    """Piecewise cubic Hermite interpolation (PCHIP: no overshoot) of measured points.

    Made by :meth:`from_points`. ``coefficients[j]`` holds the factors of (x − knots)^(3−j) in every interval.
    """

    knots: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    buckets: NDArray[np.intp] | None

    @classmethod
    def from_points(cls, x: ArrayLike, U: ArrayLike, *, key: str = "equilibrium_potential") -> Table:
        """Interpolate the points (x, U in V); ``x`` must increase strictly and lie in [0, 1].

        Raises
        ------
        InputError
            If the points are fewer than two, not finite, unsorted, doubled or outside [0, 1].
        """
        from scipy.interpolate import (
            PchipInterpolator,
        )  # slow to import, and most runs of `check` need no table

        knots, values = _checked_points(x, U, key)
        coefficients = np.ascontiguousarray(PchipInterpolator(knots, values).c)
        return cls(knots, coefficients, _buckets(knots))

    @property
    def x_lo(self) -> float:
        """First point of the table."""
        return float(self.knots[0])

    @property
    def x_hi(self) -> float:
        """Last point of the table."""
        return float(self.knots[-1])

    def __call__(self, x: ArrayLike, T: float) -> NDArray[Any]:
        """Interpolate at ``x``; the end polynomials go on beyond the ends."""
        x = np.asarray(x)
        k = self._interval(x.real)
        c = self.coefficients
        t = x - self.knots.take(k)
        U = c[0].take(k) * t
        U += c[1].take(k)
        U *= t
        U += c[2].take(k)
        U *= t
        U += c[3].take(k)
        return U

    def with_slope(self, x: NDArray[np.float64], T: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return U and dU/dx at real ``x``."""
        k = self._interval(x)
        c = self.coefficients
        t = x - self.knots.take(k)
        cubic, square, line = c[0].take(k), c[1].take(k), c[2].take(k)
        U = ((cubic * t + square) * t + line) * t + c[3].take(k)
        return U, (3.0 * cubic * t + 2.0 * square) * t + line

    def _interval(self, x: NDArray[np.float64]) -> NDArray[np.intp]:
        last = self.knots.size - 2
        if self.buckets is None:
            return np.clip(np.searchsorted(self.knots, x, side="right") - 1, 0, last)
        # No bucket holds more than one knot, so its first interval or the next one is right.
        width = (self.x_hi - self.x_lo) / self.buckets.size
        bucket = np.clip((x - self.x_lo) / width, 0, self.buckets.size - 1).astype(np.intp)
        k = self.buckets.take(bucket)
        k = k + (x >= self.knots.take(k + 1))
        return np.clip(k, 0, last)


@dataclass(frozen=True)
class Continued:
    """A law that holds on [x_lo, x_hi], continued to the whole of (0, 1) as the module says."""

    law: EquilibriumPotential
    x_lo: float
    x_hi: float

    def __call__(self, x: ArrayLike, T: float) -> NDArray[Any]:
        """Return U at ``x`` and ``T``; +∞ at x = 0, −∞ at x = 1, NaN beyond."""
        x = np.asarray(x)
        low = x.real < self.x_lo
        high = ~(x.real <= self.x_hi)  # so that NaN stays NaN
        outside = low | high
        if not outside.any():
            return self.law(x, T)
        # One evaluation for all points: those outside borrow the end of the range and are overwritten.
        U = np.array(self.law(np.where(outside, self.x_lo, x), T))
        if low.any():
            U[low] = self._beyond(x[low], self.x_lo, T, x[low] / self.x_lo, -1.0)
        if high.any():
            U[high] = self._beyond(x[high], self.x_hi, T, (1.0 - x[high]) / (1.0 - self.x_hi), 1.0)
        return U

    def with_slope(self, x: NDArray[np.float64], T: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return U and dU/dx at real ``x``."""
        inside = (x >= self.x_lo) & (x <= self.x_hi)
        if inside.all():
            return value_and_slope(self.law, x, T)
        U, slope = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
        U[inside], slope[inside] = value_and_slope(self.law, x[inside], T)
        ends = (x < self.x_lo, x, self.x_lo, self.x_lo, -1.0), (x > self.x_hi, 1.0 - x, self.x_hi, 1.0 - self.x_hi, 1.0)
        for part, room, end, span, sign in ends:
            if part.any():
                share = room[part] / span
                U[part] = self._beyond(x[part], end, T, share, sign)
                _, (at_end,) = value_and_slope(self.law, np.array([end]), T)
                with np.errstate(divide="ignore", invalid="ignore"):
                    bend = (R * T / F) * (1.0 / share - 1.0) - WALL * (1.0 - 1.0 / share**2)
                slope[part] = at_end - bend / span
        return U, slope

    def _beyond(self, x: NDArray[Any], end: float, T: float, share: NDArray[Any], sign: float) -> NDArray[Any]:
        U = self.law(end + 1j * _STEP, T)
        line = U.real + (U.imag / _STEP) * (x - end)
        ideal = (R * T / F) * (_log(share) - (share - 1.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            wall = WALL * (1.0 - share) ** 2 / share
        return line + sign * (ideal - wall)


def continued(law: EquilibriumPotential, x_lo: float | None = None, x_hi: float | None = None) -> Continued:
    """Continue ``law`` beyond [x_lo, x_hi] (default: its own range), cut to :data:`MARGIN` from 0 and 1."""
    lo = law.x_lo if x_lo is None else x_lo
    hi = law.x_hi if x_hi is None else x_hi
    return Continued(law, max(lo, MARGIN), min(hi, 1.0 - MARGIN))


def from_table(x: ArrayLike, U: ArrayLike, *, key: str = "equilibrium_potential") -> Continued:
    """Equilibrium potential through measured points: PCHIP inside, continued outside."""
    return continued(Table.from_points(x, U, key=key))


def from_formula(name: str, *, key: str = "equilibrium_potential.formula") -> Continued:
    """Equilibrium potential by the name of a formula in :data:`FORMULAS`.

    Raises
    ------
    InputError
        If there is no such formula.
    """
    formula = FORMULAS.get(name)
    if formula is None:
        raise InputError(key, name, "one of " + ", ".join(FORMULAS), nearest(name, FORMULAS))
    return continued(formula)


# ------------------------------------------------------------------------------------------ slope and inverse


def slope(law: EquilibriumPotential, x: ArrayLike, T: float) -> NDArray[Any]:
    """Return dU/dx in V at real ``x`` by complex step."""
    return law(np.asarray(x, dtype=float) + 1j * _STEP, T).imag / _STEP


def inverse(law: EquilibriumPotential, voltage: float, T: float) -> float:
    """Site fraction at which ``law`` has ``voltage``; the smallest one if U is not monotonic.

    Parameters
    ----------
    law
        Equilibrium potential.
    voltage
        V vs Li/Li⁺.
    T
        Temperature, K.

    Raises
    ------
    VoltageError
        If no x in [1e-9, 1 − 1e-9] has this voltage, or every x has it (a plateau without ends).
    """
    from scipy.optimize import brentq

    ends = np.geomspace(1e-9, 1e-2, 71)
    grid = np.concatenate([ends, np.linspace(1e-2, 1 - 1e-2, 1961)[1:-1], (1 - ends)[::-1]])
    excess = np.asarray(law(grid, T), dtype=float) - voltage
    if np.ptp(excess) == 0.0:
        raise VoltageError(voltage, excess[0] + voltage, excess[0] + voltage)
    exact = np.flatnonzero(excess == 0.0)
    crossings = np.flatnonzero(excess[:-1] * excess[1:] < 0.0)
    if exact.size and (not crossings.size or exact[0] <= crossings[0]):
        return float(grid[exact[0]])
    if not crossings.size:
        raise VoltageError(voltage, float(excess.min() + voltage), float(excess.max() + voltage))
    k = int(crossings[0])
    return float(brentq(lambda x: float(law(x, T)) - voltage, grid[k], grid[k + 1], xtol=1e-15, rtol=1e-14))


def mean_potential(law: EquilibriumPotential, x_from: float, x_to: float, T: float) -> float:
    """Mean of U over the capacity between two site fractions, in V: what an infinitely slow discharge would show.

    Only the part that is backed by data counts; beyond it a law is a wall, whose mean says nothing.
    """
    low, high = max(x_from, law.x_lo), min(x_to, law.x_hi)
    count = 20_000
    middle = low + (high - low) * (np.arange(count) + 0.5) / count  # never at an end, where U may be infinite
    return float(np.mean(law(middle, T)))


# ---------------------------------------------------------------------------------------------------- helpers


def _log(x: NDArray[Any]) -> NDArray[Any]:
    """Logarithm that is −∞ at 0 and NaN where the real part is negative, also for complex arguments."""
    x = np.asarray(x)
    if np.all(x.real > 0.0):
        return np.log(x)
    positive = np.where(x.real > 0.0, x, 1.0)
    return np.where(x.real > 0.0, np.log(positive), np.where(x.real == 0.0, -np.inf, np.nan))


def _checked_points(x: ArrayLike, U: ArrayLike, key: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    knots = np.array(x, dtype=float)
    values = np.array(U, dtype=float)
    if knots.ndim != 1 or knots.shape != values.shape or knots.size < 2:
        raise InputError(key, f"{knots.size} x and {values.size} U", "two lists of the same length, two points or more")
    if not (np.isfinite(knots).all() and np.isfinite(values).all()):
        raise InputError(key, "a value that is not finite", "finite x and U")
    if knots[0] < 0.0 or knots[-1] > 1.0:
        raise InputError(f"{key}.x", f"{knots[0]:g} … {knots[-1]:g}", "site fractions between 0 and 1")
    wrong = np.flatnonzero(np.diff(knots) <= 0.0)
    if wrong.size:
        k = int(wrong[0])
        raise InputError(f"{key}.x", f"{knots[k]:g} then {knots[k + 1]:g}", "site fractions that increase strictly")
    return knots, values


def _buckets(knots: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """First interval of every bucket of a uniform grid with at most one knot a bucket; None if too fine."""
    count = int(np.ceil(1.01 * (knots[-1] - knots[0]) / np.diff(knots).min()))
    if count > 65536:
        return None
    lower = knots[0] + (knots[-1] - knots[0]) * np.arange(count) / count
    return np.clip(np.searchsorted(knots, lower, side="right") - 1, 0, knots.size - 2).astype(np.intp)
