"""The currents of the reactions at a face, with the half cells on both sides in series.

The surface composition follows from the currents, the potential step s from their sum,

    y_s = y + q·N i,      s = Δφ − R Σ i,      i = ρ(y_s, s),

with ρ the rate laws (``network_laws.py``), N the species made per charge, q the change of site fraction between cell
centre and face per unit current and R the resistances in series. Newton's method solves for the currents of all
reactions together; its steps keep every fraction positive and change s by a tenth of a volt at most. Branches of
hysteresis move with the turnover of their reaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import NotConverged
from catholyte.physics.network_laws import SMALLEST_FRACTION, NetworkLaws, Rates

Array = NDArray[Any]
Floats = NDArray[np.float64]

#: largest change of the potential step in an iteration in V, and the part of a fraction that one may use up
LARGEST_STEP, LARGEST_SHARE = 0.1, 0.95
_MOST_STEPS = 100
#: currents are scaled in units of their own size, which is no smaller beside the largest than this
_FAINTEST = 1e-30
#: a current density in A/m² that no face has
_ABSURD = 1e100
_BISECTIONS = 50
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class NetworkState:
    """Solution of the balance of faces.

    Attributes
    ----------
    i
        Sum of the currents in A/m², shape (faces,).
    currents
        Of every reaction, shape (faces, reactions).
    step
        Potential step s in V, shape (faces,).
    y_s
        Surface fractions, shape (faces, stores).
    outflow
        What leaves every store in A/m², shape (faces, stores).
    rates
        The rate laws at the surface.
    """

    i: Array
    currents: Array
    step: Array
    y_s: Array
    outflow: Array
    rates: Rates

    @property
    def rounding(self) -> Floats:
        """What the currents owe to the rounding of the potentials in A/m², shape (faces,)."""
        volts = np.abs(self.step)[:, None] + np.abs(self.rates.U)
        total: Floats = np.finfo(float).eps * np.sum(np.abs(self.rates.di_ds) * volts, axis=1)
        return total

    @property
    def eta(self) -> Array:
        """Overpotential of every reaction in V, shape (faces, reactions)."""
        return self.step[:, None] - self.rates.U


@dataclass(frozen=True)
class NetworkAnswer:
    """How the currents answer a change of the potential step s and of the cells' fractions y.

    Attributes
    ----------
    conductance
        di/ds in S/m², shape (faces,).
    response
        di/dy in A/m², shape (faces, stores).
    slope, coupling
        d(outflow)/ds and d(outflow)/dy, shapes (faces, stores) and (faces, stores, stores).
    """

    conductance: Array
    response: Array
    slope: Array
    coupling: Array


class NetworkBalance(NetworkLaws):
    """A network whose laws are solved together with the half cells of faces.

    Parameters
    ----------
    network
        The reactions.
    """

    def solve(
        self, y: Array, delta_phi: Array, resistance: Floats, depletion: Floats, guess: Floats | None
    ) -> NetworkState:
        """Solve the balance of faces.

        Parameters
        ----------
        y
            Fractions in the cells, shape (faces, stores), positive.
        delta_phi
            φ_e − φ_i between the cell centres in V, shape (faces,).
        resistance
            R in Ω m², shape (faces,).
        depletion
            q in m²/A, shape (faces, stores).
        guess
            Currents of an earlier solution in A/m², shape (faces, reactions).

        Returns
        -------
        A :class:`NetworkState`.

        Raises
        ------
        NotConverged
            With the number of faces left.
        """
        real, dphi = np.real(y), np.real(delta_phi)
        if guess is None:
            i, s = self._first(real, dphi, resistance, depletion)
        else:
            i = guess.copy()
            i[np.any(real + depletion * (i @ self.made.T) <= 0.0, axis=1)] = 0.0
            s = dphi - resistance * i.sum(axis=1)
        y_s = lowest = np.zeros_like(real)
        for _ in range(_MOST_STEPS):
            if not np.isfinite(i).all() or np.abs(i).max(initial=0.0) > _ABSURD:
                raise NotConverged("face currents", "which grew beyond all bounds")
            supplied, digit = self._surface(real, i, depletion)
            y_s = np.maximum(supplied, np.maximum(lowest, 0.25 * digit))
            rates = self.rates(y_s, s)
            miss, short = rates.i - i, supplied - y_s
            gross = np.abs(i) + self.thermal * rates.di_ds
            volts = _EPS * (np.abs(dphi) + resistance * np.abs(i).sum(axis=1))
            last = np.sum(np.abs(rates.di_dy) * digit[:, None, :], axis=2) + rates.di_ds * volts[:, None]
            load = miss + np.sum(rates.di_dy * short[:, None, :], axis=2)
            gap = dphi - resistance * i.sum(axis=1) - s
            step, ds = self._step(rates, depletion, resistance, load, gap)
            # Done where the laws are met to what last digits do to them, or the step changes nothing any more.
            left = np.any(np.abs(miss) > 1e-13 * gross + last, axis=1)
            left &= np.any(np.abs(step) > 4e-16 * np.abs(i), axis=1)
            left |= np.any(np.abs(short) > digit, axis=1) | (np.abs(gap) > 4.0 * volts)
            if not left.any():
                break
            with np.errstate(divide="ignore"):
                share = np.minimum(1.0, LARGEST_STEP / np.abs(ds))
            i = np.where(left[:, None], i + share[:, None] * step, i)
            s = np.where(left, s + share * ds, s)
            lowest = np.where(left[:, None], (1.0 - LARGEST_SHARE) * y_s, lowest)
        else:
            # A trace beside larger currents may stay unresolved.
            largest = np.abs(i).max(axis=1, keepdims=True)
            if np.any((np.abs(miss) > 1e-8 * gross + 1e-12 * largest)[left]):
                raise NotConverged("face currents", f"on {int(left.sum())} of {i.shape[0]} faces")
        return self._state(y, delta_phi, i, resistance, depletion, rates)

    def _state(
        self, y: Array, delta_phi: Array, i: Array, resistance: Floats, depletion: Floats, rates: Rates
    ) -> NetworkState:
        if np.iscomplexobj(y) or np.iscomplexobj(delta_phi):
            return self._carried(y, delta_phi, i, resistance, depletion, rates)
        supplied, digit = self._surface(y, i, depletion)
        y_s, s = np.maximum(supplied, 0.25 * digit), delta_phi - resistance * i.sum(axis=1)
        return NetworkState(i.sum(axis=1), i, s, y_s, self.outflow(i, y_s), rates)

    def _surface(self, y: Floats, i: Floats, q: Floats) -> tuple[Floats, Floats]:
        """Return the fractions that currents leave at the surface, and their last digit.

        The fraction of an exhausted surface is a difference of large numbers, known to its last digit only.
        """
        return y + q * (i @ self.made.T), _EPS * (y + q * (np.abs(i) @ np.abs(self.made).T))

    def _carried(
        self, y: Array, delta_phi: Array, i: Array, resistance: Floats, q: Floats, rates: Rates
    ) -> NetworkState:
        """Carry a complex step through the balance: one step of Newton's method from its real solution is exact."""
        miss = self.rates(y + q * (i @ self.made.T), delta_phi - resistance * i.sum(axis=1)).i - i
        i = i + self._step(rates, q, resistance, miss)[0]
        y_s, s = y + q * (i @ self.made.T), delta_phi - resistance * i.sum(axis=1)
        return NetworkState(i.sum(axis=1), i, s, y_s, self.outflow(i, y_s), self.rates(y_s, s))

    def _first(self, y: Floats, dphi: Floats, resistance: Floats, q: Floats) -> tuple[Floats, Floats]:
        """Return where to start from: the potential step of surfaces like their cells, currents that supplies allow."""
        low, high = np.minimum(dphi, self._U0.min() - 3.0), np.maximum(dphi, self._U0.max() + 3.0)
        for _ in range(_BISECTIONS):
            s = 0.5 * (low + high)
            above = s + resistance * self.rates(y, s).i.sum(axis=1) > dphi
            low, high = np.where(above, low, s), np.where(above, s, high)
        s = np.where(resistance > 0.0, s, dphi)
        i = self.rates(y, s).i
        return self._room(y, q * (i @ self.made.T))[:, None] * i, s

    @staticmethod
    def _room(y: Floats, change: Floats) -> Floats:
        """Return the share of a change of the fractions that leaves a part of each, at most 1, shape (faces,)."""
        with np.errstate(divide="ignore", over="ignore"):
            room = np.where(change < 0.0, LARGEST_SHARE * y / np.where(change < 0.0, -change, 1.0), np.inf)
        return np.minimum(1.0, np.min(room, axis=1, initial=np.inf))

    def _step(
        self, rates: Rates, q: Array, resistance: Array, miss: Array, gap: Array | float = 0.0
    ) -> tuple[Array, Array]:
        """Return the step of Newton's method in the currents, and in the potential step behind the resistances.

        With the potential step as an unknown of its own and rows of equal size, nothing is lost where rates are steep;
        with currents in units of their own size, nor where a trace reacts beside large ones.
        """
        n, m = miss.shape
        matrix, load = np.ones((n, m + 1, m + 1)), np.zeros((n, m + 1, 1), dtype=miss.dtype)
        matrix[:, :m, :m], matrix[:, :m, m] = self._matrix(rates, q), -rates.di_ds
        matrix[:, m, :m] = resistance[:, None]
        load[:, :m, 0], load[:, m, 0] = miss, gap
        own = np.ones((n, m + 1))
        gross = np.abs(rates.i) + self.thermal * rates.di_ds
        # A trace is not scaled so far down that its column would vanish.
        own[:, :m] = np.maximum(gross, np.maximum(_FAINTEST * gross.max(axis=1, keepdims=True), SMALLEST_FRACTION))
        with np.errstate(over="ignore", invalid="ignore"):
            matrix *= own[:, None, :]
            size = np.abs(matrix).max(axis=2, keepdims=True)
            solved = np.linalg.solve(matrix / size, load / size)[:, :, 0] * own
        return solved[:, :m], solved[:, m]

    def _matrix(self, rates: Rates, q: Array) -> Array:
        """Return 1 − ∂ρ/∂i at a given potential step, shape (faces, reactions, reactions)."""
        out = -rates.di_dy @ (q[:, :, None] * self.made)
        diagonal = np.arange(self._U0.size)
        out[:, diagonal, diagonal] += 1.0
        return out

    def answer(self, state: NetworkState, q: Array) -> NetworkAnswer:
        """Linearise solved faces; ``q`` is complex where half cells answer a frequency."""
        rates = state.rates
        matrix = self._matrix(rates, q)
        drive = np.concatenate([rates.di_ds[:, :, None], rates.di_dy], axis=2)
        solved = np.linalg.solve(matrix, drive.astype(matrix.dtype, copy=False))
        moved = np.broadcast_to(-self.made, (state.i.size, *self.made.shape)).copy()
        direct = []
        for r, k, hysteresis in self._branches:
            i, h = state.currents[:, r], state.y_s[:, k]
            moved[:, k, r] = -np.where(i > 0.0, 1.0 - h, h) / hysteresis.span
            direct.append((k, np.abs(i) / hysteresis.span))
        flows = moved @ solved
        for k, value in direct:
            flows[:, k, 1 + k] += value
        return NetworkAnswer(solved[:, :, 0].sum(axis=1), solved[:, :, 1:].sum(axis=1), flows[:, :, 0], flows[:, :, 1:])

    def currents_answer(self, state: NetworkState, q: Array, ds: Array, dy: Array) -> Array:
        """Return the change of every reaction's current in A/m² with ds in V and dy, shape (faces, reactions)."""
        rates = state.rates
        drive = rates.di_ds * ds[:, None] + np.sum(rates.di_dy * dy[:, None, :], axis=2)
        matrix = self._matrix(rates, q)
        return np.linalg.solve(matrix, drive.astype(np.result_type(matrix, drive))[:, :, None])[:, :, 0]

    def rest(self, y: Floats, current: float) -> float:
        """Return the potential step in V at which a surface of fractions ``y`` (stores,) passes a current in A/m²."""
        low, high = float(self._U0.min()) - 3.0, float(self._U0.max()) + 3.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            passed = float(self.rates(y[None, :], np.array([middle])).i.sum())
            low, high = (middle, high) if passed < current else (low, middle)
        return 0.5 * (low + high)
