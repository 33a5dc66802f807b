"""What a cell of an electrode weighs, and the energy that it holds per mass and volume.

Energy is capacity times mean voltage. On the level of the active material and of the electrode the voltage is that
against Li/Li⁺, as the literature prints it; on that of the cell it is the voltage against the counter electrode. The
counter electrode counts as charged: it holds so many times the areal capacity of the cathode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catholyte.build.design import Design, design
from catholyte.build.geometry import COLLECTOR, SEPARATOR, volume_shares
from catholyte.build.places import place_of
from catholyte.case.schema import Case
from catholyte.errors import InputError
from catholyte.materials import Material, load_material
from catholyte.materials.energy import lithium_mass, made_without_lithium
from catholyte.materials.transport import capacity_range, has_one_host
from catholyte.physics.equilibrium import mean_potential


@dataclass(frozen=True)
class Recipe:
    """Volume share of every phase of an electrode, voids included, and its thickness in m."""

    shares: Mapping[str, float]
    thickness: float


@dataclass(frozen=True)
class Layer:
    """A dense layer of a cell.

    Attributes
    ----------
    material
        What it is made of.
    thickness
        m.
    """

    material: Material
    thickness: float


@dataclass(frozen=True)
class Surroundings:
    """What stands around the electrode in a cell.

    Attributes
    ----------
    layers
        ``separator`` and ``collector``, where there are any.
    counter
        Material of the counter electrode.
    excess
        Capacity of the counter electrode over that of the cathode.
    """

    layers: Mapping[str, Layer]
    counter: Material
    excess: float = 1.0


@dataclass(frozen=True)
class Delivered:
    """What the active material delivers.

    Attributes
    ----------
    voltage
        Mean voltage in V vs Li/Li⁺.
    cell_voltage
        Mean voltage in V against the counter electrode.
    capacity
        Per mass that specific amounts refer to, in A s/kg; None for the nominal one.
    """

    voltage: float
    cell_voltage: float
    capacity: float | None = None


@dataclass(frozen=True)
class Component:
    """A part of the cell per area of it: mass in kg/m², volume in m³/m²."""

    name: str
    material: str
    in_electrode: bool
    mass: float
    volume: float


@dataclass(frozen=True)
class Level:
    """Mass in kg/m², volume in m³/m² and energy in J/m² of the active material, the electrode or the cell."""

    mass: float
    volume: float
    energy: float

    @property
    def specific_energy(self) -> float:
        """J/kg."""
        return self.energy / self.mass

    @property
    def energy_density(self) -> float:
        """J/m³."""
        return self.energy / self.volume


@dataclass(frozen=True)
class CellDesign:
    """Mass, volume and energy of a cell.

    Attributes
    ----------
    components
        Phases of the electrode, then separator, collector and counter electrode.
    active_share
        Share of the active materials in the mass of the electrode.
    areal_capacity
        A s/m².
    delivered
        The voltages, and the capacity where it is not the nominal one.
    active
        Of the mass that specific amounts refer to.
    lithiated
        The same with the lithium that a material made charged takes up; None where all are made discharged.
    electrode, cell
        Of all components of the electrode, of the cell.
    """

    components: tuple[Component, ...]
    active_share: float
    areal_capacity: float
    delivered: Delivered
    active: Level
    lithiated: Level | None
    electrode: Level
    cell: Level


def electrode_recipe(case: Case, materials: Mapping[str, Material]) -> Recipe:
    """Return the composition of a case's electrode, from its recipe where it has one, else as its image is.

    Raises
    ------
    InputError
        If the case has particles alone, which make no electrode; whatever an image cannot be.
    """
    mesh = case.mesh
    if mesh.particle is not None:
        raise InputError("mesh.particle", "particles", "the geometry of an electrode, which particles alone are not")
    if mesh.laminate is not None:
        total = sum(thickness for _, thickness in mesh.laminate.stack)
        parts = dict.fromkeys(case.phases, 0.0)
        for name, thickness in mesh.laminate.stack:
            parts[name] += thickness / total
        return Recipe(parts, total)
    made = mesh.packing or mesh.blend
    if made is not None:
        return Recipe(volume_shares(case.phases, materials), made.voxels[0] * made.voxel_size[0])
    place = place_of(case, materials)
    return Recipe(place.shares, place.thickness)


def with_active_share(recipe: Recipe, materials: Mapping[str, Material], share: float) -> Recipe:
    """Return the recipe with another share of active material in the mass of the solids.

    Thickness and porosity stay, and so do the proportions within the active materials and within the others.

    Raises
    ------
    InputError
        If the share is not above 0 and at most 1, or nothing but active material is there to take the rest.
    """
    if not 0.0 < share <= 1.0:
        raise InputError("--active-share", f"{share:g}", "a share of the mass above 0, at most 1")
    mass = _masses(recipe, materials)
    active = [name for name in mass if materials[name].kind == "active"]
    held = {True: sum(mass[name] for name in active), False: sum(mass[name] for name in mass if name not in active)}
    if held[False] == 0.0 and share < 1.0:
        raise InputError("--active-share", f"{share:g}", "1: the electrode of the case is nothing but active material")
    volume = {}
    for name, amount in mass.items():
        part = share if name in active else 1.0 - share
        volume[name] = 0.0 if part == 0.0 else part * amount / held[name in active] / _density(materials[name])
    scale = sum(recipe.shares[name] for name in mass) / sum(volume.values())
    return Recipe(
        {name: scale * volume.get(name, each / scale) for name, each in recipe.shares.items()}, recipe.thickness
    )


def surroundings(
    case: Case, materials: Mapping[str, Material], given: Mapping[str, Layer], excess: float
) -> Surroundings:
    """Return separator and collector of a case, or those ``given`` in their place, and its counter electrode."""
    layers = {}
    for name, section in ((SEPARATOR, case.mesh.separator), (COLLECTOR, case.mesh.collector)):
        if name in given:
            layers[name] = given[name]
        elif section is not None and section.thickness is not None:
            layers[name] = Layer(materials[name], section.thickness)
    return Surroundings(layers, load_material(case.cell.counter.material, folder=case.folder), excess)


def expected_delivery(case: Case, recipe: Recipe, materials: Mapping[str, Material], counter: Material) -> Delivered:
    """Return the mean of U(x) over the nominal capacity: what a discharge without any loss would show.

    Raises
    ------
    InputError
        If an active material stores species that react: its voltage depends on the state, and is given otherwise.
    """
    weights: dict[str, float] = {}
    voltages: dict[str, float] = {}
    for name, mass in _masses(recipe, materials).items():
        material = materials[name]
        if material.kind != "active" or mass == 0.0:
            continue
        if not has_one_host(material):
            expected = f"a voltage or a result of a run: {material.name} has no U(x) of one host"
            raise InputError("--voltage", "missing", expected)
        assert material.equilibrium_potential is not None
        low, high = capacity_range(material)
        voltages[name] = mean_potential(material.equilibrium_potential, low, high, case.cell.temperature)
        weights[name] = recipe.shares[name] * material.property("maximum_concentration").value * (high - low)
    if not weights:
        raise InputError("phases", ", ".join(case.phases), "an active material, whose voltage makes an energy")
    voltage = sum(weights[name] * voltages[name] for name in weights) / sum(weights.values())
    return Delivered(voltage, voltage - counter.property("potential").value)


def cell_design(
    case: Case,
    recipe: Recipe,
    materials: Mapping[str, Material],
    around: Surroundings,
    delivered: Delivered,
) -> CellDesign:
    """Work out masses, volumes and energies of a cell per area.

    Raises
    ------
    InputError
        If a material that takes part has no density, or the counter electrode no capacity.
    """
    derived = design(case, recipe, materials)
    capacity = derived.areal_capacity
    if delivered.capacity is not None:
        capacity = delivered.capacity * derived.active_areal_mass
    parts = tuple(_components(recipe, materials, around, capacity))
    energy = capacity * delivered.voltage
    electrode = Level(derived.areal_mass, recipe.thickness, energy)
    beyond = [part for part in parts if not part.in_electrode]
    cell = Level(
        derived.areal_mass + sum(part.mass for part in beyond),
        recipe.thickness + sum(part.volume for part in beyond),
        capacity * delivered.cell_voltage,
    )
    active = Level(derived.active_areal_mass, _active_volume(case, recipe, materials), energy)
    taken = _lithium_taken(recipe, materials, capacity)
    return CellDesign(
        components=parts,
        active_share=_share_of_active(derived, materials),
        areal_capacity=capacity,
        delivered=delivered,
        active=active,
        lithiated=Level(active.mass + taken, active.volume, energy) if taken > 0.0 else None,
        electrode=electrode,
        cell=cell,
    )


# ------------------------------------------------------------------------------------------------------ parts


def _density(material: Material) -> float:
    return material.property("density").value


def _masses(recipe: Recipe, materials: Mapping[str, Material]) -> dict[str, float]:
    """Return the mass of every solid phase per volume of the electrode, in kg/m³."""
    return {name: share * _density(materials[name]) for name, share in recipe.shares.items() if name in materials}


def _components(
    recipe: Recipe, materials: Mapping[str, Material], around: Surroundings, capacity: float
) -> Iterator[Component]:
    masses = _masses(recipe, materials)
    for name, share in recipe.shares.items():
        material = materials[name].name if name in materials else "void"
        h = recipe.thickness
        yield Component(name, material, True, masses.get(name, 0.0) * h, share * h)
    for name, layer in around.layers.items():
        mass = layer.thickness * _density(layer.material)
        yield Component(name, layer.material.name, False, mass, layer.thickness)
    if around.excess > 0.0:
        mass = around.excess * capacity / around.counter.property("nominal_capacity").value
        yield Component("counter", around.counter.name, False, mass, mass / _density(around.counter))


def _active_volume(case: Case, recipe: Recipe, materials: Mapping[str, Material]) -> float:
    """Return the volume of the phases whose mass counts, per area."""
    counted = case.cell.mass_basis or [
        name for name in recipe.shares if name in materials and materials[name].kind == "active"
    ]
    return recipe.thickness * sum(recipe.shares[name] for name in counted)


def _share_of_active(derived: Design, materials: Mapping[str, Material]) -> float:
    return sum(share for name, share in derived.mass_shares.items() if materials[name].kind == "active")


def _lithium_taken(recipe: Recipe, materials: Mapping[str, Material], capacity: float) -> float:
    """Return the mass of lithium in kg/m² that hosts take up whose formula has none."""
    masses = _masses(recipe, materials)
    hosts = [name for name in masses if materials[name].kind == "active" and has_one_host(materials[name])]
    total = sum(masses[name] for name in hosts)
    charged = sum(masses[name] for name in hosts if made_without_lithium(materials[name]))
    return 0.0 if total == 0.0 else lithium_mass(capacity * charged / total)
