"""The table of cycles and the derivatives: integrals, conventions and sums that must hold."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies
from recorded import COUNTER, FACTS, ONE_C, Step, constant, recorded, rest

from catholyte.errors import InputError
from catholyte.evaluation.basis import basis
from catholyte.evaluation.columns import column, write_csv
from catholyte.evaluation.cycles import cycle_columns, cycles, first_cycle_loss
from catholyte.evaluation.derivative import derivative, half_cycle_derivatives
from catholyte.evaluation.halfcycles import half_cycles

MASS = FACTS["active_areal_mass_kg_m2"]


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three cycles of charge, rest, discharge, rest; each discharge is 10 % shorter than the one before."""
    steps = []
    for k, hours in enumerate((0.9, 0.81, 0.729)):
        steps += [
            constant(-ONE_C, 1.0 if k == 0 else hours / 0.9, 3.7, 4.3, cycle=k),
            rest(0.2, 4.2, cycle=k),
            constant(ONE_C, hours, 4.1, 3.1, cycle=k),
            rest(0.2, 3.3, cycle=k),
        ]
    return recorded(tmp_path_factory.mktemp("three") / "three.results", steps)


def test_capacity_energy_and_voltages_of_straight_lines(three):
    table = cycles(three, against="li")
    first = table[0]
    assert first.charge.charge == pytest.approx(3600.0 * ONE_C)
    assert first.discharge.charge == pytest.approx(0.9 * 3600.0 * ONE_C)
    assert first.charge.mean_voltage == pytest.approx(4.0)
    assert first.discharge.mean_voltage == pytest.approx(3.6)
    assert first.discharge.energy == pytest.approx(3.6 * 0.9 * 3600.0 * ONE_C)
    assert first.discharge.end_voltage == pytest.approx(3.1)
    assert first.duration == pytest.approx(3600.0 * 2.3)
    assert first.discharge.power == pytest.approx(3.6 * ONE_C)
    assert cycles(three)[0].discharge.mean_voltage == pytest.approx(3.6 - COUNTER)


def test_efficiencies_are_those_of_a_cathode(three):
    table = cycles(three, against="li")
    assert [cycle.number for cycle in table] == [1, 2, 3]
    assert [cycle.coulombic_efficiency for cycle in table] == pytest.approx([0.9, 0.9, 0.9])
    assert [cycle.voltage_efficiency for cycle in table] == pytest.approx([0.9, 0.9, 0.9])
    assert [cycle.energy_efficiency for cycle in table] == pytest.approx([0.81, 0.81, 0.81])
    assert [cycle.retention for cycle in table] == pytest.approx([1.0, 0.9, 0.81])
    assert cycles(three, reference=2)[2].retention == pytest.approx(0.9)
    assert first_cycle_loss(table) == pytest.approx(0.1 * 3600.0 * ONE_C)


def test_a_discharge_is_compared_with_the_charge_before_it(tmp_path):
    steps = [
        constant(ONE_C, 0.8, 4.0, 3.0, cycle=0),
        constant(-ONE_C, 0.9, 3.2, 4.2, cycle=0),
        constant(ONE_C, 0.72, 4.0, 3.0, cycle=1),
        constant(-ONE_C, 0.72, 3.2, 4.2, cycle=1),
    ]
    first, second = cycles(recorded(tmp_path / "r.results", steps))
    assert np.isnan(first.coulombic_efficiency)
    assert second.coulombic_efficiency == pytest.approx(0.8)
    assert first_cycle_loss((first, second)) == pytest.approx(0.18 * 3600.0 * ONE_C)


def test_steps_outside_of_lists_are_joined_until_their_direction_returns(tmp_path):
    steps = []
    for k, sign in enumerate([-1, 0, 1, 1, 0, -1, 1]):
        step = rest(0.1, 3.8, cycle=k) if sign == 0 else constant(sign * ONE_C, 0.5, 3.8 - sign * 0.2, 3.8, cycle=k)
        steps.append(step)
    table = cycles(recorded(tmp_path / "r.results", steps))
    assert [cycle.protocol for cycle in table] == [(0, 4), (5, 6)]
    assert [cycle.coulombic_efficiency for cycle in table] == pytest.approx([2.0, 1.0])


def test_a_cycle_of_its_own_after_a_lone_discharge(tmp_path):
    steps = [
        constant(ONE_C, 0.5, 4.0, 3.5, cycle=0),
        constant(-ONE_C, 0.5, 3.5, 4.0, cycle=1),
        constant(ONE_C, 0.5, 4.0, 3.5, cycle=1),
    ]
    table = cycles(recorded(tmp_path / "r.results", steps))
    assert [cycle.protocol for cycle in table] == [(0, 0), (1, 1)]
    assert table[0].charge is None


