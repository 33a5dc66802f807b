"""Double layers and lumped elements in time, against exponentials and exact step responses."""

from itertools import pairwise

import numpy as np
import pytest
from builders import T, cell_parameters, host_phase, laminate_graph, observed_order, straight
from scipy.integrate import quad

from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, PowerControl, ResistanceControl
from catholyte.models.parameters import Lumped
from catholyte.physics.constants import F, R
from catholyte.physics.double_layer import DoubleLayer
from catholyte.physics.elements import FiniteLengthWarburg, ParallelRC, Zarc
from catholyte.physics.kinetics import ConstantExchange, Linear
from catholyte.solve.frames import Settings
from catholyte.solve.linear import DirectSolver
from catholyte.solve.transient import Integrator

I0, C, FILM = 2.0, 5.0, 4e-3
R_CT = R * T / F / I0
STORE = 5e7  # mol/m³: so much lithium that its potential hardly moves


def layer(*, c_max: float = STORE, capacitance: float | None = C, lumped: Lumped | None = None) -> Cathode:
    """A cell of active material with fast diffusion behind a film; 1 m² of cell, linear kinetics."""
    graph = laminate_graph([("electrolyte", 1), ("active", 1)], (1e-6, 1.0, 1.0))
    host = host_phase(straight(), c_max=c_max, D=1.0, sigma=1e6)
    double_layer = None if capacitance is None else DoubleLayer(capacitance)
    cell = cell_parameters(
        host,
        sigma_i=1e6,
        rate=Linear(),
        i0=ConstantExchange(I0),
        film_resistance=FILM,
        double_layer=double_layer,
        lumped=lumped,
    )
    return Cathode(graph, cell)


def frames(problem, control, end, *, current=0.0, **settings):
    """Return the frames from rest at x = ½, and the voltage there."""
    u = np.zeros(problem.size)
    u[problem.n_phi : -1] = 0.5
    u[-1] = 3.5
    integrator = Integrator(problem, DirectSolver(), 1e-3, Settings(balance=1e-12, **settings))
    rest = integrator.consistent(u, CurrentControl(0.0), current=0.0).evaluation
    first, progress = integrator.begin(0.0, rest.u, control, 0.0, current, problem.resting_memory(rest))
    stream = integrator.integrate(progress, control, [], end=end, last=first.evaluation)
    return [first, *(frame for frame, _ in stream)], float(rest.voltage)


def series(run, voltage):
    return np.array([f.t for f in run]), voltage - np.array([f.evaluation.voltage for f in run])


# ------------------------------------------------------------------ double layer


