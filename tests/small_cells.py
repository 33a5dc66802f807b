"""Small half cells of the raw core for tests of solvers and properties: images, constants, protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from catholyte.mesh.graph import Graph
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode, Evaluation
from catholyte.models.control import Control, CurrentControl, VoltageControl
from catholyte.models.parameters import CellParameters, Host, Interface, Lumped, Phase
from catholyte.physics.constants import F, R
from catholyte.physics.kinetics import ButlerVolmer, RateLaw, SymmetricExchange
from catholyte.physics.transport import Diffusion
from catholyte.solve.events import Event
from catholyte.solve.frames import Frame, Progress, Settings
from catholyte.solve.linear import DirectSolver, LinearSolver
from catholyte.solve.transient import Integrator

NAMES = ("electrolyte", "active", "carbon", "void")
ELECTROLYTE, ACTIVE, CARBON, VOID = range(4)
T = 298.15


def solid_solution(x, T):
    """Return 4.2 − 0.8 x + (RT/F) ln((1−x)/x): falling everywhere, without bound at both ends."""
    return 4.2 - 0.8 * x + (R * T / F) * (np.log(1.0 - x) - np.log(x))


@dataclass(frozen=True)
class Constants:
    """Material constants of a half cell in SI units."""

    sigma_i: float = 0.07
    sigma_e: float = 1.0
    sigma_carbon: float = 100.0
    D: float = 4e-15
    c_max: float = 49000.0
    i0: float = 0.11
    film: float = 0.0
    contact: float = 0.0
    rate: RateLaw = field(default_factory=ButlerVolmer)
    lumped: Lumped = field(default_factory=Lumped)
    U: Callable = solid_solution


def percolating(graph: Graph) -> Graph:
    """Return what reaches its terminal: electron conductors the collector, the electrolyte the counter."""
    ions = graph.phase == ELECTROLYTE
    electrons = (graph.phase == ACTIVE) | (graph.phase == CARBON)
    return graph.subset(graph.connected_to("counter", ions) | graph.connected_to("collector", electrons))


def parameters(constants: Constants, cross_section: float) -> CellParameters:
    """Return the cell of :data:`NAMES` with these constants."""
    c = constants
    return CellParameters(
        phases={
            "electrolyte": Phase("electrolyte", c.sigma_i),
            "active": Phase("active", c.sigma_e, Host(c.c_max, c.U, Diffusion(c.D, c.c_max))),
            "carbon": Phase("conductor", c.sigma_carbon),
        },
        interfaces={
            frozenset(("electrolyte", "active")): Interface(c.rate, SymmetricExchange(c.i0), film_resistance=c.film),
            frozenset(("active", "carbon")): Interface(contact_resistance=c.contact),
        },
        cross_section=cross_section,
        temperature=T,
        lumped=c.lumped,
    )


def half_cell(
    labels: NDArray,
    constants: Constants | None = None,
    *,
    spacing: Sequence[float] = (0.5e-6, 0.5e-6, 0.5e-6),
    periodic: bool = False,
) -> Cathode:
    """Return the model of the percolating part of a label image."""
    graph = percolating(voxel_graph(np.asarray(labels, np.uint8), spacing, NAMES, periodic=periodic))
    area = labels.shape[1] * labels.shape[2] * spacing[1] * spacing[2]
    return Cathode(graph, parameters(constants or Constants(), area))


def composite(n: int, *, seed: int = 0, separator: int = 1, carbon: float = 0.05, void: float = 0.05) -> NDArray:
    """Return an image of n³ voxels of random blobs behind a separator, with carbon and void voxels in it."""
    rng = np.random.default_rng(seed)
    blobs = gaussian_filter(rng.standard_normal((n, n, n)), 0.12 * n, mode="wrap")
    labels = np.where(blobs > np.median(blobs), ACTIVE, ELECTROLYTE).astype(np.uint8)
    draw = rng.random(labels.shape)
    labels[draw < carbon] = CARBON
    labels[draw > 1.0 - void] = VOID
    return np.concatenate([np.full((1, n, n), ELECTROLYTE, np.uint8), labels])


def laminate(n_electrolyte: int, n_active: int, cross_section: tuple[int, int] = (1, 1)) -> NDArray:
    """Return an image of a layer of electrolyte under a layer of active material."""
    stack = np.array([ELECTROLYTE] * n_electrolyte + [ACTIVE] * n_active, np.uint8)
    return np.broadcast_to(stack[:, None, None], (stack.size, *cross_section)).copy()


def state(problem: Cathode, x: float | NDArray, shift: float = 0.0) -> NDArray:
    """Return the state with site fractions x, all potentials zero, and the terminal ``shift`` above U(x)."""
    u = np.zeros(problem.size)
    u[problem.n_phi : -1] = x
    u[-1] = float(np.mean(problem.equilibrium_potential(u[problem.n_phi : -1]))) + shift
    return u


def lithiation(problem: Cathode, at: Evaluation) -> NDArray:
    """Return x of every host cell."""
    return problem.split(at.u)[1]


def collector_current(problem: Cathode, at: Evaluation) -> float:
    """Return the current through the collector in A, discharge positive."""
    phi = problem.split(at.u)[0]
    return float(np.sum(problem.collector.conductance * phi[problem.collector.unknown]))


@dataclass(frozen=True)
class Piece:
    """One step of a protocol: what is held, for how long in s, and what stops it earlier."""

    control: Control
    duration: float
    events: tuple[Event, ...] = ()


def window(low: float, high: float) -> tuple[Event, Event]:
    """Return the events that stop at a lower and an upper voltage."""
    return (
        Event("lower", lambda now: 1e6 * (now.voltage - low)),
        Event("upper", lambda now: 1e6 * (high - now.voltage)),
    )


def run(
    problem: Cathode,
    u: NDArray,
    pieces: Sequence[Piece],
    *,
    scale: float,
    settings: Settings | None = None,
    solver: LinearSolver | None = None,
) -> Iterator[tuple[Frame, Progress]]:
    """Take the problem through a protocol and yield every frame, the first of every piece included."""
    integrator = Integrator(problem, solver or DirectSolver(), scale, settings or Settings())
    t, charge, current = 0.0, 0.0, 0.0
    memory = problem.resting_memory(integrator.consistent(u, CurrentControl(0.0), current=0.0).evaluation)
    for piece in pieces:
        current = getattr(piece.control, "current", current)
        if isinstance(piece.control, VoltageControl):
            u = np.append(u[:-1], piece.control.voltage)
        first, start = integrator.begin(t, u, piece.control, charge, current, memory)
        yield first, start
        frame = first
        for frame, progress in integrator.integrate(
            start, piece.control, piece.events, end=t + piece.duration, last=first.evaluation
        ):
            yield frame, progress
        t, charge, u, memory = frame.t, frame.charge, frame.evaluation.u, frame.evaluation.memory
        current = frame.evaluation.current
