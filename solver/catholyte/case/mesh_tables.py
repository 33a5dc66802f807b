"""The tables of [mesh]: which geometry, and what lies on either side of it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from catholyte.case import values as v
from catholyte.case.layer_tables import LayersMesh
from catholyte.case.particle_tables import ParticleMesh
from catholyte.case.tables import Table, key
from catholyte.case.unstructured_tables import SMOOTHING, MeshFile, ShapeMesh


class ImageMesh(Table):
    """A label image from a file or from the catalogue."""

    file: v.Text | None = key(
        "the path of an image next to the case (.tif, .npy, .npz, .raw, .vti)", "scan.tif", default=None
    )
    name: v.Text | None = key("the name of an image of the catalogue", default=None)
    voxel_size: v.VoxelSize | None = key(
        "the edge of a voxel, or three (z, y, x, after `axis` is applied)",
        "0.4 um",
        ["0.5 um", "0.4 um", "0.4 um"],
        default=None,
    )
    axis: v.Axis = key("the axis of the image that runs from the counter to the collector", 0, "z", default=0)
    flip: v.Switch = key("whether the last layer of the image faces the counter electrode", default=False)
    crop: v.Crop | None = key(
        "the ranges of voxels to keep, after `axis` is applied, end excluded",
        [[0, 64], [0, 64], [0, 64]],
        default=None,
    )
    downsample: Annotated[int, v.whole(1, 1000)] = key(
        "how many voxels along each axis become one, by majority", 2, default=1
    )
    shape: v.Voxels | None = key("the shape [z, y, x] of a .raw file", [251, 301, 301], default=None)
    dtype: v.Text | None = key("the number type of a .raw file", "uint8", ">u2", default=None)
    array: v.Text | None = key("the array to read of a .npz or .vti file", "labels", default=None)


class PackingMesh(Table):
    """A seeded packing of spheres in an electrolyte matrix."""

    voxels: v.Voxels = key("the number of voxels [z, y, x]", [64, 64, 64])
    voxel_size: v.VoxelSize = key("the edge of a voxel, or three (z, y, x)", "0.25 um")
    seed: Annotated[int, v.whole(0)] = key("the seed of the random numbers", 7, default=0)


class BlendMesh(Table):
    """Interpenetrating domains, cut out of seeded random fields."""

    voxels: v.Voxels = key("the number of voxels [z, y, x]", [64, 64, 64])
    voxel_size: v.VoxelSize = key("the edge of a voxel, or three (z, y, x)", "0.5 nm")
    seed: Annotated[int, v.whole(0)] = key("the seed of the random numbers", 7, default=0)
    domain_size: v.Length = key("the mean width of the domains", "4 nm")


class LaminateMesh(Table):
    """Flat layers."""

    voxel_size: v.VoxelSize = key("the edge of a voxel, or three (z, y, x)", "1 um")
    cross_section: v.CrossSection = key("the number of voxels [y, x] across", [4, 4], default=[1, 1])
    stack: v.Stack = key(
        "the layers [phase, thickness] from the counter to the collector",
        [["electrolyte", "20 um"], ["active", "50 um"]],
    )


class SeparatorLayer(Table):
    """A layer of solid electrolyte on the side of the counter electrode: added, or a region of a mesh."""

    shorthand: ClassVar[str | None] = "thickness"

    thickness: v.Length | None = key(
        "the thickness of the separator; a mesh of a file has it in itself", "4 um", default=None
    )
    material: v.Text | None = key("its material; that of the electrolyte phase if not given", "Li6PS5Cl", default=None)
    sigma_i: v.Conductivity | None = key("its ionic conductivity", "1.5 mS/cm", default=None)


class CollectorLayer(Table):
    """A layer of metal on the side of the current collector: added, or a region of a mesh."""

    shorthand: ClassVar[str | None] = "thickness"

    thickness: v.Length | None = key(
        "the thickness of the collector; a mesh of a file has it in itself", "1 um", default=None
    )
    material: v.Text = key("its material", "aluminium", default="aluminium")
    sigma_e: v.Conductivity | None = key("its electronic conductivity", "3.5e7 S/m", default=None)


class MeshSection(Table):
    """The geometry: an image or a recipe of one, layers, particles or a mesh, and what lies on either side."""

    image: ImageMesh | None = key("a label image", {"file": "scan.tif", "voxel_size": "0.4 um"}, default=None)
    packing: PackingMesh | None = key(
        "a packing of spheres", {"voxels": [64, 64, 64], "voxel_size": "0.25 um", "seed": 7}, default=None
    )
    blend: BlendMesh | None = key(
        "a blend of domains",
        {"voxels": [64, 64, 64], "voxel_size": "0.5 nm", "seed": 7, "domain_size": "4 nm"},
        default=None,
    )
    laminate: LaminateMesh | None = key(
        "flat layers",
        {"voxel_size": "1 um", "stack": [["electrolyte", "20 um"], ["active", "50 um"]]},
        default=None,
    )
    layers: LayersMesh | None = key(
        "a porous electrode: layers with domains in shells",
        {"domain": {"phase": "active", "diameter": "5 um"}, "thickness": "50 um", "conduction": {"bruggeman": 1.5}},
        default=None,
    )
    particle: ParticleMesh | None = key(
        "single particles in shells, all of whose surface touches electrolyte and collector",
        {"phase": "active", "diameter": "5 um", "loading": "1 mg/cm2"},
        default=None,
    )
    file: MeshFile | None = key(
        "an unstructured mesh", "particle.msh", {"path": "particle.msh", "unit": "um"}, default=None
    )
    shape: ShapeMesh | None = key(
        "a shape that is meshed", {"kind": "particle", "diameter": "5 um", "part": "quarter"}, default=None
    )
    cells: Annotated[Literal["voxels", "tetrahedra"], v.OneOf()] = key(
        "what an image is made of: its voxels, or tetrahedra with smooth interfaces", "tetrahedra", default="voxels"
    )
    smoothing: Annotated[int, v.whole(0, 1000)] | None = key(
        f"steps of smoothing of the interfaces between tetrahedra; {SMOOTHING} if not given", 10, default=None
    )
    interface_area: Annotated[Literal["counted", "corrected"], v.OneOf()] = key(
        "the area at which voxels react: that of their faces, or that of the smooth surface behind them",
        "corrected",
        default="counted",
    )
    separator: SeparatorLayer | None = key(
        "a layer of electrolyte on the counter side", "4 um", {"thickness": "4 um"}, default=None
    )
    collector: CollectorLayer | None = key("a layer of metal on the collector side", "1 um", default=None)
    side_walls: Annotated[Literal["sealed", "periodic"], v.OneOf()] = key(
        "what holds at the four side walls", "sealed", default="sealed"
    )
