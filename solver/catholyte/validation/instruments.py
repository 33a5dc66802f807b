"""Measures of instruments: peaks of a voltammogram, diffusivities of a titration, resistances and times of spectra."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catholyte.errors import InputError, nearest
from catholyte.evaluation.drt import relaxation_times
from catholyte.evaluation.gitt import diffusion_length, gitt
from catholyte.evaluation.impedance import ends
from catholyte.evaluation.voltammetry import sweeps
from catholyte.results import Results, Spectrum
from catholyte.validation.measure import LINEAR, LOGARITHMIC, Bounds, Found, cannot, read_bounds
from catholyte.validation.places import nth
from catholyte.validation.reading import Keys, positive

_NUMBER = "a number from 1, or from the last with -1"


@dataclass(frozen=True)
class PeakPotentials:
    """Potentials of the peaks of one sweep of a voltammogram, the lowest first."""

    anodic: bool
    sweep: int
    window: Bounds
    where: str

    dimensions = ("potential",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the potentials vs Li/Li⁺."""
        way = "anodic" if self.anodic else "cathodic"
        table = [each for each in sweeps(results) if each.anodic == self.anodic]
        sweep = table[nth(self.sweep, len(table), f"{way} sweep", self.where)]
        return Found(tuple(sorted(self.window.only(peak.voltage for peak in sweep.peaks))), LINEAR)


def read_peak_potentials(keys: Keys, folder: Path) -> PeakPotentials:
    """Read peak potentials: ``direction``, ``sweep``, ``above``, ``below``."""
    anodic = keys.choice("direction", ("anodic", "cathodic")) == "anodic"
    sweep = keys.whole("sweep", _NUMBER, 1)
    return PeakPotentials(anodic, sweep, read_bounds(keys, "potential"), keys.path("sweep"))


