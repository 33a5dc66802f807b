"""Layers of a mixed conductor between an electrolyte and the collector, for tests of what moves in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from builders import T, cell_parameters, host_phase, laminate_graph, straight, uniform_state

from catholyte.mesh.graph import Graph
from catholyte.models.cathode import Cathode, Evaluation
from catholyte.models.control import Control
from catholyte.models.parameters import CellParameters, Interface, Layer
from catholyte.physics.constants import F
from catholyte.physics.kinetics import ConstantExchange, Linear
from catholyte.physics.transport import Conductivity, HostTransport, MixedConduction, Uniform
from catholyte.solve.frames import Frame, Settings
from catholyte.solve.linear import DirectSolver
from catholyte.solve.transient import Integrator

#: of the electrolyte in S/m: its half cell costs next to nothing
SIGMA_ELECTROLYTE = 1e9


@dataclass(frozen=True)
class DenseLayer:
    """Electrolyte (one cell) | mixed conductor (n cells) | collector, of 1 m² unless said otherwise, fast transfer.

    Ions stop at the collector, electrons at the electrolyte. The potential U0 + slope·x is straight unless ``U`` is
    given; ``transport`` takes the place of mixed conduction.
    """

    n: int = 20
    L: float = 10e-6
    sigma_e: float | Conductivity = 1e-3
    sigma_i: float | Conductivity = 1e-3
    slope: float = -0.8
    U: Callable | None = None
    c_max: float = 2e4
    i0: float = np.inf
    side: float = 1.0
    layers: tuple[Layer, ...] = ()
    boundary: Interface | None = None
    grain: Callable[[np.ndarray], np.ndarray] | None = None
    volumes: Callable[[np.ndarray], np.ndarray] | None = None
    transport: HostTransport | None = None

    @property
    def potential(self) -> Callable:
        return straight(4.0, self.slope) if self.U is None else self.U

    @property
    def law(self) -> HostTransport:
        if self.transport is not None:
            return self.transport
        return MixedConduction(_law(self.sigma_e), _law(self.sigma_i), self.potential)

    @property
    def D(self) -> float:
        """Chemical diffusivity of a straight potential and uniform conductivities in m²/s."""
        return self.sigma_a * -self.slope / (F * self.c_max)

    @property
    def sigma_a(self) -> float:
        return self.sigma_e * self.sigma_i / (self.sigma_e + self.sigma_i)

    @property
    def time(self) -> float:
        """L²/D in s."""
        return self.L**2 / self.D

    @property
    def charge(self) -> float:
        """F c_max L in C/m²."""
        return F * self.c_max * self.L

    @property
    def depth(self) -> np.ndarray:
        """Distance of the cell centres from the electrolyte over the thickness."""
        return (np.arange(self.n) + 0.5) / self.n

    def graph(self) -> Graph:
        graph = laminate_graph([("electrolyte", 1), ("active", self.n)], (self.L / self.n, self.side, self.side))
        cells = np.flatnonzero(graph.phase == 1)
        if self.grain is not None:
            grains = np.zeros(graph.n_cells, np.int32)
            grains[cells] = self.grain(np.arange(self.n))
            graph = replace(graph, grain=grains)
        if self.volumes is not None:
            volume = graph.volume.copy()
            volume[cells] = self.volumes(volume[cells])
            graph = replace(graph, volume=volume)
        return graph

    def parameters(self) -> CellParameters:
        sigma = float(_law(self.sigma_e)(np.array([0.5]), T)[0])
        cell = cell_parameters(
            host_phase(self.potential, c_max=self.c_max, sigma=sigma, transport=self.law),
            sigma_i=SIGMA_ELECTROLYTE,
            rate=Linear(),
            i0=ConstantExchange(self.i0),
            cross_section=self.side**2,
            layers=self.layers,
        )
        if self.boundary is None:
            return cell
        return replace(cell, interfaces={**cell.interfaces, frozenset(("active",)): self.boundary})

    def model(self) -> Cathode:
        return Cathode(self.graph(), self.parameters())


def _law(sigma: float | Conductivity) -> Conductivity:
    return sigma if callable(sigma) else Uniform(sigma)


def start(problem: Cathode, x: float) -> np.ndarray:
    """Return the state of equilibrium at one site fraction."""
    U = problem.hosts[0][1].U
    return uniform_state(problem, x, float(np.real(U(np.array([x]), T))[0]))


def integrate(
    problem: Cathode,
    control: Control,
    end: float,
    *,
    x: float | np.ndarray = 0.4,
    current: float = 0.0,
    scale: float | None = None,
    settings: Settings | None = None,
    events=(),
) -> list[Frame]:
    """Return the frames of one piece from site fractions ``x``, the first instant included."""
    mean = float(np.mean(x))
    u = start(problem, mean)
    u[problem.n_phi : -1] = x
    size = abs(current) if scale is None else scale
    integrator = Integrator(problem, DirectSolver(), size, settings or Settings())
    memory = problem.resting_memory(problem.evaluate(u))
    first, progress = integrator.begin(0.0, u, control, 0.0, current, memory)
    stream = integrator.integrate(progress, control, events, end=end, last=first.evaluation)
    return [first, *(frame for frame, _ in stream)]


def lithium(problem: Cathode, at: Evaluation) -> np.ndarray:
    """Return x of every cell of the layer, from the electrolyte to the collector."""
    return problem.split(at.u)[1]


def voltages(frames: list[Frame]) -> np.ndarray:
    return np.array([frame.evaluation.voltage for frame in frames])


def fixed(step: float, **more) -> Settings:
    """Return settings for equal steps of second order, balanced to rounding."""
    return Settings(**{"order": 2, "fixed_step": step, "balance": 1e-11, **more})