def test_a_step_of_the_current_charges_the_double_layer():
    """η(t) = i·(R_film + R_ct·(1 − exp(−t/(R_ct C)))): the film answers at once."""
    i, tau = 0.5, R_CT * C
    run, voltage = frames(
        layer(), CurrentControl(i), 8.0 * tau, current=i, x_tolerance=1e-6, voltage_tolerance=1e-6, order=5
    )
    t, drop = series(run, voltage)
    np.testing.assert_allclose(drop, i * (FILM + R_CT * (1.0 - np.exp(-t / tau))), atol=5e-6)
    assert drop[0] == pytest.approx(i * FILM, rel=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_order_of_the_memory(order):
    """Fixed steps from exact history would hide the start; from rest the first steps are of lower order."""
    i, tau, errors, steps = 0.5, R_CT * C, [], [40, 80, 160]
    for n in steps:
        run, voltage = frames(layer(), CurrentControl(i), tau, current=i, fixed_step=tau / n, order=order)
        exact = i * (FILM + R_CT * (1.0 - np.exp(-1.0)))
        errors.append(abs(series(run, voltage)[1][-1] - exact))
    # One step of first order and one of second begin every run: their local errors are of order two and three.
    assert -observed_order(steps, errors) > min(order, 2) - 0.2


def test_charge_of_the_double_layer_is_what_lithium_does_not_take():
    problem = layer(c_max=5e4)
    run, _ = frames(problem, CurrentControl(0.5), R_CT * C, current=0.5)
    first, last = run[0].evaluation, run[-1].evaluation
    lithium = problem.capacity @ (last.u[problem.n_phi : -1] - first.u[problem.n_phi : -1])
    held = -C * (last.memory[0] - first.memory[0])
    assert held > 0.1 * run[-1].charge
    assert lithium + held == pytest.approx(run[-1].charge, rel=1e-10)


def test_a_relaxing_double_layer_drives_the_reaction():
    """The circuit opens after a charge: s decays with R_ct·C, and lithium takes what the double layer gives."""
    problem, i, tau = layer(), 0.5, R_CT * C
    u = np.zeros(problem.size)
    u[problem.n_phi : -1], u[-1] = 0.5, 3.5
    integrator = Integrator(problem, DirectSolver(), 1e-3, Settings(x_tolerance=1e-6, voltage_tolerance=1e-6))
    rest = integrator.consistent(u, CurrentControl(0.0), current=0.0).evaluation
    memory = problem.resting_memory(rest)
    memory[0] -= i * R_CT
    open_circuit = CurrentControl(0.0)
    first, progress = integrator.begin(0.0, rest.u, open_circuit, 0.0, 0.0, memory)
    run = [
        first,
        *(f for f, _ in integrator.integrate(progress, open_circuit, [], end=3.0 * tau, last=first.evaluation)),
    ]
    t, drop = series(run, float(rest.voltage))
    np.testing.assert_allclose(drop, i * R_CT * np.exp(-t / tau), atol=5e-6)
    taken = problem.capacity @ (run[-1].evaluation.u[problem.n_phi : -1] - 0.5)
    assert taken == pytest.approx(C * i * R_CT * (1.0 - np.exp(-t[-1] / tau)), rel=1e-3)


# ------------------------------------------------------------------ lumped elements


def response(element, t):
    """Return the step response of an element in Ω m² from its impedance, by the cosine transform of its real part."""

    def integrand(log_omega):
        omega = np.exp(log_omega)
        return element.impedance(np.array([omega]))[0].real * np.sin(omega * t)

    edges = np.linspace(np.log(1e-6 / t), np.log(3e3 / t), 400)
    return 2.0 / np.pi * sum(quad(integrand, a, b, limit=200)[0] for a, b in pairwise(edges))


@pytest.mark.parametrize(
    "element",
    [ParallelRC(5e-3, 20.0), Zarc(5e-3, 0.1, 0.8), FiniteLengthWarburg(5e-3, 1.0)],
    ids=lambda e: type(e).__name__,
)
def test_elements_answer_a_step_of_the_current(element):
    i = 0.5
    problem = layer(capacitance=None, lumped=Lumped(elements=(element,)))
    run, voltage = frames(problem, CurrentControl(i), 2.0, current=i, voltage_tolerance=1e-6, x_tolerance=1e-6)
    t, drop = series(run, voltage)
    for k in np.searchsorted(t, [3e-3, 3e-2, 0.3, 2.0]):
        k = min(k, t.size - 1)
        # What lies in series (film, charge transfer) answers at once; a chain is held to 1e-3 of R.
        assert drop[k] / i - FILM - R_CT == pytest.approx(response(element, t[k]), abs=3e-3 * 5e-3)


# ------------------------------------------------------------------ controls


def test_a_resistor_empties_a_store_exponentially():
    """U falls by 1 V per F·c_max·v of charge: a capacitor of that charge per volt, with the film behind it."""
    load, c_max = 2.0, 5e6
    problem = layer(c_max=c_max, capacitance=None)
    control = ResistanceControl(load, 3.0)
    capacity = float(problem.capacity.sum())
    tau = (load + FILM + R_CT) * capacity
    run, _ = frames(problem, control, 0.5 * tau, current=0.25, x_tolerance=1e-9, current_tolerance=1e-8, order=5)
    t = np.array([f.t for f in run])
    i = np.array([f.evaluation.current for f in run])
    np.testing.assert_allclose(i, 0.5 / (load + FILM + R_CT) * np.exp(-t / tau), rtol=1e-6)
    np.testing.assert_allclose([(f.evaluation.voltage - 3.0) / f.evaluation.current for f in run], load, rtol=1e-9)


def test_power_is_constant():
    problem = layer(c_max=5e6, capacitance=None)
    run, _ = frames(problem, PowerControl(0.3, 2.0), 2e5, current=0.2)
    power = [(f.evaluation.voltage - 2.0) * f.evaluation.current for f in run]
    np.testing.assert_allclose(power, 0.3, rtol=1e-9)
    assert run[-1].evaluation.current > 1.05 * run[0].evaluation.current
