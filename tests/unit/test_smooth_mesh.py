"""Tetrahedra with smooth interfaces: they fill the image, fit together, and show the area of the body that was cut."""

import numpy as np
import pytest

from catholyte.errors import InputError, MeshError
from catholyte.mesh.generate import SpherePhase, VoidPhase, blend, packing
from catholyte.mesh.smooth import surface, surface_triangles, tetrahedra

H = 2e-7
SPACING = (H, H, H)
NAMES = ("active", "electrolyte", "void")


def ball(radius, offset=(0.1, 0.2, 0.3), edges=(1.0, 1.0, 1.0)):
    """Return a ball (label 0) in label 1; radius and edges in voxels."""
    squares = []
    for edge, shift in zip(edges, offset, strict=True):
        n = int(2.0 * radius / edge) + 6
        squares.append(((np.arange(n) + 0.5 - 0.5 * n + shift) * edge) ** 2)
    inside = squares[0][:, None, None] + squares[1][:, None] + squares[2] < radius**2
    return np.where(inside, 0, 1).astype(np.uint8)


def volumes(mesh):
    points = mesh.points[mesh.cells[0].nodes]
    return np.linalg.det(points[:, 1:] - points[:, :1]) / 6.0


def triangle_areas(points, triangles):
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


def facets(mesh):
    """Return the sorted facets of all cells and how many cells share each."""
    nodes = mesh.cells[0].nodes
    all_facets = np.sort(np.concatenate([np.delete(nodes, k, axis=1) for k in range(4)]), axis=1)
    return np.unique(all_facets, axis=0, return_counts=True)


def errors_of_ball(radius, smoothing=10):
    points, triangles = surface_triangles(ball(radius), (1.0, 1.0, 1.0), (0, 1), smoothing=smoothing)
    area = triangle_areas(points, triangles).sum()
    a, b, c = (points[triangles[:, k]] - points.mean(axis=0) for k in range(3))
    volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0
    return area / (4.0 * np.pi * radius**2) - 1.0, volume / (4.0 / 3.0 * np.pi * radius**3) - 1.0


def noisy():
    return blend((14, 15, 16), SPACING, shares=[0.4, 0.4, 0.2], domain_size=3.0 * H, seed=3)


def test_area_and_volume_of_a_sphere_come_closer_with_the_resolution():
    stepped, _ = errors_of_ball(8, smoothing=0)
    assert stepped == pytest.approx(0.5, abs=0.02)
    found = np.abs([errors_of_ball(radius) for radius in (4, 8, 16)])
    assert found[1, 0] < 0.01
    assert found[1, 1] < 0.005
    assert np.all(found[2] < 0.6 * found[0])
    assert found[2, 0] < 0.004


def test_flat_voxels_make_the_same_sphere():
    edges = (0.5, 1.0, 1.0)
    points, triangles = surface_triangles(ball(8, edges=edges), edges, (0, 1))
    area = triangle_areas(points, triangles).sum()
    assert area == pytest.approx(4.0 * np.pi * 64.0, rel=0.02)


@pytest.mark.parametrize("excluded", [(), (2,)])
def test_cells_fit_together_and_fill_the_image(excluded):
    labels = noisy()
    mesh = tetrahedra(labels, SPACING, NAMES, excluded=excluded)
    found = volumes(mesh)
    assert found.min() > 0.0
    if not excluded:
        assert found.sum() == pytest.approx(labels.size * H**3, rel=1e-12)
    unique, cells = facets(mesh)
    assert cells.max() == 2
    rim = mesh.points[unique[cells == 1]]
    size = np.array(labels.shape[::-1]) * H
    on_box = np.any(np.all(np.isclose(rim, 0.0, atol=1e-15) | np.isclose(rim, size), axis=1), axis=1)
    outside = triangle_areas(mesh.points, unique[cells == 1])
    if excluded:
        assert np.any(~on_box)
    else:
        assert np.all(on_box)
        nz, ny, nx = labels.shape
        assert outside.sum() == pytest.approx(2.0 * (nz * ny + ny * nx + nx * nz) * H**2, rel=1e-12)
    assert np.array_equal(np.unique(mesh.cells[0].nodes), np.arange(len(mesh.points)))


def test_every_phase_keeps_its_volume():
    labels = packing(
        (32, 32, 32),
        SPACING,
        matrix=0,
        phases=[SpherePhase(1, 0.5, 12.0 * H), VoidPhase(2, 0.1)],
        seed=2,
    )
    mesh = tetrahedra(labels, SPACING, NAMES)
    shares = np.bincount(mesh.cells[0].region, volumes(mesh)) / (labels.size * H**3)
    assert shares == pytest.approx(np.bincount(labels.ravel()) / labels.size, rel=2e-3)


