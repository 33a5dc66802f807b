"""Faces where one reaction moves lithium between an active material and an electrolyte, solved by a bracketed root.

A double layer stands beside the reaction as far as its past is known (``physics/double_layer.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.models.parameters import Interface
from catholyte.models.shunt import shunted
from catholyte.physics.constants import F, R
from catholyte.physics.double_layer import LinearFace
from catholyte.physics.half_cell import depletion_factor
from catholyte.physics.interface import FaceState, Reaction, face_current
from catholyte.solve.bdf import Past

Array = NDArray[Any]
Floats = NDArray[np.float64]
Indices = NDArray[np.int32]


@dataclass(frozen=True)
class FaceSolution:
    """Currents of a group of reacting faces, arrays of shape (faces,).

    Attributes
    ----------
    i
        Current density in A/m², positive = oxidation, what charges the double layer included.
    step
        Potential step s across the interface in V.
    faradaic
        Solution of the reaction, whose ``i`` changes the lithium.
    linear
        How the currents answer a change.
    """

    i: Array
    step: Array
    faradaic: FaceState
    linear: LinearFace

    @property
    def outflows(self) -> tuple[Array, ...]:
        """The lithium that leaves the host in A/m²."""
        return (self.faradaic.i,)

    @property
    def start(self) -> Floats:
        """Faradaic current densities, from which a nearby solution starts."""
        return self.faradaic.i


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

    @property
    def columns(self) -> tuple[Indices, ...]:
        """Unknowns of what reacts, each of shape (k,)."""
        return (self.host,)

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

    def solve(
        self, delta_phi: Array, x: Array, past: Past | None, guess: Floats | None
    ) -> tuple[FaceSolution, Array | float]:
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
            Faradaic current density of an earlier solution in A/m².

        Returns
        -------
        The solution, and the rate of its potential step in V/s.
        """
        x, inner = x[self.host], self.ohmic_host

        def react(potential: Array, resistance: Floats) -> FaceState:
            return face_current(self.reaction, potential, x, resistance + inner, self.depletion, guess=guess)

        found = shunted(self.interface.double_layer, self.resistance, delta_phi, past, react)
        if np.isinf(found.admittance):
            linear = LinearFace.held(self.resistance)
        else:
            linear = LinearFace.of(found.state, self.resistance, inner, found.admittance)
        return FaceSolution(found.i, found.step, found.state, linear), found.rate

    def linear(self, solution: FaceSolution, admittance: complex, omega: float) -> LinearFace:
        """Linearise the faces at an angular frequency in rad/s, with the admittance of the double layer in S/m²."""
        depletion, inner = self.half_cell(solution.faradaic, omega)
        return LinearFace.of(solution.faradaic, self.resistance, inner, admittance, depletion - self.depletion)

    def rest(self, x: Floats, current: float) -> float:
        """Return the potential step in V at which faces of mean composition pass a current density in A/m²."""
        laws, x = self.reaction, x[self.host]
        mean_x = np.array([float(self.area @ x / self.area.sum())])
        z, _ = laws.rate.inverse(current / laws.i0(mean_x))
        return float(self.area @ laws.U(x, laws.T) / self.area.sum()) + R * laws.T / F * float(z[0])
