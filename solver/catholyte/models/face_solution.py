"""The currents of reacting faces: the reaction, with the double layer beside it as far as its past is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.models.faces import ReactingFaces
from catholyte.physics.double_layer import LinearFace
from catholyte.physics.interface import FaceState, face_current
from catholyte.solve.bdf import Past

Array = NDArray[Any]
Floats = NDArray[np.float64]


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


def solve_faces(
    group: ReactingFaces, delta_phi: Array, x: Array, past: Past | None, guess: Floats | None
) -> tuple[FaceSolution, Array | float]:
    """Solve the balance of a group of faces (``physics/double_layer.py``).

    Parameters
    ----------
    group
        The faces.
    delta_phi
        φ_e − φ_i between cell centres in V.
    x
        Site fraction in the host cells.
    past
        What the step knows of the potential steps; without it no current charges the double layer.
    guess
        Faradaic current density of an earlier solution in A/m².

    Returns
    -------
    The solution, and the rate of its potential step in V/s.
    """
    R, inner, layer = group.resistance, group.ohmic_host, group.interface.double_layer
    if past is None or past.resting or layer is None:
        state = face_current(group.reaction, delta_phi, x, R + inner, group.depletion, guess=guess)
        return FaceSolution(state.i, delta_phi - R * state.i, state, LinearFace.of(state, R, inner, 0.0)), 0.0
    if past.held:
        step = past.memory
        state = face_current(group.reaction, step.astype(x.dtype), x, inner, group.depletion, guess=guess)
        i = (delta_phi - step) / R
        return FaceSolution(i, step, state, LinearFace.held(R)), (i - state.i) / layer.capacitance
    admittance = layer.capacitance * past.gamma
    series = 1.0 + R * admittance
    outer = (delta_phi - R * layer.capacitance * past.memory) / series
    state = face_current(group.reaction, outer, x, R / series + inner, group.depletion, guess=guess)
    step = outer - R / series * state.i
    step_rate = past.gamma * step + past.memory
    i = state.i + layer.capacitance * step_rate
    return FaceSolution(i, step, state, LinearFace.of(state, R, inner, admittance)), step_rate
