"""Effective conductivity of structures whose answer is known exactly.

Layers in series and in parallel (Milton, *The Theory of Composites*, ch. 9), contact resistances added in
series, and structures that do not join the two plates.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import laminate_graph, random_image

from catholyte.mesh.voxels import voxel_graph
from catholyte.models.conduction import effective_conductivity

H = 0.5e-6
NAMES = ("void", "a", "b")


def conductivity(labels, sigma, *, spacing=(H, H, H), names=NAMES, **options):
    labels = np.asarray(labels, dtype=np.uint8)
    graph = voxel_graph(labels, spacing, names, periodic=options.pop("periodic", False))
    nz, ny, nx = labels.shape
    return effective_conductivity(
        graph, sigma, length=nz * spacing[0], cross_section=ny * nx * spacing[1] * spacing[2], **options
    )


@pytest.mark.parametrize("contrast", [1.0, 7.0, 1e4])
def test_series(contrast):
    graph = laminate_graph([("a", 3), ("b", 5), ("a", 2), ("b", 2)], (H, 2 * H, 3 * H), (3, 2))
    sigma = {"a": 2.0, "b": 2.0 * contrast}
    out = effective_conductivity(graph, sigma, length=12 * H, cross_section=36 * H * H, tolerance=1e-14)
    assert out.value == pytest.approx(12.0 / (5 / 2.0 + 7 / (2.0 * contrast)), rel=1e-11)
    assert out.mismatch < 1e-9


@pytest.mark.parametrize("contrast", [1.0, 7.0, 1e4, 1e8])
def test_parallel(contrast):
    labels = np.ones((9, 4, 5))
    labels[:, :, 2:] = 2
    out = conductivity(labels, {"a": 0.3, "b": 0.3 * contrast}, tolerance=1e-14)
    assert out.value == pytest.approx(0.3 * (2 + 3 * contrast) / 5, rel=1e-12)


def test_contact_resistances_add_in_series():
    graph = laminate_graph([("a", 4), ("b", 4), ("a", 2)], (H, H, H), (2, 2))
    contact = {frozenset(("a", "b")): 3e-5}
    out = effective_conductivity(
        graph,
        {"a": 0.1, "b": 5.0},
        length=10 * H,
        cross_section=4 * H * H,
        contact_resistance=contact,
        tolerance=1e-14,
    )
    assert out.value == pytest.approx(10 * H / (6 * H / 0.1 + 4 * H / 5.0 + 2 * 3e-5), rel=1e-11)


def test_equal_conductivities_are_a_homogeneous_block():
    labels = 1 + random_image((12, 9, 7), 0.5, 2)
    out = conductivity(labels, {"a": 0.7, "b": 0.7}, spacing=(1e-6, 2e-6, 0.5e-6), tolerance=1e-14)
    assert out.value == pytest.approx(0.7, rel=1e-12)
    z = np.repeat((np.arange(12) + 0.5) / 12, 63)
    np.testing.assert_allclose(out.phi, z, rtol=1e-11)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_mirror_images_conduct_alike(axis):
    labels = 1 + random_image((10, 10, 10), 0.4, 5)
    sigma = {"a": 1.0, "b": 50.0}
    one, other = conductivity(labels, sigma), conductivity(np.flip(labels, axis), sigma)
    assert other.value == pytest.approx(one.value, rel=1e-8)


def test_wiener_bounds():
    labels = 1 + random_image((10, 10, 10), 0.4, 6)
    sigma = {"a": 1.0, "b": 50.0}
    value = conductivity(labels, sigma).value
    assert 1.0 / (0.6 / 1.0 + 0.4 / 50.0) < value < 0.6 * 1.0 + 0.4 * 50.0


def test_dead_ends_carry_nothing():
    labels = np.zeros((8, 5, 5))
    labels[:, 2, 2] = 1
    straight = conductivity(labels, {"a": 1.0}, tolerance=1e-14)
    assert straight.value == pytest.approx(1.0 / 25.0, rel=1e-12)
    labels[4, 2, :] = 1
    labels[5, :2, 4] = 1
    # An arm widens the conductor by next to nothing: a voxel beside the path sees one potential only.
    arm = conductivity(labels, {"a": 1.0}, tolerance=1e-14)
    assert arm.value == pytest.approx(1.0 / 25.0, rel=1e-12)


def test_no_path_no_conductivity():
    labels = np.zeros((8, 5, 5))
    labels[:4, 2, 2] = 1
    out = conductivity(labels, {"a": 1.0})
    assert (out.value, out.iterations) == (0.0, 0)
    assert np.all(np.isnan(out.phi))
    # A slanted strip whose voxels meet only at edges conducts nothing.
    strip = np.zeros((6, 1, 6))
    strip[np.arange(6), 0, np.arange(6)] = 1
    assert conductivity(strip, {"a": 1.0}).value == 0.0


def test_slanted_strip_with_steps():
    """A staircase of single voxels is a chain of resistors: 2n voxels in a row, half of one at each plate."""
    n = 6
    strip = np.zeros((n + 1, 1, n))
    strip[np.arange(n), 0, np.arange(n)] = 1
    strip[np.arange(1, n + 1), 0, np.arange(n)] = 1
    out = conductivity(strip, {"a": 2.0}, tolerance=1e-14)
    assert out.value == pytest.approx(2.0 * (n + 1) / (2 * n * n), rel=1e-12)


def test_phases_without_conductivity_block():
    labels = np.ones((6, 2, 2))
    labels[3] = 2
    assert conductivity(labels, {"a": 1.0}).value == 0.0
    assert conductivity(labels, {"a": 1.0, "b": 0.0}).value == 0.0


def test_islands_are_left_out():
    labels = np.zeros((6, 5, 5))
    labels[:, 0, 0] = 1
    labels[2:4, 3, 3] = 1
    out = conductivity(labels, {"a": 1.0}, tolerance=1e-14)
    assert out.value == pytest.approx(1.0 / 25.0, rel=1e-12)
    assert np.count_nonzero(np.isnan(out.phi)) == 2


def test_periodic_walls_shorten_the_path():
    labels = np.zeros((3, 1, 6))
    labels[0, 0, 0] = labels[2, 0, 5] = 1
    labels[1, 0, 0] = labels[1, 0, 5] = 1
    assert conductivity(labels, {"a": 1.0}).value == 0.0
    out = conductivity(labels, {"a": 1.0}, periodic=True, tolerance=1e-14)
    assert out.value == pytest.approx(3.0 / (4.0 * 6.0), rel=1e-12)


@pytest.mark.parametrize("contrast", [1e4, 1e6, 1e8])
def test_good_conductors_at_the_plates_do_not_spoil_the_accuracy(contrast):
    """Residuals relative to the currents of the plates would hide the current that crosses the gap."""
    graph = laminate_graph([("a", 4), ("b", 4), ("a", 4)], (H, H, H), (8, 8))
    out = effective_conductivity(graph, {"a": contrast, "b": 1.0}, length=12 * H, cross_section=64 * H * H)
    assert out.value == pytest.approx(12.0 / (4.0 + 8.0 / contrast), rel=1e-6)
    assert out.mismatch < 1e-6
