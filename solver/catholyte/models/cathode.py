"""The composite cathode: electrons, lithium ions and what the phases store, joined at reacting faces.

In every electron conductor   Σ G (φ_p − φ_q) + Σ I_f = 0,
in every ion conductor        Σ G (φ_p − φ_q) − Σ I_f = 0,
for everything a cell stores  F c_max v dx/dt + Σ A (F w_p − F w_q)/d + Σ O_f = 0,
at the terminal               f(I, V) = 0 with I = −Σ_counter G φ_i,

where I_f is the current of a reacting face and O_f what its reactions take out of a store: with one reaction, that of
lithium in a host, the same current without what charges the double layer (``physics/interface.py``,
``physics/double_layer.py``); with a network the species it consumes on both sides (``physics/network_face.py``). F w is
the Kirchhoff potential of what is stored (``physics/transport.py``) and f the control. Electron potentials are unknown
relative to the collector, φ_e = V + φ̃_e, so that differences of microvolts survive beside potentials of volts; φ_i is
zero at the counter. All balances are in amperes.

A mixed conductor carries electrons and ions at once (``models/mixed.py``): the balance of its potential is that of both
currents together, lithium moves by the ionic one, and the potential of its ions, φ_i = V + φ̃_e − U(x), is no unknown.

Unknowns: u = [φ̃_e of electron conductors, φ_i of ion conductors, x of the stores, V]. A store is the site fraction of
lithium in a host or of a species, or the state of a branch of hysteresis, in every cell of its phase. Beside them
stands a memory that is integrated entry by entry: m = [potential steps of double layers, voltages of lumped elements,
growth of layers at interfaces, terminal voltage].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import MeshError
from catholyte.fv import kernels
from catholyte.fv.assembly import CoupledSystem, Skeleton
from catholyte.fv.laplacian import Laplacian, Links
from catholyte.fv.networks import NetworkBlock
from catholyte.mesh.graph import Graph
from catholyte.models.control import Equation
from catholyte.models.faces import Faces, TerminalFaces
from catholyte.models.intercalation import FaceSolution, ReactingFaces
from catholyte.models.interphase import Growth
from catholyte.models.lumped import Drop, LumpedChain
from catholyte.models.mixed import MixedFlows
from catholyte.models.networks import NetworkFaces, NetworkSolution
from catholyte.models.parameters import CellParameters, Host
from catholyte.models.placement import placement
from catholyte.models.stores import bounds, stored
from catholyte.physics.constants import F
from catholyte.physics.double_layer import LinearFace
from catholyte.solve.bdf import Past

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
Array = NDArray[Any]


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
    drop
        Losses of the lumped elements.
    memory, memory_rate
        m and dm/dt; the rate of the terminal voltage is not known without a past and NaN then.
    shunted
        Whether double layers took part, so that faradaic and total currents differ.
    rounding
        Sum of what the transport of species, mixed conductors, and networks near equilibrium, owe to the rounding of
        potentials in A.
    mixed
        What flows in mixed conductors; None without any.
    """

    u: Array
    rate: Array
    current: float
    voltage: float
    faces: tuple[FaceSolution | NetworkSolution, ...]
    drop: Drop
    memory: Array
    memory_rate: Array
    shunted: bool
    rounding: float
    mixed: MixedFlows | None = None


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
        own = np.arange(graph.n_cells) == graph.anchor if graph.anchor is not None else np.ones(graph.n_cells, bool)
        self.ion_cells = np.flatnonzero((kinds == "electrolyte") & own)
        self.electron_cells = np.flatnonzero(((kinds == "active") | (kinds == "conductor")) & own)
        self.active_cells = np.flatnonzero(kinds == "active")
        self.n_electron = self.electron_cells.size
        self.n_phi = self.n_electron + self.ion_cells.size
        #: unknown of the potential of every cell, −1 where there is none
        self.potential_of = np.full(graph.n_cells, -1, dtype=np.int32)
        self.potential_of[self.electron_cells] = np.arange(self.n_electron, dtype=np.int32)
        self.potential_of[self.ion_cells] = np.arange(self.n_electron, self.n_phi, dtype=np.int32)
        if graph.anchor is not None:
            self.potential_of = self.potential_of[graph.anchor]

        self.stores, places = stored(graph, cell)
        #: cell of every store's unknown
        self.store_cells = np.concatenate([np.zeros(0, dtype=np.int64), *(store.cells for store in self.stores)])
        self.n_x = self.store_cells.size
        self.size = self.n_phi + self.n_x + 1
        self.hosts: tuple[tuple[str, Host, slice], ...] = tuple(
            (store.phase, host, store.at)
            for store in self.stores
            if store.name is None and (host := cell.phases[store.phase].host) is not None
        )
        #: F·c_max·v of everything stored: the charge that fills it, in C
        self.capacity = np.empty(self.n_x)
        for store in self.stores:
            self.capacity[store.at] = F * store.c_max * graph.volume[store.cells]
        #: the same of lithium in hosts, zero elsewhere
        self.host_capacity = np.zeros(self.n_x)
        for _, _, at in self.hosts:
            self.host_capacity[at] = self.capacity[at]
        self.bounds = bounds(self.stores, self.n_x)

        self._faces = Faces(graph, cell, self.potential_of, places)
        self.conduction, self.lithium = self._faces.conduction(), self._faces.storage()
        self.mixed = self._faces.mixed(self.stores)
        self.reacting = self._faces.reacting()
        self.collector = self._faces.terminal("collector", self.electron_cells)
        self.counter = self._faces.terminal("counter", self.ion_cells)
        at_collector = self.mixed is not None and not self.mixed.at.inner.all()
        for name, faces in (("collector", self.collector), ("counter", self.counter)):
            if faces.unknown.size == 0 and not (name == "collector" and at_collector):
                raise MeshError(f"no conducting cell touches the {name}")
        if not self.reacting:
            raise MeshError("no face between an electron conductor and an electrolyte reacts")
        self.chain = LumpedChain.of(cell.lumped, cell.cross_section)
        #: where the potential steps of every group stand in the memory; empty where no double layer is charged in time
        self.charged: tuple[slice, ...] = self._charged()
        self.n_charged = self.charged[-1].stop
        self.growth = Growth.of([group.interface.layers for group in self.reacting])
        self.n_memory = self.n_charged + self.chain.size + self.growth.size + 1

    # ------------------------------------------------------------------ set-up

    def _charged(self) -> tuple[slice, ...]:
        at, slices = 0, []
        for group in self.reacting:
            layer = group.interface.double_layer
            in_time = self.cell.charging and layer is not None and layer.exponent == 1.0
            slices.append(slice(at, at + group.area.size if in_time else at))
            at = slices[-1].stop
        return tuple(slices)

    @cached_property
    def _skeleton(self) -> Skeleton:
        paths = self.lithium.conductance
        x_links = Links.from_edges(self.n_x, self.lithium.a, self.lithium.b)
        return Skeleton(
            self.conduction.a,
            self.conduction.b,
            self.conduction.conductance,
            self._to_terminals(self.collector, self.counter),
            Laplacian.from_edges(x_links, paths, np.zeros(self.n_x)),
            paths,
            _joined([group.electron for group in self.single]),
            _joined([group.ion for group in self.single]),
            _joined([group.host for group in self.single]),
            self.networks,
            self.lithium.a,
            self.lithium.b,
            placement(self),
            self.mixed.at if self.mixed is not None else None,
        )

    @cached_property
    def _exchange(self) -> Floats:
        """Sum of the transport paths of every species in m, zero for the lithium of hosts, shape (n_x,)."""
        out: Floats = self._skeleton.lithium.row_sum.copy()
        for _, _, at in self.hosts:
            out[at] = 0.0
        return out

    @property
    def single(self) -> tuple[ReactingFaces, ...]:
        """The groups of reacting faces with one reaction."""
        return tuple(group for group in self.reacting if isinstance(group, ReactingFaces))

    @property
    def networks(self) -> tuple[NetworkFaces, ...]:
        """The groups of reacting faces with a network."""
        return tuple(group for group in self.reacting if isinstance(group, NetworkFaces))

    def _to_terminals(self, *terminals: TerminalFaces) -> Array:
        total = np.zeros(self.n_phi, dtype=np.result_type(*(faces.conductance for faces in terminals)))
        for faces in terminals:
            np.add.at(total, faces.unknown, faces.conductance)
        return total

    def conductivity(self, omega: float = 0.0) -> Array:
        """Return σ of every phase in S/m, σ + iωε at an angular frequency in rad/s where a phase has a permittivity."""
        return self._faces.conductivity(omega)

    @property
    def contact(self) -> Floats:
        """Contact resistance of every face of the graph in Ω m²."""
        return self._faces.contact

    # ------------------------------------------------------------------ state

    def split(self, u: Array) -> tuple[Array, Array, Any]:
        """Return the views φ (n_phi,), x (n_x,) and the value V of a state vector."""
        return u[: self.n_phi], u[self.n_phi : -1], u[-1]

    @cached_property
    def mass(self) -> Floats:
        """Diagonal of M: F·c_max·v for what is stored, zero for potentials and the terminal; shape (size,)."""
        out = np.zeros(self.size)
        out[self.n_phi : -1] = self.capacity
        return out

    def equilibrium_potential(self, x: Array) -> Array:
        """Return U(x) of the lithium in every host cell in V, zero for other stores, shape (n_x,)."""
        out = np.zeros_like(x)
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
        share = [float(group.area.sum()) / area for group in self.reacting]
        V = sum(part * group.rest(x, -current / area) for part, group in zip(share, self.reacting, strict=True))
        guess[-1] = V
        return guess

    # ------------------------------------------------------------------ the equations

    def evaluate(self, u: Array, guess: Evaluation | None = None, past: Past | None = None) -> Evaluation:
        """Evaluate the right-hand side F(u).

        Parameters
        ----------
        u
            State, shape (size,); complex for derivatives by complex step.
        guess
            Evaluation at a nearby state, from which the face solutions start.
        past
            What the step knows of the memory; without it the memory is at rest, and no current charges double layers.
        """
        phi, x, V = self.split(u)
        rate = np.zeros(self.size - 1, dtype=u.dtype)
        rate_phi, rate_x = rate[: self.n_phi], rate[self.n_phi :]
        rate_phi -= self._skeleton.terminals * phi
        kernels.exchange(rate_phi, self.conduction.a, self.conduction.b, self.conduction.conductance, phi)
        w = self.lithium_potential(x)
        kernels.exchange(rate_x, self.lithium.a, self.lithium.b, self.lithium.conductance, w)
        mixed = None
        if self.mixed is not None:
            mixed = self.mixed.flows(phi, x)
            self.mixed.at.scatter(rate_phi, rate_x, -mixed.flow)
        memory, speed = np.zeros((2, self.n_memory), dtype=u.dtype)
        grown = self.growth.grown(None if past is None else past.of(self._growing))
        memory[self._growing], speed[self._growing] = grown, self.growth.rate
        more = self.growth.resistance(grown)
        solutions: list[FaceSolution | NetworkSolution] = []
        for k, group in enumerate(self.reacting):
            start = None if guess is None else guess.faces[k].start
            delta_phi = V + phi[group.electron] - phi[group.ion]
            layer = past.of(self.charged[k]) if past is not None and self._is_charged(k) else None
            layers = group.layers + more[self.growth.groups[k]]
            solution, step_rate = group.solve(delta_phi, x, layer, start, layers)
            flow = group.area * solution.i
            kernels.subtract_at(rate_phi, group.electron, flow)
            kernels.add_at(rate_phi, group.ion, flow)
            for store, outflow in zip(group.columns, solution.outflows, strict=True):
                kernels.subtract_at(rate_x, store, group.area * outflow)
            if self._is_charged(k):
                memory[self.charged[k]], speed[self.charged[k]] = solution.step, step_rate
            solutions.append(solution)
        current = self.current(u)
        at = self._branches
        drop = self.chain.drop(current, self.cell.temperature, None if past is None else past.of(at))
        memory[at], speed[at] = drop.memory, drop.memory_rate
        memory[-1] = V - drop.total
        moves = past is not None and not past.held and not past.resting
        speed[-1] = past.gamma * memory[-1] + past.memory[-1] if past is not None and moves else np.nan
        shunted = past is not None and not past.resting and self.n_charged > 0
        # Fluxes are differences of potentials, each exact to half a unit in its last place.
        rounding = 0.25 * np.finfo(float).eps * float(self._exchange @ np.abs(w)) + sum(
            float(group.area @ solution.faradaic.rounding)
            for group, solution in zip(self.reacting, solutions, strict=True)
            if isinstance(solution, NetworkSolution)
        )
        if mixed is not None:
            rounding += mixed.rounding
        faces = tuple(solutions)
        return Evaluation(u, rate, current, V - drop.total, faces, drop, memory, speed, shunted, rounding, mixed)

    def current(self, u: Array) -> Any:
        """Return the current in A, discharge positive, that a state drives through the counter electrode."""
        return -np.sum(self.counter.conductance * u[self.counter.unknown])

    @property
    def _branches(self) -> slice:
        """Where the voltages of lumped elements stand in the memory."""
        return slice(self.n_charged, self.n_charged + self.chain.size)

    @property
    def _growing(self) -> slice:
        """Where the growth of layers stands in the memory."""
        return slice(self.n_charged + self.chain.size, self.n_memory - 1)

    def _is_charged(self, k: int) -> bool:
        return self.charged[k].stop > self.charged[k].start

    def resting_memory(self, at: Evaluation) -> Floats:
        """Return the memory of a cell that has rested at a state: double layers as they are there, elements empty."""
        memory: Floats = at.memory.copy()
        memory[self._branches] = 0.0
        return memory

    def lithium_potential(self, x: Array) -> Array:
        """Return the Kirchhoff potential F·w(x) of everything stored in A/m, shape (n_x,)."""
        out = np.empty_like(x)
        for store in self.stores:
            out[store.at] = store.transport.potential(x[store.at], self.cell.temperature)
        return out

    def system(self, at: Evaluation, gamma: float, control: Equation, *, frozen: bool = False) -> CoupledSystem:
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
        _, d_I, d_V = control.equation(at.current, at.voltage)
        row = np.zeros(self.n_phi)
        kernels.subtract_at(row, self.counter.unknown, (d_I - d_V * at.drop.slope) * self.counter.conductance)
        linear = tuple(solution.linear for solution in at.faces if isinstance(solution, FaceSolution))
        blocks = tuple(
            group.block(solution)
            for group, solution in zip(self.reacting, at.faces, strict=True)
            if isinstance(group, NetworkFaces) and isinstance(solution, NetworkSolution)
        )
        return self._coupled(self._skeleton, linear, blocks, at, gamma, row, d_V, control.in_volts, frozen, at.shunted)

    def alternating(self, at: Evaluation, omega: float) -> CoupledSystem:
        """Return iωM − ∂F/∂u at an evaluated state, with the current given.

        Double layers and the displacement current of phases with a permittivity take part, and the half cells next to
        the faces answer as exactly as the frequency asks for (``physics/half_cell.py``).

        Parameters
        ----------
        at
            Evaluation at the state, without a past.
        omega
            Angular frequency in rad/s.
        """
        skeleton, counter = self._skeleton, self.counter.conductance
        if np.iscomplexobj(self.conductivity(omega)):
            counter_faces = self._faces.terminal("counter", self.ion_cells, omega)
            collector_faces = self._faces.terminal("collector", self.electron_cells, omega)
            terminals = self._to_terminals(collector_faces, counter_faces)
            skeleton = replace(skeleton, conduction=self._faces.conduction(omega).conductance, terminals=terminals)
            counter = counter_faces.conductance
        row = np.zeros(self.n_phi, dtype=counter.dtype)
        kernels.subtract_at(row, self.counter.unknown, counter)
        linear, blocks = self._alternating_faces(at, omega)
        system = self._coupled(skeleton, linear, blocks, at, 1j * omega, row, 0.0, False, False, True)
        if self.mixed is None or at.mixed is None:
            return system
        return replace(system, mixed=self.mixed.alternating(at.mixed.block, self.split(at.u)[1], omega))

    def _alternating_faces(
        self, at: Evaluation, omega: float
    ) -> tuple[tuple[LinearFace, ...], tuple[NetworkBlock, ...]]:
        """Return how the currents of every group of faces answer a change at an angular frequency."""
        linear, blocks = [], []
        for group, solution in zip(self.reacting, at.faces, strict=True):
            layer = group.interface.double_layer
            admittance = 0j if layer is None else layer.admittance(omega)
            if isinstance(group, NetworkFaces) and isinstance(solution, NetworkSolution):
                blocks.append(group.block(solution, admittance, omega))
            elif isinstance(group, ReactingFaces) and isinstance(solution, FaceSolution):
                linear.append(group.linear(solution, self.split(at.u)[1], admittance, omega))
        return tuple(linear), tuple(blocks)

    def _coupled(
        self,
        skeleton: Skeleton,
        linear: tuple[LinearFace, ...],
        blocks: tuple[NetworkBlock, ...],
        at: Evaluation,
        gamma: complex,
        row: Array,
        corner: float,
        in_volts: bool,
        frozen: bool,
        shunted: bool,
    ) -> CoupledSystem:
        _, x, _ = self.split(at.u)
        area = tuple(group.area for group in self.single)

        def collect(name: str) -> Array:
            return _joined([a * getattr(face, name) for a, face in zip(area, linear, strict=True)], float)

        slope = np.empty(self.n_x)
        for store in self.stores:
            slope[store.at] = store.transport.slope(x[store.at], self.cell.temperature)
        return CoupledSystem(
            skeleton=skeleton,
            conductance=collect("conductance"),
            response=collect("response"),
            lithium_slope=slope,
            storage=gamma * self.capacity,
            terminal_row=row,
            terminal_corner=corner,
            in_volts=in_volts,
            frozen=frozen,
            faradaic=collect("faradaic") if shunted else None,
            passing=_joined([face.passing for face in linear], float) if shunted else None,
            networks=blocks,
            mixed=at.mixed.block if at.mixed is not None else None,
        )


def _joined(parts: list[Array], dtype: type = np.int32) -> Array:
    """Concatenate arrays, of which there may be none."""
    return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)
