"""Rate laws of an electrode reaction, i = i0(x)·r(z) with z = Fη/RT, and their inverses z(i/i0).

The half-cell resistances of a face are solved together with its kinetics (``interface.py``), which needs the
overpotential as a function of the current: a logarithm where the rate is an exponential, so it never overflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class RateLaw(Protocol):
    """A dimensionless rate r(z), strictly rising with r(0) = 0 and r'(0) = 1 for unit reaction order."""

    def rate(self, z: Array) -> Array:
        """Return r(z)."""
        ...

    def inverse(self, y: Array) -> tuple[Array, Array]:
        """Return z with r(z) = y, and dz/dy."""
        ...


@dataclass(frozen=True)
class ButlerVolmer:
    """r = exp(α z) − exp(−(1−α) z) (Newman & Balsara, *Electrochemical Systems*, ch. 8).

    Attributes
    ----------
    alpha
        Anodic transfer coefficient α, between 0 and 1; the cathodic one is 1 − α.
    """

    alpha: float = 0.5

    def rate(self, z: Array) -> Array:
        """Return r(z)."""
        return np.exp(self.alpha * z) - np.exp(-(1.0 - self.alpha) * z)

    def inverse(self, y: Array) -> tuple[Array, Array]:
        """Return z with r(z) = y, and dz/dy."""
        if self.alpha == 0.5:
            return 2.0 * np.arcsinh(0.5 * y), 1.0 / np.sqrt(1.0 + 0.25 * y * y)
        # In asinh(r/2) the law is nearly a broken line, so Newton on it converges in a few steps from either side.
        target = np.arcsinh(0.5 * np.real(y))
        z = np.where(target > 0.0, target / self.alpha, target / (1.0 - self.alpha))
        for _ in range(50):
            r, slope = self.rate(z), self._slope(z)
            step = (np.arcsinh(0.5 * r) - target) * np.sqrt(4.0 + r * r) / slope
            z = z - step
            if np.max(np.abs(step), initial=0.0) < 1e-14 * max(1.0, float(np.max(np.abs(z), initial=0.0))):
                break
        slope = self._slope(z)
        return z + (y - self.rate(z)) / slope, 1.0 / slope

    def _slope(self, z: Array) -> Array:
        return self.alpha * np.exp(self.alpha * z) + (1.0 - self.alpha) * np.exp(-(1.0 - self.alpha) * z)


@dataclass(frozen=True)
class Linear:
    """r = z: the small-overpotential limit of every law, exact in Newman's linear porous electrode."""

    def rate(self, z: Array) -> Array:
        """Return r(z)."""
        return z

    def inverse(self, y: Array) -> tuple[Array, Array]:
        """Return z with r(z) = y, and dz/dy."""
        return y, np.ones_like(y)


class ExchangeCurrent(Protocol):
    """Exchange current density as a function of the surface composition."""

    def __call__(self, x: Array) -> Array:
        """Return i0(x) in A/m²; complex x is allowed."""
        ...

    def slope(self, x: Array) -> Array:
        """Return di0/dx in A/m²."""
        ...


@dataclass(frozen=True)
class ConstantExchange:
    """i0 independent of composition.

    Attributes
    ----------
    i0
        Exchange current density in A/m².
    """

    i0: float

    def __call__(self, x: Array) -> Array:
        """Return i0 in A/m² for every x."""
        return np.full_like(x, self.i0)

    def slope(self, x: Array) -> Array:
        """Return di0/dx = 0."""
        return np.zeros_like(x)


@dataclass(frozen=True)
class SymmetricExchange:
    """i0(x) = i0_half·2√(x(1−x)): sites and lithium enter with order ½ (Doyle, Fuller & Newman 1993).

    Attributes
    ----------
    i0_half
        Exchange current density at x = ½ in A/m².
    """

    i0_half: float

    def __call__(self, x: Array) -> Array:
        """Return i0(x) in A/m²."""
        return 2.0 * self.i0_half * np.sqrt(x * (1.0 - x))

    def slope(self, x: Array) -> Array:
        """Return di0/dx in A/m²."""
        return self.i0_half * (1.0 - 2.0 * x) / np.sqrt(x * (1.0 - x))


@dataclass(frozen=True)
class TabulatedExchange:
    """i0(x) by monotone cubic interpolation of a table, constant beyond its ends.

    Attributes
    ----------
    x, i0
        Site fractions (rising) and exchange current densities in A/m².
    """

    x: tuple[float, ...]
    i0: tuple[float, ...]

    def __post_init__(self) -> None:
        from scipy.interpolate import PchipInterpolator

        object.__setattr__(self, "_curve", PchipInterpolator(self.x, self.i0))
        object.__setattr__(self, "_derivative", self._curve.derivative())  # type: ignore[attr-defined]

    def __call__(self, x: Array) -> Array:
        """Return i0(x) in A/m²."""
        real = np.clip(np.real(x), self.x[0], self.x[-1])
        value = self._curve(real)  # type: ignore[attr-defined]
        return value + self.slope(x) * (x - np.real(x)) if np.iscomplexobj(x) else value

    def slope(self, x: Array) -> Array:
        """Return di0/dx in A/m²."""
        real = np.real(x)
        inside = (real >= self.x[0]) & (real <= self.x[-1])
        return np.where(inside, self._derivative(np.clip(real, self.x[0], self.x[-1])), 0.0)  # type: ignore[attr-defined]
