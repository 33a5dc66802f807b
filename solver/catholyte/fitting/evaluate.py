"""Evaluations of a fit: the runs at some parameters, their residuals, and a journal of all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import CatholyteError, InputError
from catholyte.fitting.request import Fit
from catholyte.results import Results
from catholyte.validation.runs import Job, Workers, replace_text

Point = tuple[float, ...]

JOURNAL, RUNS = "fit.json", "runs"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one set of parameters gives.

    Attributes
    ----------
    number
        From 1, in the order of the fit.
    z
        Scaled parameters.
    residuals
        Of all targets in their order; empty if a run or a target failed.
    sizes
        How many of them belong to each target.
    problem
        What failed; empty if nothing did.
    kept
        Whether all of its runs had been done before.
    """

    number: int
    z: Point
    residuals: NDArray[np.float64]
    sizes: tuple[int, ...]
    problem: str
    kept: bool

    @property
    def chi_squared(self) -> float:
        """Sum of the squared residuals; NaN if there are none."""
        return float(np.sum(self.residuals**2)) if not self.problem else float("nan")


class Evaluator:
    """Evaluates a fit in a folder where runs are kept.

    Parameters
    ----------
    fit
        The fit.
    out
        Folder of journal and runs; made if it is missing.
    workers
        What runs the cases; this process alone without it.
    on_evaluation
        Called after each.

    Raises
    ------
    InputError
        If the folder holds something else than a fit.
    """

    def __init__(
        self,
        fit: Fit,
        out: Path,
        *,
        workers: Workers | None = None,
        on_evaluation: Callable[[Evaluation], None] | None = None,
    ) -> None:
        check_folder(out)
        out.mkdir(parents=True, exist_ok=True)
        self.fit, self.out = fit, out
        self.evaluations: list[Evaluation] = []
        self._workers = workers or Workers()
        self._told = on_evaluation
        self._known: dict[Point, Evaluation] = {}
        self._jobs: dict[Point, list[Job]] = {}
        self._write_journal()

    def at(self, points: Sequence[Point]) -> list[Evaluation]:
        """Return the evaluations at some points; their runs are done side by side, and each of them once."""
        new = [z for z in dict.fromkeys(points) if z not in self._known]
        jobs = {z: [self.fit.job(case, z, self.out / RUNS) for case in self.fit.cases] for z in new}
        ended = self._workers.run((job for several in jobs.values() for job in several), retry=False)
        for z, several in jobs.items():
            kept = all(ended[job.key].kept for job in several)
            problem = next((ended[job.key].problem for job in several if ended[job.key].problem), "")
            parts: list[NDArray[np.float64]] = []
            self._jobs[z] = several
            if not problem:
                parts, problem = self._residuals(z)
            residuals = np.concatenate(parts) if parts else np.empty(0)
            sizes = tuple(part.size for part in parts)
            evaluation = Evaluation(len(self.evaluations) + 1, z, residuals, sizes, problem, kept)
            self._known[z] = evaluation
            self.evaluations.append(evaluation)
            self._write_journal()
            if self._told is not None:
                self._told(evaluation)
        return [self._known[z] for z in points]

    def results(self, z: Point) -> dict[str, Results]:
        """Return the runs of a point that was evaluated, by the names of their cases."""
        return {case.name: Results.open(job.folder) for case, job in zip(self.fit.cases, self._jobs[z], strict=True)}

    def _residuals(self, z: Point) -> tuple[list[NDArray[np.float64]], str]:
        """Return the residuals of every target, or none and what is wrong."""
        try:
            by_case = self.results(z)
            parts = [target.residuals(by_case[target.case]) for target in self.fit.targets]
        except CatholyteError as error:
            return [], str(error)
        before = next((each.sizes for each in self.evaluations if not each.problem), None)
        sizes = tuple(part.size for part in parts)
        if before is not None and sizes != before:
            return [], f"{sizes} values of the targets instead of {before}: a half-cycle came or went"
        return parts, ""

    def _write_journal(self) -> None:
        """Write all evaluations, in words that do not need the program to be read."""
        parameters = self.fit.parameters
        entries = [
            {
                "number": each.number,
                "parameters": {
                    parameter.name: parameter.text(parameter.value(z))
                    for parameter, z in zip(parameters, each.z, strict=True)
                },
                "chi_squared": None if each.problem else each.chi_squared,
                "residuals": each.residuals.tolist(),
                "problem": each.problem,
                "runs": [job.folder.name for job in self._jobs[each.z]],
            }
            for each in self.evaluations
        ]
        cases = [case.name for case in self.fit.cases]
        about = {"title": self.fit.title, "cases": cases, "evaluations": entries}
        replace_text(self.out / JOURNAL, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def check_folder(out: Path) -> None:
    """Check that a fit may be written to a folder.

    Raises
    ------
    InputError
        If it holds something else.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / JOURNAL).is_file())):
        raise InputError("--out", str(out), "a folder that is new, empty or that of a fit; this one is something else")
