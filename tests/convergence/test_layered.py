"""A layered electrode against closed forms: particles of three shapes, and Newman's porous electrode.

Constant flux at the surface of a particle, Crank, *The Mathematics of Diffusion* (2nd ed.), eqs. 4.55, 5.45 and 6.45:
with the inward flux j, radius R and τ = D t/R² the concentration is, once the transients have died away,

    c − c₀ = (j R/D)·[n τ + r²/(2 R²) − n/(2(n + 2))],     n = 1, 2, 3 for slab, cylinder and sphere.

Constant concentration at the surface of a sphere: eqs. 6.18 and 6.20. Early times: Cottrell.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import THERMAL, T, host_phase, observed_order, straight, uniform_state

from catholyte.mesh.layers import Domains, layered_graph
from catholyte.mesh.shells import SizeClass
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.parameters import CellParameters, Interface, Phase
from catholyte.physics.constants import F
from catholyte.physics.kinetics import ConstantExchange, Linear
from catholyte.solve.frames import Settings
from catholyte.solve.linear import linear_solver
from catholyte.solve.transient import Integrator

C_MAX, D, RADIUS = 5e4, 1e-14, 1e-6
TIME = RADIUS * RADIUS / D
X0, LENGTH = 0.4, 50e-6
NUMBER = {"slab": 1, "cylinder": 2, "sphere": 3}


def electrode(count=1, shells=8, shape="sphere", widths="graded", sizes=None, **given):
    """Return a layered electrode with U = 4 V − x; apart from diffusion nothing costs anything unless it is given."""
    domains = Domains(
        "active",
        "electrolyte",
        given.pop("volume_share", 0.5),
        0.3,
        sizes or (SizeClass(2.0 * RADIUS, 1.0),),
        shape,
        shells,
        1,
        widths,
    )
    separator = given.pop("separator", 0.0)
    graph, places = layered_graph(count, LENGTH, domains, separator=separator)
    host = host_phase(given.pop("U", straight()), c_max=C_MAX, D=given.pop("D", D), sigma=np.inf)
    phases = {
        "electrons": Phase("conductor", given.pop("sigma_e", 1e9)),
        "ions": Phase("electrolyte", given.pop("sigma_i", 1e9)),
        "active": host,
        "electrolyte": Phase("electrolyte", np.inf),
        "separator": Phase("electrolyte", given.pop("sigma_separator", 1e9)),
    }
    interface = Interface(Linear(), ConstantExchange(given.pop("i0", 1e7)))
    assert not given
    cell = CellParameters(phases, {frozenset(("active", "electrolyte")): interface}, 1.0, T)
    return Cathode(graph, cell), places


def run(problem, control, end, *, tolerance, current):
    settings = Settings(x_tolerance=tolerance, voltage_tolerance=tolerance, order=5)
    integrator = Integrator(problem, linear_solver(problem.size), 1e-4 * problem.capacity.sum() / TIME, settings)
    start, progress = integrator.begin(0.0, uniform_state(problem, X0, 4.0 - X0), control, 0.0, current)
    stream = integrator.integrate(progress, control, [], end=end, last=start.evaluation)
    return [start, *(frame for frame, _ in stream)]


def weighted_error(problem, x, exact):
    weight = problem.capacity / problem.capacity.sum()
    return float(np.sqrt(weight @ (x - exact) ** 2))


@pytest.mark.parametrize("shape", NUMBER)
@pytest.mark.parametrize("widths", ["graded", "even"])
def test_constant_flux(shape, widths):
    """Concentration in the shells and at the surface are of second order in the number of shells."""
    n, rate, tau = NUMBER[shape], 0.05, 0.8
    sizes, errors, surface = [6, 12, 24], [], []
    for shells in sizes:
        problem, places = electrode(shells=shells, shape=shape, widths=widths)
        current = n * rate * problem.capacity.sum() / TIME
        last = run(problem, CurrentControl(current), tau * TIME, tolerance=1e-7, current=current)[-1]
        r = places.radius[problem.active_cells] / RADIUS
        exact = X0 + rate * (n * tau + 0.5 * r**2 - 0.5 * n / (n + 2.0))
        errors.append(weighted_error(problem, problem.split(last.evaluation.u)[1], exact))
        at_surface = X0 + rate * (n * tau + 0.5 - 0.5 * n / (n + 2.0))
        surface.append(abs(4.0 - last.evaluation.voltage - at_surface))
        assert last.charge == pytest.approx(current * tau * TIME, rel=1e-8)
    assert -observed_order(sizes, errors) > 1.8
    assert -observed_order(sizes, surface) > 1.8
    assert errors[-1] < 2e-3 * rate
    assert surface[-1] < 2e-3 * rate


@pytest.mark.parametrize("widths", ["graded", "even"])
def test_constant_surface_concentration_of_a_sphere(widths):
    step, tau = 0.2, 0.05
    k = np.arange(1, 100)
    exact = 1.0 - 6.0 / np.pi**2 * float(np.sum(np.exp(-((k * np.pi) ** 2) * tau) / k**2))
    sizes, errors = [8, 16, 32], []
    for shells in sizes:
        problem, _ = electrode(shells=shells, widths=widths)
        group = problem.reacting[0]
        inrush = float(np.sum(group.area / group.depletion)) * step
        last = run(problem, VoltageControl(4.0 - X0 - step), tau * TIME, tolerance=1e-7, current=inrush)[-1]
        taken = float(problem.capacity @ (problem.split(last.evaluation.u)[1] - X0)) / problem.capacity.sum()
        errors.append(abs(taken / step / exact - 1.0))
    assert -observed_order(sizes, errors) > 1.8
    assert errors[-1] < 2e-3


def test_cottrell():
    """i √t = F c_max Δx √(D/π) an area of the surface, while the layer is thin; a sphere adds F c_max Δx D/R."""
    step, shells = 0.1, 160
    problem, _ = electrode(shells=shells)
    group = problem.reacting[0]
    inrush = float(np.sum(group.area / group.depletion)) * step
    frames = run(problem, VoltageControl(4.0 - X0 - step), 0.02 * TIME, tolerance=1e-5, current=inrush)
    t = np.array([frame.t for frame in frames])
    i = np.array([frame.evaluation.current for frame in frames]) / group.area.sum()
    late = t > 2e-3 * TIME
    exact = F * C_MAX * step * (np.sqrt(D / np.pi / t[late]) - D / RADIUS)
    assert np.count_nonzero(late) > 5
    np.testing.assert_allclose(i[late], exact, rtol=5e-3)


def test_classes_of_sizes_fill_by_their_own_radius():
    """At one surface concentration particles of either size take up what they do alone."""
    step, end = 0.2, 0.05 * TIME
    k = np.arange(1, 200)
    classes = (SizeClass(2.0 * RADIUS, 0.3), SizeClass(4.0 * RADIUS, 0.7))
    problem, places = electrode(shells=40, sizes=classes)
    group = problem.reacting[0]
    inrush = float(np.sum(group.area / group.depletion)) * step
    last = run(problem, VoltageControl(4.0 - X0 - step), end, tolerance=1e-6, current=inrush)[-1]
    x = problem.split(last.evaluation.u)[1]
    for number, size in enumerate(classes):
        of_class = places.size_class[problem.active_cells] == number
        share = problem.capacity[of_class].sum() / problem.capacity.sum()
        assert share == pytest.approx(size.share)
        tau = D * end / (0.5 * size.diameter) ** 2
        exact = 1.0 - 6.0 / np.pi**2 * float(np.sum(np.exp(-((k * np.pi) ** 2) * tau) / k**2))
        taken = problem.capacity[of_class] @ (x[of_class] - X0) / problem.capacity[of_class].sum()
        assert taken / step == pytest.approx(exact, rel=2e-3)


def newman(K, S, nu, z):
    """Resistance times area over thickness, and local over mean reaction, of the electrode of ``test_newman.py``."""
    total = 1.0 / (K + S) * (1.0 + (2.0 + (S / K + K / S) * np.cosh(nu)) / (nu * np.sinh(nu)))
    return total, nu / (K + S) * (S * np.cosh(nu * (1.0 - z)) + K * np.cosh(nu * z)) / np.sinh(nu)


@pytest.mark.parametrize(
    ("sigma_e", "sigma_i", "nu"), [(1.0, 1.0, 2.0), (10.0, 0.5, 3.0), (0.05, 2.0, 1.0), (100.0, 0.01, 5.0)]
)
def test_porous_electrode_of_newman(sigma_e, sigma_i, nu):
    """Linear kinetics and two finite conductivities behind a separator; particles that stay as they are."""
    share, U0, separator = 0.5, 3.8, (20e-6, 0.1)
    area = 3.0 / RADIUS * share  # of the surface per volume
    i0 = THERMAL * nu**2 / LENGTH**2 / (1.0 / sigma_i + 1.0 / sigma_e) / area
    sizes, total, local = [8, 16, 32, 64], [], []
    for count in sizes:
        problem, places = electrode(
            count,
            shells=2,
            volume_share=share,
            U=straight(U0, 0.0),
            i0=i0,
            sigma_e=sigma_e,
            sigma_i=sigma_i,
            separator=separator[0],
            sigma_separator=separator[1],
        )
        z = (np.arange(count) + 0.5) / count
        exact, reaction = newman(sigma_i, sigma_e, nu, z)
        resistance = exact * LENGTH + separator[0] / separator[1]
        current = 1e-3 / resistance
        integrator = Integrator(problem, linear_solver(problem.size), current, Settings(balance=1e-12))
        control = CurrentControl(current)
        at = integrator.consistent(uniform_state(problem, 0.5, U0), control, current=current).evaluation
        total.append(abs((U0 - at.voltage) / current / resistance - 1.0))
        group = problem.reacting[0]
        order = np.argsort(places.depth[problem.graph.cell_a[group.face]])
        spread = -(group.area * at.faces[0].faradaic.i)[order] * count / current
        local.append(float(np.max(np.abs(spread - reaction))) / reaction.max())
    assert -observed_order(sizes[1:], total[1:]) > 1.9
    assert -observed_order(sizes[1:], local[1:]) > 1.9
    assert total[-1] < 3e-3
    assert local[-1] < 3e-3


def test_slabs_before_their_transients_have_died_away():
    """The series of Crank for the surface of a slab, eq. 4.55."""
    problem, _ = electrode(shells=60, shape="slab")
    area = float(problem.reacting[0].area.sum())
    assert area * RADIUS == pytest.approx(0.5 * LENGTH)
    rate, tau = 0.1, 0.2
    current = rate * problem.capacity.sum() / TIME
    last = run(problem, CurrentControl(current), tau * TIME, tolerance=1e-7, current=current)[-1]
    k = np.arange(1, 200)
    exact = tau + 1.0 / 3.0 - 2.0 / np.pi**2 * float(np.sum(np.exp(-((k * np.pi) ** 2) * tau) / k**2))
    assert (4.0 - last.evaluation.voltage - X0) / rate == pytest.approx(exact, rel=3e-4)
