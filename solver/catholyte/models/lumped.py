"""The terminal equation: what counter electrode, series resistance and lumped elements cost in time.

    V = V_electrode − η_counter(i) − R i − Σ v_k,      dv_k/dt = (i R_k − v_k)/τ_k,      dv_c/dt = E i

Elements that are not meshed are chains of resistors and capacitors (``physics/elements.py``), each branch one equation
that is solved by itself in every implicit step; E is the elastance of what blocks a direct current.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.models.parameters import Lumped
from catholyte.solve.bdf import Past

Floats = NDArray[np.float64]
Array = NDArray[Any]


@dataclass(frozen=True)
class Drop:
    """Voltages lost outside the mesh.

    Attributes
    ----------
    counter, series, elements
        In V.
    slope
        Derivative of their sum by the current in Ω.
    memory, memory_rate
        Voltages of the branches in V, and their rates in V/s, shape (size,).
    """

    counter: float
    series: float
    elements: float
    slope: float
    memory: Array
    memory_rate: Array

    @property
    def total(self) -> float:
        """The sum in V."""
        return self.counter + self.series + self.elements


@dataclass(frozen=True)
class LumpedChain:
    """The lumped parts of a cell, with the branches of all elements side by side.

    Attributes
    ----------
    lumped
        Counter electrode and resistance in series.
    area
        Cross-section of the mesh in m², which turns A into A/m².
    instant
        Resistance of the elements at an instant in Ω m².
    resistance, rate
        R_k in Ω m² and 1/τ_k in 1/s of every branch; zero for a capacitor in series.
    elastance
        R_k/τ_k of every branch, E of a capacitor in series, in m²/F.
    """

    lumped: Lumped
    area: float
    instant: float
    resistance: Floats
    rate: Floats
    elastance: Floats

    @classmethod
    def of(cls, lumped: Lumped, area: float) -> LumpedChain:
        """Gather the branches of all elements."""
        chains = [element.chain() for element in lumped.elements]
        resistance = np.concatenate([np.zeros(0), *(chain.branch_resistance for chain in chains)])
        tau = np.concatenate([np.zeros(0), *(chain.branch_time for chain in chains)])
        blocking = np.array([chain.elastance for chain in chains if chain.elastance > 0.0])
        return cls(
            lumped,
            area,
            float(sum(chain.resistance for chain in chains)),
            np.concatenate([resistance, np.zeros_like(blocking)]),
            np.concatenate([1.0 / tau, np.zeros_like(blocking)]),
            np.concatenate([resistance / tau, blocking]),
        )

    @property
    def size(self) -> int:
        """Number of branches."""
        return self.resistance.size

    def drop(self, current: float, T: float, past: Past | None) -> Drop:
        """Return the losses at a current in A and a temperature in K.

        At rest and without a past the branches carry their steady voltages; without one a capacitor in series is empty.
        """
        i = current / self.area
        counter, series, slope = self.lumped.drop(i, T)
        answer = self.resistance
        if past is None:
            v = i * self.resistance
            speed = np.zeros_like(v)
        elif past.resting:
            v = np.where(self.rate > 0.0, i * self.resistance, past.memory)
            speed = np.zeros_like(v)
        elif past.held:
            v, answer = past.memory, np.zeros_like(answer)
            speed = self.elastance * i - self.rate * v
        else:
            answer = self.elastance / (past.gamma + self.rate)
            v = answer * i - past.memory / (past.gamma + self.rate)
            speed = past.gamma * v + past.memory
        slope = (slope + self.instant + float(answer.sum())) / self.area
        return Drop(counter, series, i * self.instant + v.sum(), slope, v, speed)