@dataclass(frozen=True)
class Diffusivity:
    """Apparent diffusivity of a titration, evaluated as that of a measured one."""

    length: str | None
    area: str | None
    direction: str
    window: Bounds
    curvature: bool
    spelled_out: bool
    trusted: bool
    statistic: str

    dimensions = ("diffusivity",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the least and the largest diffusivity of all pulses, or their median."""
        metres, _ = diffusion_length(results, area=self.area, length=self.length)
        pulses = gitt(results, metres, curvature=self.curvature, spelled_out=self.spelled_out)
        if not pulses:
            raise cannot(results, "a run whose protocol holds a titration ('GITT …'), or spelled_out = true")
        sign = {"discharge": 1.0, "charge": -1.0}.get(self.direction, 0.0)
        values = [
            pulse.diffusivity
            for pulse in pulses
            if sign * pulse.current_density >= 0.0
            and pulse.relaxed[1] in self.window
            and math.isfinite(pulse.diffusivity)
            and not (self.trusted and pulse.doubts)
        ]
        if not values:
            raise cannot(results, f"a titration with a pulse that gives a diffusivity; none of its {len(pulses)} does")
        return Found((float(np.median(values)),) if self.statistic == "median" else (min(values), max(values)))


def read_diffusivity(keys: Keys, folder: Path) -> Diffusivity:
    """Read a titration: ``length`` or ``area``, ``direction``, ``above``, ``below``, ``statistic`` and three flags."""
    length = keys.text_or("length", "V/S, like '1.2 um'", None)
    area = keys.text_or("area", "an area, like '0.785 cm2' or '0.5 m2/g'", None)
    if length is not None and area is not None:
        raise InputError(keys.path("length"), length, "no length beside area: both give V/S")
    return Diffusivity(
        length,
        area,
        keys.choice("direction", ("both", "discharge", "charge"), "both"),
        read_bounds(keys, "potential"),
        keys.flag("curvature"),
        keys.flag("spelled_out"),
        keys.flag("trusted"),
        keys.choice("statistic", ("range", "median"), "range"),
    )


@dataclass(frozen=True)
class Resistance:
    """Resistances of one spectrum or of several: an end of it, what lies between the ends, or a part of the cell.

    ``growth`` gives what they have grown by since the first of these spectra.
    """

    which: str
    part: str | None
    spectra: tuple[int, ...]
    growth: bool
    where: str

    dimensions = ("area resistance", "resistance")

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return one value a spectrum: times the area of the cell, or of the cell itself."""
        found = [self._one(spectrum) for spectrum in _spectra(results, self.spectra, self.where)]
        area = float(results.provenance["cell_area_m2"]) if dimension == "resistance" else 1.0
        first = found[0] if self.growth else 0.0
        return Found(tuple((value - first) / area for value in found))

    def _one(self, spectrum: Spectrum) -> float:
        if self.part is not None:
            if self.part not in spectrum.parts:
                known = ", ".join(spectrum.parts)
                raise InputError(
                    self.where, self.part, f"a part of the spectrum: {known}", nearest(self.part, spectrum.parts)
                )
            return float(spectrum.parts[self.part][np.argmin(spectrum.frequency)].real)
        found = ends(spectrum)
        return {"high": found.high, "low": found.low, "arcs": found.low - found.high}[self.which]


def read_resistance(keys: Keys, folder: Path) -> Resistance:
    """Read a resistance: ``which`` or ``part``, ``spectrum``, one or several, and ``growth``."""
    growth = keys.flag("growth")
    part = keys.text_or("part", "a part of the spectra, like 'reaction iodine|catholyte'", None)
    if part is not None:
        if keys.has("which"):
            raise InputError(keys.path("which"), keys.data["which"], "no which beside part")
        return Resistance("", part, _numbers(keys), growth, keys.path("part"))
    which = keys.choice("which", ("high", "low", "arcs"), "arcs")
    return Resistance(which, None, _numbers(keys), growth, keys.path("spectrum"))


@dataclass(frozen=True)
class RelaxationTimes:
    """Time constants of the peaks of a distribution of relaxation times, the shortest first."""

    spectrum: int
    window: Bounds
    regularisation: float | None
    where: str

    dimensions = ("time",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the time constants."""
        (spectrum,) = _spectra(results, (self.spectrum,), self.where)
        found = relaxation_times(spectrum.frequency, spectrum.impedance, regularisation=self.regularisation)
        return Found(tuple(sorted(self.window.only(peak.tau for peak in found.peaks))), LOGARITHMIC)


def read_relaxation_times(keys: Keys, folder: Path) -> RelaxationTimes:
    """Read relaxation times: ``spectrum``, ``above``, ``below``, ``lambda``."""
    spectrum = keys.whole("spectrum", _NUMBER, 1)
    return RelaxationTimes(spectrum, read_bounds(keys, "time"), _regularisation(keys), keys.path("spectrum"))


@dataclass(frozen=True)
class RelaxationResistance:
    """Resistance of all peaks of the relaxation times whose time constants lie in a range, one value a spectrum."""

    spectra: tuple[int, ...]
    window: Bounds
    regularisation: float | None
    where: str

    dimensions = ("area resistance", "resistance")

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return one value a spectrum: times the area of the cell, or of the cell itself."""
        area = float(results.provenance["cell_area_m2"]) if dimension == "resistance" else 1.0
        values = []
        for spectrum in _spectra(results, self.spectra, self.where):
            found = relaxation_times(spectrum.frequency, spectrum.impedance, regularisation=self.regularisation)
            values.append(sum(peak.resistance for peak in found.peaks if peak.tau in self.window) / area)
        return Found(tuple(values))


def read_relaxation_resistance(keys: Keys, folder: Path) -> RelaxationResistance:
    """Read a resistance of relaxation times: ``spectrum``, one or several, ``above``, ``below``, ``lambda``."""
    spectra = _numbers(keys)
    return RelaxationResistance(spectra, read_bounds(keys, "time"), _regularisation(keys), keys.path("spectrum"))


def _regularisation(keys: Keys) -> float | None:
    return positive(keys.data["lambda"], keys.path("lambda")) if keys.has("lambda") else None


def _numbers(keys: Keys) -> tuple[int, ...]:
    """Read the number of a spectrum, or a list of numbers; the first by default."""
    if not keys.has("spectrum"):
        return (1,)
    value = keys.data["spectrum"]
    numbers = value if isinstance(value, list) and value else [value]
    if any(isinstance(number, bool) or not isinstance(number, int) or number == 0 for number in numbers):
        raise InputError(keys.path("spectrum"), value, f"{_NUMBER}, or a list of such numbers")
    return tuple(numbers)


def _spectra(results: Results, numbers: tuple[int, ...], where: str) -> list[Spectrum]:
    there = results.spectra
    return [there[nth(number, len(there), "spectrum", where)] for number in numbers]
