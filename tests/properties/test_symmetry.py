"""Mirror images, swapped lateral axes and shifted periodic images give the same answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_cells import ACTIVE, CARBON, ELECTROLYTE, VOID, Constants, Piece, half_cell, run, state

from catholyte.errors import MeshError
from catholyte.models.control import CurrentControl
from catholyte.solve.frames import Settings
from catholyte.solve.linear import KrylovSolver

SPACING = (0.4e-6, 0.5e-6, 0.7e-6)
CONSTANTS = Constants(sigma_i=0.01, sigma_e=0.02, D=2e-15, i0=1.0)
SECONDS = 100.0

phase = st.sampled_from([ELECTROLYTE, ELECTROLYTE, ACTIVE, ACTIVE, CARBON, VOID])
interiors = arrays(np.uint8, st.tuples(st.integers(2, 5), st.integers(2, 5), st.integers(2, 5)), elements=phase)
checked = settings(max_examples=12, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))


def mirror_y(a):
    return a[:, ::-1]


def mirror_x(a):
    return a[:, :, ::-1]


def swap(a):
    return a.transpose(0, 2, 1)


def solved(image, spacing=SPACING, *, periodic=False, solver=None):
    """Return voltages at 1C of three implicit steps and the final fields on the voxels."""
    labels = np.concatenate([np.zeros((1, *image.shape[1:]), np.uint8), image])
    try:
        problem = half_cell(labels, CONSTANTS, spacing=spacing, periodic=periodic)
    except MeshError:
        assume(False)
    current = problem.capacity.sum() / 3600.0
    frames = run(
        problem,
        state(problem, 0.4),
        [Piece(CurrentControl(current), 3 * SECONDS)],
        scale=current,
        settings=Settings(order=1, fixed_step=SECONDS, balance=1e-11),
        solver=solver,
    )
    at = [frame.evaluation for frame, _ in frames]
    fields = np.full((3, labels.size), np.nan)
    voxel = problem.graph.grid.voxel
    phi, x, V = problem.split(at[-1].u)
    fields[0, voxel[problem.electron_cells]] = V + phi[: problem.n_electron]
    fields[1, voxel[problem.ion_cells]] = phi[problem.n_electron :]
    fields[2, voxel[problem.store_cells]] = x
    return np.array([a.voltage for a in at]), [f.reshape(labels.shape) for f in fields]


def check(one, other, move):
    np.testing.assert_allclose(other[0], one[0], atol=1e-10, rtol=0.0)
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_allclose(b, move(a), atol=1e-9, rtol=0.0)


@checked
@given(interiors, st.sampled_from([mirror_y, mirror_x]), st.booleans())
def test_mirror_images_answer_alike(image, mirror, periodic):
    check(solved(image, periodic=periodic), solved(mirror(image), periodic=periodic), mirror)


@checked
@given(interiors, st.booleans())
def test_swapped_lateral_axes_answer_alike(image, periodic):
    spacing = (SPACING[0], SPACING[2], SPACING[1])
    check(solved(image, periodic=periodic), solved(swap(image), spacing, periodic=periodic), swap)


@checked
@given(interiors, st.integers(-3, 3), st.integers(-3, 3))
def test_a_shift_along_periodic_walls_changes_nothing(image, by_y, by_x):
    def shift(a):
        return np.roll(a, (by_y, by_x), axis=(1, 2))

    check(solved(image, periodic=True), solved(shift(image), periodic=True), shift)


@checked
@given(interiors)
def test_four_periodic_copies_are_one_cell(image):
    """An image repeated along both lateral axes carries four times the current at the same potentials."""

    def tile(a):
        return np.tile(a, (1, 2, 2))

    check(solved(image, periodic=True), solved(tile(image), periodic=True), tile)


def test_the_iterative_solver_keeps_the_mirror():
    """Aggregation breaks the symmetry of the image, the converged answer must not show it."""
    image = np.random.default_rng(5).choice([ELECTROLYTE, ACTIVE], size=(5, 5, 5)).astype(np.uint8)
    one = solved(image, solver=KrylovSolver())
    other = solved(mirror_x(image), solver=KrylovSolver())
    assert other[0] == pytest.approx(one[0], abs=1e-8)
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_allclose(b, mirror_x(a), atol=1e-8, rtol=0.0)
