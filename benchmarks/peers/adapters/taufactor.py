"""TauFactor 1.x on the CPU: ``taufactor.Solver``, red–black over-relaxation of a float32 image with PyTorch.

Plates on the outer faces: the padded layer holds twice the plate's potential and counts for two neighbours, which is
half a voxel. Its own criterion, ``conv_crit``, is the spread of the current over all layers of the image, looked at
every hundred sweeps; it gets the tolerance. That is stricter than the mismatch of the plates, but relaxation from a
linear potential lets that mismatch cross zero long before the inside has settled, so nothing looser would be the same
accuracy. Constructor and sweeps are both counted.
"""

from __future__ import annotations

import numpy as np
import taufactor

from benchmarks.peers.problem import Answer, Clock, Problem

_MOST_SWEEPS = 100_000


def solve(problem: Problem, clock: Clock) -> Answer:
    """Solve with ``taufactor.Solver``."""
    image = problem.conducts.astype(np.uint8)
    with clock("set-up"):
        solver = taufactor.Solver(image, device="cpu")
    with clock("solve"):
        tau = solver.solve(iter_limit=_MOST_SWEEPS, verbose=False, conv_crit=problem.tolerance)
    # Its plates are at -1/2 and +1/2.
    potential = 0.5 - solver.field[0, 1:-1, 1:-1, 1:-1].numpy()
    return Answer(potential, iterations=solver.iter, tau=float(tau[0]))
