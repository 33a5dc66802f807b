"""Rows of a ``validation.toml``: what was measured, how it is read off a result, and what it was used for.

::

    [[rows]]
    id = "first-charge"
    use = "calibrate"                 # or "predict", or "blind": not looked at yet, so without a value
    value = 120                       # number, list, table of either; with kind = "range" a pair [low, high]
    unit = "mAh/g"
    tolerance = "10 %"                # or a number in the unit
    uncertainty = 5                   # of the measurement, likewise
    what = "direct charge to 4 V"
    source = "doi:…"
    measure = { quantity = "charge capacity" }
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catholyte.errors import InputError, InputErrors
from catholyte.units import from_si
from catholyte.validation.measure import Measure
from catholyte.validation.measures import read_measure
from catholyte.validation.reading import Allowance, Keys, load_table

ROWS = "validation.toml"
USES = ("calibrate", "predict", "blind")

_VALUE = "a number, a list of numbers or a table of them, in the unit of the row"
_MEASURE = "how it is read off a result, like { quantity = 'charge capacity' }; or a table or list of such tables"


@dataclass(frozen=True)
class Item:
    """One question of a row.

    Attributes
    ----------
    name
        What it is called in the row; empty where it is the only one.
    measured
        Values in the unit of the row; low and high of a range; None where nothing was measured or looked at.
    measure
        How it is read off a result.
    dimension
        In which dimension.
    """

    name: str
    measured: tuple[float, ...] | None
    measure: Measure
    dimension: str


@dataclass(frozen=True)
class Row:
    """What was measured of one case.

    Attributes
    ----------
    id
        Its name, unique in a study.
    use
        calibrate, predict or blind.
    unit
        Unit of its values.
    items
        Its questions.
    is_range
        Whether measured values are the ends of a range.
    uncertainty, tolerance
        Of the measurement, and allowed to the model; None if not given.
    what, source
        In words; empty if not given.
    """

    id: str
    use: str
    unit: str
    items: tuple[Item, ...]
    is_range: bool
    uncertainty: Allowance | None
    tolerance: Allowance | None
    what: str
    source: str

    @property
    def has_value(self) -> bool:
        """Whether there is something to compare with."""
        return any(item.measured is not None for item in self.items)

    def shown(self, value: float, item: Item) -> float:
        """Return an SI value in the unit of the row."""
        return _in_unit(value, self.unit, item.dimension)


def read_rows(folder: Path) -> tuple[Row, ...]:
    """Read the rows beside a case.

    Raises
    ------
    InputError
        If there is no such file.
    InputErrors
        All that is wrong with it.
    """
    path = folder / ROWS
    keys = Keys(load_table(path, "rows of measured values"), f"{path}:")
    listed = keys.raw("rows", "tables [[rows]] with measured values")
    keys.close()
    if not isinstance(listed, list) or not listed:
        raise InputError(keys.path("rows"), listed, "tables [[rows]] with measured values")
    errors: list[InputError] = []
    rows: list[Row] = []
    for number, entry in enumerate(listed):
        name = entry.get("id") if isinstance(entry, Mapping) else None
        where = f"rows.{name}" if isinstance(name, str) else f"rows[{number}]"
        try:
            rows.append(_row(Keys(entry, keys.path(where)), folder))
        except InputError as error:
            errors.append(error)
        except InputErrors as several:
            errors += several.errors
    names = [row.id for row in rows]
    doubled = {name for name in names if names.count(name) > 1}
    errors += [InputError(keys.path("rows"), name, "another id: two rows have this one") for name in sorted(doubled)]
    if errors:
        raise InputErrors(errors)
    return tuple(rows)


def _row(keys: Keys, folder: Path) -> Row:
    name = keys.text("id", "a name for the row")
    use = keys.choice("use", USES)
    unit = keys.text("unit", "the unit of its values, like 'mAh/g', or '1' for a number without one")
    what, source = keys.text_or("what", "words", ""), keys.text_or("source", "words", "")
    is_range = keys.choice("kind", ("values", "range"), "values") == "range"
    value = keys.data["value"] if keys.has("value") else None
    if use == "blind" and value is not None:
        raise InputError(keys.path("value"), value, "no value: a blind row is computed before anybody looks", "predict")
    if use == "calibrate" and value is None:
        raise InputError(keys.path("value"), None, _VALUE)
    items = _items(keys, value, unit, folder, is_range=is_range)
    uncertainty, tolerance = (keys.allowance(key) for key in ("uncertainty", "tolerance"))
    keys.close()
    return Row(name, use, unit, items, is_range, uncertainty, tolerance, what, source)


def _items(keys: Keys, value: object, unit: str, folder: Path, *, is_range: bool) -> tuple[Item, ...]:
    """Bring values and measures together: one of each, or as many under the same names or in the same order."""
    measures = keys.raw("measure", _MEASURE)
    where = keys.path("measure")
    tables: list[tuple[str, str, object]]  # name, path, table
    values: Sequence[object]
    if isinstance(measures, list):
        tables = [(f"{k + 1}", f"{where}[{k}]", each) for k, each in enumerate(measures)]
        values = value if isinstance(value, list) else [None] * len(tables) if value is None else []
        if not tables or len(values) != len(tables) or is_range:
            raise InputError(keys.path("value"), value, f"a list of {len(tables)} values, one for each measure")
    elif isinstance(measures, Mapping) and measures and all(isinstance(each, Mapping) for each in measures.values()):
        tables = [(str(name), f"{where}.{name}", each) for name, each in measures.items()]
        if value is not None and (not isinstance(value, Mapping) or set(value) != set(measures)):
            names = ", ".join(measures)
            raise InputError(keys.path("value"), value, f"a table with the names of the measures: {names}")
        values = [value[name] if isinstance(value, Mapping) else None for name in measures]
    else:
        if isinstance(value, Mapping):
            names = ", ".join(f"{name} = {{ quantity = … }}" for name in value)
            raise InputError(where, measures, f"a measure for every value: {{ {names} }}")
        tables, values = [("", where, measures)], [value]
    items = []
    for (name, path, table), entry in zip(tables, values, strict=True):
        measure = read_measure(Keys(table, path), folder)
        dimension = _dimension(unit, measure.dimensions, keys.path("unit"))
        place = keys.path("value") + (f".{name}" if isinstance(value, Mapping) else "")
        items.append(Item(name, _numbers(entry, place, is_range=is_range), measure, dimension))
    return tuple(items)


def _numbers(value: Any, where: str, *, is_range: bool) -> tuple[float, ...] | None:
    if value is None:
        return None
    listed = value if isinstance(value, list) else [value]
    fine = [isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each) for each in listed]
    if not listed or not all(fine):
        raise InputError(where, value, _VALUE)
    numbers = tuple(float(each) for each in listed)
    if is_range and not (len(numbers) == 2 and numbers[0] < numbers[1]):
        raise InputError(where, value, "two rising numbers [low, high] for a range")
    return numbers


def _dimension(unit: str, dimensions: Sequence[str], where: str) -> str:
    """Return which of the dimensions of a measure a unit has."""
    for dimension in dimensions:
        try:
            _in_unit(1.0, unit, dimension)
        except InputError:
            continue
        return dimension
    expected = f"a unit of {' or '.join(dimensions)}, which the measure gives"
    raise InputError(where, unit, expected)


def _in_unit(value: float, unit: str, dimension: str) -> float:
    return from_si(value, "" if unit == "1" else unit, dimension)
