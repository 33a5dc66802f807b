"""A material with its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from catholyte.report.tables import new_table

if TYPE_CHECKING:
    from catholyte.materials import Material


def material_report(material: Material) -> Group:
    """Return the values of a material with their sources."""
    table = new_table(
        f"{material.name}  {material.formula}  ({material.kind})",
        "property",
        "value",
        "source",
        numeric=False,
    )
    for name, value in material.properties.items():
        table.add_row(name, value.text, value.source or f"assumed: {value.assumed}")
        if value.activation_energy is not None:
            origin = str(value.activation_energy_origin)
            table.add_row("  activation energy", f"{value.activation_energy / 96485.33212:.3g} eV", origin)
    if material.equilibrium_potential is not None:
        table.add_row("equilibrium potential", "U(x)", str(material.equilibrium_origin))
    if material.kinetics is not None:
        law = ", ".join(f"{key} {value}" for key, value in material.kinetics.items())
        table.add_row("kinetics", law, str(material.kinetics_origin))
    return Group(Text(material.description), "", table)
