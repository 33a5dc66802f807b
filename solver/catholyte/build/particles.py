"""From [mesh.particle] and [phases] to single particles in shells."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from catholyte.build.layers import interface_area, size_classes, thickness_for
from catholyte.case.schema import Case
from catholyte.materials import Material
from catholyte.mesh.graph import Graph
from catholyte.mesh.particles import Particles, particle_graph
from catholyte.mesh.shells import Places


@dataclass(frozen=True)
class ParticleGeometry:
    """Single particles, per square metre of a cell.

    Attributes
    ----------
    particles
        What the graph is made of; their volume is that for the cross-section.
    cross_section
        Area of the cell in m².
    """

    particles: Particles
    cross_section: float = 1.0

    @property
    def phase_names(self) -> tuple[str, ...]:
        """The phase of the particles and their electrolyte."""
        return self.pair

    @property
    def pair(self) -> tuple[str, str]:
        """The phase of the particles and their electrolyte."""
        return (self.particles.phase, self.particles.electrolyte)

    @property
    def shares(self) -> dict[str, float]:
        """Volume share of the phases: the film of electrolyte counts for nothing."""
        return {self.particles.phase: 1.0, self.particles.electrolyte: 0.0}

    @property
    def thickness(self) -> float:
        """Volume of the particles per cross-section in m."""
        return self.particles.volume / self.cross_section

    @cached_property
    def _mesh(self) -> tuple[Graph, Places]:
        return particle_graph(self.particles)

    @property
    def graph(self) -> Graph:
        """The cells; all of them take part."""
        return self._mesh[0]

    @property
    def places(self) -> Places:
        """Where the cells lie."""
        return self._mesh[1]

    @property
    def surface(self) -> float:
        """Area of the surface of the particles per cross-section."""
        return interface_area(self.graph, *self.pair) / self.cross_section

    @property
    def sha256(self) -> str:
        """Hash of what the graph is made from."""
        return hashlib.sha256(repr((self.particles, self.cross_section)).encode()).hexdigest()

    def layer(self, name: str) -> float:
        """Return the thickness in m of the separator or the collector: there is none."""
        return 0.0


def particle_geometry(case: Case, materials: Mapping[str, Material]) -> ParticleGeometry:
    """Lay out the particles of a case.

    Raises
    ------
    InputError
        If the loading refers to a mass that is not there.
    """
    given = case.mesh.particle
    assert given is not None
    thickness = given.thickness
    if thickness is None:
        assert given.loading is not None
        shares = {name: float(name == given.phase) for name in case.phases}
        thickness = thickness_for(case, given.loading, shares, materials, key="mesh.particle.loading")
    return ParticleGeometry(
        Particles(
            phase=given.phase,
            electrolyte=next(name for name in case.phases if materials[name].kind == "electrolyte"),
            volume=thickness,
            sizes=size_classes(given.diameter),
            shape=given.shape,
            shells=given.shells,
            widths=given.widths,
        )
    )
