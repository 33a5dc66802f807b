"""Grains: of the size asked for, the same in finer images, and never across two particles."""

import numpy as np
import pytest
from scipy import ndimage

from catholyte.errors import InputError, MeshError
from catholyte.mesh.generate import blend
from catholyte.mesh.grains import grains_from_image, grains_of_points, voronoi_grains

H = 1e-7
SPACING = (H, H, H)


def sizes(grains):
    return np.bincount(grains.ravel())[1:]


def test_grains_have_the_mean_volume_asked_for():
    grains = voronoi_grains(np.zeros((80, 80, 80), np.uint8), SPACING, 0, grain_size=8.0 * H, seed=1)
    found = sizes(grains)
    assert found.min() > 0
    assert found.mean() == pytest.approx(np.pi / 6.0 * 8.0**3, rel=0.01)
    # Poisson-Voronoi cells: coefficient of variation 0.42
    assert found.std() / found.mean() == pytest.approx(0.42, abs=0.05)


def test_the_mean_holds_within_a_phase_too():
    labels = blend((64,) * 3, SPACING, shares=[0.6, 0.4], domain_size=20.0 * H, seed=2)
    found = sizes(voronoi_grains(labels, SPACING, 0, grain_size=6.0 * H, seed=1))
    assert found.sum() == np.count_nonzero(labels == 0)
    assert found.mean() == pytest.approx(np.pi / 6.0 * 6.0**3, rel=0.05)


def test_half_the_voxel_size_gives_the_same_grains():
    labels = np.zeros((24, 20, 22), np.uint8)
    labels[:, :4] = 1
    coarse = voronoi_grains(labels, SPACING, 0, grain_size=7.0 * H, seed=5)
    fine_labels = labels.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    fine = voronoi_grains(fine_labels, (H / 2,) * 3, 0, grain_size=7.0 * H, seed=5)
    assert fine.max() == coarse.max()
    same = fine == coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    inside = fine_labels == 0
    # only voxels that a boundary cuts may differ
    assert same[inside].mean() > 0.85
    eroded = ndimage.minimum_filter(fine, 5) == ndimage.maximum_filter(fine, 5)
    assert same[eroded].all()


def test_particles_share_no_grain():
    labels = blend((32,) * 3, SPACING, shares=[0.15, 0.85], domain_size=5.0 * H, seed=3)
    particles, number = ndimage.label(labels == 0)
    assert number > 10
    grains = voronoi_grains(labels, SPACING, 0, grain_size=8.0 * H, seed=1)
    pairs = np.unique(np.stack([grains[labels == 0], particles[labels == 0]]), axis=1)
    assert pairs.shape[1] == grains.max()
    assert set(pairs[1]) == set(range(1, number + 1))
    together = voronoi_grains(labels, SPACING, 0, grain_size=8.0 * H, seed=1, by_particle=False)
    assert together.max() < grains.max()
    for found in (grains, together):
        assert np.array_equal(found > 0, labels == 0)


def test_a_grain_is_nearest_to_its_own_point():
    # in one particle every grain is convex: the middle between two of its voxels belongs to it
    grains = voronoi_grains(np.zeros((30,) * 3, np.uint8), SPACING, 0, grain_size=12.0 * H, seed=7)
    rng = np.random.default_rng(0)
    for grain in range(1, grains.max() + 1):
        own = np.argwhere(grains == grain)
        pairs = own[rng.integers(len(own), size=(200, 2))].sum(axis=1)
        middle = pairs[np.all(pairs % 2 == 0, axis=1)] // 2
        assert np.all(grains[tuple(middle.T)] == grain)


def test_the_seed_decides():
    labels = np.zeros((20,) * 3, np.uint8)
    first, second, other = (voronoi_grains(labels, SPACING, 0, grain_size=6.0 * H, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_cells_of_a_mesh_get_the_grains_of_the_image():
    shape = (24, 24, 24)
    labels = np.zeros(shape, np.uint8)
    by_voxel = voronoi_grains(labels, SPACING, 0, grain_size=8.0 * H, seed=3)
    centres = (np.array(np.unravel_index(np.arange(labels.size), shape)).T + 0.5) * H
    box = ((0.0,) * 3, tuple(n * H for n in shape))
    volumes = np.full(labels.size, H**3)
    by_cell = grains_of_points(centres, volumes, box, grain_size=8.0 * H, seed=3)
    assert np.array_equal(by_voxel.ravel(), by_cell)


def test_points_outside_of_the_cells_make_no_grains():
    rng = np.random.default_rng(1)
    points = rng.random((40000, 3)) * 2e-6
    points = points[np.linalg.norm(points - 1e-6, axis=1) < 1e-6]
    volumes = np.full(len(points), 4.0 / 3.0 * np.pi * 1e-18 / len(points))
    box = ((0.0,) * 3, (2e-6,) * 3)
    grains = grains_of_points(points, volumes, box, grain_size=0.3e-6, seed=2)
    mean = 4.0 / 3.0 * np.pi * 1e-18 / grains.max()
    assert mean == pytest.approx(np.pi / 6.0 * 0.3e-6**3, rel=0.01)
    halves = np.where(points[:, 0] < 1e-6, 1, 2)
    apart = grains_of_points(points, volumes, box, grain_size=0.3e-6, seed=2, particle=halves)
    assert not set(apart[halves == 1]) & set(apart[halves == 2])


def test_a_given_image_of_grains_is_checked_and_numbered():
    labels = np.array([[[0, 0, 1], [0, 1, 1]]], np.uint8)
    image = np.array([[[7, 40, 3], [40, 0, -1]]])
    assert grains_from_image(image, labels, 0).tolist() == [[[1, 2, 0], [2, 0, 0]]]
    with pytest.raises(InputError, match="2 voxels of the phase without"):
        grains_from_image(image, labels, 1)
    with pytest.raises(InputError, match="shape"):
        grains_from_image(image[:, :1], labels, 0)
    with pytest.raises(InputError, match="whole numbers"):
        grains_from_image(image * 1.0, labels, 0)


def test_impossible_grains_are_refused():
    labels = np.zeros((4, 4, 4), np.uint8)
    with pytest.raises(InputError, match="grain_size"):
        voronoi_grains(labels, SPACING, 0, grain_size=0.5 * H, seed=0)
    with pytest.raises(MeshError, match="label 3"):
        voronoi_grains(labels, SPACING, 3, grain_size=5.0 * H, seed=0)
    with pytest.raises(InputError, match="box"):
        grains_of_points(np.ones((2, 3)), np.ones(2), ((0.0,) * 3, (0.5,) * 3), grain_size=1.0, seed=0)
