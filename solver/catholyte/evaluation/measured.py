"""Reading measured curves: tables in the Battery Data Format, and plain .csv files with units in their headers.

The Battery Data Format (version 1.0.0, https://w3id.org/battery-data-alliance/ontology/battery-data-format) names its
columns by a preferred label ("Voltage / V") or a notation ("voltage_volt"); its current is positive on charge. Any
other table is read by its headers: a quantity and a unit, such as ``Ewe/V``, ``capacity (mAh/g)`` or ``I [mA]``. What
cannot be told from a header is told by ``--columns capacity=Q:mAh/g,voltage=U:V``.

Everything becomes per area of the cell with the numbers of the result that it is compared with: a capacity in mAh is
divided by the area of its cell, one in mAh/g multiplied by its active material per area.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError, nearest
from catholyte.units import to_si

Curve = NDArray[np.float64]

#: what a table may hold -> words that its header may begin with, and the dimensions it may have
QUANTITIES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "time": (("test time", "time", "t", "elapsed time", "total time"), ("time",)),
    "voltage": (
        ("voltage", "ewe", "ecell", "e", "u", "v", "potential", "cell voltage", "terminal voltage"),
        ("potential",),
    ),
    "current": (("current", "i", "current density"), ("current", "current density", "specific current")),
    "capacity": (
        ("specific capacity", "areal capacity", "capacity", "q", "step capacity", "discharge capacity"),
        ("specific capacity", "areal capacity", "capacity"),
    ),
}

#: notations of the Battery Data Format -> preferred labels
BDF_NOTATIONS = {
    "test_time_second": "Test Time / s",
    "voltage_volt": "Voltage / V",
    "current_ampere": "Current / A",
    "net_capacity_ah": "Net Capacity / Ah",
    "charging_capacity_ah": "Charging Capacity / Ah",
    "discharging_capacity_ah": "Discharging Capacity / Ah",
}

_BDF = {"time": "Test Time / s", "voltage": "Voltage / V", "current": "Current / A"}
_NET, _CHARGING, _DISCHARGING = "Net Capacity / Ah", "Charging Capacity / Ah", "Discharging Capacity / Ah"
_AMPERE_HOUR = 3600.0  # A s
_EXAMPLES = {"time": "s", "voltage": "V", "current": "mA", "capacity": "mAh/g"}
_BRACKETED = re.compile(r"(?P<name>.+?)\s*[\[(]\s*(?P<unit>[^\[\]()]+?)\s*[\])]")
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, eq=False)
class Measured:
    """A measured curve, per area of the cell.

    Attributes
    ----------
    name
        Of the file.
    voltage
        In V.
    time
        In s; None if the table has none.
    current
        In A/m²; None if the table has none.
    capacity
        In A s/m² as it was counted; None if the table has none.
    signed
        Whether current and capacity are known to be positive on discharge.
    """

    name: str
    voltage: Curve
    time: Curve | None
    current: Curve | None
    capacity: Curve | None
    signed: bool


def read_measured(path: Path, facts: Mapping[str, Any], columns: str | None = None) -> Measured:
    """Read a table.

    Parameters
    ----------
    path
        A .csv, .bdf or .txt file; separated by commas, semicolons or tabulators, with one line of headers.
    facts
        Provenance of the result it is compared with: area of the cell and active mass per area.
    columns
        ``quantity=header`` or ``quantity=header:unit``, several separated by commas.

    Raises
    ------
    InputError
        If the file is not such a table, or a column is missing or has another unit.
    """
    headers, numbers = _table(path)
    chosen = _choices(columns, headers)
    bdf = {BDF_NOTATIONS.get(header, header): header for header in headers}
    is_bdf = all(label in bdf for label in _BDF.values())
    found: dict[str, tuple[str, str]] = {}
    for quantity in QUANTITIES:
        if quantity in chosen:
            found[quantity] = chosen[quantity]
        elif is_bdf and quantity in _BDF:
            found[quantity] = (bdf[_BDF[quantity]], _BDF[quantity].rpartition(" ")[2])
        elif not is_bdf and (guess := _guess(quantity, headers)) is not None:
            found[quantity] = guess
    if "voltage" not in found:
        raise _missing(path, "voltage", headers)
    if "capacity" not in found and "time" not in found:
        raise _missing(path, "capacity", headers)
    values = {
        quantity: _per_area(numbers[headers.index(header)], quantity, header, unit, facts)
        for quantity, (header, unit) in found.items()
    }
    if is_bdf and "capacity" not in found:
        values |= _bdf_capacity({label: numbers[headers.index(header)] for label, header in bdf.items()}, facts)
    usable = np.logical_and.reduce([np.isfinite(each) for each in values.values()])
    if usable.sum() < 2:
        raise InputError(str(path), int(usable.sum()), "at least two rows of numbers in every column that is used")
    values = {quantity: each[usable] for quantity, each in values.items()}
    current = values.get("current")
    if is_bdf and current is not None:
        current = -current
    return Measured(path.name, values["voltage"], values.get("time"), current, values.get("capacity"), is_bdf)


def _bdf_capacity(columns: Mapping[str, Curve], facts: Mapping[str, Any]) -> dict[str, Curve]:
    """Return the charge that has passed, if the table counts it; discharge positive."""
    if _NET in columns:
        net = columns[_NET]
    elif _CHARGING in columns and _DISCHARGING in columns:
        net = columns[_CHARGING] - columns[_DISCHARGING]
    else:
        return {}
    return {"capacity": -net * _AMPERE_HOUR / float(facts["cell_area_m2"])}


def _table(path: Path) -> tuple[list[str], list[Curve]]:
    """Return headers and columns; what is not a number is NaN."""
    if not path.is_file():
        raise InputError("DATA", str(path), "a table of measured data (.csv or .bdf)")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("DATA", str(path), "a text file in UTF-8; this one is something else") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) < 3:
        raise InputError("DATA", str(path), "a line of headers and at least two rows of numbers")
    delimiter = max(_DELIMITERS, key=lines[0].count)
    rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    headers = [header.strip() for header in rows[0]]
    decimal_comma = delimiter != ","
    columns = [
        np.array([_number(row[k] if k < len(row) else "", decimal_comma) for row in rows[1:]])
        for k in range(len(headers))
    ]
    if all(_number(header, decimal_comma) == _number(header, decimal_comma) for header in headers):
        raise InputError("DATA", str(path), "a first line of headers with units, like 'capacity (mAh/g),voltage (V)'")
    return headers, columns


def _number(text: str, decimal_comma: bool) -> float:
    try:
        return float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        return float("nan")


def _choices(columns: str | None, headers: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Read ``--columns``: header and unit by quantity."""
    chosen = {}
    for entry in [] if columns is None else columns.split(","):
        quantity, given, header = (part.strip() for part in entry.partition("="))
        if quantity not in QUANTITIES or not given:
            raise InputError(
                "--columns",
                entry.strip(),
                f"QUANTITY=HEADER or QUANTITY=HEADER:UNIT with one of {', '.join(QUANTITIES)}",
                nearest(quantity, QUANTITIES),
            )
        unit = ""
        if header not in headers:
            header, _, unit = (part.strip() for part in header.rpartition(":"))
        if header not in headers:
            name = header or unit
            raise InputError("--columns", name, f"a column of the table: {', '.join(headers)}", nearest(name, headers))
        chosen[quantity] = (header, unit or _split(header)[1])
    return chosen