def test_every_tetrahedron_keeps_its_shape():
    mesh = tetrahedra(noisy(), SPACING, NAMES)
    points = mesh.points[mesh.cells[0].nodes]
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    edges = sum(((points[:, a] - points[:, b]) ** 2).sum(axis=1) for a, b in pairs)
    quality = 12.0 * (3.0 * volumes(mesh)) ** (2.0 / 3.0) / edges
    assert quality.min() >= 0.1 * (1.0 - 1e-9)


def test_points_stay_within_half_a_voxel_of_their_corner():
    labels = noisy()
    for pair in ((0, 1), (1, 2)):
        start, triangles = surface_triangles(labels, SPACING, pair, smoothing=0)
        moved, again = surface_triangles(labels, SPACING, pair)
        assert len(triangles) == len(again)
        assert 0.0 < np.abs(moved - start).max() <= 0.5 * H * (1.0 + 1e-12)


def test_plates_are_covered_by_their_tags():
    labels = noisy()
    mesh = tetrahedra(labels, SPACING, NAMES, excluded=(2,))
    _, ny, nx = labels.shape
    whole = tetrahedra(labels, SPACING, NAMES)
    for tag, height in ((0, 0.0), (1, labels.shape[0] * H)):
        for found, everything in ((mesh, False), (whole, True)):
            chosen = found.facets[0].nodes[found.facets[0].tag == tag]
            assert np.all(found.points[chosen][..., 2] == height)
            area = triangle_areas(found.points, chosen).sum()
            assert (area == pytest.approx(ny * nx * H**2, rel=1e-12)) == everything
    assert whole.tag_names == ("counter", "collector")


def test_what_is_flat_stays_flat_whatever_ends_on_it():
    labels = np.ones((16, 12, 12), np.uint8)
    labels[4:] = blend((12, 12, 12), SPACING, shares=[0.5, 0.0, 0.5], domain_size=4.0 * H, seed=1)
    assert set(np.unique(labels[4])) == {0, 2}
    for pair in ((1, 0), (1, 2)):
        points, _ = surface_triangles(labels, SPACING, pair)
        assert np.all(points[:, 2] == 4.0 * H)


def test_a_mirrored_image_gives_the_mirrored_interface():
    labels = noisy()
    points, _ = surface_triangles(labels, SPACING, (0, 1))
    mirrored, _ = surface_triangles(labels[::-1], SPACING, (0, 1))
    mirrored[:, 2] = labels.shape[0] * H - mirrored[:, 2]
    order, other = (np.lexsort(np.round(p / H, 6).T) for p in (points, mirrored))
    assert np.allclose(points[order], mirrored[other], atol=1e-6 * H)


def test_grain_boundaries_fit_and_leave_the_phases_alone():
    labels = ball(6)
    grains = np.where(labels == 0, 1 + (np.arange(labels.shape[2]) > labels.shape[2] // 2), 0)
    mesh = tetrahedra(labels, SPACING, NAMES, grains=grains)
    plain = tetrahedra(labels, SPACING, NAMES)
    by_grain = np.bincount(mesh.cells[0].grain, volumes(mesh))
    by_region = np.bincount(plain.cells[0].region, volumes(plain))
    assert by_grain.size == 3
    assert by_grain[1:].sum() == pytest.approx(by_region[0], rel=1e-3)
    assert volumes(mesh).min() > 0.0


def test_the_same_image_gives_the_same_mesh():
    first, second = (tetrahedra(noisy(), SPACING, NAMES) for _ in range(2))
    assert np.array_equal(first.points, second.points)
    assert np.array_equal(first.cells[0].nodes, second.cells[0].nodes)


def test_surface_looks_from_the_first_label_to_the_second():
    body = surface(ball(6), SPACING, (0, 1))
    assert body.volume == pytest.approx(4.0 / 3.0 * np.pi * (6 * H) ** 3, rel=0.02)
    _, forward = errors_of_ball(6)
    assert forward > -0.5


def test_wrong_input_is_named():
    labels = noisy()
    with pytest.raises(InputError, match="labels = 2"):
        tetrahedra(labels, SPACING, NAMES[:2])
    with pytest.raises(InputError, match="smoothing"):
        tetrahedra(labels, SPACING, NAMES, smoothing=-1)
    with pytest.raises(MeshError, match="excluded"):
        tetrahedra(labels, SPACING, NAMES, excluded=(0, 1, 2))
    with pytest.raises(InputError, match="pair"):
        surface_triangles(labels, SPACING, (1, 1))
