"""Every kernel of ``fv/grid_kernels.py`` and ``fv/grid_setup.py`` against dense matrices, compiled and as plain Python.

The twin of a level is its matrix: (A x)_p = e_p x_p + Σ_q w_pq (x_p − x_q), the links of every axis placed by shifting
the numbers of the unknowns; transfer is multiplication with the matrix P of zeros and ones that says which block an
unknown belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from catholyte.fv import grid_kernels, grid_setup

SMOOTHING = ["grid_relax", "grid_restrict", "grid_prolong"]
NAMES = [*SMOOTHING, *(f"{name}_parallel" for name in SMOOTHING), "grid_product"]
SETUP_NAMES = ["grid_coarsen", "grid_diagonal", "grid_block_sum", "image_links", "image_ramp", "image_dissipation"]

#: precision of most tests: compiled that of the hierarchy, so that nothing is compiled for the tests alone
KIND = np.float64 if numba.config.DISABLE_JIT else np.float32
#: stands for the network of the cells where a level and the next have as many slots
NO_NETWORK = np.zeros(1, dtype=np.uint8)


@pytest.fixture(params=["compiled", "plain"])
def k(request):
    """All kernels, once as they run and once as the Python they were written in."""
    chosen = {n: getattr(grid_kernels, n) for n in NAMES} | {n: getattr(grid_setup, n) for n in SETUP_NAMES}
    plain = request.param == "plain"
    return SimpleNamespace(**{n: getattr(f, "py_func", f) if plain else f for n, f in chosen.items()})


@dataclass(frozen=True)
class Level:
    """A level with random numbers, and its matrices."""

    links: np.ndarray
    excess: np.ndarray
    within: np.ndarray

    @property
    def slots(self):
        return self.links.shape[0]

    @property
    def shape(self):
        return self.links.shape[3:]

    @property
    def n(self):
        return int(np.prod(self.shape))

    @property
    def wrapped(self):
        return bool(np.any(self.links[..., 2, :, :, -1]))

    @cached_property
    def edges(self):
        """First end, second end, weight and axis of every link, exchange within cells included (axis 3)."""
        number = np.arange(self.slots * self.n).reshape(self.slots, *self.shape)
        parts = [
            (number[s], np.roll(number[t], -1, axis), self.links[s, t, axis], np.full(self.shape, axis))
            for axis in range(3)
            for s in range(self.slots)
            for t in range(self.slots)
        ]
        if self.slots == 2:
            parts.append((number[0], number[1], self.within, np.full(self.shape, 3)))
        return tuple(np.concatenate([part[k].ravel() for part in parts]) for k in range(4))

    @cached_property
    def matrix(self):
        a, b, weight, _ = self.edges
        return dense(a, b, weight, self.excess.ravel())

    @property
    def diagonal(self):
        diagonal = np.diag(self.matrix).copy()
        diagonal[diagonal == 0] = 1
        return diagonal.astype(self.links.dtype)

    @property
    def grounding(self):
        """What holds cells without links and excess at zero."""
        return np.diag(self.diagonal - np.diag(self.matrix))

    @property
    def stencil(self):
        return self.links.ravel(), self.diagonal, self.within.ravel()


def dense(a, b, weight, excess):
    """Return the matrix of a graph Laplacian plus a diagonal in double precision."""
    matrix = np.zeros((excess.size, excess.size), dtype=np.result_type(weight, np.float64))
    np.add.at(matrix, (a, b), -weight.astype(matrix.dtype))
    np.add.at(matrix, (b, a), -weight.astype(matrix.dtype))
    matrix -= np.diag(matrix.sum(axis=1))
    return matrix + np.diag(excess)


def draw(rng, shape, kind=KIND, low=0.1):
    values = rng.uniform(low, 2.0, shape)
    if np.issubdtype(kind, np.complexfloating):
        values = values + 1j * rng.uniform(0.0, 2.0, shape)
    return values.astype(kind)


def level(shape, slots, kind=KIND, *, periodic=True, seed=0):
    """Return a random level in which every tenth cell has no links and no excess."""
    rng = np.random.default_rng(seed)
    links = draw(rng, (slots, slots, 3, *shape), kind)
    alone = rng.random(shape) < 0.1
    for axis in range(3):
        links[:, :, axis, alone | np.roll(alone, -1, axis)] = 0
        if axis == 0 or not periodic or shape[axis] == 1:
            links[:, :, axis][(..., -1, *[slice(None)] * (2 - axis))] = 0
    excess = draw(rng, (slots, *shape), kind)
    excess[:, alone] = 0
    within = draw(rng, shape, kind) if slots == 2 else np.zeros(1, dtype=kind)
    if slots == 2:
        within[alone] = 0
    return Level(links, excess, within)


def close(actual, expected, kind=KIND):
    size = float(np.abs(expected).max())
    np.testing.assert_allclose(actual, expected, rtol=0.0, atol=200.0 * float(np.finfo(kind).eps) * size)


def blocks(shape, factors):
    """Return the number of its block for every cell, and the shape of the blocks."""
    coarse = tuple(-(-n // f) for n, f in zip(shape, factors, strict=True))
    at = np.ix_(*(np.arange(n) // f for n, f in zip(shape, factors, strict=True)))
    return np.arange(np.prod(coarse)).reshape(coarse)[at].ravel(), coarse


def transfer(one, factors, network=None):
    """Return P, shape (unknowns, coarse unknowns), the coarse shape and the coarse slots."""
    block, coarse = blocks(one.shape, factors)
    m = int(np.prod(coarse))
    if network is None:
        to, slots = np.concatenate([s * m + block for s in range(one.slots)]), one.slots
    else:
        to, slots = network.ravel() * m + block, 2
    return (to[:, None] == np.arange(slots * m)).astype(float), coarse, slots


#: even and odd sizes, sizes of one along each axis, both kinds of walls, one and two slots
LEVELS = [
    ((4, 6, 8), 1, True),
    ((5, 3, 7), 1, True),
    ((5, 3, 7), 2, False),
    ((3, 5, 2), 2, True),
    ((1, 4, 5), 2, True),
    ((4, 1, 5), 1, True),
    ((3, 4, 1), 2, True),
    ((6, 1, 1), 1, False),
]
over_levels = pytest.mark.parametrize(("shape", "slots", "periodic"), LEVELS)


def test_the_list_of_kernels_is_complete():
    for module, names in ((grid_kernels, NAMES), (grid_setup, SETUP_NAMES)):
        assert {n for n, f in vars(module).items() if callable(f) and not n.startswith("_")} == set(names)


@over_levels
def test_product_and_diagonal(k, shape, slots, periodic):
    """The product takes vectors of higher precision than the links, for residuals."""
    one = level(shape, slots, periodic=periodic)
    size = (slots, *shape)
    x = np.random.default_rng(1).standard_normal(slots * one.n)
    out, overlap = np.empty_like(x), np.empty(shape[0])
    k.grid_product(out, overlap, x, one.links.ravel(), one.excess.ravel(), one.within.ravel(), *size)
    close(out, one.matrix @ x, np.float64)
    close(overlap, (x * (one.matrix @ x)).reshape(slots, shape[0], -1).sum(axis=(0, 2)), np.float64)
    diagonal = np.empty_like(one.diagonal)
    k.grid_diagonal(diagonal, one.excess.ravel(), one.links.ravel(), one.within.ravel(), *size)
    close(diagonal, one.diagonal)


def test_product_of_a_constant_has_no_rounding(k):
    """Differences of equal potentials are zero, whatever the links."""
    one = level((4, 3, 5), 2)
    x, out = np.full(2 * one.n, 1.0 / 3.0), np.empty(2 * one.n)
    nothing = np.zeros(2 * one.n, dtype=KIND)
    k.grid_product(out, np.empty(4), x, one.links.ravel(), nothing, one.within.ravel(), 2, *one.shape)
    assert not out.any()


def checkerboard(shape):
    """Return the colour of every cell, and what the kernels take: that of the first plane."""
    z, y, x = np.indices(shape)
    return ((z + y + x) & 1).ravel(), ((y + x) & 1).astype(np.uint8)[0].ravel()


def solved(one, x, b):
    """Return what every cell would be if it were relaxed, all others as in ``x``."""
    own = np.tile(np.arange(one.n), one.slots)
    cells = np.where(own[:, None] == own, one.matrix, 0.0)
    return np.linalg.solve(cells + one.grounding, b + (cells - one.matrix) @ x)


@pytest.mark.parametrize("neighbours", [True, False])
@over_levels
def test_relaxation_solves_the_cells_of_one_colour(k, shape, slots, periodic, neighbours):
    """Where a wall joins two cells of one colour, both see the other as it was."""
    one = level(shape, slots, periodic=periodic)
    colours, checker = checkerboard(shape)
    x, b = draw(np.random.default_rng(2), (2, slots * one.n), low=-2.0)
    new = solved(one, x if neighbours else 0.0 * x, b)
    for colour in (0, 1):
        found, shared = x.copy(), x.copy()
        arguments = (b, *one.stencil, checker, slots, *shape, one.wrapped, colour, neighbours)
        k.grid_relax(found, *arguments)
        close(found, np.where(np.tile(colours, slots) == colour, new, x if neighbours else 0.0 * x))
        k.grid_relax_parallel(shared, *arguments)
        np.testing.assert_array_equal(shared, found)


#: fine level, depth of the blocks, whether the slots part there
BLOCKS = [
    ((4, 6, 8), 1, (2, 2, 2), False),
    ((5, 3, 7), 1, (2, 2, 2), True),
    ((5, 3, 7), 2, (2, 2, 2), False),
    ((4, 5, 3), 1, (1, 2, 1), True),
    ((3, 4, 6), 2, (2, 1, 1), False),
    ((1, 4, 5), 1, (1, 2, 2), True),
    ((4, 1, 1), 2, (2, 1, 1), False),
]
over_blocks = pytest.mark.parametrize(("shape", "slots", "factors", "parts"), BLOCKS)


def coarsening(shape, slots, parts, kind=KIND, *, periodic=True):
    """Return a level, and to which of two networks its cells belong (None where the slots stay as they are)."""
    one = level(shape, slots, kind, periodic=periodic)
    network = np.random.default_rng(3).integers(0, 2, shape).astype(np.uint8) if parts else None
    return one, network


def sizes(one, factors, network):
    """Return the last arguments of the kernels of transfer, the network in front."""
    flat = NO_NETWORK if network is None else network.ravel()
    return flat, one.slots, *one.shape, *factors, one.slots if network is None else 2


@over_blocks
def test_transfer_between_levels(k, shape, slots, factors, parts):
    one, network = coarsening(shape, slots, parts)
    P, _, _ = transfer(one, factors, network)
    size = sizes(one, factors, network)
    x, b = draw(np.random.default_rng(4), (2, slots * one.n), low=-2.0)
    coarse, summed, shared = (np.full(P.shape[1], 9.0, dtype=KIND) for _ in range(3))
    k.grid_restrict(coarse, x, b, *one.stencil, *size, one.wrapped)
    close(coarse, P.T @ (b - (one.matrix + one.grounding) @ x))
    k.grid_restrict_parallel(shared, x, b, *one.stencil, *size, one.wrapped)
    np.testing.assert_array_equal(shared, coarse)
    k.grid_block_sum(summed, x, *size)
    close(summed, P.T @ x)

    fine, shared = x.copy(), x.copy()
    k.grid_prolong(fine, coarse, *size)
    close(fine, x + P @ coarse)
    k.grid_prolong_parallel(shared, coarse, *size)
    np.testing.assert_array_equal(shared, fine)


@pytest.mark.parametrize("periodic", [True, False])
@over_blocks
def test_coarse_level_is_the_galerkin_product_with_halved_faces(k, shape, slots, factors, parts, periodic):
    """Links of one network through a face between blocks two cells deep count half, everything else in full."""
    one, network = coarsening(shape, slots, parts, periodic=periodic)
    P, coarse_shape, coarse_slots = transfer(one, factors, network)
    links = np.full((coarse_slots, coarse_slots, 3, *coarse_shape), 9.0, dtype=KIND)
    within = np.full(coarse_shape if coarse_slots == 2 else 1, 9.0, dtype=KIND)
    excess = np.empty((coarse_slots, *coarse_shape), dtype=KIND)
    size = sizes(one, factors, network)
    k.grid_coarsen(links.ravel(), within.ravel(), one.links.ravel(), one.within.ravel(), *size, True)
    k.grid_block_sum(excess.ravel(), one.excess.ravel(), *size)
    close(Level(links, excess, within).matrix, galerkin(one, P, factors, coarse_shape))

    # With the exchange between the networks changed, and nothing else, no more than that need be renewed.
    a, b, weight, _ = one.edges
    slot = P.argmax(axis=1) // int(np.prod(coarse_shape))
    apart = slot[a] != slot[b]
    changed = np.where(apart, 3.0 * weight, weight)
    n = one.links.size
    inside = changed[n:].reshape(shape) if slots == 2 else one.within
    # The edges stand in the order (axis, s, t), the links in the order (s, t, axis).
    other = Level(np.moveaxis(changed[:n].reshape(3, slots, slots, *shape), 0, 2), one.excess, inside)
    k.grid_coarsen(links.ravel(), within.ravel(), other.links.ravel(), inside.ravel(), *size, False)
    close(Level(links, excess, within).matrix, galerkin(other, P, factors, coarse_shape))


def galerkin(one, P, factors, coarse_shape):
    """Return Pᵀ A P, of an A in which the links that are to be halved are."""
    a, b, weight, axis = one.edges
    to, m = P.argmax(axis=1), int(np.prod(coarse_shape))
    halved = (to[a] // m == to[b] // m) & (to[a] != to[b]) & np.isin(axis, np.flatnonzero(np.array(factors) == 2))
    return P.T @ dense(a, b, np.where(halved, 0.5, 1.0) * weight, one.excess.ravel()) @ P


@pytest.mark.parametrize(("slots", "parts"), [(1, True), (2, False)])
def test_complex_numbers(slots, parts):
    """At a frequency the same loops run on complex symmetric matrices; nothing is conjugated."""
    kind, shape, factors = np.complex64, (5, 6, 4), (2, 2, 2)
    one, network = coarsening(shape, slots, parts, kind)
    P, _, _ = transfer(one, factors, network)
    size = sizes(one, factors, network)
    x, b = draw(np.random.default_rng(5), (2, slots * one.n), kind, -2.0)
    colours, checker = checkerboard(shape)

    found = x.copy()
    grid_kernels.grid_relax(found, b, *one.stencil, checker, slots, *shape, one.wrapped, 1, True)
    close(found, np.where(np.tile(colours, slots) == 1, solved(one, x, b), x), kind)

    coarse, fine = np.empty(P.shape[1], dtype=kind), x.copy()
    grid_kernels.grid_restrict(coarse, x, b, *one.stencil, *size, one.wrapped)
    close(coarse, P.T @ (b - (one.matrix + one.grounding) @ x), kind)
    grid_kernels.grid_prolong(fine, coarse, *size)
    close(fine, x + P @ coarse, kind)

    product, overlap = np.empty_like(x), np.empty(shape[0], dtype=np.complex128)
    numbers = one.links.ravel(), one.excess.ravel(), one.within.ravel()
    grid_kernels.grid_product(product, overlap, x, *numbers, slots, *shape)
    close(product, one.matrix @ x, kind)
    close(overlap.sum(), x @ one.matrix @ x, kind)


@pytest.mark.parametrize("periodic", [True, False])
def test_planes_of_several_strips(periodic):
    """Planes too large for the buffer are worked on in parts, whose seams must not show.

    The twin is the product, which goes through the grid row by row and is tested above.
    """
    shape = (2, 70, 130)
    one = level(shape, 1, periodic=periodic)
    numbers = one.links.ravel(), one.excess.ravel(), one.within.ravel()
    x, b = draw(np.random.default_rng(6), (2, one.n), low=-2.0)
    diagonal = np.empty_like(x)
    grid_setup.grid_diagonal(diagonal, numbers[1], numbers[0], numbers[2], 1, *shape)
    stencil = (numbers[0], diagonal, numbers[2])

    def product(v):
        out = np.empty(one.n)
        grid_kernels.grid_product(out, np.empty(2), v.astype(np.float64), *numbers, 1, *shape)
        return out

    linked = product(x) != 0.0
    residual = np.empty_like(x)
    grid_kernels.grid_restrict(residual, x, b, *stencil, NO_NETWORK, 1, *shape, 1, 1, 1, 1, one.wrapped)
    close(residual[linked], (b - product(x))[linked])
    colours, checker = checkerboard(shape)
    relaxed = x.copy()
    grid_kernels.grid_relax(relaxed, b, *stencil, checker, 1, *shape, one.wrapped, 1, True)
    np.testing.assert_array_equal(relaxed[colours == 0], x[colours == 0])
    close(product(relaxed)[linked & (colours == 1)], b[linked & (colours == 1)])


SPACING = (1.0, 2.0, 0.5)
SIGMA = np.array([2.0, 0.5, 0.0])


def tables():
    """Return conductances between three phases, the last of which insulates, and those to a plate."""
    areas = np.array([1.0, 0.5, 2.0])
    with np.errstate(divide="ignore"):
        half = 0.5 / SIGMA
    between = [areas[k] / (SPACING[k] * (half[:, None] + half)) for k in range(3)]
    return np.array(between), areas[0] / (SPACING[0] * half)


IMAGES = [((4, 3, 5), True), ((4, 3, 5), False), ((1, 4, 3), True), ((3, 1, 4), True), ((5, 2, 1), True)]
over_images = pytest.mark.parametrize(("shape", "periodic"), IMAGES)


def faces(labels, axis, periodic):
    """Return a cell and its next for every face along an axis."""
    number = np.arange(labels.size).reshape(labels.shape)
    joined = periodic and axis > 0 and labels.shape[axis] > 1
    last = None if joined else -1
    low = np.moveaxis(number, axis, 0)[:last].ravel()
    high = np.moveaxis(np.roll(number, -1, axis), axis, 0)[:last].ravel()
    return low, high


@over_images
def test_links_of_an_image(k, shape, periodic):
    labels = np.random.default_rng(7).integers(0, 3, shape).astype(np.uint8)
    table, _ = tables()
    expected = np.zeros((3, labels.size))
    for axis in range(3):
        low, high = faces(labels, axis, periodic)
        expected[axis, low] = table[axis, labels.ravel()[low], labels.ravel()[high]]
    links = np.full(3 * labels.size, 9.0, dtype=np.float32)
    k.image_links(links, labels.ravel(), table.astype(np.float32), *shape, periodic)
    np.testing.assert_array_equal(links, expected.ravel().astype(np.float32))


@over_images
def test_dissipation_of_an_image(k, shape, periodic):
    """Σ g·Δ² and Σ g·Δ over all faces; the plates, at 0 and 1, stand half a voxel away."""
    rng = np.random.default_rng(8)
    labels = rng.integers(0, 3, shape).astype(np.uint8)
    table, plate = tables()
    x = rng.random(labels.size)
    phase = labels.ravel()
    heat, moment = 0.0, np.zeros(3)
    for axis in range(3):
        low, high = faces(labels, axis, periodic)
        g, drop = table[axis, phase[low], phase[high]], x[high] - x[low]
        heat += np.sum(g * drop**2)
        moment[axis] += np.sum(g * drop)
    layer = shape[1] * shape[2]
    for cells, drop in ((slice(0, layer), x[:layer]), (slice(-layer, None), 1.0 - x[-layer:])):
        heat += np.sum(plate[phase[cells]] * drop**2)
        moment[0] += 0.5 * np.sum(plate[phase[cells]] * drop)
    power, moments = np.empty(shape[0]), np.empty((shape[0], 3))
    k.image_dissipation(power, moments, phase, table, plate, x, *shape, periodic)
    assert power.sum() == pytest.approx(heat, rel=1e-13)
    np.testing.assert_allclose(moments.sum(axis=0), moment, rtol=1e-13)


def test_ramp_is_the_straight_line_between_the_plates(k):
    labels = np.array([[0, 2], [1, 2], [0, 0], [2, 1]], np.uint8)
    x = np.full(8, 9.0)
    k.image_ramp(x, labels.ravel(), 2, 4, 1, 2)
    np.testing.assert_allclose(x, [0.125, 0.0, 0.375, 0.0, 0.625, 0.625, 0.0, 0.875])
