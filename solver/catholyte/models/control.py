"""What the cycler holds: one equation between the current and the terminal voltage.

Every control is a row of the system, so no outer iteration is needed. Voltages are those of the cathode vs Li/Li⁺;
power and resistance are those of the cell, whose voltage is lower by the potential of its counter electrode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Equation(Protocol):
    """One equation f(I, V) = 0 at an instant.

    Attributes
    ----------
    in_volts
        Whether f is in V; otherwise it is in A.
    """

    @property
    def in_volts(self) -> bool: ...  # noqa: D102

    def equation(self, current: float, voltage: float) -> tuple[float, float, float]:
        """Return f, ∂f/∂I and ∂f/∂V, with I in A (discharge positive) and V in V vs Li/Li⁺."""
        ...


class Control(Protocol):
    """What is held over a protocol step."""

    def at(self, t: float) -> Equation:
        """Return the equation at time ``t`` in s."""
        ...


@dataclass(frozen=True)
class CurrentControl:
    """I = current.

    Attributes
    ----------
    current
        Current in A, discharge positive.
    """

    current: float
    in_volts = False

    def at(self, t: float) -> CurrentControl:
        """Return the equation, which does not change."""
        return self

    def equation(self, current: float, voltage: float) -> tuple[float, float, float]:
        """Return f, ∂f/∂I and ∂f/∂V."""
        return current - self.current, 1.0, 0.0


@dataclass(frozen=True)
class VoltageControl:
    """V = voltage.

    Attributes
    ----------
    voltage
        Terminal voltage in V vs Li/Li⁺.
    """

    voltage: float
    in_volts = True

    def at(self, t: float) -> VoltageControl:
        """Return the equation, which does not change."""
        return self

    def equation(self, current: float, voltage: float) -> tuple[float, float, float]:
        """Return f, ∂f/∂I and ∂f/∂V."""
        return voltage - self.voltage, 0.0, 1.0


@dataclass(frozen=True)
class SweepControl:
    """V = start + rate·(t − began), the ramp of a voltammogram.

    Attributes
    ----------
    start
        Terminal voltage at the beginning in V vs Li/Li⁺.
    rate
        In V/s, with its sign.
    began
        Time at which the ramp begins in s.
    """

    start: float
    rate: float
    began: float

    def at(self, t: float) -> VoltageControl:
        """Return the voltage that is held at time ``t``."""
        return VoltageControl(self.start + self.rate * (t - self.began))


@dataclass(frozen=True)
class PowerControl:
    """I·(V − reference) = power, written as I = power/(V − reference).

    Attributes
    ----------
    power
        In W, discharge positive.
    reference
        Potential of the counter electrode in V vs Li/Li⁺.
    """

    power: float
    reference: float
    in_volts = False

    def at(self, t: float) -> PowerControl:
        """Return the equation, which does not change."""
        return self

    def equation(self, current: float, voltage: float) -> tuple[float, float, float]:
        """Return f, ∂f/∂I and ∂f/∂V."""
        cell = voltage - self.reference
        return current - self.power / cell, 1.0, self.power / (cell * cell)


@dataclass(frozen=True)
class ResistanceControl:
    """V − reference = I·resistance, a resistor across the terminals.

    Attributes
    ----------
    resistance
        In Ω.
    reference
        Potential of the counter electrode in V vs Li/Li⁺.
    """

    resistance: float
    reference: float
    in_volts = False

    def at(self, t: float) -> ResistanceControl:
        """Return the equation, which does not change."""
        return self

    def equation(self, current: float, voltage: float) -> tuple[float, float, float]:
        """Return f, ∂f/∂I and ∂f/∂V."""
        return current - (voltage - self.reference) / self.resistance, 1.0, -1.0 / self.resistance
