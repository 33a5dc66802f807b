"""Every loop over faces and rows, compiled by numba.

Kernels take arrays and scalars, the output first, and know no physics. They call nothing outside this file, so that
the compilation cache never misses an edit. Each is tested jitted and as plain Python.
"""

from __future__ import annotations

import numba as nb
import numpy as np

_jit = nb.njit(cache=True, nogil=True)
_jit_parallel = nb.njit(cache=True, nogil=True, parallel=True)


@_jit
def exchange(rate, a, b, conductance, potential):
    """Add the exchange g (u_a − u_b) of every edge to the rates of its two ends."""
    for k in range(a.size):
        flow = conductance[k] * (potential[a[k]] - potential[b[k]])
        rate[a[k]] -= flow
        rate[b[k]] += flow


@_jit
def add_at(out, index, values):
    """out[index] += values, repeated indices included."""
    for k in range(index.size):
        out[index[k]] += values[k]


@_jit
def subtract_at(out, index, values):
    """out[index] −= values, repeated indices included."""
    for k in range(index.size):
        out[index[k]] -= values[k]


@_jit
def count_links(degree, a, b):
    """Count the links of every row of the symmetric graph with edges (a, b)."""
    for k in range(a.size):
        degree[a[k]] += 1
        degree[b[k]] += 1


@_jit
def fill_links(indices, slot_ab, slot_ba, cursor, a, b):
    """Place every edge in the rows of both its ends; ``cursor`` starts at the row pointers and is consumed."""
    for k in range(a.size):
        i, j = a[k], b[k]
        slot_ab[k] = cursor[i]
        indices[cursor[i]] = j
        cursor[i] += 1
        slot_ba[k] = cursor[j]
        indices[cursor[j]] = i
        cursor[j] += 1


@_jit
def fill_weights(weights, slot_ab, slot_ba, edge_weights):
    """Copy every edge weight into its two slots."""
    for k in range(edge_weights.size):
        weights[slot_ab[k]] = edge_weights[k]
        weights[slot_ba[k]] = edge_weights[k]


@_jit
def row_sums(out, indptr, weights):
    """Sum the weights of every row."""
    for i in range(out.size):
        out[i] = 0
        for k in range(indptr[i], indptr[i + 1]):
            out[i] += weights[k]


@_jit
def laplacian_product(out, indptr, indices, weights, diagonal, x):
    """Out = diag(diagonal)·x − W·x with W the symmetric matrix of edge weights."""
    for i in range(out.size):
        total = diagonal[i] * x[i]
        for k in range(indptr[i], indptr[i + 1]):
            total -= weights[k] * x[indices[k]]
        out[i] = total


@_jit_parallel
def laplacian_product_parallel(out, indptr, indices, weights, diagonal, x):
    """Do what ``laplacian_product`` does, rows shared among threads; the result is the same to the bit."""
    for i in nb.prange(out.size):
        total = diagonal[i] * x[i]
        for k in range(indptr[i], indptr[i + 1]):
            total -= weights[k] * x[indices[k]]
        out[i] = total


@_jit
def laplacian_residual(out, indptr, indices, weights, diagonal, x, b):
    """Out = b − (diag(diagonal) − W)·x."""
    for i in range(out.size):
        total = b[i] - diagonal[i] * x[i]
        for k in range(indptr[i], indptr[i + 1]):
            total += weights[k] * x[indices[k]]
        out[i] = total


@_jit
def gauss_seidel_forward(x, indptr, indices, weights, diagonal, b):
    """One Gauss–Seidel sweep in rising order of the rows."""
    for i in range(x.size):
        total = b[i]
        for k in range(indptr[i], indptr[i + 1]):
            total += weights[k] * x[indices[k]]
        x[i] = total / diagonal[i]


@_jit
def gauss_seidel_backward(x, indptr, indices, weights, diagonal, b):
    """One Gauss–Seidel sweep in falling order of the rows."""
    for i in range(x.size - 1, -1, -1):
        total = b[i]
        for k in range(indptr[i], indptr[i + 1]):
            total += weights[k] * x[indices[k]]
        x[i] = total / diagonal[i]


@_jit_parallel
def laplacian_residual_parallel(out, indptr, indices, weights, diagonal, x, b):
    """Do what ``laplacian_residual`` does, rows shared among threads; the result is the same to the bit."""
    for i in nb.prange(out.size):
        total = b[i] - diagonal[i] * x[i]
        for k in range(indptr[i], indptr[i + 1]):
            total += weights[k] * x[indices[k]]
        out[i] = total


