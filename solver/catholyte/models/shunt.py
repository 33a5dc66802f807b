"""Faces with a double layer beside their reactions: at rest, in an instant, in an implicit step.

The equations are those of ``physics/double_layer.py``; what reacts behind the interface is solved by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from catholyte.physics.double_layer import DoubleLayer
from catholyte.solve.bdf import Past

Array = NDArray[Any]
Floats = NDArray[np.float64]


class Reacted(Protocol):
    """Solution of what reacts at faces."""

    @property
    def i(self) -> Array:
        """Faradaic current density in A/m², shape (faces,)."""
        ...


S = TypeVar("S", bound=Reacted)


@dataclass(frozen=True)
class Shunted(Generic[S]):
    """Currents of faces, what charges the double layer included; arrays of shape (faces,).

    Attributes
    ----------
    i
        Current density in A/m².
    step
        Potential step s across the interface in V.
    rate
        ds/dt in V/s.
    admittance
        What the double layer adds to the conductance in S/m²; infinite where it has had no time to change.
    state
        Solution of the reactions.
    """

    i: Array
    step: Array
    rate: Array | float
    admittance: float
    state: S


def shunted(
    layer: DoubleLayer | None,
    resistance: Floats,
    delta_phi: Array,
    past: Past | None,
    solve: Callable[[Array, Floats], S],
) -> Shunted[S]:
    """Solve faces with a double layer, if there is one and its past is known.

    Parameters
    ----------
    layer
        The double layer.
    resistance
        What all of the current passes in series with the interface, in Ω m².
    delta_phi
        φ_e − φ_i between cell centres in V.
    past
        What the step knows of the potential steps; without it no current charges the double layer.
    solve
        Maps a potential difference in V and the resistance in series with it in Ω m² to the solution of the reactions.
    """
    if layer is None or past is None or past.resting:
        state = solve(delta_phi, resistance)
        return Shunted(state.i, delta_phi - resistance * state.i, 0.0, 0.0, state)
    if past.held:
        step = past.memory.astype(np.result_type(past.memory, delta_phi))
        state = solve(step, np.zeros_like(resistance))
        i = (delta_phi - step) / resistance
        return Shunted(i, step, (i - state.i) / layer.capacitance, np.inf, state)
    admittance = layer.capacitance * past.gamma
    series = 1.0 + resistance * admittance
    outer = (delta_phi - resistance * layer.capacitance * past.memory) / series
    state = solve(outer, resistance / series)
    step = outer - resistance / series * state.i
    rate = past.gamma * step + past.memory
    return Shunted(state.i + layer.capacitance * rate, step, rate, admittance, state)
