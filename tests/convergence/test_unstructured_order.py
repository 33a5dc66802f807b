"""Meshes of every kind, skewed at random: the error of a manufactured solution falls with the square of the edges.

    −∇·(σ∇φ) = f    with φ given on the boundary

The graph gets f at its nodes times the volumes of its cells, as every source in the package.
"""

from dataclasses import replace

import numpy as np
import pytest
from element_meshes import between_plates, boundary_points, box, conductance, laplacian, mixed, solve_fixed

from catholyte.mesh import gmsh_mesh
from catholyte.mesh.checks import check_cells
from catholyte.mesh.nodes import node_graph

SIGMA = 2.5


def waves(points, dimension):
    """Return φ and f of a field that is not a polynomial, along all axes."""
    k = np.array([2.0, 3.0, 2.5])[:dimension]
    phi = np.sin(points[:, :dimension] @ k + 0.3) + np.prod(np.cos(points[:, :dimension]), axis=1)
    f = SIGMA * (
        (k @ k) * np.sin(points[:, :dimension] @ k + 0.3) + dimension * np.prod(np.cos(points[:, :dimension]), axis=1)
    )
    return phi, f


def rings(points):
    """Return φ = cos 2r · sin 3z and f with axial symmetry."""
    r, z = points[:, 0], points[:, 1]
    slope = 4.0 * np.sinc(2.0 * r / np.pi)  # 2 sin(2r)/r
    return np.cos(2.0 * r) * np.sin(3.0 * z), SIGMA * (13.0 * np.cos(2.0 * r) + slope) * np.sin(3.0 * z)


def error(mesh):
    """Return the error in L2, and the number of cells along an edge up to a factor."""
    check_cells(mesh)
    graph, nodes = node_graph(mesh, terminals={})
    ring = mesh.symmetry == "axisymmetric"
    exact, f = rings(nodes.points) if ring else waves(nodes.points, mesh.dimension)
    given = np.isin(nodes.point, boundary_points(mesh))
    if ring:  # the axis is no boundary
        given &= (nodes.points[:, 0] > 0.0) | np.isin(nodes.points[:, 1], (0.0, 1.0))
    found = solve_fixed(laplacian(graph, conductance(graph, [SIGMA])), f * graph.volume, given, exact)
    norm = np.sqrt(graph.volume @ (found - exact) ** 2 / graph.volume.sum())
    return norm, mesh.n_cells ** (1.0 / mesh.dimension)


def order(meshes):
    (coarse, few), (fine, many) = (error(mesh) for mesh in meshes)
    return np.log(coarse / fine) / np.log(many / few)


def solid(kind, distortion):
    return lambda n, seed: box([kind], (n, n, n), distortion=distortion, seed=seed)


def flat(kind, symmetry="none"):
    return lambda n, seed: box([kind], (3 * n, 3 * n), distortion=0.22, seed=seed, symmetry=symmetry)


#: meshes of n edges, and two n; random meshes of tetrahedra show their order late
CASES = {
    "tetra": (solid("tetra", 0.17), 12, 20),
    "hexahedron": (solid("hexahedron", 0.2), 8, 14),
    "wedge": (solid("wedge", 0.2), 8, 14),
    "mixed": (lambda n, seed: mixed(n, 0.17, seed=seed), 14, 26),
    "triangle": (flat("triangle"), 10, 20),
    "quad": (flat("quad"), 10, 20),
    "axisymmetric triangle": (flat("triangle", "axisymmetric"), 10, 20),
    "axisymmetric quad": (flat("quad", "axisymmetric"), 10, 20),
}


@pytest.mark.parametrize("name", CASES)
def test_skewed_meshes_are_of_second_order(name):
    """Of the mean over two random distortions."""
    make, few, many = CASES[name]
    orders = [order([make(n, seed) for n in (few, many)]) for seed in (1, 2)]
    assert np.mean(orders) > 1.9


def gmsh_box(size):
    with gmsh_mesh.session() as gmsh:
        body = (3, gmsh.model.occ.addBox(0.0, 0.0, 0.0, 1.0, 1.0, 1.0))
        gmsh.model.occ.synchronize()
        gmsh_mesh.generate(gmsh, 3, size=size)
        return gmsh_mesh.read(gmsh, 3, regions={"solid": [body]}, tags={}, unit=1.0)


def test_tetrahedra_of_gmsh_are_of_second_order():
    pytest.importorskip("gmsh")
    assert order([gmsh_box(size) for size in (0.2, 0.1)]) > 1.9


@pytest.mark.parametrize("kind", ["triangle", "quad"])
def test_a_curved_interface_with_a_resistance_is_of_second_order(kind):
    """Two cylinders in each other, a quarter of them, with what their interface costs."""
    sigma, contact = (2.0, 0.3), 0.4
    exact = 0.5 * np.pi / (np.log(1.5) / sigma[0] + contact / 1.5 + np.log(2.0 / 1.5) / sigma[1])
    errors = []
    for n in (8, 16, 32):
        flat = box(
            [kind], (n, n), distortion=0.2, region_names=("in", "out"), region=lambda c: c[:, 1] > 0.5, still=[(1, 0.5)]
        )
        angle, radius = 0.5 * np.pi * flat.points[:, 0], 1.0 + flat.points[:, 1]
        points = np.column_stack([radius * np.sin(angle), radius * np.cos(angle), np.zeros(len(angle))])
        mesh = replace(flat, points=points)
        check_cells(mesh)
        graph, _ = node_graph(mesh, terminals={"counter": "counter", "collector": "collector"})
        _, current, _ = between_plates(graph, conductance(graph, sigma, contact), sigma)
        errors.append(abs(current / exact - 1.0))
    orders = np.log2(np.array(errors)[:-1] / np.array(errors)[1:])
    assert errors[-1] < 1e-3
    assert orders[-1] > 1.85
