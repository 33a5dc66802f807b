"""The Newton matrix γM − ∂F/∂u of the cathode against complex-step derivatives of F, block by block.

An active phase with Fick diffusion and two mixed conductors whose conductivities follow the lithiation, one of them in
grains, two electrolytes (separator and composite), carbon and a collector layer, contact and film resistances, layers
that grow, lumped elements, in a random image. The border is that of
the control.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from builders import T, curved, host_phase

from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.parameters import CellParameters, Interface, Layer, Lumped, Phase
from catholyte.physics.double_layer import DoubleLayer
from catholyte.physics.kinetics import ButlerVolmer, ConstantExchange, Linear, SymmetricExchange
from catholyte.physics.transport import MixedConduction, Uniform
from catholyte.solve.bdf import Past

NAMES = ("separator", "electrolyte", "active", "dual", "carbon", "collector layer", "void", "other")
GAMMA = 0.37


def pair(a: str, b: str, interface: Interface):
    return frozenset((a, b)), interface


def shifted(x, T):
    return curved(x, T) - 0.3


def other(x, T):
    return 4.0 - 0.9 * x - 0.2 * x * x


def falling_with_x(x, T):
    return 5.0 * np.exp(-1.5 * x)


def rising_with_x(x, T):
    return 1e-3 * np.exp(2.0 * x)


def random_cathode() -> Cathode:
    rng = np.random.default_rng(11)
    labels = rng.choice([1, 2, 3, 4, 6, 7], size=(5, 4, 4), p=[0.35, 0.2, 0.2, 0.1, 0.05, 0.1])
    labels[:, 0, 0], labels[:, 1, 1] = 1, 2
    image = np.concatenate([np.zeros((1, 4, 4), int), labels, np.full((1, 4, 4), 5)]).astype(np.uint8)
    graph = voxel_graph(image, (1e-6, 0.8e-6, 0.5e-6), NAMES, periodic=True)
    ionic = graph.phase <= 1
    graph = replace(graph, grain=rng.integers(1, 4, graph.n_cells, dtype=np.int32))
    graph = graph.subset(graph.connected_to("counter", ionic) | graph.connected_to("collector", ~ionic))
    phases = {
        "separator": Phase("electrolyte", 0.3),
        "electrolyte": Phase("electrolyte", 0.02),
        "active": host_phase(curved, sigma=0.5, D=2e-14),
        "dual": host_phase(
            shifted, c_max=3e4, sigma=5.0, transport=MixedConduction(falling_with_x, rising_with_x, shifted)
        ),
        "other": host_phase(other, c_max=2e4, sigma=2.0, transport=MixedConduction(Uniform(2.0), Uniform(0.7), other)),
        "carbon": Phase("conductor", 50.0),
        "collector layer": Phase("conductor", 3e3),
    }
    bv, i0 = ButlerVolmer(0.4), SymmetricExchange(0.7)
    interfaces = dict(
        [
            pair(
                "active",
                "electrolyte",
                Interface(bv, i0, contact_resistance=1e-4, film_resistance=2e-3, double_layer=DoubleLayer(0.2)),
            ),
            pair("active", "separator", Interface(bv, i0)),
            pair(
                "dual",
                "electrolyte",
                Interface(
                    Linear(),
                    SymmetricExchange(3.0),
                    film_resistance=1e-4,
                    double_layer=DoubleLayer(3.0),
                    layers=(Layer("space charge", 2e-3), Layer("interphase", 1e-3, growth=1e-7)),
                ),
            ),
            pair("dual", "dual", Interface(contact_resistance=2e-6, ionic_resistance=1e-3)),
            pair("dual", "other", Interface(contact_resistance=2e-5, ionic_resistance=1e-4)),
            pair("other", "separator", Interface(Linear(), ConstantExchange(np.inf))),
            pair("other", "electrolyte", Interface(Linear(), ConstantExchange(np.inf))),
            pair("active", "carbon", Interface(contact_resistance=3e-5)),
            pair("separator", "electrolyte", Interface(contact_resistance=1e-4)),
            pair("collector layer", "collector", Interface(contact_resistance=1e-4)),
            pair("active", "dual", Interface(contact_resistance=1e-3)),
        ]
    )
    lumped = Lumped(series_resistance=2e-3, counter_resistance=1e-3, counter_exchange=30.0)
    return Cathode(graph, CellParameters(phases, interfaces, 6.4e-12, T, lumped))


@pytest.fixture(scope="module", params=["at rest", "in a time step"])
def point(request):
    """A random state, its evaluation, and ∂(rate)/∂u by complex step; the double layers are at rest, or charge."""
    cathode = random_cathode()
    memory = 3.7 + 0.1 * np.random.default_rng(5).standard_normal(cathode.n_memory)
    past = Past(GAMMA, -GAMMA * memory) if request.param == "in a time step" else None
    rng = np.random.default_rng(4)
    u = np.empty(cathode.size)
    u[: cathode.n_phi] = 0.02 * rng.standard_normal(cathode.n_phi)
    u[cathode.n_phi : -1] = rng.uniform(0.2, 0.8, cathode.n_x)
    u[-1] = 3.7
    h = 1e-30
    derivative = np.empty((cathode.size - 1, cathode.size))
    current = np.empty(cathode.size)
    for k in range(cathode.size):
        v = u.astype(complex)
        v[k] += 1j * h
        phi, _, _ = cathode.split(v)
        derivative[:, k] = cathode.evaluate(v, None, past).rate.imag / h
        current[k] = -np.sum(cathode.counter.conductance * phi[cathode.counter.unknown]).imag / h
    return SimpleNamespace(
        cathode=cathode,
        u=u,
        past=past,
        at=cathode.evaluate(u, None, past),
        derivative=derivative,
        current=current,
        rng=rng,
    )


def test_the_state_is_rich(point):
    cathode = point.cathode
    assert {names for group in cathode.reacting for names in [group.names]} >= {
        ("active", "electrolyte"),
        ("dual", "electrolyte"),
        ("other", "electrolyte"),
    }
    assert len(cathode.hosts) == 3
    assert cathode.mixed is not None
    assert np.count_nonzero(cathode.mixed.contact) > 5
    assert not cathode.mixed.at.inner.all() or cathode.collector.unknown.size
    assert np.count_nonzero(cathode.lithium.conductance) > 5
    assert point.at.current != 0.0


@pytest.mark.parametrize("control", [CurrentControl(1e-9), VoltageControl(3.6)])
def test_matrix_is_the_derivative(point, control):
    cathode, n, m = point.cathode, point.cathode.n_phi, point.cathode.n_x
    matrix = cathode.system(point.at, GAMMA, control).matrix().toarray()
    expected = np.diag(GAMMA * cathode.mass)[:-1] - point.derivative
    blocks = {
        "phi phi": np.s_[:n, :n],
        "phi x": np.s_[:n, n : n + m],
        "x phi": np.s_[n : n + m, :n],
        "x x": np.s_[n : n + m, n : n + m],
        "phi V": np.s_[:n, -1],
        "x V": np.s_[n : n + m, -1],
    }
    for name, block in blocks.items():
        size = np.abs(expected[block]).max()
        assert size > 0.0, name
        np.testing.assert_allclose(matrix[:-1][block], expected[block], rtol=1e-9, atol=1e-12 * size, err_msg=name)
    drop = point.at.drop.slope
    _, d_I, d_V = control.equation(point.at.current, point.at.voltage)
    row = (d_I - d_V * drop) * point.current
    row[-1] += d_V
    np.testing.assert_allclose(matrix[-1], row, rtol=1e-12, atol=1e-14 * np.abs(row).max())


def test_matrix_of_held_double_layers_is_the_derivative(point):
    """In an instant only potentials change; the faces answer with their resistances."""
    cathode, n = point.cathode, point.cathode.n_phi
    past = Past.hold(3.7 + 0.1 * np.random.default_rng(6).standard_normal(cathode.n_memory))
    at = cathode.evaluate(point.u, None, past)
    matrix = cathode.system(at, 0.0, CurrentControl(1e-9), frozen=True).matrix().toarray()
    for k in [*range(n), cathode.size - 1]:
        v = point.u.astype(complex)
        v[k] += 1e-30j
        expected = -cathode.evaluate(v, None, past).rate[:n].imag / 1e-30
        np.testing.assert_allclose(matrix[:n, k], expected, rtol=1e-9, atol=1e-12 * np.abs(matrix[:n, :n]).max())


@pytest.mark.parametrize("control", [CurrentControl(1e-9), VoltageControl(3.6)])
def test_terminal_row_is_the_derivative_of_the_control(point, control):
    cathode = point.cathode
    direction = point.rng.standard_normal(cathode.size)
    direction[cathode.n_phi : -1] = 0.0
    h = 1e-5

    def left(u):
        at = cathode.evaluate(u, None, point.past)
        return control.equation(at.current, at.voltage)[0]

    change = (left(point.u + h * direction) - left(point.u - h * direction)) / (2.0 * h)
    matrix = cathode.system(point.at, GAMMA, control).matrix().toarray()
    assert matrix[-1] @ direction == pytest.approx(change, rel=1e-6)


def test_complex_step_reaches_the_terminal_voltage(point):
    cathode = point.cathode
    v = point.u.astype(complex)
    v[cathode.counter.unknown[0]] += 1e-30j
    slope = cathode.evaluate(v, None, point.past).voltage.imag / 1e-30
    drop = point.at.drop.slope
    assert slope == pytest.approx(-drop * point.current[cathode.counter.unknown[0]], rel=1e-12)


def test_product_and_border_are_the_matrix(point):
    system = point.cathode.system(point.at, GAMMA, VoltageControl(3.6))
    matrix = system.matrix().toarray()
    v = point.rng.standard_normal(point.cathode.size)
    size = np.abs(matrix).max()
    np.testing.assert_allclose(system.product(v[:-1]), matrix[:-1, :-1] @ v[:-1], rtol=1e-10, atol=1e-12 * size)
    np.testing.assert_array_equal(system.terminal_column, matrix[:-1, -1])
    np.testing.assert_allclose(system.lithium_diagonal, np.diag(matrix)[point.cathode.n_phi : -1], rtol=1e-12)


def test_frozen_lithium(point):
    cathode, n = point.cathode, point.cathode.n_phi
    system = cathode.system(point.at, 0.0, CurrentControl(1e-9), frozen=True)
    matrix = system.matrix().toarray()
    expected = -point.derivative[:n]
    np.testing.assert_allclose(matrix[:n, :n], expected[:, :n], rtol=1e-9, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_array_equal(matrix[n:-1], np.eye(cathode.size)[n:-1])
    np.testing.assert_array_equal(matrix[:n, n:-1], 0.0)
    v = point.rng.standard_normal(cathode.size - 1)
    np.testing.assert_allclose(system.product(v), matrix[:-1, :-1] @ v, rtol=1e-10, atol=1e-12 * np.abs(matrix).max())


def test_rates_conserve_charge(point):
    """Electron and ion rates sum to what the terminals take, lithium to what the faces take."""
    cathode, at = point.cathode, point.at
    n, n_e = cathode.n_phi, cathode.n_electron
    phi, _, _ = cathode.split(point.u)
    reaction = sum(float(np.sum(g.area * s.i)) for g, s in zip(cathode.reacting, at.faces, strict=True))
    to_collector = float(np.sum(cathode.collector.conductance * phi[cathode.collector.unknown]))
    size = np.abs(at.rate).sum()
    assert at.rate[:n_e].sum() == pytest.approx(-reaction - to_collector, abs=1e-12 * size)
    assert at.rate[n_e:n].sum() == pytest.approx(reaction + at.current, abs=1e-12 * size)
    faradaic = sum(float(np.sum(g.area * s.faradaic.i)) for g, s in zip(cathode.reacting, at.faces, strict=True))
    assert at.rate[n:].sum() == pytest.approx(-faradaic, abs=1e-12 * size)
    assert (faradaic != reaction) == (point.past is not None)


def test_reduced_blocks_are_symmetric_positive(point):
    system = point.cathode.system(point.at, GAMMA, CurrentControl(0.0))
    for block in (system.reduced_matrix, system.reduced_lithium()):
        dense = block.matrix().toarray()
        np.testing.assert_allclose(dense, dense.T, rtol=1e-13)
        assert np.linalg.eigvalsh(dense / np.abs(dense).max()).min() > 0.0


def test_slope_of_the_lumped_elements():
    lumped = Lumped(2e-3, 1e-3, 30.0)
    for i in (-500.0, -1.0, 0.0, 20.0, 3e3):
        h = 1e-4 * max(1.0, abs(i))
        rise = sum(lumped.drop(i + h, T)[:2]) - sum(lumped.drop(i - h, T)[:2])
        assert lumped.drop(i, T)[2] == pytest.approx(rise / (2.0 * h), rel=1e-6)
    assert Lumped().drop(7.0, T) == (0.0, 0.0, 0.0)
