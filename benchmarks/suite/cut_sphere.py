"""A quarter of a sphere of active material that the collector plate cuts, in electrolyte, in tetrahedra and in voxels.

Tetrahedra come from the exact sphere, with their nodes on it; voxels belong to the phase in which their centre lies.
Both are discharged at the rate that their own volume of active material makes of 1C, in equal time steps, so that what
tells two curves apart is the mesh alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from catholyte.mesh.area import interface_areas
from catholyte.mesh.graph import Graph
from catholyte.mesh.nodes import node_graph
from catholyte.mesh.shapes import ParticleShape, build
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl
from catholyte.models.parameters import CellParameters, Host, Interface, Phase
from catholyte.physics.constants import F
from catholyte.physics.equilibrium import IdealSolution, Linear
from catholyte.physics.kinetics import ButlerVolmer, SymmetricExchange
from catholyte.physics.transport import Diffusion, MixedConduction, Uniform
from catholyte.solve.frames import Settings
from catholyte.solve.linear import LinearSolver, linear_solver
from catholyte.solve.transient import Integrator

from .coupled import NewtonSystem

Floats = NDArray[np.float64]

#: lengths in m, and the angle between the axis and the rim of the contact in degrees
_RADIUS, _GAP, _SEPARATOR, _ANGLE = 2.5e-6, 1e-6, 2e-6, 40.0
_HALF = _RADIUS + _GAP
_RISE = float(np.cos(np.radians(_ANGLE)))
_TOP = _SEPARATOR + _GAP + _RADIUS * (1.0 + _RISE)

#: of the quarter in m³, and of its surface in the electrolyte in m²
VOLUME = 0.25 * np.pi * _RADIUS**3 * (2.0 / 3.0 + _RISE - _RISE**3 / 3.0)
AREA = 0.5 * np.pi * _RADIUS**2 * (1.0 + _RISE)

#: site fraction at the start and at the end of a discharge at 1C
BEGIN, END = 0.3, 0.8
_T = 298.15
_HOUR = 3600.0
_DURATION = (END - BEGIN) * _HOUR

_ELECTROLYTE, _SEPARATOR_LABEL, _ACTIVE = range(3)
_NAMES = ("electrolyte", "separator", "active")


@dataclass(frozen=True)
class Material:
    """The active material, and its exchange current density in A/m²."""

    phase: Phase
    i0: float


def diffusing() -> Material:
    """Return what is much like a layered oxide: electrons are mobile, lithium diffuses."""
    U = IdealSolution(3.8, margules=(-0.4 * F,))
    return Material(Phase("active", 10.0, Host(49000.0, U, Diffusion(2e-14, 49000.0))), 1.0)


def mixed(sigma_e: float = 30.0, sigma_i: float = 0.05) -> Material:
    """Return what conducts both ions and electrons, much like LTGPSSe unless conductivities in S/m are given."""
    U = Linear(2.9, 2.2)
    conduction = MixedConduction(Uniform(sigma_e), Uniform(sigma_i), U)
    return Material(Phase("active", sigma_e, Host(18655.0, U, conduction)), 10.0)


@dataclass(frozen=True, eq=False)
class Curve:
    """A discharge at 1C.

    Attributes
    ----------
    voltage
        In V at equal steps of charge.
    volume
        Of the active material in m³, to which the charge is proportional.
    """

    voltage: Floats
    volume: float

    def apart(self, other: Curve) -> float:
        """Return the largest distance of two curves at equal charge per volume, in V."""
        return float(np.abs(self.voltage - other.voltage).max())

    def apart_by_charge(self, other: Curve) -> float:
        """Return the largest distance at equal charge, as far as both go, in V."""
        charge = np.arange(self.voltage.size) * self.volume
        theirs = np.arange(other.voltage.size) * other.volume
        common = charge <= theirs[-1]
        between = CubicSpline(theirs, other.voltage)(charge[common])
        return float(np.abs(self.voltage[common] - between).max())

    def limit(self, finer: Curve, ratio: float) -> Curve:
        """Return where two curves lead to if they are off by the square of the edges, whose ratio is given."""
        return Curve(finer.voltage + (finer.voltage - self.voltage) / (ratio**2 - 1.0), VOLUME)


@dataclass(frozen=True, eq=False)
class Body:
    """The particle in one mesh.

    Attributes
    ----------
    model
        Its equations.
    """

    model: Cathode

    @property
    def volume(self) -> float:
        """Of the active material in m³."""
        return float(self.model.graph.volume[self.model.active_cells].sum())

    @property
    def area(self) -> float:
        """At which it reacts in m²."""
        return sum(float(group.area.sum()) for group in self.model.reacting)

    @property
    def current(self) -> float:
        """In A at 1C, by the volume of the mesh."""
        return float(self.model.host_capacity.sum()) / _HOUR

    def start(self) -> Floats:
        """Return the state at which a discharge begins, before potentials are found."""
        model = self.model
        u = np.zeros(model.size)
        u[model.n_phi : -1] = BEGIN
        u[-1] = float(model.equilibrium_potential(u[model.n_phi : -1])[0])
        return u

    def discharge(self, steps: int) -> Curve:
        """Return the voltages at the start and after each of so many equal steps to :data:`END`."""
        control = CurrentControl(self.current)
        length = _DURATION / steps
        integrator = Integrator(self.model, self.solver(), self.current, Settings(order=2, fixed_step=length))
        first, progress = integrator.begin(0.0, self.start(), control, 0.0, self.current)
        frames = integrator.integrate(progress, control, (), end=_DURATION, last=first.evaluation)
        voltages = [first.evaluation.voltage, *(frame.evaluation.voltage for frame, _ in frames)]
        return Curve(np.array(voltages), self.volume)

    def solver(self) -> LinearSolver:
        """Return a fresh solver."""
        return linear_solver(self.model.size)

    def newton_system(self, time_step: float) -> NewtonSystem:
        """Return what the first Newton iteration of a step of so many seconds from the start solves."""
        control = CurrentControl(self.current)
        integrator = Integrator(self.model, self.solver(), self.current, Settings())
        at = integrator.consistent(self.start(), control, current=self.current).evaluation
        return NewtonSystem(self.model.system(at, 1.0 / time_step, control), np.append(at.rate, 0.0))


def tetrahedra(edge: float, material: Material | None = None) -> Body:
    """Return the particle in tetrahedra with edges of a length in m."""
    shape = ParticleShape(
        diameter=2.0 * _RADIUS,
        contact_angle=_ANGLE,
        gap=_GAP,
        separator=_SEPARATOR,
        part="quarter",
        mesh_size=edge,
        interface_size=edge,
    )
    graph, _ = node_graph(build(shape), terminals={"counter": "counter", "collector": "collector"})
    return _body(graph, material or diffusing(), 1.0)


def voxels(
    across: int, material: Material | None = None, *, area: Literal["corrected", "counted"] = "corrected"
) -> Body:
    """Return the particle in voxels, so many along x and y, reacting at the area of the surface or of their faces."""
    depth = round(across * _TOP / _HALF)
    spacing = (_TOP / depth, _HALF / across, _HALF / across)
    z, y, x = ((np.arange(n) + 0.5) * h for n, h in zip((depth, across, across), spacing, strict=True))
    square = (z - _SEPARATOR - _GAP - _RADIUS)[:, None, None] ** 2 + y[:, None] ** 2 + x**2
    labels = np.where(square < _RADIUS**2, _ACTIVE, _ELECTROLYTE).astype(np.uint8)
    labels[z < _SEPARATOR] = _SEPARATOR_LABEL
    surface = 1.0 if area == "counted" else _corrected(labels, spacing)
    return _body(voxel_graph(labels, spacing, _NAMES), material or diffusing(), surface)


def _corrected(labels: NDArray[np.uint8], spacing: tuple[float, float, float]) -> float:
    """Return the area of the surface over that of the faces of its voxels, of the body that mirrors complete."""
    whole = labels
    for axis in range(3):
        whole = np.concatenate([np.flip(whole, axis), whole], axis)
    found = interface_areas(whole, spacing, len(_NAMES), periodic=(True, True, True))
    return float(found.corrected[_ELECTROLYTE, _ACTIVE] / found.counted[_ELECTROLYTE, _ACTIVE])


def _body(graph: Graph, material: Material, surface: float) -> Body:
    conducting = Phase("electrolyte", 0.05)
    phases = {"electrolyte": conducting, "separator": conducting, "active": material.phase}
    reaction = Interface(ButlerVolmer(), SymmetricExchange(material.i0), surface=surface)
    pair = frozenset(("active", "electrolyte"))
    return Body(Cathode(graph, CellParameters(phases, {pair: reaction}, _HALF**2, _T)))
