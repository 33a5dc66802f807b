"""The finite-volume graph: cells, faces between them, and the terminals of the electrode.

Everything above this file sees a cathode only as this graph; whether it came from a voxel image, an unstructured
mesh or a recipe is the business of the mesh builders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from catholyte.errors import MeshError

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]


@dataclass(frozen=True)
class Terminal:
    """Boundary faces that share one potential.

    Attributes
    ----------
    cell
        Cell behind each face, shape (k,).
    area
        Face areas in m², shape (k,).
    distance
        Distance from the cell centre to the face in m, shape (k,).
    """

    cell: Indices
    area: Floats
    distance: Floats


@dataclass(frozen=True)
class Grid:
    """Where the cells of a graph lie in the image they came from.

    Attributes
    ----------
    shape
        Voxels along z, y, x.
    spacing
        Voxel edges along z, y, x in m.
    voxel
        Flat index of the voxel of every cell, shape (n,).
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    voxel: NDArray[np.int64]


@dataclass(frozen=True)
class Graph:
    """Cells, the faces between them, and terminals.

    Attributes
    ----------
    volume
        Cell volumes in m³, shape (n,).
    phase
        Index into ``phase_names`` for every cell, shape (n,).
    phase_names
        Names of the phases.
    cell_a, cell_b
        The two cells of every face, shape (m,).
    area
        Face areas in m², shape (m,). On meshes whose cells are the surroundings of nodes the faces within a phase have
        the area that makes area over distance the coupling of linear finite elements; behind obtuse angles it is
        negative.
    distance_a, distance_b
        Distances from the two cell centres to the face in m, shape (m,).
    terminals
        ``"counter"`` and ``"collector"``.
    grid
        Position in the image, None for unstructured graphs.
    face_axis
        Axis of the grid along which every face looks from a to b, shape (m,); None for unstructured graphs.
    anchor
        Cell whose potential every cell shares, shape (n,): the shells of a domain share that of the layer they hang on.
        None where every cell has its own.
    grain
        Number of the grain of every cell, shape (n,); a face between two grains of one phase is a grain boundary. None
        where no grains are told apart.
    face_tag
        Number of the tag of every face in ``tag_names``, −1 where it has none, shape (m,); None without tags.
    tag_names
        Names of the tags, by which a part of an interface can have properties of its own.
    """

    volume: Floats
    phase: NDArray[np.int16]
    phase_names: tuple[str, ...]
    cell_a: Indices
    cell_b: Indices
    area: Floats
    distance_a: Floats
    distance_b: Floats
    terminals: Mapping[str, Terminal]
    grid: Grid | None = None
    face_axis: NDArray[np.int8] | None = None
    anchor: Indices | None = None
    grain: Indices | None = None
    face_tag: NDArray[np.int16] | None = None
    tag_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = self.volume.size
        if n == 0:
            raise MeshError("the mesh has no cells: every voxel is void or excluded")
        apart = self.phase[self.cell_a] != self.phase[self.cell_b]
        if self.volume.min() <= 0.0 or np.any(self.area == 0.0) or np.any(self.area[apart] < 0.0):
            raise MeshError("cells need positive volumes, and faces between phases positive areas")
        if self.cell_a.size and max(int(self.cell_a.max()), int(self.cell_b.max())) >= n:
            raise MeshError(f"a face names a cell beyond the last of {n} cells")

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.volume.size)

    @property
    def n_potentials(self) -> int:
        """Number of cells with a potential of their own."""
        return self.n_cells if self.anchor is None else int(np.unique(self.anchor).size)

    def components(self, faces: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Label the clusters of cells that are connected through the chosen faces.

        Parameters
        ----------
        faces
            Mask over the faces, shape (m,).

        Returns
        -------
        Cluster number of every cell, shape (n,).
        """
        a, b = self.cell_a[faces], self.cell_b[faces]
        links = coo_array((np.ones(a.size, dtype=np.int8), (a, b)), shape=(self.n_cells, self.n_cells))
        return connected_components(links.tocsr(), directed=False)[1].astype(np.int32)

    def connected_to(
        self, terminal: str, cells: NDArray[np.bool_], faces: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Find the cells that reach a terminal without leaving a set of cells.

        Parameters
        ----------
        terminal
            Name of the terminal.
        cells
            Mask of the cells that conduct, shape (n,).
        faces
            Mask of the faces that conduct; all faces between conducting cells by default.

        Returns
        -------
        Mask of the connected cells, shape (n,).
        """
        open_faces = cells[self.cell_a] & cells[self.cell_b]
        if faces is not None:
            open_faces &= faces
        cluster = self.components(open_faces)
        start = self.terminals[terminal].cell
        start = start[cells[start]]
        reached = np.zeros(int(cluster.max()) + 1, dtype=bool)
        reached[cluster[start]] = True
        return reached[cluster] & cells

    def subset(self, keep: NDArray[np.bool_]) -> Graph:
        """Return the graph of the cells in ``keep`` (mask, shape (n,)); faces to other cells become walls."""
        new = np.cumsum(keep, dtype=np.int32) - 1
        inside = keep[self.cell_a] & keep[self.cell_b]
        terminals = {}
        for name, terminal in self.terminals.items():
            at = keep[terminal.cell]
            terminals[name] = Terminal(
                new[terminal.cell[at]].astype(np.int32), terminal.area[at], terminal.distance[at]
            )
        return replace(
            self,
            volume=self.volume[keep],
            phase=self.phase[keep],
            cell_a=new[self.cell_a[inside]].astype(np.int32),
            cell_b=new[self.cell_b[inside]].astype(np.int32),
            area=self.area[inside],
            distance_a=self.distance_a[inside],
            distance_b=self.distance_b[inside],
            terminals=terminals,
            grid=None if self.grid is None else replace(self.grid, voxel=self.grid.voxel[keep]),
            face_axis=None if self.face_axis is None else self.face_axis[inside],
            anchor=None if self.anchor is None else new[self.anchor[keep]].astype(np.int32),
            grain=None if self.grain is None else self.grain[keep],
            face_tag=None if self.face_tag is None else self.face_tag[inside],
        )
