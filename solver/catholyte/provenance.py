"""What a result says of its origin: versions, geometry, composition, memory."""

from __future__ import annotations

import importlib.metadata
import platform
from datetime import UTC, datetime
from typing import Any

from catholyte.build import Built
from catholyte.results import MeshRecord

_PACKAGES = ("catholyte", "numpy", "scipy", "numba", "xarray", "zarr")


def provenance(built: Built) -> dict[str, Any]:
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
        "connected": dict(built.percolation.connected),
        "reacting": dict(built.percolation.reacting),
    }


def mesh_record(built: Built) -> MeshRecord:
    """Return the geometry that the fields of a result belong to."""
    image, graph = built.geometry, built.graph
    assert graph.grid is not None
    return MeshRecord(
        shape=graph.grid.shape,
        spacing=image.spacing,
        labels=image.labels,
        phase_names=image.phase_names,
        cell_voxel=graph.grid.voxel,
        cell_phase=graph.phase,
    )


def peak_memory() -> float:
    """Return the largest resident memory of this process so far in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) * (1.0 if platform.system() == "Darwin" else 1024.0)
