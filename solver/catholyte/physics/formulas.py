"""Fitted formulas of equilibrium potentials from the literature, as sums of powers, tanh and exp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Formula:
    """U(x) = Σ p_n xⁿ + Σ a tanh(k (x − x₀)) + Σ b exp(m x + n), in V vs Li/Li⁺.

    Attributes
    ----------
    name
        As in :data:`FORMULAS`.
    powers
        p₀, p₁, …
    x_lo, x_hi
        Range of the data behind the fit, in the fit's own site fraction.
    source
        Where it was published.
    steps
        (a, k, x₀) of every tanh.
    tails
        (b, m, n) of every exp.
    """

    name: str
    powers: tuple[float, ...]
    x_lo: float
    x_hi: float
    source: str
    steps: tuple[tuple[float, float, float], ...] = ()
    tails: tuple[tuple[float, float, float], ...] = ()

    def __call__(self, x: ArrayLike, T: float) -> NDArray[Any]:
        """Return U at ``x``, real or complex; none of the formulas depends on the temperature."""
        x = np.asarray(x)
        U = np.full(x.shape, self.powers[-1], dtype=np.result_type(x, np.float64))
        for p in reversed(self.powers[:-1]):
            U = U * x + p
        for a, k, x_0 in self.steps:
            U = U + a * np.tanh(k * (x - x_0))
        for b, m, n in self.tails:
            U = U + b * np.exp(m * x + n)
        return U

    def with_slope(self, x: Floats, T: float) -> tuple[Floats, Floats]:
        """Return U and dU/dx at real ``x``."""
        U, slope = np.full(x.shape, self.powers[-1]), np.zeros(x.shape)
        for p in reversed(self.powers[:-1]):
            slope = slope * x + U
            U = U * x + p
        for a, k, x_0 in self.steps:
            step = np.tanh(k * (x - x_0))
            U += a * step
            slope += a * k * (1.0 - step * step)
        for b, m, n in self.tails:
            tail = b * np.exp(m * x + n)
            U += tail
            slope += m * tail
        return U, slope


_BPX = "https://github.com/About-Energy-OpenSource/About-Energy-BPX-Parameterisation"

FORMULAS: dict[str, Formula] = {
    formula.name: formula
    for formula in (
        Formula(
            "chen2020-nmc811",
            (4.4875, -0.8090),
            0.2661,
            0.9059,
            "doi:10.1149/1945-7111/ab9050",
            steps=(
                (-0.0428, 18.5138, 0.5542),
                (-17.7326, 15.7890, 0.3117),
                (17.5842, 15.9308, 0.3120),
            ),
        ),
        Formula(
            "mohtat2020-nmc532",
            (4.3452, -1.6518, 1.6225, -2.0843, 3.5146, -2.2166),
            0.03,
            0.95,
            "doi:10.1149/1945-7111/aba5d1",
            tails=((-0.5623e-4, 109.451, -100.006),),
        ),
        Formula(
            "bpx-nmc111",
            (10.04892207, -3.04420906),
            0.42424,
            0.9621,
            _BPX,
            steps=(
                (-0.65637536, -4.02134095, 0.80063948),
                (4.24678547, 12.17805062, 7.57659337),
                (-0.3757068, 59.33067782, 0.99784492),
            ),
        ),
        Formula(
            "bpx-lfp",
            (3.41285712, -1.49721852e-02),
            0.0875,
            0.95038,
            _BPX,
            tails=((3.54866018e14, -3.95729493e02, 0.0), (-1.45998465, 1.10108622e02, -1.10108622e02)),
        ),
        Formula(
            "afshar2017-lfp",
            (3.4077, -0.020269),
            0.0,
            1.0,
            "doi:10.48550/arXiv.1709.03970",
            tails=((0.5, -150.0, 0.0), (-0.9, 30.0, -30.0)),
        ),
    )
}
