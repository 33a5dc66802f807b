"""Multigrid and FGMRES on conduction between two plates, ∇·(σ∇φ) = 0, in random two-phase images.

The exact answer is a sparse factorisation; the coarse matrix of piecewise constant transfer P is PᵀAP
(Notay 2010, ETNA 37, 123; flexible GMRES: Saad 1993, doi:10.1137/0914028).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from builders import conduction_matrix, laminate_graph, random_image
from scipy.sparse.linalg import spsolve

from catholyte.fv.laplacian import Laplacian, Links
from catholyte.mesh.voxels import voxel_graph
from catholyte.solve.krylov import fgmres
from catholyte.solve.multigrid import Multigrid

CONTRASTS = [1.0, 1e3, 1e8]


def problem(n: int, contrast: float, seed: int = 3):
    graph = voxel_graph(random_image((n, n, n), 0.4, seed), (1.0, 1.0, 1.0), ("weak", "strong"))
    return conduction_matrix(graph, [1.0, contrast])


def solve(matrix: Laplacian, load, tolerance: float = 1e-10):
    return fgmres(matrix.product, Multigrid(matrix).apply, load, tolerance=tolerance, most_iterations=200)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_solves_to_the_factorisation(contrast):
    matrix, load = problem(10, contrast)
    result = solve(matrix, load, 1e-12)
    exact = spsolve(matrix.matrix().tocsc(), load)
    assert result.residual <= 1e-12
    # The residual is relative to the currents at the plates, which a weak phase sees magnified.
    assert np.abs(result.x - exact).max() < 1e-8 + 1e-12 * contrast


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_iterations_hardly_grow_with_the_size(contrast):
    counts = []
    for n in (10, 16, 26):
        result = solve(*problem(n, contrast))
        assert result.residual <= 1e-10
        counts.append(result.iterations)
    assert max(counts) <= 30
    assert counts[-1] <= 1.5 * counts[1] + 4


def test_residual_is_the_true_one():
    matrix, load = problem(12, 1e3)
    result = solve(matrix, load)
    true = np.linalg.norm(load - matrix.product(result.x)) / np.linalg.norm(load)
    assert result.residual == pytest.approx(true, rel=1e-12)
    assert true <= 1e-10


def level_matrix(level) -> np.ndarray:
    n = level.diagonal.size
    dense = np.zeros((n, n))
    np.add.at(dense, (np.repeat(np.arange(n), np.diff(level.indptr)), level.indices), -level.weights.astype(float))
    return dense + np.diag(level.diagonal.astype(float))


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_coarse_matrices_are_symmetric_and_galerkin(contrast):
    matrix, _ = problem(12, contrast)
    levels = Multigrid(matrix)._levels
    assert len(levels) >= 2
    for fine, coarse in pairwise(levels):
        A, B = level_matrix(fine), level_matrix(coarse)
        np.testing.assert_allclose(B, B.T, rtol=1e-5, atol=0.0)
        aggregate = fine.transfer.aggregate
        P = (aggregate[:, None] == np.arange(coarse.diagonal.size)).astype(float)
        np.testing.assert_allclose(B, P.T @ A @ P, rtol=0.0, atol=3e-5 * np.abs(B).max())
        assert np.linalg.eigvalsh(B.astype(float)).min() > 0.0


@pytest.mark.parametrize("n", [18, 22])
def test_coarse_steps_minimise_the_energy(n):
    """The best x of a subspace leaves a residual orthogonal to itself: x·(b − A x) = 0.

    A constant load is slow enough that the first step does not do and a second one is taken.
    """
    matrix, _ = problem(n, 1e3)
    multigrid = Multigrid(matrix)
    assert len(multigrid.sizes) > 2
    A = level_matrix(multigrid._levels[1])
    b = np.ones(A.shape[0], dtype=np.float32)
    x = multigrid._coarse_solve(1, b).astype(float)
    assert x @ (b - A @ x) == pytest.approx(0.0, abs=1e-4 * float(x @ b))
    first = multigrid._cycle(1, b).astype(float)
    one_step = (first @ b) ** 2 / (first @ A @ first)
    assert x @ b > 1.01 * one_step > 0.0


def test_cycle_is_positive_and_scales():
    matrix, _ = problem(12, 1e3)
    multigrid = Multigrid(matrix)
    r, s = np.random.default_rng(0).standard_normal((2, matrix.links.n))
    assert r @ multigrid.apply(r) > 0.0
    assert s @ multigrid.apply(s) > 0.0
    np.testing.assert_array_equal(multigrid.apply(np.zeros_like(r)), 0.0)
    np.testing.assert_allclose(multigrid.apply(1e9 * r), 1e9 * multigrid.apply(r), rtol=1e-5, atol=1.0)


def test_refresh_equals_a_new_hierarchy_for_new_weights():
    graph = voxel_graph(random_image((12, 12, 12), 0.4, 1), (1.0, 1.0, 1.0), ("weak", "strong"))
    first, _ = conduction_matrix(graph, [1.0, 10.0])
    second, load = conduction_matrix(graph, [3.0, 900.0])
    multigrid = Multigrid(first)
    multigrid.refresh(second)
    result = fgmres(second.product, multigrid.apply, load, tolerance=1e-10)
    assert result.residual <= 1e-10
    assert result.iterations <= 40


def test_storage_dominated_rows_are_left_to_the_smoother():
    graph = voxel_graph(random_image((12, 12, 12), 0.4, 1), (1.0, 1.0, 1.0), ("weak", "strong"))
    matrix, load = conduction_matrix(graph, [1.0, 1.0])
    stiff = Laplacian(matrix.links, matrix.weights, matrix.excess + 1e4)
    result = solve(stiff, load)
    assert result.residual <= 1e-10
    assert result.iterations <= 10


@pytest.mark.parametrize("contrast", [1e2, 1e4])
def test_grounded_only_through_dominant_rows(contrast):
    """Plates of good conductors, one voxel thick: nothing but rows that stay fine holds the potential."""
    graph = laminate_graph([("plate", 1), ("body", 700), ("plate", 1)], (1.0, 1.0, 1.0))
    matrix, load = conduction_matrix(graph, [contrast, 1.0])
    result = solve(matrix, load, 1e-13)
    exact = spsolve(matrix.matrix().tocsc(), load)
    assert np.abs(result.x - exact).max() < 1e-5


def test_disconnected_rows():
    a, b = np.arange(0, 800, 2, dtype=np.int32), np.arange(1, 801, 2, dtype=np.int32)
    matrix = Laplacian.from_edges(Links.from_edges(802, a, b), np.ones(400), np.full(802, 0.5))
    load = np.random.default_rng(0).standard_normal(802)
    result = solve(matrix, load)
    np.testing.assert_allclose(result.x, spsolve(matrix.matrix().tocsc(), load), rtol=1e-6, atol=1e-9)


def test_fgmres_start_and_trivial_right_hand_side():
    matrix, load = problem(10, 1e3)
    exact = spsolve(matrix.matrix().tocsc(), load)
    apply = Multigrid(matrix).apply
    assert fgmres(matrix.product, apply, np.zeros_like(load), tolerance=1e-10).iterations == 0
    assert fgmres(matrix.product, apply, load, tolerance=1e-8, start=exact).iterations == 0


def test_fgmres_restarts_and_reports_failure_honestly():
    rng = np.random.default_rng(2)
    A = rng.standard_normal((60, 60)) + 12.0 * np.eye(60)
    b = rng.standard_normal(60)
    result = fgmres(lambda v: A @ v, lambda v: v, b, tolerance=1e-12, restart=20, most_iterations=400)
    assert result.residual <= 1e-12
    np.testing.assert_allclose(A @ result.x, b, rtol=0.0, atol=1e-11 * np.linalg.norm(b))
    short = fgmres(lambda v: A @ v, lambda v: v, b, tolerance=1e-12, most_iterations=3)
    assert short.iterations == 3
    assert short.residual == pytest.approx(np.linalg.norm(b - A @ short.x) / np.linalg.norm(b), rel=1e-12)
    assert short.residual > 1e-12
