"""What ``catholyte design`` shows: masses, volumes and energies of electrode and cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from catholyte.report.tables import MAH_CM2, MAH_G, length_text, new_table, pairs

if TYPE_CHECKING:
    from catholyte.build.energy import CellDesign, Level

WH_KG = 3600.0  # J/kg in 1 Wh/kg
WH_L = 3.6e6  # J/m³ in 1 Wh/L
MG_CM2 = 1e-2  # kg/m² in 1 mg/cm²


def design_report(title: str, found: CellDesign) -> Group:
    """Return components, capacity and energies of one cell."""
    delivered = found.delivered
    numbers = pairs(
        "Capacity and voltage",
        [
            ("areal capacity", f"{found.areal_capacity / MAH_CM2:.4g} mAh/cm2"),
            ("capacity", f"{found.areal_capacity / found.active.mass / MAH_G:.4g} mAh/g active"),
            ("mean voltage", f"{delivered.voltage:.4g} V vs Li/Li+, {delivered.cell_voltage:.4g} V cell"),
        ],
    )
    energies = new_table("Energy", "per", "mg/cm2", "um", "Wh/kg", "Wh/L", "voltage")
    for name, level, against in _levels(found):
        energies.add_row(
            name,
            f"{level.mass / MG_CM2:.4g}",
            f"{level.volume * 1e6:.4g}",
            f"{level.specific_energy / WH_KG:.4g}",
            f"{level.energy_density / WH_L:.4g}",
            against,
        )
    parts: list[Any] = [Text(title, style="bold cyan"), "", _components(found), "", numbers, "", energies]
    missing = [name for name in ("separator", "collector", "counter") if name not in _names(found)]
    if missing:
        parts += ["", Text(f"not counted: {', '.join(missing)}")]
    return Group(*parts)


def sweep_table(title: str, found: Sequence[CellDesign]) -> Group:
    """Return one line for every share of active material."""
    table = new_table(
        "Against the share of active material in the electrode",
        "active mass %",
        "active vol %",
        "mAh/cm2",
        "mAh/g electrode",
        "Wh/kg electrode",
        "Wh/L electrode",
        "Wh/kg cell",
        "Wh/L cell",
    )
    for each in found:
        table.add_row(
            f"{100 * each.active_share:.4g}",
            f"{100 * each.active.volume / each.electrode.volume:.4g}",
            f"{each.areal_capacity / MAH_CM2:.4g}",
            f"{each.areal_capacity / each.electrode.mass / MAH_G:.4g}",
            *(
                f"{value:.4g}"
                for level in (each.electrode, each.cell)
                for value in (level.specific_energy / WH_KG, level.energy_density / WH_L)
            ),
        )
    thickness = length_text(found[0].electrode.volume)
    return Group(Text(title, style="bold cyan"), "", table, "", Text(f"electrode of {thickness}; porosity kept"))


def design_facts(found: CellDesign) -> dict[str, Any]:
    """Return the numbers of a cell for ``--format json``."""
    return {
        "active_mass_share": found.active_share,
        "areal_capacity_mAh_cm2": found.areal_capacity / MAH_CM2,
        "capacity_mAh_g": found.areal_capacity / found.active.mass / MAH_G,
        "mean_voltage_vs_Li_V": found.delivered.voltage,
        "mean_cell_voltage_V": found.delivered.cell_voltage,
        "components": [
            {
                "name": part.name,
                "material": part.material,
                "areal_mass_mg_cm2": part.mass / MG_CM2,
                "thickness_um": part.volume * 1e6,
                "mass_share_of_electrode": part.mass / found.electrode.mass if part.in_electrode else None,
                "volume_share_of_electrode": part.volume / found.electrode.volume if part.in_electrode else None,
                "mass_share_of_cell": part.mass / found.cell.mass,
                "volume_share_of_cell": part.volume / found.cell.volume,
            }
            for part in found.components
        ],
        "levels": {
            name: {
                "areal_mass_mg_cm2": level.mass / MG_CM2,
                "thickness_um": level.volume * 1e6,
                "specific_energy_Wh_kg": level.specific_energy / WH_KG,
                "energy_density_Wh_L": level.energy_density / WH_L,
                "voltage_against": against,
            }
            for name, level, against in _levels(found)
        },
    }


def _levels(found: CellDesign) -> list[tuple[str, Level, str]]:
    levels = [
        ("active", found.active, "Li/Li+"),
        ("electrode", found.electrode, "Li/Li+"),
        ("cell", found.cell, "cell"),
    ]
    if found.lithiated is not None:
        levels.insert(1, ("active with its lithium", found.lithiated, "Li/Li+"))
    return levels


def _components(found: CellDesign) -> Table:
    table = new_table(
        "Components",
        "",
        "material",
        "mg/cm2",
        "um",
        "mass %\nelectrode",
        "vol %\nelectrode",
        "mass %\ncell",
        "vol %\ncell",
    )
    table.columns[1].justify = "left"
    for part in found.components:
        inside = part.in_electrode
        table.add_row(
            part.name,
            part.material,
            f"{part.mass / MG_CM2:.4g}",
            f"{part.volume * 1e6:.4g}",
            f"{100 * part.mass / found.electrode.mass:.2f}" if inside else "",
            f"{100 * part.volume / found.electrode.volume:.2f}" if inside else "",
            f"{100 * part.mass / found.cell.mass:.2f}",
            f"{100 * part.volume / found.cell.volume:.2f}",
        )
    return table


def _names(found: CellDesign) -> list[str]:
    return [part.name for part in found.components if not part.in_electrode]
