"""Currents, charges, powers and resistances on the basis on which they were written.

Sign: a current or power that discharges the cell is positive. An amount keeps its basis until :func:`resolve` brings
it to the area of the cell, because only a built case knows its area, its mass and its nominal capacity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Basis = Literal["C-rate", "nominal", "total", "area", "mass"]


@dataclass(frozen=True)
class Current:
    """A current on the basis on which it was written.

    Attributes
    ----------
    value
        Multiple of 1C ("C-rate"), A ("total"), A/m2 of cell ("area") or A/kg of active material ("mass");
        positive on discharge. A limit is a magnitude.
    basis
        What ``value`` refers to.
    """

    value: float
    basis: Basis


@dataclass(frozen=True)
class Capacity:
    """A charge as a magnitude: A s ("total"), A s/m2 ("area"), A s/kg ("mass") or a part of the "nominal" capacity."""

    value: float
    basis: Basis


@dataclass(frozen=True)
class Power:
    """A power at the terminals: W ("total"), W/m2 ("area") or W/kg of active material ("mass"); discharge positive."""

    value: float
    basis: Basis


@dataclass(frozen=True)
class Resistance:
    """A load between the terminals: ohm ("total") or ohm m2 of cell ("area")."""

    value: float
    basis: Basis


Amount = Current | Capacity | Power | Resistance


@dataclass(frozen=True)
class Scales:
    """What a built case adds to the amounts of its protocol.

    Attributes
    ----------
    areal_capacity_1C
        Charge that 1C passes in one hour, the nominal capacity [A s/m2].
    area
        Area of the cell [m2].
    areal_mass
        Mass of active material per area of the cell [kg/m2].
    """

    areal_capacity_1C: float
    area: float
    areal_mass: float


def resolve(amount: Amount, scales: Scales) -> float:
    """Bring an amount to the area of the cell; the sign is kept.

    Returns
    -------
    float
        A/m2 for a current, A s/m2 for a capacity, W/m2 for a power, ohm m2 for a resistance.
    """
    per_area = {
        "C-rate": scales.areal_capacity_1C / 3600.0,
        "nominal": scales.areal_capacity_1C,
        "total": scales.area if isinstance(amount, Resistance) else 1.0 / scales.area,
        "area": 1.0,
        "mass": scales.areal_mass,
    }
    return amount.value * per_area[amount.basis]
