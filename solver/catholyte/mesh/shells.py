"""Shells of domains and particles: from diameters to volumes, areas and centres.

With V the volume of all particles of a size, R their radius and n = 3, 2, 1 for spheres, cylinders and slabs,

    area of the surfaces at radius r   n V r^(n−1)/Rⁿ,      volume between a and b   V (bⁿ − aⁿ)/Rⁿ.

The centre of a shell is where a linear profile has its mean, n/(n+1)·(bⁿ⁺¹ − aⁿ⁺¹)/(bⁿ − aⁿ), which makes the flux
between two shells second order in their widths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from catholyte.errors import MeshError
from catholyte.mesh.graph import Floats

Shape = Literal["sphere", "cylinder", "slab"]
Widths = Literal["graded", "even", "equal volume"]

#: n of each shape
EXPONENTS: dict[Shape, int] = {"sphere": 3, "cylinder": 2, "slab": 1}
#: width of the shell farthest from the surface over that of the nearest, in the limit of many shells
_GRADING = 4.0


@dataclass(frozen=True)
class SizeClass:
    """Domains of one diameter (of a slab: thickness) in m, and their share of the volume of all domains."""

    diameter: float
    share: float


@dataclass(frozen=True)
class Shells:
    """Shells of equal particles from the middle outwards, over all particles together.

    Attributes
    ----------
    volume
        In m³, shape (n,).
    centre
        Radius at which a linear profile has its mean, in m, shape (n,).
    edge
        Outer radius of every shell in m, shape (n,).
    area
        Area of the surfaces there in m², shape (n,).
    """

    volume: Floats
    centre: Floats
    edge: Floats
    area: Floats


@dataclass(frozen=True)
class Places:
    """Where the cells of layers and particles lie.

    Attributes
    ----------
    depth
        Middle of the layer, counted from the counter electrode, in m, shape (n,); zero for particles without layers.
    radius
        Centre of the shell in m, NaN for the cells of a layer as a whole, shape (n,).
    size_class
        Number of the size class, −1 for the cells of a layer as a whole, shape (n,).
    """

    depth: Floats
    radius: Floats
    size_class: NDArray[np.int16]


def lognormal(median: float, spread: float, classes: int) -> tuple[SizeClass, ...]:
    """Return classes of equal volume of a lognormal distribution, with the surface area of that distribution.

    Parameters
    ----------
    median
        Median diameter by volume in m.
    spread
        Standard deviation of ln(diameter); zero gives one class.
    classes
        Number of classes.

    Notes
    -----
    A class has the harmonic mean of its diameters, so that the area per volume, ∝ ⟨1/d⟩, is that of the distribution
    for any number of classes.
    """
    if spread == 0.0:
        return (SizeClass(median, 1.0),)
    z = ndtri(np.linspace(0.0, 1.0, classes + 1))
    inverse = np.exp(0.5 * spread**2) / median * np.diff(ndtr(z + spread)) * classes
    return tuple(SizeClass(float(1.0 / value), 1.0 / classes) for value in inverse)


def shell_edges(surface: float, end: float, shells: int, exponent: int, widths: Widths) -> Floats:
    """Return the edges of shells from a surface inwards or outwards to an end, shape (shells + 1,).

    Parameters
    ----------
    surface, end
        Radii in m.
    shells
        Number of shells.
    exponent
        3, 2, 1 for spheres, cylinders and slabs.
    widths
        ``"graded"``: four times finer at the surface than far from it. ``"even"``, ``"equal volume"``.
    """
    s = np.linspace(0.0, 1.0, shells + 1)
    if widths == "equal volume":
        edges = (surface**exponent + s * (end**exponent - surface**exponent)) ** (1.0 / exponent)
    else:
        way = s if widths == "even" else (_GRADING**s - 1.0) / (_GRADING - 1.0)
        edges = surface + way * (end - surface)
    edges[0], edges[-1] = surface, end
    return edges


def shells_between(edges: Floats, radius: float, volume: float, exponent: int) -> Shells:
    """Return the shells between edges.

    Parameters
    ----------
    edges
        Radii in m from the middle outwards, shape (n + 1,).
    radius
        Of the particles in m; edges beyond it are those of what surrounds them.
    volume
        Of all particles in m³.
    exponent
        3, 2, 1 for spheres, cylinders and slabs.
    """
    n, low, high = exponent, edges[:-1], edges[1:]
    power = high**n - low**n
    centre = n / (n + 1.0) * (high ** (n + 1) - low ** (n + 1)) / power
    return Shells(volume * power / radius**n, centre, high, n * volume * high ** (n - 1) / radius**n)


def check_sizes(sizes: Sequence[SizeClass]) -> None:
    """Check diameters and shares.

    Raises
    ------
    MeshError
        If one is not above zero, or the shares do not sum to one.
    """
    if not sizes or min(min(size.diameter, size.share) for size in sizes) <= 0.0:
        raise MeshError("the size classes of domains need diameters and shares above 0")
    total = sum(size.share for size in sizes)
    if abs(total - 1.0) > 1e-9:
        raise MeshError(f"the shares of the size classes have to sum to 1, not {total:.6g}")
