"""The graph of the nodes of a mesh: exact for linear fields, conservative, with the areas and volumes of the mesh."""

from dataclasses import replace

import numpy as np
import pytest
from element_meshes import between_plates, boundary_points, box, conductance, laplacian, mixed, solve_fixed

from catholyte.errors import InputError, MeshError
from catholyte.mesh import gmsh_mesh
from catholyte.mesh.elements import ELEMENTS
from catholyte.mesh.nodes import GAP, node_graph, tagged_area
from catholyte.mesh.unstructured import FacetBlock

ENDS = {"counter": "counter", "collector": "collector"}
MESHES = {
    "tetra": lambda: box(["tetra"], (4, 3, 5), distortion=0.25),
    "hexahedron": lambda: box(["hexahedron"], (4, 3, 5), distortion=0.2),
    "wedge": lambda: box(["wedge"], (4, 3, 5), distortion=0.2),
    "mixed": lambda: mixed(4, 0.2),
    "triangle": lambda: box(["triangle"], (5, 6), distortion=0.25),
    "quad": lambda: box(["quad"], (5, 6), distortion=0.25),
    "triangle and quad": lambda: box(lambda c: np.where(c[:, 0] < 0.5, "triangle", "quad"), (6, 6), distortion=0.25),
    "axisymmetric triangle": lambda: box(["triangle"], (5, 6), distortion=0.25, symmetry="axisymmetric"),
    "axisymmetric quad": lambda: box(["quad"], (5, 6), distortion=0.25, symmetry="axisymmetric"),
}


@pytest.mark.parametrize("name", MESHES)
def test_linear_fields_are_exact(name):
    """The patch test: a linear field given on the boundary is found inside to rounding, on any mesh.

    Rings have no boundary at the axis: that nothing flows through it is what the field does.
    """
    mesh = MESHES[name]()
    graph, nodes = node_graph(mesh, terminals={})
    ring = mesh.symmetry == "axisymmetric"
    exact = nodes.points @ np.array([0.0 if ring else 0.7, -1.3, 0.4]) + 0.2
    given = np.isin(nodes.point, boundary_points(mesh))
    if ring:
        given &= (nodes.points[:, 0] > 0.0) | np.isin(nodes.points[:, 1], (0.0, 1.0))
    found = solve_fixed(laplacian(graph, conductance(graph)), np.zeros(graph.n_cells), given, exact)
    assert np.count_nonzero(~given) >= 15
    assert np.abs(found - exact).max() < 1e-13


@pytest.mark.parametrize("name", MESHES)
def test_volumes_and_areas_are_those_of_the_mesh(name):
    mesh = MESHES[name]()
    graph, _ = node_graph(mesh, terminals=ENDS)
    ring = mesh.symmetry == "axisymmetric"
    whole, plate = (0.75, 0.5) if name == "mixed" else (np.pi, np.pi) if ring else (1.0, 1.0)
    assert graph.volume.sum() == pytest.approx(whole, rel=1e-13)
    assert tagged_area(mesh, "counter") == pytest.approx(plate, rel=1e-13)
    assert graph.terminals["counter"].area.sum() == pytest.approx(plate, rel=1e-13)


@pytest.mark.parametrize("name", MESHES)
def test_what_flows_in_flows_out(name):
    graph, _ = node_graph(MESHES[name](), terminals=ENDS)
    _, at_counter, at_collector = between_plates(graph, conductance(graph))
    assert at_counter == pytest.approx(at_collector, rel=1e-10)
    matrix = laplacian(graph, conductance(graph))
    assert abs(matrix.sum(axis=1)).max() < 1e-13 * abs(matrix).max()


@pytest.mark.parametrize("kind", ["tetra", "hexahedron", "wedge", "triangle", "quad"])
def test_a_laminate_with_a_resistance_is_exact(kind):
    """Two layers in series with what their interface costs; only the gaps, 1e-4 of half an element, are added."""
    n = (3, 3, 8)[-(2 if kind in ("triangle", "quad") else 3) :]
    sigma, contact, axis = (2.0, 0.3), 0.7, len(n) - 1
    mesh = box(
        [kind],
        n,
        distortion=0.2,
        region_names=("a", "b"),
        region=lambda c: c[:, axis] > 0.5,
        still=[(axis, 0.5)],
    )
    graph, nodes = node_graph(mesh, terminals=ENDS)
    u, current, _ = between_plates(graph, conductance(graph, sigma, contact), sigma)
    resistance = 0.5 / sigma[0] + 0.5 / sigma[1] + contact
    assert current == pytest.approx(1.0 / resistance, rel=3 * GAP / 8)
    height = nodes.points[:, axis]
    exact = np.where(graph.phase == 0, height / sigma[0], 1.0 * resistance - (1.0 - height) / sigma[1]) / resistance
    assert np.abs(u - exact).max() < 2e-4 / 8


