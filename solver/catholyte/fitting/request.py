"""The file of a fit: parameters, targets, and the cases that both belong to.

::

    title = "Diffusivity from a discharge"
    set = ["mesh.packing.seed=8"]                        # for all cases

    [parameters.D]
    key = "phases.active.D"                              # or a list of keys
    bounds = ["1e-12 cm2/s", "1e-10 cm2/s"]
    start = "1e-11 cm2/s"
    scale = "log"                                        # or "linear"
    cases = ["../slow"]                                  # all of them without it

    [[targets]]
    case = "../slow"                                     # folder of a case, from this file
    row = "first-discharge"                              # of its validation.toml; its use has to be "calibrate"

    [[targets]]
    case = "../slow"
    curve = { file = "measured.csv", uncertainty = "10 mV" }
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catholyte.case import read_case
from catholyte.case.faults import MISSING
from catholyte.errors import InputError, InputErrors, nearest
from catholyte.fitting.parameters import FitParameter, read_parameter
from catholyte.fitting.targets import CurveTarget, RowTarget, Target, read_curve_target, read_row_target
from catholyte.validation.identity import case_key
from catholyte.validation.reading import Keys, load_table
from catholyte.validation.rows import read_rows
from catholyte.validation.runs import Job
from catholyte.validation.study import CASE

#: what every run of a fit has: no fields, which no target looks at
_LEAN = ("output.fields=none",)


@dataclass(frozen=True)
class FitCase:
    """A case of a fit: its name in the fit, and its file."""

    name: str
    path: Path


@dataclass(frozen=True)
class Options:
    """How the fit goes.

    Attributes
    ----------
    iterations
        Most points that are tried, those for derivatives not counted.
    tolerance
        The fit ends when the sum of squares, or the parameters between their bounds, change by a smaller share.
    step
        Step of a finite difference as a share of the range between the bounds.
    """

    iterations: int = 40
    tolerance: float = 1e-4
    step: float = 0.01


@dataclass(frozen=True)
class Fit:
    """A fit as it was read.

    Attributes
    ----------
    title
        In words.
    parameters, targets, cases
        In the order of the file; the cases in that of their first target.
    overrides
        Changes of keys of all cases.
    options
        How it goes.
    """

    title: str
    parameters: tuple[FitParameter, ...]
    targets: tuple[Target, ...]
    cases: tuple[FitCase, ...]
    overrides: tuple[str, ...]
    options: Options

    def changes(self, case: FitCase, z: tuple[float, ...]) -> tuple[str, ...]:
        """Return the changes of keys of a case at scaled parameters."""
        own = [
            text
            for parameter, each in zip(self.parameters, z, strict=True)
            if parameter.belongs_to(case.name)
            for text in parameter.overrides(each)
        ]
        return (*_LEAN, *self.overrides, *own)

    def job(self, case: FitCase, z: tuple[float, ...], runs: Path) -> Job:
        """Return the run of a case at scaled parameters, in a folder that is named by its key.

        Raises
        ------
        InputError, InputErrors
            If the case refuses one of the values.
        """
        changes = self.changes(case, z)
        key = case_key(read_case(case.path, changes))
        return Job(case.path, changes, runs / f"{key[:24]}.results", key)

    @property
    def start(self) -> tuple[float, ...]:
        """Scaled parameters at which it begins."""
        return tuple(parameter.scaled(parameter.start) for parameter in self.parameters)


def read_fit(path: Path) -> Fit:
    """Read a fit, its cases with the parameters at start and bounds, and its rows.

    Raises
    ------
    InputError, InputErrors
        All that is wrong with it.
    """
    keys = Keys(load_table(path, "a fit"), f"{path}:")
    title = keys.text_or("title", "words", path.stem)
    overrides = keys.texts("set", "changes of keys, like 'mesh.packing.seed=8'")
    tables = keys.table("parameters", "tables [parameters.NAME]")
    listed = keys.raw("targets", "tables [[targets]]")
    options = _options(keys.table("options", "") if keys.has("options") else Keys({}, keys.path("options")))
    keys.close()
    if not tables.data:
        raise InputError(tables.where, {}, "at least one table [parameters.NAME]")
    if not isinstance(listed, list) or not listed:
        raise InputError(keys.path("targets"), listed, "tables [[targets]], each with a case and a row or a curve")
    cases: dict[Path, FitCase] = {}
    errors: list[InputError] = []
    targets: list[Target] = []
    for number, entry in enumerate(listed):
        try:
            targets.append(_target(Keys(entry, keys.path(f"targets[{number}]")), path.parent, cases))
        except InputError as error:
            errors.append(error)
        except InputErrors as several:
            errors += several.errors
    parameters: list[FitParameter] = []
    for name, table in tables.data.items():
        try:
            parameters.append(_parameter(name, Keys(table, tables.path(name)), path.parent, cases))
        except InputError as error:
            errors.append(error)
        except InputErrors as several:
            errors += several.errors
    if errors:
        raise InputErrors(errors)
    fit = Fit(title, tuple(parameters), tuple(targets), tuple(cases.values()), overrides, options)
    _try_ends(fit)
    return fit


def _options(keys: Keys) -> Options:
    default = Options()
    iterations = keys.whole("iterations", "a whole number above zero", default.iterations)
    if iterations < 1:
        raise InputError(keys.path("iterations"), iterations, "a whole number above zero")
    found = Options(iterations, keys.positive("tolerance", default.tolerance), keys.positive("step", default.step))
    if found.step > 0.5:
        raise InputError(keys.path("step"), found.step, "a share of the range between the bounds, at most 0.5")
    keys.close()
    return found


def _target(keys: Keys, folder: Path, cases: dict[Path, FitCase]) -> Target:
    written = keys.text("case", "the folder of a case, from the file of the fit")
    place = _case_folder(folder / written, keys.path("case"), written)
    case = cases.setdefault(place, FitCase(_name(place, cases), place / CASE))
    weight = keys.positive("weight", 1.0)
    if keys.has("row") == keys.has("curve"):
        value: Any = dict(keys.data) if keys.has("row") else MISSING
        raise InputError(keys.path("row"), value, "either a row of the case's validation.toml or a curve")
    target: RowTarget | CurveTarget
    if keys.has("curve"):
        target = read_curve_target(keys.table("curve", "a table"), case.name, folder, weight)
    else:
        target = read_row_target(keys, read_rows(place), case.name, weight)
    keys.close()
    return target


def _parameter(name: str, keys: Keys, folder: Path, cases: Mapping[Path, FitCase]) -> FitParameter:
    names = []
    for written in keys.texts("cases", "folders of cases of the targets"):
        place = (folder / written).resolve()
        if place not in cases:
            known = [case.name for case in cases.values()]
            raise InputError(
                keys.path("cases"), written, f"the case of a target: {', '.join(known)}", nearest(place.name, known)
            )
        names.append(cases[place].name)
    parameter = read_parameter(name, keys, names)
    keys.close()
    return parameter


def _case_folder(path: Path, where: str, written: str) -> Path:
    if not (path / CASE).is_file():
        near = path.parent.glob(f"*/{CASE}") if path.parent.is_dir() else ()
        alike = nearest(path.name, [file.parent.name for file in near])
        expected = f"the folder of a case, with a {CASE} in it"
        raise InputError(where, written, expected, None if alike is None else str(Path(written).with_name(alike)))
    return path.resolve()


def _name(place: Path, cases: Mapping[Path, FitCase]) -> str:
    """Return a name that no other case of the fit has."""
    taken = {case.name for known, case in cases.items() if known != place}
    return place.name if place.name not in taken else f"{place.parent.name}_{place.name}"


def _try_ends(fit: Fit) -> None:
    """Read every case with every parameter at its start and bounds, so that a wrong key or value is told at once."""
    found: dict[str, InputError] = {}
    ends = [fit.start]
    for k in range(len(fit.parameters)):
        ends += [(*fit.start[:k], end, *fit.start[k + 1 :]) for end in (0.0, 1.0)]
    for case in fit.cases:
        for z in ends:
            try:
                read_case(case.path, fit.changes(case, z))
            except (InputError, InputErrors) as error:
                several = error.errors if isinstance(error, InputErrors) else (error,)
                for each in several:
                    told = InputError(f"{case.name}: {each.key}", each.value, each.expected, each.suggestion)
                    found.setdefault(str(told), told)
    if found:
        raise InputErrors(found.values())
