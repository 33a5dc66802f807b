"""Nothing a user may ask for breaks the solver: it answers, or it says why it cannot."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
from small_cells import (
    ACTIVE,
    CARBON,
    ELECTROLYTE,
    NAMES,
    VOID,
    Constants,
    Piece,
    composite,
    half_cell,
    laminate,
    lithiation,
    run,
    state,
    window,
)

from catholyte.errors import MeshError, NotConverged
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.parameters import Lumped
from catholyte.physics.kinetics import ButlerVolmer, Linear
from catholyte.solve.frames import Settings
from catholyte.solve.linear import DirectSolver, KrylovSolver
from catholyte.solve.transient import Integrator

IMAGE = composite(6)
PROBLEM = half_cell(IMAGE)
ONE_C = PROBLEM.capacity.sum() / 3600.0


def discharge(problem, rate, *, x=0.3, seconds=600.0, low=2.0, solver=None, **accuracy):
    """Return the last frame of a discharge at ``rate`` C, after checking the charge."""
    one_c = problem.capacity.sum() / 3600.0
    *_, (frame, _) = run(
        problem,
        state(problem, x),
        [Piece(CurrentControl(rate * one_c), seconds, window(low, 6.0))],
        scale=1e-3 * one_c,
        settings=Settings(**accuracy),
        solver=solver,
    )
    stored = np.dot(problem.capacity, lithiation(problem, frame.evaluation) - x)
    assert frame.charge == pytest.approx(stored, rel=1e-7, abs=1e-12 * problem.capacity.sum())
    return frame


# ------------------------------------------------------------------ extreme constants


@cache
def at_exchange(i0):
    return discharge(half_cell(IMAGE, Constants(i0=i0)), 0.2)


@pytest.mark.parametrize("i0", 0.11 * 10.0 ** np.arange(-6, 7))
def test_exchange_current_over_twelve_decades(i0):
    """From 150 mV a decade of loss to none: no kinetics stops a run, and faster ones cost less voltage."""
    frame, faster = at_exchange(float(i0)), at_exchange(float(10.0 * i0))
    assert frame.event == faster.event == "time"
    assert frame.evaluation.voltage <= faster.evaluation.voltage + 1e-3


@pytest.mark.parametrize(("sigma_i", "sigma_e"), [(1e-4, 1e4), (1e4, 1e-4), (1e-3, 1e-3), (1e4, 1e4)])
@pytest.mark.parametrize("i0", [1e-3, 1e3])
def test_conductivity_ratios_to_ten_to_the_eight(sigma_i, sigma_e, i0):
    frame = discharge(half_cell(IMAGE, Constants(sigma_i=sigma_i, sigma_e=sigma_e, i0=i0)), 0.2)
    assert frame.event == "time"


@pytest.mark.parametrize("rate", [ButlerVolmer(0.1), ButlerVolmer(0.9), Linear()])
@pytest.mark.parametrize("i0", [1e-5, 1e5])
def test_rate_laws_at_extreme_exchange_currents(rate, i0):
    frame = discharge(half_cell(IMAGE, Constants(i0=i0, rate=rate)), 0.1, low=-1e6)
    assert frame.event == "time"


@cache
def unhurried():
    return discharge(PROBLEM, 0.5)


@pytest.mark.parametrize("first", 10.0 ** np.arange(-6, 6))
def test_first_steps_over_eleven_decades(first):
    """The first step is only a suggestion: the answer does not depend on it."""
    frame = discharge(PROBLEM, 0.5, first_step=first)
    assert frame.event == "time"
    assert frame.evaluation.voltage == pytest.approx(unhurried().evaluation.voltage, abs=2e-3)


@pytest.mark.parametrize("x", [1e-9, 1e-6, 1e-3, 1.0 - 1e-3])
def test_discharge_from_either_end(x):
    frame = discharge(PROBLEM, 0.02, x=x, seconds=60.0)
    assert frame.event in ("time", "lower")


@pytest.mark.parametrize("x", [1e-3, 1.0 - 1e-3, 1.0 - 1e-6, 1.0 - 1e-9])
def test_charge_from_either_end(x):
    frame = discharge(PROBLEM, -0.02, x=x, seconds=60.0)
    assert frame.event in ("time", "upper")


# ------------------------------------------------------------------ limits


@pytest.mark.parametrize("rate", [1.0, 10.0, 100.0, 1e3, 1e4, 1e6])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_currents_beyond_the_limit_end_with_a_reason(rate, sign):
    """Above what diffusion supplies nothing solves: the run meets its cut-off or says where it failed."""
    failure = None
    try:
        frame = discharge(PROBLEM, sign * rate, seconds=7200.0)
    except NotConverged as error:
        failure = error
    if failure is None:
        assert frame.event == ("lower" if sign > 0 else "upper")
    else:
        assert rate > 10.0
        assert len(failure.history) >= 1
        assert "did not converge" in str(failure)


def test_a_full_discharge_ends_at_the_cut_off():
    """At C/50 the cut-off is met when the grains are full, without a step into x > 1."""
    frame = discharge(PROBLEM, 0.02, seconds=1e7, low=2.8)
    assert frame.event == "lower"
    assert frame.evaluation.voltage == pytest.approx(2.8, abs=1e-5)
    assert lithiation(PROBLEM, frame.evaluation).mean() > 0.97


# ------------------------------------------------------------------ jumps of the control


@pytest.mark.parametrize("preset", [False, True], ids=["from_rest", "from_the_held_voltage"])
@pytest.mark.parametrize("jump", [-1.0, -0.3, -0.05, 0.05, 0.3, 1.0])
def test_a_hold_begins_far_from_equilibrium(jump, preset):
    u = state(PROBLEM, 0.3)
    target = u[-1] + jump
    if preset:
        u[-1] = target
    integrator = Integrator(PROBLEM, DirectSolver(), 1e-3 * ONE_C)
    frame, _ = integrator.begin(0.0, u, VoltageControl(target), 0.0, 0.0)
    assert frame.evaluation.voltage == pytest.approx(target, abs=1e-8)
    assert np.sign(frame.evaluation.current) == -np.sign(jump)


@pytest.mark.parametrize("lumped", [Lumped(1e-2), Lumped(0.0, 1e-4, 10.0), Lumped(1.0, 1.0, 0.1)])
@pytest.mark.parametrize("jump", [-0.3, 0.3])
def test_a_hold_begins_behind_lumped_elements(lumped, jump):
    problem = half_cell(IMAGE, Constants(lumped=lumped))
    u = state(problem, 0.3)
    target = u[-1] + jump
    u[-1] = target
    integrator = Integrator(problem, DirectSolver(), 1e-3 * ONE_C)
    frame, _ = integrator.begin(0.0, u, VoltageControl(target), 0.0, 0.0)
    assert frame.evaluation.voltage == pytest.approx(target, abs=1e-8)


@pytest.mark.parametrize("overshoot", [0.3, 0.6, 0.8])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_rest_begins_from_exhausted_surfaces(overshoot, sign):
    """A cut-off is often met with surfaces nearly empty or full; the rest that follows starts there."""
    problem = half_cell(laminate(1, 2), Constants(sigma_i=1.0, D=1e-14, i0=1.0), spacing=(1e-6,) * 3)
    u = state(problem, 0.25)
    current = sign * 7e-12
    limits = window(u[-1] - overshoot, u[-1] + overshoot)
    pieces = [Piece(CurrentControl(current), 1e6, limits), Piece(CurrentControl(0.0), 3600.0)]
    frames = [frame for frame, _ in run(problem, u, pieces, scale=1e-3 * abs(current))]
    assert [f.event for f in frames if f.event] == ["lower" if sign > 0 else "upper", "time"]


@pytest.mark.parametrize("rate", [0.01, 0.1, 1.0, 5.0])
def test_thick_layers_begin_under_current(rate):
    """One face carries the current of a whole layer: its overpotential is many RT/F from the first guess."""
    frame = discharge(half_cell(laminate(2, 8), Constants(D=1e-13)), rate, seconds=10.0)
    assert frame.t == pytest.approx(10.0) or frame.event == "lower"
    assert frame.charge > 0.0


# ------------------------------------------------------------------ images without a way through


def labels_with(*phases, shape=(4, 3, 3)):
    layers = [np.full(shape, phase, np.uint8) for phase in phases]
    return np.concatenate(layers)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (labels_with(ELECTROLYTE), "collector|nothing|reach|touch"),
        (labels_with(ACTIVE), "counter|nothing|reach|touch"),
        (labels_with(CARBON), "counter|nothing|reach|touch"),
        (labels_with(VOID), "no cells"),
        (labels_with(ELECTROLYTE, VOID), "collector"),
        (labels_with(VOID, ACTIVE), "counter"),
        (labels_with(ACTIVE, ELECTROLYTE), "counter|collector|no cells"),
        (labels_with(ELECTROLYTE, CARBON), "reacts"),
        (labels_with(ELECTROLYTE, VOID, ACTIVE), "reacts"),
        (labels_with(ELECTROLYTE, CARBON, ACTIVE), "reacts"),
    ],
    ids=[
        "only electrolyte",
        "only active material",
        "only carbon",
        "only void",
        "no electron conductor",
        "no electrolyte",
        "upside down",
        "nothing stores lithium",
        "a gap",
        "carbon between",
    ],
)
def test_images_without_a_way_through_are_refused(labels, words):
    with pytest.raises(MeshError, match=words):
        half_cell(labels)


def test_an_image_of_full_phases_without_void_is_fine():
    frame = discharge(half_cell(labels_with(ELECTROLYTE, ACTIVE, shape=(1, 1, 1))), 0.1)
    assert frame.event == "time"


def test_cells_cut_off_are_left_out():
    """An island of electrolyte in the active material and an active one in the separator take no part."""
    labels = labels_with(ELECTROLYTE, ACTIVE, shape=(5, 5, 5))
    labels[2, 2, 2] = ACTIVE
    labels[7, 2, 2] = ELECTROLYTE
    problem = half_cell(labels)
    whole = voxel_graph(labels, (0.5e-6,) * 3, NAMES)
    assert problem.graph.n_cells == whole.n_cells - 2
    assert discharge(problem, 0.1).event == "time"


# ------------------------------------------------------------------ both solvers, the same run


@pytest.mark.parametrize(("i0", "sigma_i", "sigma_e"), list(itertools.product((1e-3, 1e3), (1e-3, 10.0), (1e-3, 1e3))))
def test_direct_and_iterative_runs_agree(i0, sigma_i, sigma_e):
    problem = half_cell(composite(5, seed=3), Constants(i0=i0, sigma_i=sigma_i, sigma_e=sigma_e))
    one = discharge(problem, 0.2, seconds=60.0)
    other = discharge(problem, 0.2, seconds=60.0, solver=KrylovSolver())
    assert other.evaluation.voltage == pytest.approx(one.evaluation.voltage, abs=1e-6)
    np.testing.assert_allclose(lithiation(problem, other.evaluation), lithiation(problem, one.evaluation), atol=1e-6)
    assert other.linear_iterations > 0
    assert one.linear_iterations == 0
