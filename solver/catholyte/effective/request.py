"""From an image or a case to a conduction problem: what conducts how well, where, and between which plates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catholyte.effective.options import (
    KINDS,
    Conductivity,
    ImageOptions,
    Resistance,
    Spacing,
    Walls,
    read_conductivities,
    read_crop,
    read_resistances,
    read_shape,
    read_voxel_size,
)
from catholyte.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catholyte.case.schema import Case
    from catholyte.materials import Material

#: most phases that the solver tells apart
_MOST_PHASES = 254

#: property of materials and of cases -> (name in results, title)
_CARRIERS = {"sigma_i": ("ionic", "ionic conductivity"), "sigma_e": ("electronic", "electronic conductivity")}


@dataclass(frozen=True)
class PhaseOf:
    """A phase of the image: its name, its label in the file, and its kind where a case states it."""

    name: str
    label: int | None = None
    kind: str | None = None


@dataclass(frozen=True, eq=False)
class Quantity:
    """Something that flows.

    Attributes
    ----------
    name, title, unit
        What the results call it, in a word and in words, and the SI unit of its conductivity.
    sigma
        Conductivity of every phase, zero where it does not conduct.
    resistance
        Area resistance in Ω m² at faces between two phases, (n_phases, n_phases); None where there is none.
    """

    name: str
    title: str
    unit: str
    sigma: tuple[float, ...]
    resistance: NDArray[np.float64] | None = None

    @property
    def conducting(self) -> tuple[int, ...]:
        """Indices of the phases that conduct."""
        return tuple(k for k, value in enumerate(self.sigma) if value > 0.0)

    @property
    def reference(self) -> float | None:
        """The one conductivity of all that conducts; None if there are several, or resistances in between."""
        values = {self.sigma[k] for k in self.conducting}
        return values.pop() if len(values) == 1 and self.resistance is None else None


@dataclass(frozen=True)
class Plates:
    """Between which plates, beside which walls, and how exactly.

    Attributes
    ----------
    axes
        Directions to solve for.
    walls
        The four side walls of each; None for what the case says, sealed for an image.
    tolerance
        Allowed relative mismatch of the currents through the two plates.
    """

    axes: tuple[int, ...] = (0, 1, 2)
    walls: Walls | None = None
    tolerance: float = 1e-4


@dataclass(frozen=True, eq=False)
class Request:
    """A conduction problem in SI units.

    Attributes
    ----------
    source
        The image, or the title of the case.
    labels
        Phase index of every voxel, shape (nz, ny, nx).
    phases
        The phases, by index.
    voxel_size
        Edges along z, y, x in m; None where it is not known.
    quantities
        What flows; one for an image, ions and electrons for a case.
    plates, walls
        Directions and tolerance, and the side walls as they are taken.
    temperature
        In K, of a case.
    """

    source: str
    labels: NDArray[np.uint8]
    phases: tuple[PhaseOf, ...]
    voxel_size: Spacing | None
    quantities: tuple[Quantity, ...]
    plates: Plates
    walls: Walls = field(default="sealed")
    temperature: float | None = None

    @property
    def spacing(self) -> Spacing:
        """Voxel edges in m, or of length one if they are not known: nothing but areas depends on it then."""
        return self.voxel_size if self.voxel_size is not None else (1.0, 1.0, 1.0)

    @property
    def mesh_sha256(self) -> str:
        """Hash of the label image with its voxel size."""
        digest = hashlib.sha256(repr((self.labels.shape, self.voxel_size)).encode())
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


def is_case(source: str) -> bool:
    """Whether this names a case rather than an image."""
    return source.lower().endswith(".toml")


# ---------------------------------------------------------------------------------------------- an image


def from_image(image: str, options: ImageOptions, plates: Plates) -> Request:
    """Read an image and what is said of its labels.

    Parameters
    ----------
    image
        A file, or a name of the catalogue.
    options
        How to read it, and what conducts in it.
    plates
        Directions, walls and tolerance.

    Raises
    ------
    InputError
        If the image cannot be read, an option cannot be, or a label is not in the image.
    """
    _refuse_missing(image)
    conductivities = read_conductivities(options.sigma, options.phase)
    resistances = read_resistances(options.resistance)
    voxel_size = read_voxel_size(options.voxel_size) if options.voxel_size is not None else None
    raw, names, usual_size = _read(image, options)
    voxel_size = voxel_size if voxel_size is not None else usual_size
    if options.crop is not None:
        raw = raw[read_crop(options.crop, raw.shape)]
    labels, phases = _phases(image, raw, names)
    option = "--phase" if options.phase else "--sigma"
    quantity = _quantity(option, conductivities, resistances, phases)
    if quantity.resistance is not None and voxel_size is None:
        raise InputError("--voxel-size", None, "a length, like '0.4 um': resistances of interfaces need one")
    return Request(image, labels, phases, voxel_size, (quantity,), plates, plates.walls or "sealed")


def _refuse_missing(image: str) -> None:
    from catholyte.mesh.catalogue import catalogue
    from catholyte.mesh.images import require_file

    path = Path(image)
    if image in catalogue():
        return
    if not path.suffix and not path.exists():
        expected = "a case (.toml), an image file or a name of the catalogue (catholyte mesh list)"
        raise InputError("IMAGE", image, expected, nearest(image, catalogue()))
    require_file(path)


def _read(image: str, options: ImageOptions) -> tuple[NDArray[np.integer], dict[int, str], Spacing | None]:
    """Return the labels of a file or of the catalogue, their names, and the voxel size if they come with them."""
    from catholyte.mesh.catalogue import catalogue, entry, fetch
    from catholyte.mesh.images import read_image

    names: dict[int, str] = {}
    size: Spacing | None = None
    if image in catalogue():
        known = entry(image)
        names = {label: name for name, label in known.labels.items()}
        if known.voxel_size is not None:
            size = (known.voxel_size, known.voxel_size, known.voxel_size)
        path = fetch(image)
    else:
        path = Path(image)
    with _named_as_options():
        shape = read_shape(options.shape) if options.shape is not None else None
        return read_image(path, array=options.array, shape=shape, dtype=options.dtype), names, size


@contextmanager
def _named_as_options() -> Iterator[None]:
    """Let an error name the option (``--array``) where it would name the key of a case (``mesh.image.array``)."""
    try:
        yield
    except InputError as error:
        option = error.key.removeprefix("mesh.image.")
        if option == error.key:
            raise
        raise InputError(f"--{option}", error.value, error.expected, error.suggestion) from error


def _phases(
    image: str, raw: NDArray[np.integer], names: Mapping[int, str]
) -> tuple[NDArray[np.uint8], tuple[PhaseOf, ...]]:
    """Return the image with its labels numbered from zero, and what they are."""
    from catholyte.mesh.images import count_labels, relabel

    held = count_labels(raw)
    if len(held) > _MOST_PHASES:
        expected = f"a segmented image with at most {_MOST_PHASES} labels (a tomogram has to be segmented first)"
        raise InputError("IMAGE", f"{image} with {len(held)} labels", expected)
    labels = relabel(raw, {label: index for index, label in enumerate(held)})
    return labels, tuple(PhaseOf(names.get(label, str(label)), label) for label in held)


def _quantity(
    option: str,
    conductivities: Sequence[Conductivity],
    resistances: Sequence[Resistance],
    phases: Sequence[PhaseOf],
) -> Quantity:
    sigma: dict[int, Conductivity] = {}
    for entry in conductivities:
        index = _index(entry.phase, phases, option, entry.text)
        if index in sigma:
            raise InputError(option, entry.text, f"each label once; {sigma[index].text!r} names it too")
        sigma[index] = entry
    values = tuple(sigma[k].value if k in sigma else 0.0 for k in range(len(phases)))
    kind = conductivities[0].kind
    if resistances and kind != "conductivity":
        expected = "conductivities with their unit, like '2=0.18 mS/cm': a resistance in ohm m2 needs them"
        raise InputError(option, conductivities[0].text, expected)
    matrix = np.zeros((len(phases), len(phases)))
    seen: dict[frozenset[int], str] = {}
    for resistance in resistances:
        a, b = (_index(name, phases, "--resistance", resistance.text) for name in resistance.phases)
        if a == b:
            raise InputError(
                "--resistance", resistance.text, "two different phases: nothing divides a phase from itself"
            )
        for k in (a, b):
            if values[k] == 0.0:
                expected = f"two phases that conduct; {phases[k].name!r} has no conductivity"
                raise InputError("--resistance", resistance.text, expected)
        pair = frozenset((a, b))
        if pair in seen:
            raise InputError("--resistance", resistance.text, f"each pair once; {seen[pair]!r} names it too")
        seen[pair] = resistance.text
        matrix[a, b] = matrix[b, a] = resistance.value
    title = {"relative": "relative conductivity"}.get(kind, kind)
    return Quantity(kind, title, KINDS[kind][0], values, matrix if matrix.any() else None)


def _index(written: str, phases: Sequence[PhaseOf], option: str, text: str) -> int:
    """Return the phase that a label or a name means."""
    for index, phase in enumerate(phases):
        if written in (str(phase.label), phase.name):
            return index
    present = [str(p.label) if p.name == str(p.label) else f"{p.label} ({p.name})" for p in phases]
    if written.lstrip("-").isdigit():
        near = min((p.label for p in phases if p.label is not None), key=lambda held: (abs(held - int(written)), held))
        suggestion: str | None = str(near)
    else:
        suggestion = nearest(written, [p.name for p in phases])
    raise InputError(option, text, f"a label of the image: {', '.join(present)}", suggestion)


# ------------------------------------------------------------------------------------------------ a case


def from_case(path: Path, overrides: Sequence[str], plates: Plates) -> Request:
    """Read a case; ions and electrons are taken through its electrode, without separator and collector.

    The conductivities are those of the materials at the temperature of the case. Where two phases conduct the same,
    their contact resistance lies between them; ions that pass from an electrolyte into an active material that conducts
    them cross the film too. Charge transfer is no part of it.

    Raises
    ------
    InputError, InputErrors
        Whatever the case gives that cannot be used, or if nothing in it conducts.
    """
    from catholyte.build.cell import load_materials
    from catholyte.build.geometry import geometry
    from catholyte.case import read_case

    case = read_case(path, overrides)
    materials = load_materials(case)
    quantities = tuple(
        quantity for carrier in _CARRIERS if (quantity := _carried(case, materials, carrier)) is not None
    )
    if not quantities:
        raise InputError("phases", ", ".join(case.phases), "a material with sigma_i or sigma_e")
    image = geometry(case, materials)
    phases = tuple(PhaseOf(n, kind=materials[n].kind if n in materials else "void") for n in case.phases)
    labels = np.ascontiguousarray(image.labels[image.electrode])
    walls = plates.walls or case.mesh.side_walls
    return Request(case.title, labels, phases, image.spacing, quantities, plates, walls, case.cell.temperature)


def _carried(case: Case, materials: Mapping[str, Material], carrier: str) -> Quantity | None:
    """Return what carries ions or electrons in the phases of a case; None if nothing does."""
    names, T = list(case.phases), case.cell.temperature
    sigma = tuple(
        materials[name].property(carrier).at(T) if name in materials and carrier in materials[name].properties else 0.0
        for name in names
    )
    if not any(sigma):
        return None
    matrix = np.zeros((len(names), len(names)))
    for i, a in enumerate(names):
        for j, b in enumerate(names[:i]):
            section = case.interface(a, b)
            if section is None or sigma[i] == 0.0 or sigma[j] == 0.0:
                continue
            crosses_film = carrier == "sigma_i" and {materials[a].kind, materials[b].kind} == {"active", "electrolyte"}
            matrix[i, j] = section.contact_resistance + (section.film_resistance if crosses_film else 0.0)
            matrix[j, i] = matrix[i, j]
    name, title = _CARRIERS[carrier]
    return Quantity(name, title, "S/m", sigma, matrix if matrix.any() else None)
