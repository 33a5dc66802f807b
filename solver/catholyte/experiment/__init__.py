"""What the cycler is told to do: steps and stop rules, written in the step grammar of PyBaMM."""

from catholyte.experiment.grammar import parse_step
from catholyte.experiment.protocol import Experiment, check_start
from catholyte.experiment.steps import (
    Capacity,
    CapacityStop,
    Control,
    Current,
    CurrentControl,
    CurrentStop,
    RestControl,
    Step,
    StopRule,
    Threshold,
    TimeStop,
    VoltageControl,
    VoltageStop,
    resolve,
    threshold,
)

__all__ = [
    "Capacity",
    "CapacityStop",
    "Control",
    "Current",
    "CurrentControl",
    "CurrentStop",
    "Experiment",
    "RestControl",
    "Step",
    "StopRule",
    "Threshold",
    "TimeStop",
    "VoltageControl",
    "VoltageStop",
    "check_start",
    "parse_step",
    "resolve",
    "threshold",
]
