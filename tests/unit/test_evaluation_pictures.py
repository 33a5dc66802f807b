"""Pictures of evaluations: what they show is what was evaluated."""

from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest
from recorded import FACTS, ONE_C, Step, constant, recorded, rest

from catholyte.evaluation.basis import basis
from catholyte.evaluation.comparison import compare_capacity, compare_time, time_curve
from catholyte.evaluation.cycles import cycles
from catholyte.evaluation.gitt import gitt
from catholyte.evaluation.hppc import hppc
from catholyte.evaluation.interruption import interruptions
from catholyte.evaluation.measured import Measured
from catholyte.evaluation.rates import rate_points
from catholyte.evaluation.voltammetry import sweeps
from catholyte.plot.cycles import cycle_life, derivative_curves
from catholyte.plot.overlay import capacity_overlay, time_overlay
from catholyte.plot.pictures import plot_all, save
from catholyte.plot.pulses import interruption_resistance, pulse_resistance, titration
from catholyte.plot.rates import ragone, rate_capability, series
from catholyte.plot.style import typeset
from catholyte.plot.voltammogram import voltammogram

LENGTH = FACTS["active_volume_m3_m2"] / FACTS["interface_area_m2_m2"]


def lines(axes):
    """Return the data of the lines of a picture that hold any."""
    return [np.array(line.get_data(), float) for line in axes.lines if len(line.get_xdata())]


