"""``catholyte design``: what electrode and cell of a case weigh, and the energy that they hold.

Imports are made inside the command, as in :mod:`catholyte.cli`.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from catholyte.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catholyte.build.energy import CellDesign, Delivered, Layer
    from catholyte.materials import Material

_out = Console()
_FORMS = ("table", "json")
_SUFFIXES = ("png", "pdf", "svg")
_LEVELS = ("electrode", "cell")

#: so many points a sweep may have
_MOST = 1000


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(design)


def design(
    case: Annotated[Path, typer.Argument(help="A case file (.toml).", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key, e.g. mesh.packing.seed=8; or @FILE."),
    ] = None,
    active_share: Annotated[
        str | None,
        typer.Option(metavar="SHARE|FROM:TO:STEP", help="Mass share of active material, e.g. 0.5:1:0.05 for a sweep."),
    ] = None,
    result: Annotated[
        Path | None, typer.Option(metavar="RESULT", help="Take capacity and mean voltages of a run's last discharge.")
    ] = None,
    voltage: Annotated[
        str | None, typer.Option(help="Mean voltage vs Li/Li+; the mean of U(x) by default.", show_default=False)
    ] = None,
    separator: Annotated[
        str | None, typer.Option(metavar="MATERIAL,THICKNESS", help="In place of the case's: 'Li6PS5Cl, 20 um'.")
    ] = None,
    collector: Annotated[
        str | None, typer.Option(metavar="MATERIAL,THICKNESS", help="In place of the case's: 'aluminium, 15 um'.")
    ] = None,
    counter_excess: Annotated[
        float, typer.Option(metavar="RATIO", help="Capacity of the counter electrode over that of the cathode.")
    ] = 1.0,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the shares, or the sweep.")] = None,
) -> None:
    """Masses, volumes, areal capacity and energy of electrode and cell; nothing is run."""
    if form not in _FORMS:
        raise InputError("--format", form, "'table' or 'json'", nearest(form, _FORMS))
    if plot is not None and plot.suffix.removeprefix(".") not in _SUFFIXES:
        raise InputError("--plot", str(plot), f"a file that ends in {', '.join(f'.{each}' for each in _SUFFIXES)}")
    if not (math.isfinite(counter_excess) and counter_excess >= 0.0):
        raise InputError("--counter-excess", counter_excess, "a ratio of capacities that is not negative, like 1.1")
    if result is not None and voltage is not None:
        raise InputError("--voltage", voltage, "either a voltage or a result, which has its own")
    from catholyte.build.cell import load_materials
    from catholyte.build.energy import cell_design, electrode_recipe, expected_delivery, surroundings, with_active_share
    from catholyte.case import read_case
    from catholyte.report.design import design_facts, design_report, sweep_table

    made = read_case(case, overrides or ())
    shares = None if active_share is None else read_shares(active_share)
    given = {"separator": separator, "collector": collector}
    layers = {name: _layer(text, f"--{name}", made.folder) for name, text in given.items() if text is not None}
    materials = load_materials(made)
    around = surroundings(made, materials, layers, counter_excess)
    recipe = electrode_recipe(made, materials)
    delivered = _delivered(result, voltage, around.counter)
    recipes = [recipe] if shares is None else [with_active_share(recipe, materials, share) for share in shares]
    found = [
        cell_design(
            made, each, materials, around, delivered or expected_delivery(made, each, materials, around.counter)
        )
        for each in recipes
    ]
    sweep = len(found) > 1
    if plot is not None:
        _draw(found, plot)
    if form == "json":
        facts = [design_facts(each) for each in found]
        sys.stdout.write(json.dumps(facts if sweep else facts[0], indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        return
    _out.print(sweep_table(made.title, found) if sweep else design_report(made.title, found[0]))
    if plot is not None:
        _out.print(f"wrote {plot}", highlight=False, soft_wrap=True)


def read_shares(text: str) -> list[float]:
    """Read ``"0.9"`` or ``"0.5:1:0.05"``, both ends included; percentages are read too.

    Raises
    ------
    InputError
        If it is neither, the range does not rise, or it has more than a thousand points.
    """
    from catholyte.units import to_si

    key, expected = "--active-share", "a share of the mass, like 0.9, or FROM:TO:STEP, like 0.5:1:0.05"
    parts = [to_si(part.strip(), "fraction", key=key) for part in text.split(":")]
    if len(parts) == 1:
        return parts
    if len(parts) != 3:
        raise InputError(key, text, expected)
    start, stop, step = parts
    if not (0.0 < start <= stop <= 1.0 and step > 0.0):
        raise InputError(key, text, f"{expected}, between 0 and 1 and rising")
    steps = (stop - start) / step
    if steps > _MOST:
        raise InputError(key, text, f"at most {_MOST} shares")
    count = math.floor(steps + 1e-9)
    found = [start + k * step for k in range(count + 1)]
    return found if stop - found[-1] < 1e-9 * step else [*found, stop]


def _layer(text: str, key: str, folder: Path) -> Layer:
    from catholyte.build.energy import Layer
    from catholyte.materials import load_material
    from catholyte.units import to_si

    material, comma, thickness = text.partition(",")
    if not comma:
        raise InputError(key, text, "a material and its thickness, like 'aluminium, 15 um'")
    length = to_si(thickness.strip(), "length", key=key)
    if length <= 0.0:
        raise InputError(key, text, "a thickness above zero")
    return Layer(load_material(material.strip(), folder=folder), length)


def _delivered(result: Path | None, voltage: str | None, counter: Material) -> Delivered | None:
    """Return what was measured or given; None where U(x) is to tell."""
    from catholyte.build.energy import Delivered
    from catholyte.units import to_si

    against = counter.property("potential").value
    if voltage is not None:
        volts = to_si(voltage, "potential", key="--voltage")
        if volts <= against:
            raise InputError("--voltage", voltage, f"more than the {against:g} V of the counter electrode")
        return Delivered(volts, volts - against)
    if result is None:
        return None
    from catholyte.results import Results

    summary = Results.open(result).summary()
    capacity, mean = summary["discharge_capacity_mAh_g"], summary["mean_discharge_voltage_vs_Li_V"]
    cell = summary["mean_discharge_cell_voltage_V"]
    if capacity is None or mean is None or cell is None:
        raise InputError("--result", str(result), "a result in which the cell was discharged")
    return Delivered(float(mean), float(cell), to_si(f"{capacity} mAh/g", "specific capacity", key="--result"))


def _draw(found: Sequence[CellDesign], path: Path) -> None:
    from catholyte.plot.design import composition_bars, energy_against_share
    from catholyte.plot.pictures import save
    from catholyte.report.design import WH_KG, WH_L

    if len(found) > 1:
        levels = {name: [getattr(each, name) for each in found] for name in _LEVELS}
        figure = energy_against_share(
            [each.active_share for each in found],
            {name: [level.specific_energy / WH_KG for level in each] for name, each in levels.items()},
            {name: [level.energy_density / WH_L for level in each] for name, each in levels.items()},
        )
    else:
        figure = composition_bars(_shares(found[0]))
    save(figure, path.parent, path.stem, (path.suffix.removeprefix("."),))


def _shares(found: CellDesign) -> Mapping[str, Mapping[str, float]]:
    inside = [part for part in found.components if part.in_electrode]
    return {
        "electrode, mass": {part.name: part.mass / found.electrode.mass for part in inside},
        "electrode, volume": {part.name: part.volume / found.electrode.volume for part in inside},
        "cell, mass": {part.name: part.mass / found.cell.mass for part in found.components},
        "cell, volume": {part.name: part.volume / found.cell.volume for part in found.components},
    }
