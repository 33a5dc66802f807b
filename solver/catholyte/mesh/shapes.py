"""Geometries that are given by a few lengths: a particle in electrolyte, a polycrystal, a dense layer.

All have the counter electrode at z = 0 and the collector plate at the other end, and are returned as a mesh with the
regions ``"active"``, ``"electrolyte"`` and ``"separator"`` as far as they have them. The collector's tag covers its
whole plate; the surface of a particle is tagged ``"surface"`` and the faces between its grains ``"grain boundary"``.
"""

from __future__ import annotations

from catholyte.mesh.layer_shapes import build_layer
from catholyte.mesh.particle_shapes import build_particle
from catholyte.mesh.shape_parameters import LayerShape, ParticleShape, PolycrystalShape, Shape, check
from catholyte.mesh.unstructured import UnstructuredMesh

__all__ = ["LayerShape", "ParticleShape", "PolycrystalShape", "Shape", "build"]


def build(shape: Shape) -> UnstructuredMesh:
    """Return the mesh of a shape; the same shape always gives the same mesh.

    Raises
    ------
    InputError
        If a value of the shape cannot be, or gmsh is needed and not installed.
    MeshError
        If gmsh cannot build the geometry.
    """
    check(shape)
    return build_layer(shape) if isinstance(shape, LayerShape) else build_particle(shape)
