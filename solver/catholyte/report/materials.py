"""A material with its sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from catholyte.report.tables import new_table
from catholyte.units import from_si

if TYPE_CHECKING:
    from catholyte.materials import Chemistry, Material, Origin, Property, ReactionData

_Row = tuple[str, str, str]

#: temperature in K at which a mean potential is told
ROOM = 298.15


def material_report(material: Material) -> Group:
    """Return the values of a material with their sources."""
    table = new_table(
        f"{material.name}  {material.formula}  ({material.kind})",
        "property",
        "value",
        "source",
        numeric=False,
    )
    for name, value in material.properties.items():
        for row in _property(name, value):
            table.add_row(*row)
    for name in _missing(material):
        table.add_row(name, "missing", "")
    if material.equilibrium_potential is not None:
        table.add_row("equilibrium potential", "U(x)", str(material.equilibrium_origin))
    for row in _energy(material):
        table.add_row(*row)
    if material.kinetics is not None:
        law = ", ".join(f"{key} {value}" for key, value in material.kinetics.items())
        table.add_row("kinetics", law, str(material.kinetics_origin))
    for each in material.reported:
        table.add_row(f"reported {each.quantity}", each.text, _origin(each.origin))
    if material.chemistry is not None:
        for row in _chemistry(material.chemistry):
            table.add_row(*row)
    return Group(Text(material.description), "", table)


def _energy(material: Material) -> Iterator[_Row]:
    """Rows of what follows from capacity and potential."""
    from catholyte.materials.energy import host_energy, made_without_lithium

    found = host_energy(material, ROOM)
    if found is None:
        return
    yield "mean potential", f"{found.voltage:.3f} V", "mean of U(x) over the nominal capacity"
    yield "energy", f"{found.specific / 3600.0:.1f} Wh/kg", "nominal capacity × mean potential"
    if made_without_lithium(material):
        yield "  with its lithium", f"{found.lithiated / 3600.0:.1f} Wh/kg", "per mass of the discharged material"


def _missing(material: Material) -> Iterator[str]:
    """Name what a host needs for a run and its file does not give."""
    if material.equilibrium_potential is None or material.kind != "active":
        return
    given = material.properties
    yield from (name for name in ("nominal_capacity", "sigma_e", "exchange_current") if name not in given)
    if "D" not in given and "sigma_i" not in given:
        yield "sigma_i or D"


def _chemistry(chemistry: Chemistry) -> Iterator[_Row]:
    """Rows of lattices with their species, and of reactions."""
    for lattice in chemistry.lattices.values():
        yield f"lattice {lattice.name}", lattice.filling, ""
        yield from _property("  sites", lattice.sites)
        if lattice.D is not None:
            yield from _property("  D", lattice.D)
        for (a, b, energy), origin in zip(lattice.interactions, lattice.interaction_origins, strict=True):
            yield f"  interaction {a}, {b}", f"{energy / 1e3:g} kJ/mol", _origin(origin)
        for name in lattice.species:
            species = chemistry.species[name]
            yield f"  {name}", f"{species.initial:g} as made", "" if species.origin is None else _origin(species.origin)
    for reaction in chemistry.reactions.values():
        yield from _reaction(reaction)


def _reaction(reaction: ReactionData) -> Iterator[_Row]:
    origin = "" if reaction.origin is None else _origin(reaction.origin)
    yield f"reaction {reaction.name}", str(reaction.equation), origin
    if reaction.potential is not None:
        yield from _property("  potential", reaction.potential)
    if reaction.table is not None:
        yield "  equilibrium potential", f"U over the share of {reaction.table.species}", _origin(reaction.table.origin)
    if reaction.hysteresis is not None:
        branches = f"± {reaction.hysteresis.width / 2.0:g} V, changed within {100.0 * reaction.hysteresis.span:g} %"
        yield "  branches", branches, _origin(reaction.hysteresis.origin)
    yield "  law", f"{reaction.law}, alpha {reaction.alpha:g}, {reaction.concentration}", ""
    yield from _property("  exchange current", reaction.exchange_current)
    if reaction.reorganisation_energy is not None:
        yield from _property("  reorganisation energy", reaction.reorganisation_energy)


def _property(name: str, value: Property) -> Iterator[_Row]:
    text = value.text
    if text.endswith("per formula unit"):
        text += f" ({from_si(value.value, 'mol/L', 'concentration'):.3g} mol/L)"
    yield name, text, _origin(value.origin)
    if value.activation_energy is not None:
        indent = " " * (len(name) - len(name.lstrip()))
        origin = str(value.activation_energy_origin)
        yield f"{indent}  activation energy", f"{value.activation_energy / 96485.33212:.3g} eV", origin


def _origin(origin: Origin) -> str:
    return str(origin) if origin.note is None else f"{origin} ({origin.note})"
