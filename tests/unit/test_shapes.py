"""Meshes of shapes: volumes and areas of the bodies, cells that fit together, tags that cover their plates."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from catholyte.errors import InputError
from catholyte.mesh.shapes import LayerShape, ParticleShape, PolycrystalShape, build

#: nodes of the facets of every cell, and the tetrahedra that make it up
FACETS = {
    "tetra": [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)],
    "triangle": [(0, 1), (1, 2), (2, 0)],
    "hexahedron": [(0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 4, 5), (1, 2, 5, 6), (2, 3, 6, 7), (3, 0, 7, 4)],
    "wedge": [(0, 1, 2), (3, 4, 5), (0, 1, 3, 4), (1, 2, 4, 5), (2, 0, 5, 3)],
}
TETRAHEDRA = {
    "tetra": [(0, 1, 2, 3)],
    "hexahedron": [(0, 1, 3, 4), (1, 2, 3, 6), (1, 4, 5, 6), (3, 4, 6, 7), (1, 3, 4, 6)],
    "wedge": [(0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5)],
}
RADIUS = 2.5e-6


def measures(points):
    """Return areas of triangles or lengths of lines, (m, nodes, 3)."""
    if points.shape[1] == 2:
        return np.linalg.norm(points[:, 1] - points[:, 0], axis=1)
    areas = 0.5 * np.linalg.norm(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]), axis=1)
    if points.shape[1] == 4:
        areas += measures(points[:, [0, 2, 3]])
    return areas


def volumes(mesh):
    block = mesh.cells[0]
    points = mesh.points[block.nodes]
    if block.kind == "triangle":
        a, b = (points[:, k, :2] - points[:, 0, :2] for k in (1, 2))
        return 0.5 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    parts = points[:, TETRAHEDRA[block.kind]]
    return np.linalg.det(parts[:, :, 1:] - parts[:, :, :1]).sum(axis=1) / 6.0


def area(mesh, tag):
    chosen = [mesh.points[f.nodes[f.tag == mesh.tag_names.index(tag)]] for f in mesh.facets]
    return sum(measures(points).sum() for points in chosen)


def volume(mesh, region):
    return volumes(mesh)[mesh.cells[0].region == mesh.region_names.index(region)].sum()


def check_that_cells_fit(mesh):
    """Every facet belongs to one cell or two, and those of one make up the hull that tags and symmetry leave."""
    block = mesh.cells[0]
    assert volumes(mesh).min() > 0.0
    assert np.array_equal(np.unique(block.nodes), np.arange(len(mesh.points)))
    counts = {}
    for local in FACETS[block.kind]:
        for facet in np.sort(block.nodes[:, local], axis=1).tolist():
            counts[tuple(facet)] = counts.get(tuple(facet), 0) + 1
    assert set(counts.values()) <= {1, 2}
    tagged = [tuple(sorted(facet)) for f in mesh.facets for facet in f.nodes.tolist()]
    assert len(set(tagged)) == len(tagged)
    assert set(tagged) <= set(counts)
    return counts


@pytest.mark.parametrize("cells", ["hexahedra", "wedges"])
@pytest.mark.parametrize("distortion", [0.0, 0.2])
def test_layers_are_filled_exactly(cells, distortion):
    shape = LayerShape(6e-6, 3e-6, separator=2e-6, mesh_size=1e-6, cells=cells, distortion=distortion)
    mesh = build(shape)
    check_that_cells_fit(mesh)
    # faces of distorted hexahedra are not plane, but both neighbours see them cut alike in the sum of all
    assert volumes(mesh).sum() == pytest.approx(9e-12 * 8e-6, rel=1e-12 if cells == "wedges" else 0.02)
    assert mesh.points[:, 2].max() == pytest.approx(8e-6, rel=1e-15)
    for tag in ("counter", "collector"):
        assert area(mesh, tag) == pytest.approx(9e-12, rel=1e-12)
    between = mesh.points[np.isclose(mesh.points[:, 2], 2e-6, rtol=1e-12)]
    assert len(between) == 16
    straight = build(replace(shape, distortion=0.0))
    assert np.array_equal(mesh.points, straight.points) == (distortion == 0.0)
    assert np.array_equal(build(shape).points, mesh.points)


def test_layers_without_a_separator_have_one_region():
    assert build(LayerShape()).region_names == ("active",)


@pytest.mark.parametrize(
    ("shape", "wrong"),
    [
        (LayerShape(thickness=0.0), "thickness"),
        (LayerShape(cells="hexaeder"), "did you mean 'hexahedra'"),
        (LayerShape(distortion=0.5), "distortion"),
        (LayerShape(cells="tetrahedra", distortion=0.1), "distortion"),
        (LayerShape(mesh_size=1e-9), "fewer than"),
        (ParticleShape(diameter=-1.0), "diameter"),
        (ParticleShape(contact_angle=0.0), "contact_angle"),
        (ParticleShape(surroundings="shell", separator=1e-6), "separator"),
        (ParticleShape(interface_size=1e-6, mesh_size=5e-7), "interface_size"),
        (ParticleShape(interface_size=1e-10), "fewer than"),
        (PolycrystalShape(grains=0), "grains"),
        (PolycrystalShape(part="quarter"), "part"),
    ],
)
def test_impossible_shapes_are_refused(shape, wrong):
    with pytest.raises(InputError, match=wrong):
        build(shape)


def test_without_gmsh_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gmsh", None)
    with pytest.raises(InputError, match=r"pip install .*catholyte\[gmsh\]"):
        build(ParticleShape())


def cap_volume(angle):
    """Volume of the ball below the contact."""
    height = RADIUS * (1.0 + np.cos(np.radians(angle)))
    return np.pi * height**2 * (3.0 * RADIUS - height) / 3.0


def test_tetrahedra_fill_a_layer():
    pytest.importorskip("gmsh")
    mesh = build(LayerShape(4e-6, 3e-6, separator=2e-6, cells="tetrahedra"))
    counts = check_that_cells_fit(mesh)
    assert volume(mesh, "active") == pytest.approx(9e-12 * 4e-6, rel=1e-12)
    assert volume(mesh, "separator") == pytest.approx(9e-12 * 2e-6, rel=1e-12)
    assert area(mesh, "counter") == pytest.approx(9e-12, rel=1e-12)
    hull = np.array([facet for facet, number in counts.items() if number == 1])
    assert measures(mesh.points[hull]).sum() == pytest.approx(2.0 * 9e-12 + 4.0 * 18e-12, rel=1e-12)


@pytest.mark.parametrize(("surroundings", "part"), [("box", "whole"), ("shell", "quarter"), ("none", "whole")])
def test_particle_has_the_size_of_its_sphere(surroundings, part):
    pytest.importorskip("gmsh")
    share = 0.25 if part == "quarter" else 1.0
    shape = ParticleShape(surroundings=surroundings, part=part, contact_angle=60.0, gap=0.8e-6)
    mesh = build(shape)
    check_that_cells_fit(mesh)
    assert volume(mesh, "active") == pytest.approx(share * cap_volume(60.0), rel=0.02)
    sphere = share * 2.0 * np.pi * RADIUS**2 * 1.5
    assert area(mesh, "surface") == pytest.approx(sphere, rel=0.01)
    top = mesh.points[:, 2].max()
    if surroundings == "box":
        plate = (2.0 * RADIUS + 1.6e-6) ** 2
        assert area(mesh, "counter") == pytest.approx(plate, rel=1e-9)
        assert area(mesh, "collector") == pytest.approx(plate, rel=1e-9)
        assert volumes(mesh).sum() == pytest.approx(plate * top, rel=1e-9)
        assert top == pytest.approx(0.8e-6 + 1.5 * RADIUS, rel=1e-9)
    elif surroundings == "none":
        assert mesh.tag_names == ("collector", "surface")
        assert area(mesh, "collector") == pytest.approx(np.pi * 0.75 * RADIUS**2, rel=0.02)
    else:
        assert np.any(mesh.points[:, 0] == 0.0)
        assert mesh.points[:, :2].min() == 0.0
        rim = mesh.points[mesh.facets[0].nodes[mesh.facets[0].tag == mesh.tag_names.index("counter")]]
        away = np.linalg.norm(rim - np.array([0.0, 0.0, RADIUS + 0.8e-6]), axis=-1)
        assert away == pytest.approx(RADIUS + 0.8e-6, rel=1e-6)


def test_spheres_come_closer_to_their_size_with_the_square_of_the_edges():
    pytest.importorskip("gmsh")
    errors = []
    for size in (0.8e-6, 0.4e-6):
        shape = ParticleShape(surroundings="none", contact_angle=90.0, part="quarter", mesh_size=size)
        mesh = build(replace(shape, interface_size=size))
        errors.append(1.0 - volume(mesh, "active") / (0.25 * cap_volume(90.0)))
    assert 3.0 < errors[0] / errors[1] < 6.0


def test_axial_symmetry_is_exact_in_its_area():
    pytest.importorskip("gmsh")
    shape = ParticleShape(part="axisymmetric", separator=1e-6, contact_angle=90.0, interface_size=0.05e-6)
    mesh = build(shape)
    check_that_cells_fit(mesh)
    assert mesh.symmetry == "axisymmetric"
    assert mesh.points[:, 0].min() == 0.0
    assert np.all(mesh.points[:, 2] == 0.0)
    assert volume(mesh, "separator") == pytest.approx(3.5e-6 * 1e-6, rel=1e-9)
    assert volume(mesh, "active") == pytest.approx(0.25 * np.pi * RADIUS**2, rel=1e-3)
    assert area(mesh, "surface") == pytest.approx(0.5 * np.pi * RADIUS, rel=1e-3)
    assert area(mesh, "counter") == pytest.approx(3.5e-6, rel=1e-9)


def test_spheroids_are_stretched():
    pytest.importorskip("gmsh")
    mesh = build(ParticleShape(aspect=1.6, surroundings="shell", contact_angle=90.0, part="quarter"))
    check_that_cells_fit(mesh)
    assert volume(mesh, "active") == pytest.approx(1.6 * 0.25 * cap_volume(90.0), rel=0.02)
    along, across = 1.6 * RADIUS + 1e-6, RADIUS + 1e-6
    whole = np.pi / 6.0 * across**2 * along
    assert volumes(mesh).sum() == pytest.approx(whole, rel=0.03)


@pytest.mark.parametrize("surroundings", ["shell", "none"])
def test_grains_fill_the_particle_and_meet_at_tagged_faces(surroundings):
    pytest.importorskip("gmsh")
    shape = PolycrystalShape(grains=6, seed=2, surroundings=surroundings, aspect=1.2, contact_angle=60.0)
    mesh = build(replace(shape, mesh_size=1e-6, interface_size=0.6e-6))
    check_that_cells_fit(mesh)
    assert volume(mesh, "active") == pytest.approx(1.2 * cap_volume(60.0), rel=0.03)
    block = mesh.cells[0]
    active = block.region == mesh.region_names.index("active")
    assert set(block.grain[active]) == set(range(1, 7))
    assert set(block.grain[~active]) <= {0}
    sizes = np.bincount(block.grain[active], volumes(mesh)[active])[1:]
    assert sizes.max() < 2.0 * sizes.min()
    by_facet = {}
    for nodes, grain in zip(block.nodes[active].tolist(), block.grain[active].tolist(), strict=True):
        for local in FACETS["tetra"]:
            by_facet.setdefault(tuple(sorted(nodes[k] for k in local)), []).append(grain)
    between = {facet for facet, grains in by_facet.items() if len(set(grains)) == 2}
    facets = mesh.facets[0]
    tagged = facets.nodes[facets.tag == mesh.tag_names.index("grain boundary")]
    assert between == {tuple(sorted(facet)) for facet in tagged.tolist()}


def test_the_same_seed_gives_the_same_grains_and_another_one_others():
    pytest.importorskip("gmsh")
    shape = PolycrystalShape(grains=4, seed=3, surroundings="none", mesh_size=1e-6, interface_size=1e-6)
    first, second, other = build(shape), build(shape), build(replace(shape, seed=4))
    assert np.array_equal(first.points, second.points)
    assert np.array_equal(first.cells[0].nodes, second.cells[0].nodes)
    assert np.array_equal(first.cells[0].grain, second.cells[0].grain)
    assert first.points.shape != other.points.shape or not np.allclose(first.points, other.points)
