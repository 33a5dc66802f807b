"""From materials and overrides to the parameters of a cathode model."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from catholyte.build.chemistry import adapted, networks, section_of, stocks
from catholyte.build.geometry import COLLECTOR, SEPARATOR
from catholyte.case.check_interfaces import is_mixed
from catholyte.case.schema import (
    Case,
    ElementSection,
    InterfaceSection,
    KineticsSection,
    LayerSection,
    PhaseSection,
)
from catholyte.errors import InputError, InputErrors
from catholyte.materials import Material, load_material, read_equilibrium_potential
from catholyte.models.parameters import Host, Interface, Layer, Lumped, Phase
from catholyte.physics.arrhenius import arrhenius
from catholyte.physics.constants import VACUUM_PERMITTIVITY, F
from catholyte.physics.double_layer import DoubleLayer
from catholyte.physics.elements import (
    Element,
    FiniteLengthWarburg,
    FiniteSpaceWarburg,
    Inductor,
    ParallelRC,
    Zarc,
)
from catholyte.physics.equilibrium import Continued, EquilibriumPotential, continued, slope
from catholyte.physics.kinetics import (
    ButlerVolmer,
    ConstantExchange,
    ExchangeCurrent,
    Linear,
    RateLaw,
    SymmetricExchange,
    TabulatedExchange,
)
from catholyte.physics.monotone import falling
from catholyte.physics.transport import Diffusion, IonicFromDiffusion, MixedConduction

_OVERRIDES = (
    "sigma_e",
    "sigma_i",
    "D",
    "density",
    "maximum_concentration",
    "molar_mass",
    "nominal_capacity",
    "active_share",
)
#: how far D and σ_i may disagree when both are given
_CONSISTENT = 0.05


def load_materials(case: Case) -> dict[str, Material]:
    """Load the material of every phase of a case, of its separator and its collector, with the case's overrides."""
    materials = {}
    for name, phase in case.phases.items():
        if phase.is_void:
            continue
        material = load_material(phase.material, folder=case.folder)
        values = {key: value for key in _OVERRIDES if (value := getattr(phase, key)) is not None}
        potential = None
        if phase.equilibrium_potential is not None:
            potential = read_equilibrium_potential(
                phase.equilibrium_potential, key=f"phases.{name}.equilibrium_potential", folder=case.folder
            )
        # Of D and sigma_i the one that the case gives takes the place of the other.
        given = {"D", "sigma_i"} & set(values)
        without = {"D", "sigma_i"} - given if len(given) == 1 and material.kind == "active" else set()
        changed = material.without(without).override(equilibrium_potential=potential, **values)
        materials[name] = adapted(changed, phase)
    if case.mesh.separator is not None:
        layer = case.mesh.separator
        if layer.material is not None:
            separator = load_material(layer.material, folder=case.folder)
        else:
            separator = next(m for m in materials.values() if m.kind == "electrolyte")
        if layer.sigma_i is not None:
            separator = separator.override(sigma_i=layer.sigma_i)
        materials[SEPARATOR] = separator
    if case.mesh.collector is not None:
        metal = load_material(case.mesh.collector.material, folder=case.folder)
        if case.mesh.collector.sigma_e is not None:
            metal = metal.override(sigma_e=case.mesh.collector.sigma_e)
        materials[COLLECTOR] = metal
    return materials


def phase_parameters(case: Case, materials: Mapping[str, Material], T: float) -> dict[str, Phase]:
    """Return the properties of all phases at a temperature in K."""
    phases, errors = {}, []
    stored = stocks(case, materials, T)
    for name, material in materials.items():
        section = section_of(case, materials, name)
        relative = section.permittivity if section is not None else None
        epsilon = VACUUM_PERMITTIVITY * relative if relative is not None else 0.0
        try:
            if material.kind == "active":
                host = _host(material, section, name, T) if material.chemistry is None else None
                phases[name] = Phase(
                    "active", _positive(material, "sigma_e", name, T), host, epsilon, stock=stored.get(name)
                )
            elif material.kind == "electrolyte":
                sigma = _positive(material, "sigma_i", name, T)
                phases[name] = Phase("electrolyte", sigma, permittivity=epsilon, stock=stored.get(name))
            else:
                sigma = _positive(material, "sigma_e", name, T)
                phases[name] = Phase("conductor", sigma, permittivity=epsilon, stock=stored.get(name))
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputErrors(errors)
    return phases


def _positive(material: Material, quantity: str, phase: str, T: float) -> float:
    if quantity not in material.properties:
        expected = f"a conductivity with its unit, like '10 mS/cm': {material.name} gives none"
        raise InputError(f"phases.{phase}.{quantity}", "missing", expected)
    value = material.property(quantity).at(T)
    if value <= 0.0:
        raise InputError(f"phases.{phase}.{quantity}", value, "a conductivity above zero: the phase has to conduct")
    return value


