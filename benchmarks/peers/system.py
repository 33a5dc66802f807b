"""The problem as a sparse system for general solvers, and a watch that stops them at the flux tolerance.

A x = b with x the potential of the percolating voxels: A_pp = number of conducting neighbours + 2 at a plate (half a
voxel away), A_pq = −1. Needs numpy and scipy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.peers.problem import Answer, Currents, Problem

Vector = NDArray[np.float64]
_PLATE = 2.0


@dataclass(frozen=True)
class System:
    """The system of a problem.

    Attributes
    ----------
    matrix, load
        A and b.
    low, high
        Unknowns at the two plates.
    """

    problem: Problem
    matrix: csr_matrix
    load: Vector
    low: NDArray[np.int32]
    high: NDArray[np.int32]

    def currents(self, x: Vector) -> Currents:
        """Return the currents of a solution; the same numbers as from its image."""
        return Currents(float(_PLATE * np.sum(1.0 - x[self.low])), float(_PLATE * np.sum(x[self.high])))

    def answer(self, x: Vector, iterations: int | None) -> Answer:
        """Return a solution as the potential of every voxel."""
        potential = np.full(self.problem.labels.shape, np.nan)
        potential[self.problem.percolates] = x
        return Answer(potential, iterations=iterations)


def assemble(problem: Problem) -> System:
    """Assemble the matrix of a problem."""
    inside = problem.percolates
    index = np.full(inside.shape, -1, dtype=np.int32)
    n = int(np.count_nonzero(inside))
    index[inside] = np.arange(n, dtype=np.int32)
    low, high = index[0][inside[0]], index[-1][inside[-1]]
    diagonal = np.zeros(n)
    diagonal[low] += _PLATE
    diagonal[high] += _PLATE
    rows, columns = [np.arange(n, dtype=np.int32)], [np.arange(n, dtype=np.int32)]
    for axis in range(3):
        along = np.moveaxis(index, axis, 0)
        both = (along[:-1] >= 0) & (along[1:] >= 0)
        a, b = along[:-1][both], along[1:][both]
        for one, other in ((a, b), (b, a)):
            rows.append(one)
            columns.append(other)
            diagonal[one] += 1.0
    row, column = np.concatenate(rows), np.concatenate(columns)
    values = np.full(row.size, -1.0)
    values[:n] = diagonal
    load = np.zeros(n)
    load[low] = _PLATE
    return System(problem, csr_matrix((values, (row, column)), shape=(n, n)), load, low, high)


class Matched(Exception):
    """The currents through the plates match."""


class Watch:
    """Called with every iterate: counts them, and stops the iteration once the currents through the plates match.

    The mismatch of an iterate changes its sign now and then, so it has to be small twice in a row. The time that is
    spent here is kept, to be taken off.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._matched = 0
        self.iterations = 0
        self.seconds = 0.0
        self.x: Any = None

    def matches(self, x: Vector) -> bool:
        """Take note of an iterate and return whether it will do."""
        began = perf_counter()
        self.iterations += 1
        self.x = x
        small = self._system.currents(x).mismatch <= self._system.problem.tolerance
        self._matched = self._matched + 1 if small else 0
        self.seconds += perf_counter() - began
        return self._matched >= 2

    def __call__(self, x: Vector) -> None:
        """Take note of an iterate; raises Matched if it will do."""
        if self.matches(x):
            raise Matched
