"""What the keys of unstructured meshes, and of grains, mean together with the rest of a case."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from catholyte.case.faults import Fault
from catholyte.case.schema import Case
from catholyte.case.unstructured_tables import ShapeMesh
from catholyte.errors import InputError, nearest
from catholyte.mesh.shape_parameters import LayerShape, ParticleShape, PolycrystalShape, Shape, check

Faults = Iterator[Fault]

#: geometries that are images of voxels, and those that are meshes of elements
IMAGES = ("image", "packing", "blend", "laminate")
MESHES = ("file", "shape")

#: kinds of shapes -> what describes them
SHAPES: Mapping[str, type[Shape]] = {
    "particle": ParticleShape,
    "polycrystal": PolycrystalShape,
    "layer": LayerShape,
}

_SEPARATOR, _COLLECTOR = "separator", "collector"


def mesh_faults(case: Case, geometry: str) -> Faults:
    """Yield the faults of what surrounds a geometry, of its cells and of its grains."""
    yield from _surroundings(case, geometry)
    yield from _cells(case, geometry)
    if case.mesh.shape is not None and geometry == "shape":
        yield from _shape(case, case.mesh.shape)
    yield from _grains(case, geometry)


def _surroundings(case: Case, geometry: str) -> Faults:
    mesh = case.mesh
    for name, section, like in ((_SEPARATOR, mesh.separator, "4 um"), (_COLLECTOR, mesh.collector, "1 um")):
        if section is None:
            continue
        path = ("mesh", name, "thickness")
        if name == _COLLECTOR and geometry == "shape":
            yield Fault(("mesh", name), "no collector with mesh.shape, whose collector is a plate without thickness")
        elif geometry == "file" and section.thickness is not None:
            yield Fault(path, f"no thickness with mesh.file: the {name} is a region of that name in the mesh")
        elif geometry not in ("file", "particle") and section.thickness is None:
            yield Fault(path, f"the thickness of the {name}, like {like!r}")
    if mesh.side_walls != "sealed" and (geometry in MESHES or mesh.cells == "tetrahedra"):
        yield Fault(("mesh", "side_walls"), "sealed walls: only voxels can be periodic")


def _cells(case: Case, geometry: str) -> Faults:
    mesh = case.mesh
    if mesh.cells == "tetrahedra" and geometry not in IMAGES:
        expected = f"this key with mesh.{' or mesh.'.join(IMAGES)} only, not with mesh.{geometry}"
        yield Fault(("mesh", "cells"), expected)
    elif mesh.smoothing is not None and mesh.cells != "tetrahedra":
        yield Fault(("mesh", "smoothing"), 'this key with cells = "tetrahedra" only: voxels stay as they are')
    if mesh.interface_area == "corrected" and (geometry not in IMAGES or mesh.cells == "tetrahedra"):
        yield Fault(("mesh", "interface_area"), "'counted': only voxels have any other area than that of their surface")


def _shape(case: Case, given: ShapeMesh) -> Faults:
    """Refuse keys that a kind of shape does not have, and values that cannot be."""
    # the thickness of the separator is that of [mesh.separator]
    known = [field.name for field in dataclasses.fields(SHAPES[given.kind]) if field.name != _SEPARATOR]
    strange = [name for name in _given(given) if name not in known]
    for name in strange:
        expected = f"one of the keys of the kind {given.kind!r}: {', '.join(known)}"
        yield Fault(("mesh", "shape", name), expected, nearest(name, known))
    if strange:
        return
    shape = shape_of(case, given)
    try:
        check(shape)
    except InputError as error:
        path = ("mesh", _SEPARATOR, "thickness") if error.key == _SEPARATOR else ("mesh", "shape", error.key)
        yield Fault(path, error.expected, error.suggestion)
    if isinstance(shape, ParticleShape) and shape.surroundings == "none":
        expected = "'box' or 'shell': a bare particle has no electrolyte and no counter electrode"
        yield Fault(("mesh", "shape", "surroundings"), expected)


def shape_of(case: Case, given: ShapeMesh) -> Shape:
    """Return the shape that a case describes, whose keys have been checked."""
    values = {name: getattr(given, name) for name in _given(given)}
    if case.mesh.separator is not None and case.mesh.separator.thickness is not None:
        values[_SEPARATOR] = case.mesh.separator.thickness
    return SHAPES[given.kind](**values)


def _given(shape: ShapeMesh) -> list[str]:
    return [name for name in ShapeMesh.model_fields if name != "kind" and getattr(shape, name) is not None]


def _grains(case: Case, geometry: str) -> Faults:
    for name, phase in case.phases.items():
        grains, path = phase.grains, ("phases", name, "grains")
        if grains is None:
            continue
        given = [key for key in ("size", "file", "mesh") if getattr(grains, key)]
        if phase.is_void:
            yield Fault(path, "no grains in a void")
        elif geometry not in (*IMAGES, *MESHES):
            yield Fault(path, f"no grains with mesh.{geometry}, which has no boundaries between them")
        elif geometry in MESHES and given != ["mesh"]:
            yield Fault(path, f"true: with mesh.{geometry} the mesh says which grain a cell belongs to")
        elif geometry in IMAGES and given not in (["size"], ["file"]):
            yield Fault(path, "exactly one of size, like '0.5 um', and file, an image with the numbers of the grains")
