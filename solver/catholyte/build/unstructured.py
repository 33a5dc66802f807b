"""From [mesh] and [phases] to an unstructured mesh: from a file, from a shape, or from the smoothed image of a case."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from catholyte.build.geometry import COLLECTOR, SEPARATOR, geometry
from catholyte.build.grains import grain_image
from catholyte.build.keys import in_case
from catholyte.case.check_meshes import shape_of
from catholyte.case.schema import Case
from catholyte.case.unstructured_tables import SMOOTHING, MeshFile, ShapeMesh
from catholyte.errors import InputError, InputErrors, nearest
from catholyte.materials import Material
from catholyte.mesh.checks import check_cells
from catholyte.mesh.elements import lumped_mass
from catholyte.mesh.graph import Graph
from catholyte.mesh.meshfile import read_mesh
from catholyte.mesh.nodes import NodeMesh, node_graph
from catholyte.mesh.shapes import build
from catholyte.mesh.smooth import tetrahedra
from catholyte.mesh.unstructured import UnstructuredMesh

_TERMINALS = ("counter", "collector")
#: units of length of files in m
UNITS = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "nm": 1e-9}


@dataclass(frozen=True, eq=False)
class UnstructuredGeometry:
    """An unstructured mesh whose regions are phases.

    Attributes
    ----------
    mesh
        Points, cells and tagged facets.
    phase_names
        Phases of the case; ``separator`` and ``collector`` follow those of the case.
    graph
        All cells: the surroundings of nodes.
    nodes
        Points of the cells, and the elements between them.
    cross_section
        Area that current densities refer to in m².
    volumes
        Volume of every phase in m³, voids included.
    """

    mesh: UnstructuredMesh
    phase_names: tuple[str, ...]
    graph: Graph
    nodes: NodeMesh
    cross_section: float
    volumes: Mapping[str, float]

    @property
    def thickness(self) -> float:
        """Volume of the electrode over the cross-section in m."""
        return self._electrode / self.cross_section

    @property
    def shares(self) -> dict[str, float]:
        """Volume share of every phase in the electrode."""
        layers = (SEPARATOR, COLLECTOR)
        return {name: self.volumes[name] / self._electrode for name in self.phase_names if name not in layers}

    @property
    def _electrode(self) -> float:
        layers = (SEPARATOR, COLLECTOR)
        return sum(self.volumes[name] for name in self.phase_names if name not in layers)

    @cached_property
    def sha256(self) -> str:
        """Hash of what the graph is made from."""
        digest = hashlib.sha256(repr((self.phase_names, self.mesh.symmetry, self.cross_section)).encode())
        graph = self.graph
        parts = [self.mesh.points, graph.volume, graph.phase, graph.cell_a, graph.cell_b, graph.area]
        parts += [getattr(t, name) for t in graph.terminals.values() for name in ("cell", "area")]
        for part in [*parts, *([] if graph.grain is None else [graph.grain])]:
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def layer(self, name: str) -> float:
        """Return the thickness in m of the separator or the collector, zero where there is none."""
        return self.volumes.get(name, 0.0) / self.cross_section


def unstructured_geometry(case: Case, materials: Mapping[str, Material]) -> UnstructuredGeometry:
    """Read or make the mesh of a case.

    Raises
    ------
    InputError
        If the mesh cannot be read or made, or its regions and tags are not those of the case.
    MeshError
        If cells are turned over, or parts of the mesh do not hang together.
    """
    if case.mesh.file is not None:
        return _from_file(case, case.mesh.file)
    if case.mesh.shape is not None:
        return _from_shape(case, case.mesh.shape)
    return _from_image(case, materials)


def _from_file(case: Case, file: MeshFile) -> UnstructuredGeometry:
    path = case.folder / Path(file.path)
    if not path.is_file():
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError("mesh.file.path", file.path, "an existing file", nearest(path.name, beside))
    mesh = read_mesh(path, unit=UNITS[file.unit], symmetry=file.symmetry, key="mesh.file.path")
    tags = {name: getattr(file, name) for name in _TERMINALS}
    for name, tag in tags.items():
        if tag not in mesh.tag_names:
            known = ", ".join(mesh.tag_names) or "none"
            expected = f"the tag of the facets at the {name} among those of the mesh ({known})"
            raise InputError(f"mesh.file.{name}", tag, expected, nearest(tag, mesh.tag_names))
    return _geometry(case, mesh, tags, cross_section=file.cross_section)


def _from_shape(case: Case, given: ShapeMesh) -> UnstructuredGeometry:
    with in_case({SEPARATOR: "mesh.separator.thickness"}, "mesh.shape."):
        mesh = build(shape_of(case, given))
    return _geometry(case, mesh, {name: name for name in _TERMINALS})


def _from_image(case: Case, materials: Mapping[str, Material]) -> UnstructuredGeometry:
    """Return the smooth mesh of the image of a case, with its layers."""
    image, names = geometry(case, materials), tuple(case.phases)
    voids = [index for index, name in enumerate(names) if case.phases[name].is_void]
    grains, smoothing = grain_image(case, image), case.mesh.smoothing
    mesh = tetrahedra(
        image.labels,
        image.spacing,
        image.phase_names,
        smoothing=SMOOTHING if smoothing is None else smoothing,
        excluded=voids,
        grains=grains,
    )
    tags = {name: name for name in _TERMINALS}
    of_themselves = {name: name for name in image.phase_names}
    made = _graph(case, mesh, tags, of_themselves, image.cross_section)
    electrode = image.thickness * image.cross_section
    filled = sum(made.volumes[name] for name in names if not case.phases[name].is_void)
    # where something is void, smoothing moves volume between it and the others
    share = {names[index]: image.shares[names[index]] for index in voids}
    total = sum(share.values())
    free = {name: (electrode - filled) * part / total for name, part in share.items() if total > 0.0}
    return dataclasses.replace(made, volumes={**made.volumes, **free})


def _geometry(
    case: Case, mesh: UnstructuredMesh, tags: Mapping[str, str], *, cross_section: float | None = None
) -> UnstructuredGeometry:
    """Return the geometry of a mesh whose regions the phases of the case name."""
    return _graph(case, mesh, tags, _phase_of(case, mesh), cross_section)


def _phase_of(case: Case, mesh: UnstructuredMesh) -> dict[str, str]:
    """Return the phase of every region.

    Raises
    ------
    InputErrors
        If a phase names a region that is not there or that another one has, or no phase names a region.
    """
    claims = {
        **{name: (f"phases.{name}.region", phase.region or (name,)) for name, phase in case.phases.items()},
        **{name: (f"mesh.{name}", (name,)) for name in (SEPARATOR, COLLECTOR) if getattr(case.mesh, name) is not None},
    }
    known, found = ", ".join(mesh.region_names), dict[str, str]()
    errors = []
    for name, (key, regions) in claims.items():
        for region in regions:
            if region not in mesh.region_names:
                expected = f"a region of the mesh ({known})"
                errors.append(InputError(key, region, expected, nearest(region, mesh.region_names)))
            elif region in found:
                errors.append(InputError(key, region, f"a region of its own; {found[region]} has this one"))
            else:
                found[region] = name
    left = [region for region in mesh.region_names if region not in found]
    if left and not errors:  # a region of a misspelt name is told once
        expected = "phases whose regions are all of those of the mesh; a region of no use is that of a void"
        errors.append(InputError("phases", f"without {', '.join(left)}", expected))
    if errors:
        raise InputErrors(errors)
    return found


def _graph(
    case: Case,
    mesh: UnstructuredMesh,
    tags: Mapping[str, str],
    phase_of: Mapping[str, str],
    cross_section: float | None,
) -> UnstructuredGeometry:
    # islands in an image are left out like all that does not percolate
    check_cells(mesh, connected=case.mesh.file is not None or case.mesh.shape is not None)
    voids = [name for name, phase in case.phases.items() if phase.is_void]
    apart = [name for name, phase in case.phases.items() if phase.grains is not None]
    graph, nodes = node_graph(mesh, terminals=tags, apart=apart, excluded=voids, phase_of=phase_of)
    layers = tuple(name for name in (SEPARATOR, COLLECTOR) if name in phase_of.values())
    volumes = dict.fromkeys((*case.phases, *layers), 0.0)
    for block in mesh.cells:
        of_cells = lumped_mass(block.kind, mesh.points[block.nodes], mesh.symmetry).sum(axis=1)
        sums = np.bincount(block.region, weights=of_cells, minlength=len(mesh.region_names))
        for region, volume in zip(mesh.region_names, sums.tolist(), strict=True):
            volumes[phase_of[region]] += volume
    if cross_section is None:
        cross_section = float(graph.terminals["counter"].area.sum())
    return UnstructuredGeometry(mesh, (*case.phases, *layers), graph, nodes, cross_section, volumes)
