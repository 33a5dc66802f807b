"""Fits of a real case: parameters that made the data are found again, and no run is done twice."""

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

from catholyte import cli
from catholyte.build import build
from catholyte.case import read_case
from catholyte.fitting.evaluate import Evaluator
from catholyte.fitting.outcome import carry_out_fit
from catholyte.fitting.request import read_fit
from catholyte.results import Results
from catholyte.simulation import Simulation

SLAB = (Path(__file__).parents[2] / "cases" / "verification" / "slab_discharge" / "case.toml").read_text("utf-8")
TRUE_D, TRUE_I0 = 1.7e-11, 0.6
ROWS = """
[[rows]]
id = "capacity"
use = "calibrate"
unit = "mAh/g"
value = {capacity!r}
uncertainty = "1 %"
measure = {{ quantity = "discharge capacity" }}
[[rows]]
id = "voltages"
use = "calibrate"
unit = "V"
value = {voltages!r}
uncertainty = 0.005
measure = [{{ quantity = "voltage", discharge = 1, at = "10 mAh/g" }}, {{ quantity = "mean discharge voltage" }}]
"""
FIT = """
title = "Two parameters"
[parameters.D]
key = "phases.active.D"
bounds = ["1e-12 cm2/s", "1e-10 cm2/s"]
start = "1.2e-11 cm2/s"
scale = "log"
[parameters.i0]
key = "interfaces.active|electrolyte.kinetics.exchange_current"
bounds = ["0.1 A/m2", "10 A/m2"]
start = "1 A/m2"
scale = "log"
[[targets]]
case = "slab"
row = "capacity"
[[targets]]
case = "slab"
row = "voltages"
"""


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """A case with the rows and the curve that known parameters give."""
    folder = tmp_path_factory.mktemp("truth")
    (folder / "slab").mkdir()
    case = folder / "slab" / "case.toml"
    case.write_text(SLAB.replace("C/2", "2C"), encoding="utf-8")
    true = [
        f"phases.active.D={TRUE_D} cm2/s",
        f"interfaces.active|electrolyte.kinetics.exchange_current={TRUE_I0} A/m2",
    ]
    results = Simulation(build(read_case(case, true))).run(folder / "true.results")
    passed = results.curves["charge"].to_numpy() / results.provenance["active_areal_mass_kg_m2"] / 3600.0
    voltage = results.curves["voltage"].to_numpy()
    mean = results.summary()["mean_discharge_voltage_vs_Li_V"]
    rows = ROWS.format(capacity=float(passed[-1]), voltages=[float(np.interp(10.0, passed, voltage)), mean])
    (folder / "slab" / "validation.toml").write_text(rows, encoding="utf-8")
    table = "".join(f"{q:.6f},{V:.6f}\n" for q, V in zip(passed, voltage, strict=True))
    (folder / "measured.csv").write_text("capacity (mAh/g),voltage (V)\n" + table)
    (folder / "fit.toml").write_text(FIT, encoding="utf-8")
    return folder


def test_known_parameters_are_found_again(truth, tmp_path):
    found = carry_out_fit(Evaluator(read_fit(truth / "fit.toml"), tmp_path / "fit"))
    D, i0 = found.assessment.estimates
    assert D.value == pytest.approx(TRUE_D, rel=0.03)
    assert i0.value == pytest.approx(TRUE_I0, rel=0.03)
    assert D.identified
    assert i0.identified
    found.write()
    written = tomllib.loads((tmp_path / "fit" / "fitted.toml").read_text("utf-8"))
    assert written["phases.active.D"] == D.parameter.text(D.value)
    case = read_case(truth / "slab" / "case.toml", [f"@{tmp_path / 'fit' / 'fitted.toml'}"])
    diffusivity = case.phases["active"].D
    assert diffusivity == pytest.approx(1e-4 * D.value)
    assert case.interface("active", "electrolyte").kinetics.exchange_current == pytest.approx(i0.value)


def test_a_curve_is_fitted(truth, tmp_path):
    text = FIT.split("[parameters.i0]")[0].replace(
        'title = "Two parameters"',
        f"""set = [
        "interfaces.active|electrolyte.kinetics.exchange_current={TRUE_I0} A/m2"]""",
    )
    text += '[[targets]]\ncase = "slab"\ncurve = { file = "measured.csv", uncertainty = "5 mV" }\n'
    (truth / "curve.toml").write_text(text, encoding="utf-8")
    found = carry_out_fit(Evaluator(read_fit(truth / "curve.toml"), tmp_path / "fit"))
    assert found.assessment.residuals == 26
    assert found.assessment.estimates[0].value == pytest.approx(TRUE_D, rel=0.02)


