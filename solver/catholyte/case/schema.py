"""The tables of a case file: names, meanings and examples of all keys.

Attributes are named like the keys and hold SI values. The descriptions complete "expected …" in an error and
are what an editor shows. Only the form of each value is checked here; what the tables mean together is
checked in :mod:`catholyte.case.checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import PrivateAttr

from catholyte.case import values as v
from catholyte.case.chemistry_tables import LatticeSection, ReactionSection
from catholyte.case.mesh_tables import MeshSection
from catholyte.case.potential_tables import PotentialTable
from catholyte.case.tables import Table
from catholyte.case.tables import key as _key
from catholyte.case.unstructured_tables import GrainsSection


class Diameter(Table):
    """A lognormal distribution of sphere diameters."""

    shorthand: ClassVar[str | None] = "median"

    median: v.Length = _key("the median diameter by volume", "3 um")
    spread: v.Spread = _key("the standard deviation of ln(diameter)", 0.3, default=0.0)


class PhaseSection(Table):
    """One phase: its material, its place in the mesh, and what the case changes of its material."""

    material: v.Text = _key(
        'a material of the library, the path of a .toml file next to the case, or "void"', "NCM83", "void"
    )
    label: v.Labels | None = _key("the label or labels of the phase in the image", 1, [1, 2], default=None)
    region: v.Regions | None = _key(
        "the region or regions of the phase in an unstructured mesh; that of its name if not given",
        "active",
        ["core", "shell"],
        default=None,
    )
    grains: GrainsSection | None = _key(
        "the grains of the phase, whose boundaries may have a resistance", {"size": "0.5 um", "seed": 3}, default=None
    )
    mass_share: v.Share | None = _key("the share of the mass of the solids", 0.7, "70 %", default=None)
    volume_share: v.VolumeShare | None = _key(
        "the share of the volume of the whole electrode", 0.1, "10 %", default=None
    )
    diameter: Diameter | None = _key(
        "the diameter of the particles or of the pores",
        "3 um",
        {"median": "3 um", "spread": 0.3},
        default=None,
    )
    placement: Annotated[Literal["dispersed", "coating"], v.OneOf()] | None = _key(
        'how a conductor is placed in a packing; "dispersed" if not given', "coating", default=None
    )
    thickness: v.Length | None = _key("the thickness of a coating", "50 nm", default=None)
    sigma_e: v.Conductivity | None = _key("the electronic conductivity", "10 mS/cm", default=None)
    sigma_i: v.Conductivity | None = _key("the ionic conductivity", "0.7 mS/cm", default=None)
    D: v.Diffusivity | None = _key("the chemical diffusivity of Li", "3.8e-12 cm2/s", default=None)
    transport: Annotated[Literal["mixed", "diffusion"], v.OneOf()] | None = _key(
        "how lithium moves in an active material: with ions and electrons that both move, or by diffusion behind "
        "mobile electrons; mixed where sigma_i is given and D is not",
        "mixed",
        default=None,
    )
    permittivity: v.RelativePermittivity | None = _key(
        "the relative permittivity, whose displacement current counts in impedance spectra", 30, default=None
    )
    density: v.Density | None = _key("the density", "4.7 g/cm3", default=None)
    maximum_concentration: v.Concentration | None = _key(
        "the concentration of Li when full (x = 1)", "48.2 mol/L", default=None
    )
    active_share: v.PartOfMass | None = _key(
        "the share of the mass that specific amounts refer to", 0.48, "48 %", default=None
    )
    molar_mass: v.MolarMass | None = _key("the mass of a mole of formula units", "97.3 g/mol", default=None)
    nominal_capacity: v.SpecificCapacity | None = _key("the capacity that 1C refers to", "160 mAh/g", default=None)
    equilibrium_potential: PotentialTable | None = _key(
        "the equilibrium potential U(x)",
        {"law": "table", "file": "potential.csv"},
        {"law": "constant", "U0": "3.4 V"},
        default=None,
    )
    composition: dict[str, v.SiteFraction] | None = _key(
        "the fractions of species on their lattices at the start", {"I-": 0.28, "I0": 0.72}, default=None
    )
    branches: dict[str, v.SiteFraction] | None = _key(
        "where reactions with hysteresis start, from 0 on the branch of discharge to 1 on that of charge",
        {"iodide": 1.0},
        default=None,
    )
    lattices: dict[str, LatticeSection] = _key(
        "tables of what the case changes of the lattices", {"iodine": {"D": "1e-13 cm2/s"}}, default={}
    )

    @property
    def is_void(self) -> bool:
        """Whether the phase is empty space."""
        return self.material == "void"


class KineticsSection(Table):
    """Charge transfer at an interface; what is not given is taken from the active material."""

    law: Annotated[Literal["butler-volmer", "linear", "fast"], v.OneOf()] | None = _key(
        "the rate law; fast for a transfer that costs nothing", "butler-volmer", default=None
    )
    exchange_current: v.CurrentDensity | None = _key("the exchange current density", "0.11 A/m2", default=None)
    alpha: v.ProperFraction | None = _key("the transfer coefficient", 0.5, default=None)
    concentration: Annotated[Literal["symmetric", "constant", "table"], v.OneOf()] | None = _key(
        "how the exchange current depends on x", "symmetric", default=None
    )
    x: tuple[v.Fraction, ...] | None = _key(
        "the rising site fractions of the table of the exchange current", [0.3, 0.6, 0.9], default=None
    )
    factor: tuple[v.Fraction, ...] | None = _key(
        "the exchange current at each x of the table over `exchange_current`", [1.0, 0.8, 0.2], default=None
    )
    activation_energy: v.MolarEnergy | None = _key(
        "the activation energy of the exchange current", "0.3 eV", "30 kJ/mol", default=None
    )
    reference_temperature: v.Temperature | None = _key(
        "the temperature that the exchange current holds at", "25 degC", default=None
    )


class DoubleLayerSection(Table):
    """The double layer beside the charge transfer, per area of the interface."""

    shorthand: ClassVar[str | None] = "capacitance"

    capacitance: v.ArealCapacitance = _key("the capacitance, or that at the reference frequency", "10 uF/cm2")
    exponent: v.Exponent = _key(
        "1 for a capacitance; less for a constant-phase element, which acts in impedance spectra alone",
        0.9,
        default=1.0,
    )
    reference_frequency: v.Frequency = _key(
        "the frequency at which a constant-phase element has the capacitance", "1 kHz", default="1 kHz"
    )


class GrowthSection(Table):
    """How the resistance of a layer grows with time."""

    gain: v.PositiveAreaResistance = _key("the resistance gained", "20 ohm cm2")
    after: v.Time = _key("the time after which it is gained", "100 hours")
    law: Annotated[Literal["parabolic", "linear"], v.OneOf()] = _key(
        "with the square root of time, or in proportion to it", "parabolic", default="parabolic"
    )
    activation_energy: v.MolarEnergy | None = _key(
        "the activation energy of the rate, which is that of the thickness squared if the law is parabolic",
        "0.8 eV",
        default=None,
    )
    reference_temperature: v.Temperature | None = _key(
        "the temperature at which the gain holds", "60 degC", default=None
    )


class LayerSection(Table):
    """A layer at an interface that is too thin to be meshed: a coating, a space charge, an interphase."""

    name: v.Text = _key("the name of the layer", "space charge")
    resistance: v.AreaResistance | None = _key("the area resistance at the start", "40 ohm cm2", default=None)
    thickness: v.Length | None = _key("the thickness, in place of the resistance", "10 nm", default=None)
    sigma_i: v.Conductivity | None = _key("the ionic conductivity, with the thickness", "1e-6 S/cm", default=None)
    activation_energy: v.MolarEnergy | None = _key("the activation energy of its conductivity", "0.4 eV", default=None)
    reference_temperature: v.Temperature | None = _key(
        "the temperature at which its resistance holds", "25 degC", default=None
    )
    growth: GrowthSection | None = _key(
        "how its resistance grows", {"gain": "20 ohm cm2", "after": "100 hours"}, default=None
    )


class InterfaceSection(Table):
    """What happens where two phases touch."""

    kinetics: KineticsSection | None = _key(
        "the charge transfer between an active material and an electrolyte",
        {"law": "butler-volmer", "exchange_current": "0.11 A/m2"},
        default=None,
    )
    reactions: dict[str, ReactionSection] = _key(
        "tables of reactions of a network: changes of those of the materials, and others",
        {"iodide": {"exchange_current": "0.11 A/m2"}},
        default={},
    )
    contact_resistance: v.AreaResistance = _key("the resistance of the contact", "1 ohm cm2", default="0 ohm cm2")
    ionic_resistance: v.AreaResistance = _key(
        "the resistance that ions meet between two mixed conductors, or between two grains of one",
        "5 ohm cm2",
        default="0 ohm cm2",
    )
    film_resistance: v.AreaResistance = _key(
        "the resistance of a film in series with the charge transfer", "10 ohm cm2", default="0 ohm cm2"
    )
    layers: tuple[LayerSection, ...] = _key(
        "a list of layers in series with the charge transfer",
        [{"name": "space charge", "resistance": "40 ohm cm2", "activation_energy": "0.4 eV"}],
        default=[],
    )
    double_layer: DoubleLayerSection | None = _key(
        "the double layer beside the charge transfer",
        "10 uF/cm2",
        {"capacitance": "10 uF/cm2", "exponent": 0.9},
        default=None,
    )


class Counter(Table):
    """The counter electrode, beyond the separator; what is not given is taken from its material."""

    shorthand: ClassVar[str | None] = "material"

    material: v.Text = _key("the material of the counter electrode", "Li-In", "Li")
    exchange_current: v.CurrentDensity | None = _key("its exchange current density", "1 mA/cm2", default=None)
    area_resistance: v.AreaResistance | None = _key("its area resistance", "5 ohm cm2", default=None)


class ElementSection(Table):
    """A circuit element in series with the cell, for what is not meshed."""

    kind: Annotated[Literal["RC", "ZARC", "Warburg", "inductance"], v.OneOf()] = _key("the kind of the element", "ZARC")
    resistance: v.PositiveAreaResistance | None = _key("the area resistance", "10 ohm cm2", default=None)
    capacitance: v.ArealCapacitance | None = _key(
        "the capacitance per area, of a ZARC the time constant over the resistance", "1 uF/cm2", default=None
    )
    time_constant: v.Time | None = _key(
        "the time constant, of a Warburg element the thickness squared over the diffusivity", "1 ms", default=None
    )
    exponent: v.Exponent | None = _key("the exponent of a ZARC, 1 for an arc that is a half-circle", 0.9, default=None)
    end: Annotated[Literal["reflecting", "transmissive"], v.OneOf()] | None = _key(
        "the far end of the diffusion layer of a Warburg element: closed, or held at one concentration",
        "reflecting",
        default=None,
    )
    inductance: v.Inductance | None = _key("the inductance of the cell and its leads", "1 uH", default=None)


class InitialState(Table):
    """The state at the start, by voltage or by lithiation."""

    voltage: v.Potential | None = _key(
        "the open-circuit voltage, against `cell.voltage_reference`", "4.2 V", default=None
    )
    lithiation: v.ProperFraction | None = _key("the site fraction of Li in the active material", 0.3, default=None)


class CellSection(Table):
    """What surrounds the electrode."""

    counter: Counter = _key("the counter electrode", "Li-In", "Li")
    temperature: v.Temperature = _key("the temperature", "25 degC", default="25 degC")
    area: v.Area = _key("the area of the cell, which scales A, Ah and an inductance", "0.785 cm2", default="1 cm2")
    series_resistance: v.AreaResistance = _key(
        "the area resistance of what is not meshed", "10 ohm cm2", default="0 ohm cm2"
    )
    elements: tuple[ElementSection, ...] = _key(
        "a list of circuit elements in series with what is meshed",
        [{"kind": "ZARC", "resistance": "10 ohm cm2", "time_constant": "1 ms", "exponent": 0.9}],
        default=[],
    )
    voltage_reference: Annotated[Literal["Li/Li+", "cell"], v.OneOf()] = _key(
        "what voltages in the case are measured against: Li/Li+ or the counter electrode",
        "Li/Li+",
        default="Li/Li+",
    )
    nominal_capacity: v.SpecificCapacity | None = _key(
        "the capacity of the active mass that 1C refers to; that of the material if not given",
        "160 mAh/g",
        default=None,
    )
    mass_basis: v.Names | None = _key(
        "the phase or phases whose mass specific amounts refer to; the active ones if not given",
        "catholyte",
        ["iodine", "catholyte"],
        default=None,
    )
    initial: InitialState | None = _key(
        "the state at the start, by voltage or by lithiation; needed where lithium is intercalated",
        {"voltage": "4.2 V"},
        {"lithiation": 0.3},
        default=None,
    )


class ExperimentSection(Table):
    """What the cycler does."""

    steps: v.Steps = _key(
        "the steps: texts, nested lists (cycles) and tables with the keys steps, repeat, until and name (groups)",
        ["Discharge at C/10 until 2.5 V", "Rest for 30 minutes"],
        [["Discharge at C/5 until 2.5 V", "Charge at C/5 until 4.2 V"]],
        ["EIS from 7 MHz to 100 mHz", "GITT discharge at C/20 for 10 minutes, rest for 1 hour, until 2.5 V"],
        [{"steps": ["Discharge at 1C until 2.5 V", "Charge at 1C until 4.2 V"], "repeat": 10, "until": "time > 1 day"}],
    )
    repeat: Annotated[int, v.whole(1, 1_000_000)] = _key("how many times the steps are carried out", 3, default=1)
    until: v.Text | None = _key("a rule that ends the steps", "time > 2 days or voltage < 2 V", default=None)
    continued: v.Continued = _key(
        "lists of further steps with which a run went on", [["Charge at C/10 until 4.2 V", "EIS at 1 kHz"]], default=[]
    )


class OutputSection(Table):
    """What is kept of a run."""

    fields: v.Schedule = _key("when the fields are written", default="every 5 % of capacity")


class SolverSection(Table):
    """Numerics; a case needs none of them, and what is not given is chosen by the solver."""

    order: Annotated[int, v.whole(1, 5)] | None = _key("the highest order of the time steps", 3, default=None)
    x_tolerance: v.Fraction | None = _key("the error of the site fraction allowed in a time step", 1e-4, default=None)
    voltage_tolerance: v.Tolerance | None = _key(
        "the error of the voltage allowed in a time step", "0.1 mV", default=None
    )
    current_tolerance: v.Fraction | None = _key(
        "the relative error of the current allowed in a time step where it is not imposed", 1e-4, default=None
    )
    linear: Annotated[Literal["auto", "direct", "krylov"], v.OneOf()] = _key(
        "how linear systems are solved", "auto", default="auto"
    )
    double_layers: Annotated[Literal["always", "spectra"], v.OneOf()] = _key(
        "whether double layers are charged in time too, which takes more time steps, or in impedance spectra alone",
        "spectra",
        default="always",
    )
    first_step: v.Time | None = _key("the first time step", "1 ms", default=None)
    largest_step: v.Time | None = _key("the largest time step", "5 minutes", default=None)


class Case(Table):
    """A Catholyte case: an electrode, the cell around it, and what is done to it."""

    title: v.Text = _key("a title", "NCM83 : Li3InCl6 = 70 : 30")
    mesh: MeshSection = _key("the table [mesh] with the geometry")
    phases: dict[str, PhaseSection] = _key("a table [phases.NAME] for each phase")
    interfaces: dict[str, InterfaceSection] = _key('tables [interfaces."a|b"] for pairs of phases', default={})
    cell: CellSection = _key("the table [cell] with counter electrode and initial state")
    experiment: ExperimentSection = _key("the table [experiment] with its steps")
    output: OutputSection = _key("the table [output]", default={})
    solver: SolverSection = _key("the table [solver]", default={})

    _folder: Path = PrivateAttr(default=Path())
    _text: str = PrivateAttr(default="")

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the case start from."""
        return self._folder

    @property
    def text(self) -> str:
        """The case as TOML, with the overrides in it."""
        return self._text

    def interface(self, a: str, b: str, tag: str | None = None) -> InterfaceSection | None:
        """Return what the case says of the interface between two phases, in whatever order it names them.

        Parameters
        ----------
        a, b
            The phases; twice the same for its grain boundaries.
        tag
            Tag of the faces meant; without one those that have none of their own.
        """
        pairs: Mapping[tuple[frozenset[str], str | None], InterfaceSection] = {
            parted(name): section for name, section in self.interfaces.items()
        }
        return pairs.get((frozenset((a, b)), tag))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of faces that have properties of their own."""
        tags = (parted(name)[1] for name in self.interfaces)
        return tuple(dict.fromkeys(tag for tag in tags if tag is not None))


def parted(name: str) -> tuple[frozenset[str], str | None]:
    """Part the name of an interface, ``"a|b"`` or ``"a|b@tag"``, into its phases and the tag."""
    pair, _, tag = name.partition("@")
    return frozenset(pair.split("|")), tag or None
