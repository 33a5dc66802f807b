"""Accuracy of effective conductivities of images: layers, strips, dead ends, symmetries, and the flux that is reported.

Layers in series and in parallel: Milton, *The Theory of Composites*, ch. 9. The spheres are in ``test_spheres.py``.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import observed_order, random_image

from catholyte.errors import NotConverged
from catholyte.models import effective
from catholyte.models.effective import effective_transport

H = 1e-6
CUBES = (H, H, H)
BRICKS = (1e-6, 2e-6, 0.5e-6)
#: the error of a value is the square of the error of its potential
TIGHT = 1e-6


def conductivity(labels, sigma, *, spacing=CUBES, **options):
    return effective_transport(np.asarray(labels, np.uint8), spacing, sigma, **{"tolerance": TIGHT, **options})


def layers(axis, stack=(0, 0, 1, 1, 1, 0, 1), shape=(6, 7, 5)):
    """Return an image of layers across an axis."""
    sizes = [len(stack) if k == axis else n for k, n in enumerate(shape)]
    across = np.expand_dims(np.array(stack, np.uint8), [k for k in range(3) if k != axis])
    return np.broadcast_to(across, sizes)


@pytest.mark.parametrize("contrast", [1.0, 7.0, 1e3, 1e5, 1e8])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_layers_in_series_and_in_parallel(axis, contrast):
    sigma, share = (0.3, 0.3 * contrast), 4 / 7
    # Beside such good conductors double precision knows the currents no better, the power it does.
    options = {"spacing": BRICKS, "tolerance": 1e-4 if contrast == 1e8 else TIGHT}
    across = conductivity(layers(axis), sigma, axis=axis, **options)
    assert across.value == pytest.approx(0.3 / (1.0 - share + share / contrast), rel=1e-10)
    assert across.mismatch <= options["tolerance"]
    for plates in {0, 1, 2} - {axis}:
        along = conductivity(layers(axis), sigma, axis=plates, **options)
        assert along.value == pytest.approx(0.3 * (1.0 - share + share * contrast), rel=1e-10)
        others = np.delete(along.flux, plates)
        np.testing.assert_allclose(others, 0.0, atol=1e-5 * along.value)


@pytest.mark.parametrize("resistance", [1e-9, 1e-5, 1e-1])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_interface_resistance_adds_in_series(axis, resistance):
    """Three interfaces; faces within a phase have none, whatever the diagonal says."""
    contact = np.array([[9.0, resistance], [resistance, 9.0]])
    found = conductivity(layers(axis), (0.3, 5.0), spacing=BRICKS, axis=axis, resistance=contact)
    d = BRICKS[axis]
    assert found.value == pytest.approx(7 * d / (3 * d / 0.3 + 4 * d / 5.0 + 3 * resistance), rel=1e-10)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 4, 5), (5, 1, 1), (2, 2, 2), (16, 16, 16), (15, 1, 6)])
@pytest.mark.parametrize("walls", ["sealed", "periodic"])
def test_homogeneous_block(shape, walls):
    """The straight line is the answer and the first guess, in powers of two without any residual."""
    found = conductivity(np.zeros(shape), [0.75], walls=walls)
    assert found.value == pytest.approx(0.75, rel=1e-13)
    assert found.flux == pytest.approx((0.75, 0.0, 0.0), abs=1e-13)
    assert found.method == "grid multigrid"


# --- strips


def slanted(n, width):
    """Return a strip at 45° of ``n`` rows in the plane of z and x, ``width`` voxels in every row."""
    labels = np.zeros((n, 1, n + width - 1))
    for z in range(n):
        labels[z, 0, z : z + width] = 1
    return labels


def resistance(labels, **options):
    """Return the resistance between the plates over that of one voxel."""
    nz, ny, nx = labels.shape
    return nz / (ny * nx) / conductivity(labels, [0.0, 1.0], **options).value


def test_staircase_of_single_voxels_is_a_chain():
    """Every voxel hands on to the next through one face; at both plates there is half a voxel more."""
    n, (dz, _, dx) = 9, BRICKS
    path = np.zeros((n + 1, 1, n))
    path[np.arange(n), 0, np.arange(n)] = 1
    path[np.arange(1, n + 1), 0, np.arange(n)] = 1
    found = conductivity(path, [0.0, 2.0], spacing=BRICKS)
    chain = (n + 1) * dz / dx + (n - 1) * dx / dz
    assert found.value == pytest.approx(2.0 * (n + 1) * dz / (n * dx) / chain, rel=1e-10)


@pytest.mark.parametrize("width", [3, 6, 12])
def test_strip_at_45_degrees_is_as_wide_as_its_steps_are_linked(width):
    """A row adds 2/(w − 1) to the resistance of a long strip w voxels wide: 2/w, the exact value, to first order."""
    added = resistance(slanted(4 * width, width)) - resistance(slanted(3 * width, width))
    assert added / width == pytest.approx(2.0 / (width - 1), rel=1e-5)


def test_rhombus_approaches_unit_resistance():
    """A rhombus between plates on two of its sides is its own dual: R = 1/(σ·thickness), at any angle.

    At 45° its rows are √2 n voxels wide. Steps of the sides and the singularities at the corners leave the first order,
    nearly.
    """
    sizes = [12, 29, 70]
    errors = [resistance(slanted(n, round(np.sqrt(2.0) * n))) - 1.0 for n in sizes]
    assert 0.0 < errors[-1] < 0.012
    assert -observed_order(sizes, errors) > 0.7


# --- what does not conduct


def pipe(n=8):
    """Return a straight tube along z, one voxel wide."""
    labels = np.zeros((n, 5, 5))
    labels[:, 2, 2] = 1
    return labels


def test_dead_end_carries_nothing():
    labels = pipe()
    labels[-1] = 0
    found = conductivity(labels, [0.0, 1.0], keep_potential=True)
    assert (found.value, found.flux, found.mismatch, found.iterations) == (0.0, (0.0, 0.0, 0.0), 0.0, 0)
    assert found.method.startswith("none")
    assert found.conducting == 7 / 200
    assert found.isolated == 7 / 200
    assert np.isnan(found.potential).all()
    assert conductivity(pipe(), [1.0, 0.0], axis=1).value > 0.0
    assert conductivity(pipe(), [0.0, 0.0]).conducting == 0.0


def test_branches_and_islands_change_nothing():
    labels = pipe()
    labels[4, 2, :] = 1
    labels[5, :2, 4] = 1
    labels[0, 0, 0] = 1
    found = conductivity(labels, [0.0, 1.0])
    assert found.value == pytest.approx(1.0 / 25.0, rel=1e-10)
    assert found.conducting == pytest.approx(15 / 200)
    # The two voxels of the hook touch the arm only across an edge.
    assert found.isolated == pytest.approx(3 / 200)


def test_isolated_share_counts_what_joins_one_plate_only():
    labels = pipe()
    labels[:4, 0, 0] = 1
    labels[6:, 4, 4] = 2
    found = conductivity(labels, [0.0, 1.0, 3.0])
    assert found.conducting == pytest.approx((8 + 4 + 2) / 200)
    assert found.isolated == pytest.approx((4 + 2) / 200)


# --- side walls


def test_a_tube_through_the_side_walls():
    """It leaves at one side and comes back at the other, along x and along y."""
    labels = np.zeros((4, 6, 6))
    labels[0, 0, 0] = labels[1, 0, 0] = labels[1, 0, 5] = labels[2, 0, 5] = labels[2, 5, 5] = labels[3, 5, 5] = 1
    assert conductivity(labels, [0.0, 1.0]).value == 0.0
    found = conductivity(labels, [0.0, 1.0], walls="periodic")
    assert found.value == pytest.approx(4.0 / 36.0 / 6.0, rel=1e-10)
    assert found.isolated == 0.0
    assert conductivity(np.moveaxis(labels, 0, 2), [0.0, 1.0], axis=2, walls="periodic").value == pytest.approx(
        found.value, rel=1e-10
    )


def test_checkerboard_of_tubes_joins_through_the_walls():
    """Tubes of two sizes, four quarters each: periodic walls let the current spread into what sealed ones cut off."""
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[:, :4, :4] = labels[:, 4:, 4:] = 1
    for walls in ("sealed", "periodic"):
        assert conductivity(labels, [0.5, 3.0], walls=walls).value == pytest.approx(1.75, rel=1e-10)
    image = random_image((8, 8, 8), 0.5, 3)
    assert conductivity(image, [0.0, 1.0], walls="periodic").value > 1.01 * conductivity(image, [0.0, 1.0]).value


def test_shifts_along_periodic_axes_change_nothing():
    image = random_image((10, 9, 8), 0.5, 1)
    one = conductivity(image, [1.0, 30.0], spacing=BRICKS, walls="periodic")
    other = conductivity(np.roll(image, (3, 5), (1, 2)), [1.0, 30.0], spacing=BRICKS, walls="periodic")
    assert other.value == pytest.approx(one.value, rel=1e-9)
    np.testing.assert_allclose(other.flux, one.flux, atol=1e-4 * one.value)


# --- symmetries


@pytest.mark.parametrize("walls", ["sealed", "periodic"])
def test_turned_images_conduct_alike(walls):
    image = random_image((10, 8, 9), 0.5, 2)
    order = (2, 0, 1)
    turned, spacing = image.transpose(order), tuple(BRICKS[k] for k in order)
    for axis in range(3):
        one = conductivity(image, [1.0, 30.0], spacing=BRICKS, axis=order[axis], walls=walls)
        other = conductivity(turned, [1.0, 30.0], spacing=spacing, axis=axis, walls=walls)
        assert other.value == pytest.approx(one.value, rel=1e-9)
        np.testing.assert_allclose(other.flux, np.array(one.flux)[list(order)], atol=1e-4 * one.value)


@pytest.mark.parametrize("mirror", [0, 1, 2])
def test_mirror_images_conduct_alike(mirror):
    """The flux along the mirrored axis changes its sign, where it is not the one between the plates."""
    image = random_image((10, 8, 9), 0.5, 2)
    one = conductivity(image, [1.0, 30.0], axis=1)
    other = conductivity(np.flip(image, mirror), [1.0, 30.0], axis=1)
    assert other.value == pytest.approx(one.value, rel=1e-9)
    sign = np.ones(3)
    if mirror == 1:
        sign[[0, 2]] = -1.0  # turned about: the plates change places as well
    else:
        sign[mirror] = -1.0
    np.testing.assert_allclose(other.flux, sign * one.flux, atol=1e-4 * one.value)


def test_tensor_of_a_periodic_image_is_nearly_symmetric():
    """Nearly: the plates are no part of the periodic medium. What differs is small beside what couples the axes."""
    image = random_image((24, 24, 24), 0.5, 0)
    tensor = np.array([conductivity(image, [1.0, 20.0], axis=k, walls="periodic").flux for k in range(3)]).T
    coupled = np.abs(tensor - np.diag(np.diag(tensor))).max()
    assert coupled > 0.03 * tensor[0, 0]
    assert np.abs(tensor - tensor.T).max() < 0.2 * coupled


# --- what is reported


@pytest.mark.parametrize("contrast", [0.0, 30.0])
@pytest.mark.parametrize("walls", ["sealed", "periodic"])
def test_both_hierarchies_agree(monkeypatch, contrast, walls):
    image = random_image((12, 10, 9), 0.5, 4)
    options = {"spacing": BRICKS, "walls": walls, "tolerance": 1e-7, "keep_potential": True}
    by_grid = conductivity(image, [contrast, 1.0], **options)
    monkeypatch.setattr(effective, "GRID_CONTRAST", 0.0)
    by_graph = conductivity(image, [contrast, 1.0], **options)
    assert by_grid.method.startswith("grid")
    assert by_graph.method.startswith("graph")
    assert by_graph.value == pytest.approx(by_grid.value, rel=1e-9)
    np.testing.assert_allclose(by_graph.flux, by_grid.flux, atol=1e-5 * by_grid.value)
    np.testing.assert_allclose(by_graph.potential, by_grid.potential, atol=1e-5)


def test_hierarchy_follows_the_contrast():
    image = random_image((8, 8, 8), 0.5, 4)
    for contrast, method in ((10.0, "grid"), (1e7, "graph")):
        found = conductivity(image, [1.0, contrast])
        assert found.method.startswith(method)
        assert found.mismatch <= TIGHT


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-4])
def test_what_is_reported_follows_from_the_potential(axis, tolerance):
    """Currents at both plates, dissipation and mean flux, once more from the potential that is returned."""
    image = random_image((12, 10, 9), 0.5, 5)
    sigma = np.array([1.0, 30.0])
    found = conductivity(image, sigma, spacing=BRICKS, axis=axis, tolerance=tolerance, keep_potential=True)
    phi = np.moveaxis(found.potential, axis, 0).astype(float)
    s = sigma[np.moveaxis(image, axis, 0)]
    d = [BRICKS[axis], *(BRICKS[k] for k in range(3) if k != axis)]
    volume = phi.size * d[0] * d[1] * d[2]
    length = phi.shape[0] * d[0]

    area = d[1] * d[2]
    inflow = np.sum(2.0 * s[0] * area / d[0] * phi[0])
    outflow = np.sum(2.0 * s[-1] * area / d[0] * (1.0 - phi[-1]))
    mismatch = abs(inflow - outflow) / (0.5 * (inflow + outflow))
    assert found.mismatch == pytest.approx(mismatch, abs=2e-6)
    assert found.mismatch <= tolerance

    flux, power = np.zeros(3), 0.0
    for k in range(3):
        low, high = np.moveaxis(s, k, 0)[:-1], np.moveaxis(s, k, 0)[1:]
        drop = np.diff(np.moveaxis(phi, k, 0), axis=0)
        current = drop * 2.0 * low * high / (low + high) * d[0] * d[1] * d[2] / d[k] ** 2
        flux[k] = np.sum(current) * d[k] * length / volume
        power += np.sum(current * drop)
    flux[0] += 0.5 * d[0] * (inflow + outflow) * length / volume
    power += np.sum(2.0 * s[0] * area / d[0] * phi[0] ** 2) + np.sum(2.0 * s[-1] * area / d[0] * (1.0 - phi[-1]) ** 2)
    assert found.value == pytest.approx(power * length**2 / volume, rel=1e-5)
    order = [axis, *(k for k in range(3) if k != axis)]
    np.testing.assert_allclose(np.array(found.flux)[order], flux, atol=1e-5 * found.value)
    assert found.flux[axis] == pytest.approx(found.value, rel=2.0 * tolerance)

    # The tolerance holds for the value as well.
    exact = conductivity(image, sigma, spacing=BRICKS, axis=axis, tolerance=1e-7).value
    assert found.value == pytest.approx(exact, rel=tolerance)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_tolerance_is_met_or_missed_openly(axis):
    """Beside conductors 1e8 times better, double precision does not know the currents to 1e-9."""
    try:
        found = conductivity(layers(axis), [1.0, 1e8], spacing=BRICKS, axis=axis, tolerance=1e-9)
    except NotConverged:
        return
    assert found.mismatch <= 1e-9
