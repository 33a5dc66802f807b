"""Measures along a run: capacities, voltages, compositions, efficiencies, the distance to a measured curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.evaluation.basis import BASES, basis
from catholyte.evaluation.comparison import compare_capacity, compare_time
from catholyte.evaluation.cycles import REFERENCES, Cycle, cycles
from catholyte.evaluation.measured import read_measured
from catholyte.results import Results
from catholyte.validation.measure import Bounds, Found, cannot, known_curve, read_bounds
from catholyte.validation.places import Place, Stretch, nth, read_place, read_stretch
from catholyte.validation.reading import Keys

_SIGNS = {"discharge": 1.0, "charge": -1.0}
_VOLTAGES = tuple(REFERENCES)
_NUMBER = "a number from 1, or from the last with -1"


@dataclass(frozen=True)
class Capacity:
    """Charge that passed in one direction during a charge, a discharge or a step, in a window of voltage if asked for.

    Between two points voltage and charge are taken for straight; the charge up to the first point of a step counts at
    the voltage of that point.
    """

    direction: str
    stretch: Stretch
    window: Bounds
    against: str
    of: str

    dimensions = ("specific capacity", "areal capacity", "capacity")

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the capacity: per mass of the basis, per area of the cell, or of the whole cell."""
        at = self.stretch.points(results)
        curve = REFERENCES[self.against]
        passed, _ = results.increments(curve)
        voltage, step = (results.curves[name].to_numpy() for name in (curve, "step_count"))
        before = np.where(np.diff(step, prepend=np.nan) == 0.0, np.roll(voltage, 1), voltage)
        share = _inside(before[at], voltage[at], self.window)
        charge = float(np.sum(share * np.maximum(_SIGNS[self.direction] * passed[at], 0.0)))
        if dimension == "specific capacity":
            return Found((charge / basis(results, self.of).amount,))
        return Found((charge * (float(results.provenance["cell_area_m2"]) if dimension == "capacity" else 1.0),))


def read_capacity(keys: Keys, folder: Path, *, direction: str) -> Capacity:
    """Read a capacity: ``number`` or ``step``, ``above``, ``below``, ``against``, ``basis``."""
    stretch = _numbered(keys, direction)
    window = read_bounds(keys, "potential")
    against = keys.choice("against", _VOLTAGES, "li")
    return Capacity(direction, stretch, window, against, keys.choice("basis", BASES, "active"))


