"""Reference elements: linear triangles and tetrahedra, bilinear quadrilaterals, trilinear hexahedra and wedges.

Nodes are numbered as in VTK. With shape functions N_i, which are one at node i and zero at the others, the matrices are

    stiffness  K_ij = ∫ ∇N_i·∇N_j w dV        mass  m_i = ∫ N_i w dV

with w = 1, the plane being 1 m deep, or w = 2πr with axial symmetry. Quadrature is exact for the masses, and for K
applied to any linear field (the integrand is then a polynomial), so that linear fields have exact fluxes on any mesh.

Ciarlet 1978, The Finite Element Method for Elliptic Problems, North-Holland, sections 2.2 and 4.3.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.mesh.unstructured import CellKind, FacetKind, Symmetry

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

#: elements worked on together, which bounds the memory of intermediate results
_PORTION = 1 << 14

_GAUSS = np.array([-1.0, 1.0]) / np.sqrt(3.0)


@dataclass(frozen=True, eq=False)
class Element:
    """A reference element.

    Attributes
    ----------
    kind, dimension
        Its shape, and the dimension of its space.
    corners
        Reference coordinates of the nodes, shape (k, d).
    facets
        Nodes of every facet; seen from outside they run counter-clockwise, in the plane with the cell on their left.
    edges
        The two nodes of every edge.
    mirror
        Order of the nodes that turns the orientation of the element.
    gradient_rule, mass_rule
        Points (q, d) and weights (q,) of the quadrature of stiffness and mass.
    """

    kind: CellKind
    dimension: int
    corners: Floats
    facets: tuple[tuple[int, ...], ...]
    edges: tuple[tuple[int, int], ...]
    mirror: tuple[int, ...]
    gradient_rule: tuple[Floats, Floats]
    mass_rule: tuple[Floats, Floats]

    @property
    def is_simplex(self) -> bool:
        """Whether gradients of shape functions are constant."""
        return len(self.corners) == self.dimension + 1


def _product_rule(dimension: int) -> tuple[Floats, Floats]:
    at = np.array(list(itertools.product(_GAUSS, repeat=dimension)))
    return at, np.ones(len(at))


def _wedge_rule() -> tuple[Floats, Floats]:
    at, weight = _TRIANGLE_RULE
    points = [[*place, height] for height in _GAUSS for place in at]
    return np.array(points), np.tile(weight, 2)


def _centre_rule(dimension: int) -> tuple[Floats, Floats]:
    return np.full((1, dimension), 1.0 / (dimension + 1)), np.array([0.5 if dimension == 2 else 1.0 / 6.0])


#: exact for polynomials of degree two
_TRIANGLE_RULE = (np.array([[1.0, 1.0], [4.0, 1.0], [1.0, 4.0]]) / 6.0, np.full(3, 1.0 / 6.0))
_SQUARE = ((-1, -1), (1, -1), (1, 1), (-1, 1))
_TRIANGLE = ((0, 0), (1, 0), (0, 1))

ELEMENTS: dict[CellKind, Element] = {
    element.kind: element
    for element in (
        Element(
            "triangle",
            2,
            np.array(_TRIANGLE, float),
            ((0, 1), (1, 2), (2, 0)),
            ((0, 1), (1, 2), (2, 0)),
            (0, 2, 1),
            _centre_rule(2),
            _TRIANGLE_RULE,
        ),
        Element(
            "quad",
            2,
            np.array(_SQUARE, float),
            ((0, 1), (1, 2), (2, 3), (3, 0)),
            ((0, 1), (1, 2), (2, 3), (3, 0)),
            (0, 3, 2, 1),
            _product_rule(2),
            _product_rule(2),
        ),
        Element(
            "tetra",
            3,
            np.vstack([np.zeros(3), np.eye(3)]),
            ((0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)),
            ((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)),
            (0, 2, 1, 3),
            _centre_rule(3),
            _centre_rule(3),
        ),
        Element(
            "hexahedron",
            3,
            np.array([[*corner, height] for height in (-1, 1) for corner in _SQUARE], float),
            ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)),
            ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)),
            (0, 3, 2, 1, 4, 7, 6, 5),
            _product_rule(3),
            _product_rule(3),
        ),
        Element(
            "wedge",
            3,
            np.array([[*corner, height] for height in (-1, 1) for corner in _TRIANGLE], float),
            ((0, 2, 1), (3, 4, 5), (0, 1, 4, 3), (1, 2, 5, 4), (2, 0, 3, 5)),
            ((0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)),
            (0, 2, 1, 3, 5, 4),
            _wedge_rule(),
            _wedge_rule(),
        ),
    )
}

#: kind of a facet by the number of its nodes
FACET_KIND: dict[int, FacetKind] = {2: "line", 3: "triangle", 4: "quad"}


def shape_functions(kind: CellKind, at: Floats) -> tuple[Floats, Floats]:
    """Return the shape functions of an element at points of its reference coordinates, and their derivatives.

    Parameters
    ----------
    kind
        The element.
    at
        Reference coordinates, shape (q, d).

    Returns
    -------
    Values, shape (q, k), and derivatives along the reference coordinates, shape (q, k, d).
    """
    corners = ELEMENTS[kind].corners
    if kind in ("triangle", "tetra"):
        N = np.column_stack([1.0 - at.sum(axis=1), at])
        slope = np.vstack([-np.ones(at.shape[1]), np.eye(at.shape[1])])
        return N, np.broadcast_to(slope, (len(at), *slope.shape))
    if kind == "wedge":
        base, slope = shape_functions("triangle", at[:, :2])
        height = 0.5 * (1.0 + at[:, 2, None] * corners[:, 2])
        N = np.tile(base, 2) * height
        dN = np.tile(slope, (1, 2, 1)) * height[..., None]
        return N, np.concatenate([dN, (0.5 * corners[:, 2] * np.tile(base, 2))[..., None]], axis=2)
    factors = 0.5 * (1.0 + at[:, None, :] * corners)
    slopes = np.stack(
        [0.5 * corners[:, axis] * np.delete(factors, axis, axis=2).prod(axis=2) for axis in range(at.shape[1])],
        axis=2,
    )
    return factors.prod(axis=2), slopes


def element_matrices(kind: CellKind, x: Floats, symmetry: Symmetry = "none") -> tuple[Floats, Floats]:
    """Return the stiffness and the lumped mass of elements.

    Parameters
    ----------
    kind
        The element.
    x
        Coordinates of the nodes in m, shape (m, k, 3).
    symmetry
        ``"axisymmetric"``: x[..., 0] is the radius, integrals are over whole rings.

    Returns
    -------
    Stiffness ∫ ∇N_i·∇N_j in m, shape (m, k, k), and mass ∫ N_i in m³, shape (m, k).
    """
    k = len(ELEMENTS[kind].corners)
    stiffness, mass = np.empty((len(x), k, k)), np.empty((len(x), k))
    for start in range(0, len(x), _PORTION):
        part = slice(start, start + _PORTION)
        stiffness[part] = _stiffness(kind, x[part], symmetry)
        mass[part] = lumped_mass(kind, x[part], symmetry)
    return stiffness, mass


def _stiffness(kind: CellKind, x: Floats, symmetry: Symmetry) -> Floats:
    at, weight = ELEMENTS[kind].gradient_rule
    N, dN = shape_functions(kind, at)
    cofactors, determinant = _jacobian(x, dN)
    # ∇N = cofactors·∂N/∂ξ / det, and the determinant of the volume element once below: it stands once in the divisor
    scaled = np.matmul(dN, cofactors)
    w = weight / determinant
    if symmetry == "axisymmetric":
        w = w * 2.0 * np.pi * (x[..., 0] @ N.T)
    m, q, k, d = scaled.shape
    rows = np.swapaxes(scaled, 2, 3).reshape(m, q * d, k)
    return np.matmul(np.swapaxes(rows, 1, 2), np.repeat(w, d, axis=1)[..., None] * rows)


def lumped_mass(kind: CellKind, x: Floats, symmetry: Symmetry = "none") -> Floats:
    """Return ∫ N_i of elements in m³, shape (m, k), from the coordinates of their nodes in m, shape (m, k, 3)."""
    at, weight = ELEMENTS[kind].mass_rule
    N, dN = shape_functions(kind, at)
    _, determinant = _jacobian(x, dN)
    w = weight * determinant
    if symmetry == "axisymmetric":
        w = w * 2.0 * np.pi * (x[..., 0] @ N.T)
    return w @ N


def corner_jacobians(kind: CellKind, x: Floats) -> Floats:
    """Return the determinant of the map from the reference element at its nodes.

    Parameters
    ----------
    kind
        The element.
    x
        Coordinates of the nodes in m, shape (m, k, 3).

    Returns
    -------
    Shape (m, k), in m² for elements of the plane and m³ else; for simplices, where it is constant, (m, 1).
    """
    element = ELEMENTS[kind]
    at = element.corners[:1] if element.is_simplex else element.corners
    return _jacobian(x, shape_functions(kind, at)[1])[1]


def _jacobian(x: Floats, dN: Floats) -> tuple[Floats, Floats]:
    """Return the cofactors (m, q, d, d) of ∂x/∂ξ, first index that of ξ, and its determinant (m, q)."""
    if dN.shape[2] == 2:
        J = np.einsum("qkd,mke->mqde", dN, x[..., :2])
        cofactors = np.stack(
            [
                np.stack([J[..., 1, 1], -J[..., 1, 0]], axis=-1),
                np.stack([-J[..., 0, 1], J[..., 0, 0]], axis=-1),
            ],
            axis=-2,
        )
    else:
        J = np.einsum("qkd,mke->mqde", dN, x)
        a, b, c = J[..., 0, :], J[..., 1, :], J[..., 2, :]
        cofactors = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=-2)
    return cofactors, np.einsum("mqe,mqe->mq", J[..., 0, :], cofactors[..., 0, :])


def facet_loads(x: Floats, symmetry: Symmetry = "none") -> Floats:
    """Return how the area of facets is distributed to their nodes, ∫ N_i dA.

    Parameters
    ----------
    x
        Coordinates of the nodes in m, shape (m, w, 3): two nodes for lines, three for triangles, four for
        quadrilaterals.
    symmetry
        ``"axisymmetric"``: lines stand for the surfaces that they sweep around the axis.

    Returns
    -------
    Areas in m², of lines in m² per metre of depth, shape (m, w).
    """
    width = x.shape[1]
    if width == 2:
        length = np.linalg.norm(x[:, 1] - x[:, 0], axis=1)
        if symmetry == "axisymmetric":
            r = x[..., 0]
            return (np.pi / 3.0) * length[:, None] * (r + r.sum(axis=1, keepdims=True))
        return np.repeat(0.5 * length[:, None], 2, axis=1)
    if width == 3:
        normal = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0])
        return np.repeat(np.linalg.norm(normal, axis=1)[:, None] / 6.0, 3, axis=1)
    N, dN = _quad_on_surface()
    along = np.einsum("qkd,mke->mqde", dN, x)
    return np.linalg.norm(np.cross(along[..., 0, :], along[..., 1, :]), axis=-1) @ N


@functools.cache
def _quad_on_surface() -> tuple[Floats, Floats]:
    return shape_functions("quad", _product_rule(2)[0])
