"""Reads lattices, species and reactions of a material file into :class:`catholyte.materials.chemistry.Chemistry`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast, get_args

from catholyte.errors import InputError, nearest
from catholyte.materials.chemistry import (
    Chemistry,
    Concentration,
    Filling,
    HysteresisData,
    LatticeData,
    Law,
    PotentialCurve,
    ReactionData,
    SpeciesData,
)
from catholyte.materials.potentials import read_equilibrium_potential
from catholyte.materials.properties import Origin, Property, known, marked, read_origin, read_property, split
from catholyte.physics.species import Formula, parse_formula, parse_species
from catholyte.physics.stoichiometry import Equation, Side, check, parse_equation, read_name, resolve
from catholyte.units import DIMENSIONS, to_si

#: tables of a material file that are read here
CHEMISTRY = ("lattices", "species", "reactions")

_LATTICE_KEYS = ("sites", "D", "filling", "interactions")
_SPECIES_KEYS = ("lattice", "initial", "formula", "charge")
_REACTION_KEYS = (
    "equation",
    "potential",
    "equilibrium_potential",
    "exchange_current",
    "law",
    "alpha",
    "reorganisation_energy",
    "concentration",
    "hysteresis",
)


def read_chemistry(
    content: Mapping[str, Any], kind: str, properties: Mapping[str, Property], *, where: str, folder: Path
) -> Chemistry | None:
    """Read the tables ``lattices``, ``species`` and ``reactions`` of a material file.

    Parameters
    ----------
    content
        The file.
    kind
        Kind of the material.
    properties
        Its properties; density and molar mass turn numbers per formula unit into concentrations.
    where
        Name of the file; used in errors.
    folder
        Folder that tables of potentials are sought in.

    Returns
    -------
    Chemistry or None
        None if the file has none of the tables.

    Raises
    ------
    InputError
        Unknown or missing key, number without origin, shares that do not add up, or a reaction that does not balance.
    """
    present = [word for word in CHEMISTRY if word in content]
    if not present:
        return None
    if kind not in ("active", "electrolyte"):
        expected = f"{present[0]} in an active material or an electrolyte only, not in a {kind}"
        raise InputError(f"{where}: {present[0]}", sorted(content[present[0]]), expected)
    for word in CHEMISTRY:
        if not isinstance(content.get(word, {}), dict):
            raise InputError(f"{where}: {word}", content[word], f"tables, like [{word}.NAME]")
        if word not in content and word != "reactions":
            expected = f"tables: species sit on lattices, and the material has {' and '.join(present)} only"
            raise InputError(f"{where}: {word}", None, expected)
    names = tuple(content["lattices"])
    species: dict[str, SpeciesData] = {}
    for written, entry in content["species"].items():
        read = _species(written, entry, names, f"{where}: species.{written}")
        if read.name in species:
            raise InputError(
                f"{where}: species.{written}", written, f"species of different names; {read.name} is twice"
            )
        species[read.name] = read
    lattices = {
        name: _lattice(name, entry, species, properties, f"{where}: lattices.{name}")
        for name, entry in content["lattices"].items()
    }
    side = Chemistry(lattices, species, {}).side(str(content["name"]), kind)
    reactions = {
        name: _reaction(name, entry, side, f"{where}: reactions.{name}", folder)
        for name, entry in content.get("reactions", {}).items()
    }
    return Chemistry(MappingProxyType(lattices), MappingProxyType(species), MappingProxyType(reactions))


# ------------------------------------------------------------------------------------------ species and lattices


def _species(written: str, entry: object, lattices: tuple[str, ...], key: str) -> SpeciesData:
    name = read_name(written, key=key)
    section, marks = split(entry, key)
    for word in section:
        known(word, _SPECIES_KEYS, key)
    lattice = section.get("lattice")
    if lattice not in lattices:
        alike = nearest(lattice, lattices) if isinstance(lattice, str) else None
        raise InputError(f"{key}.lattice", lattice, "one of the lattices " + ", ".join(lattices), alike)
    formula = _formula(name, section, key)
    if "initial" not in section:
        if marks:
            raise InputError(f"{key}.initial", None, f"the share that {next(iter(marks))!r} is about")
        return SpeciesData(name, MappingProxyType(dict(formula.elements)), formula.charge, str(lattice))
    origin = read_origin(marks, f"{key}.initial")
    initial = _share(section["initial"], f"{key}.initial", zero=True)
    return SpeciesData(name, MappingProxyType(dict(formula.elements)), formula.charge, str(lattice), initial, origin)


def _formula(name: str, section: Mapping[str, Any], key: str) -> Formula:
    """Return atoms and charge: what the file gives, else what the name says."""
    if "formula" not in section and "charge" not in section:
        return parse_species(name, key=key)
    if "formula" not in section:
        raise InputError(f"{key}.formula", None, "the neutral formula beside the charge, like formula = 'I3'")
    text = section["formula"]
    if not isinstance(text, str):
        raise InputError(f"{key}.formula", text, "a formula, like 'I3'")
    charge = section.get("charge", 0)
    if isinstance(charge, bool) or not isinstance(charge, int):
        raise InputError(f"{key}.charge", charge, "a whole number of elementary charges, like -1")
    return Formula(parse_formula(text, key=f"{key}.formula"), float(charge))


def _lattice(
    name: str, entry: object, species: Mapping[str, SpeciesData], properties: Mapping[str, Property], key: str
) -> LatticeData:
    if not isinstance(entry, dict):
        raise InputError(key, entry, 'a table, like { filling = "full", sites = { value = …, source = … } }')
    for word in entry:
        known(word, _LATTICE_KEYS, key)
    filling = _choice(entry.get("filling"), get_args(Filling), f"{key}.filling")
    if "sites" not in entry:
        raise InputError(f"{key}.sites", None, "the concentration of sites, { value = …, source = … }")
    here = {member.name: member for member in species.values() if member.lattice == name}
    if not here:
        raise InputError(key, name, f'species that sit on it, like [species."I-"] lattice = {name!r}')
    _check_shares(here, filling, key)
    pairs = entry.get("interactions", [])
    if not isinstance(pairs, list):
        raise InputError(f"{key}.interactions", pairs, "a list of { between = […], value = …, source = … }")
    read = [_interaction(pair, tuple(here), f"{key}.interactions[{k}]") for k, pair in enumerate(pairs)]
    return LatticeData(
        name=name,
        sites=_sites(entry["sites"], properties, f"{key}.sites"),
        D=read_property(entry["D"], "diffusivity", f"{key}.D") if "D" in entry else None,
        filling=cast(Filling, filling),
        species=tuple(here),
        interactions=tuple((a, b, energy) for a, b, energy, _ in read),
        interaction_origins=tuple(origin for *_, origin in read),
    )


def _check_shares(here: Mapping[str, SpeciesData], filling: str, key: str) -> None:
    total = sum(member.initial for member in here.values())
    shares = ", ".join(f"{name} {member.initial:g}" for name, member in here.items())
    if filling == "full" and abs(total - 1.0) > 1e-9:
        expected = f"shares that add up to 1, since the lattice is full; {shares} add up to {total:g}"
        raise InputError(f"{key}: initial", total, expected)
    if total > 1.0 + 1e-9:
        raise InputError(f"{key}: initial", total, f"shares that add up to 1 at most; {shares} add up to {total:g}")


def _sites(entry: object, properties: Mapping[str, Property], key: str) -> Property:
    """Read a concentration, or a number per formula unit that density and molar mass make one."""
    if not isinstance(entry, dict) or "per_formula" not in entry:
        return read_property(entry, "concentration", key, positive=True)
    if "value" in entry:
        raise InputError(key, "both", "either value or per_formula")
    section, origin = marked(entry, key)
    for word in section:
        known(word, ("per_formula",), key)
    number = to_si(entry["per_formula"], "fraction", key=f"{key}.per_formula")
    if number <= 0.0:
        raise InputError(f"{key}.per_formula", entry["per_formula"], "a number above zero")
    for word in ("density", "molar_mass"):
        if word not in properties:
            raise InputError(f"{key}.per_formula", entry["per_formula"], f"a {word} beside a number per formula unit")
    value = number * properties["density"].value / properties["molar_mass"].value
    text = f"{number:g} per formula unit"
    return Property(value, DIMENSIONS["concentration"][0], text, origin.source, origin.assumed, note=origin.note)


def _interaction(entry: object, species: tuple[str, ...], key: str) -> tuple[str, str, float, Origin]:
    section, origin = marked(entry, key)
    for word in section:
        known(word, ("between", "value"), key)
    between = section.get("between")
    if not isinstance(between, list) or len(between) != 2 or not all(isinstance(name, str) for name in between):
        raise InputError(f"{key}.between", between, "two species of the lattice, like ['I-', 'I0']")
    a, b = (read_name(name, key=f"{key}.between") for name in between)
    for name in (a, b):
        if name not in species:
            expected = "two species of the lattice, which has " + ", ".join(species)
            raise InputError(f"{key}.between", name, expected, nearest(name, species))
    if a == b:
        raise InputError(f"{key}.between", between, "two different species")
    return a, b, to_si(section.get("value"), "molar energy", key=f"{key}.value"), origin


# ----------------------------------------------------------------------------------------------------- reactions


def _reaction(name: str, entry: object, side: Side, key: str, folder: Path) -> ReactionData:
    section, marks = split(entry, key)
    for word in section:
        known(word, _REACTION_KEYS, key)
    equation = parse_equation(section.get("equation"), key=f"{key}.equation")
    _balanced(equation, side, f"{key}.equation")
    if "alpha" in section and not marks:
        expected = 'source = "doi:…" or assumed = "the reason" beside a transfer coefficient'
        raise InputError(f"{key}.alpha", section["alpha"], expected)
    alpha = to_si(section.get("alpha", 0.5), "fraction", key=f"{key}.alpha")
    if not 0.0 < alpha < 1.0:
        raise InputError(f"{key}.alpha", section["alpha"], "a transfer coefficient between 0 and 1")
    if ("potential" in section) == ("equilibrium_potential" in section):
        given = "both" if "potential" in section else None
        raise InputError(f"{key}.potential", given, "exactly one of potential and equilibrium_potential")
    if "exchange_current" not in section:
        raise InputError(f"{key}.exchange_current", None, "a current density, { value = …, source = … }")
    law, energy = _law(section, equation, key)
    hysteresis = None
    if "hysteresis" in section:
        if equation.direction != "both":
            raise InputError(f"{key}.hysteresis", section["hysteresis"], "no branches: the reaction runs one way only")
        hysteresis = _hysteresis(section["hysteresis"], f"{key}.hysteresis")
    return ReactionData(
        name=name,
        equation=equation,
        potential=(
            read_property(section["potential"], "potential", f"{key}.potential", signed=True)
            if "potential" in section
            else None
        ),
        table=(
            _curve(section["equilibrium_potential"], equation, f"{key}.equilibrium_potential", folder)
            if "equilibrium_potential" in section
            else None
        ),
        exchange_current=read_property(
            section["exchange_current"], "current density", f"{key}.exchange_current", positive=True
        ),
        law=law,
        alpha=alpha,
        reorganisation_energy=energy,
        concentration=cast(
            Concentration,
            _choice(section.get("concentration", "mass-action"), get_args(Concentration), f"{key}.concentration"),
        ),
        hysteresis=hysteresis,
        origin=read_origin(marks, key) if marks else None,
    )


def _balanced(equation: Equation, side: Side, key: str) -> None:
    """Check an equation as far as the material's own file tells.

    Species of the other phase are taken to be what their names say; whether they exist is known in a case only.
    """
    others: dict[str, Formula] = {}
    readable = True
    tags = tuple(tag for tag in equation.tags if tag not in side.names)
    for _, name, tag in equation.terms:
        if tag in tags:
            try:
                others[name] = parse_species(name, key=key)
            except InputError:
                # Its material may give formula and charge beside the name.
                others[name], readable = Formula({}, 0.0), False
    sides = (side, Side(tags, others, {}))
    if all(tag in tags for _, _, tag in equation.terms):
        raise InputError(key, str(equation), f"a species of the material, {', '.join(side.species)}, without a phase")
    if readable:
        check(equation, sides, own=0, key=key)
    else:
        resolve(equation, sides, own=0, key=key)


def _law(section: Mapping[str, Any], equation: Equation, key: str) -> tuple[Law, Property | None]:
    irreversible = equation.direction != "both"
    law = _choice(section.get("law", "tafel" if irreversible else "butler-volmer"), get_args(Law), f"{key}.law")
    if irreversible and law != "tafel":
        raise InputError(f"{key}.law", law, "tafel: the reaction runs one way only (=>)", "tafel")
    if law == "tafel" and not irreversible:
        reversible = ", ".join(choice for choice in get_args(Law) if choice != "tafel")
        raise InputError(f"{key}.law", law, f"{reversible} for a reaction that runs both ways (<=>)")
    energy = None
    if law == "marcus-hush-chidsey":
        if "reorganisation_energy" not in section:
            raise InputError(f"{key}.reorganisation_energy", None, "an energy, like '0.5 eV': the law needs it")
        energy = read_property(
            section["reorganisation_energy"], "molar energy", f"{key}.reorganisation_energy", positive=True
        )
    elif "reorganisation_energy" in section:
        expected = f"no reorganisation energy, which belongs to the law marcus-hush-chidsey and not to {law}"
        raise InputError(f"{key}.reorganisation_energy", section["reorganisation_energy"], expected)
    return cast(Law, law), energy


def _hysteresis(entry: object, key: str) -> HysteresisData:
    section, origin = marked(entry, key)
    for word in section:
        known(word, ("width", "span"), key)
    width = to_si(section.get("width"), "potential", key=f"{key}.width")
    if width <= 0.0:
        raise InputError(f"{key}.width", section["width"], "a distance of the branches above zero")
    return HysteresisData(width, _share(section.get("span"), f"{key}.span"), origin)


def _curve(entry: object, equation: Equation, key: str, folder: Path) -> PotentialCurve:
    section, origin = marked(entry, key)
    own = tuple(name for _, name, tag in equation.terms if tag is None)
    species = section.pop("species", None)
    if species not in own:
        alike = nearest(species, own) if isinstance(species, str) else None
        expected = "the species whose share the curve is over, one of " + ", ".join(own)
        raise InputError(f"{key}.species", species, expected, alike)
    return PotentialCurve(read_equilibrium_potential(section, key=key, folder=folder), species, origin)


def _share(value: object, key: str, *, zero: bool = False) -> float:
    share = to_si(value, "fraction", key=key)
    if not 0.0 <= share <= 1.0 or (share == 0.0 and not zero):
        raise InputError(key, value, "a share from 0 to 1" if zero else "a share above 0, at most 1")
    return share


def _choice(value: object, choices: tuple[str, ...], key: str) -> str:
    if not isinstance(value, str) or value not in choices:
        alike = nearest(value, choices) if isinstance(value, str) else None
        raise InputError(key, value, "one of " + ", ".join(choices), alike)
    return value
