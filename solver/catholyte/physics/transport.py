"""Lithium transport inside a host phase, as fluxes of a Kirchhoff potential.

The flux of neutral lithium is written −∇w with w(x) = ∫ c_max·D dx, so that the two-point flux is exact for any D(x) in
one dimension. Where the ionic conductivity is given instead, F·w = −σ_i·U(x), since the flux of lithium in a phase
with mobile electrons is (σ_i/F)·∇U: with D = −(σ_i/F)·dU/dc both are the same, but this form
stays usable where U is flat.
All potentials here are multiplied by F, so fluxes come out as current densities in A/m² per unit 1/m.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from catholyte.physics.constants import F

Array = NDArray[Any]


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

    def resistance(self, distance: Array) -> Array:
        """Return the area resistance that the surface current meets over ``distance``, in Ω m²."""
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

    def resistance(self, distance: Array) -> Array:
        """Return zero: diffusion lowers the site fraction, not the potential."""
        return np.zeros_like(distance)


@dataclass(frozen=True)
class IonConduction:
    """Lithium carried by an ionic conductivity in a phase whose electrons are far more mobile.

    Attributes
    ----------
    sigma_i
        Ionic conductivity in S/m.
    U
        Equilibrium potential U(x, T) in V.
    """

    sigma_i: float
    U: Callable[[Array, float], Array]

    def potential(self, x: Array, T: float) -> Array:
        """Return −σ_i·U(x) in A/m."""
        return -self.sigma_i * self.U(x, T)

    def slope(self, x: Array, T: float) -> Array:
        """Return −σ_i·dU/dx in A/m, by complex step."""
        return -self.sigma_i * self.U(np.real(x) + 1e-30j, T).imag / 1e-30

    def depletion(self, distance: Array) -> Array:
        """Return zero: the half-cell is a resistance between potentials."""
        return np.zeros_like(distance)

    def resistance(self, distance: Array) -> Array:
        """Return distance/σ_i in Ω m²."""
        return distance / self.sigma_i
