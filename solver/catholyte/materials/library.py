"""Reads materials: ``load_material("NCM83").property("D").value`` is 3.8e-16 (m²/s).

A material file gives one table a property, with ``value`` in the units of the literature and either
``source`` (a DOI, a handbook) or ``assumed`` (the reason for the number). A number without either is refused.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from catholyte.errors import InputError, nearest
from catholyte.materials.chemistry import Chemistry
from catholyte.materials.families import Family
from catholyte.materials.potentials import read_equilibrium_potential
from catholyte.materials.properties import Origin, Property, known, marked, new_property, read_property
from catholyte.materials.read_chemistry import CHEMISTRY, read_chemistry
from catholyte.materials.reported import Reported, read_reported
from catholyte.physics.equilibrium import EquilibriumPotential
from catholyte.units import to_si

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
        "active_share": "fraction",
    }
)

KINDS = ("active", "electrolyte", "conductor", "counter")
_HEAD = ("name", "aliases", "kind", "formula", "description")
_SECTIONS = ("equilibrium_potential", "kinetics", "reported", *CHEMISTRY)
_KINETIC_LAWS = ("butler-volmer", "linear")
_CONCENTRATIONS = ("symmetric", "constant")
_POSITIVE = ("density", "molar_mass", "maximum_concentration", "nominal_capacity", "active_share")
_VARYING = ("sigma_e", "sigma_i", "D")
_INTERCALATION = ("equilibrium_potential", "maximum_concentration", "kinetics")
_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Material:
    """A material and what is known of it; see :data:`PROPERTIES` for the names of its properties.

    An active material has an equilibrium potential (it takes up lithium in one host) or a chemistry (it stores species
    that react with one another); an electrolyte may have a chemistry. ``reported`` are values of the literature that
    are not computed with.
    """

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
    chemistry: Chemistry | None = None
    reported: tuple[Reported, ...] = ()

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

    def without(self, names: Collection[str]) -> Material:
        """Return a copy that lacks some properties."""
        kept = {name: value for name, value in self.properties.items() if name not in names}
        return replace(self, properties=MappingProxyType(kept))

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
            known(name, PROPERTIES, self.name)
            old = properties.get(name)
            properties[name] = (
                new_property(value, PROPERTIES[name], reason) if old is None else old.replaced(value, reason)
            )
        changed = replace(self, properties=MappingProxyType(properties))
        if equilibrium_potential is None:
            return changed
        return replace(changed, equilibrium_potential=equilibrium_potential, equilibrium_origin=Origin(assumed=reason))


def list_materials() -> tuple[str, ...]:
    """Names of the materials of the library, in alphabetical order."""
    names = [str(_head(path)["name"]) for path in _library_files()]
    names += [name for family in _families() for name in family.members]
    return tuple(sorted(names, key=str.lower))


def load_material(name_or_path: str, *, folder: Path | None = None) -> Material:
    """Load a material of the library by name or alias (case ignored), a member of a family, or a file.

    Parameters
    ----------
    name_or_path
        ``"NCM83"``, ``"LIC6.9"`` (any composition within the family's range), or the path of a TOML file (anything
        that ends in ``.toml``).
    folder
        Folder that a relative path starts from; default the working directory.

    Raises
    ------
    InputError
        If there is no such material or file, the composition lies outside its family's range, or the file breaks the
        rules of a material file.
    """
    if name_or_path.lower().endswith(".toml"):
        path = (folder or Path()) / name_or_path
        if not path.is_file():
            raise InputError("material", name_or_path, f"a file that exists ({path} does not)")
        return read_material(path)
    index = _index()
    found = index.get(name_or_path.lower())
    if found is not None:
        return _library_material(found)
    for family in _families():
        x = family.composition(name_or_path, key="material")
        if x is not None:
            return _member(family, x)
    choices = list_materials()
    names = {word: str(_head(path)["name"]) for word, path in index.items()} | {name: name for name in choices}
    alike = nearest(name_or_path, names)
    spans = " or ".join(family.span for family in _families())
    expected = f"a material of the library ({', '.join(choices)}), any of {spans}, or the path of a .toml file"
    raise InputError("material", name_or_path, expected, None if alike is None else names[alike])


def read_material(path: Path) -> Material:
    """Read one material file; see the manual page on materials for its form.

    Raises
    ------
    InputError
        Unknown key, missing or doubled mark of origin, wrong dimension, or text that is not TOML.
    """
    return _material(_toml(path), path.name, path.parent)


# -------------------------------------------------------------------------------------------- parts of a file


def _material(content: Mapping[str, Any], where: str, folder: Path) -> Material:
    for key in content:
        known(key, (*_HEAD, *_SECTIONS, *PROPERTIES), where)
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
    properties = {
        name: read_property(
            content[name],
            dimension,
            f"{where}: {name}",
            signed=name == "potential",
            positive=name in _POSITIVE,
            varying=name in _VARYING,
        )
        for name, dimension in PROPERTIES.items()
        if name in content
    }
    if "active_share" in properties and properties["active_share"].value > 1.0:
        text = properties["active_share"].text
        raise InputError(f"{where}: active_share.value", text, "a share of the mass, at most 1")
    chemistry = read_chemistry(content, content["kind"], properties, where=where, folder=folder)
    for name, one in properties.items():
        if one.points is not None and (content["kind"] != "active" or chemistry is not None):
            expected = "one value: only an active material with one host has a lithiation x"
            raise InputError(f"{where}: {name}.x", list(one.points[0]), expected)
    for key in _INTERCALATION:
        if chemistry is not None and content["kind"] == "active" and key in content:
            expected = f"either lattices with reactions or one host with {key}; the material has both"
            raise InputError(f"{where}: {key}", "both", expected)
    potential, potential_origin = None, None
    if "equilibrium_potential" in content:
        section, potential_origin = marked(content["equilibrium_potential"], f"{where}: equilibrium_potential")
        potential = read_equilibrium_potential(section, key=f"{where}: equilibrium_potential", folder=folder)
    kinetics, kinetics_origin = None, None
    if "kinetics" in content:
        section, kinetics_origin = marked(content["kinetics"], f"{where}: kinetics")
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
        chemistry=chemistry,
        reported=read_reported(content.get("reported", []), f"{where}: reported"),
    )


def _kinetics(section: Mapping[str, Any], key: str) -> Mapping[str, str | float]:
    for word in section:
        known(word, ("law", "alpha", "concentration"), key)
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


@functools.cache
def _families() -> tuple[Family, ...]:
    return tuple(Family.read(_toml(path), path.name) for path in sorted((_DATA / "families").glob("*.toml")))


@functools.lru_cache(maxsize=64)
def _member(family: Family, x: float) -> Material:
    content = family.member(x)
    content["aliases"] = [alias for alias in content["aliases"] if alias.lower() not in _index()]
    return _material(content, f"{family.where} at x = {x:.9g}", _DATA)
