"""The ways in which Catholyte refuses or fails: each error carries the numbers that explain it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CatholyteError(Exception):
    """Base of every error that Catholyte raises on purpose."""


class InputError(CatholyteError):
    """A value given by the user cannot be used.

    Parameters
    ----------
    key
        Where the value stands, as a dotted path (``phases.active.label``) or a file name.
    value
        The value as it was written.
    expected
        What would have been accepted, as a phrase that completes "expected …".
    suggestion
        The nearest valid choice, if there is one.
    """

    def __init__(self, key: str, value: object, expected: str, suggestion: str | None = None) -> None:
        self.key = key
        self.value = value
        self.expected = expected
        self.suggestion = suggestion
        text = f"{key} = {value!r}: expected {expected}"
        if suggestion is not None:
            text += f"; did you mean {suggestion!r}?"
        super().__init__(text)


class InputErrors(CatholyteError):
    """Several :class:`InputError` found in one case, so that the user can mend all of them at once."""

    def __init__(self, errors: Iterable[InputError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


class MeshError(CatholyteError):
    """A geometry cannot carry the computation that was asked of it (nothing percolates, no cells, …)."""


class NotConverged(CatholyteError):
    """An iteration ended without a solution.

    Parameters
    ----------
    what
        The iteration that failed ("Newton", "linear solve", "time step").
    where
        The state at which it failed, in words (time, voltage, the unknown with the largest residual).
    history
        The residual norm of every iteration.
    """

    def __init__(self, what: str, where: str, history: Iterable[float] = ()) -> None:
        self.what = what
        self.where = where
        self.history = tuple(float(h) for h in history)
        shown = ", ".join(f"{h:.2e}" for h in self.history[-6:])
        super().__init__(f"{what} did not converge {where}" + (f" (residuals … {shown})" if shown else ""))


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice most like ``word`` (case ignored), or None if nothing is alike."""
    by_lower = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else None
