"""The faces of a cathode: those that conduct, those that react and those at the terminals.

Built once from a graph and the properties of a cell; conductances are complex where a phase has a permittivity and a
frequency is asked for, σ + iωε.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.mesh.graph import Graph
from catholyte.models.parameters import CellParameters, Interface
from catholyte.physics.constants import F
from catholyte.physics.half_cell import depletion_factor
from catholyte.physics.interface import FaceState, Reaction

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
        In S for potentials; in m (area over distance) for lithium.
    face
        Face of the graph behind every edge.
    """

    a: Indices
    b: Indices
    conductance: Array
    face: NDArray[np.int64]


@dataclass(frozen=True)
class ReactingFaces:
    """The faces of one reacting interface kind (one active phase against one electrolyte).

    Attributes
    ----------
    names
        Active phase and electrolyte.
    electron, ion, host
        Unknowns of φ̃_e, φ_i and x at every face, shape (k,).
    face
        Face of the graph.
    direction
        +1 where an anodic current flows from cell a of the face to cell b, else −1.
    area
        In m².
    ohmic_e, ohmic_i, ohmic_host
        Half-cell resistances in Ω m²: electrons, ions, and lithium carried by an ionic conductivity.
    depletion
        Drop of site fraction per unit current in m²/A.
    storage
        F·c_max·ℓ of the half cells in A s/m².
    interface
        Film and contact resistance.
    reaction
        Laws of the reaction.
    """

    names: tuple[str, str]
    electron: Indices
    ion: Indices
    host: Indices
    face: NDArray[np.int64]
    direction: NDArray[np.int8]
    area: Floats
    ohmic_e: Floats
    ohmic_i: Floats
    ohmic_host: Floats
    depletion: Floats
    storage: Floats
    interface: Interface
    reaction: Reaction

    @cached_property
    def resistance(self) -> Floats:
        """What all of the current passes in series with the interface, in Ω m²."""
        series = self.interface.contact_resistance + self.interface.film_resistance
        return self.ohmic_e + self.ohmic_i + series

    def half_cell(self, state: FaceState, omega: float) -> tuple[Array, Array]:
        """Return depletion in m²/A and inner resistance in Ω m² at an angular frequency in rad/s."""
        # A conductivity σ_i carries lithium like D = −(σ_i/F)·dU/dc.
        steepness = np.maximum(-state.dU, 1e-12)
        factor = depletion_factor(omega, self.storage * (self.depletion + self.ohmic_host / steepness))
        return factor * self.depletion, factor * self.ohmic_host


@dataclass(frozen=True)
class TerminalFaces:
    """Faces between unknowns and a terminal: unknown, conductance in S, contact share of the resistance."""

    unknown: Indices
    conductance: Array
    contact_share: Array


class Faces:
    """Sorts the faces of a graph by what happens there.

    Parameters
    ----------
    graph, cell
        Cells that take part, and their properties.
    phi, x
        Unknown of the potential and of the lithium of every cell, −1 where there is none, shape (n_cells,).
    """

    def __init__(self, graph: Graph, cell: CellParameters, phi: Indices, x: Indices) -> None:
        self._graph, self._cell, self._phi, self._x = graph, cell, phi, x
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
        face = np.flatnonzero(self._same)
        a, b = graph.cell_a[face], graph.cell_b[face]
        in_series = graph.distance_a[face] / sigma[graph.phase[a]] + graph.distance_b[face] / sigma[graph.phase[b]]
        in_series = in_series + self.contact[graph.phase[a], graph.phase[b]]
        return Edges(self._phi[a], self._phi[b], graph.area[face] / in_series, face)

    def lithium(self) -> Edges:
        """Return the faces within each active material, with area over distance in m."""
        graph = self._graph
        phase = graph.phase[graph.cell_a]
        face = np.flatnonzero((phase == graph.phase[graph.cell_b]) & (self._kind[phase] == "active"))
        path = graph.area[face] / (graph.distance_a[face] + graph.distance_b[face])
        return Edges(self._x[graph.cell_a[face]], self._x[graph.cell_b[face]], path, face)

    def reacting(self) -> tuple[ReactingFaces, ...]:
        """Return the reacting faces, a group for every pair of an active material and an electrolyte."""
        groups = []
        for p, name in enumerate(self._graph.phase_names):
            for q, electrolyte in enumerate(self._graph.phase_names):
                group = self._group(p, name, q, electrolyte)
                if group is not None:
                    groups.append(group)
        return tuple(groups)

    def _group(self, p: int, name: str, q: int, electrolyte: str) -> ReactingFaces | None:
        graph, cell, sigma = self._graph, self._cell, self.conductivity()
        interface = cell.interface(name, electrolyte)
        host = cell.phases[name].host if name in cell.phases else None
        if host is None or interface.rate is None or interface.i0 is None:
            return None
        a, b = graph.cell_a, graph.cell_b
        forward = np.flatnonzero(~self._same & (graph.phase[a] == p) & (graph.phase[b] == q))
        backward = np.flatnonzero(~self._same & (graph.phase[a] == q) & (graph.phase[b] == p))
        face = np.concatenate([forward, backward])
        if face.size == 0:
            return None
        solid = np.concatenate([a[forward], b[backward]])
        fluid = np.concatenate([b[forward], a[backward]])
        near = np.concatenate([graph.distance_a[forward], graph.distance_b[backward]])
        far = np.concatenate([graph.distance_b[forward], graph.distance_a[backward]])
        return ReactingFaces(
            (name, electrolyte),
            self._phi[solid],
            self._phi[fluid],
            self._x[solid],
            face,
            np.repeat(np.array([1, -1], dtype=np.int8), [forward.size, backward.size]),
            graph.area[face],
            near / sigma[p],
            far / sigma[q],
            host.transport.resistance(near),
            host.transport.depletion(near),
            F * host.c_max * near,
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
