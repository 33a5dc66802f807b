"""Cathodes with reaction networks against exact answers.

Intercalation written as Li ⇌ Li⁺ + e⁻ on a lattice gas; conservation of every element over a cycle; a supply that runs
out (charge by stoichiometry); Laviron's peaks of a thin film; the growth of a shell fed by diffusion (Cottrell);
comproportionation at rest; hysteresis; spectra of Randles' circuit with diffusion.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import (
    THERMAL,
    T,
    cell_parameters,
    host_phase,
    laminate_graph,
    observed_order,
    uniform_state,
)
from small_cells import Piece, run
from small_networks import (
    ELEMENTS,
    IODIDE,
    IODONIUM,
    RELEASED,
    composed,
    contents,
    couple_network,
    fractions,
    frames,
    iodine_network,
    laminate,
)

from catholyte.evaluation.voltammetry import current_peaks
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, SweepControl, VoltageControl
from catholyte.models.impedance import Impedance
from catholyte.physics.constants import F
from catholyte.physics.double_layer import DoubleLayer
from catholyte.physics.equilibrium import IdealSolution
from catholyte.physics.kinetics import ButlerVolmer, SymmetricExchange
from catholyte.physics.network import ChargeTransfer, Hysteresis, Lattice, Network, Stock
from catholyte.solve.events import Event
from catholyte.solve.frames import Settings
from catholyte.solve.linear import DirectSolver


def tight(tolerance: float, **more) -> Settings:
    return Settings(x_tolerance=tolerance, voltage_tolerance=tolerance, current_tolerance=10.0 * tolerance, **more)


def above(voltage: float) -> Event:
    return Event("upper", lambda now: 1e6 * (voltage - now.voltage))


def below(voltage: float) -> Event:
    return Event("lower", lambda now: 1e6 * (now.voltage - voltage))


# ------------------------------------------------------------------ intercalation


@pytest.mark.parametrize("margules", [(), (1500.0,)], ids=["ideal", "regular"])
def test_intercalation_is_a_network_of_one_reaction(margules):
    """The same discharge curve from a host with i0 = 2 i0(½)√(x(1 − x)) and from Li ⇌ Li⁺ + e⁻ with i00 = 2 i0(½)."""
    i0, sites, D, n, h = 0.8, 4e4, 2e-15, 12, 2.5e-7
    graph = laminate_graph([("electrolyte", 3), ("active", n)], (h, 1e-3, 1e-3))
    options = {"sigma_i": 0.05, "rate": ButlerVolmer(), "i0": SymmetricExchange(i0), "cross_section": 1e-6}
    host = Cathode(
        graph,
        cell_parameters(
            host_phase(IdealSolution(3.8, margules), c_max=sites, D=D, sigma=0.1), **options, film_resistance=1e-3
        ),
    )
    pairs = (("Li", "vacancy sites", margules[0]),) if margules else ()
    stock = Stock((Lattice("sites", sites, D, "vacancies", ("Li",), pairs),))
    reaction = ChargeTransfer("lithium", {(0, "Li"): -1}, 1, 3.8, ButlerVolmer(), 2.0 * i0)
    network = Network((stock, Stock(())), (reaction,), T)
    gas = laminate(network, (3, n), h, sigma=(0.05, 0.1), cross_section=1e-6, film_resistance=1e-3)
    capacity = host.capacity.sum()
    piece = Piece(CurrentControl(capacity / 1800.0), np.inf, (below(3.4),))
    settings = Settings(fixed_step=10.0, order=2)
    x = 0.1
    start = {"Li": x, "vacancy sites": 1.0 - x}
    curves = []
    for problem, u in ((host, uniform_state(host, x, 3.9)), (gas, composed(gas, start, 3.9))):
        found = [frame for frame, _ in run(problem, u, [piece], scale=capacity / 1800.0, settings=settings)]
        curves.append(np.array([(f.t, f.evaluation.voltage, f.charge) for f in found]))
    one, other = curves
    assert one.shape == other.shape
    assert one.shape[0] > 40
    np.testing.assert_allclose(other[:-1], one[:-1], rtol=1e-12, atol=1e-6)
    assert other[-1, 2] == pytest.approx(one[-1, 2], rel=1e-6)


# ------------------------------------------------------------------ conservation

START = {"I-": 0.2, "I0": 0.8 - 1e-9, "ICl": 1e-9, "Cl-": 1.0 - 1e-9, "Cl0": 1e-9, "In3+": 1.0 - 1e-9, "In2+": 1e-9}


def test_elements_and_charge_over_a_cycle():
    """Charge to 4.1 V, discharge past the indium couple, charge again, with supply and iodine that run out."""
    problem = laminate(
        iodine_network(hysteresis=Hysteresis(0.3, 0.05)), (4, 4), 0.5e-9, sigma=(0.02, 10.0), cross_section=1e-18
    )
    u = composed(problem, START, 3.2)
    sites = problem.capacity[problem.stores[-2].at].sum()
    current = sites / 36e3
    pieces = [
        Piece(CurrentControl(-current), np.inf, (above(4.1),)),
        Piece(CurrentControl(current), np.inf, (below(2.1),)),
        Piece(CurrentControl(-current), np.inf, (above(4.1),)),
    ]
    before = contents(problem, u)
    electrons = sum(RELEASED[name] * before[name] for name in RELEASED)
    least = 1.0
    for frame in frames(problem, u, pieces, scale=current):
        now, x = contents(problem, frame.evaluation.u), problem.split(frame.evaluation.u)[1]
        for members in ELEMENTS.values():
            kept = sum(before[name] for name in members)
            assert sum(now[name] for name in members) == pytest.approx(kept, rel=1e-10)
        of = {store.name: x[store.at] for store in problem.stores}
        np.testing.assert_allclose(of["I-"] + of["I0"] + of["ICl"], 1.0, rtol=1e-10)
        np.testing.assert_allclose(of["In2+"] + of["In3+"], 1.0, rtol=1e-10)
        assert x.min() > 0.0
        least = min(least, of["I-"].min())
        taken = sum(RELEASED[name] * now[name] for name in RELEASED) - electrons
        assert taken == pytest.approx(-frame.charge, abs=1e-8 * sites)
    assert least < 1e-9
    assert now["ICl"] > 0.5 * sites


def test_a_supply_that_runs_out():
    """The iodonium reaction takes up the charge of the chloride to rounding; then nothing is left to react."""
    network = iodine_network(D=1e-12, D_supply=1e-10, sites=18e3, supply=6e3, i00=10.0, side_reactions=False)
    problem = laminate(network, (3, 3), 0.5e-9, cross_section=1e-18)
    start = {"I-": 0.3, "I0": 0.7 - 1e-15, "ICl": 1e-15, "Cl-": 1.0, "Cl0": 1e-15}
    u = composed(problem, start, 3.2)
    before = contents(problem, u)
    current = before["Cl-"] / 3600.0
    found = list(frames(problem, u, [Piece(CurrentControl(-current), np.inf, (above(4.7),))], scale=current))
    after, last = contents(problem, found[-1].evaluation.u), found[-1]
    assert last.event == "upper"
    assert before["Cl-"] < before["I0"]
    assert after["ICl"] == pytest.approx(before["Cl-"], rel=1e-9)
    assert -last.charge == pytest.approx(before["I-"] + before["Cl-"], rel=1e-9)
    # Half-way along it is U = U⁰ + (RT/F) ln(y(ICl)/(y(I0) y(Cl⁻))), and at the end the voltage leaves.
    charge = np.array([-f.charge for f in found])
    half = charge - before["I-"] - 0.5 * before["Cl-"]
    middle = found[int(np.argmin(np.abs(half)))]
    y = fractions(problem, middle.evaluation.u)
    nernst = IODONIUM + THERMAL * np.log(y["ICl"] / (y["I0"] * y["Cl-"]))
    assert middle.evaluation.voltage == pytest.approx(nernst, abs=1e-3)
    late = np.array([f.evaluation.voltage for f in found])[charge > charge[-1] * (1.0 - 1e-6)]
    assert late[-1] - late[0] > 0.3


def test_hysteresis_follows_the_turnover():
    """h = 1 − (1 − h₀)·exp(−q/span) on charge and decays on discharge; between the branches lies the width."""
    span, width = 0.05, 0.3
    network = iodine_network(D=1e-10, hysteresis=Hysteresis(width, span), i00=1e4, side_reactions=False)
    problem = laminate(network, (1, 1), 0.5e-9, cross_section=1e-18)
    u = composed(problem, {"I-": 0.8, "I0": 0.2 - 1e-12, "ICl": 1e-12, "Cl-": 1.0, "Cl0": 1e-12}, 3.0)
    sites = problem.capacity[problem.stores[-1].at].sum()
    pieces = [Piece(CurrentControl(s * sites / 3600.0), 1080.0) for s in (-1.0, 1.0)]
    settings = tight(1e-6)
    charged, curve = None, {1: [], -1: []}
    for frame in frames(problem, u, pieces, scale=sites / 3600.0, settings=settings):
        y, q = fractions(problem, frame.evaluation.u), -frame.charge / sites
        if frame.time_step == 0.0:
            begin, charging = (q, charged is None)
            charged = y["branch iodide"]
            continue
        h = 1.0 - (1.0 - charged) * np.exp(-(q - begin) / span) if charging else charged * np.exp((q - begin) / span)
        assert y["branch iodide"] == pytest.approx(h, abs=5e-5)
        curve[1 if charging else -1].append((y["I-"], frame.evaluation.voltage))
    up, down = (np.array(sorted(curve[sign])).T for sign in (1, -1))
    gap = np.interp(0.65, *up) - np.interp(0.65, *down)
    assert gap == pytest.approx(width, abs=0.03)


# ------------------------------------------------------------------ voltammetry

U0, SITES, L = 3.8, 4e4, 1e-7
K = 1e-2  # 1/s


@pytest.mark.parametrize("alpha", [0.5, 0.4])
def test_laviron(alpha):
    """Reversible peaks of F²Γv/4RT at U⁰; irreversible ones of αF²Γv/eRT at U⁰ + (RT/αF)·ln(αFv/(RTk)).

    Laviron 1979 (doi:10.1016/S0022-0728(79)80075-3), with k = i00/(FΓ); the cathodic peak has 1 − α in place of α.
    """
    gamma = SITES * L
    network = couple_network(U0=U0, i00=K * F * gamma, sites=SITES, D=1e-8, rate=ButlerVolmer(alpha))
    problem = laminate(network, (1, 1), L)
    edge = 0.55
    for rate, reversible in ((1e-5, True), (0.5, False)):
        span, unit = 2.0 * edge / rate, F * gamma * rate / THERMAL
        oxidised = 1.0 / (1.0 + np.exp(edge / THERMAL))
        u = composed(problem, {"O": oxidised, "R": 1.0 - oxidised}, U0 - edge)
        pieces = [Piece(SweepControl(U0 - edge, rate, 0.0), span), Piece(SweepControl(U0 + edge, -rate, span), span)]
        points = np.array(
            [
                (f.time_step, f.evaluation.voltage, -f.evaluation.current)
                for f in frames(problem, u, pieces, scale=1e-3 * unit, settings=tight(1e-5))
            ]
        )
        turn = np.flatnonzero(points[:, 0] == 0.0)[1]
        (_, up, i_up), (_, down, i_down) = points[:turn].T, points[turn:].T
        anodic, cathodic = current_peaks(up, i_up, anodic=True)[0], current_peaks(down, i_down, anodic=False)[0]
        for peak, sign, a in ((anodic, 1.0, alpha), (cathodic, -1.0, 1.0 - alpha)):
            if reversible:
                assert sign * peak.current_density == pytest.approx(0.25 * unit, rel=5e-3)
                assert peak.voltage == pytest.approx(U0, abs=3e-3)
            else:
                away = THERMAL / a * np.log(a * rate / (THERMAL * K))
                assert sign * peak.current_density == pytest.approx(a * unit / np.e, rel=5e-3)
                assert peak.voltage - U0 == pytest.approx(sign * away, abs=2e-3)


# ------------------------------------------------------------------ a shell fed by diffusion


def shell(n: int, depth: float, D: float, supply: float) -> Cathode:
    """Return iodine without limits of its own on a slab of electrolyte of this depth, whose chloride diffuses."""
    network = iodine_network(D=1.0, D_supply=D, sites=1e4 * supply, supply=supply, i00=1e6, side_reactions=False)
    return laminate(network, (n, 1), depth / n)


def potentiostatic(problem: Cathode, end: float, tolerance: float):
    """Return time, current density and charge density at a potential at which no chloride stays at the surface."""
    start = {"I-": 1e-12, "I0": 1.0 - 2e-12, "ICl": 1e-12, "Cl-": 1.0, "Cl0": 1e-12}
    u = composed(problem, start, 4.6)
    pieces = [Piece(VoltageControl(4.6), end)]
    scale = 1e-3 * F * 1e4 * 1e-14 / 1e-7
    found = list(frames(problem, u, pieces, scale=scale, settings=tight(tolerance)))
    return np.array([(f.t, -f.evaluation.current, -f.charge) for f in found]).T, found[-1]


DEPTH, D_CL, SUPPLY = 1e-7, 1e-15, 2e4
TAU = DEPTH**2 / D_CL


def test_a_shell_grows_with_the_root_of_time():
    """i = F c √(D/πt) until the depth is felt, later that of a slab, Σ exp(−(k + ½)²π²Dt/L²)."""
    problem = shell(100, DEPTH, D_CL, SUPPLY)
    (t, i, charge), last = potentiostatic(problem, 0.5 * TAU, 1e-5)
    cottrell = F * SUPPLY * np.sqrt(D_CL / np.pi)
    free = (t > 2e-3 * TAU) & (t < 0.08 * TAU)
    assert free.sum() > 10
    np.testing.assert_allclose(i[free] * np.sqrt(t[free]), cottrell, rtol=0.01)
    np.testing.assert_allclose(charge[free] / np.sqrt(t[free]), 2.0 * cottrell, rtol=0.01)
    k = np.arange(60)[:, None] + 0.5
    series = 2.0 * F * SUPPLY * D_CL / DEPTH * np.exp(-((k * np.pi) ** 2) * t[1:] / TAU).sum(axis=0)
    late = t[1:] > 2e-3 * TAU
    np.testing.assert_allclose(i[1:][late], series[late], rtol=0.005)
    grown = contents(problem, last.evaluation.u)["ICl"]
    assert grown == pytest.approx(charge[-1], rel=1e-6)
    root = np.polyfit(np.log(t[free]), np.log(charge[free]), 1)[0]
    assert root == pytest.approx(0.5, abs=2e-3)


def test_the_shell_converges_at_second_order():
    sizes, errors = [10, 20, 40], []
    k = np.arange(60) + 0.5
    end = 0.05 * TAU
    spent = 2.0 * F * SUPPLY * DEPTH * np.sum((1.0 - np.exp(-((k * np.pi) ** 2) * end / TAU)) / (k * np.pi) ** 2)
    tail = F * SUPPLY * DEPTH - 2.0 * F * SUPPLY * DEPTH * np.sum(1.0 / (k * np.pi) ** 2)
    for n in sizes:
        (_, _, charge), _ = potentiostatic(shell(n, DEPTH, D_CL, SUPPLY), end, 1e-6)
        errors.append(abs(charge[-1] - spent - tail))
    assert observed_order(sizes, errors) == pytest.approx(-2.0, abs=0.2)


# ------------------------------------------------------------------ at rest


def test_comproportionation_at_rest():
    """I⁻ + ICl → 2 I⁰ + Cl⁻ until both reactions have one potential, without a current from outside."""
    network = iodine_network(D=1e-16, D_supply=1e-14, i00=1.0, side_reactions=False)
    problem = laminate(network, (3, 4), 0.5e-9, cross_section=1e-18, sigma=(0.02, 10.0))
    u = composed(problem, {"I-": 0.5, "I0": 0.2, "ICl": 0.3, "Cl-": 0.4, "Cl0": 1e-12}, 3.4)
    before = contents(problem, u)
    found = list(frames(problem, u, [Piece(CurrentControl(0.0), 1e5)], scale=1e-20, settings=tight(1e-5)))
    at = found[-1].evaluation
    after, y = contents(problem, at.u), fractions(problem, at.u)
    sites = sum(before[name] for name in ("I-", "I0", "ICl"))
    turned = before["I-"] - after["I-"]
    assert turned > 0.29 * sites
    assert before["ICl"] - after["ICl"] == pytest.approx(turned, rel=1e-8)
    assert after["I0"] - before["I0"] == pytest.approx(2.0 * turned, rel=1e-8)
    assert after["Cl-"] - before["Cl-"] == pytest.approx(turned, rel=1e-8)
    first = IODIDE + THERMAL * np.log(y["I0"] / y["I-"])
    second = IODONIUM + THERMAL * np.log(y["ICl"] / (y["I0"] * y["Cl-"]))
    assert first == pytest.approx(second, abs=1e-5)
    assert at.voltage == pytest.approx(first, abs=1e-5)


# ------------------------------------------------------------------ impedance


def spectrum(problem: Cathode, u, frequencies) -> np.ndarray:
    """Return Z at every frequency; the parts must sum to it."""
    at = problem.evaluate(u)
    out = []
    for response in Impedance(problem, at, DirectSolver()).spectrum(frequencies):
        assert sum(response.parts.values()) == pytest.approx(response.impedance, rel=1e-6)
        out.append(response.impedance)
    return np.array(out)


def test_randles_circuit_of_a_couple():
    """R + 1/(iωC + 1/(R_ct + Z_W)) with R_ct = RT/(F i0) and i0 = i00·√(y_R y_O); to the blocking tail of the slab."""
    n, depth, D, C, i00, y, film = 20, 1e-6, 1e-13, 0.2, 3.0, 0.3, 2e-3
    network = couple_network(U0=U0, i00=i00, sites=SITES, D=D)
    problem = laminate(network, (4, n), depth / n, sigma=(0.05, 2.0), film_resistance=film, double_layer=DoubleLayer(C))
    u = composed(problem, {"R": y, "O": 1.0 - y}, U0 + THERMAL * np.log((1.0 - y) / y))
    f = np.geomspace(1e-4, 1e6, 41)
    omega = 2.0 * np.pi * f
    root = np.sqrt(1j * omega * depth**2 / D)
    # A change of y_O by δ is one of y_R by −δ: dU/dδ = (RT/F)·(1/y_O + 1/y_R).
    slope = THERMAL / (y * (1.0 - y))
    warburg = slope * depth / (F * SITES * D) / (root * np.tanh(root))
    transfer = THERMAL / (i00 * np.sqrt(y * (1.0 - y)))
    ohmic = 4.0 * depth / n / 0.05 + depth / 2.0 + film
    exact = ohmic + 1.0 / (1j * omega * C + 1.0 / (transfer + warburg))
    Z = spectrum(problem, u, f)
    assert np.abs(Z / exact - 1.0).max() < 1e-3
    assert Z[-1] == pytest.approx(ohmic, rel=1e-3)
    assert Z[0].imag * omega[0] == pytest.approx(-slope / (F * SITES * depth + C * slope), rel=1e-3)


def test_two_reactions_conduct_side_by_side():
    """At equilibrium 1/R_ct = F(i0₁ + i0₂)/RT, with stores so large and fast that nothing else is seen."""
    y_first, y_second = {"I-": 1e-3, "I0": 0.9}, {"ICl": 0.099}
    i00, C = 20.0, 0.3
    network = iodine_network(D=1.0, D_supply=1.0, sites=1e12, supply=1e12, i00=i00, side_reactions=False)
    first = IODIDE + THERMAL * np.log(y_first["I0"] / y_first["I-"])
    chloride = y_second["ICl"] / y_first["I0"] * np.exp((IODONIUM - first) / THERMAL)
    problem = laminate(network, (1, 1), 1e-6, double_layer=DoubleLayer(C))
    u = composed(problem, {**y_first, **y_second, "Cl-": chloride, "Cl0": 1e-12}, first)
    i0 = i00 * (np.sqrt(1e-3 * 0.9) + np.sqrt(0.9 * chloride * 0.099))
    f = np.geomspace(1.0, 1e6, 15)
    exact = 1.0 / (2j * np.pi * f * C + i0 / THERMAL)
    np.testing.assert_allclose(spectrum(problem, u, f), exact, rtol=1e-5)


def test_parts_of_a_polarised_iodine_cathode_sum_to_its_impedance():
    """With every reaction at work, hysteresis, film and double layer; at high frequencies the resistances alone."""
    network = iodine_network(hysteresis=Hysteresis(0.2, 0.05), i00=0.5)
    problem = laminate(
        network,
        (4, 4),
        0.5e-9,
        sigma=(0.02, 10.0),
        cross_section=1e-18,
        film_resistance=1e-3,
        double_layer=DoubleLayer(0.1),
    )
    start = {"I-": 0.3, "I0": 0.4, "ICl": 0.3, "Cl-": 0.6, "Cl0": 0.1, "In3+": 0.9, "In2+": 0.1}
    u = composed(problem, start, 3.3)
    (first, *_) = frames(problem, u, [Piece(CurrentControl(-1e-18), 1e-6)], scale=1e-18)
    Z = spectrum(problem, first.evaluation.u, np.geomspace(1e-3, 1e9, 13))
    assert np.all(np.isfinite(Z))
    ohmic = 4 * 0.5e-9 / 0.02 + 4 * 0.5e-9 / 10.0 + 1e-3
    assert Z[-1] == pytest.approx(ohmic, rel=1e-2)
    assert Z[0].real > 0.0
