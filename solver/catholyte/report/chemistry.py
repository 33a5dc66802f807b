"""What ``catholyte check`` shows of species and reactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from catholyte.build.chemistry import TRACE, supplies
from catholyte.build.geometry import SEPARATOR, volume_shares
from catholyte.build.layers import counted_share
from catholyte.report.tables import listing

if TYPE_CHECKING:
    from catholyte.build import Built
    from catholyte.build.reactions import PlannedReaction
    from catholyte.physics.network import Lattice, Stock


def recipe_rows(built: Built) -> list[tuple[str, str]]:
    """Return what the recipe of a mixture says by mass and by volume."""
    case, materials = built.case, built.materials
    rows: list[tuple[str, str]] = []
    if any(phase.mass_share is not None for phase in case.phases.values()):
        shares = volume_shares(case.phases, materials)
        solid = {
            name: share * materials[name].property("density").value
            for name, share in shares.items()
            if name in materials
        }
        total = sum(solid.values())
        rows.append(("recipe by mass", ", ".join(f"{100 * m / total:.2f} % {name}" for name, m in solid.items())))
        rows.append(("recipe by volume", ", ".join(f"{100 * s:.2f} % {name}" for name, s in shares.items())))
    return rows


def basis_rows(built: Built) -> list[tuple[str, str]]:
    """Return the mass that specific amounts refer to, where it is not that of the active phases."""
    case, materials = built.case, built.materials
    active = [name for name in built.design.volume_shares if name in materials and materials[name].kind == "active"]
    basis = case.cell.mass_basis or active
    parts = [(name, counted_share(materials[name])) for name in basis]
    if case.cell.mass_basis is None and all(part == 1.0 for _, part in parts):
        return []
    text = " and ".join(name if part == 1.0 else f"{100 * part:g} % of {name}" for name, part in parts)
    share = built.design.active_areal_mass / built.design.areal_mass
    return [("amounts per mass refer to", f"{text}, {100 * share:.2f} % of the electrode's mass")]


def supply_rows(built: Built) -> list[tuple[str, str]]:
    """Return how much of what a lattice takes from the other phase is there."""
    return [
        (f"{each.species} of {each.phase} per site of {each.lattice}", f"{each.ratio:.4g}")
        for each in supplies(built.reactions, built.materials, built.design.volume_shares)
    ]


def species_table(built: Built) -> Table:
    """Return the lattices with their species at the start."""
    rows = []
    for phase, stock in _stocks(built).items():
        for lattice in stock.lattices:
            rows.append(
                (
                    phase,
                    lattice.name,
                    f"{lattice.sites / 1000:.4g}",
                    f"{lattice.D:.3g}" if lattice.D else "immobile",
                    _fractions(built, phase, lattice),
                )
            )
    return listing("Species at the start", ("phase", "lattice", "sites / (mol/L)", "D / (m2/s)", "fractions"), rows)


def reaction_table(built: Built) -> Table:
    """Return the reactions, with those that do not take place and why; where, only if that is not the same for all."""
    shown = [each for each in built.reactions if _shown(built, each.pair[1])]
    T = built.parameters.temperature
    columns = ("reaction", "of", "equation", "U0 / V", "i0 / (A/m2)", "law")
    rows = [_row(each, T) for each in shown]
    places = [" | ".join(each.pair) for each in shown]
    if len(set(places)) == 1:
        return listing(f"Reactions at {places[0]}", columns, rows)
    return listing("Reactions", ("where", *columns), [(place, *row) for place, row in zip(places, rows, strict=True)])


def _row(reaction: PlannedReaction, T: float) -> tuple[str, ...]:
    data = reaction.data
    potential = "curve" if data.potential is None else f"{data.potential.value:.3f}"
    if data.hysteresis is not None:
        potential += f" ± {data.hysteresis.width / 2:.3g}"
    law = data.law if reaction.takes_place else f"does not take place: {reaction.obstacle}"
    return data.name, reaction.giver, str(data.equation), potential, f"{data.exchange_current.at(T):.3g}", law


def _fractions(built: Built, phase: str, lattice: Lattice) -> str:
    """Return the fractions of a lattice; a trace counts as nothing."""
    names = [*lattice.species, *([lattice.vacancy] if lattice.filling == "vacancies" else [])]
    fractions = {name: built.initial_lithiation[f"{phase} {name}"] for name in names}
    return ", ".join(
        f"{name if name in lattice.species else 'vacant'} {value if value > 2.0 * TRACE else 0.0:.4g}"
        for name, value in fractions.items()
    )


def _stocks(built: Built) -> dict[str, Stock]:
    return {
        name: phase.stock
        for name, phase in built.parameters.phases.items()
        if phase.stock is not None and _shown(built, name)
    }


def _shown(built: Built, phase: str) -> bool:
    """Whether a phase is worth its rows: a separator of the electrolyte's material repeats those of the electrolyte."""
    layer = built.case.mesh.separator
    return phase != SEPARATOR or layer is None or layer.material is not None
