"""Diffusion in slabs and spheres against the series of Crank, *The Mathematics of Diffusion* (2nd ed.).

Slab with constant flux: eq. 4.55; slab with constant surface concentration: eqs. 4.17 and 4.18; sphere with
constant flux: eq. 6.45; sphere with constant surface concentration: eqs. 6.18 and 6.20; Cottrell's i √t: eqs.
3.13 to 3.15 for a semi-infinite medium. All other resistances are so small that the terminal voltage is the
equilibrium potential of the surface.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import cell_parameters, host_phase, laminate_graph, observed_order, straight, uniform_state
from scipy.optimize import brentq

from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.physics.constants import F
from catholyte.physics.kinetics import ConstantExchange
from catholyte.physics.transport import Diffusion, MixedConduction, Uniform
from catholyte.solve.frames import Settings
from catholyte.solve.linear import linear_solver
from catholyte.solve.transient import Integrator

C_MAX, D, SIZE = 5e4, 1e-14, 1e-6
TIME = SIZE * SIZE / D
X0 = 0.4


def cathode(graph, cross_section, transport=None) -> Cathode:
    """Host with U = 4 V − x, all else of negligible resistance."""
    host = host_phase(straight(), c_max=C_MAX, D=D, sigma=1e6, transport=transport)
    return Cathode(graph, cell_parameters(host, sigma_i=1e6, i0=ConstantExchange(1e7), cross_section=cross_section))


def inrush(problem, step):
    """Return the current in A right after a ``step`` of the surface: half a cell is in its way."""
    group = problem.reacting[0]
    # With dU/dx = −1 V a drop of site fraction and a drop of potential weigh alike.
    inner = 0.0 if group.mixed is None else group.near / group.mixed.sigma_i(X0, problem.cell.temperature)
    return float(np.sum(group.area / (group.depletion + inner))) * step


def run(problem, control, end, *, tolerance, current):
    """Integrate from the uniform state x = X0 and return the frames."""
    settings = Settings(x_tolerance=tolerance, voltage_tolerance=tolerance, order=5)
    integrator = Integrator(problem, linear_solver(problem.size), 1e-4 * problem.capacity.sum() / TIME, settings)
    start, progress = integrator.begin(0.0, uniform_state(problem, X0, 4.0 - X0), control, 0.0, current)

    stream = integrator.integrate(progress, control, [], end=end, last=start.evaluation)
    return [start, *(frame for frame, _ in stream)]


def slab(n: int, transport=None) -> Cathode:
    graph = laminate_graph([("electrolyte", 1), ("active", n)], (SIZE / n, 1e-3, 1e-3))
    return cathode(graph, 1e-6, transport)


def lithium(problem, frame):
    return frame.evaluation.u[problem.n_phi : -1]


def depth(n: int):
    """Distance of the cell centres from the sealed end over the thickness."""
    return 1.0 - (np.arange(n) + 0.5) / n


def slab_flux_series(z, tau):
    k = np.arange(1, 200)[:, None]
    wave = (-1.0) ** k / k**2 * np.exp(-((k * np.pi) ** 2) * tau) * np.cos(k * np.pi * z)
    return tau + (3.0 * z**2 - 1.0) / 6.0 - 2.0 / np.pi**2 * wave.sum(axis=0)


def test_slab_with_constant_flux():
    rate = 0.1  # mean x taken up per diffusion time
    sizes, errors, surface = [8, 16, 32], [], []
    for n in sizes:
        problem = slab(n)
        current = rate * problem.capacity.sum() / TIME
        last = run(problem, CurrentControl(current), 0.2 * TIME, tolerance=1e-7, current=current)[-1]
        exact = X0 + rate * slab_flux_series(depth(n), 0.2)
        errors.append(float(np.sqrt(np.mean((lithium(problem, last) - exact) ** 2))))
        at_surface = X0 + rate * float(slab_flux_series(np.array([1.0]), 0.2)[0])
        surface.append(abs(4.0 - last.evaluation.voltage - at_surface))
        assert last.charge == pytest.approx(current * 0.2 * TIME, rel=1e-8)
    assert -observed_order(sizes, errors) > 1.9
    assert -observed_order(sizes, surface) > 1.9
    assert errors[-1] < 1e-5


MOBILE_ELECTRONS = MixedConduction(Uniform(1e6), Uniform(F * C_MAX * D), straight())


@pytest.mark.parametrize("transport", [Diffusion(D, C_MAX), MOBILE_ELECTRONS])
def test_slab_with_constant_potential(transport):
    """With mobile electrons a mixed conductor of U = 4 V − x has D = (σ_i/F c_max)·|dU/dx|."""
    step, tau = 0.2, 0.1
    sizes, errors, uptake = [8, 16, 32], [], []
    k = 2 * np.arange(100)[:, None] + 1
    for n in sizes:
        problem = slab(n, transport)
        control = VoltageControl(4.0 - X0 - step)
        last = run(problem, control, tau * TIME, tolerance=1e-7, current=inrush(problem, step))[-1]
        wave = (-1.0) ** (k // 2) / k * np.exp(-((k * np.pi / 2.0) ** 2) * tau) * np.cos(k * np.pi / 2.0 * depth(n))
        exact = X0 + step * (1.0 - 4.0 / np.pi * wave.sum(axis=0))
        errors.append(float(np.sqrt(np.mean((lithium(problem, last) - exact) ** 2))))
        total = 1.0 - 8.0 / np.pi**2 * float(np.sum(np.exp(-((k * np.pi / 2.0) ** 2) * tau) / k**2))
        uptake.append(abs(float(np.mean(lithium(problem, last) - X0)) / (step * total) - 1.0))
    assert -observed_order(sizes, errors) > 1.9
    assert -observed_order(sizes, uptake) > 1.9
    assert errors[-1] < 1e-4


def test_cottrell():
    """i √t = F c_max Δx √(D/π), while the layer is thicker than a cell and thinner than the slab."""
    n, step = 160, 0.1
    problem = slab(n)
    control = VoltageControl(4.0 - X0 - step)
    frames = run(problem, control, 0.05 * TIME, tolerance=1e-5, current=inrush(problem, step))
    t = np.array([f.t for f in frames])
    i = np.array([f.evaluation.current for f in frames]) / 1e-6
    late = t > 50.0 / n**2 * TIME
    exact = F * C_MAX * step * np.sqrt(D / np.pi)
    assert np.count_nonzero(late) > 10
    np.testing.assert_allclose((i * np.sqrt(t))[late], exact, rtol=5e-3)


def sphere(n: int) -> Cathode:
    """One eighth of a sphere of radius SIZE, its centre on the collector, in n voxels along the radius."""
    m = n + 1
    centre = np.arange(m) + 0.5
    inside = centre[::-1, None, None] ** 2 + centre[:, None] ** 2 + centre**2 < n * n
    graph = voxel_graph(inside.astype(np.uint8), (SIZE / n,) * 3, ("electrolyte", "active"))
    return cathode(graph, (m * SIZE / n) ** 2)


def radii(problem):
    """Distance of the host cells from the centre over the radius."""
    grid = problem.graph.grid
    z, y, x = np.unravel_index(grid.voxel[problem.store_cells], grid.shape)
    m = grid.shape[0]
    n = m - 1
    return np.sqrt((m - z - 0.5) ** 2 + (y + 0.5) ** 2 + (x + 0.5) ** 2) / n


def sphere_flux_series(r, tau):
    """(x − x0)·D/(j R) for inward flux j, where mean x rises by 3 τ."""
    roots = np.array(
        [brentq(lambda a: np.tan(a) - a, (k + 1e-9) * np.pi, (k + 0.5 - 1e-9) * np.pi) for k in range(1, 60)]
    )
    a = roots[:, None]
    wave = np.sin(a * r) / (a**2 * np.sin(a)) * np.exp(-(a**2) * tau)
    return 3.0 * tau + r**2 / 2.0 - 0.3 - 2.0 / r * wave.sum(axis=0)


SPHERES = [5, 7, 9, 12]


def test_sphere_with_constant_flux():
    rate, tau = 0.1, 0.15
    errors, surface = [], []
    for n in SPHERES:
        problem = sphere(n)
        current = 3.0 * rate * problem.capacity.sum() / TIME
        last = run(problem, CurrentControl(current), tau * TIME, tolerance=1e-4, current=current)[-1]
        exact = X0 + rate * sphere_flux_series(radii(problem), tau)
        errors.append(float(np.sqrt(np.mean((lithium(problem, last) - exact) ** 2))) / rate)
        at_surface = X0 + rate * float(sphere_flux_series(np.array([1.0]), tau)[0])
        surface.append(abs(4.0 - last.evaluation.voltage - at_surface) / rate)
    assert -observed_order(SPHERES, errors) > 0.7
    assert errors[-1] < 0.01
    assert surface[-1] < 0.02


def test_sphere_with_constant_surface_concentration():
    step, tau = 0.2, 0.05
    k = np.arange(1, 100)[:, None]
    errors, uptake = [], []
    for n in SPHERES:
        problem = sphere(n)
        control = VoltageControl(4.0 - X0 - step)
        last = run(problem, control, tau * TIME, tolerance=1e-4, current=inrush(problem, step))[-1]
        r = radii(problem)
        wave = (-1.0) ** k / k * np.sin(k * np.pi * r) * np.exp(-((k * np.pi) ** 2) * tau)
        exact = 1.0 + 2.0 / (np.pi * r) * wave.sum(axis=0)
        errors.append(float(np.sqrt(np.mean(((lithium(problem, last) - X0) / step - exact) ** 2))))
        total = 1.0 - 6.0 / np.pi**2 * float(np.sum(np.exp(-((k * np.pi) ** 2) * tau) / k**2))
        uptake.append(abs(float(np.mean(lithium(problem, last) - X0)) / step / total - 1.0))
    assert -observed_order(SPHERES, errors) > 0.7
    assert errors[-1] < 0.03
    assert uptake[-1] < 0.03
