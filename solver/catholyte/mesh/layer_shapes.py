"""Dense layers of hexahedra and wedges in rows, or of tetrahedra from gmsh."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.mesh import gmsh_mesh
from catholyte.mesh.shape_parameters import LayerShape
from catholyte.mesh.unstructured import CellBlock, FacetBlock, UnstructuredMesh

#: corners of a hexahedron (x, y, z) in the order of VTK
_HEXAHEDRON = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))

#: the two wedges of a hexahedron, the lower triangles running around +z as those of gmsh and meshio do
_WEDGES = ((0, 1, 2, 4, 5, 6), (0, 2, 3, 4, 6, 7))


def build_layer(shape: LayerShape) -> UnstructuredMesh:
    """Return the mesh of a dense layer."""
    return _from_gmsh(shape) if shape.cells == "tetrahedra" else _in_rows(shape)


def _in_rows(shape: LayerShape) -> UnstructuredMesh:
    """Return hexahedra or wedges in rows."""
    below = max(1, round(shape.separator / shape.mesh_size)) if shape.separator else 0
    above = max(1, round(shape.thickness / shape.mesh_size))
    across = max(1, round(shape.width / shape.mesh_size))
    # layers meet at z = separator exactly
    levels = np.concatenate(
        [
            np.linspace(0.0, shape.separator, below + 1)[:-1] if below else np.empty(0),
            shape.separator + np.linspace(0.0, shape.thickness, above + 1),
        ]
    )
    side = np.linspace(0.0, shape.width, across + 1)
    z, y, x = np.meshgrid(levels, side, side, indexing="ij")
    points = _distorted(np.stack([x, y, z], axis=-1), shape, below).reshape(-1, 3)
    number = np.arange(x.size).reshape(x.shape)
    corner = [number[c : c + below + above, b : b + across, a : a + across].ravel() for a, b, c in _HEXAHEDRON]
    hexahedra = np.stack(corner, axis=1)
    layer = np.repeat(np.arange(below + above), across**2)
    region = (layer < below).astype(np.int16)
    squares = np.concatenate([hexahedra[layer == 0][:, :4], hexahedra[layer == below + above - 1][:, 4:]])
    tag = np.repeat(np.array([0, 1], np.int16), across**2)
    names = ("active", "separator") if below else ("active",)
    if shape.cells == "hexahedra":
        cells = _block("hexahedron", hexahedra, region)
        plates = FacetBlock("quad", squares, tag)
    else:
        cells = _block("wedge", hexahedra[:, _WEDGES].reshape(-1, 6), np.repeat(region, 2))
        plates = FacetBlock("triangle", squares[:, ((0, 1, 2), (0, 2, 3))].reshape(-1, 3), np.repeat(tag, 2))
    return UnstructuredMesh(points, (cells,), names, (plates,), ("counter", "collector"))


def _block(kind: Any, nodes: NDArray[np.int64], region: NDArray[np.int16]) -> CellBlock:
    return CellBlock(kind, nodes, region, np.arange(len(nodes)), np.zeros(len(nodes), np.int32))


def _distorted(points: NDArray[np.float64], shape: LayerShape, below: int) -> NDArray[np.float64]:
    """Move points [z, y, x] at random, those of outer faces and of the plane between layers within these."""
    if not shape.distortion:
        return points
    random = np.random.default_rng(shape.seed)
    way = random.uniform(-shape.distortion, shape.distortion, points.shape)
    for axis in range(3):
        # coordinate 0 is x, along the last axis of the array
        ends = np.moveaxis(way[..., axis], 2 - axis, 0)
        ends[[0, -1]] = 0.0
        step = np.diff(np.moveaxis(points[..., axis], 2 - axis, 0), axis=0)
        ends[1:-1] *= np.minimum(step[1:], step[:-1])
    way[below, :, :, 2] = 0.0
    return points + way


def _from_gmsh(shape: LayerShape) -> UnstructuredMesh:
    """Return tetrahedra."""
    unit = shape.thickness
    width, low, size = (length / unit for length in (shape.width, shape.separator, shape.mesh_size))
    with gmsh_mesh.session() as gmsh:
        occ = gmsh.model.occ
        volumes = [(3, occ.addBox(0.0, 0.0, low, width, width, 1.0))]
        regions = {"active": [volumes[0]]}
        if low:
            bottom = (3, occ.addBox(0.0, 0.0, 0.0, width, width, low))
            _, (tops, bottoms) = occ.fragment(volumes, [bottom])
            regions = {"active": tops, "separator": bottoms}
        occ.synchronize()
        tags = gmsh_mesh.plates(gmsh, 3, low + 1.0)
        gmsh_mesh.generate(gmsh, 3, size=size)
        return gmsh_mesh.read(gmsh, 3, regions=regions, tags=tags, unit=unit)
