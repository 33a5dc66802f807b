"""Effective conductivity or diffusivity of a label image between two plates: ∇·(σ∇φ) = 0.

Every voxel conducts with the conductivity of its phase; faces between unlike phases may carry an area resistance. The
plates lie on the outer faces of the image, half a voxel from the first centres, at 0 V and 1 V; the side walls are
sealed or periodic. The conductivity follows from the dissipated power, whose error is the square of the error of the
potential; the solve ends when the currents through the two plates agree and the power is known to the same tolerance.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import NotConverged
from catholyte.fv import grid_setup
from catholyte.mesh.percolation import joined_to_both_ends
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.conduction import effective_conductivity
from catholyte.solve.conjugate import GridSolver
from catholyte.solve.grid import GridLaplacian

Floats = NDArray[np.float64]
Walls = Literal["sealed", "periodic"]

#: ratio of conductances up to which the geometric hierarchy is tried; beyond, aggregates follow the strong links
GRID_CONTRAST = 2e3
#: cells up to which the graph hierarchy may be built (about 300 bytes a cell)
_GRAPH_LIMIT = 30_000_000
_MOST_CYCLES = 150
#: most stages of single-precision solves, each started from the residual in double precision
_MOST_STAGES = 12


@dataclass(frozen=True)
class EffectiveTransport:
    """Outcome of a conduction problem on an image.

    Attributes
    ----------
    axis
        Direction of the plates.
    value
        Effective conductivity along ``axis`` in S/m (or diffusivity in m²/s), zero where nothing percolates.
    flux
        Volume-mean flux density along z, y, x for a unit mean gradient along ``axis``, in the unit of ``value``.
    mismatch
        Difference of the currents through the plates over their mean.
    iterations
        Multigrid cycles.
    method
        Solver variant.
    conducting
        Volume share of the voxels that conduct.
    isolated
        Volume share of conducting voxels left out because they do not join both plates.
    potential
        Potential in V, shape (nz, ny, nx), float32, NaN where left out; None unless asked for.
    """

    axis: int
    value: float
    flux: tuple[float, float, float]
    mismatch: float
    iterations: int
    method: str
    conducting: float
    isolated: float
    potential: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class _Problem:
    """The image turned so that the plates lie at the ends of the first axis.

    Attributes
    ----------
    labels
        Phase of every voxel; what does not join both plates has the last phase, which does not conduct.
    table
        Conductance of a face along each axis between two phases in S, shape (3, phases, phases).
    plate
        Conductance from a voxel of every phase to a plate in S.
    contact
        Area resistance between phases in Ω m², shape (phases, phases).
    """

    labels: NDArray[np.uint8]
    spacing: tuple[float, float, float]
    sigma: Floats
    table: Floats
    plate: Floats
    contact: Floats
    periodic: bool
    tolerance: float

    @property
    def shape(self) -> tuple[int, int, int]:
        nz, ny, nx = self.labels.shape
        return nz, ny, nx

    @property
    def outside(self) -> int:
        return self.sigma.size - 1

    @property
    def length(self) -> float:
        return self.labels.shape[0] * self.spacing[0]

    @property
    def cross_section(self) -> float:
        return float(np.prod(self.labels.shape[1:])) * self.spacing[1] * self.spacing[2]


def effective_transport(
    labels: NDArray[np.uint8],
    spacing: Sequence[float],
    sigma: NDArray[np.float64] | Sequence[float],
    *,
    axis: int = 0,
    walls: Walls = "sealed",
    resistance: NDArray[np.float64] | None = None,
    tolerance: float = 1e-4,
    keep_potential: bool = False,
) -> EffectiveTransport:
    """Solve for the effective conductivity of an image along one axis.

    Parameters
    ----------
    labels
        Phase index of every voxel, shape (nz, ny, nx), at most 254 phases.
    spacing
        Voxel edges along z, y, x in m.
    sigma
        Conductivity of every phase in S/m (or diffusivity in m²/s), shape (phases,); zero insulates.
    axis
        Direction of the plates.
    walls
        Whether the four side walls are sealed or joined to their opposite sides.
    resistance
        Area resistance of the faces between two phases in Ω m², symmetric, shape (phases, phases).
    tolerance
        Allowed difference of the currents through the two plates over their mean.
    keep_potential
        Whether to return the potential.

    Raises
    ------
    NotConverged
        If no variant of the solver meets the tolerance.
    """
    turned, conducting, isolated = _turn(labels, spacing, sigma, axis, walls, resistance, tolerance)
    size = labels.size
    result = partial(EffectiveTransport, axis=axis, conducting=conducting / size, isolated=isolated / size)
    if conducting == isolated:
        nothing = np.full(labels.shape, np.nan, dtype=np.float32) if keep_potential else None
        method = "none: does not percolate"
        return result(value=0.0, flux=(0.0, 0.0, 0.0), mismatch=0.0, iterations=0, method=method, potential=nothing)
    x, iterations, method = _solve(turned)
    power, moments = _dissipation(turned, x)
    inflow, outflow = _plate_currents(turned, x.reshape(turned.shape))
    volume = turned.length * turned.cross_section
    along = [m * d * turned.length / volume for m, d in zip(moments, turned.spacing, strict=True)]
    flux = np.empty(3)
    flux[[axis, *(k for k in range(3) if k != axis)]] = along
    potential = None
    if keep_potential:
        shaped = np.where(turned.labels == turned.outside, np.nan, x.reshape(turned.shape)).astype(np.float32)
        potential = np.ascontiguousarray(np.moveaxis(shaped, 0, axis))
    return result(
        value=power * turned.length / turned.cross_section,
        flux=(float(flux[0]), float(flux[1]), float(flux[2])),
        mismatch=_mismatch(inflow, outflow),
        iterations=iterations,
        method=method,
        potential=potential,
    )


def _turn(
    labels: NDArray[np.uint8],
    spacing: Sequence[float],
    sigma: NDArray[np.float64] | Sequence[float],
    axis: int,
    walls: Walls,
    resistance: NDArray[np.float64] | None,
    tolerance: float,
) -> tuple[_Problem, int, int]:
    """Turn the image and leave out what does not join both plates; count what conducts and what is left out."""
    values = np.append(np.asarray(sigma, dtype=np.float64), 0.0)
    order = (axis, *(k for k in range(3) if k != axis))
    turned = np.array(np.moveaxis(labels, axis, 0), dtype=np.uint8, order="C")
    edges = (float(spacing[order[0]]), float(spacing[order[1]]), float(spacing[order[2]]))
    conducts = (values > 0.0)[turned]
    conducting = int(np.count_nonzero(conducts))
    kept = joined_to_both_ends(conducts, periodic=walls == "periodic")
    del conducts
    isolated = conducting - int(np.count_nonzero(kept))
    turned[~kept] = values.size - 1
    del kept
    phases = values.size
    contact = np.zeros((phases, phases))
    if resistance is not None:
        contact[:-1, :-1] = resistance
        np.fill_diagonal(contact, 0.0)
    areas = (edges[1] * edges[2], edges[0] * edges[2], edges[0] * edges[1])
    table = np.empty((3, phases, phases))
    with np.errstate(divide="ignore"):
        specific = 1.0 / values
        for k in range(3):
            series = 0.5 * edges[k] * (specific[:, None] + specific[None, :]) + contact
            table[k] = areas[k] / series
        plate = areas[0] / (0.5 * edges[0] * specific)
    problem = _Problem(turned, edges, values, table, plate, contact, walls == "periodic", tolerance)
    return problem, conducting, isolated


def _solve(problem: _Problem) -> tuple[Floats, int, str]:
    present = np.flatnonzero(np.bincount(problem.labels.reshape(-1), minlength=problem.sigma.size)[:-1])
    met = problem.table[:, present][:, :, present] if present.size > 1 else problem.table[:, present, present]
    contrast = float(max(met[k].max() / met[k].min() for k in range(3)))
    cells = int(np.count_nonzero(problem.labels != problem.outside))
    small_enough = cells <= _GRAPH_LIMIT
    if contrast > GRID_CONTRAST and small_enough:
        return _solve_graph(problem, f"graph multigrid (contrast {contrast:.0e})")
    x, iterations, met_tolerance = _solve_grid(problem)
    if met_tolerance:
        return x, iterations, "grid multigrid"
    if not small_enough:
        raise NotConverged("effective transport", f"in {iterations} cycles", [])
    return _solve_graph(problem, f"graph multigrid (grid multigrid stopped after {iterations} cycles)")


def _solve_grid(problem: _Problem) -> tuple[Floats, int, bool]:
    labels = problem.labels.reshape(-1)
    shape = problem.shape
    scale = 1.0 / float(problem.table[:, :-1, :-1].max())
    links = np.empty((1, 1, 3, *shape), dtype=np.float32)
    grid_setup.image_links(
        links.reshape(-1), labels, (problem.table * scale).astype(np.float32), *shape, problem.periodic
    )
    plates = np.zeros((1, *shape), dtype=np.float32)
    plates[0, 0] += (problem.plate * scale)[problem.labels[0]]
    plates[0, -1] += (problem.plate * scale)[problem.labels[-1]]
    solver = GridSolver(GridLaplacian(links, plates))
    x = np.empty(labels.size)
    grid_setup.image_ramp(x, labels, problem.outside, *shape)
    plane = shape[1] * shape[2]
    load = np.zeros(labels.size, dtype=np.float32)
    load[-plane:] = (problem.plate * scale)[labels[-plane:]]
    done, ends = 0, x.reshape(shape)[[0, -1]]

    def good(correction: NDArray[Any], energy: float) -> bool:
        inflow, outflow = _plate_currents(problem, ends + correction.reshape(shape)[[0, -1]])
        enough = energy <= 0.1 * problem.tolerance * scale * min(inflow, outflow)
        return enough and _mismatch(inflow, outflow) <= problem.tolerance

    for _ in range(_MOST_STAGES):
        residual = solver.residual(load, x).astype(np.float32)
        solution = solver.solve(residual, 1e-5, _MOST_CYCLES - done, accept=good)
        x += solution.x
        done += solution.iterations
        ends = x.reshape(shape)[[0, -1]]
        if _mismatch(*_plate_currents(problem, ends)) <= problem.tolerance and (
            solution.iterations or not residual.any()
        ):
            return x, done, True
        if done >= _MOST_CYCLES or solution.residual > 0.9:
            break
    return x, done, False


def _solve_graph(problem: _Problem, method: str) -> tuple[Floats, int, str]:
    names = tuple(str(k) for k in range(problem.sigma.size))
    graph = voxel_graph(problem.labels, problem.spacing, names, excluded=(names[-1],), periodic=problem.periodic)
    contact = {
        frozenset((names[p], names[q])): float(problem.contact[p, q])
        for p, q in itertools.combinations(range(problem.outside), 2)
    }
    tolerance, iterations = 1e-2 * problem.tolerance, 0
    while True:
        outcome = effective_conductivity(
            graph,
            dict(zip(names, problem.sigma, strict=True)),
            length=problem.length,
            cross_section=problem.cross_section,
            contact_resistance=contact,
            tolerance=tolerance,
        )
        iterations += outcome.iterations
        if outcome.mismatch <= problem.tolerance or tolerance < 1e-13:
            break
        tolerance *= 1e-2
    if outcome.mismatch > problem.tolerance:
        raise NotConverged("effective transport", f"in {iterations} iterations", [outcome.mismatch])
    assert graph.grid is not None
    x = np.zeros(problem.labels.size)
    x[graph.grid.voxel] = outcome.phi
    return x, iterations, method


def _plate_currents(problem: _Problem, ends: NDArray[Any]) -> tuple[float, float]:
    """Return the currents through the plates in A from the potentials of the first and the last plane."""
    first = float(np.sum(problem.plate[problem.labels[0]] * ends[0]))
    last = float(np.sum(problem.plate[problem.labels[-1]] * (1.0 - ends[-1])))
    return first, last


def _mismatch(inflow: float, outflow: float) -> float:
    return abs(inflow - outflow) / abs(0.5 * (inflow + outflow))


def _dissipation(problem: _Problem, x: Floats) -> tuple[float, Floats]:
    """Return the power in W and the summed currents along every axis in A."""
    shape = problem.shape
    power, moment = np.empty(shape[0]), np.empty((shape[0], 3))
    grid_setup.image_dissipation(
        power, moment, problem.labels.reshape(-1), problem.table, problem.plate, x, *shape, problem.periodic
    )
    return float(power.sum()), moment.sum(axis=0)
