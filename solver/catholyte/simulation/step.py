"""One step of a protocol as the integrator sees it: a terminal equation, events to locate, times to land on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from catholyte.experiment import (
    AnyOf,
    Condition,
    CurrentControl,
    Limit,
    Moment,
    PowerControl,
    ResistanceControl,
    Scales,
    Scope,
    Step,
    SweepControl,
    VoltageControl,
    duration,
    margin,
    met_by,
    resolve,
)
from catholyte.models import control as terminal
from catholyte.solve.events import Event, Instant

#: a sweep without a period is recorded at least this often, in V
_SWEEP_MARK = 0.01


@dataclass(frozen=True)
class Basis:
    """What ties the protocol, whose amounts are per area of the cell, to the mesh.

    Attributes
    ----------
    scales
        Of the cell.
    area
        Cross-section of the mesh in m².
    reference
        What voltages of the protocol are measured against, in V vs Li/Li⁺.
    counter
        Potential of the counter electrode in V vs Li/Li⁺.
    """

    scales: Scales
    area: float
    reference: float
    counter: float

    def moment(self, now: Instant, temperature: float) -> Moment:
        """Return what a cycler reads at an instant of the integration."""
        charge = now.charge / self.area
        return Moment(
            now.t,
            now.voltage - self.reference,
            now.current / self.area,
            charge,
            temperature,
            charge / self.scales.areal_capacity_1C,
            abs(now.voltage_rate),
        )


@dataclass(frozen=True)
class Rule:
    """A rule that can end a step: its own, or (``scope`` from 0) that of a group around it."""

    condition: Condition
    began: Moment
    scope: int


class Driven:
    """A step that begins at a moment.

    Parameters
    ----------
    step
        What the protocol says.
    began
        The moment.
    scopes
        Groups around the step.
    basis
        Of the cell.
    temperature
        In K.
    """

    def __init__(self, step: Step, began: Moment, scopes: tuple[Scope, ...], basis: Basis, temperature: float) -> None:
        self.step, self.began, self.basis, self.temperature = step, began, basis, temperature
        self.rules = [Rule(scope.condition, scope.began, k) for k, scope in enumerate(scopes)]
        if step.stop is not None:
            self.rules.insert(0, Rule(step.stop, began, -1))
        self.control = self._terminal()

    def _terminal(self) -> terminal.Control:
        basis, control = self.basis, self.step.control
        match control:
            case CurrentControl(current):
                return terminal.CurrentControl(resolve(current, basis.scales) * basis.area)
            case VoltageControl(voltage):
                return terminal.VoltageControl(voltage + basis.reference)
            case PowerControl(power):
                return terminal.PowerControl(resolve(power, basis.scales) * basis.area, basis.counter)
            case ResistanceControl(resistance):
                return terminal.ResistanceControl(resolve(resistance, basis.scales) / basis.area, basis.counter)
            case SweepControl(_, end, rate):
                rate = rate if end >= self._sweep_start else -rate
                return terminal.SweepControl(self._sweep_start + basis.reference, rate, self.began.time)
        return terminal.CurrentControl(0.0)

    @property
    def _sweep_start(self) -> float:
        assert isinstance(self.step.control, SweepControl)
        start = self.step.control.start
        return self.began.voltage if start is None else start

    @property
    def expected_current(self) -> float:
        """The current to expect at the beginning in A, zero where only the solution tells."""
        if isinstance(self.control, terminal.CurrentControl):
            return self.control.current
        if isinstance(self.control, terminal.PowerControl | terminal.ResistanceControl):
            f, _, _ = self.control.equation(0.0, self.began.voltage + self.basis.reference)
            return -f
        return 0.0

    @property
    def imposed_current(self) -> float:
        """The current that is held in A, zero where it is not."""
        return self.control.current if isinstance(self.control, terminal.CurrentControl) else 0.0

    @property
    def end(self) -> float:
        """The time at which the step ends at the latest, in s."""
        ends = [rule.began.time + duration(rule.condition) for rule in self.rules]
        if isinstance(self.step.control, SweepControl):
            control = self.step.control
            ends.append(self.began.time + abs(control.end - self._sweep_start) / control.rate)
        return min(ends, default=np.inf)

    @property
    def events(self) -> list[Event]:
        """The rules as events, each named by its number."""
        return [Event(str(k), self._value(rule)) for k, rule in enumerate(self.rules)]

    def _value(self, rule: Rule) -> Callable[[Instant], float]:
        basis, temperature = self.basis, self.temperature
        return lambda now: margin(rule.condition, basis.moment(now, temperature), rule.began, basis.scales)

    def over_at_once(self, now: Instant) -> str | None:
        """Return the event that ends the step as it begins: a rule that is met, a sweep that has arrived; or None."""
        if self.end <= self.began.time:
            return "time"
        return next((event.name for event in self.events if event.value(now) <= 0.0), None)

    def ending(self, event: str, now: Instant) -> tuple[str, int]:
        """Return why the step ended, in words, and the group whose rule ended it, −1 if none did."""
        if event == "time":
            end = self.end * (1.0 + 1e-14)
            timed = [rule for rule in self.rules if rule.began.time + duration(rule.condition) <= end]
            if not timed:
                assert isinstance(self.step.control, SweepControl)
                return f"sweep arrived at {self.step.control.end:g} V", -1
            rule = timed[0]
        else:
            rule = self.rules[int(event)]
        moment = self.basis.moment(now, self.temperature)
        return met_by(rule.condition, moment, rule.began, self.basis.scales), rule.scope

    def cut_offs(self) -> Iterator[tuple[float, int]]:
        """Yield every voltage vs Li/Li⁺ in V that ends the step by itself, and the group whose rule it is, or −1."""
        for rule in self.rules:
            parts = rule.condition.conditions if isinstance(rule.condition, AnyOf) else (rule.condition,)
            for part in parts:
                if isinstance(part, Limit) and part.quantity == "voltage" and isinstance(part.amount, float):
                    yield part.amount + self.basis.reference, rule.scope

    def fraction(self, now: Moment) -> float:
        """Estimate the part of the step that is done, 0 to 0.99."""
        done = [abs(now.charge - self.began.charge) / self.basis.scales.areal_capacity_1C]
        if np.isfinite(self.end):
            done.append((now.time - self.began.time) / max(self.end - self.began.time, 1e-300))
        return float(min(max(done), 0.99))

    def landing(self, t: float) -> float:
        """Return the next time that the step asks to be recorded."""
        period = self.step.period
        if period is None and isinstance(self.step.control, SweepControl):
            period = _SWEEP_MARK / self.step.control.rate
        if period is None:
            return np.inf
        passed = np.floor((t - self.began.time) / period + 1e-9) + 1.0
        return float(self.began.time + passed * period)
