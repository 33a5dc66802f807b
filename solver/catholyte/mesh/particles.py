"""From single particles to the finite-volume graph: shells, a film of electrolyte, and both terminals at the surface.

Every size class is one chain that stands for all particles of that size: shells from the middle to the surface, then a
film of electrolyte (``mesh/shells.py``). The film touches the counter electrode, and the collector touches the surface
of the outermost shell, half a shell from its centre: the whole surface has electrolyte and electrons at hand, and
nothing but the particle itself costs voltage. Every shell has potentials of its own, so in a mixed conductor electrons
and ions move radially with the lithium.

The film is a thousandth of the radius thick. With the conductivity σ of the electrolyte it costs the area resistance
R/(1000 σ) of the surface: 5e-8 Ω m² for a radius of 5 µm and 1 mS/cm, against some tenths of an Ω m² of the charge
transfer at 0.1 A/m².
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catholyte.errors import MeshError
from catholyte.mesh.graph import Graph, Terminal
from catholyte.mesh.shells import (
    EXPONENTS,
    Places,
    Shape,
    SizeClass,
    Widths,
    check_sizes,
    shell_edges,
    shells_between,
)

#: thickness of the film of electrolyte over the radius of the particle
FILM = 1e-3


@dataclass(frozen=True)
class Particles:
    """Particles of one phase in electrolyte.

    Attributes
    ----------
    phase, electrolyte
        Names of the phases.
    volume
        Of all particles in m³.
    sizes
        Size classes; shares sum to one.
    shape
        Spheres, long cylinders, or slabs with both faces to the electrolyte.
    shells
        Number of shells.
    widths
        ``"graded"``: four times finer at the surface than in the middle; ``"even"``; ``"equal volume"``.
    """

    phase: str
    electrolyte: str
    volume: float
    sizes: tuple[SizeClass, ...]
    shape: Shape = "sphere"
    shells: int = 20
    widths: Widths = "graded"


def particle_graph(particles: Particles) -> tuple[Graph, Places]:
    """Build the graph of single particles.

    Returns
    -------
    The graph, whose phases are the electrolyte and the particles, and the places of its cells. Cells are ordered class
    by class from the middle outwards, the film last.

    Raises
    ------
    MeshError
        If a number, a share or a length cannot be.
    """
    if particles.shells < 1 or particles.volume <= 0.0:
        raise MeshError(
            "particles need at least one shell and a volume above zero, not "
            f"{particles.shells} shells and {particles.volume} m³"
        )
    check_sizes(particles.sizes)
    n, m, count = EXPONENTS[particles.shape], particles.shells + 1, len(particles.sizes)
    chains = []
    for size in particles.sizes:
        R = 0.5 * size.diameter
        inside = shell_edges(R, 0.0, particles.shells, n, particles.widths)[::-1]
        edges = np.append(inside, R * (1.0 + FILM))
        chains.append(shells_between(edges, R, size.share * particles.volume, n))
    volume, centre, edge, area = (
        np.array([getattr(chain, name) for chain in chains]) for name in ("volume", "centre", "edge", "area")
    )
    cells = np.arange(count * m, dtype=np.int32).reshape(count, m)
    graph = Graph(
        volume=volume.ravel(),
        phase=np.tile(np.where(np.arange(m) < particles.shells, 1, 0), count).astype(np.int16),
        phase_names=(particles.electrolyte, particles.phase),
        cell_a=cells[:, :-1].ravel(),
        cell_b=cells[:, 1:].ravel(),
        area=area[:, :-1].ravel(),
        distance_a=(edge - centre)[:, :-1].ravel(),
        distance_b=(centre[:, 1:] - edge[:, :-1]).ravel(),
        terminals={
            "counter": Terminal(cells[:, -1], area[:, -1], (edge - centre)[:, -1]),
            "collector": Terminal(cells[:, -2], area[:, -2], (edge - centre)[:, -2]),
        },
    )
    number = np.repeat(np.arange(count, dtype=np.int16), m)
    return graph, Places(np.zeros(count * m), centre.ravel(), number)
