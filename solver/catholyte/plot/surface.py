"""Smooth surfaces of the phases of a voxel image, with flat outer faces and sharp cuts.

Voxel faces become a net of quadrilaterals whose nodes are then relaxed towards their neighbours, each within
a fixed distance of where it was (surface nets, Gibson 1998, doi:10.1007/BFb0056277). Two things are added:
nodes in an outer face or in the plane of a cut stay in that plane, and nodes on a line where surfaces of
different kind meet (two phases, or a face and a cut) are drawn only along that line, so that the line neither
shrinks nor shows steps; where lines meet they stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

_ROUNDS = 20

#: how far a node may move along an axis, in voxels
_REACH = 0.7

#: no axis along which a face is held
_FREE = 3


def quarter(shape: Sequence[int]) -> NDArray[np.bool_]:
    """Return the quarter of an image that is cut away: low along axis 1, high along axis 2, all of axis 0."""
    _, ny, nx = shape
    inside = np.zeros(tuple(shape), bool)
    inside[:, : ny // 2, nx - nx // 2 :] = True
    return inside


def surfaces(solid: NDArray[np.uint8], spacing: NDArray[np.float64]) -> dict[int, Any]:
    """Return the surface of every label where it meets empty space (0), as meshes of pyvista.

    The planes of :func:`quarter` are kept flat. Axis 0 of the image runs along the x axis of the world.

    Parameters
    ----------
    solid
        Labels.
    spacing
        Edges of a voxel, in the unit of the world, whose origin is the corner of the image.
    """
    import pyvista
    from vtkmodules.vtkFiltersCore import vtkSurfaceNets3D

    padded = np.pad(solid, 1)
    image = pyvista.ImageData(dimensions=padded.shape, spacing=(1.0, 1.0, 1.0), origin=(-0.5, -0.5, -0.5))
    image["label"] = padded.ravel(order="F")
    nets = vtkSurfaceNets3D()
    nets.SetInputData(image)
    nets.SetInputArrayToProcess(0, 0, 0, 0, "label")
    labels = [int(label) for label in np.unique(solid) if label]
    for index, label in enumerate(labels):
        nets.SetValue(index, label)
    nets.SetBackgroundLabel(0)
    nets.SetOutputMeshTypeToQuads()
    nets.SmoothingOff()
    nets.Update()
    net = pyvista.wrap(nets.GetOutput())
    if not net.n_cells:
        return {}
    sides = np.asarray(net["BoundaryLabels"])
    outer = (sides == 0).any(axis=1)
    faces, label_of_face = net.regular_faces[outer], sides[outer].max(axis=1).astype(int)
    nodes = np.asarray(net.points, dtype=float)
    held = _held(nodes, solid.shape)
    nodes = _relax(nodes, faces, label_of_face, held) * spacing

    found = {}
    for label in labels:
        used, corners = np.unique(faces[label_of_face == label], return_inverse=True)
        if used.size:
            mesh = pyvista.PolyData.from_regular_faces(nodes[used], corners.reshape(-1, 4).astype(int)).triangulate()
            found[label] = mesh.compute_normals(cell_normals=False, split_vertices=True, feature_angle=45.0)
    return found


def _held(nodes: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.bool_]:
    """Return along which axes each node is held: in the outer faces and in the planes of the quarter."""
    voxel = np.rint(nodes).astype(int)
    _, ny, nx = shape
    middle_y, middle_x = ny // 2, nx - nx // 2
    held: NDArray[np.bool_] = (voxel == 0) | (voxel == np.asarray(shape))
    held[:, 1] |= (voxel[:, 1] == middle_y) & (voxel[:, 2] >= middle_x)
    held[:, 2] |= (voxel[:, 2] == middle_x) & (voxel[:, 1] <= middle_y)
    return held


def _relax(
    nodes: NDArray[np.float64],
    faces: NDArray[np.integer],
    label_of_face: NDArray[np.integer],
    held: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Move every node towards the mean of its neighbours, again and again."""
    flat = held[faces].all(axis=1)
    kind = 4 * label_of_face + np.where(flat.any(axis=1), flat.argmax(axis=1), _FREE)
    pairs = np.unique(np.column_stack([faces.ravel(), np.repeat(kind, faces.shape[1])]), axis=0)
    n_kinds = np.bincount(pairs[:, 0], minlength=len(nodes))
    on_line, fixed = n_kinds > 1, n_kinds > 2

    begin, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    begin, end = np.concatenate([begin, end]), np.concatenate([end, begin])
    draws = ~on_line[begin] | on_line[end]
    begin, end = begin[draws], end[draws]
    links = coo_array((np.ones(begin.size), (begin, end)), shape=(len(nodes), len(nodes))).tocsr()
    count = np.bincount(begin, minlength=len(nodes))[:, None]
    held = held | (count == 0) | fixed[:, None]
    moved = nodes
    for _ in range(_ROUNDS):
        towards = (links @ moved) / np.maximum(count, 1)
        moved = np.clip(0.5 * (moved + towards), nodes - _REACH, nodes + _REACH)
        moved = np.where(held, nodes, moved)
    return moved
