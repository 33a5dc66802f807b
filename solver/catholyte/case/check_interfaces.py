"""What the [interfaces] tables of a case may say: pairs of phases, grain boundaries, tagged parts of interfaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from catholyte.case.chemistry import Chemistries, interface_faults, reacts_with_species
from catholyte.case.faults import Fault
from catholyte.case.faults import Path as KeyPath
from catholyte.case.schema import Case, InterfaceSection, LayerSection, PhaseSection, parted
from catholyte.errors import InputError, nearest

if TYPE_CHECKING:
    from catholyte.materials import Material

SEPARATOR, COLLECTOR = "separator", "collector"
#: kinds of phases that exchange charge -> whether Li is stored or released there
_PAIRS: Mapping[frozenset[str], bool] = {
    frozenset(("active", "electrolyte")): True,
    frozenset(("active", SEPARATOR)): True,
    frozenset(("active", "conductor")): False,
    frozenset(("active", COLLECTOR)): False,
    frozenset(("conductor", COLLECTOR)): False,
    frozenset(("electrolyte", SEPARATOR)): False,
    frozenset(("active",)): False,  # two phases of one kind
    frozenset(("electrolyte",)): False,
    frozenset(("conductor",)): False,
}

Found = Iterator[Fault | InputError]


def is_mixed(phase: PhaseSection, material: Material) -> bool:
    """Whether a phase of this material is a mixed conductor, whose ions and electrons both move.

    It is one where the case says so, or where an ionic conductivity is known and no diffusivity; of the two the one
    that the case gives takes the place of the other.
    """
    if material.kind != "active" or material.chemistry is not None:
        return False
    if phase.transport is not None:
        return phase.transport == "mixed"
    if phase.D is not None or phase.sigma_i is not None:
        return phase.D is None
    return "D" not in material.properties and "sigma_i" in material.properties


def interface_tables(case: Case, kinds: Mapping[str, str | None], chemistries: Chemistries) -> Found:
    """Yield what is wrong with the tables of interfaces.

    Parameters
    ----------
    kinds
        Kind of every phase, None where its material could not be read.
    chemistries
        What the phases store besides lithium in a host.
    """
    sides = dict(kinds)
    sides[COLLECTOR] = COLLECTOR  # without a layer it is the last face of the mesh
    if case.mesh.separator is not None:
        sides[SEPARATOR] = SEPARATOR
    first: dict[tuple[frozenset[str], str | None], str] = {}
    for name, interface in case.interfaces.items():
        path = ("interfaces", name)
        pair = name.partition("@")[0].split("|")
        if len(pair) != 2 or name.endswith("@"):
            expected = 'the names of two phases, like [interfaces."active|electrolyte"], '
            yield Fault(path, expected + 'with a tag of the mesh for a part of it, like "active|electrolyte@coated"')
            continue
        if unknown := [side for side in pair if side not in sides]:
            yield from _unknown_side(path, pair, unknown[0], sides)
            continue
        if parted(name) in first:
            yield Fault(path, f'one table for this pair; [interfaces."{first[parted(name)]}"] is another')
            continue
        first[parted(name)] = name
        if pair[0] == pair[1]:
            yield from _boundary(case, path, pair[0], sides, interface)
            continue
        met = [sides[side] for side in pair]
        if None in met:
            continue
        yield from _ionic(case, path, pair, interface)
        network = reacts_with_species(pair[0], pair[1], sides, chemistries)
        reacts = network or _PAIRS.get(frozenset(side for side in met if side is not None))
        if reacts is None:
            yield Fault(path, f"a pair that exchanges electrons or ions; {met[0]} and {met[1]} do not")
        elif reacts:
            yield from interface_faults(path, interface, network=bool(network))
            for number, layer in enumerate(interface.layers):
                yield from _layer((*path, "layers", number), layer)
        else:
            yield from _no_reaction(path, interface, f"{met[0]} and {met[1]}")


def _boundary(
    case: Case, path: KeyPath, name: str, sides: Mapping[str, str | None], interface: InterfaceSection
) -> Found:
    """Check the table of the boundaries between grains of one phase."""
    phase = case.phases.get(name)
    if phase is None or phase.grains is None:
        yield Fault(path, f"two different phases, or grains in phases.{name}, like grains = {{ size = '1 um' }}")
        return
    if sides[name] is not None:
        yield from _ionic(case, path, [name, name], interface)
    yield from _no_reaction(path, interface, f"grains of {name}")


def _no_reaction(path: KeyPath, interface: InterfaceSection, who: str) -> Found:
    """Refuse what only an interface with charge transfer reads."""
    if interface.reactions:
        yield Fault((*path, "reactions"), f"no reactions: {who} do not react; contact_resistance is meant for them")
    if interface.kinetics is not None:
        yield Fault((*path, "kinetics"), f"no kinetics: {who} do not react; contact_resistance is meant for them")
    if interface.double_layer is not None:
        yield Fault((*path, "double_layer"), f"no double layer: {who} exchange no charge by a reaction")
    if interface.film_resistance > 0.0:
        expected = f"contact_resistance: a film is one between active material and electrolyte, not {path[-1]}"
        yield Fault((*path, "film_resistance"), expected)
    if interface.layers:
        expected = f"contact_resistance: layers lie between active material and electrolyte, not between {who}"
        yield Fault((*path, "layers"), expected)


def _ionic(case: Case, path: KeyPath, pair: list[str], interface: InterfaceSection) -> Found:
    """Refuse a resistance of ions where none pass inside active materials."""
    from catholyte.materials import load_material

    if interface.ionic_resistance == 0.0:
        return
    for side in dict.fromkeys(pair):
        phase = case.phases.get(side)
        if phase is None or phase.is_void or not is_mixed(phase, load_material(phase.material, folder=case.folder)):
            expected = f"contact_resistance: {side} is no mixed conductor, and the other is for ions between those"
            yield Fault((*path, "ionic_resistance"), expected)
            return


def _layer(path: KeyPath, layer: LayerSection) -> Found:
    """Check that a layer has a resistance in one way."""
    by_size = layer.thickness is not None or layer.sigma_i is not None
    if (layer.resistance is not None) == by_size:
        yield Fault((*path, "resistance"), "either a resistance, like '40 ohm cm2', or thickness and sigma_i")
    elif by_size and (layer.thickness is None or not layer.sigma_i):
        key = "thickness" if layer.thickness is None else "sigma_i"
        yield Fault((*path, key), "both thickness and sigma_i above zero, like '10 nm' and '1e-6 S/cm'")


def _unknown_side(path: KeyPath, pair: list[str], side: str, sides: Mapping[str, str | None]) -> Found:
    if side == SEPARATOR:
        yield Fault(path, "a separator in [mesh], like separator = '4 um', before its interfaces")
        return
    alike = nearest(side, sides)
    suggestion = None if alike is None else "|".join(alike if name == side else name for name in pair)
    yield Fault(path, f"two of {', '.join(sides)}, and {side!r} is none of them", suggestion)
