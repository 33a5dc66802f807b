"""What the built geometries are given by, and what of it is possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from catholyte.errors import InputError, nearest

Surroundings = Literal["box", "shell", "none"]
Part = Literal["whole", "quarter", "axisymmetric"]
LayerCells = Literal["tetrahedra", "hexahedra", "wedges"]

#: more cells than this are taken for a slip in a length
_MOST_CELLS = 3e7

#: largest distortion for which no cell can turn over
_MOST_DISTORTION = 0.2


@dataclass(frozen=True)
class ParticleShape:
    """A spheroid of active material that the collector plate cuts, in electrolyte.

    Attributes
    ----------
    diameter
        Across the axis z, m.
    aspect
        Length along z over the diameter, before the cut.
    contact_angle
        Angle at the centre between the axis and the rim of the contact, degrees; 90 leaves a half sphere. The contact
        is a circle of the radius diameter/2 · sin(contact_angle).
    surroundings
        ``"box"``: electrolyte up to a box, with the counter electrode at z = 0; ``"shell"``: a shell of electrolyte,
        with the counter electrode all over its outside; ``"none"``: the bare particle, without counter electrode.
    gap
        Thickness of the shell, or distance of the particle from the sides and the bottom of the box, m.
    separator
        Thickness of a layer between the box and the counter electrode, m; zero for none.
    part
        ``"whole"``, a ``"quarter"`` between the planes x = 0 and y = 0, or triangles in a half plane, for axial
        symmetry: the box is a cylinder then.
    mesh_size, interface_size
        Lengths of edges away from the particle's surface and on it, m.
    """

    diameter: float = 5e-6
    aspect: float = 1.0
    contact_angle: float = 20.0
    surroundings: Surroundings = "box"
    gap: float = 1e-6
    separator: float = 0.0
    part: Part = "whole"
    mesh_size: float = 0.6e-6
    interface_size: float = 0.3e-6


@dataclass(frozen=True)
class PolycrystalShape(ParticleShape):
    """A particle of grains: the cells of a Voronoi tessellation, evened out by Lloyd's iteration.

    Attributes
    ----------
    grains
        Number of grains; cells have their grain's number, from 1, and 0 outside the particle.
    seed
        Same seed, same grains.
    """

    grains: int = 12
    seed: int = 0


@dataclass(frozen=True)
class LayerShape:
    """A dense layer of active material, with a separator where wanted.

    Attributes
    ----------
    thickness, width
        Of the active layer along z, and of the square along x and y, m.
    separator
        Thickness of a layer at the counter electrode, m; zero for none.
    mesh_size
        Lengths of edges, m.
    cells
        ``"hexahedra"`` and ``"wedges"`` stand in rows, ``"tetrahedra"`` come from gmsh.
    distortion
        How far inner points go at random, at most, in edges along each axis: 0 to 0.2. Points of the plane between
        layers stay in it. Not for tetrahedra, which are irregular by themselves.
    seed
        Same seed, same distortion.
    """

    thickness: float = 20e-6
    width: float = 5e-6
    separator: float = 0.0
    mesh_size: float = 1e-6
    cells: LayerCells = "hexahedra"
    distortion: float = 0.0
    seed: int = 0


Shape = ParticleShape | PolycrystalShape | LayerShape


def check(shape: Shape) -> None:
    """Refuse a shape with a value that cannot be, by an InputError that names it."""
    if isinstance(shape, LayerShape):
        _check_layer(shape)
    else:
        _check_particle(shape)


def _check_particle(shape: ParticleShape) -> None:
    _check_lengths(shape, ("diameter", "gap", "mesh_size", "interface_size"))
    _check_choice("surroundings", shape.surroundings, get_args(Surroundings))
    _check_choice("part", shape.part, get_args(Part))
    if not 0.1 <= shape.aspect <= 10.0:
        raise InputError("aspect", shape.aspect, "a number from 0.1 to 10")
    if not 1.0 <= shape.contact_angle <= 150.0:
        raise InputError("contact_angle", shape.contact_angle, "an angle from 1 to 150 degrees")
    if not shape.separator >= 0.0 or (shape.separator > 0.0 and shape.surroundings != "box"):
        raise InputError("separator", shape.separator, "zero or a positive length, and zero without a box")
    if shape.interface_size > shape.mesh_size:
        raise InputError("interface_size", shape.interface_size, f"at most mesh_size = {shape.mesh_size:g}")
    if isinstance(shape, PolycrystalShape):
        if shape.part != "whole":
            raise InputError("part", shape.part, "'whole': grains have no symmetry")
        if isinstance(shape.grains, bool) or int(shape.grains) != shape.grains or not 1 <= shape.grains <= 1000:
            raise InputError("grains", shape.grains, "a whole number from 1 to 1000")
    width = shape.diameter + 2.0 * shape.gap
    height = shape.aspect * shape.diameter + shape.gap + shape.separator
    dimension = 2 if shape.part == "axisymmetric" else 3
    coarse = width ** (dimension - 1) * height / shape.mesh_size**dimension
    fine = 3.0 * (max(1.0, shape.aspect) * shape.diameter / shape.interface_size) ** (dimension - 1)
    _check_number("interface_size", shape.interface_size, 8.0 * (coarse + 4.0 * fine))


def _check_layer(shape: LayerShape) -> None:
    _check_lengths(shape, ("thickness", "width", "mesh_size"))
    _check_choice("cells", shape.cells, get_args(LayerCells))
    if not shape.separator >= 0.0:
        raise InputError("separator", shape.separator, "zero or a positive length in m")
    most = 0.0 if shape.cells == "tetrahedra" else _MOST_DISTORTION
    if not 0.0 <= shape.distortion <= most:
        expected = f"a number from 0 to {most:g}" if most else "0 with tetrahedra"
        raise InputError("distortion", shape.distortion, expected)
    volume = shape.width**2 * (shape.thickness + shape.separator)
    _check_number(
        "mesh_size", shape.mesh_size, (8.0 if shape.cells == "tetrahedra" else 2.0) * volume / shape.mesh_size**3
    )


def _check_lengths(shape: Shape, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(shape, name)
        if not 0.0 < value < float("inf"):
            raise InputError(name, value, "a positive length in m")


def _check_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(key, value, f"one of {', '.join(choices)}", nearest(str(value), choices))


def _check_number(key: str, value: float, cells: float) -> None:
    if cells > _MOST_CELLS:
        raise InputError(key, value, f"a length that makes fewer than {_MOST_CELLS:.0e} cells, not about {cells:.0e}")
