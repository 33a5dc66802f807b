"""Catholyte: ``catholyte.models.effective.effective_transport``, labels in, conductivity and potential out.

Plates on the outer faces. Its own criterion is the mismatch of the currents through the plates. All of it is counted:
the search for isolated voxels, the face conductances, the hierarchy, the iteration and the potential as an image.

For the reference of peers whose plates lie in the first and last layers of voxels, those layers become a phase of
their own that conducts 10⁶ times better and sits behind a resistance of half a voxel: voxels of the second layer then
see a plate one voxel away, in front of conducting voxels only. What is left of the layers' resistance is of the order
of 1e-8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.problem import Answer, Clock, Currents, Problem
from catholyte.models.effective import effective_transport

#: voxel edge in m and conductivity in S/m; neither changes τ
_EDGE, _SIGMA = 1e-6, 1.0
_INSULATOR, _PHASE, _PLATE = 0, 1, 2
_PLATE_SIGMA = 1e6 * _SIGMA
#: below this the mismatch cannot be seen in a potential in single precision
_SINGLE = 1e-6


def solve(problem: Problem, clock: Clock) -> Answer:
    """Solve with ``effective_transport``."""
    if problem.plates == "faces":
        labels, sigma, resistance = problem.labels, np.zeros(int(problem.labels.max()) + 1), None
        sigma[problem.phase] = _SIGMA
    else:
        labels, sigma = _with_plates(problem), np.array([0.0, _SIGMA, _PLATE_SIGMA])
        resistance = np.zeros((3, 3))
        resistance[_PHASE, _PLATE] = resistance[_PLATE, _PHASE] = 0.5 * _EDGE / _SIGMA
    with clock("solve"):
        result = effective_transport(
            labels,
            (_EDGE,) * 3,
            sigma,
            axis=0,
            walls="sealed",
            resistance=resistance,
            tolerance=problem.tolerance,
            keep_potential=True,
        )
    layers, *across = labels.shape
    mean = result.value / _SIGMA * float(np.prod(across)) / layers
    half = 0.5 * result.mismatch
    return Answer(
        # Its low plate is at 0 V and its high plate at 1 V.
        potential=1.0 - result.potential if problem.plates == "faces" and problem.tolerance > _SINGLE else None,
        currents=Currents((1.0 + half) * mean, (1.0 - half) * mean),
        current=mean,
        iterations=result.iterations,
        tau=problem.share * _SIGMA / result.value if result.value else float("inf"),
    )


def _with_plates(problem: Problem) -> NDArray[np.uint8]:
    """Return labels in which the first and the last layer of the phase are plates."""
    labels = np.where(problem.conducts, np.uint8(_PHASE), np.uint8(_INSULATOR))
    for layer in (labels[0], labels[-1]):
        layer[layer == _PHASE] = _PLATE
    return labels
