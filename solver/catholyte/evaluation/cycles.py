r"""The table a cycler prints: capacity, energy, efficiencies and mean voltages of every cycle.

With the charge :math:`q` per area and the voltage :math:`V` of the recorded points,

.. math:: Q = \sum |\Delta q|, \qquad E = \sum \tfrac12 (V_{k-1} + V_k)\,|\Delta q_k|, \qquad \bar V = E / Q

in either direction. The sum is a trapezoid in charge, so it is exact for a voltage that is linear in the charge
between two points. A step begins with a jump of the voltage; the charge passed up to its first point is taken at
the voltage of that point, never at the mean across the jump.

**Efficiencies** are those of a cathode: a discharge over the charge that precedes it,

.. math:: \eta_Q = Q_d / Q_c, \qquad \eta_E = E_d / E_c, \qquad \eta_V = \bar V_d / \bar V_c = \eta_E / \eta_Q .

If a cycle begins with its discharge, the charge before it is that of the cycle before. The pulses of an HPPC test are
no part of any cycle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError, nearest
from catholyte.evaluation.basis import Basis
from catholyte.evaluation.columns import Column, column
from catholyte.evaluation.halfcycles import TEST_PULSES
from catholyte.evaluation.segments import segments
from catholyte.results import Results

#: what a voltage is measured against -> the curve that holds it
REFERENCES = {"cell": "cell_voltage", "li": "voltage"}

#: a direction in which less than this share of a cycle's charge passes does not count as one
_MINOR = 1e-3


@dataclass(frozen=True)
class Passage:
    """The charge that passed in one direction during a cycle; per area of the cell.

    Attributes
    ----------
    charge
        In A s/m², positive.
    energy
        In J/m², positive where the voltage is.
    duration
        Time during which charge passed in this direction, in s.
    end_voltage
        Voltage at the last point at which it did, in V.
    """

    charge: float
    energy: float
    duration: float
    end_voltage: float

    @property
    def mean_voltage(self) -> float:
        """Energy over charge in V."""
        return self.energy / self.charge if self.charge else math.nan

    @property
    def power(self) -> float:
        """Mean power in W/m²."""
        return self.energy / self.duration if self.duration else math.nan


@dataclass(frozen=True)
class Cycle:
    """One cycle.

    Attributes
    ----------
    number
        From 1.
    protocol
        Its first and last cycle of the protocol, from 0.
    began, duration
        In s; rests included.
    discharge, charge
        What passed in either direction; None if nothing did.
    preceding
        The charge that precedes the discharge; None if there is none.
    retention
        Discharge over that of the reference cycle.
    """

    number: int
    protocol: tuple[int, int]
    began: float
    duration: float
    discharge: Passage | None
    charge: Passage | None
    preceding: Passage | None
    retention: float

    @property
    def coulombic_efficiency(self) -> float:
        """Discharge over the charge that precedes it."""
        if self.discharge is None or self.preceding is None:
            return math.nan
        return self.discharge.charge / self.preceding.charge

    @property
    def energy_efficiency(self) -> float:
        """Energy of the discharge over that of the charge that precedes it."""
        if self.discharge is None or self.preceding is None:
            return math.nan
        return self.discharge.energy / self.preceding.energy

    @property
    def voltage_efficiency(self) -> float:
        """Mean voltage of the discharge over that of the charge that precedes it."""
        if self.discharge is None or self.preceding is None:
            return math.nan
        return self.discharge.mean_voltage / self.preceding.mean_voltage


def cycles(results: Results, *, against: str = "cell", reference: int = 1) -> tuple[Cycle, ...]:
    """Return the cycles of a run.

    A cycle of the protocol (a nested list of steps) in which charge passes in both directions is one. Steps that
    stand outside of such lists are joined until the direction of the first comes back: "Charge …", "Discharge …",
    "Charge …", "Discharge …" are two cycles. Rests belong to the cycle before them.

    Parameters
    ----------
    results
        The run.
    against
        "cell" for the voltage against the counter electrode, "li" for that vs Li/Li⁺.
    reference
        Number of the cycle whose discharge is 100 % of the retention.

    Raises
    ------
    InputError
        If no charge has passed, or there is no such reference.
    """
    if against not in REFERENCES:
        raise InputError("--against", against, f"one of {', '.join(REFERENCES)}", nearest(against, REFERENCES))
    steps = _increments(results, REFERENCES[against])
    if not (steps.charge != 0.0).any():
        raise InputError("result", str(results.path), "a run in which charge has passed")
    ranges = _ranges(steps)
    passages = [(_passage(steps, part, 1.0), _passage(steps, part, -1.0)) for part in ranges]
    discharges = [discharge.charge for discharge, _ in passages if discharge is not None]
    if discharges and not (1 <= reference <= len(passages) and passages[reference - 1][0] is not None):
        raise InputError("--reference", reference, f"a cycle with a discharge, from 1 to {len(passages)}")
    whole = passages[reference - 1][0] if discharges else None
    found = []
    for k, (part, (discharge, charge)) in enumerate(zip(ranges, passages, strict=True)):
        preceding = charge
        if discharge is not None and (charge is None or _first(steps, part, 1.0) < _first(steps, part, -1.0)):
            preceding = passages[k - 1][1] if k else None
        began = float(steps.time[part][0])
        found.append(
            Cycle(
                number=k + 1,
                protocol=(int(steps.cycle[part][0]), int(steps.cycle[part][-1])),
                began=began,
                duration=float(steps.time[part][-1]) - began,
                discharge=discharge,
                charge=charge,
                preceding=preceding,
                retention=discharge.charge / whole.charge if discharge is not None and whole is not None else math.nan,
            )
        )
    return tuple(found)


def first_cycle_loss(table: Sequence[Cycle]) -> float | None:
    """Return how much of the first charge the discharge after it did not give back [A s/m²]; None if there is none."""
    for cycle in table:
        if cycle.discharge is not None and cycle.preceding is not None:
            return cycle.preceding.charge - cycle.discharge.charge
    return None


def cycle_columns(table: Sequence[Cycle], basis: Basis) -> list[Column]:
    """Return the cycles as columns, capacities and energies on a chosen basis."""
    hour, percent = 3600.0, 100.0
    both = {"discharge": [cycle.discharge for cycle in table], "charge": [cycle.charge for cycle in table]}

    def of_both(words: str, unit: str, value: Callable[[Passage], float], form: str = ".4g") -> list[Column]:
        return [
            column(words.format(name), unit, (None if each is None else value(each) for each in passages), form)
            for name, passages in both.items()
        ]

    return [
        column("cycle", "", (cycle.number for cycle in table)),
        *of_both("{} capacity", basis.capacity_unit, lambda each: basis.capacity(each.charge)),
        *of_both("{} energy", basis.energy_unit, lambda each: basis.energy(each.energy)),
        column("Coulombic efficiency", "%", (percent * cycle.coulombic_efficiency for cycle in table), ".2f"),
        column("energy efficiency", "%", (percent * cycle.energy_efficiency for cycle in table), ".2f"),
        column("voltage efficiency", "%", (percent * cycle.voltage_efficiency for cycle in table), ".2f"),
        column("retention", "%", (percent * cycle.retention for cycle in table), ".2f"),
        *of_both("mean {} voltage", "V", lambda each: each.mean_voltage, ".4f"),
        *of_both("end of {}", "V", lambda each: each.end_voltage, ".4f"),
        column("duration", "h", (cycle.duration / hour for cycle in table)),
    ]


@dataclass(frozen=True, eq=False)
class _Increments:
    """What passed up to every point from the one before it."""

    time: NDArray[np.float64]
    elapsed: NDArray[np.float64]
    cycle: NDArray[np.int64]
    charge: NDArray[np.float64]
    energy: NDArray[np.float64]
    voltage: NDArray[np.float64]


def _increments(results: Results, curve: str) -> _Increments:
    if not results.counts.points:
        raise InputError("result", str(results.path), "a run in which charge has passed")
    curves = results.curves
    voltage, time = curves[curve].to_numpy(), curves["time"].to_numpy()
    cycle = curves["cycle_index"].to_numpy().astype(int)
    charge, energy = results.increments(curve)
    for step in segments(results):
        if step.role in TEST_PULSES:
            charge[step.points] = energy[step.points] = 0.0
    return _Increments(time, np.diff(time, prepend=time[0]), cycle, charge, energy, voltage)


def _ranges(steps: _Increments) -> list[slice]:
    """Return the points of every cycle; see :func:`cycles` for what one is."""
    begins = np.flatnonzero(np.diff(steps.cycle, prepend=-1) != 0).tolist()
    ranges: list[slice] = []
    directions: list[float] = []  # of the cycle that is being put together
    complete = False
    for begin, end in zip(begins, [*begins[1:], steps.cycle.size], strict=True):
        part = slice(begin, end)
        new = _directions(steps, part)
        if not ranges:
            joins = False
        elif not directions:
            joins = True
        else:
            joins = not new or not (complete or len(new) == 2 or (len(directions) == 2 and new[0] == directions[0]))
        if joins:
            ranges[-1] = slice(ranges[-1].start, end)
            directions += [sign for sign in new if sign not in directions]
            complete |= len(new) == 2
        else:
            ranges.append(part)
            directions, complete = new, len(new) == 2
    return ranges


def _directions(steps: _Increments, part: slice) -> list[float]:
    """Return the directions in which charge passed, the earlier one first."""
    passed = steps.charge[part]
    whole = np.abs(passed).sum()
    found = [sign for sign in (1.0, -1.0) if np.maximum(sign * passed, 0.0).sum() > _MINOR * whole]
    return sorted(found, key=lambda sign: _first(steps, part, sign))


def _first(steps: _Increments, part: slice, sign: float) -> int:
    """Return the first point up to which more than a minor charge has passed in a direction."""
    passed = np.cumsum(np.maximum(sign * steps.charge[part], 0.0))
    return int(np.argmax(passed > _MINOR * np.abs(steps.charge[part]).sum()))


def _passage(steps: _Increments, part: slice, sign: float) -> Passage | None:
    """Return what passed in a direction; None if that is none of the cycle's."""
    if sign not in _directions(steps, part):
        return None
    flows = sign * steps.charge[part] > 0.0
    return Passage(
        charge=float(sign * steps.charge[part][flows].sum()),
        energy=float(sign * steps.energy[part][flows].sum()),
        duration=float(steps.elapsed[part][flows].sum()),
        end_voltage=float(steps.voltage[part][flows][-1]),
    )
