"""Rates of the reactions of a network, and the balance y_s = y + q N i, s = Δφ − R Σ i, i = ρ(y_s, s) of a face.

Every law is written out once more as the closed form of a textbook; the balance is held against the laws over many
decades of every parameter, its linearisation against complex steps.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from builders import THERMAL, T
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from small_networks import CHLORIDE, INDIUM, IODIDE, IODONIUM, iodine_network

from catholyte.physics.constants import F, R
from catholyte.physics.equilibrium import IdealSolution, from_table
from catholyte.physics.kinetics import ButlerVolmer, Linear, MarcusHushChidsey, Tafel
from catholyte.physics.network import Branch, ChargeTransfer, Hysteresis, Lattice, Network, Stock, TabulatedPotential
from catholyte.physics.network_face import NetworkBalance

EPS = np.finfo(float).eps
STEP = 1e-30
ALPHAS = [0.2, 0.5, 0.7]
LN_TINIEST = np.log(1e-30)


def laws_of(*reactions: ChargeTransfer, solid: Stock | None = None, fluid: Stock | None = None) -> NetworkBalance:
    """Return laws of reactions among A, B and C that fill a lattice, and X and Y of a supply."""
    solid = solid or Stock((Lattice("sites", 2e4, 1e-14, "full", ("A", "B", "C")),))
    fluid = fluid or Stock((Lattice("supply", 1e4, 1e-13, "dilute", ("X", "Y")),))
    return NetworkBalance(Network((solid, fluid), reactions, T))


def random_surfaces(laws: NetworkBalance, n: int = 200, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = np.exp(rng.uniform(LN_TINIEST, 0.0, (n, len(laws.stores))))
    return {store.name: y[:, k] for k, (_, _, store) in enumerate(laws.stores)}, y, rng.uniform(2.5, 4.5, n)


def binding(rate, **options) -> ChargeTransfer:
    """Return A + 2 X ⇌ B + Y + 2 e⁻."""
    made = {(0, "A"): -1, (1, "X"): -2, (0, "B"): 1, (1, "Y"): 1}
    return ChargeTransfer("binding", made, 2, 3.5, rate, 0.7, **options)


# ------------------------------------------------------------------ laws


@pytest.mark.parametrize("alpha", ALPHAS)
def test_butler_volmer_is_the_law_of_mass_action(alpha):
    laws = laws_of(binding(ButlerVolmer(alpha), alpha=alpha))
    a, y, s = random_surfaces(laws)
    zeta = 2.0 * (s - 3.5) / THERMAL
    forward = a["A"] * a["X"] ** 2 * np.exp(alpha * zeta)
    backward = a["B"] * a["Y"] * np.exp(-(1.0 - alpha) * zeta)
    i = laws.rates(y, s).i[:, 0]
    # The exponents carry rounding of their own size.
    assert np.all(np.abs(i - 0.7 * (forward - backward)) <= 1e3 * EPS * 0.7 * (forward + backward))


def test_potential_is_that_of_nernst():
    laws = laws_of(binding(ButlerVolmer(0.5)))
    a, y, _ = random_surfaces(laws)
    U = 3.5 + THERMAL / 2.0 * np.log(a["B"] * a["Y"] / (a["A"] * a["X"] ** 2))
    np.testing.assert_allclose(laws.potentials(y)[0][:, 0], U, rtol=1e-13)
    assert np.abs(laws.rates(y, U).i[:, 0]).max() < 1e-12


def test_linear_kinetics():
    laws = laws_of(binding(Linear(), concentration="constant"))
    _, y, s = random_surfaces(laws)
    U = laws.potentials(y)[0][:, 0]
    rates = laws.rates(y, s)
    close = np.abs(2.0 * (s - U) / THERMAL) < 900.0
    np.testing.assert_allclose(rates.i[close, 0], (0.7 * 2.0 * (s - U) / THERMAL)[close], rtol=1e-12)
    np.testing.assert_allclose(rates.di_ds[:, 0], 0.7 * 2.0 / THERMAL, rtol=1e-12)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_tafel_either_way(alpha):
    """Orders are those of what is consumed; what is made does not stop a reaction that runs one way."""
    laws = laws_of(
        binding(Tafel(alpha), alpha=alpha, direction="oxidation"),
        binding(Tafel(alpha), alpha=alpha, direction="reduction"),
        binding(Tafel(alpha), alpha=alpha, direction="reduction", concentration="constant"),
    )
    a, y, s = random_surfaces(laws)
    drive = np.exp(2.0 * alpha * (s - 3.5) / THERMAL)
    exact = np.stack([a["A"] * a["X"] ** 2 * drive, -a["B"] * a["Y"] / drive, -1.0 / drive], axis=1)
    np.testing.assert_allclose(laws.rates(y, s).i, 0.7 * exact, rtol=1e-11)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_exchange_current_of_mass_action(alpha):
    """di/ds at equilibrium is i0·nF/RT with i0 = i00·Π_red y^((1−α)|ν|)·Π_ox y^(αν), for laws of any form."""
    for rate in (Linear(), ButlerVolmer(alpha), MarcusHushChidsey(30.0)):
        laws = laws_of(binding(rate, alpha=alpha))
        a, y, _ = random_surfaces(laws)
        i0 = 0.7 * (a["A"] * a["X"] ** 2) ** (1.0 - alpha) * (a["B"] * a["Y"]) ** alpha
        at_rest = laws.rates(y, laws.potentials(y)[0][:, 0])
        np.testing.assert_allclose(at_rest.di_ds[:, 0], i0 * 2.0 / THERMAL, rtol=1e-11)


def test_lithium_and_vacant_sites_react_as_species():
    """Li ⇌ Li⁺ + e⁻ on a lattice gas: i = i00·(x·exp(ζ/2) − (1 − x)·exp(−ζ/2))."""
    lattice = Lattice("sites", 2e4, 1e-14, "vacancies", ("Li",))
    laws = laws_of(ChargeTransfer("li", {(0, "Li"): -1}, 1, 3.5, ButlerVolmer(0.5), 0.7), solid=Stock((lattice,)))
    assert [store.name for _, _, store in laws.stores] == ["Li", lattice.vacancy]
    x, s = np.linspace(0.01, 0.99, 50), np.linspace(3.2, 3.8, 50)
    half = 0.5 * (s - 3.5) / THERMAL
    exact = 0.7 * (x * np.exp(half) - (1.0 - x) * np.exp(-half))
    np.testing.assert_allclose(laws.rates(np.stack([x, 1.0 - x], axis=1), s).i[:, 0], exact, rtol=1e-11, atol=1e-13)


# ------------------------------------------------------------------ Marcus, Hush and Chidsey


def chidsey(z: float, size: float) -> float:
    """Return the net rate of the integral of Chidsey 1991 (doi:10.1126/science.251.4996.919), not normalised."""

    def integrand(e: float) -> float:
        # Fermi's distribution times exp(z/2), made symmetric: oxidation less reduction is 2 sinh(z/2) of it.
        bell = np.exp(-((e - size + z) ** 2) / (4.0 * size))
        return bell / (1.0 + np.exp(e)) if e < 700.0 else 0.0

    middle, width = size - z, 12.0 * np.sqrt(2.0 * size) + 40.0
    edges = sorted({middle - width, middle, 0.0, middle + width})
    oxidation = sum(quad(integrand, a, b, limit=400, epsabs=0.0, epsrel=1e-9)[0] for a, b in pairwise(edges))
    return -oxidation * np.expm1(-z)


@pytest.mark.parametrize("size", [0.01, 0.1, 1.0, 5.0, 10.0, 20.0, 40.0])
def test_marcus_hush_chidsey_is_the_integral(size):
    law, h = MarcusHushChidsey(size), 1e-3
    at_rest = chidsey(h, size) / (2.0 * np.sinh(0.5 * h)) * (1.0 + h * h / 24.0)
    z = np.array([-2.5 * size - 10.0, -size, -3.0, -0.1, 0.1, 3.0, 0.5 * size, size, 2.5 * size + 10.0])
    exact = np.array([chidsey(each, size) / at_rest for each in z])
    np.testing.assert_allclose(law.rate(z), exact, rtol=1e-6)


def test_marcus_hush_chidsey_in_its_limits():
    z = np.linspace(-30.0, 30.0, 61)
    for size in (1e-3, 1.0, 40.0):
        law = MarcusHushChidsey(size)
        assert law.rate(np.array([STEP * 1j]))[0].imag == pytest.approx(STEP, rel=1e-12)
        assert law.slope(np.zeros(1))[0] == pytest.approx(1.0, rel=1e-12)
        np.testing.assert_allclose(law.rate(z), -law.rate(-z), rtol=1e-14)
        np.testing.assert_allclose(law.rate(z + 1j * STEP).imag / STEP, law.slope(z), rtol=1e-10, atol=1e-14)
        assert np.all(law.slope(z) > 0.0)
    # No reorganisation: all that holds an electron back is whether a level of its energy is free.
    np.testing.assert_allclose(MarcusHushChidsey(1e-4).rate(z), 2.0 * np.tanh(0.5 * z), rtol=0.01)
    # Levelling far beyond λ.
    law = MarcusHushChidsey(10.0)
    far, further = law.rate(np.array([60.0])), law.rate(np.array([120.0]))
    np.testing.assert_allclose(far, further, rtol=1e-9)


# ------------------------------------------------------------------ potentials


def complex_slope(laws: NetworkBalance, y, k: int):
    moved = y.astype(complex)
    moved[:, k] += 1j * STEP
    return laws.potentials(moved)[0].imag / STEP


def interacting() -> NetworkBalance:
    """Return two reactions on a lattice of three species with two interactions."""
    pairs = (("A", "B", 3000.0), ("B", "C", -1700.0), ("A", "C", 900.0))
    solid = Stock((Lattice("sites", 2e4, 1e-14, "full", ("A", "B", "C"), pairs),))
    first = ChargeTransfer("first", {(0, "A"): -1, (0, "B"): 1}, 1, 3.1, ButlerVolmer(0.5), 1.0)
    second = ChargeTransfer("second", {(0, "B"): -2, (1, "X"): -1, (0, "C"): 2}, 2, 3.6, ButlerVolmer(0.5), 1.0)
    return laws_of(first, second, solid=solid)


def test_regular_solution_is_the_derivative_of_its_free_energy():
    """nF(U − U⁰) = Σ ν ∂G/∂N with G = RT Σ N ln(N/ΣN) + Σ_pairs Ω N_a N_b/ΣN, differentiated by complex step."""
    laws = interacting()
    rng = np.random.default_rng(2)
    y = np.append(rng.dirichlet([1.0, 1.0, 1.0]), [0.3, 0.1])

    def G(N):
        total = N.sum()
        pairs = 3000.0 * N[0] * N[1] - 1700.0 * N[1] * N[2] + 900.0 * N[0] * N[2]
        return R * T * np.sum(N * np.log(N / total)) + pairs / total

    mu = np.array([G(y[:3] + 1j * STEP * np.eye(3)[k]).imag / STEP for k in range(3)])
    U = laws.potentials(y[None, :])[0][0]
    assert U[0] == pytest.approx(3.1 + (mu[1] - mu[0]) / F, rel=1e-13)
    assert U[1] == pytest.approx(3.6 + (2.0 * mu[2] - 2.0 * mu[1] - R * T * np.log(0.3)) / (2.0 * F), rel=1e-13)


def test_one_interaction_with_vacant_sites_is_a_term_of_margules():
    lattice = Lattice("sites", 2e4, 1e-14, "vacancies", ("Li",), (("Li", "vacancy sites", 4000.0),))
    laws = laws_of(ChargeTransfer("li", {(0, "Li"): -1}, 1, 3.5, Linear(), 0.7), solid=Stock((lattice,)))
    x = np.linspace(0.02, 0.98, 30)
    U = laws.potentials(np.stack([x, 1.0 - x], axis=1))[0][:, 0]
    np.testing.assert_allclose(U, IdealSolution(3.5, (4000.0,))(x, T), rtol=1e-13)


def test_slopes_of_the_potentials():
    for laws in (interacting(), rich()):
        _, y, _ = random_surfaces(laws, 40)
        y = y**0.1
        _, dU = laws.potentials(y)
        for k in range(len(laws.stores)):
            np.testing.assert_allclose(dU[:, :, k], complex_slope(laws, y, k), rtol=1e-11, atol=1e-14)


def test_a_tabulated_potential_replaces_the_activities():
    law = from_table([0.1, 0.3, 0.6, 0.9], [2.7, 2.9, 3.3, 3.4])
    table = TabulatedPotential(law, 0, "B")
    laws = laws_of(ChargeTransfer("one", {(0, "A"): -1, (0, "B"): 1}, 1, 9.9, Linear(), 0.7, table=table))
    y = np.stack([np.full(9, 0.2), np.linspace(0.1, 0.9, 9)], axis=1)
    y = np.concatenate([y, np.full((9, len(laws.stores) - 2), 0.3)], axis=1)
    U, dU = laws.potentials(y)
    np.testing.assert_allclose(U[:, 0], law(y[:, 1], T), rtol=1e-14)
    np.testing.assert_allclose(dU[:, 0, 1], law(y[:, 1] + 1j * STEP, T).imag / STEP, rtol=1e-10, atol=1e-14)
    np.testing.assert_array_equal(dU[:, 0, 0], 0.0)


def test_branches_of_a_hysteresis():
    laws = NetworkBalance(iodine_network(hysteresis=Hysteresis(0.4, 0.05)))
    (k,) = (k for k, (_, _, store) in enumerate(laws.stores) if store.name == "branch iodide")
    y = np.full((4, len(laws.stores)), 0.3)
    y[:, k] = [0.0, 0.25, 0.5, 1.0]
    U, dU = laws.potentials(y)
    np.testing.assert_allclose(U[:, 0], IODIDE + 0.4 * (y[:, k] - 0.5), rtol=1e-14)
    np.testing.assert_array_equal(dU[:, 0, k], 0.4)
    np.testing.assert_array_equal(dU[:, 1:, k], 0.0)
    # What leaves the state is −dh per turnover: (1 − h)/span on oxidation, h/span on reduction.
    currents = np.zeros((4, 4))
    currents[:, 0] = [2.0, 2.0, -2.0, -2.0]
    out = laws.outflow(currents, y)[:, k]
    np.testing.assert_allclose(out, [-2.0 / 0.05, -2.0 * 0.75 / 0.05, 2.0 * 0.5 / 0.05, 2.0 / 0.05], rtol=1e-14)
    currents[:, 0], currents[:, 1] = 0.0, 5.0
    np.testing.assert_array_equal(laws.outflow(currents, y)[:, k], 0.0)


# ------------------------------------------------------------------ the balance


def rich(rate=None) -> NetworkBalance:
    """Return five reactions of both sides: every law, a hysteresis, a table, interactions, vacant sites."""
    pairs = (("A", "B", 2000.0), ("B", "C", -1000.0))
    lattices = (
        Lattice("sites", 2e4, 1e-14, "full", ("A", "B", "C"), pairs),
        Lattice("gas", 1e4, 1e-15, "vacancies", ("Li",)),
    )
    solid = Stock(lattices, (Branch("first", 2e4, 1e-14),))
    table = TabulatedPotential(from_table([0.05, 0.5, 0.95], [3.6, 3.5, 3.2]), 0, "Li")
    return laws_of(
        ChargeTransfer(
            "first", {(0, "A"): -1, (0, "B"): 1}, 1, 3.1, ButlerVolmer(0.4), 0.2, 0.4, hysteresis=Hysteresis(0.3, 0.05)
        ),
        ChargeTransfer("second", {(0, "B"): -1, (1, "X"): -1, (0, "C"): 1}, 1, 3.6, MarcusHushChidsey(30.0), 1.0),
        ChargeTransfer("table", {(0, "Li"): -1}, 1, 0.0, Linear(), 0.3, table=table),
        ChargeTransfer("decay", {(1, "X"): -1, (1, "Y"): 1}, 1, 4.1, Tafel(0.5), 1e-3, direction="oxidation"),
        ChargeTransfer("back", {(0, "C"): -1, (0, "A"): 1}, 2, 3.3, Tafel(0.3), 1e-3, 0.3, direction="reduction"),
        solid=solid,
    )


def test_currents_of_a_face_without_resistances_are_the_rates():
    laws = rich()
    _, y, s = random_surfaces(laws)
    nothing = np.zeros_like(y)
    state = laws.solve(y, s, np.zeros(s.size), nothing, None)
    np.testing.assert_allclose(state.currents, laws.rates(y, s).i, rtol=1e-13)
    np.testing.assert_array_equal(state.y_s, y)


decades = st.floats(-30.0, 0.0)


@st.composite
def corners(draw, n_stores: int):
    """Return one face: fractions down to 1e-30, q and R nothing or anything up to huge."""
    y = 10.0 ** np.array(draw(st.lists(decades, min_size=n_stores, max_size=n_stores)))
    lattice_q = draw(st.one_of(st.just(0.0), st.floats(-12.0, 8.0).map(lambda e: 10.0**e)))
    supply_q = draw(st.one_of(st.just(0.0), st.floats(-12.0, 8.0).map(lambda e: 10.0**e)))
    resistance = draw(st.one_of(st.just(0.0), st.floats(-12.0, 6.0).map(lambda e: 10.0**e)))
    return y, lattice_q, supply_q, resistance, draw(st.floats(1.5, 4.5))


IODINE = NetworkBalance(iodine_network(i00=1.0))


def depletions(laws: NetworkBalance, solid: float, fluid: float):
    return np.array([[solid if side == 0 else fluid for side, _, _ in laws.stores]])


@settings(max_examples=200, deadline=None)
@given(corners(len(IODINE.stores)))
@example((np.array([1.0, 0.1, 1e-19, 1.0, 1.0, 1e-3, 0.1]), 1.0, 0.0, 1.0, 2.0))
@example((np.ones(7), 1.0, 10.0, 0.0, 5.0))
@example((np.ones(7), 0.0, 0.0, 1.0, 5.0))
def test_balance_in_random_corners(corner):
    """Laws met to rounding of their gross rates, or of the largest current; no fraction falls below zero."""
    y, solid, fluid, resistance, dphi = corner
    q, y = depletions(IODINE, solid, fluid), y[None, :]
    state = IODINE.solve(y, np.array([dphi]), np.array([resistance]), q, None)
    i = state.currents
    assert np.all(np.isfinite(i))
    digits = EPS * (np.abs(y) + q * (np.abs(i) @ np.abs(IODINE.made).T))
    assert np.all(np.abs(state.y_s - (y + q * (i @ IODINE.made.T))) <= digits)
    assert np.all(state.y_s > 0.0)
    rates = IODINE.rates(state.y_s, dphi - resistance * i.sum(axis=1))
    # What a change of the last digits of the currents and of the fractions does to the rates.
    digits = EPS * (np.abs(y) + q * (np.abs(i) @ np.abs(IODINE.made).T))
    volts = EPS * (dphi + resistance * np.abs(i).sum(axis=1, keepdims=True) + np.abs(rates.U))
    gross = np.abs(i) + THERMAL * rates.di_ds
    noise = np.sum(np.abs(rates.di_dy) * digits[:, None, :], axis=2) + rates.di_ds * volts + EPS * gross
    assert np.all(np.abs(rates.i - i) <= 20.0 * noise + 1e-9 * gross + 1e-12 * np.abs(i).max())


ONE = laws_of(binding(ButlerVolmer(0.3), alpha=0.3))


@settings(max_examples=150, deadline=None)
@given(corners(len(ONE.stores)))
def test_current_of_one_reaction_has_all_its_digits(corner):
    """ρ(y + qNi, Δφ − Ri) − i falls strictly with i, and changes its sign within a few last digits of the solution.

    Where a surface is exhausted its fraction is a small difference of large numbers: it is formed without rounding.
    """
    y, solid, fluid, resistance, dphi = corner
    q = depletions(ONE, solid, fluid)
    i = float(ONE.solve(y[None, :], np.array([dphi]), np.array([resistance]), q, None).i[0])

    def miss(current: float) -> float:
        y_s = [
            float(Fraction(a) + Fraction(b) * Fraction(c) * Fraction(current))
            for a, b, c in zip(y, q[0], ONE.made[:, 0], strict=True)
        ]
        if min(y_s) <= 0.0:  # beyond what can be supplied
            return -np.inf if current > 0.0 else np.inf
        s = float(Fraction(dphi) - Fraction(resistance) * Fraction(current))
        return float(ONE.rates(np.array([y_s]), np.array([s])).i[0, 0]) - current

    U = float(ONE.potentials(y[None, :])[0][0, 0])
    slack = 1e-13 + 4e3 * EPS * abs(U)
    low, high = sorted((i * (1.0 - slack), i * (1.0 + slack)))
    at_rest = abs(dphi - U) < 1e-12
    assert at_rest or miss(low) >= 0.0 >= miss(high)


@pytest.mark.parametrize("i00", [1e-8, 1.0, 1e8])
def test_limiting_current_is_what_arrives(i00):
    """Far above U the supply limits: i = y/q; more cannot be drawn, and what is left reacts at once."""
    laws = laws_of(ChargeTransfer("one", {(0, "A"): -1, (0, "B"): 1}, 1, 3.0, ButlerVolmer(0.5), i00))
    q, y = np.zeros((3, len(laws.stores))), np.full((3, len(laws.stores)), 0.5)
    y[:, 0], q[:, :2] = [1.0, 1e-9, 1e-25], 0.02
    state = laws.solve(y, np.full(3, 6.0), np.zeros(3), q, None)
    np.testing.assert_allclose(state.i, y[:, 0] / 0.02, rtol=1e-10)
    assert np.all(state.y_s[:, 0] > 0.0)


def test_parallel_reactions_exchange_without_a_current():
    """I⁻ and ICl react with each other at a face that passes no current, as two reactions of equal size."""
    y = np.array([[0.4, 0.2, 0.4, 1.0, 1e-9, 1.0, 1e-9]])
    order = {store.name: k for k, (_, _, store) in enumerate(IODINE.stores)}
    assert list(order) == ["I-", "I0", "ICl", "Cl-", "Cl0", "In3+", "In2+"]
    s = IODINE.rest(y[0], 0.0)
    state = IODINE.solve(y, np.array([s]), np.zeros(1), depletions(IODINE, 0.1, 0.01), None)
    still = IODINE.solve(y, np.array([s]), np.zeros(1), np.zeros_like(y), None)
    assert abs(still.i[0]) < 1e-9 * np.abs(still.currents).max()
    assert still.currents[0, 0] > 1.0
    assert still.currents[0, 1] < -1.0
    assert INDIUM < IODIDE < s < IODONIUM < CHLORIDE
    np.testing.assert_allclose(state.outflow.sum(axis=1), -(state.currents @ IODINE.made.sum(axis=0)), atol=1e-12)


@pytest.mark.parametrize("current", [-3.0, 0.0, 0.02])
def test_rest_finds_the_potential_of_a_current(current):
    y = np.array([0.3, 0.4, 0.3, 0.8, 1e-3, 0.9, 0.1])
    s = IODINE.rest(y, current)
    state = IODINE.solve(y[None, :], np.array([s]), np.zeros(1), np.zeros((1, 7)), None)
    assert state.i[0] == pytest.approx(current, abs=1e-8)


# ------------------------------------------------------------------ linearisation


def faces(laws: NetworkBalance, n: int = 30, seed: int = 8):
    """Return faces that are neither exhausted nor still; species of one lattice move alike."""
    rng = np.random.default_rng(seed)
    y, q = rng.uniform(0.05, 0.3, (n, len(laws.stores))), np.zeros((n, len(laws.stores)))
    for side, lattice in {(side, store.lattice) for side, _, store in laws.stores}:
        members = [k for k, (at, _, store) in enumerate(laws.stores) if (at, store.lattice) == (side, lattice)]
        if lattice is not None:
            q[:, members] = 10.0 ** rng.uniform(-4.0, -1.0, (n, 1))
            y[:, members[0]] = 1.0 - y[:, members[1:]].sum(axis=1)
    return y, rng.uniform(2.7, 4.2, n), np.abs(rng.standard_normal(n)) * 1e-2, q


@pytest.mark.parametrize("laws", [IODINE, rich()], ids=["iodine", "every law"])
def test_complex_steps_pass_through_the_balance(laws):
    y, dphi, resistance, q = faces(laws)
    h = 1e-6
    real = laws.solve(y, dphi, resistance, q, None)
    for k in range(y.shape[1] + 1):
        up, down, turned = (
            (y.astype(complex), dphi.astype(complex)),
            (y.astype(complex), dphi.astype(complex)),
            (y.astype(complex), dphi.astype(complex)),
        )
        for (a, b), change in ((up, h), (down, -h), (turned, 1j * STEP)):
            target = b if k == y.shape[1] else a[:, k]
            target += change
        carried = laws.solve(*turned, resistance, q, None)
        plus, minus = (laws.solve(a.real, b.real, resistance, q, real.currents) for a, b in (up, down))
        for name in ("currents", "outflow", "step", "y_s"):
            differences = (getattr(plus, name) - getattr(minus, name)) / (2.0 * h)
            size = np.abs(differences).max() + np.abs(getattr(real, name)).max()
            np.testing.assert_allclose(getattr(carried, name).imag / STEP, differences, rtol=1e-5, atol=1e-6 * size)


@pytest.mark.parametrize("laws", [IODINE, rich()], ids=["iodine", "every law"])
def test_answer_is_the_derivative(laws):
    """With the potential step given, as a change of s and of the fractions in the cells."""
    y, dphi, resistance, q = faces(laws)
    state = laws.solve(y, dphi, resistance, q, None)
    answer = laws.answer(state, q)

    def turned(k):
        a, b = y.astype(complex), state.step.astype(complex)
        target = b if k is None else a[:, k]
        target += 1j * STEP
        moved = laws.solve(a, b, np.zeros_like(b.real), q, state.currents)
        return moved.i.imag / STEP, moved.outflow.imag / STEP, moved.currents.imag / STEP

    i, outflow, currents = turned(None)
    tight = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(answer.conductance, i, **tight)
    np.testing.assert_allclose(answer.slope, outflow, **tight)
    ones, zeros = np.ones(dphi.size), np.zeros_like(y)
    np.testing.assert_allclose(laws.currents_answer(state, q, ones, zeros), currents, **tight)
    for k in range(y.shape[1]):
        i, outflow, currents = turned(k)
        scale = {"rtol": 1e-9, "atol": 1e-11 * (1.0 + np.abs(outflow).max())}
        np.testing.assert_allclose(answer.response[:, k], i, **scale)
        np.testing.assert_allclose(answer.coupling[:, :, k], outflow, **scale)
        dy = np.zeros_like(y)
        dy[:, k] = 1.0
        np.testing.assert_allclose(laws.currents_answer(state, q, np.zeros(dphi.size), dy), currents, **scale)


def test_answer_of_half_cells_at_a_frequency():
    """With complex q the linear laws are met: di = ∂ρ/∂s·ds + ∂ρ/∂y·(dy + q N di)."""
    laws = rich()
    y, dphi, resistance, q = faces(laws)
    state = laws.solve(y, dphi, resistance, q, None)
    turned = q * (0.4 - 0.3j)
    rng = np.random.default_rng(3)
    ds, dy = rng.standard_normal(dphi.size), rng.standard_normal(y.shape) * (1.0 + 0.5j)
    di = laws.currents_answer(state, turned, ds, dy)
    surface = dy + turned * (di @ laws.made.T)
    rates = state.rates
    met = rates.di_ds * ds[:, None] + np.sum(rates.di_dy * surface[:, None, :], axis=2)
    np.testing.assert_allclose(met, di, rtol=1e-9, atol=1e-11 * np.abs(di).max())
    answer = laws.answer(state, turned)
    total = answer.conductance * ds + np.sum(answer.response * dy, axis=1)
    np.testing.assert_allclose(total, di.sum(axis=1), rtol=1e-9, atol=1e-11 * np.abs(di).max())
    species = [k for k, (_, _, store) in enumerate(laws.stores) if store.lattice is not None]
    left = answer.slope * ds[:, None] + np.sum(answer.coupling * dy[:, None, :], axis=2)
    consumed = -(di @ laws.made.T)
    np.testing.assert_allclose(left[:, species], consumed[:, species], rtol=1e-9, atol=1e-10 * np.abs(consumed).max())


def test_rounding_counts_volts_through_the_conductances():
    state = IODINE.solve(np.full((2, 7), 0.5), np.array([3.0, 3.7]), np.zeros(2), np.zeros((2, 7)), None)
    volts = np.abs(state.step)[:, None] + np.abs(state.rates.U)
    np.testing.assert_allclose(state.rounding, EPS * np.sum(state.rates.di_ds * volts, axis=1), rtol=1e-13)
    np.testing.assert_allclose(state.eta, state.step[:, None] - state.rates.U, rtol=1e-14)
