"""What the cycler holds: one equation between the current and the terminal voltage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Control(Protocol):
    """One equation f(I, V) = 0 in amperes and volts; it is a row of the system, so no outer iteration is needed."""

    def equation(self, current: float, voltage: float) -> tuple[float, float, float]:
        """Return f, ∂f/∂I and ∂f/∂V, with I in A (discharge positive) and V in V vs Li/Li⁺."""
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

    def equation(self, current: float, voltage: float) -> tuple[float, float, float]:
        """Return f, ∂f/∂I and ∂f/∂V."""
        return voltage - self.voltage, 0.0, 1.0
