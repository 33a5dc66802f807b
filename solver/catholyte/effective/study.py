"""The answers to a request: one conduction problem for each quantity and direction, and the areas of the interfaces.

With the share ε of the image that conducts, σ0 its conductivity and σ_eff that of the image,

    tortuosity factor τ = ε σ0/σ_eff,   Bruggeman exponent α with σ_eff/σ0 = ε^α,   MacMullin number N_M = σ0/σ_eff.

They are defined where all that conducts has one conductivity. Where it has several there is no σ0; the ratio σ̄/σ_eff of
the volume mean to the effective conductivity is then what is left, and the formation factor σ_max/σ_eff. With a single
conductivity these two are τ and N_M.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catholyte.effective.request import Quantity, Request
from catholyte.mesh.area import InterfaceAreas, interface_areas
from catholyte.mesh.images import count_labels
from catholyte.models.effective import EffectiveTransport, effective_transport

#: shares of phases that make up the whole image add up to one within rounding
_ALL = 1.0 - 1e-12


@dataclass(frozen=True, eq=False)
class Direction:
    """One quantity in one direction; ratios are infinite where nothing percolates.

    Attributes
    ----------
    transport
        What the solver found.
    fraction, reference
        ε, and σ0 or None where there is none.
    mean, largest
        σ̄ over the whole image, and σ_max.
    seconds
        Time of the solve.
    """

    transport: EffectiveTransport
    fraction: float
    reference: float | None
    mean: float
    largest: float
    seconds: float

    @property
    def percolates(self) -> bool:
        """Whether something flows."""
        return self.transport.value > 0.0

    @property
    def isolated_share(self) -> float:
        """Share of what conducts that joins no path between the plates."""
        return self.transport.isolated / self.transport.conducting if self.transport.conducting > 0.0 else 0.0

    @property
    def tortuosity_factor(self) -> float | None:
        """τ; None where it is not defined."""
        return None if self.reference is None else self._over(self.fraction * self.reference)

    @property
    def bruggeman_exponent(self) -> float | None:
        """α; None where it is not defined, as where all of the image conducts."""
        if self.reference is None or not 0.0 < self.fraction < _ALL:
            return None
        if not self.percolates:
            return math.inf
        return math.log(self.transport.value / self.reference) / math.log(self.fraction)

    @property
    def macmullin_number(self) -> float | None:
        """N_M; None where it is not defined."""
        return None if self.reference is None else self._over(self.reference)

    @property
    def formation_factor(self) -> float:
        """σ_max/σ_eff."""
        return self._over(self.largest)

    @property
    def mean_ratio(self) -> float:
        """σ̄/σ_eff."""
        return self._over(self.mean)

    def _over(self, value: float) -> float:
        return value / self.transport.value if self.percolates else math.inf


@dataclass(frozen=True, eq=False)
class Outcome:
    """A quantity in all directions asked for.

    Attributes
    ----------
    quantity
        What flows.
    directions
        In the order of the request's axes.
    """

    quantity: Quantity
    directions: tuple[Direction, ...]

    @property
    def tensor(self) -> NDArray[np.float64] | None:
        """Column j is the mean flux (z, y, x) for a unit gradient along j; None unless all three were solved for."""
        tensor = np.full((3, 3), np.nan)
        for transport in (direction.transport for direction in self.directions):
            tensor[:, transport.axis] = transport.flux
            tensor[transport.axis, transport.axis] = transport.value
        return None if np.isnan(tensor).any() else tensor

    @property
    def through(self) -> Direction:
        """The through-plane direction z, or the first one if z was not asked for."""
        return min(self.directions, key=lambda direction: direction.transport.axis != 0)


@dataclass(frozen=True, eq=False)
class Study:
    """All answers.

    Attributes
    ----------
    request
        What was asked.
    fractions
        Volume share of every phase.
    outcomes
        By quantity.
    areas
        Interfaces per volume; None where the voxel size is not known.
    """

    request: Request
    fractions: tuple[float, ...]
    outcomes: tuple[Outcome, ...]
    areas: InterfaceAreas | None


def compute(
    request: Request,
    *,
    begin: Callable[[Quantity, int], None] | None = None,
    solved: Callable[[Quantity, EffectiveTransport], None] | None = None,
) -> Study:
    """Answer a request.

    Parameters
    ----------
    request
        The conduction problem.
    begin
        Called before each solve with the quantity and the axis.
    solved
        Called after each solve with the quantity and the answer, which then holds the potential; nobody keeps it.

    Raises
    ------
    NotConverged
        If a solve does not reach the tolerance.
    """
    counts = count_labels(request.labels)
    fractions = tuple(counts.get(k, 0) / request.labels.size for k in range(len(request.phases)))
    outcomes = []
    for quantity in request.quantities:
        directions = []
        for axis in request.plates.axes:
            if begin is not None:
                begin(quantity, axis)
            started = time.perf_counter()
            transport = effective_transport(
                request.labels,
                request.spacing,
                np.array(quantity.sigma),
                axis=axis,
                walls=request.walls,
                resistance=quantity.resistance,
                tolerance=request.plates.tolerance,
                keep_potential=solved is not None,
            )
            seconds = time.perf_counter() - started
            if solved is not None:
                solved(quantity, transport)
                transport = replace(transport, potential=None)
            directions.append(
                Direction(
                    transport,
                    fraction=sum(fractions[k] for k in quantity.conducting),
                    reference=quantity.reference,
                    mean=sum(f * s for f, s in zip(fractions, quantity.sigma, strict=True)),
                    largest=max(quantity.sigma),
                    seconds=seconds,
                )
            )
        outcomes.append(Outcome(quantity, tuple(directions)))
    return Study(request, fractions, tuple(outcomes), _areas(request))


def _areas(request: Request) -> InterfaceAreas | None:
    if request.voxel_size is None:
        return None
    # an axis is joined to its end if it is across one of the directions
    across = [request.walls == "periodic" and any(other != axis for other in request.plates.axes) for axis in range(3)]
    return interface_areas(request.labels, request.voxel_size, len(request.phases), periodic=across)
