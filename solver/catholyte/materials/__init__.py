"""Materials and their numbers, one TOML file each, every number with its unit and its source."""

from catholyte.materials.chemistry import (
    Chemistry,
    HysteresisData,
    LatticeData,
    PotentialCurve,
    ReactionData,
    SpeciesData,
)
from catholyte.materials.library import PROPERTIES, Material, list_materials, load_material
from catholyte.materials.potentials import read_equilibrium_potential
from catholyte.materials.properties import Origin, Property, new_property
from catholyte.materials.reported import Reported

__all__ = [
    "PROPERTIES",
    "Chemistry",
    "HysteresisData",
    "LatticeData",
    "Material",
    "Origin",
    "PotentialCurve",
    "Property",
    "ReactionData",
    "Reported",
    "SpeciesData",
    "list_materials",
    "load_material",
    "new_property",
    "read_equilibrium_potential",
]