class Killed(BaseException):
    """Stands for the death of the process."""


def test_a_killed_fit_goes_on_without_doing_a_run_twice(truth, tmp_path, monkeypatch):
    (truth / "short.toml").write_text(FIT + "[options]\niterations = 2\n", encoding="utf-8")
    fit = read_fit(truth / "short.toml")
    done = []

    def dying(evaluation):
        done.append(evaluation)
        if len(done) == 3:
            raise Killed

    with pytest.raises(Killed):
        carry_out_fit(Evaluator(fit, tmp_path / "fit", on_evaluation=dying))
    journal = json.loads((tmp_path / "fit" / "fit.json").read_text("utf-8"))
    assert len(journal["evaluations"]) == 3
    again = []
    found = carry_out_fit(Evaluator(fit, tmp_path / "fit", on_evaluation=again.append))
    assert [each.kept for each in again[:3]] == [True] * 3
    assert [each.chi_squared for each in again[:3]] == [each.chi_squared for each in done]
    journal = json.loads((tmp_path / "fit" / "fit.json").read_text("utf-8"))
    assert len(journal["evaluations"]) == len(again) == len(found.evaluator.evaluations)
    names = [name for entry in journal["evaluations"] for name in entry["runs"]]
    assert len(names) == len(set(names)) == len(list((tmp_path / "fit" / "runs").glob("*.results")))
    assert not Results.open(tmp_path / "fit" / "runs" / names[0]).counts.frames


def test_a_parameter_of_one_case_leaves_the_runs_of_the_others(truth, tmp_path):
    shutil.copytree(truth / "slab", tmp_path / "one")
    shutil.copytree(truth / "slab", tmp_path / "two")
    two = tmp_path / "two" / "case.toml"
    two.write_text(two.read_text().replace("2C", "3C"))
    text = FIT.replace('scale = "log"\n[[targets]]', 'scale = "log"\ncases = ["two"]\n[[targets]]', 1)
    text = text.replace('case = "slab"', 'case = "one"', 1).replace('case = "slab"', 'case = "two"')
    (tmp_path / "fit.toml").write_text(text + "[options]\niterations = 2\n")
    found = carry_out_fit(Evaluator(read_fit(tmp_path / "fit.toml"), tmp_path / "out"))
    journal = json.loads((tmp_path / "out" / "fit.json").read_text("utf-8"))
    runs = [entry["runs"] for entry in journal["evaluations"]]
    D_moved, i0_moved = runs[1], runs[2]
    assert D_moved[0] != runs[0][0]
    assert i0_moved[0] == runs[0][0]
    assert i0_moved[1] != runs[0][1]
    assert {path.name for path in found.write()} == {
        "fitted.toml", "fitted_one.toml", "fitted_two.toml", "fit_report.md"
    }  # fmt: skip
    shared, both = (tomllib.loads((tmp_path / "out" / name).read_text()) for name in ("fitted.toml", "fitted_two.toml"))
    assert list(shared) == ["phases.active.D"]
    assert len(both) == 2
    assert not found.solution.converged
    assert "Not converged: the largest number of iterations" in found.remarks()[0]


def test_the_command_shows_and_writes_what_was_found(catholyte, truth, tmp_path):
    (truth / "one.toml").write_text(FIT + "[options]\niterations = 1\n", encoding="utf-8")
    code, out, err = catholyte("fit", truth / "one.toml", "--out", tmp_path / "out", "--jobs", 2)
    assert code == 0, err
    for word in ("Parameters", "Correlations", "Targets", "Not converged", "chi²", "standard"):
        assert word in out
    page = (tmp_path / "out" / "fit_report.md").read_text("utf-8")
    assert page.startswith("# Two parameters\n")
    for word in ("| D |", "`phases.active.D`", "| capacity | calibrated | mAh/g |", "| correlation | D | i0 |"):
        assert word in page
    _, again, _ = catholyte("fit", truth / "one.toml", "--out", tmp_path / "out")
    lines = [line for line in again.splitlines() if "  at D" in line]
    assert lines
    assert all(line.endswith("(kept)") for line in lines)


def test_a_folder_of_something_else_is_refused(catholyte, truth, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    code, _, err = catholyte("fit", truth / "fit.toml", "--out", tmp_path)
    assert code == cli.BAD_INPUT
    assert "--out" in err
    assert (tmp_path / "letter.txt").read_text() == "dear"
