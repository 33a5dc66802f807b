"""The tables of [mesh.layers]: a porous electrode as layers with domains hung on them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from catholyte.case import values as v
from catholyte.case.tables import Table, key

#: size classes of a lognormal distribution where the case names no number
CLASSES = 5
#: shells of electrolyte around a domain where the case names no number
ELECTROLYTE_SHELLS = 4


class DomainSizes(Table):
    """Diameters of domains: one, a lognormal distribution, or classes."""

    shorthand: ClassVar[str | None] = "median"

    median: v.Length | None = key("the median diameter by volume; of a slab the thickness", "5 nm", default=None)
    spread: v.Spread = key("the standard deviation of ln(diameter)", 0.4, default=0.0)
    classes: Annotated[int, v.whole(1, 100)] | None = key(
        f"the number of size classes of equal volume; {CLASSES} if not given", 5, default=None
    )
    sizes: tuple[v.Length, ...] | None = key(
        "a list of diameters in place of the median", ["2 um", "6 um"], default=None
    )
    shares: tuple[v.Share, ...] | None = key(
        "the share of every diameter of the list in the volume", [0.3, 0.7], default=None
    )


class DomainLayers(Table):
    """The domains of every layer: what stores or reacts."""

    phase: v.Text = key("the phase of the domains", "active")
    diameter: DomainSizes = key(
        "the diameter of the domains, a distribution of it, or a list of sizes",
        "5 nm",
        {"median": "5 nm", "spread": 0.4},
        {"sizes": ["2 um", "6 um"], "shares": [0.3, 0.7]},
    )
    shape: Annotated[Literal["sphere", "cylinder", "slab"], v.OneOf()] = key(
        "the shape of the domains", "sphere", default="sphere"
    )
    shells: Annotated[int, v.whole(1, 1000)] = key(
        "the number of shells of a domain from its middle to its surface", 8, default=8
    )
    widths: Annotated[Literal["graded", "even", "equal volume"], v.OneOf()] = key(
        "the widths of shells on both sides of the surface: finer towards it, even, or of equal volume",
        "graded",
        default="graded",
    )


class ElectrolyteLayers(Table):
    """The electrolyte around the domains."""

    shorthand: ClassVar[str | None] = "phase"

    phase: v.Text = key("the phase around the domains", "electrolyte")
    shells: Annotated[int, v.whole(1, 1000)] = key(
        "the number of shells of electrolyte around a domain", 4, default=ELECTROLYTE_SHELLS
    )


class LayerConduction(Table):
    """Effective conductivities of the layers."""

    sigma_e: v.Conductivity | None = key("the effective electronic conductivity", "10 mS/cm", default=None)
    sigma_i: v.Conductivity | None = key("the effective ionic conductivity", "0.1 mS/cm", default=None)
    bruggeman: v.BruggemanExponent | None = key(
        "the exponent of the volume share by which the conductivities of the phases are reduced", 1.5, default=None
    )
    result: v.Text | None = key(
        "the folder that `catholyte effective --save` wrote of the electrode", "nano.effective", default=None
    )


class LayersMesh(Table):
    """A porous electrode: layers that conduct, and on every one domains in shells."""

    count: Annotated[int, v.whole(1, 100_000)] = key("the number of layers along the depth", 20, default=20)
    thickness: v.Length | None = key("the thickness of the electrode", "23 um", default=None)
    loading: v.ArealMass | None = key(
        "the mass that specific amounts refer to, per area, in place of the thickness", "2 mg/cm2", default=None
    )
    domain: DomainLayers = key("the domains of every layer", {"phase": "active", "diameter": "5 nm"})
    electrolyte: ElectrolyteLayers | None = key(
        "the electrolyte around the domains; the only electrolyte phase if not given",
        {"phase": "electrolyte", "shells": 4},
        default=None,
    )
    conduction: LayerConduction = key(
        "the effective conductivities: given, by a Bruggeman exponent, or computed from an image",
        {"bruggeman": 1.5},
        {"sigma_e": "10 mS/cm", "sigma_i": "0.1 mS/cm"},
    )
