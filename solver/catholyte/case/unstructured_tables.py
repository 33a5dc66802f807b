"""The tables of unstructured meshes, from a file or from a shape, and of grains."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from catholyte.case import values as v
from catholyte.case.tables import Table, key

#: steps of smoothing of the interfaces of an image where the case names no number
SMOOTHING = 10


class MeshFile(Table):
    """A mesh of tetrahedra, hexahedra, wedges, triangles or quadrilaterals from a file."""

    shorthand: ClassVar[str | None] = "path"

    path: v.Text = key("the path of a mesh next to the case (.msh, .vtu, …)", "particle.msh")
    unit: Annotated[Literal["m", "mm", "um", "nm"], v.OneOf()] = key(
        "the unit of length of the coordinates in the file", "um", default="um"
    )
    symmetry: Annotated[Literal["none", "axisymmetric"], v.OneOf()] = key(
        "what cells of two dimensions stand for: a plane, or a half-plane that turns around the axis x = 0",
        "axisymmetric",
        default="none",
    )
    counter: v.Text = key("the tag of the facets at the counter electrode", "counter", default="counter")
    collector: v.Text = key("the tag of the facets at the current collector", "collector", default="collector")
    cross_section: v.Area | None = key(
        "the area that current densities refer to; that of the counter electrode's facets if not given",
        "25 um2",
        default=None,
    )


class ShapeMesh(Table):
    """A geometry of a few lengths, meshed with gmsh; what is not given has the default of its kind."""

    kind: Annotated[Literal["particle", "polycrystal", "layer"], v.OneOf()] = key(
        "the shape: a particle in electrolyte, one of grains, or a dense layer", "particle"
    )
    diameter: v.Length | None = key("the diameter of the particle", "5 um", default=None)
    aspect: v.Fraction | None = key("the length of the particle along z over its diameter", 1.0, default=None)
    contact_angle: v.AngleInDegrees | None = key(
        "the angle in degrees under which the contact with the collector is seen from the middle", 20, default=None
    )
    surroundings: Annotated[Literal["box", "shell", "none"], v.OneOf()] | None = key(
        "what lies around the particle: a box or a shell of electrolyte", "box", default=None
    )
    gap: v.Length | None = key("the thickness of the electrolyte around the particle", "1 um", default=None)
    part: Annotated[Literal["whole", "quarter", "axisymmetric"], v.OneOf()] | None = key(
        "which part of the particle is meshed", "quarter", default=None
    )
    interface_size: v.Length | None = key("the edges of cells at the particle's surface", "0.3 um", default=None)
    grains: Annotated[int, v.whole(1, 1000)] | None = key("the number of grains of a polycrystal", 12, default=None)
    thickness: v.Length | None = key("the thickness of the layer", "20 um", default=None)
    width: v.Length | None = key("the edge of the layer's square cross-section", "5 um", default=None)
    cells: Annotated[Literal["tetrahedra", "hexahedra", "wedges"], v.OneOf()] | None = key(
        "the kind of the cells of a layer", "hexahedra", default=None
    )
    distortion: v.Share | None = key("how far the points of a layer are moved at random, in edges", 0.2, default=None)
    mesh_size: v.Length | None = key("the edges of the cells", "0.6 um", default=None)
    seed: Annotated[int, v.whole(0)] | None = key("the seed of the random numbers", 3, default=None)


class GrainsSection(Table):
    """How a phase is divided into grains: of a given size, by an image of numbers, or as the mesh says (true)."""

    size: v.Length | None = key("the mean diameter of the grains", "0.5 um", default=None)
    seed: Annotated[int, v.whole(0)] = key("the seed of the random numbers", 3, default=0)
    file: v.Text | None = key(
        "the path of an image next to the case with the number of the grain of every voxel", "grains.tif", default=None
    )
    mesh: v.Switch = key("whether the mesh says which grain a cell belongs to", True, default=False)

    @model_validator(mode="before")
    @classmethod
    def _expand_switch(cls, data: Any) -> Any:
        return {"mesh": data} if isinstance(data, bool) else data

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean", "examples": [True]}, handler(schema)], "x-shorthand": "mesh"}
