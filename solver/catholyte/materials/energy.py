"""The energy of an active material alone: nominal capacity times the mean of its equilibrium potential."""

from __future__ import annotations

from dataclasses import dataclass

from catholyte.errors import InputError
from catholyte.materials.library import Material
from catholyte.materials.transport import capacity_range, has_one_host
from catholyte.physics.atoms import ATOMIC_WEIGHTS
from catholyte.physics.constants import F
from catholyte.physics.equilibrium import mean_potential
from catholyte.physics.species import parse_formula


@dataclass(frozen=True)
class HostEnergy:
    """Energy of a host that is discharged without any loss.

    Attributes
    ----------
    voltage
        Mean potential over the nominal capacity in V vs Li/Li⁺.
    specific
        Energy in J per kg of the material as it is made.
    lithiated
        Energy in J per kg of the material with the lithium that it takes up; the same as ``specific`` where it is made
        discharged.
    """

    voltage: float
    specific: float
    lithiated: float


def host_energy(material: Material, T: float) -> HostEnergy | None:
    """Return the energy of a host at a temperature in K; None where it has no U(x) or no nominal capacity."""
    if not has_one_host(material) or "nominal_capacity" not in material.properties:
        return None
    assert material.equilibrium_potential is not None
    voltage = mean_potential(material.equilibrium_potential, *capacity_range(material), T)
    capacity = material.property("nominal_capacity").value
    taken = lithium_mass(capacity) if made_without_lithium(material) else 0.0
    return HostEnergy(voltage, capacity * voltage, capacity * voltage / (1.0 + taken))


def made_without_lithium(material: Material) -> bool:
    """Whether the formula of a material names no lithium: it is made charged, and heavier when discharged."""
    try:
        return "Li" not in parse_formula(material.formula, key="formula")
    except InputError:  # a description in place of a formula tells nothing
        return False


def lithium_mass(charge: float) -> float:
    """Return the mass of lithium in kg that a charge in A s carries."""
    return charge * ATOMIC_WEIGHTS["Li"] / F