def _host(material: Material, section: PhaseSection | None, phase: str, T: float) -> Host:
    U = material.equilibrium_potential
    if U is None:
        raise InputError(f"phases.{phase}.equilibrium_potential", "missing", "a law U(x): the material gives none")
    c_max = material.property("maximum_concentration").value
    has_D, has_sigma = ("D" in material.properties), ("sigma_i" in material.properties)
    if not has_D and not has_sigma:
        raise InputError(f"phases.{phase}.D", "missing", "a diffusivity D or an ionic conductivity sigma_i")
    if has_D and has_sigma:
        _check_consistent(material, U, phase, T)
    if section is not None and is_mixed(section, material):
        # Its potential follows whatever φ_e − φ_i is, also far beyond the ends: the wall keeps x distinct from 0 and 1.
        U = falling(U if isinstance(U, Continued) else continued(U), T)
        return Host(c_max, U, _mixed_conduction(material, U, c_max, phase, T))
    if has_D:
        return Host(c_max, U, Diffusion(material.property("D").at(T), c_max))
    raise InputError(
        f"phases.{phase}.transport",
        "diffusion",
        "a diffusivity D, which this material does not give; with its sigma_i it is a mixed conductor",
        "mixed",
    )


def _mixed_conduction(
    material: Material, U: EquilibriumPotential, c_max: float, phase: str, T: float
) -> MixedConduction:
    """Return how a mixed conductor conducts; of D alone follows the ionic conductivity."""
    _positive(material, "sigma_e", phase, T)
    if "sigma_i" in material.properties:
        _positive(material, "sigma_i", phase, T)
    sigma_e = material.property("sigma_e").along
    if "sigma_i" in material.properties:
        return MixedConduction(sigma_e, material.property("sigma_i").along, U)
    D = material.property("D")
    law = IonicFromDiffusion(D.along, sigma_e, U, c_max)
    x = np.linspace(0.02, 0.98, 97)
    carried, most = law.ambipolar(x, T), np.real(sigma_e(x, T))
    worst = int(np.argmax(carried / most))
    if carried[worst] >= most[worst]:
        raise InputError(
            f"phases.{phase}.D",
            D.text,
            f"a diffusivity that the electrons can follow: at x = {x[worst]:.2g} it takes an ambipolar conductivity "
            f"F·D·c_max/|dU/dx| of {carried[worst]:.3g} S/m, which has to lie below sigma_e = {most[worst]:.3g} S/m; "
            "where U(x) is flat give sigma_i instead",
        )
    return MixedConduction(sigma_e, law, U)


def _check_consistent(material: Material, U: EquilibriumPotential, phase: str, T: float) -> None:
    D, sigma = material.property("D").at(T), material.property("sigma_i").at(T)
    implied = -sigma / F * float(slope(U, 0.5, T)) / material.property("maximum_concentration").value
    if abs(implied - D) > _CONSISTENT * D:
        raise InputError(
            f"phases.{phase}.D",
            f"{D:.3g} m2/s",
            f"what sigma_i = {sigma:.3g} S/m implies at x = 0.5, D = -(sigma_i/F) dU/dc = {implied:.3g} m2/s; "
            "give one of the two",
        )


def interface_parameters(case: Case, materials: Mapping[str, Material], T: float) -> dict[frozenset[str], Interface]:
    """Return the properties of all interfaces at a temperature in K: those of the case, and reactions of materials."""
    found: dict[frozenset[str], Interface] = {}
    reacting = networks(case, materials, T)
    names = list(materials)
    if COLLECTOR not in names:
        names.append(COLLECTOR)
    for a, b in itertools.combinations_with_replacement(names, 2):
        for tag in (None, *case.tags):
            section = case.interface(a, b, tag)
            if tag is not None and section is None:
                continue
            host, other = _reacting(a, b, materials)
            network = reacting.get(frozenset((a, b)))
            rate: RateLaw | None = None
            i0: ExchangeCurrent | None = None
            layer = section.double_layer if section is not None else None
            thin = section.layers if section is not None else ()
            if host is not None and other is not None:
                given = section.kinetics if section is not None else None
                likewise = _of_electrolyte(case, host, materials) if other == SEPARATOR else None
                if given is None and likewise is not None:
                    given = likewise.kinetics
                if layer is None and likewise is not None:
                    layer = likewise.double_layer
                thin = thin or (likewise.layers if likewise is not None else ())
                if materials[host].chemistry is None:
                    rate, i0 = _kinetics(given, materials[host], f"interfaces.{host}|{other}", T)
            if section is None and rate is None and network is None:
                continue
            found[frozenset((a, b)) | ({f"@{tag}"} if tag is not None else frozenset())] = Interface(
                rate,
                i0,
                section.contact_resistance if section is not None else 0.0,
                section.film_resistance if section is not None else 0.0,
                DoubleLayer(layer.capacitance, layer.exponent, layer.reference_frequency) if layer else None,
                network,
                section.ionic_resistance if section is not None else 0.0,
                tuple(_layer(each, T) for each in thin),
            )
    return found


