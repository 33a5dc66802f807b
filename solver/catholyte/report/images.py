"""What ``catholyte mesh inspect`` shows of an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Group

from catholyte.report.tables import new_table

if TYPE_CHECKING:
    from catholyte.mesh.images import LabelSummary


def image_report(labels: Mapping[int, LabelSummary], shape: tuple[int, ...]) -> Group:
    """Return what ``catholyte mesh inspect`` shows of an image."""
    table = new_table("Labels", "label", "voxels", "vol %", "clusters", "largest %", "percolates")
    for label, summary in labels.items():
        through = "".join(axis if yes else "-" for axis, yes in zip("zyx", summary.percolates, strict=True))
        table.add_row(
            str(label),
            f"{summary.voxels:,}",
            f"{100 * summary.fraction:.3f}",
            f"{summary.clusters:,}",
            f"{100 * summary.largest_share:.2f}",
            through,
        )
    return Group(" x ".join(str(n) for n in shape) + " voxels (z, y, x)", "", table)
