"""The double layer of a reacting face, in parallel with the reaction and in series with what lies on either side.

With R the half-cell, contact and film resistances of a face, s the potential step across the interface and i_F the
faradaic current density, the current density is

    i = i_F(s, x) + C ds/dt,      Δφ = i·R + s.

An implicit step replaces ds/dt by γ s + β, a frequency by iω s. Either way the face keeps the form that it has
without a double layer,

    Δφ' = i_F·R' + s,      Δφ' = (Δφ − R·C·β)/k,   R' = R/k,   k = 1 + R·Y,

with the admittance Y = C γ or C iω of the double layer, so that one scalar equation is solved in all cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.physics.interface import FaceState

Array = NDArray[Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DoubleLayer:
    """Capacitance of an interface, or the constant-phase element that takes its place in a spectrum.

    Attributes
    ----------
    capacitance
        C in F/m² of interface; of a constant-phase element at the reference frequency.
    exponent
        1 for a capacitance, less for a constant-phase element Y = C·iω·(iω/ω_ref)^(exponent − 1), that is Y = Q·(iω)^n
        with Q = C·ω_ref^(1 − n) (Brug et al. 1984, doi:10.1016/S0022-0728(84)80324-1).
    reference_frequency
        In Hz.
    """

    capacitance: float
    exponent: float = 1.0
    reference_frequency: float = 1e3

    def admittance(self, omega: float) -> complex:
        """Return Y(ω) in S/m² at an angular frequency in rad/s."""
        reference = 2.0 * np.pi * self.reference_frequency
        return complex(self.capacitance * 1j * omega * (1j * omega / reference) ** (self.exponent - 1.0))


@dataclass(frozen=True)
class LinearFace:
    """How the currents of a face answer a change of Δφ and of the composition x of the host cell.

    di = conductance·dΔφ + passing·response·dx into the networks, di_F = faradaic·dΔφ + response·dx out of the host.

    Attributes
    ----------
    conductance, faradaic
        In S/m².
    response
        In A/m².
    passing
        Part of a faradaic current made by the host that leaves the face, 1/k.
    """

    conductance: Array
    faradaic: Array
    response: Array
    passing: Array

    @classmethod
    def of(
        cls,
        state: FaceState,
        resistance: Floats,
        inner: Array,
        admittance: complex,
        excess_depletion: Array | float = 0.0,
    ) -> LinearFace:
        """Linearise a face about the solution of its balance.

        Parameters
        ----------
        state
            The faradaic solution.
        resistance
            R in Ω m², shape (faces,).
        inner
            Resistance inside the host that only the faradaic current meets in Ω m², a part of s.
        admittance
            Y in S/m², real for an implicit step and complex at a frequency.
        excess_depletion
            What the drop of the site fraction in the half cell exceeds that of the solution by, in m²/A.
        """
        k = 1.0 + resistance * admittance
        slope = inner + state.slope + excess_depletion * state.lift
        alone = 1.0 / (resistance / k + slope)
        faradaic = alone / k
        # ds/dΔφ = slope·alone/k: what is left of Δφ after the resistance.
        return cls(faradaic + admittance * slope * faradaic, faradaic, alone * state.lift, 1.0 / k)

    @classmethod
    def held(cls, resistance: Floats) -> LinearFace:
        """Return the answer of a face whose double layer has had no time to change: that of its resistances alone."""
        nothing = np.zeros_like(resistance)
        return cls(1.0 / resistance, nothing, nothing, nothing)
