"""The shape of a protocol: tasks in blocks that are cycles, groups with a rule, or loops."""

from __future__ import annotations

from dataclasses import dataclass

from catholyte.experiment.conditions import Condition
from catholyte.experiment.steps import Spectrum, Step


@dataclass(frozen=True)
class Leaf:
    """One task, and where it stands in the case file."""

    item: Step | Spectrum
    key: str


@dataclass(frozen=True)
class Block:
    """Tasks and blocks that are carried out one after the other, once or more often.

    Attributes
    ----------
    body
        At least one task or block.
    times
        How often the body is carried out at most; None for as often as ``rule`` or ``test`` ask for.
    rule
        Watched in every task inside: once it is met the block is left.
    test
        Judged after each pass: once it is met the body is not carried out again.
    cycle
        Whether each pass is a cycle of its own in the records.
    key, text
        Where the block stands in the case file, and how it is written.
    """

    body: tuple[Node, ...]
    times: int | None = 1
    rule: Condition | None = None
    test: Condition | None = None
    cycle: bool = False
    key: str = ""
    text: str = ""

    @property
    def plain(self) -> bool:
        """Whether there is nothing to count and nothing to watch."""
        return self.times == 1 and self.rule is None and self.test is None


Node = Leaf | Block


def planned(node: Node) -> int | None:
    """Return how many tasks are carried out if no rule cuts them short; None where a condition decides."""
    if isinstance(node, Leaf):
        return 1
    inside = [planned(part) for part in node.body]
    if node.times is None or node.test is not None:
        return None
    total = 0
    for number in inside:
        if number is None:
            return None
        total += number
    return node.times * total


def leaves(node: Node) -> tuple[Leaf, ...]:
    """Return the tasks of a block in the order of the text."""
    if isinstance(node, Leaf):
        return (node,)
    return tuple(leaf for part in node.body for leaf in leaves(part))
