"""The Newton matrix of a cathode with reaction networks against complex-step derivatives of its right-hand side.

A random image of iodine, an intercalation host and carbon among a catholyte: iodine reacts through a network with
hysteresis, the host by its one reaction, carbon through the reactions of the catholyte alone.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from builders import T, curved, host_phase
from small_networks import iodine_network

from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.parameters import CellParameters, Interface, Lumped, Phase
from catholyte.physics.double_layer import DoubleLayer
from catholyte.physics.kinetics import ButlerVolmer, SymmetricExchange
from catholyte.physics.network import Hysteresis, Network, Stock
from catholyte.solve.bdf import Past
from catholyte.solve.linear import DirectSolver, KrylovSolver

NAMES = ("catholyte", "iodine", "host", "carbon")
GAMMA, STEP = 0.37, 1e-30


def mixed_cathode(double_layers: bool) -> Cathode:
    rng = np.random.default_rng(7)
    labels = rng.choice(4, size=(4, 3, 3), p=[0.45, 0.3, 0.15, 0.1])
    labels[:, 0, 0], labels[:, 1, 1] = 0, 3
    image = np.concatenate([np.zeros((1, 3, 3), int), labels]).astype(np.uint8)
    graph = voxel_graph(image, (1e-9, 0.8e-9, 0.5e-9), NAMES, periodic=True)
    ionic = graph.phase == 0
    graph = graph.subset(graph.connected_to("counter", ionic) | graph.connected_to("collector", ~ionic))
    iodine = iodine_network(hysteresis=Hysteresis(0.4, 0.05), i00=0.3)
    own = tuple(each for each in iodine.reactions if each.name in ("indium", "chloride"))
    carbon = Network((Stock(()), iodine.stocks[1]), own, T)
    layer = {"double_layer": DoubleLayer(0.1)} if double_layers else {}
    phases = {
        "catholyte": Phase("electrolyte", 0.02, stock=iodine.stocks[1]),
        "iodine": Phase("active", 1.0, stock=iodine.stocks[0]),
        "host": host_phase(curved, sigma=0.5, D=1e-18),
        "carbon": Phase("conductor", 50.0),
    }
    bv = ButlerVolmer(0.4)
    interfaces = {
        frozenset(("iodine", "catholyte")): Interface(network=iodine, film_resistance=2e-3, **layer),
        frozenset(("carbon", "catholyte")): Interface(network=carbon, contact_resistance=1e-4),
        frozenset(("host", "catholyte")): Interface(bv, SymmetricExchange(0.7), film_resistance=1e-4, **layer),
        frozenset(("iodine", "carbon")): Interface(contact_resistance=1e-4),
    }
    return Cathode(graph, CellParameters(phases, interfaces, 3.6e-18, T, Lumped(2e-3, 1e-3, 30.0)))


@pytest.fixture(scope="module", params=["no double layers", "at rest", "in a time step"])
def point(request):
    """A random state, its evaluation, and ∂(rate)/∂u by complex step."""
    cathode = mixed_cathode(request.param != "no double layers")
    rng = np.random.default_rng(4)
    memory = 3.3 + 0.1 * rng.standard_normal(cathode.n_memory)
    past = Past(GAMMA, -GAMMA * memory) if request.param == "in a time step" else None
    u = np.empty(cathode.size)
    u[: cathode.n_phi] = 0.02 * rng.standard_normal(cathode.n_phi)
    u[cathode.n_phi : -1] = rng.uniform(0.2, 0.8, cathode.n_x)
    u[-1] = 3.3
    at = cathode.evaluate(u, None, past)
    derivative = np.empty((cathode.size - 1, cathode.size))
    for k in range(cathode.size):
        v = u.astype(complex)
        v[k] += 1j * STEP
        derivative[:, k] = cathode.evaluate(v, at, past).rate.imag / STEP
    return SimpleNamespace(cathode=cathode, u=u, past=past, at=at, derivative=derivative, rng=rng)


def test_the_state_is_rich(point):
    cathode = point.cathode
    assert {group.names[0] for group in cathode.networks} == {"iodine", "carbon"}
    assert [group.names[0] for group in cathode.single] == ["host"]
    assert all(np.all(np.diff(group.face) >= 0) or set(group.direction) == {1, -1} for group in cathode.networks)
    assert [store.name for store in cathode.stores] == [
        *("Cl-", "Cl0", "In3+", "In2+"),
        *("I-", "I0", "ICl", "branch iodide"),
        None,
    ]
    assert (cathode.n_charged > 0) == (point.cathode.reacting[0].interface.double_layer is not None)


@pytest.mark.parametrize("control", [CurrentControl(1e-18), VoltageControl(3.3)])
def test_matrix_is_the_derivative(point, control):
    cathode, n = point.cathode, point.cathode.n_phi
    matrix = cathode.system(point.at, GAMMA, control).matrix().toarray()
    expected = np.diag(GAMMA * cathode.mass)[:-1] - point.derivative
    blocks = {
        "phi phi": np.s_[:n, :n],
        "phi x": np.s_[:n, n:-1],
        "x phi": np.s_[n:, :n],
        "x x": np.s_[n:, n:-1],
        "phi V": np.s_[:n, -1],
        "x V": np.s_[n:, -1],
    }
    for name, block in blocks.items():
        size = np.abs(expected[block]).max()
        assert size > 0.0, name
        np.testing.assert_allclose(matrix[:-1][block], expected[block], rtol=1e-8, atol=1e-11 * size, err_msg=name)


def test_matrix_of_held_double_layers_is_the_derivative(point):
    cathode, n = point.cathode, point.cathode.n_phi
    past = Past.hold(3.3 + 0.1 * np.random.default_rng(6).standard_normal(cathode.n_memory))
    at = cathode.evaluate(point.u, None, past)
    matrix = cathode.system(at, 0.0, CurrentControl(1e-18), frozen=True).matrix().toarray()
    size = np.abs(matrix[:n, :n]).max()
    for k in [*range(n), cathode.size - 1]:
        v = point.u.astype(complex)
        v[k] += 1j * STEP
        expected = -cathode.evaluate(v, at, past).rate[:n].imag / STEP
        np.testing.assert_allclose(matrix[:n, k], expected, rtol=1e-8, atol=1e-11 * size)
    np.testing.assert_array_equal(matrix[n:-1], np.eye(cathode.size)[n:-1])


@pytest.mark.parametrize("frozen", [False, True])
def test_products_are_those_of_the_matrix(point, frozen):
    cathode, n = point.cathode, point.cathode.n_phi
    system = cathode.system(point.at, 0.0 if frozen else GAMMA, VoltageControl(3.3), frozen=frozen)
    matrix = system.matrix().toarray()
    v = point.rng.standard_normal(cathode.size)
    size = np.abs(matrix).max()
    np.testing.assert_allclose(system.product(v[:-1]), matrix[:-1, :-1] @ v[:-1], rtol=1e-9, atol=1e-12 * size)
    np.testing.assert_allclose(system.terminal_column, matrix[:-1, -1], rtol=1e-14)
    if frozen:
        return
    np.testing.assert_allclose(system.couple(v[n:-1]), matrix[:n, n:-1] @ v[n:-1], rtol=1e-9, atol=1e-12 * size)
    np.testing.assert_allclose(system.drive(v[:n]), matrix[n:-1, :n] @ v[:n], rtol=1e-9, atol=1e-12 * size)
    np.testing.assert_allclose(system.lithium_diagonal, np.diag(matrix)[n:-1], rtol=1e-12)


def test_krylov_finds_the_solution(point):
    system = point.cathode.system(point.at, GAMMA, CurrentControl(1e-18))
    rhs = np.append(point.at.rate, 0.0)
    found, exact = KrylovSolver().solve(system, rhs, 1e-10).x, DirectSolver().solve(system, rhs, 0.0).x
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-7 * np.abs(exact).max())


def test_alternating_matrix_of_slow_changes_is_the_derivative(point):
    """Half cells answer a slow frequency as in time, double layers with iωC beside the reactions."""
    cathode = point.cathode
    at = point.at if point.past is None else cathode.evaluate(point.u)
    omega = 1e-15
    system = cathode.alternating(at, omega)
    alternating = system.matrix().toarray()
    steady = cathode.system(at, 0.0, CurrentControl(1e-18)).matrix().toarray()
    size = np.abs(steady[:-1]).max(axis=1, keepdims=True)
    assert np.max(np.abs(alternating[:-1].real - steady[:-1]) / size) < 1e-6
    layered = [group for group in cathode.reacting if group.interface.double_layer is not None]
    v = np.zeros(cathode.size)
    v[: cathode.n_electron] = 1.0
    charged = sum(float(np.sum(alternating[group.electron] @ v).imag) for group in layered)
    assert (charged > 0.0) == bool(layered)
    product, exact = system.product(v[:-1].astype(complex)), alternating[:-1, :-1] @ v[:-1]
    np.testing.assert_allclose(product, exact, rtol=1e-8, atol=1e-12 * np.abs(alternating).max())


def test_alternating_matrix_meets_the_answer_of_the_faces(point):
    """At a frequency that half cells feel, every row of the stores is iωM less the flows of the linearised faces."""
    cathode, n = point.cathode, point.cathode.n_phi
    at = point.at if point.past is None else cathode.evaluate(point.u)
    omega = 1e3
    system = cathode.alternating(at, omega)
    matrix = system.matrix().toarray()
    rng = np.random.default_rng(5)
    v = rng.standard_normal(cathode.size) + 1j * rng.standard_normal(cathode.size)
    phi, x, V = cathode.split(v)
    group = cathode.networks[0]
    (solution,) = (s for g, s in zip(cathode.reacting, at.faces, strict=True) if g is group)
    layer = group.interface.double_layer
    Y = 0.0 if layer is None else layer.admittance(omega)
    delta, dy, q = V + phi[group.electron] - phi[group.ion], x[group.hosts], group.depletion_at(omega)
    # Δφ = s + R·(Y s + di), with di the answer of the reactions to s and to the cells.
    answer = group.laws.answer(solution.faradaic, q)
    ds = (delta - group.resistance(group.layers) * np.sum(answer.response * dy, axis=1)) / (
        1.0 + group.resistance(group.layers) * (Y + answer.conductance)
    )
    currents = group.laws.currents_answer(solution.faradaic, q, ds, dy)
    alone = replace(system, networks=tuple(b for b in system.networks if b.electron is not group.electron))
    flow = group.area * (currents.sum(axis=1) + Y * ds)
    expected = alone.product(v[:-1]) + alone.terminal_column * v[-1]
    np.add.at(expected, group.electron, flow)
    np.subtract.at(expected, group.ion, flow)
    made = group.laws.made
    species = [k for k, (_, _, store) in enumerate(group.laws.stores) if store.lattice is not None]
    for k in species:
        np.add.at(expected, n + group.hosts[:, k], -group.area * (currents @ made[k]))
    rows = np.ones(cathode.size - 1, bool)
    for k in set(range(group.hosts.shape[1])) - set(species):
        rows[n + group.hosts[:, k]] = False
    found = (matrix @ v)[:-1]
    np.testing.assert_allclose(found[rows], expected[rows], rtol=1e-7, atol=1e-10 * np.abs(found).max())


@pytest.mark.parametrize("lowest", [0.2, 1e-6, 1e-25])
def test_a_start_nearby_changes_nothing(point, lowest):
    """Faces solved from the currents of another state are those solved from nothing, with surfaces exhausted too."""
    cathode, rng = point.cathode, np.random.default_rng(12)
    u = point.u.copy()
    u[cathode.n_phi : -1] = np.exp(rng.uniform(np.log(lowest), np.log(0.8), cathode.n_x))
    for store in cathode.stores:
        if store.name is None:
            u[cathode.n_phi : -1][store.at] = 0.4
    for shift in (-0.6, -1e-3, 1e-9, 0.05, 0.6):
        v = u.copy()
        v[-1] += shift
        near, alone = (
            cathode.evaluate(v, cathode.evaluate(u, None, point.past), point.past),
            cathode.evaluate(v, None, point.past),
        )
        for one, other in zip(near.faces, alone.faces, strict=True):
            size = np.abs(other.i).max()
            np.testing.assert_allclose(one.i, other.i, rtol=1e-8, atol=1e-9 * size)
        size = np.abs(alone.rate[cathode.n_phi :]).max()
        np.testing.assert_allclose(near.rate[cathode.n_phi :], alone.rate[cathode.n_phi :], rtol=1e-7, atol=1e-9 * size)


def test_rates_conserve_elements_and_charge(point):
    cathode, at = point.cathode, point.at
    x_rate = at.rate[cathode.n_phi :]
    made = {store.name: float(x_rate[store.at].sum()) for store in cathode.stores}
    size = np.abs(x_rate).sum()
    for members in (("I-", "I0", "ICl"), ("Cl-", "Cl0", "ICl"), ("In2+", "In3+")):
        assert sum(made[name] for name in members) == pytest.approx(0.0, abs=1e-13 * size)
    faradaic = sum(float(g.area @ s.faradaic.i) for g, s in zip(cathode.reacting, at.faces, strict=True))
    released = made["I0"] + 2.0 * made["ICl"] + made["Cl0"] + made["In3+"] - made[None]
    assert released == pytest.approx(faradaic, abs=1e-12 * size)