def _guess(quantity: str, headers: Sequence[str]) -> tuple[str, str] | None:
    """Return the header that begins with a word of a quantity and has a unit of it, with that unit."""
    words, dimensions = QUANTITIES[quantity]
    by_name: dict[str, tuple[str, str]] = {}
    for header in headers:
        name, unit = _split(header)
        if unit and _dimension(unit, dimensions) is not None:
            by_name.setdefault(name.lower(), (header, unit))
    for word in words:
        if word in by_name:
            return by_name[word]
    return next((entry for name, entry in by_name.items() if any(name.startswith(word + " ") for word in words)), None)


def _split(header: str) -> tuple[str, str]:
    """Split a header into a name and a unit; the unit is empty if it has none."""
    bracketed = _BRACKETED.fullmatch(header)
    if bracketed is not None:
        return bracketed["name"], bracketed["unit"]
    name, _, unit = header.partition("/")
    return name.strip(), unit.strip()


def _dimension(unit: str, dimensions: Sequence[str]) -> tuple[str, float] | None:
    """Return which of the dimensions a unit has, and the unit in SI."""
    for dimension in dimensions:
        try:
            return dimension, to_si(f"1 {_plain_unit(unit)}", dimension, key="unit")
        except InputError:
            continue
    return None


def _plain_unit(unit: str) -> str:
    """Spell a unit as :mod:`catholyte.units` does: cyclers write mA.h and mA h g-1."""
    return re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z])", " ", unit).replace("^-1", "-1")


def _per_area(values: Curve, quantity: str, header: str, unit: str, facts: Mapping[str, Any]) -> Curve:
    dimensions = QUANTITIES[quantity][1]
    known = _dimension(unit, dimensions) if unit else None
    if known is None:
        key = f"column {header!r}"
        raise InputError(key, unit or header, f"a unit of {' or '.join(dimensions)} (--columns {quantity}=HEADER:UNIT)")
    dimension, factor = known
    if dimension in ("current", "capacity"):
        factor /= float(facts["cell_area_m2"])
    elif dimension in ("specific current", "specific capacity"):
        factor *= float(facts["active_areal_mass_kg_m2"])
    return factor * values


def _missing(path: Path, quantity: str, headers: Sequence[str]) -> InputError:
    words = QUANTITIES[quantity][0]
    alike = next((found for word in words if (found := nearest(word, headers)) is not None), None)
    return InputError(
        f"{path.name}: {quantity}",
        ", ".join(headers),
        f"a column of {quantity} with its unit, like '{words[0]} ({_EXAMPLES[quantity]})', or --columns {quantity}=…",
        None if alike is None else f"--columns {quantity}={alike}",
    )
