"""What the tables of a case mean together: every contradiction is a fault that names the key.

Nothing is read here but material files; what only the image can tell (its labels, its size) is checked when
the geometry is made.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from pathlib import PurePath

from catholyte.case.check_interfaces import interface_tables
from catholyte.case.check_layers import layer_faults
from catholyte.case.check_meshes import mesh_faults
from catholyte.case.check_particles import particle_faults
from catholyte.case.chemistry import (
    Chemistries,
    electrode_faults,
    load_chemistries,
    phase_faults,
)
from catholyte.case.faults import Fault, dotted
from catholyte.case.faults import Path as KeyPath
from catholyte.case.mesh_tables import ImageMesh, LaminateMesh
from catholyte.case.schema import Case, ElementSection, PhaseSection
from catholyte.errors import InputError, InputErrors, nearest

SEPARATOR, COLLECTOR = "separator", "collector"

_GEOMETRIES = ("image", "packing", "blend", "laminate", "layers", "particle", "file", "shape")
_MATERIAL_KEYS = (
    "sigma_e",
    "sigma_i",
    "D",
    "density",
    "maximum_concentration",
    "active_share",
    "molar_mass",
    "nominal_capacity",
    "equilibrium_potential",
    "transport",
)
_ACTIVE_KEYS = ("D", "maximum_concentration", "nominal_capacity", "equilibrium_potential", "transport")
#: keys of a phase that say where it is -> the geometries that read them
_PLACE_KEYS: Mapping[str, tuple[str, ...]] = {
    "label": ("image",),
    "region": ("file", "shape"),
    "mass_share": ("packing", "blend", "layers"),
    "volume_share": ("packing", "blend", "layers"),
    "diameter": ("packing",),
    "placement": ("packing",),
    "thickness": ("packing",),
}
#: kinds of circuit elements -> the keys they need; one of those in a tuple
_ELEMENT_KEYS: Mapping[str, tuple[str | tuple[str, ...], ...]] = {
    "RC": ("resistance", ("capacitance", "time_constant")),
    "ZARC": ("resistance", ("time_constant", "capacitance"), "exponent"),
    "Warburg": ("resistance", "time_constant", "end"),
    "inductance": ("inductance",),
}
_ALL_ELEMENT_KEYS = [key for key in ElementSection.model_fields if key != "kind"]
_MOST_PHASES = 250  # phase indices are bytes, and layers need some
Found = Iterator[Fault | InputError]


def contradictions(case: Case) -> Found:
    """Yield all faults of a case whose values are each of the right form."""
    kinds: dict[str, str | None] = {}  # None: the material could not be read, which is a fault of its own
    for name, phase in case.phases.items():
        kinds[name] = "void"
        if not phase.is_void:
            kinds[name] = yield from _kind(case, ("phases", name, "material"), phase.material)
    chemistries = load_chemistries(case)
    geometry = yield from _geometry(case)
    yield from _names(case)
    for name, phase in case.phases.items():
        if kinds[name] is not None:
            yield from phase_faults(name, phase, kinds[name], chemistries.get(name))
        yield from _material_keys(case, name, phase, kinds[name])
        if geometry is not None:
            yield from _place_keys(name, phase, kinds[name], geometry)
    yield from _layers(case, kinds, chemistries)
    if geometry == "image":
        yield from _labels(case)
    elif case.mesh.laminate is not None and geometry == "laminate":
        yield from _stack(case, case.mesh.laminate)
    elif geometry not in (None, "particle", "file", "shape"):
        yield from _shares(case, kinds, may_fill=geometry in ("packing", "layers"))
    if geometry == "packing":
        yield from _matrix(kinds)
    if case.mesh.layers is not None and geometry == "layers":
        yield from layer_faults(case, case.mesh.layers, kinds)
    if case.mesh.particle is not None and geometry == "particle":
        yield from particle_faults(case, case.mesh.particle, kinds, chemistries)
    if geometry is not None:
        yield from mesh_faults(case, geometry)
    yield from interface_tables(case, kinds, chemistries)
    yield from electrode_faults(case, kinds, chemistries)
    yield from _cell(case)
    yield from _protocol(case)


# ------------------------------------------------------------------------------------------------- materials


def _kind(
    case: Case, path: KeyPath, name: str, wanted: tuple[str, ...] = ("active", "electrolyte", "conductor")
) -> Generator[Fault | InputError, None, str | None]:
    """Return the kind of a material, or None after yielding why it cannot be used."""
    from catholyte.materials import load_material

    try:
        kind = load_material(name, folder=case.folder).kind
    except InputError as error:
        yield Fault(path, error.expected, error.suggestion) if error.key == "material" else error
        return None
    except (OSError, ValueError) as error:  # no permission, a name too long; not UTF-8
        yield Fault(path, f"a material file that can be read ({error})")
        return None
    if kind not in wanted:
        yield Fault(path, f"a material of the kind {' or '.join(wanted)}; {name} is of the kind {kind}")
        return None
    return kind


def _material_keys(case: Case, name: str, phase: PhaseSection, kind: str | None) -> Found:
    """Refuse properties that nothing would read."""
    given = [key for key in _MATERIAL_KEYS if getattr(phase, key) is not None]
    for key in given:
        if kind == "void":
            yield Fault(("phases", name, key), "no material property for a void")
        elif key in _ACTIVE_KEYS and kind in ("electrolyte", "conductor"):
            yield Fault(("phases", name, key), f"this key for an active material only; {name} is of kind {kind}")
    if kind == "void" and phase.permittivity is not None:
        yield Fault(("phases", name, "permittivity"), "no permittivity for a void, which is not meshed")
    if kind in ("active", None) and phase.equilibrium_potential is not None:
        from catholyte.materials import read_equilibrium_potential

        path = ("phases", name, "equilibrium_potential")
        try:
            read_equilibrium_potential(phase.equilibrium_potential, key=dotted(path), folder=case.folder)
        except InputError as error:
            yield error
        except (OSError, ValueError) as error:
            yield Fault(path, f"a table that can be read ({error})")


# -------------------------------------------------------------------------------------------------- geometry


def _geometry(case: Case) -> Generator[Fault | InputError, None, str | None]:
    """Return which geometry the case has, or None after yielding why that is unclear."""
    given = [name for name in _GEOMETRIES if getattr(case.mesh, name) is not None]
    if len(given) != 1:
        said = f", not both {' and '.join(given)}" if given else ""
        path = ("mesh", given[1] if given else _GEOMETRIES[0])
        yield Fault(path, f"exactly one of the tables {', '.join(_GEOMETRIES)} in [mesh]{said}")
        return None
    if case.mesh.image is not None:
        yield from _image(case.mesh.image)
    return given[0]


def _image(image: ImageMesh) -> Found:
    path = ("mesh", "image")
    if (image.file is None) == (image.name is None):
        yield Fault((*path, "file"), "exactly one of file (a path) and name (an image of the catalogue)")
        return
    if image.file is None:
        for key in ("shape", "dtype", "array"):
            if getattr(image, key) is not None:
                yield Fault((*path, key), "this key with file only; the catalogue knows it")
        return
    if image.voxel_size is None:
        yield Fault((*path, "voxel_size"), "the edge of a voxel, like '0.4 um', or three of them (z, y, x)")
    suffix = PurePath(image.file).suffix.lower()
    for key in ("shape", "dtype"):
        if suffix == ".raw" and getattr(image, key) is None:
            what = "the shape [z, y, x]" if key == "shape" else "the number type, like 'uint8',"
            yield Fault((*path, key), f"{what} of the .raw file")
        if suffix != ".raw" and getattr(image, key) is not None:
            yield Fault((*path, key), f"this key for .raw files only; a {suffix or 'file without suffix'} is not")
    if image.array is not None and suffix not in (".npz", ".vti"):
        yield Fault((*path, "array"), "this key for .npz and .vti files only, which can hold several arrays")


def _layers(case: Case, kinds: Mapping[str, str | None], chemistries: Chemistries) -> Found:
    electrolytes = [name for name, kind in kinds.items() if kind == "electrolyte"]
    separator, collector = case.mesh.separator, case.mesh.collector
    unknown = None in kinds.values()
    reacts = "conductor" in kinds.values() and any(chemistries.get(name) is not None for name in electrolytes)
    if "active" not in kinds.values() and not unknown and not reacts:
        yield Fault(("phases",), "at least one phase of an active material, or a conductor against what has reactions")
    if separator is None:
        if not electrolytes and not unknown:
            yield Fault(("phases",), "at least one phase of an electrolyte, or a separator in [mesh]")
    elif separator.material is not None:
        yield from _kind(case, ("mesh", "separator", "material"), separator.material, ("electrolyte",))
    elif len(electrolytes) != 1 and not unknown:
        several = f"the case has several ({', '.join(electrolytes)})" if electrolytes else "the case has none"
        yield Fault(
            ("mesh", "separator"),
            "a separator with its own material, like { thickness = '4 um', material = 'Li6PS5Cl' }; "
            f"it takes that of the electrolyte only if there is one, and {several}",
        )
    if collector is not None:
        yield from _kind(case, ("mesh", "collector", "material"), collector.material, ("conductor",))


def _names(case: Case) -> Found:
    if len(case.phases) > _MOST_PHASES:
        yield Fault(("phases",), f"at most {_MOST_PHASES} phases")
    for name in case.phases:
        if name in (SEPARATOR, COLLECTOR):
            yield Fault(("phases", name), f"another name; {name!r} is the layer of [mesh]")
        elif "|" in name or not name.strip():
            yield Fault(("phases", name), "a name that is not empty and without '|', which parts the names of a pair")


def _place_keys(name: str, phase: PhaseSection, kind: str | None, geometry: str) -> Found:
    """Refuse keys that the geometry does not read, and ask for those that it needs."""
    path = ("phases", name)
    unread = False
    for key, readers in _PLACE_KEYS.items():
        if getattr(phase, key) is not None and geometry not in readers:
            unread = True
            yield Fault((*path, key), f"this key with mesh.{' or mesh.'.join(readers)} only, not with mesh.{geometry}")
    if geometry != "packing" or unread or kind is None:
        return
    if kind != "conductor":
        for key in ("placement", "thickness"):
            if getattr(phase, key) is not None:
                yield Fault((*path, key), f"this key for a conductor only; {name} is of kind {kind}")
    if kind == "conductor" and phase.placement == "coating":
        if phase.thickness is None:
            yield Fault((*path, "thickness"), "the thickness of the coating, like '50 nm'")
        if phase.diameter is not None:
            yield Fault((*path, "diameter"), "no diameter for a coating, which has a thickness")
        return
    if kind == "conductor" and phase.thickness is not None:
        yield Fault((*path, "thickness"), 'this key with placement = "coating" only')
    if kind in ("active", "conductor") and phase.diameter is None:
        yield Fault((*path, "diameter"), "the diameter of the particles, like '3 um'")
    if kind == "electrolyte" and phase.diameter is not None:
        yield Fault((*path, "diameter"), "no diameter for the electrolyte, which fills what the others leave")
    if kind != "active" and phase.diameter is not None and phase.diameter.spread > 0.0:
        yield Fault((*path, "diameter", "spread"), "0: only particles of an active material have a spread of sizes")


def _labels(case: Case) -> Found:
    owner: dict[int, str] = {}
    for name, phase in case.phases.items():
        if phase.label is None:
            yield Fault(("phases", name, "label"), "the label of this phase in the image, like 1 or [1, 2]")
            continue
        for label in phase.label:
            if label in owner:
                yield Fault(("phases", name, "label"), f"a label of its own; phases.{owner[label]} has {label}")
            owner.setdefault(label, name)


def _stack(case: Case, laminate: LaminateMesh) -> Found:
    for number, (name, _) in enumerate(laminate.stack):
        if name not in case.phases:
            known = ", ".join(case.phases)
            path = ("mesh", "laminate", "stack", number, 0)
            yield Fault(path, f"the name of a phase ({known})", nearest(name, case.phases))
    standing = {name for name, _ in laminate.stack}
    for name in case.phases:
        if name not in standing:
            yield Fault(("phases", name), "a phase that stands in mesh.laminate.stack; this one does not")


def _shares(case: Case, kinds: Mapping[str, str | None], *, may_fill: bool) -> Found:
    """Check that shares fill the electrode: of the whole volume, and of the solids' mass in what is left."""
    by_mass = {name: phase.mass_share for name, phase in case.phases.items() if phase.mass_share is not None}
    by_volume = {name: phase.volume_share for name, phase in case.phases.items() if phase.volume_share is not None}
    for name in by_mass:
        if kinds[name] == "void":
            yield Fault(("phases", name, "mass_share"), "volume_share for a void, which has no mass")
        elif name in by_volume:
            yield Fault(("phases", name, "volume_share"), "one of mass_share and volume_share, not both")
    without = [name for name in case.phases if name not in by_mass and name not in by_volume]
    # what fills the rest needs no share, unless other shares are relative to its mass
    filling = [name for name in without if may_fill and not by_mass and kinds[name] == "electrolyte"]
    for name in without:
        if name not in filling:
            key = "volume_share" if kinds[name] == "void" or not by_mass else "mass_share"
            yield Fault(("phases", name, key), "the share of this phase, like 0.3 or '30 %'")
    if by_mass and sum(by_mass.values()) == 0.0:
        yield Fault(("phases", next(iter(by_mass)), "mass_share"), "mass shares that are not all zero")
    if not by_volume:
        return
    total = sum(by_volume.values())
    last = ("phases", list(by_volume)[-1], "volume_share")
    if by_mass or filling:
        if total >= 1.0:
            left = "the phases with a mass share" if by_mass else filling[0]
            yield Fault(last, f"volume shares that leave room for {left}, not {total:.6g} in all")
    elif not without and abs(total - 1.0) > 1e-6:
        yield Fault(last, f"volume shares that sum to 1, not {total:.6g}")


