"""The derived numbers of a case: what an experimenter would write in the first lines of a lab book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from catholyte.build.geometry import COLLECTOR, SEPARATOR, Geometry
from catholyte.case.schema import Case
from catholyte.materials import Material
from catholyte.physics.constants import F


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
    areal_mass, active_areal_mass
        In kg/m².
    nominal_capacity
        Capacity of the active mass that 1C refers to, in A s/kg.
    theoretical_capacity
        F·c_max/ρ of the active mass in A s/kg.
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


def design(case: Case, geometry: Geometry, materials: Mapping[str, Material]) -> Design:
    """Work out composition and capacity from the label image as it is, not from the recipe."""
    labels = geometry.labels[geometry.electrode]
    counts = np.bincount(labels.ravel(), minlength=len(geometry.phase_names)) / labels.size
    shares = {
        name: float(counts[k]) for k, name in enumerate(geometry.phase_names) if name not in (SEPARATOR, COLLECTOR)
    }
    mass = {
        name: share * materials[name].property("density").value if name in materials else 0.0
        for name, share in shares.items()
    }
    total = sum(mass.values())
    active = [name for name in shares if name in materials and materials[name].kind == "active"]
    active_mass = sum(mass[name] for name in active)
    capacity = sum(shares[name] * F * materials[name].property("maximum_concentration").value for name in active)
    if case.cell.nominal_capacity is not None:
        nominal = case.cell.nominal_capacity * active_mass
    else:
        nominal = sum(
            mass[name] * materials[name].property("nominal_capacity").value
            if "nominal_capacity" in materials[name].properties
            else shares[name] * F * materials[name].property("maximum_concentration").value
            for name in active
        )
    h = geometry.thickness
    return Design(
        thickness=h,
        volume_shares=shares,
        mass_shares={name: value / total for name, value in mass.items() if value > 0.0},
        porosity=sum(share for name, share in shares.items() if name not in materials),
        areal_mass=total * h,
        active_areal_mass=active_mass * h,
        nominal_capacity=nominal / active_mass if active_mass else 0.0,
        theoretical_capacity=capacity / active_mass if active_mass else 0.0,
        areal_capacity=nominal * h,
        theoretical_areal_capacity=capacity * h,
    )
