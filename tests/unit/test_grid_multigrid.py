"""Geometric multigrid on voxel grids, and conjugate gradients with it, on matrices that are known entry by entry.

A preconditioner M of conjugate gradients must be symmetric and positive; the eigenvalues of M A bound the error: each
iteration reduces its energy at least by the factor (√κ − 1)/(√κ + 1) with κ their ratio (Saad 2003, Iterative Methods
for Sparse Linear Systems, eq. 6.128). Exact answers are sparse factorisations.
"""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
from builders import random_image
from scipy.linalg import eigh
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import spsolve

from catholyte.mesh.percolation import joined_to_both_ends
from catholyte.solve.conjugate import GridSolver
from catholyte.solve.grid import GridLaplacian, GridMultigrid
from catholyte.solve.threads import allow_threads

CUBE = (1.0, 1.0, 1.0)


def operator(labels, sigma, *, spacing=CUBE, periodic=False, storage=None, kind=np.float32):
    """Return ∇·(σ∇φ) between plates at both ends of the first axis, plus a storage in every cell."""
    of_cell = np.asarray(sigma)[labels]
    areas = (spacing[1] * spacing[2], spacing[0] * spacing[2], spacing[0] * spacing[1])
    links = np.zeros((1, 1, 3, *labels.shape), dtype=of_cell.dtype)
    for axis in range(3):
        after = np.roll(of_cell, -1, axis)
        total = of_cell + after
        links[0, 0, axis] = 2.0 * of_cell * after / np.where(total == 0.0, 1.0, total) * areas[axis] / spacing[axis]
    plates = np.zeros((1, *labels.shape), dtype=of_cell.dtype)
    for end in (0, -1):
        plates[0, end] += 2.0 * of_cell[end] * areas[0] / spacing[0]
    return scaled(open_ends(links, periodic), plates, kind, storage=storage)


def two_networks(labels, sigma, exchange, *, kind=np.float32):
    """Return two networks, in cells of label 0 and 1, with a plate each and exchange between; label 2 is empty."""
    of_cell = np.array([*sigma, 0.0])[labels]
    links = np.zeros((1, 1, 3, *labels.shape), dtype=np.result_type(of_cell, exchange))
    for axis in range(3):
        after, other = np.roll(of_cell, -1, axis), np.roll(labels, -1, axis)
        links[0, 0, axis] = np.where(other == labels, of_cell, np.where((of_cell > 0.0) & (after > 0.0), exchange, 0.0))
    plates = np.zeros((1, *labels.shape), dtype=links.dtype)
    plates[0, 0] = 2.0 * of_cell[0] * (labels[0] == 0)
    plates[0, -1] += 2.0 * of_cell[-1] * (labels[-1] == 1)
    return scaled(open_ends(links, False), plates, kind, network=(labels == 1).astype(np.uint8))


def open_ends(links, periodic):
    links[:, :, 0, -1] = 0.0
    for axis in (1, 2):
        if not periodic or links.shape[3 + axis] == 1:
            np.moveaxis(links[:, :, axis], 2 + axis, 0)[-1] = 0.0
    return links


def scaled(links, plates, kind, *, storage=None, network=None):
    """Scale to a largest conductance of one, which single precision holds in any unit."""
    size = max(np.abs(links).max(), np.abs(plates).max())
    stored = None if storage is None else np.asarray(storage / size).astype(kind).reshape(plates.shape)
    return GridLaplacian((links / size).astype(kind), (plates / size).astype(kind), stored, network=network)


def matrix(one):
    """Return the assembled matrix of an operator with one unknown in a cell."""
    number = np.arange(one.plates.size).reshape(one.shape)
    weight = one.links.ravel().astype(np.result_type(one.links, np.float64))
    a, b = np.tile(number.ravel(), 3), np.concatenate([np.roll(number, -1, axis).ravel() for axis in range(3)])
    off = coo_array((-weight, (a, b)), shape=(number.size, number.size))
    off = off + off.T
    excess = one.plates.ravel() + (0.0 if one.storage is None else one.storage.ravel())
    return (off + diags_array(excess - off.sum(axis=1))).tocsr()


