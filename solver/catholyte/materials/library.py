"""Reads materials: ``load_material("NCM83").property("D").value`` is 3.8e-16 (m²/s).

A material file gives one table a property, with ``value`` in the units of the literature and either
``source`` (a DOI, a handbook) or ``assumed`` (the reason for the number). A number without either is refused.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from catholyte.errors import InputError, nearest
from catholyte.materials.potentials import read_equilibrium_potential
from catholyte.physics.arrhenius import arrhenius
from catholyte.physics.equilibrium import EquilibriumPotential
from catholyte.units import DIMENSIONS, to_si

#: property -> its dimension in :data:`catholyte.units.DIMENSIONS`
PROPERTIES: Mapping[str, str] = MappingProxyType(
    {
        "density": "density",
        "molar_mass": "molar mass",
        "maximum_concentration": "concentration",
        "nominal_capacity": "specific capacity",
        "sigma_e": "conductivity",
        "sigma_i": "conductivity",
        "D": "diffusivity",
        "exchange_current": "current density",
        "potential": "potential",
        "area_resistance": "area resistance",
        "youngs_modulus": "pressure",
    }
)

KINDS = ("active", "electrolyte", "conductor", "counter")
_HEAD = ("name", "aliases", "kind", "formula", "description")
_SECTIONS = ("equilibrium_potential", "kinetics")
_KINETIC_LAWS = ("butler-volmer", "linear")
_CONCENTRATIONS = ("symmetric", "constant")
_POSITIVE = ("density", "molar_mass", "maximum_concentration", "nominal_capacity")
_PROPERTY_KEYS = (
    "value",
    "source",
    "assumed",
    "note",
    "activation_energy",
    "activation_energy_source",
    "activation_energy_assumed",
    "reference_temperature",
)
_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Origin:
    """Where a number comes from: exactly one of a citable source and the reason for an assumption."""

    source: str | None = None
    assumed: str | None = None
    note: str | None = None

    def __str__(self) -> str:
        return self.source if self.source is not None else f"assumed: {self.assumed}"


@dataclass(frozen=True)
class Property:
    """One number of a material.

    Attributes
    ----------
    value
        SI value at ``reference_temperature``.
    unit
        SI unit of ``value``.
    text
        The value as it was written, with its own unit.
    source, assumed
        Exactly one of them is given.
    activation_energy
        J/mol; None if the property is not known to depend on the temperature.
    reference_temperature
        K.
    """

    value: float
    unit: str
    text: str
    source: str | None = None
    assumed: str | None = None
    activation_energy: float | None = None
    activation_energy_origin: Origin | None = None
    reference_temperature: float = 298.15
    note: str | None = None

    def at(self, T: float) -> float:
        """Value at T (K) by Arrhenius: p = p_ref·exp[−E_a/R·(1/T − 1/T_ref)]."""
        if self.activation_energy is None:
            return self.value
        return arrhenius(self.value, self.activation_energy, T, self.reference_temperature)


@dataclass(frozen=True)
class Material:
    """A material and what is known of it; see :data:`PROPERTIES` for the names of its properties."""

    name: str
    kind: str
    formula: str
    description: str
    properties: Mapping[str, Property]
    equilibrium_potential: EquilibriumPotential | None = None
    equilibrium_origin: Origin | None = None
    kinetics: Mapping[str, str | float] | None = None
    kinetics_origin: Origin | None = None
    aliases: tuple[str, ...] = field(default=())
    file: str = ""

    def property(self, name: str) -> Property:
        """Return a property that must be there.

        Raises
        ------
        InputError
            If the material does not give it.
        """
        if name not in self.properties:
            given = ", ".join(self.properties) or "nothing"
            suggestion = None if name in PROPERTIES else nearest(name, self.properties)
            raise InputError(
                f"{self.file or self.name}: {name}", None, f"a value; the material gives {given}", suggestion
            )
        return self.properties[name]

    def override(
        self,
        *,
        equilibrium_potential: EquilibriumPotential | None = None,
        reason: str = "given in the case",
        **values: float,
    ) -> Material:
        """Return a copy in which SI ``values`` replace (or add) properties, marked as assumed for ``reason``.

        An activation energy that the material gives stays with the property.
        """
        properties = dict(self.properties)
        for name, value in values.items():
            _known(name, PROPERTIES, self.name)
            unit = DIMENSIONS[PROPERTIES[name]][0]
            old = properties.get(name, Property(value, unit, ""))
            properties[name] = replace(
                old,
                value=value,
                unit=unit,
                text=f"{value:g} {unit}".strip(),
                source=None,
                assumed=reason,
                note=None,
            )
        changed = replace(self, properties=MappingProxyType(properties))
        if equilibrium_potential is None:
            return changed
        return replace(changed, equilibrium_potential=equilibrium_potential, equilibrium_origin=Origin(assumed=reason))


def list_materials() -> tuple[str, ...]:
    """Names of the materials of the library, in alphabetical order."""
    return tuple(sorted((str(_head(path)["name"]) for path in _library_files()), key=str.lower))


def load_material(name_or_path: str, *, folder: Path | None = None) -> Material:
    """Load a material of the library by name or alias (case ignored), or a file.

    Parameters
    ----------
    name_or_path
        ``"NCM83"``, or the path of a TOML file (anything that ends in ``.toml``).
    folder
        Folder that a relative path starts from; default the working directory.

    Raises
    ------
    InputError
        If there is no such material or file, or the file breaks the rules of a material file.
    """
    if name_or_path.lower().endswith(".toml"):
        path = (folder or Path()) / name_or_path
        if not path.is_file():
            raise InputError("material", name_or_path, f"a file that exists ({path} does not)")
        return read_material(path)
    index = _index()
    found = index.get(name_or_path.lower())
    if found is None:
        choices = list_materials()
        names = {name: _index()[name] for name in index}
        alike = nearest(name_or_path, names)
        suggestion = None if alike is None else str(_head(names[alike])["name"])
        expected = "a material of the library (" + ", ".join(choices) + ") or the path of a .toml file"
        raise InputError("material", name_or_path, expected, suggestion)
    return _library_material(found)


def read_material(path: Path) -> Material:
    """Read one material file; see the manual page on materials for its form.

    Raises
    ------
    InputError
        Unknown key, missing or doubled mark of origin, wrong dimension, or text that is not TOML.
    """
    content = _toml(path)
    where = path.name
    for key in content:
        _known(key, (*_HEAD, *_SECTIONS, *PROPERTIES), where)
    for key in ("name", "kind", "formula"):
        if not isinstance(content.get(key), str):
            raise InputError(f"{where}: {key}", content.get(key), "a text")
    aliases = content.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise InputError(f"{where}: aliases", aliases, "a list of names")
    if content["kind"] not in KINDS:
        raise InputError(
            f"{where}: kind", content["kind"], "one of " + ", ".join(KINDS), nearest(content["kind"], KINDS)
        )
    properties = {name: _property(content[name], name, where) for name in PROPERTIES if name in content}
    potential, potential_origin = None, None
    if "equilibrium_potential" in content:
        section, potential_origin = _marked(content["equilibrium_potential"], f"{where}: equilibrium_potential")
        potential = read_equilibrium_potential(section, key=f"{where}: equilibrium_potential", folder=path.parent)
    kinetics, kinetics_origin = None, None
    if "kinetics" in content:
        section, kinetics_origin = _marked(content["kinetics"], f"{where}: kinetics")
        kinetics = _kinetics(section, f"{where}: kinetics")
    return Material(
        name=content["name"],
        kind=content["kind"],
        formula=content["formula"],
        description=str(content.get("description", "")),
        properties=MappingProxyType(properties),
        equilibrium_potential=potential,
        equilibrium_origin=potential_origin,
        kinetics=kinetics,
        kinetics_origin=kinetics_origin,
        aliases=tuple(aliases),
        file=where,
    )


# -------------------------------------------------------------------------------------------- parts of a file


def _property(entry: object, name: str, where: str) -> Property:
    key = f"{where}: {name}"
    section, origin = _marked(entry, key)
    for word in section:
        _known(word, _PROPERTY_KEYS, key)
    if "value" not in section:
        raise InputError(f"{key}.value", None, f"a value with its unit, like {DIMENSIONS[PROPERTIES[name]][1]!r}")
    value = to_si(section["value"], PROPERTIES[name], key=f"{key}.value")
    if value < 0.0 and name != "potential":
        raise InputError(f"{key}.value", section["value"], "a value that is not negative")
    if value == 0.0 and name in _POSITIVE:
        raise InputError(f"{key}.value", section["value"], "a value above zero")
    energy, energy_origin = None, None
    if "activation_energy" in section:
        energy = to_si(section["activation_energy"], "molar energy", key=f"{key}.activation_energy")
        energy_origin = _origin(
            {
                mark: section[f"activation_energy_{mark}"]
                for mark in ("source", "assumed")
                if f"activation_energy_{mark}" in section
            },
            f"{key}.activation_energy",
        )
    temperature = section.get("reference_temperature", "298.15 K")
    return Property(
        value=value,
        unit=DIMENSIONS[PROPERTIES[name]][0],
        text=str(section["value"]),
        source=origin.source,
        assumed=origin.assumed,
        activation_energy=energy,
        activation_energy_origin=energy_origin,
        reference_temperature=to_si(temperature, "temperature", key=f"{key}.reference_temperature"),
        note=origin.note,
    )


def _kinetics(section: Mapping[str, Any], key: str) -> Mapping[str, str | float]:
    for word in section:
        _known(word, ("law", "alpha", "concentration"), key)
    law = section.get("law", "butler-volmer")
    concentration = section.get("concentration", "symmetric")
    alpha = to_si(section.get("alpha", 0.5), "fraction", key=f"{key}.alpha")
    if law not in _KINETIC_LAWS:
        raise InputError(f"{key}.law", law, "one of " + ", ".join(_KINETIC_LAWS), nearest(str(law), _KINETIC_LAWS))
    if concentration not in _CONCENTRATIONS:
        expected = "one of " + ", ".join(_CONCENTRATIONS)
        raise InputError(f"{key}.concentration", concentration, expected, nearest(str(concentration), _CONCENTRATIONS))
    if not 0.0 < alpha < 1.0:
        raise InputError(f"{key}.alpha", alpha, "a transfer coefficient between 0 and 1")
    return MappingProxyType({"law": law, "alpha": alpha, "concentration": concentration})


def _marked(entry: object, key: str) -> tuple[dict[str, Any], Origin]:
    """Split a section into what it says and where that comes from."""
    if not isinstance(entry, dict):
        raise InputError(key, entry, "a table with a value and its source, like { value = …, source = … }")
    marks = {word: entry[word] for word in ("source", "assumed", "note") if word in entry}
    return {word: entry[word] for word in entry if word not in marks}, _origin(marks, key)


def _origin(marks: Mapping[str, Any], key: str) -> Origin:
    for word, text in marks.items():
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{key}.{word}", text, "a text that is not empty")
    if ("source" in marks) == ("assumed" in marks):
        expected = 'exactly one of source = "doi:…" and assumed = "the reason for this value"'
        raise InputError(key, "both" if "source" in marks else None, expected)
    return Origin(**marks)


def _known(word: str, choices: Mapping[str, Any] | tuple[str, ...], where: str) -> None:
    if word not in choices:
        raise InputError(f"{where}: {word}", word, "one of " + ", ".join(choices), nearest(word, choices))


# --------------------------------------------------------------------------------------- files of the library


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(path.name, str(error), "a TOML file") from error


def _library_files() -> tuple[Path, ...]:
    return tuple(sorted(_DATA.glob("*.toml")))


@functools.cache
def _head(path: Path) -> dict[str, Any]:
    return {key: value for key, value in _toml(path).items() if key in _HEAD}


@functools.cache
def _index() -> Mapping[str, Path]:
    """Lower-case names and aliases of the library -> file."""
    return MappingProxyType(
        {
            word.lower(): path
            for path in _library_files()
            for word in (_head(path)["name"], *_head(path).get("aliases", ()))
        }
    )


@functools.cache
def _library_material(path: Path) -> Material:
    return read_material(path)
