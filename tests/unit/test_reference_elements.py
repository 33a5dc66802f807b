"""Elements: shape functions, stiffness and masses against exact answers, and the divergence theorem on any shape."""

import numpy as np
import pytest

from catholyte.mesh.elements import (
    ELEMENTS,
    corner_jacobians,
    element_matrices,
    facet_loads,
    lumped_mass,
    shape_functions,
)

KINDS = list(ELEMENTS)
FLAT = ["triangle", "quad"]


def distorted(kind, number=50, by=0.15, seed=0):
    """Random elements near the reference element; those of the plane away from the axis."""
    element = ELEMENTS[kind]
    x = np.zeros((number, len(element.corners), 3))
    random = np.random.default_rng(seed)
    x[..., : element.dimension] = element.corners + random.uniform(-by, by, (number, *element.corners.shape))
    if element.dimension == 2:
        x[..., 0] += 1.2
    return x


@pytest.mark.parametrize("kind", KINDS)
def test_shape_functions_are_one_at_their_node_and_sum_to_one(kind):
    corners = ELEMENTS[kind].corners
    np.testing.assert_allclose(shape_functions(kind, corners)[0], np.eye(len(corners)), atol=1e-15)
    at = np.random.default_rng(1).random((5, corners.shape[1]))
    N, dN = shape_functions(kind, at)
    np.testing.assert_allclose(N.sum(axis=1), 1.0)
    np.testing.assert_allclose(dN.sum(axis=1), 0.0, atol=1e-15)
    np.testing.assert_allclose(N @ corners, at, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_are_those_of_the_shape_functions(kind):
    at = np.random.default_rng(2).random((4, ELEMENTS[kind].dimension))
    _, dN = shape_functions(kind, at)
    for axis in range(at.shape[1]):
        step = 1e-20j * np.eye(at.shape[1])[axis]
        np.testing.assert_allclose(shape_functions(kind, at + step)[0].imag / 1e-20, dN[..., axis], atol=1e-14)


def test_a_triangle_couples_by_the_cotangents_of_its_angles():
    x = distorted("triangle")
    stiffness, _ = element_matrices("triangle", x)
    for k in range(3):
        a, b = x[:, (k + 1) % 3] - x[:, k], x[:, (k + 2) % 3] - x[:, k]
        cotangent = np.einsum("mx,mx->m", a, b) / np.linalg.norm(np.cross(a, b), axis=1)
        np.testing.assert_allclose(stiffness[:, (k + 1) % 3, (k + 2) % 3], -0.5 * cotangent, atol=1e-14)


def test_cubes_and_squares_of_linear_finite_elements():
    square = np.zeros((1, 4, 3))
    square[..., :2] = (ELEMENTS["quad"].corners + 1.0) / 2.0
    stiffness, mass = element_matrices("quad", square)
    np.testing.assert_allclose(6.0 * stiffness[0, 0], [4.0, -1.0, -2.0, -1.0])
    np.testing.assert_allclose(mass, 0.25)
    cube = (ELEMENTS["hexahedron"].corners[None] + 1.0) / 2.0
    stiffness, mass = element_matrices("hexahedron", cube)
    # neighbours along an edge do not couple, those across faces and the cube do
    np.testing.assert_allclose(12.0 * stiffness[0, 0], [4.0, 0.0, -1.0, 0.0, 0.0, -1.0, -1.0, -1.0], atol=1e-14)
    np.testing.assert_allclose(mass, 0.125)


@pytest.mark.parametrize("kind", KINDS)
def test_stiffness_is_symmetric_and_at_rest_for_a_constant(kind):
    stiffness, _ = element_matrices(kind, distorted(kind))
    np.testing.assert_allclose(stiffness, np.swapaxes(stiffness, 1, 2), atol=1e-14)
    np.testing.assert_allclose(stiffness.sum(axis=2), 0.0, atol=1e-14)
    assert np.linalg.eigvalsh(stiffness)[:, 1].min() > 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_flux_of_a_linear_field_is_that_through_the_facets(kind):
    """Σ_j K_ij x_j = ∫ N_i n dA over all facets: exact on any shape, which also says that facets look outward."""
    x = distorted(kind)
    stiffness, _ = element_matrices(kind, x)
    through = np.zeros_like(x)
    for facet in ELEMENTS[kind].facets:
        own = x[:, facet]
        if len(facet) == 2:
            normal = np.cross(own[:, 1] - own[:, 0], [0.0, 0.0, 1.0])
            through[:, facet] += 0.5 * normal[:, None]
        elif len(facet) == 3:
            through[:, facet] += np.cross(own[:, 1] - own[:, 0], own[:, 2] - own[:, 0])[:, None] / 6.0
        else:
            N, dN = shape_functions("quad", ELEMENTS["quad"].mass_rule[0])
            along = np.einsum("qkd,mkx->mqdx", dN, own)
            through[:, facet] += np.einsum("mqx,qk->mkx", np.cross(along[:, :, 0], along[:, :, 1]), N)
    np.testing.assert_allclose(stiffness @ x, through, atol=1e-13)


@pytest.mark.parametrize("kind", FLAT)
def test_the_flux_along_the_axis_of_rings_is_that_through_their_facets(kind):
    x = distorted(kind)
    stiffness, _ = element_matrices(kind, x, "axisymmetric")
    through = np.zeros(x.shape[:2])
    for facet in ELEMENTS[kind].facets:
        own = x[:, facet]
        side = own[:, 1] - own[:, 0]
        share = -side[:, 0] / np.linalg.norm(side, axis=1)
        through[:, facet] += share[:, None] * facet_loads(own, "axisymmetric")
    np.testing.assert_allclose((stiffness @ x[..., 1:2])[..., 0], through, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_masses_follow_from_the_divergence_theorem(kind):
    """3 V = ∫ x·n dA, in the plane 2 A."""
    x, d = distorted(kind), ELEMENTS[kind].dimension
    volume = lumped_mass(kind, x).sum(axis=1)
    stiffness, _ = element_matrices(kind, x)
    # ∇x_a·∇x_a = 1 for each coordinate
    np.testing.assert_allclose(np.einsum("mia,mij,mja->m", x, stiffness, x), d * volume)
    if kind != "quad":
        assert lumped_mass(kind, x).min() > 0.0


@pytest.mark.parametrize("kind", FLAT)
def test_rings_have_the_volume_and_surface_of_pappus(kind):
    x = distorted(kind)
    area = lumped_mass(kind, x).sum(axis=1)
    centroid = np.stack([lumped_mass(kind, np.add(x, [s, 0.0, 0.0]), "axisymmetric").sum(axis=1) for s in (0.0, 1.0)])
    np.testing.assert_allclose(centroid[1] - centroid[0], 2.0 * np.pi * area)
    side = x[:, :2]
    length, middle = np.linalg.norm(side[:, 1] - side[:, 0], axis=1), side[..., 0].mean(axis=1)
    np.testing.assert_allclose(facet_loads(side, "axisymmetric").sum(axis=1), 2.0 * np.pi * middle * length)
    # the node that is farther from the axis has more of it
    loads = facet_loads(side, "axisymmetric")
    assert np.all((loads[:, 0] > loads[:, 1]) == (side[:, 0, 0] > side[:, 1, 0]))


def test_a_triangle_around_the_axis_is_a_cone():

    x = np.array([[[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 3.0, 0.0]]])
    assert lumped_mass("triangle", x, "axisymmetric").sum() == pytest.approx(np.pi * 2.0**2 * 3.0 / 3.0)
    assert facet_loads(x[:, 1:], "axisymmetric").sum() == pytest.approx(np.pi * 2.0 * np.sqrt(13.0))


def test_the_loads_of_a_trapezium():
    """Of ∫ N_i dA over a trapezium with parallel sides 2 and 1 at distance 1; its nodes are in space."""
    flat = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0][:, :2]
    loads = facet_loads((flat @ turn.T)[None])
    assert loads.sum() == pytest.approx(1.5)
    np.testing.assert_allclose(loads[0], lumped_mass("quad", np.pad(flat, ((0, 0), (0, 1)))[None])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_mirrored_elements_are_inside_out(kind):
    x = distorted(kind)
    assert corner_jacobians(kind, x).min() > 0.0
    mirrored = corner_jacobians(kind, x[:, ELEMENTS[kind].mirror])
    assert mirrored.max() < 0.0


def test_many_elements_are_worked_on_in_portions(monkeypatch):
    x = distorted("wedge", number=40)
    whole = element_matrices("wedge", x)
    monkeypatch.setattr("catholyte.mesh.elements._PORTION", 7)
    for found, expected in zip(element_matrices("wedge", x), whole, strict=True):
        np.testing.assert_array_equal(found, expected)
