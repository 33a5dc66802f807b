"""The composite cathode: electrons, lithium ions and lithium in the active material, joined at reacting faces.

In every electron conductor   Σ G (φ_p − φ_q) + Σ I_f = 0,
in every ion conductor        Σ G (φ_p − φ_q) − Σ I_f = 0,
in every host cell            F c_max v dx/dt + Σ A (F w_p − F w_q)/d + Σ I_f = 0,
at the terminal               f(I, V) = 0 with I = −Σ_counter G φ_i,

where I_f is the current of a reacting face (``physics/interface.py``), F w the Kirchhoff potential of lithium
(``physics/transport.py``) and f the control. Electron potentials are unknown relative to the collector,
φ_e = V + φ̃_e, so that differences of microvolts survive beside potentials of volts; φ_i is zero at the counter.
All balances are in amperes.

Unknowns: u = [φ̃_e of electron conductors, φ_i of ion conductors, x of host cells, V].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import MeshError
from catholyte.fv import kernels
from catholyte.fv.assembly import CoupledSystem, Placement, Skeleton
from catholyte.fv.laplacian import Laplacian, Links
from catholyte.mesh.graph import Graph
from catholyte.models.control import Control
from catholyte.models.parameters import CellParameters, Host, Interface
from catholyte.physics.constants import F, R
from catholyte.physics.interface import FaceState, Reaction, face_current

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
Array = NDArray[Any]


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
    conductance: Floats
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
    interface: Interface
    reaction: Reaction

    @cached_property
    def resistance(self) -> Floats:
        """Everything in series with the kinetics, in Ω m²."""
        series = self.interface.contact_resistance + self.interface.film_resistance
        return self.ohmic_e + self.ohmic_i + self.ohmic_host + series


@dataclass(frozen=True)
class TerminalFaces:
    """Faces between unknowns and a terminal: unknown, conductance in S, contact share of the resistance."""

    unknown: Indices
    conductance: Floats
    contact_share: Floats


@dataclass(frozen=True)
class Evaluation:
    """The right-hand side at a state, and the face solutions it came from.

    Attributes
    ----------
    u
        The state, shape (size,).
    rate
        F(u): net flow into every unknown in A, shape (size − 1,); the terminal row belongs to the control.
    current
        Current in A, discharge positive, counted at the counter electrode.
    voltage
        Terminal voltage in V vs Li/Li⁺, after the losses of the lumped elements.
    faces
        Solution of every group of reacting faces.
    """

    u: Array
    rate: Array
    current: float
    voltage: float
    faces: tuple[FaceState, ...]


class Cathode:
    """A meshed composite cathode against a counter electrode.

    Parameters
    ----------
    graph
        Cells that take part; every electron conductor reaches the collector and every ion conductor the counter
        electrode (see ``mesh/percolation.py``).
    cell
        Properties of phases, interfaces and the rest of the cell.

    Raises
    ------
    MeshError
        If a terminal has no faces, or no face reacts.
    """

    def __init__(self, graph: Graph, cell: CellParameters) -> None:
        self.graph = graph
        self.cell = cell
        kinds = np.array([cell.phases[n].kind if n in cell.phases else "" for n in graph.phase_names])[graph.phase]
        self.ion_cells = np.flatnonzero(kinds == "electrolyte")
        self.electron_cells = np.flatnonzero((kinds == "active") | (kinds == "conductor"))
        self.host_cells = np.flatnonzero(kinds == "active")
        self.n_electron = self.electron_cells.size
        self.n_phi = self.n_electron + self.ion_cells.size
        self.n_x = self.host_cells.size
        self.size = self.n_phi + self.n_x + 1

        self._phi = np.full(graph.n_cells, -1, dtype=np.int32)
        self._phi[self.electron_cells] = np.arange(self.n_electron, dtype=np.int32)
        self._phi[self.ion_cells] = np.arange(self.n_electron, self.n_phi, dtype=np.int32)
        self._x = np.full(graph.n_cells, -1, dtype=np.int32)
        self._x[self.host_cells] = np.arange(self.n_x, dtype=np.int32)

        self.hosts: tuple[tuple[str, Host, NDArray[np.int64]], ...] = tuple(
            (name, host, np.flatnonzero(graph.phase[self.host_cells] == k))
            for k, name in enumerate(graph.phase_names)
            if name in cell.phases and (host := cell.phases[name].host) is not None
        )
        #: F·c_max·v of every host cell, the charge of a full cell in C
        self.capacity = np.empty(self.n_x)
        for _, host, at in self.hosts:
            self.capacity[at] = F * host.c_max * graph.volume[self.host_cells[at]]

        self.conduction, self.lithium, self.reacting = self._faces(kinds)
        self.collector = self._terminal("collector", self.electron_cells)
        self.counter = self._terminal("counter", self.ion_cells)
        for name, faces in (("collector", self.collector), ("counter", self.counter)):
            if faces.unknown.size == 0:
                raise MeshError(f"no conducting cell touches the {name}")
        if not self.reacting:
            raise MeshError("no face between active material and electrolyte reacts")

    # ------------------------------------------------------------------ set-up

    def _faces(self, kinds: NDArray[np.str_]) -> tuple[Edges, Edges, tuple[ReactingFaces, ...]]:
        graph, cell = self.graph, self.cell
        a, b = graph.cell_a, graph.cell_b
        n_phases = len(graph.phase_names)
        sigma = np.array([cell.phases[n].sigma if n in cell.phases else np.nan for n in graph.phase_names])
        contact = np.zeros((n_phases, n_phases))
        for p, name_p in enumerate(graph.phase_names):
            for q, name_q in enumerate(graph.phase_names):
                if p != q:
                    contact[p, q] = cell.interface(name_p, name_q).contact_resistance
        ionic = kinds == "electrolyte"
        same = ionic[a] == ionic[b]
        phase_a, phase_b = graph.phase[a], graph.phase[b]
        resistance_a = graph.distance_a / sigma[phase_a]
        resistance_b = graph.distance_b / sigma[phase_b]

        face = np.flatnonzero(same)
        in_series = resistance_a[face] + resistance_b[face] + contact[phase_a[face], phase_b[face]]
        conduction = Edges(self._phi[a[face]], self._phi[b[face]], graph.area[face] / in_series, face)

        face = np.flatnonzero((phase_a == phase_b) & (kinds[a] == "active"))
        path = graph.area[face] / (graph.distance_a[face] + graph.distance_b[face])
        lithium = Edges(self._x[a[face]], self._x[b[face]], path, face)

        groups = []
        touching = ~same & ((kinds[a] == "active") | (kinds[b] == "active"))
        for p, name in enumerate(graph.phase_names):
            for q, electrolyte in enumerate(graph.phase_names):
                interface = cell.interface(name, electrolyte)
                if (
                    name not in cell.phases
                    or cell.phases[name].host is None
                    or interface.rate is None
                    or interface.i0 is None
                ):
                    continue
                forward = touching & (phase_a == p) & (phase_b == q)
                backward = touching & (phase_a == q) & (phase_b == p)
                face = np.concatenate([np.flatnonzero(forward), np.flatnonzero(backward)])
                if face.size == 0:
                    continue
                n_forward = int(np.count_nonzero(forward))
                solid = np.concatenate([a[face[:n_forward]], b[face[n_forward:]]])
                fluid = np.concatenate([b[face[:n_forward]], a[face[n_forward:]]])
                near = np.concatenate([graph.distance_a[face[:n_forward]], graph.distance_b[face[n_forward:]]])
                far = np.concatenate([graph.distance_b[face[:n_forward]], graph.distance_a[face[n_forward:]]])
                host = cell.phases[name].host
                assert host is not None
                groups.append(
                    ReactingFaces(
                        (name, electrolyte),
                        self._phi[solid],
                        self._phi[fluid],
                        self._x[solid],
                        face,
                        np.where(np.arange(face.size) < n_forward, 1, -1).astype(np.int8),
                        graph.area[face],
                        near / sigma[p],
                        far / sigma[q],
                        host.transport.resistance(near),
                        host.transport.depletion(near),
                        interface,
                        Reaction(host.U, interface.rate, interface.i0, cell.temperature),
                    )
                )
        return conduction, lithium, tuple(groups)

    def _terminal(self, name: str, cells: NDArray[np.int64]) -> TerminalFaces:
        terminal = self.graph.terminals[name]
        takes_part = np.zeros(self.graph.n_cells, dtype=bool)
        takes_part[cells] = True
        at = takes_part[terminal.cell]
        cell = terminal.cell[at]
        phase = self.graph.phase[cell]
        names = self.graph.phase_names
        sigma = np.array([self.cell.phases[n].sigma if n in self.cell.phases else np.nan for n in names])
        contact = np.array([self.cell.interface(n, name).contact_resistance for n in names])[phase]
        bulk = terminal.distance[at] / sigma[phase]
        return TerminalFaces(self._phi[cell], terminal.area[at] / (bulk + contact), contact / (bulk + contact))

    @cached_property
    def _skeleton(self) -> Skeleton:
        terminals = np.zeros(self.n_phi)
        for faces in (self.collector, self.counter):
            np.add.at(terminals, faces.unknown, faces.conductance)
        paths = self.lithium.conductance
        x_links = Links.from_edges(self.n_x, self.lithium.a, self.lithium.b)
        return Skeleton(
            self.conduction.a,
            self.conduction.b,
            self.conduction.conductance,
            terminals,
            Laplacian.from_edges(x_links, paths, np.zeros(self.n_x)),
            paths,
            np.concatenate([group.electron for group in self.reacting]),
            np.concatenate([group.ion for group in self.reacting]),
            np.concatenate([group.host for group in self.reacting]),
            self._place(),
        )

    def _place(self) -> Placement | None:
        graph = self.graph
        if graph.grid is None or graph.face_axis is None:
            return None
        voxel, axis = graph.grid.voxel, graph.face_axis.astype(np.int64)
        network = np.zeros(int(np.prod(graph.grid.shape)), dtype=np.uint8)
        network[voxel[self.ion_cells]] = 1
        faces = np.concatenate([self.conduction.face, *(g.face for g in self.reacting)])

        def links(face: NDArray[np.int64]) -> NDArray[np.int64]:
            return axis[face] * network.size + voxel[graph.cell_a[face]]

        cells = np.concatenate([self.electron_cells, self.ion_cells])
        electronic = self.conduction.a < self.n_electron
        networks = self.conduction.conductance[electronic], self.conduction.conductance[~electronic]
        return Placement(
            graph.grid.shape,
            voxel[cells].astype(np.int32),
            voxel[self.host_cells].astype(np.int32),
            network,
            links(faces),
            links(self.lithium.face),
            max((float(g.max() / g.min()) for g in networks if g.size), default=1.0),
        )

    # ------------------------------------------------------------------ state

    def split(self, u: Array) -> tuple[Array, Array, Any]:
        """Return the views φ (n_phi,), x (n_x,) and the value V of a state vector."""
        return u[: self.n_phi], u[self.n_phi : -1], u[-1]

    @cached_property
    def mass(self) -> Floats:
        """Diagonal of M: F·c_max·v for lithium, zero for potentials and the terminal; shape (size,)."""
        out = np.zeros(self.size)
        out[self.n_phi : -1] = self.capacity
        return out

    def equilibrium_potential(self, x: Array) -> Array:
        """Return U(x) of every host cell in V, shape (n_x,)."""
        out = np.empty_like(x)
        for _, host, at in self.hosts:
            out[at] = host.U(x[at], self.cell.temperature)
        return out

    def starting_guess(self, u: Floats, current: float) -> Floats:
        """Guess potentials for a lithium distribution: no ohmic losses, and kinetics at the mean current density.

        From this side, less polarised than the truth, Newton's method approaches the state without overshooting into
        potentials at which every surface is exhausted.

        Parameters
        ----------
        u
            State whose x is kept, shape (size,).
        current
            Current in A, discharge positive.
        """
        _, x, _ = self.split(u)
        guess = np.zeros(self.size)
        guess[self.n_phi : -1] = x
        area = sum(float(group.area.sum()) for group in self.reacting)
        V = 0.0
        for group in self.reacting:
            laws = group.reaction
            share = float(group.area.sum()) / area
            mean_x = np.array([float(group.area @ x[group.host] / group.area.sum())])
            z, _ = laws.rate.inverse(-current / area / laws.i0(mean_x))
            U = float(group.area @ laws.U(x[group.host], laws.T) / group.area.sum())
            V += share * (U + R * laws.T / F * float(z[0]))
        guess[-1] = V
        return guess

    # ------------------------------------------------------------------ the equations

    def evaluate(self, u: Array, guess: Evaluation | None = None) -> Evaluation:
        """Evaluate the right-hand side F(u).

        Parameters
        ----------
        u
            State, shape (size,); complex for derivatives by complex step.
        guess
            Evaluation at a nearby state, from which the face solutions start.
        """
        phi, x, V = self.split(u)
        rate = np.zeros(self.size - 1, dtype=u.dtype)
        rate_phi, rate_x = rate[: self.n_phi], rate[self.n_phi :]
        rate_phi -= self._skeleton.terminals * phi
        kernels.exchange(rate_phi, self.conduction.a, self.conduction.b, self.conduction.conductance, phi)
        kernels.exchange(rate_x, self.lithium.a, self.lithium.b, self.lithium.conductance, self.lithium_potential(x))
        states = []
        for k, group in enumerate(self.reacting):
            state = face_current(
                group.reaction,
                V + phi[group.electron] - phi[group.ion],
                x[group.host],
                group.resistance,
                group.depletion,
                guess=None if guess is None else guess.faces[k].i,
            )
            flow = group.area * state.i
            kernels.subtract_at(rate_phi, group.electron, flow)
            kernels.add_at(rate_phi, group.ion, flow)
            kernels.subtract_at(rate_x, group.host, flow)
            states.append(state)
        current = -np.sum(self.counter.conductance * phi[self.counter.unknown])
        counter, series, _ = self.lumped_drop(current)
        return Evaluation(u, rate, current, V - counter - series, tuple(states))

    def lumped_drop(self, current: float) -> tuple[float, float, float]:
        """Return the losses in V of counter electrode and series resistance, and d(sum)/dI in Ω."""
        area = self.cell.cross_section
        counter, series, slope = self.cell.lumped.drop(current / area, self.cell.temperature)
        return counter, series, slope / area

    def lithium_potential(self, x: Array) -> Array:
        """Return the Kirchhoff potential F·w(x) of every host cell in A/m, shape (n_x,)."""
        out = np.empty_like(x)
        for _, host, at in self.hosts:
            out[at] = host.transport.potential(x[at], self.cell.temperature)
        return out

    def system(self, at: Evaluation, gamma: float, control: Control, *, frozen: bool = False) -> CoupledSystem:
        """Return the Newton matrix γM − ∂F/∂u at an evaluated state, bordered by the control.

        Parameters
        ----------
        at
            Evaluation at the state.
        gamma
            Leading coefficient of the time discretisation in 1/s; zero for a steady state.
        control
            The terminal equation.
        frozen
            Whether x is held, to find potentials consistent with it.
        """
        _, x, _ = self.split(at.u)
        T = self.cell.temperature
        pairs = tuple(zip(self.reacting, at.faces, strict=True))
        conductance = np.concatenate([group.area * state.conductance for group, state in pairs])
        response = np.concatenate([group.area * state.di_dx for group, state in pairs])
        slope = np.empty(self.n_x)
        for _, phase, cells in self.hosts:
            slope[cells] = phase.transport.slope(x[cells], T)
        _, d_I, d_V = control.equation(at.current, at.voltage)
        _, _, drop_slope = self.lumped_drop(at.current)
        row = np.zeros(self.n_phi)
        kernels.subtract_at(row, self.counter.unknown, (d_I - d_V * drop_slope) * self.counter.conductance)
        return CoupledSystem(
            skeleton=self._skeleton,
            conductance=conductance,
            response=response,
            lithium_slope=slope,
            storage=gamma * self.capacity,
            terminal_row=row,
            terminal_corner=d_V,
            frozen=frozen,
        )
