"""FiPy: a ``DiffusionTerm`` on a ``Grid3D``, solved by what FiPy chooses (a factorisation) or by conjugate gradients.

The values are constrained on the exterior faces of the mesh, so the plates are on the outer faces. Faces of voxels that
do not percolate have a coefficient of zero and those voxels an implicit source, which pins them. The tolerance of the
iteration (on the residual, relative to the load) is tightened tenfold from 1e-5 until the currents match. The mesh, the
equation and the solve that meets the mismatch are counted.
"""

from __future__ import annotations

import os

import numpy as np

os.environ.setdefault("FIPY_SOLVERS", "scipy")

import fipy

from benchmarks.peers.problem import Answer, Clock, Problem

_TOLERANCES = tuple(10.0**-k for k in range(5, 12))
_MOST_ITERATIONS = 20_000


def solve(problem: Problem, clock: Clock, *, method: str) -> Answer:
    """Solve ∇·(D∇φ) = 0."""
    nz, ny, nx = problem.labels.shape
    inside = problem.percolates.ravel()
    with clock("set-up"):
        mesh = fipy.Grid3D(nx=nx, ny=ny, nz=nz)
        first, second = (np.asarray(cells) for cells in mesh.faceCellIDs.filled(-1))
        # An exterior face has no second cell.
        joined = inside[first] & inside[np.where(second < 0, first, second)]
        potential = fipy.CellVariable(mesh=mesh, value=0.0)
        # Cells run along x, then y, then z: the plates are its back and front.
        potential.constrain(1.0, mesh.facesFront)
        potential.constrain(0.0, mesh.facesBack)
        coefficient = fipy.FaceVariable(mesh=mesh, value=joined.astype(float))
        pinned = fipy.CellVariable(mesh=mesh, value=(~inside).astype(float))
        equation = fipy.DiffusionTerm(coeff=coefficient) - fipy.ImplicitSourceTerm(coeff=pinned) == 0.0
    if method == "default":
        with clock("solve"):
            equation.solve(var=potential)
        return Answer(_image(potential, problem))
    for tolerance in _TOLERANCES:
        clock.seconds.pop("solve", None)
        potential.setValue(0.0)
        solver = fipy.LinearCGSolver(tolerance=tolerance, criterion="RHS", iterations=_MOST_ITERATIONS)
        with clock("solve"):
            equation.solve(var=potential, solver=solver)
        answer = Answer(_image(potential, problem), iterations=solver.convergence.iterations)
        if answer.through(problem, "faces").mismatch <= problem.tolerance:
            break
    return answer


def _image(potential: fipy.CellVariable, problem: Problem) -> np.ndarray:
    return np.array(potential.value).reshape(problem.labels.shape)
