"""Spectra against exact answers: Randles, finite-space Warburg, transmission lines, and the same cell in time.

All exact impedances are per area of the cell, in Ω m².
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from builders import T, cell_parameters, host_phase, laminate_graph, observed_order, straight

from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl
from catholyte.models.impedance import Impedance
from catholyte.models.parameters import Lumped
from catholyte.physics.constants import F, R
from catholyte.physics.double_layer import DoubleLayer
from catholyte.physics.elements import FiniteLengthWarburg, ParallelRC, Zarc
from catholyte.physics.kinetics import ButlerVolmer, SymmetricExchange
from catholyte.physics.transport import MixedConduction, Uniform
from catholyte.solve.frames import Settings
from catholyte.solve.linear import DirectSolver, KrylovSolver
from catholyte.solve.transient import Integrator

VACUUM = 8.8541878128e-12


def rested(problem: Cathode, x: float = 0.5, current: float = 0.0, scale: float = 1e-9):
    """Return the state at uniform x with potentials that carry a current in A."""
    u = np.zeros(problem.size)
    u[problem.n_phi : -1] = x
    u[-1] = float(np.mean(problem.equilibrium_potential(u[problem.n_phi : -1])))
    integrator = Integrator(problem, DirectSolver(), scale, Settings(balance=1e-12))
    return integrator.consistent(u, CurrentControl(current), current=current).evaluation


def spectrum(problem: Cathode, frequencies, at=None, solver=None) -> np.ndarray:
    """Return Z at every frequency; the parts must sum to it."""
    cell = Impedance(problem, rested(problem) if at is None else at, solver or DirectSolver())
    responses = list(cell.spectrum(np.atleast_1d(frequencies)))
    for response in responses:
        assert sum(response.parts.values()) == pytest.approx(response.impedance, rel=1e-6)
    return np.array([response.impedance for response in responses])


def warburg(omega, L: float, D: float, slope: float, c_max: float):
    """Diffusion into a layer with a sealed end: (−dU/dx)·L/(F c_max D)·coth(√(iωL²/D))/√(iωL²/D)."""
    root = np.sqrt(1j * omega * L * L / D)
    return -slope * L / (F * c_max * D) / (root * np.tanh(root))


# ------------------------------------------------------------------ planar cells


@dataclass(frozen=True)
class Planar:
    """Electrolyte against a dense active layer: resistances, kinetics with double layer, diffusion in series."""

    n: int = 100
    L: float = 5e-6
    D: float = 1e-14
    c_max: float = 5e4
    slope: float = -0.8
    sigma_i: float = 0.05
    sigma_e: float = 2.0
    i0: float = 2.0
    film: float = 3e-4
    C: float = 0.2
    exponent: float = 1.0
    lumped: Lumped = field(default_factory=Lumped)

    def model(self) -> Cathode:
        h = self.L / self.n
        graph = laminate_graph([("electrolyte", 8), ("active", self.n)], (h, h, h))
        host = host_phase(straight(4.0, self.slope), c_max=self.c_max, D=self.D, sigma=self.sigma_e)
        layer = DoubleLayer(self.C, self.exponent, 50.0) if self.C else None
        cell = cell_parameters(
            host,
            sigma_i=self.sigma_i,
            rate=ButlerVolmer(),
            i0=SymmetricExchange(self.i0),
            cross_section=h * h,
            film_resistance=self.film,
            double_layer=layer,
            lumped=self.lumped,
        )
        return Cathode(graph, cell)

    def exact(self, frequency):
        omega = 2.0 * np.pi * np.asarray(frequency)
        h = self.L / self.n
        ohmic = 8 * h / self.sigma_i + self.film + self.L / self.sigma_e
        faradaic = R * T / F / self.i0 + warburg(omega, self.L, self.D, self.slope, self.c_max)
        reference = 2.0 * np.pi * 50.0
        Y = self.C * 1j * omega * (1j * omega / reference) ** (self.exponent - 1.0)
        return ohmic + 1.0 / (Y + 1.0 / faradaic)


def test_randles_circuit():
    """Fast diffusion: a resistance in series with R_ct beside C_dl, over eight decades."""
    planar = Planar(D=1e-6, n=20)
    f = np.geomspace(1e-1, 1e7, 33)
    np.testing.assert_allclose(spectrum(planar.model(), f), planar.exact(f), rtol=1e-7)


def test_finite_space_warburg():
    """From the blocking tail to a layer at the surface that is far thinner than one of the twenty cells."""
    planar = Planar(n=20, C=0.0, i0=1e6, film=0.0)
    f = np.geomspace(1e-6, 1e6, 50) * planar.D / planar.L**2
    Z, exact = spectrum(planar.model(), f), planar.exact(f)
    assert np.abs(Z / exact - 1.0).max() < 4e-4
    assert np.abs(Z / exact - 1.0)[-10:].max() < 1e-9


def test_diffusion_carried_by_a_conductivity():
    """With mobile electrons σ_i along U(x) is diffusion with D = −(σ_i/F)·dU/dc, at every frequency."""
    planar = Planar(n=20, C=0.0, i0=1e6, film=0.0, sigma_e=1e6)
    diffusing = planar.model()
    sigma = planar.D * F * planar.c_max / -planar.slope
    host = diffusing.cell.phases["active"].host
    carried = replace(host, transport=MixedConduction(Uniform(1e6), Uniform(sigma), host.U))
    phases = {**diffusing.cell.phases, "active": replace(diffusing.cell.phases["active"], host=carried)}
    conducting = Cathode(diffusing.graph, replace(diffusing.cell, phases=phases))
    f = np.geomspace(1e-6, 1e6, 20) * planar.D / planar.L**2
    np.testing.assert_allclose(spectrum(conducting, f), spectrum(diffusing, f), rtol=1e-6)


@pytest.mark.parametrize("exponent", [1.0, 0.85])
def test_randles_with_diffusion(exponent):
    planar = Planar(exponent=exponent, n=20)
    f = np.geomspace(1e-7, 1e6, 40)
    assert np.abs(spectrum(planar.model(), f) / planar.exact(f) - 1.0).max() < 1e-3


def test_diffusion_converges_at_second_order():
    f, sizes = 0.5 * Planar.D / Planar.L**2, [10, 20, 40]
    errors = []
    for n in sizes:
        planar = Planar(n=n, C=0.0, i0=1e6, film=0.0)
        errors.append(abs(spectrum(planar.model(), f)[0] - planar.exact(f)))
    assert observed_order(sizes, errors) == pytest.approx(-2.0, abs=0.1)


def test_lumped_elements_are_in_series():
    elements = (ParallelRC(2e-3, 0.01), Zarc(1e-3, 1e-2, 0.8), FiniteLengthWarburg(1e-3, 10.0))
    lumped = Lumped(series_resistance=1e-3, counter_resistance=5e-4, counter_exchange=40.0, elements=elements)
    planar = Planar(D=1e-6, n=10, lumped=lumped)
    f = np.geomspace(1e-4, 1e6, 21)
    extra = sum(e.impedance(2.0 * np.pi * f) for e in elements) + 1.5e-3 + R * T / F / 40.0
    np.testing.assert_allclose(spectrum(planar.model(), f), planar.exact(f) + extra, rtol=1e-6)


def test_geometric_capacitance():
    """Layers of electrolyte are RC elements, ε/σ each, where a phase has a permittivity."""
    planar = Planar(D=1e-6, n=10, C=0.0)
    model = planar.model()
    epsilon = 2e5 * VACUUM
    phases = dict(model.cell.phases)
    phases["electrolyte"] = replace(phases["electrolyte"], permittivity=epsilon)
    model = Cathode(model.graph, replace(model.cell, phases=phases))
    f = np.geomspace(1e1, 1e9, 17)
    h, omega = planar.L / planar.n, 2.0 * np.pi * f
    # The half cell that reacts keeps its resistance alone.
    exact = planar.exact(f) - 7.5 * h / planar.sigma_i + 7.5 * h / (planar.sigma_i + 1j * omega * epsilon)
    np.testing.assert_allclose(spectrum(model, f), exact, rtol=1e-7)
    np.testing.assert_allclose(spectrum(model, f, solver=KrylovSolver()), exact, rtol=1e-5)


# ------------------------------------------------------------------ transmission lines


@dataclass(frozen=True)
class Line:
    """A column of active material beside a column of electrolyte, which exchange charge along their length."""

    n: int = 200
    L: float = 100e-6
    w: float = 0.5e-6
    sigma_i: float = 0.02
    sigma_e: float = 0.05
    i0: float = 0.5
    C: float = 0.1
    D: float = 1e-8
    c_max: float = 2e4

    def model(self) -> Cathode:
        labels = np.zeros((self.n, 2, 1), np.uint8)
        labels[:, 1] = 1
        graph = voxel_graph(labels, (self.L / self.n, self.w, self.w), ("electrolyte", "active"))
        # One cell across, whose diffusion hardly counts beside the reaction. Lithium must not travel along the column.
        across = host_phase(straight(4.0, -0.8), c_max=self.c_max, D=self.D, sigma=self.sigma_e)
        cell = cell_parameters(
            across,
            sigma_i=self.sigma_i,
            rate=ButlerVolmer(),
            i0=SymmetricExchange(self.i0),
            cross_section=2.0 * self.w**2,
            double_layer=DoubleLayer(self.C),
        )
        return Cathode(graph, cell)

    def exact(self, frequency, *, blocking: bool = False):
        """De Levie's line with two resistive rails (Bisquert 2000, doi:10.1039/b001708f)."""
        omega = 2.0 * np.pi * np.asarray(frequency)
        r_e, r_i = 1.0 / (self.sigma_e * self.w**2), 1.0 / (self.sigma_i * self.w**2)
        lateral = 0.5 * self.w / self.sigma_e + 0.5 * self.w / self.sigma_i
        Y = 1j * omega * self.C
        if not blocking:
            store = 0.8 * self.w / (F * self.c_max * self.D) * 0.5 + 0.8 / (1j * omega * F * self.c_max * self.w)
            Y = Y + 1.0 / (R * T / F / self.i0 + store)
        zeta = (lateral + 1.0 / Y) / self.w
        decay = np.sqrt(zeta / (r_e + r_i))
        Z = r_e * r_i / (r_e + r_i) * (self.L + 2.0 * decay / np.sinh(self.L / decay))
        Z = Z + decay * (r_e**2 + r_i**2) / (r_e + r_i) / np.tanh(self.L / decay)
        return 2.0 * self.w**2 * Z


