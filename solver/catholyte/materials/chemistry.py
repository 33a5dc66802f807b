"""What a material stores and how it reacts: lattices of sites, the species on them, the reactions between them.

A material file writes them as the literature does::

    [lattices.iodine]
    filling = "full"
    sites = { value = "10212 mol/m3", assumed = "…" }

    [species."I-"]
    lattice = "iodine"
    initial = 0.28
    assumed = "…"

    [reactions.iodide]
    equation = "I- <=> I0 + e-"
    potential = { value = "3.0 V", source = "…" }
    exchange_current = { value = "0.1 A/m2", assumed = "…" }

Reading is :mod:`catholyte.materials.read_chemistry`'s, the text of an equation
:mod:`catholyte.physics.stoichiometry`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from catholyte.materials.properties import Origin, Property
from catholyte.physics.equilibrium import EquilibriumPotential
from catholyte.physics.stoichiometry import Equation, Side

Filling = Literal["full", "vacancies", "dilute"]
Concentration = Literal["mass-action", "constant"]
Law = Literal["butler-volmer", "linear", "tafel", "marcus-hush-chidsey"]


@dataclass(frozen=True)
class SpeciesData:
    """A species on a lattice.

    Attributes
    ----------
    name
        As equations write it.
    elements
        Element -> number of atoms.
    charge
        In elementary charges.
    lattice
        Name of the lattice that it sits on.
    initial
        Share of the lattice's sites that it takes in the material as made.
    origin
        Where ``initial`` comes from; None where the file does not give it (it is zero then).
    """

    name: str
    elements: Mapping[str, float]
    charge: float
    lattice: str
    initial: float = 0.0
    origin: Origin | None = None


@dataclass(frozen=True)
class LatticeData:
    """Sites that species share.

    Attributes
    ----------
    name
        Name within the material.
    sites
        Concentration of sites in mol/m³.
    D
        Diffusivity of the species in m²/s; None where they do not move.
    filling
        ``"full"``: the species fill all sites. ``"vacancies"``: what they leave is vacant and takes part as a species
        would. ``"dilute"``: a supply, in which the activity is the share.
    species
        Names of the species, in the order of the file.
    interactions
        Pairs of species with their interaction energy in J/mol (regular solution).
    interaction_origins
        Where the interaction energies come from, in the same order.
    """

    name: str
    sites: Property
    D: Property | None
    filling: Filling
    species: tuple[str, ...]
    interactions: tuple[tuple[str, str, float], ...] = ()
    interaction_origins: tuple[Origin, ...] = ()


@dataclass(frozen=True)
class HysteresisData:
    """Branches of charge and discharge of a reaction's potential.

    Attributes
    ----------
    width
        Distance of the branches in V: charge lies half of it above the potential of the reaction, discharge below.
    span
        Turnover within which the state passes from one branch to the other, as a share of the sites.
    origin
        Where the numbers come from.
    """

    width: float
    span: float
    origin: Origin


@dataclass(frozen=True)
class PotentialCurve:
    """Equilibrium potential as a curve over the share of one species, in place of a standard potential.

    Attributes
    ----------
    law
        U(y, T) in V vs Li/Li⁺.
    species
        Species of the material whose share y is.
    origin
        Where the curve comes from.
    """

    law: EquilibriumPotential
    species: str
    origin: Origin


@dataclass(frozen=True)
class ReactionData:
    """A charge-transfer reaction of a material.

    Attributes
    ----------
    name
        Name within the material.
    equation
        What reacts; species without a tag are the material's own.
    potential
        Standard potential in V vs Li/Li⁺, or None where ``table`` stands in its place.
    table
        Curve of the potential.
    exchange_current
        Exchange current density in A/m² where all shares are 1.
    law
        Rate law. An irreversible reaction has ``"tafel"``, a reversible one any other.
    alpha
        Anodic transfer coefficient.
    reorganisation_energy
        J/mol; of Marcus, Hush and Chidsey's law only.
    concentration
        ``"mass-action"``: the exchange current follows the shares of what reacts; or ``"constant"``.
    hysteresis
        Branches of charge and discharge.
    origin
        Where equation, law and transfer coefficient come from, if the file says so.
    """

    name: str
    equation: Equation
    potential: Property | None
    table: PotentialCurve | None
    exchange_current: Property
    law: Law = "butler-volmer"
    alpha: float = 0.5
    reorganisation_energy: Property | None = None
    concentration: Concentration = "mass-action"
    hysteresis: HysteresisData | None = None
    origin: Origin | None = None


@dataclass(frozen=True)
class Chemistry:
    """Lattices, species and reactions of a material, each by its name and in the order of the file."""

    lattices: Mapping[str, LatticeData]
    species: Mapping[str, SpeciesData]
    reactions: Mapping[str, ReactionData]

    def side(self, *names: str) -> Side:
        """Return what equations are checked against, for a phase of this material.

        Parameters
        ----------
        names
            What a tag in an equation may call the phase: its name, ``"electrolyte"``.
        """
        return Side(names, self.species, self.full)

    @property
    def full(self) -> Mapping[str, tuple[str, ...]]:
        """Lattices whose sites are all taken -> their species."""
        return MappingProxyType(
            {name: lattice.species for name, lattice in self.lattices.items() if lattice.filling == "full"}
        )
