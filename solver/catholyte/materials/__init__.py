"""Materials and their numbers, one TOML file each, every number with its unit and its source."""

from catholyte.materials.library import (
    PROPERTIES,
    Material,
    Origin,
    Property,
    list_materials,
    load_material,
)
from catholyte.materials.potentials import read_equilibrium_potential

__all__ = [
    "PROPERTIES",
    "Material",
    "Origin",
    "Property",
    "list_materials",
    "load_material",
    "read_equilibrium_potential",
]
