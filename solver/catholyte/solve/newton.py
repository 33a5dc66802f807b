"""Newton's method for one implicit step, judged by the imbalance of the physical residual.

The equation of a step is M (γ u + β) = F(u) together with the control; β holds the past. Convergence is reached when
the currents that are out of balance, summed over all cells, are a tiny part of the current of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import NotConverged
from catholyte.fv.assembly import CoupledSystem
from catholyte.solve.bdf import Past
from catholyte.solve.linear import LinearSolver

Vector = NDArray[np.float64]


class Evaluated(Protocol):
    """What Newton reads of an evaluation of the right-hand side."""

    @property
    def u(self) -> Any:
        """The state, shape (size,)."""
        ...

    @property
    def rate(self) -> Any:
        """F(u) without the terminal row, shape (size − 1,)."""
        ...

    @property
    def current(self) -> float:
        """Current in A, discharge positive."""
        ...

    @property
    def voltage(self) -> float:
        """Terminal voltage in V."""
        ...

    @property
    def rounding(self) -> float:
        """Imbalance in A that rounding leaves at best."""
        ...


class Equation(Protocol):
    """The terminal equation f(I, V) = 0, in V or in A."""

    @property
    def in_volts(self) -> bool:
        """Whether f is in V."""
        ...

    def equation(self, current: float, voltage: float) -> tuple[float, float, float]:
        """Return f, ∂f/∂I, ∂f/∂V."""
        ...


@dataclass(frozen=True)
class Bounds:
    """How far a Newton iteration and the past of a step may take the stores, arrays of shape (n_x,).

    Attributes
    ----------
    floor, ceiling
        What a store never leaves.
    full
        Where it is full; infinite for species, which have no upper bound of their own.
    share
        Part of the distance to empty, or to full, that an iteration may use up.
    owed
        How far below zero the past of an implicit step may leave a store, for its reaction to bring back.
    """

    floor: Vector
    ceiling: Vector
    full: Vector
    share: Vector
    owed: Vector

    @classmethod
    def of(cls, species: NDArray[np.bool_]) -> Bounds:
        """Bound species, which stay positive but may fall by orders at once, and hosts, which keep off both ends."""
        return cls(
            np.where(species, _TRACE, SMALLEST_X),
            np.where(species, np.inf, 1.0 - SMALLEST_X),
            np.where(species, np.inf, 1.0),
            np.where(species, _SPECIES_SHARE, _BOUND_SHARE),
            np.where(species, _OVERDRAWN, 0.0),
        )

    def moved(self, x: Vector, dx: Vector) -> Vector:
        """Return x after a step dx, as far as the bounds let it."""
        step = np.clip(dx, -self.share * x, self.share * (self.full - x))
        kept: Vector = np.clip(x + step, self.floor, self.ceiling)
        return kept

    def allow(self, rest: Vector) -> bool:
        """Whether stores of which the past leaves ``rest`` can stop reacting."""
        return bool(np.all((rest > -self.owed) & (rest < self.full)))


class Problem(Protocol):
    """M du/dt = F(u) with unknowns [φ, x, V] and a terminal equation."""

    n_phi: int
    size: int
    bounds: Bounds

    @property
    def mass(self) -> Vector:
        """Diagonal of M."""
        ...

    def evaluate(self, u: Any, guess: Any = None, past: Past | None = None) -> Any:
        """Evaluate F at u."""
        ...

    def system(self, at: Any, gamma: float, control: Any, *, frozen: bool = False) -> CoupledSystem:
        """Linearise γM − F at an evaluation."""
        ...

    def starting_guess(self, u: Vector, current: float) -> Vector:
        """Return u with potentials guessed from its lithium and a current in A."""
        ...


@dataclass(frozen=True)
class NewtonResult:
    """A converged step.

    Attributes
    ----------
    evaluation
        The right-hand side at the solution; ``evaluation.u`` is the solution.
    iterations
        Newton iterations.
    linear_iterations
        Krylov iterations over all of them.
    history
        Relative imbalance before every iteration and at the end.
    """

    evaluation: Any
    iterations: int
    linear_iterations: int
    history: tuple[float, ...]


#: largest change of a potential in one iteration, in V
_LARGEST_STEP = 0.5
#: an iteration may use up this part of the distance of a site fraction to 0 or 1, of a host and of a species
_BOUND_SHARE, _SPECIES_SHARE = 0.9, 1.0 - 1e-4
_HALVINGS = 8
#: a species is gone here
_TRACE = 1e-200
#: what the past of a step may leave of a species below zero, for its reaction to bring back
_OVERDRAWN = 1e-7
#: a host cell counts as empty or full here: what is left of it could not be told from rounding
SMALLEST_X = 1e-12


def _forcing(imbalance: float, tolerance: float) -> float:
    """Return the relative residual to ask of the linear solver: loose far away, just enough near the end."""
    return min(0.1, max(0.2 * tolerance / imbalance, 1e-4 if imbalance > 1e-3 else 1e-6))


@dataclass(frozen=True)
class _State:
    """A Newton iterate.

    Attributes
    ----------
    at, rhs
        Its evaluation and the negative residual.
    imbalance
        Sum of the currents out of balance over the scale of the step; the line search compares it.
    judged
        The same over the current that flows, where that is larger; convergence is judged by it.
    """

    at: Any
    rhs: Vector
    imbalance: float
    judged: float


@dataclass(frozen=True)
class _StepEquation:
    """The residual of one implicit step with its control."""

    problem: Problem
    control: Equation
    scale: float
    past: Past | None
    beta: Vector | None
    frozen: bool

    @property
    def gamma(self) -> float:
        return 0.0 if self.past is None or self.past.held else self.past.gamma

    def evaluate(self, u: Vector, guess: Any) -> _State:
        n = self.problem.n_phi
        at = self.problem.evaluate(u, guess, self.past)
        rhs = np.append(at.rate, 0.0)
        if self.frozen:
            rhs[n:] = 0.0
        else:
            past = 0.0 if self.beta is None else self.beta
            rhs[n:-1] -= self.problem.mass[n:-1] * (self.gamma * u[n:-1] + past)
        f, _, _ = self.control.equation(at.current, at.voltage)
        rhs[-1] = -f
        terminal = abs(f) / (max(abs(at.voltage), 1.0) if self.control.in_volts else self.scale)
        imbalance = float(np.abs(rhs[:-1]).sum()) / self.scale + terminal
        # After a step of the voltage the current that flows is known only here.
        return _State(at, rhs, imbalance, imbalance * self.scale / max(self.scale, abs(at.current)))

    def backtrack(self, state: _State, step: Vector) -> _State:
        """Halve the step until the imbalance falls by half of what a linear problem would promise.

        The current of a face saturates in its potential, so a full step from the flat part would fly off. Where no
        share of the step does that well, the best one is taken.
        """
        n = self.problem.n_phi
        largest = max(float(np.max(np.abs(step[:n]))), abs(float(step[-1])))
        share = min(1.0, _LARGEST_STEP / largest) if largest > 0.0 else 1.0
        best = state
        for _ in range(_HALVINGS):
            trial = self.evaluate(self._moved(state.at.u, share * step), state.at)
            if trial.imbalance <= (1.0 - 0.5 * share) * state.imbalance:
                return trial
            if best is not state and trial.imbalance >= best.imbalance:
                break
            if trial.imbalance < best.imbalance or not np.isfinite(best.imbalance):
                best = trial
            share *= 0.5
        return best if best is not state else trial

    def _moved(self, u: Vector, step: Vector) -> Vector:
        n = self.problem.n_phi
        moved = u + step
        moved[n:-1] = self.problem.bounds.moved(u[n:-1], step[n:-1])
        return moved


def newton(
    problem: Problem,
    u: Vector,
    control: Equation,
    solver: LinearSolver,
    *,
    scale: float,
    past: Past | None = None,
    beta: Vector | None = None,
    frozen: bool = False,
    tolerance: float = 1e-9,
    guess: Any = None,
    most_iterations: int = 15,
) -> NewtonResult:
    """Solve M (γ u + β) = F(u) with the control.

    Parameters
    ----------
    problem, control, solver
        What is solved, under which terminal equation, and by what.
    u
        Starting guess, shape (size,).
    scale
        Current in A that imbalances are measured against.
    past
        Leading coefficient of the step and the past of the memory; None for a steady state.
    beta
        Contribution of the past to the lithium, shape (n_x,), in 1/s.
    frozen
        Whether x is held and only potentials are sought.
    tolerance
        Wanted sum of the imbalances over ``scale``.
    guess
        Evaluation at a nearby state.
    most_iterations
        Where to give up.

    Raises
    ------
    NotConverged
        With the history of the imbalance.
    """
    step_equation = _StepEquation(problem, control, scale, past, beta, frozen)
    gamma = step_equation.gamma
    u = u.copy()
    state = step_equation.evaluate(u, guess)
    f, _, d_V = control.equation(state.at.current, state.at.voltage)
    if control.in_volts and f != 0.0:
        # Meet a jump of the voltage at once: volts and amperes cannot be weighed against each other in a line search.
        u[-1] -= f / d_V
        state = step_equation.evaluate(u, state.at)
    history = [state.judged]
    # What rounding of the stored lithium leaves out of balance in a short step.
    rounding = np.finfo(float).eps * gamma * float(problem.mass.sum()) / scale
    tolerance = max(tolerance, 0.5 * rounding)
    asked = tolerance
    linear_iterations = 0
    for iteration in range(most_iterations):
        tolerance = max(asked, state.at.rounding / scale)
        stuck = not frozen and iteration >= 4 and state.judged > 0.5 * history[-4]
        if not np.isfinite(state.judged) or (stuck and state.judged > 100.0 * tolerance):
            break
        # Rounding, not the linear solver, is what is left once a step near the target gains nothing.
        stalled = iteration >= 2 and state.judged <= 100.0 * tolerance and state.judged > 0.3 * history[-2]
        if state.judged <= tolerance or stalled:
            return NewtonResult(state.at, iteration, linear_iterations, tuple(history))
        system = problem.system(state.at, gamma, control, frozen=frozen)
        solution = solver.solve(system, state.rhs, _forcing(state.judged, tolerance))
        linear_iterations += solution.iterations
        state = step_equation.backtrack(state, solution.x)
        history.append(state.judged)
    if state.judged <= max(asked, state.at.rounding / scale):
        return NewtonResult(state.at, most_iterations, linear_iterations, tuple(history))
    raise NotConverged("Newton", f"in {len(history) - 1} iterations", history)
