"""Cyclic voltammetry: peaks and charges of every sweep, and what two sweeps say together.

Here the current is that of the electrochemist: **positive where the cathode is oxidised** (charged). The sweep to
higher voltages is the anodic one; sweeps of the same direction and rate of which one begins where the other ended are
one (from 3 V to 2 V to 4 V to 3 V, then again: one sweep down from 4 V to 2 V). Peaks are interior extrema of the
current in the direction of the sweep; their top is that of the parabola through the three highest points. Heights are
counted from zero current, without a base line: right for the first sweep from rest (Randles & Ševčík), an underestimate
for the others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from catholyte.evaluation.columns import Column, column
from catholyte.evaluation.segments import segments
from catholyte.results import Results

Curve = NDArray[np.float64]

#: a peak stands out by this share of the range of the current of its sweep
_PROMINENCE = 0.02

#: rates are the same if they differ by no more than this share
_SAME_RATE = 1e-3


@dataclass(frozen=True)
class CurrentPeak:
    """A peak: its voltage in V, and the current density there in A/m², oxidation positive."""

    voltage: float
    current_density: float


@dataclass(frozen=True, eq=False)
class Sweep:
    """One sweep of a voltammogram.

    Attributes
    ----------
    number, cycle
        Number of the sweep from 1, and cycle of the protocol in which it begins, from 0.
    points
        Its points in the curves.
    anodic
        Whether the voltage rises.
    start, end
        In V vs Li/Li⁺.
    rate
        Magnitude of dV/dt in V/s.
    peaks
        In the direction of the sweep, the highest first.
    oxidation, reduction
        Charge under the curve in either direction in A s/m², both positive.
    """

    number: int
    cycle: int
    points: slice
    anodic: bool
    start: float
    end: float
    rate: float
    peaks: tuple[CurrentPeak, ...]
    oxidation: float
    reduction: float


@dataclass(frozen=True)
class PeakPair:
    """The highest peaks of two sweeps that follow one another in opposite directions.

    Attributes
    ----------
    sweeps
        Numbers of the two.
    separation
        E_pa − E_pc in V.
    midpoint
        Half of their sum in V.
    ratio
        |i_pa / i_pc|.
    """

    sweeps: tuple[int, int]
    separation: float
    midpoint: float
    ratio: float


def sweeps(results: Results) -> tuple[Sweep, ...]:
    """Evaluate the voltage sweeps of a run; empty if it has none."""
    steps = [step for step in segments(results) if step.kind == "sweep" and step.stop - step.first > 2]
    if not steps:
        return ()
    curves = results.curves
    time, voltage, charge = (curves[name].to_numpy() for name in ("time", "voltage", "charge"))
    current = -curves["current_density"].to_numpy()

    def rate(first: int, last: int) -> float:
        return float((voltage[last] - voltage[first]) / (time[last] - time[first]))

    joined = [[steps[0].cycle, steps[0].first, steps[0].stop]]
    for step in steps[1:]:
        _, first, stop = joined[-1]
        before, now = rate(first, stop - 1), rate(step.first, step.last)
        if step.first == stop and abs(now - before) <= _SAME_RATE * abs(before):
            joined[-1][2] = step.stop
        else:
            joined.append([step.cycle, step.first, step.stop])
    found = []
    for number, (cycle, first, stop) in enumerate(joined, 1):
        points = slice(first, stop)
        anodic = rate(first, stop - 1) > 0.0
        passed = -np.diff(charge[points])
        found.append(
            Sweep(
                number=number,
                cycle=cycle,
                points=points,
                anodic=anodic,
                start=float(voltage[first]),
                end=float(voltage[stop - 1]),
                rate=abs(rate(first, stop - 1)),
                peaks=current_peaks(voltage[points], current[points], anodic=anodic),
                oxidation=float(np.maximum(passed, 0.0).sum()),
                reduction=float(np.maximum(-passed, 0.0).sum()),
            )
        )
    return tuple(found)


def current_peaks(voltage: Curve, current: Curve, *, anodic: bool) -> tuple[CurrentPeak, ...]:
    """Return the peaks of one sweep, the highest first.

    Parameters
    ----------
    voltage
        In V, rising or falling.
    current
        Oxidation positive.
    anodic
        Looks for maxima; otherwise for minima.
    """
    sign = 1.0 if anodic else -1.0
    moved = np.concatenate([[True], np.diff(voltage) != 0.0])  # steps that were joined share a point
    voltage, height = voltage[moved], sign * current[moved]
    found, _ = find_peaks(height, prominence=_PROMINENCE * np.ptp(height))
    peaks = []
    for at in found.tolist():
        around = slice(at - 1, at + 2)
        shifted = voltage[around] - voltage[at]
        curvature, slope, top = np.polyfit(shifted, height[around], 2)
        shift = float(np.clip(-slope / (2.0 * curvature), shifted.min(), shifted.max())) if curvature else 0.0
        peaks.append(
            CurrentPeak(float(voltage[at] + shift), float(sign * (top + slope * shift + curvature * shift**2)))
        )
    return tuple(sorted(peaks, key=lambda peak: -abs(peak.current_density)))


def peak_pairs(table: Sequence[Sweep]) -> tuple[PeakPair, ...]:
    """Return what neighbouring sweeps of opposite direction say together, where both have a peak."""
    found = []
    for first, second in itertools.pairwise(table):
        if first.anodic == second.anodic or not first.peaks or not second.peaks:
            continue
        anodic, cathodic = (first, second) if first.anodic else (second, first)
        a, c = anodic.peaks[0], cathodic.peaks[0]
        ratio = abs(a.current_density / c.current_density) if c.current_density else math.nan
        pair = PeakPair((first.number, second.number), a.voltage - c.voltage, 0.5 * (a.voltage + c.voltage), ratio)
        found.append(pair)
    return tuple(found)


def sweep_columns(table: Sequence[Sweep]) -> list[Column]:
    """Return one row a peak; a sweep without one has a row too."""
    rows = [(each, peak) for each in table for peak in (each.peaks or (None,))]
    return [
        column("sweep", "", (each.number for each, _ in rows)),
        column("direction", "", ("anodic" if each.anodic else "cathodic" for each, _ in rows)),
        column("from", "V", (each.start for each, _ in rows), ".4f"),
        column("to", "V", (each.end for each, _ in rows), ".4f"),
        column("rate", "mV/s", (1e3 * each.rate for each, _ in rows)),
        column("peak potential", "V", (None if peak is None else peak.voltage for _, peak in rows), ".4f"),
        column("peak current", "mA/cm2", (None if peak is None else 0.1 * peak.current_density for _, peak in rows)),
        column("oxidation", "mAh/cm2", (each.oxidation / 3.6e4 for each, _ in rows)),
        column("reduction", "mAh/cm2", (each.reduction / 3.6e4 for each, _ in rows)),
    ]


def pair_columns(pairs: Sequence[PeakPair]) -> list[Column]:
    """Return the pairs of peaks as columns."""
    return [
        column("sweeps", "", (f"{pair.sweeps[0]} and {pair.sweeps[1]}" for pair in pairs)),
        column("peak separation", "mV", (1e3 * pair.separation for pair in pairs), ".2f"),
        column("midpoint", "V", (pair.midpoint for pair in pairs), ".4f"),
        column("ratio of peak currents", "", (pair.ratio for pair in pairs), ".3f"),
    ]
