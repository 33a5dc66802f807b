"""The problem that is put to every solver, and the one judge of what they return.

    ∇²φ = 0 in the voxels of one phase,  φ = 1 and 0 on plates across axis 0,  no flux through any other wall

Voxels have edge 1 and conductivity 1. With the current I, the plates' distance L and their area A

    σ_eff = I·L/A,        τ = ε/σ_eff,        ε = share of the phase in the image, isolated voxels included

For every potential that is returned, I is the dissipated power over the square of the voltage (which is 1): its error
is the square of that of the potential. How far the currents through the two plates differ is judged from the same
potential.

Plates lie on the outer faces of the image (``"faces"``, half a voxel from the first centres) or, in schemes that set
the value of the first and last layer of voxels themselves, in those voxels' centres (``"centres"``, L shorter by
one).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Plates = Literal["faces", "centres"]


@dataclass(frozen=True)
class Problem:
    """What is to be solved.

    Attributes
    ----------
    labels
        Phase index of every voxel, shape (nz, ny, nx).
    phase
        The one that conducts.
    tolerance
        Largest relative mismatch of the currents through the two plates.
    plates
        Where the plates lie.
    """

    labels: NDArray[np.uint8]
    phase: int
    tolerance: float
    plates: Plates = "faces"

    @cached_property
    def conducts(self) -> NDArray[np.bool_]:
        """Voxels of the phase."""
        return self.labels == self.phase

    @cached_property
    def percolates(self) -> NDArray[np.bool_]:
        """Voxels of the phase that are joined to both plates through faces."""
        from scipy.ndimage import label

        clusters, number = label(self.conducts)
        both = np.zeros(number + 1, dtype=bool)
        both[np.intersect1d(clusters[0], clusters[-1])] = True
        both[0] = False
        return both[clusters]

    @property
    def share(self) -> float:
        """ε."""
        return float(np.count_nonzero(self.conducts)) / self.labels.size

    def conductivity(self, current: float, plates: Plates) -> float:
        """Return σ_eff of a current."""
        layers, *across = self.labels.shape
        return current * (layers - (plates == "centres")) / float(np.prod(across))

    def duct(self, voxels: int) -> Problem:
        """Return a small problem that any solver can do, to warm up with: a duct of L-shaped cross-section."""
        labels = np.full((voxels,) * 3, self.phase, dtype=np.uint8)
        labels[:, : voxels // 2, : voxels // 2] = 0 if self.phase else 1
        return Problem(labels, self.phase, self.tolerance, self.plates)


@dataclass(frozen=True)
class Currents:
    """The currents through the low and the high plate."""

    low: float
    high: float

    @property
    def mean(self) -> float:
        """Their mean."""
        return 0.5 * (self.low + self.high)

    @property
    def mismatch(self) -> float:
        """|I_low − I_high| / mean; zero if no current flows at all."""
        return abs(self.low - self.high) / abs(self.mean) if self.mean else 0.0


def plate_currents(potential: NDArray[Any], problem: Problem, plates: Plates) -> Currents:
    """Return the currents of a potential of every voxel (1 at the low plate, 0 at the high one)."""
    inside = problem.percolates
    ends = [potential[k].astype(np.float64) for k in (0, 1, -2, -1)]
    if plates == "faces":
        return Currents(
            float(np.sum(2.0 * (1.0 - ends[0]), where=inside[0])), float(np.sum(2.0 * ends[3], where=inside[-1]))
        )
    return Currents(
        float(np.sum(ends[0] - ends[1], where=inside[0] & inside[1])),
        float(np.sum(ends[2] - ends[3], where=inside[-2] & inside[-1])),
    )


def dissipation(potential: NDArray[Any], problem: Problem, plates: Plates) -> float:
    """Return the power that a potential of every voxel dissipates between plates at 1 and 0."""
    inside = problem.percolates
    power = 0.0
    for k in range(3):
        phi, here = np.moveaxis(potential, k, 0), np.moveaxis(inside, k, 0)
        # Layer by layer, since differences of a whole image are as large as a solver's vectors.
        for low in range(len(phi) - 1):
            drop = np.subtract(phi[low], phi[low + 1], dtype=np.float64)
            power += float(np.sum(drop * drop, where=here[low] & here[low + 1]))
    if plates == "faces":
        for drop, here in ((1.0 - potential[0].astype(np.float64), inside[0]), (potential[-1], inside[-1])):
            power += float(np.sum(2.0 * drop * drop, where=here, dtype=np.float64))
    return power


@dataclass(frozen=True)
class Answer:
    """What a solver returned.

    Attributes
    ----------
    potential
        Of every voxel, 1 at the low plate and 0 at the high one; None where the program keeps it to itself.
    currents
        Those that the program reports; needed where there is no potential.
    iterations
        None where the program does not say.
    tau
        The tortuosity factor that the program itself prints, if it prints one.
    current
        The current that belongs to it, if that is better than what follows from the potential.
    """

    potential: NDArray[Any] | None = None
    currents: Currents | None = None
    iterations: int | None = None
    tau: float | None = None
    current: float | None = None

    def total(self, problem: Problem, plates: Plates) -> float:
        """Return the current that goes into σ_eff."""
        if self.current is not None:
            return self.current
        if self.potential is None:
            return self.through(problem, plates).mean
        return dissipation(self.potential, problem, plates)

    def through(self, problem: Problem, plates: Plates) -> Currents:
        """Return the currents, from the potential wherever there is one."""
        if self.potential is None:
            assert self.currents is not None
            return self.currents
        return plate_currents(self.potential, problem, plates)


@dataclass
class Clock:
    """Seconds spent in each part of a solve.

    Parts are ``"assembly"`` (of a matrix that a mere linear solver is handed; not counted against it), ``"set-up"``
    and ``"solve"``.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Add what happens inside to a part."""
        began = perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + perf_counter() - began

    @property
    def counted(self) -> float:
        """The time that goes into the table."""
        return self.seconds.get("set-up", 0.0) + self.seconds.get("solve", 0.0)
