"""From the lattices and reactions of materials and case to the stocks and networks of a cathode model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catholyte.build.geometry import SEPARATOR
from catholyte.build.reactions import PlannedReaction, chemistry_of, planned_reactions
from catholyte.case.chemistry import start
from catholyte.case.schema import Case, PhaseSection
from catholyte.errors import InputError, InputErrors, nearest
from catholyte.materials import Material
from catholyte.materials.chemistry import Chemistry, LatticeData, ReactionData
from catholyte.materials.properties import new_property
from catholyte.physics.constants import F, R
from catholyte.physics.kinetics import ButlerVolmer, Linear, MarcusHushChidsey, NetworkRate, Tafel
from catholyte.physics.network import Branch, ChargeTransfer, Hysteresis, Lattice, Network, Stock, TabulatedPotential
from catholyte.physics.network_laws import NetworkLaws

Array = NDArray[np.float64]
Pairs = Iterable[tuple[str, str]]

#: smallest fraction of a species at the start: the logarithm of nothing is no potential
TRACE = 1e-9
#: a reaction sets the voltage at the start if all of its species have more than this
_PRESENT = 1e-3
#: state of a branch at the start where the case does not say it: halfway
_HALFWAY = 0.5


def adapted(material: Material, section: PhaseSection) -> Material:
    """Return a material with the lattices and the composition that the case gives its phase."""
    chemistry = material.chemistry
    if chemistry is None:
        return material
    fractions = start(section.composition or {}, chemistry)
    lattices = dict(chemistry.lattices)
    for name, given in section.lattices.items():
        lattice = lattices[name]
        if given.sites is not None:
            lattice = replace(lattice, sites=lattice.sites.replaced(given.sites))
        if given.D is not None:
            old = lattice.D
            lattice = replace(lattice, D=new_property(given.D, "diffusivity") if old is None else old.replaced(given.D))
        lattices[name] = lattice
    species = {name: replace(each, initial=fractions[name]) for name, each in chemistry.species.items()}
    return replace(material, chemistry=Chemistry(lattices, species, chemistry.reactions))


def stocks(case: Case, materials: Mapping[str, Material], T: float) -> dict[str, Stock]:
    """Return what every phase stores that takes part in reactions, at a temperature in K.

    Lattices that no reaction touches stay as they are and are left out.
    """
    return _stocks(planned_reactions(case, materials), materials, T)


def networks(case: Case, materials: Mapping[str, Material], T: float) -> dict[frozenset[str], Network]:
    """Return the network of every pair of phases that has one, at a temperature in K."""
    plan = planned_reactions(case, materials)
    stored = _stocks(plan, materials, T)
    by_pair: dict[tuple[str, str], list[PlannedReaction]] = {}
    for each in plan:
        if each.takes_place:
            by_pair.setdefault(each.pair, []).append(each)
    return {
        frozenset(pair): Network(
            (stored.get(pair[0], Stock(())), stored.get(pair[1], Stock(()))),
            tuple(_charge_transfer(each, T) for each in reactions),
            T,
        )
        for pair, reactions in by_pair.items()
    }


def _stocks(plan: Iterable[PlannedReaction], materials: Mapping[str, Material], T: float) -> dict[str, Stock]:
    touched: dict[str, set[str]] = {}
    branches: dict[str, dict[str, Branch]] = {}
    for reaction in plan:
        for side, species in reaction.stoichiometry:
            phase = reaction.pair[side]
            touched.setdefault(phase, set()).add(chemistry_of(materials[phase]).species[species].lattice)
        if reaction.takes_place and reaction.data.hysteresis is not None:
            phase, lattice = holder(reaction, materials)
            D = lattice.D.at(T) if lattice.D is not None else 0.0
            branches.setdefault(phase, {})[reaction.name] = Branch(reaction.name, lattice.sites.value, D)
    lacking = [
        name
        for name, material in materials.items()
        if material.kind == "active" and material.chemistry is not None and name not in touched
    ]
    if lacking:
        name = lacking[0]
        known = ", ".join(chemistry_of(materials[name]).reactions) or "none"
        expected = f"a material of which a reaction takes place here; it has {known}"
        raise InputError(f"phases.{name}.material", materials[name].name, expected)
    return {
        phase: Stock(
            tuple(
                Lattice(
                    each.name,
                    each.sites.value,
                    each.D.at(T) if each.D is not None else 0.0,
                    each.filling,
                    each.species,
                    each.interactions,
                )
                for each in chemistry_of(materials[phase]).lattices.values()
                if each.name in names
            ),
            tuple(branches.get(phase, {}).values()),
        )
        for phase, names in touched.items()
    }


def holder(reaction: PlannedReaction, materials: Mapping[str, Material]) -> tuple[str, LatticeData]:
    """Return the phase that keeps the branch of a reaction, and the lattice whose turnover moves it: of its own."""
    places = sorted(reaction.stoichiometry, key=lambda place: place[0] != reaction.own)
    side, species = places[0]
    phase = reaction.pair[side]
    chemistry = chemistry_of(materials[phase])
    return phase, chemistry.lattices[chemistry.species[species].lattice]


def _charge_transfer(reaction: PlannedReaction, T: float) -> ChargeTransfer:
    """Return the law of a reaction at a temperature in K."""
    data, equation = reaction.data, reaction.data.equation
    table = None
    if data.table is not None:
        species = data.table.species
        side = reaction.own if (reaction.own, species) in reaction.stoichiometry else 1 - reaction.own
        table = TabulatedPotential(data.table.law, side, species)
    return ChargeTransfer(
        name=data.name,
        stoichiometry=dict(reaction.stoichiometry),
        electrons=equation.electrons,
        U0=data.potential.value if data.potential is not None else 0.0,
        rate=_rate(data, T),
        i00=data.exchange_current.at(T),
        alpha=data.alpha,
        concentration=data.concentration,
        direction=equation.direction,
        table=table,
        hysteresis=Hysteresis(data.hysteresis.width, data.hysteresis.span) if data.hysteresis is not None else None,
    )


def _rate(data: ReactionData, T: float) -> NetworkRate:
    if data.law == "tafel":
        return Tafel(1.0 - data.alpha if data.equation.direction == "reduction" else data.alpha)
    if data.law == "linear":
        return Linear()
    if data.law == "marcus-hush-chidsey":
        assert data.reorganisation_energy is not None
        return MarcusHushChidsey(data.reorganisation_energy.at(T) / (R * T))
    return ButlerVolmer(data.alpha)


# ------------------------------------------------------------------------------------------- state at the start


def starts(case: Case, materials: Mapping[str, Material], stored: Mapping[str, Stock]) -> dict[str, float]:
    """Return the state of every store at the start, as ``"<phase> <species>"`` and ``"<phase> branch <reaction>"``.

    Species that are absent have a trace, :data:`TRACE`, which a full lattice takes from the others.

    Raises
    ------
    InputErrors
        Branches of the case that do not exist, fractions of a material that do not fill a full lattice.
    """
    found: dict[str, float] = {}
    errors: list[InputError] = []
    for phase, stock in stored.items():
        chemistry = chemistry_of(materials[phase])
        for lattice in stock.lattices:
            given = {name: chemistry.species[name].initial for name in lattice.species}
            total = sum(given.values())
            if lattice.filling == "full" and abs(total - 1.0) > 1e-6:
                listed = ", ".join(f"{name} {fraction:g}" for name, fraction in given.items())
                expected = (
                    f"fractions of the lattice {lattice.name} that sum to 1; {materials[phase].name} has {listed}"
                )
                errors.append(InputError(f"phases.{phase}.composition", "missing", expected))
                continue
            if lattice.filling == "vacancies":
                given[lattice.vacancy] = 1.0 - total
            traced = {name: max(fraction, TRACE) for name, fraction in given.items()}
            scale = 1.0 if lattice.filling == "dilute" else sum(traced.values())
            found |= {f"{phase} {name}": fraction / scale for name, fraction in traced.items()}
    errors += _branch_faults(case, stored)
    for phase, stock in stored.items():
        given = (section.branches or {}) if (section := section_of(case, materials, phase)) is not None else {}
        found |= {f"{phase} branch {each.name}": given.get(each.name, _HALFWAY) for each in stock.branches}
    if errors:
        raise InputErrors(errors)
    return found


def section_of(case: Case, materials: Mapping[str, Material], phase: str) -> PhaseSection | None:
    """Return the table of a phase, for a separator that has the electrolyte's material that of the electrolyte."""
    layer = case.mesh.separator
    if phase == SEPARATOR and layer is not None and layer.material is None:
        phase = next(name for name, m in materials.items() if name != SEPARATOR and m.kind == "electrolyte")
    return case.phases.get(phase)


