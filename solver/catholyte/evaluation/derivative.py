r"""dQ/dV and dV/dQ of charges and discharges, and the peaks of dQ/dV.

A recorded curve is neither evenly spaced nor, if measured, monotone, so a quotient of differences is noise. Here

1. holds are left out: at constant voltage dQ/dV has no value;
2. the monotone voltage nearest to the recorded one is taken (isotonic regression, weighted with the charge);
3. Q(V) is interpolated by monotone cubics (Fritsch & Carlson, SIAM J. Numer. Anal. 17, 238 (1980)) and the charge of
   evenly spaced intervals of voltage is taken: every interval's dQ/dV is its mean, and their sum is the charge;
4. if asked for, the charge of every interval is spread over its neighbours by a Gaussian, which keeps the sum.

Q counts from zero in every half-cycle, so dQ/dV is positive on charge and negative on discharge. dV/dQ is made in the
same way from evenly spaced intervals of charge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression
from scipy.signal import find_peaks, peak_widths

from catholyte.errors import InputError
from catholyte.evaluation.cycles import REFERENCES
from catholyte.evaluation.halfcycles import HalfCycle, capacity, half_cycles
from catholyte.evaluation.segments import segments
from catholyte.results import Results

Curve = NDArray[np.float64]

#: a peak stands out by this share of the highest
_PROMINENCE = 0.05

#: intervals of voltage or charge at least and at most
_FEWEST, _MOST = 20, 5000

#: a Gaussian of fewer intervals than this spreads nothing
_NARROW = 0.1

#: full width at half maximum of a Gaussian over its standard deviation
_WIDTH = 2.0 * math.sqrt(2.0 * math.log(2.0))


@dataclass(frozen=True)
class Peak:
    """A peak of dQ/dV.

    Attributes
    ----------
    voltage
        In V.
    height
        dQ/dV there, in the units of the curve, with its sign.
    width
        Full width at half prominence in V.
    charge
        Charge passed within that width, in the units of the curve's charge.
    """

    voltage: float
    height: float
    width: float
    charge: float


@dataclass(frozen=True, eq=False)
class Derivative:
    """Both derivatives of one half-cycle; charges in the unit that went in.

    Attributes
    ----------
    voltage, dq_dv
        Centres of the intervals of voltage, rising [V], and the derivative there, positive on charge.
    charge, dv_dq
        Centres of the intervals of charge, rising, and the derivative there, positive on charge.
    peaks
        Peaks of dQ/dV in the order of their voltages.
    """

    voltage: Curve
    dq_dv: Curve
    charge: Curve
    dv_dq: Curve
    peaks: tuple[Peak, ...]


def derivative(charge: Curve, voltage: Curve, *, resolution: float = 2e-3, smoothing: float = 0.0) -> Derivative | None:
    """Differentiate one charge or discharge.

    Parameters
    ----------
    charge
        Charge passed since it began, rising.
    voltage
        In V.
    resolution
        Interval of voltage in V; the whole charge is divided into as many intervals.
    smoothing
        Full width at half maximum of the Gaussian in V, 0 for none; as many intervals of charge for dV/dQ.

    Returns
    -------
    Derivative or None
        None if fewer than three points differ in charge and voltage.
    """
    moved = np.concatenate([[True], np.diff(charge) > 0.0])
    Q, V = charge[moved], voltage[moved]
    if Q.size < 3 or V[0] == V[-1]:
        return None
    sign = 1.0 if V[-1] > V[0] else -1.0
    weights = np.gradient(Q)
    V = sign * isotonic_regression(sign * V, weights=weights).x
    # Where the voltage stands still, half of the charge belongs to either side; nothing is lost at the ends.
    first = np.flatnonzero(np.concatenate([[True], np.diff(V) != 0.0]))
    last = np.append(first[1:] - 1, V.size - 1)
    V, Q_mid = V[first], 0.5 * (Q[first] + Q[last])
    if V.size < 3:
        return None
    Q_mid[[0, -1]] = Q[[0, -1]]
    count = int(np.clip(abs(V[-1] - V[0]) / resolution, _FEWEST, _MOST))
    edges = np.linspace(V.min(), V.max(), count + 1)
    passed = sign * np.diff(PchipInterpolator(V[:: int(sign)], Q_mid[:: int(sign)])(edges))
    step = edges[1] - edges[0]
    slope = sign * _spread(passed, smoothing / step) / step
    marks = np.linspace(Q[0], Q[-1], count + 1)
    rise = _spread(np.diff(PchipInterpolator(Q_mid, V)(marks)), smoothing / step)
    centres = 0.5 * (edges[1:] + edges[:-1])
    return Derivative(
        centres, slope, 0.5 * (marks[1:] + marks[:-1]), rise / (marks[1] - marks[0]), _peaks(centres, slope)
    )


def half_cycle_derivatives(
    results: Results, *, against: str = "cell", resolution: float = 2e-3, smoothing: float = 0.0
) -> tuple[tuple[HalfCycle, Derivative], ...]:
    """Differentiate the half-cycles of a run; charges in mAh/g of active material.

    Holds are left out, and so are half-cycles with rests inside (titrations).

    Raises
    ------
    InputError
        If ``resolution`` is not positive, or ``smoothing`` negative.
    """
    if not resolution > 0.0:
        raise InputError("--resolution", resolution, "an interval of voltage greater than zero")
    if smoothing < 0.0:
        raise InputError("--smooth", smoothing, "a width in voltage that is not negative")
    found = []
    for half in half_cycles(results):
        if len(half.parts) > 1:
            continue
        q, V = _curve(results, half, against)
        curve = derivative(q, V, resolution=resolution, smoothing=smoothing)
        if curve is not None:
            found.append((half, curve))
    return tuple(found)


def _curve(results: Results, half: HalfCycle, against: str) -> tuple[Curve, Curve]:
    """Return capacity [mAh/g of active material] and voltage [V] of a half-cycle without its holds."""
    voltage = results.curves[REFERENCES[against]].to_numpy()
    parts = [each.points for each in segments(results) if each.first in half and each.kind != "voltage"]
    if not parts:
        return np.empty(0), np.empty(0)
    q = np.concatenate([capacity(results, half, part) for part in parts])
    return q, np.concatenate([voltage[part] for part in parts])


def _spread(amounts: Curve, width: float) -> Curve:
    """Spread amounts over their neighbours by a Gaussian of a width in intervals; the sum stays."""
    if width < _NARROW:
        return amounts
    sigma = width / _WIDTH
    reach = min(math.ceil(5.0 * sigma), (amounts.size - 1) // 2)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    # What would leave at an end is shared by the intervals that are there.
    within = np.convolve(np.ones_like(amounts), kernel, mode="same")
    return np.convolve(amounts / within, kernel, mode="same")


def _peaks(voltage: Curve, slope: Curve) -> tuple[Peak, ...]:
    height = np.abs(slope)
    step = voltage[1] - voltage[0]
    found, _ = find_peaks(height, prominence=_PROMINENCE * height.max())
    if not found.size:
        return ()
    widths, _, left, right = peak_widths(height, found, rel_height=0.5)
    passed = np.concatenate([[0.0], np.cumsum(height) * step])
    marks = np.arange(passed.size) - 0.5  # edges of the intervals in units of their index
    peaks = []
    for k, at in enumerate(found.tolist()):
        low, top, high = height[at - 1 : at + 2]
        bend = low - 2.0 * top + high
        shift = 0.5 * (low - high) / bend if bend else 0.0
        peaks.append(
            Peak(
                voltage=float(voltage[at] + shift * step),
                height=float(np.sign(slope[at]) * (top - 0.25 * (low - high) * shift)),
                width=float(widths[k] * step),
                charge=float(np.interp(right[k], marks, passed) - np.interp(left[k], marks, passed)),
            )
        )
    return tuple(peaks)
