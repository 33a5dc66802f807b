"""Lithium transport inside a host phase, as fluxes of a Kirchhoff potential.

The flux of neutral lithium is written −∇w with w(x) = ∫ c_max·D dx, so that the two-point flux is exact for any D(x) in
one dimension. All potentials here are multiplied by F, so fluxes come out as current densities in A/m² per unit 1/m.

A mixed conductor, of which the conductivities of ions and electrons are given instead, moves lithium by differences of
the potential of the ions; what its edges carry is in ``models/mixed.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from catholyte.physics.constants import F
from catholyte.physics.equilibrium import value_and_slope

Array = NDArray[Any]
Floats = NDArray[np.float64]


class HostTransport(Protocol):
    """Transport law of the lithium in a host phase."""

    def potential(self, x: Array, T: float) -> Array:
        """Return F·w(x) in A/m; complex x is allowed."""
        ...

    def slope(self, x: Array, T: float) -> Array:
        """Return F·dw/dx in A/m."""
        ...

    def depletion(self, distance: Array) -> Array:
        """Return the drop of site fraction per unit surface current over ``distance``, in m²/A."""
        ...


@dataclass(frozen=True)
class Diffusion:
    """Fick diffusion with constant diffusivity.

    Attributes
    ----------
    D
        Chemical diffusivity in m²/s.
    c_max
        Concentration of sites in mol/m³.
    """

    D: float
    c_max: float

    def potential(self, x: Array, T: float) -> Array:
        """Return F·c_max·D·x in A/m."""
        return (F * self.c_max * self.D) * x

    def slope(self, x: Array, T: float) -> Array:
        """Return F·c_max·D in A/m."""
        return np.full(np.shape(x), F * self.c_max * self.D)

    def depletion(self, distance: Array) -> Array:
        """Return distance/(F·c_max·D) in m²/A."""
        return distance / (F * self.c_max * self.D)


class Conductivity(Protocol):
    """A conductivity σ(x, T) in S/m."""

    def __call__(self, x: Array, T: float) -> Array:
        """Return σ at site fractions x (any shape, complex allowed) and a temperature in K."""
        ...


@dataclass(frozen=True)
class Uniform:
    """A conductivity that does not depend on lithiation.

    Attributes
    ----------
    sigma
        In S/m, at the temperature of the run.
    """

    sigma: float

    def __call__(self, x: Array, T: float) -> Array:
        """Return σ in the shape of x."""
        return np.full(np.shape(x), self.sigma, dtype=np.asarray(x).dtype)


@dataclass(frozen=True)
class IonicFromDiffusion:
    """The ionic conductivity that belongs to a chemical diffusivity, by Nernst and Einstein.

    D = −(σ_a/F)·dU/dc with σ_a = σ_e σ_i/(σ_e + σ_i), so that σ_i = σ_e σ_a/(σ_e − σ_a).

    Attributes
    ----------
    D
        Chemical diffusivity D(x, T) in m²/s.
    sigma_e
        Electronic conductivity in S/m, above σ_a at every x.
    U
        Equilibrium potential U(x, T) in V, nowhere flat.
    c_max
        Concentration of sites in mol/m³.
    """

    D: Conductivity
    sigma_e: Conductivity
    U: Callable[[Array, float], Array]
    c_max: float

    def ambipolar(self, x: Floats, T: float) -> Floats:
        """Return σ_a(x) in S/m at real x."""
        _, dU = value_and_slope(self.U, x, T)
        return F * self.c_max * np.real(self.D(x, T)) / -dU

    def __call__(self, x: Array, T: float) -> Array:
        """Return σ_i(x) in S/m; a complex part of x passes through a difference quotient, for it takes U twice."""
        real = np.real(x)
        value = self._value(real, T)
        if not np.iscomplexobj(x):
            return value
        step = 1e-6 * np.minimum(real, 1.0 - real)
        slope = (self._value(real + step, T) - self._value(real - step, T)) / (2.0 * step)
        return value + 1j * np.imag(x) * slope

    def _value(self, x: Floats, T: float) -> Floats:
        ambipolar, sigma_e = self.ambipolar(x, T), np.real(self.sigma_e(x, T))
        return sigma_e * ambipolar / (sigma_e - ambipolar)


@dataclass(frozen=True)
class MixedConduction:
    """Lithium ions and electrons that both move, locally in equilibrium: φ_i = φ_e − U(x).

    What moves lithium are differences of φ_i, so nothing is divided by dU/dx and U may be flat.

    Attributes
    ----------
    sigma_e, sigma_i
        Electronic and ionic conductivity σ(x, T) in S/m.
    U
        Equilibrium potential U(x, T) in V.
    """

    sigma_e: Conductivity
    sigma_i: Conductivity
    U: Callable[[Array, float], Array]

    def potential(self, x: Array, T: float) -> Array:
        """Return zero: lithium has no flux of its own besides that of the ions (``models/mixed.py``)."""
        return np.zeros_like(x)

    def slope(self, x: Array, T: float) -> Array:
        """Return −σ_i·dU/dx in A/m, what F·c_max·D would be with mobile electrons."""
        _, dU = value_and_slope(self.U, np.real(x), T)
        return -self.sigma_i(np.real(x), T) * dU

    def depletion(self, distance: Array) -> Array:
        """Return zero: the half-cell is a resistance between potentials."""
        return np.zeros_like(distance)

    def inner(self, distance: Array, x: Array, T: float) -> tuple[Array, Floats]:
        """Return the resistance that ions meet over ``distance`` on their way to a face, and its derivative by x.

        Electrons stop at the face, so the ions carry the whole current there: distance/σ_i(x) in Ω m².
        """
        sigma, slope = value_and_slope(self.sigma_i, np.real(x), T)
        if np.iscomplexobj(x):
            return distance / self.sigma_i(x, T), -distance * slope / sigma**2
        return distance / sigma, -distance * slope / sigma**2