def _branch_faults(case: Case, stored: Mapping[str, Stock]) -> list[InputError]:
    errors = []
    for phase, section in case.phases.items():
        known = [branch.name for branch in stored[phase].branches] if phase in stored else []
        for name, value in (section.branches or {}).items():
            if name not in known:
                expected = f"a reaction of this phase that has hysteresis ({', '.join(known) or 'there is none'})"
                errors.append(InputError(f"phases.{phase}.branches.{name}", value, expected, nearest(name, known)))
    return errors


def equilibrium_voltage(networks: Mapping[frozenset[str], Network], pairs: Pairs, state: Mapping[str, float]) -> float:
    """Return the open-circuit voltage at the start in V vs Li/Li⁺.

    That of the reversible reaction whose scarcest species is the most abundant; if every reaction lacks a species, the
    standard potential of the first reversible one.

    Parameters
    ----------
    networks
        Networks of the pairs of phases.
    pairs
        Names of the pairs in the order of their sides; an earlier one is preferred.
    state
        What :func:`starts` gives.
    """
    best, voltage = _PRESENT, None
    for pair in pairs:
        network = networks[frozenset(pair)]
        laws = NetworkLaws(network)
        y = np.array([[state[f"{pair[side]} {store.name}"] for side, _, store in laws.stores]])
        U = laws.potentials(y)[0][0]
        for reaction, potential in zip(network.reactions, U, strict=True):
            scarcest = min(state[f"{pair[side]} {species}"] for side, species in reaction.stoichiometry)
            if reaction.direction == "both" and scarcest > best:
                best, voltage = scarcest, float(potential)
    if voltage is not None:
        return voltage
    reactions = [reaction for pair in pairs for reaction in networks[frozenset(pair)].reactions]
    return next((each.U0 for each in reactions if each.direction == "both"), reactions[0].U0)


