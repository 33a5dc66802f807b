"""What the cycler and the frequency-response analyser are told to do: the language of protocols, and its programs."""

from catholyte.experiment.amounts import Amount, Basis, Capacity, Current, Power, Resistance, Scales, resolve
from catholyte.experiment.conditions import AllOf, AnyOf, Condition, Limit, Moment, Quantity, duration, margin, met_by
from catholyte.experiment.cursor import Cursor
from catholyte.experiment.program import Program, Scope, Task
from catholyte.experiment.sentences import parse_step, read_condition
from catholyte.experiment.start import check_start
from catholyte.experiment.steps import (
    Control,
    CurrentControl,
    PowerControl,
    ResistanceControl,
    RestControl,
    Role,
    Spectrum,
    Step,
    SweepControl,
    VoltageControl,
)

__all__ = [
    "AllOf",
    "Amount",
    "AnyOf",
    "Basis",
    "Capacity",
    "Condition",
    "Control",
    "Current",
    "CurrentControl",
    "Cursor",
    "Limit",
    "Moment",
    "Power",
    "PowerControl",
    "Program",
    "Quantity",
    "Resistance",
    "ResistanceControl",
    "RestControl",
    "Role",
    "Scales",
    "Scope",
    "Spectrum",
    "Step",
    "SweepControl",
    "Task",
    "VoltageControl",
    "check_start",
    "duration",
    "margin",
    "met_by",
    "parse_step",
    "read_condition",
    "resolve",
]
