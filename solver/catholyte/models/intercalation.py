"""Faces where one reaction moves lithium between an active material and an electrolyte, solved by a bracketed root.

A double layer stands beside the reaction as far as its past is known (``physics/double_layer.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.models.parameters import Host, Interface
from catholyte.models.shunt import shunted
from catholyte.physics.constants import F, R
from catholyte.physics.double_layer import LinearFace
from catholyte.physics.half_cell import depletion_factor
from catholyte.physics.interface import FaceState, Reaction, face_current
from catholyte.physics.transport import MixedConduction
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
    layers
        Resistance of every layer of the interface in Ω m².
    inner
        What the current meets inside a mixed host in Ω m², shape (faces,).
    """

    i: Array
    step: Array
    faradaic: FaceState
    linear: LinearFace
    layers: Floats
    inner: Array

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
    ohmic_e, ohmic_i
        Half-cell resistances in Ω m² of electrons in the active material and ions in the electrolyte. In a mixed
        conductor it is the ions that reach the face, and ``ohmic_e`` is zero.
    near
        Length of the half cells of the host in m.
    host_law
        What the active phase stores, and how it conducts.
    interface
        Film, layers and contact resistance.
    reaction
        Laws of the reaction.
    tag
        Tag of the faces, if they have properties of their own.
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
    near: Floats
    host_law: Host
    interface: Interface
    reaction: Reaction
    tag: str | None = None

    @property
    def columns(self) -> tuple[Indices, ...]:
        """Unknowns of what reacts, each of shape (k,)."""
        return (self.host,)

    @cached_property
    def depletion(self) -> Floats:
        """Drop of site fraction per unit current in the half cells in m²/A."""
        return self.host_law.transport.depletion(self.near)

    @cached_property
    def storage(self) -> Floats:
        """F·c_max·ℓ of the half cells in A s/m²."""
        return F * self.host_law.c_max * self.near

    @cached_property
    def layers(self) -> Floats:
        """Resistance of every layer at the start in Ω m²."""
        return np.array([layer.resistance for layer in self.interface.layers], dtype=float)

    @property
    def mixed(self) -> MixedConduction | None:
        """How the host conducts if it is a mixed conductor."""
        transport = self.host_law.transport
        return transport if isinstance(transport, MixedConduction) else None

    @cached_property
    def _series(self) -> Floats:
        series = self.interface.contact_resistance + self.interface.film_resistance
        return self.ohmic_e + self.ohmic_i + series

    def resistance(self, layers: Floats) -> Floats:
        """Return what all of the current passes in series with the interface in Ω m², shape (faces,).

        Parameters
        ----------
        layers
            Resistance of every layer in Ω m².
        """
        return self._series + float(layers.sum())

    def half_cell(self, solution: FaceSolution, x: Array, omega: float) -> tuple[Array, Array]:
        """Return depletion in m²/A and inner resistance in Ω m² at an angular frequency in rad/s.

        In a mixed conductor of σ = σ_e + σ_i the current as a whole meets ℓ/σ; only what makes up the difference to
        ℓ/σ_i, the lithium that electrons have to follow, is a matter of the frequency.
        """
        state = solution.faradaic
        if self.mixed is None:
            factor = depletion_factor(omega, self.storage * self.depletion)
            return factor * self.depletion, solution.inner
        x, T = np.real(x[self.host]), self.reaction.T
        sigma_e, sigma_i = np.real(self.mixed.sigma_e(x, T)), np.real(self.mixed.sigma_i(x, T))
        ambipolar = sigma_e * sigma_i / (sigma_e + sigma_i)
        at_once = self.near / (sigma_e + sigma_i)
        # D = −(σ_a/F)·dU/dc, whatever moves more easily.
        factor = depletion_factor(omega, self.storage * self.near / (ambipolar * np.maximum(-state.dU, 1e-12)))
        return self.depletion, at_once + factor * (solution.inner - at_once)

    def solve(
        self, delta_phi: Array, x: Array, past: Past | None, guess: Floats | None, layers: Floats
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
        layers
            Resistance of every layer in Ω m².

        Returns
        -------
        The solution, and the rate of its potential step in V/s.
        """
        x, outer = x[self.host], self.resistance(layers)
        inner: Array = np.zeros_like(self.near)
        slope: Array = inner
        if self.mixed is not None:
            inner, slope = self.mixed.inner(self.near, x, self.reaction.T)

        def react(potential: Array, resistance: Floats) -> FaceState:
            state = face_current(self.reaction, potential, x, resistance + inner, self.depletion, guess=guess)
            return state if self.mixed is None else _behind(state, slope)

        found = shunted(self.interface.double_layer, outer, delta_phi, past, react)
        if np.isinf(found.admittance):
            linear = LinearFace.held(outer)
        else:
            linear = LinearFace.of(found.state, outer, np.real(inner), found.admittance)
        return FaceSolution(found.i, found.step, found.state, linear, layers, inner), found.rate

    def linear(self, solution: FaceSolution, x: Array, admittance: complex, omega: float) -> LinearFace:
        """Linearise the faces at an angular frequency in rad/s, with the admittance of the double layer in S/m²."""
        depletion, inner = self.half_cell(solution, x, omega)
        outer = self.resistance(solution.layers)
        return LinearFace.of(solution.faradaic, outer, inner, admittance, depletion - self.depletion)

    def rest(self, x: Floats, current: float) -> float:
        """Return the potential step in V at which faces of mean composition pass a current density in A/m²."""
        laws, x = self.reaction, x[self.host]
        mean_x = np.array([float(self.area @ x / self.area.sum())])
        z, _ = laws.rate.inverse(current / laws.i0(mean_x))
        return float(self.area @ laws.U(x, laws.T) / self.area.sum()) + R * laws.T / F * float(z[0])


def _behind(state: FaceState, slope: Floats) -> FaceState:
    """Return the solution behind an inner resistance that changes with x by ``slope`` in Ω m²."""
    more = np.real(state.i) * slope
    return replace(state, lift=state.lift - more, di_dx=state.di_dx - state.conductance * more)
