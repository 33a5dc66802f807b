r"""Galvanostatic intermittent titration: the apparent diffusivity of every pulse, from its own transients.

Weppner & Huggins (J. Electrochem. Soc. 124, 1569 (1977), doi:10.1149/1.2133112), eq. 32 with the number of moles times
the molar volume written as the volume of the active material:

.. math:: D = \frac{4}{\pi\tau} \left(\frac{V}{S}\right)^2 \left(\frac{\Delta E_s}{\Delta E_t}\right)^2,
          \qquad \Delta E_t = \sqrt\tau\, \frac{dE}{d\sqrt t}, \qquad \tau \ll \frac{(V/S)^2}{D}

:math:`\Delta E_s` is the change of the relaxed voltage from the rest before to the rest behind the pulse, and the slope
is that of a line through E(√t) after the ohmic drop and the charging of the interface. V/S is the volume of the active
material over the area through which it is filled: the thickness of a film, a third of the radius of a sphere.

What it takes for granted: one-dimensional diffusion into a depth that the pulse does not reach, the same current
density on all of S, a constant dE/dx over the pulse, a charge-transfer resistance that stays the same, and rests that
end in equilibrium. A surface that is curved outwards bends E(√t) away from the line; with ``curvature`` a term in t
takes that up, which helps with spheres as long as the pulse stays short.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from catholyte.errors import InputError
from catholyte.evaluation.columns import Column, column
from catholyte.evaluation.pulses import Pulse, Record, root_fit
from catholyte.results import Results
from catholyte.units import from_si, to_si

#: part of a pulse through which the line in √t goes, as shares of its duration
WINDOW = (0.04, 1.0)

#: longest pulse for its depth, τ D / (V/S)²: the slope of a film is then less than 1 % off
LONGEST = 0.25

#: largest change of the voltage still to come in a rest, as a share of ΔE_s
UNRELAXED = 0.02

#: least R² of the line in √t
LINEAR = 0.9999

#: largest change of dE/dx over the reach of a pulse at the surface, as a share: D is then some 10 % off
BEND = 0.05

_NO_REST = "no rest before"
_UNFINISHED = "no rest behind"
_TOO_FEW = "too few points"
_UNRELAXED = "rest not relaxed"
_CURVED = "not linear in √t"
_TOO_LONG = "pulse too long"
_FLAT = "flat or falling back"
_BENT = "dE/dx not constant"


@dataclass(frozen=True)
class GittPulse:
    """What one pulse gives.

    Attributes
    ----------
    number
        From 1.
    time, duration
        When it began, and τ, in s.
    current_density
        In A/m², discharge positive.
    charge
        Charge per area before it in A s/m².
    lithiation
        Mean site fraction before and after it; NaN where the result does not hold it.
    relaxed
        Voltage at the end of the rests before and after it in V vs Li/Li⁺.
    ohmic_drop
        Jump of the voltage when the current sets in, in V.
    steady, transient
        ΔE_s and ΔE_t in V.
    linearity
        R² of the line in √t.
    diffusivity
        In m²/s; NaN where the transients do not give one.
    depth
        τ D / (V/S)².
    drift
        dV/dt at the end of the rest in V/s.
    doubts
        Which conditions are not met, in words.
    """

    number: int
    time: float
    duration: float
    current_density: float
    charge: float
    lithiation: tuple[float, float]
    relaxed: tuple[float, float]
    ohmic_drop: float
    steady: float
    transient: float
    linearity: float
    diffusivity: float
    depth: float
    drift: float
    doubts: tuple[str, ...]

    @property
    def resistance(self) -> float:
        """Area resistance of the jump in Ω m²."""
        return -self.ohmic_drop / self.current_density


def apparent_diffusivity(duration: float, length: float, steady: float, transient: float) -> float:
    """Return D in m²/s of a pulse of ``duration`` in s into a material of V/S = ``length`` in m."""
    return 4.0 / (math.pi * duration) * (length * steady / transient) ** 2


def gitt(
    results: Results,
    length: float,
    *,
    window: Sequence[float] = WINDOW,
    curvature: bool = False,
    spelled_out: bool = False,
) -> tuple[GittPulse, ...]:
    """Evaluate the titration pulses of a run; empty if it has none.

    Parameters
    ----------
    results
        The run.
    length
        V/S in m; see :func:`diffusion_length`.
    window
        Part of each pulse through which the line in √t goes, as shares of its duration.
    curvature
        Fits a term in t beside that in √t.
    spelled_out
        Takes every step of constant current that a rest follows for a pulse.

    Raises
    ------
    InputError
        If the window is not a part of a pulse.
    """
    low, high = window
    if not 0.0 <= low < high <= 1.0:
        raise InputError("--window", f"{low:g}, {high:g}", "two rising shares of a pulse from 0 to 1, like 0.04, 1")
    record = Record(results)
    pulses = record.pulses("gitt pulse", "gitt rest", spelled_out=spelled_out)
    found = [_evaluate(record, k + 1, pulse, length, window, curvature) for k, pulse in enumerate(pulses)]
    return tuple(
        replace(pulse, doubts=(*pulse.doubts, _BENT)) if _bend(found, k) > BEND else pulse
        for k, pulse in enumerate(found)
    )


def diffusion_length(results: Results, *, area: str | None = None, length: str | None = None) -> tuple[float, str]:
    """Return V/S in m, and in words where it comes from.

    Parameters
    ----------
    results
        Gives volume of the active material and area of its interfaces where nothing else is said.
    area
        S as it is written on the command line: of the whole cell ("0.785 cm2"), or per mass of active material
        ("0.5 m2/g").
    length
        V/S itself, like "1.2 um".

    Raises
    ------
    InputError
        If both are given, one cannot be read, or the result does not know what is missing.
    """
    if area is not None and length is not None:
        raise InputError("--length", length, "no --length beside --area: both give V/S")
    if length is not None:
        return _positive(to_si(length, "length", key="--length"), length, "--length"), "as given"
    facts = results.provenance
    volume = facts.get("active_volume_m3_m2")
    if not volume:
        raise InputError("--length", None, "V/S, like '1.2 um': this result does not say the volume of active material")
    if area is not None:
        per_mass = "/" in area
        amount = to_si(area, "specific area" if per_mass else "area", key="--area")
        base = float(facts["active_areal_mass_kg_m2"] if per_mass else 1.0 / float(facts["cell_area_m2"]))
        return float(volume) / (_positive(amount, area, "--area") * base), "the given area"
    interface = facts.get("interface_area_m2_m2")
    if not interface:
        raise InputError("--area", None, "an area, like '0.5 m2/g': this result does not say that of its interfaces")
    return float(volume) / float(interface), "volume and interface area of the active material"


def gitt_columns(pulses: Sequence[GittPulse], specific: float) -> list[Column]:
    """Return the pulses as columns; ``specific`` is the mass of active material per area in kg/m²."""

    def capacity(charge: float) -> float:
        return from_si(charge / specific, "mAh/g", "specific capacity")

    ohm_cm2 = from_si(1.0, "ohm cm2", "area resistance")
    mean = [0.5 * (p.lithiation[0] + p.lithiation[1]) for p in pulses]
    return [
        column("pulse", "", (p.number for p in pulses)),
        column("capacity", "mAh/g", (capacity(p.charge) for p in pulses), ".2f"),
        column("x", "", mean, ".4f"),
        column("relaxed voltage before", "V", (p.relaxed[0] for p in pulses), ".4f"),
        column("relaxed voltage after", "V", (p.relaxed[1] for p in pulses), ".4f"),
        column("current density", "mA/cm2", (0.1 * p.current_density for p in pulses)),
        column("duration", "s", (p.duration for p in pulses)),
        column("R0", "ohm cm2", (ohm_cm2 * p.resistance for p in pulses)),
        column("dE_s", "mV", (1e3 * p.steady for p in pulses), ".3f"),
        column("dE_t", "mV", (1e3 * p.transient for p in pulses), ".3f"),
        column("R2", "", (p.linearity for p in pulses), ".5f"),
        column("D", "m2/s", (p.diffusivity for p in pulses), ".2e"),
        column("D tau/L2", "", (p.depth for p in pulses), ".2g"),
        column("drift at the end of the rest", "mV/h", (3.6e6 * p.drift for p in pulses), ".2g"),
        column("doubts", "", ("; ".join(p.doubts) for p in pulses)),
    ]


def _bend(pulses: Sequence[GittPulse], k: int) -> float:
    """Return by what share dE/dx changes over the reach of a pulse at the surface, seen from its neighbours.

    At the surface a pulse goes ΔE_t / ΔE_s times as far as in the mean; the evaluation takes dE/dx for constant on it.
    """
    pulse = pulses[k]
    slopes = [
        other.steady / (other.current_density * other.duration)
        for other in pulses[max(k - 1, 0) : k + 2]
        if other.current_density * pulse.current_density > 0.0 and math.isfinite(other.steady)
    ]
    if len(slopes) < 2 or not math.isfinite(pulse.diffusivity):
        return 0.0
    change = abs(slopes[-1] - slopes[0]) / (len(slopes) - 1)
    return (
        change * abs(pulse.current_density) * pulse.duration / abs(pulse.steady) * abs(pulse.transient / pulse.steady)
    )


def _positive(value: float, text: str, key: str) -> float:
    if value <= 0.0:
        raise InputError(key, text, "a value greater than zero")
    return value


def _evaluate(
    record: Record, number: int, pulse: Pulse, length: float, window: Sequence[float], curvature: bool
) -> GittPulse:
    step, rest = pulse.step, pulse.rest
    duration = record.duration(step)
    after = math.nan if rest is None else float(record.voltage[rest.last])
    drift = math.nan if rest is None else record.drift(rest)
    since = record.time[step.points] - record.time[step.first]
    fit = root_fit(since, record.voltage[step.points], window, curvature=curvature)
    steady, transient = after - pulse.before, fit.slope * math.sqrt(duration)
    diffusivity = math.nan
    doubts = []
    if math.isnan(pulse.before):
        doubts.append(_NO_REST)
    if rest is None:
        doubts.append(_UNFINISHED)
    elif abs(drift) * record.duration(rest) > UNRELAXED * abs(steady):
        doubts.append(_UNRELAXED)
    if math.isnan(fit.slope):
        doubts.append(_TOO_FEW)
    elif steady * transient <= 0.0:
        doubts.append(_FLAT)
    elif math.isfinite(steady):
        diffusivity = apparent_diffusivity(duration, length, steady, transient)
    if fit.linearity < LINEAR:
        doubts.append(_CURVED)
    depth = duration * diffusivity / length**2
    if depth > LONGEST:
        doubts.append(_TOO_LONG)
    current = float(record.current[step.last])
    before = record.at("lithiation", step.first)
    return GittPulse(
        number=number,
        time=float(record.time[step.first]),
        duration=duration,
        current_density=current,
        charge=float(record.charge[step.first]),
        lithiation=(before, record.at("lithiation", step.last)),
        relaxed=(pulse.before, after),
        ohmic_drop=float(record.voltage[step.first]) - pulse.before,
        steady=steady,
        transient=transient,
        linearity=fit.linearity,
        diffusivity=diffusivity,
        depth=depth,
        drift=drift,
        doubts=tuple(doubts),
    )
