"""``catholyte materials``: the library, one material with its sources, and transport in hosts in one language.

Imports are made inside the command, as in :mod:`catholyte.cli`.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from catholyte.errors import InputError, nearest

_out = Console()
_FORMS = ("table", "json")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(materials)


def materials(
    name: Annotated[
        str | None, typer.Argument(help="A material, or a file of one (.toml), for its values and sources.")
    ] = None,
    transport: Annotated[
        bool,
        typer.Option("--transport", help="Conductivities, diffusivity and the rate of a dense layer of active hosts."),
    ] = False,
    thickness: Annotated[
        str | None, typer.Option(help="Of the dense layer; '50 um' by default.", show_default=False)
    ] = None,
    temperature: Annotated[str | None, typer.Option(help="'25 degC' by default.", show_default=False)] = None,
    form: Annotated[str, typer.Option("--format", help="With --transport: table or json.")] = "table",
) -> None:
    """List the materials of the library, or show one with its sources, or transport in its hosts."""
    from catholyte.materials import list_materials, load_material
    from catholyte.report import listing, material_report

    if form not in _FORMS:
        raise InputError("--format", form, "'table' or 'json'", nearest(form, _FORMS))
    if transport:
        _transport(name, thickness, temperature, form)
        return
    for option, value in (("--thickness", thickness), ("--temperature", temperature)):
        if value is not None:
            raise InputError(option, value, "--transport beside it")
    if form != "table":
        raise InputError("--format", form, "--transport beside it")
    if name is not None:
        _out.print(material_report(load_material(name)))
        return
    rows = [(m.name, m.kind, m.formula, m.description) for m in map(load_material, list_materials())]
    _out.print(listing("Materials", ("name", "kind", "formula", "description"), rows))


def _transport(name: str | None, thickness: str | None, temperature: str | None, form: str) -> None:
    from catholyte.materials import list_materials, load_material
    from catholyte.materials.transport import DUAL_CONDUCTIVE, has_one_host
    from catholyte.materials.transport import transport as work_out
    from catholyte.report.transport import transport_facts, transport_report, transport_table
    from catholyte.units import to_si

    length = to_si(thickness if thickness is not None else "50 um", "length", key="--thickness")
    if length <= 0.0:
        raise InputError("--thickness", thickness, "a thickness above zero, like '50 um'")
    T = to_si(temperature if temperature is not None else "25 degC", "temperature", key="--temperature")
    if name is not None:
        found = [work_out(load_material(name), T, length)]
    else:
        names = dict.fromkeys((*DUAL_CONDUCTIVE, *list_materials()))
        hosts = [material for material in map(load_material, names) if has_one_host(material)]
        found = [work_out(material, T, length) for material in hosts]
    if form == "json":
        facts = [transport_facts(each) for each in found]
        answer = facts if name is None else facts[0]
        sys.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        return
    _out.print(transport_report(found[0]) if name is not None else transport_table(found))
