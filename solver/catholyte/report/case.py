"""What ``catholyte check`` shows of a case."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from catholyte.build.layers import LayeredGeometry
from catholyte.build.particles import ParticleGeometry
from catholyte.build.unstructured import UnstructuredGeometry
from catholyte.report.chemistry import basis_rows, reaction_table, recipe_rows, species_table, supply_rows
from catholyte.report.tables import MA_CM2, MAH_CM2, MAH_G, length_text, new_table, pairs

if TYPE_CHECKING:
    from catholyte.build import Built
    from catholyte.build.places import AnyGeometry
    from catholyte.experiment import Program

_PLURALS = {
    "tetra": "tetrahedra",
    "hexahedron": "hexahedra",
    "wedge": "wedges",
    "triangle": "triangles",
    "quad": "quadrilaterals",
}
#: so many sentences of a protocol are shown
_SENTENCES = 20


def check_report(built: Built) -> Group:
    """Return what ``catholyte check`` shows: composition, capacity, percolation, size of the computation."""
    design, image = built.design, built.geometry
    composition = new_table("Electrode", "phase", "material", "vol %", "mass %", "connected %", "reacting %")
    for name in image.phase_names:
        material = built.materials.get(name)
        share = design.volume_shares.get(name)
        connected, reacting = built.percolation.connected.get(name), built.percolation.reacting.get(name)
        composition.add_row(
            name,
            material.name if material is not None else "void",
            "layer" if share is None else f"{100 * share:.2f}",
            f"{100 * design.mass_shares[name]:.2f}" if name in design.mass_shares else "",
            "" if connected is None or material is None else f"{100 * connected:.2f}",
            "" if reacting is None else f"{100 * reacting:.2f}",
        )
    one_c = design.current_density_1C
    basis = basis_rows(built)
    counted = "counted" if basis else "active"
    hosts = [name for name, phase in built.parameters.phases.items() if phase.host is not None]
    lithiation = ", ".join(f"{built.initial_lithiation[name]:.4f} ({name})" for name in hosts)
    numbers = pairs(
        "Derived numbers",
        [
            ("thickness", length_text(design.thickness)),
            ("porosity", f"{100 * design.porosity:.2f} %"),
            *recipe_rows(built),
            *basis,
            (
                "mass loading",
                f"{design.areal_mass * 100:.4g} mg/cm2 composite, "
                f"{design.active_areal_mass * 100:.4g} mg/cm2 {counted}",
            ),
            (
                "theoretical capacity",
                f"{design.theoretical_capacity / MAH_G:.1f} mAh/g, "
                f"{design.theoretical_areal_capacity / MAH_CM2:.4g} mAh/cm2",
            ),
            (
                "nominal capacity (1C)",
                f"{design.nominal_capacity / MAH_G:.1f} mAh/g, {design.areal_capacity / MAH_CM2:.4g} mAh/cm2",
            ),
            ("1C", f"{one_c / MA_CM2:.4g} mA/cm2"),
            ("C/10", f"{one_c / MA_CM2 / 10:.4g} mA/cm2"),
            (
                "initial voltage",
                f"{built.initial_voltage:.4f} V vs Li/Li+, "
                f"{built.initial_voltage - built.counter_potential:.4f} V cell",
            ),
            *([("initial lithiation", lithiation)] if lithiation else []),
            *supply_rows(built),
            ("mesh", _mesh_text(image)),
            ("unknowns", f"{built.unknowns:,}"),
            ("estimated memory", f"{built.estimated_memory / 2**20:,.0f} MiB"),
        ],
    )
    parts = [composition, numbers]
    if built.reactions:
        parts += [species_table(built), reaction_table(built)]
    shown = [item for part in [*parts, _protocol(built.program)] for item in ("", part)]
    return Group(Text(built.case.title, style="bold cyan"), *shown)


def _mesh_text(mesh: AnyGeometry) -> str:
    if isinstance(mesh, ParticleGeometry):
        particles = mesh.particles
        sizes = " + ".join(length_text(size.diameter) for size in particles.sizes)
        return f"single {particles.shape}s of {sizes} in {particles.shells} shells"
    if isinstance(mesh, LayeredGeometry):
        domains, layer = mesh.domains, length_text(mesh.thickness / mesh.count)
        sizes = " + ".join(length_text(size.diameter) for size in domains.sizes)
        return (
            f"{mesh.count} layers of {layer}; {domains.phase} as {domains.shape}s of {sizes} "
            f"in {domains.shells} shells, {domains.electrolyte} in {domains.electrolyte_shells}"
        )
    if isinstance(mesh, UnstructuredGeometry):
        kinds = ", ".join(f"{block.nodes.shape[0]:,} {_PLURALS[block.kind]}" for block in mesh.mesh.cells)
        around = " around an axis" if mesh.mesh.symmetry == "axisymmetric" else ""
        return f"{kinds}{around}, {mesh.graph.n_cells:,} nodes"
    shape = " x ".join(str(n) for n in mesh.labels.shape)
    spacing = " x ".join(length_text(h) for h in dict.fromkeys(mesh.spacing))
    return f"{shape} voxels of {spacing}"


def _protocol(program: Program) -> Table:
    """Return the sentences of a protocol with the numbers of the tasks that each stands for."""
    rows: list[tuple[str, str]] = []
    for text, group in groupby(program.tasks, key=lambda task: task.item.text):
        numbers = [task.number + 1 for task in group]
        rows.append((str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}", text))
    shown = rows[:_SENTENCES]
    if len(rows) > len(shown):
        shown.append(("…", f"{len(rows) - len(shown)} more"))
    return pairs("Protocol", shown)
