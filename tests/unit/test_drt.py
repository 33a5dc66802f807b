"""Relaxation times: peaks where they were put, with the resistance that was put there."""

import numpy as np
import pytest
from circuits import FAST, FREQUENCY, OMEGA, R_INF, SLOW, TWO_ZARC, behind

from catholyte.errors import InputError
from catholyte.evaluation.drt import relaxation_times
from catholyte.physics.elements import FiniteLengthWarburg, FiniteSpaceWarburg, ParallelRC, Zarc

STEP = np.log(10.0) / 20.0  # of the grid, in ln τ


def noisy(Z, level, seed=0):
    """Proportional noise of so much rms magnitude."""
    normal = np.random.default_rng(seed).normal(size=(2, Z.size))
    return Z * (1.0 + level * (normal[0] + 1j * normal[1]) / np.sqrt(2.0))


def largest(drt, number=2):
    found = sorted(drt.peaks, key=lambda peak: -peak.resistance)[:number]
    return sorted(found, key=lambda peak: peak.tau)


def assert_two_zarc(drt, *, area, steps=1.0):
    for peak, element in zip(largest(drt), (FAST, SLOW), strict=True):
        assert abs(np.log(peak.tau / element.time_constant)) < steps * STEP
        assert peak.resistance == pytest.approx(element.resistance, rel=area)


@pytest.mark.parametrize(
    ("series", "elastance", "inductance"),
    [(0.0, 0.0, 0.0), (1e-4 / (1j * OMEGA), 1e-4, 0.0), (1j * OMEGA * 1e-11, 0.0, 1e-11)],
    ids=["alone", "capacitor", "inductor"],
)
def test_two_zarcs_without_noise(series, elastance, inductance):
    drt = relaxation_times(FREQUENCY, TWO_ZARC + series)
    assert len(drt.peaks) == 2
    assert_two_zarc(drt, area=0.01, steps=0.1)
    assert drt.resistance == pytest.approx(R_INF, rel=1e-3)
    assert drt.polarisation == pytest.approx(50e-4, rel=1e-3)
    assert drt.elastance == pytest.approx(elastance, rel=1e-3, abs=1e-8)
    assert drt.inductance == pytest.approx(inductance, rel=1e-3, abs=1e-14)
    assert np.abs(drt.residual).max() < 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_two_zarcs_with_half_a_per_cent_of_noise(seed):
    drt = relaxation_times(FREQUENCY, noisy(TWO_ZARC, 5e-3, seed))
    assert_two_zarc(drt, area=0.06)
    assert drt.resistance + drt.polarisation == pytest.approx(55e-4, rel=0.01)
    assert sum(peak.share > 0.03 for peak in drt.peaks) == 2


@pytest.mark.parametrize(("first", "second"), [(1.0, 0.8), (0.95, 0.95), (0.95, 0.7), (0.8, 1.0), (0.8, 0.8)])
def test_two_arcs_of_any_width_are_two_peaks(first, second):
    """Off the grid and less than three decades apart: nothing else passes for a peak."""
    elements = (Zarc(20e-4, 3.1e-4, first), Zarc(30e-4, 6.2e-2, second))
    peaks = [peak for peak in relaxation_times(FREQUENCY, behind(*elements)).peaks if peak.share > 0.01]
    for peak, element in zip(peaks, elements, strict=True):
        assert abs(np.log(peak.tau / element.time_constant)) < STEP
        assert peak.resistance == pytest.approx(element.resistance, rel=0.05)


def test_the_distribution_itself_is_that_of_the_zarcs():
    """γ against the closed form, over seven decades that the spectrum covers."""
    drt = relaxation_times(FREQUENCY, TWO_ZARC)
    inside = (drt.tau > 1e-6) & (drt.tau < 10.0)
    exact = FAST.distribution(drt.tau) + SLOW.distribution(drt.tau)
    assert np.abs(drt.gamma - exact)[inside].max() < 0.15 * exact.max()
    assert np.abs(np.cumsum(drt.gamma - exact) * STEP)[inside].max() < 0.01 * drt.polarisation


def test_resistances_add_up_to_the_limit_at_low_frequency():
    drt = relaxation_times(FREQUENCY, TWO_ZARC)
    total = drt.resistance + drt.polarisation
    assert total == pytest.approx(55e-4, rel=1e-3)
    assert sum(peak.resistance for peak in drt.peaks) == pytest.approx(drt.polarisation, rel=1e-12)
    assert sum(peak.share for peak in drt.peaks) == pytest.approx(1.0)
    assert drt.impedance(np.array([1e-9]))[0].real == pytest.approx(total, rel=1e-6)


def test_the_fit_is_an_impedance_at_other_frequencies():
    drt = relaxation_times(FREQUENCY[::2], TWO_ZARC[::2])
    assert drt.impedance(FREQUENCY) == pytest.approx(TWO_ZARC, rel=2e-3)


def test_sharp_relaxations_stay_sharp():
    """An RC element is a line; two of them a factor of five apart are told apart."""
    Z = behind(ParallelRC(20e-4, 1e-3 / 20e-4), ParallelRC(10e-4, 5e-3 / 10e-4))
    drt = relaxation_times(FREQUENCY, Z)
    first, second = drt.peaks
    assert abs(np.log(first.tau / 1e-3)) < STEP
    assert abs(np.log(second.tau / 5e-3)) < STEP
    assert first.resistance == pytest.approx(20e-4, rel=0.01)
    assert second.resistance == pytest.approx(10e-4, rel=0.02)


