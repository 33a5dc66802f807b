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
from scipy.sparse import block_array, coo_array, csc_array, diags_array

from catholyte.fv import kernels
from catholyte.fv.laplacian import Indices, Laplacian, Links

Floats = NDArray[Any]  # float64, or complex128 at a frequency


@dataclass(frozen=True)
class Placement:
    """Where the unknowns and edges of a system stand on a voxel grid.

    Attributes
    ----------
    shape
        Voxels along z, y, x.
    phi, lithium
        Flat voxel of every potential and of every lithium unknown.
    network
        Which voxels belong to the ion conductors, shape (nz·ny·nx,), uint8.
    phi_links, lithium_links
        Where the conductance of every edge of A_φφ and of every transport path stands in an array of shape
        (3, nz, ny, nx) that holds, for every axis and voxel, the link to the next voxel.
    contrast
        Largest ratio of conductances within the electron network and within the ion network.
    """

    shape: tuple[int, int, int]
    phi: Indices
    lithium: Indices
    network: NDArray[np.uint8]
    phi_links: NDArray[np.int64]
    lithium_links: NDArray[np.int64]
    contrast: float


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
        Unknowns at every reacting face, shape (k,).
    placement
        Where all this stands on a voxel grid; None for unstructured meshes.
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
    placement: Placement | None

    @cached_property
    def networks(self) -> Laplacian:
        """Conduction within the two networks and to the terminals, without the reacting faces."""
        links = Links.from_edges(self.terminals.size, self.a, self.b)
        return Laplacian.from_edges(links, self.conduction, self.terminals)

    @cached_property
    def phi_links(self) -> Links:
        """Pattern of A_φφ: the edges of conduction, then the reacting faces."""
        ends = np.concatenate([self.a, self.electron]), np.concatenate([self.b, self.ion])
        return Links.from_edges(self.terminals.size, *ends)


@dataclass(frozen=True)
class CoupledSystem:
    """γM − ∂F/∂u with its border, all rows in amperes.

    Attributes
    ----------
    skeleton
        What does not change from one matrix to the next.
    conductance
        ∂I/∂(φ_electron − φ_ion) of every reacting face in S, shape (k,).
    response
        ∂I_F/∂x of every reacting face in A, shape (k,); I_F is the part of the current that changes the lithium.
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

    @property
    def dtype(self) -> np.dtype[Any]:
        """Double precision, complex for a frequency in place of a time step."""
        return np.result_type(self.conductance) if self.frozen else np.result_type(self.storage, self.conductance)

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
        edges = np.concatenate([self.skeleton.conduction, self.conductance])
        return Laplacian.from_edges(self.skeleton.phi_links, edges, self.skeleton.terminals)

    @cached_property
    def response_sum(self) -> Floats:
        """Σ ∂I/∂x over the faces of every host cell in A, shape (n_x,)."""
        total = np.zeros(self.n_x, dtype=self.response.dtype)
        kernels.add_at(total, self.skeleton.host, self.response)
        return total

    @cached_property
    def lithium_diagonal(self) -> Floats:
        """Diagonal of A_xx in A, shape (n_x,)."""
        return self.storage + self.lithium_slope * self.skeleton.lithium.row_sum + self.response_sum

    @cached_property
    def terminal_column(self) -> Floats:
        """The column b, shape (n_phi + n_x,)."""
        at = self.skeleton
        column = np.zeros(self.n_phi + self.n_x, dtype=self.dtype)
        kernels.add_at(column, at.electron, self.conductance)
        kernels.subtract_at(column, at.ion, self.conductance)
        if not self.frozen:
            kernels.add_at(column[self.n_phi :], at.host, self.lithium_conductance)
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
        self.add_faces(out, v)
        return out

    def add_faces(self, out: Floats, v: Floats) -> None:
        """Add the currents of the reacting faces that v = [φ, x] drives; rows of held lithium become x."""
        at, n = self.skeleton, self.n_phi
        if self.frozen:
            kernels.exchange(out[:n], at.electron, at.ion, -self.conductance, v[:n])
            out[n:] = v[n:]
            return
        rows = out[:n], out[n:], at.electron, at.ion, at.host
        if self.faradaic is None:
            kernels.face_currents(*rows, self.conductance, self.response, v[:n], v[n:])
        else:
            kernels.shunted_face_currents(
                *rows, self.conductance, self.passing, self.faradaic, self.response, v[:n], v[n:]
            )

    @cached_property
    def reduced_conductance(self) -> Floats:
        """Conductance of every reacting face in series with the storage and transport of its host cell, in S.

        With it A_φφ becomes its Schur complement after eliminating x, with A_xx replaced by its diagonal and the faces
        of one cell driven alike.
        """
        if self.frozen:
            return self.conductance
        free = self.storage + self.lithium_slope * self.skeleton.lithium.row_sum
        total = free + self.driven_response
        if self.faradaic is None or self.passing is None:
            return self.conductance * (free / total)[self.skeleton.host]
        return self.conductance - self.passing * self.faradaic * (self.driven_response / total)[self.skeleton.host]

    @cached_property
    def driven_response(self) -> Floats:
        """The response of the faces to x where it is restoring, in A, shape (n_x,)."""
        total: Floats = np.where(self.response_sum.real > 0.0, self.response_sum, 0.0)
        return total

    def reduced_phi(self) -> Laplacian:
        """Return A_φφ with the reduced conductances."""
        edges = np.concatenate([self.skeleton.conduction, self.reduced_conductance])
        return Laplacian.from_edges(self.skeleton.phi_links, edges, self.skeleton.terminals)

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
        largest = float(np.max(self.lithium_slope, initial=0.0))
        return np.maximum(self.lithium_slope, 1e-9 * largest)

    def matrix(self) -> csc_array:
        """Return the bordered matrix, shape (n_phi + n_x + 1,) squared, for direct solvers and tests."""
        at, n, m = self.skeleton, self.n_phi, self.n_x
        border = self.terminal_column[:, None]
        row = np.concatenate([self.terminal_row, np.zeros(m)])[None, :]
        corner = np.array([[self.terminal_corner]])
        if self.frozen:
            inner = block_array([[self.phi.matrix(), None], [None, diags_array(np.ones(m))]])
        else:
            response, conductance = self.potential_response, self.lithium_conductance
            to_phi = coo_array((response, (at.electron, at.host)), shape=(n, m)) - coo_array(
                (response, (at.ion, at.host)), shape=(n, m)
            )
            to_x = coo_array((conductance, (at.host, at.electron)), shape=(m, n)) - coo_array(
                (conductance, (at.host, at.ion)), shape=(m, n)
            )
            transport = at.lithium.matrix() @ diags_array(self.lithium_slope)
            inner = block_array(
                [
                    [self.phi.matrix(), to_phi],
                    [to_x, transport + diags_array(self.storage + self.response_sum)],
                ]
            )
        return csc_array(block_array([[inner, coo_array(border)], [coo_array(row), coo_array(corner)]]))
