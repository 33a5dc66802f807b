"""The list of a protocol: texts, lists (cycles) and tables (groups), brought into blocks.

A cycle, as it is counted in the records, is a nested list, one pass of a group without lists inside, one of several
passes of a sweep, or another text outside of all these. A group with lists inside is not a cycle itself: what it holds
is counted as outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from catholyte.errors import InputError, InputErrors, nearest
from catholyte.experiment.blocks import Block, Node, leaves
from catholyte.experiment.conditions import Condition
from catholyte.experiment.rules import decided, quantities_of
from catholyte.experiment.sentences import Goto, label_of, read_condition, read_label, read_sentence

T = TypeVar("T")

_EXAMPLE = "a list with at least one step, like ['Discharge at C/10 until 2.5 V']"
_KEYS = ("steps", "repeat", "until", "name")
_UNTIL_MET = "until met"
_MOST = 1_000_000  # repetitions
_WHOLE = f"a whole number from 1 to {_MOST}"
_DEEPEST = 20  # groups within groups


def read_blocks(
    entries: object,
    *,
    repeat: object = 1,
    until: object = None,
    continued: object = (),
    key: str = "experiment",
) -> tuple[Block, ...]:
    """Read a protocol; parameters and errors as in :meth:`catholyte.experiment.program.Program.parse`.

    Returns
    -------
    tuple[Block, ...]
        The list with its repetitions, and one block for each list in ``continued``.
    """
    reading = _Reading()
    rule = reading.attempt(lambda: read_condition(until, key=f"{key}.until")) if until is not None else None
    times = reading.attempt(lambda: _repeat(repeat, f"{key}.repeat", _WHOLE))
    blocks = [Block(reading.entries(entries, f"{key}.steps"), times or 1, rule=rule, key=key, text=str(until))]
    if rule is not None:
        reading.attempt(lambda: _check_temperature(rule, blocks[0], f"{key}.until", until))
    if isinstance(continued, str) or not isinstance(continued, Sequence):
        reading.errors.append(InputError(f"{key}.continued", continued, f"a list of lists, each {_EXAMPLE}"))
    else:
        for i, further in enumerate(continued):
            blocks.append(Block(reading.entries(further, f"{key}.continued[{i}]")))
    if reading.errors:
        raise reading.errors[0] if len(reading.errors) == 1 else InputErrors(reading.errors)
    return tuple(blocks)


class _Reading:
    """Reads entries and collects what is wrong with them, so that all of it can be told at once."""

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    def attempt(self, read: Callable[[], T]) -> T | None:
        """Return what ``read`` returns, or None if it refuses."""
        try:
            return read()
        except InputError as error:
            self.errors.append(error)
            return None

    def entries(self, entries: object, key: str, *, in_cycle: bool = False, depth: int = 0) -> tuple[Node, ...]:
        """Read a list whose labels and jumps belong together."""
        if isinstance(entries, str) or not isinstance(entries, Sequence) or not entries:
            self.errors.append(InputError(key, entries, _EXAMPLE))
            return ()
        if depth > _DEEPEST:
            self.errors.append(InputError(key, "…", f"groups at most {_DEEPEST} deep"))
            return ()
        level = _Level()
        for i, entry in enumerate(entries):
            try:
                self.entry(entry, f"{key}[{i}]", level, in_cycle, depth)
            except InputError as error:
                self.errors.append(error)
        return tuple(level.nodes)

    def entry(self, entry: object, key: str, level: _Level, in_cycle: bool, depth: int) -> None:
        """Read one entry of a list."""
        if isinstance(entry, Mapping):
            self.group(entry, key, level, in_cycle, depth)
        elif isinstance(entry, Sequence) and not isinstance(entry, str):
            if in_cycle:
                raise InputError(key, entry, "a step or a group (a nested list is a cycle, and this is inside of one)")
            body = self.entries(entry, key, in_cycle=True, depth=depth + 1)
            level.nodes.append(Block(body, cycle=True))
        else:
            label = label_of(entry)
            self.attempt(lambda: level.label(label, key, entry))
            try:
                sentence = read_sentence(entry, key=key, labels=level.directions)
            except InputError:
                level.nodes.append(Block(()))  # so that jumps to its label are not faults as well
                raise
            level.directions[label] = sentence.falling
            if isinstance(sentence.content, Goto):
                level.loop(sentence.content, key, str(entry))
            else:
                level.nodes.append(_counted(sentence.content, in_cycle))

    def group(self, table: Mapping[Any, object], key: str, level: _Level, in_cycle: bool, depth: int) -> None:
        """Read a table."""
        for name in table:
            if name not in _KEYS:
                expected = "one of the keys of a group, " + ", ".join(_KEYS)
                self.errors.append(InputError(f"{key}.{name}", table[name], expected, nearest(str(name), _KEYS)))
        if "name" in table:
            name = self.attempt(lambda: read_label(table["name"], key=f"{key}.name"))
            self.attempt(lambda: level.label(name or "", f"{key}.name", table["name"]))
        until, repeat = table.get("until"), table.get("repeat", 1)
        rule = None
        if "until" in table:
            rule = self.attempt(lambda: read_condition(until, key=f"{key}.until"))
        forever = repeat == _UNTIL_MET
        times = (
            None if forever else self.attempt(lambda: _repeat(repeat, f"{key}.repeat", f"{_WHOLE} or '{_UNTIL_MET}'"))
        )
        if forever and "until" not in table:
            self.errors.append(InputError(f"{key}.repeat", repeat, "a number, since the group has no rule 'until'"))
        inner = in_cycle or not _has_cycles(table.get("steps"), depth)
        body = self.entries(table.get("steps"), f"{key}.steps", in_cycle=inner, depth=depth + 1)
        cycle = inner and not in_cycle
        block = Block(body, times, rule=rule, cycle=cycle, key=f"{key}.until", text=str(until))
        if rule is not None:
            self.attempt(lambda: _check_temperature(rule, block, f"{key}.until", until))
        level.nodes.append(block)


class _Level:
    """The nodes of one list so far, and the labels that a jump may go back to."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.places: dict[str, int] = {}
        self.directions: dict[str, bool | None] = {}
        self.used: set[str] = set()

    def label(self, name: str, key: str, value: object) -> None:
        """Note that the next node has a label."""
        if not name:
            return
        if name in self.used:
            raise InputError(key, value, f"a label that no step before it in the list has, not {name!r} at position 1")
        self.used.add(name)
        self.places[name] = len(self.nodes)
        self.directions[name] = None

    def loop(self, goto: Goto, key: str, text: str) -> None:
        """Make a loop of everything from a label on; labels inside of it can no longer be reached from outside."""
        start = self.places[goto.label]
        if start >= len(self.nodes):
            raise InputError(key, text, f"a step between the label {goto.label!r} and the jump at position 1")
        times = None if goto.times is None else goto.times + 1
        body = tuple(self.nodes[start:])
        self.nodes[start:] = [Block(body, times, test=goto.test, key=key, text=text)]
        for name in [name for name, place in self.places.items() if place > start]:
            del self.places[name], self.directions[name]


