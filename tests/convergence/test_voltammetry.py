"""Voltammograms against exact answers: diffusion into a thick film, charge transfer into a thin one, a double layer.

Thick film, lithium of constant D on a lattice with U = U0 + (RT/F) ln((1 − x)/x): a reversible couple with equal
diffusivities, whose surface composition is that of Nernst at every instant. The current is the convolution

    i(t) = F c_max √(D/π) ∫ (dx_s/dt')/√(t − t') dt',

and its first peak 0.4463 F c_max √(F D v/RT) at 28.5 mV behind U0 (Nicholson & Shain 1964, doi:10.1021/ac60210a007).

Thin film, no gradients, α = ½ (Laviron 1979, doi:10.1016/S0022-0728(79)80075-3): F Γ dx/dt = i is linear in x,

    dx/dt = k [(1 − x) exp(−ζ/2) − x exp(ζ/2)],    ζ = F(E − U0)/RT,    k = 2 i0(½)/(F Γ),

with reversible peaks of F²Γv/4RT at U0, and irreversible ones of α F²Γv/(e RT) at U0 ∓ (RT/αF) ln(αFv/(RTk)).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from builders import THERMAL, cell_parameters, host_phase, laminate_graph, observed_order, straight, uniform_state
from film_case import run_film
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline
from small_cells import Piece, run

from catholyte.evaluation.voltammetry import CurrentPeak, current_peaks, peak_pairs, sweeps
from catholyte.models.cathode import Cathode
from catholyte.models.control import SweepControl
from catholyte.physics.constants import F
from catholyte.physics.double_layer import DoubleLayer
from catholyte.physics.kinetics import ButlerVolmer, ConstantExchange, SymmetricExchange
from catholyte.solve.frames import Settings

U0, C_MAX, AREA = 3.8, 4e4, 1e-6


def nernst(x, T):
    return U0 + THERMAL * (np.log(1.0 - x) - np.log(x))


def film(n: int, L: float, *, D: float, i0: float) -> Cathode:
    """Return a film of n voxels whose only resistance is that of charge transfer, i0 at x = ½."""
    graph = laminate_graph([("electrolyte", 1), ("active", n)], (L / n, 1e-3, 1e-3))
    host = host_phase(nernst, c_max=C_MAX, D=D, sigma=1e9)
    options = {"rate": ButlerVolmer(), "i0": SymmetricExchange(i0), "cross_section": AREA}
    return Cathode(graph, cell_parameters(host, sigma_i=1e9, **options))


def voltammogram(problem, corners, rate, settings):
    """Sweep between corners from equilibrium at the first; return (t, V, i) of each sweep, i positive on discharge."""
    pieces, t = [], 0.0
    for begin, end in pairwise(corners):
        duration = abs(end - begin) / rate
        pieces.append(Piece(SweepControl(begin, float(np.copysign(rate, end - begin)), t), duration))
        t += duration
    u = uniform_state(problem, 1.0 / (1.0 + np.exp((corners[0] - U0) / THERMAL)), corners[0])
    scale = 1e-3 * problem.capacity.sum() * rate / THERMAL
    frames = [frame for frame, _ in run(problem, u, pieces, scale=scale, settings=settings)]
    begins = [k for k, frame in enumerate(frames) if frame.time_step == 0.0]
    points = np.array([(f.t, f.evaluation.voltage, f.evaluation.current / AREA) for f in frames])
    return [part.T for part in np.split(points, begins[1:])]


def tight(tolerance: float) -> Settings:
    return Settings(x_tolerance=tolerance, voltage_tolerance=tolerance, current_tolerance=10.0 * tolerance)


def highest(sweep) -> CurrentPeak:
    """Return the peak of a sweep, its current positive on discharge."""
    _, V, i = sweep
    anodic = bool(V[-1] > V[0])
    peak = current_peaks(V, -i, anodic=anodic)[0]
    return CurrentPeak(peak.voltage, -peak.current_density)


# ------------------------------------------------------------------ thick film

D = 1e-14
RATES = np.array([1e-4, 4e-4, 1.6e-3])
#: thickness of the diffusion layer at the time scale of each sweep
REACH = np.sqrt(D * THERMAL / RATES)
HIGH, LOW = U0 + 0.2, U0 - 0.2


def convolution(t, rate):
    """Return the exact current density of HIGH → LOW → HIGH in A/m², with s = √(t − t') to integrate over."""
    back = (HIGH - LOW) / rate

    def speed(now):
        E = np.where(now < back, HIGH - rate * now, LOW + rate * (now - back))
        x = 1.0 / (1.0 + np.exp((E - U0) / THERMAL))
        return x * (1.0 - x) * np.where(now < back, rate, -rate) / THERMAL

    nodes, weights = np.polynomial.legendre.leggauss(120)
    out = np.zeros_like(t)
    for k, now in enumerate(t):
        # The turn of the sweep is a jump of the speed: one integral on either side of it.
        ends = [0.0, np.sqrt(max(now - back, 0.0)), np.sqrt(now)]
        for a, b in pairwise(ends):
            s = 0.5 * (a + b) + 0.5 * (b - a) * nodes
            out[k] += (b - a) * weights @ speed(now - s * s)
    return F * C_MAX * np.sqrt(D / np.pi) * out


def test_the_convolution_has_the_peak_of_the_literature():
    """Whatever it is compared with below is itself 0.4463 and 28.5 mV."""
    t = np.linspace(0.0, (HIGH - LOW) / RATES[0], 401)
    peak = highest((t, HIGH - RATES[0] * t, convolution(t, RATES[0])))
    assert peak.current_density / (F * C_MAX * np.sqrt(D * RATES[0] / THERMAL)) == pytest.approx(0.4463, rel=1e-3)
    assert peak.voltage - U0 == pytest.approx(-0.0285, abs=2e-4)


def test_randles_and_sevcik():
    """One film, three rates: 0.4463 F c √(F D v/RT), slope ½, 28.5 mV, and the whole curve there and back."""
    problem = film(240, 12.0 * REACH[0], D=D, i0=1e6)
    heights = []
    for rate in RATES:
        there, back = voltammogram(problem, (HIGH, LOW, HIGH), rate, tight(1e-5))
        peak = highest(there)
        heights.append(peak.current_density)
        assert peak.current_density / (F * C_MAX * np.sqrt(D * rate / THERMAL)) == pytest.approx(0.4463, rel=5e-3)
        assert peak.voltage - U0 == pytest.approx(-0.0285, abs=5e-4)
        for t, _, i in (there, back):
            exact = convolution(t[1::3], rate)
            assert np.abs(i[1::3] - exact).max() < 5e-3 * peak.current_density
        # At this window the anodic peak lies somewhat further away than the 28.5 mV of an infinite one.
        assert highest(back).voltage - peak.voltage == pytest.approx(0.058, abs=1e-3)
    assert np.polyfit(np.log(RATES), np.log(heights), 1)[0] == pytest.approx(0.5, abs=1e-3)


def test_the_peak_converges_at_second_order():
    sizes, errors = [25, 50, 100], []
    rate = RATES[1]
    for n in sizes:
        problem = film(n, 14.0 * REACH[1], D=D, i0=1e6)
        ((t, _, i),) = voltammogram(problem, (HIGH, U0 - 0.05), rate, tight(1e-6))
        t, i = t[1::2], i[1::2]
        errors.append(float(np.abs(i - convolution(t, rate)).max()))
    assert observed_order(sizes, errors) == pytest.approx(-2.0, abs=0.2)


def test_peaks_of_a_run(tmp_path):
    """The same from a case file, with the tolerances that nobody has chosen, evaluated as an experimenter would."""
    rate = RATES[0]
    results = run_film(
        tmp_path / "cv.results",
        [f"Sweep at {1e3 * rate} mV/s from {HIGH} V to {LOW} V to {HIGH} V (20 s period)"],
        n=120,
        L=14.0 * REACH[0],
        D=D,
        c_max=C_MAX,
        x=1.0 / (1.0 + np.exp((HIGH - U0) / THERMAL)),
        potential='{ law = "ideal-solution", U0 = "3.8 V" }',
    )
    there, back = sweeps(results)
    unit = F * C_MAX * np.sqrt(D * rate / THERMAL)
    assert there.peaks[0].current_density / unit == pytest.approx(-0.4463, rel=0.01)
    assert there.peaks[0].voltage - U0 == pytest.approx(-0.0285, abs=1e-3)
    (pair,) = peak_pairs((there, back))
    assert pair.separation == pytest.approx(0.058, abs=2e-3)
    assert pair.midpoint == pytest.approx(U0, abs=1e-3)


# ------------------------------------------------------------------ thin film

L = 1e-7
GAMMA = C_MAX * L


def thin(i0: float) -> Cathode:
    return film(1, L, D=1e-8, i0=i0)


def test_reversible_thin_film():
    """i = (F²Γv/RT) θ(1 − θ): a peak of F²Γv/4RT at U0, (RT/F)·2 arcosh 3 = 90.6 mV wide at half its height."""
    rate, error = 1e-2, 1e-4
    unit = F * GAMMA * rate / THERMAL
    width = 2.0 * THERMAL * np.arccosh(3.0)
    assert width == pytest.approx(0.0906, abs=5e-5)
    there, back = voltammogram(thin(1e5), (U0 + 0.2, U0 - 0.2, U0 + 0.2), rate, Settings(fixed_step=1e-3 / rate))
    for sweep, sign in ((there, 1.0), (back, -1.0)):
        # The instants of the start and of the turn, when nothing flows yet, are no part of the curve.
        V, i = sweep[1][1:], sign * sweep[2][1:] / unit
        theta = 1.0 / (1.0 + np.exp((V - U0) / THERMAL))
        np.testing.assert_allclose(i, theta * (1.0 - theta), atol=error)
        peak = highest(sweep)
        assert peak.current_density == pytest.approx(sign * unit / 4.0, rel=4.0 * error)
        assert peak.voltage == pytest.approx(U0, abs=0.5 * error)
        order = np.argsort(V)
        curve = CubicSpline(V[order], i[order])
        assert curve(U0 + 0.5 * width) == pytest.approx(1.0 / 8.0, rel=8.0 * error)
        assert curve(U0 - 0.5 * width) == pytest.approx(1.0 / 8.0, rel=8.0 * error)


K = 1e-2  # 1/s
EDGE = 0.55


def laviron(rate):
    """Return the cathodic peak of the linear equation, from 0.55 V above U0 down: voltage − U0, current density."""

    def speed(E, x):
        half = 0.5 * E / THERMAL
        return -K / rate * ((1.0 - x) * np.exp(-half) - x * np.exp(half))

    x0 = 1.0 / (1.0 + np.exp(EDGE / THERMAL))
    found = solve_ivp(speed, (EDGE, -EDGE), [x0], method="Radau", rtol=1e-10, atol=1e-13, dense_output=True)
    E = np.linspace(EDGE, -EDGE, 8001)
    i = -F * GAMMA * rate * np.array([speed(e, found.sol(e)[0]) for e in E])
    peak = highest((E, E, i))
    return peak.voltage, peak.current_density


def test_laviron():
    """Peaks move apart with the rate over five decades, along the solution of the linear equation and its limits."""
    problem = thin(0.5 * K * F * GAMMA)
    rates = np.geomspace(1e-5, 1.0, 6)
    separation = []
    for rate in rates:
        there, back = voltammogram(problem, (U0 + EDGE, U0 - EDGE, U0 + EDGE), rate, tight(1e-5))
        down, up = highest(there), highest(back)
        voltage, current = laviron(rate)
        assert down.voltage - U0 == pytest.approx(voltage, abs=5e-4)
        assert down.current_density == pytest.approx(current, rel=1e-3)
        assert up.voltage - U0 == pytest.approx(-voltage, abs=5e-4)
        assert up.current_density == pytest.approx(-current, rel=1e-3)
        separation.append(up.voltage - down.voltage)
        if rate > 300.0 * K * THERMAL:
            irreversible = 2.0 * THERMAL * np.log(0.5 * rate / (K * THERMAL))
            assert down.voltage - U0 == pytest.approx(-irreversible, abs=1e-3)
            assert down.current_density == pytest.approx(0.5 * F * GAMMA * rate / (np.e * THERMAL), rel=2e-3)
    assert separation[0] < 0.005
    decades = np.diff(separation) / np.diff(np.log10(rates))
    assert decades[-2:] == pytest.approx([4.0 * THERMAL * np.log(10.0)] * 2, rel=5e-3)


# ------------------------------------------------------------------ double layer


def test_charging_current_of_a_sweep():
    """A double layer alone behind a resistance: i = C v (1 − exp(−t/RC)), turned round 2 C v apart."""
    C, resistance, rate = 10.0, 0.05, 1e-2
    graph = laminate_graph([("electrolyte", 1), ("active", 1)], (1e-6, 1e-3, 1e-3))
    options = {"film_resistance": resistance, "double_layer": DoubleLayer(C), "cross_section": AREA}
    host = host_phase(straight(U0, 0.0), c_max=1.0, D=1e-8, sigma=1e9)
    problem = Cathode(graph, cell_parameters(host, sigma_i=1e9, i0=ConstantExchange(1e-9), **options))
    settings = Settings(voltage_tolerance=1e-7, current_tolerance=1e-5)
    pieces = [Piece(SweepControl(U0, -rate, 0.0), 5.0), Piece(SweepControl(U0 - 5.0 * rate, rate, 5.0), 5.0)]
    u = uniform_state(problem, 0.5, U0)
    for frame, _ in run(problem, u, pieces, scale=1e-3 * C * rate * AREA, settings=settings):
        turned = max(frame.t - 5.0, 0.0)
        exact = (
            1.0
            - np.exp(-frame.t / (resistance * C))
            - 2.0 * (turned > 0.0) * (1.0 - np.exp(-turned / (resistance * C)))
        )
        assert frame.evaluation.current / (AREA * C * rate) == pytest.approx(exact, abs=1e-4)
