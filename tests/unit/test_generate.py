"""Generators: exact shares, the same structure at every resolution, the sizes that were asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.stats import norm

from catholyte.errors import InputError
from catholyte.mesh import spheres
from catholyte.mesh.generate import (
    CoatingPhase,
    DispersedPhase,
    Phase,
    SpherePhase,
    VoidPhase,
    add_layer,
    blend,
    laminate,
    packing,
)
from catholyte.mesh.images import describe

um = 1e-6
NCM = SpherePhase(0, 0.55, 3 * um, 0.3, name="active")
VOID = VoidPhase(2, 0.10, name="void")
COMPOSITES = {
    "void": (NCM, VOID),
    "carbon": (NCM, VOID, DispersedPhase(3, 0.03, 0.5 * um, name="carbon")),
    "coating": (NCM, VOID, CoatingPhase(3, 0.03, 0.25 * um, name="carbon")),
    "two actives": (NCM, SpherePhase(3, 0.10, 1.5 * um, name="small"), VOID),
}


def make(voxels: int = 48, width: float = 12.0, phases: tuple[Phase, ...] = (NCM, VOID), seed: int = 7):
    return packing((voxels,) * 3, (width * um / voxels,) * 3, matrix=1, phases=phases, seed=seed)


def mean_chord(inside: np.ndarray) -> float:
    """Mean chord of a periodic phase in voxels: its voxels along all lines over its runs along them."""
    ends = sum(np.count_nonzero(inside != np.roll(inside, 1, axis)) for axis in range(3))
    return 3.0 * np.count_nonzero(inside) / (ends / 2.0)


@pytest.mark.parametrize("phases", COMPOSITES.values(), ids=COMPOSITES)
def test_shares_are_exact_to_a_voxel(phases: tuple[Phase, ...]) -> None:
    labels = make(phases=phases)
    counts = np.bincount(labels.ravel())
    for phase in phases:
        assert abs(counts[phase.index] - phase.share * labels.size) <= 1


def test_shares_that_sum_to_one_leave_no_matrix() -> None:
    # an odd number of voxels: both halves would be rounded up
    labels = make(27, 9.0, (SpherePhase(0, 0.5, 3 * um), VoidPhase(2, 0.5)))
    assert 1 not in labels
    assert abs(np.count_nonzero(labels == 0) - np.count_nonzero(labels == 2)) <= 1


@pytest.mark.parametrize("phases", COMPOSITES.values(), ids=COMPOSITES)
def test_the_seed_decides_the_image(phases: tuple[Phase, ...]) -> None:
    np.testing.assert_array_equal(make(phases=phases), make(phases=phases))
    assert np.mean(make(phases=phases) != make(phases=phases, seed=8)) > 0.3


def test_half_the_voxel_size_shows_the_same_structure() -> None:
    coarse, fine = make(32, 16.0, COMPOSITES["carbon"]), make(64, 16.0, COMPOSITES["carbon"])
    corner = fine.reshape(32, 2, 32, 2, 32, 2)
    for index, least in ((0, 0.88), (1, 0.80)):
        share = (corner == index).mean(axis=(1, 3, 5))
        # of the coarse voxels of a phase, this part of their volume is the same phase in the fine image
        assert share[coarse == index].mean() > least


def test_other_phases_leave_the_spheres_where_they_are() -> None:
    for phases in (COMPOSITES["carbon"], COMPOSITES["coating"]):
        np.testing.assert_array_equal(make() == 0, make(phases=phases) == 0)


def test_a_dense_pack_percolates_and_keeps_its_matrix_whole() -> None:
    summary = describe(make(64, 16.0, (SpherePhase(0, 0.62, 3 * um, 0.3), VOID)))
    assert summary[0].percolates == (True, True, True)
    assert summary[0].largest_share > 0.95
    assert summary[1].percolates == (True, True, True)
    assert summary[1].largest_share > 0.95


def test_a_packing_tiles() -> None:
    # the jump from the last layer to the first is no larger than between two layers inside
    active = make(64, 16.0) == 0
    for axis in range(3):
        inside = np.mean(np.diff(active.astype(np.int8), axis=axis) != 0)
        across = np.mean(active.take(0, axis) != active.take(-1, axis))
        assert across < 1.5 * inside


@pytest.mark.parametrize("spread", [0.0, 0.2, 0.4])
def test_diameters_have_the_volume_median_and_spread_asked_for(spread: float) -> None:
    volume = (40 * um) ** 3
    d = spheres.diameters(volume, 3 * um, spread, key="diameter")
    assert math.pi / 6 * np.sum(d**3) == pytest.approx(volume, rel=1e-12)
    assert np.std(np.log(d)) == pytest.approx(spread, abs=0.01)
    below = np.cumsum(d[::-1] ** 3) / np.sum(d**3)
    assert d[::-1][np.searchsorted(below, 0.5)] == pytest.approx(3 * um, rel=0.02)


def test_relaxed_spheres_overlap_in_necks_only() -> None:
    box = np.array([15.0, 12.0, 18.0]) * um
    radii = spheres.diameters(0.6 * np.prod(box), 3 * um, 0.3, key="diameter") / 2
    centres = spheres.relax(radii, box, np.random.default_rng(1))
    assert np.all((centres >= 0) & (centres <= box))
    pairs = cKDTree(centres % box, boxsize=box).query_pairs(2 * radii[0], output_type="ndarray")
    apart = centres[pairs[:, 0]] - centres[pairs[:, 1]]
    apart -= box * np.round(apart / box)
    reach = radii[pairs].sum(axis=1)
    closeness = np.linalg.norm(apart, axis=1) / reach
    assert closeness.min() > 0.96
    assert 2 * np.count_nonzero(closeness < 1) / len(radii) > 3  # contacts of a sphere


def test_level_of_one_sphere_is_its_distance() -> None:
    level, owner = spheres.levels(np.array([[0.2, 4.0, 2.5]]), np.array([3.0]), (8, 16, 10), (1.0, 0.5, 0.5), reach=1.5)
    z, y, x = np.meshgrid(*[(np.arange(n) + 0.5) * h for n, h in ((8, 1.0), (16, 0.5), (10, 0.5))], indexing="ij")
    offsets = [((c - p + size / 2) % size) - size / 2 for c, p, size in ((z, 0.2, 8), (y, 4.0, 8), (x, 2.5, 5))]
    exact = np.sqrt(sum(offset**2 for offset in offsets)) / 3.0
    near = exact <= 1.499
    np.testing.assert_allclose(level[near], exact[near], rtol=1e-5)
    assert np.all(owner[near] == 0)
    assert np.all(owner[exact > 1.501] == -1)


def test_coating_lies_on_the_spheres_and_carbon_between_them() -> None:
    from scipy import ndimage

    coated = make(64, 16.0, (NCM, CoatingPhase(3, 0.03, 0.5 * um)))
    away = ndimage.distance_transform_edt(np.pad(coated != 0, 4, mode="wrap"))[4:-4, 4:-4, 4:-4]
    assert away[coated == 3].max() <= 2.5  # two voxels of 0.25 um, from centre to centre
    dispersed = make(64, 16.0, (NCM, DispersedPhase(3, 0.03, 0.5 * um)))
    away = ndimage.distance_transform_edt(np.pad(dispersed != 0, 16, mode="wrap"))[16:-16, 16:-16, 16:-16]
    assert away[dispersed == 3].mean() < 0.9 * away[dispersed == 1].mean()


def test_pores_lie_nearer_to_the_spheres_than_the_electrolyte() -> None:
    from scipy import ndimage

    labels = make(64, 16.0)
    away = ndimage.distance_transform_edt(np.pad(labels != 0, 16, mode="wrap"))[16:-16, 16:-16, 16:-16]
    assert away[labels == 2].mean() < 0.8 * away[labels == 1].mean()


@pytest.mark.parametrize(
    ("phases", "match"),
    [
        ((SpherePhase(0, 0.9, 3 * um), VoidPhase(2, 0.2)), "not 1.1"),
        ((SpherePhase(0, -0.1, 3 * um),), "volume_share = -0.1"),
        (
            (SpherePhase(0, 0.5, 13 * um, name="active"),),
            r"phases\.active\.diameter = '13 um'.*12 um at most",
        ),
        ((SpherePhase(0, 0.5, 9 * um, 0.6),), r"more than \d+ spheres, or a smaller spread"),
        ((SpherePhase(0, 0.9, 11.5 * um, 0.3),), "the largest.*12 um at most, or a smaller spread"),
        ((SpherePhase(0, 0.001, 6 * um),), "takes 113.1 um3"),
        ((NCM, CoatingPhase(3, 0.03, 0.1 * um)), "at least 125 nm, half a voxel"),
        ((NCM, CoatingPhase(3, 0.40, 0.25 * um)), "thicker coating"),
        ((CoatingPhase(3, 0.1, 0.25 * um),), "spheres to coat"),
        ((NCM, DispersedPhase(3, 0.03, 0.1 * um)), r"250 nm \(one voxel\)"),
        ((NCM, VoidPhase(2, 0.1, size=0.5 * um)), "three voxels"),
        ((NCM, VoidPhase(0, 0.1)), "different indices"),
    ],
)
def test_refused_packings(phases: tuple[Phase, ...], match: str) -> None:
    with pytest.raises(InputError, match=match):
        make(phases=phases)


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_blend_has_the_domain_size_asked_for(share: float) -> None:
    labels = blend((64, 64, 64), (1e-9,) * 3, shares=[share, 1 - share], domain_size=8e-9, seed=4)
    assert abs(np.count_nonzero(labels == 0) - share * labels.size) <= 1
    u = norm.ppf(share)
    expected = 2 * share * math.exp(u**2 / 2) * 8.0
    assert mean_chord(labels == 0) == pytest.approx(expected, rel=0.06)


def test_blend_of_three_phases() -> None:
    shares = [0.35, 0.40, 0.25]
    labels = blend((48, 48, 48), (0.5e-9,) * 3, shares=shares, domain_size=4e-9, seed=4)
    np.testing.assert_allclose(np.bincount(labels.ravel()) / labels.size, shares, atol=1.5 / labels.size)
    along = np.stack([labels[:-1], labels[1:]]).reshape(2, -1)
    for pair in ((0, 1), (0, 2), (1, 2)):
        assert np.any((along.min(axis=0) == pair[0]) & (along.max(axis=0) == pair[1]))
    # the same domains with half the voxels
    coarse = blend((24, 24, 24), (1e-9,) * 3, shares=shares, domain_size=4e-9, seed=4)
    same = labels.reshape(24, 2, 24, 2, 24, 2) == coarse[:, None, :, None, :, None]
    assert same.mean() > 0.80
    assert np.mean(labels != blend((48,) * 3, (0.5e-9,) * 3, shares=shares, domain_size=4e-9, seed=5)) > 0.3


def test_refused_blends() -> None:
    with pytest.raises(InputError, match=r"sum to 1, not 0\.9"):
        blend((16, 16, 16), (1e-9,) * 3, shares=[0.5, 0.4], domain_size=4e-9, seed=1)
    with pytest.raises(InputError, match=r"from 3 nm \(three voxels\) to 8 nm"):
        blend((16, 16, 16), (1e-9,) * 3, shares=[0.5, 0.5], domain_size=2e-9, seed=1)


def test_laminate() -> None:
    labels, spacing = laminate(0.5e-6, (2, 3), [(1, 2e-6), (0, 1.5e-6), (1, 0.5e-6)])
    assert spacing == (0.5e-6,) * 3
    assert labels.shape == (8, 2, 3)
    np.testing.assert_array_equal(labels[:, 0, 0], [1, 1, 1, 1, 0, 0, 0, 1])
    np.testing.assert_array_equal(labels, np.broadcast_to(labels[:, :1, :1], labels.shape))
    with pytest.raises(InputError, match=r"the nearest are 1 um and 1\.5 um"):
        laminate((0.5e-6, 1e-6, 1e-6), (1, 1), [(0, 1.2e-6)])
    with pytest.raises(InputError, match=r"the nearest are 0\.5 um and 1 um"):
        laminate(0.5e-6, (1, 1), [(0, 0.1e-6)])


def test_add_layer() -> None:
    labels = np.zeros((2, 3, 3), np.uint8)
    both = add_layer(add_layer(labels, 4, 2), 5, 1, "high")
    np.testing.assert_array_equal(both[:, 0, 0], [4, 4, 0, 0, 5])
    with pytest.raises(InputError, match="'low' or 'high'"):
        add_layer(labels, 4, 1, "top")
