"""The coupled problem solved by FiPy with another discretisation of the interface.

Here one CellVariable holds φ_e in the active material and φ_i in the electrolyte; the reaction is a flux
through the faces between them, driven by the values in the adjacent cell centres: no half-cells in series, no
surface concentration. That is first order in the voxel, so the difference to Catholyte must halve with it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np
import pytest
from small_cells import (
    ACTIVE,
    Constants,
    Piece,
    T,
    half_cell,
    laminate,
    lithiation,
    run,
    solid_solution,
    state,
)

from catholyte.models.control import VoltageControl
from catholyte.physics.constants import F, R
from catholyte.solve.frames import Settings

os.environ.setdefault("FIPY_SOLVERS", "scipy")
fipy = pytest.importorskip("fipy")

EDGE = 1e-6
CONSTANTS = Constants(sigma_i=0.002, sigma_e=0.003, D=2e-14, i0=0.5)
X0 = 0.4
#: −dU/dx near x = 0.4 in V; only the speed of the sweeps depends on it
SLOPE_U = 0.9
HELD = float(solid_solution(np.array(X0), T)) - 0.1


def factorise():
    """Return a factorisation that is refined to rounding."""
    return fipy.LinearLUSolver(tolerance=1e-14, iterations=5)


def column() -> np.ndarray:
    """Return 8 × 6 × 6 voxels of electrolyte with a block of active material and a column below it."""
    labels = np.zeros((8, 6, 6), np.uint8)
    labels[5:] = ACTIVE
    labels[2:5, 1:4, 2:5] = ACTIVE
    return labels


def refined(labels, times):
    for axis in range(3):
        labels = np.repeat(labels, times, axis=axis)
    return labels


@dataclass
class FiPyCell:
    """The half cell on a FiPy grid, stepped by implicit Euler at a held voltage."""

    labels: np.ndarray
    edge: float
    constants: Constants

    def __post_init__(self):
        # Lengths in units of EDGE bring coefficients to order one: FiPy judges residuals without scaling.
        c, nz, h = self.constants, self.labels.shape[0], self.edge / EDGE
        mesh = fipy.Grid3D(dx=h, dy=h, dz=h, nx=self.labels.shape[2], ny=self.labels.shape[1], nz=nz)
        self.active = (self.labels == ACTIVE).ravel()
        first, second = (np.asarray(cells) for cells in mesh.faceCellIDs.filled(0))
        inner = ~np.asarray(mesh.exteriorFaces)
        self.interface = inner & (self.active[first] != self.active[second])
        self.solid = np.where(self.active[first], first, second)
        self.fluid = np.where(self.active[first], second, first)
        # Faces point from the first cell to the second; the current is counted from the active side.
        self.turn = np.where(self.active[first], 1.0, -1.0)
        self.normal = np.asarray(mesh.faceNormals)
        self.area = h**2
        self.volume = h**3
        within = self.active[first] & self.active[second]
        self.sigma = np.where(within, c.sigma_e, c.sigma_i) / EDGE
        self.plates = [np.isclose(np.asarray(mesh.faceCenters)[2], z) for z in (0.0, nz * h)]
        self.mesh = mesh
        self.phi = fipy.CellVariable(mesh=mesh, value=0.0)
        self.x = fipy.CellVariable(mesh=mesh, value=np.where(self.active, X0, 0.5), hasOld=True)
        self.D = fipy.FaceVariable(mesh=mesh, value=np.where(within, c.D / EDGE**2, 0.0))

    def hold(self, V):
        self.V = V
        at = [fipy.FaceVariable(mesh=self.mesh, value=plate) for plate in self.plates]
        sigma = np.where(self.plates[1], self.constants.sigma_e / EDGE, self.sigma)
        self.sigma = np.where(self.plates[0], self.constants.sigma_i / EDGE, sigma)
        self.phi.constrain(0.0, where=at[0])
        self.phi.constrain(V, where=at[1])
        self.phi.setValue(np.where(self.active, V, 0.0))

    def reaction(self):
        """Return i and di/dΔφ on all faces from the values in the adjacent cells."""
        phi, x = np.asarray(self.phi), np.asarray(self.x)[self.solid]
        i0 = 2.0 * self.constants.i0 * np.sqrt(x * (1.0 - x))
        z = F / (R * T) * (phi[self.solid] - phi[self.fluid] - solid_solution(x, T))
        i = np.where(self.interface, i0 * 2.0 * np.sinh(0.5 * z), 0.0)
        return i, np.where(self.interface, i0 * np.cosh(0.5 * z) * F / (R * T), 0.0)

    def source(self, i):
        """Return ∇·(i n) as a cell variable, the current leaving the active side counted positive."""
        return fipy.FaceVariable(mesh=self.mesh, rank=1, value=i * self.turn * self.normal).divergence

    def relax_potentials(self):
        """Newton's method on the potentials: the tangent of the reaction is a conductivity of its faces."""
        for _ in range(40):
            i, slope = self.reaction()
            phi = np.asarray(self.phi).copy()
            rest = i - slope * (phi[self.solid] - phi[self.fluid])
            tangent = np.where(self.interface, slope * self.edge / EDGE, self.sigma)
            coefficient = fipy.FaceVariable(mesh=self.mesh, value=tangent)
            (fipy.DiffusionTerm(coeff=coefficient) - self.source(rest) == 0.0).solve(var=self.phi, solver=factorise())
            if np.abs(np.asarray(self.phi) - phi).max() < 1e-10:
                return
        raise AssertionError("FiPy's potentials did not converge")

    def step(self, dt):
        """Take one implicit Euler step: potentials and lithium in turn until neither moves."""
        self.x.updateOld()
        storage = F * self.constants.c_max * EDGE
        for _ in range(80):
            self.relax_potentials()
            i, slope = self.reaction()
            before = np.asarray(self.x).copy()
            # At held potentials the reaction answers x through U(x): implicit, or long steps would diverge.
            rate, response = self.into_cells(i) / storage, self.into_cells(slope) * SLOPE_U / storage
            equation = fipy.TransientTerm() == (
                fipy.DiffusionTerm(coeff=self.D)
                - fipy.CellVariable(mesh=self.mesh, value=rate - response * before)
                - fipy.ImplicitSourceTerm(coeff=fipy.CellVariable(mesh=self.mesh, value=response))
            )
            equation.solve(var=self.x, dt=dt, solver=factorise())
            if np.abs(np.asarray(self.x) - before).max() < 1e-9:
                return
        raise AssertionError("FiPy's sweeps did not converge")

    def into_cells(self, per_area):
        """Return what the interface faces of every active cell add up to, per volume."""
        total = np.zeros(self.active.size)
        np.add.at(total, self.solid, np.where(self.interface, per_area * self.area, 0.0))
        return total / self.volume

    @property
    def current(self):
        """Return the discharge current in A through the interface."""
        i, _ = self.reaction()
        return -float(np.sum(i)) * self.edge**2

    def field(self, variable):
        return np.asarray(variable).reshape(self.labels.shape)


