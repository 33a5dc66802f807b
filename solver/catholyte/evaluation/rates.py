"""Rate capability and Ragone plot: capacity, energy and mean power of discharges (or charges) at several currents.

Every half-cycle of every result is one point. Its current is the median over its charge, so that of a charge at
constant current and then constant voltage is the constant one. Mean power is energy over the time in which charge
passed. Half-cycles with rests inside (titrations, pulses) have no rate and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catholyte.errors import InputError, nearest
from catholyte.evaluation.basis import Basis
from catholyte.evaluation.columns import Column, column
from catholyte.evaluation.cycles import REFERENCES
from catholyte.evaluation.halfcycles import HalfCycle, half_cycles
from catholyte.results import Results

DIRECTIONS = {"discharge": 1, "charge": -1}

_HOUR = 3600.0


@dataclass(frozen=True)
class RatePoint:
    """One half-cycle; per area of the cell, magnitudes.

    Attributes
    ----------
    result
        Name of the result.
    number
        Which discharge (or charge) of that result, from 1.
    current_density
        In A/m².
    c_rate
        Current over that of 1C; NaN where the result does not say its nominal capacity.
    charge
        In A s/m².
    energy
        In J/m².
    duration
        In s.
    """

    result: str
    number: int
    current_density: float
    c_rate: float
    charge: float
    energy: float
    duration: float

    @property
    def power(self) -> float:
        """Mean power in W/m²."""
        return self.energy / self.duration

    @property
    def mean_voltage(self) -> float:
        """Energy over charge in V."""
        return self.energy / self.charge


def rate_points(results: Results, *, direction: str = "discharge", against: str = "cell") -> tuple[RatePoint, ...]:
    """Return the half-cycles of one direction of a run as points of a rate test, in their order.

    Raises
    ------
    InputError
        If the direction or the reference of the voltage is not known.
    """
    if direction not in DIRECTIONS:
        raise InputError("--direction", direction, "discharge or charge", nearest(direction, DIRECTIONS))
    if against not in REFERENCES:
        raise InputError("--against", against, f"one of {', '.join(REFERENCES)}", nearest(against, REFERENCES))
    sign = DIRECTIONS[direction]
    points = [
        _point(results, half, REFERENCES[against])
        for half in half_cycles(results)
        if half.sign == sign and len(half.parts) == 1
    ]
    return tuple(point for point in points if point.charge > 0.0)


def rate_columns(points: Sequence[RatePoint], basis: Sequence[Basis]) -> list[Column]:
    """Return the points as columns, each on the basis of its result; the most is the capacity of the slowest."""
    capacity = [b.capacity(p.charge) for p, b in zip(points, basis, strict=True)]
    slowest = capacity[int(np.argmin([p.current_density for p in points]))]
    unit = basis[0]
    return [
        column("result", "", (p.result for p in points)),
        column("number", "", (p.number for p in points)),
        column("C-rate", "1/h", (p.c_rate for p in points)),
        column("current density", "mA/cm2", (0.1 * p.current_density for p in points)),
        column("capacity", unit.capacity_unit, capacity),
        column("of the slowest", "%", (100.0 * q / slowest for q in capacity), ".2f"),
        column("mean voltage", "V", (p.mean_voltage for p in points), ".4f"),
        column("energy", unit.energy_unit, (b.energy(p.energy) for p, b in zip(points, basis, strict=True))),
        column("mean power", unit.power_unit, (b.power(p.power) for p, b in zip(points, basis, strict=True))),
        column("duration", "h", (p.duration / _HOUR for p in points)),
    ]


def _point(results: Results, half: HalfCycle, curve: str) -> RatePoint:
    (part,) = half.parts
    curves = results.curves
    time, voltage, charge, current = (
        curves[name].to_numpy()[part] for name in ("time", curve, "charge", "current_density")
    )
    passed = half.sign * np.diff(charge)
    # Between steps the voltage jumps, but no charge passes there.
    energy = float(np.sum(0.5 * (voltage[1:] + voltage[:-1]) * passed))
    facts = results.provenance
    flow = _weighted_median(half.sign * current[1:], passed)
    one_c = float(facts.get("nominal_capacity_As_kg") or math.nan) * float(facts["active_areal_mass_kg_m2"]) / _HOUR
    return RatePoint(
        result=results.path.name.removesuffix(".results"),
        number=half.number,
        current_density=flow,
        c_rate=flow / one_c,
        charge=float(passed.sum()),
        energy=energy,
        duration=float(time[-1] - time[0]),
    )


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the value at which half of the weight is reached."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, 0.5 * reached[-1])]) if reached[-1] > 0.0 else math.nan
