"""What ``catholyte mesh inspect`` shows of an unstructured mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group

from catholyte.mesh.elements import lumped_mass
from catholyte.mesh.nodes import tagged_area
from catholyte.report.tables import length_text, new_table, pairs

if TYPE_CHECKING:
    from rich.table import Table

    from catholyte.mesh.quality import Quality, Spread
    from catholyte.mesh.unstructured import UnstructuredMesh


def quality_report(mesh: UnstructuredMesh, quality: Quality) -> Group:
    """Return what ``catholyte mesh inspect`` shows of an unstructured mesh that has no faults."""
    extent = np.ptp(mesh.points, axis=0)[: mesh.dimension]
    size = " x ".join(f"{1e6 * length:.4g}" for length in extent)
    kind = "axisymmetric" if mesh.symmetry == "axisymmetric" else f"{mesh.dimension} dimensions"
    head = f"{len(mesh.points):,} points, {mesh.n_cells:,} cells, {kind}, {size} um"
    tags = ("", _tags(mesh)) if mesh.tag_names else ()
    return Group(head, "", _regions(mesh), *tags, "", _cells(quality), "", _between(quality))


def _regions(mesh: UnstructuredMesh) -> Table:
    region = np.concatenate([block.region for block in mesh.cells])
    grain = np.concatenate([block.grain for block in mesh.cells])
    volumes = [lumped_mass(block.kind, mesh.points[block.nodes], mesh.symmetry).sum(axis=1) for block in mesh.cells]
    share = np.bincount(region, np.concatenate(volumes), len(mesh.region_names))
    table = new_table("Regions", "region", "cells", "vol %", "grains")
    for k, name in enumerate(mesh.region_names):
        grains = np.unique(grain[region == k]).size
        cells = np.count_nonzero(region == k)
        table.add_row(name, f"{cells:,}", f"{100.0 * share[k] / share.sum():.3f}", str(grains) if grains > 1 else "-")
    return table


def _tags(mesh: UnstructuredMesh) -> Table:
    tag = np.concatenate([block.tag for block in mesh.facets])
    per_depth = mesh.dimension == 2 and mesh.symmetry == "none"
    table = new_table("Tags", "tag", "facets", "length um" if per_depth else "area um2")
    for k, name in enumerate(mesh.tag_names):
        area = tagged_area(mesh, name) * (1e6 if per_depth else 1e12)
        table.add_row(name, f"{np.count_nonzero(tag == k):,}", f"{area:.5g}")
    return table


def _cells(quality: Quality) -> Table:
    title = "Cells (lowest / median / highest)"
    table = new_table(title, "kind", "number", "angle, degrees", "shape (best 1)", "aspect ratio")
    for each in quality.kinds:
        row = [_spread(each.angle, ".1f"), _spread(each.shape, ".3f"), _spread(each.aspect, ".2f")]
        table.add_row(each.kind, f"{each.count:,}", *row)
    return table


def _between(quality: Quality) -> Table:
    edge, volume = quality.edge, quality.volume
    return pairs(
        "Mesh",
        [
            ("edges", f"{length_text(edge.low)} to {length_text(edge.high)}"),
            ("largest over smallest cell", f"{volume.high / volume.low:.4g}"),
            ("non-orthogonality", "mean {:.1f}, largest {:.1f} degrees".format(*quality.non_orthogonality)),
            ("skewness", "mean {:.3f}, largest {:.3f}".format(*quality.skewness)),
            ("negative couplings", f"{100.0 * quality.negative_couplings:.2f} %"),
            ("worst cells", ", ".join(str(number) for number in quality.worst)),
        ],
    )


def _spread(spread: Spread, form: str) -> str:
    return " / ".join(format(value, form) for value in (spread.low, spread.median, spread.high))
