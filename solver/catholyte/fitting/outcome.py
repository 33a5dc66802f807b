"""What a fit leaves behind beside its journal: tables, a page that tells it, and values that cases can be run with."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from catholyte.evaluation.columns import Column, column
from catholyte.fitting.evaluate import Evaluator
from catholyte.fitting.optimise import Solution, optimise
from catholyte.fitting.request import FitCase
from catholyte.fitting.statistics import Assessment, Estimate, assess
from catholyte.fitting.targets import RowTarget
from catholyte.validation.compare import Answer, answer
from catholyte.validation.runs import replace_text
from catholyte.validation.table import markdown, markdown_table

PAGE, VALUES = "fit_report.md", "fitted.toml"


class Outcome:
    """A fit that was carried out.

    Attributes
    ----------
    evaluator, solution, assessment
        What was evaluated, where it ended, and what that says.
    """

    def __init__(self, evaluator: Evaluator, solution: Solution) -> None:
        self.evaluator, self.solution = evaluator, solution
        self.fit = evaluator.fit
        self.assessment: Assessment = assess(self.fit.parameters, solution)

    def parameters(self) -> list[Column]:
        """Return the parameters as columns."""
        each = self.assessment.estimates
        return [
            column("parameter", "", (one.parameter.name for one in each)),
            column("value", "", (one.value for one in each), ".5g"),
            column("standard error", "", (one.error for one in each), ".2g"),
            column("95 % from", "", (one.interval[0] for one in each), ".4g"),
            column("to", "", (one.interval[1] for one in each), ".4g"),
            column("unit", "", (one.parameter.unit for one in each)),
            column("remark", "", (_remark(one) for one in each)),
        ]

    def correlations(self) -> list[Column]:
        """Return the matrix of correlations as columns."""
        names = [one.parameter.name for one in self.assessment.estimates]
        matrix = self.assessment.correlation
        return [
            column("correlation", "", names),
            *(column(name, "", map(float, matrix[:, k]), ".3f") for k, name in enumerate(names)),
        ]

    def targets(self) -> list[Column]:
        """Return what each target adds to the sum of squares, at the start and at the end."""
        first, (last,) = self.evaluator.evaluations[0], self.evaluator.at([self.solution.z])
        ends = [sum(first.sizes[: k + 1]) for k in range(len(first.sizes))]
        parts = [slice(end - size, end) for size, end in zip(first.sizes, ends, strict=True)]
        return [
            column("target", "", (target.name for target in self.fit.targets)),
            column("case", "", (target.case for target in self.fit.targets)),
            column("values", "", first.sizes),
            column("chi² at the start", "", (float((first.residuals[part] ** 2).sum()) for part in parts)),
            column("at the end", "", (float((last.residuals[part] ** 2).sum()) for part in parts)),
        ]

    def answers(self) -> tuple[Answer, ...]:
        """Return the rows of the targets, asked of the runs at the solution."""
        results = self.evaluator.results(self.solution.z)
        rows = (target for target in self.fit.targets if isinstance(target, RowTarget))
        return tuple(answer(target.row, target.case, results[target.case]) for target in rows)

    def remarks(self) -> list[str]:
        """Return in sentences how the fit ended, and which parameters to distrust."""
        found, solution = self.assessment, self.solution
        runs = sum(1 for each in self.evaluator.evaluations)
        lines = [f"{'Converged' if solution.converged else 'Not converged'}: {solution.message}; {runs} evaluations."]
        spread = (
            f"reduced chi² {found.scale:.4g}, by which the errors are scaled"
            if found.freedom > 0
            else "no more values than free parameters, so the errors are those of the given uncertainties"
        )
        lines.append(
            f"chi² {found.chi_squared:.4g} of {found.residuals} values, {found.freedom} degrees of freedom: {spread}."
        )
        bound = [f"{one.parameter.name} ({one.at_bound})" for one in found.estimates if one.at_bound]
        if bound:
            lines.append(f"At a bound: {', '.join(bound)}; no error is given there.")
        vague = [one.parameter.name for one in found.estimates if not one.identified]
        if vague:
            lines.append(f"Not identified by these targets: {', '.join(vague)}.")
        failed = [each for each in self.evaluator.evaluations if each.problem]
        if failed:
            numbers = ", ".join(f"{each.number}" for each in failed)
            lines.append(f"Failed evaluations: {numbers}; the last because of: {failed[-1].problem}.")
        return lines

    def write(self) -> list[Path]:
        """Write the page and the values; return the files.

        ``fitted.toml`` holds the keys that all cases have. If a parameter belongs to some cases only, each case has a
        file of its own too, with all that it needs.
        """
        out = self.evaluator.out
        (out / VALUES).write_text(tomli_w.dumps(self._values(None)), encoding="utf-8")
        written = [out / VALUES]
        if any(parameter.cases for parameter in self.fit.parameters):
            for case in self.fit.cases:
                file = out / f"fitted_{case.name}.toml"
                file.write_text(tomli_w.dumps(self._values(case)), encoding="utf-8")
                written.append(file)
        replace_text(out / PAGE, self._page())
        return [*written, out / PAGE]

    def _values(self, case: FitCase | None) -> dict[str, str | float]:
        values: dict[str, str | float] = {}
        for one in self.assessment.estimates:
            parameter = one.parameter
            if parameter.cases if case is None else not parameter.belongs_to(case.name):
                continue
            value = parameter.text(one.value) if parameter.unit else one.value
            values |= dict.fromkeys(parameter.keys, value)
        return values

    def _page(self) -> str:
        parts = [f"# {self.fit.title}", "\n".join(f"- {line}" for line in self.remarks())]
        parts += ["## Parameters", markdown_table(self.parameters())]
        if len(self.fit.parameters) > 1:
            parts.append(markdown_table(self.correlations()))
        parts += ["## Targets", markdown_table(self.targets())]
        answers = self.answers()
        if answers:
            parts.append(markdown(answers))
        keys = [f"- {each.name}: {', '.join(f'`{key}`' for key in each.keys)}" for each in self.fit.parameters]
        parts += ["## Keys", "\n".join(keys)]
        return "\n\n".join(parts) + "\n"


def carry_out_fit(evaluator: Evaluator) -> Outcome:
    """Search for the parameters of a fit.

    Raises
    ------
    NotConverged
        If its runs fail where they must not.
    """
    return Outcome(evaluator, optimise(evaluator))


def _remark(one: Estimate) -> str:
    if one.at_bound:
        return f"at its {one.at_bound} bound"
    return "" if one.identified else "not identified"
