"""Stop rules of an integration, and where to look for the moment at which one is met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Instant:
    """What a stop rule can ask for at one instant.

    Attributes
    ----------
    t
        Time in s.
    current
        In A, discharge positive.
    voltage, voltage_rate
        Terminal voltage in V and its rate in V/s; the rate is NaN at the beginning of a piece.
    charge
        Charge passed since the start of the run in C.
    """

    t: float
    current: float
    voltage: float
    voltage_rate: float
    charge: float


@dataclass(frozen=True)
class Event:
    """A stop rule.

    Attributes
    ----------
    name
        Told by the frame at which the rule is met.
    value
        Function of an instant that is positive until the event, in units of the tolerance with which it is located.
    """

    name: str
    value: Callable[[Instant], float]


def next_share(a: float, f_a: float, b: float, f_b: float, c: float, f_c: float) -> float:
    """Return where between a and b to look for the root next, by Chandrupatla's rule; c is the point before."""
    xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
    if not (phi * phi < xi and (1.0 - phi) ** 2 < 1.0 - xi):
        return 0.5
    return f_a / (f_b - f_a) * f_c / (f_b - f_c) + (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
