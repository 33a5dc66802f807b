"""Equilibrium potentials: published values, continuation beyond the data, complex step, inverse."""

import numpy as np
import pytest

from catholyte.errors import InputError
from catholyte.physics.constants import F, R
from catholyte.physics.equilibrium import (
    MARGIN,
    WALL,
    Constant,
    IdealSolution,
    Linear,
    VoltageError,
    continued,
    from_formula,
    from_table,
    inverse,
    slope,
    value_and_slope,
)
from catholyte.physics.formulas import FORMULAS

T = 298.15
TABLE_X = np.array([0.1, 0.25, 0.3, 0.301, 0.6, 0.85])
TABLE_U = np.array([4.3, 4.1, 4.05, 3.9, 3.7, 3.5])

LAWS = {
    **{name: from_formula(name) for name in FORMULAS},
    "table": from_table(TABLE_X, TABLE_U),
    "linear": continued(Linear(2.9, 2.2), 0.02, 0.98),
    "constant": continued(Constant(3.4), 0.05, 0.95),
    "nernst": IdealSolution(3.75),
    "subregular": IdealSolution(3.4, (3000.0, -1000.0, 500.0)),
}
EVERY_LAW = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())


@pytest.mark.parametrize(
    ("name", "x", "U", "tolerance"),
    [
        # measured pseudo-OCP of the LG M50 positive electrode (Chen et al. 2020), which the formula fits
        ("chen2020-nmc811", 0.266145, 4.293565, 0.01),
        ("chen2020-nmc811", 0.282480, 4.230265, 0.01),
        ("chen2020-nmc811", 0.905926, 3.567213, 0.01),
        # values that follow from the parameters printed with each fit
        ("mohtat2020-nmc532", 0.0960, 4.2000, 2e-4),
        ("bpx-lfp", 0.5, 3.41285712 - 0.0149721852 * 0.5, 1e-9),
        ("bpx-nmc111", 0.42424, 4.29, 2e-3),
        ("afshar2017-lfp", 0.5, 3.4077 - 0.020269 * 0.5, 1e-6),
    ],
)
def test_formula_has_its_published_values(name, x, U, tolerance):
    assert float(from_formula(name)(x, T)) == pytest.approx(U, abs=tolerance)


@EVERY_LAW
def test_finite_inside_and_diverging_at_the_ends(law):
    x = np.concatenate([np.geomspace(1e-12, 0.5, 300), 1 - np.geomspace(0.5, 1e-12, 300)])
    assert np.isfinite(law(x, T)).all()
    assert law(0.0, T) == np.inf
    assert law(1.0, T) == -np.inf
    assert np.isnan(law(np.array([-0.1, 1.1]), T)).all()
    assert np.isnan(law(np.array([-0.1, 1.1]) + 1e-30j, T)).all()


@EVERY_LAW
def test_continuously_differentiable_at_the_ends_of_the_data(law):
    for end in (law.x_lo, law.x_hi):
        if 0.0 < end < 1.0:
            below, above = end * (1 - 1e-10), end + 1e-10 * (1 - end)
            assert law(above, T) == pytest.approx(law(below, T), abs=1e-6)
            assert slope(law, above, T) == pytest.approx(slope(law, below, T), rel=1e-4, abs=1e-5)


@EVERY_LAW
def test_complex_step_is_the_derivative(law):
    x = np.linspace(0.003, 0.997, 313)
    h = 1e-6 * np.minimum(x, 1 - x)
    central = (law(x + h, T) - law(x - h, T)) / (2 * h)
    scale = 1.0 + np.abs(central)
    error = np.abs(slope(law, x, T) - central) / scale
    assert error.max() < 5e-3  # PCHIP has kinks in its second derivative
    assert np.median(error) < 1e-6
    np.testing.assert_allclose(law(x + 0j, T).real, law(x, T), rtol=1e-14)


@EVERY_LAW
def test_shape_and_scalar_are_kept(law):
    x = np.linspace(0.01, 0.99, 24).reshape(2, 3, 4)
    U = law(x, T)
    assert U.shape == x.shape
    assert float(law(float(x[1, 2, 3]), T)) == U[1, 2, 3]


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_decreases_with_lithium(name):
    law = from_formula(name)
    assert slope(law, np.linspace(law.x_lo, law.x_hi, 4001), T).max() < 0.0


def test_table_meets_its_points_and_never_overshoots():
    law = from_table(TABLE_X, TABLE_U)
    np.testing.assert_allclose(law(TABLE_X, T), TABLE_U, rtol=0, atol=1e-14)
    assert np.diff(law(np.linspace(TABLE_X[0], TABLE_X[-1], 5001), T)).max() <= 0.0


@pytest.mark.parametrize("gap", [1e-3, 1e-9])
def test_table_finds_every_interval(gap):
    """The uniform index (wide gaps) and the search (narrow gaps) both agree with scipy everywhere."""
    from scipy.interpolate import PchipInterpolator

    x = np.sort(np.concatenate([np.linspace(0.05, 0.95, 40), [0.5 + 0.3 * gap, 0.5 + 1.3 * gap]]))
    U = 4.3 - x
    law = from_table(x, U)
    assert (law.law.buckets is None) == (gap < 1e-6)
    points = np.concatenate([x, np.nextafter(x[1:], 0), np.random.default_rng(1).uniform(x[0], x[-1], 10_000)])
    np.testing.assert_allclose(law(points, T), PchipInterpolator(x, U)(points), rtol=0, atol=1e-13)


