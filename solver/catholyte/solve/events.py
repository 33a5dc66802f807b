"""Stop rules of an integration, and where to look for the moment at which one is met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """A stop rule.

    Attributes
    ----------
    name
        The rule in words, reported as the reason why a step ended.
    value
        Function of time in s, current in A, voltage in V and charge in C that is positive until the event.
    kind
        ``"voltage"``, ``"current"``, ``"charge"``: the unit of ``value``.
    """

    name: str
    value: Callable[[float, float, float, float], float]
    kind: str


def next_share(a: float, f_a: float, b: float, f_b: float, c: float, f_c: float) -> float:
    """Return where between a and b to look for the root next, by Chandrupatla's rule; c is the point before."""
    xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
    if not (phi * phi < xi and (1.0 - phi) ** 2 < 1.0 - xi):
        return 0.5
    return f_a / (f_b - f_a) * f_c / (f_b - f_c) + (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
