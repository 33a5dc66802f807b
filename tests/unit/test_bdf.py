"""Variable-step BDF: exact on polynomials, error estimate safe on the first one beyond, global order k.

Brenan, Campbell & Petzold, *Numerical Solution of Initial-Value Problems in DAEs*, ch. 5. Their estimate is
the truncation error of the formula times h; the error of the solution is smaller by γh = 1 + ½ + … + 1/k on
equal steps.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import observed_order

from catholyte.solve.bdf import MAX_ORDER, History, combine, derivative_weights, value_weights

ORDERS = range(1, MAX_ORDER + 1)


def uneven_times(k: int) -> tuple[float, ...]:
    """k + 1 times, newest first, with steps that differ by up to a factor of three."""
    steps = np.random.default_rng(k).uniform(0.5, 1.5, k + 1)
    return tuple(5.0 - np.concatenate([[0.0], np.cumsum(steps)])[: k + 1])


@pytest.mark.parametrize("k", ORDERS)
def test_weights_are_exact_on_polynomials(k):
    times = uneven_times(k)
    derivative, value = derivative_weights(times), value_weights(times, 5.7)
    for power in range(k + 1):
        u = np.array(times) ** power
        assert derivative @ u == pytest.approx(power * times[0] ** (power - 1), rel=1e-11, abs=1e-11)
        assert value @ u == pytest.approx(5.7**power, rel=1e-11)


def test_equal_steps_give_the_textbook_formulas():
    np.testing.assert_allclose(derivative_weights([2.0, 1.0]), [1.0, -1.0])
    np.testing.assert_allclose(derivative_weights([2.0, 1.0, 0.0]), [1.5, -2.0, 0.5])
    np.testing.assert_allclose(derivative_weights([3.0, 2.0, 1.0, 0.0]), [11 / 6, -3.0, 1.5, -1 / 3])


def history(times, u) -> History:
    out = History.start(times[-1], u(times[-1]), 0.0, np.zeros(1))
    for t in reversed(times[:-1]):
        out = out.push(t, u(t), 0.0, 9)
    return out


@pytest.mark.parametrize("k", ORDERS)
@pytest.mark.parametrize("equal", [True, False])
def test_error_estimate_on_the_next_polynomial(k, equal):
    def u(t):
        return np.array([(t - 3.0) ** (k + 1)])

    def rate(t):
        return (k + 1) * (t - 3.0) ** k

    new, *past = np.arange(k + 2.0)[::-1] if equal else uneven_times(k + 1)
    before = history(past, u)
    formula = before.formula(new, k)
    gamma, rest = formula.gamma, formula.state
    solved = (rate(new) - rest) / gamma
    error = solved - u(new)
    over = abs(float((before.error_factor(new, k) * (solved - before.predict(new, k)) / error)[0]))
    if equal:
        harmonic = np.sum(1.0 / np.arange(1, k + 1))
        assert over == pytest.approx((1.0 + harmonic * (k + 1.0)) / (k + 1.0), rel=1e-9)
    assert 1.0 < over < 3.0


def test_error_estimate_of_the_first_step():
    start = History.start(0.0, np.array([1.0]), 0.0, np.array([3.0]))
    h = 0.25
    formula = start.formula(h, 1)
    gamma, rest = formula.gamma, formula.state
    solved = (3.0 + 2.0 * h - rest) / gamma
    exact = 1.0 + 3.0 * h + h * h
    assert start.predict(h, 1)[0] == 1.0 + 3.0 * h
    assert start.error_factor(h, 1) * (solved - start.predict(h, 1))[0] == pytest.approx(abs(solved[0] - exact))


def test_history_keeps_the_newest():
    kept = history([2.0, 1.0, 0.0], lambda t: np.array([t])).push(3.0, np.array([3.0]), 7.0, 2)
    assert kept.times == (3.0, 2.0)
    assert kept.charges == (7.0, 0.0)
    assert kept.depth == 2
    assert kept.slope is None


def test_charge_goes_by_the_formula_of_the_states():
    past = History.start(0.0, np.array([0.0]), 0.0, np.array([0.0]))
    for t in (1.0, 1.5, 2.5):
        past = past.push(t, np.array([t**2]), t**2, 9)
    formula = past.formula(3.0, 3)
    assert formula.charge == pytest.approx(formula.state[0])
    assert (6.0 - formula.charge) / formula.gamma == pytest.approx(9.0)


def test_combine():
    states = (np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    np.testing.assert_allclose(combine(np.array([2.0, -1.0]), states), [-1.0, -1.0])
    np.testing.assert_array_equal(states[0], [1.0, 2.0])


@pytest.mark.parametrize("k", ORDERS)
def test_order_of_convergence(k):
    """u' = −u + cos t + sin t with exact start values, steps alternating by a factor of two."""

    def exact(t):
        return np.array([np.sin(t) + np.exp(-t)])

    errors, sizes = [], [12, 24, 48]
    for n in sizes:
        steps = np.tile([2.0, 1.0], n) / (1.5 * n) * 0.5
        before = np.cumsum(steps[:k])[::-1]
        past = History.start(-before[0] if k > 1 else 0.0, exact(-before[0] if k > 1 else 0.0), 0.0, np.zeros(1))
        if k > 1:
            for t in [*-before[1:], 0.0]:
                past = past.push(t, exact(t), 0.0, 8)
        t = 0.0
        for h in steps:
            t += h
            formula = past.formula(t, k)
            u = (np.cos(t) + np.sin(t) - formula.state) / (formula.gamma + 1.0)
            past = past.push(t, u, 0.0, 8)
        errors.append(abs(float((past.states[0] - exact(t))[0])))
    assert k - 0.2 < -observed_order(sizes, errors) < k + 0.7
