r"""Equilibrium potentials that fall everywhere: the common-tangent construction, and a slight tilt of plateaus.

In local equilibrium a cell has one composition, so a material that separates into two phases needs the potential of
the mixture: where U(x) does not fall, its free energy G(x) = −F ∫ U dx is replaced by its lower convex hull, which
makes U constant between the two phases at equilibrium (Maxwell's construction),

    U(x_a) = U(x_b) = (1/(x_b − x_a)) ∫_{x_a}^{x_b} U dx.

A front between the phases is then a jump of x from one cell to the next. So that x follows from U, laws that are flat
anywhere are tilted as a whole by :data:`TILT` about x = 1/2, which moves U by at most half of it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.optimize import brentq

from catholyte.physics.equilibrium import EquilibriumPotential, value_and_slope

Floats = NDArray[np.float64]

#: fall of a tilted law between x = 0 and x = 1 beyond that of its own, in V
TILT = 1e-3
#: points at which a law is looked at, and how far from 0 and 1
_POINTS, _END = 4001, 1e-5


@dataclass(frozen=True)
class Plateau:
    """Coexistence of two phases: the site fractions of both and the potential in V."""

    x_a: float
    x_b: float
    U: float


@dataclass(frozen=True)
class Falling:
    """A law with its plateaus, tilted.

    Attributes
    ----------
    law
        The law as given.
    plateaus
        Where it is replaced by the potential of two coexisting phases; they do not overlap.
    """

    law: EquilibriumPotential
    plateaus: tuple[Plateau, ...]

    @property
    def x_lo(self) -> float:
        """Lower end of the range in which the law is backed by data."""
        return self.law.x_lo

    @property
    def x_hi(self) -> float:
        """Upper end of that range."""
        return self.law.x_hi

    def __call__(self, x: ArrayLike, T: float) -> NDArray[Any]:
        """Return U at site fractions ``x`` (any shape, real or complex) and temperature ``T`` in K."""
        x = np.asarray(x)
        U = np.array(self.law(x, T))
        for plateau in self.plateaus:
            U[self._within(plateau, x.real)] = plateau.U
        return U - TILT * (x - 0.5)

    def with_slope(self, x: Floats, T: float) -> tuple[Floats, Floats]:
        """Return U and dU/dx at real ``x``."""
        U, slope = (np.array(values) for values in value_and_slope(self.law, x, T))
        for plateau in self.plateaus:
            within = self._within(plateau, x)
            U[within], slope[within] = plateau.U, 0.0
        return U - TILT * (x - 0.5), slope - TILT

    @staticmethod
    def _within(plateau: Plateau, x: Floats) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = (x > plateau.x_a) & (x < plateau.x_b)
        return inside


def falling(law: EquilibriumPotential, T: float) -> EquilibriumPotential:
    """Return the law itself if it falls everywhere by more than the tilt, else with plateaus and tilted.

    Parameters
    ----------
    law
        Equilibrium potential.
    T
        Temperature in K at which phases coexist.
    """
    x = _sample()
    U, slope = value_and_slope(law, x, T)
    if slope.max() < -TILT:
        return law
    return Falling(law, tuple(_polished(law, T, x[a], x[b]) for a, b in _gaps(x, U)))


def _sample() -> Floats:
    """Return site fractions from one end to the other, finer towards both."""
    s = np.linspace(-1.0, 1.0, _POINTS)
    return _END + (1.0 - 2.0 * _END) * 0.5 * (1.0 + np.sin(0.5 * np.pi * s))


def _gaps(x: Floats, U: Floats) -> list[tuple[int, int]]:
    """Return both ends of every part of −∫ U dx that its lower convex hull bridges."""
    energy = -np.concatenate([[0.0], np.cumsum(0.5 * (U[1:] + U[:-1]) * np.diff(x))])
    hull: list[int] = []
    for k in range(x.size):
        while len(hull) > 1:
            i, j = hull[-2], hull[-1]
            if (energy[j] - energy[i]) * (x[k] - x[i]) >= (energy[k] - energy[i]) * (x[j] - x[i]):
                hull.pop()
            else:
                break
        hull.append(k)
    return [(a, b) for a, b in itertools.pairwise(hull) if b - a > 1 and np.ptp(U[a : b + 1]) > 1e-9]


def _polished(law: EquilibriumPotential, T: float, x_a: float, x_b: float) -> Plateau:
    """Return the coexistence whose phases lie near x_a and x_b."""

    def potential(x: float) -> float:
        return float(np.real(law(np.array([x]), T))[0])

    def edges(U: float) -> tuple[float, float]:
        below = _root(potential, U, x_a, downwards=True)
        above = _root(potential, U, x_b, downwards=False)
        return below, above

    def excess(U: float) -> float:
        a, b = edges(U)
        return float(quad(lambda x: potential(x) - U, a, b, limit=200)[0])

    middle = 0.5 * (potential(x_a) + potential(x_b))
    width = max(abs(potential(x_a) - potential(x_b)), 1e-6)
    try:
        U = float(brentq(excess, middle - 2.0 * width, middle + 2.0 * width, xtol=1e-12))
        a, b = edges(U)
    except ValueError:  # the law jumps or ends there: what the points gave stands
        return Plateau(x_a, x_b, middle)
    return Plateau(a, b, U)


def _root(potential: Any, U: float, near: float, *, downwards: bool) -> float:
    """Return the x next to ``near`` at which the falling branch has the potential U."""
    reach = 1e-4
    while reach < 0.5:
        low, high = max(near - reach, 1e-12), min(near + reach, 1.0 - 1e-12)
        if (potential(low) - U) * (potential(high) - U) <= 0.0 and potential(low) > potential(high):
            return float(brentq(lambda x: potential(x) - U, low, high, xtol=1e-14))
        reach *= 1.5
    raise ValueError("no such composition")
