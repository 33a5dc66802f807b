"""Charge and lithium are conserved to rounding, on any image, with any constants, under any protocol."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_cells import (
    ACTIVE,
    CARBON,
    ELECTROLYTE,
    VOID,
    Constants,
    Piece,
    collector_current,
    half_cell,
    lithiation,
    run,
    state,
    window,
)

from catholyte.errors import MeshError
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.parameters import Lumped
from catholyte.physics.kinetics import ButlerVolmer, Linear
from catholyte.solve.frames import Settings
from catholyte.solve.linear import DirectSolver
from catholyte.solve.transient import Integrator

#: a failing example is small already, and shrinking it would run hundreds of integrations
UNSHRUNK = {"deadline": None, "derandomize": True, "phases": (Phase.explicit, Phase.generate)}


def decades(low, high):
    """Return a strategy for numbers spread evenly over decades."""
    return st.floats(np.log10(low), np.log10(high)).map(lambda a: float(10.0**a))


@st.composite
def images(draw):
    nz, ny, nx = draw(st.tuples(st.integers(2, 6), st.integers(1, 5), st.integers(1, 5)))
    # Twice as many host and electrolyte voxels as others, so that most images percolate.
    phase = st.sampled_from([ELECTROLYTE, ELECTROLYTE, ACTIVE, ACTIVE, CARBON, VOID])
    inner = draw(arrays(np.uint8, (nz, ny, nx), elements=phase))
    return np.concatenate([np.zeros((1, ny, nx), np.uint8), inner])


@st.composite
def constants(draw):
    return Constants(
        sigma_i=draw(decades(1e-3, 1.0)),
        sigma_e=draw(decades(1e-4, 1e2)),
        sigma_carbon=draw(decades(1.0, 1e4)),
        D=draw(decades(1e-16, 1e-12)),
        i0=draw(decades(1e-2, 1e2)),
        film=draw(st.sampled_from([0.0, 1e-3])),
        contact=draw(st.sampled_from([0.0, 1e-4])),
        rate=draw(st.sampled_from([ButlerVolmer(), ButlerVolmer(0.3), Linear()])),
        lumped=draw(st.sampled_from([Lumped(), Lumped(1e-3, 1e-3, 10.0)])),
    )


def model(image, constants, voxel=0.5e-6, periodic=False):
    try:
        return half_cell(image, constants, spacing=(voxel, voxel, 1.3 * voxel), periodic=periodic)
    except MeshError:
        assume(False)


def current_for(problem, x, shift):
    """Return the current that a jump of the voltage by ``shift`` draws, which any constants can carry."""
    u = state(problem, x, shift)
    integrator = Integrator(problem, DirectSolver(), 1e-3 * problem.capacity.sum() / 3600)
    start, _ = integrator.begin(0.0, u, VoltageControl(u[-1]), 0.0, 0.0)
    return start.evaluation.current


shifts = st.sampled_from([-0.2, -0.05, -0.005, 0.005, 0.05, 0.2])


@settings(max_examples=15, **UNSHRUNK)
@given(images(), constants(), decades(1e-7, 2e-6), st.floats(0.15, 0.85), shifts, st.booleans())
def test_a_protocol_conserves_charge(image, constants, voxel, x, shift, periodic):
    """∫I dt = Σ F c_max v Δx after constant current, rest and constant voltage; both terminals carry I."""
    problem = model(image, constants, voxel, periodic)
    U = state(problem, x)[-1]
    current = current_for(problem, x, shift)
    second = abs(problem.capacity.sum() / current)
    pieces = [
        Piece(CurrentControl(current), 0.3 * second, window(U - 0.6, U + 0.6)),
        Piece(CurrentControl(0.0), 0.1 * second),
        Piece(VoltageControl(U - 0.5 * shift), 0.2 * second),
        Piece(CurrentControl(-0.5 * current), 0.1 * second, window(U - 0.6, U + 0.6)),
    ]
    passed, before = 0.0, 0.0
    for frame, _ in run(problem, state(problem, x), pieces, scale=1e-3 * abs(current)):
        at = frame.evaluation
        passed += abs(frame.charge - before)
        before = frame.charge
        stored = float(np.dot(problem.capacity, lithiation(problem, at) - x))
        assert abs(frame.charge - stored) <= 1e-8 * passed
        assert collector_current(problem, at) == pytest.approx(at.current, rel=1e-7, abs=1e-9 * abs(current))
        assert 0.0 < lithiation(problem, at).min() <= lithiation(problem, at).max() < 1.0
    assert passed > 0.0


@settings(max_examples=15, **UNSHRUNK)
@given(images(), constants(), shifts)
def test_every_grain_stores_what_reacts_at_its_surface(image, constants, shift):
    """Lithium of each grain changes by the current through its own faces (implicit Euler: a sum)."""
    problem = model(image, constants)
    current = current_for(problem, 0.5, shift)
    faces = problem.graph.phase[problem.graph.cell_a] == problem.graph.phase[problem.graph.cell_b]
    grain = problem.graph.components(faces)[problem.store_cells]
    reacted = np.zeros(problem.n_x)
    u = state(problem, 0.5)
    second = abs(problem.capacity.sum() / current)
    pieces = [Piece(CurrentControl(current), 0.02 * second)]
    frames = run(problem, u, pieces, scale=abs(current), settings=Settings(order=1, fixed_step=2e-3 * second))
    for frame, _ in frames:
        for group, face in zip(problem.reacting, frame.evaluation.faces, strict=True):
            np.add.at(reacted, group.host, -frame.time_step * group.area * face.i)
    stored = problem.capacity * (lithiation(problem, frame.evaluation) - 0.5)
    difference = np.bincount(grain, stored - reacted)
    assert np.abs(difference).max() <= 1e-8 * np.abs(frame.charge)


@settings(max_examples=15, **UNSHRUNK)
@given(images(), constants(), st.floats(0.01, 0.99))
def test_zero_current_stays_at_rest(image, constants, x):
    problem = model(image, constants)
    u = state(problem, x)
    scale = 1e-6 * problem.capacity.sum() / 3600
    for frame, _ in run(problem, u, [Piece(CurrentControl(0.0), 1e5)], scale=scale):
        assert lithiation(problem, frame.evaluation) == pytest.approx(x, rel=1e-12)
        assert frame.evaluation.voltage == pytest.approx(u[-1], rel=1e-12)
        assert abs(frame.charge) <= 1e-12 * problem.capacity.sum()


@settings(max_examples=15, **UNSHRUNK)
@given(constants(), shifts)
def test_a_grain_without_electrolyte_exchanges_nothing(constants, shift):
    """Active material wired through carbon but out of the electrolyte's reach keeps its lithium."""
    image = np.zeros((5, 3, 3), np.uint8)
    image[2:] = ACTIVE
    image[3:, :, 1] = CARBON
    image[2:, 0, 2] = CARBON
    image[2:, :, 2] = CARBON
    image[4, 1, 2] = ACTIVE
    problem = model(image, constants)
    faces = problem.graph.phase[problem.graph.cell_a] == problem.graph.phase[problem.graph.cell_b]
    grain = problem.graph.components(faces)[problem.store_cells]
    touched = np.unique(np.concatenate([grain[group.host] for group in problem.reacting]))
    dry = ~np.isin(grain, touched)
    assert 0 < dry.sum() < problem.n_x
    x = np.where(dry, 0.37, 0.5)
    u = state(problem, x)
    u[-1] = state(problem, 0.5)[-1]
    current = current_for(problem, 0.5, shift)
    second = abs(problem.capacity.sum() / current)
    pieces = [
        Piece(CurrentControl(current), 0.1 * second, window(3.0, 5.0)),
        Piece(CurrentControl(0.0), 0.1 * second),
    ]
    for frame, _ in run(problem, u, pieces, scale=1e-3 * abs(current)):
        np.testing.assert_allclose(lithiation(problem, frame.evaluation)[dry], 0.37, rtol=1e-12)
