"""The tables of a case that change what phases store and how they react."""

from __future__ import annotations

from typing import Annotated, Literal

from catholyte.case import values as v
from catholyte.case.potential_tables import ReactionPotential
from catholyte.case.tables import Table, key


class LatticeSection(Table):
    """A lattice of a phase; what is not given is taken from the material."""

    sites: v.Concentration | None = key("the concentration of sites", "18.2 mol/L", default=None)
    D: v.NoOrSomeDiffusivity | None = key(
        "the diffusivity of the species that share the sites, zero where they do not move", "1e-13 cm2/s", default=None
    )


class HysteresisSection(Table):
    """The branches of charge and discharge of a reaction; what is not given is taken from the material."""

    width: v.NoOrSomePotential | None = key(
        "the distance of the branch of charge from that of discharge, zero for none", "0.45 V", default=None
    )
    span: v.ProperFraction | None = key(
        "the share of the sites that turns over while the potential goes from one branch to the other",
        0.05,
        default=None,
    )


class ReactionSection(Table):
    """A reaction at an interface: what the case changes of a material's reaction, or a reaction of its own."""

    enabled: v.Switch = key("whether the reaction takes place", False, default=True)
    equation: v.Text | None = key(
        "the equation, written as an oxidation", "I- <=> I0 + e-", "I0 + Cl-(catholyte) <=> ICl + e-", default=None
    )
    potential: v.Potential | None = key("the standard potential against Li/Li+", "3.0 V", default=None)
    equilibrium_potential: ReactionPotential | None = key(
        "the equilibrium potential over the fraction of one species, in place of a standard potential",
        {"law": "table", "x": [0.0, 0.5, 1.0], "U": [3.2, 3.0, 2.8], "unit": "V", "species": "I-"},
        default=None,
    )
    exchange_current: v.CurrentDensity | None = key(
        "the exchange current density where all fractions are 1", "0.11 A/m2", default=None
    )
    activation_energy: v.MolarEnergy | None = key(
        "the activation energy of the exchange current", "0.3 eV", "30 kJ/mol", default=None
    )
    reference_temperature: v.Temperature | None = key(
        "the temperature that the exchange current holds at", "25 degC", default=None
    )
    law: Annotated[Literal["butler-volmer", "linear", "tafel", "marcus-hush-chidsey"], v.OneOf()] | None = key(
        "the rate law", "butler-volmer", default=None
    )
    alpha: v.ProperFraction | None = key("the transfer coefficient of the oxidation", 0.5, default=None)
    reorganisation_energy: v.PositiveMolarEnergy | None = key(
        'the reorganisation energy of the law "marcus-hush-chidsey"', "0.5 eV", default=None
    )
    concentration: Annotated[Literal["mass-action", "constant"], v.OneOf()] | None = key(
        "how the exchange current depends on the fractions", "mass-action", default=None
    )
    hysteresis: HysteresisSection | None = key(
        "the branches of charge and discharge", {"width": "0.45 V", "span": 0.05}, default=None
    )
