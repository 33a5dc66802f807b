"""Faces with a reaction network: their currents, what they take out of stores on both sides, their linearisation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.fv.network_kernels import network_balance
from catholyte.fv.networks import NetworkBlock
from catholyte.models.parameters import Interface
from catholyte.models.shunt import shunted
from catholyte.physics.half_cell import depletion_factor
from catholyte.physics.network_face import LARGEST_SHARE, LARGEST_STEP, NetworkBalance, NetworkState
from catholyte.physics.network_laws import SMALLEST_FRACTION, STEEPEST, Rates
from catholyte.solve.bdf import Past

Array = NDArray[Any]
Floats = NDArray[np.float64]
Indices = NDArray[np.int32]

#: iterations after which the compiled loop leaves a face to the laws' own method
_MOST_STEPS = 40


@dataclass(frozen=True)
class NetworkSolution:
    """Currents of a group of network faces, arrays of shape (faces,).

    Attributes
    ----------
    i
        Current density in A/m², positive = oxidation, what charges the double layer included.
    step
        Potential step s across the interface in V.
    faradaic
        Solution of the reactions.
    admittance
        What the double layer adds to the conductance in S/m²; infinite where it has had no time to change.
    layers
        Resistance of every layer of the interface in Ω m².
    """

    i: Array
    step: Array
    faradaic: NetworkState
    admittance: float
    layers: Floats

    @property
    def outflows(self) -> tuple[Array, ...]:
        """What leaves every store in A/m²."""
        return tuple(self.faradaic.outflow.T)

    @property
    def start(self) -> Floats:
        """Currents of the reactions, from which a nearby solution starts."""
        return np.real(self.faradaic.currents)


@dataclass(frozen=True)
class NetworkFaces:
    """The faces between two phases that carry a reaction network.

    Attributes
    ----------
    names
        The phase that carries electrons and the electrolyte.
    electron, ion
        Unknowns of φ̃_e and φ_i at every face, shape (k,).
    hosts
        Unknowns of the stores that take part, shape (k, stores).
    face
        Face of the graph.
    direction
        +1 where an anodic current flows from cell a of the face to cell b, else −1.
    area
        In m².
    ohmic_e, ohmic_i
        Half-cell resistances in Ω m².
    depletion
        Change of the site fractions between cell centre and face per unit current in m²/A, shape (k, stores).
    storage
        F·sites·ℓ of the half cells in A s/m², shape (k, stores).
    interface
        Film and contact resistance, double layer.
    laws
        The reactions.
    """

    names: tuple[str, str]
    electron: Indices
    ion: Indices
    hosts: Indices
    face: NDArray[np.int64]
    direction: NDArray[np.int8]
    area: Floats
    ohmic_e: Floats
    ohmic_i: Floats
    depletion: Floats
    storage: Floats
    interface: Interface
    laws: NetworkBalance

    @cached_property
    def columns(self) -> tuple[Indices, ...]:
        """Unknowns of every store, each of shape (k,)."""
        return tuple(np.ascontiguousarray(column) for column in self.hosts.T)

    @cached_property
    def layers(self) -> Floats:
        """Resistance of every layer at the start in Ω m²."""
        return np.array([layer.resistance for layer in self.interface.layers], dtype=float)

    @cached_property
    def _series(self) -> Floats:
        return self.ohmic_e + self.ohmic_i + self.interface.contact_resistance + self.interface.film_resistance

    def resistance(self, layers: Floats) -> Floats:
        """Return what all of the current passes in series with the interface in Ω m², shape (faces,).

        Parameters
        ----------
        layers
            Resistance of every layer in Ω m².
        """
        return self._series + float(layers.sum())

    def solve(
        self, delta_phi: Array, x: Array, past: Past | None, guess: Floats | None, layers: Floats
    ) -> tuple[NetworkSolution, Array | float]:
        """Solve the balance of the faces.

        Parameters
        ----------
        delta_phi
            φ_e − φ_i between cell centres in V.
        x
            All stores of the cathode.
        past
            What the step knows of the potential steps; without it no current charges the double layer.
        guess
            Currents of the reactions in an earlier solution in A/m².
        layers
            Resistance of every layer in Ω m².

        Returns
        -------
        The solution, and the rate of its potential step in V/s.
        """
        y = x[self.hosts]

        def react(potential: Array, resistance: Floats) -> NetworkState:
            return self._balance(y, potential, resistance, guess)

        found = shunted(self.interface.double_layer, self.resistance(layers), delta_phi, past, react)
        return NetworkSolution(found.i, found.step, found.state, found.admittance, layers), found.rate

    def _balance(self, y: Array, delta_phi: Array, resistance: Floats, guess: Floats | None) -> NetworkState:
        """Solve the balance: by the compiled loop from near the solution, elsewhere by the laws' own method."""
        laws, q = self.laws, self.depletion
        form = laws.closed_form
        if form is None or guess is None or np.iscomplexobj(y) or np.iscomplexobj(delta_phi):
            return laws.solve(y, delta_phi, resistance, q, guess)
        i, met = guess.copy(), np.empty(delta_phi.size, dtype=bool)
        y_s, s = np.empty_like(y), np.empty_like(delta_phi)
        rates = Rates(i, np.empty_like(i), np.empty((*i.shape, y.shape[1])), np.empty_like(i))
        network_balance(
            i, met, y_s, s, rates.di_ds, rates.di_dy, rates.U, y, delta_phi, resistance, q, *form,
            SMALLEST_FRACTION, STEEPEST, LARGEST_STEP, LARGEST_SHARE, _MOST_STEPS,
        )  # fmt: skip
        if not met.all():
            far = np.flatnonzero(~met)
            solved = laws.solve(y[far], delta_phi[far], resistance[far], q[far], None)
            i[far], y_s[far], s[far] = solved.currents, solved.y_s, solved.step
            rates.di_ds[far], rates.di_dy[far], rates.U[far] = solved.rates.di_ds, solved.rates.di_dy, solved.rates.U
        return NetworkState(i.sum(axis=1), i, s, y_s, laws.outflow(i, y_s), rates)

    def block(self, solution: NetworkSolution, admittance: complex | None = None, omega: float = 0.0) -> NetworkBlock:
        """Linearise the faces.

        Parameters
        ----------
        solution
            Their solution.
        admittance
            Of the double layer in S/m²; that of the solution if None.
        omega
            Angular frequency in rad/s at which the half cells answer.
        """
        answer = self.laws.answer(solution.faradaic, self.depletion_at(omega))
        Y = solution.admittance if admittance is None else admittance
        R, area = self.resistance(solution.layers), self.area
        if np.isinf(Y):
            nothing = np.zeros_like(answer.response)
            return NetworkBlock.of(self, area / R, nothing, nothing, area[:, None, None] * answer.coupling)
        total = answer.conductance + Y
        part = 1.0 / (1.0 + R * total)  # of a change of Δφ that arrives at the interface
        lost = (R * part)[:, None] * answer.response
        return NetworkBlock.of(
            self,
            area * total * part,
            (area * part)[:, None] * answer.response,
            (area * part)[:, None] * answer.slope,
            area[:, None, None] * (answer.coupling - answer.slope[:, :, None] * lost[:, None, :]),
        )

    def depletion_at(self, omega: float) -> Array:
        """Return q in m²/A at an angular frequency in rad/s."""
        if omega == 0.0:
            return self.depletion
        return depletion_factor(omega, self.storage * self.depletion) * self.depletion

    def drift(self, solution: NetworkSolution, ds: Array, dx: Array, omega: float) -> Array:
        """Return how the equilibrium potentials at the surface answer, weighted with the reactions' conductances.

        Parameters
        ----------
        solution
            The solution about which the faces are linearised.
        ds
            Change of the potential step in V, shape (faces,).
        dx
            Change of all stores of the cathode.
        omega
            Angular frequency in rad/s.
        """
        dy, state = dx[self.hosts], solution.faradaic
        currents = self.laws.currents_answer(state, self.depletion_at(omega), ds, dy)
        surface = dy + self.depletion_at(omega) * (currents @ self.laws.made.T)
        _, dU = self.laws.potentials(state.y_s)
        weight = state.rates.di_ds / state.rates.di_ds.sum(axis=1, keepdims=True)
        return np.sum(weight * np.sum(dU * surface[:, None, :], axis=2), axis=1)

    def rest(self, x: Floats, current: float) -> float:
        """Return the potential step in V at which faces of mean composition pass a current density in A/m²."""
        return self.laws.rest(self.area @ x[self.hosts] / self.area.sum(), current)