def test_table_of_two_points_is_a_line():
    law = from_table([0.2, 0.8], [4.0, 3.4])
    assert float(law(0.5, T)) == pytest.approx(3.7, abs=1e-14)


@pytest.mark.parametrize(
    ("x", "U", "key"),
    [
        ([0.1, 0.3, 0.2], [4.0, 3.9, 3.8], "U.x"),
        ([0.1, 0.2, 0.2], [4.0, 3.9, 3.8], "U.x"),
        ([-0.1, 0.2], [4.0, 3.9], "U.x"),
        ([0.1, 0.2], [4.0, np.nan], "U"),
        ([0.1], [4.0], "U"),
        ([0.1, 0.2], [4.0, 3.9, 3.8], "U"),
    ],
)
def test_unusable_table_is_refused(x, U, key):
    with pytest.raises(InputError) as caught:
        from_table(x, U, key="U")
    assert caught.value.key == key


def test_unknown_formula_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'chen2020-nmc811'"):
        from_formula("chen2020-nmc")


def test_law_on_the_whole_range_is_left_alone_but_for_the_margin():
    law = from_formula("afshar2017-lfp")
    assert (law.x_lo, law.x_hi) == (MARGIN, 1 - MARGIN)
    exact = Linear(2.9, 2.2)
    assert float(exact(1e-9, T)) == pytest.approx(2.9, abs=1e-8)


def test_continuation_is_the_stated_one():
    law = from_table(TABLE_X, TABLE_U)
    lo, hi = law.x_lo, law.x_hi
    low, high = 0.03, 0.97

    def ends(share):
        return R * T / F * (np.log(share) - (share - 1)) - WALL * (1 - share) ** 2 / share

    expected_low = law(lo, T) + slope(law, lo, T) * (low - lo) - ends(low / lo)
    expected_high = law(hi, T) + slope(law, hi, T) * (high - hi) + ends((1 - high) / (1 - hi))
    assert float(law(low, T)) == pytest.approx(float(expected_low), abs=1e-12)
    assert float(law(high, T)) == pytest.approx(float(expected_high), abs=1e-12)


def test_nernst_slope_per_decade():
    law = IdealSolution(3.75)
    assert float(law(0.5, T)) == 3.75
    assert float(law(1 / 11, T) - law(10 / 11, T)) == pytest.approx(2 * 0.05916, abs=1e-5)


def test_margules_terms_are_the_derivative_of_the_excess_energy():
    A = (3000.0, -1000.0, 500.0)

    def excess(x):
        return x * (1 - x) * sum(a * (2 * x - 1) ** k for k, a in enumerate(A))

    x = np.linspace(0.05, 0.95, 19)
    derivative = excess(x + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(
        IdealSolution(3.4, A)(x, T) - IdealSolution(3.4)(x, T), -derivative / F, rtol=1e-12, atol=1e-15
    )


def test_regular_solution_separates_above_twice_RT():
    x = np.linspace(0.01, 0.99, 999)
    assert slope(IdealSolution(3.4, (1.99 * R * T,)), x, T).max() < 0
    assert slope(IdealSolution(3.4, (2.01 * R * T,)), x, T).max() > 0


@pytest.mark.parametrize("x", [1e-4, 0.03, 0.3, 0.5, 0.77, 0.95, 0.9999])
@pytest.mark.parametrize("name", [*FORMULAS, "table", "linear", "nernst"])
def test_inverse_gives_the_composition_back(name, x):
    law = LAWS[name]
    U = float(law(x, T))
    found = inverse(law, U, T)
    # on a plateau the composition is only as sharp as the slope allows
    assert abs(found - x) < 1e-12 / min(1.0, abs(float(slope(law, x, T))))


def test_voltage_out_of_reach_says_what_can_be_reached():
    with pytest.raises(VoltageError, match="between") as caught:
        inverse(IdealSolution(3.75), 2.0, T)
    assert caught.value.lowest == pytest.approx(3.75 - R * T / F * np.log(1e9), abs=1e-6)
    with pytest.raises(VoltageError):
        inverse(Constant(3.4), 3.4, T)


def test_inverse_of_a_separating_solution_is_the_charged_side():
    law = IdealSolution(3.4, (3 * R * T,))
    x = inverse(law, 3.4, T)
    assert 0.0 < x < 0.5
    assert float(law(x, T)) == pytest.approx(3.4, abs=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_own_slopes_are_those_of_the_complex_step(name):
    """Inside the data, on either side of its ends, and close to empty and full."""
    law = LAWS[name]
    x = np.concatenate([[1e-9, 1e-4, 1.0 - 1e-4, 1.0 - 1e-9], np.linspace(0.01, 0.99, 197)])
    U, dU = value_and_slope(law, x, T)
    stepped = law(x + 1e-30j, T)
    np.testing.assert_allclose(U, stepped.real, rtol=1e-12)
    np.testing.assert_allclose(dU, stepped.imag / 1e-30, rtol=1e-8, atol=1e-9)