def has_line(axes, x, y):
    return any(
        found.shape == (2, len(x)) and np.allclose(found, [x, y], equal_nan=True, rtol=1e-9) for found in lines(axes)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def rated(folder):
    steps = []
    for k, (rate, share) in enumerate(((0.1, 0.9), (1.0, 0.7), (2.0, 0.5))):
        steps.append(constant(-0.1 * ONE_C, 10.0 * share, 3.5, 4.2, cycle=k))
        steps.append(constant(rate * ONE_C, share / rate, 4.0, 3.0, cycle=k))
    return recorded(folder / "rated.results", steps)


@pytest.fixture(scope="module")
def everything(folder):
    """One run with a titration, an HPPC level, an interruption and two sweeps."""
    t = np.linspace(0.0, 360.0, 40)
    pulse = np.linspace(0.0, 20.0, 30)
    V = np.linspace(3.4, 4.2, 50)
    peak = 3.0 / np.cosh((V - 3.8) / 0.03) ** 2
    steps = [
        rest(1.0, 4.1),
        Step(t, 4.05 - 5e-3 * np.sqrt(t), ONE_C, role="gitt pulse"),
        rest(1.0, 4.08, role="gitt rest"),
        Step(t, 4.03 - 5e-3 * np.sqrt(t), ONE_C, role="gitt pulse"),
        rest(0.1, 4.06, role="gitt rest"),
        Step(pulse, 4.0 - 1e-3 * pulse, 2.0 * ONE_C, role="hppc discharge"),
        rest(0.1, 4.06, role="hppc rest"),
        Step(pulse, 4.1 + 1e-3 * pulse, -2.0 * ONE_C, role="hppc charge"),
        constant(ONE_C, 0.1, 4.0, 3.9),
        rest(0.1, 3.95, role="interruption"),
        Step(np.linspace(0.0, 800.0, 50), V, -peak, kind="sweep"),
        Step(np.linspace(0.0, 800.0, 50), V[::-1], peak, kind="sweep"),
    ]
    return recorded(folder / "everything.results", steps)


def test_cycle_life_shows_capacities_and_efficiencies(rated):
    table, divisor = cycles(rated), basis(rated)
    upper, lower = cycle_life(table, divisor).axes
    assert has_line(upper, [1, 2, 3], [180.0, 140.0, 100.0])
    assert has_line(lower, [1, 2, 3], [100.0 * cycle.energy_efficiency for cycle in table])
    assert upper.get_ylabel() == "Capacity (mAh g⁻¹)"
    assert upper.get_ylim()[0] == 0.0


def test_derivatives_of_a_discharge_point_down(rated):
    (axes,) = derivative_curves(rated, against="li").axes
    means = sorted(curve[1].mean() for curve in lines(axes) if curve.shape[1] > 2)
    slopes = [-180.0, -140.0, -100.0, *(200.0 * share / 0.7 for share in (0.5, 0.7, 0.9))]
    assert means == pytest.approx(slopes)
    assert axes.get_xlabel() == "Voltage vs Li/Li⁺ (V)"


def test_rates_on_a_logarithmic_axis(rated):
    points = rate_points(rated)
    drawn = series(points, [basis(rated)] * 3)
    (axes,) = rate_capability(drawn, "discharge").axes
    assert has_line(axes, [0.1, 1.0, 2.0], [180.0, 140.0, 100.0])
    assert axes.get_xscale() == "log"
    (axes,) = ragone(drawn).axes
    assert has_line(axes, [p.power / 0.05 for p in points], [p.energy / 3600.0 / 0.05 for p in points])


def test_runs_of_one_rate_each_are_one_line_and_rate_tests_one_each(rated, folder):
    single = [
        recorded(folder / f"{name}.results", [constant(rate * ONE_C, 0.5 / rate, 4.0, 3.0)])
        for name, rate in (("slow", 0.1), ("fast", 2.0))
    ]
    points = [rate_points(results)[0] for results in single]
    assert list(series(points, [basis(single[0])] * 2)) == [""]
    both = [*rate_points(rated), *rate_points(rated)[:2]]
    again = [*both[:3], *(type(p)("other", *list(vars(p).values())[1:]) for p in both[3:])]
    assert list(series(again, [basis(rated)] * 5)) == ["rated", "other"]


def test_doubtful_pulses_are_hollow(everything):
    pulses = gitt(everything, LENGTH)
    assert [bool(pulse.doubts) for pulse in pulses] == [False, False]
    upper, lower = titration(pulses).axes
    assert has_line(upper, [np.mean(p.lithiation) for p in pulses], [p.diffusivity for p in pulses])
    assert has_line(lower, [pulses[0].lithiation[0], *(p.lithiation[1] for p in pulses)], [4.1, 4.08, 4.06])
    doubtful = [pulses[0], replace(pulses[1], doubts=("rest not relaxed",))]
    hollow = next(line for line in titration(doubtful).axes[0].lines if line.get_markerfacecolor() == "white")
    assert hollow.get_ydata() == pytest.approx([pulses[1].diffusivity])


def test_resistances_of_both_directions(everything):
    times = (0.0, 10.0)
    pulses = hppc(everything, times=times)
    (axes,) = pulse_resistance(pulses, times).axes
    for k in range(2):
        for pulse in pulses:
            assert has_line(axes, [100.0 * pulse.utilisation], [1e4 * pulse.resistances[k]])
    found = interruptions(everything)
    (axes,) = interruption_resistance(found).axes
    assert has_line(axes, [100.0 * found[0].utilisation], [1e4 * found[0].ohmic])


def test_voltammogram_is_positive_on_oxidation(everything):
    table = sweeps(everything)
    (axes,) = voltammogram(everything, table).axes
    first, second = (curve for curve in lines(axes) if curve.shape[1] == 50)
    assert first[1].max() == pytest.approx(0.3, abs=0.03)
    assert second[1].min() == pytest.approx(-0.3, abs=0.03)


def test_overlay_draws_both_and_their_difference(rated, folder):
    q = np.linspace(0.0, 0.9 * 36000.0, 40)
    data = Measured("data", 4.01 - q / q[-1] - 0.62, None, None, q, signed=False)
    (found,) = compare_capacity(rated, data, half_cycle=2)
    figure = capacity_overlay([found], basis(rated), against="cell")
    upper, lower = figure.axes
    assert has_line(upper, q / 180.0, data.voltage)
    assert max(lines(lower), key=len)[1] == pytest.approx(-10.0, abs=1e-9)
    (path,) = save(figure, folder / "new", "overlay")
    assert matplotlib.image.imread(path).shape[1] == 1380
    time, voltage = time_curve(rated, against="cell")
    logged = Measured("log", voltage + 0.01, time, None, None, signed=False)
    apart = compare_time(rated, logged)
    _, lower = time_overlay(time, voltage, time, logged.voltage, apart, against="cell").axes
    assert lines(lower)[0][1] == pytest.approx(-10.0)


def test_all_pictures_that_apply_are_drawn(everything, folder):
    names = [path.stem for path in plot_all(everything, folder / "all")]
    assert {"gitt", "hppc", "interruption", "voltammogram"} <= set(names)


def test_units_are_typeset():
    assert [typeset(unit) for unit in ("mAh/g", "mAh/cm2", "Wh/L", "W")] == ["mAh g⁻¹", "mAh cm⁻²", "Wh L⁻¹", "W"]
