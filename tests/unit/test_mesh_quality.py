"""What a mesh must not have, with the message that says where; and measures of cells whose values are known."""

import io
import sys
from dataclasses import replace

import numpy as np
import pytest
from element_meshes import block, box, mixed
from rich.console import Console

from catholyte.cli import main
from catholyte.errors import MeshError
from catholyte.mesh.checks import check_cells
from catholyte.mesh.meshfile import read_mesh, write_mesh
from catholyte.mesh.quality import Spread, check_mesh
from catholyte.mesh.smooth import tetrahedra
from catholyte.mesh.unstructured import FacetBlock, UnstructuredMesh
from catholyte.report import quality_report

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0], [2, 1, 0]], float)


def mesh_of(points, *blocks, **rest):
    points = np.column_stack([points, np.zeros((len(points), 3 - np.shape(points)[1]))])
    return UnstructuredMesh(points, blocks, ("solid",), **rest)


def refusal(mesh):
    with pytest.raises(MeshError) as error:
        check_cells(mesh)
    return str(error.value)


def moved(mesh, point, by):
    points = mesh.points.copy()
    points[point] += by
    return replace(mesh, points=points)


def inner_point(mesh):
    middle = np.linalg.norm(mesh.points - mesh.points.max(axis=0) / 2, axis=1)
    return int(middle.argmin())


@pytest.mark.parametrize("kind", ["tetra", "hexahedron", "wedge", "triangle", "quad"])
def test_whole_meshes_pass(kind):
    n = (3, 3, 3) if kind in ("tetra", "hexahedron", "wedge") else (4, 4)
    check_cells(box([kind], n, distortion=0.25))


@pytest.mark.parametrize("kind", ["tetra", "hexahedron", "wedge", "triangle", "quad"])
def test_cells_inside_out(kind):
    n = (4, 4, 4) if kind in ("tetra", "hexahedron", "wedge") else (4, 4)
    mesh = box([kind], n)
    message = refusal(moved(mesh, inner_point(mesh), [0.4, 0.35, 0.0]))
    assert message.startswith("cells that are inside out: ")
    assert ", the first at (" in message


def test_a_file_whose_cells_run_the_other_way_round():
    mesh = box(["triangle"], (3, 3))
    (cells,) = mesh.cells
    message = refusal(replace(mesh, cells=(replace(cells, nodes=cells.nodes[:, ::-1]),)))
    assert "all of them: the nodes are numbered the other way round" in message
    assert "18 cells (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …), the first at (" in message


def test_flat_cells():
    message = refusal(mesh_of(np.vstack([SQUARE[:3], [[3.0, 3.0, 0.0]]]), block("triangle", [[0, 1, 2], [0, 2, 3]])))
    assert message == "cells without volume: 1 cell (1), the first at (1.333, 1.333, 0) m"


def test_cells_that_are_there_twice():
    cells = block("triangle", [[0, 1, 2], [0, 2, 3], [2, 0, 1]])
    message = refusal(mesh_of(SQUARE[:4], cells))
    assert message == "cells that are there twice: 2 cells (0, 2), the first at (0.6667, 0.3333, 0) m"


def test_a_facet_of_three_cells():
    points = np.vstack([SQUARE, [[0.5, 2.0, 0.0]]])
    message = refusal(mesh_of(points, block("triangle", [[0, 1, 2], [0, 2, 3], [0, 2, 6]])))
    assert message.startswith("a facet of more than two cells: 3 cells (0, 1, 2)")


def test_cells_that_lie_over_each_other():
    """Both are the right way round, but on the same side of the edge between them."""
    points = np.vstack([SQUARE[:3], [[0.9, 0.2, 0.0]]])
    message = refusal(mesh_of(points, block("triangle", [[0, 1, 2], [0, 1, 3]])))
    assert message.startswith("cells that lie on the same side of the facet between them: 2 cells (0, 1)")


