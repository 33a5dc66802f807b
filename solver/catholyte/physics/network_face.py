"""The currents of the reactions at a face, with the half cells on both sides in series.

The surface composition follows from the currents, the potential step s from their sum,

    y_s = y + q·N i,      s = Δφ − R Σ i,      i = ρ(y_s, s),

with ρ the rate laws (``network.py``), N the species made per charge, q the change of site fraction between cell centre
and face per unit current and R the resistances in series. Newton's method solves for the currents of all reactions
together; its steps keep every fraction positive and change s by a tenth of a volt at most. Branches of hysteresis move
with the turnover of their reaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import NotConverged
from catholyte.physics.constants import F, R
from catholyte.physics.equilibrium import value_and_slope
from catholyte.physics.kinetics import ButlerVolmer, Linear, Tafel
from catholyte.physics.network import Network, Stock, Store

Array = NDArray[Any]
Floats = NDArray[np.float64]

#: logarithms are taken of fractions no smaller than this
SMALLEST_FRACTION = 1e-290
#: overpotentials beyond this, in units of RT/F, change no rate
STEEPEST = 1000.0
#: largest change of the potential step in an iteration in V, and the part of a fraction that one may use up
LARGEST_STEP, LARGEST_SHARE = 0.1, 0.95
_MOST_STEPS = 100
#: currents are scaled in units of their own size, which is no smaller beside the largest than this
_FAINTEST = 1e-30
#: a current density in A/m² that no face has
_ABSURD = 1e100
#: numbers of the rate laws that are known in closed form
_CODES: dict[type, int] = {ButlerVolmer: 0, Linear: 1, Tafel: 2}
_BISECTIONS = 50
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Rates:
    """Currents of all reactions at given surfaces, and their derivatives; shapes (faces, reactions[, stores]).

    Attributes
    ----------
    i
        Current densities in A/m².
    di_ds
        In S/m².
    di_dy
        In A/m².
    U
        Equilibrium potentials in V.
    """

    i: Array
    di_ds: Array
    di_dy: Array
    U: Array


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


class ClosedForm(NamedTuple):
    """Laws of reactions r over stores k as arrays, for loops that know no physics.

    Attributes
    ----------
    made
        What every reaction makes of every store per charge, shape (k, r).
    U0, activity, pairs, lattice, shift
        U_r = U0_r + Σ activity_rk·(ln y_k + pair energies on the lattice of k) + Σ shift_rk·(y_k − ½) in V.
    orders, log_i00
        ln i0_r = log_i00_r + Σ orders_rk·ln y_k.
    steepness, sign, law, alpha
        i_r = sign_r·i0_r·f(sign_r·steepness_r·(s − U_r)), f being exp(αz) − exp(−(1−α)z), z or exp(αz) for law 0, 1, 2.
    nu, mass_action
        Stoichiometry, shape (r, k), and whether the orders make the rate the difference of two products of fractions.
    """

    made: Floats
    U0: Floats
    activity: Floats
    pairs: Floats
    lattice: NDArray[np.int64]
    shift: Floats
    orders: Floats
    log_i00: Floats
    steepness: Floats
    sign: Floats
    law: NDArray[np.int64]
    alpha: Floats
    nu: Floats
    mass_action: NDArray[np.bool_]


class NetworkLaws:
    """The laws of a network as arrays over its reactions and over the stores that take part in them.

    Parameters
    ----------
    network
        The reactions.

    Attributes
    ----------
    stores
        (side, position in ``Stock.stores``, store) of everything that takes part.
    made
        N: what every reaction makes of every store per charge, shape (stores, reactions); zero for branches.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.thermal = R * network.T / F
        reactions = network.reactions
        self.stores = tuple(
            (side, k, store)
            for side, stock in enumerate(network.stocks)
            for k, store in enumerate(stock.stores)
            if self._takes_part(side, stock, store)
        )
        n, m = len(self.stores), len(reactions)
        where = {(side, store.name): j for j, (side, _, store) in enumerate(self.stores)}
        self.made = np.zeros((n, m))
        self._activity, self._orders = np.zeros((m, n)), np.zeros((m, n))
        self._electrons = np.array([each.electrons for each in reactions])
        self._U0 = np.array([each.U0 for each in reactions])
        self._log_i00 = np.log([each.i00 for each in reactions])
        self._tables = [
            (r, where[each.table.side, each.table.species], each.table.law)
            for r, each in enumerate(reactions)
            if each.table is not None
        ]
        self._branches = [
            (r, where[side, f"branch {each.name}"], each.hysteresis)
            for r, each in enumerate(reactions)
            for side, stock in enumerate(network.stocks)
            if each.hysteresis is not None and any(b.name == each.name for b in stock.branches)
        ]
        for r, each in enumerate(reactions):
            nu = np.zeros(n)
            for (side, species), number in self._with_vacancies(each.stoichiometry).items():
                nu[where[side, species]] += number
            self.made[:, r] = nu / each.electrons
            if each.direction == "both":
                orders = np.where(nu < 0.0, (1.0 - each.alpha) * -nu, each.alpha * nu)
                if each.table is None:
                    self._activity[r] = self.thermal / each.electrons * nu
            else:
                orders = np.maximum(-nu if each.direction == "oxidation" else nu, 0.0)
            if each.concentration == "mass-action":
                self._orders[r] = orders
        self._mass_action = [
            (r, each.alpha)
            for r, each in enumerate(reactions)
            if isinstance(each.rate, ButlerVolmer) and each.rate.alpha == each.alpha
            if (each.direction, each.concentration, each.table) == ("both", "mass-action", None)
        ]
        self._sign = np.array([-1.0 if each.direction == "reduction" else 1.0 for each in reactions])
        self._set_interactions(where)

    def _takes_part(self, side: int, stock: Stock, store: Store) -> bool:
        if store.lattice is None:
            return any(store.name == f"branch {each.name}" for each in self.network.reactions)
        members = next(lattice.species for lattice in stock.lattices if lattice.name == store.lattice)
        return any((side, name) in each.stoichiometry for each in self.network.reactions for name in members)

    def _with_vacancies(self, stoichiometry: Any) -> dict[tuple[int, str], float]:
        total = dict(stoichiometry)
        for side, stock in enumerate(self.network.stocks):
            for lattice in stock.lattices:
                filled = sum(stoichiometry.get((side, name), 0.0) for name in lattice.species)
                if lattice.filling == "vacancies" and filled:
                    total[side, lattice.vacancy] = -filled
        return total

    def _set_interactions(self, where: dict[tuple[int, str], int]) -> None:
        n = len(self.stores)
        self._pairs = np.zeros((n, n))
        lattices = list(dict.fromkeys((side, store.lattice) for side, _, store in self.stores))
        self._member = np.array([[(side, s.lattice) == each for side, _, s in self.stores] for each in lattices], float)
        self._member = self._member.reshape(len(lattices), n)
        for side, stock in enumerate(self.network.stocks):
            for lattice in stock.lattices:
                for a, b, energy in lattice.interactions:
                    if (side, a) in where and (side, b) in where:
                        j, k = where[side, a], where[side, b]
                        self._pairs[j, k] = self._pairs[k, j] = energy / (R * self.network.T)
        self._interacts = bool(self._pairs.any())

    @cached_property
    def closed_form(self) -> ClosedForm | None:
        """The laws as numbers, None where a rate law or a potential is more than that."""
        rates = [each.rate for each in self.network.reactions]
        if self._tables or any(type(rate) not in _CODES for rate in rates):
            return None
        shift = np.zeros_like(self._activity)
        for r, k, hysteresis in self._branches:
            shift[r, k] = hysteresis.width
        return ClosedForm(
            self.made,
            self._U0,
            self._activity,
            self._pairs,
            np.argmax(self._member, axis=0) if self._member.size else np.zeros(len(self.stores), dtype=np.int64),
            shift,
            self._orders,
            self._log_i00,
            self._electrons / self.thermal,
            self._sign,
            np.array([_CODES[type(rate)] for rate in rates]),
            np.array([getattr(rate, "alpha", 0.5) for rate in rates]),
            self.made.T * self._electrons[:, None],
            np.array([r in dict(self._mass_action) for r in range(len(rates))]),
        )

    # ------------------------------------------------------------------ laws

    def potentials(self, y: Array) -> tuple[Array, Array]:
        """Return U of every reaction in V, shape (faces, reactions), and dU/dy, shape (faces, reactions, stores)."""
        safe = np.where(y.real > SMALLEST_FRACTION, y, SMALLEST_FRACTION)
        U, dU = self._excess(y)
        return U + np.log(safe) @ self._activity.T, dU + self._activity / safe[:, None, :]

    def _excess(self, y: Array) -> tuple[Array, Array]:
        """Return what U and dU/dy are without the logarithms of the fractions."""
        shape = (y.shape[0], *self._activity.shape)
        U, dU = np.zeros(shape[:2], dtype=y.dtype) + self._U0, np.zeros(shape, dtype=y.dtype)
        if self._interacts:
            field = y @ self._pairs
            share = self._activity @ self._member.T
            U += field @ self._activity.T - 0.5 * ((y * field) @ self._member.T) @ share.T
            dU += self._activity @ self._pairs - (share @ self._member) * field[:, None, :]
        for r, k, law in self._tables:
            value, slope = value_and_slope(law, y[:, k].real, self.network.T)
            U[:, r] += value + slope * (y[:, k] - y[:, k].real) - self._U0[r]
            dU[:, r, k] += slope
        for r, k, hysteresis in self._branches:
            U[:, r] += hysteresis.width * (y[:, k] - 0.5)
            dU[:, r, k] += hysteresis.width
        return U, dU

    def rates(self, y: Array, s: Array) -> Rates:
        """Return the currents at surfaces of composition ``y`` (faces, stores) with potential steps ``s`` in V."""
        safe = np.where(y.real > SMALLEST_FRACTION, y, SMALLEST_FRACTION)
        logarithm = np.log(safe)
        U, dU = self._excess(y)
        U = U + logarithm @ self._activity.T
        steepness = self._electrons / self.thermal
        z = self._sign * (s[:, None] - U) * steepness
        z = np.where(np.abs(z.real) < STEEPEST, z, np.copysign(STEEPEST, z.real))
        i0 = np.exp(self._log_i00 + logarithm @ self._orders.T)
        rate, slope = np.empty_like(z), np.empty_like(z)
        for r, each in enumerate(self.network.reactions):
            rate[:, r], slope[:, r] = each.rate.rate(z[:, r]), each.rate.slope(z[:, r])
        i = self._sign * i0 * rate
        di_ds = i0 * slope * steepness
        by_logarithm = i[:, :, None] * self._orders - di_ds[:, :, None] * self._activity
        for r, alpha in self._mass_action:
            # The same without the difference of the two directions, which a vanishing fraction would divide.
            nu = self.made[:, r] * self._electrons[r]
            gone, made = np.maximum(-nu, 0.0), np.maximum(nu, 0.0)
            forward, backward = i0[:, r] * np.exp(alpha * z[:, r]), i0[:, r] * np.exp(-(1.0 - alpha) * z[:, r])
            by_logarithm[:, r] = forward[:, None] * gone - backward[:, None] * made
        di_dy = by_logarithm / safe[:, None, :] - di_ds[:, :, None] * dU
        return Rates(i, di_ds, di_dy, U)

    def outflow(self, currents: Array, y: Array) -> Array:
        """Return what leaves every store in A/m²: the species consumed, and the branches as their reactions turn."""
        out = -currents @ self.made.T
        for r, k, hysteresis in self._branches:
            i, h = currents[:, r], y[:, k]
            out[:, k] = np.where(i.real > 0.0, -i * (1.0 - h), -i * h) / hysteresis.span
        return out

    # ------------------------------------------------------------------ the balance of a face

    def solve(self, y: Array, delta_phi: Array, resistance: Floats, depletion: Floats, guess: Floats | None) -> Any:
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