def _repeat(value: object, key: str, expected: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
        raise InputError(key, value, expected)
    return value


def _counted(content: Node, in_cycle: bool) -> Node:
    """Return a sentence as it is counted: as a cycle, unless it is inside of one or its passes are cycles."""
    if isinstance(content, Block) and content.cycle:
        return replace(content, cycle=False) if in_cycle else content
    return content if in_cycle else Block((content,), cycle=True)


def _has_cycles(entries: object, depth: int) -> bool:
    """Whether there is a nested list in the entries of a group, or in groups within it."""
    if isinstance(entries, str) or not isinstance(entries, Sequence) or depth > _DEEPEST:
        return False
    for entry in entries:
        if isinstance(entry, Mapping):
            if _has_cycles(entry.get("steps"), depth + 1):
                return True
        elif isinstance(entry, Sequence) and not isinstance(entry, str):
            return True
    return False


def _check_temperature(rule: Condition, block: Block, key: str, value: object) -> None:
    """Refuse a rule on temperature alone that none of the temperatures inside of the group can meet."""
    if quantities_of(rule) != {"temperature"}:
        return
    temperatures = {leaf.item.temperature for leaf in leaves(block)}
    known = [kelvin for kelvin in temperatures if kelvin is not None]
    if any(decided(rule, kelvin) for kelvin in known) or (known and None in temperatures):
        return
    why = "steps have one temperature each, and none inside of this group meets it"
    raise InputError(key, value, f"a rule that can be met at position 1 ({why})")
