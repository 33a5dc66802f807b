"""What the cells of a cathode store, numbered: lithium in hosts, species, states of branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.mesh.graph import Graph
from catholyte.models.parameters import CellParameters
from catholyte.physics.transport import Diffusion, HostTransport
from catholyte.solve.newton import Bounds

Indices = NDArray[np.int32]


@dataclass(frozen=True)
class StoredIn:
    """One store of a phase in all of its cells.

    Attributes
    ----------
    phase, name
        The phase, and the species or branch; None for the lithium of a host.
    at
        Its unknowns among the x.
    cells
        Cells of the phase, shape (n,).
    c_max
        Concentration of its sites in mol/m³.
    transport
        How it moves.
    is_species
        Whether it is a species or a vacancy on a lattice.
    """

    phase: str
    name: str | None
    at: slice
    cells: NDArray[np.int64]
    c_max: float
    transport: HostTransport
    is_species: bool

    @property
    def key(self) -> str:
        """Phase and name in one."""
        return self.phase if self.name is None else f"{self.phase} {self.name}"


@dataclass(frozen=True)
class StoreMap:
    """Where the stores of every cell stand among the unknowns.

    Attributes
    ----------
    first
        First unknown of every store, by number of the phase.
    place
        Number of every cell among those of its phase, shape (n_cells,).
    """

    first: Mapping[int, tuple[int, ...]]
    place: Indices

    def of(self, phase: int, store: int, cells: NDArray[np.integer]) -> Indices:
        """Return the unknowns of a store in cells of a phase."""
        return (self.first[phase][store] + self.place[cells]).astype(np.int32)


def stored(graph: Graph, cell: CellParameters) -> tuple[tuple[StoredIn, ...], StoreMap]:
    """Give everything that the cells of a graph store its unknowns, phase by phase."""
    found: list[StoredIn] = []
    begin = 0
    first: dict[int, tuple[int, ...]] = {}
    place = np.zeros(graph.n_cells, dtype=np.int32)
    for p, phase in enumerate(graph.phase_names):
        properties = cell.phases.get(phase)
        if properties is None or (properties.host is None and properties.stock is None):
            continue
        cells = np.flatnonzero(graph.phase == p)
        if cells.size == 0:
            continue  # none of it takes part
        place[cells] = np.arange(cells.size, dtype=np.int32)
        kept: list[tuple[str | None, float, HostTransport, bool]] = []
        if properties.host is not None:
            kept.append((None, properties.host.c_max, properties.host.transport, False))
        elif properties.stock is not None:
            kept += [
                (each.name, each.sites, Diffusion(each.D, each.sites), each.lattice is not None)
                for each in properties.stock.stores
            ]
        begins = []
        for name, c_max, transport, is_species in kept:
            at = slice(begin, begin + cells.size)
            found.append(StoredIn(phase, name, at, cells, c_max, transport, is_species))
            begins.append(begin)
            begin = at.stop
        first[p] = tuple(begins)
    return tuple(found), StoreMap(first, place)


def bounds(stores: Sequence[StoredIn], size: int) -> Bounds:
    """Return what the stores can hold: hosts are never quite empty or full, species never quite gone."""
    species = np.zeros(size, dtype=bool)
    for store in stores:
        species[store.at] = store.name is not None
    return Bounds.of(species)
