"""Where the voltage goes, and what the fields look like, at one evaluated state of a cathode.

The split of the polarisation is exact. Multiplying every balance with its potential and summing over all cells
(Tellegen's theorem) gives, with I the discharge current,

    I·(U(x̄) − V) = P_e + P_i + P_reaction + P_diffusion + P_contact + P_film + P_counter + P_series + P_elements
                    + I·η_dl + I·η_mix,
    η_mix = −(1/I) Σ_k (U(x_k) − U(x̄))·C_k·dx_k/dt,      η_dl = (1/I) Σ_f A·i_dl·(s − U(x̄)),

where each P is the dissipated power of a process; η_mix and η_dl, which have either sign, are what uneven lithiation
and the double layers (current density i_dl, potential step s) store. At faces with a reaction network the reference is
the composition of the cells at the interface, U(x̄) the mean of the reactions' equilibrium potentials there weighted
with their currents: what the potential of a reaction changes by deeper inside a domain counts as equilibrium.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.fv import kernels
from catholyte.models.cathode import Cathode, Evaluation
from catholyte.models.intercalation import FaceSolution, ReactingFaces
from catholyte.models.mixed import MixedEdges, MixedFlows
from catholyte.models.networks import NetworkFaces, NetworkSolution

Floats = NDArray[np.float64]

_ELECTRON, _ION, _SEPARATOR = 0, 1, 2
LOSSES = (
    "electron",
    "ion",
    "separator",
    "reaction",
    "diffusion",
    "contact",
    "film",
    "counter",
    "series",
    "elements",
    "double_layer",
    "mixing",
)


@dataclass(frozen=True)
class _Paths:
    """Which part of its loss every conducting face owes to the process on either side and to the contact."""

    process_a: NDArray[np.int8]
    process_b: NDArray[np.int8]
    part_a: NDArray[np.float32]
    contact: NDArray[np.float32]


@dataclass(frozen=True)
class _Flow:
    """Currents of one carrier in A: through every face from a to b, and through every face of the terminals."""

    faces: Floats
    terminals: dict[str, Floats]


class Analysis:
    """Derived quantities of a cathode; holds what does not change over a run.

    Parameters
    ----------
    cathode
        The model.
    separator
        Name of the phase whose ohmic loss is reported apart, if there is one.
    """

    def __init__(self, cathode: Cathode, separator: str | None = "separator") -> None:
        self.cathode = cathode
        graph, cell = cathode.graph, cathode.cell
        process = np.full(len(graph.phase_names), _ELECTRON, dtype=np.int8)
        sigma = np.full(len(graph.phase_names), np.nan)
        for k, name in enumerate(graph.phase_names):
            if name in cell.phases:
                sigma[k] = cell.phases[name].sigma
                if cell.phases[name].kind == "electrolyte":
                    process[k] = _SEPARATOR if name == separator else _ION
        self._process = process
        face = cathode.conduction.face
        phase_a, phase_b = graph.phase[graph.cell_a[face]], graph.phase[graph.cell_b[face]]
        bulk_a, bulk_b = graph.distance_a[face] / sigma[phase_a], graph.distance_b[face] / sigma[phase_b]
        in_series = graph.area[face] / cathode.conduction.conductance
        contact = cathode.contact[face] / in_series
        self._paths = _Paths(
            process[phase_a],
            process[phase_b],
            (bulk_a / (bulk_a + bulk_b)).astype(np.float32),
            contact.astype(np.float32),
        )
        self._weights = cathode.host_capacity / cathode.host_capacity.sum() if cathode.hosts else None

    # ------------------------------------------------------------------ scalars

    def losses(self, at: Evaluation) -> dict[str, float]:
        """Split the polarisation at a state.

        Returns
        -------
        ``loss_*`` in V for every process of :data:`LOSSES`, ``loss_total``, and ``equilibrium_voltage`` U(x̄) in V.
        The parts are NaN where no current flows.
        """
        cathode = self.cathode
        phi, x, _ = cathode.split(at.u)
        U = cathode.equilibrium_potential(x)
        rate_x = at.rate[cathode.n_phi :]
        reference, mean_U = self._reference(at, x, rate_x)
        out = {"equilibrium_voltage": mean_U, "loss_total": mean_U - at.voltage}
        I = at.current  # noqa: E741
        if abs(I) * 1e9 < self._current_floor:
            return out | {f"loss_{name}": np.nan for name in LOSSES}
        power = dict.fromkeys(LOSSES, 0.0)
        ohmic = self._ohmic(phi, power)
        for group, state in zip(cathode.reacting, at.faces, strict=True):
            flow = group.area * state.i
            heat = flow * state.i
            ohmic[_ELECTRON] += float(heat @ group.ohmic_e)
            is_separator = self._process[cathode.graph.phase_names.index(group.names[1])] == _SEPARATOR
            ohmic[_SEPARATOR if is_separator else _ION] += float(heat @ group.ohmic_i)
            power["contact"] += float(heat.sum()) * group.interface.contact_resistance
            power["film"] += float(heat.sum()) * (group.interface.film_resistance + float(state.layers.sum()))
            if isinstance(group, ReactingFaces) and isinstance(state, FaceSolution):
                reaction = state.faradaic
                faradaic = group.area * reaction.i
                power["reaction"] += float(faradaic @ reaction.eta)
                inside = state.inner * reaction.i + reaction.U_s - U[group.host]
                power["diffusion"] += float(faradaic @ inside)
            elif isinstance(group, NetworkFaces) and isinstance(state, NetworkSolution):
                network = state.faradaic
                faradaic = group.area * network.i
                of_each = group.area[:, None] * network.currents
                at_centre, _ = group.laws.potentials(x[group.hosts])
                power["reaction"] += float(np.sum(of_each * network.eta))
                power["diffusion"] += float(np.sum(of_each * (network.rates.U - at_centre)))
                power["mixing"] += float(np.sum(of_each * (at_centre - mean_U)))
            power["double_layer"] += float((flow - faradaic) @ (state.step - mean_U))
        w = cathode.lithium_potential(x)
        a, b = cathode.lithium.a, cathode.lithium.b
        power["diffusion"] += float(np.sum(cathode.lithium.conductance * (w[a] - w[b]) * (U[b] - U[a])))
        power["mixing"] -= float(rate_x @ (U - reference))
        if cathode.mixed is not None and at.mixed is not None:
            ohmic[_ELECTRON] += self._of_mixed(cathode.mixed, at.mixed, power)
        power["electron"], power["ion"], power["separator"] = ohmic
        parts = {f"loss_{name}": value / I for name, value in power.items()}
        drop = at.drop
        return (
            out
            | parts
            | {
                "loss_counter": drop.counter,
                "loss_series": drop.series,
                "loss_elements": drop.elements,
            }
        )

    @staticmethod
    def _of_mixed(edges: MixedEdges, flows: MixedFlows, power: dict[str, float]) -> float:
        """Return the ohmic power of electrons in mixed conductors in W; that of ions is diffusion, as in any host."""
        square = flows.flow**2 / edges.area
        contact = square * edges.contact
        heat = flows.flow**2 / flows.block.conductance - contact
        n = edges.at.n_electronic
        power["contact"] += float(contact.sum())
        power["diffusion"] += float(heat[n:].sum())
        return float(heat[:n].sum())

    def _reference(self, at: Evaluation, x: Floats, rate_x: Floats) -> tuple[Floats, float]:
        """Return U(x̄) of every host's phase, and the mean potential weighted with the current each phase takes."""
        cathode = self.cathode
        reference = np.zeros_like(x)
        networks = [
            (group, state.faradaic)
            for group, state in zip(cathode.reacting, at.faces, strict=True)
            if isinstance(group, NetworkFaces) and isinstance(state, NetworkSolution)
        ]
        taken = sum(float(rate_x[store].sum()) for _, _, store in cathode.hosts)
        taken -= sum(float(group.area @ network.i) for group, network in networks)
        still = abs(taken) * 1e9 < self._current_floor
        mean = 0.0
        for _, host, store in cathode.hosts:
            capacity = cathode.capacity[store]
            x_mean = float(capacity @ x[store] / capacity.sum())
            U = float(np.real(host.U(np.array([x_mean]), cathode.cell.temperature))[0])
            reference[store] = U
            share = capacity.sum() / cathode.capacity.sum() if still else rate_x[store].sum() / taken
            mean += U * float(share)
        for group, network in networks:
            if still:
                # At rest all reactions agree on the potential of the interface.
                share = 1.0 if not cathode.hosts else 1.0 - cathode.host_capacity.sum() / cathode.capacity.sum()
                mean += float(group.area @ network.step / sum(other.area.sum() for other, _ in networks)) * share
            else:
                at_centre, _ = group.laws.potentials(x[group.hosts])
                mean -= float(np.sum(group.area[:, None] * network.currents * at_centre)) / taken
        return reference, mean

    @property
    def _current_floor(self) -> float:
        """A current of 1C in A; a billionth of it counts as none."""
        return float(self.cathode.capacity.sum()) / 3600.0

    def _ohmic(self, phi: Floats, power: dict[str, float]) -> Floats:
        """Return the ohmic powers of electrons, ions and separator in W; contact powers go into ``power``."""
        cathode, paths = self.cathode, self._paths
        edges = cathode.conduction
        heat = edges.conductance * (phi[edges.a] - phi[edges.b]) ** 2
        power["contact"] += float(heat @ paths.contact)
        heat *= 1.0 - paths.contact
        ohmic: Floats = np.bincount(paths.process_a, weights=heat * paths.part_a, minlength=3).astype(float)
        ohmic += np.bincount(paths.process_b, weights=heat * (1.0 - paths.part_a), minlength=3)
        for faces, is_ionic in ((cathode.collector, False), (cathode.counter, True)):
            heat = faces.conductance * phi[faces.unknown] ** 2
            power["contact"] += float(heat @ faces.contact_share)
            bulk = heat * (1.0 - faces.contact_share)
            if is_ionic:
                cells = cathode.ion_cells[faces.unknown - cathode.n_electron]
                ohmic += np.bincount(self._process[cathode.graph.phase[cells]], weights=bulk, minlength=3)
            else:
                ohmic[_ELECTRON] += float(bulk.sum())
        return ohmic

    def distribution(self, at: Evaluation) -> dict[str, float]:
        """Return mean, standard deviation and 5-95 % range of lithiation and of the reaction current density.

        Lithiation is weighted with capacity, the current density in A/m² (discharge positive) with interface area. Of
        everything that takes part in reaction networks, the mean over its phase (``fraction PHASE NAME``).
        """
        cathode = self.cathode
        _, x, _ = cathode.split(at.u)
        area = np.concatenate([g.area for g in cathode.reacting])
        i = -np.concatenate([s.faradaic.i for s in at.faces])
        if self._weights is not None:
            out = _moments("lithiation", x, self._weights)
            out["lithiation"] = out.pop("lithiation_mean")
        else:
            out = dict.fromkeys(("lithiation", "lithiation_std", "lithiation_p05", "lithiation_p95"), np.nan)
        for store in cathode.stores:
            if store.name is not None:
                weight = cathode.capacity[store.at]
                out[f"fraction {store.key}"] = float(weight @ x[store.at] / weight.sum())
        return out | _moments("reaction_current", i, area / area.sum())

    # ------------------------------------------------------------------ fields

    def fields(self, at: Evaluation) -> dict[str, Floats]:
        """Return the fields of a state, arrays of shape (n_cells,) with NaN where a field is not defined.

        ``phi_e``, ``phi_i`` in V; ``x``; ``reaction_current`` in A/m³ (discharge positive); ``current_e``,
        ``current_i``: magnitudes of the current densities in A/m²; ``fraction NAME`` of everything that takes part in
        reaction networks, in the cells of the phases that store it.
        """
        cathode, graph = self.cathode, self.cathode.graph
        phi, x, V = cathode.split(at.u)
        fields = {name: np.full(graph.n_cells, np.nan) for name in ("phi_e", "phi_i", "x", "reaction_current")}
        potential = cathode.potential_of
        electronic, ionic = (potential >= 0) & (potential < cathode.n_electron), potential >= cathode.n_electron
        fields["phi_e"][electronic] = V + phi[potential[electronic]]
        fields["phi_i"][ionic] = phi[potential[ionic]]
        if cathode.mixed is not None and at.mixed is not None:
            fields["phi_i"][cathode.store_cells[cathode.mixed.at.stores]] = V + at.mixed.ions
        for store in cathode.stores:
            name = "x" if store.name is None else f"fraction {store.name}"
            fields.setdefault(name, np.full(graph.n_cells, np.nan))[store.cells] = x[store.at]
        reaction = np.zeros(graph.n_cells)
        for group, state in zip(cathode.reacting, at.faces, strict=True):
            solid = np.where(group.direction > 0, graph.cell_a[group.face], graph.cell_b[group.face])
            kernels.subtract_at(reaction, solid, group.area * state.faradaic.i)
        shown = cathode.active_cells if cathode.active_cells.size else np.flatnonzero(reaction)
        fields["reaction_current"][shown] = reaction[shown] / graph.volume[shown]
        flows = self._flows(at, phi)
        electrons, ions = cathode.electron_cells, cathode.ion_cells
        if cathode.mixed is not None:
            ions = np.concatenate([ions, cathode.store_cells[cathode.mixed.at.stores]])
        for name, cells, flow in (("current_e", electrons, flows[0]), ("current_i", ions, flows[1])):
            fields[name] = np.full(graph.n_cells, np.nan)
            if graph.face_axis is not None:
                fields[name][cells] = self._magnitude(flow)[cells]
        return fields

    def _flows(self, at: Evaluation, phi: Floats) -> tuple[_Flow, _Flow]:
        """Return the currents of electrons and of ions through all faces from a to b, and out of the terminals, in A.

        A face between cells of one carrier has its current in both.
        """
        cathode, graph = self.cathode, self.cathode.graph
        edges = cathode.conduction
        inside = np.zeros(graph.area.size)
        inside[edges.face] = edges.conductance * (phi[edges.a] - phi[edges.b])
        electrons, ions = (
            _Flow(inside.copy(), {name: np.zeros(t.cell.size) for name, t in graph.terminals.items()}) for _ in "ei"
        )
        for group, state in zip(cathode.reacting, at.faces, strict=True):
            flow = group.direction * group.area * state.i
            ions.faces[group.face] = flow
            if not (isinstance(group, ReactingFaces) and group.mixed is not None):
                electrons.faces[group.face] = flow
        for name, of, unknowns, sign in (
            ("collector", electrons, cathode.collector, 1.0),
            ("counter", ions, cathode.counter, -1.0),
        ):
            of.terminals[name][unknowns.place] = sign * unknowns.conductance * phi[unknowns.unknown]
        mixed, flows = cathode.mixed, at.mixed
        if mixed is not None and flows is not None:
            n, ends = mixed.at.n_electronic, ~mixed.at.inner
            electronic = np.flatnonzero(~ends[:n])
            electrons.faces[mixed.face[electronic]] = flows.flow[electronic]
            ions.faces[mixed.face[n:]] = flows.flow[n:]
            electrons.terminals["collector"][mixed.face[ends]] = flows.flow[ends]
        return electrons, ions

    def _magnitude(self, flow: _Flow) -> Floats:
        """Reconstruct |j| in every cell from its face currents: v·j = Σ_f I_f (r_f − r_cell)."""
        graph = self.cathode.graph
        assert graph.face_axis is not None
        moments = np.zeros((3, graph.n_cells))
        for axis in range(3):
            along = graph.face_axis == axis
            for cell, distance in ((graph.cell_a, graph.distance_a), (graph.cell_b, graph.distance_b)):
                weights = flow.faces[along] * distance[along]
                moments[axis] += np.bincount(cell[along], weights=weights, minlength=graph.n_cells)
        for name, terminal in graph.terminals.items():
            weights = flow.terminals[name] * terminal.distance
            moments[0] += np.bincount(terminal.cell, weights=weights, minlength=graph.n_cells)
        magnitude: Floats = np.sqrt(np.sum(moments**2, axis=0)) / graph.volume
        return magnitude


def _moments(name: str, values: Floats, weights: Floats) -> dict[str, float]:
    """Return weighted mean, standard deviation, 5th and 95th percentile."""
    mean = float(weights @ values)
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    p05, p95 = (float(values[order[min(int(np.searchsorted(below, q)), values.size - 1)]]) for q in (0.05, 0.95))
    std = float(np.sqrt(max(float(weights @ (values - mean) ** 2), 0.0)))
    return {f"{name}_mean": mean, f"{name}_std": std, f"{name}_p05": p05, f"{name}_p95": p95}
