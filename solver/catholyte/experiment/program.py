"""A protocol as a list of instructions, and the machine that walks through it.

::

    enter    a group or loop; notes the moment at which it begins
    mark     a new cycle begins
    run      a task
    leave    the end of a group or loop: back to its first instruction, or on

All that a walk depends on is in the :class:`~catholyte.experiment.cursor.Cursor`, so that a run can be taken up again
from a checkpoint. Entries added by ``continued`` only add instructions at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from catholyte.errors import InputError
from catholyte.experiment.amounts import Scales
from catholyte.experiment.blocks import Block, Leaf, Node, planned
from catholyte.experiment.conditions import Condition, Moment, margin
from catholyte.experiment.cursor import Cursor, Frame
from catholyte.experiment.entries import read_blocks
from catholyte.experiment.steps import Spectrum, Step


@dataclass(frozen=True)
class Task:
    """One step or spectrum of a protocol.

    Attributes
    ----------
    item
        What is done.
    number
        Its place among :attr:`Program.tasks`.
    key
        Where it stands in the case file; steps that one sentence stands for share it.
    """

    item: Step | Spectrum
    number: int
    key: str


@dataclass(frozen=True)
class Scope:
    """A rule of a group around the present task, and the instant at which the group began."""

    condition: Condition
    began: Moment


@dataclass(frozen=True)
class _Enter:
    leave: int
    rule: Condition | None


@dataclass(frozen=True)
class _Mark:
    """A cycle begins."""


@dataclass(frozen=True)
class _Run:
    task: int


@dataclass(frozen=True)
class _Leave:
    enter: int
    block: Block


_Instruction = _Enter | _Mark | _Run | _Leave


@dataclass(frozen=True)
class Program:
    """A protocol that can be carried out.

    Attributes
    ----------
    tasks
        Its steps and spectra in the order of the text; loops carry one out many times.
    planned
        How many tasks are carried out if no rule cuts them short; None where loops end by a condition.
    blocks
        The shape of the protocol.
    """

    tasks: tuple[Task, ...]
    planned: int | None
    blocks: tuple[Block, ...] = field(repr=False)
    _code: tuple[_Instruction, ...] = field(repr=False)

    @classmethod
    def parse(
        cls,
        entries: Sequence[object],
        *,
        repeat: int = 1,
        until: str | None = None,
        continued: Sequence[Sequence[object]] = (),
        key: str = "experiment",
    ) -> Program:
        """Read a protocol.

        Parameters
        ----------
        entries
            Texts, lists of entries (one cycle each) and tables (groups); see ``docs/experiment.md``.
        repeat
            How many times the whole list is carried out.
        until
            A rule that ends the list, as in "voltage < 2.5 V"; it does not govern ``continued``.
        continued
            Further lists of entries, carried out once each, after all repetitions.
        key
            Where the protocol stands in the case file; used in errors, as in ``experiment.steps[2]``.

        Raises
        ------
        InputError
            If one entry, ``repeat`` or ``until`` cannot be used: the word, its position and what was expected.
        InputErrors
            If there is more than one such fault.
        """
        return cls.of(read_blocks(entries, repeat=repeat, until=until, continued=continued, key=key))

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> Program:
        """Make a program of blocks that are carried out one after the other."""
        tasks: list[Task] = []
        code: list[_Instruction] = []
        for block in blocks:
            _compile(block, tasks, code)
        numbers = [planned(block) for block in blocks]
        known = [number for number in numbers if number is not None]
        return cls(tuple(tasks), sum(known) if len(known) == len(numbers) else None, tuple(blocks), tuple(code))

    def start(self) -> Cursor:
        """Return the cursor before the first task; :meth:`advance` moves it there."""
        return Cursor()

    def advance(self, cursor: Cursor, moment: Moment, scales: Scales) -> Cursor:
        """Go on to the next task: through the ends of loops, into groups.

        Parameters
        ----------
        cursor
            A cursor without a task (:meth:`start`, :meth:`finish`); one that has a task is returned as it is.
        moment
            The present instant.
        scales
            Of the cell, for the conditions that loops test.

        Returns
        -------
        Cursor
            At a task, or without one at the end of the program.

        Raises
        ------
        InputError
            If a loop that only a condition can end has been carried through without any time passing.
        """
        while cursor.task is None and cursor.position < len(self._code):
            instruction = self._code[cursor.position]
            after = cursor.position + 1
            match instruction:
                case _Enter():
                    frame = Frame(cursor.position, 1, moment, moved=False)
                    cursor = replace(cursor, position=after, frames=(*cursor.frames, frame))
                case _Mark():
                    cursor = replace(cursor, position=after, cycle=cursor.cycle + 1, step=-1)
                case _Run(task):
                    step, count = cursor.step + 1, cursor.count + 1
                    cursor = replace(cursor, task=task, step=step, count=count, began=moment.time)
                case _Leave(enter, block):
                    *outer, frame = cursor.frames
                    if _is_over(block, frame, moment, scales):
                        cursor = replace(cursor, position=after, frames=tuple(outer))
                    else:
                        again = replace(frame, passes=frame.passes + 1, moved=False)
                        cursor = replace(cursor, position=enter + 1, frames=(*outer, again))
        return cursor

    def scopes(self, cursor: Cursor) -> tuple[Scope, ...]:
        """Return the rules of the groups around the present task, the innermost first."""
        return tuple(Scope(rule, frame.began) for frame, rule in self._ruled(cursor))

    def finish(self, cursor: Cursor, moment: Moment, left: int | None = None) -> Cursor:
        """Note that the present task is over.

        Parameters
        ----------
        cursor
            A cursor at a task.
        moment
            The instant at which it ended.
        left
            Index among :meth:`scopes` of the group whose rule ended it; that group is left.

        Returns
        -------
        Cursor
            Without a task; :meth:`advance` moves it to the next one.
        """
        if cursor.task is None:
            raise ValueError("a cursor without a task cannot finish one")
        if left is not None:
            frame, _ = self._ruled(cursor)[left]
            enter = self._code[frame.opened]
            assert isinstance(enter, _Enter)
            frames = cursor.frames[: cursor.frames.index(frame)]
            position = enter.leave + 1
        else:
            frames, position = cursor.frames, cursor.position + 1
        if moment.time > cursor.began:
            frames = tuple(replace(frame, moved=True) for frame in frames)
        return replace(cursor, task=None, position=position, frames=frames)

    def _ruled(self, cursor: Cursor) -> list[tuple[Frame, Condition]]:
        found = []
        for frame in reversed(cursor.frames):
            instruction = self._code[frame.opened]
            if isinstance(instruction, _Enter) and instruction.rule is not None:
                found.append((frame, instruction.rule))
        return found


def _compile(node: Node, tasks: list[Task], code: list[_Instruction]) -> None:
    """Append the tasks and the instructions of a block."""
    if isinstance(node, Leaf):
        code.append(_Run(len(tasks)))
        tasks.append(Task(node.item, len(tasks), node.key))
        return
    enter = len(code)
    if not node.plain:
        code.append(_Enter(-1, node.rule))
    if node.cycle:
        code.append(_Mark())
    for part in node.body:
        _compile(part, tasks, code)
    if not node.plain:
        code[enter] = _Enter(len(code), node.rule)
        code.append(_Leave(enter, node))


def _is_over(block: Block, frame: Frame, moment: Moment, scales: Scales) -> bool:
    """Whether a pass that has ended was the last one."""
    if frame.passes == block.times:
        return True
    # Events are located to tolerance: a rule that is met within it is met.
    if block.test is not None and margin(block.test, moment, frame.began, scales) <= 1.0:
        return True
    if block.times is None and not frame.moved:
        expected = f"steps that take time (pass {frame.passes} of this loop took none, so that it would never end)"
        raise InputError(block.key, block.text, expected)
    return False