def test_blocking_transmission_line():
    """De Levie: without a reaction, from where the line is blocked to where one cell is a decay length."""
    line = Line(i0=1e-12)
    f = np.geomspace(1e-2, 1e3, 25)
    assert np.abs(spectrum(line.model(), f) / line.exact(f, blocking=True) - 1.0).max() < 1e-3


def test_reacting_transmission_line():
    """With reaction and storage along the line: two rails joined by chemical capacitors (Jamnik & Maier 2001)."""
    line = Line(L=1e-3, i0=2e-4, D=1.3e-15)
    f = np.geomspace(1e-7, 1e2, 29)
    assert np.abs(spectrum(line.model(), f) / line.exact(f) - 1.0).max() < 1e-3


# ------------------------------------------------------------------ against the cell in steady state and in time


@pytest.mark.parametrize("current", [0.0, 3.0])
def test_low_frequencies_tend_to_the_slope_of_the_polarisation_curve(current):
    """With a store of lithium that never changes, at rest and with the bias current on."""
    line = Line(c_max=1e16, D=1e-12, n=40)
    problem = line.model()
    I = current * problem.cell.cross_section  # noqa: E741
    d = 1e-4 * problem.cell.cross_section
    up, down = rested(problem, current=I + d), rested(problem, current=I - d)
    slope = (down.voltage - up.voltage) / (2.0 * d) * problem.cell.cross_section
    Z = spectrum(problem, 1e-9, rested(problem, current=I))[0]
    assert Z.real == pytest.approx(slope, rel=1e-5)
    assert abs(Z.imag) < 1e-5 * Z.real


