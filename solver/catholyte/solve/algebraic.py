"""Approximate inverses of the two diagonal blocks by Ruge and Stüben's algebraic multigrid, of pyamg.

Aggregation follows the strong links of a graph, but needs positive ones. On meshes of elements couplings are negative
behind obtuse angles and differ by orders of magnitude between neighbours; interpolation from the matrix entries copes
with both. A hierarchy is kept while the diagonal of its matrix stays about the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyamg
from numpy.typing import NDArray

from catholyte.fv.assembly import CoupledSystem
from catholyte.fv.laplacian import Laplacian
from catholyte.solve.threads import share

Vector = NDArray[Any]

#: relative change of an entry of the diagonal from which a hierarchy is made anew
_CHANGED = 0.25
#: rows up to which a level is solved directly
_COARSEST = 300


@dataclass
class _Hierarchy:
    """Multigrid of a matrix that changes a little from one solve to the next."""

    diagonal: Vector = field(default_factory=lambda: np.zeros(0))
    scale: float = 1.0
    cycle: Any = None

    def take(self, matrix: Laplacian) -> None:
        """Set up the hierarchy of a matrix, or keep the one at hand."""
        diagonal = matrix.diagonal
        if self.diagonal.size == diagonal.size:
            change = np.abs(diagonal - self.diagonal) / np.abs(self.diagonal)
            if float(change.max()) <= _CHANGED:
                return
        self.diagonal = diagonal
        # Conductances of a mesh of nanometres lie below the thresholds of the library.
        self.scale = 1.0 / float(np.abs(diagonal).max())
        scaled = (matrix.matrix() * self.scale).tocsr()
        levels = pyamg.ruge_stuben_solver(scaled, max_coarse=_COARSEST, coarse_solver="splu")
        self.cycle = levels.aspreconditioner()

    def solve(self, load: Vector) -> Vector:
        """Run one cycle."""
        solved: Vector = self.scale * (self.cycle @ load.astype(np.float64))
        return solved.astype(load.dtype)


class AlgebraicBlocks:
    """Classical algebraic multigrid for potentials and for lithium, one cycle each.

    Parameters
    ----------
    system
        A real system; those that are taken later share its skeleton.
    """

    def __init__(self, system: CoupledSystem) -> None:
        share(system.n_phi)
        self._phi, self._lithium = _Hierarchy(), _Hierarchy()

    def take(self, system: CoupledSystem) -> None:
        """Take the numbers of a system."""
        self._system = system
        self._phi.take(system.reduced_matrix)
        if not system.frozen:
            self._lithium.take(system.reduced_lithium())

    def potentials(self, load: Vector) -> Vector:
        """Solve the reduced A_φφ by a cycle."""
        return self._phi.solve(load)

    def lithium(self, load: Vector) -> Vector:
        """Run one cycle on A_xx."""
        return self._lithium.solve(load)

    def product(self, v: Vector) -> Vector:
        """Multiply with the matrix."""
        return self._system.product(v)
