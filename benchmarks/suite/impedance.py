"""A spectrum of the main case with double layers at growing size, against the cost of an implicit time step."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from catholyte.simulation import Simulation
from catholyte.simulation.stage import Stage

from . import skip_long
from .discharge import Step, main_case, warm_up

#: frequencies in Hz: 60 from 1 MHz to 1 mHz
FREQUENCIES = np.geomspace(1e6, 1e-3, 60)
DOUBLE_LAYER = 'interfaces."active|electrolyte".double_layer=10 uF/cm2'
#: voxels along an edge of the case that is solved first, so that all kernels are compiled
WARM_UP = 32


def ready(voxels: int) -> Simulation:
    """Return the main case with double layers."""
    return Simulation(main_case(voxels, DOUBLE_LAYER))


def measure(simulation: Simulation, frequencies: np.ndarray) -> list[int]:
    """Measure a spectrum at rest, the state before it included; return the iterations of every frequency."""
    stage = Stage(simulation.built, simulation.built.case.cell.temperature)
    start = simulation.initial_state()
    rest = stage.biased(start, stage.resting_memory(start), 0.0, 0.0, 0.0)
    return [response.iterations for response in stage.impedance(rest.evaluation).spectrum(frequencies)]


def spectrum_cost(voxels: int) -> dict[str, float]:
    """Return seconds a frequency, seconds an implicit step of the discharge, their ratio, and iterations."""
    warm_up()
    measure(ready(WARM_UP), FREQUENCIES[:1])
    simulation = ready(voxels)
    began = perf_counter()
    iterations = measure(simulation, FREQUENCIES)
    frequency = (perf_counter() - began) / FREQUENCIES.size
    step = Step()
    step.simulation = Simulation(main_case(voxels))
    began = perf_counter()
    step.advance()
    implicit = (perf_counter() - began) / Step.steps
    return {
        "unknowns": simulation.cathode.size,
        "s": frequency,
        "step": implicit,
        "ratio": frequency / implicit,
        "iterations": float(np.mean(iterations)),
        "most": max(iterations),
    }


class Spectrum:
    """Sixty frequencies from 1 MHz to 1 mHz."""

    params = (32, 48, 96)
    param_names = ("voxels",)
    timeout = 3600
    number = 1
    repeat = 1
    rounds = 1
    warmup_time = 0

    def setup(self, voxels: int) -> None:
        skip_long(voxels, 48)
        measure(ready(WARM_UP), FREQUENCIES[:1])
        self.simulation = ready(voxels)

    def time_spectrum(self, voxels: int) -> None:
        measure(self.simulation, FREQUENCIES)

    def peakmem_spectrum(self, voxels: int) -> None:
        measure(self.simulation, FREQUENCIES)

    def track_cost_over_implicit_step(self, voxels: int) -> float:
        return spectrum_cost(voxels)["ratio"]

    track_cost_over_implicit_step.unit = "steps a frequency"

    def track_iterations(self, voxels: int) -> float:
        return float(np.mean(measure(self.simulation, FREQUENCIES)))

    track_iterations.unit = "products a frequency"