def test_spectrum_is_the_transform_of_a_small_step_in_time():
    """Step the current, transform the voltage of the time steps; the ramp after the last of them goes on for ever.

    The voltage is a polygon in the transform, so the steps have to be short: second order takes enough of them.
    """
    lumped = Lumped(series_resistance=1e-3, elements=(ParallelRC(4e-3, 50.0),))
    planar = Planar(n=12, D=2e-11, C=10.0, lumped=lumped)
    problem = planar.model()
    at = rested(problem)
    area, i = problem.cell.cross_section, 0.01
    settings = Settings(order=2, x_tolerance=1e-11, voltage_tolerance=1e-9, balance=1e-10, largest_step=0.2)
    integrator = Integrator(problem, DirectSolver(), 1e-3 * i * area, settings)
    control = CurrentControl(i * area)
    first, progress = integrator.begin(0.0, at.u, control, 0.0, i * area, problem.resting_memory(at))
    frames = [first, *(f for f, _ in integrator.integrate(progress, control, [], end=30.0, last=first.evaluation))]
    t = np.array([f.t for f in frames])
    V = np.array([f.evaluation.voltage for f in frames]) - at.voltage
    rate = np.diff(V) / np.diff(t)
    f = np.geomspace(0.02, 40.0, 12)
    Z = spectrum(problem, f, at)
    for k, omega in enumerate(2.0 * np.pi * f):
        wave = np.exp(-1j * omega * t)
        integral = np.sum(rate * (wave[:-1] - wave[1:])) / (1j * omega) + rate[-1] * wave[-1] / (1j * omega)
        assert -(V[0] + integral) / i == pytest.approx(Z[k], rel=2e-3)