@_jit_parallel
def gauss_seidel_forward_blocks(x, before, bounds, indptr, indices, weights, diagonal, b):
    """One Gauss–Seidel sweep within each block of rows, which sees the other blocks as they were ``before``.

    The result depends on the blocks, not on the number of threads.
    """
    for block in nb.prange(bounds.size - 1):
        first, last = bounds[block], bounds[block + 1]
        for i in range(first, last):
            total = b[i]
            for k in range(indptr[i], indptr[i + 1]):
                j = indices[k]
                total += weights[k] * (x[j] if first <= j < last else before[j])
            x[i] = total / diagonal[i]


@_jit_parallel
def gauss_seidel_backward_blocks(x, before, bounds, indptr, indices, weights, diagonal, b):
    """One sweep like ``gauss_seidel_forward_blocks`` in falling order of the rows."""
    for block in nb.prange(bounds.size - 1):
        first, last = bounds[block], bounds[block + 1]
        for i in range(last - 1, first - 1, -1):
            total = b[i]
            for k in range(indptr[i], indptr[i + 1]):
                j = indices[k]
                total += weights[k] * (x[j] if first <= j < last else before[j])
            x[i] = total / diagonal[i]


@_jit
def restrict(coarse, aggregate, fine):
    """Sum the fine values of every aggregate; rows with aggregate −1 have no coarse partner."""
    coarse[:] = 0
    for i in range(fine.size):
        if aggregate[i] >= 0:
            coarse[aggregate[i]] += fine[i]


@_jit
def prolong_add(fine, aggregate, coarse):
    """Add the value of its aggregate to every fine row."""
    for i in range(fine.size):
        if aggregate[i] >= 0:
            fine[i] += coarse[aggregate[i]]


@_jit
def dot(a, b):
    """Σ a·b accumulated in double precision; no conjugate."""
    total = np.float64(0.0) * a[0]
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@_jit
def mark_dominant(aggregate, row_sum, diagonal, ratio):
    """Set aggregate −1 where the diagonal exceeds ``ratio`` times the links, else −2 (not yet aggregated)."""
    for i in range(aggregate.size):
        aggregate[i] = -1 if diagonal[i] > ratio * row_sum[i] else -2


@_jit
def match_pairs(aggregate, indptr, indices, weights, strong):
    """Pair every row with its strongest free neighbour (Notay 2010, ETNA 37, 123, pairwise aggregation).

    Rows marked −1 stay out. A row whose strong neighbours are all taken joins the pair of the strongest of them.
    A link is strong if it reaches ``strong`` times the row's largest. Returns the number of aggregates.
    """
    count = 0
    for i in range(aggregate.size):
        if aggregate[i] != -2:
            continue
        largest = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            if aggregate[indices[k]] != -1 and weights[k] > largest:
                largest = weights[k]
        best, best_weight = -1, strong * largest
        taken, taken_weight = -1, strong * largest
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if j == i or weights[k] <= 0.0:
                continue
            if aggregate[j] == -2:
                if weights[k] > best_weight or (best < 0 and weights[k] >= best_weight):
                    best, best_weight = j, weights[k]
            elif aggregate[j] >= 0 and (weights[k] > taken_weight or (taken < 0 and weights[k] >= taken_weight)):
                taken, taken_weight = j, weights[k]
        if best >= 0:
            aggregate[i] = count
            aggregate[best] = count
            count += 1
        elif taken >= 0:
            aggregate[i] = aggregate[taken]
        else:
            aggregate[i] = count
            count += 1
    return count


@_jit
def coarse_graph(coarse_indptr, coarse_indices, slot, indptr, indices, aggregate, members, starts):
    """Connect aggregates whose rows are connected.

    ``members`` lists the rows sorted by aggregate and ``starts`` where each aggregate begins. ``slot`` receives, for
    every fine link, the coarse link it is summed into, or −1. Returns the number of coarse links.
    """
    n_coarse = starts.size - 1
    position = np.full(n_coarse, -1, dtype=np.int64)
    used = 0
    coarse_indptr[0] = 0
    for c in range(n_coarse):
        first = used
        for m in range(starts[c], starts[c + 1]):
            i = members[m]
            for k in range(indptr[i], indptr[i + 1]):
                d = aggregate[indices[k]]
                if d < 0 or d == c:
                    slot[k] = -1
                    continue
                if position[d] < first:
                    position[d] = used
                    coarse_indices[used] = d
                    used += 1
                slot[k] = position[d]
        coarse_indptr[c + 1] = used
    return used


