"""From a porous electrode to the finite-volume graph: layers along the depth, and domains in shells hung on them.

A layer of thickness h is one cell that conducts electrons and one that conducts ions, each of volume A·h for an
electrode of area A: they stand for the layer as a whole, so their conductivities are effective ones and their current
densities those per area of the electrode. Beside them every layer has, for every size class of its domains, one chain
of shells that stands for all domains of that class: shells of the domain from its middle to its surface, then shells
of the electrolyte that belongs to it. The shells of the domain share the potential of the electron cell, those of the
electrolyte the potential of the ion cell (``Graph.anchor``), and charge passes between the two at the surface.

Volumes, areas and centres of shells are those of ``mesh/shells.py``. With R the radius of the domains and n = 3, 2, 1
for spheres, cylinders and slabs, the electrolyte of volume share ε_s reaches out to R (1 + ε_s/ε_d)^(1/n) (Newman &
Balsara, *Electrochemical Systems*, ch. 22, for the picture).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import MeshError
from catholyte.mesh.graph import Graph, Indices, Terminal
from catholyte.mesh.shells import (
    EXPONENTS,
    Places,
    Shape,
    Shells,
    SizeClass,
    Widths,
    check_sizes,
    shell_edges,
    shells_between,
)

ELECTRONS, IONS, SEPARATOR = "electrons", "ions", "separator"


@dataclass(frozen=True)
class Domains:
    """Equal domains of a phase, each with its part of the electrolyte around it.

    Attributes
    ----------
    phase, electrolyte
        Names of the phases.
    volume_share, electrolyte_share
        Of the volume of the electrode.
    sizes
        Size classes; shares sum to one.
    shape
        Spheres, long cylinders, or slabs with both faces to the electrolyte.
    shells, electrolyte_shells
        Number of shells of either phase.
    widths
        ``"graded"``: four times finer at the surface than far from it. ``"even"``, ``"equal volume"``.
    """

    phase: str
    electrolyte: str
    volume_share: float
    electrolyte_share: float
    sizes: tuple[SizeClass, ...]
    shape: Shape = "sphere"
    shells: int = 8
    electrolyte_shells: int = 4
    widths: Widths = "graded"


def layered_graph(
    count: int,
    thickness: float,
    domains: Domains,
    *,
    cross_section: float = 1.0,
    separator: float = 0.0,
) -> tuple[Graph, Places]:
    """Build the graph of a porous electrode.

    Parameters
    ----------
    count
        Number of layers.
    thickness
        Of the electrode, in m.
    domains
        What hangs on every layer.
    cross_section
        Area of the electrode in m².
    separator
        Thickness of a layer of electrolyte on the counter side in m; one cell, which is exact, of phase "separator".

    Returns
    -------
    The graph, whose phases are ("separator",) "ions", "electrons", those of the domains and their electrolyte, and the
    places of its cells. Cells are ordered by phase of the layers first, then chain by chain.

    Raises
    ------
    MeshError
        If a number, a share or a length cannot be.
    """
    _check(count, thickness, domains, cross_section, separator)
    names = (SEPARATOR,) * (separator > 0.0) + (IONS, ELECTRONS, domains.phase, domains.electrolyte)
    h, first = thickness / count, int(separator > 0.0)
    depth_of = separator + h * (np.arange(count) + 0.5)
    ions = first + np.arange(count)
    electrons = ions + count

    volume = [np.full(first, separator * cross_section), np.full(2 * count, h * cross_section)]
    phase = [np.repeat(np.arange(first + 2), [1] * first + [count, count])]
    depth = [np.full(first, 0.5 * separator), depth_of, depth_of]
    radius = [np.full(first + 2 * count, np.nan)]
    size_class = [np.full(first + 2 * count, -1)]
    anchor = [np.arange(first + 2 * count)]
    a, b = [ions[:-1], electrons[:-1]], [ions[1:], electrons[1:]]
    area = [np.full(2 * (count - 1), cross_section)]
    near, far = [np.full(2 * (count - 1), 0.5 * h)], [np.full(2 * (count - 1), 0.5 * h)]
    if first:
        a.append(np.zeros(1, dtype=np.int64))
        b.append(ions[:1])
        area.append(np.array([cross_section]))
        near.append(np.array([0.5 * separator]))
        far.append(np.array([0.5 * h]))
    along_depth = 2 * (count - 1) + first
    start = first + 2 * count
    for number, size in enumerate(domains.sizes):
        chain = _chain(domains, size, size.share * domains.volume_share * h * cross_section)
        m = chain.volume.size
        cells = start + np.arange(count * m).reshape(count, m)
        start += count * m
        inner = np.arange(m) < domains.shells
        volume.append(np.tile(chain.volume, count))
        phase.append(np.tile(np.where(inner, first + 2, first + 3), count))
        depth.append(np.repeat(depth_of, m))
        radius.append(np.tile(chain.centre, count))
        size_class.append(np.full(count * m, number))
        anchor.append(np.where(inner, electrons[:, None], ions[:, None]).ravel())
        a.append(cells[:, :-1].ravel())
        b.append(cells[:, 1:].ravel())
        area.append(np.tile(chain.area[:-1], count))
        near.append(np.tile(chain.edge[:-1] - chain.centre[:-1], count))
        far.append(np.tile(chain.centre[1:] - chain.edge[:-1], count))
    areas = np.concatenate(area)
    plate = np.array([cross_section])
    at_counter = 0.5 * separator if first else 0.5 * h
    graph = Graph(
        volume=np.concatenate(volume),
        phase=np.concatenate(phase).astype(np.int16),
        phase_names=names,
        cell_a=_indices(a),
        cell_b=_indices(b),
        area=areas,
        distance_a=np.concatenate(near),
        distance_b=np.concatenate(far),
        terminals={
            "counter": Terminal(np.zeros(1, dtype=np.int32), plate, np.array([at_counter])),
            "collector": Terminal(electrons[-1:].astype(np.int32), plate, np.array([0.5 * h])),
        },
        face_axis=np.where(np.arange(areas.size) < along_depth, 0, -1).astype(np.int8),
        anchor=_indices(anchor),
    )
    return graph, Places(np.concatenate(depth), np.concatenate(radius), np.concatenate(size_class).astype(np.int16))


def _chain(domains: Domains, size: SizeClass, volume: float) -> Shells:
    """Return the shells of one size class in one layer: those of the domains, then those of their electrolyte."""
    n, R = EXPONENTS[domains.shape], 0.5 * size.diameter
    end = R * (1.0 + domains.electrolyte_share / domains.volume_share) ** (1.0 / n)
    inside = shell_edges(R, 0.0, domains.shells, n, domains.widths)[::-1]
    outside = shell_edges(R, end, domains.electrolyte_shells, n, domains.widths)
    return shells_between(np.concatenate([inside, outside[1:]]), R, volume, n)


def _indices(parts: Sequence[NDArray[np.integer]]) -> Indices:
    return np.concatenate(parts).astype(np.int32)


def _check(count: int, thickness: float, domains: Domains, cross_section: float, separator: float) -> None:
    if min(count, domains.shells, domains.electrolyte_shells) < 1:
        raise MeshError("a layered electrode needs at least one layer, and one shell of the domain and the electrolyte")
    if min(thickness, cross_section) <= 0.0 or separator < 0.0:
        raise MeshError(
            f"an electrode needs a thickness and an area above zero, not {thickness} m and {cross_section} m²"
        )
    shares = (domains.volume_share, domains.electrolyte_share)
    if min(shares) <= 0.0 or sum(shares) > 1.0 + 1e-12:
        raise MeshError(
            f"the domains ({domains.phase}) and their electrolyte ({domains.electrolyte}) need volume shares above 0 "
            f"that sum to at most 1, not {shares[0]:g} and {shares[1]:g}"
        )
    check_sizes(domains.sizes)
