"""The parts of a run that are drawn as one curve: discharges and charges, in the order of the protocol."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catholyte.results import Results
from catholyte.units import from_si

#: a step in which no more than this share of the largest current flows is a rest
_REST = 1e-9

#: currents are told apart when they differ by more than this
_SAME_CURRENT = 0.01


@dataclass(frozen=True, eq=False)
class HalfCycle:
    """One discharge or charge, with the rests inside it left out.

    Attributes
    ----------
    sign
        1 for a discharge, -1 for a charge.
    cycle
        Index of the cycle in the protocol.
    number
        How many half-cycles of the same direction came before, plus 1.
    parts
        Ranges of points that are drawn without a gap: there is a rest between any two of them.
    start
        Charge that had passed before the half-cycle [A s/m²].
    current
        Largest current density, positive [A/m²].
    steady
        Whether the current was the same throughout.
    """

    sign: int
    cycle: int
    number: int
    parts: tuple[slice, ...]
    start: float
    current: float
    steady: bool

    @property
    def direction(self) -> str:
        """Discharge or Charge."""
        return "Discharge" if self.sign > 0 else "Charge"

    def __contains__(self, point: int) -> bool:
        return any(part.start <= point < part.stop for part in self.parts)


def half_cycles(results: Results) -> tuple[HalfCycle, ...]:
    """Return the discharges and charges of a run.

    Steps of the same direction that follow one another in a cycle are one half-cycle (constant current, then
    constant voltage; pulses with rests between them). A change of direction begins another.
    """
    if not results.counts.points:
        return ()
    curves = results.curves
    charge, current = curves["charge"].to_numpy(), curves["current_density"].to_numpy()
    cycle = curves["cycle_index"].to_numpy().astype(int)
    step = curves["step_index"].to_numpy().astype(int)
    begins = np.flatnonzero((np.diff(cycle, prepend=-1) != 0) | (np.diff(step, prepend=-1) != 0))
    ends = [*begins[1:].tolist(), charge.size]
    noise = _REST * float(np.nanmax(np.abs(current)))

    found: list[HalfCycle] = []
    rested = True
    for begin, end in zip(begins.tolist(), ends, strict=True):
        amounts = np.abs(current[begin:end])
        amounts = amounts[amounts > noise]
        if not amounts.size:
            rested = True
            continue
        before = float(charge[begin - 1]) if begin else 0.0
        passed = float(charge[end - 1]) - before
        sign = int(np.sign(passed if passed else current[end - 1]))
        largest = float(amounts.max())
        steady = largest - float(amounts.min()) <= _SAME_CURRENT * largest
        last = found[-1] if found else None
        if last is None or last.sign != sign or last.cycle != int(cycle[begin]):
            number = 1 + sum(other.sign == sign for other in found)
            part = slice(begin, end)
            found.append(HalfCycle(sign, int(cycle[begin]), number, (part,), before, largest, steady))
        else:
            *earlier, part = last.parts
            parts = (*last.parts, slice(begin, end)) if rested else (*earlier, slice(part.start, end))
            steady &= last.steady and abs(largest - last.current) <= _SAME_CURRENT * largest
            found[-1] = replace(last, parts=parts, current=max(largest, last.current), steady=steady)
        rested = False
    return tuple(found)


def capacity(results: Results, half: HalfCycle, part: slice) -> NDArray[np.float64]:
    """Return the capacity passed since the half-cycle began, for the points of ``part`` [mAh/g of active]."""
    passed = half.sign * (results.curves["charge"].to_numpy()[part] - half.start)
    return passed * per_gram(results)


def per_gram(results: Results) -> float:
    """Return the factor from a charge per area [A s/m²] to a specific capacity [mAh/g of active material]."""
    return from_si(1.0, "mAh/g", "specific capacity") / float(results.provenance["active_areal_mass_kg_m2"])


def current_text(results: Results, half: HalfCycle, *, density: bool = False) -> str:
    """Return the current as it is spoken of: "C/10", or a density where the nominal capacity is unknown."""
    amount = "" if half.steady else "≤ "
    spoken = f"{from_si(half.current, 'mA/cm**2', 'current density'):.3g} mA cm⁻²"
    nominal = results.provenance.get("nominal_capacity_As_kg")
    if not nominal:
        return amount + spoken
    hour = 3600.0
    rate = half.current * hour / (float(nominal) * float(results.provenance["active_areal_mass_kg_m2"]))
    inverse = 1.0 / rate
    if rate < 1.0 and abs(inverse - round(inverse)) < 0.02 * inverse:
        text = f"C/{round(inverse)}"
    else:
        text = f"{rate:.2g}C"
    return f"{amount}{text} ({spoken})" if density else amount + text
