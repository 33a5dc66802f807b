"""One spherical particle under constant current and CC–CV against Crank, and the moments at which steps end.

Crank, *The Mathematics of Diffusion*, ch. 6; times in units of a²/D, site fractions relative to the start.
"""

import numpy as np
import pytest
from builders import cell_parameters, host_phase, laminate_graph, observed_order, sphere_graph, straight
from scipy.optimize import brentq

from catholyte.experiment import AllOf, AnyOf, Limit, Moment, Scales, margin
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.physics.constants import F
from catholyte.physics.kinetics import ConstantExchange
from catholyte.solve.events import Event
from catholyte.solve.frames import Settings
from catholyte.solve.linear import DirectSolver
from catholyte.solve.transient import Integrator

RADIUS, D, C_MAX, X0 = 3e-6, 1e-14, 5e4, 0.4
TIME = RADIUS**2 / D
SURFACE = 4.0 * np.pi * RADIUS**2
#: roots of tan β = β
ROOTS = np.array(
    [brentq(lambda b: np.sin(b) - b * np.cos(b), (k + 0.01) * np.pi, (k + 0.5) * np.pi) for k in range(1, 60)]
)
RATE = 0.15  # surface flux over D·c_max/a


def surface_under_flux(tau):
    return RATE * (3.0 * tau + 0.2 - 2.0 * np.sum(np.exp(-(ROOTS**2) * tau) / ROOTS**2))


def profile_under_flux(rho, tau):
    r = np.asarray(rho)[:, None]
    wave = np.sin(ROOTS * r) / (ROOTS**2 * np.sin(ROOTS)) * np.exp(-(ROOTS**2) * tau)
    return RATE * (3.0 * tau + 0.5 * r[:, 0] ** 2 - 0.3 - 2.0 / r[:, 0] * wave.sum(axis=1))


def particle(n: int) -> Cathode:
    """Host with U = 4 V − x in shells; nothing but diffusion costs voltage."""
    host = host_phase(straight(), c_max=C_MAX, D=D, sigma=1e8)
    return Cathode(sphere_graph(n, RADIUS), cell_parameters(host, sigma_i=1e8, i0=ConstantExchange(1e8)))


CURRENT = RATE * F * C_MAX * D / RADIUS * SURFACE


def integrate(problem, pieces, tolerance=1e-7):
    """Carry (control, end after, events) out one after the other from x = X0; return the frames of every piece."""
    settings = Settings(x_tolerance=tolerance, voltage_tolerance=tolerance, current_tolerance=1e-5, order=5)
    integrator = Integrator(problem, DirectSolver(), 1e-3 * CURRENT, settings)
    u = np.zeros(problem.size)
    u[problem.n_phi : -1], u[-1] = X0, 4.0 - X0
    t, charge, out = 0.0, 0.0, []
    for control, length, events in pieces:
        first, progress = integrator.begin(t, u, control, charge, CURRENT)
        stream = integrator.integrate(progress, control, events, end=t + length, last=first.evaluation)
        out.append([first, *(frame for frame, _ in stream)])
        t, u, charge = out[-1][-1].t, out[-1][-1].evaluation.u, out[-1][-1].charge
    return out


def test_sphere_under_constant_current():
    sizes, errors = [10, 20, 40], []
    for n in sizes:
        ((*_, last),) = integrate(particle(n), [(CurrentControl(CURRENT), 0.2 * TIME, [])])
        errors.append(abs(4.0 - last.evaluation.voltage - X0 - surface_under_flux(0.2)))
    assert -observed_order(sizes, errors) > 1.9
    assert errors[-1] < 3e-4 * RATE


def test_sphere_under_constant_current_and_then_voltage():
    """The moment of the switch, the current of the hold, and the charge at its end."""
    at_switch = 0.12
    switch = brentq(lambda tau: surface_under_flux(tau) - at_switch, 1e-4, 1.0)
    rho = (np.arange(4000) + 0.5) / 4000
    k = np.arange(1, 60)
    missing = rho * (at_switch - profile_under_flux(rho, switch))
    weights = 2.0 * np.array([np.mean(missing * np.sin(n * np.pi * rho)) for n in k])

    def current_of_hold(tau):  # over F·c_max·D/a·4πa²: the gradient at the surface
        return -np.sum(weights * k * np.pi * (-1.0) ** k * np.exp(-((k * np.pi) ** 2) * tau))

    cut_off = Event("cut-off", lambda now: 1e6 * (now.voltage - (4.0 - X0 - at_switch)))
    sizes, moments, currents, charges = [10, 20, 40], [], [], []
    for n in sizes:
        pieces = [
            (CurrentControl(CURRENT), TIME, [cut_off]),
            (VoltageControl(4.0 - X0 - at_switch), 0.1 * TIME, []),
        ]
        charging, holding = integrate(particle(n), pieces)
        moments.append(abs(charging[-1].t / TIME - switch))
        flowing = [abs(f.evaluation.current / CURRENT * RATE - current_of_hold((f.t - charging[-1].t) / TIME))
                   for f in holding if f.t > charging[-1].t + 0.02 * TIME]  # fmt: skip
        currents.append(max(flowing))
        left = np.sum(weights * -((-1.0) ** k) / (k * np.pi) * np.exp(-((k * np.pi) ** 2) * 0.1)) * 3.0
        charges.append(abs(holding[-1].charge / float(particle(n).capacity.sum()) - (at_switch - left)))
    for errors in (moments, currents, charges):
        assert -observed_order(sizes, errors) > 1.8
    assert moments[-1] < 1e-3 * switch
    assert charges[-1] < 1e-3 * at_switch


