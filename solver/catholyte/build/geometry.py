"""From the [mesh] and [phases] tables of a case to a label image."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from catholyte.case.mesh_tables import BlendMesh, ImageMesh, LaminateMesh, PackingMesh
from catholyte.case.schema import Case, PhaseSection
from catholyte.errors import InputError
from catholyte.materials import Material
from catholyte.mesh import generate, images

SEPARATOR, COLLECTOR = "separator", "collector"
Spacing = tuple[float, float, float]


class Place(Protocol):
    """What every geometry tells of itself; lengths in m, areas in m²."""

    @property
    def phase_names(self) -> tuple[str, ...]:
        """Phases of the recipe, and ``separator`` and ``collector`` if there are any."""

    @property
    def shares(self) -> Mapping[str, float]:
        """Volume share of every phase of the recipe in the electrode."""

    @property
    def thickness(self) -> float:
        """Volume of the electrode over its cross-section."""

    @property
    def cross_section(self) -> float:
        """Area that current densities refer to."""

    @property
    def sha256(self) -> str:
        """Hash of what the graph is made from."""

    def layer(self, name: str) -> float:
        """Return the thickness of the separator or the collector, zero where there is none."""


@dataclass(frozen=True)
class Geometry:
    """A label image in the program's own numbering.

    Attributes
    ----------
    labels
        Phase index of every voxel, shape (nz, ny, nx), counter electrode first.
    spacing
        Voxel edges along z, y, x in m.
    phase_names
        Names of the phases; ``separator`` and ``collector`` follow those of the case.
    electrode
        Layers along z that belong to the electrode, without separator and collector.
    """

    labels: NDArray[np.uint8]
    spacing: Spacing
    phase_names: tuple[str, ...]
    electrode: slice

    @property
    def cross_section(self) -> float:
        """Area of the image across the current in m²."""
        return self.labels.shape[1] * self.labels.shape[2] * self.spacing[1] * self.spacing[2]

    @property
    def thickness(self) -> float:
        """Thickness of the electrode in m."""
        return (self.electrode.stop - self.electrode.start) * self.spacing[0]

    @property
    def shares(self) -> dict[str, float]:
        """Volume share of every phase in the electrode, as it is in the image."""
        labels = self.labels[self.electrode]
        counts = np.bincount(labels.ravel(), minlength=len(self.phase_names)) / labels.size
        names = enumerate(self.phase_names)
        return {name: float(counts[k]) for k, name in names if name not in (SEPARATOR, COLLECTOR)}

    @property
    def sha256(self) -> str:
        """Hash of the label image with its spacing."""
        digest = hashlib.sha256(repr((self.labels.shape, self.spacing)).encode())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()

    def layer(self, name: str) -> float:
        """Return the thickness in m of the separator or the collector, zero where there is none."""
        if name not in self.phase_names:
            return 0.0
        voxels = np.count_nonzero(self.labels == self.phase_names.index(name))
        return float(voxels * self.spacing[0] / (self.labels.shape[1] * self.labels.shape[2]))


def geometry(case: Case, materials: Mapping[str, Material]) -> Geometry:
    """Read or generate the label image of a case and add the layers it asks for.

    Raises
    ------
    InputError
        If the image cannot be read, or its labels are not those of the case; if the case has no voxels.
    """
    names = tuple(case.phases)
    mesh = case.mesh
    for name, what in (("layers", "layers"), ("particle", "particles"), ("file", "elements"), ("shape", "elements")):
        if getattr(mesh, name) is not None:
            expected = f"image, packing, blend or laminate: {what} are no image of voxels"
            raise InputError(f"mesh.{name}", what, expected)
    if mesh.image is not None:
        labels, spacing = _image(case, mesh.image, names)
    elif mesh.packing is not None:
        labels, spacing = _packing(case.phases, mesh.packing, materials), mesh.packing.voxel_size
    elif mesh.blend is not None:
        labels, spacing = _blend(case.phases, mesh.blend, materials), mesh.blend.voxel_size
    else:
        assert mesh.laminate is not None
        labels, spacing = _laminate(mesh.laminate, names)
    n_electrode, before = labels.shape[0], 0
    if mesh.separator is not None:
        assert mesh.separator.thickness is not None
        names = (*names, SEPARATOR)
        before = _layers(mesh.separator.thickness, spacing[0], "mesh.separator.thickness")
        labels = generate.add_layer(labels, len(names) - 1, before, "low")
    if mesh.collector is not None:
        assert mesh.collector.thickness is not None
        names = (*names, COLLECTOR)
        after = _layers(mesh.collector.thickness, spacing[0], "mesh.collector.thickness")
        labels = generate.add_layer(labels, len(names) - 1, after, "high")
    return Geometry(np.ascontiguousarray(labels), spacing, names, slice(before, before + n_electrode))


def _layers(thickness: float, voxel: float, key: str) -> int:
    count = round(thickness / voxel)
    if count < 1 or abs(count * voxel - thickness) > 1e-6 * voxel * max(count, 1):
        nearest = max(count, 1) * voxel
        raise InputError(
            key, f"{thickness * 1e6:g} um", f"a whole number of voxels of {voxel * 1e6:g} um", f"{nearest * 1e6:g} um"
        )
    return count


def _image(case: Case, mesh: ImageMesh, names: tuple[str, ...]) -> tuple[NDArray[np.uint8], Spacing]:
    voxel_size = mesh.voxel_size
    if mesh.name is not None:
        from catholyte.mesh import catalogue

        entry = catalogue.entry(mesh.name)
        path = catalogue.fetch(mesh.name)
        if voxel_size is None:
            if entry.voxel_size is None:
                raise InputError("mesh.image.voxel_size", "missing", f"a length: {mesh.name} states none")
            voxel_size = (entry.voxel_size, entry.voxel_size, entry.voxel_size)
    else:
        assert mesh.file is not None
        path = case.folder / Path(mesh.file)
    raw = images.read_image(path, array=mesh.array, shape=mesh.shape, dtype=mesh.dtype)
    raw = images.orient(raw, mesh.axis, flip=mesh.flip)
    if mesh.crop is not None:
        raw = images.crop(raw, mesh.crop)
    index_of, key_of = {}, {}
    for index, name in enumerate(names):
        for label in case.phases[name].label or ():
            index_of[label] = index
            key_of[label] = f"phases.{name}.label"
    labels = images.relabel(raw, index_of, key_of=key_of)
    assert voxel_size is not None
    if mesh.downsample > 1:
        labels = images.downsample(labels, mesh.downsample)
        voxel_size = (
            voxel_size[0] * mesh.downsample,
            voxel_size[1] * mesh.downsample,
            voxel_size[2] * mesh.downsample,
        )
    return labels, voxel_size


def volume_shares(phases: Mapping[str, PhaseSection], materials: Mapping[str, Material]) -> dict[str, float]:
    """Return the volume share that the recipe gives every phase.

    Mass shares divide, by density, what phases with a volume share leave. One phase without either takes the rest.
    """
    shares = {name: p.volume_share for name, p in phases.items() if p.volume_share is not None}
    rest = 1.0 - sum(shares.values())
    specific = {
        name: p.mass_share / materials[name].property("density").value
        for name, p in phases.items()
        if p.mass_share is not None
    }
    total = sum(specific.values())
    shares |= {name: rest * volume / total for name, volume in specific.items()}
    for name in phases:
        shares.setdefault(name, max(1.0 - sum(shares.values()), 0.0))
    return {name: shares[name] for name in phases}


def _packing(
    phases: Mapping[str, PhaseSection], mesh: PackingMesh, materials: Mapping[str, Material]
) -> NDArray[np.uint8]:
    shares = volume_shares(phases, materials)
    parts: list[generate.Phase] = []
    matrix = -1
    for index, (name, phase) in enumerate(phases.items()):
        if phase.is_void:
            size = phase.diameter.median if phase.diameter is not None else None
            parts.append(generate.VoidPhase(index, shares[name], size, name=name))
        elif materials[name].kind == "electrolyte":
            matrix = index
        elif phase.placement == "coating":
            assert phase.thickness is not None
            parts.append(generate.CoatingPhase(index, shares[name], phase.thickness, name=name))
        elif materials[name].kind == "conductor":
            assert phase.diameter is not None
            parts.append(generate.DispersedPhase(index, shares[name], phase.diameter.median, name=name))
        else:
            assert phase.diameter is not None
            diameter = phase.diameter
            parts.append(generate.SpherePhase(index, shares[name], diameter.median, diameter.spread, name=name))
    return generate.packing(mesh.voxels, mesh.voxel_size, matrix=matrix, phases=parts, seed=mesh.seed)


def _blend(phases: Mapping[str, PhaseSection], mesh: BlendMesh, materials: Mapping[str, Material]) -> NDArray[np.uint8]:
    shares = volume_shares(phases, materials)
    return generate.blend(
        mesh.voxels,
        mesh.voxel_size,
        shares=list(shares.values()),
        domain_size=mesh.domain_size,
        seed=mesh.seed,
    )


def _laminate(mesh: LaminateMesh, names: tuple[str, ...]) -> tuple[NDArray[np.uint8], Spacing]:
    stack = [(names.index(name), thickness) for name, thickness in mesh.stack]
    return generate.laminate(mesh.voxel_size, mesh.cross_section, stack)
