"""The balance of faces with several reactions, face by face, compiled by numba.

The loops behind ``physics/network_face.py`` for rate laws known in closed form. Laws come as arrays of numbers:
``law`` holds 0 for exp(αz) − exp(−(1−α)z), 1 for z, 2 for exp(αz). They call nothing outside this file, so that the
compilation cache never misses an edit. Each is tested jitted and as plain Python, and against the laws in numpy.
"""

from __future__ import annotations

import numba as nb
import numpy as np

_jit = nb.njit(cache=True, nogil=True, error_model="numpy")


@_jit
def _rate(law, alpha, z):
    """Return the dimensionless rate, its slope, and the rates of the two directions."""
    if law == 1:
        return z, 1.0, 0.0, 0.0
    forward = np.exp(alpha * z)
    if law == 2:
        return forward, alpha * forward, forward, 0.0
    backward = np.exp(-(1.0 - alpha) * z)
    return forward - backward, alpha * forward + (1.0 - alpha) * backward, forward, backward


@_jit
def _rates(
    i, di_ds, di_dy, U, y, s, U0, activity, pairs, lattice, shift, orders, log_i00, steepness, sign, law, alpha,
    nu, mass_action, tiny, steepest, field, mean, log_y,
):  # fmt: skip
    """Fill the currents of all reactions at one surface with their derivatives, and the equilibrium potentials."""
    reactions, stores = activity.shape
    interacts = False
    for k in range(stores):
        log_y[k] = np.log(max(y[k], tiny))
        field[k] = 0.0
        for j in range(stores):
            if pairs[k, j] != 0.0:
                interacts = True
                field[k] += pairs[k, j] * y[j]
    if interacts:
        for k in range(stores):
            mean[k] = 0.0
            for j in range(stores):
                if lattice[j] == lattice[k]:
                    mean[k] += 0.5 * y[j] * field[j]
    for r in range(reactions):
        potential, log_i0 = U0[r], log_i00[r]
        for k in range(stores):
            a = activity[r, k]
            if a != 0.0:
                potential += a * log_y[k]
                if interacts:
                    potential += a * (field[k] - mean[k])
            if shift[r, k] != 0.0:
                potential += shift[r, k] * (y[k] - 0.5)
            log_i0 += orders[r, k] * log_y[k]
        z = sign[r] * (s - potential) * steepness[r]
        z = min(max(z, -steepest), steepest)
        rate, slope, forward, backward = _rate(law[r], alpha[r], z)
        i0 = np.exp(log_i0)
        U[r] = potential
        i[r] = sign[r] * i0 * rate
        di_ds[r] = i0 * slope * steepness[r]
        for k in range(stores):
            dU = shift[r, k]
            if interacts:
                for j in range(stores):
                    if activity[r, j] != 0.0:
                        dU += activity[r, j] * pairs[j, k]
                        if lattice[j] == lattice[k]:
                            dU -= activity[r, j] * field[k]
            by_log = i[r] * orders[r, k] - di_ds[r] * activity[r, k]
            if mass_action[r]:
                # The same without the difference of the directions, which a vanishing fraction would divide.
                by_log = i0 * (forward * max(-nu[r, k], 0.0) - backward * max(nu[r, k], 0.0))
            di_dy[r, k] = by_log / max(y[k], tiny) - di_ds[r] * dU


@_jit
def _eliminate(matrix, x):
    """Solve a small dense system in place by Gaussian elimination with pivoting: x becomes the solution."""
    n = x.size
    for c in range(n):
        p = c
        for r in range(c + 1, n):
            if abs(matrix[r, c]) > abs(matrix[p, c]):
                p = r
        if p != c:
            for k in range(n):
                matrix[c, k], matrix[p, k] = matrix[p, k], matrix[c, k]
            x[c], x[p] = x[p], x[c]
        for r in range(c + 1, n):
            factor = matrix[r, c] / matrix[c, c]
            for k in range(c, n):
                matrix[r, k] -= factor * matrix[c, k]
            x[r] -= factor * x[c]
    for c in range(n - 1, -1, -1):
        for k in range(c + 1, n):
            x[c] -= matrix[c, k] * x[k]
        x[c] /= matrix[c, c]


