"""Error-controlled implicit time integration with located events.

One protocol step is one smooth piece: it starts from potentials consistent with the lithium distribution, takes
BDF steps of varying size and order, and ends exactly where a stop rule is met. The local error is held on lithium
(root mean square, weighted by capacity), on the terminal voltage and the double layers, and on the current where it is
not imposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import NotConverged
from catholyte.solve.bdf import MAX_ORDER, History, Past
from catholyte.solve.events import Event, next_share
from catholyte.solve.frames import Frame, Progress, Settings
from catholyte.solve.linear import LinearSolver
from catholyte.solve.newton import Equation, NewtonResult, newton
from catholyte.solve.newton import Problem as Steady

Vector = NDArray[np.float64]

#: part of the change of voltage or current over a step that its local error may reach besides the tolerance
_FLANK_SHARE = 0.1
#: largest change of the terminal potential that a prediction may make, in V
_LARGEST_LEAP = 0.05


class Problem(Steady, Protocol):
    """A model with a memory beside its unknowns; see :class:`~catholyte.solve.bdf.Past`."""

    #: how many entries the memory has, and how many of them, at its head, are potential steps of double layers
    n_memory: int
    n_charged: int

    def current(self, u: Vector) -> float:
        """Return the current in A that the potentials of a state stand for."""
        ...


class Control(Protocol):
    """What is held at the terminals, as an equation at every instant."""

    def at(self, t: float) -> Equation:
        """Return the equation at time ``t`` in s."""
        ...


@dataclass
class _Cost:
    newton: int = 0
    linear: int = 0


@dataclass
class Integrator:
    """Integrates one problem under changing controls.

    Attributes
    ----------
    problem
        The model.
    solver
        The linear solver, kept over the whole run.
    scale
        Smallest current in A that imbalances are measured against.
    settings
        Accuracy.
    """

    problem: Problem
    solver: LinearSolver
    scale: float
    settings: Settings = field(default_factory=Settings)
    _cost: _Cost = field(default_factory=_Cost, init=False)

    # ------------------------------------------------------------------ start of a piece

    def consistent(self, u: Vector, control: Equation, *, current: float, past: Past | None = None) -> NewtonResult:
        """Find potentials consistent with the lithium distribution in ``u`` under a control.

        Parameters
        ----------
        u
            State whose x is kept.
        control
            The terminal equation.
        current
            Expected current in A, discharge positive; it sets the starting guess and the scale of the imbalance.
        past
            What double layers and lumped elements remember; without it they are at rest.

        Raises
        ------
        NotConverged
            If neither a guess from the current nor the potentials in ``u`` lead to a solution.
        """
        try:
            return self._potentials(self.problem.starting_guess(u, current), control, current, past)
        except NotConverged:
            return self._potentials(u, control, current, past)

    def _potentials(self, u: Vector, control: Equation, current: float, past: Past | None) -> NewtonResult:
        result = newton(
            self.problem,
            u,
            control,
            self.solver,
            scale=max(abs(current), self.scale),
            past=past,
            frozen=True,
            tolerance=self.settings.balance,
            most_iterations=40,
        )
        self._count(result)
        return result

    def begin(
        self, t: float, u: Vector, control: Control, charge: float, current: float, memory: Vector | None = None
    ) -> tuple[Frame, Progress]:
        """Start a piece at time ``t``: consistent potentials, the initial rates, the first step.

        Parameters are those of :meth:`consistent`, the charge passed so far in C, and the memory, to be left out where
        there is no double layer: lumped elements are empty then.
        """
        if memory is None:
            memory = np.zeros(self.problem.n_memory)
            if self.problem.n_charged:
                raise ValueError("double layers need the memory of an earlier state")
        start = self.consistent(u, control.at(t), current=current, past=Past.hold(memory))
        at = start.evaluation
        n, m = self.problem.n_phi, self.problem.n_charged
        slope = np.zeros(self.problem.size)
        slope[n:-1] = at.rate[n:] / self.problem.mass[n:-1]
        settings = self.settings
        volts = max(_rms(at.memory_rate[:m]), float(np.max(np.abs(at.memory_rate[m:-1]), initial=0.0)))
        speed = max(self._norm(slope[n:-1]) / settings.x_tolerance, volts / settings.voltage_tolerance)
        step = 0.1 / speed if speed > 0.0 else 1.0
        if settings.first_step is not None:
            step = settings.first_step
        if settings.fixed_step is not None:
            step = settings.fixed_step
        history = History.start(t, at.u, charge, slope, at.memory, np.nan_to_num(at.memory_rate))
        frame = Frame(t, at, charge, 0.0, 0, *self._spent())
        return frame, Progress(history, 1, min(step, settings.largest_step), 0)

    # ------------------------------------------------------------------ a piece

    def integrate(
        self,
        progress: Progress,
        control: Control,
        events: Sequence[Event],
        *,
        end: float = np.inf,
        landing: Callable[[float, float], float] | None = None,
        last: Any = None,
    ) -> Iterator[tuple[Frame, Progress]]:
        """Take steps until an event or the end time.

        Parameters
        ----------
        progress
            From :meth:`begin`, or from an earlier frame.
        control
            The terminal equation.
        events
            Stop rules; the first one met ends the piece.
        end
            Time in s at which the piece ends at the latest.
        landing
            Maps time and charge to a time that must not be stepped over (output wanted there).
        last
            Evaluation at the current state, if known.

        Raises
        ------
        NotConverged
            If steps fail down to the smallest length.
        """
        at = last
        while True:
            t = progress.history.times[0]
            limit = end if landing is None else min(end, landing(t, progress.history.charges[0]))
            frame, progress, start = self._advance(progress, control, limit, at)
            met = self._met(events, frame)
            if met:
                frame = self._first_of(met, start, control, frame, at)
                yield frame, replace(start, history=self._pushed(start.history, frame))
                return
            at = frame.evaluation
            if frame.t >= end * (1.0 - 1e-14):
                yield replace(frame, event="time"), progress
                return
            yield frame, progress

    def _advance(self, progress: Progress, control: Control, limit: float, at: Any) -> tuple[Frame, Progress, Progress]:
        """Take one accepted step; return its frame, where it leads, and where it started (for locating events)."""
        settings = self.settings
        history, order, step = progress.history, progress.order, progress.step
        t = history.times[0]
        smallest = max(1e-9, 1e-13 * abs(t))
        failures = 0
        causes: list[float] = []
        while True:
            left = limit - t
            h = step
            if settings.fixed_step is None and h < left < 2.0 * h:
                # Land with one slightly longer step, or with two equal ones; a rejected step is never stretched.
                h = left if left <= 1.2 * h and step == progress.step else 0.5 * left
            h = min(h, left)
            order = self._feasible(history, order, t + h)
            try:
                result, charge = self._step(history, order, t + h, control, at)
            except NotConverged as error:
                failures += 1
                causes.extend(error.history[-1:])
                step, order = 0.25 * h, 1
                if step < smallest:
                    raise NotConverged(
                        "time step", f"at t = {t:.6g} s down to a step of {step:.1e} s", causes
                    ) from error
                continue
            _, _, by_voltage = control.at(t + h).equation(result.evaluation.current, result.evaluation.voltage)
            candidates = self._candidates(history, order)
            errors = {k: self._error(history, k, t + h, result.evaluation, at, by_voltage == 0.0) for k in candidates}
            miss = errors[order]
            if miss <= 1.0 or settings.fixed_step is not None or h <= smallest:
                break
            step = h * max(0.2, 0.9 * miss ** (-1.0 / (order + 1)))
        new_order, factor = self._choose(errors, order, progress.steps_at_order, by_voltage != 0.0)
        if settings.fixed_step is not None:
            new_order, factor = min(settings.order, history.depth + 1), 1.0
            step = settings.fixed_step
        else:
            # A step shortened only to land on a time does not hold the next one back.
            base = max(h, step) if miss * (step / h) ** (order + 1) <= 1.0 else h
            step = max(min(base * factor, settings.largest_step), smallest)
        start = replace(progress, order=order)
        steps_at_order = progress.steps_at_order + 1 if new_order == order else 0
        frame = Frame(t + h, result.evaluation, charge, h, order, *self._spent())
        return frame, Progress(self._pushed(history, frame), new_order, step, steps_at_order), start

    def _pushed(self, history: History, frame: Frame) -> History:
        at = frame.evaluation
        return history.push(frame.t, at.u, frame.charge, self.settings.order + 2, at.memory)

    def _step(
        self, history: History, order: int, t: float, control: Control, at: Any, near: Any = None
    ) -> tuple[NewtonResult, float]:
        """Solve for the state at ``t``, starting from the prediction or from a solution ``near`` it."""
        formula = history.formula(t, order)
        current = abs(at.current) if at is not None else self.scale
        result = newton(
            self.problem,
            self._prediction(history, t, order) if near is None else near.u,
            control.at(t),
            self.solver,
            scale=max(current, self.scale),
            past=formula.past,
            beta=formula.state[self.problem.n_phi : -1],
            tolerance=self.settings.balance,
            guess=at if near is None else near,
        )
        self._count(result)
        return result, (result.evaluation.current - formula.charge) / formula.gamma

    def _prediction(self, history: History, t: float, order: int) -> Vector:
        n = self.problem.n_phi
        guess = history.predict(t, order)
        before = history.states[0][n:-1]
        guess[n:-1] = np.clip(guess[n:-1], 0.5 * before, 0.5 * (self.problem.bounds.full + before))
        # An extrapolated knee would start Newton where every surface is exhausted and nothing answers the voltage.
        leap = abs(float(guess[-1] - history.states[0][-1]))
        if leap > _LARGEST_LEAP:
            latest = history.states[0]
            share = _LARGEST_LEAP / leap
            guess[:n] = latest[:n] + share * (guess[:n] - latest[:n])
            guess[-1] = latest[-1] + share * (guess[-1] - latest[-1])
        return guess

    def _feasible(self, history: History, order: int, t: float) -> int:
        """Return the highest order whose formula leaves a cell that stops reacting between empty and full.

        A formula of order two or more continues the trend of the past; a cell that has just filled up would be
        carried beyond full, and the step would have no solution.
        """
        n, bounds = self.problem.n_phi, self.problem.bounds
        while order > 1:
            formula = history.formula(t, order)
            rest = formula.state[n:-1] / -formula.gamma
            if bounds.allow(rest):
                break
            order -= 1
        return order

    # ------------------------------------------------------------------ error and order

    def _norm(self, dx: Vector) -> float:
        weight = self.problem.mass[self.problem.n_phi : -1]
        return float(np.sqrt(np.dot(weight, dx * dx) / weight.sum()))

    def _candidates(self, history: History, order: int) -> list[int]:
        highest = min(self.settings.order, MAX_ORDER, history.depth - 1)
        return [order, *(k for k in (order - 1, order + 1) if 1 <= k <= highest)]

    def _error(self, history: History, order: int, t: float, at: Any, before: Any, imposed: bool) -> float:
        """Return the local error over its tolerance; ``imposed`` says that the current is given."""
        n, m, settings = self.problem.n_phi, self.problem.n_charged, self.settings
        predicted = history.predict(t, order)
        factor = history.error_factor(t, order)
        errors = [factor * self._norm(at.u[n:-1] - predicted[n:-1]) / settings.x_tolerance]

        def against(miss: float, tolerance: float, change: float) -> None:
            # On a steep flank a miss of the value is a tiny miss in time; lithium still has its own tolerance.
            errors.append(factor * miss / (tolerance + _FLANK_SHARE * change))

        if at.memory.size > 1:
            miss = np.abs(at.memory - history.predict_memory(t, order))
            worst = max(_rms(miss[:m]), float(np.max(miss[m:-1], initial=0.0)))
            errors.append(factor * worst / settings.voltage_tolerance)
        if history.depth > 1:
            change = abs(float(at.u[-1] - history.states[0][-1]))
            against(abs(float(at.u[-1] - predicted[-1])), settings.voltage_tolerance, change)
        if history.depth > 1 and not imposed and before is not None:
            now = float(at.current)
            tolerance = settings.current_tolerance * max(abs(now), self.scale)
            against(abs(now - self.problem.current(predicted)), tolerance, abs(now - float(before.current)))
        return max(errors)

    @staticmethod
    def _choose(errors: dict[int, float], order: int, steps_at_order: int, by_voltage: bool) -> tuple[int, float]:
        def growth(k: int) -> float:
            return 0.9 * max(errors[k], 1e-10) ** (-1.0 / (k + 1))

        best = order
        if steps_at_order >= order:
            for k in errors:
                if growth(k) > 1.1 * growth(best):
                    best = k
            # At a held voltage the errors of the low orders can stay alike, and the steps short: the next gets a try.
            if by_voltage and best <= order < 3 and errors.get(order + 1, np.inf) <= 1.0:
                best = order + 1
        return best, min(2.0 if best <= 2 else 1.6, max(0.3, growth(best)))

    # ------------------------------------------------------------------ events

    @staticmethod
    def _met(events: Sequence[Event], frame: Frame) -> list[Event]:
        return [event for event in events if event.value(frame.instant) <= 0.0]

    def _first_of(self, met: list[Event], start: Progress, control: Control, frame: Frame, at: Any) -> Frame:
        """Locate the events of a step one after the other, each before the last, until none lies earlier."""
        while met:
            event = met[0]
            frame = self._locate(event, start, control, frame, at)
            met = [other for other in met[1:] if other.value(frame.instant) < -1.0]
        return frame

    def _locate(self, event: Event, start: Progress, control: Control, frame: Frame, at: Any) -> Frame:
        """Repeat the step with the length at which the event happens.

        Inverse quadratic interpolation where three points lie on a smooth curve, else bisection (Chandrupatla 1997,
        doi:10.1016/S0965-9978(96)00051-8); every trial starts from the solution nearest to it.
        """
        history, order = start.history, start.order
        t0 = history.times[0]
        if at is None:
            result, _ = self._step(history, order, t0 + 1e-6 * (frame.t - t0), control, None)
            at = result.evaluation
        solved = [(t0, at), (frame.t, frame.evaluation)]
        after = frame  # the earliest trial that the event precedes
        a, f_a = frame.t, event.value(frame.instant)
        b, f_b = t0, event.value(Frame(t0, at, history.charges[0], 0.0, 0, 0, 0).instant)
        share = f_a / (f_a - f_b) if f_a < f_b < np.inf else 0.5
        for _ in range(60):
            if abs(event.value(after.instant)) <= 1.0 or abs(a - b) <= 1e-12 * max(a, b, 1.0):
                break
            t = a + min(max(share, 1e-3), 1.0 - 1e-3) * (b - a)
            near = min(solved, key=lambda pair: abs(pair[0] - t))[1]
            try:
                result, charge = self._step(history, order, t, control, at, near)
            except NotConverged:
                result, charge = self._step(history, order, t, control, at)
            solved.append((t, result.evaluation))
            trial = Frame(t, result.evaluation, charge, t - t0, order, *self._spent())
            value = event.value(trial.instant)
            if value <= 1.0:
                after = trial
            if (value > 0.0) == (f_a > 0.0):
                c, f_c = a, f_a
            else:
                c, f_c, b, f_b = b, f_b, a, f_a
            a, f_a = t, value
            share = next_share(a, f_a, b, f_b, c, f_c)
        return replace(after, event=event.name)

    # ------------------------------------------------------------------ bookkeeping

    def _count(self, result: NewtonResult) -> None:
        self._cost.newton += result.iterations
        self._cost.linear += result.linear_iterations

    def _spent(self) -> tuple[int, int]:
        """Return the iterations since the last call."""
        spent = (self._cost.newton, self._cost.linear)
        self._cost = _Cost()
        return spent


def _rms(values: Vector) -> float:
    """Return the root mean square, zero of nothing."""
    return float(np.sqrt(np.mean(values * values))) if values.size else 0.0
