"""One potential in a conducting network between two plates: ∇·(σ∇φ) = 0, the effective conductivity it gives.

The plates lie on the outer faces of the mesh, half a cell from the first cell centres, at 1 V and 0 V; all other walls
are sealed (or periodic, if the graph says so).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import NotConverged
from catholyte.fv.laplacian import Laplacian, Links
from catholyte.mesh.graph import Graph
from catholyte.solve.krylov import fgmres
from catholyte.solve.multigrid import Multigrid
from catholyte.solve.threads import share


@dataclass(frozen=True)
class EffectiveConductivity:
    """Outcome of a conduction problem.

    Attributes
    ----------
    value
        Effective conductivity between the plates in S/m; zero where nothing percolates.
    mismatch
        Relative difference of the currents through the two plates.
    phi
        Potential of every cell in V, NaN where no path joins the cell to both plates, shape (n,).
    iterations
        Krylov iterations.
    """

    value: float
    mismatch: float
    phi: NDArray[np.float64]
    iterations: int


def effective_conductivity(
    graph: Graph,
    sigma: Mapping[str, float],
    *,
    length: float,
    cross_section: float,
    contact_resistance: Mapping[frozenset[str], float] | None = None,
    tolerance: float = 1e-10,
) -> EffectiveConductivity:
    """Solve for the conductivity between the ``counter`` and the ``collector`` plate.

    Parameters
    ----------
    graph
        The mesh.
    sigma
        Conductivity of every phase in S/m; phases that are absent or zero do not conduct.
    length, cross_section
        Distance of the plates in m and their area in m².
    contact_resistance
        Area resistance in Ω m² at the faces between two phases.
    tolerance
        Relative residual of the linear solve.

    Raises
    ------
    NotConverged
        If the linear solve stalls above ten times the tolerance.
    """
    by_phase = np.array([sigma.get(name, 0.0) for name in graph.phase_names])
    conducts = by_phase[graph.phase] > 0.0
    open_cells = graph.connected_to("counter", conducts) & graph.connected_to("collector", conducts)
    phi = np.full(graph.n_cells, np.nan)
    if not open_cells.any():
        return EffectiveConductivity(0.0, 0.0, phi, 0)
    part = graph.subset(open_cells)
    n_phases = len(graph.phase_names)
    contact = np.zeros((n_phases, n_phases))
    for pair, resistance in (contact_resistance or {}).items():
        p, q = (graph.phase_names.index(name) for name in pair)
        contact[p, q] = contact[q, p] = resistance
    sigma_of = by_phase[part.phase]
    series = (
        part.distance_a / sigma_of[part.cell_a]
        + part.distance_b / sigma_of[part.cell_b]
        + contact[part.phase[part.cell_a], part.phase[part.cell_b]]
    )
    excess, load = np.zeros(part.n_cells), np.zeros(part.n_cells)
    plates = {}
    for name, terminal in part.terminals.items():
        plates[name] = terminal.area * sigma_of[terminal.cell] / terminal.distance
        np.add.at(excess, terminal.cell, plates[name])
    np.add.at(load, part.terminals["collector"].cell, plates["collector"])
    matrix = Laplacian.from_edges(Links.from_edges(part.n_cells, part.cell_a, part.cell_b), part.area / series, excess)
    share(part.n_cells)
    multigrid = Multigrid(matrix)
    solution = fgmres(matrix.product, multigrid.apply, load, tolerance=tolerance, most_iterations=400)
    # Plates that conduct far better than what lies between them hide its current in the norm of the load.
    counter = part.terminals["counter"].cell
    through = float(np.sum(plates["counter"] * solution.x[counter])) / float(np.linalg.norm(load))
    first = solution.iterations
    if solution.residual > tolerance * abs(through):
        solution = fgmres(
            matrix.product,
            multigrid.apply,
            load,
            tolerance=tolerance * abs(through),
            start=solution.x,
            most_iterations=400,
        )
    if solution.residual > 10.0 * tolerance:
        raise NotConverged("conduction", f"after {solution.iterations} iterations", [solution.residual])
    inflow = float(np.sum(plates["collector"] * (1.0 - solution.x[part.terminals["collector"].cell])))
    outflow = float(np.sum(plates["counter"] * solution.x[part.terminals["counter"].cell]))
    phi[open_cells] = solution.x
    return EffectiveConductivity(
        outflow * length / cross_section,
        abs(inflow - outflow) / abs(outflow),
        phi,
        first + solution.iterations,
    )
