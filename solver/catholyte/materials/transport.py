"""Ionic conductivity and diffusivity of hosts in one language: give either, get the other.

The relations are those of :mod:`catholyte.physics.mixed_transport`; :mod:`catholyte.physics.dense_layer` tells the
highest rate that a dense layer takes. What a material does not give is None, never a guess.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.materials.library import Material
from catholyte.materials.reported import Reported
from catholyte.physics import mixed_transport as mixed
from catholyte.physics.constants import F
from catholyte.physics.dense_layer import DenseHost, cumulative, highest_current
from catholyte.physics.equilibrium import EquilibriumPotential, value_and_slope

Floats = NDArray[np.float64]

#: rows of Table 1 of doi:10.1039/d5ee01767j, in its order
DUAL_CONDUCTIVE = (
    "LTGPSSe",
    "Li1.13Ti0.57Fe0.3S2",
    "LiTiS2",
    "Li3CuS2",
    "Li3NbS4",
    "Li3VS3",
    "Li14Mn2S9",
    "Li2FeCl4-cubic",
    "Li2FeCl4-Cmmm",
    "FeCl3",
    "Li2VCl4",
    "VCl3",
    "Li3TiCl6",
    "LiCoO2",
    "LiNi0.8Co0.2O2",
    "LiNi0.8Mn0.2O2",
    "LiFePO4",
    "LiMn2O4",
)

#: share of the capacity that is left out at either end, where U(x) runs to infinity
EDGE = 0.02
#: share of the lithium that a layer has to take up at the highest rate
UTILISATION = 0.8

_POINTS = 801


@dataclass(frozen=True)
class TransportPoint:
    """Transport at one lithiation, SI; None where a number is missing.

    Attributes
    ----------
    x, U, slope
        Lithiation, equilibrium potential in V, dU/dx in V.
    sigma_e, sigma_i, sigma_a
        Electronic, ionic, ambipolar conductivity in S/m.
    t_e
        Transference number of the electrons.
    thermodynamic_factor
        Θ = ∂ln a/∂ln c.
    D_sigma, D
        Component and chemical diffusivity in m²/s.
    """

    x: float
    U: float
    slope: float
    sigma_e: float | None
    sigma_i: float | None
    sigma_a: float | None
    t_e: float | None
    thermodynamic_factor: float
    D_sigma: float | None
    D: float | None


@dataclass(frozen=True)
class Comparison:
    """A reported value beside that of the material at the middle of its capacity, and what it says in other words.

    Attributes
    ----------
    reported
        As in the material's file.
    here
        The same quantity of the material, given or following from the others; SI.
    ratio
        Reported over ``here``, for both ends of the range.
    implies
        Range of D that a reported σ_i makes, or of σ_i that a reported D makes; SI.
    """

    reported: Reported
    here: float | None
    ratio: tuple[float, float] | None
    implies: tuple[float, float] | None


@dataclass(frozen=True)
class Transport:
    """Transport in a host, and what a dense layer of it can do.

    Attributes
    ----------
    material, T, thickness
        Name; K; m.
    given
        ``"sigma_i"`` or ``"D"``, whichever the material gives; None if neither.
    electrons_fast
        Whether the electronic conductivity is missing: σ_a and D are then those of mobile electrons, the highest that
        they can be.
    points
        Charged, half-way, discharged.
    D_mean, sigma_a_mean
        Mean of D over the lithiation in m²/s, of σ_a over the potential in S/m, between the first point and the last;
        both stay defined on a plateau, where D is small and σ_a cannot be told from it.
    diffusion_time
        L²/D half-way, in s.
    highest_rate
        C-rate at which the layer is used to :data:`UTILISATION`, in 1/h.
    comparisons
        One for every reported value.
    """

    material: str
    T: float
    thickness: float
    given: str | None
    electrons_fast: bool
    points: tuple[TransportPoint, TransportPoint, TransportPoint]
    D_mean: float | None
    sigma_a_mean: float | None
    diffusion_time: float | None
    highest_rate: float | None
    comparisons: tuple[Comparison, ...]

    @property
    def middle(self) -> TransportPoint:
        """Transport half-way."""
        return self.points[1]


def has_one_host(material: Material) -> bool:
    """Whether a material takes up lithium in one host with a potential U(x)."""
    return material.equilibrium_potential is not None and "maximum_concentration" in material.properties


def capacity_range(material: Material) -> tuple[float, float]:
    """Lithiations between which a host gives its nominal capacity, charged and discharged.

    They span the nominal capacity and end where the data of U(x) do; a capacity beyond the data reaches out at both.
    """
    law = _law(material)
    width = 1.0
    if "nominal_capacity" in material.properties:
        counted = material.properties["active_share"].value if "active_share" in material.properties else 1.0
        per_volume = counted * material.property("nominal_capacity").value * material.property("density").value
        width = min(1.0, per_volume / (F * material.property("maximum_concentration").value))
    beyond = max(0.0, width - (law.x_hi - law.x_lo))
    high = min(1.0, max(law.x_hi + 0.5 * beyond, width))
    return max(0.0, high - width), high


def transport(material: Material, T: float, thickness: float) -> Transport:
    """Work out transport in a host and in a dense layer of it.

    Parameters
    ----------
    material
        An active material with one host.
    T
        K.
    thickness
        m.

    Raises
    ------
    InputError
        If the material has no U(x) of one host.
    """
    host = _host(material, T)
    points = (_point(host, 0, T), _point(host, _POINTS // 2, T), _point(host, _POINTS - 1, T))
    D = points[1].D
    W = None if host.D is None else _drive(host)
    rate = None
    if W is not None and W[-1] > 0.0:
        low, high = capacity_range(material)
        one_C = F * host.c_max * (high - low) * thickness / 3600.0
        rate = highest_current(_dense(host, W), thickness, UTILISATION) / one_C
    return Transport(
        material=material.name,
        T=T,
        thickness=thickness,
        given=host.given,
        electrons_fast="sigma_e" not in material.properties,
        points=points,
        D_mean=None if W is None else float(W[-1] / (F * host.c_max * (host.x[-1] - host.x[0]))),
        sigma_a_mean=None if W is None or host.U[0] <= host.U[-1] else float(W[-1] / (host.U[0] - host.U[-1])),
        diffusion_time=None if not D else thickness**2 / D,
        highest_rate=rate,
        comparisons=tuple(_compare(each, points[1], host.c_max) for each in material.reported),
    )


# ------------------------------------------------------------------------------------------------------ parts


@dataclass(frozen=True)
class _Host:
    """Everything along the lithiation; the electronic conductivity is infinite where it is missing."""

    x: Floats
    U: Floats
    slope: Floats
    c_max: float
    given: str | None
    sigma_e: Floats
    sigma_i: Floats | None
    D: Floats | None


def _law(material: Material) -> EquilibriumPotential:
    law = material.equilibrium_potential
    if law is None or not has_one_host(material):
        expected = "an active material that takes up lithium in one host, with equilibrium_potential"
        raise InputError("material", material.name, f"{expected} and maximum_concentration")
    return law


def _host(material: Material, T: float) -> _Host:
    """Tabulate a host between the ends of its capacity; σ_i follows from D, or D from σ_i."""
    law, c_max = _law(material), material.property("maximum_concentration").value
    low, high = capacity_range(material)
    edge = EDGE * (high - low)
    x = np.linspace(max(law.x_lo, low + edge), min(law.x_hi, high - edge), _POINTS)
    U, slope = value_and_slope(law, x, T)
    given = next((name for name in ("D", "sigma_i") if name in material.properties), None)
    sigma_e = (
        material.property("sigma_e").along(x, T) if "sigma_e" in material.properties else np.full(x.shape, math.inf)
    )
    sigma_i, D = None, None
    if given == "D":
        D = material.property("D").along(x, T)
        sigma_i = mixed.ionic_of_ambipolar(mixed.conductivity_of_diffusion(D, slope, c_max), sigma_e)
    elif given == "sigma_i":
        sigma_i = material.property("sigma_i").along(x, T)
        D = mixed.chemical_diffusivity(mixed.ambipolar_conductivity(sigma_e, sigma_i), slope, c_max)
    return _Host(x, U, slope, c_max, given, sigma_e, sigma_i, D)


def _point(host: _Host, k: int, T: float) -> TransportPoint:
    sigma_e = float(host.sigma_e[k]) if math.isfinite(host.sigma_e[k]) else None
    sigma_i = float(host.sigma_i[k]) if host.sigma_i is not None and math.isfinite(host.sigma_i[k]) else None
    sigma_a = float(mixed.ambipolar_conductivity(host.sigma_e[k], sigma_i)) if sigma_i is not None else None
    x = float(host.x[k])
    return TransportPoint(
        x=x,
        U=float(host.U[k]),
        slope=float(host.slope[k]),
        sigma_e=sigma_e,
        sigma_i=sigma_i,
        sigma_a=sigma_a,
        t_e=None if sigma_e is None or sigma_i is None else float(mixed.transference_number(sigma_e, sigma_i)),
        thermodynamic_factor=float(mixed.thermodynamic_factor(x, host.slope[k], T)),
        D_sigma=None if sigma_a is None else float(mixed.component_diffusivity(sigma_a, x * host.c_max, T)),
        D=None if host.D is None else float(host.D[k]),
    )


def _drive(host: _Host) -> Floats:
    """Return F·c_max·∫D dx in A/m, as −∫σ_a dU where σ_i is given: U may be flat then."""
    if host.given == "D":
        assert host.D is not None
        return cumulative(F * host.c_max * host.D, host.x)
    assert host.sigma_i is not None
    return cumulative(mixed.ambipolar_conductivity(host.sigma_e, host.sigma_i), -host.U)


def _dense(host: _Host, W: Floats) -> DenseHost:
    """Return the host for a dense layer."""
    assert host.sigma_i is not None
    known = np.isfinite(host.sigma_i)
    # Where U is flat a diffusivity does not tell σ_i; that of the neighbours then stands in the share of the ions.
    sigma_i = np.interp(host.x, host.x[known], host.sigma_i[known]) if known.any() else np.zeros(host.x.shape)
    ions = 1.0 - mixed.transference_number(host.sigma_e, sigma_i)
    return DenseHost(host.x, host.U, W, ions, 1.0 / (host.sigma_e + sigma_i))


def _compare(reported: Reported, middle: TransportPoint, c_max: float) -> Comparison:
    here: float | None = getattr(middle, reported.quantity)
    ends = np.array([reported.low, reported.high])
    sigma_e = math.inf if middle.sigma_e is None else middle.sigma_e
    implies: Floats | None = None
    if reported.quantity == "sigma_i":
        implies = mixed.chemical_diffusivity(mixed.ambipolar_conductivity(sigma_e, ends), middle.slope, c_max)
    elif reported.quantity == "D":
        implies = mixed.ionic_of_ambipolar(mixed.conductivity_of_diffusion(ends, middle.slope, c_max), sigma_e)
    return Comparison(
        reported, here, None if not here else _pair(ends / here), None if implies is None else _pair(implies)
    )


def _pair(values: NDArray[Any]) -> tuple[float, float] | None:
    return (float(values[0]), float(values[1])) if np.isfinite(values).all() else None
