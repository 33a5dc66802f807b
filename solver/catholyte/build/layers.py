"""From [mesh.layers] and [phases] to a layered electrode: its graph, and what conducts through its layers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from catholyte.build.geometry import SEPARATOR, volume_shares
from catholyte.case.layer_tables import CLASSES, ELECTROLYTE_SHELLS, DomainSizes, LayerConduction, LayersMesh
from catholyte.case.schema import Case
from catholyte.errors import InputError
from catholyte.materials import Material
from catholyte.mesh.graph import Graph
from catholyte.mesh.layers import ELECTRONS, IONS, Domains, layered_graph
from catholyte.mesh.percolation import Percolation
from catholyte.mesh.shells import Places, SizeClass, lognormal
from catholyte.models.parameters import CellParameters, Interface, Phase

_CONDUCTION = "mesh.layers.conduction"
#: voltage at 1C in V that has to stand in front of a double layer: potentials of 4 V are rounded to 1e-15 V, and
#: currents have to balance to a billionth of 1C
_LEAST_DROP = 5e-6
#: key of a conductivity -> kinds of phases that carry it, and its name among the results of `catholyte effective`
_CARRIERS = {"sigma_e": (("active", "conductor"), "electronic"), "sigma_i": (("electrolyte",), "ionic")}


@dataclass(frozen=True)
class LayeredGeometry:
    """A porous electrode as layers, per square metre.

    Attributes
    ----------
    phase_names
        Phases of the recipe, and ``separator`` if there is one.
    shares
        Volume share of every phase of the recipe in the electrode.
    count
        Number of layers.
    thickness, separator
        Of the electrode and of the separator (zero without one) in m.
    domains
        What hangs on every layer.
    cross_section
        Area of the electrode in m².
    """

    phase_names: tuple[str, ...]
    shares: Mapping[str, float]
    count: int
    thickness: float
    separator: float
    domains: Domains
    cross_section: float = 1.0

    @cached_property
    def _mesh(self) -> tuple[Graph, Places]:
        return layered_graph(
            self.count,
            self.thickness,
            self.domains,
            cross_section=self.cross_section,
            separator=self.separator,
        )

    @property
    def graph(self) -> Graph:
        """The cells; all of them take part."""
        return self._mesh[0]

    @property
    def places(self) -> Places:
        """Where the cells lie."""
        return self._mesh[1]

    @property
    def pair(self) -> tuple[str, str]:
        """The domains and the electrolyte around them."""
        return (self.domains.phase, self.domains.electrolyte)

    @property
    def surface(self) -> float:
        """Area of the surface of the domains per area of the electrode."""
        return interface_area(self.graph, *self.pair) / self.cross_section

    @property
    def sha256(self) -> str:
        """Hash of what the graph is made from."""
        recipe = (self.count, self.thickness, self.separator, self.cross_section, self.domains)
        return hashlib.sha256(repr(recipe).encode()).hexdigest()

    def layer(self, name: str) -> float:
        """Return the thickness in m of the separator or the collector, zero where there is none."""
        return self.separator if name == SEPARATOR else 0.0


def interface_area(graph: Graph, a: str, b: str) -> float:
    """Return the area in m² of the faces from cells of one phase to cells of another one that follow them."""
    name = np.array(graph.phase_names)[graph.phase]
    return float(graph.area[(name[graph.cell_a] == a) & (name[graph.cell_b] == b)].sum())


def layered_geometry(case: Case, materials: Mapping[str, Material]) -> LayeredGeometry:
    """Lay out the layers of a case.

    Raises
    ------
    InputError
        If the recipe leaves no room for the domains or their electrolyte.
    """
    layers = case.mesh.layers
    assert layers is not None
    shares = volume_shares(case.phases, materials)
    domain, electrolyte = layers.domain.phase, surrounding(layers, materials)
    for name in (domain, electrolyte):
        if shares[name] <= 0.0:
            raise InputError(f"phases.{name}", f"{shares[name]:g}", "a phase with a share of the volume above 0")
    stores = materials[domain].kind == "active"
    separator, thickness = case.mesh.separator, layers.thickness
    if thickness is None:
        assert layers.loading is not None
        thickness = thickness_for(case, layers.loading, shares, materials, key="mesh.layers.loading")
    return LayeredGeometry(
        phase_names=(*case.phases, *((SEPARATOR,) if separator is not None else ())),
        shares=shares,
        count=layers.count,
        thickness=thickness,
        separator=(separator.thickness or 0.0) if separator is not None else 0.0,
        domains=Domains(
            phase=domain,
            electrolyte=electrolyte,
            volume_share=shares[domain],
            electrolyte_share=shares[electrolyte],
            sizes=size_classes(layers.domain.diameter),
            shape=layers.domain.shape,
            shells=layers.domain.shells if stores else 1,
            electrolyte_shells=layers.electrolyte.shells if layers.electrolyte is not None else ELECTROLYTE_SHELLS,
            widths=layers.domain.widths,
        ),
    )


def surrounding(layers: LayersMesh, materials: Mapping[str, Material]) -> str:
    """Return the name of the electrolyte around the domains."""
    if layers.electrolyte is not None:
        return layers.electrolyte.phase
    return next(name for name, m in materials.items() if m.kind == "electrolyte" and name != SEPARATOR)


def size_classes(given: DomainSizes) -> tuple[SizeClass, ...]:
    """Return the size classes that a case gives."""
    if given.sizes is not None and given.shares is not None:
        total = sum(given.shares)
        return tuple(SizeClass(d, share / total) for d, share in zip(given.sizes, given.shares, strict=True))
    assert given.median is not None
    return lognormal(given.median, given.spread, given.classes or CLASSES)


def thickness_for(
    case: Case, loading: float, shares: Mapping[str, float], materials: Mapping[str, Material], *, key: str
) -> float:
    """Return the thickness in m at which the mass that specific amounts refer to is a loading in kg/m².

    Raises
    ------
    InputError
        If there is no such mass.
    """
    density = basis_density(case, shares, materials)
    if density <= 0.0:
        raise InputError(
            key,
            f"{loading * 100:g} mg/cm2",
            "a thickness: there is no mass that specific amounts refer to (cell.mass_basis names its phases)",
        )
    return loading / density


# ------------------------------------------------------------------------------------------------ conduction


def in_layers(
    case: Case,
    materials: Mapping[str, Material],
    phases: Mapping[str, Phase],
    interfaces: Mapping[frozenset[str], Interface],
    T: float,
) -> tuple[dict[str, Phase], dict[frozenset[str], Interface]]:
    """Return the properties of phases and interfaces with those of what conducts along the depth, at T in K.

    Shells share the potential of their layer. Between it and the surface stand the halves of the two shells there, with
    the conductivities of their materials: a resistance that vanishes with the width of the shells. The contact between
    electrolyte and separator is that between the ions of the first layer and the separator, which touches no domain and
    has no reactions.
    """
    layers = case.mesh.layers
    assert layers is not None
    found = {name: replace(phase, stock=None) if name == SEPARATOR else phase for name, phase in phases.items()}
    found[ELECTRONS] = Phase("conductor", effective(case, layers.conduction, materials, "sigma_e", T))
    found[IONS] = Phase("electrolyte", effective(case, layers.conduction, materials, "sigma_i", T))
    joined = {pair: replace(each, network=None) if SEPARATOR in pair else each for pair, each in interfaces.items()}
    contact = joined.get(frozenset((surrounding(layers, materials), SEPARATOR)))
    if contact is not None:
        joined[frozenset((IONS, SEPARATOR))] = contact
    return found, joined


def effective(
    case: Case, conduction: LayerConduction, materials: Mapping[str, Material], carrier: str, T: float
) -> float:
    """Return the effective conductivity of the layers in S/m at a temperature in K.

    Parameters
    ----------
    carrier
        ``"sigma_e"`` or ``"sigma_i"``.

    Notes
    -----
    With an exponent b, Σ σ_k ε_k^b over the phases that conduct, as networks side by side (Bruggeman 1935,
    doi:10.1002/andp.19354160705). From a result, its effective conductivity; where one phase conducts, multiplied with
    the conductivity that this phase has here over the one it had there, because the two are proportional.
    """
    given = getattr(conduction, carrier)
    if given is not None:
        return float(given)
    kinds = _CARRIERS[carrier][0]
    sigma = {
        phase: materials[phase].property(carrier).at(T)
        for phase in case.phases
        if phase in materials and materials[phase].kind in kinds
    }
    if conduction.bruggeman is not None:
        shares = volume_shares(case.phases, materials)
        total = sum(value * shares[phase] ** conduction.bruggeman for phase, value in sigma.items())
        if total <= 0.0:
            raise InputError(f"{_CONDUCTION}.{carrier}", "missing", "a conductivity: no phase conducts by its material")
        return float(total)
    assert conduction.result is not None
    return _computed(case, conduction.result, sigma, carrier)


def _computed(case: Case, folder: str, sigma: Mapping[str, float], carrier: str) -> float:
    """Return the effective value through the depth that a result of `catholyte effective` holds."""
    key, name = f"{_CONDUCTION}.result", _CARRIERS[carrier][1]
    path = case.folder / folder / "summary.json"
    try:
        transport: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["transport"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(key, folder, "the folder that `catholyte effective CASE --save FOLDER` wrote") from error
    if name not in transport:
        expected = f"a result with {name} transport, or {carrier} beside it; this one has {', '.join(transport)}"
        raise InputError(key, folder, expected)
    entry = transport[name]
    through = entry["directions"].get("z")
    if through is None:
        raise InputError(key, folder, f"a result along z, the depth; it has {', '.join(entry['directions'])}")
    if not through["percolates"] or not through["effective"]:
        raise InputError(key, folder, f"an electrode whose {name} conductors percolate along z")
    value = float(through["effective"])
    there = list(entry["phases"].values())
    if len(there) == 1 and len(sigma) == 1:
        value *= next(iter(sigma.values())) / float(there[0])
    return value


def check_double_layer(parameters: CellParameters, names: tuple[str, str], *, surface: float, one_c: float) -> None:
    """Refuse a double layer that would be charged in time with nothing in front of it.

    In an image the half cells around a face limit the current into its double layer; in layers and around particles
    they are next to nothing, and the current is lost in the rounding of the potentials.

    Parameters
    ----------
    names
        Of the two phases that meet.
    surface
        Area of their interface per area of the electrode.
    one_c
        Current density of 1C in A/m².

    Raises
    ------
    InputError
        If film and contact cost less than a few microvolts at 1C.
    """
    interface = parameters.interface(*names)
    layer = interface.double_layer
    if layer is None or layer.exponent != 1.0 or not parameters.charging:
        return
    least = _LEAST_DROP / one_c * surface
    if interface.film_resistance + interface.contact_resistance < least:
        raise InputError(
            f"interfaces.{'|'.join(names)}.film_resistance",
            f"{1e4 * interface.film_resistance:g} ohm cm2",
            f"at least {1e4 * least:.2g} ohm cm2 in front of a double layer that is charged in time, "
            'or solver.double_layers = "spectra"',
        )


def basis_density(case: Case, shares: Mapping[str, float], materials: Mapping[str, Material]) -> float:
    """Return the mass that specific amounts refer to, per volume of the electrode, in kg/m³."""
    names = case.cell.mass_basis or [name for name in shares if name in materials and materials[name].kind == "active"]
    return sum(
        shares[name] * materials[name].property("density").value * counted_share(materials[name]) for name in names
    )


def counted_share(material: Material) -> float:
    """Return the share of a material's mass that specific amounts refer to."""
    return material.property("active_share").value if "active_share" in material.properties else 1.0


def whole(graph: Graph, solids: Collection[str], reacting: str) -> Percolation:
    """Return that everything is connected, where the geometry is made so."""
    return Percolation(np.ones(graph.n_cells, dtype=bool), dict.fromkeys(solids, 1.0), {reacting: 1.0})