def test_two_points_at_one_place():
    """A crack: the right half has points of its own where it meets the left one."""
    points = np.vstack([SQUARE, SQUARE[1:3]])
    mesh = mesh_of(points, block("quad", [[0, 1, 2, 3], [6, 4, 5, 7]]))
    message = refusal(mesh)
    expected = "points at the same place that are not one point: 4 points (1, 6, 2, 7), the first at (1, 0, 0) m"
    assert message == expected
    numbered = replace(mesh, point_number=np.arange(8) + 100)
    assert "4 points (101, 106, 102, 107)" in refusal(numbered)


def test_a_hanging_node_in_the_plane():
    points = np.vstack([SQUARE, [[1.0, 0.5, 0.0], [2.0, 0.5, 0.0]]])
    message = refusal(mesh_of(points, block("quad", [[0, 1, 2, 3], [1, 4, 7, 6], [6, 7, 5, 2]])))
    what = "hanging nodes, on the boundary of 1 cell (0) that they do not belong to"
    assert message == f"{what}: 1 point (6), the first at (1, 0.5, 0) m"


@pytest.mark.parametrize("kinds", ["tetra", "hexahedron"])
def test_hanging_nodes_in_space(kinds):
    """A coarse box on a fine one: the middles of faces and of edges hang."""
    fine, coarse = box([kinds], (2, 2, 2)), box([kinds], (1, 1, 1))
    above = coarse.points + np.array([0.0, 0.0, 1.0])
    # the corners are shared
    same = np.array([np.flatnonzero(np.all(np.isclose(fine.points, p), axis=1)) for p in above], dtype=object)
    new = np.array([len(fine.points) + k if not len(at) else at[0] for k, at in enumerate(same)], int)
    points = np.vstack([fine.points, above])
    message = refusal(mesh_of(points, fine.cells[0], block(kinds, new[coarse.cells[0].nodes])))
    assert message.startswith("hanging nodes, on the boundary of ")
    assert "5 points (" in message


def test_a_graded_mesh_has_no_hanging_nodes():
    """Points near large facets are not on them, and points on their edges are theirs."""
    mesh = box(["tetra"], (4, 4, 4))
    points = mesh.points**3
    check_cells(replace(mesh, points=points))


def test_pieces_that_are_not_connected():
    far = SQUARE[:3] + np.array([9.0, 0.0, 0.0])
    squares, triangle = block("quad", [[0, 1, 2, 3], [1, 4, 5, 2]]), block("triangle", [[6, 7, 8]])
    message = refusal(mesh_of(np.vstack([SQUARE, far]), squares, replace(triangle, number=np.array([2]))))
    what = "2 pieces that share no facet; the smallest has 1 of 3 cells (solid)"
    assert message == f"{what}: 1 cell (2), the first at (9.667, 0.3333, 0) m"


def test_islands_in_an_image_may_be_allowed():
    labels = np.zeros((5, 3, 3), int)
    labels[:2], labels[4, 0, 0] = 1, 1
    mesh = tetrahedra(labels, (1e-6,) * 3, ("void", "active"), excluded=(0,))
    assert "2 pieces that share no facet" in refusal(mesh)
    check_cells(mesh, connected=False)


def test_parts_that_touch_in_a_point_are_not_connected():
    points = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [2, 1], [2, 2], [1, 2]], float)
    assert "2 pieces" in refusal(mesh_of(points, block("quad", [[0, 1, 2, 3], [2, 4, 5, 6]])))


def test_tagged_facets_of_no_cell():
    mesh = box(["triangle"], (2, 2))
    facets = FacetBlock("line", np.array([[0, 3], [0, 8]]), np.array([0, 1], np.int16))
    message = refusal(replace(mesh, facets=(facets,)))
    assert message == "1 tagged facets that are not those of a cell (collector), the first at (0.5, 0.5, 0) m"
    squares = FacetBlock("quad", np.array([[0, 1, 2, 3]]), np.array([0], np.int16))
    assert "tagged facets" in refusal(replace(box(["tetra"], (2, 2, 2)), facets=(squares,)))


