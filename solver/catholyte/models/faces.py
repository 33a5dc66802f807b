"""The faces of a cathode: those that conduct, those that react and those at the terminals.

Built once from a graph and the properties of a cell; conductances are complex where a phase has a permittivity and a
frequency is asked for, σ + iωε.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.fv.mixed import MixedUnknowns
from catholyte.mesh.graph import Graph
from catholyte.models.intercalation import ReactingFaces
from catholyte.models.mixed import MixedEdges, MixedStore
from catholyte.models.networks import NetworkFaces
from catholyte.models.parameters import CellParameters, Interface
from catholyte.models.stores import StoredIn, StoreMap
from catholyte.physics.constants import F
from catholyte.physics.interface import Reaction
from catholyte.physics.network_face import NetworkBalance
from catholyte.physics.transport import MixedConduction

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
    """Faces between unknowns and a terminal.

    Attributes
    ----------
    unknown
        Unknown behind every face.
    conductance
        In S.
    contact_share
        Part of the resistance that belongs to the contact.
    place
        Number of every face among those of the terminal.
    """

    unknown: Indices
    conductance: Array
    contact_share: Array
    place: NDArray[np.int64]


@dataclass(frozen=True)
class _Pair:
    """Faces between an electron conductor and an electrolyte.

    Where the surface is smaller than the faces, ``area`` is its own, and the cells on both sides look as much nearer as
    keeps the conductances of the half cells: area over distance stays that of the faces.
    """

    face: NDArray[np.int64]
    direction: NDArray[np.int8]
    solid: Indices
    fluid: Indices
    area: Floats
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
        self._mixed = np.array([n in cell.phases and cell.phases[n].mixed is not None for n in names])
        #: contact resistance of every face in Ω m²; between cells of one grain there is none
        self.contact = self._of_interfaces("contact_resistance")
        ionic = self._kind[graph.phase] == "electrolyte"
        self._same = ionic[graph.cell_a] == ionic[graph.cell_b]
        mixed = self._mixed[graph.phase]
        self._touches_mixed = mixed[graph.cell_a] | mixed[graph.cell_b]

    def _of_interfaces(self, name: str) -> Floats:
        """Return a property of the interfaces for every face, zero within a grain of a phase."""
        graph, names = self._graph, self._graph.phase_names
        table = np.array([[getattr(self._cell.interface(p, q), name) for q in names] for p in names], dtype=float)
        a, b = graph.phase[graph.cell_a], graph.phase[graph.cell_b]
        of_face: Floats = table[a, b]
        one_grain = a == b
        if graph.grain is not None:
            one_grain &= graph.grain[graph.cell_a] == graph.grain[graph.cell_b]
        of_face[one_grain] = 0.0
        if graph.face_tag is not None:
            for number, tag in enumerate(graph.tag_names):
                tagged = np.flatnonzero((graph.face_tag == number) & ~one_grain)
                pairs = zip(a[tagged].tolist(), b[tagged].tolist(), strict=True)
                of_face[tagged] = [getattr(self._cell.interface(names[p], names[q], tag), name) for p, q in pairs]
        return of_face

    def conductivity(self, omega: float = 0.0) -> Array:
        """Return σ of every phase in S/m, σ + iωε at an angular frequency in rad/s where a phase has a permittivity."""
        phases = [self._cell.phases.get(name) for name in self._graph.phase_names]
        sigma = np.array([np.nan if phase is None else phase.sigma for phase in phases])
        epsilon = np.array([0.0 if phase is None else phase.permittivity for phase in phases])
        return sigma + 1j * omega * epsilon if omega * epsilon.max() > 0.0 else sigma

    def conduction(self, omega: float = 0.0) -> Edges:
        """Return the faces within the electron network and within the ion network."""
        graph, sigma = self._graph, self.conductivity(omega)
        face = np.flatnonzero(self._apart & ~self._touches_mixed)
        a, b = graph.cell_a[face], graph.cell_b[face]
        in_series = graph.distance_a[face] / sigma[graph.phase[a]] + graph.distance_b[face] / sigma[graph.phase[b]]
        in_series = in_series + self.contact[face]
        return Edges(self._phi[a], self._phi[b], graph.area[face] / in_series, face)

    @property
    def _apart(self) -> NDArray[np.bool_]:
        """Faces within a network; no current is told apart between cells that share a potential."""
        graph = self._graph
        found: NDArray[np.bool_] = self._same & (self._phi[graph.cell_a] != self._phi[graph.cell_b])
        return found

    def mixed(self, stores: Sequence[StoredIn]) -> MixedEdges | None:
        """Return the edges of mixed conductors, None where there are none."""
        graph, sigma = self._graph, self.conductivity()
        kept, numbers, begin = [], np.full(graph.n_cells, -1, dtype=np.int32), 0
        for store in stores:
            host = self._cell.phases[store.phase].host
            if host is not None and isinstance(store.transport, MixedConduction):
                here = slice(begin, begin + store.cells.size)
                numbers[store.cells] = np.arange(here.start, here.stop, dtype=np.int32)
                kept.append(MixedStore(host, here, store.at))
                begin = here.stop
        if not kept:
            return None
        a, b = graph.cell_a, graph.cell_b
        electronic = np.flatnonzero(self._apart & self._touches_mixed)
        ionic = np.flatnonzero((numbers[a] >= 0) & (numbers[b] >= 0))
        terminal = graph.terminals["collector"]
        ends = np.flatnonzero(numbers[terminal.cell] >= 0)
        to = terminal.cell[ends]
        contact_at_collector = np.array(
            [self._cell.interface(n, "collector").contact_resistance for n in graph.phase_names]
        )

        def half(distance: Floats, cells: Indices) -> tuple[Floats, Floats]:
            """Return the length of the mixed half cells, and the resistance of the others."""
            mixed = numbers[cells] >= 0
            return np.where(mixed, distance, 0.0), np.where(mixed, 0.0, distance / sigma[graph.phase[cells]])

        face = np.concatenate([electronic, ends, ionic])
        within = np.concatenate([electronic, ionic])
        near, fixed_near = half(graph.distance_a[within], a[within])
        far, fixed_far = half(graph.distance_b[within], b[within])
        contact = np.concatenate([self.contact[electronic], self._of_interfaces("ionic_resistance")[ionic]])
        split = electronic.size

        def spread(inner: Array, at_collector: Array) -> Array:
            return np.concatenate([inner[:split], at_collector, inner[split:]])

        nothing, none = np.zeros(ends.size), np.full(ends.size, -1, dtype=np.int32)
        contact = spread(contact, contact_at_collector[graph.phase[to]])
        cells = np.concatenate([store.cells for store in stores if isinstance(store.transport, MixedConduction)])
        n_phi, n_x = int(self._phi.max()) + 1, sum(store.cells.size for store in stores)
        at = MixedUnknowns(
            spread(self._phi[a[within]], self._phi[to]),
            spread(self._phi[b[within]], none),
            spread(numbers[a[within]], numbers[to]),
            spread(numbers[b[within]], none),
            split + ends.size,
            np.concatenate([np.arange(s.among_all.start, s.among_all.stop, dtype=np.int32) for s in kept]),
            self._phi[cells],
            n_phi,
            n_x,
        )
        return MixedEdges(
            at,
            face,
            spread(graph.area[within], terminal.area[ends]),
            spread(near, terminal.distance[ends]),
            spread(far, nothing),
            spread(fixed_near + fixed_far, nothing) + contact,
            contact,
            tuple(kept),
            self._cell.temperature,
        )

    def storage(self) -> Edges:
        """Return the faces within each phase that stores something, once a store, with area over distance in m."""
        graph = self._graph
        phase = graph.phase[graph.cell_a]
        inside = phase == graph.phase[graph.cell_b]
        parts: list[Edges] = []
        for p, first in self._stores.first.items():
            if self._mixed[p]:
                continue  # its lithium moves with the ions
            face = np.flatnonzero(inside & (phase == p))
            a, b = graph.cell_a[face], graph.cell_b[face]
            path = graph.area[face] / (graph.distance_a[face] + graph.distance_b[face])
            parts.extend(
                Edges(self._stores.of(p, k, a), self._stores.of(p, k, b), path, face) for k in range(len(first))
            )
        index = np.zeros(0, dtype=np.int32)
        none = Edges(index, index, np.zeros(0), np.zeros(0, dtype=np.int64))
        names = ("a", "b", "conductance", "face")
        return Edges(*(np.concatenate([getattr(part, name) for part in [none, *parts]]) for name in names))

    def reacting(self) -> tuple[ReactingFaces | NetworkFaces, ...]:
        """Return the reacting faces, a group for every pair of an electron conductor and an electrolyte."""
        groups: list[ReactingFaces | NetworkFaces] = []
        for p, name in enumerate(self._graph.phase_names):
            for q, electrolyte in enumerate(self._graph.phase_names):
                if self._kind[p] == "electrolyte" or self._kind[q] != "electrolyte":
                    continue
                for tag, faces in self._parts():
                    interface = self._cell.interface(name, electrolyte, tag)
                    at = self._between(p, q, faces, interface.surface)
                    if at is None:
                        continue
                    if interface.network is not None:
                        groups.append(self._network(p, q, at, interface))
                    elif (found := self._group(p, q, at, interface, tag)) is not None:
                        groups.append(found)
        return tuple(groups)

    def _parts(self) -> Iterator[tuple[str | None, NDArray[np.bool_]]]:
        """Yield every tag that interfaces have properties for, with its faces, and last the faces without."""
        graph = self._graph
        rest = ~self._same
        if graph.face_tag is not None:
            for number, tag in enumerate(graph.tag_names):
                if any(f"@{tag}" in pair for pair in self._cell.interfaces):
                    tagged = rest & (graph.face_tag == number)
                    rest = rest & ~tagged
                    yield tag, tagged
        yield None, rest

    def _between(self, p: int, q: int, faces: NDArray[np.bool_], surface: float) -> _Pair | None:
        """Return those of the faces that lie between an electron conductor p and an electrolyte q, None without any."""
        graph = self._graph
        a, b = graph.cell_a, graph.cell_b
        forward = np.flatnonzero(faces & (graph.phase[a] == p) & (graph.phase[b] == q))
        backward = np.flatnonzero(faces & (graph.phase[a] == q) & (graph.phase[b] == p))
        face = np.concatenate([forward, backward])
        if face.size == 0:
            return None
        return _Pair(
            face,
            np.repeat(np.array([1, -1], dtype=np.int8), [forward.size, backward.size]),
            np.concatenate([a[forward], b[backward]]),
            np.concatenate([b[forward], a[backward]]),
            surface * graph.area[face],
            surface * np.concatenate([graph.distance_a[forward], graph.distance_b[backward]]),
            surface * np.concatenate([graph.distance_b[forward], graph.distance_a[backward]]),
        )

    def _network(self, p: int, q: int, at: _Pair, interface: Interface) -> NetworkFaces:
        sigma = self.conductivity()
        assert interface.network is not None
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
            at.area,
            at.near / sigma[p],
            at.far / sigma[q],
            depletion,
            storage,
            interface,
            laws,
        )

    def _group(self, p: int, q: int, at: _Pair, interface: Interface, tag: str | None) -> ReactingFaces | None:
        graph, cell, sigma = self._graph, self._cell, self.conductivity()
        name = graph.phase_names[p]
        host = cell.phases[name].host if name in cell.phases else None
        if host is None or interface.rate is None or interface.i0 is None:
            return None
        mixed = isinstance(host.transport, MixedConduction)
        return ReactingFaces(
            (name, graph.phase_names[q]),
            self._phi[at.solid],
            self._phi[at.fluid],
            self._stores.of(p, 0, at.solid),
            at.face,
            at.direction,
            at.area,
            np.zeros_like(at.near) if mixed else at.near / sigma[p],
            at.far / sigma[q],
            at.near,
            host,
            interface,
            Reaction(host.U, interface.rate, interface.i0, cell.temperature),
            tag,
        )

    def terminal(self, name: str, cells: NDArray[np.int64], omega: float = 0.0) -> TerminalFaces:
        """Return the faces of a terminal that touch one of ``cells``."""
        graph, sigma = self._graph, self.conductivity(omega)
        terminal = graph.terminals[name]
        takes_part = np.zeros(int(self._phi.max()) + 1, dtype=bool)
        takes_part[self._phi[cells]] = True
        potential = self._phi[terminal.cell]
        # Mixed conductors reach the collector by edges of their own.
        at = (potential >= 0) & takes_part[potential] & ~self._mixed[graph.phase[terminal.cell]]
        cell = terminal.cell[at]
        phase = graph.phase[cell]
        contact = np.array([self._cell.interface(n, name).contact_resistance for n in graph.phase_names])[phase]
        bulk = terminal.distance[at] / sigma[phase]
        share, place = contact / (bulk + contact), np.flatnonzero(at)
        return TerminalFaces(self._phi[cell], terminal.area[at] / (bulk + contact), share, place)
