"""Circuit elements in series with the cell, for what is not meshed.

In the frequency domain an element is its exact impedance. In time it is a chain: a resistance R, RC elements and the
elastance S of a capacitor, all in series, so that at the current density i::

    v = R i + Σ_k v_k + S q,       dv_k/dt = (i R_k − v_k)/τ_k,       dq/dt = i

Every element but the inductor has a distribution of relaxation times that is known exactly and never negative; the
chain is that distribution as it stands (RC), cut into discrete times (ZARC), or the partial fractions of its
hyperbolic function (Warburg). All values are per cell area.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: how far the impedance of a chain may be from that of its element, over the resistance of the element
CHAIN_ERROR = 1e-3


def _none() -> Reals:
    return np.empty(0)


def _s(omega: Reals) -> Complexes:
    """Return iω."""
    return np.asarray(omega, dtype=np.complex128) * 1j


@dataclass(frozen=True)
class Chain:
    """Elements in series that a time step can follow.

    Attributes
    ----------
    resistance
        What answers at once, in Ω m².
    branch_resistance, branch_time
        R_k in Ω m² and τ_k in s of the RC elements.
    elastance
        Inverse of the capacitance in series, in V m²/(A s); zero where direct current flows.
    """

    resistance: float = 0.0
    branch_resistance: Reals = field(default_factory=_none)
    branch_time: Reals = field(default_factory=_none)
    elastance: float = 0.0

    def impedance(self, omega: Reals) -> Complexes:
        """Return the impedance in Ω m² at the angular frequencies ``omega`` in rad/s."""
        s = _s(omega)
        return (
            self.resistance
            + self.elastance / s
            + (self.branch_resistance / (1.0 + s[:, np.newaxis] * self.branch_time)).sum(axis=1)
        )


class Element(Protocol):
    """What is asked of an element."""

    def impedance(self, omega: Reals) -> Complexes:
        """Return the impedance in Ω m² at the angular frequencies ``omega`` in rad/s, of shape (n,)."""
        ...

    def chain(self) -> Chain:
        """Return what stands for the element in time."""
        ...


@dataclass(frozen=True)
class ParallelRC:
    """A resistance and a capacitance side by side: Z = R/(1 + iωRC).

    Attributes
    ----------
    resistance, capacitance
        R in Ω m² and C in F/m².
    """

    resistance: float
    capacitance: float

    def impedance(self, omega: Reals) -> Complexes:
        """Return the impedance in Ω m² at the angular frequencies ``omega`` in rad/s."""
        return self.resistance / (1.0 + _s(omega) * (self.resistance * self.capacitance))

    def chain(self) -> Chain:
        """Return the element itself."""
        return Chain(0.0, np.array([self.resistance]), np.array([self.resistance * self.capacitance]))


@dataclass(frozen=True)
class Zarc:
    """A resistance beside a constant-phase element: Z = R/(1 + (iωτ)^α), a depressed arc.

    Cole & Cole 1941, doi:10.1063/1.1750906; the name and the distribution are those of Boukamp 2015,
    doi:10.1016/j.electacta.2014.12.059.

    Attributes
    ----------
    resistance, time_constant
        R in Ω m² and τ in s.
    exponent
        α, above 0 and at most 1; at 1 it is an RC element.
    """

    resistance: float
    time_constant: float
    exponent: float

    def impedance(self, omega: Reals) -> Complexes:
        """Return the impedance in Ω m² at the angular frequencies ``omega`` in rad/s."""
        return self.resistance / (1.0 + (_s(omega) * self.time_constant) ** self.exponent)

    def distribution(self, tau: Reals) -> Reals:
        """Return the distribution of relaxation times γ(ln τ) in Ω m²; its integral over ln τ is R.

        γ = (R/2π) sin((1−α)π) / [cosh(α ln(τ/τ_0)) − cos((1−α)π)], finite for α < 1.
        """
        return self.resistance * _density(np.log(tau / self.time_constant), self.exponent)

    def chain(self) -> Chain:
        """Return the distribution cut into discrete times, with the resistance of the element in all.

        The times stand at s = ln(τ_k/τ) = b·sinh(k h), h being the largest of a falling series that keeps
        :data:`CHAIN_ERROR`: dense around τ, where the distribution peaks at a width that vanishes as α → 1, sparse
        in its tails. R_k = h (ds/dk) γ(s_k) is the trapezium rule, which errs little on functions as smooth as this.
        """
        if self.exponent == 1.0:
            return Chain(0.0, np.array([self.resistance]), np.array([self.time_constant]))
        width = np.pi * (1.0 - self.exponent) / self.exponent  # from the real axis to the next pole of γ(s)
        b = min(width, 0.5 * np.pi)  # the response of a relaxation has its own at π/2
        # beyond ±far lies a tenth of the error allowed: the tails are sin((1−α)π)/(πα)·exp(−α|s|) each
        tails = 2.0 * np.sin((1.0 - self.exponent) * np.pi) / (np.pi * self.exponent * 0.1 * CHAIN_ERROR)
        far = max(np.log(tails), 1.0) / self.exponent
        last = np.arcsinh(far / b)
        # one unit of ln ω resolves an arc, so twice as many show the largest error of all frequencies
        omega = np.exp(np.arange(-far - 8.0, far + 8.0, 0.25)) / self.time_constant
        exact = self.impedance(omega)
        count = 3
        while True:
            k = np.linspace(-last, last, 2 * count + 1)
            share = np.cosh(k) * _density(b * np.sinh(k), self.exponent)
            chain = Chain(0.0, self.resistance * share / share.sum(), self.time_constant * np.exp(b * np.sinh(k)))
            if np.abs(chain.impedance(omega) - exact).max() <= CHAIN_ERROR * self.resistance:
                return chain
            count += 1


def _density(s: Reals, alpha: float) -> Reals:
    """Return γ/R of a ZARC at s = ln(τ/τ_0)."""
    beyond = np.clip(alpha * s, -700.0, 700.0)  # where cosh would overflow
    angle = (1.0 - alpha) * np.pi
    # cosh(a) − cos(b) = 2 sinh²(a/2) + 2 sin²(b/2) does not cancel at the peak of a narrow distribution
    return np.sin(angle) / (4.0 * np.pi * (np.sinh(0.5 * beyond) ** 2 + np.sin(0.5 * angle) ** 2))


@dataclass(frozen=True)
class FiniteSpaceWarburg:
    """Diffusion into a layer with a reflecting end: Z = R coth(√(iωτ))/√(iωτ).

    At high frequency it is a line at 45°, at low frequency a resistance R/3 and a capacitance τ/R in series.
    Ho, Raistrick & Huggins 1980, doi:10.1149/1.2129668.

    Attributes
    ----------
    resistance, time_constant
        R in Ω m² and τ = L²/D in s, of a layer of thickness L.
    """

    resistance: float
    time_constant: float

    def impedance(self, omega: Reals) -> Complexes:
        """Return the impedance in Ω m² at the angular frequencies ``omega`` in rad/s."""
        p = _s(omega) * self.time_constant
        low = np.abs(p) < 1e-3
        root: Complexes = np.sqrt(np.where(low, 1.0, p))
        # the series keeps the real part R/3, which 1/p would swamp
        series = 1.0 / p + 1.0 / 3.0 - p / 45.0 + 2.0 * p**2 / 945.0
        share: Complexes = np.where(low, series, 1.0 / (root * np.tanh(root)))
        return self.resistance * share

    def chain(self) -> Chain:
        """Return the partial fractions Z = R/(iωτ) + Σ_k 2R/(iωτ + k²π²), k = 1, 2, …, the fast ones in groups."""
        return _diffusion_chain(self, 1.0, self.resistance / 3.0, self.resistance / self.time_constant)


@dataclass(frozen=True)
class FiniteLengthWarburg:
    """Diffusion through a layer to an end held at one concentration: Z = R tanh(√(iωτ))/√(iωτ).

    At high frequency it is a line at 45°, at low frequency the resistance R.

    Attributes
    ----------
    resistance, time_constant
        R in Ω m² and τ = L²/D in s, of a layer of thickness L.
    """

    resistance: float
    time_constant: float

    def impedance(self, omega: Reals) -> Complexes:
        """Return the impedance in Ω m² at the angular frequencies ``omega`` in rad/s."""
        p = _s(omega) * self.time_constant
        low = np.abs(p) < 1e-3
        root: Complexes = np.sqrt(np.where(low, 1.0, p))
        share: Complexes = np.where(low, 1.0 - p / 3.0 + 2.0 * p**2 / 15.0, np.tanh(root) / root)
        return self.resistance * share

    def chain(self) -> Chain:
        """Return the partial fractions Z = Σ_k 2R/(iωτ + k²π²), k = ½, 3/2, …, the fast ones in groups."""
        return _diffusion_chain(self, 0.5, self.resistance, 0.0)


def _diffusion_chain(
    warburg: FiniteSpaceWarburg | FiniteLengthWarburg, first: float, total: float, elastance: float
) -> Chain:
    """Return the partial fractions of R_k = 2R/(k²π²) and τ_k = τ/(k²π²), k from ``first`` in steps of one.

    Their sum falls as slowly as 1/k. Terms alike enough are therefore put together, with their resistance and their
    mean time; what is left after the last group, a hundredth of a per cent of R, answers at once. ``total`` is the
    sum of all R_k.
    """
    width, last = 1.5, 2.0 / (np.pi**2 * 0.1 * CHAIN_ERROR)
    starts = [0]
    while starts[-1] < last:
        starts.append(max(starts[-1] + 1, int(width * starts[-1])))
    k = first + np.arange(starts[-1])
    share = 2.0 / (np.pi * k) ** 2
    grouped = np.add.reduceat(share, starts[:-1])
    time = np.add.reduceat(share / (np.pi * k) ** 2, starts[:-1]) / grouped
    R = warburg.resistance * grouped
    return Chain(total - float(R.sum()), R, warburg.time_constant * time, elastance)


@dataclass(frozen=True)
class Inductor:
    """The inductance of the cell and its leads: Z = iωL.

    Attributes
    ----------
    inductance
        L in H m² (V s m²/A): that of the cell times its area.
    """

    inductance: float

    def impedance(self, omega: Reals) -> Complexes:
        """Return the impedance in Ω m² at the angular frequencies ``omega`` in rad/s."""
        return _s(omega) * self.inductance

    def chain(self) -> Chain:
        """Return nothing: its L di/dt is over, at microhenries and milliohms, before a cycler takes a point."""
        return Chain()