def test_the_jump_at_the_beginning_of_a_step_is_not_averaged(tmp_path):
    """At 3.0 V throughout the second step, the energy is 3.0 V times its charge, whatever stood before."""
    steps = [constant(ONE_C, 0.5, 4.0, 4.0), constant(2.0 * ONE_C, 0.25, 3.0, 3.0)]
    (cycle,) = cycles(recorded(tmp_path / "r.results", steps), against="li")
    assert cycle.discharge.mean_voltage == pytest.approx(3.5, rel=1e-12)


def test_a_current_that_changes_its_sign_counts_in_both_directions(tmp_path):
    t = np.linspace(0.0, 3600.0, 2001)
    swing = Step(t, 3.8, ONE_C * np.sin(2.0 * np.pi * t / 3600.0), kind="sweep")
    (cycle,) = cycles(recorded(tmp_path / "r.results", [swing]))
    assert cycle.discharge.charge == pytest.approx(3600.0 * ONE_C / np.pi, rel=1e-5)
    assert cycle.charge.charge == pytest.approx(cycle.discharge.charge, rel=1e-9)


def test_pulses_of_a_test_are_no_cycle(tmp_path):
    steps = [
        constant(ONE_C, 0.01, 4.0, 3.9, role="hppc discharge"),
        rest(0.01, 4.0, role="hppc rest"),
        constant(-ONE_C, 0.01, 4.1, 4.2, role="hppc charge"),
        constant(ONE_C, 0.5, 4.0, 3.5, role="hppc level"),
    ]
    (cycle,) = cycles(recorded(tmp_path / "r.results", steps))
    assert cycle.charge is None
    assert cycle.discharge.charge == pytest.approx(0.5 * 3600.0 * ONE_C)


def test_bases(three):
    charge = 3600.0 * ONE_C
    assert basis(three).capacity(charge) == pytest.approx(200.0)  # mAh/g
    assert basis(three, "composite").capacity(charge) == pytest.approx(200.0 * 0.05 / 0.08)
    assert basis(three, "active", "area").capacity(charge) == pytest.approx(1.0)  # mAh/cm2
    assert basis(three, "active", "volume").capacity(charge) == pytest.approx(500.0)  # 1 mAh/cm2 in 20 um
    assert basis(three, "composite", "volume").capacity(charge) == pytest.approx(250.0)
    assert basis(three, "all", "volume").capacity(charge) == pytest.approx(1000.0 / 6.0)  # 10 um on either side
    assert basis(three, "active", "volume").energy(3.6 * charge) == pytest.approx(1800.0)  # Wh/L
    assert basis(three).power(10.0) == pytest.approx(200.0)  # W/kg
    assert basis(three, per="area").power(10.0) == pytest.approx(1.0)  # mW/cm2
    with pytest.raises(InputError, match="separator_areal_mass_kg_m2"):
        basis(three, "all")
    with pytest.raises(InputError, match="did you mean 'composite'"):
        basis(three, "composit")
    with pytest.raises(InputError, match="did you mean 'volume'"):
        basis(three, per="vol")


def test_layers_count_where_their_mass_is_known(tmp_path):
    facts = {"separator_areal_mass_kg_m2": 0.01, "collector_areal_mass_kg_m2": 0.03}
    results = recorded(tmp_path / "r.results", [constant(ONE_C, 1.0, 4.0, 3.0)], facts=facts)
    assert basis(results, "all").amount == pytest.approx(0.12)


def test_the_table_is_written_with_units(three, tmp_path):
    columns = cycle_columns(cycles(three), basis(three))
    write_csv(tmp_path / "deep" / "table.csv", columns)
    header, first, *_ = (tmp_path / "deep" / "table.csv").read_text().splitlines()
    assert header.startswith("cycle,discharge capacity / mAh/g,charge capacity / mAh/g,discharge energy / Wh/kg")
    assert [float(entry) for entry in first.split(",")[:3]] == pytest.approx([1.0, 180.0, 200.0])
    write_csv(tmp_path / "gap.csv", [column("a", "V", (1.0, float("nan"))), column("b", "", (None, "x, y"))])
    assert (tmp_path / "gap.csv").read_text().splitlines() == ["a / V,b", "1,", ',"x, y"']


def test_wrong_questions_about_cycles(three, tmp_path):
    with pytest.raises(InputError, match="a cycle with a discharge, from 1 to 3"):
        cycles(three, reference=4)
    with pytest.raises(InputError, match="one of cell, li"):
        cycles(three, against="Li-In")
    with pytest.raises(InputError, match="a run in which charge has passed"):
        cycles(recorded(tmp_path / "rest.results", [rest(1.0, 3.8)]))


