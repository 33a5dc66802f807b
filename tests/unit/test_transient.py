"""Stop rules are met to tolerance, errors follow the tolerances, a stored state goes on bit for bit."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from small_cells import Constants, Piece, composite, half_cell, laminate, lithiation, run, state, window

from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.solve.bdf import derivative_weights, value_weights
from catholyte.solve.events import Event, next_share
from catholyte.solve.frames import Settings
from catholyte.solve.linear import DirectSolver
from catholyte.solve.transient import Integrator

PROBLEM = half_cell(composite(5))
ONE_C = PROBLEM.capacity.sum() / 3600.0
DISCHARGE = CurrentControl(ONE_C)
START = state(PROBLEM, 0.3)


def last(pieces, *, problem=PROBLEM, u=START, **options):
    *_, (frame, _) = run(problem, u, pieces, scale=1e-3 * ONE_C, **options)
    return frame


# ------------------------------------------------------------------ stop rules


@pytest.mark.parametrize("cut_off", [3.9, 3.7, 3.0, 2.8])
def test_a_voltage_is_met_to_a_microvolt(cut_off):
    frame = last([Piece(DISCHARGE, 1e5, window(cut_off, 5.0))])
    assert frame.event == "lower"
    assert frame.evaluation.voltage == pytest.approx(cut_off, abs=1e-6)


def test_a_charge_meets_the_upper_voltage():
    frame = last([Piece(CurrentControl(-ONE_C), 1e5, window(3.0, 4.4))])
    assert frame.event == "upper"
    assert frame.evaluation.voltage == pytest.approx(4.4, abs=1e-6)


@pytest.mark.parametrize("end", [1e-3, 1.0, 777.7, 2000.0])
def test_the_end_time_is_met_exactly(end):
    frame = last([Piece(DISCHARGE, end)])
    assert frame.event == "time"
    assert frame.t == pytest.approx(end, rel=1e-15)


def test_a_hold_ends_at_the_current_asked_for():
    least = 0.02 * ONE_C
    stop = Event("current", lambda now: 1e6 * (abs(now.current) / least - 1.0))
    frame = last([Piece(VoltageControl(START[-1] - 0.1), 1e6, (stop,))])
    assert frame.event == "current"
    assert frame.evaluation.voltage == pytest.approx(START[-1] - 0.1, abs=1e-9)
    assert frame.evaluation.current == pytest.approx(least, rel=2e-6)


def test_a_charge_stop_is_met():
    wanted = 0.123 * PROBLEM.capacity.sum()
    frame = last([Piece(DISCHARGE, 1e6, (Event("charge", lambda now: 1e6 * (1.0 - now.charge / wanted)),))])
    assert frame.charge == pytest.approx(wanted, rel=2e-6)
    assert frame.t == pytest.approx(wanted / ONE_C, rel=2e-6)


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_rules_the_earlier_in_time_ends_the_piece(turn):
    """Both rules are met within one step; the order in which they are listed must not matter."""
    low = window(3.80, 5.0)[0]
    high = Event("earlier", lambda now: 1e6 * (now.voltage - 3.8001))
    frame = last([Piece(DISCHARGE, 1e5, (low, high)[::turn])])
    assert frame.event == "earlier"
    assert frame.evaluation.voltage == pytest.approx(3.8001, abs=1e-6)


@pytest.mark.parametrize(
    "f",
    [lambda t: 0.45 - t**9 * 6.0, lambda t: 1e-3 - t, lambda t: np.cos(3.0 * t), lambda t: 1.0 if t < 0.37 else -1.0],
)
def test_the_search_for_a_moment_ends_soon_on_any_curve(f):
    """A knee, a line, an arc, and a jump, which nothing but bisection finds."""
    a, b, share = 1.0, 0.0, f(1.0) / (f(1.0) - f(0.0))
    tried = []
    while len(tried) < 60:
        t = a + min(max(share, 1e-3), 1.0 - 1e-3) * (b - a)
        c, b = (a, b) if (f(t) > 0.0) == (f(a) > 0.0) else (b, a)
        a = t
        tried.append(t)
        if abs(f(a)) <= 1e-9 or abs(a - b) <= 1e-9:
            break
        share = next_share(a, f(a), b, f(b), c, f(c))
    assert len(tried) <= (12 if abs(f(a)) <= 1e-9 else 35)


def test_a_landing_is_not_stepped_over():
    integrator = Integrator(PROBLEM, DirectSolver(), 1e-3 * ONE_C)
    frame, progress = integrator.begin(0.0, START, DISCHARGE, 0.0, ONE_C)
    marks = np.array([11.0, 250.0, 251.0, 600.0])

    def landing(t, charge):
        later = marks[marks > t * (1 + 1e-12)]
        return float(later[0]) if later.size else np.inf

    frames = integrator.integrate(progress, DISCHARGE, (), end=700.0, landing=landing, last=frame.evaluation)
    times = np.array([f.t for f, _ in frames])
    assert np.abs(times[:, None] - marks).min(axis=0).max() <= 1e-10


# ------------------------------------------------------------------ accuracy

SMOOTH = half_cell(laminate(2, 8), Constants(D=1e-14))
SMOOTH_C = SMOOTH.capacity.sum() / 3600.0


def smooth(**accuracy):
    """Return the last frame of half an hour of discharge and ten minutes of rest on a laminate."""
    pieces = [Piece(CurrentControl(0.5 * SMOOTH_C), 1800.0), Piece(CurrentControl(0.0), 600.0)]
    *_, (frame, _) = run(
        SMOOTH,
        state(SMOOTH, 0.2),
        pieces,
        scale=1e-3 * SMOOTH_C,
        settings=Settings(balance=1e-11, **accuracy),
    )
    return frame


def test_tighter_tolerances_give_smaller_errors():
    exact = smooth(x_tolerance=1e-8, voltage_tolerance=1e-8)
    x = lithiation(SMOOTH, exact.evaluation)
    errors = []
    for factor in (1.0, 0.1, 0.01, 0.001):
        frame = smooth(x_tolerance=2e-4 * factor, voltage_tolerance=5e-4 * factor)
        miss = np.sqrt(np.mean((lithiation(SMOOTH, frame.evaluation) - x) ** 2))
        errors.append(miss)
        # The global error is a small multiple of what one step may make.
        assert miss <= 10 * 2e-4 * factor
        assert abs(frame.evaluation.voltage - exact.evaluation.voltage) <= 10 * 5e-4 * factor
    assert errors[1] < 0.5 * errors[0]
    assert errors[2] < 0.5 * errors[1]
    assert errors[3] < 0.5 * errors[2]


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_formulas_are_exact_on_polynomials_of_their_order(order):
    times = np.array([7.0, 6.1, 5.5, 3.0, 2.8, 1.0])[: order + 1]
    polynomial = np.polynomial.Polynomial(np.arange(1.0, order + 2.0))
    assert derivative_weights(times) @ polynomial(times) == pytest.approx(polynomial.deriv()(7.0), rel=1e-12)
    assert value_weights(times, 8.3) @ polynomial(times) == pytest.approx(polynomial(8.3), rel=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_the_order_rises_to_what_is_allowed(order):
    """On a smooth discharge at tight tolerances the highest order pays, and is never exceeded."""
    settings = Settings(order=order, x_tolerance=1e-6, voltage_tolerance=1e-6)
    pieces = [Piece(CurrentControl(0.5 * SMOOTH_C), 1800.0)]
    orders = [
        frame.order for frame, _ in run(SMOOTH, state(SMOOTH, 0.2), pieces, scale=1e-3 * SMOOTH_C, settings=settings)
    ]
    assert orders[0] == 0
    assert orders[1] == 1
    assert max(orders) == order
    assert np.all(np.diff(orders[1:]) <= 1)


def test_higher_order_needs_fewer_steps():
    def steps(order):
        settings = Settings(order=order, x_tolerance=1e-5, voltage_tolerance=1e-5)
        pieces = [Piece(CurrentControl(0.5 * SMOOTH_C), 3000.0)]
        return len(list(run(SMOOTH, state(SMOOTH, 0.2), pieces, scale=1e-3 * SMOOTH_C, settings=settings)))

    assert steps(4) < steps(2) < steps(1)


@pytest.mark.parametrize("order", [1, 2])
def test_fixed_steps_converge_at_their_order(order):
    """Halving the step of a relaxing gradient divides the error by 2 to the order."""
    u = state(SMOOTH, np.linspace(0.3, 0.5, SMOOTH.n_x))

    def relaxed(step, order):
        settings = Settings(order=order, fixed_step=step, balance=1e-12)
        pieces = [Piece(CurrentControl(0.0), 32.0)]
        *_, (frame, _) = run(SMOOTH, u, pieces, scale=SMOOTH_C, settings=settings)
        return lithiation(SMOOTH, frame.evaluation)

    exact = relaxed(0.0625, 4)
    errors = [np.abs(relaxed(step, order) - exact).max() for step in (4.0, 2.0, 1.0)]
    rates = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert rates[-1] == pytest.approx(order, abs=0.25)


# ------------------------------------------------------------------ going on


def test_a_stored_state_goes_on_bit_for_bit():
    pieces = [Piece(DISCHARGE, 2000.0)]
    frames = list(run(PROBLEM, START, pieces, scale=1e-3 * ONE_C))
    frame, progress = frames[7]
    progress = pickle.loads(pickle.dumps(progress))
    integrator = Integrator(PROBLEM, DirectSolver(), 1e-3 * ONE_C)
    went_on = list(integrator.integrate(progress, DISCHARGE, (), end=2000.0, last=frame.evaluation))
    assert len(went_on) == len(frames) - 8
    for (a, _), (b, _) in zip(went_on, frames[8:], strict=True):
        assert a.t == b.t
        assert a.charge == b.charge
        assert a.order == b.order
        assert np.array_equal(a.evaluation.u, b.evaluation.u)


def test_a_rebuilt_evaluation_goes_on_to_rounding():
    """A checkpoint keeps states, not face solutions: those are found again, to the tolerance of the faces."""
    pieces = [Piece(DISCHARGE, 2000.0)]
    frames = list(run(PROBLEM, START, pieces, scale=1e-3 * ONE_C))
    frame, progress = frames[7]
    integrator = Integrator(PROBLEM, DirectSolver(), 1e-3 * ONE_C)
    again = PROBLEM.evaluate(frame.evaluation.u)
    *_, (b, _) = integrator.integrate(progress, DISCHARGE, (), end=2000.0, last=again)
    a = frames[-1][0]
    np.testing.assert_allclose(b.evaluation.u, a.evaluation.u, atol=1e-9)
    assert b.charge == pytest.approx(a.charge, rel=1e-9)


def test_rest_levels_the_lithium():
    """With time every part of one grain has the same x, its mean to rounding, and the voltage is U of it."""
    u = state(SMOOTH, np.linspace(0.2, 0.6, SMOOTH.n_x))
    *_, (frame, _) = run(SMOOTH, u, [Piece(CurrentControl(0.0), 1e6)], scale=1e-3 * SMOOTH_C)
    x = lithiation(SMOOTH, frame.evaluation)
    assert x == pytest.approx(0.4, abs=1e-5)
    assert x.mean() == pytest.approx(0.4, abs=1e-10)
    assert frame.evaluation.voltage == pytest.approx(state(SMOOTH, 0.4)[-1], abs=1e-5)


def test_a_rest_is_crossed_in_few_steps():
    """Steps grow once nothing changes any more: a day costs little more than an hour."""
    u = state(SMOOTH, np.linspace(0.2, 0.6, SMOOTH.n_x))
    counts = [
        len(list(run(SMOOTH, u, [Piece(CurrentControl(0.0), duration)], scale=1e-3 * SMOOTH_C)))
        for duration in (3600.0, 86400.0)
    ]
    assert counts[1] < counts[0] + 25


def test_iterations_are_counted_once():
    frames = [frame for frame, _ in run(PROBLEM, START, [Piece(DISCHARGE, 500.0)], scale=1e-3 * ONE_C)]
    assert all(frame.newton_iterations >= 1 for frame in frames)
    assert all(frame.linear_iterations == 0 for frame in frames)
