"""Case in, everything a run needs out; every fault of the input is found here, before anything is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from catholyte.build.cell import (
    interface_parameters,
    load_materials,
    lumped_parameters,
    phase_parameters,
)
from catholyte.build.design import Design, design
from catholyte.build.geometry import Geometry, geometry
from catholyte.case.schema import Case
from catholyte.errors import InputError
from catholyte.experiment import Program, Scales, Spectrum, check_start
from catholyte.materials import Material
from catholyte.mesh.graph import Graph
from catholyte.mesh.percolation import Percolation, percolation
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.parameters import CellParameters
from catholyte.physics.equilibrium import VoltageError, inverse

if TYPE_CHECKING:
    from catholyte.models.cathode import Cathode

#: a host is not started emptier or fuller than this
_EMPTY = 1e-3
#: peak memory of a run in bytes: fixed part and part per unknown (docs/performance.md: within 5 % from 16³ to 128³)
_MEMORY_BASE, _MEMORY_PER_UNKNOWN = 292e6, 815.0
#: what impedance spectra, whose systems are complex, add for each unknown
_MEMORY_OF_SPECTRA = 110.0


@dataclass(frozen=True)
class Built:
    """A case made ready.

    Attributes
    ----------
    case
        The case.
    geometry
        Label image, separator and collector included.
    materials
        Material of every phase, with the case's overrides.
    graph
        The cells that take part.
    percolation
        What is connected and what was excluded.
    parameters
        Properties of phases, interfaces and cell at the temperature of the cell.
    design
        Derived numbers.
    program
        The protocol.
    counter_potential
        Potential of the counter electrode in V vs Li/Li⁺.
    initial_lithiation
        Site fraction of every active phase at the start.
    initial_voltage
        Open-circuit voltage at the start in V vs Li/Li⁺.
    """

    case: Case
    geometry: Geometry
    materials: Mapping[str, Material]
    graph: Graph
    percolation: Percolation
    parameters: CellParameters
    design: Design
    program: Program
    counter_potential: float
    initial_lithiation: Mapping[str, float]
    initial_voltage: float

    @property
    def mesh_sha256(self) -> str:
        """Hash of the label image with its spacing."""
        digest = hashlib.sha256(repr((self.geometry.labels.shape, self.geometry.spacing)).encode())
        digest.update(self.geometry.labels.tobytes())
        return digest.hexdigest()

    @property
    def unknowns(self) -> int:
        """Number of unknowns of the model: a potential a cell, lithium in active cells, the terminal."""
        kinds = {name: phase.kind for name, phase in self.parameters.phases.items()}
        active = [k for k, name in enumerate(self.graph.phase_names) if kinds.get(name) == "active"]
        return self.graph.n_cells + int(np.isin(self.graph.phase, active).sum()) + 1

    @property
    def estimated_memory(self) -> float:
        """Peak memory of a run in bytes."""
        spectra = any(isinstance(task.item, Spectrum) for task in self.program.tasks)
        return _MEMORY_BASE + (_MEMORY_PER_UNKNOWN + _MEMORY_OF_SPECTRA * spectra) * self.unknowns

    @property
    def scales(self) -> Scales:
        """What the amounts of the protocol refer to."""
        return Scales(self.design.areal_capacity, self.case.cell.area, self.design.active_areal_mass)

    def cathode(self, temperature: float | None = None) -> Cathode:
        """Return the model, at the temperature of the cell or another one in K."""
        from catholyte.models.cathode import Cathode  # compiled kernels are loaded only for a run

        if temperature is None or temperature == self.parameters.temperature:
            return Cathode(self.graph, self.parameters)
        return Cathode(self.graph, _parameters(self.case, self.materials, self.geometry.cross_section, temperature))


def build(case: Case) -> Built:
    """Turn a case into the objects of a run.

    Raises
    ------
    InputError, InputErrors
        Whatever the case gives that cannot be used.
    MeshError
        If nothing percolates.
    """
    materials = load_materials(case)
    section, T = case.experiment, case.cell.temperature
    parameters = _parameters(case, materials, 1.0, T)
    phases = parameters.phases
    _, counter_potential = lumped_parameters(case, T)
    program = Program.parse(section.steps, repeat=section.repeat, until=section.until, continued=section.continued)
    for task in program.tasks:
        if task.item.temperature is not None:
            _parameters(case, materials, 1.0, task.item.temperature)  # whatever cannot be is told now
    lithiation, voltage = _initial(case, materials, counter_potential)
    reference = counter_potential if case.cell.voltage_reference == "cell" else 0.0
    check_start(program, voltage - reference, T)
    image = geometry(case, materials)
    voids = tuple(name for name in image.phase_names if name not in materials)
    whole = voxel_graph(
        image.labels,
        image.spacing,
        image.phase_names,
        excluded=voids,
        periodic=case.mesh.side_walls == "periodic",
    )
    kinds = {name: phases[name].kind if name in phases else "void" for name in image.phase_names}
    paths = percolation(whole, kinds)
    return Built(
        case=case,
        geometry=image,
        materials=materials,
        graph=whole.subset(paths.keep),
        percolation=paths,
        parameters=replace(parameters, cross_section=image.cross_section),
        design=design(case, image, materials),
        program=program,
        counter_potential=counter_potential,
        initial_lithiation=lithiation,
        initial_voltage=voltage,
    )


def _parameters(case: Case, materials: Mapping[str, Material], cross_section: float, T: float) -> CellParameters:
    """Return the properties of phases, interfaces and cell at a temperature in K."""
    lumped, _ = lumped_parameters(case, T)
    return CellParameters(
        phases=phase_parameters(case, materials, T),
        interfaces=interface_parameters(case, materials, T),
        cross_section=cross_section,
        temperature=T,
        lumped=lumped,
        charging=case.solver.double_layers == "always",
    )


def _initial(case: Case, materials: Mapping[str, Material], counter_potential: float) -> tuple[dict[str, float], float]:
    """Return the site fraction of every active phase and the open-circuit voltage vs Li/Li⁺ at the start."""
    T = case.cell.temperature
    laws = {
        name: material.equilibrium_potential
        for name, material in materials.items()
        if material.kind == "active" and material.equilibrium_potential is not None
    }
    start = case.cell.initial
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
