"""Loops that set a voxel grid up, compiled by numba: conductances of an image, coarse levels, and what they dissipate.

The layout of the arrays is that of ``grid_kernels``.
"""

from __future__ import annotations

import numba as nb

_jit_parallel = nb.njit(cache=True, nogil=True, parallel=True)


@_jit_parallel
def grid_coarsen(
    coarse_links, coarse_within, links, within, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots, everything
):
    """Sum the links of blocks of (fz, fy, fx) cells into those of the coarse cells.

    Links of one network across a block face are halved where the block is two cells deep: plain sums would make the
    coarse network twice too stiff (Braess 1995, Computing 55, 379). Links between networks are exchange, not
    transport, and are summed as they are; those inside a block join its two slots. Unless ``everything`` is asked for,
    only the links between networks are renewed.
    """
    n = nz * ny * nx
    mz, my, mx = (nz + fz - 1) // fz, (ny + fy - 1) // fy, (nx + fx - 1) // fx
    m = mz * my * mx
    pairs = coarse_slots * coarse_slots
    for big_z in nb.prange(mz):
        for k in range(3 * pairs):
            if not everything and (k < 3 or k >= 9):
                continue
            for i in range(big_z * my * mx, (big_z + 1) * my * mx):
                coarse_links[k * m + i] = 0
        if coarse_slots == 2:
            for i in range(big_z * my * mx, (big_z + 1) * my * mx):
                coarse_within[i] = 0
        for z in range(big_z * fz, min(big_z * fz + fz, nz)):
            for y in range(ny):
                for x in range(nx):
                    cell = (z * ny + y) * nx + x
                    block = (big_z * my + y // fy) * mx + x // fx
                    if slots == 2:
                        coarse_within[block] += within[cell]
                    for axis in range(3):
                        if axis == 0:
                            other = cell + ny * nx if z < nz - 1 else -1
                            outside = z // fz != (z + 1) // fz
                            factor = fz
                        elif axis == 1:
                            other = cell + nx if y < ny - 1 else cell - (ny - 1) * nx
                            outside = y // fy != (y + 1 if y < ny - 1 else 0) // fy
                            factor = fy
                        else:
                            other = cell + 1 if x < nx - 1 else cell - (nx - 1)
                            outside = x // fx != (x + 1 if x < nx - 1 else 0) // fx
                            factor = fx
                        if other < 0 or (not outside and coarse_slots == 1):
                            continue
                        for s in range(slots):
                            for t in range(slots):
                                p, q = s, t
                                if slots != coarse_slots:
                                    p, q = int(network[cell]), int(network[other])
                                if p == q and not everything:
                                    continue
                                weight = links[((s * slots + t) * 3 + axis) * n + cell]
                                if outside:
                                    if p == q and factor == 2:
                                        weight = weight * 0.5
                                    coarse_links[((p * coarse_slots + q) * 3 + axis) * m + block] += weight
                                elif p != q:
                                    coarse_within[block] += weight


@_jit_parallel
def grid_diagonal(diagonal, excess, links, within, slots, nz, ny, nx):
    """Sum links and excess of every unknown; unknowns without either get one, so that they stay at zero."""
    n = nz * ny * nx
    for z in nb.prange(nz):
        for y in range(ny):
            for x in range(nx):
                cell = (z * ny + y) * nx + x
                left = cell - nx if y > 0 else cell + (ny - 1) * nx
                back = cell - 1 if x > 0 else cell + nx - 1
                for s in range(slots):
                    total = excess[s * n + cell]
                    if slots == 2:
                        total += within[cell]
                    for t in range(slots):
                        out, inward = (s * slots + t) * 3 * n, (t * slots + s) * 3 * n
                        total += links[out + cell] + links[out + n + cell] + links[out + 2 * n + cell]
                        total += links[inward + n + left] + links[inward + 2 * n + back]
                        if z > 0:
                            total += links[inward + cell - ny * nx]
                    diagonal[s * n + cell] = total if total != 0 else 1


@_jit_parallel
def grid_block_sum(coarse, fine, network, slots, nz, ny, nx, fz, fy, fx, coarse_slots):
    """Sum fine values over blocks."""
    n = nz * ny * nx
    mz, my, mx = (nz + fz - 1) // fz, (ny + fy - 1) // fy, (nx + fx - 1) // fx
    m = mz * my * mx
    for big_z in nb.prange(mz):
        for s in range(coarse_slots):
            for i in range(big_z * my * mx, (big_z + 1) * my * mx):
                coarse[s * m + i] = 0
        for z in range(big_z * fz, min(big_z * fz + fz, nz)):
            for y in range(ny):
                for x in range(nx):
                    cell = (z * ny + y) * nx + x
                    block = (big_z * my + y // fy) * mx + x // fx
                    for s in range(slots):
                        p = s if slots == coarse_slots else int(network[cell])
                        coarse[p * m + block] += fine[s * n + cell]


@_jit_parallel
def image_links(links, labels, table, nz, ny, nx, periodic):
    """Look up the conductance of every face of a label image.

    ``table[axis, p, q]`` is the conductance between phases p and q; side walls are joined where ``periodic``.
    """
    n = nz * ny * nx
    for z in nb.prange(nz):
        for y in range(ny):
            for x in range(nx):
                cell = (z * ny + y) * nx + x
                p = labels[cell]
                links[cell] = table[0, p, labels[cell + ny * nx]] if z < nz - 1 else 0
                if y < ny - 1:
                    links[n + cell] = table[1, p, labels[cell + nx]]
                else:
                    links[n + cell] = table[1, p, labels[cell - (ny - 1) * nx]] if periodic and ny > 1 else 0
                if x < nx - 1:
                    links[2 * n + cell] = table[2, p, labels[cell + 1]]
                else:
                    links[2 * n + cell] = table[2, p, labels[cell - (nx - 1)]] if periodic and nx > 1 else 0


@_jit_parallel
def image_ramp(x, labels, outside, nz, ny, nx):
    """Fill x with the straight line from 0 to 1 between the plates, zero in the phase ``outside``."""
    for z in nb.prange(nz):
        value = (z + 0.5) / nz
        for cell in range(z * ny * nx, (z + 1) * ny * nx):
            x[cell] = value if labels[cell] != outside else 0.0


@_jit_parallel
def image_dissipation(power, moment, labels, table, plate, x, nz, ny, nx, periodic):
    """Dissipation and summed currents of a potential in a label image between plates at 0 and 1.

    power[z] = Σ g·Δ² over the faces that belong to plane z (towards higher indices, and both plates), moment[z, axis] =
    Σ of the currents through faces along ``axis``, in the direction of falling potential; ``plate[p]`` is the
    conductance from a cell of phase p to a plate, whose faces count as half a distance.
    """
    for z in nb.prange(nz):
        heat = 0.0
        flow_z, flow_y, flow_x = 0.0, 0.0, 0.0
        for y in range(ny):
            for i in range(nx):
                cell = (z * ny + y) * nx + i
                p = labels[cell]
                if z < nz - 1:
                    other = cell + ny * nx
                    drop = x[other] - x[cell]
                    g = table[0, p, labels[other]]
                    heat += g * drop * drop
                    flow_z += g * drop
                if z == 0:
                    heat += plate[p] * x[cell] * x[cell]
                    flow_z += 0.5 * plate[p] * x[cell]
                if z == nz - 1:
                    drop = 1.0 - x[cell]
                    heat += plate[p] * drop * drop
                    flow_z += 0.5 * plate[p] * drop
                if ny > 1 and (periodic or y < ny - 1):
                    other = cell + nx if y < ny - 1 else cell - (ny - 1) * nx
                    drop = x[other] - x[cell]
                    g = table[1, p, labels[other]]
                    heat += g * drop * drop
                    flow_y += g * drop
                if nx > 1 and (periodic or i < nx - 1):
                    other = cell + 1 if i < nx - 1 else cell - (nx - 1)
                    drop = x[other] - x[cell]
                    g = table[2, p, labels[other]]
                    heat += g * drop * drop
                    flow_x += g * drop
        power[z] = heat
        moment[z, 0] = flow_z
        moment[z, 1] = flow_y
        moment[z, 2] = flow_x
