"""Reaction networks: several reactions at one face, each making and consuming species on both of its sides.

A phase stores species on lattices (:class:`Stock`); a face between two phases carries the reactions of a
:class:`Network`. For reaction r, written as an oxidation that releases n electrons,

    U_r = U⁰_r + (RT/nF) Σ_k ν_kr ln a_k,        i_r = i0_r · f(nF(s − U_r)/RT),
    i0_r = i00_r · Π_red y_k^{(1−α)|ν_kr|} · Π_ox y_k^{α ν_kr}     (mass action),

with s the potential step across the interface and y the site fractions at the surface. With Butler–Volmer kinetics that
is the law of mass action, i = i00·[Π y_red·exp(α nF(s−U⁰)/RT) − Π y_ox·exp(−(1−α) nF(s−U⁰)/RT)], which stays finite and
keeps fractions positive where a species runs out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from catholyte.physics.equilibrium import EquilibriumPotential
from catholyte.physics.kinetics import NetworkRate

Filling = Literal["full", "vacancies", "dilute"]
Direction = Literal["both", "oxidation", "reduction"]


@dataclass(frozen=True)
class Lattice:
    """Sites that species of a phase share.

    Attributes
    ----------
    name
        Name within the phase.
    sites
        Concentration of sites in mol/m³.
    D
        Diffusivity in m²/s, one number since species that share sites change places; zero where they do not move.
    filling
        ``"full"``: the species fill all sites. ``"vacancies"``: what they leave is vacant and takes part in the
        reactions as a species would (a lattice gas). ``"dilute"``: a supply, in which the activity is the fraction.
    species
        Names of the species.
    interactions
        Pairs of species with their interaction energy in J/mol (regular solution).
    """

    name: str
    sites: float
    D: float
    filling: Filling
    species: tuple[str, ...]
    interactions: tuple[tuple[str, str, float], ...] = ()

    @property
    def vacancy(self) -> str:
        """Name under which vacant sites are kept."""
        return f"vacancy {self.name}"


@dataclass(frozen=True)
class Store:
    """One number that every cell of a phase keeps: a fraction of sites, or the state of a branch.

    Attributes
    ----------
    name
        Name within the phase.
    sites
        Concentration that the number is a share of, in mol/m³.
    D
        Diffusivity in m²/s.
    lattice
        Lattice of a species or of vacancies, None for a branch.
    """

    name: str
    sites: float
    D: float
    lattice: str | None


@dataclass(frozen=True)
class Branch:
    """State of a reaction between its branches of discharge (0) and charge (1), kept in every cell.

    Attributes
    ----------
    name
        Name of the reaction.
    sites
        Concentration of the sites whose turnover moves the state, in mol/m³.
    D
        Diffusivity of the lattice that turns over in m²/s: the state moves with the species.
    """

    name: str
    sites: float
    D: float = 0.0


@dataclass(frozen=True)
class Stock:
    """What a phase stores.

    Attributes
    ----------
    lattices
        The lattices of the phase.
    branches
        States of hysteresis.
    """

    lattices: tuple[Lattice, ...]
    branches: tuple[Branch, ...] = ()

    @property
    def species(self) -> tuple[str, ...]:
        """Names of all species, lattice by lattice."""
        return tuple(name for lattice in self.lattices for name in lattice.species)

    @property
    def stores(self) -> tuple[Store, ...]:
        """What every cell of the phase keeps: its species and vacancies, lattice by lattice, then the branches."""
        kept = [
            Store(name, lattice.sites, lattice.D, lattice.name)
            for lattice in self.lattices
            for name in (*lattice.species, *((lattice.vacancy,) if lattice.filling == "vacancies" else ()))
        ]
        return (*kept, *(Store(f"branch {branch.name}", branch.sites, branch.D, None) for branch in self.branches))


@dataclass(frozen=True)
class Hysteresis:
    """Two branches of an equilibrium potential, passed over within a small share of the capacity.

    The state h obeys dh/dq = (1 − h)/span on oxidation and h/span on reduction, q being the turnover in units of the
    sites; U = U(y) + width·(h − ½).

    Attributes
    ----------
    width
        Distance of the branches in V.
    span
        Turnover within which the state follows, as a share of the sites.
    """

    width: float
    span: float


@dataclass(frozen=True)
class TabulatedPotential:
    """U of a reaction as a curve over the fraction of one species, in place of U⁰ and activities.

    Attributes
    ----------
    law
        U(y, T) in V vs Li/Li⁺.
    side, species
        The species whose fraction the curve is over.
    """

    law: EquilibriumPotential
    side: int
    species: str


@dataclass(frozen=True)
class ChargeTransfer:
    """One reaction of a network.

    Attributes
    ----------
    name
        Name of the reaction.
    stoichiometry
        ν of (side, species): side 0 carries the electrons, side 1 the ions; positive for what oxidation makes.
    electrons
        n, released by oxidation.
    U0
        Standard potential in V vs Li/Li⁺.
    rate
        Dimensionless rate law.
    i00
        Exchange current density in A/m² where all fractions are 1.
    alpha
        Anodic transfer coefficient, which sets the orders of mass action.
    concentration
        ``"mass-action"`` or ``"constant"``.
    direction
        ``"both"``, or the only direction an irreversible reaction runs in.
    table
        Tabulated potential, if there is one.
    hysteresis
        Branches of the potential, if there are any.
    """

    name: str
    stoichiometry: Mapping[tuple[int, str], float]
    electrons: float
    U0: float
    rate: NetworkRate
    i00: float
    alpha: float = 0.5
    concentration: Literal["mass-action", "constant"] = "mass-action"
    direction: Direction = "both"
    table: TabulatedPotential | None = None
    hysteresis: Hysteresis | None = None


@dataclass(frozen=True)
class Network:
    """The reactions of one kind of interface.

    Attributes
    ----------
    stocks
        What the two sides store: the side of the electrons, the side of the ions.
    reactions
        The reactions.
    T
        Temperature in K.
    """

    stocks: tuple[Stock, Stock]
    reactions: tuple[ChargeTransfer, ...]
    T: float