def test_a_line_beside_a_broad_arc():
    """The arc is not broken up for the sake of the line."""
    Z = behind(ParallelRC(20e-4, 1e-4 / 20e-4), Zarc(30e-4, 1e-1, 0.6))
    for data in (Z, noisy(Z, 1e-3)):
        peaks = [peak for peak in relaxation_times(FREQUENCY, data).peaks if peak.share > 0.02]
        assert len(peaks) == 2
        assert peaks[0].resistance == pytest.approx(20e-4, rel=0.06)
        assert peaks[1].resistance == pytest.approx(30e-4, rel=0.06)


def test_diffusion_into_a_layer():
    """Lines at τ/(k²π²) of 2R/(k²π²): the slowest carries 6/π² of R/3, and a capacitance τ/R is left."""
    R, tau = 30e-4, 10.0
    drt = relaxation_times(FREQUENCY, behind(FiniteSpaceWarburg(R, tau)))
    assert drt.elastance == pytest.approx(R / tau, rel=1e-3)
    assert drt.polarisation == pytest.approx(R / 3.0, rel=5e-3)
    slowest = drt.peaks[-1]
    assert slowest.tau == pytest.approx(tau / np.pi**2, rel=0.03)
    assert slowest.resistance == pytest.approx(2.0 * R / np.pi**2, rel=0.03)


def test_diffusion_through_a_layer():
    R, tau = 30e-4, 10.0
    drt = relaxation_times(FREQUENCY, behind(FiniteLengthWarburg(R, tau)))
    assert drt.elastance < 1e-7
    assert drt.polarisation == pytest.approx(R, rel=5e-3)
    assert drt.peaks[-1].tau == pytest.approx(4.0 * tau / np.pi**2, rel=0.03)
    assert drt.peaks[-1].resistance == pytest.approx(8.0 * R / np.pi**2, rel=0.02)


@pytest.mark.parametrize("scale", [1e-6, 1e4])
def test_units_do_not_matter(scale):
    """Another unit of impedance, and another of time, give the same peaks in that unit."""
    drt = relaxation_times(FREQUENCY, TWO_ZARC)
    other = relaxation_times(FREQUENCY / scale, scale * TWO_ZARC)
    assert other.regularisation == drt.regularisation
    for a, b in zip(drt.peaks, other.peaks, strict=True):
        assert b.tau == pytest.approx(scale * a.tau, rel=1e-6)
        assert b.resistance == pytest.approx(scale * a.resistance, rel=1e-5)


def test_the_order_of_the_frequencies_does_not_matter():
    drt = relaxation_times(FREQUENCY, TWO_ZARC)
    backwards = relaxation_times(FREQUENCY[::-1], TWO_ZARC[::-1])
    assert backwards.gamma == pytest.approx(drt.gamma, abs=1e-4 * drt.gamma.max())
    assert backwards.residual[::-1] == pytest.approx(drt.residual, abs=1e-6)


@pytest.mark.parametrize("Z", [R_INF + 0j * OMEGA, R_INF + 1e-4 / (1j * OMEGA)], ids=["resistor", "capacitor"])
def test_where_nothing_relaxes_there_is_no_peak(Z):
    drt = relaxation_times(FREQUENCY, Z)
    assert drt.peaks == ()
    assert drt.resistance + drt.polarisation == pytest.approx(R_INF, rel=1e-6)


def test_more_regularisation_is_smoother():
    rough, smooth = (relaxation_times(FREQUENCY, TWO_ZARC, regularisation=value) for value in (1e-4, 1e-1))
    assert smooth.gamma.max() < rough.gamma.max()
    assert np.abs(smooth.residual).max() > np.abs(rough.residual).max()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"frequency": FREQUENCY[:5], "impedance": TWO_ZARC[:5]}, "frequency"),
        ({"frequency": FREQUENCY[:9]}, "impedance"),
        ({"frequency": -FREQUENCY}, "frequency"),
        ({"frequency": np.full(49, 3.0)}, "frequency"),
        ({"impedance": TWO_ZARC * np.nan}, "impedance"),
        ({"impedance": 0.0 * TWO_ZARC}, "impedance"),
        ({"regularisation": 0.0}, "regularisation"),
        ({"per_decade": 2}, "per_decade"),
    ],
)
def test_data_that_cannot_be_evaluated_are_refused(change, key):
    with pytest.raises(InputError) as refused:
        relaxation_times(**({"frequency": FREQUENCY, "impedance": TWO_ZARC} | change))
    assert refused.value.key == key


def test_against_pyimpspec():
    """Its Tikhonov regularisation with non-negative least squares finds the same two peaks."""
    pyimpspec = pytest.importorskip("pyimpspec")
    data = pyimpspec.DataSet(frequencies=FREQUENCY, impedances=1e4 * TWO_ZARC)
    theirs = pyimpspec.calculate_drt(data, method="tr-nnls", mode="imaginary")
    tau, gamma = np.array(theirs.time_constants), np.array(theirs.gammas)
    order = np.argsort(tau)
    tau, gamma = tau[order], gamma[order]
    split = tau < 3e-3
    areas = [np.trapezoid(gamma[part], np.log(tau[part])) for part in (split, ~split)]
    places = [tau[part][np.argmax(gamma[part])] for part in (split, ~split)]
    for peak, area, place in zip(relaxation_times(FREQUENCY, TWO_ZARC).peaks, areas, places, strict=True):
        assert 1e4 * peak.resistance == pytest.approx(area, rel=0.05)
        assert abs(np.log(peak.tau / place)) < np.log(10.0) / 6.0  # its grid is that of the data
