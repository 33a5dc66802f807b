r"""What one transport property of a mixed conductor says about the others.

Lithium moves through a host as ions and electrons that are locally in equilibrium, φ_e − φ_i = U(x):

    j_i = t_i·i + σ_a·∇U,    σ_a = σ_e·σ_i/(σ_e + σ_i),    t_i = σ_i/(σ_e + σ_i) = 1 − t_e

in which i is the current density and ∇U drives the neutral lithium. Hence the chemical diffusivity

    D = −σ_a/(F·c_max)·dU/dx = Θ·D_σ,
    Θ = ∂ln a/∂ln c = −(F/RT)·x·dU/dx,        a = exp(−F·U/RT) the activity of lithium, c = x·c_max
    D_σ = σ_a·RT/(F²·c)

(Nernst and Einstein; Weppner & Huggins, J. Electrochem. Soc. 124, 1569, 1977). With σ_e ≫ σ_i, σ_a is σ_i. On a
plateau Θ and D go to zero and σ_i does not, so a diffusivity alone cannot say what σ_i is there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catholyte.physics.constants import F, R

Array = NDArray[Any]


def ambipolar_conductivity(sigma_e: ArrayLike, sigma_i: ArrayLike) -> Array:
    """Return σ_e·σ_i/(σ_e + σ_i) in S/m; an infinite conductivity leaves the other one."""
    return 1.0 / (1.0 / np.asarray(sigma_e) + 1.0 / np.asarray(sigma_i))


def transference_number(sigma_e: ArrayLike, sigma_i: ArrayLike) -> Array:
    """Return t_e = σ_e/(σ_e + σ_i), the share of the electrons in the current through a host of one composition."""
    return 1.0 / (1.0 + np.asarray(sigma_i) / np.asarray(sigma_e))


def thermodynamic_factor(x: ArrayLike, slope: ArrayLike, T: float) -> Array:
    """Return Θ = −(F/RT)·x·dU/dx.

    Parameters
    ----------
    x
        Site fraction of lithium.
    slope
        dU/dx in V.
    T
        Temperature in K.
    """
    return -(F / (R * T)) * np.asarray(x) * np.asarray(slope)


def component_diffusivity(sigma: ArrayLike, c: ArrayLike, T: float) -> Array:
    """Return D_σ = σ·RT/(F²·c) in m²/s for σ in S/m and c in mol/m³."""
    return np.asarray(sigma) * (R * T / F**2) / np.asarray(c)


def chemical_diffusivity(sigma_a: ArrayLike, slope: ArrayLike, c_max: float) -> Array:
    """Return D = −σ_a/(F·c_max)·dU/dx in m²/s for σ_a in S/m, dU/dx in V and c_max in mol/m³."""
    return -np.asarray(sigma_a) * np.asarray(slope) / (F * c_max)


def conductivity_of_diffusion(D: ArrayLike, slope: ArrayLike, c_max: float) -> Array:
    """Return the ambipolar conductivity σ_a = −F·c_max·D/(dU/dx) in S/m; NaN where U is flat and nothing follows."""
    slope = np.asarray(slope, dtype=float)
    falling = slope < 0.0
    return np.where(falling, -F * c_max * np.asarray(D) / np.where(falling, slope, -1.0), np.nan)


def ionic_of_ambipolar(sigma_a: ArrayLike, sigma_e: ArrayLike) -> Array:
    """Return σ_i = σ_a·σ_e/(σ_e − σ_a) in S/m; NaN where σ_a ≥ σ_e, which no ionic conductivity can give."""
    inverse = 1.0 / np.asarray(sigma_a, dtype=float) - 1.0 / np.asarray(sigma_e, dtype=float)
    possible = inverse > 0.0
    return np.where(possible, 1.0 / np.where(possible, inverse, 1.0), np.nan)


def slab_under_constant_flux(z: ArrayLike, t: float, *, terms: int = 200) -> Array:
    """Return what a constant flux J through one face makes of the concentration of a slab that is sealed at the other.

    Parameters
    ----------
    z
        Distance from the face of the flux as a share of the thickness L.
    t
        Time in units of L²/D.
    terms
        Of the series.

    Returns
    -------
    (c − c₀)·D/(J·L) in the shape of ``z``. Crank, *The Mathematics of Diffusion* (1975), section 4.3.7.
    """
    depth = np.asarray(z, dtype=float)
    n = np.arange(1, terms + 1)
    decay = np.exp(-((n * np.pi) ** 2) * t) / n**2
    waves = np.cos(np.multiply.outer(depth, n * np.pi)) @ decay
    return t + (3.0 * (1.0 - depth) ** 2 - 1.0) / 6.0 - (2.0 / np.pi**2) * waves
