"""Every kernel of ``fv/kernels.py`` and ``fv/vectors.py`` against a twin in plain numpy, compiled and as plain Python.

The twins are written as dense matrices or sets of Python, so that they share no loop with the kernels. The
kernels are those of (A x)_p = d_p x_p + Σ_q w_pq (x_p − x_q) and of pairwise aggregation (Notay 2010, ETNA
37, 123).
"""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from catholyte.fv import kernels, vectors
from catholyte.fv.laplacian import Links

N, M = 40, 110
NAMES = [
    "exchange",
    "add_at",
    "subtract_at",
    "count_links",
    "fill_links",
    "fill_weights",
    "row_sums",
    "laplacian_product",
    "laplacian_product_parallel",
    "laplacian_residual",
    "gauss_seidel_forward",
    "gauss_seidel_backward",
    "laplacian_residual_parallel",
    "gauss_seidel_forward_blocks",
    "gauss_seidel_backward_blocks",
    "restrict",
    "prolong_add",
    "dot",
    "mark_dominant",
    "match_pairs",
    "coarse_graph",
    "sum_links",
    "couple_potential",
    "couple_species",
    "face_currents",
    "shunted_face_currents",
    "network_currents",
    "scatter_mixed",
    "mixed_currents",
]
VECTOR_NAMES = ["inner", "subtract_multiple", "advance", "overlap_sums", "turn", "spread", "collect"]


def chosen(module, names, kind):
    """Return the functions of a module, as they run or as the Python they were written in."""
    functions = {name: getattr(module, name) for name in names}
    return SimpleNamespace(**{n: getattr(f, "py_func", f) if kind == "plain" else f for n, f in functions.items()})


@pytest.fixture(params=["compiled", "plain"])
def k(request):
    return chosen(kernels, NAMES, request.param)


@pytest.fixture(params=["compiled", "plain"])
def v(request):
    return chosen(vectors, VECTOR_NAMES, request.param)


@pytest.fixture(params=[0, 1])
def graph(request):
    """A random graph with repeated edges, an isolated row, its links, weights and dense matrices."""
    rng = np.random.default_rng(request.param)
    a = rng.integers(0, N - 1, M).astype(np.int32)
    b = ((a + rng.integers(1, N - 1, M)) % (N - 1)).astype(np.int32)
    links = Links.from_edges(N, a, b)
    edge_weights = 10.0 ** rng.uniform(-2, 2, M)
    W = np.zeros((N, N))
    np.add.at(W, (a, b), edge_weights)
    np.add.at(W, (b, a), edge_weights)
    weights = np.empty(2 * M)
    weights[links.slot_ab] = edge_weights
    weights[links.slot_ba] = edge_weights
    diagonal = W.sum(axis=1) + rng.uniform(0.1, 1.0, N)
    return SimpleNamespace(
        rng=rng, a=a, b=b, links=links, edge_weights=edge_weights, weights=weights, W=W, diagonal=diagonal
    )


def draw(rng, shape, kind):
    """Return random numbers, with an imaginary part if the kind has one."""
    values = rng.standard_normal(shape)
    if np.issubdtype(kind, np.complexfloating):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(kind)


@pytest.mark.parametrize(("module", "names"), [(kernels, NAMES), (vectors, VECTOR_NAMES)])
def test_the_list_of_kernels_is_complete(module, names):
    assert {n for n, f in vars(module).items() if callable(f) and not n.startswith("_")} == set(names)


@pytest.mark.parametrize("kind", [float, complex])
def test_exchange(k, graph, kind):
    u = draw(graph.rng, N, kind)
    rate = np.ones(N, dtype=kind)
    k.exchange(rate, graph.a, graph.b, graph.edge_weights, u)
    expected = 1.0 - (graph.W.sum(axis=1) * u - graph.W @ u)
    np.testing.assert_allclose(rate, expected, rtol=1e-12, atol=1e-11)
    assert abs(np.sum(rate - 1.0)) < 1e-11 * np.abs(rate).sum()


def test_add_at_and_subtract_at_repeat_indices(k, graph):
    values = graph.rng.standard_normal(M)
    added, expected = np.ones(N), np.ones(N)
    k.add_at(added, graph.a, values)
    np.add.at(expected, graph.a, values)
    np.testing.assert_allclose(added, expected, rtol=1e-14, atol=1e-14)
    k.subtract_at(added, graph.a, values)
    np.testing.assert_allclose(added, np.ones(N), rtol=1e-13)


