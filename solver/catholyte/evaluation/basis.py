"""What capacities and energies are divided by: mass, area or volume, of the active material, the composite or all.

========== ============================== ============================================
of         mass                           volume
========== ============================== ============================================
active     active material                active material
composite  all solids of the composite    the composite, pores included
all        composite, separator and       composite, separator and collector
           collector, as far as they are
           meshed
========== ============================== ============================================

The counter electrode is not meshed and never counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catholyte.errors import InputError, nearest
from catholyte.results import Results

BASES = ("active", "composite", "all")
PER = ("mass", "area", "volume")

_LAYERS = ("separator", "collector")

#: per -> units of capacity, energy and power, and what one of each is in A s (J, W) per kg, m² or m³
_UNITS: Mapping[str, tuple[tuple[str, float], tuple[str, float], tuple[str, float]]] = {
    "mass": (("mAh/g", 3.6e3), ("Wh/kg", 3.6e3), ("W/kg", 1.0)),
    "area": (("mAh/cm2", 3.6e4), ("mWh/cm2", 3.6e4), ("mW/cm2", 10.0)),
    "volume": (("mAh/cm3", 3.6e6), ("Wh/L", 3.6e6), ("W/L", 1e3)),
}


@dataclass(frozen=True)
class Basis:
    """A denominator.

    Attributes
    ----------
    per
        mass, area or volume.
    of
        active, composite or all; without meaning for an area.
    amount
        kg, m² or m³ per m² of the cell.
    """

    per: str
    of: str
    amount: float

    @property
    def words(self) -> str:
        """The denominator in words."""
        if self.per == "area":
            return "per area of the cell"
        whole = {
            "active": "active material",
            "composite": "composite",
            "all": "composite, separator and collector",
        }
        return f"per {self.per} of {whole[self.of]}"

    @property
    def capacity_unit(self) -> str:
        """Unit of a capacity."""
        return _UNITS[self.per][0][0]

    @property
    def energy_unit(self) -> str:
        """Unit of an energy."""
        return _UNITS[self.per][1][0]

    @property
    def power_unit(self) -> str:
        """Unit of a power."""
        return _UNITS[self.per][2][0]

    def capacity(self, charge: float) -> float:
        """Return a charge per area of the cell [A s/m²] in :attr:`capacity_unit`."""
        return charge / self.amount / _UNITS[self.per][0][1]

    def energy(self, energy: float) -> float:
        """Return an energy per area of the cell [J/m²] in :attr:`energy_unit`."""
        return energy / self.amount / _UNITS[self.per][1][1]

    def power(self, power: float) -> float:
        """Return a power per area of the cell [W/m²] in :attr:`power_unit`."""
        return power / self.amount / _UNITS[self.per][2][1]


def basis(results: Results, of: str = "active", per: str = "mass") -> Basis:
    """Return the denominator that a result knows the amount of.

    Raises
    ------
    InputError
        If there is no such basis, or the result does not say how much of it there is.
    """
    if of not in BASES:
        raise InputError("--basis", of, f"one of {', '.join(BASES)}", nearest(of, BASES))
    if per not in PER:
        raise InputError("--per", per, f"one of {', '.join(PER)}", nearest(per, PER))
    if per == "area":
        return Basis(per, of, 1.0)
    facts = results.provenance
    if of == "active":
        return Basis(per, of, _known(facts, "active_areal_mass_kg_m2" if per == "mass" else "active_volume_m3_m2", of))
    composite = _known(facts, "areal_mass_kg_m2" if per == "mass" else "thickness_m", of)
    if of == "composite":
        return Basis(per, of, composite)
    mesh = results.mesh
    layers = 0.0
    for layer in (name for name in _LAYERS if name in mesh.phase_names):
        if per == "mass":
            layers += _known(facts, f"{layer}_areal_mass_kg_m2", of)
        else:
            layers += mesh.thickness(layer)
    return Basis(per, of, composite + layers)


def _known(facts: Mapping[str, Any], key: str, of: str) -> float:
    value = float(facts.get(key) or 0.0)
    if value <= 0.0:
        raise InputError("--basis", of, f"another basis: this result does not say {key}", "active")
    return value
