"""The parts of a run that make one curve: discharges and charges, in the order of the protocol."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catholyte.evaluation.segments import NO_CURRENT, SAME_CURRENT, segments
from catholyte.results import Results
from catholyte.units import from_si

#: current densities below this [mA/cm²] are told in µA/cm²
_SMALL = 0.01

#: roles of steps that are no charge or discharge of the cell
TEST_PULSES = ("hppc discharge", "hppc charge")


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
    constant voltage; pulses with rests between them). A change of direction begins another. Voltage sweeps and the
    pulses of an HPPC test are left out: they are no charge or discharge of the cell.
    """
    if not results.counts.points:
        return ()
    curves = results.curves
    charge, current = curves["charge"].to_numpy(), curves["current_density"].to_numpy()
    noise = NO_CURRENT * float(np.nanmax(np.abs(current)))

    found: list[HalfCycle] = []
    rested, role = True, ""
    for segment in segments(results):
        begin, end = segment.first, segment.stop
        amounts = np.abs(current[begin:end])
        amounts = amounts[amounts > noise]
        if not amounts.size or segment.kind == "sweep" or segment.role in TEST_PULSES:
            rested = True
            continue
        before = float(charge[begin - 1]) if begin else 0.0
        passed = float(charge[end - 1]) - before
        sign = int(np.sign(passed if passed else current[end - 1]))
        largest = float(amounts.max())
        steady = largest - float(amounts.min()) <= SAME_CURRENT * largest
        last = found[-1] if found else None
        titration = segment.role == role == "gitt pulse"  # each of its pulses may be a cycle of the protocol
        if last is None or last.sign != sign or (last.cycle != segment.cycle and not titration):
            number = 1 + sum(other.sign == sign for other in found)
            part = slice(begin, end)
            found.append(HalfCycle(sign, segment.cycle, number, (part,), before, largest, steady))
        else:
            *earlier, part = last.parts
            parts = (*last.parts, slice(begin, end)) if rested else (*earlier, slice(part.start, end))
            steady &= last.steady and abs(largest - last.current) <= SAME_CURRENT * largest
            found[-1] = replace(last, parts=parts, current=max(largest, last.current), steady=steady)
        rested, role = False, segment.role
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
    density_mA = from_si(half.current, "mA/cm**2", "current density")
    spoken = f"{density_mA:.3g} mA cm⁻²" if density_mA >= _SMALL else f"{1e3 * density_mA:.3g} µA cm⁻²"
    nominal = results.provenance.get("nominal_capacity_As_kg")
    if not nominal:
        return amount + spoken
    hour = 3600.0
    rate = half.current * hour / (float(nominal) * float(results.provenance["active_areal_mass_kg_m2"]))
    inverse = 1.0 / rate
    if round(inverse) > 1 and abs(inverse - round(inverse)) < 0.02 * inverse:
        text = f"C/{round(inverse)}"
    else:
        text = f"{rate:.2g}C"
    return f"{amount}{text} ({spoken})" if density else amount + text