def catholyte(labels, edge, V, *, constants=CONSTANTS, dt=None, steps=0):
    """Return currents of all frames and the final φ and x on the voxels."""
    problem = half_cell(labels, constants, spacing=(edge,) * 3)
    pieces = [Piece(VoltageControl(V), max(steps, 1) * (dt or 1.0))]
    settings = Settings(order=1, fixed_step=dt or 1.0)
    frames = run(problem, state(problem, X0), pieces, scale=1e-12, settings=settings)
    at = []
    for frame, _ in frames:
        at.append(frame.evaluation)
        if len(at) == steps + 1:
            break
    potential, _, V_end = problem.split(at[-1].u)
    phi, lithium = np.full(labels.size, np.nan), np.full(labels.size, 0.5)
    voxel = problem.graph.grid.voxel
    phi[voxel[problem.electron_cells]] = V_end + potential[: problem.n_electron]
    phi[voxel[problem.ion_cells]] = potential[problem.n_electron :]
    lithium[voxel[problem.store_cells]] = lithiation(problem, at[-1])
    return [a.current for a in at], phi.reshape(labels.shape), lithium.reshape(labels.shape)


def fipy_run(labels, edge, V, *, constants=CONSTANTS, dt=None, steps=0):
    cell = FiPyCell(labels, edge, constants)
    cell.hold(V)
    cell.relax_potentials()
    currents = [cell.current]
    for _ in range(steps):
        cell.step(dt)
        currents.append(cell.current)
    return currents, cell.field(cell.phi), cell.field(cell.x)


def differences(base, times, **protocol):
    """Return the differences on a refined image: last current (relative), φ in V, and x."""
    labels = refined(base, times)
    if base.shape[1] == 1:
        labels = labels[:, :1, :1]
    edge = EDGE / times
    theirs = fipy_run(labels, edge, HELD, **protocol)
    ours = catholyte(labels, edge, HELD, **protocol)
    return np.array(
        [
            abs(theirs[0][-1] / ours[0][-1] - 1.0),
            np.abs(theirs[1] - ours[1]).max(),
            np.abs(theirs[2] - ours[2]).max(),
        ]
    )


@pytest.mark.parametrize(
    ("base", "refinements"),
    [(laminate(3, 5), (2, 4, 8)), (column(), (1, 2, 3))],
    ids=["laminate", "column"],
)
def test_potentials_at_given_lithium(base, refinements):
    """Without depletion the half-cells in series are all that differs: it falls as the voxel, to nothing."""
    quick = replace(CONSTANTS, D=1e-9)
    found = np.array([differences(base, r, constants=quick) for r in refinements])
    orders = -np.diff(np.log(found[:, :2]), axis=0) / np.diff(np.log(refinements))[:, None]
    assert np.all((orders > 0.75) & (orders < 1.25))
    # In the limit of small voxels, by extrapolation of the last two, both agree.
    ratio = refinements[-1] / refinements[-2]
    limit = (ratio * found[-1] - found[-2]) / (ratio - 1.0)
    assert np.all(np.abs(limit[:2]) < 0.15 * found[-1, :2])
    assert found[-1, 1] < 5e-4


@pytest.mark.parametrize(
    ("base", "refinements", "steps"),
    [(laminate(3, 5), (2, 4, 8), 5), (column(), (1, 2), 3)],
    ids=["laminate", "column"],
)
def test_a_short_transient(base, refinements, steps):
    """Implicit Euler steps of 20 s after a jump of the voltage: current, potentials and lithium converge."""
    found = np.array([differences(base, r, dt=20.0, steps=steps) for r in refinements])
    orders = -np.diff(np.log(found), axis=0) / np.diff(np.log(refinements))[:, None]
    assert np.all((orders > 0.75) & (orders < 1.25))
    assert found[-1, 0] < 0.06
    assert found[-1, 1] < 5e-4
    assert found[-1, 2] < 3e-3
