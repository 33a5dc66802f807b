"""Potentials that fall everywhere: plateaus of phases that coexist, and the tilt that keeps x a function of U."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from builders import T
from scipy.integrate import quad
from scipy.optimize import brentq

from catholyte.physics.constants import R
from catholyte.physics.equilibrium import Constant, IdealSolution, Linear, continued, from_table, value_and_slope
from catholyte.physics.monotone import TILT, Falling, falling

X = np.linspace(1e-3, 1.0 - 1e-3, 1999)


def regular(omega: float, *more: float) -> IdealSolution:
    """Return a regular solution of the interaction omega in units of RT."""
    return IdealSolution(3.9, margules=(omega * R * T, *(each * R * T for each in more)))


@dataclass(frozen=True)
class TwoGaps:
    """A potential that rises twice, and falls between and outside of the rises."""

    x_lo: float = 0.0
    x_hi: float = 1.0

    def __call__(self, x, T):
        x = np.asarray(x)
        return 4.0 - x - 0.12 * np.sin(4.0 * np.pi * x) - 1e-3 * np.log(x / (1.0 - x))


@pytest.mark.parametrize("omega", [2.3, 3.0, 5.0, 10.0])
def test_binodal_and_plateau_of_the_regular_solution(omega):
    """ln(x/(1−x)) = (Ω/RT)(2x − 1) below 1/2; by symmetry the plateau is at U0 and the other phase holds 1 − x."""
    law = falling(regular(omega), T)
    (plateau,) = law.plateaus
    x = brentq(
        lambda x: np.log(x / (1.0 - x)) - omega * (2.0 * x - 1.0), 1e-12, 0.5 - 0.1 * np.sqrt(omega - 2.0) / omega
    )
    assert plateau.x_a == pytest.approx(x, abs=1e-8)
    assert plateau.x_b == pytest.approx(1.0 - x, abs=1e-8)
    assert abs(plateau.U - 3.9) < 1e-8


@pytest.mark.parametrize(
    ("law", "count"), [(regular(3.0), 1), (regular(3.0, 0.4), 1), (regular(2.6, -0.3), 1), (TwoGaps(), 2)]
)
def test_phases_at_equilibrium_have_equal_areas_above_and_below(law, count):
    """Maxwell's construction: both phases have the potential of the plateau, which is the mean of U between them."""
    found = falling(law, T).plateaus
    assert len(found) == count
    for plateau in found:
        ends = law(np.array([plateau.x_a, plateau.x_b]), T)
        np.testing.assert_allclose(ends, plateau.U, atol=1e-8, rtol=0.0)
        area, _ = quad(lambda x: float(law(np.array([x]), T)[0]), plateau.x_a, plateau.x_b, epsabs=1e-12)
        assert area == pytest.approx(plateau.U * (plateau.x_b - plateau.x_a), abs=1e-8)


@pytest.mark.parametrize("law", [regular(3.0), regular(5.0, 0.4), TwoGaps(), continued(Constant(3.4))])
def test_what_is_returned_falls_everywhere_by_the_tilt_at_least(law):
    U = falling(law, T)(X, T)
    assert np.diff(U).max() <= -0.99 * TILT * np.diff(X).min()
    # What the capacity is worth between both ends is what it was, but for half of the tilt at most.
    fine = np.linspace(X[0], X[-1], 400_001)
    assert np.trapezoid(falling(law, T)(fine, T), fine) == pytest.approx(np.trapezoid(law(fine, T), fine), abs=1e-6)


def test_outside_of_plateaus_the_law_is_moved_by_half_the_tilt_at_most():
    law = regular(4.0)
    found = falling(law, T)
    (plateau,) = found.plateaus
    x_a, x_b = plateau.x_a, plateau.x_b
    outside = (x_a > X) | (x_b < X)
    np.testing.assert_allclose(found(X[outside], T), (law(X, T) - TILT * (X - 0.5))[outside], rtol=1e-15)
    assert np.abs(found(X, T) - law(X, T))[outside].max() <= 0.5 * TILT


@pytest.mark.parametrize(
    "law",
    [
        Linear(4.2, 3.0),
        regular(0.0),
        regular(1.9),
        from_table([0.0, 0.3, 0.6, 1.0], [4.3, 4.0, 3.8, 3.0]),
    ],
)
def test_a_law_that_falls_is_left_alone(law):
    assert falling(law, T) is law


def test_a_law_that_falls_by_less_than_the_tilt_is_tilted():
    law = Linear(3.4, 3.4 - 0.5 * TILT)
    found = falling(law, T)
    assert isinstance(found, Falling)
    assert found.plateaus == ()
    np.testing.assert_allclose(found(X, T), 3.4 - 1.5 * TILT * X + 0.5 * TILT, rtol=1e-14)


@pytest.mark.parametrize("law", [regular(3.0), TwoGaps(), continued(Constant(3.4))])
def test_slope_is_the_derivative(law):
    """By its own method and by complex step; also by differences, away from the edges of plateaus."""
    found = falling(law, T)
    U, slope = found.with_slope(X, T)
    np.testing.assert_array_equal(U, found(X, T))
    by_step = found(X + 1e-30j, T)
    np.testing.assert_allclose(by_step.real, U, rtol=1e-15)
    np.testing.assert_allclose(by_step.imag / 1e-30, slope, rtol=1e-12)
    np.testing.assert_array_equal(np.transpose(value_and_slope(found, X, T)), np.transpose((U, slope)))
    h = 1e-6
    edges = np.array([edge for plateau in found.plateaus for edge in (plateau.x_a, plateau.x_b)] + [1e-3, 1.0 - 1e-3])
    smooth = (np.abs(X[:, None] - edges).min(axis=1) > 10.0 * h) & (X > 0.01) & (X < 0.99)
    differences = (found(X[smooth] + h, T) - found(X[smooth] - h, T)) / (2.0 * h)
    np.testing.assert_allclose(differences, slope[smooth], rtol=1e-5, atol=1e-8)


def test_a_gap_that_temperature_closes():
    """2RT = Ω at the critical temperature: phases coexist below it only."""
    law = regular(2.2)
    critical = 2.2 * T / 2.0
    assert falling(law, 0.95 * critical).plateaus
    assert falling(law, 1.05 * critical) is law


def test_the_gap_of_a_hot_regular_solution_is_that_of_a_cold_one():
    """Only Ω/RT matters for compositions."""
    cold, hot = IdealSolution(3.9, margules=(3.0 * R * T,)), IdealSolution(3.9, margules=(3.6 * R * T,))
    (a,), (b,) = falling(cold, T).plateaus, falling(hot, 1.2 * T).plateaus
    assert (a.x_a, a.x_b) == pytest.approx((b.x_a, b.x_b), abs=1e-8)


def test_the_range_backed_by_data_is_kept():
    law = continued(Constant(3.4), 0.02, 0.97)
    found = falling(law, T)
    assert (found.x_lo, found.x_hi) == (law.x_lo, law.x_hi)
