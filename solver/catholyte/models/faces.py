"""The faces of a cathode: those that conduct, those that react and those at the terminals.

Built once from a graph and the properties of a cell; conductances are complex where a phase has a permittivity and a
frequency is asked for, σ + iωε.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.mesh.graph import Graph
from catholyte.models.intercalation import ReactingFaces
from catholyte.models.networks import NetworkFaces
from catholyte.models.parameters import CellParameters, Interface
from catholyte.models.stores import StoreMap
from catholyte.physics.constants import F
from catholyte.physics.interface import Reaction
from catholyte.physics.network_face import NetworkBalance

Floats = NDArray[np.float64]
Array = NDArray[Any]
Indices = NDArray[np.int32]


@dataclass(frozen=True)
class Edges:
    """Conducting faces between unknowns.

    Attributes
    ----------
    a, b
        Unknowns on either side, shape (m,).
    conductance
        In S for potentials; in m (area over distance) for what is stored.
    face
        Face of the graph behind every edge.
    """

    a: Indices
    b: Indices
    conductance: Array
    face: NDArray[np.int64]


@dataclass(frozen=True)
class TerminalFaces:
    """Faces between unknowns and a terminal: unknown, conductance in S, contact share of the resistance."""

    unknown: Indices
    conductance: Array
    contact_share: Array


@dataclass(frozen=True)
class _Pair:
    """Faces between an electron conductor and an electrolyte: cells and distances to the face on both sides."""

    face: NDArray[np.int64]
    direction: NDArray[np.int8]
    solid: Indices
    fluid: Indices
    near: Floats
    far: Floats


class Faces:
    """Sorts the faces of a graph by what happens there.

    Parameters
    ----------
    graph, cell
        Cells that take part, and their properties.
    phi
        Unknown of the potential of every cell, −1 where there is none, shape (n_cells,).
    stores
        Unknowns of what the cells store.
    """

    def __init__(self, graph: Graph, cell: CellParameters, phi: Indices, stores: StoreMap) -> None:
        self._graph, self._cell, self._phi, self._stores = graph, cell, phi, stores
        names = graph.phase_names
        self._kind = np.array([cell.phases[n].kind if n in cell.phases else "" for n in names])
        #: contact resistance between any two phases in Ω m²
        self.contact = np.zeros((len(names), len(names)))
        for p, name_p in enumerate(names):
            for q, name_q in enumerate(names):
                if p != q:
                    self.contact[p, q] = cell.interface(name_p, name_q).contact_resistance
        ionic = self._kind[graph.phase] == "electrolyte"
        self._same = ionic[graph.cell_a] == ionic[graph.cell_b]

    def conductivity(self, omega: float = 0.0) -> Array:
        """Return σ of every phase in S/m, σ + iωε at an angular frequency in rad/s where a phase has a permittivity."""
        phases = [self._cell.phases.get(name) for name in self._graph.phase_names]
        sigma = np.array([np.nan if phase is None else phase.sigma for phase in phases])
        epsilon = np.array([0.0 if phase is None else phase.permittivity for phase in phases])
        return sigma + 1j * omega * epsilon if omega * epsilon.max() > 0.0 else sigma

    def conduction(self, omega: float = 0.0) -> Edges:
        """Return the faces within the electron network and within the ion network."""
        graph, sigma = self._graph, self.conductivity(omega)
        # No current is told apart between cells that share a potential.
        apart = self._same & (self._phi[graph.cell_a] != self._phi[graph.cell_b])
        face = np.flatnonzero(apart)
        a, b = graph.cell_a[face], graph.cell_b[face]
        in_series = graph.distance_a[face] / sigma[graph.phase[a]] + graph.distance_b[face] / sigma[graph.phase[b]]
        in_series = in_series + self.contact[graph.phase[a], graph.phase[b]]
        return Edges(self._phi[a], self._phi[b], graph.area[face] / in_series, face)

    def storage(self) -> Edges:
        """Return the faces within each phase that stores something, once a store, with area over distance in m."""
        graph = self._graph
        phase = graph.phase[graph.cell_a]
        inside = phase == graph.phase[graph.cell_b]
        parts: list[Edges] = []
        for p, first in self._stores.first.items():
            face = np.flatnonzero(inside & (phase == p))
            a, b = graph.cell_a[face], graph.cell_b[face]
            path = graph.area[face] / (graph.distance_a[face] + graph.distance_b[face])
            parts.extend(
                Edges(self._stores.of(p, k, a), self._stores.of(p, k, b), path, face) for k in range(len(first))
            )
        names = ("a", "b", "conductance", "face")
        return Edges(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def reacting(self) -> tuple[ReactingFaces | NetworkFaces, ...]:
        """Return the reacting faces, a group for every pair of an electron conductor and an electrolyte."""
        groups: list[ReactingFaces | NetworkFaces] = []
        for p, name in enumerate(self._graph.phase_names):
            for q, electrolyte in enumerate(self._graph.phase_names):
                if self._kind[p] == "electrolyte" or self._kind[q] != "electrolyte":
                    continue
                interface = self._cell.interface(name, electrolyte)
                if interface.network is not None:
                    found: ReactingFaces | NetworkFaces | None = self._network(p, q, interface)
                else:
                    found = self._group(p, name, q, electrolyte)
                if found is not None:
                    groups.append(found)
        return tuple(groups)

    def _between(self, p: int, q: int) -> _Pair | None:
        """Return the faces between an electron conductor p and an electrolyte q, None if there are none."""
        graph = self._graph
        a, b = graph.cell_a, graph.cell_b
        forward = np.flatnonzero(~self._same & (graph.phase[a] == p) & (graph.phase[b] == q))
        backward = np.flatnonzero(~self._same & (graph.phase[a] == q) & (graph.phase[b] == p))
        face = np.concatenate([forward, backward])
        if face.size == 0:
            return None
        return _Pair(
            face,
            np.repeat(np.array([1, -1], dtype=np.int8), [forward.size, backward.size]),
            np.concatenate([a[forward], b[backward]]),
            np.concatenate([b[forward], a[backward]]),
            np.concatenate([graph.distance_a[forward], graph.distance_b[backward]]),
            np.concatenate([graph.distance_b[forward], graph.distance_a[backward]]),
        )

    def _network(self, p: int, q: int, interface: Interface) -> NetworkFaces | None:
        at, sigma = self._between(p, q), self.conductivity()
        if at is None or interface.network is None:
            return None
        laws = NetworkBalance(interface.network)
        hosts = np.empty((at.face.size, len(laws.stores)), dtype=np.int32)
        depletion, storage = np.zeros((2, *hosts.shape))
        for j, (side, number, store) in enumerate(laws.stores):
            phase, cells, distance = ((p, at.solid, at.near), (q, at.fluid, at.far))[side]
            hosts[:, j] = self._stores.of(phase, number, cells)
            storage[:, j] = F * store.sites * distance
            if store.D > 0.0 and store.lattice is not None:
                depletion[:, j] = distance / (F * store.sites * store.D)
        return NetworkFaces(
            (self._graph.phase_names[p], self._graph.phase_names[q]),
            self._phi[at.solid],
            self._phi[at.fluid],
            hosts,
            at.face,
            at.direction,
            self._graph.area[at.face],
            at.near / sigma[p],
            at.far / sigma[q],
            depletion,
            storage,
            interface,
            laws,
        )

    def _group(self, p: int, name: str, q: int, electrolyte: str) -> ReactingFaces | None:
        graph, cell, sigma = self._graph, self._cell, self.conductivity()
        interface = cell.interface(name, electrolyte)
        host = cell.phases[name].host if name in cell.phases else None
        if host is None or interface.rate is None or interface.i0 is None:
            return None
        at = self._between(p, q)
        if at is None:
            return None
        return ReactingFaces(
            (name, electrolyte),
            self._phi[at.solid],
            self._phi[at.fluid],
            self._stores.of(p, 0, at.solid),
            at.face,
            at.direction,
            graph.area[at.face],
            at.near / sigma[p],
            at.far / sigma[q],
            host.transport.resistance(at.near),
            host.transport.depletion(at.near),
            F * host.c_max * at.near,
            interface,
            Reaction(host.U, interface.rate, interface.i0, cell.temperature),
        )

    def terminal(self, name: str, cells: NDArray[np.int64], omega: float = 0.0) -> TerminalFaces:
        """Return the faces of a terminal that touch one of ``cells``."""
        graph, sigma = self._graph, self.conductivity(omega)
        terminal = graph.terminals[name]
        takes_part = np.zeros(graph.n_cells, dtype=bool)
        takes_part[cells] = True
        at = takes_part[terminal.cell]
        cell = terminal.cell[at]
        phase = graph.phase[cell]
        contact = np.array([self._cell.interface(n, name).contact_resistance for n in graph.phase_names])[phase]
        bulk = terminal.distance[at] / sigma[phase]
        return TerminalFaces(self._phi[cell], terminal.area[at] / (bulk + contact), contact / (bulk + contact))
