"""Loops over voxel grids, compiled by numba: the stencil of a multigrid level and its transfer to the next.

A level has one or two *slots* (unknowns) in every cell: two where two networks share a coarse cell. All arrays are
flat: slot s of cell c stands at ``s·n + c``, with c = (z·ny + y)·nx + x. ``links`` holds the conductance from slot s of
a cell to slot t of the next cell along an axis at ``((s·slots + t)·3 + axis)·n + c``; the last cell's next is the
first, with a link of zero where the wall is sealed (``wrapped`` says whether any of those along x is not). Along z
nothing wraps.

Neighbours are gathered by vectorised loops over strips of rows into a buffer that stays in the first cache. The
parallel twins share planes among threads; the result is the same for any number of them.
"""

from __future__ import annotations

import numba as nb
import numpy as np

_jit = nb.njit(cache=True, nogil=True, fastmath={"contract"})
_jit_parallel = nb.njit(cache=True, nogil=True, parallel=True, fastmath={"contract"})
_jit_sums = nb.njit(cache=True, nogil=True, parallel=True, fastmath={"contract", "reassoc", "nsz"})

#: cells of a strip
_STRIP = 4096


@_jit
def _strip_rows(ny, nx):
    """Rows of a strip: an even number, so that blocks of two rows stay together."""
    return min(ny, max(2, _STRIP // nx // 2 * 2))


@_jit
def _add_pair(sum_, link_1, x_1, link_2, x_2):
    """Sum += link_1·x_1 + link_2·x_2, element by element (views, so that the loop is vectorised)."""
    for i in range(sum_.size):
        sum_[i] += link_1[i] * x_1[i] + link_2[i] * x_2[i]


@_jit
def _add(sum_, link, x):
    """Sum += link·x, element by element."""
    for i in range(sum_.size):
        sum_[i] += link[i] * x[i]


@_jit
def _subtract(sum_, link, x):
    """Sum −= link·x, element by element."""
    for i in range(sum_.size):
        sum_[i] -= link[i] * x[i]


@_jit
def _gather(sum_, x, out, back, z, nz, first_row, last_row, ny, nx, wrapped):
    """Add what the neighbours of rows first_row…last_row−1 of plane z send to one slot.

    ``x`` are the values of one slot of the neighbours, ``out`` the links to them at the own cell and ``back`` those at
    the neighbour, shape (3·n,).
    """
    plane = ny * nx
    n = nz * plane
    a = z * plane + first_row * nx
    count = (last_row - first_row) * nx
    b = a + count
    if 0 < z < nz - 1:
        _add_pair(sum_, out[a:b], x[a + plane : b + plane], back[a - plane : b - plane], x[a - plane : b - plane])
    elif z > 0:
        _add(sum_, back[a - plane : b - plane], x[a - plane : b - plane])
    elif nz > 1:
        _add(sum_, out[a:b], x[a + plane : b + plane])
    if ny > 1:
        up, down = out[n : 2 * n], back[n : 2 * n]
        low = nx if first_row == 0 else 0
        high = count - nx if last_row == ny else count
        _add(sum_[:high], up[a : a + high], x[a + nx : a + nx + high])
        _add(sum_[low:], down[a + low - nx : b - nx], x[a + low - nx : b - nx])
        if last_row == ny:
            start = z * plane
            _add(sum_[high:], up[b - nx : b], x[start : start + nx])
        if first_row == 0:
            end = (z + 1) * plane
            _add(sum_[:nx], down[end - nx : end], x[end - nx : end])
    if nx > 1:
        up, down = out[2 * n :], back[2 * n :]
        _add(sum_[: count - 1], up[a : b - 1], x[a + 1 : b])
        _add(sum_[1:], down[a : b - 1], x[a : b - 1])
        if wrapped:
            # The flat loops joined the end of every row to the start of the next one.
            for row in range(a, b, nx):
                end = row + nx - 1
                sum_[end - a] += up[end] * (x[row] - x[end + 1] if end + 1 < b else x[row])
                sum_[row - a] += down[end] * x[end]
                if row > a:
                    sum_[row - a] -= down[row - 1] * x[row - 1]


@_jit
def _gather_all(sum_, x, links, slots, z, nz, first_row, last_row, ny, nx, wrapped):
    """Add to sum[s·count + i] what the neighbours of a strip send to slot s of its cells."""
    n = nz * ny * nx
    count = (last_row - first_row) * nx
    for s in range(slots):
        for t in range(slots):
            out, back = (s * slots + t) * 3 * n, (t * slots + s) * 3 * n
            _gather(
                sum_[s * count : (s + 1) * count],
                x[t * n : (t + 1) * n],
                links[out : out + 3 * n],
                links[back : back + 3 * n],
                z,
                nz,
                first_row,
                last_row,
                ny,
                nx,
                wrapped,
            )


@_jit
def _solve_one(x, sum_, diagonal, checker, odd):
    """Relax every other cell with one slot."""
    for i in range(x.size):
        new = sum_[i] / diagonal[i]
        x[i] = new if checker[i] == odd else x[i]


@_jit
def _solve_two(x_0, x_1, sum_0, sum_1, diagonal_0, diagonal_1, within, checker, odd):
    """Relax every other cell with two slots, both at once."""
    for i in range(x_0.size):
        d_0, d_1, g = diagonal_0[i], diagonal_1[i], within[i]
        scale = 1 / (d_0 * d_1 - g * g)
        new_0 = (d_1 * sum_0[i] + g * sum_1[i]) * scale
        new_1 = (d_0 * sum_1[i] + g * sum_0[i]) * scale
        mine = checker[i] == odd
        x_0[i] = new_0 if mine else x_0[i]
        x_1[i] = new_1 if mine else x_1[i]


@_jit
def _relax_plane(x, b, links, diagonal, within, checker, slots, nz, ny, nx, wrapped, colour, neighbours, z):
    n = nz * ny * nx
    rows = _strip_rows(ny, nx)
    sum_ = np.empty(slots * rows * nx, dtype=x.dtype)
    odd = (z + colour) & 1
    for y in range(0, ny, rows):
        top = min(y + rows, ny)
        begin, count = (z * ny + y) * nx, (top - y) * nx
        end = begin + count
        for s in range(slots):
            sum_[s * count : (s + 1) * count] = b[s * n + begin : s * n + end]
        if neighbours:
            _gather_all(sum_, x, links, slots, z, nz, y, top, ny, nx, wrapped)
        else:
            for s in range(slots):
                x[s * n + begin : s * n + end] = 0
        turn = checker[y * nx : y * nx + count]
        if slots == 1:
            _solve_one(x[begin:end], sum_, diagonal[begin:end], turn, odd)
        else:
            _solve_two(
                x[begin:end],
                x[n + begin : n + end],
                sum_[:count],
                sum_[count:],
                diagonal[begin:end],
                diagonal[n + begin : n + end],
                within[begin:end],
                turn,
                odd,
            )


@_jit
def _residual_strip(sum_, x, b, links, diagonal, within, slots, z, nz, first_row, last_row, ny, nx, wrapped):
    """Sum = b − A x for a strip."""
    n = nz * ny * nx
    begin, count = (z * ny + first_row) * nx, (last_row - first_row) * nx
    for s in range(slots):
        to, at = sum_[s * count : (s + 1) * count], s * n + begin
        to[:] = b[at : at + count]
        _subtract(to, diagonal[at : at + count], x[at : at + count])
        if slots == 2:
            other = (1 - s) * n + begin
            _add(to, within[begin : begin + count], x[other : other + count])
    _gather_all(sum_, x, links, slots, z, nz, first_row, last_row, ny, nx, wrapped)


@_jit
def _sum_pairs(coarse, fine):
    """Add to every coarse value the two fine ones below it."""
    for i in range(fine.size // 2):
        coarse[i] += fine[2 * i] + fine[2 * i + 1]
    if fine.size & 1:
        coarse[coarse.size - 1] += fine[fine.size - 1]


@_jit
def _sum_chosen(coarse, fine, network, chosen, fx):
    """Add to every coarse value the fine ones of one network below it."""
    if fx == 2:
        for i in range(fine.size // 2):
            left = fine[2 * i] if network[2 * i] == chosen else 0 * fine[2 * i]
            right = fine[2 * i + 1] if network[2 * i + 1] == chosen else 0 * fine[2 * i + 1]
            coarse[i] += left + right
        if fine.size & 1 and network[fine.size - 1] == chosen:
            coarse[coarse.size - 1] += fine[fine.size - 1]
    else:
        for i in range(fine.size):
            coarse[i] += fine[i] if network[i] == chosen else 0 * fine[i]


@_jit
def _restrict_plane(
    coarse, x, b, links, diagonal, within, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots, wrapped, big_z
):
    mz, my, mx = (nz + fz - 1) // fz, (ny + fy - 1) // fy, (nx + fx - 1) // fx
    m = mz * my * mx
    rows = _strip_rows(ny, nx)
    sum_ = np.empty(slots * rows * nx, dtype=x.dtype)
    for s in range(coarse_slots):
        coarse[s * m + big_z * my * mx : s * m + (big_z + 1) * my * mx] = 0
    for z in range(big_z * fz, min(big_z * fz + fz, nz)):
        for y in range(0, ny, rows):
            top = min(y + rows, ny)
            count = (top - y) * nx
            _residual_strip(sum_, x, b, links, diagonal, within, slots, z, nz, y, top, ny, nx, wrapped)
            for row in range(y, top):
                to = (big_z * my + row // fy) * mx
                at = (row - y) * nx
                if slots != coarse_slots:
                    cell = (z * ny + row) * nx
                    own, mine = sum_[at : at + nx], network[cell : cell + nx]
                    _sum_chosen(coarse[to : to + mx], own, mine, 0, fx)
                    _sum_chosen(coarse[m + to : m + to + mx], own, mine, 1, fx)
                    continue
                for s in range(slots):
                    target = coarse[s * m + to : s * m + to + mx]
                    own = sum_[s * count + at : s * count + at + nx]
                    if fx == 2:
                        _sum_pairs(target, own)
                    else:
                        for i in range(nx):
                            target[i] += own[i]


@_jit
def _add_chosen(fine, first, second, network, fx):
    """Add to every fine value that of its block in the network it belongs to."""
    if fx == 2:
        for i in range(fine.size // 2):
            fine[2 * i] += second[i] if network[2 * i] else first[i]
            fine[2 * i + 1] += second[i] if network[2 * i + 1] else first[i]
        if fine.size & 1:
            end = fine.size - 1
            fine[end] += second[end // 2] if network[end] else first[end // 2]
    else:
        for i in range(fine.size):
            fine[i] += second[i] if network[i] else first[i]


@_jit
def _prolong_plane(x, coarse, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots, z):
    n = nz * ny * nx
    mz, my, mx = (nz + fz - 1) // fz, (ny + fy - 1) // fy, (nx + fx - 1) // fx
    m = mz * my * mx
    for y in range(ny):
        row = (z * ny + y) * nx
        at = ((z // fz) * my + y // fy) * mx
        if slots != coarse_slots:
            first, second = coarse[at : at + mx], coarse[m + at : m + at + mx]
            _add_chosen(x[row : row + nx], first, second, network[row : row + nx], fx)
            continue
        for s in range(slots):
            fine, block = x[s * n + row : s * n + row + nx], coarse[s * m + at : s * m + at + mx]
            if fx == 2:
                for i in range(nx // 2):
                    fine[2 * i] += block[i]
                    fine[2 * i + 1] += block[i]
                if nx & 1:
                    fine[nx - 1] += block[mx - 1]
            else:
                for i in range(nx):
                    fine[i] += block[i]


@_jit
def grid_relax(x, b, links, diagonal, within, checker, slots, nz, ny, nx, wrapped, colour, neighbours):
    """Solve every cell of one colour for its slots, the others held: half a red–black Gauss–Seidel sweep.

    Without ``neighbours`` the other colour is set to zero: the first half sweep from x = 0.
    """
    for z in range(nz):
        _relax_plane(x, b, links, diagonal, within, checker, slots, nz, ny, nx, wrapped, colour, neighbours, z)


@_jit_parallel
def grid_relax_parallel(x, b, links, diagonal, within, checker, slots, nz, ny, nx, wrapped, colour, neighbours):
    """Do what ``grid_relax`` does, planes shared among threads."""
    for z in nb.prange(nz):
        _relax_plane(x, b, links, diagonal, within, checker, slots, nz, ny, nx, wrapped, colour, neighbours, z)


@_jit
def grid_restrict(coarse, x, b, links, diagonal, within, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots, wrapped):
    """Sum the residual b − A x over blocks of (fz, fy, fx) cells.

    Where the fine level has one slot and the coarse one two, ``network`` says into which slot a cell goes.
    """
    for z in range((nz + fz - 1) // fz):
        _restrict_plane(
            coarse, x, b, links, diagonal, within, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots, wrapped, z
        )


@_jit_parallel
def grid_restrict_parallel(
    coarse, x, b, links, diagonal, within, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots, wrapped
):
    """Do what ``grid_restrict`` does, planes shared among threads."""
    for z in nb.prange((nz + fz - 1) // fz):
        _restrict_plane(
            coarse, x, b, links, diagonal, within, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots, wrapped, z
        )


@_jit
def grid_prolong(x, coarse, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots):
    """Add to every fine unknown the value of its block."""
    for z in range(nz):
        _prolong_plane(x, coarse, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots, z)


@_jit_parallel
def grid_prolong_parallel(x, coarse, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots):
    """Do what ``grid_prolong`` does, planes shared among threads."""
    for z in nb.prange(nz):
        _prolong_plane(x, coarse, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots, z)


@_jit
def _gather_differences(sum_, x, out, back, own, other, z, nz, y, ny, nx):
    """Sum += Σ link·(x[own] − x[neighbour]) for one row; ``own`` and ``other`` are where the two slots begin in x."""
    plane = ny * nx
    n = nz * plane
    row = z * plane + y * nx
    here = x[own + row : own + row + nx]
    if z < nz - 1:
        _add_flow(sum_, out[row : row + nx], here, x[other + row + plane : other + row + plane + nx])
    if z > 0:
        low = row - plane
        _add_flow(sum_, back[low : low + nx], here, x[other + low : other + low + nx])
    if ny > 1:
        right = row + nx if y < ny - 1 else z * plane
        left = row - nx if y > 0 else (z + 1) * plane - nx
        _add_flow(sum_, out[n + row : n + row + nx], here, x[other + right : other + right + nx])
        _add_flow(sum_, back[n + left : n + left + nx], here, x[other + left : other + left + nx])
    if nx > 1:
        up, down = out[2 * n + row : 2 * n + row + nx], back[2 * n + row : 2 * n + row + nx]
        there = x[other + row : other + row + nx]
        _add_flow(sum_[: nx - 1], up[: nx - 1], here[: nx - 1], there[1:])
        _add_flow(sum_[1:], down[: nx - 1], here[1:], there[: nx - 1])
        sum_[nx - 1] += up[nx - 1] * (here[nx - 1] - there[0])
        sum_[0] += down[nx - 1] * (here[0] - there[nx - 1])


@_jit
def _add_flow(sum_, link, here, there):
    """Sum += link·(here − there), element by element."""
    for i in range(sum_.size):
        sum_[i] += link[i] * (here[i] - there[i])


@_jit_sums
def grid_product(out, overlap, x, links, excess, within, slots, nz, ny, nx):
    """Out = A x from differences, so that smooth fields lose no digits; overlap[z] = Σ x·A x over plane z.

    ``x`` may be of higher precision than the links.
    """
    n = nz * ny * nx
    for z in nb.prange(nz):
        sum_ = np.empty(nx, dtype=x.dtype)
        total = 0.0 * x[0]
        for y in range(ny):
            row = (z * ny + y) * nx
            for s in range(slots):
                at = s * n + row
                for i in range(nx):
                    sum_[i] = excess[at + i] * x[at + i]
                if slots == 2:
                    other = (1 - s) * n + row
                    _add_flow(sum_, within[row : row + nx], x[at : at + nx], x[other : other + nx])
                for t in range(slots):
                    o, b = (s * slots + t) * 3 * n, (t * slots + s) * 3 * n
                    _gather_differences(
                        sum_, x, links[o : o + 3 * n], links[b : b + 3 * n], s * n, t * n, z, nz, y, ny, nx
                    )
                for i in range(nx):
                    out[at + i] = sum_[i]
                    total += sum_[i] * x[at + i]
        overlap[z] = total
