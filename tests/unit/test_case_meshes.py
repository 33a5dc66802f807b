"""Unstructured meshes and grains: what a case says becomes a mesh, and every fault in it is answered."""

import numpy as np
import pytest

from catholyte.build import build
from catholyte.build.cell import load_materials
from catholyte.build.geometry import geometry
from catholyte.build.unstructured import unstructured_geometry
from catholyte.case import parse_case
from catholyte.errors import InputError, InputErrors, MeshError
from catholyte.mesh.images import write_image
from catholyte.mesh.meshfile import write_mesh

REST = """
[interfaces."active|electrolyte"]
kinetics = { exchange_current = "0.5 A/m2" }
[cell]
counter = "Li-In"
initial = { voltage = "4.1 V" }
[experiment]
steps = ["Discharge at 1C for 10 minutes"]
[output]
fields = "every 10 % of capacity"
"""
PHASES = """
[phases]
active = { material = "NCM811" }
electrolyte = { material = "Li6PS5Cl" }
"""
IMAGE = (
    """
title = "image"
[mesh]
laminate = { voxel_size = "1 um", cross_section = [3, 3], stack = [["electrolyte", "2 um"], ["active", "4 um"]] }
"""
    + PHASES
    + REST
)
FILE = 'title = "file"\n[mesh]\nfile = "particle.msh"\n' + PHASES + REST
SHAPE = 'title = "shape"\n[mesh]\nshape = { kind = "particle", diameter = "4 um" }\n' + PHASES + REST
LAYERS = (
    """
title = "layers"
[mesh]
layers = { thickness = "60 um", domain = { phase = "active", diameter = "5 um" }, conduction = { bruggeman = 1.5 } }
[phases]
active = { material = "NCM811", volume_share = 0.5 }
electrolyte = { material = "Li6PS5Cl", volume_share = 0.5 }
"""
    + REST
)
PARTICLE = FILE.replace(
    'file = "particle.msh"', 'particle = { phase = "active", diameter = "5 um", thickness = "2 um" }'
)


