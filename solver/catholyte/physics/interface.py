"""The current through a reacting face: half-cell resistances in series with the kinetics.

For a face between a host cell (φ_e, x) and an electrolyte cell (φ_i) the current density i (positive = oxidation)
solves one scalar equation,

    Δφ − i·R − U(x_s) − (RT/F)·z(i / i0(x_s)) = 0,      x_s = x − q·i,

with Δφ = φ_e − φ_i between the cell centres, R the sum of the ohmic half-cell, contact and film resistances, q the
drop of the site fraction between cell centre and face per unit current, and z the inverse of the rate law. The left
side falls strictly with i, so the root is unique; it is bracketed by the sign at i = 0 and by 0 < x_s < 1. Where the
surface is full or empty to rounding, the current is the one that keeps it so: the limiting current.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import NotConverged
from catholyte.physics.constants import F, R
from catholyte.physics.equilibrium import value_and_slope
from catholyte.physics.kinetics import ExchangeCurrent, RateLaw

Array = NDArray[Any]
Floats = NDArray[np.float64]

#: a surface counts as empty or full at this distance from 0 or 1, where a double can still resolve it
_EDGE = 1e-13
#: Newton creeps along the logarithm of a full or empty surface; bisection ends what is left after these steps
_NEWTON_STEPS = 20
_BISECTIONS = 80


@dataclass(frozen=True)
class Reaction:
    """One charge-transfer reaction of an interface kind.

    Attributes
    ----------
    U
        Equilibrium potential U(x, T) in V vs Li/Li⁺, analytic enough for a complex step.
    rate
        Dimensionless rate law.
    i0
        Exchange current density i0(x) in A/m² at the temperature of the run.
    T
        Temperature in K.
    """

    U: Callable[[Array, float], Array]
    rate: RateLaw
    i0: ExchangeCurrent
    T: float

    def U_and_slope(self, x: Floats) -> tuple[Floats, Floats]:
        """Return U(x) in V and dU/dx in V."""
        return value_and_slope(self.U, x, self.T)


@dataclass(frozen=True)
class FaceState:
    """Solution of the face balance, arrays of shape (faces,).

    Attributes
    ----------
    i
        Current density in A/m², positive = oxidation.
    conductance
        di/dΔφ in S/m².
    di_dx
        di/dx of the cell composition in A/m².
    x_s
        Site fraction at the surface.
    U_s, dU
        Equilibrium potential at the surface in V and its derivative by x_s in V.
    eta
        Kinetic overpotential in V.
    slope, lift
        The potential step s = U(x_s) + η across the interface changes by slope·di − lift·dx, in Ω m² and V.
    """

    i: Array
    conductance: Floats
    di_dx: Floats
    x_s: Array
    U_s: Array
    dU: Floats
    eta: Array
    slope: Floats
    lift: Floats


def face_current(
    reaction: Reaction,
    delta_phi: Array,
    x: Array,
    resistance: Array,
    depletion: Floats,
    *,
    guess: Floats | None = None,
) -> FaceState:
    """Solve the face balance for the current density.

    Parameters
    ----------
    reaction
        The reaction and its laws.
    delta_phi
        φ_e − φ_i between cell centres in V.
    x
        Site fraction in the host cell, inside (0, 1).
    resistance
        Sum of half-cell, contact and film resistances in Ω m².
    depletion
        q in m²/A; zero where the host carries its lithium without a concentration drop.
    guess
        Current density of an earlier solution in A/m².

    Raises
    ------
    NotConverged
        If the safeguarded Newton iteration fails, which a finite, falling U(x) does not allow.
    """
    x_r, total, resistance = np.real(x), resistance, np.real(resistance)
    i = _root(reaction, np.real(delta_phi), x_r, resistance, depletion, guess)
    x_s = x_r - depletion * i
    U_s, dU = reaction.U_and_slope(x_s)
    i0, di0 = reaction.i0(x_s), reaction.i0.slope(x_s)
    thermal = R * reaction.T / F
    y = i / i0
    z, dz = reaction.rate.inverse(y)
    slope = -depletion * dU + thermal * dz * (1.0 + depletion * y * di0) / i0
    lift = -dU + thermal * dz * y * di0 / i0
    conductance = 1.0 / (resistance + slope)
    if np.iscomplexobj(x) or np.iscomplexobj(delta_phi) or np.iscomplexobj(total):
        x_s = x - depletion * i
        U_s = reaction.U(x_s, reaction.T)
        z, _ = reaction.rate.inverse(i / reaction.i0(x_s))
        i = i + (delta_phi - i * total - U_s - thermal * z) * conductance
    return FaceState(i, conductance, conductance * lift, x_s, U_s, dU, thermal * z, slope, lift)


def _root(reaction: Reaction, dphi: Floats, x: Floats, resistance: Floats, q: Floats, guess: Floats | None) -> Floats:
    thermal = R * reaction.T / F
    U_x, dU_x = reaction.U_and_slope(x)
    drive = dphi - U_x
    # The root has the sign of the drive and can exceed neither what R alone nor what the lithium in reach allows.
    with np.errstate(divide="ignore", invalid="ignore"):
        by_supply = np.where(drive > 0.0, np.maximum(x - _EDGE, 0.0), np.minimum(x - 1.0 + _EDGE, 0.0)) / q
        by_ohm = np.where(drive == 0.0, 0.0, drive / resistance)
    end = np.where(np.abs(by_supply) < np.abs(by_ohm), by_supply, by_ohm)
    low, high = np.minimum(0.0, end), np.maximum(0.0, end)
    if guess is None:
        i0 = reaction.i0(x)
        i = drive / (resistance - q * dU_x + thermal / i0)
    else:
        i = guess.copy()
    outside = ~((i > low) & (i < high))
    i[outside] = 0.5 * (low + high)[outside]
    i[drive == 0.0] = 0.0
    todo = np.flatnonzero(drive != 0.0)
    for iteration in range(_NEWTON_STEPS + _BISECTIONS):
        if todo.size == 0:
            return i
        at, q_t = i[todo], q[todo]
        x_s = x[todo] - q_t * at
        U_s, dU = reaction.U_and_slope(x_s)
        i0, di0 = reaction.i0(x_s), reaction.i0.slope(x_s)
        y = at / i0
        z, dz = reaction.rate.inverse(y)
        value = dphi[todo] - at * resistance[todo] - U_s - thermal * z
        slope = resistance[todo] - q_t * dU + thermal * dz * (1.0 + q_t * y * di0) / i0
        rising = value > 0.0
        low[todo] = np.where(rising, at, low[todo])
        high[todo] = np.where(rising, high[todo], at)
        new = at + value / slope
        lo, hi = low[todo], high[todo]
        # Done where the step no longer changes the digits that a double can hold.
        left = (np.abs(new - at) > 4e-15 * np.abs(at)) & (hi - lo > 4e-16 * (np.abs(hi) + np.abs(lo)))
        left &= np.abs(value) > 1e-15
        if iteration < _NEWTON_STEPS:
            new = np.where((new > lo) & (new < hi), new, 0.5 * (lo + hi))
        else:
            new = 0.5 * (lo + hi)
        i[todo[left]] = new[left]
        todo = todo[left]
    raise NotConverged("face current", f"on {todo.size} of {i.size} faces")
