"""Backward differentiation on variable steps, from the polynomial through the past states.

Order k replaces du/dt at t_{n+1} by the derivative of the polynomial through t_{n+1}, t_n, …, t_{n+1−k}. The
predictor is the polynomial through t_n, …, t_{n−k}; with h the step, the local error is estimated, on the safe side, as
h/(t_{n+1} − t_{n−k}) times the difference of both (Brenan, Campbell & Petzold, *Numerical Solution of Initial-Value
Problems in DAEs*, ch. 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

MAX_ORDER = 5


def derivative_weights(times: Sequence[float]) -> Vector:
    """Return weights c with p'(times[0]) = Σ c_j u_j for the polynomial p through (times[j], u_j)."""
    t = np.asarray(times)
    n = t.size
    weights = np.empty(n)
    for j in range(1, n):
        others = np.delete(t, [0, j])
        weights[j] = np.prod((t[0] - others) / (t[j] - others)) / (t[j] - t[0])
    weights[0] = np.sum(1.0 / (t[0] - t[1:]))
    return weights


def value_weights(times: Sequence[float], at: float) -> Vector:
    """Return weights l with p(at) = Σ l_j u_j for the polynomial p through (times[j], u_j)."""
    t = np.asarray(times)
    weights = np.empty(t.size)
    for j in range(t.size):
        others = np.delete(t, j)
        weights[j] = np.prod((at - others) / (t[j] - others))
    return weights


@dataclass(frozen=True)
class Past:
    """What an implicit step knows of the memory m of a model: its rate is dm/dt = γ m + β.

    The memory is what a model integrates in time beside its unknowns, each entry by itself: the potential steps of
    double layers, the voltages of lumped elements.

    Attributes
    ----------
    gamma
        γ in 1/s; infinite where the memory is held, zero where it is at rest.
    memory
        β in units of the memory per s; the held memory itself; at rest, the values of what cannot relax.
    """

    gamma: float
    memory: Vector

    @classmethod
    def hold(cls, memory: Vector) -> Past:
        """Hold the memory, as in an instant."""
        return cls(np.inf, memory)

    @classmethod
    def rest(cls, memory: Vector) -> Past:
        """Let everything relax that can; the rest (a capacitor in series) keeps its value."""
        return cls(0.0, memory)

    @property
    def resting(self) -> bool:
        """Whether the memory is at rest."""
        return self.gamma == 0.0

    @property
    def held(self) -> bool:
        """Whether the memory is held."""
        return bool(np.isinf(self.gamma))

    def of(self, part: slice) -> Past:
        """Return the past of a part of the memory."""
        return Past(self.gamma, self.memory[part])


_NONE = np.zeros(0)


@dataclass(frozen=True)
class Formula:
    """du/dt = γ u + Σ_{j≥1} c_j u_j: an implicit step with the contributions of the past.

    Attributes
    ----------
    gamma
        Leading coefficient γ in 1/s.
    state, memory, charge
        The sum for the states, the memories and the charges.
    """

    gamma: float
    state: Vector
    memory: Vector
    charge: float

    @property
    def past(self) -> Past:
        """What the step knows of the memory."""
        return Past(self.gamma, self.memory)


@dataclass(frozen=True)
class History:
    """The past of a smooth piece of a run, newest first.

    Attributes
    ----------
    times
        In s.
    states
        One state vector a time.
    charges
        Charge passed at every time in C, integrated by the same formula as the states.
    memories
        The model's memory at every time.
    slope, memory_slope
        du/dt and dm/dt at the oldest time, used to predict the first step; None once there are two times.
    """

    times: tuple[float, ...]
    states: tuple[Vector, ...]
    charges: tuple[float, ...]
    memories: tuple[Vector, ...]
    slope: Vector | None = None
    memory_slope: Vector | None = None

    @classmethod
    def start(
        cls,
        t: float,
        u: Vector,
        charge: float,
        slope: Vector,
        memory: Vector = _NONE,
        memory_slope: Vector = _NONE,
    ) -> History:
        """Begin anew at a state, after a jump of the control."""
        return cls((t,), (u,), (charge,), (memory,), slope, memory_slope)

    @property
    def depth(self) -> int:
        """Number of stored states."""
        return len(self.times)

    def push(self, t: float, u: Vector, charge: float, keep: int, memory: Vector = _NONE) -> History:
        """Return the history with one more state and at most ``keep`` in all."""
        return replace(
            self,
            times=(t, *self.times)[:keep],
            states=(u, *self.states)[:keep],
            memories=(memory, *self.memories)[:keep],
            charges=(charge, *self.charges)[:keep],
            slope=None,
            memory_slope=None,
        )

    def predict(self, t: float, order: int) -> Vector:
        """Extrapolate the state to ``t`` with a polynomial of the given order."""
        if self.depth == 1:
            assert self.slope is not None
            return self.states[0] + (t - self.times[0]) * self.slope
        used = min(order + 1, self.depth)
        weights = value_weights(self.times[:used], t)
        return combine(weights, self.states[:used])

    def predict_memory(self, t: float, order: int) -> Vector:
        """Extrapolate the memory to ``t`` with a polynomial of the given order."""
        if self.depth == 1:
            assert self.memory_slope is not None
            return self.memories[0] + (t - self.times[0]) * self.memory_slope
        used = min(order + 1, self.depth)
        return combine(value_weights(self.times[:used], t), self.memories[:used])

    def error_factor(self, t: float, order: int) -> float:
        """Return the local error over the difference between solution and prediction."""
        if self.depth == 1:
            return 0.5
        return (t - self.times[0]) / (t - self.times[min(order, self.depth - 1)])

    def formula(self, t: float, order: int) -> Formula:
        """Return the formula of a step to ``t``."""
        used = min(order, self.depth)
        weights = derivative_weights((t, *self.times[:used]))
        return Formula(
            float(weights[0]),
            combine(weights[1:], self.states[:used]),
            combine(weights[1:], self.memories[:used]),
            float(np.dot(weights[1:], self.charges[:used])),
        )


def combine(weights: Vector, states: Sequence[Vector]) -> Vector:
    """Return Σ w_j u_j."""
    total = weights[0] * states[0]
    for weight, state in zip(weights[1:], states[1:], strict=True):
        total += weight * state
    return total