# ------------------------------------------------------------------ moments


SCALES = Scales(1.0, 1.0, 1.0)


def store() -> Cathode:
    """Lithium that is everywhere the same, so that V falls in proportion to the charge: one square metre."""
    graph = laminate_graph([("electrolyte", 1), ("active", 1)], (1e-6, 1.0, 1.0))
    host = host_phase(straight(), c_max=C_MAX, D=1.0, sigma=1e6)
    return Cathode(graph, cell_parameters(host, sigma_i=1e6, i0=ConstantExchange(2.0)))


def now(instant) -> Moment:
    return Moment(instant.t, instant.voltage, instant.current, instant.charge, 298.15, 0.0, abs(instant.voltage_rate))


CAPACITY = F * C_MAX * 1e-6  # A s per volt
DROP = 8.314462618 * 298.15 / F / 2.0  # of charge transfer at 1 A/m²
VOLTAGE = (Limit("voltage", 3.35, True), (0.25 - DROP) * CAPACITY)
CHARGE = (Limit("time", 1000.0, False), 1000.0)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        VOLTAGE,
        CHARGE,
        (AnyOf((VOLTAGE[0], CHARGE[0])), min(VOLTAGE[1], CHARGE[1])),
        (AllOf((VOLTAGE[0], CHARGE[0])), max(VOLTAGE[1], CHARGE[1])),
        (AllOf((Limit("voltage", 3.5, True), AnyOf((VOLTAGE[0], Limit("time", 1100.0, False))))), 1100.0),
    ],
    ids=["voltage", "time", "or", "and", "nested"],
)
def test_moments_are_met_to_a_millionth_of_the_step(rule, expected):
    """V = 3.6 V − η − t·i/C is integrated exactly, so the moment is known to rounding."""
    problem = store()
    began = Moment(0.0, 3.6, 0.0, 0.0, 298.15, 0.0, np.nan)
    event = Event("rule", lambda instant: margin(rule, now(instant), began, SCALES))
    integrator = Integrator(problem, DirectSolver(), 1e-3, Settings())
    u = np.zeros(problem.size)
    u[problem.n_phi : -1], u[-1] = X0, 3.6
    control = CurrentControl(1.0)
    first, progress = integrator.begin(0.0, u, control, 0.0, 1.0)
    *_, (last, _) = integrator.integrate(progress, control, [event], end=1e5, last=first.evaluation)
    assert last.event == "rule"
    assert last.t == pytest.approx(expected, abs=max(1e-6 * last.time_step, 1e-6 * CAPACITY))


def test_a_voltage_that_stands_still_is_noticed_in_time():
    """A relaxing particle: |dV/dt| at the end of the step is the limit, to the accuracy of the difference formula."""
    problem, limit = particle(20), 2e-6
    pieces = [(CurrentControl(CURRENT), 0.05 * TIME, [])]
    settings = Settings(x_tolerance=1e-7, voltage_tolerance=1e-7, order=4)
    ((*_, loaded),) = integrate(problem, pieces)
    integrator = Integrator(problem, DirectSolver(), 1e-3 * CURRENT, settings)
    rest = CurrentControl(0.0)
    event = Event("still", lambda i: np.inf if np.isnan(i.voltage_rate) else 1e6 * (abs(i.voltage_rate) / limit - 1.0))
    first, progress = integrator.begin(loaded.t, loaded.evaluation.u, rest, loaded.charge, 0.0)
    run = [f for f, _ in integrator.integrate(progress, rest, [event], end=loaded.t + TIME, last=first.evaluation)]
    assert run[-1].event == "still"
    # The same relaxation without the rule: its slope at that moment.
    end = run[-1].t
    free = [f for f, _ in integrator.integrate(progress, rest, [], end=end + 1.0, last=first.evaluation)]
    slope = (free[-1].evaluation.voltage - run[-1].evaluation.voltage) / (free[-1].t - end)
    assert slope == pytest.approx(limit, rel=2e-2)
