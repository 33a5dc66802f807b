"""One text of a protocol: a label, and a step, a sequence of steps, a spectrum or a jump back.

::

    sentence = [ label ":" ] ( step | sequence | goto ) [ "at" temperature ] [ "(" duration "period" ")" ]
    goto     = "Go to" label ( n "times" | [ "," ] bound { [ "," ] bound } )
    bound    = "until" rule | "at" "most" n "times"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from catholyte.errors import InputError
from catholyte.experiment.blocks import Block, Leaf, Node, leaves
from catholyte.experiment.conditions import Condition
from catholyte.experiment.grammar import (
    Manner,
    check_temperature,
    read_discharge,
    read_hold,
    read_manner,
    read_rest,
)
from catholyte.experiment.reader import NAME, Reader, Token
from catholyte.experiment.rules import ANYTHING, Setting, read_rule
from catholyte.experiment.sequences import read_gitt, read_hppc, read_spectrum, read_sweep
from catholyte.experiment.steps import Spectrum, Step

_GO = ("go", "goto")
_ACTIONS = ("Discharge", "Charge", "Hold", "Rest", "Sweep", "EIS", "Interrupt", "GITT", "HPPC")


@dataclass(frozen=True)
class Goto:
    """A jump back.

    Attributes
    ----------
    label
        Where to, in lower case.
    times
        How often at most, or None.
    test
        A condition judged when the jump is reached: once it is met the protocol goes on.
    """

    label: str
    times: int | None
    test: Condition | None


@dataclass(frozen=True)
class Sentence:
    """What a text means.

    Attributes
    ----------
    label
        Its label in lower case, or "".
    content
        Tasks, or a jump.
    falling
        Whether the voltage falls in what the label names; None where it has no direction.
    """

    label: str
    content: Node | Goto
    falling: bool | None


def read_sentence(text: object, *, key: str, labels: Mapping[str, bool | None] | None = None) -> Sentence:
    """Read one text.

    Parameters
    ----------
    text
        As written.
    key
        Where it stands in the case file.
    labels
        Labels that a jump may name, in lower case, each with the direction of the voltage there.

    Raises
    ------
    InputError
        Naming the word that was not understood, its position (from 1), and what was expected there.
    """
    if not isinstance(text, str):
        raise InputError(key, text, "a step as text, like 'Discharge at C/10 until 2.5 V'")
    label, start = _label(text)
    reader = Reader(text, key, start)
    first = reader.take()
    if first.lower in _GO:
        return Sentence(label, _goto(reader, first, labels or {}), None)
    if first.lower == "run":
        reader.fail("a step with a constant control or a sweep (drive cycles are not supported)", first)
    names = ", ".join(repr(action) for action in _ACTIONS)
    action = _actions(reader).get(first.lower)
    if action is None:
        reader.fail(f"{names} or 'Go to'", first, (*_ACTIONS, "Go to"))
    content, falling = action()
    manner = read_manner(reader)
    if manner.period is not None and isinstance(content, Leaf) and isinstance(content.item, Spectrum):
        period = next(token for token in reader.tokens if token.text == "(")
        reader.fail("the end of the step without a period (a spectrum takes no time)", period)
    content = _in_manner(content, manner)
    for leaf in leaves(content):
        if isinstance(leaf.item, Step):
            check_temperature(reader, leaf.item.stop, leaf.item.temperature)
    return Sentence(label, content, falling)


def parse_step(text: object, *, key: str = "step") -> Step | Spectrum:
    """Read a text that stands for one step or one spectrum.

    Raises
    ------
    InputError
        As :func:`read_sentence`; also if the text stands for several steps.
    """
    content = read_sentence(text, key=key).content
    if not isinstance(content, Leaf):
        raise InputError(key, text, "a single step (this text, from position 1, stands for several)")
    return content.item


def read_condition(text: object, *, key: str) -> Condition:
    """Read the rule of a group or of a whole experiment, like "voltage < 2.5 V or time > 1 day"."""
    if not isinstance(text, str):
        raise InputError(key, text, "a condition as text, like 'voltage < 2.5 V'")
    reader = Reader(text, key)
    rule = read_rule(reader, ANYTHING)
    if reader.next.kind != "end":
        reader.fail("'and', 'or' or the end of the condition", reader.next, ("and", "or"))
    return rule


def read_label(text: object, *, key: str) -> str:
    """Read the name of a group; in lower case, as labels are compared."""
    found = NAME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InputError(key, text, "a name of letters, digits, '-' and '_' that begins with a letter")
    return found["name"].lower()


def label_of(text: object) -> str:
    """Return the label of a text, in lower case, or ""."""
    return _label(text)[0] if isinstance(text, str) else ""


def _label(text: str) -> tuple[str, int]:
    """Return the label of a text and where the rest begins."""
    found = NAME.match(text)
    if found is None:
        return "", 0
    rest = text[found.end() :].lstrip()
    if not rest.startswith(":"):
        return "", 0
    return found["name"].lower(), len(text) - len(rest) + 1


def _actions(reader: Reader) -> dict[str, Callable[[], tuple[Node, bool | None]]]:
    """Return what reads the rest of a sentence, by its first word: its tasks, and whether the voltage falls."""

    def leaf(step: Step) -> Leaf:
        return Leaf(step, reader.key)

    def with_sign(found: tuple[Block, int]) -> tuple[Node, bool]:
        return found[0], found[1] > 0

    return {
        "discharge": lambda: (leaf(read_discharge(reader, +1)), True),
        "charge": lambda: (leaf(read_discharge(reader, -1)), False),
        "hold": lambda: (leaf(read_hold(reader)), None),
        "rest": lambda: (leaf(read_rest(reader)), None),
        "interrupt": lambda: (leaf(read_rest(reader, role="interruption")), None),
        "sweep": lambda: (read_sweep(reader), None),
        "eis": lambda: (read_spectrum(reader), None),
        "gitt": lambda: with_sign(read_gitt(reader)),
        "hppc": lambda: with_sign(read_hppc(reader)),
    }


def _in_manner(node: Node, manner: Manner) -> Node:
    """Give a temperature and an interval of output to all tasks of a sentence."""
    if isinstance(node, Block):
        return replace(node, body=tuple(_in_manner(part, manner) for part in node.body))
    if isinstance(node.item, Spectrum):
        return replace(node, item=replace(node.item, temperature=manner.temperature))
    return replace(node, item=replace(node.item, temperature=manner.temperature, period=manner.period))


def _goto(reader: Reader, first: Token, labels: Mapping[str, bool | None]) -> Goto:
    if first.lower == "go":
        reader.keyword("to")
    target = reader.name("a label")
    if target.lower not in labels:
        reader.fail("a label that stands before this in the same list, outside of other loops", target, list(labels))
    if reader.next.kind == "number":
        times: int | None = reader.whole("times")
        reader.keyword("times", "time")
        test = None
    else:
        times, test = _bounds(reader, Setting(falling=labels[target.lower]))
    if reader.next.kind != "end":
        reader.fail("'and', 'or', 'at most' a number of times or the end of the step", reader.next, ("and", "or", "at"))
    return Goto(target.lower, times, test)


def _bounds(reader: Reader, setting: Setting) -> tuple[int | None, Condition | None]:
    times: int | None = None
    test: Condition | None = None
    expected = "a number of times, 'until' a limit or 'at most' a number of times"
    while reader.next.text == "," or reader.starts("at", "most") or reader.starts("until"):
        reader.accept(",")
        if times is None and reader.accept("at", "most"):
            times = reader.whole("times")
            reader.keyword("times", "time")
        elif test is None and reader.accept("until"):
            test = read_rule(reader, setting)
        else:
            reader.fail(expected, reader.next, ("until",))
    if times is None and test is None:
        reader.fail(f"{expected} (the loop would never end)", reader.next, ("until",))
    return times, test