def _layer(section: LayerSection, T: float) -> Layer:
    """Return a layer at a temperature in K: its resistance, and the rate at which it grows."""
    resistance = section.resistance
    if resistance is None:
        assert section.thickness is not None
        assert section.sigma_i is not None
        resistance = section.thickness / section.sigma_i
    if section.activation_energy is not None:
        # A conductivity rises with temperature, so its resistance falls.
        resistance /= arrhenius(1.0, section.activation_energy, T, section.reference_temperature or 298.15)
    growth = section.growth
    if growth is None:
        return Layer(section.name, resistance)
    exponent = 0.5 if growth.law == "parabolic" else 1.0
    rate = growth.gain ** (1.0 / exponent) / growth.after
    if growth.activation_energy is not None:
        rate = arrhenius(rate, growth.activation_energy, T, growth.reference_temperature or 298.15)
    return Layer(section.name, resistance, rate, exponent)


def _reacting(a: str, b: str, materials: Mapping[str, Material]) -> tuple[str | None, str | None]:
    kinds = {name: materials[name].kind if name in materials else "conductor" for name in (a, b)}
    for host, other in ((a, b), (b, a)):
        if kinds[host] == "active" and kinds[other] == "electrolyte":
            return host, other
    return None, None


def _of_electrolyte(case: Case, host: str, materials: Mapping[str, Material]) -> InterfaceSection | None:
    """Return what the case says of the host against its electrolyte: the separator reacts the same way."""
    for name, material in materials.items():
        if name != SEPARATOR and material.kind == "electrolyte":
            section = case.interface(host, name)
            if section is not None and (section.kinetics or section.double_layer or section.layers):
                return section
    return None


def _kinetics(given: KineticsSection | None, material: Material, key: str, T: float) -> tuple[RateLaw, ExchangeCurrent]:
    defaults = material.kinetics or {}
    law = (given.law if given is not None else None) or defaults.get("law", "butler-volmer")
    alpha = (given.alpha if given is not None else None) or float(defaults.get("alpha", 0.5))
    if law == "fast":
        return Linear(), ConstantExchange(float("inf"))
    concentration = (given.concentration if given is not None else None) or defaults.get("concentration", "symmetric")
    if given is not None and given.exchange_current is not None:
        value = given.exchange_current
        if given.activation_energy is not None:
            value = arrhenius(value, given.activation_energy, T, given.reference_temperature or 298.15)
    elif "exchange_current" in material.properties:
        value = material.property("exchange_current").at(T)
    else:
        raise InputError(
            f"{key}.kinetics.exchange_current", "missing", f"a current density: {material.name} gives none"
        )
    rates: dict[str, RateLaw] = {"butler-volmer": ButlerVolmer(alpha), "linear": Linear()}
    if concentration == "table":
        assert given is not None
        return rates[str(law)], _tabulated(given, value, key)
    exchanges: dict[str, ExchangeCurrent] = {
        "symmetric": SymmetricExchange(value),
        "constant": ConstantExchange(value),
    }
    return rates[str(law)], exchanges[str(concentration)]


def _tabulated(given: KineticsSection, value: float, key: str) -> TabulatedExchange:
    """Return the exchange current of a table of factors over ``value``."""
    x, factor = given.x or (), given.factor or ()
    if len(x) < 2 or any(b <= a for a, b in itertools.pairwise(x)):
        raise InputError(f"{key}.kinetics.x", list(x), "at least two rising site fractions")
    if len(factor) != len(x) or min(factor) <= 0.0:
        raise InputError(f"{key}.kinetics.factor", list(factor), f"{len(x)} factors above zero, one for each x")
    return TabulatedExchange(x, tuple(value * f for f in factor))


def lumped_parameters(case: Case, T: float) -> tuple[Lumped, float]:
    """Return the elements in series at a temperature in K and the potential of the counter electrode vs Li/Li⁺."""
    counter = load_material(case.cell.counter.material, folder=case.folder)
    if counter.kind != "counter":
        raise InputError(
            "cell.counter",
            case.cell.counter.material,
            f"a counter electrode, not a material of kind {counter.kind!r}",
            "Li-In",
        )
    given = case.cell.counter

    def value(name: str, override: float | None, otherwise: float) -> float:
        if override is not None:
            return override
        return counter.property(name).at(T) if name in counter.properties else otherwise

    lumped = Lumped(
        series_resistance=case.cell.series_resistance,
        counter_resistance=value("area_resistance", given.area_resistance, 0.0),
        counter_exchange=value("exchange_current", given.exchange_current, float("inf")),
        elements=tuple(_element(section, case.cell.area) for section in case.cell.elements),
    )
    return lumped, counter.property("potential").value


def _element(section: ElementSection, area: float) -> Element:
    """Return the circuit element of a table whose keys have been checked against its kind."""
    if section.kind == "inductance":
        assert section.inductance is not None
        return Inductor(section.inductance * area)
    R, tau, C = section.resistance, section.time_constant, section.capacitance
    assert R is not None
    if tau is None:
        assert C is not None
        tau = R * C
    if section.kind == "RC":
        return ParallelRC(R, C if C is not None else tau / R)
    if section.kind == "ZARC":
        assert section.exponent is not None
        return Zarc(R, tau, section.exponent)
    return FiniteSpaceWarburg(R, tau) if section.end == "reflecting" else FiniteLengthWarburg(R, tau)
