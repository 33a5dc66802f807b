"""Case in, everything a run needs out; every fault of the input is found here, before anything is computed."""

from __future__ import annotations

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
from catholyte.build.initial import initial_state
from catholyte.build.layers import LayeredGeometry, check_double_layer, in_layers
from catholyte.build.particles import ParticleGeometry
from catholyte.build.places import AnyGeometry, cells_of, on_surfaces, place_of, surfaces_of
from catholyte.build.reactions import PlannedReaction, planned_reactions
from catholyte.case.schema import Case
from catholyte.experiment import Program, Scales, Spectrum, check_start
from catholyte.materials import Material
from catholyte.mesh.graph import Graph
from catholyte.mesh.percolation import Percolation
from catholyte.models.parameters import CellParameters

if TYPE_CHECKING:
    from catholyte.models.cathode import Cathode

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
        Label image, separator and collector included; layers; or particles.
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
    reactions
        Reactions of networks, with those that do not take place.
    initial_lithiation
        State at the start: the site fraction of lithium in every phase that intercalates, as ``"<phase>"``; the
        fraction of every species, as ``"<phase> <species>"``; the state of every branch, as
        ``"<phase> branch <reaction>"``.
    initial_voltage
        Open-circuit voltage at the start in V vs Li/Li⁺.
    surfaces
        Area at which two phases react over that of the faces between their voxels, where these are corrected.
    """

    case: Case
    geometry: AnyGeometry
    materials: Mapping[str, Material]
    graph: Graph
    percolation: Percolation
    parameters: CellParameters
    design: Design
    program: Program
    counter_potential: float
    reactions: tuple[PlannedReaction, ...]
    initial_lithiation: Mapping[str, float]
    initial_voltage: float
    surfaces: Mapping[frozenset[str], float]

    @property
    def mesh_sha256(self) -> str:
        """Hash of what the graph is made from."""
        return self.geometry.sha256

    @property
    def unknowns(self) -> int:
        """Number of unknowns of the model: the potentials, what every cell stores, the terminal."""
        names = self.graph.phase_names
        cells = dict(zip(names, np.bincount(self.graph.phase, minlength=len(names)).tolist(), strict=True))
        stores = {name: len(phase.stock.stores) for name, phase in self.parameters.phases.items() if phase.stock}
        stores |= {name: 1 for name, phase in self.parameters.phases.items() if phase.host is not None}
        return self.graph.n_potentials + sum(cells.get(name, 0) * count for name, count in stores.items()) + 1

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
        found = _parameters(self.case, self.materials, self.geometry.cross_section, temperature)
        return Cathode(self.graph, on_surfaces(found, self.surfaces))


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
    _, counter_potential = lumped_parameters(case, T)
    program = Program.parse(section.steps, repeat=section.repeat, until=section.until, continued=section.continued)
    for task in program.tasks:
        if task.item.temperature is not None:
            _parameters(case, materials, 1.0, task.item.temperature)  # whatever cannot be is told now
    lithiation, voltage = initial_state(case, materials, parameters, counter_potential)
    reference = counter_potential if case.cell.voltage_reference == "cell" else 0.0
    check_start(program, voltage - reference, T)
    place = place_of(case, materials)
    graph, paths = cells_of(case, place, parameters)
    surfaces = surfaces_of(case, place)
    derived = design(case, place, materials)
    if isinstance(place, LayeredGeometry | ParticleGeometry):
        check_double_layer(parameters, place.pair, surface=place.surface, one_c=derived.current_density_1C)
    return Built(
        case=case,
        geometry=place,
        materials=materials,
        graph=graph,
        percolation=paths,
        parameters=on_surfaces(replace(parameters, cross_section=place.cross_section), surfaces),
        design=derived,
        program=program,
        counter_potential=counter_potential,
        reactions=planned_reactions(case, materials),
        initial_lithiation=lithiation,
        initial_voltage=voltage,
        surfaces=surfaces,
    )


def _parameters(case: Case, materials: Mapping[str, Material], cross_section: float, T: float) -> CellParameters:
    """Return the properties of phases, interfaces and cell at a temperature in K."""
    lumped, _ = lumped_parameters(case, T)
    phases, interfaces = phase_parameters(case, materials, T), interface_parameters(case, materials, T)
    if case.mesh.layers is not None:
        phases, interfaces = in_layers(case, materials, phases, interfaces, T)
    return CellParameters(
        phases=phases,
        interfaces=interfaces,
        cross_section=cross_section,
        temperature=T,
        lumped=lumped,
        charging=case.solver.double_layers == "always",
    )
