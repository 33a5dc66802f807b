"""What a case says of species, lattices and reactions: every contradiction is a fault that names the key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from catholyte.case.faults import Fault
from catholyte.case.faults import Path as KeyPath
from catholyte.case.schema import Case, InterfaceSection, PhaseSection
from catholyte.errors import CatholyteError, InputError, nearest

if TYPE_CHECKING:
    from catholyte.materials import Material
    from catholyte.materials.chemistry import Chemistry

#: fractions of a full lattice may miss 1 by this
_ROUNDING = 1e-6
#: properties of a material that stores lithium by intercalation
_OF_HOSTS = ("D", "maximum_concentration", "equilibrium_potential")
_OF_STOCKS = ("composition", "branches", "lattices")

Chemistries = Mapping[str, "Chemistry | None"]
Found = Iterator[Fault | InputError]


def load_chemistries(case: Case) -> dict[str, Chemistry | None]:
    """Return the chemistry of every phase whose material can be read, and of a separator of its own material."""
    names = {name: phase.material for name, phase in case.phases.items() if not phase.is_void}
    separator = case.mesh.separator
    if separator is not None and separator.material is not None:
        names["separator"] = separator.material
    loaded = {name: _load(case, material) for name, material in names.items()}
    found = {name: material.chemistry for name, material in loaded.items() if material is not None}
    if separator is not None and separator.material is None:
        electrolytes = [name for name, material in loaded.items() if material and material.kind == "electrolyte"]
        if electrolytes:
            found["separator"] = found[electrolytes[0]]
    return found


def _load(case: Case, name: str) -> Material | None:
    """Return a material, or None if it cannot be read, which is a fault told elsewhere."""
    from catholyte.materials import load_material

    try:
        return load_material(name, folder=case.folder)
    except (CatholyteError, OSError, ValueError):
        return None


def phase_faults(name: str, phase: PhaseSection, kind: str | None, chemistry: Chemistry | None) -> Found:
    """Yield what is wrong with the composition and the lattices of a phase."""
    path: KeyPath = ("phases", name)
    if chemistry is None:
        for key in _OF_STOCKS:
            if getattr(phase, key):
                what = "a void" if phase.is_void else f"the material {phase.material}"
                yield Fault((*path, key), f"this key for a material with lattices only; {what} has none")
        return
    if kind == "active":
        for key in _OF_HOSTS:
            if getattr(phase, key) is not None:
                expected = f"no {key}: {phase.material} has lattices"
                if key == "D":
                    expected += f", whose diffusivities are given like lattices.{next(iter(chemistry.lattices))}.D"
                yield Fault((*path, key), expected)
    for lattice in phase.lattices:
        if lattice not in chemistry.lattices:
            known = ", ".join(chemistry.lattices)
            expected = f"the name of a lattice of {phase.material} ({known})"
            yield Fault((*path, "lattices", lattice), expected, nearest(lattice, chemistry.lattices))
    if phase.composition is not None:
        yield from _composition((*path, "composition"), phase.material, phase.composition, chemistry)


def _composition(path: KeyPath, material: str, given: Mapping[str, float], chemistry: Chemistry) -> Found:
    unknown = [species for species in given if species not in chemistry.species]
    for species in unknown:
        known = ", ".join(chemistry.species)
        yield Fault((*path, species), f"a species of {material} ({known})", nearest(species, chemistry.species))
    if unknown:
        return
    for lattice in chemistry.lattices.values():
        named = [species for species in given if species in lattice.species]
        if not named:
            continue
        fractions = start(given, chemistry)
        total = sum(fractions[species] for species in lattice.species)
        what = f"of the lattice {lattice.name} ({', '.join(lattice.species)})"
        if lattice.filling == "full" and abs(total - 1.0) > _ROUNDING:
            yield Fault((*path, named[-1]), f"fractions {what} that sum to 1, not {total:.6g}")
        elif total > 1.0 + _ROUNDING:
            yield Fault((*path, named[-1]), f"fractions {what} that sum to at most 1, not {total:.6g}")


def start(given: Mapping[str, float], chemistry: Chemistry) -> dict[str, float]:
    """Return the fraction of every species at the start.

    On a full lattice of which one species is given, those that are not given are absent; elsewhere they have what the
    material gives.
    """
    fractions = {}
    for lattice in chemistry.lattices.values():
        counted = lattice.filling == "full" and any(species in given for species in lattice.species)
        for species in lattice.species:
            fractions[species] = given.get(species, 0.0 if counted else chemistry.species[species].initial)
    return fractions


def reacts_with_species(a: str, b: str, kinds: Mapping[str, str | None], chemistries: Chemistries) -> bool | None:
    """Whether two phases react through a network; None where no phase of the pair could."""
    for carrier, salt in ((a, b), (b, a)):
        if kinds.get(salt) not in ("electrolyte", "separator"):
            continue
        if kinds.get(carrier) == "active":
            return chemistries.get(carrier) is not None
        if kinds.get(carrier) == "conductor":
            return chemistries.get(salt) is not None
    return None


def interface_faults(path: KeyPath, section: InterfaceSection, *, network: bool) -> Found:
    """Yield the keys that a pair which reacts through a network, or by intercalation, does not read."""
    if network and section.kinetics is not None:
        yield Fault((*path, "kinetics"), "reactions: this pair reacts through a network, a table each, not by kinetics")
    if not network and section.reactions:
        expected = "kinetics: this pair intercalates; reactions are meant for a material with lattices"
        yield Fault((*path, "reactions"), expected)


def electrode_faults(case: Case, kinds: Mapping[str, str | None], chemistries: Chemistries) -> Found:
    """Yield what is wrong with the state at the start and with the mass that specific amounts refer to."""
    actives = [name for name, kind in kinds.items() if kind == "active"]
    hosts = [name for name in actives if chemistries.get(name) is None]
    unknown = None in kinds.values()
    initial = case.cell.initial
    if initial is None:
        if hosts:
            expected = 'the state at the start, by voltage or by lithiation, like { voltage = "4.2 V" }'
            yield Fault(("cell", "initial"), expected)
    elif (initial.voltage is None) == (initial.lithiation is None):
        yield Fault(("cell", "initial"), "exactly one of voltage, like '4.2 V', and lithiation, like 0.3")
    elif not hosts and not unknown:
        like = f"phases.{actives[0]}.composition" if actives else "the composition of the electrolyte"
        yield Fault(("cell", "initial"), f"no such key: nothing intercalates; {like} gives the state at the start")
    basis = case.cell.mass_basis
    for name in basis or ():
        if name not in case.phases or kinds.get(name) == "void":
            solids = [each for each in case.phases if kinds.get(each) != "void"]
            expected = f"the name of a phase that has a mass ({', '.join(solids)})"
            yield Fault(("cell", "mass_basis"), expected, nearest(name, solids))
    if basis is None and not actives and not unknown and "conductor" in kinds.values():
        expected = "the phase whose mass specific amounts refer to, like 'catholyte': no phase is active"
        yield Fault(("cell", "mass_basis"), expected)
