"""What [mesh.particle] means together with the rest of a case."""

from __future__ import annotations

from catholyte.case.check_layers import Faults, Kinds, named_phase, size_faults
from catholyte.case.chemistry import Chemistries
from catholyte.case.faults import Fault
from catholyte.case.particle_tables import ParticleMesh
from catholyte.case.schema import Case

_PATH = ("mesh", "particle")


def particle_faults(case: Case, particle: ParticleMesh, kinds: Kinds, chemistries: Chemistries) -> Faults:
    """Yield the faults of [mesh.particle]; ``kinds`` is None for a phase whose material could not be read."""
    if (particle.thickness is None) == (particle.loading is None):
        yield Fault((*_PATH, "loading"), "exactly one of loading, like '1 mg/cm2', and thickness, like '2 um'")
    yield from size_faults((*_PATH, "diameter"), particle.diameter)
    for name in ("separator", "collector"):
        if getattr(case.mesh, name) is not None:
            expected = f"no {name} with mesh.particle; a resistance in series belongs in cell.series_resistance"
            yield Fault(("mesh", name), expected)
    if case.mesh.side_walls != "sealed":
        yield Fault(("mesh", "side_walls"), "this key with a mesh of voxels only; particles have no side walls")
    active = yield from named_phase((*_PATH, "phase"), particle.phase, kinds, ("active",))
    if active is None or None in kinds.values():
        return
    electrolytes = [name for name, kind in kinds.items() if kind == "electrolyte"]
    if len(electrolytes) != 1:
        if electrolytes:  # a case without any is refused whatever its geometry
            expected = f"one phase of an electrolyte around the particles, not {' and '.join(electrolytes)}"
            yield Fault(("phases", electrolytes[1], "material"), expected)
        return
    for name, kind in kinds.items():
        if name not in (active, electrolytes[0]):
            expected = f"no phase beside the particles ({active}) and their electrolyte ({electrolytes[0]})"
            yield Fault(("phases", name), f"{expected}; {name} is of kind {kind}")
    if chemistries.get(electrolytes[0]) is not None:
        expected = (
            "an electrolyte without species: around a single particle there is none to supply them; "
            "mesh.layers gives every domain its electrolyte"
        )
        yield Fault(("phases", electrolytes[0], "material"), expected)
    yield from _pairs(case, active, electrolytes[0])


def _pairs(case: Case, active: str, electrolyte: str) -> Faults:
    """Refuse interfaces that particles do not have."""
    meet = (frozenset((active, electrolyte)), frozenset((active, "collector")))
    for name in case.interfaces:
        pair = frozenset(name.split("|"))
        if pair not in meet and all(side in (*case.phases, "collector") for side in pair):
            expected = f"an interface of the particles ({active}|{electrolyte}, {active}|collector)"
            yield Fault(("interfaces", name), expected)
