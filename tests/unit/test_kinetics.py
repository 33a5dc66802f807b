"""Rate laws r(z) and exchange currents i0(x) of ``physics/kinetics.py``.

Butler–Volmer: r = exp(α z) − exp(−(1−α) z) (Newman & Balsara, *Electrochemical Systems*, ch. 8), with r'(0)
= 1, the sinh limit at α = ½ and Tafel slopes far away; i0(x) after Doyle, Fuller & Newman 1993.
"""

from __future__ import annotations

import numpy as np
import pytest

from catholyte.physics.kinetics import (
    ButlerVolmer,
    ConstantExchange,
    Linear,
    SymmetricExchange,
    TabulatedExchange,
)

LAWS = [Linear(), *(ButlerVolmer(a) for a in (0.1, 0.3, 0.5, 0.62, 0.9))]
EXCHANGES = [
    ConstantExchange(0.3),
    SymmetricExchange(0.11),
    TabulatedExchange((0.1, 0.4, 0.7, 0.9), (1.0, 3.0, 2.5, 0.2)),
]


@pytest.mark.parametrize("law", LAWS)
def test_inverse_of_rate(law):
    z = np.concatenate([-np.geomspace(60.0, 1e-6, 60), [0.0], np.geomspace(1e-6, 60.0, 60)])
    back, _ = law.inverse(law.rate(z))
    np.testing.assert_allclose(back, z, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("law", LAWS)
def test_rate_of_inverse_over_thirty_decades(law):
    y = np.concatenate([-np.geomspace(1e15, 1e-15, 61), [0.0], np.geomspace(1e-15, 1e15, 61)])
    z, slope = law.inverse(y)
    # z carries rounding of its own size, which the steep rate enlarges.
    np.testing.assert_array_less(np.abs(law.rate(z) - y) * slope, 4e-16 * (2.0 + np.abs(z)))
    assert np.all(np.diff(z) > 0.0)


@pytest.mark.parametrize("law", LAWS)
def test_derivative_of_the_inverse(law):
    y = np.concatenate([-np.geomspace(1e8, 1e-4, 30), [0.0], np.geomspace(1e-4, 1e8, 30)])
    _, slope = law.inverse(y)
    z, _ = law.inverse(y + 1e-30j)
    np.testing.assert_allclose(z.imag / 1e-30, slope, rtol=1e-11)
    h = 1e-5 * np.maximum(np.abs(y), 1.0)
    np.testing.assert_allclose((law.inverse(y + h)[0] - law.inverse(y - h)[0]) / (2.0 * h), slope, rtol=2e-5)


@pytest.mark.parametrize("law", LAWS)
def test_unit_slope_and_sign_at_equilibrium(law):
    z, slope = law.inverse(np.array([0.0]))
    assert z[0] == 0.0
    assert slope[0] == pytest.approx(1.0, rel=1e-14)
    assert law.rate(np.array([1e-30j]))[0].imag == pytest.approx(1e-30, rel=1e-14)


def test_half_is_the_hyperbolic_sine_and_the_newton_branch_joins_it():
    y = np.linspace(-50.0, 50.0, 41)
    exact = 2.0 * np.arcsinh(0.5 * y)
    np.testing.assert_allclose(ButlerVolmer(0.5).inverse(y)[0], exact, rtol=1e-14)
    np.testing.assert_allclose(ButlerVolmer(0.5 + 1e-13).inverse(y)[0], exact, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.7])
def test_tafel_limits(alpha):
    y = 1e12
    law = ButlerVolmer(alpha)
    assert law.inverse(np.array([y]))[0][0] == pytest.approx(np.log(y) / alpha, rel=1e-12)
    assert law.inverse(np.array([-y]))[0][0] == pytest.approx(-np.log(y) / (1.0 - alpha), rel=1e-12)


@pytest.mark.parametrize("alpha", [0.2, 0.7])
def test_exchanging_the_directions_exchanges_the_coefficients(alpha):
    y = np.geomspace(1e-3, 1e6, 20)
    np.testing.assert_allclose(ButlerVolmer(alpha).inverse(y)[0], -ButlerVolmer(1.0 - alpha).inverse(-y)[0], rtol=1e-12)


@pytest.mark.parametrize("i0", EXCHANGES)
def test_slope_of_the_exchange_current(i0):
    x = np.array([0.05, 0.15, 0.3, 0.5, 0.65, 0.85, 0.95])
    np.testing.assert_allclose(i0(x + 1e-30j).imag / 1e-30, i0.slope(x), rtol=1e-12, atol=1e-14)
    h = 1e-6
    np.testing.assert_allclose((i0(x + h) - i0(x - h)) / (2 * h), i0.slope(x), rtol=1e-6, atol=1e-8)


def test_values_of_the_exchange_currents():
    x = np.array([0.2, 0.5, 0.8])
    np.testing.assert_allclose(SymmetricExchange(0.11)(x), [0.088, 0.11, 0.088], rtol=1e-14)
    np.testing.assert_array_equal(ConstantExchange(2.0)(x), 2.0)
    table = EXCHANGES[2]
    np.testing.assert_allclose(table(np.array(table.x)), table.i0, rtol=1e-14)
    np.testing.assert_allclose(table(np.array([0.01, 0.99])), [1.0, 0.2], rtol=1e-14)
