"""Dense layers of a mixed conductor against exact answers: spectra, permeation, constant flux, moving fronts, limits.

z runs from the electrolyte (0), which stops electrons, to the collector (L), which stops ions. With i the discharge
current density, σ = σ_e + σ_i, φ_e − φ_i = U and a mean potential φ̄ = (σ_e φ_e + σ_i φ_i)/σ whose slope is −i/σ,

    dU/dz = i/σ_i at z = 0,   −i/σ_e at z = L,      V = [σ_i U(L) + σ_e U(0)]/σ − i L/σ,

for constant σ_e and σ_i and a fast transfer at the electrolyte; between them lithium moves by σ_a = σ_e σ_i/σ.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import T, observed_order, straight
from mixed_cells import DenseLayer, fixed, integrate, lithium, start, voltages
from scipy.integrate import quad
from small_cells import solid_solution, window

from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.impedance import Impedance
from catholyte.physics.constants import F
from catholyte.physics.equilibrium import Constant, IdealSolution, continued
from catholyte.physics.monotone import TILT, falling
from catholyte.physics.transport import Diffusion
from catholyte.solve.frames import Settings
from catholyte.solve.linear import DirectSolver

RATIOS = (1e-3, 0.1, 1.0, 10.0, 1e3)


def of_ratio(ratio: float, **more) -> DenseLayer:
    """Return a layer with σ_e/σ_i = ratio, of one geometric mean."""
    return DenseLayer(sigma_e=1e-3 * ratio**0.5, sigma_i=1e-3 * ratio**-0.5, **more)


# ------------------------------------------------------------------ spectra (Jamnik & Maier 2001, doi:10.1039/b100180i)


def jamnik_maier(layer: DenseLayer, omega):
    """Two rails joined by the chemical capacitance c = F c_max/|U'|: u = A cosh kz + B sinh kz, k² = iωc/σ_a.

    The slopes at both ends give B = i/(kσ_i) and A = −(i/k)(1/σ_e + cosh(kL)/σ_i)/sinh(kL).
    """
    e, i, L = layer.sigma_e, layer.sigma_i, layer.L
    k = np.sqrt(1j * omega * F * layer.c_max / -layer.slope / layer.sigma_a)
    decay = np.exp(-k * L)
    inverse_sinh, coth = 2.0 * decay / (1.0 - decay**2), (1.0 + decay**2) / (1.0 - decay**2)
    return L / (e + i) + ((i / e + e / i) * coth + 2.0 * inverse_sinh) / (k * (e + i))


def spectrum(layer: DenseLayer, omega):
    problem = layer.model()
    cell = Impedance(problem, problem.evaluate(start(problem, 0.5)), DirectSolver())
    responses = list(cell.spectrum(np.asarray(omega) / (2.0 * np.pi)))
    for response in responses:
        assert sum(response.parts.values()) == pytest.approx(response.impedance, rel=1e-6)
    return np.array([response.impedance for response in responses])


@pytest.mark.parametrize("ratio", RATIOS)
def test_spectrum_over_twelve_decades(ratio):
    """6e-4 with 20 cells from the chemical capacitor to L/σ; the half cells at both ends are exact at the high end."""
    layer = of_ratio(ratio, n=20)
    omega = np.geomspace(1e-4, 1e8, 37) / layer.time
    Z, exact = spectrum(layer, omega), jamnik_maier(layer, omega)
    assert np.abs(Z / exact - 1.0).max() < 6e-4
    assert np.abs(Z / exact - 1.0)[-12:].max() < 1e-9
    assert Z[0].imag == pytest.approx(layer.slope / (omega[0] * layer.charge), rel=1e-6)


@pytest.mark.parametrize("ratio", RATIOS)
def test_spectrum_converges_at_second_order(ratio):
    sizes, errors = [10, 20, 40], []
    for n in sizes:
        layer = of_ratio(ratio, n=n)
        omega = 1.0 / layer.time
        errors.append(abs(spectrum(layer, [omega])[0] / jamnik_maier(layer, omega) - 1.0))
    assert -observed_order(sizes, errors) == pytest.approx(2.0, abs=0.05)


def test_spectrum_is_that_of_the_exchanged_carriers_below_the_arc():
    omega = np.geomspace(1e-4, 1.0, 9) / DenseLayer().time
    one, other = (spectrum(DenseLayer(sigma_e=e, sigma_i=i), omega) for e, i in ((4e-3, 5e-4), (5e-4, 4e-3)))
    np.testing.assert_allclose(other, one, rtol=1e-3)


# ------------------------------------------------------------------ permeation


def rising(x, T):
    return 2e-3 * np.exp(2.0 * x)


def falling_off(x, T):
    return 1e-2 * (1.1 - x) ** 2


def permeation(layer: DenseLayer, left: float, right: float):
    """Return the current density of ions between reservoirs at both ends, and the x that these have, without current.

    The end cells hold so much that a step far longer than L²/D changes nothing there.
    """

    def volumes(volume):
        return np.concatenate([volume[:1] * 1e10, volume[1:-1], volume[-1:] * 1e10])

    problem = DenseLayer(**{**vars(layer), "volumes": volumes}).model()
    x = np.linspace(left, right, layer.n)
    scale = layer.charge / 1e4
    last = integrate(problem, CurrentControl(0.0), 1e7, x=x, scale=scale, settings=fixed(1e7, order=1))[-1]
    at = last.evaluation
    flow = at.mixed.flow
    n = problem.mixed.at.n_electronic
    electrons, ions = flow[: layer.n - 1], flow[n:]
    np.testing.assert_allclose(ions, ions[0], rtol=1e-5)
    np.testing.assert_allclose(electrons, -ions[0], rtol=1e-5)
    ends = lithium(problem, at)[[0, -1]]
    return ions[0], ends


def ambipolar_integral(layer: DenseLayer, ends):
    """∫ σ_a dU between two site fractions in A/m."""

    def integrand(x):
        e, i = layer.law.sigma_e(x, T), layer.law.sigma_i(x, T)
        return float(np.real(e * i / (e + i)) * np.imag(layer.potential(x + 1e-30j, T)) / 1e-30)

    return quad(integrand, *ends, epsabs=0.0, epsrel=1e-12)[0]


def test_permeation_at_constant_conductivities_is_exact():
    """Whatever U(x): flux = σ_a ΔU/(F L) from one end cell to the other."""
    layer = DenseLayer(n=12, sigma_e=3e-3, sigma_i=1e-3, U=solid_solution)
    flux, ends = permeation(layer, 0.2, 0.8)
    ambipolar = layer.sigma_a * (solid_solution(ends[1], T) - solid_solution(ends[0], T))
    assert flux == pytest.approx(ambipolar / (layer.L * 11 / 12), rel=1e-6)


def test_permeation_at_conductivities_that_follow_lithiation():
    """flux = ∫ σ_a dU/(F L), which neither σ_e nor σ_i gives alone; order two."""
    sizes, errors = [8, 16, 32], []
    for n in sizes:
        layer = DenseLayer(n=n, sigma_e=falling_off, sigma_i=rising, U=solid_solution)
        flux, ends = permeation(layer, 0.2, 0.8)
        errors.append(abs(flux * layer.L * (1.0 - 1.0 / n) / ambipolar_integral(layer, ends) - 1.0))
    assert -observed_order(sizes, errors) > 1.9
    assert errors[-1] < 2e-3


# ------------------------------------------------------------------ limits and symmetry


def discharge(layer: DenseLayer, rate: float = 0.5, *, until: float = 3.0, x: float = 0.1):
    """Discharge, ``rate`` layers in L²/D, for half of the charge or until a voltage; return V and the last x."""
    problem = layer.model()
    current = rate * layer.charge / layer.time
    step = 0.02 * layer.charge / current
    frames = integrate(
        problem,
        CurrentControl(current),
        25 * step,
        x=x,
        current=current,
        settings=fixed(step),
        events=window(until, 5.0),
    )
    return voltages(frames), lithium(problem, frames[-1].evaluation)


@pytest.mark.parametrize("rate", [1.0, 1e2])
def test_mobile_electrons_leave_ordinary_diffusion(rate):
    """A straight U and σ_e → ∞: diffusion with D = (σ_i/F c_max)|dU/dx|, over a discharge to the cut-off."""
    mixed = DenseLayer(sigma_e=1e6, sigma_i=1e-3)
    D = mixed.sigma_i * -mixed.slope / (F * mixed.c_max)
    diffusing = DenseLayer(sigma_e=1e6, transport=Diffusion(D, mixed.c_max))
    current = rate * 1e-3 * F * mixed.c_max * D / mixed.L
    frames = []
    for layer in (mixed, diffusing):
        problem = layer.model()
        until = window(3.25, 5.0)
        found = integrate(
            problem, CurrentControl(current), np.inf, x=0.05, current=current,
            settings=fixed(0.02 * layer.charge / current), events=until,
        )  # fmt: skip
        frames.append((voltages(found), lithium(problem, found[-1].evaluation), found[-1].event))
    (V, x, event), (V_of_D, x_of_D, event_of_D) = frames
    assert event == event_of_D == "lower"
    np.testing.assert_allclose(V, V_of_D, atol=1e-6, rtol=0.0)
    np.testing.assert_allclose(x, x_of_D, atol=1e-6, rtol=0.0)


@pytest.mark.parametrize("U", [None, solid_solution], ids=["straight", "solid solution"])
@pytest.mark.parametrize(("sigma_e", "sigma_i"), [(2e-3, 5e-4), (1e-3, 1e-1), (1e-3, 1e3)])
def test_exchanged_carriers_give_the_same_voltage_and_the_mirrored_layer(U, sigma_e, sigma_i):
    """Ions from the electrolyte and electrons from the collector change places with σ_e and σ_i, at any U(x)."""
    V, x = discharge(DenseLayer(sigma_e=sigma_e, sigma_i=sigma_i, U=U))
    V_exchanged, x_mirrored = discharge(DenseLayer(sigma_e=sigma_i, sigma_i=sigma_e, U=U))
    assert V.size > 10
    assert np.ptp(x) > 0.01
    np.testing.assert_allclose(V_exchanged, V, atol=1e-8, rtol=0.0)
    np.testing.assert_allclose(x_mirrored[::-1], x, atol=1e-8, rtol=0.0)


# ------------------------------------------------------------------ constant flux


def crank(z, tau):
    """Slab under unit flux through z = 0, sealed at z = 1 (Crank, *The Mathematics of Diffusion*, eq. 4.55)."""
    k = np.arange(1, 200)[:, None]
    waves = np.exp(-((k * np.pi) ** 2) * tau) * np.cos(k * np.pi * np.atleast_1d(z)) / k**2
    return tau + (3.0 * (1.0 - z) ** 2 - 1.0) / 6.0 - 2.0 / np.pi**2 * waves.sum(axis=0)


@pytest.mark.parametrize(("sigma_e", "sigma_i"), [(1e-3, 1e-3), (4e-3, 1e-3), (3e-4, 1e-2)])
@pytest.mark.parametrize("tau", [0.05, 0.3])
def test_constant_flux(sigma_e, sigma_i, tau):
    """The share σ_e/σ of the lithium comes as through the electrolyte, σ_i/σ as through the collector."""
    sizes, profile, terminal, rate = [8, 16, 32], [], [], 0.2
    for n in sizes:
        layer = DenseLayer(n=n, sigma_e=sigma_e, sigma_i=sigma_i)
        problem, current = layer.model(), rate * layer.charge / layer.time
        settings = Settings(x_tolerance=1e-7, voltage_tolerance=1e-7, order=5)
        last = integrate(problem, CurrentControl(current), tau * layer.time, current=current, settings=settings)[-1]
        sigma = sigma_e + sigma_i

        def exact(z, sigma=sigma):
            return 0.4 + rate * (sigma_e / sigma * crank(z, tau) + sigma_i / sigma * crank(1.0 - z, tau))

        profile.append(float(np.sqrt(np.mean((lithium(problem, last.evaluation) - exact(layer.depth)) ** 2))))
        U_0, U_L = straight(4.0, layer.slope)(exact(np.array([0.0, 1.0])), T)
        V = (sigma_i * U_L + sigma_e * U_0) / sigma - current * layer.L / sigma
        terminal.append(abs(last.evaluation.voltage - V))
    assert -observed_order(sizes, profile) > 1.9
    assert -observed_order(sizes, terminal) > 1.9
    assert profile[-1] < 1e-5
    assert terminal[-1] < 5e-5


# ------------------------------------------------------------------ a moving front


def plateau_with_ends():
    """3.4 V between two phases that hold 0.001 and 0.999, tilted."""
    return falling(continued(Constant(3.4)), T)


def regular_solution():
    """4 V between the phases of a regular solution, tilted."""
    return falling(IdealSolution(4.0, margules=(5.0 * 8.314 * T,)), T)


@pytest.mark.parametrize("law", [plateau_with_ends, regular_solution])
def test_a_front_moves_with_the_root_of_time(law):
    """Behind the front ions meet s/σ_i, ahead of it nothing is stored: F c_max Δx ds/dt = σ_i ΔU/s.

    Uptake per area is √(2 σ_i F c_max Δx (ΔU + tilt/2) t): the front starts half the tilt above the plateau, and what
    the tilt spreads ahead of it is tilt/ΔU of the layer, here 1 %; both together change the uptake by 0.25 %.
    """
    U = law()
    x_a, x_b, plateau = (
        (U.plateaus[0].x_a, U.plateaus[0].x_b, U.plateaus[0].U) if U.plateaus else (1e-3, 1.0 - 1e-3, 3.4)
    )
    step, sizes, errors = 0.1, [5, 10, 20], []
    for n in sizes:
        layer = DenseLayer(n=n, sigma_e=1e3, sigma_i=1e-4, U=U)
        stored = layer.charge * (x_b - x_a)
        # until the front has passed seven tenths of the layer
        end = 0.49 * layer.L * stored / (2.0 * layer.sigma_i * step)
        problem = layer.model()
        inrush = step * layer.sigma_i / (0.5 * layer.L / n)
        settings = Settings(x_tolerance=1e-3, current_tolerance=0.1, order=2)
        frames = integrate(
            problem, VoltageControl(plateau - step), end, x=x_a, current=inrush, scale=0.1 * inrush, settings=settings
        )
        t, charge = (np.array([getattr(frame, name) for frame in frames]) for name in ("t", "charge"))
        late = t > 0.1 * end
        exact = np.sqrt(2.0 * layer.sigma_i * (step + 0.5 * TILT) * stored / layer.L * t[late])
        errors.append(float(np.abs(charge[late] / exact - 1.0).max()))
        x = lithium(problem, frames[-1].evaluation)
        assert np.count_nonzero((x > 0.1) & (x < 0.9)) <= 1
    assert -observed_order(sizes, errors) > 1.3
    assert errors[-1] < 8e-3
