"""Rows asked of results: what was computed, how far it is from what was measured, and whether that is near enough."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from catholyte.errors import CatholyteError
from catholyte.results import Results
from catholyte.validation.measure import LOGARITHMIC, Found
from catholyte.validation.rows import Item, Row


@dataclass(frozen=True)
class Verdict:
    """One computed number beside the measured one, in the unit of its row.

    Attributes
    ----------
    name
        Of the item, with a number where it has several values; empty where the row has one.
    measured
        The value, or low and high of a range; None if nothing was measured or looked at.
    computed
        NaN if the result has no such value (a peak that is not there).
    deviation
        Computed less measured, or less the nearer end of a range that it is outside of; NaN without a measured value.
    within
        Whether that is in the tolerance (or the uncertainty, without one); None if there is nothing to compare.
    """

    name: str
    measured: float | tuple[float, float] | None
    computed: float
    deviation: float
    within: bool | None

    @property
    def relative(self) -> float:
        """Deviation over the measured value; NaN where that is zero or missing."""
        size = _size(self.measured, self.computed)
        return self.deviation / size if size else math.nan


@dataclass(frozen=True)
class Answer:
    """What a case says to a row.

    Attributes
    ----------
    row, case
        The row, and the name of its case.
    verdicts
        One for each number; empty if the case has no answer.
    problem
        Why it has none; empty if it has.
    note
        What else is to be said: peaks that nobody measured.
    """

    row: Row
    case: str
    verdicts: tuple[Verdict, ...]
    problem: str = ""
    note: str = ""


def answer(row: Row, case: str, results: Results | None, problem: str = "") -> Answer:
    """Ask a row of a result; a question that the result cannot answer is a problem, not an error.

    Parameters
    ----------
    row, case
        The row and the name of its case.
    results
        The run; None if there is none.
    problem
        Why there is none, or why it does not count.
    """
    if results is None or problem:
        return Answer(row, case, (), problem or "there is no result")
    verdicts: list[Verdict] = []
    notes = []
    for item in row.items:
        try:
            found = item.measure(results, item.dimension)
        except CatholyteError as error:
            return Answer(row, case, (), str(error))
        computed = [row.shown(value, item) for value in found.values]
        if not computed and item.measured is None:
            notes.append("nothing found")
        judged, left = _judge(row, item, found, computed)
        verdicts += judged
        if left:
            notes.append("also computed: " + ", ".join(f"{value:.4g}" for value in left))
    return Answer(row, case, tuple(verdicts), note="; ".join(notes))


def _judge(row: Row, item: Item, found: Found, computed: list[float]) -> tuple[list[Verdict], list[float]]:
    """Return the verdicts on an item, and computed values that have no partner."""
    if item.measured is None:
        names = _names(item.name, len(computed))
        return [Verdict(name, None, value, math.nan, None) for name, value in zip(names, computed, strict=True)], []
    if row.is_range:
        low, high = item.measured
        names = _names(item.name, len(computed))
        if len(computed) == 2:
            names = [f"{item.name} {end}".strip() for end in ("least", "largest")]
        return [_verdict(row, name, (low, high), value) for name, value in zip(names, computed, strict=True)], []
    paired, left = _paired(item.measured, computed, found.matched)
    names = _names(item.name, len(paired))
    return [_verdict(row, name, *pair) for name, pair in zip(names, paired, strict=True)], left


def _paired(
    measured: tuple[float, ...], computed: list[float], matched: str
) -> tuple[list[tuple[float, float]], list[float]]:
    """Bring measured and computed values together; NaN for what is missing."""
    if not matched:
        padded = [*computed, *[math.nan] * (len(measured) - len(computed))]
        return list(zip(measured, padded, strict=False)), padded[len(measured) :]
    if not computed:
        return [(value, math.nan) for value in measured], []
    scale = np.log if matched == LOGARITHMIC else np.asarray
    apart = np.abs(np.subtract.outer(scale(np.array(measured)), scale(np.array(computed))))
    partner = dict(zip(*(each.tolist() for each in linear_sum_assignment(apart)), strict=True))
    pairs = [(value, computed[partner[k]] if k in partner else math.nan) for k, value in enumerate(measured)]
    return pairs, [value for k, value in enumerate(computed) if k not in partner.values()]


def _verdict(row: Row, name: str, measured: float | tuple[float, float], computed: float) -> Verdict:
    if isinstance(measured, tuple):
        nearer = min(max(computed, measured[0]), measured[1])
        deviation = computed - nearer
    else:
        nearer, deviation = measured, computed - measured
    allowance = row.tolerance or row.uncertainty
    within: bool | None = None
    if math.isnan(computed):
        within = False
    elif allowance is not None:
        within = abs(deviation) <= allowance.of(nearer)
    elif isinstance(measured, tuple):
        within = deviation == 0.0
    return Verdict(name, measured, computed, deviation, within)


def _names(name: str, number: int) -> list[str]:
    return [name] if number == 1 else [f"{name} {k + 1}".strip() for k in range(number)]


def _size(measured: float | tuple[float, float] | None, computed: float) -> float:
    if isinstance(measured, tuple):
        return abs(measured[0] if computed < measured[0] else measured[1])
    return abs(measured or 0.0)
