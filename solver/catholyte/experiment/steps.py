"""What one task of a protocol is: a step with its control and its stop rule, or a measured spectrum.

Sign: a current or power that discharges the cell is positive. Voltages are against the reference of the case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from catholyte.experiment.amounts import Current, Power, Resistance
from catholyte.experiment.conditions import Condition

#: what an evaluation has to know a step for
Role = Literal[
    "",
    "gitt pulse",
    "gitt rest",
    "hppc discharge",
    "hppc rest",
    "hppc charge",
    "hppc level",
    "hppc relax",
    "interruption",
]


@dataclass(frozen=True)
class CurrentControl:
    """The step imposes ``current``."""

    current: Current


@dataclass(frozen=True)
class VoltageControl:
    """The step imposes ``voltage`` [V]."""

    voltage: float


@dataclass(frozen=True)
class RestControl:
    """The circuit is open."""


@dataclass(frozen=True)
class PowerControl:
    """The step draws ``power``, or supplies it where it is negative."""

    power: Power


@dataclass(frozen=True)
class ResistanceControl:
    """The terminals are joined by ``resistance``."""

    resistance: Resistance


@dataclass(frozen=True)
class SweepControl:
    """The voltage moves at a constant rate; the step ends where it arrives.

    Attributes
    ----------
    start
        Voltage at the beginning [V]; None for the voltage at which the step finds the cell.
    end
        Voltage at which the sweep ends [V].
    rate
        Magnitude of dV/dt [V/s].
    """

    start: float | None
    end: float
    rate: float


Control = CurrentControl | VoltageControl | RestControl | PowerControl | ResistanceControl | SweepControl


@dataclass(frozen=True)
class Step:
    """One step of a protocol.

    Attributes
    ----------
    text
        The sentence it was read from; two steps that mean the same are equal whatever their texts.
    control
        What is imposed.
    stop
        The rule that ends it; None only for a sweep that ends where it arrives.
    period
        Interval at which output is wanted [s], or None for every time step.
    temperature
        In K, or None for that of the cell.
    role
        What the step is in a sequence that has an evaluation of its own, or "".
    """

    text: str = field(compare=False)
    control: Control
    stop: Condition | None
    period: float | None = None
    temperature: float | None = None
    role: Role = ""


@dataclass(frozen=True)
class Spectrum:
    """An impedance spectrum, taken at the state that the steps before have reached; it takes no time.

    Attributes
    ----------
    text
        The sentence it was read from; not compared.
    frequencies
        In Hz, in the order of the measurement.
    under_load
        Whether the control of the step before stays on, so that its current flows; otherwise the circuit is open.
    temperature
        In K, or None for that of the cell.
    """

    text: str = field(compare=False)
    frequencies: tuple[float, ...]
    under_load: bool = False
    temperature: float | None = None