# ------------------------------------------------------------------ dQ/dV


def logistic_curve(points=400):
    """A charge with two solid solutions at 3.6 and 3.9 V of widths 20 and 40 mV, and a constant background."""
    V = np.linspace(3.4, 4.2, 4001)
    q = sum(amount / (1.0 + np.exp(-(V - U) / w)) for amount, U, w in ((60.0, 3.6, 0.02), (90.0, 3.9, 0.04)))
    q = q + 20.0 * (V - V[0])
    q -= q[0]
    even = np.linspace(0.0, q[-1], points)
    return even, np.interp(even, q, V)


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_peaks_of_two_solid_solutions(noise):
    q, V = logistic_curve()
    V = V + noise * np.random.default_rng(1).standard_normal(V.size)
    found = derivative(q, V, smoothing=0.0 if noise == 0.0 else 0.02)
    first, second = sorted(found.peaks, key=lambda peak: -abs(peak.height))[:2]
    assert first.voltage == pytest.approx(3.6, abs=2e-3 + 5.0 * noise)
    assert second.voltage == pytest.approx(3.9, abs=2e-3 + 10.0 * noise)
    assert first.height == pytest.approx(60.0 / (4.0 * 0.02) + 20.0, rel=0.02 if noise == 0.0 else 0.12)
    assert first.width == pytest.approx(3.53 * 0.02, rel=0.1 if noise == 0.0 else 0.3)  # of sech²


@settings(max_examples=30, deadline=None)
@given(strategies.integers(0, 10_000), strategies.floats(0.0, 0.02), strategies.floats(0.0, 0.1), strategies.booleans())
def test_the_derivative_keeps_charge_and_voltage(seed, noise, smoothing, falling):
    q, V = logistic_curve(150)
    V = V + noise * np.random.default_rng(seed).standard_normal(V.size)
    if falling:
        V = V[::-1].copy()
    found = derivative(q, V, smoothing=smoothing)
    sign = -1.0 if falling else 1.0
    step = found.voltage[1] - found.voltage[0]
    assert (sign * found.dq_dv >= 0.0).all()
    assert sign * found.dq_dv.sum() * step == pytest.approx(q[-1], rel=1e-9)
    stretch = found.charge[1] - found.charge[0]
    assert found.dv_dq.sum() * stretch == pytest.approx(sign * (found.voltage[-1] - found.voltage[0] + step), rel=1e-9)


def test_few_points_of_a_solver_are_enough():
    q, V = logistic_curve(40)
    peak = max(derivative(q, V).peaks, key=lambda each: each.height)
    assert peak.voltage == pytest.approx(3.6, abs=0.01)
    assert peak.height == pytest.approx(770.0, rel=0.1)


def test_nothing_to_differentiate():
    assert derivative(np.array([0.0, 1.0]), np.array([4.0, 3.9])) is None
    assert derivative(np.linspace(0.0, 1.0, 9), np.full(9, 4.0)) is None


def test_holds_and_titrations_are_left_out(tmp_path):
    hold = Step(np.linspace(0.0, 3600.0, 30), 4.2, -ONE_C * np.exp(-np.linspace(0.0, 3.0, 30)), kind="voltage")
    charged = recorded(tmp_path / "cccv.results", [constant(-ONE_C, 0.5, 3.6, 4.2), hold])
    ((half, found),) = half_cycle_derivatives(charged, against="li")
    assert half.sign == -1
    assert found.dq_dv == pytest.approx(100.0 / 0.6)  # mAh/g/V
    pulses = [constant(ONE_C, 0.1, 4.0, 3.9), rest(0.1, 3.95), constant(ONE_C, 0.1, 3.9, 3.8)]
    assert half_cycle_derivatives(recorded(tmp_path / "pulses.results", pulses)) == ()
    with pytest.raises(InputError, match="greater than zero"):
        half_cycle_derivatives(charged, resolution=0.0)


def test_titration_pulses_in_cycles_of_their_own_are_one_half_cycle(tmp_path):
    steps = []
    for k in range(3):
        steps += [
            constant(ONE_C, 0.1, 4.0 - 0.1 * k, 3.9 - 0.1 * k, role="gitt pulse", cycle=k),
            rest(0.1, 3.95 - 0.1 * k, role="gitt rest", cycle=k),
        ]
    (half,) = half_cycles(recorded(tmp_path / "gitt.results", steps))
    assert len(half.parts) == 3
