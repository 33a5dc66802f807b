"""Which reactions take place where two phases meet: those of their materials, as the case changes them, and its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from catholyte.build.geometry import COLLECTOR, SEPARATOR
from catholyte.case.chemistry_tables import HysteresisSection, ReactionSection
from catholyte.case.schema import Case
from catholyte.errors import InputError, InputErrors, nearest
from catholyte.materials import Material, read_equilibrium_potential
from catholyte.materials.chemistry import Chemistry, HysteresisData, Law, PotentialCurve, ReactionData
from catholyte.materials.properties import Origin, Property, new_property
from catholyte.physics.stoichiometry import Equation, Side, check, parse_equation

_GIVEN = Origin(assumed="given in the case")
_NOTHING = Chemistry({}, {}, {})
#: turnover within which a potential changes its branch where nobody says it, as a share of the sites
_SPAN = 0.05
#: what a reaction that only the case gives cannot do without
_NEEDED = {
    "equation": "the equation, like 'I- <=> I0 + e-'",
    "potential": "the standard potential, like '3.0 V' (or equilibrium_potential)",
    "exchange_current": "the exchange current density, like '0.11 A/m2'",
}


@dataclass(frozen=True)
class PlannedReaction:
    """A reaction where two phases meet, or the reason why it does not take place there.

    Attributes
    ----------
    pair
        The phase that carries electrons and the electrolyte.
    data
        Numbers of the material with what the case changes.
    own
        Side of the species without a tag: 0 that of the electrons, 1 that of the ions.
    giver
        Phase whose material gives the reaction, or ``"case"``.
    stoichiometry
        ν of (side, species), positive for what oxidation makes; empty where it does not take place.
    obstacle
        Why it does not take place; empty where it does.
    """

    pair: tuple[str, str]
    data: ReactionData
    own: int
    giver: str
    stoichiometry: Mapping[tuple[int, str], float]
    obstacle: str = ""

    @property
    def name(self) -> str:
        """Name of the reaction."""
        return self.data.name

    @property
    def takes_place(self) -> bool:
        """Whether the reaction takes place."""
        return not self.obstacle


def chemistry_of(material: Material) -> Chemistry:
    """Return what a material stores, which may be nothing."""
    return material.chemistry or _NOTHING


def reacting_pairs(materials: Mapping[str, Material]) -> list[tuple[str, str]]:
    """Return the pairs of phases (electrons, ions) that react through a network.

    An active material with lattices reacts with every electrolyte; a conductor, apart from the collector, with one that
    has species.
    """
    return [
        (carrier, salt)
        for carrier, material in materials.items()
        for salt, electrolyte in materials.items()
        if electrolyte.kind == "electrolyte"
        if (material.kind == "active" and material.chemistry is not None)
        or (material.kind == "conductor" and carrier != COLLECTOR and electrolyte.chemistry is not None)
    ]


def planned_reactions(case: Case, materials: Mapping[str, Material]) -> tuple[PlannedReaction, ...]:
    """Return all reactions of all pairs that react through a network, with those that do not take place.

    Raises
    ------
    InputErrors
        All that is wrong with the reactions.
    """
    found: list[PlannedReaction] = []
    errors: dict[str, InputError] = {}  # once each: the separator repeats those of the electrolyte
    for pair in reacting_pairs(materials):
        if case.mesh.layers is not None and (pair[0] != case.mesh.layers.domain.phase or pair[1] == SEPARATOR):
            continue  # only domains meet an electrolyte there, and only the one around them
        meeting = _Meeting.of(case, pair, materials)
        for name in meeting.names:
            try:
                found.append(meeting.plan(name))
            except InputError as error:
                errors.setdefault(str(error), error)
    if errors:
        raise InputErrors(errors.values())
    return tuple(found)


@dataclass(frozen=True)
class _Meeting:
    """Two phases that meet, and what the case says of their reactions.

    Attributes
    ----------
    pair
        The phase that carries electrons and the electrolyte.
    materials
        Their materials.
    sides
        What equations are checked against.
    sections
        Reactions of the case.
    key
        Where they stand in the case.
    likewise
        Whether they are written for the electrolyte and hold for the separator as far as it has the species.
    folder
        Folder of the case.
    """

    pair: tuple[str, str]
    materials: tuple[Material, Material]
    sides: tuple[Side, Side]
    sections: Mapping[str, ReactionSection]
    key: str
    likewise: bool
    folder: Path

    @classmethod
    def of(cls, case: Case, pair: tuple[str, str], materials: Mapping[str, Material]) -> _Meeting:
        carrier, salt = pair
        electrolytes = [name for name in case.phases if name in materials and materials[name].kind == "electrolyte"]
        section, written_for = case.interface(carrier, salt), salt
        if salt == SEPARATOR and (section is None or not section.reactions):
            for name in electrolytes:
                other = case.interface(carrier, name)
                if other is not None and other.reactions:
                    section, written_for = other, name
        layer = case.mesh.separator
        same = salt == SEPARATOR and layer is not None and layer.material is None
        aliases = electrolytes[:1] if same else [written_for]
        both = materials[carrier], materials[salt]
        names = (
            dict.fromkeys((carrier, both[0].kind, both[0].name)),
            dict.fromkeys((salt, *aliases, "electrolyte", both[1].name)),
        )
        return cls(
            pair,
            both,
            (chemistry_of(both[0]).side(*names[0]), chemistry_of(both[1]).side(*names[1])),
            section.reactions if section is not None else {},
            f"interfaces.{carrier}|{written_for}.reactions",
            written_for != salt,
            case.folder,
        )

    @property
    def given(self) -> dict[str, tuple[int, ReactionData]]:
        """Reactions of the materials: name -> side of the material, reaction."""
        return {
            name: (side, data) for side in (0, 1) for name, data in chemistry_of(self.materials[side]).reactions.items()
        }

    @property
    def names(self) -> list[str]:
        """Names of all reactions, those of the materials first."""
        # A change of a reaction that only the electrolyte's material gives says nothing of the separator's.
        own = [name for name, each in self.sections.items() if not self.likewise or each.equation or name in self.given]
        return list(dict.fromkeys((*self.given, *own)))

    def plan(self, name: str) -> PlannedReaction:
        """Plan one reaction."""
        section, given = self.sections.get(name), self.given
        key = f"{self.key}.{name}"
        if name not in given:
            assert section is not None
            return self._of_case(name, section, key)
        own, data = given[name]
        if name in chemistry_of(self.materials[1 - own]).reactions:
            one, other = (material.name for material in self.materials)
            raise InputError(key, name, f"a name of its own for every reaction; both {one} and {other} have this one")
        giver = self.pair[own]
        if section is None:
            where = f"{self.materials[own].file or giver}: reactions.{name}.equation"
            return self._settled(data, own, giver, where, given_by_material=True)
        changed = _changed(data, section, key, self.folder)
        if not section.enabled:
            return PlannedReaction(self.pair, changed, own, giver, {}, "switched off in the case")
        if section.equation is None:
            where = f"{self.materials[own].file or giver}: reactions.{name}.equation"
            return self._settled(changed, own, giver, where, given_by_material=True)
        return self._settled(changed, self._own_side(changed.equation, own), giver, f"{key}.equation")

    def _of_case(self, name: str, section: ReactionSection, key: str) -> PlannedReaction:
        """Plan a reaction that no material gives."""
        potential = "potential" if section.equilibrium_potential is None else "equilibrium_potential"
        missing = [word for word in _NEEDED if getattr(section, potential if word == "potential" else word) is None]
        if missing:
            known = ", ".join(self.given) or "none"
            expected = f"{_NEEDED[missing[0]]}, of a reaction that no material gives; the materials give {known}"
            raise InputError(f"{key}.{missing[0]}", "missing", expected, nearest(name, self.given))
        assert section.equation is not None
        assert section.exchange_current is not None
        equation = parse_equation(section.equation, key=f"{key}.equation")
        law: Law = "butler-volmer" if equation.direction == "both" else "tafel"
        start = ReactionData(
            name,
            equation,
            potential=None,
            table=None,
            exchange_current=new_property(section.exchange_current, "current density"),
            law=law,
            origin=_GIVEN,
        )
        data = _changed(start, section, key, self.folder)
        own = self._own_side(equation, 0)
        if not section.enabled:
            return PlannedReaction(self.pair, data, own, "case", {}, "switched off in the case")
        return self._settled(data, own, "case", f"{key}.equation")

    def _own_side(self, equation: Equation, otherwise: int) -> int:
        """Return the side that has all species without a tag, the one that is usual if both or none have."""
        untagged = [species for _, species, tag in equation.terms if tag is None]
        holding = [side for side in (0, 1) if all(species in self.sides[side].species for species in untagged)]
        return holding[0] if len(holding) == 1 else otherwise

    def _settled(
        self, data: ReactionData, own: int, giver: str, key: str, *, given_by_material: bool = False
    ) -> PlannedReaction:
        """Return a reaction with its stoichiometry, or with what it lacks here if that is no mistake.

        A material may be written for another electrolyte, and a reaction of the electrolyte's for the separator too.
        """
        if given_by_material or self.likewise:
            obstacle = self._lacking(data.equation, own)
            if obstacle:
                return PlannedReaction(self.pair, data, own, giver, {}, obstacle)
        stoichiometry = check(data.equation, self.sides, own=own, key=key)
        if data.table is not None:
            section = self.sections.get(data.name)
            here = section is not None and section.equilibrium_potential is not None
            where = f"{self.key}.{data.name}" if here else key.removesuffix(".equation")
            _species_of_table(data.table, stoichiometry, f"{where}.equilibrium_potential")
        return PlannedReaction(self.pair, data, own, giver, stoichiometry)

    def _lacking(self, equation: Equation, own: int) -> str:
        """Return why a reaction cannot take place between these phases, or nothing."""
        for _, species, tag in equation.terms:
            side = own
            if tag is not None:
                named = [place for place in (0, 1) if tag in self.sides[place].names]
                if not named:
                    return f"{self.pair[1 - own]} is not {tag}"
                side = named[0]
            # what the material itself lacks is a mistake, which the check tells
            if species not in self.sides[side].species and (side != own or self.likewise):
                return f"{self.pair[side]} has no {species}"
        return ""


def _species_of_table(table: PotentialCurve, stoichiometry: Mapping[tuple[int, str], float], key: str) -> None:
    species = [name for _, name in stoichiometry]
    if table.species not in species:
        expected = f"a species of the reaction ({', '.join(species)})"
        raise InputError(f"{key}.species", table.species, expected, nearest(table.species, species))


def _changed(base: ReactionData, section: ReactionSection, key: str, folder: Path) -> ReactionData:
    """Return a reaction with what the case says of it."""
    equation = base.equation
    if section.equation is not None:
        equation = parse_equation(section.equation, key=f"{key}.equation")
    potential, table = _potential(base, section, key, folder)
    energy = base.reorganisation_energy
    if section.reorganisation_energy is not None:
        energy = new_property(section.reorganisation_energy, "molar energy")
    changed = replace(
        base,
        equation=equation,
        potential=potential,
        table=table,
        exchange_current=_exchange_current(base.exchange_current, section),
        law=_law(base, section, equation, key),
        alpha=base.alpha if section.alpha is None else section.alpha,
        reorganisation_energy=energy,
        concentration=section.concentration or base.concentration,
        hysteresis=_hysteresis(base.hysteresis, section.hysteresis, key),
    )
    if changed.law != "marcus-hush-chidsey":
        if section.reorganisation_energy is not None:
            expected = f"this key with the law 'marcus-hush-chidsey' only, not with {changed.law!r}"
            raise InputError(f"{key}.reorganisation_energy", f"{section.reorganisation_energy:g} J/mol", expected)
        changed = replace(changed, reorganisation_energy=None)
    elif energy is None:
        expected = "the reorganisation energy of the law 'marcus-hush-chidsey', like '0.5 eV'"
        raise InputError(f"{key}.reorganisation_energy", "missing", expected)
    if changed.hysteresis is not None and equation.direction != "both":
        width = f"{changed.hysteresis.width:g} V"
        raise InputError(f"{key}.hysteresis.width", width, "no hysteresis: the reaction runs in one direction only")
    return changed


def _potential(
    base: ReactionData, section: ReactionSection, key: str, folder: Path
) -> tuple[Property | None, PotentialCurve | None]:
    given, curve = section.potential, section.equilibrium_potential
    if given is not None and curve is not None:
        raise InputError(f"{key}.equilibrium_potential", dict(curve), "one of potential and this table, not both")
    if given is not None:
        old = base.potential
        return new_property(given, "potential") if old is None else old.replaced(given), None
    if curve is None:
        return base.potential, base.table
    law = {word: value for word, value in curve.items() if word != "species"}
    where, species = f"{key}.equilibrium_potential", curve.get("species", "missing")
    if not isinstance(species, str) or "species" not in curve:
        raise InputError(f"{where}.species", species, "the species whose fraction x is, like 'I-'")
    return None, PotentialCurve(read_equilibrium_potential(law, key=where, folder=folder), species, _GIVEN)


def _exchange_current(base: Property, section: ReactionSection) -> Property:
    changed = base
    if section.exchange_current is not None:
        changed = base.replaced(section.exchange_current)
    if section.activation_energy is not None:
        changed = replace(changed, activation_energy=section.activation_energy, activation_energy_origin=_GIVEN)
    if section.reference_temperature is not None:
        changed = replace(changed, reference_temperature=section.reference_temperature)
    return changed


def _law(base: ReactionData, section: ReactionSection, equation: Equation, key: str) -> Law:
    """Return the rate law, which has to fit the direction of the reaction."""
    reversible = equation.direction == "both"
    if section.law is None:
        if (base.law == "tafel") != reversible:
            return base.law
        return "butler-volmer" if reversible else "tafel"
    if (section.law == "tafel") == reversible:
        fitting = "'butler-volmer', 'linear' or 'marcus-hush-chidsey'" if reversible else "'tafel'"
        direction = "both directions (<=>)" if reversible else "one direction (=>)"
        raise InputError(f"{key}.law", section.law, f"{fitting}: the reaction runs in {direction}")
    return section.law


def _hysteresis(base: HysteresisData | None, section: HysteresisSection | None, key: str) -> HysteresisData | None:
    if section is None:
        return base
    width = section.width if section.width is not None else (base.width if base is not None else None)
    if width is None:
        raise InputError(f"{key}.hysteresis.width", "missing", "the distance of the branches, like '0.45 V'")
    if width == 0.0:
        return None
    span = section.span if section.span is not None else (base.span if base is not None else _SPAN)
    return HysteresisData(width, span, _GIVEN)
