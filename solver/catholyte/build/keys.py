"""Errors of builders that know no case, told with the keys of the case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from catholyte.errors import InputError


@contextmanager
def in_case(keys: Mapping[str, str], otherwise: str = "") -> Iterator[None]:
    """Rename the key of an :class:`InputError` that is raised inside.

    Parameters
    ----------
    keys
        Key of the case for the name of a parameter.
    otherwise
        What stands before the names of all others.
    """
    try:
        yield
    except InputError as error:
        key = keys.get(error.key, f"{otherwise}{error.key}")
        raise InputError(key, error.value, error.expected, error.suggestion) from error
