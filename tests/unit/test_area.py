"""Areas of interfaces: faces add up, and the correction finds the surface that was cut into voxels."""

import numpy as np
import pytest

from catholyte.mesh.area import STEPS, _transitions, direction_weights, interface_areas

PERIODIC = (True, True, True)

#: a plane across an axis seen by the 13 directions; the faces of a voxel are what it is most wrong about
ACROSS_AN_AXIS = 0.92662


def two_phase(inside):
    return np.asarray(inside).astype(np.uint8)


def ball(radius, edges, centre):
    """Return a ball in a box with room around it; ``centre`` is an offset in voxels."""
    counts = [int(2.0 * radius / edge) + 5 for edge in edges]
    squares = [
        ((np.arange(n) - 0.5 * n + offset) * edge) ** 2 for n, edge, offset in zip(counts, edges, centre, strict=True)
    ]
    return two_phase(squares[0][:, None, None] + squares[1][:, None] + squares[2] < radius**2)


def over_exact(radius, edges, how, positions=10):
    """Return the mean over positions of the measured over the exact area of a ball."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(positions):
        image = ball(radius, edges, rng.random(3))
        areas = interface_areas(image, edges, 2, periodic=PERIODIC)
        volume = image.size * float(np.prod(edges))
        found.append(getattr(areas, how)[0, 1] * volume / (4.0 * np.pi * radius**2))
    return float(np.mean(found))


def test_weights_are_the_published_ones():
    # Ohser & Mücklich 2000; half of each direction and its opposite
    weights = direction_weights((1.0, 1.0, 1.0)) / 2.0
    assert weights[:3] == pytest.approx(0.04577789, rel=1e-6)
    assert weights[3:9] == pytest.approx(0.03698063, rel=1e-6)
    assert weights[9:] == pytest.approx(0.03519564, rel=1e-6)


def seen_of_planes(normals, edges):
    """Return the share of its area that the estimate sees of a plane of each normal."""
    normals, steps = normals / np.linalg.norm(normals, axis=1)[:, None], STEPS * np.array(edges)
    return 2.0 * np.abs(normals @ (steps / np.linalg.norm(steps, axis=1)[:, None]).T) @ direction_weights(edges)


@pytest.mark.parametrize("edges", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (1.0, 2.0, 3.0), (0.2, 1.0, 1.0)])
def test_a_surface_without_preferred_direction_is_unbiased(edges):
    seen = seen_of_planes(np.random.default_rng(0).standard_normal((20_000, 3)), edges)
    assert seen.mean() == pytest.approx(1.0, abs=3e-3)
    if edges == (1.0, 1.0, 1.0):  # what a single plane may be off
        assert seen.min() > 0.926
        assert seen.max() < 1.023
        assert seen.std() < 0.017


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("edges", [(1e-6, 1e-6, 1e-6), (4e-7, 3e-7, 2e-7)])
def test_planes_across_the_axes(axis, edges):
    shape = (8, 10, 12)
    image = np.zeros(shape, np.uint8)
    np.moveaxis(image, axis, 0)[: shape[axis] // 2] = 1
    exact = 2.0 / (shape[axis] * edges[axis])  # two planes a period
    areas = interface_areas(image, edges, 2, periodic=PERIODIC)
    assert areas.counted[0, 1] == pytest.approx(exact, rel=1e-12)
    if edges[0] == edges[1]:
        assert areas.corrected[0, 1] / exact == pytest.approx(ACROSS_AN_AXIS, abs=1e-5)
    inside = interface_areas(image, edges, 2)
    assert inside.counted[0, 1] == pytest.approx(0.5 * exact, rel=1e-12)


@pytest.mark.parametrize("normal", [(0, 1, 1), (1, -1, 0), (1, 1, 1), (1, -1, 1), (0, 1, 2), (1, 2, 3), (2, -1, 3)])
def test_oblique_planes(normal):
    """A single plane is seen as its projections on the 13 directions, weighted; worst across an axis or a diagonal."""
    n = 24
    z, y, x = np.ogrid[:n, :n, :n]
    image = two_phase((normal[0] * z + normal[1] * y + normal[2] * x) % n < n // 2)
    exact = 2.0 * np.linalg.norm(normal) / n
    areas = interface_areas(image, (1.0, 1.0, 1.0), 2, periodic=PERIODIC)
    assert areas.counted[0, 1] == pytest.approx(2.0 * np.abs(normal).sum() / n, rel=1e-12)
    assert areas.corrected[0, 1] / exact == pytest.approx(seen_of_planes(np.array([normal]), (1.0, 1.0, 1.0))[0])


@pytest.mark.parametrize(("radius", "error"), [(3.0, 0.03), (5.0, 0.01), (8.0, 0.005), (15.0, 0.003), (25.0, 0.002)])
def test_spheres(radius, error):
    """Radii in voxels. What is missing falls with them: 7 % at 1.5, 1.6 % at 3, 0.5 % at 5, 0.1 % from 10 on."""
    edges = (1.0, 1.0, 1.0)
    assert over_exact(radius, edges, "corrected") == pytest.approx(1.0, abs=error)
    assert over_exact(radius, edges, "counted") == pytest.approx(1.5, abs=0.05)  # and does not fall


@pytest.mark.parametrize(
    ("edges", "error"), [((2.0, 1.0, 1.0), 0.01), ((1.0, 1.0, 3.0), 0.015), ((0.5, 1.0, 1.0), 0.005)]
)
def test_spheres_in_voxels_that_are_no_cubes(edges, error):
    assert over_exact(10.0, edges, "corrected") == pytest.approx(1.0, abs=error)


@pytest.mark.parametrize("periodic", [(False, False, False), (True, True, True), (False, True, False)])
def test_counts_of_pairs_are_those_of_shifted_copies(periodic):
    rng = np.random.default_rng(5)
    image = rng.integers(0, 4, (7, 6, 5), dtype=np.uint8)
    counts = _transitions(image, 4, np.array(periodic), STEPS, 3).sum(axis=0)
    for step, count in zip(STEPS, counts, strict=True):
        expected = np.zeros((4, 4), np.int64)
        there = np.roll(image, -step, axis=(0, 1, 2))
        valid = np.ones(image.shape, dtype=bool)
        for axis in range(3):
            if not periodic[axis] and step[axis]:
                edge = -1 if step[axis] > 0 else 0
                np.moveaxis(valid, axis, 0)[edge] = False
        np.add.at(expected, (image[valid], there[valid]), 1)
        np.fill_diagonal(expected, 0)
        np.testing.assert_array_equal(count, expected)


def test_the_compiled_count_is_the_plain_one():
    image = np.random.default_rng(2).integers(0, 3, (5, 4, 6), dtype=np.uint8)
    arguments = (image, 3, np.array([True, False, True]), STEPS, 2)
    plain = getattr(_transitions, "py_func", _transitions)  # without numba there is only the plain one
    np.testing.assert_array_equal(_transitions(*arguments), plain(*arguments))


def test_pairs_of_several_phases_add_up():
    image = np.random.default_rng(3).integers(0, 3, (9, 8, 7), dtype=np.uint8)
    areas = interface_areas(image, (1.0, 2.0, 1.5), 3)
    for matrix in (areas.counted, areas.corrected):
        np.testing.assert_allclose(matrix, matrix.T)
        assert not matrix.diagonal().any()
    merged = interface_areas(two_phase(image == 1), (1.0, 2.0, 1.5), 2)
    assert areas.counted_of([1]) == pytest.approx(merged.counted[0, 1])
    assert areas.corrected_of([1]) == pytest.approx(merged.corrected[0, 1])
    assert areas.corrected_of([0, 2]) == pytest.approx(merged.corrected[0, 1])


def test_an_absent_phase_has_no_area():
    areas = interface_areas(np.zeros((4, 4, 4), np.uint8), (1.0, 1.0, 1.0), 3)
    assert not areas.counted.any()
    assert not areas.corrected.any()


def test_a_part_of_a_structure_has_its_area():
    """Pairs that the border cuts are left out of the count and of what it refers to."""
    n = 20
    z, y, x = np.ogrid[: 3 * n, : 3 * n, : 3 * n]
    structure = two_phase(np.sin(2 * np.pi * z / n) + np.sin(2 * np.pi * y / n) + np.sin(2 * np.pi * x / n) > 0.3)
    whole = interface_areas(structure, (1.0, 1.0, 1.0), 2, periodic=PERIODIC).corrected[0, 1]
    part = interface_areas(structure[:n, :n, :n], (1.0, 1.0, 1.0), 2).corrected[0, 1]
    assert part == pytest.approx(whole, rel=0.03)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_voxel_stands_for_a_uniform_direction(axis):
    flat = np.random.default_rng(4).integers(0, 2, (6, 6), dtype=np.uint8)
    thin = np.expand_dims(flat, axis)
    thick = np.repeat(thin, 5, axis)
    periodic = [a == axis for a in range(3)]
    for how in ("counted", "corrected"):
        of_thin = getattr(interface_areas(thin, (1.0, 1.0, 2.0), 2), how)
        np.testing.assert_allclose(of_thin, getattr(interface_areas(thick, (1.0, 1.0, 2.0), 2, periodic=periodic), how))
