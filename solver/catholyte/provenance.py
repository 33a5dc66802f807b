"""What a result says of its origin: versions, geometry, composition, memory."""

from __future__ import annotations

import importlib.metadata
import platform
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.build import Built
from catholyte.build.geometry import COLLECTOR, SEPARATOR, Geometry
from catholyte.build.layers import LayeredGeometry
from catholyte.build.particles import ParticleGeometry
from catholyte.build.places import voxel_areas
from catholyte.build.unstructured import UnstructuredGeometry
from catholyte.experiment import Program, Spectrum, Step
from catholyte.models.cathode import Cathode
from catholyte.results import ElementBlock, Elements, LayerCells, MeshRecord

#: kinds of controls by the name of their class
_KINDS = {
    "CurrentControl": "current",
    "VoltageControl": "voltage",
    "RestControl": "rest",
    "PowerControl": "power",
    "ResistanceControl": "resistance",
    "SweepControl": "sweep",
}
_PACKAGES = ("catholyte", "numpy", "scipy", "numba", "xarray", "zarr")


def provenance(built: Built, cathode: Cathode) -> dict[str, Any]:
    """Return what is known of a run before it begins; keys end in their SI unit where they have one."""
    design, mesh = built.design, built.case.mesh
    seed = next((part.seed for part in (mesh.packing, mesh.blend) if part is not None), None)
    return {
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES}
        | {"python": platform.python_version()},
        "title": built.case.title,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "mesh_sha256": built.mesh_sha256,
        "seed": seed,
        "unknowns": built.unknowns,
        "temperature_K": built.case.cell.temperature,
        "cell_area_m2": built.case.cell.area,
        "counter_potential_V": built.counter_potential,
        "thickness_m": design.thickness,
        "porosity": design.porosity,
        "volume_shares": dict(design.volume_shares),
        "active_areal_mass_kg_m2": design.active_areal_mass,
        "areal_mass_kg_m2": design.areal_mass,
        "nominal_capacity_As_kg": design.nominal_capacity,
        "theoretical_capacity_As_kg": design.theoretical_capacity,
        "separator_areal_mass_kg_m2": _layer_mass(built, SEPARATOR),
        "collector_areal_mass_kg_m2": _layer_mass(built, COLLECTOR),
        "interface_area_counted_m2_m2": _per_area(cathode, _reacting_area(cathode)),
        "interface_area_m2_m2": _per_area(cathode, _reacting_area(cathode) * _area_correction(built, cathode)),
        "active_volume_m3_m2": _per_area(cathode, float(cathode.graph.volume[cathode.active_cells].sum())),
        "tasks": task_list(built.program),
        "case_folder": str(built.case.folder.resolve()),
        "connected": dict(built.percolation.connected),
        "reacting": dict(built.percolation.reacting),
    }


def _reacting_area(cathode: Cathode) -> float:
    return sum(float(group.area.sum()) for group in cathode.reacting)


def _area_correction(built: Built, cathode: Cathode) -> float:
    """Return the area of the surfaces behind the voxels over that of the voxel faces, where the electrode reacts.

    Flat layers, shells and the facets of a mesh have the area of their faces, and so have corrected ones.
    """
    image = built.geometry
    if not isinstance(image, Geometry) or built.case.mesh.laminate is not None or built.surfaces:
        return 1.0
    areas = voxel_areas(built.case, image)
    pairs = [tuple(image.phase_names.index(name) for name in group.names) for group in cathode.reacting]
    counted = sum(float(areas.counted[pair]) for pair in pairs)
    return sum(float(areas.corrected[pair]) for pair in pairs) / counted


def _layer_mass(built: Built, name: str) -> float:
    """Return the mass of a layer that is meshed, in kg/m²; zero where there is none."""
    thickness = built.geometry.layer(name)
    return thickness * built.materials[name].property("density").value if thickness else 0.0


def _per_area(cathode: Cathode, value: float) -> float:
    return value / cathode.cell.cross_section


def task_list(program: Program) -> list[dict[str, str]]:
    """Return text, kind and role of every task of a protocol, by its number."""
    return [_task(task.item) for task in program.tasks]


def _task(item: Step | Spectrum) -> dict[str, str]:
    if isinstance(item, Spectrum):
        return {"text": item.text, "kind": "spectrum", "role": ""}
    return {"text": item.text, "kind": _KINDS[type(item.control).__name__], "role": item.role}


def mesh_record(built: Built) -> MeshRecord:
    """Return the geometry that the fields of a result belong to."""
    image, graph = built.geometry, built.graph
    if isinstance(image, LayeredGeometry | ParticleGeometry):
        places, volume = image.places, graph.volume / image.cross_section
        cells = LayerCells(places.depth, places.radius, places.size_class, volume)
        return MeshRecord.without_voxels(graph.phase_names, graph.phase, layers=cells)
    if isinstance(image, UnstructuredGeometry):
        elements = _elements(image, built.percolation.keep)
        return MeshRecord.without_voxels(graph.phase_names, graph.phase, elements=elements)
    assert graph.grid is not None
    return MeshRecord(
        shape=graph.grid.shape,
        spacing=image.spacing,
        labels=image.labels,
        phase_names=image.phase_names,
        cell_voxel=graph.grid.voxel,
        cell_phase=graph.phase,
    )


def _elements(mesh: UnstructuredGeometry, keep: NDArray[np.bool_]) -> Elements:
    """Return points and elements of a mesh, the points of the cells that take part first."""
    order = np.concatenate([np.flatnonzero(keep), np.flatnonzero(~keep)])
    place = np.empty(order.size, dtype=np.int32)
    place[order] = np.arange(order.size, dtype=np.int32)
    blocks = tuple(ElementBlock(b.kind, place[b.nodes], b.phase.astype(np.int16)) for b in mesh.nodes.blocks)
    volume = mesh.graph.volume[keep] / mesh.cross_section
    return Elements(mesh.nodes.points[order], blocks, volume, mesh.mesh.symmetry)


def peak_memory() -> float:
    """Return the largest resident memory of this process so far in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) * (1.0 if platform.system() == "Darwin" else 1024.0)
