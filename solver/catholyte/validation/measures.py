"""All measures by the name that a row gives as its ``quantity``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

from catholyte.validation.along import (
    read_capacity,
    read_composition,
    read_curve_distance,
    read_efficiency,
    read_energy,
    read_mean_voltage,
    read_retention,
    read_spread,
    read_voltage,
)
from catholyte.validation.instruments import (
    read_diffusivity,
    read_peak_potentials,
    read_relaxation_resistance,
    read_relaxation_times,
    read_resistance,
)
from catholyte.validation.measure import Measure
from catholyte.validation.reading import Keys

#: quantity -> reader of its table, which is also given the folder of the case
MEASURES: Mapping[str, Callable[[Keys, Path], Measure]] = {
    "charge capacity": functools.partial(read_capacity, direction="charge"),
    "discharge capacity": functools.partial(read_capacity, direction="discharge"),
    "mean charge voltage": functools.partial(read_mean_voltage, direction="charge"),
    "mean discharge voltage": functools.partial(read_mean_voltage, direction="discharge"),
    "charge energy": functools.partial(read_energy, direction="charge"),
    "discharge energy": functools.partial(read_energy, direction="discharge"),
    "voltage": read_voltage,
    "lithiation spread": read_spread,
    "composition": read_composition,
    "coulombic efficiency": read_efficiency,
    "retention": read_retention,
    "curve distance": read_curve_distance,
    "peak potentials": read_peak_potentials,
    "gitt diffusivity": read_diffusivity,
    "resistance": read_resistance,
    "relaxation times": read_relaxation_times,
    "relaxation resistance": read_relaxation_resistance,
}


def read_measure(keys: Keys, folder: Path) -> Measure:
    """Read one measure.

    Raises
    ------
    InputError, InputErrors
        If its table cannot be understood.
    """
    reader = MEASURES[keys.choice("quantity", tuple(MEASURES))]
    found = reader(keys, folder)
    keys.close()
    return found
