"""The graph of the nodes of a mesh: exact for linear fields, conservative, with the areas and volumes of the mesh."""

import numpy as np
import pytest
from element_meshes import between_plates, boundary_points, box, conductance, laplacian, mixed, solve_fixed

from catholyte.mesh.nodes import GAP, node_graph, tagged_area

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
