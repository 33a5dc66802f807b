"""A protocol: cycles of steps, read from the lists of texts in a case file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catholyte.errors import InputError, InputErrors
from catholyte.experiment.grammar import parse_step
from catholyte.experiment.steps import RestControl, Step, VoltageStop


@dataclass(frozen=True)
class Experiment:
    """Cycles of steps, all of them carried out ``repeat`` times.

    Iterating gives ``(cycle_index, step_index, step)``: cycles count from 0 through all repetitions, steps
    count from 0 within their cycle.
    """

    cycles: tuple[tuple[Step, ...], ...]
    repeat: int = 1

    def __iter__(self) -> Iterator[tuple[int, int, Step]]:
        for cycle_index, cycle in enumerate(self.cycles * self.repeat):
            for step_index, step in enumerate(cycle):
                yield cycle_index, step_index, step

    def __len__(self) -> int:
        return self.repeat * sum(len(cycle) for cycle in self.cycles)

    @classmethod
    def parse(cls, steps: Sequence[str | Sequence[str]], *, repeat: int = 1, key: str = "experiment") -> Experiment:
        """Read a protocol.

        Parameters
        ----------
        steps
            Texts and lists of texts. As in PyBaMM a nested list is one cycle, and a text outside of one is a
            cycle of a single step.
        repeat
            How many times the whole list is carried out.
        key
            Where the protocol stands in the case file; used in errors, as in ``experiment.steps[2]``.

        Raises
        ------
        InputError
            If one text is not a step, or the list or ``repeat`` is not usable.
        InputErrors
            If more than one text is not a step.
        """
        if isinstance(repeat, bool) or not isinstance(repeat, int) or repeat < 1:
            raise InputError(f"{key}.repeat", repeat, "a whole number of at least 1")
        expected = "a list with at least one step, like ['Discharge at C/10 until 2.5 V']"
        if isinstance(steps, str) or not isinstance(steps, Sequence) or not steps:
            raise InputError(f"{key}.steps", steps, expected)
        errors: list[InputError] = []

        def read(text: object, where: str) -> list[Step]:
            try:
                return [parse_step(text, key=where)]
            except InputError as error:
                errors.append(error)
                return []

        cycles = []
        for i, item in enumerate(steps):
            where = f"{key}.steps[{i}]"
            if isinstance(item, Sequence) and not isinstance(item, str):
                if not item:
                    raise InputError(where, item, expected)
                cycles.append(tuple(s for j, text in enumerate(item) for s in read(text, f"{where}[{j}]")))
            else:
                cycles.append(tuple(read(item, where)))
        if errors:
            raise errors[0] if len(errors) == 1 else InputErrors(errors)
        return cls(tuple(cycles), repeat)


def check_start(experiment: Experiment, voltage: float, *, key: str = "experiment") -> None:
    """Refuse a protocol whose first cut-off the cell has passed before any current flows.

    Rests that come first do not move the open-circuit voltage and are passed over.

    Parameters
    ----------
    experiment
        The protocol.
    voltage
        Open-circuit voltage of the initial state [V], against the reference of the cut-offs.
    key
        Where the protocol stands in the case file.

    Raises
    ------
    InputError
        Naming the step, its cut-off and the voltage.
    """
    for cycle_index, cycle in enumerate(experiment.cycles):
        for step_index, step in enumerate(cycle):
            if isinstance(step.control, RestControl):
                continue
            for rule in step.stop_rules:
                if isinstance(rule, VoltageStop):
                    side = "above" if rule.falling else "below"
                    if (voltage <= rule.voltage) if rule.falling else (voltage >= rule.voltage):
                        inner = f"[{step_index}]" if len(cycle) > 1 else ""
                        raise InputError(
                            f"{key}.steps[{cycle_index}]{inner}",
                            step.text,
                            f"an initial open-circuit voltage {side} the cut-off of {rule.voltage:g} V "
                            f"(it is {voltage:.4g} V, so the step would end at once)",
                        )
            return