def blobs(n, width, *, share=0.6, seed=0):
    """Return a random image, phase 1 in blobs ``width`` voxels wide, without what does not join both plates."""
    image = random_image((n, n, n), share, seed, width)
    return (joined_to_both_ends(image == 1)).astype(np.uint8)


def networks(n, seed=0):
    """Return two random networks that fill the grid; what does not reach its plate is empty."""
    field = gaussian_filter(np.random.default_rng(seed).standard_normal((n, n, n)), 0.12 * n, mode="wrap")
    upper = field > np.median(field)
    labels = np.full(upper.shape, 2, dtype=np.uint8)
    for mark, mask in ((0, ~upper), (1, upper)):
        labels[joined_to_both_ends(mask)] = mark
    return labels


def image(n, seed=1):
    return random_image((n, n, n), 0.6, seed)


def block(*shape):
    return np.zeros(shape, dtype=np.uint8)


#: operators of at most about a thousand unknowns
SMALL = {
    "cube": lambda: operator(block(10, 10, 10), [1.0]),
    "cube, periodic": lambda: operator(block(10, 10, 10), [1.0], periodic=True),
    "odd, periodic": lambda: operator(block(9, 11, 7), [1.0], periodic=True),
    "masked": lambda: operator(blobs(10, 1.5), [0.0, 1.0]),
    "contrast 1e3": lambda: operator(image(10), [1e-3, 1.0], periodic=True),
    "flat voxels": lambda: operator(blobs(10, 1.5), [0.0, 1.0], spacing=(0.1, 1.0, 1.0)),
    "long voxels": lambda: operator(blobs(10, 1.5), [0.0, 1.0], spacing=(10.0, 1.0, 1.0)),
    "wide voxels": lambda: operator(blobs(10, 1.5), [0.0, 1.0], spacing=(1.0, 1.0, 10.0)),
    "slab along y": lambda: operator(block(30, 1, 30), [1.0]),
    "slab along x": lambda: operator(block(30, 30, 1), [1.0], periodic=True),
    "one layer": lambda: operator(block(1, 30, 30), [1.0]),
    "chain": lambda: operator(block(700, 1, 1), [1.0]),
    "storage": lambda: operator(image(10), [1.0, 0.1], storage=np.full(1000, 0.1)),
    "storage alone": lambda: replace(
        operator(image(10), [1.0, 0.1], storage=np.full(1000, 1.0)), plates=np.zeros((1, 10, 10, 10), dtype=np.float32)
    ),
    "two networks, 1e-12": lambda: two_networks(networks(10), (1.0, 1.0), 1e-12),
    "two networks, 1e-3": lambda: two_networks(networks(10), (1.0, 1e-3), 1e-3),
    "two networks, 1": lambda: two_networks(networks(10), (1.0, 1.0), 1.0),
}


@pytest.mark.parametrize("name", SMALL)
def test_cycle_is_symmetric_and_close_to_the_inverse(name):
    one = SMALL[name]()
    multigrid, n = GridMultigrid(one), one.plates.size
    assert len(multigrid.levels) > 1
    A, M = matrix(one).toarray(), np.empty((n, n))
    unit = np.zeros(n, dtype=np.float32)
    for column in range(n):
        unit[column] = 1.0
        M[:, column] = multigrid.apply(unit)
        unit[column] = 0.0
    linked = np.flatnonzero(A.diagonal())
    empty = np.setdiff1d(np.arange(n), linked)
    np.testing.assert_array_equal(M[np.ix_(empty, linked)], 0.0)
    A, M = A[np.ix_(linked, linked)], M[np.ix_(linked, linked)]
    assert np.abs(M - M.T).max() < 1e-6 * np.abs(M).max()
    # The eigenvalues of M A are those of the pencil A M A, A.
    eigenvalues = eigh(A @ (0.5 * (M + M.T)) @ A, A, eigvals_only=True)
    assert eigenvalues[0] > 0.25
    assert eigenvalues[-1] < 1.9


def plate_load(one):
    """Return the currents of a plate at 1 at the upper end, the other at 0."""
    load = np.zeros_like(one.plates)
    load[0, -1] = one.plates[0, -1]
    return load.ravel()


