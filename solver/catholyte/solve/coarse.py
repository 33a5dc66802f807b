"""A coarse correction for reaction networks: stores and potentials that move together over boxes of the grid.

Over long time steps fast reactions tie the stores of both phases to each other and to the potentials, and diffusion
ties them from face to face. What is left is nearly the same everywhere: one number for every store and potential of a
box. Multigrid on the potentials alone and on the stores alone takes it down only slowly, because each undoes what the
other has done. The Galerkin matrix PᵀAP, in which P gives every unknown the number of its box, holds all of them at
once and is factorised (Nicolaides 1987, doi:10.1137/0724027).

Such a change is large where little holds it: at a time step of days, ten orders of magnitude beyond what its residual
says. It is therefore kept in double precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import csr_array

from catholyte.fv.assembly import CoupledSystem, Placement, Skeleton
from catholyte.fv.networks import NetworkBlock, NetworkUnknowns

Vector = NDArray[Any]
Indices = NDArray[np.int64]

#: voxels along a box, and most boxes along an axis
_VOXELS, _MOST = 4, 5


@dataclass(frozen=True)
class _Paths:
    """Edges between two boxes: their coarse unknowns, which edges they are, and the unknowns at their ends."""

    a: Indices
    b: Indices
    edges: Indices

    @classmethod
    def between(cls, box: Indices, a: NDArray[np.integer], b: NDArray[np.integer]) -> _Paths:
        edges = np.flatnonzero(box[a] != box[b])
        return cls(box[a[edges]], box[b[edges]], edges)


@dataclass(frozen=True)
class _Faces:
    """Faces grouped by the coarse unknowns they meet: sums over groups, and those unknowns, (groups, 2 + stores)."""

    total: csr_array
    at: Indices

    @classmethod
    def of(cls, box: Indices, faces: NetworkUnknowns, n_phi: int) -> _Faces:
        met = np.column_stack([box[faces.electron], box[faces.ion], box[faces.hosts + n_phi]])
        at, group = np.unique(met, axis=0, return_inverse=True)
        group = group.ravel()
        return cls(csr_array((np.ones(group.size), (group, np.arange(group.size))), shape=(len(at), group.size)), at)

    def add(self, matrix: Vector, block: NetworkBlock) -> None:
        """Add what the faces contribute to the coarse matrix."""
        stores = block.hosts.shape[1]
        local = np.empty((len(self.at), 2 + stores, 2 + stores), dtype=matrix.dtype)
        conductance, response = self.total @ block.conductance, self.total @ block.response
        local[:, 0, 0] = local[:, 1, 1] = conductance
        local[:, 0, 1] = local[:, 1, 0] = -conductance
        local[:, 0, 2:], local[:, 1, 2:] = response, -response
        slope = self.total @ block.slope
        local[:, 2:, 0], local[:, 2:, 1] = slope, -slope
        local[:, 2:, 2:] = (self.total @ block.coupling.reshape(-1, stores * stores)).reshape(-1, stores, stores)
        np.add.at(matrix, (self.at[:, :, None], self.at[:, None, :]), local)


@dataclass(frozen=True)
class _Single:
    """Unknowns at faces with one reaction, in the words of networks."""

    electron: NDArray[np.int32]
    ion: NDArray[np.int32]
    hosts: NDArray[np.int32]


class BoxCorrection:
    """Solves for one number for every store and every potential of a box.

    Parameters
    ----------
    skeleton
        With a place on a voxel grid.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        n = skeleton.terminals.size
        self._n_phi = n
        assert skeleton.placement is not None
        self._box = _boxes(skeleton.placement)
        self._size = int(self._box.max()) + 1
        self._along = _Paths.between(self._box[n:], skeleton.lithium_a, skeleton.lithium_b)
        self._single = _Single(skeleton.electron, skeleton.ion, skeleton.host[:, None])
        self._faces = [_Faces.of(self._box, faces, n) for faces in (self._single, *skeleton.reaction_networks)]
        through = _Paths.between(self._box[:n], skeleton.a, skeleton.b)
        G = skeleton.conduction[through.edges]
        self._fixed = np.zeros((self._size, self._size), dtype=np.result_type(G, skeleton.terminals))
        np.add.at(self._fixed, (self._box[:n], self._box[:n]), skeleton.terminals)
        _add_paths(self._fixed, through, G, G)

    def take(self, system: CoupledSystem) -> None:
        """Take the numbers of a system."""
        matrix = self._fixed.astype(np.result_type(self._fixed, system.dtype))
        stores = self._box[self._n_phi :]
        np.add.at(matrix, (stores, stores), system.storage)
        paths, edges = self._skeleton.paths, self._along.edges
        slope_a, slope_b = (
            system.lithium_slope[end[edges]] for end in (self._skeleton.lithium_a, self._skeleton.lithium_b)
        )
        _add_paths(matrix, self._along, paths[edges] * slope_a, paths[edges] * slope_b)
        for faces, block in zip(self._faces, self._blocks(system), strict=True):
            faces.add(matrix, block)
        # Rows of potentials and of stores differ by the units of φ and x.
        self._scale = 1.0 / np.maximum(np.abs(matrix).max(axis=1), 1e-300)
        self._factor = lu_factor(matrix * self._scale[:, None], overwrite_a=True, check_finite=False)

    def solve(self, load: Vector) -> Vector:
        """Return the correction in double precision."""
        summed = np.zeros(self._size, dtype=np.result_type(load.dtype, np.float64))
        np.add.at(summed, self._box, load)
        found: Vector = lu_solve(self._factor, self._scale * summed, check_finite=False)[self._box]
        return found

    def _blocks(self, system: CoupledSystem) -> Iterator[NetworkBlock]:
        yield NetworkBlock.of(
            self._single,
            system.conductance,
            system.potential_response[:, None],
            system.lithium_conductance[:, None],
            system.response[:, None, None],
        )
        yield from system.networks


def _add_paths(matrix: Vector, paths: _Paths, to_a: Vector, to_b: Vector) -> None:
    np.add.at(matrix, (paths.a, paths.a), to_a)
    np.add.at(matrix, (paths.b, paths.a), -to_a)
    np.add.at(matrix, (paths.b, paths.b), to_b)
    np.add.at(matrix, (paths.a, paths.b), -to_b)


def _boxes(place: Placement) -> Indices:
    """Return the coarse unknown of every unknown: its box, which potential or store, and the network of its voxel."""
    voxels = place.network.size
    grid = np.indices(place.shape, dtype=np.int64).reshape(3, -1)
    box = np.zeros(voxels, dtype=np.int64)
    for coordinate, length in zip(grid, place.shape, strict=True):
        boxes = min(max(length // _VOXELS, 1), _MOST)
        box = box * boxes + coordinate * boxes // length
    kind = 2 * box + place.network
    lithium = place.lithium.astype(np.int64)
    copy, voxel = lithium // voxels, lithium % voxels
    span = int(kind.max()) + 1
    unknowns = np.concatenate([kind[place.phi], kind[voxel] + (1 + copy) * span])
    return np.unique(unknowns, return_inverse=True)[1].astype(np.int64)