def test_interfaces_are_facets_and_have_a_cell_on_either_side():
    mesh = box(["tetra"], (3, 3, 4), region_names=("a", "b"), region=lambda c: c[:, 2] > 0.5)
    graph, nodes = node_graph(mesh, terminals={})
    assert graph.n_cells == 16 * 5 + 16
    between = graph.phase[graph.cell_a] != graph.phase[graph.cell_b]
    assert np.count_nonzero(between) == 16
    assert graph.area[between].sum() == pytest.approx(1.0)
    np.testing.assert_array_equal(nodes.points[graph.cell_a[between]], nodes.points[graph.cell_b[between]])
    depth = graph.distance_a[between] / GAP
    assert depth == pytest.approx(graph.volume[graph.cell_a[between]] / graph.area[between])


def test_elements_refer_to_cells_of_their_phase():
    mesh = box(["wedge"], (3, 3, 4), region_names=("a", "b"), region=lambda c: c[:, 2] > 0.5)
    graph, nodes = node_graph(mesh, terminals={})
    (block,) = nodes.blocks
    np.testing.assert_array_equal(graph.phase[block.nodes], np.repeat(block.phase[:, None], 6, axis=1))
    np.testing.assert_array_equal(nodes.points[block.nodes], mesh.points[mesh.cells[0].nodes])
    np.testing.assert_array_equal(mesh.points[nodes.point], nodes.points)


def layers(*names, edges=6, kind="tetra", **rest):
    """A box of layers of equal height along z."""
    return box(
        [kind],
        (2, 2, edges),
        region_names=names,
        region=lambda c: np.minimum((c[:, 2] * len(names)).astype(int), len(names) - 1),
        **rest,
    )


def test_several_regions_may_be_one_phase():
    mesh = layers("core", "shell", "binder")
    graph, _ = node_graph(mesh, terminals=ENDS, phase_of={"core": "active", "shell": "active"})
    assert graph.phase_names == ("active", "binder")
    assert np.bincount(graph.phase, graph.volume) == pytest.approx([2 / 3, 1 / 3])
    assert graph.n_cells == 9 * 7 + 9


def test_excluded_phases_leave_walls():
    mesh = layers("active", "void", "binder")
    graph, nodes = node_graph(mesh, terminals={"counter": "counter"}, excluded=("void",))
    assert graph.phase_names == ("active", "void", "binder")
    assert np.bincount(graph.phase, graph.volume) == pytest.approx([1 / 3, 0.0, 1 / 3])
    assert np.all(graph.phase[graph.cell_a] == graph.phase[graph.cell_b])
    assert sum(len(each.nodes) for each in nodes.blocks) == mesh.n_cells * 2 // 3


def test_a_terminal_may_lie_behind_an_excluded_phase():
    """The facets between a conductor and a void are a part of its boundary."""
    mesh = layers("active", "void")
    inner = mesh.points[:, 2] == 0.5
    facets = np.concatenate([mesh.cells[0].nodes[:, facet] for facet in ELEMENTS["tetra"].facets])
    facets = np.unique(np.sort(facets[inner[facets].all(axis=1)], axis=1), axis=0)
    tags = FacetBlock("triangle", facets, np.zeros(len(facets), np.int16))
    graph, _ = node_graph(
        replace(mesh, facets=(tags,), tag_names=("plate",)), terminals={"collector": "plate"}, excluded=("void",)
    )
    assert graph.terminals["collector"].area.sum() == pytest.approx(1.0)


def grains_of(mesh, number):
    (cells,) = mesh.cells
    centres = mesh.points[cells.nodes].mean(axis=1)
    return replace(mesh, cells=(replace(cells, grain=number(centres).astype(np.int32)),))