# ------------------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize(
    ("text", "override", "key", "said"),
    [
        (FILE, "mesh.file={path='a.msh', unit='inch'}", "mesh.file.unit", "one of 'm', 'mm', 'um', 'nm'"),
        (
            FILE,
            "mesh.file={path='a.msh', symmetry='axisymetric'}",
            "mesh.file.symmetry",
            "did you mean 'axisymmetric'?",
        ),
        (FILE, "mesh.file={path='a.msh', tags='x'}", "mesh.file.tags", "path, unit, symmetry, counter, collector"),
        (FILE, "mesh.file={path='a.msh', cross_section='4 um'}", "mesh.file.cross_section", "a finite area"),
        (FILE, "mesh.separator=4 um", "mesh.separator", "no thickness with mesh.file: the separator is a region"),
        (FILE, "mesh.collector=1 um", "mesh.collector", "no thickness with mesh.file: the collector is a region"),
        (FILE, "mesh.side_walls=periodic", "mesh.side_walls", "only voxels can be periodic"),
        (FILE, "mesh.cells=tetrahedra", "mesh.cells", "not with mesh.file"),
        (FILE, "mesh.smoothing=3", "mesh.smoothing", 'cells = "tetrahedra" only'),
        (FILE, "phases.active.label=1", "phases.active.label", "with mesh.image only, not with mesh.file"),
        (FILE, "phases.active.volume_share=0.5", "phases.active.volume_share", "not with mesh.file"),
        (FILE, "phases.active.region=[]", "phases.active.region", "the name of a region of the mesh"),
        (FILE, "phases.active.grains={size='1 um'}", "phases.active.grains", "the mesh says which grain"),
        (
            FILE,
            "mesh.laminate={voxel_size='1 um', stack=[['active', '5 um']]}",
            "mesh.file",
            "exactly one of the tables",
        ),
        (SHAPE, "mesh.shape.kind=sphere", "mesh.shape.kind", "'particle', 'polycrystal', 'layer'"),
        (SHAPE, "mesh.shape.thickness=4 um", "mesh.shape.thickness", "one of the keys of the kind 'particle'"),
        (SHAPE, "mesh.shape.grains=4", "mesh.shape.grains", "one of the keys of the kind 'particle'"),
        (SHAPE, "mesh.shape={kind='layer', diameter='4 um'}", "mesh.shape.diameter", "of the kind 'layer': thickness"),
        (SHAPE, "mesh.shape.contact_angle=200", "mesh.shape.contact_angle", "an angle in degrees"),
        (SHAPE, "mesh.shape.aspect=20", "mesh.shape.aspect", "a number from 0.1 to 10"),
        (SHAPE, "mesh.shape.interface_size=2 um", "mesh.shape.interface_size", "at most mesh_size"),
        (SHAPE, "mesh.shape.surroundings=none", "mesh.shape.surroundings", "'box' or 'shell'"),
        (SHAPE, "mesh.collector=1 um", "mesh.collector", "no collector with mesh.shape"),
        (SHAPE, "mesh.separator={material='Li6PS5Cl'}", "mesh.separator.thickness", "like '4 um'"),
        (IMAGE, "mesh.separator={material='Li6PS5Cl'}", "mesh.separator.thickness", "like '4 um'"),
        (IMAGE, "mesh.collector={}", "mesh.collector.thickness", "like '1 um'"),
        (IMAGE, "mesh.cells=tetraeder", "mesh.cells", "did you mean 'tetrahedra'?"),
        (IMAGE, "mesh.smoothing=3", "mesh.smoothing", 'cells = "tetrahedra" only'),
        (IMAGE, "phases.active.region=core", "phases.active.region", "with mesh.file or mesh.shape only"),
        (IMAGE, "phases.active.grains=true", "phases.active.grains", "exactly one of size"),
        (IMAGE, "phases.active.grains={size='1 um', file='g.tif'}", "phases.active.grains", "exactly one of size"),
        (IMAGE, "phases.active.grains={sise='1 um'}", "phases.active.grains.sise", "did you mean 'size'?"),
        (LAYERS, "mesh.separator={material='Li6PS5Cl'}", "mesh.separator.thickness", "like '4 um'"),
        (LAYERS, "mesh.cells=tetrahedra", "mesh.cells", "not with mesh.layers"),
        (LAYERS, "phases.active.grains={size='1 um'}", "phases.active.grains", "no grains with mesh.layers"),
        (PARTICLE, "phases.active.grains={size='1 um'}", "phases.active.grains", "no grains with mesh.particle"),
    ],
)
def test_faults(text, override, key, said):
    with pytest.raises(InputErrors) as caught:
        parse_case(text, [override])
    errors = [str(error) for error in caught.value.errors]
    assert any(error.startswith(key) and said in error for error in errors), errors


def test_periodic_walls_are_walls_of_voxels():
    with pytest.raises(InputErrors, match="only voxels can be periodic"):
        parse_case(IMAGE, ["mesh.cells=tetrahedra", "mesh.side_walls=periodic"])


@pytest.mark.parametrize("text", [FILE, SHAPE])
def test_meshes_are_no_image(text):
    case = parse_case(text)
    with pytest.raises(InputError, match="elements are no image of voxels"):
        geometry(case, load_materials(case))


# ------------------------------------------------------------------------------------------------ regions and tags

