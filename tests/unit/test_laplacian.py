"""``fv/laplacian.py`` against dense matrices: (A x)_p = d_p x_p + Σ_q w_pq (x_p − x_q)."""

from __future__ import annotations

import numpy as np
import pytest
from builders import conduction_matrix, laminate_graph

from catholyte.fv.laplacian import Laplacian, Links


@pytest.fixture(params=[(6, 8), (30, 70), (5, 0)])
def case(request):
    """A random graph (rows, edges; repeated edges included), its Laplacian and the same as a dense matrix."""
    n, m = request.param
    rng = np.random.default_rng(n)
    a = rng.integers(0, n, m).astype(np.int32)
    b = ((a + rng.integers(1, n, m)) % n).astype(np.int32)
    weights, excess = rng.uniform(0.1, 5.0, m), rng.uniform(0.0, 2.0, n)
    laplacian = Laplacian.from_edges(Links.from_edges(n, a, b), weights, excess)
    dense = np.diag(excess)
    for i, j, w in zip(a, b, weights, strict=True):
        dense[i, i] += w
        dense[j, j] += w
        dense[i, j] -= w
        dense[j, i] -= w
    return laplacian, dense, rng


def test_matrix_is_the_sum_of_its_edges(case):
    laplacian, dense, _ = case
    np.testing.assert_allclose(laplacian.matrix().toarray(), dense, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(laplacian.diagonal, np.diag(dense), rtol=1e-13)


def test_product_is_the_matrix(case):
    laplacian, dense, rng = case
    x = rng.standard_normal(dense.shape[0])
    np.testing.assert_allclose(laplacian.product(x), dense @ x, rtol=1e-12, atol=1e-13)


def test_symmetric(case):
    laplacian, _, rng = case
    x, y = rng.standard_normal((2, laplacian.links.n))
    assert y @ laplacian.product(x) == pytest.approx(x @ laplacian.product(y), rel=1e-11, abs=1e-12)


def test_a_constant_sees_only_the_excess(case):
    laplacian, _, _ = case
    ones = np.ones(laplacian.links.n)
    np.testing.assert_allclose(laplacian.product(ones), laplacian.excess, rtol=0.0, atol=1e-12)


def test_new_weights_on_the_same_links(case):
    laplacian, dense, _ = case
    m = laplacian.links.slot_ab.size
    links = laplacian.links
    edges = laplacian.weights[links.slot_ab]
    assert edges.size == m
    doubled = Laplacian.from_edges(links, 2.0 * edges, 2.0 * laplacian.excess)
    np.testing.assert_allclose(doubled.matrix().toarray(), 2.0 * dense, rtol=1e-13, atol=1e-14)


def test_a_row_of_resistors():
    graph = laminate_graph([("a", 2), ("b", 1)], (1.0, 2.0, 3.0))
    matrix, load = conduction_matrix(graph, [1.0, 3.0])
    area = 6.0
    inner, mixed = area / 1.0, area / (0.5 / 1.0 + 0.5 / 3.0)
    low, high = 2.0 * area * 1.0, 2.0 * area * 3.0
    expected = [[low + inner, -inner, 0.0], [-inner, inner + mixed, -mixed], [0.0, -mixed, mixed + high]]
    np.testing.assert_allclose(matrix.matrix().toarray(), expected, rtol=1e-14)
    np.testing.assert_array_equal(load, [0.0, 0.0, high])
