"""The laws of a reaction network (``network.py``) as arrays over its reactions and over what takes part in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
#: numbers of the rate laws that are known in closed form
_CODES: dict[type, int] = {ButlerVolmer: 0, Linear: 1, Tafel: 2}


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
