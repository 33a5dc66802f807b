"""What every evaluation of an impedance spectrum asks of its data."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catholyte.errors import InputError

Reals = NDArray[np.float64]
Complexes = NDArray[np.complex128]


def read_spectrum(frequency: ArrayLike, impedance: ArrayLike, *, least: int) -> tuple[Reals, Complexes]:
    """Return frequency and impedance as arrays that can be evaluated, in the order given.

    Parameters
    ----------
    frequency, impedance
        In Hz and in any unit of impedance, both of shape (n,).
    least
        How many frequencies the evaluation needs.

    Raises
    ------
    InputError
        If the two differ in shape, are too few, hold what is no number, or a frequency twice.
    """
    f, Z = np.asarray(frequency, dtype=np.float64), np.asarray(impedance, dtype=np.complex128)
    if f.ndim != 1 or f.shape != Z.shape:
        raise InputError("impedance", Z.shape, f"one value at each of the frequencies, whose shape is {f.shape}")
    if f.size < least:
        raise InputError("frequency", f"{f.size} values", f"at least {least}")
    if not (np.isfinite(f).all() and (f > 0.0).all() and np.unique(f).size == f.size):
        raise InputError("frequency", f.tolist(), "finite frequencies above zero in Hz, each once")
    if not (np.isfinite(Z).all() and (Z != 0.0).all()):
        raise InputError("impedance", "some values", "finite values that are not zero")
    return f, Z
