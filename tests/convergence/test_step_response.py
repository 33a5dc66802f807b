"""Elements that are not meshed, in time: the voltage after a step of the current, against inverted Laplace transforms.

A current that sets in gives v(t) = i·L⁻¹[Z(s)/s], inverted on the contour of Talbot with the constants of Trefethen,
Weideman & Schmelzer 2006 (doi:10.1007/s10543-006-0077-9); when it ends after T, v(t) − v(t − T) is left.
"""

import numpy as np
import pytest
from builders import THERMAL, cell_parameters, host_phase, laminate_graph, straight, uniform_state
from small_cells import Piece, run

from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl
from catholyte.models.parameters import Lumped
from catholyte.physics.elements import CHAIN_ERROR, FiniteLengthWarburg, FiniteSpaceWarburg, ParallelRC, Zarc
from catholyte.solve.frames import Settings

R, TAU, CURRENT = 5e-3, 2.0, 3.0


def step_response(Z, t, n=24):
    """Return L⁻¹[Z(s)/s] at times t > 0."""
    theta = (2.0 * np.arange(n) + 1.0) * np.pi / n - np.pi
    contour = n * (-0.6122 + 0.5017 * theta / np.tan(0.6407 * theta) + 0.2645j * theta)
    slope = n * (0.5017 / np.tan(0.6407 * theta) - 0.5017 * 0.6407 * theta / np.sin(0.6407 * theta) ** 2 + 0.2645j)
    s = contour / np.asarray(t)[:, None]
    return np.real(np.sum(np.exp(contour) * slope * Z(s) / contour, axis=1) / (1j * n))


def coth_root(s):
    return R / (np.sqrt(s * TAU) * np.tanh(np.sqrt(s * TAU)))


def tanh_root(s):
    return R * np.tanh(np.sqrt(s * TAU)) / np.sqrt(s * TAU)


ELEMENTS = [
    (ParallelRC(R, TAU / R), lambda s: R / (1.0 + s * TAU)),
    (Zarc(R, TAU, 0.9), lambda s: R / (1.0 + (s * TAU) ** 0.9)),
    (Zarc(R, TAU, 0.6), lambda s: R / (1.0 + (s * TAU) ** 0.6)),
    (FiniteLengthWarburg(R, TAU), tanh_root),
    (FiniteSpaceWarburg(R, TAU), coth_root),
]


def test_the_inversion_is_exact_on_what_is_known():
    t = np.geomspace(1e-3, 1e2, 11) * TAU
    np.testing.assert_allclose(step_response(ELEMENTS[0][1], t), R * (1.0 - np.exp(-t / TAU)), rtol=1e-9)
    # A blocking end: the charge it stores and what diffuses in it, R (t/τ + 1/3) in the end, 2R √(t/πτ) at first.
    assert step_response(coth_root, t[-1:])[0] == pytest.approx(R * (t[-1] / TAU + 1.0 / 3.0), rel=1e-9)
    assert step_response(coth_root, t[:1])[0] == pytest.approx(2.0 * R * np.sqrt(t[0] / (np.pi * TAU)), rel=1e-9)


@pytest.mark.parametrize(("element", "Z"), ELEMENTS, ids=lambda e: type(e).__name__)
def test_a_current_that_sets_in_and_ends(element, Z):
    """Over five decades of time, to what the chain of RC elements promises."""
    graph = laminate_graph([("electrolyte", 1), ("active", 1)], (1e-6, 1.0, 1.0))
    host = host_phase(straight(4.0, 0.0), D=1e-6, sigma=1e6)
    problem = Cathode(graph, cell_parameters(host, sigma_i=1e6, lumped=Lumped(elements=(element,))))
    settings = Settings(x_tolerance=1e-7, voltage_tolerance=1e-3 * CHAIN_ERROR * CURRENT * R)
    end = 2.0 * TAU
    pieces = [Piece(CurrentControl(CURRENT), end), Piece(CurrentControl(0.0), end)]
    bare = 4.0 - CURRENT * THERMAL  # linear kinetics of 1 A/m²
    misses = []
    for frame, _ in run(problem, uniform_state(problem, 0.5, 4.0), pieces, scale=1e-3, settings=settings):
        if frame.time_step == 0.0 or frame.t < 1e-4 * TAU or 0.0 < frame.t - end < 1e-4 * TAU:
            continue
        v = step_response(Z, [frame.t])[0] - (step_response(Z, [frame.t - end])[0] if frame.t > end else 0.0)
        flows = bare if frame.t <= end else 4.0
        misses.append((flows - frame.evaluation.voltage) / CURRENT - v)
    assert np.abs(misses).max() < CHAIN_ERROR * R
