"""The state at the start: lithium from a voltage or a lithiation, species from the composition of their phases."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from catholyte.build.chemistry import equilibrium_voltage, starts
from catholyte.build.geometry import SEPARATOR
from catholyte.build.reactions import reacting_pairs
from catholyte.case.schema import Case, InitialState
from catholyte.errors import InputError
from catholyte.materials import Material
from catholyte.models.parameters import CellParameters
from catholyte.physics.equilibrium import EquilibriumPotential, VoltageError, inverse

#: a host is not started emptier or fuller than this
_EMPTY = 1e-3


def initial_state(
    case: Case, materials: Mapping[str, Material], parameters: CellParameters, counter_potential: float
) -> tuple[dict[str, float], float]:
    """Return what every cell holds at the start and the open-circuit voltage.

    Parameters
    ----------
    case, materials, parameters
        The case, and what was made of it.
    counter_potential
        Potential of the counter electrode in V vs Li/Li⁺.

    Returns
    -------
    State by phase, species and branch as :attr:`catholyte.build.Built.initial_lithiation`; voltage in V vs Li/Li⁺.
    Where lithium is intercalated ``cell.initial`` sets the voltage, else the composition does.
    """
    stored = {name: phase.stock for name, phase in parameters.phases.items() if phase.stock is not None}
    state = starts(case, materials, stored)
    if case.cell.initial is not None:
        laws = {name: phase.host.U for name, phase in parameters.phases.items() if phase.host is not None}
        lithiation, voltage = _hosts(case, case.cell.initial, materials, laws, counter_potential)
        return lithiation | state, voltage
    networks = {pair: face.network for pair, face in parameters.interfaces.items() if face.network is not None}
    pairs = [pair for pair in reacting_pairs(materials) if frozenset(pair) in networks]
    active_first = sorted(pairs, key=lambda pair: (pair[1] == SEPARATOR, materials[pair[0]].kind != "active"))
    return state, equilibrium_voltage(networks, active_first, state)


def _hosts(
    case: Case,
    start: InitialState,
    materials: Mapping[str, Material],
    laws: Mapping[str, EquilibriumPotential],
    counter_potential: float,
) -> tuple[dict[str, float], float]:
    """Return the site fraction of every phase that intercalates and the open-circuit voltage vs Li/Li⁺."""
    T = case.cell.temperature
    if start.lithiation is not None:
        potentials = {name: float(np.real(law(np.array([start.lithiation]), T))[0]) for name, law in laws.items()}
        return dict.fromkeys(laws, start.lithiation), max(potentials.values())
    assert start.voltage is not None
    voltage = start.voltage + (counter_potential if case.cell.voltage_reference == "cell" else 0.0)
    lithiation = {}
    for name, law in laws.items():
        try:
            lithiation[name] = inverse(law, voltage, T)
        except VoltageError as error:
            raise _unattainable(start.voltage, materials[name], error.lowest, error.highest) from error
        if not _EMPTY < lithiation[name] < 1.0 - _EMPTY:
            ends = np.real(law(np.array([1.0 - _EMPTY, _EMPTY]), T))
            raise _unattainable(start.voltage, materials[name], float(ends[0]), float(ends[1]))
    return lithiation, voltage


def _unattainable(voltage: float, material: Material, lowest: float, highest: float) -> InputError:
    return InputError(
        "cell.initial.voltage",
        f"{voltage:g} V",
        f"a voltage that {material.name} has at some lithiation, between {lowest:.3f} and {highest:.3f} V vs Li/Li+",
    )
