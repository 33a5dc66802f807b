"""What must hold for any image with a mixed conductor: conservation, mirrors, rest, energy, a symmetric matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from builders import host_phase
from hypothesis import Phase as Stage
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import brentq
from small_cells import Piece, T, lithiation, run, solid_solution, state, window

from catholyte.errors import MeshError
from catholyte.mesh.voxels import voxel_graph
from catholyte.models.analysis import LOSSES, Analysis
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.parameters import CellParameters, Interface, Layer, Phase
from catholyte.physics.kinetics import ButlerVolmer, ConstantExchange, Linear, SymmetricExchange
from catholyte.physics.transport import MixedConduction
from catholyte.solve.frames import Settings
from catholyte.solve.linear import DirectSolver
from catholyte.solve.transient import Integrator

NAMES = ("electrolyte", "dual", "other", "active", "carbon", "void")
ELECTROLYTE, DUAL, OTHER, ACTIVE, CARBON, VOID = range(6)
SPACING = (0.4e-6, 0.5e-6, 0.7e-6)

#: a failing example is small already, and shrinking it would run hundreds of integrations
checked = settings(max_examples=15, deadline=None, derandomize=True, phases=(Stage.explicit, Stage.generate))


def decades(low, high):
    """Return a strategy for numbers spread evenly over decades."""
    return st.floats(np.log10(low), np.log10(high)).map(lambda a: float(10.0**a))


def lower(x, T):
    return solid_solution(x, T) - 0.1


@dataclass(frozen=True)
class Exponential:
    """σ(x) = sigma·exp(bend·(x − 1/2)) in S/m."""

    sigma: float
    bend: float

    def __call__(self, x, T):
        return self.sigma * np.exp(self.bend * (np.asarray(x) - 0.5))


@dataclass(frozen=True)
class Draw:
    """Everything that a random cell is made of."""

    labels: np.ndarray
    grain: np.ndarray
    sigma_e: float
    sigma_i: float
    bend: float
    i0: float
    boundary: Interface
    layers: tuple[Layer, ...]
    rate: object

    def model(self, labels=None, grain=None) -> Cathode:
        labels = self.labels if labels is None else labels
        graph = voxel_graph(labels, SPACING, NAMES)
        voxel = graph.grid.voxel
        grain = (self.grain if grain is None else grain).ravel()[voxel]
        graph = replace(graph, grain=grain)
        ions = graph.phase == ELECTROLYTE
        graph = graph.subset(graph.connected_to("counter", ions) | graph.connected_to("collector", ~ions))
        dual = MixedConduction(Exponential(self.sigma_e, self.bend), Exponential(self.sigma_i, -self.bend), lower)
        other = MixedConduction(Exponential(self.sigma_i, 0.0), Exponential(self.sigma_e, 1.0), solid_solution)
        phases = {
            "electrolyte": Phase("electrolyte", 0.05),
            "dual": host_phase(lower, c_max=2e4, sigma=self.sigma_e, transport=dual),
            "other": host_phase(solid_solution, c_max=3e4, sigma=self.sigma_i, transport=other),
            "active": host_phase(solid_solution, c_max=5e4, D=1e-13, sigma=1.0),
            "carbon": Phase("conductor", 100.0),
        }
        fast = Interface(Linear(), ConstantExchange(np.inf))
        coated = Interface(self.rate, SymmetricExchange(self.i0), layers=self.layers, film_resistance=1e-4)
        interfaces = {
            frozenset(("electrolyte", "dual")): coated,
            frozenset(("electrolyte", "other")): fast,
            frozenset(("electrolyte", "active")): Interface(ButlerVolmer(), SymmetricExchange(1.0)),
            frozenset(("dual",)): self.boundary,
            frozenset(("dual", "other")): self.boundary,
            frozenset(("dual", "active")): Interface(contact_resistance=1e-4),
            frozenset(("dual", "collector")): Interface(contact_resistance=1e-4),
        }
        area = labels[0].size * SPACING[1] * SPACING[2]
        return Cathode(graph, CellParameters(phases, interfaces, area, T))

    def built(self) -> Cathode:
        """Return the model, if the image percolates and holds a mixed conductor that takes part."""
        try:
            problem = self.model()
        except MeshError:
            assume(False)
        assume(problem.mixed is not None)
        return problem


@st.composite
def cells(draw):
    shape = draw(st.tuples(st.integers(2, 5), st.integers(1, 4), st.integers(1, 4)))
    phase = st.sampled_from([ELECTROLYTE, ELECTROLYTE, DUAL, DUAL, DUAL, OTHER, ACTIVE, CARBON, VOID])
    inner = draw(arrays(np.uint8, shape, elements=phase))
    labels = np.concatenate([np.zeros((1, *shape[1:]), np.uint8), inner])
    grain = draw(arrays(np.int32, labels.shape, elements=st.integers(1, 3)))
    return Draw(
        labels,
        grain,
        draw(decades(1e-5, 1e2)),
        draw(decades(1e-5, 1e2)),
        draw(st.sampled_from([-2.0, 0.0, 1.0])),
        draw(decades(1e-1, 1e5)),
        draw(st.sampled_from([Interface(), Interface(contact_resistance=1e-4, ionic_resistance=1e-3)])),
        draw(st.sampled_from([(), (Layer("space charge", 1e-3), Layer("interphase", 1e-4, growth=1e-9))])),
        draw(st.sampled_from([ButlerVolmer(), ButlerVolmer(0.3), Linear()])),
    )


def rested(problem: Cathode, x: float) -> np.ndarray:
    """Return the state of equilibrium: every host at the potential of the mixed conductor ``dual`` at x."""
    u = state(problem, x)
    where = {name: at for name, _, at in problem.hosts}
    if "dual" in where and len(where) > 1:
        level = float(lower(np.array([x]), T)[0])
        same = brentq(lambda y: float(solid_solution(y, T)) - level, 1e-6, 1.0 - 1e-6)
        for name, at in where.items():
            if name != "dual":
                u[problem.n_phi : -1][at] = same
        u[-1] = level
    return u


def current_for(problem, u, shift):
    """Return the current that a jump of the voltage by ``shift`` draws, which any constants can carry."""
    u = np.append(u[:-1], u[-1] + shift)
    integrator = Integrator(problem, DirectSolver(), 1e-3 * problem.capacity.sum() / 3600)
    memory = problem.resting_memory(problem.evaluate(u))
    start, _ = integrator.begin(0.0, u, VoltageControl(u[-1]), 0.0, 0.0, memory)
    return start.evaluation.current


def through_the_collector(problem, at):
    """Return the current in A, discharge positive, of all faces of the collector."""
    phi = problem.split(at.u)[0]
    direct = float(np.sum(problem.collector.conductance * phi[problem.collector.unknown]))
    ends = ~problem.mixed.at.inner
    return direct + float(np.sum(at.mixed.flow[ends]))


shifts = st.sampled_from([-0.2, -0.05, -0.005, 0.005, 0.05, 0.2])
fractions = st.floats(0.2, 0.8)


@checked
@given(cells(), fractions, shifts)
def test_a_protocol_conserves_charge_and_lithium(cell, x, shift):
    """∫I dt = Σ F c_max v Δx after current, rest, voltage and the way back; both terminals carry I."""
    problem = cell.built()
    u = rested(problem, x)
    before = lithiation_of(problem, u)
    current = current_for(problem, u, shift)
    second = 0.1 * problem.capacity.sum() / abs(current)
    pieces = [
        Piece(CurrentControl(current), second, window(u[-1] - 0.4, u[-1] + 0.4)),
        Piece(CurrentControl(0.0), 0.2 * second),
        Piece(VoltageControl(u[-1] - 0.5 * shift), second),
        Piece(CurrentControl(-0.5 * current), 0.5 * second, window(u[-1] - 0.4, u[-1] + 0.4)),
    ]
    passed, last = 0.0, 0.0
    for frame, _ in run(problem, u, pieces, scale=1e-3 * abs(current)):
        at = frame.evaluation
        passed += abs(frame.charge - last)
        last = frame.charge
        stored = float(problem.capacity @ (lithiation(problem, at) - before))
        assert abs(frame.charge - stored) <= 1e-8 * passed
        assert through_the_collector(problem, at) == pytest.approx(at.current, rel=1e-7, abs=1e-8 * abs(current))
        assert 0.0 < lithiation(problem, at).min() <= lithiation(problem, at).max() < 1.0
    assert passed > 0.0


def lithiation_of(problem, u):
    return problem.split(u)[1].copy()


@checked
@given(cells(), fractions)
def test_at_rest_nothing_changes(cell, x):
    problem = cell.built()
    u = rested(problem, x)
    before = lithiation_of(problem, u)
    scale = 1e-3 * problem.capacity.sum() / 3600
    for frame, _ in run(problem, u, [Piece(CurrentControl(0.0), 1e5)], scale=scale):
        np.testing.assert_allclose(lithiation(problem, frame.evaluation), before, rtol=1e-10)
        assert frame.evaluation.voltage == pytest.approx(u[-1], abs=1e-9)


@checked
@given(cells(), fractions, shifts, decades(1e-4, 1e6))
def test_the_matrix_of_both_potentials_is_symmetric_and_positive(cell, x, shift, step):
    """In φ and ψ: two networks of conductances, joined in every cell by its capacity."""
    problem = cell.built()
    u = rested(problem, x)
    u[problem.n_phi : -1] *= 1.0 + 0.1 * np.cos(np.arange(problem.n_x))
    u[-1] += shift
    at = problem.evaluate(u)
    system = problem.system(at, 1.0 / step, CurrentControl(0.0))
    dense = system.reduced_matrix.matrix().toarray()
    assert dense.shape[0] == problem.n_phi + problem.mixed.at.size
    np.testing.assert_allclose(dense, dense.T, rtol=1e-13)
    scale = 1.0 / np.sqrt(np.diag(dense))
    assert np.all(dense[~np.eye(dense.shape[0], dtype=bool)] <= 0.0)
    assert np.linalg.eigvalsh(scale[:, None] * dense * scale).min() > -1e-13


@checked
@given(cells(), fractions, shifts, st.sampled_from([1, 2]))
def test_mirror_images_answer_alike(cell, x, shift, axis):
    problem = cell.built()
    other = cell.model(np.flip(cell.labels, axis), np.flip(cell.grain, axis))
    u = rested(problem, x)
    current = current_for(problem, u, shift)
    second = 0.004 * problem.capacity.sum() / abs(current)
    fields = []
    for each in (problem, other):
        frames = run(
            each,
            rested(each, x),
            [Piece(CurrentControl(current), 3 * second, window(u[-1] - 0.5, u[-1] + 0.5))],
            scale=abs(current),
            settings=Settings(order=1, fixed_step=second, balance=1e-11),
        )
        at = [frame.evaluation for frame, _ in frames]
        field = np.full(cell.labels.size, np.nan)
        field[each.graph.grid.voxel[each.store_cells]] = lithiation(each, at[-1])
        fields.append((np.array([e.voltage for e in at]), field.reshape(cell.labels.shape)))
    (V, x_of), (V_mirrored, x_mirrored) = fields
    np.testing.assert_allclose(V_mirrored, V, atol=1e-8, rtol=0.0)
    np.testing.assert_allclose(np.flip(x_mirrored, axis), x_of, atol=1e-8, rtol=0.0)


@checked
@given(cells(), fractions, shifts)
def test_parts_of_the_polarisation_sum_to_the_whole(cell, x, shift):
    """Electrons, ions, transfer, films, boundaries, contacts, and what uneven lithiation stores; at every instant."""
    problem = cell.built()
    u = rested(problem, x)
    current = current_for(problem, u, shift)
    second = 0.1 * problem.capacity.sum() / abs(current)
    analysis = Analysis(problem)
    pieces = [Piece(CurrentControl(current), second, window(u[-1] - 0.4, u[-1] + 0.4))]
    tight = Settings(balance=1e-12)
    for frame, _ in run(problem, u, pieces, scale=abs(current), settings=tight):
        losses = analysis.losses(frame.evaluation)
        parts = [losses[f"loss_{name}"] for name in LOSSES]
        if not np.any(np.isnan(parts)):
            size = max(1.0, float(np.abs(parts).max()))
            assert sum(parts) == pytest.approx(losses["loss_total"], abs=1e-9 * size)
