"""Small meshes and cells that several tests share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from catholyte.fv.laplacian import Laplacian, Links
from catholyte.mesh.graph import Graph, Terminal
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.parameters import CellParameters, Host, Interface, Lumped, Phase
from catholyte.physics.constants import F, R
from catholyte.physics.kinetics import ConstantExchange, ExchangeCurrent, Linear, RateLaw
from catholyte.physics.transport import Diffusion, HostTransport

Array = NDArray[Any]
Potential = Callable[[Array, float], Array]

T = 298.15
THERMAL = R * T / F


def straight(U0: float = 4.0, slope: float = -1.0) -> Potential:
    """Return the equilibrium potential U0 + slope·x in V."""
    return lambda x, T: U0 + slope * x


def curved(x: Array, T: float) -> Array:
    """Equilibrium potential with a knee and the ideal-solution ends, falling, finite inside (0, 1)."""
    return 4.2 - 0.6 * x - 0.1 * np.tanh(6.0 * (x - 0.4)) + 0.5 * R * T / F * (np.log(1.0 - x) - np.log(x))


def laminate_graph(
    stack: Sequence[tuple[str, int]],
    spacing: tuple[float, float, float],
    cross: tuple[int, int] = (1, 1),
    names: Sequence[str] | None = None,
) -> Graph:
    """Return the graph of layers (phase, number of voxels) from the counter electrode to the collector."""
    phases = tuple(dict.fromkeys(name for name, _ in stack)) if names is None else tuple(names)
    layers = np.repeat([phases.index(name) for name, _ in stack], [count for _, count in stack])
    labels = np.broadcast_to(layers[:, None, None], (layers.size, *cross)).astype(np.uint8)
    return voxel_graph(labels, spacing, phases)


def host_phase(
    U: Potential,
    *,
    c_max: float = 5e4,
    D: float = 1e-14,
    sigma: float = 1.0,
    transport: HostTransport | None = None,
) -> Phase:
    """Return an active phase, with Fick diffusion unless a transport law is given."""
    return Phase("active", sigma, Host(c_max, U, Diffusion(D, c_max) if transport is None else transport))


def cell_parameters(
    active: Phase,
    *,
    sigma_i: float = 1.0,
    rate: RateLaw | None = None,
    i0: ExchangeCurrent | None = None,
    cross_section: float = 1.0,
    lumped: Lumped | None = None,
    more_phases: Mapping[str, Phase] | None = None,
    **resistances: float,
) -> CellParameters:
    """Return one active phase against one electrolyte; linear kinetics of 1 A/m² unless said otherwise."""
    interface = Interface(rate or Linear(), i0 or ConstantExchange(1.0), **resistances)
    return CellParameters(
        {"electrolyte": Phase("electrolyte", sigma_i), "active": active, **(more_phases or {})},
        {frozenset(("electrolyte", "active")): interface},
        cross_section,
        T,
        lumped or Lumped(),
    )


def random_image(shape: tuple[int, int, int], share: float, seed: int, width: float = 1.5) -> NDArray[np.uint8]:
    """Return a random two-phase image; phase 1 fills ``share`` of it, features are ``width`` voxels wide."""
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), width, mode="wrap")
    return (field > np.quantile(field, 1.0 - share)).astype(np.uint8)


def conduction_matrix(graph: Graph, sigma: Sequence[float]) -> tuple[Laplacian, NDArray[np.float64]]:
    """Return the matrix of ∇·(σ∇φ) = 0 between both plates, and its load for 1 V at the collector."""
    of_cell = np.asarray(sigma)[graph.phase]
    series = graph.distance_a / of_cell[graph.cell_a] + graph.distance_b / of_cell[graph.cell_b]
    excess, load = np.zeros(graph.n_cells), np.zeros(graph.n_cells)
    for name, terminal in graph.terminals.items():
        plate = terminal.area * of_cell[terminal.cell] / terminal.distance
        np.add.at(excess, terminal.cell, plate)
        if name == "collector":
            np.add.at(load, terminal.cell, plate)
    links = Links.from_edges(graph.n_cells, graph.cell_a, graph.cell_b)
    return Laplacian.from_edges(links, graph.area / series, excess), load


def uniform_state(problem: Any, x: float, voltage: float) -> NDArray[np.float64]:
    """Return a state with one site fraction everywhere and no potential drops."""
    u = np.zeros(problem.size)
    u[problem.n_phi : -1] = x
    u[-1] = voltage
    return u


def observed_order(sizes: Sequence[float], errors: Sequence[float]) -> float:
    """Return the slope of log(error) over log(size) by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(errors), 1)[0])


def sphere_graph(n: int, radius: float) -> Graph:
    """Return one particle of ``n`` shells of equal thickness, "active", inside one cell of "electrolyte".

    The counter electrode lies behind the electrolyte, the collector at the middle of the particle.
    """
    edges = np.linspace(0.0, radius, n + 1)
    volume = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    half = 0.5 * radius / n
    inner = np.arange(n, dtype=np.int32)
    surface = 4.0 * np.pi * radius**2
    return Graph(
        volume=np.append(volume, surface * radius),
        phase=np.append(np.ones(n), 0).astype(np.int16),
        phase_names=("electrolyte", "active"),
        cell_a=inner,
        cell_b=inner + 1,
        area=4.0 * np.pi * edges[1:] ** 2,
        distance_a=np.full(n, half),
        distance_b=np.full(n, half),
        terminals={
            "counter": Terminal(np.array([n], np.int32), np.array([surface]), np.array([half])),
            "collector": Terminal(np.array([0], np.int32), np.array([surface]), np.array([half])),
        },
    )