def test_radii_below_zero():
    mesh = box(["quad"], (2, 2), symmetry="axisymmetric")
    message = refusal(replace(mesh, points=mesh.points - [0.3, 0.0, 0.0]))
    assert message == "a radius below zero: 3 points (0, 1, 2), the first at (-0.3, 0, 0) m"


def test_coordinates_that_are_no_numbers():
    mesh = box(["quad"], (2, 2))
    assert "coordinates that are no numbers: 1 point (4)" in refusal(moved(mesh, 4, np.nan))


def test_the_best_cells():
    """Regular tetrahedron and triangle, cube, square and the wedge between two regular triangles."""
    h, z = np.sqrt(3.0) / 2.0, np.sqrt(2.0 / 3.0)
    triangle = np.array([[0, 0, 0], [1, 0, 0], [0.5, h, 0]])
    cube = box(["hexahedron"], (1, 1, 1))
    cases = [
        (mesh_of(triangle, block("triangle", [[0, 1, 2]])), 60.0, 1.0 / h),
        (mesh_of(SQUARE[:4], block("quad", [[0, 1, 2, 3]])), 90.0, 1.0),
        (mesh_of(np.vstack([triangle, [[0.5, h / 3, z]]]), block("tetra", [[0, 1, 2, 3]])), 70.5287794, 1.0 / z),
        (cube, 90.0, 1.0),
        (mesh_of(np.vstack([triangle, triangle + np.array([0, 0, 1])]), block("wedge", [range(6)])), 90.0, 1.0 / h),
    ]
    for mesh, angle, aspect in cases:
        (kind,) = check_mesh(mesh).kinds
        assert kind.angle.median == pytest.approx(angle)
        assert kind.shape.low == pytest.approx(1.0, rel=1e-12)
        assert kind.aspect.high == pytest.approx(aspect)


def test_measures_of_shapes_whose_values_are_known():
    corner = np.vstack([np.zeros(3), np.eye(3)])
    (kind,) = check_mesh(mesh_of(corner, block("tetra", [[0, 1, 2, 3]]))).kinds
    # inscribed radius 1/(3 + √3), circumscribed √3/2
    assert kind.shape.low == pytest.approx(3.0 * (1.0 / (3.0 + np.sqrt(3.0))) / (np.sqrt(3.0) / 2.0))
    assert (kind.angle.low, kind.angle.high) == pytest.approx((np.degrees(np.arccos(1.0 / np.sqrt(3.0))), 90.0))
    assert kind.aspect.high == pytest.approx(np.sqrt(2.0) * np.sqrt(3.0))

    slanted = np.array([[0, 0, 0], [1, 0, 0], [2, 1, 0], [1, 1, 0]], float)
    (kind,) = check_mesh(mesh_of(slanted, block("quad", [[0, 1, 2, 3]]))).kinds
    assert kind.shape.low == pytest.approx(np.sin(np.pi / 4.0))
    assert (kind.angle.low, kind.angle.high) == pytest.approx((45.0, 135.0))
    assert kind.aspect.high == pytest.approx(2.0)


def test_between_neighbours():
    """Slanted parallelograms: the line of centres is at 45 degrees to the facet's normal and meets its middle."""
    mesh = box(["quad"], (1, 3))
    slanted = replace(mesh, points=mesh.points + mesh.points[:, [1, 0, 2]] * [1.0, 0.0, 0.0])
    quality = check_mesh(slanted)
    assert quality.non_orthogonality == pytest.approx((45.0, 45.0))
    assert quality.skewness == pytest.approx((0.0, 0.0), abs=1e-12)
    straight = check_mesh(mesh)
    assert straight.non_orthogonality == pytest.approx((0.0, 0.0), abs=1e-6)
    assert straight.edge == Spread(pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0)
    assert straight.volume.high == pytest.approx(1 / 3)


