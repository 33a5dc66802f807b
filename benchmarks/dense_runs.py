"""Discharges of dense layers of mixed conductors by the full model: one column of cells, nothing but the layer resists.

The layer stands between a separator without resistance and the collector, its interface with the separator is fast.
Its cells are finer at both faces. What is left of the cell is the layer: U(x), σ_e(x), σ_i(x), thickness and current.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import NotConverged
from catholyte.mesh.graph import Graph, Terminal
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl
from catholyte.models.parameters import CellParameters, Host, Interface, Phase
from catholyte.physics.constants import F
from catholyte.physics.dense_layer import LIMIT, DenseHost, cumulative
from catholyte.physics.equilibrium import value_and_slope
from catholyte.physics.kinetics import ConstantExchange, Linear
from catholyte.physics.transport import MixedConduction
from catholyte.solve.events import Event, Instant
from catholyte.solve.frames import Frame, Progress, Settings
from catholyte.solve.linear import DirectSolver
from catholyte.solve.transient import Integrator

Floats = NDArray[np.float64]

T = 298.15
CELLS = 40
#: how much finer the cells at the faces are than the mean
_FINER = 0.9
_SETTINGS = Settings(x_tolerance=1e-4, voltage_tolerance=2e-4)
_POINTS = 801
#: share of W that a face may miss of being full
_FULL = 1e-4


@dataclass(frozen=True)
class Range:
    """A host and the lithiations between which it is discharged.

    Attributes
    ----------
    host
        Sites, U(x) and conductivities.
    sigma_e
        Electronic conductivity in S/m of a host that is no mixed conductor.
    low, high
        Lithiation at the start, and that at which the layer counts as full.
    """

    host: Host
    sigma_e: float
    low: float
    high: float

    @property
    def capacity(self) -> float:
        """Charge per volume between the two lithiations in C/m³."""
        return F * self.host.c_max * (self.high - self.low)

    def U(self, x: float) -> float:
        """Return the equilibrium potential in V."""
        return float(np.real(self.host.U(np.array([x]), T))[0])

    @property
    def drop(self) -> float:
        """Difference of the equilibrium potentials at both ends in V."""
        return self.U(self.low) - self.U(self.high)

    def table(self) -> DenseHost:
        """Return the host as the semi-analytic model of a dense layer takes it."""
        x = np.linspace(self.low, self.high, _POINTS)
        U, _ = value_and_slope(self.host.U, x, T)
        law = self.host.transport
        if isinstance(law, MixedConduction):
            sigma_e, sigma_i = np.real(law.sigma_e(x, T)), np.real(law.sigma_i(x, T))
            W = cumulative(sigma_e * sigma_i / (sigma_e + sigma_i), -U)
            return DenseHost(x, U, W, sigma_i / (sigma_e + sigma_i), 1.0 / (sigma_e + sigma_i))
        none = np.zeros(x.shape)
        return DenseHost(x, U, np.real(law.potential(x - self.low, T)), none, none + 1.0 / self.sigma_e)


def column(thickness: float, cells: int) -> Graph:
    """Return a separator of one cell under a layer of some, of an area of one square metre."""
    s = np.linspace(0.0, 1.0, cells + 1)
    edges = thickness * (s - _FINER * np.sin(2.0 * np.pi * s) / (2.0 * np.pi))
    width = np.concatenate([[edges[1]], np.diff(edges)])
    number, area = np.arange(cells + 1, dtype=np.int32), np.ones(cells)
    ends = {
        name: Terminal(number[at], np.ones(1), 0.5 * width[at])
        for name, at in (("counter", slice(0, 1)), ("collector", slice(cells, None)))
    }
    return Graph(
        width,
        np.minimum(number, 1).astype(np.int16),
        ("separator", "active"),
        number[:-1],
        number[1:],
        area,
        0.5 * width[:-1],
        0.5 * width[1:],
        ends,
    )


@dataclass(frozen=True)
class _Discharge:
    """A discharge of a layer at a current density in A/m², to be taken step by step."""

    of: Range
    thickness: float
    current: float
    cells: int

    @cached_property
    def cathode(self) -> Cathode:
        fast = Interface(Linear(), ConstantExchange(float("inf")))
        phases = {"separator": Phase("electrolyte", 1e6), "active": Phase("active", self.of.sigma_e, self.of.host)}
        return Cathode(column(self.thickness, self.cells), CellParameters(phases, {frozenset(phases): fast}, 1.0, T))

    @cached_property
    def integrator(self) -> Integrator:
        return Integrator(self.cathode, DirectSolver(), 1e-3 * self.current, _SETTINGS)

    @cached_property
    def ohmic(self) -> float:
        """Loss in V before lithium has moved, i·L/(σ_e + σ_i); the solver is not asked where it ends the discharge."""
        return self.current * self.thickness * float(self._faces[0].resistivity[0])

    def begin(self) -> tuple[Frame, Progress]:
        u = np.zeros(self.cathode.size)
        u[self.cathode.n_phi : -1] = self.of.low
        return self.integrator.begin(0.0, u, CurrentControl(self.current), 0.0, self.current)

    def onward(
        self, start: tuple[Frame, Progress], event: Event, end: float = math.inf
    ) -> Iterator[tuple[Frame, Progress]]:
        """Yield steps to an event, a time, or to where the layer takes the current no longer."""
        frame, progress = start
        control = CurrentControl(self.current)
        if event.value(frame.instant) > 0.0:
            with contextlib.suppress(NotConverged):
                yield from self.integrator.integrate(progress, control, [event], end=end, last=frame.evaluation)

    def used(self, frame: Frame) -> float:
        """Return the share of the range that has been used."""
        return frame.charge / (self.of.capacity * self.thickness)

    @cached_property
    def _faces(self) -> tuple[DenseHost, Floats]:
        graph = column(self.thickness, self.cells)
        ends = np.array([graph.distance_b[0], graph.terminals["collector"].distance[0]])
        return self.of.table(), ends * self.current

    def room(self, frame: Frame) -> float:
        """Return how far the fuller face is from the discharged host, as a share of W = −∫σ_a dU."""
        table, reach = self._faces
        x = frame.evaluation.u[-1 - self.cells : -1][[0, -1]]
        W, ions = np.interp(x, table.x, table.W), np.interp(x, table.x, table.ions)
        W += np.maximum(x - table.x[-1], 0.0) * (table.W[-1] - table.W[-2]) / (table.x[-1] - table.x[-2])
        return 1.0 - float(np.max(W + np.abs([1.0, 0.0] - ions) * reach)) / float(table.W[-1])


def to_voltage(of: Range, thickness: float, current: float, cut_off: float, *, cells: int = CELLS) -> float:
    """Return the share of the range that a discharge to a voltage in V uses."""
    run = _Discharge(of, thickness, current, cells)
    if run.ohmic >= of.U(of.low) - cut_off:
        return 0.0
    rule = Event("cut-off", lambda now: 1e5 * (now.voltage - cut_off))
    start = run.begin()
    return max(run.used(frame) for frame, _ in [start, *run.onward(start, rule)])


def as_dense_layer(of: Range, thickness: float, current: float, *, cells: int = CELLS) -> float:
    """Return the share of the range that a discharge uses which ends as those of ``physics/dense_layer.py`` do.

    That is where either face has the lithiation of the discharged host, or where the polarisation reaches its limit.
    """
    run, whole = _Discharge(of, thickness, current, cells), of.capacity * thickness

    def headroom(now: Instant) -> float:
        x = min(of.low + now.charge / whole * (of.high - of.low), of.high)
        return 1e5 * (LIMIT - (of.U(x) - now.voltage))

    if run.ohmic >= LIMIT:
        return 0.0
    limit = Event("limit", headroom)
    before = run.begin()
    if run.room(before[0]) <= 0.0:
        return 0.0
    full = None
    for frame, progress in run.onward(before, limit):
        if run.room(frame) <= 0.0:
            full = frame
            break
        before = frame, progress
    while full is not None and abs(run.room(full)) > _FULL:
        # The step is repeated with the length at which a straight line has the face full.
        t, room = before[0].t, run.room(before[0])
        end = t + (full.t - t) * room / (room - run.room(full))
        if end <= t * (1.0 + 1e-12):
            break
        for frame, progress in run.onward(before, limit, end):
            if run.room(frame) > 0.0:
                before = frame, progress
            else:
                full = frame
        if run.room(before[0]) < _FULL:
            break
    return run.used(full if full is not None and abs(run.room(full)) <= _FULL else before[0])