@dataclass(frozen=True)
class MeanVoltage:
    """Energy over charge of a charge, a discharge or a step."""

    direction: str
    stretch: Stretch
    against: str

    dimensions = ("potential",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the mean voltage."""
        at = self.stretch.points(results)
        passed, energy = results.increments(REFERENCES[self.against])
        flows = _SIGNS[self.direction] * passed[at] > 0.0
        charge = float(passed[at][flows].sum())
        if charge == 0.0:
            raise cannot(results, f"a run in which a {self.direction} passes there")
        return Found((float(energy[at][flows].sum()) / charge,))


def read_mean_voltage(keys: Keys, folder: Path, *, direction: str) -> MeanVoltage:
    """Read a mean voltage: ``number`` or ``step``, ``against``."""
    return MeanVoltage(direction, _numbered(keys, direction), keys.choice("against", _VOLTAGES, "li"))


@dataclass(frozen=True)
class Energy:
    """Energy of a charge, a discharge or a step over the mass that specific amounts refer to."""

    direction: str
    stretch: Stretch
    against: str
    of: str

    dimensions = ("specific energy",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the energy."""
        at = self.stretch.points(results)
        passed, energy = results.increments(REFERENCES[self.against])
        flows = _SIGNS[self.direction] * passed[at] > 0.0
        return Found((_SIGNS[self.direction] * float(energy[at][flows].sum()) / basis(results, self.of).amount,))


def read_energy(keys: Keys, folder: Path, *, direction: str) -> Energy:
    """Read an energy: ``number`` or ``step``, ``against``, ``basis``."""
    stretch = _numbered(keys, direction)
    return Energy(direction, stretch, keys.choice("against", _VOLTAGES, "li"), keys.choice("basis", BASES, "active"))


@dataclass(frozen=True)
class Spread:
    """How unevenly lithium is spread in a part of a run: the largest value on the way, or that at a place."""

    statistic: str
    stretch: Stretch | None
    place: Place | None

    dimensions = ("fraction",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the standard deviation of x, or the width from its 5th to its 95th percentile."""
        upper, *lower = (self._read(results, name) for name in _SPREADS[self.statistic])
        return Found((float(np.max(upper - lower[0] if lower else upper)),))

    def _read(self, results: Results, curve: str) -> NDArray[np.float64]:
        if self.place is not None:
            return np.array([self.place.read(results, curve)])
        assert self.stretch is not None
        return results.curves[curve].to_numpy()[self.stretch.points(results)]


#: statistic of a spread -> curves of a result; of two the difference
_SPREADS = {"deviation": ("lithiation_std",), "range": ("lithiation_p95", "lithiation_p05")}


def read_spread(keys: Keys, folder: Path) -> Spread:
    """Read a spread: ``statistic``; ``at`` along ``step``, ``charge`` or ``discharge``, without ``at`` the largest."""
    statistic = keys.choice("statistic", tuple(_SPREADS), "deviation")
    if keys.has("at"):
        return Spread(statistic, None, read_place(keys))
    return Spread(statistic, read_stretch(keys), None)


@dataclass(frozen=True)
class Voltage:
    """Voltage at a point of a run."""

    place: Place
    against: str

    dimensions = ("potential",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the voltage."""
        return Found((self.place.read(results, REFERENCES[self.against]),))


def read_voltage(keys: Keys, folder: Path) -> Voltage:
    """Read a voltage: ``at`` along ``step``, ``charge`` or ``discharge``, ``against``."""
    return Voltage(read_place(keys), keys.choice("against", _VOLTAGES, "li"))


@dataclass(frozen=True)
class Composition:
    """Mean fraction of a species in its lattice at a point of a run."""

    curve: str
    place: Place
    where: str

    dimensions = ("fraction",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the fraction."""
        return Found((self.place.read(results, known_curve(results, self.curve, self.where)),))


def read_composition(keys: Keys, folder: Path) -> Composition:
    """Read a composition: ``phase`` and ``species``, ``at`` along ``step``, ``charge`` or ``discharge``."""
    phase = keys.text("phase", "the name of a phase of the case")
    species = keys.text("species", "a species of that phase, like 'I0'")
    return Composition(f"fraction {phase} {species}", read_place(keys), keys.path("species"))


@dataclass(frozen=True)
class Efficiency:
    """Discharge of a cycle over the charge that precedes it."""

    cycle: int
    where: str

    dimensions = ("fraction",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the Coulombic efficiency."""
        value = _cycle(results, self.cycle, self.where).coulombic_efficiency
        if math.isnan(value):
            raise cannot(results, f"a run whose cycle {self.cycle} has a discharge with a charge before it")
        return Found((value,))


def read_efficiency(keys: Keys, folder: Path) -> Efficiency:
    """Read a Coulombic efficiency: ``cycle``."""
    return Efficiency(keys.whole("cycle", _NUMBER, 1), keys.path("cycle"))


@dataclass(frozen=True)
class Retention:
    """Capacity of the discharge of a cycle over that of a reference cycle."""

    cycle: int
    reference: int
    where: str

    dimensions = ("fraction",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the retention."""
        passed = [_cycle(results, number, self.where).discharge for number in (self.cycle, self.reference)]
        if passed[0] is None or passed[1] is None:
            raise cannot(results, f"a run whose cycles {self.cycle} and {self.reference} have a discharge")
        return Found((passed[0].charge / passed[1].charge,))


def read_retention(keys: Keys, folder: Path) -> Retention:
    """Read a retention: ``cycle`` and ``reference``."""
    return Retention(keys.whole("cycle", _NUMBER, -1), keys.whole("reference", _NUMBER, 1), keys.path("cycle"))


@dataclass(frozen=True)
class CurveDistance:
    """Distance between the computed and a measured curve of voltage, as of :mod:`catholyte.evaluation.comparison`."""

    file: Path
    columns: str | None
    by: str
    half_cycle: int | None
    against: str
    largest: bool

    dimensions = ("potential",)

    def __call__(self, results: Results, dimension: str) -> Found:
        """Return the rms or largest difference, over all half-cycles that both have."""
        measured = read_measured(self.file, results.provenance, self.columns)
        if self.by == "time":
            apart = [compare_time(results, measured, against=self.against)]
        else:
            pairs = compare_capacity(results, measured, against=self.against, half_cycle=self.half_cycle)
            apart = [pair.distance for pair in pairs]
        if self.largest:
            return Found((max((each.largest for each in apart), key=abs),))
        return Found((math.sqrt(sum(each.rms**2 for each in apart) / len(apart)),))


def read_curve_distance(keys: Keys, folder: Path) -> CurveDistance:
    """Read a distance: ``file``, ``columns``, ``by``, ``half_cycle``, ``against``, ``statistic``.

    Raises
    ------
    InputError
        If there is no such file.
    """
    name = keys.text("file", "a measured table (.csv or .bdf) beside the case")
    if not (folder / name).is_file():
        raise InputError(keys.path("file"), name, f"a measured table (.csv or .bdf) in {folder}")
    return CurveDistance(
        folder / name,
        keys.text_or("columns", "QUANTITY=HEADER:UNIT, several separated by commas", None),
        keys.choice("by", ("capacity", "time"), "capacity"),
        keys.whole("half_cycle", "a number of a half-cycle of the run, from 1", None),
        keys.choice("against", _VOLTAGES, "li"),
        keys.choice("statistic", ("rms", "largest"), "rms") == "largest",
    )


def _numbered(keys: Keys, direction: str) -> Stretch:
    """Read which charge or discharge is meant: by its ``number`` or by its ``step``."""
    stretch = read_stretch(keys, kinds=("step",))
    number = keys.whole("number", _NUMBER, None)
    if stretch.kind == "run":
        return Stretch(direction, number or 1, keys.path("number"))
    if number is not None:
        raise InputError(keys.path("number"), number, "no number beside a step")
    return stretch


def _cycle(results: Results, number: int, where: str) -> Cycle:
    # The reference is of no account here, but it has to be a cycle with a discharge.
    table = _table(results)
    return table[nth(number, len(table), "cycle", where)]


def _table(results: Results) -> tuple[Cycle, ...]:
    try:
        return cycles(results)
    except InputError as error:
        if error.key != "--reference":
            raise
        return cycles(results, reference=2)  # the run begins with a charge alone


def _inside(before: np.ndarray, behind: np.ndarray, window: Bounds) -> np.ndarray:
    """Return the share of straight pieces that lies in a window."""
    low, high = np.minimum(before, behind), np.maximum(before, behind)
    covered = np.minimum(high, window.high) - np.maximum(low, window.low)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.clip(covered / (high - low), 0.0, 1.0)
    flat = (low >= window.low) & (low <= window.high)
    return np.where(high > low, share, flat.astype(float))