# -------------------------------------------------------------------------------------------- derived numbers


def stored_charge(plan: Iterable[PlannedReaction], materials: Mapping[str, Material]) -> dict[str, float]:
    """Return the charge that each phase stores between its most reduced and its most oxidised state, in C/m³.

    What the phase's own reactions can turn over with the species and sites that it has, whatever the other phase has to
    offer: the greatest and the least Σ n ξ of extents ξ that leave no fraction negative and no lattice overfull.
    """
    own: dict[str, dict[str, PlannedReaction]] = {}
    for reaction in plan:
        if reaction.takes_place:
            phase, _ = holder(reaction, materials)
            own.setdefault(phase, {}).setdefault(reaction.name, reaction)
    return {
        phase: F * _turnover(phase, list(reactions.values()), chemistry_of(materials[phase]))
        for phase, reactions in own.items()
    }


def _turnover(phase: str, reactions: list[PlannedReaction], chemistry: Chemistry) -> float:
    """Return the greatest difference of Σ n ξ in mol/m³ that reactions of a phase can make of its species."""
    from scipy.optimize import linprog

    made = {species: np.zeros(len(reactions)) for species in chemistry.species}
    for r, reaction in enumerate(reactions):
        for (side, species), number in reaction.stoichiometry.items():
            if reaction.pair[side] == phase:
                made[species][r] += number
    rows: list[Array] = []
    limits: list[float] = []
    for lattice in chemistry.lattices.values():
        held = {name: chemistry.species[name].initial * lattice.sites.value for name in lattice.species}
        for name, amount in held.items():
            rows.append(-made[name])
            limits.append(amount)
        rows.append(sum((made[name] for name in held), np.zeros(len(reactions))))
        limits.append(max(lattice.sites.value - sum(held.values()), 0.0))
    ranges = {"both": (None, None), "oxidation": (0.0, None), "reduction": (None, 0.0)}
    bounds = [ranges[reaction.data.equation.direction] for reaction in reactions]
    electrons = np.array([reaction.data.equation.electrons for reaction in reactions])
    scale = max(limits)
    ends = [linprog(sign * electrons, np.array(rows), np.array(limits) / scale, bounds=bounds) for sign in (1.0, -1.0)]
    return -scale * float(sum(end.fun for end in ends))


@dataclass(frozen=True)
class Supply:
    """How much of a species of the other phase there is for a lattice whose reaction uses it.

    Attributes
    ----------
    species, phase
        What is used, and where it is.
    lattice, user
        The lattice that uses it, and its phase.
    ratio
        Amount per site of the lattice, over what a full turnover uses.
    """

    species: str
    phase: str
    lattice: str
    user: str
    ratio: float


def supplies(
    plan: Iterable[PlannedReaction], materials: Mapping[str, Material], shares: Mapping[str, float]
) -> list[Supply]:
    """Return the supplies of all reactions between a lattice and a species of the other phase.

    Parameters
    ----------
    plan
        The reactions.
    materials
        Materials of the phases.
    shares
        Volume shares of the phases; those without one are left out.
    """
    found: dict[tuple[str, str, str, str], Supply] = {}
    for reaction in plan:
        if not reaction.takes_place or not all(shares.get(phase) for phase in reaction.pair):
            continue
        user, lattice = holder(reaction, materials)
        phase = next(name for name in reaction.pair if name != user)
        chemistry = chemistry_of(materials[phase])
        used = sum(
            abs(number)
            for (side, species), number in reaction.stoichiometry.items()
            if reaction.pair[side] == user and species in lattice.species and number < 0.0
        )
        for (side, species), number in reaction.stoichiometry.items():
            if reaction.pair[side] != phase or number > 0.0 or used == 0.0:
                continue
            supply = chemistry.lattices[chemistry.species[species].lattice].sites.value * shares[phase]
            need = lattice.sites.value * shares[user] * -number / used
            found[species, phase, lattice.name, user] = Supply(species, phase, lattice.name, user, supply / need)
    return list(found.values())