@_jit
def network_balance(
    currents, met, surface, step, di_ds, di_dy, U, y, delta_phi, resistance, depletion, made, U0, activity, pairs,
    lattice, shift, orders, log_i00, steepness, sign, law, alpha, nu, mass_action, tiny, steepest, largest_step,
    largest_share, most_steps,
):  # fmt: skip
    """Solve i = ρ(y + q·N i, Δφ − R Σ i) at every face by Newton's method, from currents near the solution.

    ``surface`` becomes y + q·N i, ``step`` Δφ − R Σ i, ``met`` where that succeeds: from afar it may not. An iteration
    changes the step by ``largest_step`` and uses up ``largest_share`` of a store at most; what a store was spared is
    carried into the next one. The potential step is an unknown of its own, and every unknown has its own scale.
    """
    eps = 2.220446049250313e-16
    faces, stores = y.shape
    reactions = U0.size
    field, mean, log_y = np.zeros(stores), np.zeros(stores), np.zeros(stores)
    lowest, digit, short = np.zeros(stores), np.zeros(stores), np.zeros(stores)
    rho, own, move = np.zeros(reactions), np.ones(reactions + 1), np.zeros(reactions + 1)
    matrix = np.zeros((reactions + 1, reactions + 1))
    for f in range(faces):
        i, q, R = currents[f], depletion[f], resistance[f]
        for k in range(stores):
            lowest[k] = 0.0
            total = y[f, k]
            for r in range(reactions):
                total += q[k] * made[k, r] * i[r]
            if total <= 0.0:
                # A guess for another composition may ask for more than there is.
                i[:] = 0.0
        met[f], ended = False, False
        for _ in range(most_steps):
            sum_, gross_sum = 0.0, 0.0
            for r in range(reactions):
                sum_ += i[r]
                gross_sum += abs(i[r])
            exact = True
            for k in range(stores):
                total, gross = 0.0, 0.0
                for r in range(reactions):
                    total += made[k, r] * i[r]
                    gross += abs(made[k, r] * i[r])
                supplied = y[f, k] + q[k] * total
                # The fraction of an exhausted surface is a difference of large numbers, known to its last digit only.
                digit[k] = eps * (y[f, k] + q[k] * gross)
                surface[f, k] = max(supplied, max(lowest[k], 0.25 * digit[k]))
                short[k] = supplied - surface[f, k]
                exact = exact and abs(short[k]) <= digit[k]
            step[f] = delta_phi[f] - R * sum_
            if ended and exact:
                met[f] = True
                break
            _rates(
                rho, di_ds[f], di_dy[f], U[f], surface[f], step[f], U0, activity, pairs, lattice, shift, orders,
                log_i00, steepness, sign, law, alpha, nu, mass_action, tiny, steepest, field, mean, log_y,
            )  # fmt: skip
            volts = eps * (abs(delta_phi[f]) + R * gross_sum)
            close, still = exact, exact
            for r in range(reactions):
                gross = abs(i[r]) + di_ds[f, r] / steepness[r]
                last = di_ds[f, r] * volts
                move[r] = rho[r] - i[r]
                own[r] = max(abs(rho[r]) + di_ds[f, r] / steepness[r], tiny)
                for k in range(stores):
                    last += abs(di_dy[f, r, k]) * digit[k]
                exact = exact and abs(move[r]) <= 1e-13 * gross + last
                close = close and abs(move[r]) <= 1e-8 * gross
            if exact:
                met[f] = True
                break
            for r in range(reactions):
                largest = 0.0
                for c in range(reactions):
                    matrix[r, c] = 0.0
                    for k in range(stores):
                        if q[k] != 0.0:
                            matrix[r, c] -= di_dy[f, r, k] * q[k] * made[k, c]
                    if r == c:
                        matrix[r, c] += 1.0
                    matrix[r, c] *= own[c]
                    largest = max(largest, abs(matrix[r, c]))
                matrix[r, reactions] = -di_ds[f, r]
                largest = max(largest, abs(di_ds[f, r]))
                for k in range(stores):
                    move[r] += di_dy[f, r, k] * short[k]
                for c in range(reactions + 1):
                    matrix[r, c] /= largest
                move[r] /= largest
            largest = 1.0
            for c in range(reactions):
                matrix[reactions, c] = R * own[c]
                largest = max(largest, R * own[c])
            matrix[reactions, reactions] = 1.0
            move[reactions] = 0.0
            for c in range(reactions + 1):
                matrix[reactions, c] /= largest
            _eliminate(matrix, move)
            drop = abs(move[reactions])
            share = 1.0 if drop <= largest_step else largest_step / drop
            for r in range(reactions):
                change = move[r] * own[r]
                still = still and abs(change) <= 4e-16 * abs(i[r])
                i[r] += share * change
            if not np.isfinite(i.sum()):
                break
            for k in range(stores):
                lowest[k] = (1.0 - largest_share) * surface[f, k]
            # The next miss is the square of this one.
            ended = (close and share == 1.0) or still