def test_grains_are_told_apart_in_the_phases_that_ask_for_it():
    mesh = grains_of(layers("electrolyte", "active", edges=4), lambda c: 1 + (c[:, 0] > 0.5))
    together, _ = node_graph(mesh, terminals=ENDS)
    assert together.grain is None
    graph, _ = node_graph(mesh, terminals=ENDS, apart=("active",))
    assert graph.n_cells == together.n_cells + 9
    assert set(graph.grain[graph.phase == 0]) == {0}
    assert set(graph.grain[graph.phase == 1]) == {1, 2}
    boundary = (graph.phase[graph.cell_a] == graph.phase[graph.cell_b]) & (
        graph.grain[graph.cell_a] != graph.grain[graph.cell_b]
    )
    assert graph.area[boundary].sum() == pytest.approx(0.5)
    assert np.all(graph.area[boundary] > 0.0)


@pytest.mark.parametrize("kind", ["tetra", "hexahedron", "wedge"])
def test_what_a_grain_boundary_costs_is_exact(kind):
    mesh = box([kind], (3, 3, 8), distortion=0.2, still=[(2, 0.5)])
    mesh = grains_of(mesh, lambda c: 1 + (c[:, 2] > 0.5))
    graph, _ = node_graph(mesh, terminals=ENDS, apart=("solid",))
    _, current, _ = between_plates(graph, conductance(graph, contact=0.25))
    assert current == pytest.approx(0.8, rel=3 * GAP / 8)


def tagged(mesh, *places):
    """Tag the facets between the two layers by where they lie: pairs of a name and a function of their centres."""
    inner = np.isclose(mesh.points[:, 2], 0.5)
    (cells,) = mesh.cells
    facets = np.concatenate([cells.nodes[:, facet] for facet in ELEMENTS[cells.kind].facets])
    facets = facets[inner[facets].all(axis=1)]
    centres = mesh.points[facets].mean(axis=1)
    at = [place(centres) for _, place in places]
    block = FacetBlock(
        "triangle",
        np.concatenate([facets[k] for k in at]),
        np.repeat(range(2, 2 + len(at)), [k.sum() for k in at]).astype(np.int16),
    )
    return replace(mesh, facets=(*mesh.facets, block), tag_names=(*mesh.tag_names, *(name for name, _ in places)))


def test_tags_of_facets_on_interfaces_become_tags_of_faces():
    """Nodes at the end of a tagged part have two faces, one with the tag and one without."""
    mesh = tagged(layers("a", "b", edges=4), ("coated", lambda c: c[:, 0] < 0.5))
    graph, _ = node_graph(mesh, terminals=ENDS)
    assert graph.tag_names == ("coated",)
    between = graph.phase[graph.cell_a] != graph.phase[graph.cell_b]
    assert np.all(graph.face_tag[~between] == -1)
    assert graph.area[between & (graph.face_tag == 0)].sum() == pytest.approx(0.5)
    assert graph.area[between & (graph.face_tag == -1)].sum() == pytest.approx(0.5)
    assert np.count_nonzero(between) == 6 + 6
    # both faces of a node have the gap of the whole interface behind it, not one for each part
    pairs = graph.cell_a[between].astype(np.int64) * graph.n_cells + graph.cell_b[between]
    for pair in np.unique(pairs):
        assert np.unique(graph.distance_a[between][pairs == pair]).size == 1


def test_every_part_of_an_interface_has_its_name():
    both = (("left", lambda c: c[:, 0] < 0.5), ("right", lambda c: c[:, 0] > 0.5))
    graph, _ = node_graph(tagged(layers("a", "b", edges=4), *both), terminals=ENDS)
    assert graph.tag_names == ("left", "right")
    assert [graph.area[graph.face_tag == k].sum() for k in (0, 1)] == pytest.approx([0.5, 0.5])
    twice = (("left", lambda c: c[:, 0] < 0.5), ("lower", lambda c: c[:, 1] < 0.5))
    with pytest.raises(MeshError, match=r"2 facets inside the mesh have several tags \(left, lower\), the first at \("):
        node_graph(tagged(layers("a", "b", edges=4), *twice), terminals=ENDS)


def test_tags_inside_a_phase_mean_nothing():
    mesh = tagged(layers("a", edges=4), ("coated", lambda c: c[:, 0] < 0.5))
    graph, _ = node_graph(mesh, terminals=ENDS)
    assert graph.face_tag is None
    assert graph.tag_names == ()


