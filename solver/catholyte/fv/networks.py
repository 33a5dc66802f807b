"""Faces with a reaction network in the Newton matrix: dense couplings between two potentials and a few stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from catholyte.fv import kernels
from catholyte.fv.laplacian import Indices

Floats = NDArray[Any]  # float64, or complex128 at a frequency


class NetworkUnknowns(Protocol):
    """Unknowns at faces with a reaction network: potentials, shape (k,), and stores, shape (k, stores)."""

    @property
    def electron(self) -> Indices:
        """Potential of the electrons."""
        ...

    @property
    def ion(self) -> Indices:
        """Potential of the ions."""
        ...

    @property
    def hosts(self) -> Indices:
        """Stores of both sides."""
        ...


@dataclass(frozen=True)
class NetworkBlock:
    """How faces with a reaction network answer a change of their unknowns.

    Attributes
    ----------
    electron, ion, hosts
        Their unknowns, shapes (k,), (k,) and (k, stores).
    conductance
        ∂I/∂(φ_electron − φ_ion) in S, shape (k,).
    response
        ∂I/∂x in A, shape (k, stores).
    slope, coupling
        Derivatives of what leaves the stores by the potential difference in S, and by x in A, shapes (k, stores) and
        (k, stores, stores).
    """

    electron: Indices
    ion: Indices
    hosts: Indices
    conductance: Floats
    response: Floats
    slope: Floats
    coupling: Floats

    @classmethod
    def of(
        cls, at: NetworkUnknowns, conductance: Floats, response: Floats, slope: Floats, coupling: Floats
    ) -> NetworkBlock:
        """Return the block of the faces ``at`` with the given derivatives."""
        return cls(at.electron, at.ion, at.hosts, conductance, response, slope, coupling)

    def add_product(self, out_phi: Floats, out_x: Floats, phi: Floats, x: Floats) -> None:
        """Add the block times [φ, x]."""
        kernels.network_currents(
            out_phi, out_x, self.electron, self.ion, self.hosts,
            self.conductance, self.response, self.slope, self.coupling, phi, x,
        )  # fmt: skip

    def add_diagonal(self, out_x: Floats) -> None:
        """Add the diagonal of ∂(outflow)/∂x, shape (n_x,)."""
        for k in range(self.hosts.shape[1]):
            kernels.add_at(out_x, self.hosts[:, k], self.coupling[:, k, k])

    def add_column(self, out: Floats, n_phi: int, *, frozen: bool) -> None:
        """Add the response to the terminal potential, shape (n_phi + n_x,)."""
        kernels.add_at(out, self.electron, self.conductance)
        kernels.subtract_at(out, self.ion, self.conductance)
        for k in range(0 if frozen else self.hosts.shape[1]):
            kernels.add_at(out[n_phi:], self.hosts[:, k], self.slope[:, k])

    @property
    def values(self) -> Floats:
        """The coupling of potentials and stores in the order of :func:`network_places`."""
        response, slope = self.response.ravel(), self.slope.ravel()
        return np.concatenate([response, -response, slope, -slope, self.coupling.ravel()])

    def local(self, free: Floats, faces: Floats) -> LocalStores:
        """Return the stores at every face as a small system of its own.

        Parameters
        ----------
        free
            Diagonal of A_xx without the faces, shape (n_x,).
        faces
            How many network faces every store has, shape (n_x,): each is given its part of the diagonal.
        """
        share = 1.0 / faces[self.hosts]
        matrix = self.coupling.astype(np.result_type(free, self.coupling))
        diagonal = np.arange(self.hosts.shape[1])
        matrix[:, diagonal, diagonal] += share * free[self.hosts]
        return LocalStores(self, share, np.linalg.inv(matrix))


@dataclass(frozen=True)
class LocalStores:
    """The stores at faces with a network, each face by itself: an approximation of A_xx where reactions are fast.

    Attributes
    ----------
    block
        The faces.
    share
        Part of every store that each face is given, shape (k, stores).
    inverse
        Inverses of the small systems, shape (k, stores, stores).
    """

    block: NetworkBlock
    share: Floats
    inverse: Floats

    def reduced_conductance(self) -> Floats:
        """Return the conductance of the faces in series with the stores, shape (k,)."""
        block = self.block
        moved = (self.inverse @ block.slope[:, :, None])[:, :, 0]
        reduced = block.conductance - np.sum(block.response * moved, axis=1)
        if np.iscomplexobj(reduced):
            return reduced
        kept: Floats = np.clip(reduced, 1e-9 * block.conductance, block.conductance)
        return kept

    def add_answer(self, out_x: Floats, load: Floats) -> None:
        """Add what the small systems answer to a load on the stores, shape (n_x,), a mean over the faces of a cell."""
        hosts = self.block.hosts
        moved = (self.inverse @ (self.share * load[hosts])[:, :, None])[:, :, 0] * self.share
        for k in range(hosts.shape[1]):
            kernels.add_at(out_x, hosts[:, k], moved[:, k])


def network_places(at: NetworkUnknowns, n_phi: int) -> tuple[Indices, Indices]:
    """Return rows and columns of what couples potentials and stores at faces with a network."""
    n = at.hosts.shape[1]
    x = at.hosts + n_phi
    electron, ion = (np.repeat(each, n) for each in (at.electron, at.ion))
    rows = [electron, ion, x.ravel(), x.ravel(), np.repeat(x, n, axis=1).ravel()]
    columns = [x.ravel(), x.ravel(), electron, ion, np.tile(x, (1, n)).ravel()]
    return np.concatenate(rows), np.concatenate(columns)
