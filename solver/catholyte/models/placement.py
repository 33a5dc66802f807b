"""Where the unknowns of a cathode stand on the voxel grid that its graph came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catholyte.fv.assembly import Placement
from catholyte.models.intercalation import ReactingFaces
from catholyte.models.networks import NetworkFaces

if TYPE_CHECKING:
    from catholyte.models.cathode import Cathode


def placement(cathode: Cathode) -> Placement | None:
    """Return the places of potentials, stores and edges on the grid; None for a graph that came from no grid."""
    graph = cathode.graph
    if graph.grid is None or graph.face_axis is None:
        return None
    voxel, axis = graph.grid.voxel, graph.face_axis.astype(np.int64)
    network = np.zeros(int(np.prod(graph.grid.shape)), dtype=np.uint8)
    network[voxel[cathode.ion_cells]] = 1

    # Stores of one cell stand in copies of the grid, one above the other.
    slab = np.empty(cathode.n_x, dtype=np.int64)
    for store in cathode.stores:
        slab[store.at] = sum(other.phase == store.phase and other.at.start < store.at.start for other in cathode.stores)
    copies = int(slab.max()) + 1
    below = slab[cathode.lithium.a] * network.size
    cells = np.concatenate([cathode.electron_cells, cathode.ion_cells])
    electronic = cathode.conduction.a < cathode.n_electron
    within = None
    phi = voxel[cells]
    networks = [cathode.conduction.conductance[electronic], cathode.conduction.conductance[~electronic]]
    if cathode.mixed is not None:
        within = voxel[cathode.store_cells[cathode.mixed.at.stores]].astype(np.int32)
        phi = np.concatenate(
            [phi + network.size * (np.arange(cathode.n_phi) >= cathode.n_electron), within + network.size]
        )
        as_made = cathode.mixed.flows(np.zeros(cathode.n_phi), np.full(cathode.n_x, 0.5)).block.conductance
        inner, first = cathode.mixed.at.inner, np.arange(as_made.size) < cathode.mixed.at.n_electronic
        networks = [
            np.concatenate([networks[0], as_made[inner & first]]),
            np.concatenate([networks[1], as_made[~first]]),
        ]
    return Placement(
        graph.grid.shape,
        phi.astype(np.int32),
        (slab * network.size + voxel[cathode.store_cells]).astype(np.int32),
        network,
        _phi_links(cathode, network.size),
        axis[cathode.lithium.face] * (copies * network.size) + below + voxel[graph.cell_a[cathode.lithium.face]],
        copies,
        max((float(g.max() / g.min()) for g in networks if g.size), default=1.0),
        within,
    )


def _phi_links(cathode: Cathode, size: int) -> NDArray[np.int64]:
    """Return where every edge between potentials stands among the links of a grid of ``size`` voxels."""
    graph = cathode.graph
    assert graph.grid is not None
    assert graph.face_axis is not None
    voxel, axis = graph.grid.voxel, graph.face_axis.astype(np.int64)
    groups: list[ReactingFaces | NetworkFaces] = [*cathode.single, *cathode.networks]
    faces = np.concatenate([cathode.conduction.face, *(group.face for group in groups)])
    if cathode.mixed is None:
        return axis[faces] * size + voxel[graph.cell_a[faces]]
    # Slots of both cells of every face: electrons in the first, ions in the second.
    ionic = (cathode.conduction.a >= cathode.n_electron).astype(np.int64)
    slots_a, slots_b = [ionic], [ionic]
    for group in groups:
        host = int(isinstance(group, ReactingFaces) and group.mixed is not None)
        slots_a.append(np.where(group.direction > 0, host, 1))
        slots_b.append(np.where(group.direction > 0, 1, host))
    inner = cathode.mixed.at.inner
    mine = (np.arange(inner.size) >= cathode.mixed.at.n_electronic)[inner].astype(np.int64)
    faces = np.concatenate([faces, cathode.mixed.face[inner]])
    a, b = np.concatenate([*slots_a, mine]), np.concatenate([*slots_b, mine])
    return ((2 * a + b) * 3 + axis[faces]) * size + voxel[graph.cell_a[faces]]