@_jit
def sum_links(coarse_weights, slot, weights):
    """Sum the fine weights into their coarse links."""
    coarse_weights[:] = 0
    for k in range(slot.size):
        if slot[k] >= 0:
            coarse_weights[slot[k]] += weights[k]


@_jit
def couple_potential(out, electron, ion, host, weight, x):
    """Add weight·x[host] to the electron row and take it from the ion row of every interface face."""
    for k in range(host.size):
        flow = weight[k] * x[host[k]]
        out[electron[k]] += flow
        out[ion[k]] -= flow


@_jit
def couple_species(out, electron, ion, host, weight, potential):
    """Add weight·(potential[electron] − potential[ion]) to the host row of every interface face."""
    for k in range(host.size):
        out[host[k]] += weight[k] * (potential[electron[k]] - potential[ion[k]])


@_jit
def face_currents(out_phi, out_x, electron, ion, host, conductance, response, phi, x):
    """Add the current conductance·(φ_electron − φ_ion) + response·x of every face to the rows of its unknowns."""
    for k in range(host.size):
        e, i, h = electron[k], ion[k], host[k]
        flow = conductance[k] * (phi[e] - phi[i]) + response[k] * x[h]
        out_phi[e] += flow
        out_phi[i] -= flow
        out_x[h] += flow


@_jit
def shunted_face_currents(out_phi, out_x, electron, ion, host, conductance, passing, faradaic, response, phi, x):
    """Add conductance·Δφ + passing·response·x of every face to its potentials, faradaic·Δφ + response·x to its host."""
    for k in range(host.size):
        e, i, h = electron[k], ion[k], host[k]
        delta = phi[e] - phi[i]
        lift = response[k] * x[h]
        flow = conductance[k] * delta + passing[k] * lift
        out_phi[e] += flow
        out_phi[i] -= flow
        out_x[h] += faradaic[k] * delta + lift


@_jit
def network_currents(out_phi, out_x, electron, ion, hosts, conductance, response, slope, coupling, phi, x):
    """Add conductance·Δφ + Σ response·x of every face to its potentials, slope·Δφ + Σ coupling·x to each of its stores.

    ``hosts``, ``response`` and ``slope`` have a row a face, ``coupling`` a square matrix a face.
    """
    n = hosts.shape[1]
    for f in range(electron.size):
        delta = phi[electron[f]] - phi[ion[f]]
        flow = conductance[f] * delta
        for k in range(n):
            flow += response[f, k] * x[hosts[f, k]]
            out = slope[f, k] * delta
            for j in range(n):
                out += coupling[f, k, j] * x[hosts[f, j]]
            out_x[hosts[f, k]] += out
        out_phi[electron[f]] += flow
        out_phi[ion[f]] -= flow


@_jit
def scatter_mixed(out_phi, out_x, a, b, host_a, host_b, stores, n_electronic, flow):
    """Add the flow out of end a and into end b of every edge to potentials, and from ``n_electronic`` on to stores.

    An end b of −1 is a terminal; ``stores`` turns the hosts of an edge into rows of ``out_x``.
    """
    for k in range(a.size):
        out_phi[a[k]] += flow[k]
        if b[k] >= 0:
            out_phi[b[k]] -= flow[k]
        if k >= n_electronic:
            out_x[stores[host_a[k]]] += flow[k]
            out_x[stores[host_b[k]]] -= flow[k]


@_jit
def mixed_currents(
    out_phi, out_x, a, b, host_a, host_b, stores, n_electronic, conductance, lift_a, lift_b, phi, x, frozen
):
    """Add the flow conductance·(φ_a − φ_b) + lift_a·x_a − lift_b·x_b of every edge as ``scatter_mixed`` does.

    Frozen, x does not change and its rows take nothing.
    """
    for k in range(a.size):
        flow = conductance[k] * phi[a[k]]
        if b[k] >= 0:
            flow -= conductance[k] * phi[b[k]]
        if not frozen:
            if host_a[k] >= 0:
                flow += lift_a[k] * x[stores[host_a[k]]]
            if host_b[k] >= 0:
                flow -= lift_b[k] * x[stores[host_b[k]]]
        out_phi[a[k]] += flow
        if b[k] >= 0:
            out_phi[b[k]] -= flow
        if k >= n_electronic and not frozen:
            out_x[stores[host_a[k]]] += flow
            out_x[stores[host_b[k]]] -= flow
