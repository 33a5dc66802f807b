"""Meshes that go to FiPy and come from it, and what both codes compute on them."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from element_meshes import between_plates, boundary_points, box, conductance, laplacian, mixed, solve_fixed

from catholyte.errors import InputError
from catholyte.mesh.checks import check_cells
from catholyte.mesh.exchange import from_fipy, graph_from_fipy, to_fipy
from catholyte.mesh.nodes import node_graph, tagged_area

os.environ.setdefault("FIPY_SOLVERS", "scipy")
fipy = pytest.importorskip("fipy")

MESHES = {
    "tetra": lambda: box(["tetra"], (2, 3, 4), distortion=0.1),
    "hexahedron": lambda: box(["hexahedron"], (2, 3, 4), distortion=0.1),
    "wedge": lambda: box(["wedge"], (2, 3, 4), distortion=0.1),
    "mixed": lambda: mixed(4, 0.1),
    "triangle": lambda: box(["triangle"], (3, 4), distortion=0.2),
    "quad": lambda: box(["quad"], (3, 4), distortion=0.2),
    "triangle and quad": lambda: box(lambda c: np.where(c[:, 0] < 0.5, "triangle", "quad"), (4, 4), distortion=0.2),
}


def solver():
    return fipy.LinearLUSolver(tolerance=1e-14, iterations=5)


def solved(mesh, sigma, plates):
    """Return FiPy's potential between two plates at 0 and 1 V."""
    phi = fipy.CellVariable(mesh=mesh, value=0.0)
    for value, plate in enumerate(plates):
        phi.constrain(float(value), where=plate)
    fipy.DiffusionTerm(coeff=sigma).solve(var=phi, solver=solver())
    return np.asarray(phi)


@pytest.mark.parametrize("name", MESHES)
def test_there_and_back(name):
    """Cells keep their points; FiPy finds the same volumes where facets are flat."""
    mesh = MESHES[name]()
    there = to_fipy(mesh)
    assert there.numberOfCells == mesh.n_cells
    flat = name in ("tetra", "triangle", "quad", "triangle and quad")
    assert there.cellVolumes.sum() == pytest.approx(0.75 if name == "mixed" else 1.0, rel=1e-12 if flat else 1e-3)
    back = from_fipy(there)
    check_cells(back)
    np.testing.assert_array_equal(back.points, mesh.points)
    numbers = np.concatenate([block.number for block in back.cells])
    assert sorted(numbers) == list(range(mesh.n_cells))
    cells = [sorted(nodes) for block in mesh.cells for nodes in block.nodes.tolist()]
    for block in back.cells:
        assert [sorted(nodes) for nodes in block.nodes.tolist()] == [cells[k] for k in block.number]
    assert {block.kind for block in back.cells} == {block.kind for block in mesh.cells}
    ours, theirs = (node_graph(each, terminals={})[0].volume.sum() for each in (mesh, back))
    assert theirs == pytest.approx(ours, rel=1e-13)


def test_a_mesh_of_fipy_has_regions_and_tags():
    grid = fipy.Grid2D(nx=4, ny=3, dx=0.5, dy=0.5)
    x = np.asarray(grid.cellCenters[0])
    mesh = from_fipy(
        grid, {"left": x < 1.0, "right": x > 1.0}, {"counter": grid.facesLeft, "collector": grid.facesRight}
    )
    assert mesh.region_names == ("left", "right")
    assert tagged_area(mesh, "counter") == pytest.approx(1.5)
    graph, nodes = node_graph(mesh, terminals={"counter": "counter", "collector": "collector"})
    assert graph.n_cells == 5 * 4 + 4
    assert np.bincount(graph.phase, graph.volume) == pytest.approx([1.5, 1.5])
    assert set(nodes.points[graph.terminals["collector"].cell, 0]) == {2.0}
    with pytest.raises(InputError, match="6 cells in none of them"):
        from_fipy(grid, {"left": x < 1.0})


def test_triangles_of_fipy():
    check_cells(from_fipy(fipy.Tri2D(nx=3, ny=2)))


def test_physical_groups_of_a_mesh_that_fipy_has_from_gmsh(monkeypatch):
    pytest.importorskip("gmsh")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    mesh = from_fipy(
        fipy.Gmsh2D(
            """
            Point(1) = {0, 0, 0, 0.3}; Point(2) = {1, 0, 0, 0.3}; Point(3) = {1, 1, 0, 0.3}; Point(4) = {0, 1, 0, 0.3};
            Line(1) = {1, 2}; Line(2) = {2, 3}; Line(3) = {3, 4}; Line(4) = {4, 1};
            Line Loop(1) = {1, 2, 3, 4}; Plane Surface(1) = {1};
            Physical Surface("active") = {1}; Physical Line("counter") = {1};
            """
        )
    )
    check_cells(mesh)
    assert mesh.region_names == ("active",)
    assert tagged_area(mesh, "counter") == pytest.approx(1.0)


