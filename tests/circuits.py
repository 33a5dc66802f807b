"""Spectra of circuits that several tests share: two arcs behind a resistance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catholyte.physics.elements import Element, Zarc

#: six frequencies in a decade
FREQUENCY = np.logspace(6.0, -2.0, 49)
OMEGA = 2.0 * np.pi * FREQUENCY
R_INF = 5e-4
FAST, SLOW = Zarc(20e-4, 1e-4, 0.9), Zarc(30e-4, 1e-1, 0.8)


def behind(*elements: Element, omega: NDArray[np.float64] = OMEGA) -> NDArray[np.complex128]:
    """Return the impedance of elements in series with a resistance, in Ω m²."""
    Z = np.full(omega.shape, R_INF, dtype=np.complex128)
    for element in elements:
        Z += element.impedance(omega)
    return Z


TWO_ZARC = behind(FAST, SLOW)
