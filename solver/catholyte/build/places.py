"""From a case to its geometry, and from there to the cells that take part."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from catholyte.build.geometry import COLLECTOR, SEPARATOR, Geometry, geometry
from catholyte.build.grains import grain_image
from catholyte.build.layers import LayeredGeometry, layered_geometry, whole
from catholyte.build.particles import ParticleGeometry, particle_geometry
from catholyte.build.unstructured import UnstructuredGeometry, unstructured_geometry
from catholyte.case.schema import Case
from catholyte.materials import Material
from catholyte.mesh.area import InterfaceAreas, interface_areas
from catholyte.mesh.graph import Graph
from catholyte.mesh.percolation import Percolation, percolation
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.parameters import CellParameters

AnyGeometry = Geometry | LayeredGeometry | ParticleGeometry | UnstructuredGeometry


def place_of(case: Case, materials: Mapping[str, Material]) -> AnyGeometry:
    """Return the geometry of a case.

    Raises
    ------
    InputError
        If what the case says of it cannot be.
    MeshError
        If the mesh cannot be used.
    """
    if case.mesh.layers is not None:
        return layered_geometry(case, materials)
    if case.mesh.particle is not None:
        return particle_geometry(case, materials)
    if is_unstructured(case):
        return unstructured_geometry(case, materials)
    return geometry(case, materials)


def is_unstructured(case: Case) -> bool:
    """Return whether a case has an unstructured mesh."""
    return case.mesh.file is not None or case.mesh.shape is not None or case.mesh.cells == "tetrahedra"


def cells_of(case: Case, place: AnyGeometry, parameters: CellParameters) -> tuple[Graph, Percolation]:
    """Return the cells that take part, and what was found of the others.

    Raises
    ------
    InputError
        If grains cannot be as the case says.
    MeshError
        If nothing percolates.
    """
    kinds = {name: phase.kind for name, phase in parameters.phases.items()}
    if isinstance(place, LayeredGeometry | ParticleGeometry):
        solids = [name for name in place.phase_names if kinds.get(name, "void") != "void"]
        return place.graph, whole(place.graph, solids, place.pair[0])
    cells = place.graph if isinstance(place, UnstructuredGeometry) else _voxels(case, place, kinds)
    networks = [pair for pair, interface in parameters.interfaces.items() if interface.network is not None]
    mixed = [name for name, phase in parameters.phases.items() if phase.mixed is not None]
    every = {name: kinds.get(name, "void") for name in cells.phase_names}
    paths = percolation(cells, every, reacting=frozenset().union(*networks), mixed=mixed)
    return cells.subset(paths.keep), paths


def _voxels(case: Case, image: Geometry, kinds: Mapping[str, str]) -> Graph:
    """Return a cell for every voxel that is not void, with the number of its grain where there are any."""
    voids = tuple(name for name in image.phase_names if name not in kinds)
    periodic = case.mesh.side_walls == "periodic"
    cells = voxel_graph(image.labels, image.spacing, image.phase_names, excluded=voids, periodic=periodic)
    grains = grain_image(case, image)
    if grains is None:
        return cells
    assert cells.grid is not None
    return replace(cells, grain=grains.ravel()[cells.grid.voxel])


def surfaces_of(case: Case, place: AnyGeometry) -> dict[frozenset[str], float]:
    """Return the area of the surface between two phases over that of the faces of their voxels, where it is corrected.

    Flat layers have the area of their faces, and only voxels have any other than that of their surface.
    """
    if case.mesh.interface_area == "counted" or not isinstance(place, Geometry) or case.mesh.laminate is not None:
        return {}
    image = place
    if case.mesh.side_walls == "sealed":
        # A sealed wall is a mirror: the structure goes on behind it, and no interface ends there.
        labels = place.labels
        for axis in (1, 2):
            labels = np.concatenate([labels, np.flip(labels, axis)], axis=axis)
        image = replace(place, labels=labels)
    areas = interface_areas(image.labels, image.spacing, len(image.phase_names), periodic=(False, True, True))
    names = place.phase_names
    pairs = itertools.combinations(range(len(names)), 2)
    return {
        frozenset((names[a], names[b])): float(areas.corrected[a, b] / areas.counted[a, b])
        for a, b in pairs
        if areas.counted[a, b] > 0.0 and not {names[a], names[b]} & {SEPARATOR, COLLECTOR}
    }


def voxel_areas(case: Case, image: Geometry) -> InterfaceAreas:
    """Return the areas between the phases of an image."""
    across = case.mesh.side_walls == "periodic"
    return interface_areas(image.labels, image.spacing, len(image.phase_names), periodic=(False, across, across))


def on_surfaces(parameters: CellParameters, surfaces: Mapping[frozenset[str], float]) -> CellParameters:
    """Return the properties of a cell whose interfaces react at the areas of their surfaces."""
    corrected = {
        pair: replace(interface, surface=surfaces.get(frozenset(name for name in pair if name[0] != "@"), 1.0))
        for pair, interface in parameters.interfaces.items()
    }
    return replace(parameters, interfaces=corrected) if surfaces else parameters
