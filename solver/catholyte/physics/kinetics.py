"""Rate laws of an electrode reaction, i = i0(x)·r(z) with z = Fη/RT, and their inverses z(i/i0).

The half-cell resistances of a face are solved together with its kinetics (``interface.py``), which needs the
overpotential as a function of the current: a logarithm where the rate is an exponential, so it never overflows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class NetworkRate(Protocol):
    """A dimensionless rate r(z) that rises strictly."""

    def rate(self, z: Array) -> Array:
        """Return r(z); complex z is allowed."""
        ...

    def slope(self, z: Array) -> Array:
        """Return dr/dz."""
        ...


class RateLaw(NetworkRate, Protocol):
    """A dimensionless rate r(z) with r(0) = 0, r'(0) = 1 and a known inverse."""

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
            r, slope = self.rate(z), self.slope(z)
            step = (np.arcsinh(0.5 * r) - target) * np.sqrt(4.0 + r * r) / slope
            z = z - step
            if np.max(np.abs(step), initial=0.0) < 1e-14 * max(1.0, float(np.max(np.abs(z), initial=0.0))):
                break
        slope = self.slope(z)
        return z + (y - self.rate(z)) / slope, 1.0 / slope

    def slope(self, z: Array) -> Array:
        """Return dr/dz."""
        return self.alpha * np.exp(self.alpha * z) + (1.0 - self.alpha) * np.exp(-(1.0 - self.alpha) * z)


@dataclass(frozen=True)
class Linear:
    """r = z: the small-overpotential limit of every law, exact in Newman's linear porous electrode."""

    def rate(self, z: Array) -> Array:
        """Return r(z)."""
        return z

    def slope(self, z: Array) -> Array:
        """Return dr/dz."""
        return np.ones_like(z)

    def inverse(self, y: Array) -> tuple[Array, Array]:
        """Return z with r(z) = y, and dz/dy."""
        return y, np.ones_like(y)


@dataclass(frozen=True)
class Tafel:
    """r = exp(α z), of a reaction that runs one way (Newman & Balsara, *Electrochemical Systems*, ch. 8).

    Attributes
    ----------
    alpha
        Transfer coefficient α of the direction in which the reaction runs.
    """

    alpha: float = 0.5

    def rate(self, z: Array) -> Array:
        """Return r(z)."""
        return np.exp(self.alpha * z)

    def slope(self, z: Array) -> Array:
        """Return dr/dz."""
        return self.alpha * np.exp(self.alpha * z)


@dataclass(frozen=True)
class MarcusHushChidsey:
    """Electron transfer from a metal by Marcus' theory, whose rate levels off beyond the reorganisation energy.

    The integral over the levels of the metal (Chidsey 1991, doi:10.1126/science.251.4996.919), made symmetric and
    normalised to r'(0) = 1, with λ the reorganisation energy over RT:

        r = 2 sinh(z/2)·G(z)/G(0),      G(z) = ∫ exp(−t²/2) / cosh((z + √(2λ) t)/2) dt.

    The trapezoidal rule takes it to rounding, since the integrand is analytic in a strip about the axis.

    Attributes
    ----------
    reorganisation
        λ, dimensionless.
    """

    reorganisation: float

    def rate(self, z: Array) -> Array:
        """Return r(z)."""
        return 2.0 * np.sinh(0.5 * z) * self._levels(z)[0]

    def slope(self, z: Array) -> Array:
        """Return dr/dz."""
        G, dG = self._levels(z)
        return np.cosh(0.5 * z) * G + 2.0 * np.sinh(0.5 * z) * dG

    def _levels(self, z: Array) -> tuple[Array, Array]:
        """Return G(z)/G(0) and its derivative."""
        shift, bell = self._nodes
        at_rest = np.sum(bell / np.cosh(0.5 * shift))
        half = 0.5 * (np.asarray(z)[..., None] + shift)
        taken = bell / np.cosh(half)
        return np.sum(taken, axis=-1) / at_rest, -0.5 * np.sum(np.tanh(half) * taken, axis=-1) / at_rest

    @cached_property
    def _nodes(self) -> tuple[Array, Array]:
        """Return √(2λ) t and exp(−t²/2) at the nodes of the integral."""
        width = math.sqrt(2.0 * self.reorganisation)
        reach = 0.5 * width + 9.0  # beyond, the bell is 1e-17 of what counts
        step = min(0.4, 0.5 / width)  # poles of 1/cosh stand π/width away from the axis
        t = np.linspace(-reach, reach, 2 * math.ceil(reach / step) + 1)
        return width * t, np.exp(-0.5 * t * t)


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
