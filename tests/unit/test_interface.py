"""The current of a reacting face: Δφ − i R − U(x_s) − (RT/F) z(i/i0(x_s)) = 0 with x_s = x − q i.

The equation is written out once more here and held against the solution over many decades of every
parameter; exact answers are those of linear kinetics, of equilibrium, and of the limiting current that
empties or fills the surface.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import THERMAL, T, curved

from catholyte.physics.interface import Reaction, face_current
from catholyte.physics.kinetics import ButlerVolmer, ConstantExchange, Linear, SymmetricExchange

EPS = np.finfo(float).eps
LAWS = [Linear(), ButlerVolmer(), ButlerVolmer(0.3)]


def constant(x, T):
    return 4.0 + 0.0 * x


def residual(reaction, i, dphi, x, R, q):
    """The face equation, for complex arguments too."""
    x_s = x - q * i
    return dphi - i * R - reaction.U(x_s, T) - THERMAL * reaction.rate.inverse(i / reaction.i0(x_s))[0]


def random_faces(n: int, seed: int):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.02, 0.98, n)
    dphi = curved(x, T) + rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-6.0, np.log10(3.0), n)
    R, q = 10.0 ** rng.uniform(-10.0, 2.0, n), 10.0 ** rng.uniform(-9.0, -1.0, n)
    q[rng.random(n) < 0.2] = 0.0
    return dphi, x, R, q


def assert_balanced(reaction, state, dphi, x, R, q):
    """Residual within rounding of its terms, or a surface that is full or empty to rounding."""
    left = residual(reaction, state.i, dphi, x, R, q)
    x_s = state.x_s
    slope = np.abs(reaction.U_and_slope(x_s)[1]) + 2.0 * THERMAL / np.minimum(x_s, 1.0 - x_s)
    terms = np.abs(dphi) + np.abs(state.U_s) + np.abs(state.i) / state.conductance + slope * (x + q * np.abs(state.i))
    exhausted = np.minimum(x_s, 1.0 - x_s) < 3e-13
    assert np.all((np.abs(left) < 20.0 * EPS * terms) | exhausted)
    return exhausted


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("i0", 10.0 ** np.arange(-8.0, 5.0, 2.0))
def test_balance_to_rounding(law, i0):
    reaction = Reaction(curved, law, SymmetricExchange(i0), T)
    faces = random_faces(4000, int(np.log10(i0)) + 20)
    state = face_current(reaction, *faces)
    dphi, x, R, _ = faces
    assert np.all(np.isfinite(state.i))
    assert np.all((state.x_s > 0.0) & (state.x_s < 1.0))
    assert_balanced(reaction, state, *faces)
    drive = dphi - curved(x, T)
    assert np.all(state.i * drive > 0.0), "the current flows down its drive"
    assert np.all(np.abs(state.i) * R <= np.abs(drive) * (1.0 + 4.0 * EPS))
    assert np.all(state.conductance > 0.0)


@pytest.mark.parametrize("law", LAWS)
def test_almost_empty_and_almost_full_cells(law):
    reaction = Reaction(curved, law, SymmetricExchange(0.1), T)
    near = np.geomspace(1e-11, 1e-2, 28)
    x = np.concatenate([near, 1.0 - near])
    for drive in (-3.0, -1e-3, 1e-3, 3.0):
        dphi = curved(x, T) + drive
        R, q = np.full(x.size, 1e-4), np.full(x.size, 1e-3)
        state = face_current(reaction, dphi, x, R, q)
        assert_balanced(reaction, state, dphi, x, R, q)
        assert np.all((state.x_s > 0.0) & (state.x_s < 1.0))


@pytest.mark.parametrize("law", LAWS)
def test_a_guess_changes_nothing(law):
    reaction = Reaction(curved, law, SymmetricExchange(0.1), T)
    faces = random_faces(2000, 5)
    cold = face_current(reaction, *faces)
    rng = np.random.default_rng(1)
    for guess in (cold.i, -cold.i, 1e3 * cold.i, rng.standard_normal(2000), np.zeros(2000)):
        warm = face_current(reaction, *faces, guess=guess)
        np.testing.assert_allclose(warm.i, cold.i, rtol=1e-8, atol=1e-14)
        assert_balanced(reaction, warm, *faces)


def test_limiting_current():
    reaction = Reaction(curved, ButlerVolmer(), SymmetricExchange(10.0), T)
    x, q = np.array([0.3, 0.3]), np.full(2, 1e-2)
    state = face_current(reaction, curved(x, T) + np.array([3.0, -3.0]), x, np.full(2, 1e-9), q)
    np.testing.assert_allclose(state.i, [0.3 / 1e-2, -0.7 / 1e-2], rtol=1e-9)


@pytest.mark.parametrize("i0", [1e-6, 1.0, 1e6])
def test_linear_kinetics_are_exact(i0):
    dphi, x, R, _ = random_faces(300, 2)
    state = face_current(Reaction(constant, Linear(), ConstantExchange(i0), T), dphi, x, R, np.zeros(300))
    exact = (dphi - 4.0) / (R + THERMAL / i0)
    np.testing.assert_allclose(state.i, exact, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(state.conductance, 1.0 / (R + THERMAL / i0), rtol=1e-14)
    np.testing.assert_allclose(state.eta, exact * THERMAL / i0, rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(state.di_dx, 0.0)


def test_sloped_potential_with_depletion_is_exact():
    dphi, x, R, q = random_faces(300, 4)
    dphi, q = 4.0 - x + 1e-3 * np.sign(dphi - 4.0), q * 1e-6
    state = face_current(Reaction(lambda x, T: 4.0 - x, Linear(), ConstantExchange(0.1), T), dphi, x, R, q)
    np.testing.assert_allclose(state.i, (dphi - 4.0 + x) / (R + q + THERMAL / 0.1), rtol=1e-11)
    np.testing.assert_allclose(state.di_dx, state.conductance, rtol=1e-13)


def test_nothing_flows_at_equilibrium():
    x = np.linspace(0.01, 0.99, 40)
    reaction = Reaction(curved, ButlerVolmer(0.4), SymmetricExchange(1.0), T)
    state = face_current(reaction, curved(x, T), x, np.full(40, 1e-3), np.full(40, 1e-3))
    # U through a complex argument may differ from U through a real one in its last bit.
    assert np.all(np.abs(state.i) <= 4.0 * EPS * 4.5 * state.conductance)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("i0", [1e-4, 1e-1, 1e3])
def test_derivatives(law, i0):
    reaction = Reaction(curved, law, SymmetricExchange(i0), T)
    dphi, x, R, q = random_faces(2000, 7)
    state = face_current(reaction, dphi, x, R, q)
    inside = np.minimum(state.x_s, 1.0 - state.x_s) > 1e-3
    assert np.count_nonzero(inside) > 500
    h = 1e-30
    by_i = residual(reaction, state.i + 1j * h, dphi, x, R, q).imag / h
    by_x = residual(reaction, state.i + 0j, dphi, x + 1j * h, R, q).imag / h
    np.testing.assert_allclose((-state.conductance * by_i)[inside], 1.0, rtol=1e-11)
    np.testing.assert_allclose(state.di_dx[inside], (-by_x / by_i)[inside], rtol=1e-10)

    # The current itself, solved again next door.
    d = 1e-5
    rise = face_current(reaction, dphi + d, x, R, q).i - face_current(reaction, dphi - d, x, R, q).i
    smooth = inside & (np.abs(dphi - curved(x, T)) < 0.1)
    np.testing.assert_allclose((rise / (2 * d))[smooth], state.conductance[smooth], rtol=1e-4)


@pytest.mark.parametrize("law", LAWS)
def test_complex_arguments_carry_derivatives(law):
    reaction = Reaction(curved, law, SymmetricExchange(0.1), T)
    dphi, x, R, q = random_faces(500, 9)
    real = face_current(reaction, dphi, x, R, q)
    h = 1e-30
    # Relative to each other: the digits of a face with an exhausted surface lie in x_s.
    inside = np.minimum(real.x_s, 1.0 - real.x_s) > 1e-3
    by_phi = face_current(reaction, dphi + 1j * h, x, R, q).i.imag / h
    by_x = face_current(reaction, dphi, x + 1j * h, R, q).i.imag / h
    np.testing.assert_allclose(by_phi[inside], real.conductance[inside], rtol=1e-12)
    np.testing.assert_allclose(by_x[inside], real.di_dx[inside], rtol=1e-10)