#: operators whose coarse levels are visited twice in a cycle
DEEP = {
    "masked": lambda: operator(blobs(33, 1.5), [0.0, 1.0]),
    "odd, periodic": lambda: operator(image(33), [1e-2, 1.0], periodic=True),
    "two networks": lambda: two_networks(networks(33), (1.0, 1e-2), 1e-2),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_cycle_is_symmetric_and_positive(name):
    one = DEEP[name]()
    multigrid = GridMultigrid(one)
    u, v = np.random.default_rng(0).standard_normal((2, one.plates.size)).astype(np.float32)
    Mu, Mv = multigrid.apply(u).astype(float), multigrid.apply(v).astype(float)
    assert u @ Mu > 0.0
    assert v @ Mv > 0.0
    assert u @ Mv == pytest.approx(v @ Mu, abs=1e-6 * np.sqrt((u @ Mu) * (v @ Mv)))


def test_complex_cycle_is_symmetric_without_conjugate():
    one = two_networks(networks(20), (1.0, 1e-2), 0.1 + 0.3j, kind=np.complex64)
    multigrid = GridMultigrid(one)
    rng = np.random.default_rng(0)
    u, v = (rng.standard_normal((2, one.plates.size)) + 1j * rng.standard_normal((2, one.plates.size))).astype(
        np.complex64
    )
    Mu, Mv = multigrid.apply(u).astype(complex), multigrid.apply(v).astype(complex)
    assert abs(np.sum(u * Mv) - np.sum(v * Mu)) < 1e-6 * np.linalg.norm(u) * np.linalg.norm(Mv)


SOLVED = {
    "cube": lambda: operator(block(12, 12, 12), [1.0]),
    "masked": lambda: operator(blobs(12, 1.5), [0.0, 1.0]),
    "contrast 1e3": lambda: operator(image(12), [1e-3, 1.0], periodic=True),
    "storage": lambda: operator(image(12), [1.0, 0.1], storage=np.full(12**3, 0.1)),
    "two networks, 1e-12": lambda: two_networks(networks(12), (1.0, 1.0), 1e-12),
    "two networks, 1e-3": lambda: two_networks(networks(12), (1.0, 1e-3), 1e-3),
    "two networks, 10": lambda: two_networks(networks(12), (1.0, 1.0), 10.0),
    "complex storage": lambda: operator(image(12), [1.0, 0.1], storage=np.full(12**3, 0.3j), kind=np.complex64),
    "complex exchange": lambda: two_networks(networks(12), (1.0, 1e-2), 0.1 + 0.3j, kind=np.complex64),
}


@pytest.mark.parametrize("name", SOLVED)
def test_solves_to_the_factorisation(name):
    one = SOLVED[name]()
    b = plate_load(one)
    solution = GridSolver(one).solve(b, 1e-5, 100)
    A = matrix(one)
    linked = A.diagonal() != 0.0
    exact = np.zeros(b.size, dtype=A.dtype)
    exact[linked] = spsolve(A[linked][:, linked].tocsc(), b[linked].astype(A.dtype))
    true = np.linalg.norm(b - A @ solution.x) / np.linalg.norm(b)
    assert true < 2e-5
    assert solution.residual <= 1e-5
    np.testing.assert_allclose(solution.x, exact, rtol=0.0, atol=5e-4 * np.abs(exact).max())
    assert solution.iterations <= 20


@pytest.mark.parametrize("exchange", [1e-12, 1e-6, 1e-3, 1.0, 1e1, 1e2, 1e3])
def test_any_exchange_between_two_networks(exchange):
    """Weak exchange costs nothing; where it is stiffer than both networks, the work grows as its root."""
    one = two_networks(networks(24), (1.0, 1.0), exchange)
    b = plate_load(one)
    solution = GridSolver(one).solve(b, 0.1, 100)
    assert np.linalg.norm(b - matrix(one) @ solution.x) <= 0.11 * np.linalg.norm(b)
    assert solution.iterations <= 3.0 * max(1.0, np.sqrt(exchange))


def test_residual_in_the_precision_of_the_vector():
    one = operator(image(12), [1e-3, 1.0])
    x = np.random.default_rng(0).random(12**3)
    b = plate_load(one)
    residual = GridSolver(one).residual(b, x)
    assert residual.dtype == np.float64
    np.testing.assert_allclose(residual, b - matrix(one) @ x, rtol=0.0, atol=1e-14)


def test_no_load_and_a_caller_who_has_enough():
    one = operator(image(12), [1e-3, 1.0])
    solver = GridSolver(one)
    nothing = solver.solve(np.zeros(12**3, dtype=np.float32), 1e-5)
    assert (nothing.iterations, nothing.residual) == (0, 0.0)
    assert not nothing.x.any()
    seen = []
    stopped = solver.solve(plate_load(one), 1e-5, accept=lambda x, energy: bool(seen.append(energy)) or len(seen) == 3)
    assert stopped.iterations == 3
    # What is left of the squared energy norm of the error falls from one iteration to the next.
    assert seen[0] > seen[1] > seen[2] > 0.0
    short = solver.solve(plate_load(one), 1e-12, most_iterations=2)
    assert short.iterations == 2
    assert short.residual > 1e-12


@pytest.mark.parametrize("kind", [np.float32, np.complex64])
def test_refresh_equals_a_new_hierarchy(kind):
    """Exchange and storage may change; the answers are those of a hierarchy that was built for them."""
    labels = networks(16)
    first, second = (two_networks(labels, (1.0, 0.1), exchange, kind=kind) for exchange in (1e-3, 0.7))
    kept, fresh = GridMultigrid(first), GridMultigrid(second)
    b = np.random.default_rng(0).standard_normal(labels.size).astype(kind)
    kept.apply(b)
    kept.refresh(second)
    np.testing.assert_allclose(kept.apply(b), fresh.apply(b), rtol=1e-6)

    filled = operator(image(16), [1.0, 0.1], storage=np.full(16**3, 0.1), kind=kind)
    emptier = replace(filled, storage=kind(0.01) * filled.storage)
    kept, fresh = GridMultigrid(filled), GridMultigrid(emptier)
    kept.refresh(emptier)
    np.testing.assert_allclose(kept.apply(b), fresh.apply(b), rtol=1e-6)


def sphere(n):
    z = (np.arange(n) + 0.5) / n - 0.5
    return (z[:, None, None] ** 2 + z[:, None] ** 2 + z**2 < 0.45**2).astype(np.uint8)


GROWING = {
    "sphere, 10": lambda n: operator(sphere(n), [1.0, 10.0]),
    "sphere, 1e3": lambda n: operator(sphere(n), [1.0, 1e3]),
    "hole": lambda n: operator(sphere(n), [1.0, 0.0]),
    "blobs of one size": lambda n: operator(blobs(n, 1.5), [0.0, 1.0]),
    "blobs that grow": lambda n: operator(blobs(n, 0.12 * n), [0.0, 1.0]),
    "two networks": lambda n: two_networks(networks(n), (1.0, 1e-3), 1e-3),
}


@pytest.mark.parametrize("name", GROWING)
def test_iterations_do_not_grow_with_the_size(name):
    counts = []
    for n in (16, 64):
        one = GROWING[name](n)
        solution = GridSolver(one).solve(plate_load(one), 1e-5, 100)
        assert solution.residual <= 1e-5
        counts.append(solution.iterations)
    assert counts[1] <= 1.5 * counts[0]
    assert max(counts) <= 20


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one core alone")
def test_threads_change_nothing():
    """Planes are shared among threads and sums are taken in one order: the answers agree to the bit."""
    one = operator(blobs(40, 1.5), [0.0, 1.0])
    answers = []
    before = numba.get_num_threads()
    try:
        for count in (1, 2):
            allow_threads(count)
            solution = GridSolver(one).solve(plate_load(one), 1e-4)
            answers.append((solution.iterations, solution.residual, solution.x.copy()))
    finally:
        allow_threads(before)
    assert answers[0][:2] == answers[1][:2]
    np.testing.assert_array_equal(answers[0][2], answers[1][2])