TETRAHEDRA = IMAGE.replace("[mesh]\n", '[mesh]\ncells = "tetrahedra"\nseparator = "1 um"\n')


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the mesh of an image: regions active, electrolyte and separator, tags counter and collector."""
    path = tmp_path_factory.mktemp("mesh")
    case = parse_case(TETRAHEDRA)
    write_mesh(path / "particle.msh", unstructured_geometry(case, load_materials(case)).mesh, unit=1e-6)
    return path


def from_file(folder, *overrides):
    return build(parse_case(FILE, ["mesh.separator={}", *overrides], folder=folder))


def test_a_mesh_from_a_file_is_the_one_that_was_written(folder):
    read, made = from_file(folder), build(parse_case(TETRAHEDRA))
    for name in ("thickness", "cross_section", "shares"):
        assert getattr(read.geometry, name) == pytest.approx(getattr(made.geometry, name), rel=1e-6)
    assert read.geometry.layer("separator") == pytest.approx(1e-6)
    assert read.graph.n_cells == made.graph.n_cells
    assert read.design.areal_capacity == pytest.approx(made.design.areal_capacity, rel=1e-6)
    names = read.graph.phase_names
    for k, name in enumerate(names):
        there = made.graph.phase == made.graph.phase_names.index(name)
        assert read.graph.volume[read.graph.phase == k].sum() == pytest.approx(made.graph.volume[there].sum(), rel=1e-6)


def test_lengths_and_areas_follow_the_unit_and_the_cross_section(folder):
    assert from_file(folder, "mesh.file={path='particle.msh', unit='nm'}").design.thickness == pytest.approx(6e-9)
    wide = from_file(folder, "mesh.file={path='particle.msh', cross_section='18 um2'}")
    assert wide.geometry.cross_section == pytest.approx(18e-12)
    assert wide.design.thickness == pytest.approx(3e-6)


def test_regions_of_several_phases_and_of_voids(folder):
    both = build(parse_case(FILE, ["phases.electrolyte.region=['electrolyte', 'separator']"], folder=folder))
    assert both.geometry.shares["electrolyte"] == pytest.approx(3.0 / 7.0)
    assert both.geometry.layer("separator") == 0.0
    void = ["phases.gap={material='void', region='electrolyte'}", "phases.electrolyte.region=separator"]
    with pytest.raises(MeshError, match="touch nowhere"):
        build(parse_case(FILE, void, folder=folder))


@pytest.mark.parametrize(
    ("overrides", "key", "said"),
    [
        ([], "phases", "without separator"),
        (
            ["mesh.separator={}", "phases.active.region=actve"],
            "phases.active.region",
            "(active, electrolyte, separator)",
        ),
        (["mesh.separator={}", "phases.active.region=actve"], "phases.active.region", "did you mean 'active'?"),
        (["mesh.separator={}", "phases.active.region=electrolyte"], "phases.electrolyte.region", "active has this one"),
        (["mesh.separator={}", "mesh.collector={}"], "mesh.collector", "a region of the mesh"),
        (["mesh.file={path='particle.msh', counter='anode'}"], "mesh.file.counter", "(counter, collector)"),
        (["mesh.file={path='particle.msh', collector='colector'}"], "mesh.file.collector", "did you mean 'collector'?"),
        (["mesh.file=particel.msh"], "mesh.file.path", "particle.msh"),
        (["mesh.file={path='particle.msh', symmetry='axisymmetric'}"], "mesh.file.path", "cells of two dimensions"),
    ],
)
def test_regions_and_tags_that_do_not_fit(folder, overrides, key, said):
    with pytest.raises((InputError, InputErrors)) as caught:
        build(parse_case(FILE, overrides, folder=folder))
    errors = [str(error) for error in getattr(caught.value, "errors", [caught.value])]
    assert any(error.startswith(key) and said in error for error in errors), errors


def test_a_shape_has_its_phases():
    text = SHAPE.replace('diameter = "4 um"', 'diameter = "4 um", part = "axisymmetric"')
    built = build(parse_case(text, ["mesh.separator=1 um"]))
    radius = 2e-6
    height = radius * (1.0 + np.cos(np.radians(20.0)))  # the collector cuts off what is seen under the contact angle
    sphere = np.pi * height**2 * (radius - height / 3.0)
    active = built.geometry.volumes["active"]
    assert active == pytest.approx(sphere, rel=0.02)
    assert built.geometry.layer("separator") == pytest.approx(1e-6)
    assert built.geometry.shares["active"] + built.geometry.shares["electrolyte"] == pytest.approx(1.0)


def test_what_smoothing_moves_is_void():
    packing = "mesh.packing={voxels=[8, 8, 8], voxel_size='1 um', seed=2}"
    phases = [
        "phases.active={material='NCM811', volume_share=0.5, diameter='4 um'}",
        "phases.electrolyte={material='Li6PS5Cl', volume_share=0.4}",
        "phases.gap={material='void', volume_share=0.1, diameter='3 um'}",
    ]
    text = 'title = "packing"\n[mesh]\ncells = "tetrahedra"\nseparator = "1 um"\n' + PHASES + REST
    built = build(parse_case(text, [packing, *phases]))
    assert sum(built.geometry.shares.values()) == pytest.approx(1.0)
    assert built.design.thickness == pytest.approx(8e-6)
    assert built.design.porosity == pytest.approx(0.1, abs=0.03)
    assert "gap" not in {built.graph.phase_names[k] for k in np.unique(built.graph.phase)}


def test_grains_of_an_image_are_those_of_its_tetrahedra():
    graph = build(parse_case(TETRAHEDRA, ["phases.active.grains={size='2 um', seed=3}"])).graph
    active = graph.phase == graph.phase_names.index("active")
    voxels = build(parse_case(IMAGE, ["phases.active.grains={size='2 um', seed=3}", "mesh.separator=1 um"])).graph
    number = {name: np.unique(g.grain[g.phase == g.phase_names.index("active")]).size
              for name, g in (("tetrahedra", graph), ("voxels", voxels))}  # fmt: skip
    assert number["tetrahedra"] == number["voxels"] > 1
    assert not graph.grain[~active].any()
    assert (graph.area[grain_boundaries(graph)] > 0.0).any()


# ------------------------------------------------------------------------------------------------ grains of voxels


def grain_boundaries(graph):
    """Return which faces lie between two grains of one phase."""
    one_phase = graph.phase[graph.cell_a] == graph.phase[graph.cell_b]
    return one_phase & (graph.grain[graph.cell_a] != graph.grain[graph.cell_b])


def test_grains_of_a_size():
    built = build(parse_case(IMAGE, ["phases.active.grains={size='2 um', seed=3}", "mesh.separator=1 um"]))
    graph = built.graph
    active = graph.phase == graph.phase_names.index("active")
    assert (graph.grain[active] > 0).all()
    assert not graph.grain[~active].any()
    assert 1 < np.unique(graph.grain[active]).size < active.sum()
    assert grain_boundaries(graph).any()
    other = build(parse_case(IMAGE, ["phases.active.grains={size='2 um', seed=4}", "mesh.separator=1 um"])).graph
    assert (other.grain != graph.grain).any()


def test_without_grains_there_are_none():
    assert build(parse_case(IMAGE)).graph.grain is None


def test_grains_of_an_image(tmp_path):
    numbers = np.zeros((6, 3, 3), np.uint16)
    numbers[2:] = 700
    numbers[2:, 1] = 3  # a plane of another grain: two boundaries of 4 x 3 faces
    write_image(tmp_path / "grains.tif", numbers, (1e-6, 1e-6, 1e-6))
    case = parse_case(IMAGE, ["phases.active.grains={file='grains.tif'}", "mesh.separator=1 um"], folder=tmp_path)
    assert grain_boundaries(build(case).graph).sum() == 24


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (np.ones((5, 3, 3), np.uint8), r"phases.active.grains.file = 'shape \(5, 3, 3\)'"),
        (np.zeros((6, 3, 3), np.uint8), "phases.active.grains.file"),
    ],
)
def test_images_that_do_not_fit(tmp_path, numbers, said):
    write_image(tmp_path / "grains.tif", numbers, (1e-6, 1e-6, 1e-6))
    with pytest.raises(InputError, match=said):
        build(parse_case(IMAGE, ["phases.active.grains={file='grains.tif'}"], folder=tmp_path))


def test_grains_smaller_than_a_voxel():
    with pytest.raises(InputError, match=r"phases.active.grains.size"):
        build(parse_case(IMAGE, ["phases.active.grains={size='0.4 um'}"]))


def test_an_image_of_grains_is_turned_and_cropped_like_that_of_the_phases(tmp_path):
    labels = np.zeros((4, 7, 4), np.uint8)
    labels[:, 3:] = 1
    numbers = np.where(labels == 1, 1, 0).astype(np.uint8)
    numbers[2:, 3:] *= 2
    for name, image in (("scan.tif", labels), ("grains.tif", numbers)):
        write_image(tmp_path / name, image, (1e-6, 1e-6, 1e-6))
    phases = {"active": "label=1, grains={file='grains.tif'}", "electrolyte": "label=0"}
    materials = {"active": "NCM811", "electrolyte": "Li6PS5Cl"}
    text = 'title = "scan"\n[mesh]\n' + PHASES.lstrip() + REST
    mesh = "mesh.image={file='scan.tif', voxel_size='1 um', axis='y', crop=[[1, 7], [0, 4], [0, 3]]}"
    overrides = [f"phases.{name}={{material='{materials[name]}', {keys}}}" for name, keys in phases.items()]
    built = build(parse_case(text, [mesh, *overrides], folder=tmp_path))
    assert built.geometry.labels.shape == (6, 4, 3)
    assert grain_boundaries(built.graph).sum() == 4 * 3
    with pytest.raises(InputError, match="numbers of grains cannot be coarsened"):
        build(parse_case(text, [mesh.replace("crop=", "downsample=2, crop="), *overrides], folder=tmp_path))
