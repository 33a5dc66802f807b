"""``catholyte validate`` and ``catholyte fit``: measured beside computed values, and parameters from measured ones.

Imports are made inside the commands, as in :mod:`catholyte.cli`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catholyte.validation.compare import Answer

_out = Console()

Jobs = Annotated[int, typer.Option(metavar="N", help="How many cases to run at a time, each in a process.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (validate, fit):
        app.command()(command)


def validate(
    folder: Annotated[Path, typer.Argument(help="A folder of cases, each with a validation.toml.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the runs are kept; FOLDER/validation.results by default."),
    ] = None,
    rows: Annotated[str | None, typer.Option(metavar="ID,ID…", help="These rows alone; all by default.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of all cases, or @FILE; may be repeated."),
    ] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="Write table and picture into a page in Markdown.")
    ] = None,
    jobs: Jobs = 1,
) -> None:
    """Run the cases of a study and put what they give beside what was measured.

    Cases that were run before are not run again unless they have changed.
    """
    from catholyte.evaluation.columns import write_csv
    from catholyte.report.validation import validation_report
    from catholyte.validation.runs import Finished, check_processes
    from catholyte.validation.study import StudyCase, read_study, run_study
    from catholyte.validation.table import answer_columns, check_page, write_page

    check_processes(jobs)
    wanted = None if rows is None else [name.strip() for name in rows.split(",")]
    study = read_study(folder, rows=wanted, overrides=overrides or ())
    if write is not None:
        check_page(write, study.name)
    place = folder / "validation.results" if out is None else out

    def tell(case: StudyCase, finished: Finished) -> None:
        how = f"stopped: {finished.problem}" if finished.problem else ("kept" if finished.kept else "run")
        _out.print(f"{case.name}: {how}", highlight=False, markup=False)

    answers = run_study(study, place, processes=jobs, on_finished=tell)
    _out.print("", validation_report(answers))
    write_csv(place / "validation.csv", answer_columns(answers))
    _wrote(place / "validation.csv")
    picture = place / "validation.png" if write is None else write.with_suffix(".png")
    drawn = _draw(answers, picture)
    if write is not None:
        write_page(write, study.name, answers, picture if drawn else None)
        _wrote(write)


def fit(
    file: Annotated[Path, typer.Argument(metavar="FIT", help="A fit (.toml).", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Journal, runs and outcome; FIT.fit beside it by default.")
    ] = None,
    jobs: Jobs = 1,
) -> None:
    """Find parameters of cases from measured rows and curves by least squares.

    A fit that was killed goes on from where it stood: no run is done twice.
    """
    from catholyte.fitting.evaluate import Evaluation, Evaluator
    from catholyte.fitting.outcome import carry_out_fit
    from catholyte.fitting.request import read_fit
    from catholyte.report.fitting import evaluation_line, fit_report
    from catholyte.validation.runs import Workers, check_processes

    check_processes(jobs)
    request = read_fit(file)
    place = file.with_suffix(".fit") if out is None else out

    def tell(evaluation: Evaluation) -> None:
        _out.print(evaluation_line(evaluation, request), highlight=False, markup=False)

    with Workers(jobs) as workers:
        found = carry_out_fit(Evaluator(request, place, workers=workers, on_evaluation=tell))
    _out.print("", fit_report(found))
    for path in found.write():
        _wrote(path)


def _draw(answers: Sequence[Answer], path: Path) -> bool:
    """Draw what can be drawn; False if there is nothing."""
    from catholyte.plot.pictures import save
    from catholyte.plot.validation import Mark, measured_and_computed
    from catholyte.validation.table import name

    marks = [
        Mark(
            name(answer, verdict),
            answer.row.use,
            answer.row.unit,
            verdict.computed,
            verdict.measured,
            answer.row.uncertainty.of(verdict.measured)
            if answer.row.uncertainty is not None and isinstance(verdict.measured, float)
            else 0.0,
        )
        for answer in answers
        for verdict in answer.verdicts
    ]
    if not marks:
        return False
    for written in save(measured_and_computed(marks), path.parent, path.stem):
        _wrote(written)
    return True


def _wrote(path: Path) -> None:
    _out.print(f"wrote {path}", highlight=False, soft_wrap=True)