def test_cells_of_a_phase_that_touch_in_an_edge_are_not_connected():
    """A checkerboard: the middle edge belongs to two particles, which do not conduct into each other through it."""
    mesh = box(
        ["hexahedron"],
        (2, 2, 2),
        region_names=("active", "electrolyte"),
        region=lambda c: (c[:, 0] > 0.5) != (c[:, 1] > 0.5),
    )
    graph, nodes = node_graph(mesh, terminals={})
    middle = np.all(np.isclose(nodes.points[:, :2], 0.5), axis=1)
    assert np.count_nonzero(middle & (graph.phase == 0)) == 2 * 3
    pieces = graph.components(graph.phase[graph.cell_a] == graph.phase[graph.cell_b])
    assert np.unique(pieces).size == 4


def test_neighbours_are_near_each_other():
    """Also where the points of the file are in no order."""
    mesh = box(["tetra"], (4, 4, 30))
    shuffled = np.random.default_rng(0).permutation(len(mesh.points))
    (cells,) = mesh.cells
    points = np.empty_like(mesh.points)
    points[shuffled] = mesh.points
    graph, _ = node_graph(
        replace(mesh, points=points, cells=(replace(cells, nodes=shuffled[cells.nodes]),), facets=()), terminals={}
    )
    assert np.abs(graph.cell_a - graph.cell_b).max() < 3 * 25


def test_the_terminals_are_parts_of_the_boundary():
    mesh = box(["tetra"], (2, 2, 2))
    with pytest.raises(InputError, match=r"collector = 'colector': expected one of the tags.*did you mean 'collector'"):
        node_graph(mesh, terminals={"counter": "counter", "collector": "colector"})
    with pytest.raises(MeshError, match=r"8 facets of the collector \(tag 'plate'\) lie inside the mesh"):
        node_graph(tagged(mesh, ("plate", lambda c: c[:, 0] > -1.0)), terminals={"collector": "plate"})
    with pytest.raises(MeshError, match="no cell that takes part touches the counter"):
        node_graph(layers("void", "a"), terminals=ENDS, excluded=("void",))
    with pytest.raises(MeshError, match="every region is void or excluded"):
        node_graph(mesh, terminals={}, excluded=("solid",))
    with pytest.raises(InputError, match="expected one of the tags"):
        tagged_area(mesh, "none")


def test_a_facet_that_is_tagged_twice_counts_once():
    mesh = box(["tetra"], (2, 2, 2))
    again = replace(mesh, facets=(*mesh.facets, *mesh.facets))
    assert node_graph(again, terminals=ENDS)[0].terminals["counter"].area.sum() == pytest.approx(1.0)


def ball_in_a_box(size):
    with gmsh_mesh.session() as gmsh:
        occ = gmsh.model.occ
        ball, outer = (3, occ.addSphere(0.0, 0.0, 0.0, 0.5)), (3, occ.addBox(-1.0, -1.0, -1.0, 2.0, 2.0, 2.0))
        _, (balls, boxes) = occ.fragment([ball], [outer])
        occ.synchronize()
        regions = {"ball": balls, "box": [each for each in boxes if each not in balls]}
        surface = gmsh.model.getBoundary(balls, oriented=False)
        gmsh_mesh.generate(gmsh, 3, size=0.4, fine=surface, fine_size=size)
        return gmsh_mesh.read(gmsh, 3, regions=regions, tags={"surface": surface}, unit=1e-6)


def test_volume_and_area_of_a_sphere():
    """Of the inscribed polyhedron, whose error falls with the square of its edges; both sides have the same area."""
    pytest.importorskip("gmsh")
    errors = []
    for size in (0.2, 0.1):
        mesh = ball_in_a_box(size)
        graph, _ = node_graph(mesh, terminals={})
        assert graph.volume.sum() == pytest.approx(8e-18, rel=1e-12)
        between = graph.phase[graph.cell_a] != graph.phase[graph.cell_b]
        assert np.all(graph.face_tag[between] == 0)
        area = graph.area[between].sum()
        assert area == pytest.approx(tagged_area(mesh, "surface"), rel=1e-12)
        volume = graph.volume[graph.phase == 0].sum()
        errors.append((1.0 - area / (np.pi * 1e-12), 1.0 - volume / (np.pi / 6.0 * 1e-18)))
    assert np.all(np.array(errors) > 0.0)
    assert max(errors[1]) < 0.02
    assert np.all(np.log2(np.array(errors[0]) / np.array(errors[1])) > 1.7)
