"""The compiled balance of faces against the laws in numpy: same rates, same solution, and as plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from builders import T
from small_networks import iodine_network

from catholyte.fv import network_kernels
from catholyte.physics.kinetics import ButlerVolmer, Linear, Tafel
from catholyte.physics.network import Branch, ChargeTransfer, Hysteresis, Lattice, Network, Stock
from catholyte.physics.network_face import LARGEST_SHARE, LARGEST_STEP, NetworkBalance
from catholyte.physics.network_laws import SMALLEST_FRACTION, STEEPEST

MOST_STEPS = 40


@pytest.fixture(params=["compiled", "plain"])
def balance(request, monkeypatch):
    """Return the kernel, as it runs or as the Python it was written in."""
    if request.param == "compiled":
        return network_kernels.network_balance
    for name in ("_rate", "_rates", "_eliminate"):
        function = getattr(network_kernels, name)
        monkeypatch.setattr(network_kernels, name, getattr(function, "py_func", function))
    return getattr(network_kernels.network_balance, "py_func", network_kernels.network_balance)


def every_law() -> NetworkBalance:
    """Return a network with every closed law, a reduction, interactions and vacancies."""
    solid = Stock(
        (Lattice("sites", 2e4, 1e-18, "full", ("A", "B", "C"), (("A", "B", 3000.0), ("B", "C", -1500.0))),),
        (Branch("first", 2e4, 1e-18),),
    )
    fluid = Stock((Lattice("supply", 1e4, 1e-18, "vacancies", ("X", "Y")),))
    reactions = (
        ChargeTransfer(
            "first", {(0, "A"): -1, (0, "B"): 1}, 1, 3.0, ButlerVolmer(0.4), 0.1, 0.4, hysteresis=Hysteresis(0.3, 0.05)
        ),
        ChargeTransfer("second", {(0, "B"): -1, (1, "X"): -1, (0, "C"): 1}, 1, 3.5, Linear(), 0.2),
        ChargeTransfer("third", {(1, "X"): -1, (1, "Y"): 1}, 2, 4.0, Tafel(0.5), 1e-3, direction="oxidation"),
        ChargeTransfer("fourth", {(1, "X"): 1, (1, "Y"): -1}, 1, 2.5, Tafel(0.3), 1e-3, 0.3, direction="reduction"),
    )
    return NetworkBalance(Network((solid, fluid), reactions, T))


def faces(laws: NetworkBalance, n: int, seed: int):
    rng = np.random.default_rng(seed)
    y = rng.dirichlet(np.ones(len(laws.stores)), n)
    return y, rng.uniform(2.8, 3.8, n), 10.0 ** rng.uniform(-9, -3, n), 10.0 ** rng.uniform(-6, -2, y.shape)


def solved(balance, laws, y, delta_phi, R, q, guess):
    i, met = guess.copy(), np.zeros(delta_phi.size, dtype=bool)
    y_s, s = np.empty_like(y), np.empty_like(delta_phi)
    di_ds, di_dy, U = np.empty_like(i), np.empty((*i.shape, y.shape[1])), np.empty_like(i)
    limits = SMALLEST_FRACTION, STEEPEST, LARGEST_STEP, LARGEST_SHARE, MOST_STEPS
    balance(i, met, y_s, s, di_ds, di_dy, U, y, delta_phi, R, q, *laws.closed_form, *limits)
    return i, met, y_s, s, di_ds, di_dy, U


@pytest.mark.parametrize("laws", [every_law(), NetworkBalance(iodine_network(hysteresis=Hysteresis(0.4, 0.1)))])
def test_it_solves_what_the_laws_solve(balance, laws):
    y, delta_phi, R, q = faces(laws, 60, 1)
    reference = laws.solve(y, delta_phi, R, q, None)
    i, met, y_s, s, di_ds, di_dy, U = solved(balance, laws, y, delta_phi, R, q, 0.9 * reference.currents)
    assert met.all()
    gross = np.abs(i) + laws.thermal * np.abs(reference.rates.di_ds)
    assert np.max(np.abs(i - reference.currents) / gross) < 1e-10
    np.testing.assert_allclose(s, reference.step, rtol=1e-12)
    np.testing.assert_allclose(y_s, reference.y_s, rtol=1e-7)
    np.testing.assert_allclose(U, reference.rates.U, atol=1e-7)
    np.testing.assert_allclose(di_ds, reference.rates.di_ds, rtol=1e-5)
    scale = np.abs(reference.rates.di_dy).max(axis=2, keepdims=True)
    np.testing.assert_allclose(di_dy / scale, reference.rates.di_dy / scale, atol=1e-5)


def test_a_guess_for_another_composition_is_given_up(balance):
    laws = every_law()
    y, delta_phi, R, q = faces(laws, 20, 2)
    reference = laws.solve(y, delta_phi, R, q, None)
    i, met, *_ = solved(balance, laws, y, delta_phi, R, q, 1e6 + 0.0 * reference.currents)
    gross = np.abs(i) + laws.thermal * np.abs(reference.rates.di_ds)
    assert np.max((np.abs(i - reference.currents) / gross)[met]) < 1e-10


def test_laws_beyond_numbers_have_no_closed_form():
    from catholyte.physics.kinetics import MarcusHushChidsey

    stock = Stock((Lattice("sites", 2e4, 1e-18, "full", ("A", "B")),))
    slow = ChargeTransfer("slow", {(0, "A"): -1, (0, "B"): 1}, 1, 3.0, MarcusHushChidsey(20.0), 0.1)
    assert NetworkBalance(Network((stock, Stock(())), (slow,), T)).closed_form is None
