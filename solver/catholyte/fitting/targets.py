"""What a fit aims at: rows of measured values, and measured curves; each gives residuals over its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import CatholyteError, InputError, nearest
from catholyte.evaluation.comparison import Comparison, compare_capacity, compare_time, time_curve
from catholyte.evaluation.cycles import REFERENCES
from catholyte.evaluation.measured import read_measured
from catholyte.results import Results
from catholyte.validation.compare import answer
from catholyte.validation.reading import Allowance, Keys
from catholyte.validation.rows import Row

Residuals: TypeAlias = NDArray[np.float64]

#: points at which a computed curve is compared with a measured one
_PLACES = 25
_USES = {"predict": "is kept to be predicted", "blind": "is blind"}


class NoResiduals(CatholyteError):
    """A result that a target cannot be read off; the message says why."""


@dataclass(frozen=True)
class RowTarget:
    """A row of measured values.

    Attributes
    ----------
    case
        Name of its case.
    row
        The row.
    uncertainty
        That its values count with.
    weight
        Of its squared residuals.
    """

    case: str
    row: Row
    uncertainty: Allowance
    weight: float

    @property
    def name(self) -> str:
        """What it is called."""
        return self.row.id

    def residuals(self, results: Results) -> Residuals:
        """Return a residual for each value of the row; zero inside a range.

        Raises
        ------
        NoResiduals
            If the result does not give one of the values.
        """
        found = answer(self.row, self.case, results)
        if found.problem:
            raise NoResiduals(f"{self.name}: {found.problem}")
        values = []
        for verdict in found.verdicts:
            if math.isnan(verdict.computed):
                raise NoResiduals(f"{self.name} {verdict.name}: the result has no such value".replace(" :", ":"))
            measured = verdict.measured
            assert measured is not None
            nearer = measured if isinstance(measured, float) else verdict.computed - verdict.deviation
            values.append(verdict.deviation / self.uncertainty.of(nearer))
        return math.sqrt(self.weight) * np.array(values)


@dataclass(frozen=True)
class CurveTarget:
    """A measured curve of voltage.

    Over the range that the computed and the measured half-cycle have in common, their difference at evenly spaced
    places over the uncertainty, divided by the root of their number, so that a curve counts as one value; and over
    capacity the relative difference of the capacities at the cut-off that both reach.

    Attributes
    ----------
    case
        Name of its case.
    file, columns, by, half_cycle, against
        As of ``catholyte compare``.
    uncertainty, capacity_uncertainty
        Of the voltage in V, and of the capacity as a share.
    weight
        Of its squared residuals.
    """

    case: str
    file: Path
    columns: str | None
    by: str
    half_cycle: int | None
    against: str
    uncertainty: float
    capacity_uncertainty: float
    weight: float

    @property
    def name(self) -> str:
        """What it is called."""
        return self.file.name

    def residuals(self, results: Results) -> Residuals:
        """Return the residuals of all half-cycles that both have.

        Raises
        ------
        NoResiduals
            If the two cannot be compared.
        """
        try:
            measured = read_measured(self.file, results.provenance, self.columns)
            if self.by == "time":
                apart = compare_time(results, measured, against=self.against)
                assert measured.time is not None
                x, V = time_curve(results, against=self.against)
                found = [self._apart(apart.first, apart.last, x, V, measured.time - measured.time[0], measured.voltage)]
            else:
                pairs = compare_capacity(results, measured, against=self.against, half_cycle=self.half_cycle)
                found = [part for pair in pairs for part in (self._over_capacity(pair), self._at_cut_off(pair))]
        except InputError as error:
            raise NoResiduals(f"{self.name}: {error}") from error
        return math.sqrt(self.weight) * np.concatenate(found)

    def _over_capacity(self, pair: Comparison) -> Residuals:
        mine, theirs, apart = pair.computed, pair.measured, pair.distance
        return self._apart(apart.first, apart.last, mine.capacity, mine.voltage, theirs.capacity, theirs.voltage)

    def _apart(
        self, first: float, last: float, x: Residuals, V: Residuals, x_measured: Residuals, V_measured: Residuals
    ) -> Residuals:
        places = np.linspace(first, last, _PLACES)
        apart: Residuals = np.interp(places, x, V) - np.interp(places, x_measured, V_measured)
        return apart / (self.uncertainty * math.sqrt(_PLACES))

    def _at_cut_off(self, pair: Comparison) -> Residuals:
        return np.array([pair.relative / self.capacity_uncertainty])


Target: TypeAlias = RowTarget | CurveTarget


def read_row_target(keys: Keys, rows: Sequence[Row], case: str, weight: float) -> RowTarget:
    """Read a target that names a row of its case.

    Raises
    ------
    InputError
        If there is no such row, it was not measured to calibrate, or nothing says how uncertain it is.
    """
    name = keys.text("row", "the id of a row")
    by_id = {row.id: row for row in rows}
    if name not in by_id:
        raise InputError(keys.path("row"), name, f"a row of the case: {', '.join(by_id)}", nearest(name, by_id))
    row = by_id[name]
    if row.use != "calibrate":
        raise InputError(
            keys.path("row"), name, f"a row whose use is 'calibrate'; this one {_USES[row.use]} and may not be fitted"
        )
    uncertainty = keys.allowance("uncertainty") or row.uncertainty or row.tolerance
    if uncertainty is None:
        raise InputError(
            keys.path("uncertainty"), None, f"the uncertainty of {name!r}: its row gives neither that nor a tolerance"
        )
    smallest = min(abs(value) for item in row.items for value in item.measured or (math.inf,))
    if uncertainty.of(smallest) <= 0.0:
        raise InputError(
            keys.path("uncertainty"), f"{uncertainty.amount:.0%}", f"a number in {row.unit}: a measured value is zero"
        )
    return RowTarget(case, row, uncertainty, weight)


def read_curve_target(keys: Keys, case: str, folder: Path, weight: float) -> CurveTarget:
    """Read a target that names a measured table, from the folder of the fit.

    Raises
    ------
    InputError
        If there is no such table, or an uncertainty is not above zero.
    """
    name = keys.text("file", "a measured table (.csv or .bdf)")
    if not (folder / name).is_file():
        raise InputError(keys.path("file"), name, f"a measured table (.csv or .bdf) in {folder}")
    if not keys.has("uncertainty"):
        keys.raw("uncertainty", "the uncertainty of its voltage, like '10 mV'")
    target = CurveTarget(
        case,
        folder / name,
        keys.text_or("columns", "QUANTITY=HEADER:UNIT, several separated by commas", None),
        keys.choice("by", ("capacity", "time"), "capacity"),
        keys.whole("half_cycle", "a number of a half-cycle of the run, from 1", None),
        keys.choice("against", tuple(REFERENCES), "li"),
        keys.quantity("uncertainty", "potential", math.nan),
        keys.quantity("capacity_uncertainty", "fraction", 0.02),
        weight,
    )
    for key in ("uncertainty", "capacity_uncertainty"):
        if not getattr(target, key) > 0.0:
            raise InputError(keys.path(key), keys.data[key], "a value above zero")
    keys.close()
    return target
