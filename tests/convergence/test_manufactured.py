"""Manufactured and exact solutions of the coupled system: order two in space, order k in time.

Space: a smooth φ_e, φ_i, x is chosen in the laminate electrolyte | active such that the face balance holds
exactly (``physics/interface.py``); what it leaves in the conservation laws is added as a source (Roache
2002, doi:10.1115/1.1436090). Its x is linear in time, which a formula of order two follows without error.

Time: (a) the same, periodic in time, with the source of the discrete system, so that only the error in time
is left; (b) without any source, a laminate with linear laws is a linear system of ordinary equations,
solved by its matrix exponential. Histories are filled with exact states, since every start from one state
is of first order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from builders import THERMAL, T, cell_parameters, host_phase, laminate_graph, observed_order, straight
from scipy.linalg import expm

from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.physics.constants import F
from catholyte.physics.kinetics import ButlerVolmer, ConstantExchange, SymmetricExchange
from catholyte.solve.bdf import History
from catholyte.solve.frames import Progress, Settings
from catholyte.solve.linear import DirectSolver
from catholyte.solve.newton import newton
from catholyte.solve.transient import Integrator

C_MAX, D, SIZE, AREA = 5e4, 1e-14, 1e-6, 1e-6
SIGMA_I, SIGMA_E, CONTACT = 1e-3, 2e-3, 1e-4
TIME = SIZE * SIZE / D
LAW, EXCHANGE = ButlerVolmer(0.4), SymmetricExchange(3.0)
#: current density at the interface in A/m², and the drops it makes over SIZE
CURRENT = -4.0
DROP_X = CURRENT * SIZE / (F * C_MAX * D)
DROP_I = CURRENT * SIZE / SIGMA_I
DROP_E = CURRENT * SIZE / SIGMA_E


def smooth_U(x, T):
    return 4.1 - 0.5 * x - 0.2 * x**2


@dataclass(frozen=True)
class Exact:
    """A smooth solution on s = z/SIZE, from 0 to 1 in either layer, at the interface 0 in the host.

    φ_i is zero at the counter electrode and has the slope of CURRENT at the interface, as have φ_e and x
    there; x is flat at the collector.
    """

    periodic: bool = False

    def swing(self, t):
        return 0.1 * np.sin(6.0 * t / TIME) if self.periodic else 0.1 * t / TIME

    def swing_rate(self, t):
        return 0.6 / TIME * np.cos(6.0 * t / TIME) if self.periodic else 0.1 / TIME

    def x(self, s, t):
        flux = DROP_X * np.sin(0.5 * np.pi * s) / (0.5 * np.pi)
        return 0.5 + 0.15 * np.cos(np.pi * s) + flux + self.swing(t) * np.cos(2.0 * np.pi * s)

    def x_rate(self, s, t):
        return self.swing_rate(t) * np.cos(2.0 * np.pi * s)

    def x_source(self, s, t):
        """F c_max (∂x/∂t − D ∂²x/∂z²) in A/m³."""
        bend = -0.15 * np.pi**2 * np.cos(np.pi * s) - DROP_X * 0.5 * np.pi * np.sin(0.5 * np.pi * s)
        bend = bend - self.swing(t) * 4.0 * np.pi**2 * np.cos(2.0 * np.pi * s)
        return F * C_MAX * (self.x_rate(s, t) - D * bend / SIZE**2)

    def phi_i(self, s):
        return 0.02 * np.sin(0.5 * np.pi * s) ** 2 + DROP_I * np.sin(s) / np.cos(1.0)

    def phi_i_source(self, s):
        bend = 0.01 * np.pi**2 * np.cos(np.pi * s) - DROP_I * np.sin(s) / np.cos(1.0)
        return -SIGMA_I * bend / SIZE**2

    def phi_e(self, s, t):
        surface = np.array([self.x(0.0, t)])
        eta = THERMAL * LAW.inverse(CURRENT / EXCHANGE(surface))[0]
        at_face = float((self.phi_i(1.0) + smooth_U(surface, T) + eta + CURRENT * CONTACT)[0])
        return at_face + 0.03 * (np.cos(np.pi * s) - 1.0) + DROP_E * np.sin(2.0 * s) / 2.0

    def phi_e_source(self, s):
        bend = -0.03 * np.pi**2 * np.cos(np.pi * s) - 2.0 * DROP_E * np.sin(2.0 * s)
        return -SIGMA_E * bend / SIZE**2


class Sourced:
    """The cathode with a source in every balance; ``source`` is set before every step."""

    def __init__(self, n: int) -> None:
        graph = laminate_graph([("electrolyte", n), ("active", n)], (SIZE / n, AREA**0.5, AREA**0.5))
        host = host_phase(smooth_U, c_max=C_MAX, D=D, sigma=SIGMA_E)
        cell = cell_parameters(
            host, sigma_i=SIGMA_I, rate=LAW, i0=EXCHANGE, cross_section=AREA, contact_resistance=CONTACT
        )
        self.cathode = Cathode(graph, cell)
        self.n_phi, self.size, self.mass = self.cathode.n_phi, self.cathode.size, self.cathode.mass
        self.bounds = self.cathode.bounds
        self.s = (np.arange(n) + 0.5) / n
        self.volume = AREA * SIZE / n
        self.source = np.zeros(self.size - 1)

    def evaluate(self, u, guess=None, past=None):
        at = self.cathode.evaluate(u, guess, past)
        return replace(at, rate=at.rate + self.source)

    def system(self, at, gamma, control, *, frozen=False):
        return self.cathode.system(at, gamma, control, frozen=frozen)

    def state(self, exact: Exact, t: float):
        voltage = float(exact.phi_e(1.0, t))
        parts = exact.phi_e(self.s, t) - voltage, exact.phi_i(self.s), exact.x(self.s, t)
        return np.concatenate([*parts, [voltage]])

    def continuous_source(self, exact: Exact, t: float):
        parts = exact.phi_e_source(self.s), exact.phi_i_source(self.s), exact.x_source(self.s, t)
        return self.volume * np.concatenate(parts)

    def discrete_source(self, exact: Exact, t: float):
        """The source that makes the exact values solve the discrete equations at all times."""
        rate = np.zeros(self.size - 1)
        rate[self.n_phi :] = exact.x_rate(self.s, t)
        return self.mass[:-1] * rate - self.cathode.evaluate(self.state(exact, t)).rate


def march(problem: Sourced, exact: Exact, source, control, *, order: int, steps: int, end: float):
    """Take equal steps to ``end`` from exact history; return the last evaluation."""
    h = end / steps
    times = [-(order - 1 - j) * h for j in range(order)]
    past = History.start(times[0], problem.state(exact, times[0]), 0.0, np.zeros(problem.size), np.zeros(1))
    for t in times[1:]:
        past = past.push(t, problem.state(exact, t), 0.0, order + 2, np.zeros(1))
    at = None
    for j in range(1, steps + 1):
        t = j * h
        problem.source = source(exact, t)
        formula = past.formula(t, order)
        at = newton(
            problem,
            past.states[0],
            control(t),
            DirectSolver(),
            scale=abs(CURRENT) * AREA,
            past=formula.past,
            beta=formula.state[problem.n_phi : -1],
            tolerance=1e-11,
            guess=at,
        ).evaluation
        past = past.push(t, at.u, 0.0, order + 2, np.zeros(1))
    return at


def test_the_exact_solution_is_inside_its_bounds():
    s, exact = np.linspace(0.0, 1.0, 50), Exact(periodic=True)
    for t in np.linspace(-TIME, TIME, 30):
        assert 0.05 < exact.x(s, t).min() < exact.x(s, t).max() < 0.95
    assert abs(DROP_X) > 0.05
    assert min(abs(DROP_I), abs(DROP_E)) > 1e-3


@pytest.mark.parametrize("mode", ["voltage", "current"])
def test_order_in_space(mode):
    exact, sizes = Exact(), [6, 12, 24, 48]
    end = 0.3 * TIME
    # −σ_i ∂φ_i/∂z at the counter electrode
    drawn = -SIGMA_I * AREA * DROP_I / np.cos(1.0) / SIZE
    errors = {"phi_e": [], "phi_i": [], "x": [], "terminal": []}
    for n in sizes:
        problem = Sourced(n)

        def control(t):
            return VoltageControl(float(exact.phi_e(1.0, t))) if mode == "voltage" else CurrentControl(drawn)

        at = march(problem, exact, problem.continuous_source, control, order=2, steps=12, end=end)
        miss = np.abs(at.u - problem.state(exact, end))
        errors["phi_e"].append(miss[:n].max())
        errors["phi_i"].append(miss[n : 2 * n].max())
        errors["x"].append(miss[2 * n : 3 * n].max())
        errors["terminal"].append(abs(at.current / drawn - 1.0) if mode == "voltage" else miss[-1])
    for name, values in errors.items():
        order = -observed_order(sizes[1:], values[1:])
        assert order > 1.9, f"{name}: errors {values}"
    assert errors["x"][-1] < 1e-3


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("mode", ["voltage", "current"])
def test_order_in_time(order, mode):
    exact, steps, end = Exact(periodic=True), [10, 20, 40], 0.5 * TIME
    problem = Sourced(6)
    drawn = problem.cathode.evaluate(problem.state(exact, 0.0)).current

    def control(t):
        return VoltageControl(float(exact.phi_e(1.0, t))) if mode == "voltage" else CurrentControl(drawn)

    errors = []
    for count in steps:
        at = march(problem, exact, problem.discrete_source, control, order=order, steps=count, end=end)
        errors.append(float(np.abs(at.u - problem.state(exact, end)).max()))
    assert order - 0.3 < -observed_order(steps, errors) < order + 0.7


class LinearCell:
    """A laminate with linear laws, and its exact solution x(t) = e^{At} x(0) + ∫ e^{As} b ds."""

    def __init__(self, control) -> None:
        n = 10
        graph = laminate_graph([("electrolyte", 2), ("active", n)], (SIZE / n, AREA**0.5, AREA**0.5))
        host = host_phase(straight(4.0, -0.5), c_max=C_MAX, D=D, sigma=SIGMA_E)
        cell = cell_parameters(host, sigma_i=SIGMA_I, i0=ConstantExchange(2.0), cross_section=AREA)
        self.problem, self.control = Cathode(graph, cell), control
        middle, step = np.full(n, 0.5), 0.25
        rate = self.rate(middle)
        A = np.array([self.rate(middle + step * e) - rate for e in np.eye(n)]).T / step
        self.generator = np.zeros((n + 1, n + 1))
        self.generator[:n, :n] = A
        self.generator[:n, n] = rate - A @ middle
        self.first = 0.3 + 0.1 * np.cos(np.pi * (np.arange(n) + 0.5) / n)

    def evaluation(self, x):
        """Return the cell at x with the potentials that belong to it."""
        u = np.zeros(self.problem.size)
        u[self.problem.n_phi : -1] = x
        u[-1] = 3.8
        return newton(
            self.problem, u, self.control, DirectSolver(), scale=1e-6, frozen=True, tolerance=1e-11
        ).evaluation

    def rate(self, x):
        n = self.problem.n_phi
        return self.evaluation(x).rate[n:] / self.problem.mass[n:-1]

    def x(self, t):
        return (expm(t * self.generator) @ np.append(self.first, 1.0))[:-1]


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("control", [VoltageControl(3.7), CurrentControl(3e-6)])
def test_order_of_fixed_steps_without_sources(order, control):
    cell = LinearCell(control)
    problem, n = cell.problem, cell.problem.n_phi
    start, length = 0.2 * TIME, 0.2 * TIME
    errors, steps = [], [5, 10, 20]
    for count in steps:
        h = length / count
        states = [cell.evaluation(cell.x(start - j * h)).u for j in reversed(range(order))]
        charges = [float(np.dot(problem.capacity, u[n:-1] - cell.first)) for u in states]
        past = History.start(start - (order - 1) * h, states[0], charges[0], np.zeros(problem.size), np.zeros(1))
        for j in range(1, order):
            past = past.push(start - (order - 1 - j) * h, states[j], charges[j], order + 2, np.zeros(1))
        settings = Settings(fixed_step=h, order=order, balance=1e-12)
        integrator = Integrator(problem, DirectSolver(), 1e-6, settings)
        progress = Progress(past, order, h, 0)
        *_, (frame, _) = integrator.integrate(progress, control, [], end=start + length)
        assert frame.order == order
        assert frame.t == pytest.approx(start + length, rel=1e-12)
        x = frame.evaluation.u[n:-1]
        assert frame.charge == pytest.approx(float(np.dot(problem.capacity, x - cell.first)), rel=1e-9)
        errors.append(float(np.abs(x - cell.x(start + length)).max()))
    assert order - 0.2 < -observed_order(steps, errors) < order + 0.8
