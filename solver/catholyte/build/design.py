"""The derived numbers of a case: what an experimenter would write in the first lines of a lab book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from catholyte.build.chemistry import stored_charge
from catholyte.build.layers import basis_density, counted_share
from catholyte.build.reactions import planned_reactions
from catholyte.case.schema import Case
from catholyte.errors import InputError
from catholyte.materials import Material
from catholyte.physics.constants import F


class Composition(Protocol):
    """An electrode of any geometry, or a recipe of one."""

    @property
    def shares(self) -> Mapping[str, float]:
        """Volume share of every phase."""

    @property
    def thickness(self) -> float:
        """In m."""


@dataclass(frozen=True)
class Design:
    """Composition and capacity of the electrode, per area of the cell where a unit says so (SI).

    Attributes
    ----------
    thickness
        Thickness of the electrode in m.
    volume_shares, mass_shares
        Of the electrode without separator and collector; masses without voids.
    porosity
        Volume share of the voids.
    areal_mass
        In kg/m².
    active_areal_mass
        Mass that specific amounts refer to, in kg/m²: that of the active phases or of those that the case names, each
        with the share of it that its material counts.
    nominal_capacity
        Capacity of that mass that 1C refers to, in A s/kg.
    theoretical_capacity
        What that mass stores, in A s/kg: F·c_max/ρ, or F times sites and charges between the most reduced and the most
        oxidised species of every lattice.
    areal_capacity
        Nominal capacity per area in A s/m².
    theoretical_areal_capacity
        Theoretical capacity per area in A s/m².
    """

    thickness: float
    volume_shares: Mapping[str, float]
    mass_shares: Mapping[str, float]
    porosity: float
    areal_mass: float
    active_areal_mass: float
    nominal_capacity: float
    theoretical_capacity: float
    areal_capacity: float
    theoretical_areal_capacity: float

    @property
    def current_density_1C(self) -> float:
        """Current density of 1C in A/m²."""
        return self.areal_capacity / 3600.0


def design(case: Case, geometry: Composition, materials: Mapping[str, Material]) -> Design:
    """Work out composition and capacity from an image or mesh as it is, not from the recipe; layers have the recipe."""
    shares = geometry.shares
    mass = {
        name: share * materials[name].property("density").value if name in materials else 0.0
        for name, share in shares.items()
    }
    total = sum(mass.values())
    active = [name for name in shares if name in materials and materials[name].kind == "active"]
    basis = case.cell.mass_basis or active
    counted = basis_density(case, shares, materials)
    stored = stored_charge(planned_reactions(case, materials), materials)
    stored |= {
        name: F * materials[name].property("maximum_concentration").value
        for name in active
        if materials[name].chemistry is None
    }
    capacity = sum(shares[name] * stored.get(name, 0.0) for name in basis)
    if case.cell.nominal_capacity is not None:
        nominal = case.cell.nominal_capacity * counted
    else:
        nominal = sum(_nominal(materials[name], mass[name], shares[name] * stored.get(name, 0.0)) for name in basis)
    if counted > 0.0 and nominal <= 0.0:
        expected = f"the capacity that 1C refers to, like '160 mAh/g': {' and '.join(basis)} stores nothing"
        raise InputError("cell.nominal_capacity", "missing", expected)
    h = geometry.thickness
    return Design(
        thickness=h,
        volume_shares=shares,
        mass_shares={name: value / total for name, value in mass.items() if value > 0.0},
        porosity=sum(share for name, share in shares.items() if name not in materials),
        areal_mass=total * h,
        active_areal_mass=counted * h,
        nominal_capacity=nominal / counted if counted else 0.0,
        theoretical_capacity=capacity / counted if counted else 0.0,
        areal_capacity=nominal * h,
        theoretical_areal_capacity=capacity * h,
    )


def _nominal(material: Material, mass: float, stored: float) -> float:
    """Return the capacity of a phase that 1C refers to; that of the material is per mass that it counts."""
    if "nominal_capacity" not in material.properties:
        return stored
    return mass * counted_share(material) * material.property("nominal_capacity").value
