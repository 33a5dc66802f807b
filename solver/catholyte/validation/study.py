"""A study: a folder of cases with rows of measured values, run and asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catholyte.case import Case, read_case
from catholyte.errors import InputError, InputErrors, nearest
from catholyte.results import Results
from catholyte.validation.compare import Answer, answer
from catholyte.validation.identity import case_key
from catholyte.validation.rows import ROWS, USES, Row, read_rows
from catholyte.validation.runs import Finished, Job, Workers

CASE = "case.toml"


@dataclass(frozen=True)
class StudyCase:
    """A case of a study: its name (its folder below that of the study), its file, what it is read as, its rows."""

    name: str
    path: Path
    case: Case
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Study:
    """Cases with rows, in the order of their names.

    Attributes
    ----------
    name
        Of the folder.
    cases
        Those with a row that is asked for.
    overrides
        Changes of keys that hold for all of them.
    """

    name: str
    cases: tuple[StudyCase, ...]
    overrides: tuple[str, ...] = ()


def read_study(folder: Path, *, rows: Sequence[str] | None = None, overrides: Sequence[str] = ()) -> Study:
    """Read a study.

    Parameters
    ----------
    folder
        Holds a folder for each case, at any depth, or is itself that of a case.
    rows
        Ids of the rows that are asked for; all without it.
    overrides
        Changes of keys of all cases.

    Raises
    ------
    InputError
        If there is no case with rows, or no row of an id.
    InputErrors
        All that is wrong with cases and rows.
    """
    if not folder.is_dir():
        raise InputError("FOLDER", str(folder), f"a folder of cases with a {ROWS} beside each {CASE}")
    files = sorted(folder.rglob(ROWS))
    if not files:
        raise InputError("FOLDER", str(folder), f"a folder of cases with a {ROWS} beside each {CASE}; it has none")
    errors: list[InputError] = []
    cases: list[StudyCase] = []
    for file in files:
        place = file.parent
        name = place.name if place == folder else place.relative_to(folder).as_posix()
        try:
            cases.append(StudyCase(name, place / CASE, read_case(place / CASE, list(overrides)), read_rows(place)))
        except InputError as error:
            errors.append(error)
        except InputErrors as several:
            errors += [
                InputError(f"{name}: {each.key}", each.value, each.expected, each.suggestion) for each in several.errors
            ]
    ids = [row.id for case in cases for row in case.rows]
    for doubled in sorted({name for name in ids if ids.count(name) > 1}):
        where = " and ".join(case.name for case in cases if any(row.id == doubled for row in case.rows))
        errors.append(InputError("rows.id", doubled, f"an id that no other row has; it stands in {where}"))
    if errors:
        raise InputErrors(errors)
    if rows is not None:
        unknown = [row for row in rows if row not in ids]
        if unknown:
            expected = f"a row of the study: {', '.join(ids)}"
            raise InputErrors(InputError("--rows", row, expected, nearest(row, ids)) for row in unknown)
        cases = [
            StudyCase(case.name, case.path, case.case, chosen)
            for case in cases
            if (chosen := tuple(row for row in case.rows if row.id in rows))
        ]
    return Study(folder.resolve().name, tuple(cases), tuple(overrides))


def result_folder(out: Path, name: str) -> Path:
    """Return the folder of the run of a case."""
    return out / f"{name.replace('/', '_')}.results"


def run_study(
    study: Study, out: Path, *, processes: int = 1, on_finished: Callable[[StudyCase, Finished], None] | None = None
) -> tuple[Answer, ...]:
    """Run the cases of a study, as far as that has not been done, and ask their rows.

    A run that stops by an error, and a row that a result cannot answer, are problems of their rows; the study goes on.

    Returns
    -------
    tuple of Answer
        Calibrated rows first, then predicted and blind ones; within that in the order of the cases.

    Raises
    ------
    InputError
        If ``out`` holds something else than runs.
    """
    jobs = [Job(case.path, study.overrides, result_folder(out, case.name), case_key(case.case)) for case in study.cases]
    names = {job.folder: case for job, case in zip(jobs, study.cases, strict=True)}

    def tell(finished: Finished) -> None:
        if on_finished is not None:
            on_finished(names[finished.job.folder], finished)

    with Workers(processes) as workers:
        ended = workers.run(jobs, on_finished=tell)
    answers = []
    for job, case in zip(jobs, study.cases, strict=True):
        finished = ended[job.key]
        problem = f"the run stopped: {finished.problem}" if finished.problem else ""
        results = None if problem else Results.open(finished.job.folder)
        answers += [answer(row, case.name, results, problem) for row in case.rows]
    return tuple(sorted(answers, key=lambda each: USES.index(each.row.use)))
