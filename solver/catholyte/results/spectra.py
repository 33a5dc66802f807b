"""An impedance spectrum as it was computed in a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray

_REAL, _IMAGINARY = "real ", "imaginary "


@dataclass(frozen=True)
class Spectrum:
    """Impedance of the cell at one state of a run.

    Attributes
    ----------
    frequency
        In Hz, in the order of the measurement, shape (n,).
    impedance
        In Ω m² of cell area, shape (n,), complex.
    parts
        What each phase and interface contributes, each of shape (n,), complex; they sum to the impedance.
    time, voltage, current_density, charge, temperature
        The state: s, V vs Li/Li⁺, A/m² and A s/m² (discharge positive), K.
    cycle, step, task
        Where in the protocol: cycle and step within it from 0, and number of the task.
    point
        Point of the curves at which it was taken, from 0.
    """

    frequency: NDArray[np.float64]
    impedance: NDArray[np.complex128]
    parts: Mapping[str, NDArray[np.complex128]]
    time: float
    voltage: float
    current_density: float
    charge: float
    temperature: float
    cycle: int
    step: int
    task: int
    point: int


def spectrum_row(impedance: complex, parts: Mapping[str, complex]) -> dict[str, float]:
    """Return an impedance and its parts as numbers by name, for :func:`read_spectra`."""
    row = {"real": impedance.real, "imaginary": impedance.imag}
    for name, value in parts.items():
        row |= {_REAL + name: value.real, _IMAGINARY + name: value.imag}
    return row


def read_spectra(rows: Mapping[str, NDArray[Any]], curves: xarray.Dataset) -> tuple[Spectrum, ...]:
    """Return the spectra in the rows of a store, each with the state of its point."""
    parts = [name.removeprefix(_REAL) for name in rows if name.startswith(_REAL)]
    spectra = []
    for number in np.unique(rows["spectrum"]):
        at = np.flatnonzero(rows["spectrum"] == number)
        point = int(rows["point"][at[0]])
        state = {str(name): float(curves[name][point]) for name in curves.data_vars}
        split = {name: rows[_REAL + name][at] + 1j * rows[_IMAGINARY + name][at] for name in parts}
        spectra.append(
            Spectrum(
                frequency=rows["frequency"][at],
                impedance=rows["real"][at] + 1j * rows["imaginary"][at],
                parts={name: part for name, part in split.items() if part.any()},
                time=state["time"],
                voltage=state["voltage"],
                current_density=state["current_density"],
                charge=state["charge"],
                temperature=state["temperature"],
                cycle=int(state["cycle_index"]),
                step=int(state["step_index"]),
                task=int(state["task"]),
                point=point,
            )
        )
    return tuple(spectra)
