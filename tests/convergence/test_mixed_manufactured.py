"""A manufactured solution of the coupled mixed conductor: σ_e(x), σ_i(x) and U(x) all bend, x changes in time.

A smooth φ_i of the electrolyte, ψ (ions) and x of the mixed conductor are chosen such that the balance of the interface
holds, electrons stop there, and ions stop at the collector; φ = ψ + U(x). What they leave of the conservation laws is
added as a source (Roache 2002, doi:10.1115/1.1436090). x is linear in time, which a formula of order two follows
without error. The same fields on voxels and on skewed tetrahedra.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from builders import THERMAL, T, cell_parameters, host_phase, laminate_graph, observed_order
from element_meshes import box

from catholyte.mesh.nodes import node_graph
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.physics.constants import F
from catholyte.physics.kinetics import ButlerVolmer, ConstantExchange, SymmetricExchange
from catholyte.physics.transport import MixedConduction
from catholyte.solve.bdf import History
from catholyte.solve.linear import DirectSolver
from catholyte.solve.newton import newton

C_MAX, SIZE, SIGMA, CONTACT = 3e4, 1e-6, 1e-3, 1e-4
#: site fraction and current density in A/m² at the interface
X_FACE, CURRENT = 0.6, -40.0
LAW = ButlerVolmer(0.4)


def U(x, T):
    return 4.1 - 0.5 * x - 0.2 * x**2


def slope_of_U(x):
    return -0.5 - 0.4 * x


def sigma_e(x, T):
    return 2e-3 * np.exp(-1.5 * x)


def sigma_i(x, T):
    return 5e-4 * (0.3 + x**2)


#: a time in which lithium moves through the layer, s
TIME = SIZE**2 * F * C_MAX / (sigma_i(0.5, T) * 0.7)
DROP = CURRENT * SIZE / SIGMA
DROP_ION = CURRENT * SIZE / sigma_i(X_FACE, T)


@dataclass(frozen=True)
class Exact:
    """The fields over s, the depth in units of SIZE: from −1 to 0 the electrolyte, from 0 to 1 the mixed conductor.

    Slopes and fluxes take complex s.
    """

    i0: object

    def phi_i(self, s):
        r = 1.0 + s
        return 0.02 * np.sin(0.5 * np.pi * r) ** 2 + DROP * np.sin(r) / np.cos(1.0)

    def phi_i_slope(self, s):
        r = 1.0 + s
        return 0.01 * np.pi * np.sin(np.pi * r) + DROP * np.cos(r) / np.cos(1.0)

    def x(self, s, t):
        bend = -DROP_ION / slope_of_U(X_FACE) * np.sin(0.5 * np.pi * s) / (0.5 * np.pi)
        return X_FACE + bend + 0.1 * (np.cos(np.pi * s) - 1.0) + 0.1 * t / TIME * (np.cos(2.0 * np.pi * s) - 1.0)

    def x_slope(self, s, t):
        bend = -DROP_ION / slope_of_U(X_FACE) * np.cos(0.5 * np.pi * s) - 0.1 * np.pi * np.sin(np.pi * s)
        return bend - 0.2 * np.pi * t / TIME * np.sin(2.0 * np.pi * s)

    def x_rate(self, s):
        return 0.1 / TIME * (np.cos(2.0 * np.pi * s) - 1.0)

    def psi(self, s):
        eta = THERMAL * LAW.inverse(CURRENT / self.i0(np.array([X_FACE])))[0][0]
        at_face = self.phi_i(0.0) + eta + CURRENT * CONTACT
        return at_face + DROP_ION * np.sin(0.5 * np.pi * s) / (0.5 * np.pi) + 0.03 * (1.0 - np.cos(2.0 * np.pi * s))

    def psi_slope(self, s):
        return DROP_ION * np.cos(0.5 * np.pi * s) + 0.06 * np.pi * np.sin(2.0 * np.pi * s)

    def phi(self, s, t):
        return self.psi(s) + U(self.x(s, t), T)

    def ions(self, s, t):
        """Current density of ions in the mixed conductor."""
        return -sigma_i(self.x(s, t), T) * self.psi_slope(s) / SIZE

    def electrons(self, s, t):
        x = self.x(s, t)
        return -sigma_e(x, T) * (self.psi_slope(s) + slope_of_U(x) * self.x_slope(s, t)) / SIZE

    def ions_below(self, s, t):
        return -SIGMA * self.phi_i_slope(s) / SIZE


def divergence(flux, s, t):
    """Return d(flux)/dz by complex step."""
    return np.imag(flux(s + 1e-30j, t)) / 1e-30 / SIZE


class Sourced:
    """The cathode with a source in every balance; ``source`` is set before every step."""

    def __init__(self, graph, depth, i0, area) -> None:
        law = MixedConduction(sigma_e, sigma_i, U)
        host = host_phase(U, c_max=C_MAX, sigma=float(sigma_e(0.5, T)), transport=law)
        cell = cell_parameters(host, sigma_i=SIGMA, rate=LAW, i0=i0, cross_section=area, contact_resistance=CONTACT)
        self.cathode, self.exact, self.area = Cathode(graph, cell), Exact(i0), area
        self.n_phi, self.size, self.mass = self.cathode.n_phi, self.cathode.size, self.cathode.mass
        self.bounds = self.cathode.bounds
        self.mixed, self.below = self.cathode.electron_cells, self.cathode.ion_cells
        assert np.array_equal(self.cathode.store_cells, self.mixed)
        self.s, self.volume = depth, graph.volume
        self.source = np.zeros(self.size - 1)

    def evaluate(self, u, guess=None, past=None):
        at = self.cathode.evaluate(u, guess, past)
        return replace(at, rate=at.rate + self.source)

    def system(self, at, gamma, control, *, frozen=False):
        return self.cathode.system(at, gamma, control, frozen=frozen)

    def state(self, t):
        V, s = float(self.exact.phi(1.0, t)), self.s[self.mixed]
        parts = self.exact.phi(s, t) - V, self.exact.phi_i(self.s[self.below]), self.exact.x(s, t)
        return np.concatenate([*parts, [V]])

    def sources(self, t):
        s, exact = self.s[self.mixed], self.exact
        ions = divergence(exact.ions, s, t)
        charge = self.volume[self.mixed] * (ions + divergence(exact.electrons, s, t))
        lithium = self.volume[self.mixed] * (F * C_MAX * exact.x_rate(s) + ions)
        below = self.volume[self.below] * divergence(exact.ions_below, self.s[self.below], t)
        return np.concatenate([charge, below, lithium])

    def march(self, control, end, steps):
        """Take equal steps of order two from exact history to ``end``; return the last evaluation."""
        h = end / steps
        past = History.start(-h, self.state(-h), 0.0, np.zeros(self.size), np.zeros(1))
        past = past.push(0.0, self.state(0.0), 0.0, 4, np.zeros(1))
        at = None
        for j in range(1, steps + 1):
            t = j * h
            self.source = self.sources(t)
            formula = past.formula(t, 2)
            at = newton(
                self,
                past.states[0],
                control(t),
                DirectSolver(),
                scale=abs(CURRENT) * self.area,
                past=formula.past,
                beta=formula.state[self.n_phi : -1],
                tolerance=1e-10,
                guess=at,
            ).evaluation
            past = past.push(t, at.u, 0.0, 4, np.zeros(1))
        return at

    def errors(self, mode, steps=8, end=0.3 * TIME):
        """Return the errors of φ, φ_i and x in the mean square of the volume, and of the terminal."""
        drawn = float(self.exact.ions_below(-1.0, 0.0)) * self.area

        def control(t):
            return VoltageControl(float(self.exact.phi(1.0, t))) if mode == "voltage" else CurrentControl(drawn)

        at = self.march(control, end, steps)
        miss, n, e = at.u - self.state(end), self.n_phi, self.mixed.size
        parts = {"phi": (miss[:e], self.mixed), "phi_i": (miss[e:n], self.below), "x": (miss[n:-1], self.mixed)}
        found = {
            name: float(np.sqrt(self.volume[cells] @ part**2 / self.volume[cells].sum()))
            for name, (part, cells) in parts.items()
        }
        return found | {"terminal": abs(at.current / drawn - 1.0) if mode == "voltage" else abs(miss[-1])}


def on_voxels(n, i0):
    graph = laminate_graph([("electrolyte", n), ("active", n)], (SIZE / n, SIZE, SIZE))
    depth = (np.arange(2 * n) + 0.5) / n - 1.0
    return Sourced(graph, depth, i0, SIZE**2)


def on_tetrahedra(n, i0, seed=1):
    across, m = 0.5 * SIZE, n // 2
    mesh = box(
        ["tetra"],
        (m, m, 2 * n),
        lengths=(across, across, 2.0 * SIZE),
        distortion=0.15,
        seed=seed,
        region_names=("electrolyte", "active"),
        region=lambda centre: centre[:, 2] > SIZE,
        still=[(2, SIZE)],
    )
    graph, nodes = node_graph(mesh, terminals={"counter": "counter", "collector": "collector"})
    return Sourced(graph, nodes.points[:, 2] / SIZE - 1.0, i0, across**2)


def test_the_exact_solution_is_inside_its_bounds():
    exact, s = Exact(ConstantExchange(3.0)), np.linspace(0.0, 1.0, 101)
    for t in (-0.1 * TIME, 0.0, 0.3 * TIME):
        x = exact.x(s, t)
        assert 0.1 < x.min() < x.max() < 0.9
        assert np.ptp(x) > 0.2
    # Electrons stop at the interface, ions at the collector, and what reacts arrives on both sides.
    assert exact.electrons(0.0, 0.1) == pytest.approx(0.0, abs=1e-9)
    assert exact.ions(1.0, 0.1) == pytest.approx(0.0, abs=1e-9)
    assert exact.ions(0.0, 0.1) == pytest.approx(-CURRENT)
    assert exact.ions_below(0.0, 0.1) == pytest.approx(-CURRENT)
    assert np.ptp(exact.electrons(s, 0.0)) > 10.0


@pytest.mark.parametrize("mode", ["voltage", "current"])
def test_order_on_voxels(mode):
    sizes = [8, 16, 32, 64]
    errors = [on_voxels(n, ConstantExchange(3.0)).errors(mode) for n in sizes]
    for name in errors[0]:
        values = [each[name] for each in errors]
        assert -observed_order(sizes[1:], values[1:]) > 1.9, f"{name}: errors {values}"
    assert errors[-1]["x"] < 1e-3


@pytest.mark.parametrize("mode", ["voltage", "current"])
def test_order_on_tetrahedra(mode):
    sizes = [4, 8, 16]
    errors = [on_tetrahedra(n, ConstantExchange(3.0)).errors(mode, steps=6) for n in sizes]
    for name in errors[0]:
        values = [each[name] for each in errors]
        assert -observed_order(sizes, values) > 1.9, f"{name}: errors {values}"


def test_exchange_currents_that_follow_lithiation_are_those_of_the_cell():
    """i0(x) is taken half a cell away from the interface: the kinetic loss is of order one, all fields of order two."""
    sizes = [8, 16, 32]
    errors = [on_voxels(n, SymmetricExchange(3.0)).errors("current") for n in sizes]
    for name in errors[0]:
        order = -observed_order(sizes, [each[name] for each in errors])
        assert order > (1.0 if name == "terminal" else 1.9)
    assert errors[-1]["terminal"] < 1e-4
