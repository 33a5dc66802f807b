r"""What mixed conductors carry: electrons and ions from cell to cell, in local equilibrium within each.

    J_e = G_e (φ_p − φ_q),     J_i = G_i (ψ_p − ψ_q),     ψ = φ − U(x),

with φ the electron and ψ the ion potential, both relative to the collector, and conductances in series over the two
half cells, G = A/(d_p/σ(x_p) + d_q/σ(x_q) + R): R is the resistance of a grain boundary or of the contact of two
phases, its own for electrons and for ions. Electrons also pass to conductors, to other active materials and to the
collector. Fluxes are differences of potentials: U(x) may be flat, and nothing is divided by dU/dx.

For σ_e ≫ σ_i this is diffusion with D = −(σ_i/F) dU/dc; in general lithium moves by the ambipolar conductivity
σ_e σ_i/(σ_e + σ_i) (Jamnik & Maier 2001, doi:10.1039/b100180i).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.fv.mixed import MixedBlock, MixedUnknowns
from catholyte.models.parameters import Host
from catholyte.physics.constants import F
from catholyte.physics.equilibrium import value_and_slope
from catholyte.physics.half_cell import depletion_factor
from catholyte.physics.transport import MixedConduction

Array = NDArray[Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MixedStore:
    """The lithium of one mixed phase: its host, its place among the mixed stores and among all stores."""

    host: Host
    at: slice
    among_all: slice

    @property
    def law(self) -> MixedConduction:
        """How it conducts."""
        assert isinstance(self.host.transport, MixedConduction)
        return self.host.transport


@dataclass(frozen=True)
class MixedFlows:
    """What flows along the edges at a state.

    Attributes
    ----------
    flow
        Current from a to b of every edge in A, shape (m,).
    ions
        Ion potential ψ of every mixed store, relative to the collector like φ, in V, shape (n_mixed,).
    block
        How the flows answer a change.
    rounding
        What the rounding of potentials leaves of all flows in A.
    """

    flow: Array
    ions: Array
    block: MixedBlock
    rounding: float


@dataclass(frozen=True)
class MixedEdges:
    """The edges of all mixed conductors of a cathode; arrays of shape (m,).

    Attributes
    ----------
    at
        Where they stand among the unknowns.
    face
        Face of the graph behind every edge, or of the collector where the edge leads there.
    area
        In m².
    length_a, length_b
        Of the mixed half cells in m; zero where an end is not mixed.
    series
        What is in series with them in Ω m²: contact, grain boundary, half cell of what is not mixed.
    contact
        The part of ``series`` that belongs to the contact or the grain boundary.
    stores
        The mixed phases.
    temperature
        In K.
    """

    at: MixedUnknowns
    face: NDArray[np.int64]
    area: Floats
    length_a: Floats
    length_b: Floats
    series: Floats
    contact: Floats
    stores: Sequence[MixedStore]
    temperature: float

    def flows(self, phi: Array, x: Array) -> MixedFlows:
        """Return what flows at potentials φ (n_phi,) relative to the collector and site fractions x of all stores."""
        at, n = self.at, self.at.n_electronic
        dtype = np.result_type(phi, x)
        size = at.size
        U, sigma_e, sigma_i = np.empty((3, size), dtype=dtype)
        dU, slope_e, slope_i = np.empty((3, size))
        for store in self.stores:
            mine, law, here = x[store.among_all], store.law, store.at
            for values, slopes, of in (
                (U, dU, law.U),
                (sigma_e, slope_e, law.sigma_e),
                (sigma_i, slope_i, law.sigma_i),
            ):
                value, slopes[here] = value_and_slope(of, np.real(mine), self.temperature)
                values[here] = of(mine, self.temperature) if np.iscomplexobj(mine) else value
        ions = phi[at.potentials] - U

        near, far = _of(at.host_a, sigma_e, sigma_i, n), _of(at.host_b, sigma_e, sigma_i, n)
        conductance = self.area / (self.length_a / near + self.length_b / far + self.series)
        ends = np.where(at.b >= 0, phi[at.b], 0.0)
        difference = np.empty(at.a.size, dtype=dtype)
        difference[:n] = phi[at.a[:n]] - ends[:n]
        difference[n:] = ions[at.host_a[n:]] - ions[at.host_b[n:]]
        flow = conductance * difference

        G, off = np.real(conductance), np.real(difference)
        of_sigma = G * G * off / self.area
        slope_near, slope_far = _of(at.host_a, slope_e, slope_i, n, 0.0), _of(at.host_b, slope_e, slope_i, n, 0.0)
        lift_a = of_sigma * self.length_a * slope_near / np.real(near) ** 2
        lift_b = -of_sigma * self.length_b * slope_far / np.real(far) ** 2
        lift_a[n:] -= G[n:] * dU[at.host_a[n:]]
        lift_b[n:] -= G[n:] * dU[at.host_b[n:]]
        block = MixedBlock(at, G, lift_a, lift_b, -dU)
        # A potential is exact to its last place at an x that is: where U is steep, the latter is coarser.
        noise = np.abs(np.real(U)) + np.abs(dU) * np.concatenate([np.real(x[store.among_all]) for store in self.stores])
        scale = np.abs(G[n:]) @ (noise[at.host_a[n:]] + noise[at.host_b[n:]])
        return MixedFlows(flow, ions, block, 0.25 * np.finfo(float).eps * float(scale))

    def alternating(self, block: MixedBlock, x: Array, omega: float) -> MixedBlock:
        """Return how the flows answer at an angular frequency in rad/s.

        Where electrons leave the mixed conductor ions stop, and in the half cell there the current as a whole meets
        ℓ/(σ_e + σ_i); only the rest of ℓ/σ_e, which lithium has to make way for, is a matter of the frequency
        (``physics/half_cell.py``), as it is for ions at the faces to an electrolyte.
        """
        leaving = np.flatnonzero((self.at.host_b < 0) != (self.at.host_a < 0))
        host = np.maximum(self.at.host_a, self.at.host_b)[leaving]
        length = (self.length_a + self.length_b)[leaving]
        sigma_e, sigma_i, capacity = np.empty((3, self.at.size))
        for store in self.stores:
            mine = np.real(x[store.among_all])
            sigma_e[store.at] = np.real(store.law.sigma_e(mine, self.temperature))
            sigma_i[store.at] = np.real(store.law.sigma_i(mine, self.temperature))
            capacity[store.at] = F * store.host.c_max
        sigma = (sigma_e + sigma_i)[host]
        mobility = (sigma_e * sigma_i)[host] / sigma * np.maximum(block.steepness[host], 1e-12)
        factor = depletion_factor(omega, capacity[host] * length**2 / mobility)
        at_once = length / sigma
        whole = at_once + factor * (length / sigma_e[host] - at_once)
        conductance = block.conductance.astype(complex)
        conductance[leaving] = self.area[leaving] / (whole + self.series[leaving])
        return replace(block, conductance=conductance)


def _of(host: Array, electronic: Array, ionic: Array, n_electronic: int, otherwise: float = 1.0) -> Array:
    """Return the value of its carrier in the store at one end of every edge, ``otherwise`` where there is none."""
    first, second = host[:n_electronic], host[n_electronic:]
    there = np.where(first >= 0, electronic[first], otherwise)
    return np.concatenate([there, ionic[second]])
