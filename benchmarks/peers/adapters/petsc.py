"""PETSc on one process: conjugate gradients with hypre's BoomerAMG (as it comes, and tuned) or with GAMG.

It is handed our assembled matrix, so the plates are on the outer faces and assembling is not counted; copying the
matrix to PETSc, the hierarchy and the iteration are. The iteration stops as soon as the currents through the plates
match; the time spent on looking is taken off. ``hypre-tuned`` is the fastest of some twenty settings tried on 64³ (the
strong threshold, PMIS, two levels of aggressive coarsening and other smoothers gained nothing): HMIS coarsening,
extended+i interpolation with at most four entries, one level of aggressive coarsening.

petsc4py has no wheels; README.md says how it can be had. This module needs numpy and scipy beside it, so that the
interpreter of a distribution can run it.
"""

from __future__ import annotations

import numpy as np
from petsc4py import PETSc

from benchmarks.peers.problem import Answer, Clock, Problem
from benchmarks.peers.system import Watch, assemble

_OPTIONS: dict[str, dict[str, object]] = {
    "hypre": {"pc_type": "hypre"},
    "hypre-tuned": {
        "pc_type": "hypre",
        "pc_hypre_boomeramg_coarsen_type": "HMIS",
        "pc_hypre_boomeramg_interp_type": "ext+i",
        "pc_hypre_boomeramg_P_max": 4,
        "pc_hypre_boomeramg_agg_nl": 1,
    },
    "gamg": {"pc_type": "gamg"},
}


def solve(problem: Problem, clock: Clock, *, preconditioner: str) -> Answer:
    """Solve with a KSP of type cg."""
    with clock("assembly"):
        system = assemble(problem)
    watch = Watch(system)

    def converged(ksp: PETSc.KSP, iteration: int, norm: float) -> PETSc.KSP.ConvergedReason:
        if iteration and watch.matches(ksp.buildSolution().getArray(readonly=True)):
            return PETSc.KSP.ConvergedReason.CONVERGED_RTOL
        return PETSc.KSP.ConvergedReason.CONVERGED_ITERATING

    with clock("set-up"):
        csr = system.matrix
        matrix = PETSc.Mat().createAIJ(csr.shape, csr=(csr.indptr, csr.indices, csr.data), comm=PETSc.COMM_SELF)
        matrix.setOption(PETSc.Mat.Option.SPD, True)
        options = PETSc.Options()
        for key, value in _OPTIONS[preconditioner].items():
            options[key] = value
        ksp = PETSc.KSP().create(PETSc.COMM_SELF)
        ksp.setType("cg")
        ksp.setOperators(matrix)
        ksp.setTolerances(max_it=1000)
        ksp.setConvergenceTest(converged)
        ksp.setFromOptions()
        ksp.setUp()
    load, x = PETSc.Vec().createWithArray(system.load, comm=PETSc.COMM_SELF), matrix.createVecRight()
    with clock("solve"):
        ksp.solve(load, x)
    clock.seconds["solve"] -= watch.seconds
    return system.answer(np.array(x.getArray()), watch.iterations)
