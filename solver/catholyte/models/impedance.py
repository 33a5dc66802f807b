r"""The impedance of a cathode at a state, and which phase and which interface it belongs to.

The residual of the time steps is linearised once and solved with iω in place of γ,

    (iωM − ∂F/∂u) û = 0   with the current given, Î = 1,       Z(ω) = −V̂ / Î,

double layers (iωC or a constant-phase element) beside the reactions and displacement currents (σ + iωε) included.

Currents obey Kirchhoff's law in both networks, so that Tellegen's theorem splits the impedance exactly,

    Z·|Î|² = Σ_b v̂_b·î_b*,

over all branches b: conduction in every phase, contacts, films, and at every interface ŝ = η̂ + Û_s, the overpotential
(charge transfer, with the double layer beside it) and the equilibrium potential at the surface (diffusion and storage
in the host). Each part is a complex function of the frequency and draws its own arc.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.fv.assembly import CoupledSystem
from catholyte.fv.mixed import MixedBlock
from catholyte.models.cathode import Cathode, Evaluation
from catholyte.models.intercalation import FaceSolution, ReactingFaces
from catholyte.models.networks import NetworkFaces, NetworkSolution
from catholyte.solve.linear import LinearSolver

Array = NDArray[Any]
_Add = Callable[[str, complex], None]

#: relative residual of the complex systems
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Response:
    """Impedance at one frequency, all in Ω m² of cell area.

    Attributes
    ----------
    frequency
        In Hz.
    impedance
        Of the whole cell.
    parts
        Of its phases, interfaces and lumped parts, by name; they sum to the impedance.
    iterations
        Of the linear solver.
    """

    frequency: float
    impedance: complex
    parts: dict[str, complex]
    iterations: int


class Impedance:
    """Linear response of a cathode at one state.

    Parameters
    ----------
    cathode
        The model.
    at
        Evaluation at the state, without a past.
    solver
        Linear solver, kept from one frequency to the next.
    separator
        Name of the phase that is the separator, if there is one.
    """

    def __init__(
        self, cathode: Cathode, at: Evaluation, solver: LinearSolver, separator: str | None = "separator"
    ) -> None:
        self.cathode, self.at, self._solver = cathode, at, solver
        self._network = []
        for name in cathode.graph.phase_names:
            kind = cathode.cell.phases[name].kind if name in cathode.cell.phases else None
            carrier = "ion" if kind == "electrolyte" else "electron"
            self._network.append("separator" if name == separator else f"{carrier} {name}")

    def spectrum(self, frequencies: Array) -> Iterator[Response]:
        """Yield the response at every frequency in Hz."""
        for frequency in frequencies:
            yield self.response(float(frequency))

    def response(self, frequency: float) -> Response:
        """Return the response at a frequency in Hz.

        Raises
        ------
        NotConverged
            If the linear solver fails.
        """
        cathode = self.cathode
        omega = 2.0 * np.pi * frequency
        system = cathode.alternating(self.at, omega)
        rhs = np.zeros(cathode.size, dtype=complex)
        rhs[-1] = 1.0
        solved = self._solver.solve(system, rhs, _TOLERANCE)
        # Of a current of 1 A exactly, whatever the solver left.
        u = solved.x / (system.terminal_row @ solved.x[: cathode.n_phi])
        parts = self._parts(u, omega, system)
        lumped = self._lumped(omega)
        total = -u[-1] * cathode.cell.cross_section + sum(lumped.values())
        return Response(frequency, complex(total), parts | lumped, solved.iterations)

    # ------------------------------------------------------------------ parts

    def _lumped(self, omega: float) -> dict[str, complex]:
        lumped, cell = self.cathode.cell.lumped, self.cathode.cell
        elements = sum((element.impedance(np.array([omega]))[0] for element in lumped.elements), 0j)
        _, _, slope = lumped.drop(self.at.current / cell.cross_section, cell.temperature)
        parts = {"counter": slope - lumped.series_resistance, "series": lumped.series_resistance, "elements": elements}
        return {name: complex(value) for name, value in parts.items()}

    def _parts(self, u: Array, omega: float, system: CoupledSystem) -> dict[str, complex]:
        """Split the impedance of the mesh, for a current of 1 A, in Ω m²."""
        parts: dict[str, complex] = {}

        def add(name: str, power: complex) -> None:
            parts[name] = parts.get(name, 0j) + self.cathode.cell.cross_section * complex(power)

        self._conduction(u, omega, system, add)
        self._mixed(u, omega, system, add)
        self._interfaces(u, omega, system, add)
        return parts

    @cached_property
    def _sides(self) -> tuple[Array, Array, Array, Array, Array]:
        """Phases and distances on either side of every conducting face, and the resistance of its contact."""
        cathode, graph, face = self.cathode, self.cathode.graph, self.cathode.conduction.face
        a, b = graph.phase[graph.cell_a[face]], graph.phase[graph.cell_b[face]]
        return a, b, graph.distance_a[face], graph.distance_b[face], cathode.contact[face]

    def _conduction(self, u: Array, omega: float, system: CoupledSystem, add: _Add) -> None:
        cathode, graph = self.cathode, self.cathode.graph
        phi, _, _ = cathode.split(u)
        sigma, names = cathode.conductivity(omega), graph.phase_names
        edges = cathode.conduction
        a, b, distance_a, distance_b, contact = self._sides
        # Per area: the power that a resistance of 1 Ω m² in the face would take.
        square = np.abs(system.skeleton.conduction * (phi[edges.a] - phi[edges.b])) ** 2 / graph.area[edges.face]
        lengths = np.bincount(a, square * distance_a, len(names)) + np.bincount(b, square * distance_b, len(names))
        for k, carrier in enumerate(self._network):
            if np.isfinite(sigma[k]):
                add(carrier, lengths[k] / sigma[k])
        touching = np.flatnonzero(contact)
        for p, q in {(min(p, q), max(p, q)) for p, q in zip(a[touching], b[touching], strict=True)}:
            between = touching[((a[touching] == p) & (b[touching] == q)) | ((a[touching] == q) & (b[touching] == p))]
            add(f"contact {names[p]}|{names[q]}", square[between] @ contact[between])
        for faces, cells, name in (
            (cathode.collector, cathode.electron_cells[cathode.collector.unknown], "collector"),
            (cathode.counter, cathode.ion_cells[cathode.counter.unknown - cathode.n_electron], "counter"),
        ):
            if faces.unknown.size == 0:
                continue  # a mixed conductor alone touches the collector
            phase = graph.phase[cells]
            resistance = 1.0 / faces.conductance  # Ω of every face at zero frequency, contact included
            contact = resistance * faces.contact_share
            bulk = (resistance - contact) * cathode.conductivity()[phase] / sigma[phase]
            power = np.abs(phi[faces.unknown] / (bulk + contact)) ** 2
            for k in np.unique(phase):
                add(self._network[k], power[phase == k] @ bulk[phase == k])
                if contact[phase == k].any():
                    add(f"contact {names[k]}|{name}", power[phase == k] @ contact[phase == k])

    def _mixed(self, u: Array, omega: float, system: CoupledSystem, add: _Add) -> None:
        """Add what mixed conductors take: electrons and ions along the edges, and in every cell what stores lithium."""
        cathode, edges, block = self.cathode, self.cathode.mixed, system.mixed
        if edges is None or block is None:
            return
        phi, x, _ = cathode.split(u)
        at = edges.at
        of_edge = _linear_flow(block, phi, x)
        ions = phi[at.potentials] + block.steepness * x[at.stores]
        ends = np.where(at.b >= 0, phi[at.b], 0.0)
        n = at.n_electronic
        across = np.concatenate([phi[at.a[:n]] - ends[:n], ions[at.host_a[n:]] - ions[at.host_b[n:]]])
        power = across * np.conj(of_edge)
        contact = np.abs(of_edge) ** 2 * edges.contact / edges.area
        stored = block.steepness * x[at.stores] * np.conj(1j * omega * cathode.capacity[at.stores] * x[at.stores])
        for store in edges.stores:
            # An edge belongs to the phase that it begins in, to that it ends in where only this one is mixed.
            name = cathode.stores[self._store_at(store.among_all)].phase
            owner = np.where(at.host_a >= 0, at.host_a, at.host_b)
            mine = (owner >= store.at.start) & (owner < store.at.stop)
            electronic = mine & (np.arange(at.a.size) < n)
            add(f"electron {name}", np.sum((power - contact)[electronic]))
            add(f"ion {name}", np.sum((power - contact)[mine & ~electronic]))
            add(f"storage {name}", np.sum(stored[store.at]))
            if contact[mine].any():
                add(f"contact {name}", np.sum(contact[mine]))

    def _store_at(self, at: slice) -> int:
        return next(k for k, store in enumerate(self.cathode.stores) if store.at == at)

    def _interfaces(self, u: Array, omega: float, system: CoupledSystem, add: _Add) -> None:
        cathode, at = self.cathode, system.skeleton
        phi, x, V = cathode.split(u)
        delta, dx = V + phi[at.electron] - phi[at.ion], x[at.host]
        currents = system.conductance * delta + system.potential_response * dx  # A
        reacted = system.lithium_conductance * delta + system.response * dx
        begin = 0
        blocks = iter(system.networks)
        for group, solution in zip(cathode.reacting, self.at.faces, strict=True):
            outer, inside = group.resistance(solution.layers), f"diffusion {group.names[0]}"
            if isinstance(group, NetworkFaces) and isinstance(solution, NetworkSolution):
                block = next(blocks)
                across = V + phi[group.electron] - phi[group.ion]
                current = block.conductance * across + np.sum(block.response * x[group.hosts], axis=1)
                surface = group.drift(solution, across - outer * current / group.area, x, omega)
            elif isinstance(group, ReactingFaces) and isinstance(solution, FaceSolution):
                part, begin = slice(begin, begin + group.area.size), begin + group.area.size
                across, current = delta[part], currents[part]
                faradaic = reacted[part] / group.area
                depletion, inner = group.half_cell(solution, self.cathode.split(self.at.u)[1], omega)
                surface = solution.faradaic.dU * (dx[part] - depletion * faradaic) + inner * faradaic
                if group.mixed is not None:
                    # The ions come from the potential that they have in the cell.
                    across = across - solution.faradaic.dU * dx[part]
                    surface, inside = inner * faradaic, f"ion {group.names[0]}"
            i = current / group.area
            square = group.area * np.abs(i) ** 2
            pair = "|".join(group.names)
            host, electrolyte = (self._network[cathode.graph.phase_names.index(name)] for name in group.names)
            add(host, square @ group.ohmic_e)
            add(electrolyte, square @ group.ohmic_i)
            add(f"contact {pair}", square.sum() * group.interface.contact_resistance)
            add(f"film {pair}", square.sum() * group.interface.film_resistance)
            for layer, resistance in zip(group.interface.layers, solution.layers, strict=True):
                add(f"{layer.name} {pair}", square.sum() * resistance)
            add(inside, np.conj(current) @ surface)
            add(f"reaction {pair}", np.conj(current) @ (across - outer * i - surface))


def _linear_flow(block: MixedBlock, phi: Array, x: Array) -> Array:
    """Return what flows along the edges of mixed conductors for changes of φ and x, in A."""
    at = block.at
    flow = block.conductance * (phi[at.a] - np.where(at.b >= 0, phi[at.b], 0.0))
    flow += np.where(at.host_a >= 0, block.lift_a * x[at.stores[at.host_a]], 0.0)
    flow -= np.where(at.host_b >= 0, block.lift_b * x[at.stores[at.host_b]], 0.0)
    return flow