def _matrix(kinds: Mapping[str, str | None]) -> Found:
    matrix = [name for name, kind in kinds.items() if kind == "electrolyte"]
    if len(matrix) > 1:
        expected = f"one electrolyte, the matrix of the packing; {matrix[0]} is another"
        yield Fault(("phases", matrix[1], "material"), expected)
    if not matrix and None not in kinds.values():
        yield Fault(("phases",), "one phase of an electrolyte, the matrix of the packing")


# --------------------------------------------------------------------------------------- cell and experiment


def _cell(case: Case) -> Found:
    yield from _kind(case, ("cell", "counter", "material"), case.cell.counter.material, ("counter",))
    for number, element in enumerate(case.cell.elements):
        yield from _element(("cell", "elements", number), element)
    first, largest = case.solver.first_step, case.solver.largest_step
    if first is not None and largest is not None and first > largest:
        yield Fault(("solver", "first_step"), "a time of at most solver.largest_step")


def _element(path: KeyPath, element: ElementSection) -> Found:
    """Ask for the keys that a circuit element of its kind has, and refuse those that it does not read."""
    needed = [(keys,) if isinstance(keys, str) else keys for keys in _ELEMENT_KEYS[element.kind]]
    read = [key for keys in needed for key in keys]
    given = [key for key in _ALL_ELEMENT_KEYS if getattr(element, key) is not None]
    missing = [keys for keys in needed if not set(keys) & set(given)]
    for key in given:
        if key not in read:
            still = [name for keys in missing for name in keys]
            expected = f"one of the keys of the kind {element.kind!r}: {', '.join(read)}"
            yield Fault((*path, key), expected, still[0] if len(still) == 1 else None)
    for keys in needed:
        if len(chosen := [key for key in keys if key in given]) > 1:
            yield Fault((*path, chosen[1]), f"one of {' and '.join(keys)}, not both")
    for keys in missing:
        yield Fault((*path, keys[0]), f"{' or '.join(keys)} of an element of the kind {element.kind!r}")


def _protocol(case: Case) -> Found:
    from catholyte.experiment import Program

    section = case.experiment
    try:
        Program.parse(section.steps, repeat=section.repeat, until=section.until, continued=section.continued)
    except InputError as error:
        yield error
    except InputErrors as errors:
        yield from errors.errors
