"""Peaks of sweeps whose tops are known."""

import itertools

import numpy as np
import pytest
from recorded import Step, recorded, rest

from catholyte.evaluation.voltammetry import current_peaks, pair_columns, peak_pairs, sweep_columns, sweeps

RATE = 1e-3  # V/s


def sweep(start, end, peaks, *, points=121, background=0.0, cycle=0):
    """A sweep whose current is a sum of sech² peaks (a thin film); oxidation positive [A/m²]."""
    V = np.linspace(start, end, points)
    sign = 1.0 if end > start else -1.0
    i = sum(sign * height / np.cosh((V - U) / 0.03) ** 2 for U, height in peaks) + sign * background
    return Step((V - start) / (sign * RATE), V, -i, kind="sweep", cycle=cycle)


@pytest.fixture
def cv(tmp_path):
    steps = [rest(0.1, 3.5)]
    for k in range(2):
        steps += [sweep(3.5, 4.3, [(3.925, 5.0)], cycle=k), sweep(4.3, 3.5, [(3.875, 4.0)], cycle=k)]
    return recorded(tmp_path / "cv.results", steps)


def test_peaks_separation_and_charge(cv):
    table = sweeps(cv)
    assert [each.anodic for each in table] == [True, False, True, False]
    assert [each.rate for each in table] == pytest.approx([RATE] * 4)
    for each in table:
        (peak,) = each.peaks
        assert peak.voltage == pytest.approx(3.925 if each.anodic else 3.875, abs=1e-4)
        assert peak.current_density == pytest.approx(5.0 if each.anodic else -4.0, rel=1e-3)
    assert table[0].oxidation == pytest.approx(2.0 * 0.03 * 5.0 / RATE, rel=1e-4)
    assert table[0].reduction == 0.0
    assert table[1].reduction == pytest.approx(2.0 * 0.03 * 4.0 / RATE, rel=1e-4)
    pairs = peak_pairs(table)
    assert [pair.sweeps for pair in pairs] == [(1, 2), (2, 3), (3, 4)]
    for pair in pairs:
        assert pair.separation == pytest.approx(0.05, abs=2e-4)
        assert pair.midpoint == pytest.approx(3.9, abs=1e-4)
        assert pair.ratio == pytest.approx(1.25, rel=2e-3)
    columns = {each.name: each for each in sweep_columns(table)}
    assert columns["direction"].entries == ("anodic", "cathodic") * 2
    assert pair_columns(pairs)[1].entries == pytest.approx((50.0,) * 3, abs=0.2)


def test_parabola_finds_the_top_between_points():
    V = np.sort(np.random.default_rng(4).uniform(3.5, 4.3, 60))
    (peak,) = current_peaks(V, 2.0 - 8.0 * (V - 3.87) ** 2, anodic=True)
    assert peak.voltage == pytest.approx(3.87, abs=1e-9)
    assert peak.current_density == pytest.approx(2.0)
    (valley,) = current_peaks(V[::-1], -2.0 + 8.0 * (V[::-1] - 3.87) ** 2, anodic=False)
    assert valley.current_density == pytest.approx(-2.0)


def test_several_peaks_the_highest_first(tmp_path):
    results = recorded(tmp_path / "r.results", [sweep(3.4, 4.4, [(3.7, 2.0), (4.0, 5.0), (4.2, 3.0)])])
    assert [round(peak.voltage, 2) for peak in sweeps(results)[0].peaks] == [4.0, 4.2, 3.7]


def test_a_current_that_only_rises_has_no_peak(tmp_path):
    results = recorded(tmp_path / "r.results", [sweep(3.4, 3.8, [(4.0, 5.0)]), sweep(3.8, 3.4, [(4.0, 5.0)])])
    table = sweeps(results)
    assert [each.peaks for each in table] == [(), ()]
    assert peak_pairs(table) == ()
    assert len(sweep_columns(table)[0].entries) == 2


def test_sweeps_that_go_on_in_the_same_direction_are_one(tmp_path):
    """From 3.9 to 3.5 to 4.3 to 3.9 V and again: the peak at the joint at 3.9 V is whole."""
    corners = [3.9, 3.5, 4.3, 3.9, 3.5, 4.3, 3.9]
    steps = [sweep(a, b, [(3.9, 5.0)], cycle=k // 3) for k, (a, b) in enumerate(itertools.pairwise(corners))]
    table = sweeps(recorded(tmp_path / "r.results", steps))
    assert [(each.start, each.end, each.cycle) for each in table] == [
        (3.9, 3.5, 0), (3.5, 4.3, 0), (4.3, 3.5, 0), (3.5, 4.3, 1), (4.3, 3.9, 1),
    ]  # fmt: skip
    (peak,) = table[2].peaks
    assert peak.voltage == pytest.approx(3.9, abs=1e-3)
    assert table[2].rate == pytest.approx(RATE)


def test_a_run_without_sweeps(tmp_path):
    assert sweeps(recorded(tmp_path / "r.results", [rest(1.0, 4.0)])) == ()
