r"""Current interruption: the ohmic drop at once, and the slow relaxation after it.

.. math:: R_\Omega = \frac{V(0^+) - V(0^-)}{i}, \qquad R_\text{slow} = \frac{V(t) - V(0^+)}{i}

with the current density i before the interruption, discharge positive. The first point of the rest lies right behind
the interruption, so the ohmic drop is that of the model without extrapolation: what the double layers of the case hold
back appears in the slow part, charge transfer with it; where no double layer is given, charge transfer drops at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catholyte.evaluation.columns import Column, column
from catholyte.evaluation.pulses import Record
from catholyte.results import Results
from catholyte.units import from_si


@dataclass(frozen=True)
class Interruption:
    """What one interruption gives.

    Attributes
    ----------
    number
        From 1.
    time, duration
        When the current stopped and for how long, in s.
    current_density
        Before it, in A/m², discharge positive.
    utilisation
        Charge passed before it, over the nominal capacity.
    lithiation
        Mean site fraction; NaN where the result does not hold it.
    before, at_once, after
        Voltage under current, at the first moment without and at the last, in V vs Li/Li⁺.
    drift
        dV/dt at the end in V/s.
    """

    number: int
    time: float
    duration: float
    current_density: float
    utilisation: float
    lithiation: float
    before: float
    at_once: float
    after: float
    drift: float

    @property
    def ohmic(self) -> float:
        """Area resistance of the drop in Ω m²."""
        return (self.at_once - self.before) / self.current_density

    @property
    def slow(self) -> float:
        """Area resistance of the relaxation in Ω m²."""
        return (self.after - self.at_once) / self.current_density


def interruptions(results: Results, *, spelled_out: bool = False) -> tuple[Interruption, ...]:
    """Evaluate the interruptions of a run; empty if it has none.

    Parameters
    ----------
    results
        The run.
    spelled_out
        Takes every rest that follows a current for an interruption.
    """
    record = Record(results)
    return tuple(
        Interruption(
            number=k + 1,
            time=float(record.time[before]),
            duration=float(record.time[rest.last] - record.time[before]),
            current_density=float(record.current[before]),
            utilisation=record.at("utilisation", before),
            lithiation=record.at("lithiation", before),
            before=float(record.voltage[before]),
            at_once=float(record.voltage[rest.first]),
            after=float(record.voltage[rest.last]),
            drift=record.drift(rest),
        )
        for k, (before, rest) in enumerate(record.interruptions(spelled_out=spelled_out))
    )


def interruption_columns(found: Sequence[Interruption]) -> list[Column]:
    """Return the interruptions as columns."""
    ohm_cm2 = from_si(1.0, "ohm cm2", "area resistance")
    return [
        column("number", "", (each.number for each in found)),
        column("time", "s", (each.time for each in found), ".6g"),
        column("utilisation", "%", (100.0 * each.utilisation for each in found), ".2f"),
        column("x", "", (each.lithiation for each in found), ".4f"),
        column("current density", "mA/cm2", (0.1 * each.current_density for each in found)),
        column("voltage before", "V", (each.before for each in found), ".4f"),
        column("ohmic drop", "mV", (1e3 * (each.at_once - each.before) for each in found), ".3f"),
        column("relaxation", "mV", (1e3 * (each.after - each.at_once) for each in found), ".3f"),
        column("ohmic resistance", "ohm cm2", (ohm_cm2 * each.ohmic for each in found)),
        column("slow resistance", "ohm cm2", (ohm_cm2 * each.slow for each in found)),
        column("duration", "s", (each.duration for each in found)),
        column("drift at the end", "mV/h", (3.6e6 * each.drift for each in found), ".2g"),
    ]