@pytest.mark.parametrize(
    "grid", [fipy.Grid2D(nx=6, ny=5, dx=0.5), fipy.Grid3D(nx=3, ny=4, nz=5), fipy.Grid2D(dx=[1.0, 2.0, 0.5], ny=4)]
)
def test_both_codes_solve_the_same_system_on_a_grid(grid):
    """Cell by cell the same potentials, with two conductivities, because FiPy gets the harmonic means of the faces."""
    x = np.asarray(grid.cellCenters[0])
    sigma = np.where(x < 1.4, 2.0, 0.3)
    phases = {"left": x < 1.4, "right": x > 1.4}
    graph = graph_from_fipy(grid, terminals={"counter": grid.facesLeft, "collector": grid.facesRight}, regions=phases)
    np.testing.assert_allclose(graph.volume, np.asarray(grid.cellVolumes))
    u, current, _ = between_plates(graph, conductance(graph, [2.0, 0.3]), [2.0, 0.3])

    cell = fipy.CellVariable(mesh=grid, value=sigma)
    first, second = (np.ma.filled(ids, -1) for ids in grid.faceCellIDs)
    second = np.where(second < 0, first, second)
    middle = np.asarray(grid.faceCenters)
    near, far = (np.linalg.norm(middle - np.asarray(grid.cellCenters)[:, cells], axis=0) for cells in (first, second))
    # FiPy wants the mean over the distance of the centres
    mean = (near + far) / (near / sigma[first] + far / sigma[second])
    theirs = solved(grid, fipy.FaceVariable(mesh=grid, value=mean), (grid.facesLeft, grid.facesRight))
    assert cell.shape == theirs.shape
    np.testing.assert_allclose(u, theirs, rtol=0.0, atol=1e-12)
    assert current > 0.0


def test_only_orthogonal_grids_have_the_graph_of_their_cells():
    skewed = fipy.SkewedGrid2D(nx=4, ny=4, rand=0.2)
    with pytest.raises(InputError, match="not orthogonal"):
        graph_from_fipy(skewed, terminals={})
    with pytest.raises(InputError, match="cells that are triangle"):
        graph_from_fipy(fipy.Tri2D(nx=2, ny=2), terminals={})
    with pytest.raises(InputError, match="1 dimension"):
        from_fipy(fipy.Grid1D(nx=3))


def test_cylindrical_grids_are_rings():
    grid = fipy.CylindricalGrid2D(nx=4, ny=3, dx=0.5)
    graph = graph_from_fipy(grid, terminals={"counter": grid.facesBottom})
    # FiPy leaves out 2π
    np.testing.assert_allclose(graph.volume, 2.0 * np.pi * np.asarray(grid.cellVolumes))
    assert graph.terminals["counter"].area.sum() == pytest.approx(np.pi * 2.0**2)
    with pytest.raises(InputError, match="axisymmetric"):
        to_fipy(from_fipy(grid))


def test_fipy_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "fipy.meshes.mesh", None)
    with pytest.raises(InputError, match="pip install fipy"):
        to_fipy(box(["triangle"], (2, 2)))


def wave(x):
    return np.sin(2.0 * x[0] + 0.3) * np.cosh(2.0 * x[1])


def test_fipy_and_the_graph_of_nodes_find_the_same_field():
    """A harmonic field on straight triangles, where two-point fluxes are right: both find it, with second order."""
    errors = []
    for n in (8, 16):
        mesh = box(["triangle"], (n, n))
        graph, nodes = node_graph(mesh, terminals={})
        exact = wave(nodes.points.T)
        given = np.isin(nodes.point, boundary_points(mesh))
        ours = solve_fixed(laplacian(graph, conductance(graph)), np.zeros(graph.n_cells), given, exact)

        quads = to_fipy(box(["quad"], (n, n)))
        phi = fipy.CellVariable(mesh=quads, value=0.0)
        phi.constrain(wave(np.asarray(quads.faceCenters)), where=quads.exteriorFaces)
        fipy.DiffusionTerm().solve(var=phi, solver=solver())
        theirs = np.asarray(phi) - wave(np.asarray(quads.cellCenters))
        errors.append((np.abs(ours - exact).max(), np.sqrt(np.mean(theirs**2))))
    orders = np.log2(np.array(errors[0]) / np.array(errors[1]))
    assert np.all(orders > 1.8)


def test_skewed_meshes_are_where_the_codes_part():
    """Two-point fluxes between cell centres miss a linear field on a skewed mesh; the graph of the nodes does not."""
    mesh = box(["triangle"], (8, 8), distortion=0.2)
    tilted = replace(mesh, points=mesh.points + 0.4 * mesh.points[:, [1, 0, 2]] * [1.0, 0.0, 0.0])
    slope = np.array([0.7, -1.3])
    there = to_fipy(tilted)
    phi = fipy.CellVariable(mesh=there, value=0.0)
    phi.constrain(slope @ np.asarray(there.faceCenters), where=there.exteriorFaces)
    fipy.DiffusionTerm().solve(var=phi, solver=solver())
    theirs = np.abs(np.asarray(phi) - slope @ np.asarray(there.cellCenters)).max()

    graph, nodes = node_graph(tilted, terminals={})
    exact = nodes.points[:, :2] @ slope
    given = np.isin(nodes.point, boundary_points(tilted))
    ours = solve_fixed(laplacian(graph, conductance(graph)), np.zeros(graph.n_cells), given, exact)
    assert np.abs(ours - exact).max() < 1e-13
    assert theirs > 1e-3
