r"""Discharge of a dense layer of a mixed conductor at constant current, in one dimension.

Ions enter through the face of the separator, z = 0, electrons through the face of the collector, z = L:

    F·c_max·∂x/∂t = −∂j/∂z,    j = t_i·i − ∂W/∂z,    j(0) = i,    j(L) = 0

with W(x) = F·c_max·∫D dx = −∫σ_a dU, which stays defined where U is flat. The polarisation is U(x̄) − V with
V = φ_e(L) − φ_i(0) = U(x(0)) − i·∫dz/(σ_e + σ_i) + ∫t_i dU: ohmic drop and diffusion, without reaction or contacts.
Lithium is counted along s, the rise of the mean lithiation, in place of time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: polarisation at which a discharge ends, V
LIMIT = 0.5

_CELLS = 48
#: longest step as a share of the span: where U(x) has a step, the polarisation passes its limit for a moment only
_LONGEST = 0.005
_TOLERANCE = 0.005  # of the logarithm of the rate sought


@dataclass(frozen=True)
class DenseHost:
    """A host between two lithiations, tabulated.

    Attributes
    ----------
    x
        Rising lithiations, from that of the charged host to that of the discharged one.
    U
        Equilibrium potential in V.
    W
        −∫σ_a dU from the first lithiation, in A/m; rises.
    ions
        Transference number of the ions, t_i.
    resistivity
        1/(σ_e + σ_i) in Ω m.
    """

    x: Floats
    U: Floats
    W: Floats
    ions: Floats
    resistivity: Floats

    @property
    def span(self) -> float:
        """Difference between the two lithiations."""
        return float(self.x[-1] - self.x[0])


def cumulative(weight: Floats, along: Floats) -> Floats:
    """Return the integral of ``weight`` over ``along`` from the first point, by the trapezoidal rule."""
    steps = 0.5 * (weight[1:] + weight[:-1]) * np.diff(along)
    return np.concatenate([[0.0], np.cumsum(steps)])


def utilisation(host: DenseHost, thickness: float, current: float, *, cells: int = _CELLS) -> float:
    """Return the share of the lithium that a discharge takes up.

    It begins with the charged host and ends where the lithiation at either face is that of the discharged one, or where
    the polarisation reaches :data:`LIMIT`.

    Parameters
    ----------
    host
        The host between the two lithiations.
    thickness
        m.
    current
        A/m².
    cells
        Of the layer.

    Returns
    -------
    Rise of the mean lithiation as a share of the host's span.
    """
    from scipy.integrate import solve_ivp

    layer = _Layer(host, thickness, current, cells)
    start = np.full(cells, host.x[0])
    if min(layer.room(0.0, start), layer.headroom(0.0, start)) <= 0.0:
        return 0.0
    ends = [_last(layer.room), _last(layer.headroom)]
    done = solve_ivp(
        layer.rate,
        (0.0, host.span),
        start,
        method="LSODA",
        events=ends,
        max_step=_LONGEST * host.span,
        rtol=1e-4,
        atol=1e-5,
        lband=1,
        uband=1,
    )
    return float(done.t[-1]) / host.span


def highest_current(host: DenseHost, thickness: float, share: float = 0.8) -> float:
    """Return the current in A/m² at which :func:`utilisation` is ``share``, within half a percent."""
    from scipy.optimize import brentq

    # With D alike everywhere and fast electrons the face is full at i = 3·(1 − share)·W/L; the ohmic limit beside.
    guess = 1.0 / (1.0 / (3.0 * (1.0 - share) * host.W[-1]) + float(np.mean(host.resistivity)) / LIMIT) / thickness

    def excess(logarithm: float) -> float:
        return utilisation(host, thickness, math.exp(logarithm)) - share

    low = high = math.log(guess)
    step = math.log(2.0)
    while excess(low) <= 0.0:
        low -= step
    while excess(high) >= 0.0:
        high += step
    return math.exp(brentq(excess, low, high, xtol=_TOLERANCE))


@dataclass(frozen=True)
class _Layer:
    """Lithiations of cells of one thickness as they change along s."""

    host: DenseHost
    thickness: float
    current: float
    cells: int

    @property
    def half(self) -> float:
        """Distance from the centre of the first cell to the face."""
        return 0.5 * self.thickness / self.cells

    def rate(self, s: float, x: Floats) -> Floats:
        """Return dx/ds."""
        W, ions = self._of(x, self.host.W), self._of(x, self.host.ions)
        inner = 0.5 * (ions[1:] + ions[:-1]) - np.diff(W) / (2.0 * self.half * self.current)
        return -self.cells * np.diff(np.concatenate([[1.0], inner, [0.0]]))

    def faces(self, x: Floats) -> tuple[float, float]:
        """Return W at the faces of the separator and of the collector."""
        ends = x[[0, -1]]
        W, ions = self._of(ends, self.host.W), self._of(ends, self.host.ions)
        reach = self.current * self.half
        return float(W[0] + (1.0 - ions[0]) * reach), float(W[1] + ions[1] * reach)

    def room(self, s: float, x: Floats) -> float:
        """Return how far the fuller face is from the discharged host, as a share of W."""
        return 1.0 - max(self.faces(x)) / float(self.host.W[-1])

    def headroom(self, s: float, x: Floats) -> float:
        """Return how far the polarisation is from its limit, in V."""
        host = self.host
        first, last = np.interp(self.faces(x), host.W, host.x)
        profile = np.concatenate([[first], x, [last]])
        U, ions = self._of(profile, host.U), self._of(profile, host.ions)
        ohmic = self.current * self.thickness * float(np.mean(self._of(x, host.resistivity)))
        voltage = U[0] - ohmic + float(np.sum(0.5 * (ions[1:] + ions[:-1]) * np.diff(U)))
        return LIMIT - (float(np.interp(np.mean(x), host.x, host.U)) - float(voltage))

    def _of(self, x: Floats, values: Floats) -> Floats:
        return np.interp(x, self.host.x, values)


def _last(event: Any) -> Any:
    """Let an event end the integration; scipy asks for an attribute of the function, which a method cannot have."""

    def ends(s: float, x: Floats) -> float:
        return float(event(s, x))

    ends.terminal = True  # type: ignore[attr-defined]
    return ends