def test_links(k, graph):
    degree = np.zeros(N, dtype=np.int32)
    k.count_links(degree, graph.a, graph.b)
    ends = np.concatenate([graph.a, graph.b])
    np.testing.assert_array_equal(degree, np.bincount(ends, minlength=N))

    indptr = np.concatenate([[0], np.cumsum(degree)]).astype(np.int32)
    indices = np.full(2 * M, -1, dtype=np.int32)
    slot_ab, slot_ba = np.full(M, -1, dtype=np.int32), np.full(M, -1, dtype=np.int32)
    k.fill_links(indices, slot_ab, slot_ba, indptr[:-1].copy(), graph.a, graph.b)
    row_of = np.repeat(np.arange(N), degree)
    assert sorted([*slot_ab, *slot_ba]) == list(range(2 * M))
    np.testing.assert_array_equal(row_of[slot_ab], graph.a)
    np.testing.assert_array_equal(indices[slot_ab], graph.b)
    np.testing.assert_array_equal(row_of[slot_ba], graph.b)
    np.testing.assert_array_equal(indices[slot_ba], graph.a)

    weights = np.empty(2 * M)
    k.fill_weights(weights, slot_ab, slot_ba, graph.edge_weights)
    dense = np.zeros((N, N))
    np.add.at(dense, (row_of, indices), weights)
    np.testing.assert_allclose(dense, graph.W, rtol=1e-14)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.complex64])
def test_matrix_kernels(k, graph, kind):
    x, b = draw(graph.rng, (2, N), kind)
    weights, diagonal = graph.weights.astype(kind), graph.diagonal.astype(kind)
    pattern = (graph.links.indptr, graph.links.indices)
    tolerance = {"rtol": 0.0, "atol": 300.0 * np.finfo(kind).eps * float(graph.diagonal.max())}
    sums, product, residual = (np.empty(N, dtype=kind) for _ in range(3))
    k.row_sums(sums, graph.links.indptr, weights)
    np.testing.assert_allclose(sums, graph.W.sum(axis=1), **tolerance)
    A = np.diag(graph.diagonal) - graph.W
    k.laplacian_product(product, *pattern, weights, diagonal, x)
    np.testing.assert_allclose(product, A @ x, **tolerance)
    shared = np.empty(N, dtype=kind)
    k.laplacian_product_parallel(shared, *pattern, weights, diagonal, x)
    np.testing.assert_array_equal(shared, product)
    k.laplacian_residual(residual, *pattern, weights, diagonal, x, b)
    np.testing.assert_allclose(residual, b - A @ x, **tolerance)
    k.laplacian_residual_parallel(shared, *pattern, weights, diagonal, x, b)
    np.testing.assert_array_equal(shared, residual)


