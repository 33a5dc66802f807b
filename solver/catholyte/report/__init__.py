"""Tables for people: what a case amounts to, what a run gave, what a material is."""

from catholyte.report.case import check_report
from catholyte.report.effective import effective_report
from catholyte.report.images import image_report
from catholyte.report.materials import material_report
from catholyte.report.meshes import quality_report
from catholyte.report.run import run_report
from catholyte.report.tables import listing

__all__ = [
    "check_report",
    "effective_report",
    "image_report",
    "listing",
    "material_report",
    "quality_report",
    "run_report",
]
