"""Test of a spectrum against the Kramers–Kronig relations, by the linear fit of Boukamp and of Schönleber.

A sum of RC elements, a resistance, an inductance and a capacitance in series obeys the relations whatever their values
and signs. A spectrum that such a sum cannot follow, though it has enough elements, violates them: the cell drifted, the
answer was not linear, or a number is wrong (Boukamp 1995, doi:10.1149/1.2044210; Schönleber, Klotz & Ivers-Tiffée 2014,
doi:10.1016/j.electacta.2014.01.034). The time constants are fixed, so the fit of both real and imaginary parts with
relative weights is one linear system.

Schönleber et al. find the number of elements from the point where resistances of both signs appear, which holds the
noise of a measurement out of the fit. A computed spectrum has no noise, and in one of two clean arcs that point comes
after a handful of elements with most of the spectrum still unresolved; the elements here are as dense as the data
allow, up to six in a decade.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from catholyte.errors import InputError
from catholyte.evaluation.spectrum import Complexes, read_spectrum

#: relative residual that a computed spectrum keeps with room to spare; of a measured one 1e-2 is usual
LIMIT = 1e-3

_PER_DECADE, _BEYOND = 6, 0.5
#: elements in a decade with which a consistent spectrum is followed to a few parts in ten thousand
_ENOUGH = 3.5


@dataclass(frozen=True)
class KramersKronig:
    """How far a spectrum is from one that obeys the Kramers–Kronig relations.

    Attributes
    ----------
    residual
        (fit − data)/abs(data), complex, of shape (n,).
    elements
        Number of RC elements.
    largest, rms
        Largest and root mean square magnitude of the residual.
    verdict
        "consistent" if no residual exceeds the limit; if one does, "inconsistent", or "undecided" where the frequencies
        are too few for elements that could follow a spectrum.
    """

    residual: Complexes
    elements: int
    largest: float
    rms: float
    verdict: Literal["consistent", "inconsistent", "undecided"]


def kramers_kronig(frequency: ArrayLike, impedance: ArrayLike, *, limit: float = LIMIT) -> KramersKronig:
    """Test a spectrum.

    Parameters
    ----------
    frequency, impedance
        In Hz and in any unit of impedance, in any order, both of shape (n,).
    limit
        Largest relative residual of a consistent spectrum.

    Raises
    ------
    InputError
        If the data cannot be evaluated or the limit is not above zero.
    """
    f, Z = read_spectrum(frequency, impedance, least=6)
    if not limit > 0.0:
        raise InputError("limit", limit, "a relative residual above zero, like 1e-3")
    s = 2j * np.pi * f
    first = -np.log10(2.0 * np.pi * f.max()) - _BEYOND
    last = -np.log10(2.0 * np.pi * f.min()) + _BEYOND
    elements = min(int(np.ceil(_PER_DECADE * (last - first))) + 1, f.size)
    tau = np.logspace(first, last, elements)
    columns = [1.0 / (1.0 + s[:, np.newaxis] * tau), np.ones((f.size, 1)), s[:, np.newaxis], 1.0 / s[:, np.newaxis]]
    A = np.concatenate(columns, axis=1) / np.abs(Z)[:, np.newaxis]
    b = Z / np.abs(Z)
    A = A / np.linalg.norm(A, axis=0)
    x = np.linalg.lstsq(np.concatenate([A.real, A.imag]), np.concatenate([b.real, b.imag]), rcond=1e-12)[0]
    residual = A @ x - b
    largest = float(np.abs(residual).max())
    verdict: Literal["consistent", "inconsistent", "undecided"] = "consistent"
    if largest > limit:
        verdict = "inconsistent" if elements >= _ENOUGH * (last - first) else "undecided"
    return KramersKronig(residual, elements, largest, float(np.sqrt(np.mean(np.abs(residual) ** 2))), verdict)