def test_skewness_of_two_triangles():
    """Centres (1, ±1)/3·…: the line meets the edge between them off its middle by a known share."""
    points = np.array([[0, 0, 0], [3, 0, 0], [0, 3, 0], [0, -3, 0]], float)
    quality = check_mesh(mesh_of(points, block("triangle", [[0, 1, 2], [0, 3, 1]])))
    # centres at (1, ±1), the middle of the edge at (1.5, 0)
    assert quality.skewness[1] == pytest.approx(0.25)
    assert quality.non_orthogonality[1] == pytest.approx(0.0, abs=1e-6)


def test_negative_couplings_come_with_obtuse_angles():
    assert check_mesh(box(["triangle"], (4, 4))).negative_couplings == 0.0
    flat = box(["triangle"], (4, 4))
    sheared = replace(flat, points=flat.points + flat.points[:, [1, 0, 2]] * [1.0, 0.0, 0.0])
    assert check_mesh(sheared).negative_couplings > 0.2


def test_the_worst_cells_are_named_by_their_number():
    mesh = box(["tetra"], (4, 4, 4))
    (cells,) = mesh.cells
    numbered = replace(mesh, cells=(replace(cells, number=cells.number + 1000),))
    point = inner_point(mesh)
    quality = check_mesh(moved(numbered, point, [0.1, 0.12, 0.0]))
    around = 1000 + np.flatnonzero(np.any(cells.nodes == point, axis=1))
    assert len(quality.worst) == 5
    assert set(quality.worst) <= set(around.tolist())


def test_the_report_names_regions_tags_and_kinds():
    mesh = mixed(4, 0.2, region_names=("lower", "upper"), region=lambda c: c[:, 2] > 0.5)
    text = io.StringIO()
    Console(file=text, width=120).print(quality_report(mesh, check_mesh(mesh)))
    for word in ("lower", "upper", "counter", "collector", "hexahedron", "wedge", "tetra", "negative couplings"):
        assert word in text.getvalue()


def test_inspect_of_a_mesh_file(tmp_path, monkeypatch, capsys):
    def inspect(*arguments):
        monkeypatch.setattr(sys, "argv", ["catholyte", "mesh", "inspect", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        return end.value.code, shown.out + shown.err

    mesh = box(["triangle"], (4, 4), lengths=(5e-6, 2e-6), distortion=0.1)
    write_mesh(tmp_path / "flat.vtu", mesh, unit=1e-9)
    code, shown = inspect(tmp_path / "flat.vtu", "--unit", "nm", "--axisymmetric")
    assert code == 0
    assert "axisymmetric, 5 x 2 um" in shown
    assert "78.54" in shown  # the counter is a disk of 5 µm radius

    write_mesh(tmp_path / "broken.msh", moved(mesh, inner_point(mesh), [3e-6, 0.0, 0.0]))
    code, shown = inspect(tmp_path / "broken.msh", "--unit", "m")
    assert code == 2
    assert "error: cells that are inside out" in shown
    assert inspect(tmp_path / "flat.vtu", "--unit", "s")[0] == 2
    assert inspect(tmp_path / "none.msh")[0] == 2


def test_numbers_in_messages_are_those_of_the_file(tmp_path):
    """Also where lines stand before the triangles in it, as gmsh writes them."""
    import meshio

    points = np.vstack([SQUARE[:3], [[3.0, 3.0, 0.0]]])
    cells = [("line", [[0, 1], [1, 2]]), ("triangle", [[0, 1, 2], [0, 2, 3]])]
    meshio.write_points_cells(tmp_path / "a.vtu", points, cells)
    assert refusal(read_mesh(tmp_path / "a.vtu")).startswith("cells without volume: 1 cell (3)")
