"""The edges along which mixed conductors carry electrons and ions, as they stand in a Newton matrix.

A mixed cell has two unknowns, its electron potential φ and the site fraction x; the potential of its ions is
ψ = φ − U(x). With J_e and J_i the currents out of a cell along its edges and I_f those through reacting faces,

    charge     Σ J_e + Σ J_i + Σ I_f = 0,            J_e = G_e (φ_p − φ_q),
    lithium    F c_max v dx/dt + Σ J_i + Σ I_f = 0,   J_i = G_i (ψ_p − ψ_q),

and every current is linear in changes of φ and x, dJ = G (dφ_p − dφ_q) + lift_p dx_p − lift_q dx_q.

In φ and ψ both balances are graph Laplacians, joined in every cell by the capacity S = γ F c_max v/|dU/dx|: electrons
L_e φ + S (φ − ψ), ions L_i ψ + S (ψ − φ). In this form the potentials are solved (:meth:`MixedBlock.reduced`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.fv import kernels

Array = NDArray[Any]
Indices = NDArray[np.int32]

#: a capacity joins the two potentials of a cell at most this many times more strongly than its edges join it to others
_STRONGEST = 1e2


@dataclass(frozen=True)
class MixedUnknowns:
    """Where the edges of mixed conductors stand among the unknowns; arrays of shape (m,) unless said otherwise.

    Attributes
    ----------
    a, b
        Electron potentials at both ends; b is −1 where the edge leads to the collector.
    host_a, host_b
        Mixed stores at both ends, counted among the mixed ones; −1 where an end is not mixed.
    n_electronic
        The first edges carry electrons, those behind them ions.
    stores, potentials
        Among all stores, the number of every mixed one, and the electron potential of its cell, shape (n_mixed,).
    n_phi, n_x
        Number of potentials and of all stores.
    """

    a: Indices
    b: Indices
    host_a: Indices
    host_b: Indices
    n_electronic: int
    stores: Indices
    potentials: Indices
    n_phi: int
    n_x: int

    @property
    def size(self) -> int:
        """Number of mixed stores."""
        return self.stores.size

    @cached_property
    def node(self) -> Indices:
        """Number of the ion potential of every store among [φ, ψ], −1 where it is not mixed, shape (n_x,)."""
        node = np.full(self.n_x, -1, dtype=np.int32)
        node[self.stores] = self.n_phi + np.arange(self.size, dtype=np.int32)
        return node

    @cached_property
    def ends(self) -> tuple[Indices, Indices]:
        """Ends among [φ, ψ] of every edge between two unknowns, and behind them of the capacities."""
        first, second = self.a.copy(), self.b.copy()
        ionic = slice(self.n_electronic, None)
        first[ionic] = self.n_phi + self.host_a[ionic]
        second[ionic] = self.n_phi + self.host_b[ionic]
        own = self.n_phi + np.arange(self.size, dtype=np.int32)
        inner = self.inner
        return np.concatenate([first[inner], self.potentials]), np.concatenate([second[inner], own])

    @cached_property
    def inner(self) -> NDArray[np.bool_]:
        """Which edges join two unknowns rather than one and the collector."""
        return self.b >= 0

    def scatter(self, out_phi: Array, out_x: Array, flow: Array) -> None:
        """Add what flows out of every cell along its edges to the balances of charge and of all stores."""
        at = self
        kernels.scatter_mixed(out_phi, out_x, at.a, at.b, at.host_a, at.host_b, at.stores, at.n_electronic, flow)

    def places(self) -> tuple[list[Array], list[Array]]:
        """Return rows and columns of what :meth:`MixedBlock.values` gives, among [φ, x, V]."""
        rows: list[Array] = []
        columns: list[Array] = []
        for row, column, chosen, _, _ in self.entries():
            rows.append(row[chosen])
            columns.append(column[chosen])
        return rows, columns

    def frozen_places(self) -> tuple[list[Array], list[Array]]:
        """Return rows and columns of :attr:`MixedBlock.frozen_values`."""
        a, b = self.a[self.inner], self.b[self.inner]
        return [self.a, b, a, b], [self.a, b, b, a]

    def entries(self) -> Iterator[tuple[Array, Array, NDArray[np.bool_], float, int]]:
        """Yield row, column and edges of every entry of the matrix, its sign, and which number of the edge it is.

        Charge leaves end a and enters end b of every edge, lithium those of the ionic ones; the numbers are those that
        multiply φ at both ends and x at both ends.
        """
        every = np.ones(self.a.size, dtype=bool)
        ionic = np.arange(self.a.size) >= self.n_electronic
        store_a, store_b = (
            np.where(host >= 0, self.n_phi + self.stores[host], -1) for host in (self.host_a, self.host_b)
        )
        for part, row_a, row_b in ((every, self.a, self.b), (ionic, store_a, store_b)):
            for row, sign in ((row_a, 1.0), (row_b, -1.0)):
                for number, column in enumerate((self.a, self.b, store_a, store_b)):
                    yield row, column, part & (row >= 0) & (column >= 0), sign, number


@dataclass(frozen=True)
class MixedBlock:
    """The numbers of the edges at a state.

    Attributes
    ----------
    at
        Where they stand.
    conductance
        G in S, shape (m,).
    lift_a, lift_b
        How the current of an edge changes with x at its ends in A, shape (m,); zero where an end is not mixed.
    steepness
        −dU/dx in V of every mixed store, shape (n_mixed,).
    """

    at: MixedUnknowns
    conductance: Array
    lift_a: Array
    lift_b: Array
    steepness: Array

    def add_product(self, out: Array, v: Array, *, frozen: bool) -> None:
        """Add what v = [φ, x] drives along the edges; with x held only that of the potentials, to the charge."""
        at, n = self.at, self.at.n_phi
        numbers = (self.conductance, self.lift_a, self.lift_b)
        kernels.mixed_currents(
            out[:n],
            out[n:],
            at.a,
            at.b,
            at.host_a,
            at.host_b,
            at.stores,
            at.n_electronic,
            *numbers,
            v[:n],
            v[n:],
            frozen,
        )

    @cached_property
    def values(self) -> Array:
        """Entries of the matrix at :meth:`MixedUnknowns.places`."""
        numbers = self.conductance, -self.conductance, self.lift_a, -self.lift_b
        return np.concatenate([sign * numbers[k][chosen] for _, _, chosen, sign, k in self.at.entries()])

    @property
    def frozen_values(self) -> Array:
        """Entries of the matrix with x held, at :meth:`MixedUnknowns.frozen_places`."""
        G, inner = self.conductance, self.at.inner
        return np.concatenate([G, G[inner], -G[inner], -G[inner]])

    def add_diagonal(self, total: Array) -> None:
        """Add what the currents of ions hold on the diagonal of the lithium block, shape (n_x,)."""
        ionic, at = slice(self.at.n_electronic, None), self.at
        kernels.add_at(total, at.stores[at.host_a[ionic]], self.lift_a[ionic])
        kernels.add_at(total, at.stores[at.host_b[ionic]], self.lift_b[ionic])

    @cached_property
    def to_collector(self) -> Array:
        """Conductance of every unknown of [φ, ψ] to the collector in S."""
        total = np.zeros(self.at.n_phi + self.at.size, dtype=self.conductance.dtype)
        ends = ~self.at.inner
        kernels.add_at(total, self.at.a[ends], self.conductance[ends])
        return total

    @cached_property
    def strength(self) -> Array:
        """Sum of the conductances that meet in the electron and in the ion potential of every mixed store, in S."""
        first, second = self.at.ends
        edges = first.size - self.at.size
        total = np.abs(self.to_collector)
        weight = np.abs(self.conductance[self.at.inner])
        kernels.add_at(total, first[:edges], weight)
        kernels.add_at(total, second[:edges], weight)
        return total[self.at.potentials] + total[self.at.n_phi :]

    def reduced(self, storage: Array | None) -> Array:
        """Return the conductances of the edges of :attr:`MixedUnknowns.ends`: those between cells, then the capacities.

        Parameters
        ----------
        storage
            γ F c_max v of every mixed store in A; None with x held, which ties both potentials of a cell together.
        """
        return np.concatenate([self.conductance[self.at.inner], self.capacity(storage)])

    def capacity(self, storage: Array | None) -> Array:
        """Return S of every mixed store in S, bounded where U(x) is flat."""
        most = _STRONGEST * self.strength
        if storage is None:
            return most
        steepness = np.maximum(self.steepness, np.abs(storage) / most)
        capacity: Array = storage / steepness
        return capacity
