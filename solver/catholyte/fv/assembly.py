"""The Newton matrix of potentials and lithium joined at interface faces, kept in the blocks it is made of.

    [ A_φφ  A_φx  b_φ ] [δφ]     A_φφ  conduction and interface conductances, a graph Laplacian plus Dirichlet faces
    [ A_xφ  A_xx  b_x ] [δx]     A_xx  storage + transport + response of the interface currents to x
    [ c_φᵀ   0     d  ] [δV]     b     response of the interface currents to the terminal potential V

Linear solvers see only this class; models fill it. The bordering row belongs to the control of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from catholyte.fv import kernels
from catholyte.fv.laplacian import Indices, Laplacian, Links
from catholyte.fv.mixed import MixedBlock, MixedUnknowns
from catholyte.fv.networks import LocalStores, NetworkBlock, NetworkUnknowns, network_places
from catholyte.fv.pattern import Pattern

Floats = NDArray[Any]  # float64, or complex128 at a frequency


@dataclass(frozen=True)
class Placement:
    """Where the unknowns and edges of a system stand on a voxel grid.

    Attributes
    ----------
    shape
        Voxels along z, y, x.
    phi, lithium
        Flat voxel of every potential and of every lithium unknown. With mixed conductors potentials are all of
        [φ, ψ], and those of ions stand in a second copy of the grid: its second *slot*.
    network
        Which voxels belong to the ion conductors, shape (nz·ny·nx,), uint8.
    phi_links, lithium_links
        Where the conductance of every edge of A_φφ and of every transport path stands in an array of shape
        (3, nz, ny, nx) that holds, for every axis and voxel, the link to the next voxel; nz times ``copies`` for the
        latter, (2, 2, 3, nz, ny, nx) for the former with mixed conductors.
    copies
        How many copies of the grid, one above the other along z, hold the stores.
    contrast
        Largest ratio of conductances within the electron network and within the ion network.
    within
        Voxel of every mixed store, whose two potentials are joined by its capacity; None without mixed conductors.
    """

    shape: tuple[int, int, int]
    phi: Indices
    lithium: Indices
    network: NDArray[np.uint8]
    phi_links: NDArray[np.int64]
    lithium_links: NDArray[np.int64]
    copies: int
    contrast: float
    within: Indices | None = None


@dataclass(frozen=True)
class Skeleton:
    """What all Newton matrices of a run have in common.

    Attributes
    ----------
    a, b, conduction
        The two potentials joined by every edge and its conductance in S, shape (m,).
    terminals
        Conductance of every potential to the terminals in S, shape (n_phi,).
    lithium
        Laplacian of the transport paths in m, acting on slope·x.
    paths
        Conductances of the transport paths in m, one an edge.
    electron, ion, host
        Unknowns at every face with one reaction, shape (k,).
    reaction_networks
        Unknowns at the faces with a reaction network.
    lithium_a, lithium_b
        The two stores joined by every transport path.
    placement
        Where all this stands on a voxel grid; None for unstructured meshes.
    mixed
        Unknowns at the edges of mixed conductors, whose conductances are no part of ``conduction``.
    """

    a: Indices
    b: Indices
    conduction: NDArray[np.float64]
    terminals: NDArray[np.float64]
    lithium: Laplacian
    paths: NDArray[np.float64]
    electron: Indices
    ion: Indices
    host: Indices
    reaction_networks: tuple[NetworkUnknowns, ...]
    lithium_a: Indices
    lithium_b: Indices
    placement: Placement | None
    mixed: MixedUnknowns | None = None

    @cached_property
    def networks(self) -> Laplacian:
        """Conduction within the two networks and to the terminals, without the reacting faces."""
        links = Links.from_edges(self.terminals.size, self.a, self.b)
        return Laplacian.from_edges(links, self.conduction, self.terminals)

    @cached_property
    def phi_links(self) -> Links:
        """Pattern of A_φφ: the edges of conduction, the faces with one reaction, those with a network."""
        return Links.from_edges(self.terminals.size, *self._ends)

    @cached_property
    def reduced_links(self) -> Links:
        """Pattern of the reduced matrix of potentials: A_φφ, with an ion potential for every mixed store behind φ.

        A face on a mixed host joins the ion potentials of both sides.
        """
        if self.mixed is None:
            return self.phi_links
        node = self.mixed.node[self.host]
        first, second = self._ends
        first = first.copy()
        single = slice(self.a.size, self.a.size + self.host.size)
        first[single] = np.where(node >= 0, node, first[single])
        more_first, more_second = self.mixed.ends
        ends = np.concatenate([first, more_first]), np.concatenate([second, more_second])
        return Links.from_edges(self.terminals.size + self.mixed.size, *ends)

    @property
    def _ends(self) -> tuple[Indices, Indices]:
        """Return the potentials joined by conduction, by the faces with one reaction, by those with a network."""
        first = np.concatenate([self.a, self.electron, *(at.electron for at in self.reaction_networks)])
        second = np.concatenate([self.b, self.ion, *(at.ion for at in self.reaction_networks)])
        return first, second

    @cached_property
    def potential_pattern(self) -> Pattern:
        """Places of the bordered matrix with the stores held; see :meth:`CoupledSystem.matrix`."""
        n = self.terminals.size
        size = n + self.lithium.links.n
        first, second = self._ends
        potentials, stores = np.arange(n), np.arange(n, size)
        last = np.array([size])
        rows: list[Floats] = [first, second, first, second, potentials, stores, potentials, np.full(n, size), last]
        columns: list[Floats] = [first, second, second, first, potentials, stores, np.full(n, size), potentials, last]
        if self.mixed is not None:
            more_rows, more_columns = self.mixed.frozen_places()
            rows, columns = rows + more_rows, columns + more_columns
        return Pattern.of(size + 1, np.concatenate(rows), np.concatenate(columns))

    @cached_property
    def pattern(self) -> Pattern:
        """Places of the bordered matrix; see :meth:`CoupledSystem.matrix`."""
        n = self.terminals.size
        size = n + self.lithium.links.n
        first, second = self._ends
        potentials, stores = np.arange(n), np.arange(n, size)
        a, b, host = self.lithium_a + n, self.lithium_b + n, self.host + n
        networks = [network_places(at, n) for at in self.reaction_networks]
        last = np.array([size])
        rows: list[Floats] = [first, second, first, second, potentials, stores, np.arange(size), np.full(n, size), last]
        columns: list[Floats] = [
            first,
            second,
            second,
            first,
            potentials,
            stores,
            np.full(size, size),
            potentials,
            last,
        ]
        rows += [a, a, b, b, self.electron, self.ion, host, host, host, *(each[0] for each in networks)]
        columns += [a, b, a, b, host, host, self.electron, self.ion, host, *(each[1] for each in networks)]
        if self.mixed is not None:
            more_rows, more_columns = self.mixed.places()
            rows, columns = rows + more_rows, columns + more_columns
        return Pattern.of(size + 1, np.concatenate(rows), np.concatenate(columns))


@dataclass(frozen=True)
class CoupledSystem:
    """γM − ∂F/∂u with its border, all rows in amperes.

    Attributes
    ----------
    skeleton
        What does not change from one matrix to the next.
    conductance
        ∂I/∂(φ_electron − φ_ion) of every face with one reaction in S, shape (k,).
    response
        ∂I_F/∂x of every such face in A, shape (k,); I_F is the part of the current that changes the lithium.
    lithium_slope
        Derivative of the Kirchhoff potential by x in A/m, shape (n_x,).
    storage
        γ·F·c_max·v in A, shape (n_x,).
    terminal_row, terminal_corner
        c_φ and d.
    in_volts
        Whether the terminal equation is in V; otherwise it is in A.
    frozen
        Whether x is held: then δx = 0 and only potentials are solved for.
    faradaic, passing
        ∂I_F/∂(φ_electron − φ_ion) in S, and the part of ∂I_F/∂x that is ∂I/∂x, shape (k,); None where no double layer
        stands beside the reaction, so that I_F = I.
    networks
        Faces with a reaction network.
    mixed
        Edges of mixed conductors.
    """

    skeleton: Skeleton
    conductance: Floats
    response: Floats
    lithium_slope: Floats
    storage: Floats
    terminal_row: Floats
    terminal_corner: float
    in_volts: bool = False
    frozen: bool = False
    faradaic: Floats | None = None
    passing: Floats | None = None
    networks: tuple[NetworkBlock, ...] = ()
    mixed: MixedBlock | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Double precision, complex for a frequency in place of a time step."""
        faces = np.result_type(self.conductance, *(block.conductance for block in self.networks))
        return faces if self.frozen else np.result_type(self.storage, faces)

    @property
    def n_phi(self) -> int:
        """Number of potentials."""
        return self.skeleton.terminals.size

    @property
    def n_x(self) -> int:
        """Number of lithium unknowns."""
        return self.skeleton.lithium.links.n

    @cached_property
    def phi(self) -> Laplacian:
        """A_φφ, shape (n_phi, n_phi)."""
        edges = [self.skeleton.conduction, self.conductance, *(block.conductance for block in self.networks)]
        return Laplacian.from_edges(self.skeleton.phi_links, np.concatenate(edges), self.skeleton.terminals)

    @cached_property
    def response_sum(self) -> Floats:
        """Σ ∂I/∂x over the faces of every host cell in A, shape (n_x,); of networks the diagonal."""
        total = np.zeros(self.n_x, dtype=np.result_type(self.response, *(b.coupling for b in self.networks)))
        kernels.add_at(total, self.skeleton.host, self.response)
        for block in self.networks:
            block.add_diagonal(total)
        return total

    @cached_property
    def lithium_diagonal(self) -> Floats:
        """Diagonal of A_xx in A, shape (n_x,)."""
        diagonal: Floats = self.storage + self.lithium_slope * self.skeleton.lithium.row_sum + self.response_sum
        if self.mixed is not None:
            self.mixed.add_diagonal(diagonal)
        return diagonal

    @cached_property
    def terminal_column(self) -> Floats:
        """The column b, shape (n_phi + n_x,)."""
        at = self.skeleton
        column = np.zeros(self.n_phi + self.n_x, dtype=self.dtype)
        kernels.add_at(column, at.electron, self.conductance)
        kernels.subtract_at(column, at.ion, self.conductance)
        if not self.frozen:
            kernels.add_at(column[self.n_phi :], at.host, self.lithium_conductance)
        for block in self.networks:
            block.add_column(column, self.n_phi, frozen=self.frozen)
        return column

    @property
    def lithium_conductance(self) -> Floats:
        """∂I_F/∂(φ_electron − φ_ion) of every reacting face in S, shape (k,)."""
        return self.conductance if self.faradaic is None else self.faradaic

    @property
    def potential_response(self) -> Floats:
        """∂I/∂x of every reacting face in A, shape (k,)."""
        return self.response if self.passing is None else self.passing * self.response

    def product(self, v: Floats) -> Floats:
        """Multiply the matrix without its border with v = [φ, x], shape (n_phi + n_x,)."""
        n = self.n_phi
        phi, x = v[:n], v[n:]
        out = np.empty_like(v)
        out[:n] = self.skeleton.networks.product(phi)
        if not self.frozen:
            out[n:] = self.storage * x + self.skeleton.lithium.product(self.lithium_slope * x)
        if self.mixed is not None:
            self.mixed.add_product(out, v, frozen=self.frozen)
        self.add_faces(out, v)
        return out

    def couple(self, x: Floats) -> Floats:
        """Return A_φx·x, shape (n_phi,)."""
        at = self.skeleton
        out = np.zeros(self.n_phi, dtype=np.result_type(x, self.response) if np.iscomplexobj(x) else x.dtype)
        kernels.couple_potential(out, at.electron, at.ion, at.host, self.potential_response, x)
        for block in self.networks:
            flow = np.sum(block.response * x[block.hosts], axis=1)
            kernels.add_at(out, block.electron, flow)
            kernels.subtract_at(out, block.ion, flow)
        return out

    def drive(self, phi: Floats) -> Floats:
        """Return A_xφ·φ, shape (n_x,)."""
        at = self.skeleton
        out = np.zeros(self.n_x, dtype=phi.dtype)
        kernels.couple_species(out, at.electron, at.ion, at.host, self.lithium_conductance, phi)
        for block in self.networks:
            across = phi[block.electron] - phi[block.ion]
            for k in range(block.hosts.shape[1]):
                kernels.add_at(out, block.hosts[:, k], block.slope[:, k] * across)
        return out

    def add_faces(self, out: Floats, v: Floats) -> None:
        """Add the currents of the reacting faces that v = [φ, x] drives; rows of held lithium become x."""
        at, n = self.skeleton, self.n_phi
        if self.frozen:
            kernels.exchange(out[:n], at.electron, at.ion, -self.conductance, v[:n])
            for block in self.networks:
                kernels.exchange(out[:n], block.electron, block.ion, -block.conductance, v[:n])
            out[n:] = v[n:]
            return
        for block in self.networks:
            block.add_product(out[:n], out[n:], v[:n], v[n:])
        rows = out[:n], out[n:], at.electron, at.ion, at.host
        if self.faradaic is None:
            kernels.face_currents(*rows, self.conductance, self.response, v[:n], v[n:])
        else:
            kernels.shunted_face_currents(
                *rows, self.conductance, self.passing, self.faradaic, self.response, v[:n], v[n:]
            )

    @cached_property
    def reduced_conductance(self) -> Floats:
        """Conductance of every face in series with the storage and transport of its host cell, in S, networks last.

        With it A_φφ becomes its Schur complement after eliminating x, with A_xx replaced by its diagonal and the faces
        of one cell driven alike.
        """
        if self.frozen:
            return np.concatenate([self.conductance, *(block.conductance for block in self.networks)])
        free = self.storage + self.lithium_slope * self.skeleton.lithium.row_sum
        driven = self.driven_response
        if self.skeleton.mixed is not None:
            # Behind faces on a mixed conductor stand its ion potentials, and the storage behind those.
            driven = np.where(self.skeleton.mixed.node >= 0, 0.0, driven)
        total = free + driven
        if self.faradaic is None or self.passing is None:
            reduced = self.conductance * (free / total)[self.skeleton.host]
        else:
            lost = self.passing * self.faradaic * (driven / total)[self.skeleton.host]
            reduced = self.conductance - lost
        if not self.networks:
            return reduced
        return np.concatenate([reduced, *(local.reduced_conductance() for local in self.local_stores)])

    @cached_property
    def local_stores(self) -> tuple[LocalStores, ...]:
        """The stores at faces with a network, each face by itself."""
        faces = np.zeros(self.n_x)
        for block in self.networks:
            for k in range(block.hosts.shape[1]):
                kernels.add_at(faces, block.hosts[:, k], np.ones(block.hosts.shape[0]))
        free = self.storage + self.lithium_slope * self.skeleton.lithium.row_sum
        return tuple(block.local(free, faces) for block in self.networks)

    @cached_property
    def driven_response(self) -> Floats:
        """The response of the faces to x where it is restoring, in A, shape (n_x,)."""
        total: Floats = np.where(self.response_sum.real > 0.0, self.response_sum, 0.0)
        return total

    @cached_property
    def reduced_matrix(self) -> Laplacian:
        """A_φφ with the reduced conductances; of mixed conductors with both potentials of every cell."""
        return Laplacian.from_edges(self.skeleton.reduced_links, self.reduced_edges, self.reduced_terminals)

    @cached_property
    def reduced_edges(self) -> Floats:
        """Conductances of the reduced matrix in S: conduction, faces, mixed edges, capacities of mixed stores."""
        edges = [self.skeleton.conduction, self.reduced_conductance]
        if self.mixed is not None:
            edges.append(self.mixed.reduced(self.mixed_storage))
        return np.concatenate(edges)

    @property
    def reduced_terminals(self) -> Floats:
        """Conductance of every unknown of the reduced matrix to the terminals in S."""
        if self.mixed is None:
            return self.skeleton.terminals
        to_counter = np.concatenate([self.skeleton.terminals, np.zeros(self.mixed.at.size)])
        return to_counter + self.mixed.to_collector

    @property
    def mixed_storage(self) -> Floats | None:
        """γ·F·c_max·v of every mixed store in A; None with x held."""
        return None if self.frozen or self.mixed is None else self.storage[self.mixed.at.stores]

    def reduced_lithium(self) -> Laplacian:
        """Return A_xx in the unknown y = slope·x, which makes it symmetric."""
        return replace(self.skeleton.lithium, excess=self.lithium_excess)

    @cached_property
    def lithium_excess(self) -> Floats:
        """What the diagonal of :meth:`reduced_lithium` holds beyond its links, in m, shape (n_x,)."""
        return (self.storage + self.driven_response) / self.safe_slope

    @cached_property
    def safe_slope(self) -> Floats:
        """The slope of the Kirchhoff potential, kept away from zero where U(x) is flat; shape (n_x,)."""
        largest = float(np.max(self.lithium_slope, initial=0.0)) or 1.0
        return np.maximum(self.lithium_slope, 1e-9 * largest)

    def matrix(self) -> csc_array:
        """Return the bordered matrix, shape (n_phi + n_x + 1,) squared, for direct solvers and tests."""
        at = self.skeleton
        G = np.concatenate([at.conduction, self.conductance, *(block.conductance for block in self.networks)])
        row, corner = self.terminal_row, np.array([self.terminal_corner])
        if self.frozen:
            column = self.terminal_column[: self.n_phi]
            values = [G, G, -G, -G, at.terminals, np.ones(self.n_x), column, row, corner]
            if self.mixed is not None:
                values.append(self.mixed.frozen_values)
            return at.potential_pattern.matrix(np.concatenate(values))
        to_a, to_b = at.paths * self.lithium_slope[at.lithium_a], at.paths * self.lithium_slope[at.lithium_b]
        p, s = self.potential_response, self.lithium_conductance
        values = [G, G, -G, -G, at.terminals, self.storage, self.terminal_column, row, corner]
        values += [to_a, -to_b, -to_a, to_b, p, -p, s, -s, self.response, *(b.values for b in self.networks)]
        if self.mixed is not None:
            values.append(self.mixed.values)
        return at.pattern.matrix(np.concatenate(values))
