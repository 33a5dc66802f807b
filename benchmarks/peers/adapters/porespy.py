"""PoreSpy: ``porespy.simulations.tortuosity_fd``, an OpenPNM network of all voxels, pyamg's Ruge–Stüben as the solver.

The values are set in the first and the last layer of voxels and the length is one voxel shorter ("centres"). Its own
criterion, ``ftol``, is the mismatch of the currents behind the first and before the last layer: it gets the
tolerance. The τ that it prints takes ε without isolated voxels. The whole call is counted: removing isolated voxels,
building the network and its matrix, and solving. The program does not tell its iterations.
"""

from __future__ import annotations

import logging

import porespy

from benchmarks.peers.problem import Answer, Clock, Problem

logging.getLogger("porespy").setLevel(logging.ERROR)


def solve(problem: Problem, clock: Clock) -> Answer:
    """Solve with ``tortuosity_fd``."""
    image = problem.conducts
    with clock("solve"):
        result = porespy.simulations.tortuosity_fd(image, axis=0, ftol=problem.tolerance)
    return Answer(result.im_conc, tau=float(result.tortuosity))
