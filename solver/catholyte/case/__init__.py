"""The case file: what a user writes in TOML, checked and in SI."""

from catholyte.case.chemistry_tables import HysteresisSection, LatticeSection, ReactionSection
from catholyte.case.faults import json_schema
from catholyte.case.mesh_tables import (
    BlendMesh,
    CollectorLayer,
    ImageMesh,
    LaminateMesh,
    MeshSection,
    PackingMesh,
    SeparatorLayer,
)
from catholyte.case.read import parse_case, read_case, validate_case
from catholyte.case.schema import (
    Case,
    CellSection,
    Counter,
    Diameter,
    ExperimentSection,
    InitialState,
    InterfaceSection,
    KineticsSection,
    OutputSection,
    PhaseSection,
    SolverSection,
)
from catholyte.case.values import FieldSchedule

__all__ = [
    "BlendMesh",
    "Case",
    "CellSection",
    "CollectorLayer",
    "Counter",
    "Diameter",
    "ExperimentSection",
    "FieldSchedule",
    "HysteresisSection",
    "ImageMesh",
    "InitialState",
    "InterfaceSection",
    "KineticsSection",
    "LaminateMesh",
    "LatticeSection",
    "MeshSection",
    "OutputSection",
    "PackingMesh",
    "PhaseSection",
    "ReactionSection",
    "SeparatorLayer",
    "SolverSection",
    "json_schema",
    "parse_case",
    "read_case",
    "validate_case",
]