def test_gauss_seidel_sweeps_solve_the_triangles(k, graph):
    x0, b = graph.rng.standard_normal((2, N))
    A = np.diag(graph.diagonal) - graph.W
    pattern = (graph.links.indptr, graph.links.indices, graph.weights, graph.diagonal, b)
    forward, backward = x0.copy(), x0.copy()
    k.gauss_seidel_forward(forward, *pattern)
    k.gauss_seidel_backward(backward, *pattern)
    np.testing.assert_allclose(forward, np.linalg.solve(np.tril(A), b - np.triu(A, 1) @ x0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(backward, np.linalg.solve(np.triu(A), b - np.tril(A, -1) @ x0), rtol=1e-9, atol=1e-12)


def test_gauss_seidel_in_blocks_solves_the_triangle_of_every_block(k, graph):
    x0, b = graph.rng.standard_normal((2, N))
    A = np.diag(graph.diagonal) - graph.W
    bounds = np.array([0, 13, 29, N])
    inside = np.zeros((N, N), dtype=bool)
    for first, last in itertools.pairwise(bounds):
        inside[first:last, first:last] = True
    outer = np.where(inside, 0.0, A) @ x0
    block = np.where(inside, A, 0.0)
    pattern = (graph.links.indptr, graph.links.indices, graph.weights, graph.diagonal, b)
    forward, backward = x0.copy(), x0.copy()
    k.gauss_seidel_forward_blocks(forward, x0, bounds, *pattern)
    k.gauss_seidel_backward_blocks(backward, x0, bounds, *pattern)
    falling = np.linalg.solve(np.triu(block), b - outer - np.tril(block, -1) @ x0)
    rising = np.linalg.solve(np.tril(block), b - outer - np.triu(block, 1) @ x0)
    np.testing.assert_allclose(forward, rising, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(backward, falling, rtol=1e-9, atol=1e-12)


def test_restrict_is_the_transpose_of_prolong(k, graph):
    aggregate = graph.rng.integers(-1, 7, N).astype(np.int32)
    P = (aggregate[:, None] == np.arange(7)).astype(float)
    fine, coarse = graph.rng.standard_normal(N), np.full(7, 9.0)
    k.restrict(coarse, aggregate, fine)
    np.testing.assert_allclose(coarse, P.T @ fine, rtol=1e-13, atol=1e-14)
    out = fine.copy()
    k.prolong_add(out, aggregate, coarse)
    np.testing.assert_allclose(out, fine + P @ coarse, rtol=1e-13, atol=1e-14)


def test_dot_accumulates_in_double(k):
    # 1e8 + 1 is 1e8 in single precision.
    a = np.ones(2000, dtype=np.float32)
    a[0] = 1e4
    assert k.dot(a, a) == 1e8 + 1999.0


def test_dot_takes_no_conjugate(k):
    a = np.array([1.0 + 2.0j, 3.0j], dtype=np.complex64)
    assert k.dot(a, a) == (1.0 + 2.0j) ** 2 - 9.0


def test_mark_dominant(k):
    links = np.array([1.0, 1.0, 0.0, 2.0])
    aggregate = np.zeros(4, dtype=np.int32)
    k.mark_dominant(aggregate, links, np.array([12.5, 11.5, 1.0, 24.0]), 12.0)
    np.testing.assert_array_equal(aggregate, [-1, -2, -1, -2])


def test_match_pairs(k, graph):
    links, strong = graph.links, 0.25
    aggregate = np.full(N, -2, dtype=np.int32)
    aggregate[[3, 8, 21]] = -1
    count = k.match_pairs(aggregate, links.indptr, links.indices, graph.weights, strong)
    outside = aggregate == -1
    assert set(np.flatnonzero(outside)) == {3, 8, 21}
    assert sorted(set(aggregate[~outside])) == list(range(count))
    alone = 0
    for c in range(count):
        members = np.flatnonzero(aggregate == c)
        if members.size == 1:
            alone += 1
            strengths = graph.W[members[0]][~outside]
            assert strengths.max() == 0.0, "only a row without free links may stay alone"
            continue
        for i in members:
            # Every member hangs on another one by a link that is strong for one of the two.
            per_link = [graph.W[i, j] / min(graph.W[i].max(), graph.W[j].max()) for j in members if j != i]
            assert max(per_link) > 0.0
    assert alone <= 2
    first = aggregate[0]
    partners = np.flatnonzero(aggregate == first)
    assert partners.size >= 2


def test_match_pairs_takes_the_strongest_neighbour(k):
    a, b = np.array([0, 1, 2], dtype=np.int32), np.array([1, 2, 3], dtype=np.int32)
    links = Links.from_edges(4, a, b)
    weights = np.empty(6)
    for slot in (links.slot_ab, links.slot_ba):
        weights[slot] = [1.0, 5.0, 1.0]
    aggregate = np.full(4, -2, dtype=np.int32)
    count = k.match_pairs(aggregate, links.indptr, links.indices, weights, 0.25)
    # Row 0 knows only row 1; row 2 finds row 1 taken and row 3 too weak, so it joins row 1; row 3 follows.
    assert count == 1
    np.testing.assert_array_equal(aggregate, [0, 0, 0, 0])


def test_coarse_graph_and_sum_links(k, graph):
    n_coarse = 9
    aggregate = np.concatenate([np.arange(n_coarse), graph.rng.integers(-1, n_coarse, N - n_coarse)]).astype(np.int32)
    order = np.argsort(aggregate, kind="stable").astype(np.int32)
    members = order[np.count_nonzero(aggregate < 0) :]
    starts = np.concatenate([[0], np.cumsum(np.bincount(aggregate[members], minlength=n_coarse))]).astype(np.int64)
    indptr, indices = np.zeros(n_coarse + 1, dtype=np.int32), np.empty(2 * M, dtype=np.int32)
    slot = np.full(2 * M, -1, dtype=np.int32)
    links = graph.links
    used = k.coarse_graph(indptr, indices, slot, links.indptr, links.indices, aggregate, members, starts)
    weights = np.full(used, 7.0)
    k.sum_links(weights, slot, graph.weights)
    assert indptr[-1] == used
    dense = np.zeros((n_coarse, n_coarse))
    rows = np.repeat(np.arange(n_coarse), np.diff(indptr))
    assert len(set(zip(rows, indices[:used], strict=True))) == used, "no coarse link stands twice"
    dense[rows, indices[:used]] = weights
    P = (aggregate[:, None] == np.arange(n_coarse)).astype(float)
    expected = P.T @ graph.W @ P
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(dense, expected, rtol=1e-12)


def test_couplings_are_the_blocks_of_the_faces(k, graph):
    electron, ion, host = (graph.rng.integers(0, n, M).astype(np.int32) for n in (20, 20, 12))
    weight = graph.rng.standard_normal(M)
    phi, x = graph.rng.standard_normal(N), graph.rng.standard_normal(12)
    to_face = np.eye(N)[electron] - np.eye(N)[20 + ion]
    host_of = np.eye(12)[host]
    out_phi, out_x = np.ones(N), np.ones(12)
    k.couple_potential(out_phi, electron, (20 + ion).astype(np.int32), host, weight, x)
    np.testing.assert_allclose(out_phi, 1.0 + to_face.T @ (weight * (host_of @ x)), rtol=1e-12, atol=1e-13)
    k.couple_species(out_x, electron, (20 + ion).astype(np.int32), host, weight, phi)
    np.testing.assert_allclose(out_x, 1.0 + host_of.T @ (weight * (to_face @ phi)), rtol=1e-12, atol=1e-13)

    response = graph.rng.standard_normal(M)
    current = weight * (to_face @ phi) + response * (host_of @ x)
    out_phi, out_x = np.ones(N), np.ones(12)
    k.face_currents(out_phi, out_x, electron, (20 + ion).astype(np.int32), host, weight, response, phi, x)
    np.testing.assert_allclose(out_phi, 1.0 + to_face.T @ current, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(out_x, 1.0 + host_of.T @ current, rtol=1e-12, atol=1e-13)

    faradaic, passing = graph.rng.standard_normal((2, M))
    out_phi, out_x = np.ones(N), np.ones(12)
    faces = (electron, (20 + ion).astype(np.int32), host)
    k.shunted_face_currents(out_phi, out_x, *faces, weight, passing, faradaic, response, phi, x)
    total = weight * (to_face @ phi) + passing * response * (host_of @ x)
    reacted = faradaic * (to_face @ phi) + response * (host_of @ x)
    np.testing.assert_allclose(out_phi, 1.0 + to_face.T @ total, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(out_x, 1.0 + host_of.T @ reacted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", [float, complex])
def test_currents_of_networks_are_dense_blocks(k, graph, kind):
    faces, stores = 30, 3
    electron, ion = (graph.rng.integers(0, 20, faces).astype(np.int32) for _ in range(2))
    ion += 20
    hosts = graph.rng.integers(0, 12, (faces, stores)).astype(np.int32)
    conductance, response = draw(graph.rng, faces, kind), draw(graph.rng, (faces, stores), kind)
    slope, coupling = draw(graph.rng, (faces, stores), kind), draw(graph.rng, (faces, stores, stores), kind)
    phi, x = draw(graph.rng, N, kind), draw(graph.rng, 12, kind)
    out_phi, out_x = np.ones(N, dtype=kind), np.ones(12, dtype=kind)
    k.network_currents(out_phi, out_x, electron, ion, hosts, conductance, response, slope, coupling, phi, x)
    across, stored = phi[electron] - phi[ion], x[hosts]
    current = conductance * across + np.einsum("fk,fk->f", response, stored)
    left = slope * across[:, None] + np.einsum("fkj,fj->fk", coupling, stored)
    to_face, of_store = np.eye(N)[electron] - np.eye(N)[ion], np.eye(12)[hosts]
    np.testing.assert_allclose(out_phi, 1.0 + to_face.T @ current, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(out_x, 1.0 + np.einsum("fkx,fk->x", of_store, left), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [float, complex])
def test_edges_of_mixed_conductors(k, kind):
    """Electrons between cells, to a neighbour that stores nothing and to a terminal; ions between stores."""
    rng = np.random.default_rng(4)
    m, n_electronic, hosts = 30, 18, 6
    a, b = rng.integers(0, N, (2, m)).astype(np.int32)
    host_a, host_b = rng.integers(0, hosts, (2, m)).astype(np.int32)
    b[:4], host_b[:4], host_b[4:7], host_a[7:9] = -1, -1, -1, -1
    stores = rng.permutation(12)[:hosts].astype(np.int32)
    conductance, lift_a, lift_b = draw(rng, (3, m), kind)
    phi, x = draw(rng, N, kind), draw(rng, 12, kind)

    def rows(index, count):
        """Return a matrix with a one in the column of every index, none for −1."""
        return np.where(index[:, None] >= 0, np.eye(count)[index], 0.0)

    ends = rows(a, N) - rows(b, N)
    store_a = rows(np.where(host_a >= 0, stores[host_a], -1), 12)
    store_b = rows(np.where(host_b >= 0, stores[host_b], -1), 12)
    ionic = (np.arange(m) >= n_electronic)[:, None]
    at = a, b, host_a, host_b, stores, n_electronic
    for frozen in (False, True):
        lifted = 0.0 if frozen else lift_a * (store_a @ x) - lift_b * (store_b @ x)
        flow = conductance * (ends @ phi) + lifted
        out_phi, out_x = np.ones(N, dtype=kind), np.ones(12, dtype=kind)
        k.mixed_currents(out_phi, out_x, *at, conductance, lift_a, lift_b, phi, x, frozen)
        np.testing.assert_allclose(out_phi, 1.0 + ends.T @ flow, rtol=1e-12, atol=1e-12)
        taken = 0.0 if frozen else (ionic * (store_a - store_b)).T @ flow
        np.testing.assert_allclose(out_x, 1.0 + taken, rtol=1e-12, atol=1e-12)
    out_phi, out_x = np.ones(N, dtype=kind), np.ones(12, dtype=kind)
    k.scatter_mixed(out_phi, out_x, *at, flow)
    np.testing.assert_allclose(out_phi, 1.0 + ends.T @ flow, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(out_x, 1.0 + (ionic * (store_a - store_b)).T @ flow, rtol=1e-12, atol=1e-12)


#: a multiple of the chunks, more than that, and less
LENGTHS = [2 * vectors.CHUNKS, 3 * vectors.CHUNKS + 5, 7]
KINDS = [np.float64, np.float32, np.complex64]


def close(kind):
    """Return tolerances for sums of some hundred numbers of order one."""
    return {"rtol": 0.0, "atol": 500.0 * float(np.finfo(kind).eps)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", LENGTHS)
def test_sums_over_vectors(v, n, kind):
    rng = np.random.default_rng(n)
    a, b = draw(rng, (2, n), kind)
    np.testing.assert_allclose(v.inner(a, b), np.vdot(a, b), **close(kind))
    parts = np.full(vectors.CHUNKS, 9.0, dtype=np.result_type(kind, np.float64))
    v.overlap_sums(parts, a, b)
    np.testing.assert_allclose(parts.sum(), np.sum(a * b), **close(kind))


def test_inner_is_as_precise_as_its_second(v):
    """As Gram and Schmidt need it: directions in single precision, the vector to be turned in double precision."""
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal(300).astype(np.float32), rng.standard_normal(300)
    assert v.inner(a, b) == pytest.approx(np.vdot(a.astype(np.float64), b), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", LENGTHS)
def test_updates_of_vectors(v, n, kind):
    rng = np.random.default_rng(n)
    x, r, p, q, z = draw(rng, (5, n), kind)
    step = kind(0.3 + 0.2j) if np.issubdtype(kind, np.complexfloating) else kind(0.3)
    moved, left, squares = x.copy(), r.copy(), np.full(vectors.CHUNKS, 9.0)
    v.advance(moved, left, step, p, q, squares)
    np.testing.assert_allclose(moved, x + step * p, **close(kind))
    np.testing.assert_allclose(left, r - step * q, **close(kind))
    assert squares.sum() == pytest.approx(np.linalg.norm(r - step * q) ** 2, rel=1e-5)
    turned, less = p.copy(), x.copy()
    v.turn(turned, z, step)
    np.testing.assert_allclose(turned, z + step * p, **close(kind))
    v.subtract_multiple(less, step, q)
    np.testing.assert_allclose(less, x - step * q, **close(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_go_to_their_places_and_back(v, kind):
    rng = np.random.default_rng(5)
    cells = rng.permutation(500)[:150].astype(np.int32)
    values, grid = draw(rng, 150, kind), np.full(500, 9.0, dtype=kind)
    v.spread(grid, cells, values, kind(0.5))
    np.testing.assert_array_equal(grid[cells], kind(0.5) * values)
    assert np.all(np.delete(grid, cells) == 9.0)
    back = np.empty_like(values)
    v.collect(back, cells, grid, kind(2.0))
    np.testing.assert_array_equal(back, values)
