"""The table of [mesh.particle]: single particles in shells."""

from __future__ import annotations

from typing import Annotated, Literal

from catholyte.case import values as v
from catholyte.case.layer_tables import DomainSizes
from catholyte.case.tables import Table, key


class ParticleMesh(Table):
    """Single particles: what the material itself does, without an electrode around it."""

    phase: v.Text = key("the phase of the particles", "active")
    diameter: DomainSizes = key(
        "the diameter of the particles, a distribution of it, or a list of sizes",
        "5 um",
        {"median": "5 um", "spread": 0.4},
        {"sizes": ["2 um", "6 um"], "shares": [0.3, 0.7]},
    )
    shape: Annotated[Literal["sphere", "cylinder", "slab"], v.OneOf()] = key(
        "the shape of the particles", "sphere", default="sphere"
    )
    shells: Annotated[int, v.whole(1, 1000)] = key(
        "the number of shells from the middle to the surface", 20, default=20
    )
    widths: Annotated[Literal["graded", "even", "equal volume"], v.OneOf()] = key(
        "the widths of the shells: finer towards the surface, even, or of equal volume", "graded", default="graded"
    )
    loading: v.ArealMass | None = key(
        "the mass that specific amounts refer to, per area of the cell", "1 mg/cm2", default=None
    )
    thickness: v.Length | None = key(
        "the volume of the particles per area of the cell, in place of the loading", "2 um", default=None
    )
