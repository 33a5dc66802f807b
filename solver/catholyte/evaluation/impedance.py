"""What is read off computed spectra: ends of the arcs, who makes which arc, and tables of it all.

All areas are those of the cell's cross-section: Ω cm² and F/cm² refer to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catholyte.evaluation.circuit import CircuitFit
from catholyte.evaluation.columns import Column, column
from catholyte.evaluation.drt import RelaxationTimes
from catholyte.evaluation.kramers_kronig import KramersKronig
from catholyte.evaluation.spectrum import Reals
from catholyte.results import Spectrum

#: Ω m² in 1 Ω cm²
OHM_CM2 = 1e-4
_MA_CM2, _MAH_CM2 = 10.0, 3.6e4
_NO_CURRENT = 1e-9  # mA/cm²

#: kinds of parts, from what answers first to what answers last as a rule
KINDS = (
    "series",
    "elements",
    "electron",
    "contact",
    "separator",
    "ion",
    "counter",
    "film",
    "reaction",
    "diffusion",
    "",
)
#: −Im Z falls with f at the last decade at least so steeply where the cell blocks: −1 for a capacitance
_BLOCKS = -0.8
#: a part whose impedance stays below this part of the whole is left out
_NOTHING = 1e-6


@dataclass(frozen=True)
class Ends:
    """Where a spectrum begins and ends.

    Attributes
    ----------
    high, high_frequency
        Real part in Ω m² where the spectrum crosses the real axis at high frequency, or at the highest frequency if it
        does not, and that frequency in Hz.
    low
        Real part at the lowest frequency in Ω m².
    capacitance
        −1/(ω Im Z) at the lowest frequency in F/m²; NaN where the cell does not block.
    """

    high: float
    high_frequency: float
    low: float
    capacitance: float


def ends(spectrum: Spectrum) -> Ends:
    """Return the ends of a spectrum."""
    order = np.argsort(spectrum.frequency)
    f, Z = spectrum.frequency[order], spectrum.impedance[order]
    high, high_frequency = float(Z[-1].real), float(f[-1])
    inductive = np.flatnonzero(Z.imag <= 0.0)
    if Z[-1].imag > 0.0 and inductive.size:
        k = int(inductive[-1])
        share = Z[k].imag / (Z[k].imag - Z[k + 1].imag)
        high = float(Z[k].real + share * (Z[k + 1].real - Z[k].real))
        high_frequency = float(f[k] * (f[k + 1] / f[k]) ** share)
    capacitance = math.nan
    decade = f <= 10.0 * f[0]
    if decade.sum() > 1 and (Z[decade].imag < 0.0).all():
        rise = np.polyfit(np.log(f[decade]), np.log(-Z[decade].imag), 1)[0]
        if rise <= _BLOCKS:
            capacitance = float(-1.0 / (2.0 * np.pi * f[0] * Z[0].imag))
    return Ends(high, high_frequency, float(Z[0].real), capacitance)


@dataclass(frozen=True)
class Arc:
    """What one part of the cell adds to a spectrum.

    Attributes
    ----------
    name
        Of the part.
    high, low
        Real part at the highest and the lowest frequency in Ω m².
    height, apex
        Largest −Im Z in Ω m² between the ends of the spectrum, and its frequency in Hz; NaN if the part has no such
        maximum.
    """

    name: str
    high: float
    low: float
    height: float
    apex: float


def arcs(spectrum: Spectrum) -> tuple[Arc, ...]:
    """Return what every part adds, the largest first."""
    order = np.argsort(spectrum.frequency)
    f = spectrum.frequency[order]
    least = _NOTHING * float(np.abs(spectrum.impedance).max())
    found = []
    for name, part in spectrum.parts.items():
        Z = part[order]
        if np.abs(Z).max() <= least:
            continue
        inner = [k for k in range(1, f.size - 1) if Z[k - 1].imag > Z[k].imag <= Z[k + 1].imag and Z[k].imag < -least]
        top = min(inner, key=lambda k: Z[k].imag) if inner else None
        height, apex = (math.nan, math.nan) if top is None else (float(-Z[top].imag), float(f[top]))
        found.append(Arc(name, float(Z[-1].real), float(Z[0].real), height, apex))
    return tuple(sorted(found, key=lambda arc: -abs(arc.low)))


def owner(spectrum: Spectrum, frequency: float) -> tuple[str, float] | None:
    """Return the part with the largest −Im Z at a frequency, and its share of that of the whole.

    The share may exceed one where another part counts against it. None beyond the spectrum's ends, where nothing is
    known, and where no part has a negative imaginary part.
    """
    order = np.argsort(spectrum.frequency)
    f = np.log(spectrum.frequency[order])
    at = math.log(frequency)
    if not f[0] <= at <= f[-1]:
        return None
    heights = {name: -float(np.interp(at, f, part.imag[order])) for name, part in spectrum.parts.items()}
    whole = -float(np.interp(at, f, spectrum.impedance.imag[order]))
    first = max(heights, key=lambda name: heights[name], default=None)
    if first is None or heights[first] <= 0.0 or whole <= 0.0:
        return None
    return first, heights[first] / whole


def ordered_parts(spectra: Sequence[Spectrum]) -> list[str]:
    """Return the names of all parts of some spectra, each once, kind by kind."""
    names = {name for spectrum in spectra for name in spectrum.parts}
    return sorted(names, key=lambda name: (KINDS.index(kind(name)) if kind(name) in KINDS else len(KINDS), name))


def kind(name: str) -> str:
    """Return the first word of the name of a part: "ion" of "ion electrolyte"."""
    return name.partition(" ")[0]


# ------------------------------------------------------------------------------------------------- as tables


def summary_columns(spectra: Sequence[Spectrum], tests: Sequence[KramersKronig | None]) -> list[Column]:
    """Return a table with a row a spectrum: state, ends, Kramers–Kronig test."""
    found = [ends(spectrum) for spectrum in spectra]
    return [
        column("no.", "", range(1, len(spectra) + 1)),
        column("voltage", "V", (s.voltage for s in spectra), ".3f"),
        column("current", "mA/cm2", (_flowing(s) for s in spectra), ".3g"),
        column("charge", "mAh/cm2", (s.charge / _MAH_CM2 for s in spectra), ".4g"),
        column("R high", "ohm cm2", (e.high / OHM_CM2 for e in found), ".4g"),
        column("at", "Hz", (e.high_frequency for e in found), ".2g"),
        column("R low", "ohm cm2", (e.low / OHM_CM2 for e in found), ".4g"),
        column("at", "Hz", (float(s.frequency.min()) for s in spectra), ".2g"),
        column("C low", "F/cm2", (e.capacitance * OHM_CM2 for e in found), ".3g"),
        column("KK max", "%", (None if t is None else 100.0 * t.largest for t in tests), ".1g"),
        column("KK", "", (None if t is None else t.verdict for t in tests)),
    ]


def _flowing(spectrum: Spectrum) -> float:
    """Return the current density in mA/cm² without what rounding leaves of none."""
    current = spectrum.current_density / _MA_CM2
    return current if abs(current) > _NO_CURRENT else 0.0


def arc_columns(spectrum: Spectrum) -> list[Column]:
    """Return a table with a row a part."""
    found = arcs(spectrum)
    return [
        column("part", "", (arc.name for arc in found)),
        column("Re at high", "ohm cm2", (arc.high / OHM_CM2 for arc in found), ".4g"),
        column("Re at low", "ohm cm2", (arc.low / OHM_CM2 for arc in found), ".4g"),
        column("largest -Im", "ohm cm2", (arc.height / OHM_CM2 for arc in found), ".4g"),
        column("at", "Hz", (arc.apex for arc in found), ".3g"),
    ]


def peak_columns(spectrum: Spectrum, drt: RelaxationTimes) -> list[Column]:
    """Return a table with a row a peak of the relaxation times, with the part that has most of it."""
    owners = [owner(spectrum, peak.frequency) for peak in drt.peaks]
    return [
        column("peak", "", range(1, len(drt.peaks) + 1)),
        column("tau", "s", (peak.tau for peak in drt.peaks), ".3g"),
        column("frequency", "Hz", (peak.frequency for peak in drt.peaks), ".3g"),
        column("resistance", "ohm cm2", (peak.resistance / OHM_CM2 for peak in drt.peaks), ".4g"),
        column("share", "%", (100.0 * peak.share for peak in drt.peaks), ".1f"),
        column("mostly", "", ("beyond the spectrum" if one is None else one[0] for one in owners)),
        column("its part", "%", (None if one is None else 100.0 * one[1] for one in owners), ".0f"),
    ]


def circuit_columns(fit: CircuitFit) -> list[Column]:
    """Return a table with a row a parameter of a circuit that was fitted to an impedance in Ω cm²."""
    relative = [p.deviation / abs(p.value) if p.value != 0.0 else math.inf for p in fit.parameters]
    return [
        column("parameter", "", (p.name for p in fit.parameters)),
        column("value", "", (p.value for p in fit.parameters), ".5g"),
        column("deviation", "", (p.deviation for p in fit.parameters), ".2g"),
        column("relative", "%", (100.0 * value for value in relative), ".2g"),
        column("unit", "", (_with_area(p.unit, p.area_power) for p in fit.parameters)),
    ]


def _with_area(unit: str, power: int) -> str:
    if power == 0:
        return unit or "1"
    if power > 0:
        first, slash, rest = unit.partition("/")
        return f"{first} cm2{slash}{rest}"
    return f"{unit}/cm2" if "/" not in unit else unit.replace("/ohm", "/(ohm cm2)")


def spectrum_columns(spectra: Sequence[Spectrum]) -> list[Column]:
    """Return a table with a row a frequency of every spectrum, with all parts."""
    parts = ordered_parts(spectra)

    def values(name: str | None) -> Reals:
        zero = [np.zeros(s.frequency.size, complex) for s in spectra]
        of = [s.impedance if name is None else s.parts.get(name, z) for s, z in zip(spectra, zero, strict=True)]
        joined = np.concatenate(of) / OHM_CM2
        return np.stack([joined.real, joined.imag])

    sizes = [s.frequency.size for s in spectra]
    columns = [
        column("Spectrum", "1", (number + 1 for number, size in enumerate(sizes) for _ in range(size))),
        column("Frequency", "Hz", (float(f) for s in spectra for f in s.frequency)),
        column("Voltage", "V", (s.voltage for s, size in zip(spectra, sizes, strict=True) for _ in range(size))),
    ]
    for name in (None, *parts):
        for side, numbers in zip(("Real", "Imaginary"), values(name), strict=True):
            what = f"{side} Impedance" if name is None else f"{side} {name}"
            columns.append(column(what, "ohm cm2", map(float, numbers)))
    return columns
