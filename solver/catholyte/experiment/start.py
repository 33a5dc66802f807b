"""Refuses a protocol that would be over, or would leave a step or group, before any current flows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from catholyte.errors import InputError
from catholyte.experiment.amounts import Scales
from catholyte.experiment.blocks import Leaf, Node
from catholyte.experiment.conditions import AnyOf, Condition, Limit, Moment, margin
from catholyte.experiment.program import Program
from catholyte.experiment.rules import quantities_of
from catholyte.experiment.steps import RestControl, Step, SweepControl, VoltageControl

_ANY_CELL = Scales(1.0, 1.0, 1.0)  # nothing has passed yet, on whatever basis


def check_start(program: Program, voltage: float, temperature: float = math.nan) -> None:
    """Refuse a protocol whose first rule is met before any current flows.

    Rests and spectra that come first do not move the open-circuit voltage and are passed over.

    Parameters
    ----------
    program
        The protocol.
    voltage
        Open-circuit voltage of the initial state [V], against the reference of the protocol.
    temperature
        Of the cell [K], for a step that has none of its own; not a number where it is not known.

    Raises
    ------
    InputError
        Naming the step, what is met, and the voltage.
    """
    found = _first_with_current(program.blocks, ())
    if found is None:
        return
    leaf, rules = found
    step = leaf.item
    assert isinstance(step, Step)
    kelvin = temperature if step.temperature is None else step.temperature
    if isinstance(step.control, VoltageControl):
        voltage = step.control.voltage
    elif isinstance(step.control, SweepControl) and step.control.start is not None:
        voltage = step.control.start
    now = Moment(0.0, voltage, math.nan, 0.0, kelvin, 0.0, math.nan)
    for rule in (*([] if step.stop is None else [step.stop]), *rules):
        if margin(rule, now, now, _ANY_CELL) <= 0.0:
            raise InputError(leaf.key, step.text, _expected(rule, now))


def _first_with_current(
    nodes: Sequence[Node], rules: tuple[Condition, ...]
) -> tuple[Leaf, tuple[Condition, ...]] | None:
    """Return the first step that is no rest, with the rules of the groups around it."""
    for node in nodes:
        if isinstance(node, Leaf):
            if isinstance(node.item, Step) and not isinstance(node.item.control, RestControl):
                return node, rules
            continue
        inner = rules if node.rule is None else (node.rule, *rules)
        if (found := _first_with_current(node.body, inner)) is not None:
            return found
    return None


def _expected(rule: Condition, now: Moment) -> str:
    """Say what the start would have to be, for a rule that is met."""
    if isinstance(rule, AnyOf):
        rule = min(rule.conditions, key=lambda part: margin(part, now, now, _ANY_CELL))
        return _expected(rule, now)
    if isinstance(rule, Limit) and rule.quantity == "voltage":
        side = "above" if rule.falling else "below"
        return (
            f"an initial open-circuit voltage {side} the cut-off of {rule.amount:g} V "
            f"(it is {now.voltage:.4g} V, so the step would end at once)"
        )
    met = " and ".join(sorted(quantities_of(rule)))
    return f"a rule that is not met before any current flows (the {met} meets it, so the step would end at once)"
