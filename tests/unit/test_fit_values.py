"""Reading a fit, overrides from a file, and statistics of fits whose answer is known in closed form."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import t

from catholyte.case import read_case
from catholyte.case.overrides import apply_overrides
from catholyte.errors import InputError, InputErrors, NotConverged
from catholyte.fitting.evaluate import Evaluation
from catholyte.fitting.optimise import jacobian, optimise
from catholyte.fitting.parameters import FitParameter, read_parameter
from catholyte.fitting.request import Options, read_fit
from catholyte.fitting.statistics import assess
from catholyte.validation.reading import Keys

CASES = Path(__file__).parents[2] / "cases"
SLAB = CASES / "verification" / "slab_discharge" / "case.toml"
ROWS = """
[[rows]]
id = "capacity"
use = "calibrate"
unit = "mAh/g"
value = 120
uncertainty = 1
measure = { quantity = "discharge capacity" }
[[rows]]
id = "kept"
use = "predict"
unit = "V"
value = 3.6
measure = { quantity = "mean discharge voltage" }
[[rows]]
id = "vague"
use = "calibrate"
unit = "V"
value = 3.6
measure = { quantity = "mean discharge voltage" }
"""
FIT = """
[parameters.D]
key = "phases.active.D"
bounds = ["1e-12 cm2/s", "1e-10 cm2/s"]
start = "5e-12 cm2/s"
scale = "log"
[[targets]]
case = "slab"
row = "capacity"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "slab").mkdir()
    (tmp_path / "slab" / "case.toml").write_text(SLAB.read_text("utf-8"), encoding="utf-8")
    (tmp_path / "slab" / "validation.toml").write_text(ROWS, encoding="utf-8")
    return tmp_path


# ---------------------------------------------------------------------------------------------------------- overrides


def test_overrides_from_a_file_are_those_of_the_command_line(tmp_path):
    data = {"phases": {"active": {"D": "1 cm2/s"}}, "interfaces": {"a|b": {}}}
    file = tmp_path / "fitted.toml"
    file.write_text(
        '"phases.active.D" = "3e-12 cm2/s"\n'
        '"interfaces.b|a.film_resistance" = "1 ohm cm2"\n'
        "[mesh.packing]\nseed = 8\n[interfaces]\n'\"a|b\".contact_resistance' = '2 ohm cm2'\n"
    )
    changed = apply_overrides(data, [f"@{file}", "mesh.packing.voxels=[8,8,8]"])
    assert changed["phases"]["active"]["D"] == "3e-12 cm2/s"
    assert changed["interfaces"] == {"a|b": {"film_resistance": "1 ohm cm2", "contact_resistance": "2 ohm cm2"}}
    assert changed["mesh"]["packing"] == {"seed": 8, "voxels": [8, 8, 8]}


def test_later_overrides_win_over_a_file(tmp_path):
    file = tmp_path / "f.toml"
    file.write_text('"cell.temperature" = "40 degC"\n')
    case = read_case(SLAB, [f"@{file}"])
    assert case.cell.temperature == pytest.approx(313.15)
    assert read_case(SLAB, [f"@{file}", "cell.temperature=50 degC"]).cell.temperature == pytest.approx(323.15)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ("--set", "fited.toml", "did you mean '@", "fitted.toml'")),
        ("a = ", ("--set", "a file of TOML")),
        ('"phases.activ.D" = "1 cm2/s"', ("phases.activ", "did you mean 'active'")),
        ('"cell.temperatur" = "1 degC"', ("cell.temperatur", "did you mean 'temperature'")),
    ],
)
def test_faults_of_a_file_of_overrides(tmp_path, text, words):
    (tmp_path / "fitted.toml").write_text(text or "")
    name = "fitted.toml" if text is not None else "fited.toml"
    with pytest.raises(InputErrors) as refused:
        read_case(SLAB, [f"@{tmp_path / name}"])
    for word in words:
        assert word in str(refused.value)


# --------------------------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_scaled_values_run_from_bound_to_bound(scale):
    table = {"key": "a.b", "bounds": ["1e-3 S/m", "10 S/m"], "start": "0.1 S/m", "scale": scale}
    parameter = read_parameter("sigma", Keys(table, "p"), ())
    assert [parameter.value(z) for z in (0.0, 1.0)] == pytest.approx([1e-3, 10.0])
    assert parameter.scaled(0.1) == pytest.approx(0.5 if scale == "log" else 0.099 / 9.999)
    z, h = 0.3, 1e-6
    assert parameter.slope(z) == pytest.approx((parameter.value(z + h) - parameter.value(z - h)) / (2 * h), rel=1e-6)
    assert parameter.overrides(1.0) == ("a.b=10 S/m",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bounds": ["1 S/m"]}, ("p.bounds", "two rising values")),
        ({"bounds": ["10 S/m", "1 S/m"]}, ("p.bounds", "two rising values")),
        ({"bounds": ["1 S/m", "10 mS/m"]}, ("p.bounds", "a value in S/m")),
        ({"start": "2"}, ("p.start", "a value in S/m")),
        ({"start": "20 S/m"}, ("p.start", "from 1 S/m to 10 S/m")),
        ({"start": "fast"}, ("p.start", "with its unit")),
        ({"bounds": ["0 S/m", "10 S/m"], "scale": "log"}, ("p.bounds", "above zero")),
        ({"scale": "logarithmic"}, ("p.scale", "linear, log")),
        ({"key": ""}, ("p.key", "a dotted key")),
    ],
)
def test_faults_of_parameters(change, words):
    table = {"key": "a.b", "bounds": ["1 S/m", "10 S/m"], "start": "2 S/m"} | change
    with pytest.raises(InputError) as refused:
        read_parameter("sigma", Keys(table, "p"), ())
    for word in words:
        assert word in str(refused.value)


def test_a_fit_is_read(folder):
    (folder / "fit.toml").write_text(FIT + "weight = 4\n[options]\niterations = 7\n")
    fit = read_fit(folder / "fit.toml")
    assert [case.name for case in fit.cases] == ["slab"]
    assert fit.options == Options(iterations=7)
    changes = fit.changes(fit.cases[0], (0.5,))
    assert changes == ("output.fields=none", "phases.active.D=1e-11 cm2/s")
    assert fit.targets[0].weight == 4.0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('row = "capacity"', 'row = "kept"', ("targets[0].row", "'kept'", "is kept to be predicted")),
        ('row = "capacity"', 'row = "capcity"', ("targets[0].row", "did you mean 'capacity'")),
        ('row = "capacity"', 'row = "vague"', ("targets[0].uncertainty", "neither")),
        ('row = "capacity"', "", ("targets[0].row", "either a row")),
        ('row = "capacity"', 'row = "capacity"\nweight = 0', ("targets[0].weight", "above zero")),
        ('row = "capacity"', 'curve = { file = "no.csv", uncertainty = "1 mV" }', ("curve.file", "no.csv")),
        ('case = "slab"', 'case = "slap"', ("targets[0].case", "did you mean 'slab'")),
        ('"phases.active.D"', '"phases.active.E"', ("slab: phases.active.E", "one of the keys")),
        ('"phases.active.D"', '"phases.activ.D"', ("slab: phases.activ", "did you mean 'active'")),
        ("cm2/s", "cm2", ("slab: phases.active.D", "diffusivity")),
        ('scale = "log"', 'scale = "log"\ncases = ["slob"]', ("parameters.D.cases", "did you mean 'slab'")),
        ('scale = "log"', 'scal = "log"', ("parameters.D.scal", "did you mean 'scale'")),
        ("[[targets]]", "[[target]]", ("targets", "did you mean 'targets instead of target'")),
        ("[[targets]]", "[options]\nstep = 0.8\n[[targets]]", ("options.step", "at most 0.5")),
        ("[[targets]]", "[options]\niterations = -1\n[[targets]]", ("options.iterations", "above zero")),
    ],
)
def test_faults_of_a_fit(folder, old, new, words):
    (folder / "fit.toml").write_text(FIT.replace(old, new))
    with pytest.raises((InputError, InputErrors)) as refused:
        read_fit(folder / "fit.toml")
    for word in words:
        assert word in str(refused.value)


def test_blind_rows_are_never_fitted(folder):
    rows = ROWS.replace('use = "predict"', 'use = "blind"').replace("value = 3.6\nmeasure", "measure", 1)
    (folder / "slab" / "validation.toml").write_text(rows)
    (folder / "fit.toml").write_text(FIT.replace('row = "capacity"', 'row = "kept"'))
    with pytest.raises(InputErrors, match="is blind and may not be fitted"):
        read_fit(folder / "fit.toml")


# ------------------------------------------------------------------------------------------ search on known functions


def line(name, low, high, start, *, log=False):
    return FitParameter(name, (f"x.{name}",), low, high, start, "", log, ())


class Known:
    """Stands for an evaluator: residuals are a function of the values; where it gives None a run fails."""

    def __init__(self, function, *parameters, **options):
        start = tuple(p.scaled(p.start) for p in parameters)
        self.fit = SimpleNamespace(
            parameters=parameters, start=start, options=Options(tolerance=1e-10, **{"step": 1e-4} | options)
        )
        self.function, self.evaluations = function, []

    def at(self, points):
        for z in points:
            values = [p.value(each) for p, each in zip(self.fit.parameters, z, strict=True)]
            r = self.function(*values)
            found = np.empty(0) if r is None else np.asarray(r, float)
            self.evaluations.append(
                Evaluation(len(self.evaluations) + 1, z, found, (found.size,), "died" if r is None else "", False)
            )
        return self.evaluations[-len(points) :]


def test_a_straight_line_has_the_errors_of_the_textbook():
    x = np.linspace(0.0, 1.0, 12)
    y = 2.0 + 3.0 * x + 0.1 * np.sin(40.0 * x)
    known = Known(lambda a, b: (a + b * x - y) / 0.1, line("a", -10.0, 10.0, 0.0), line("b", 0.0, 20.0, 1.0))
    solution = optimise(known)
    found = assess(known.fit.parameters, solution)
    X = np.stack([np.ones_like(x), x], axis=1)
    beta, (rss,), *_ = np.linalg.lstsq(X, y, rcond=None)
    covariance = rss / 10.0 * np.linalg.inv(X.T @ X)
    assert [one.value for one in found.estimates] == pytest.approx(beta, abs=1e-6)
    assert [one.error for one in found.estimates] == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-5)
    half = t.ppf(0.975, 10) * math.sqrt(covariance[1, 1])
    assert found.estimates[1].interval == pytest.approx((beta[1] - half, beta[1] + half), rel=1e-5)
    assert found.correlation[0, 1] == pytest.approx(covariance[0, 1] / np.sqrt(np.prod(np.diag(covariance))), rel=1e-5)
    assert (found.freedom, found.residuals) == (10, 12)


def test_without_degrees_of_freedom_the_given_uncertainty_counts():
    known = Known(lambda a: [(a - 4.0) / 0.5], line("a", 0.0, 10.0, 1.0))
    (one,) = assess(known.fit.parameters, optimise(known)).estimates
    assert one.value == pytest.approx(4.0, abs=1e-6)
    assert one.error == pytest.approx(0.5)
    assert one.interval == pytest.approx((4.0 - 0.98, 4.0 + 0.98), abs=1e-3)


def test_the_interval_of_a_logarithmic_parameter_is_a_factor():
    known = Known(lambda a: [(math.log(a) - math.log(2e-12)) / 0.1], line("a", 1e-14, 1e-10, 1e-13, log=True))
    (one,) = assess(known.fit.parameters, optimise(known)).estimates
    assert one.value == pytest.approx(2e-12, rel=1e-6)
    assert one.error == pytest.approx(0.1 * 2e-12, rel=1e-4)
    assert one.interval[1] / one.value == pytest.approx(one.value / one.interval[0])
    assert one.interval[1] / one.value == pytest.approx(math.exp(0.196), rel=1e-3)


def test_a_parameter_at_its_bound_is_named_and_leaves_the_others_their_errors():
    known = Known(lambda a, b: [a - 10.2, b - 3.1, b - 2.9], line("a", 0.0, 10.0, 5.0), line("b", 0.0, 10.0, 5.0))
    first, second = assess(known.fit.parameters, optimise(known)).estimates
    assert first.at_bound == "upper"
    assert first.value == pytest.approx(10.0, abs=0.01)
    assert math.isnan(first.error)
    assert second.value == pytest.approx(3.0, abs=1e-3)
    assert second.identified


def test_what_the_data_do_not_see_is_named():
    known = Known(
        lambda a, b, c: [a + b - 8.0, 2.0 * (a + b) - 16.1, c - 2.0, 2.0 * c - 4.1],
        *(line(name, 0.0, 10.0, start) for name, start in (("a", 1.0), ("b", 3.0), ("c", 5.0))),
    )
    found = assess(known.fit.parameters, optimise(known))
    assert [one.identified for one in found.estimates] == [False, False, True]
    assert math.isinf(found.estimates[0].error)
    assert found.estimates[2].value == pytest.approx(2.04, abs=1e-3)


def test_a_parameter_that_does_nothing_is_not_identified():
    known = Known(lambda a, b: [a - 3.0, 2.0 * a - 6.1], line("a", 0.0, 10.0, 1.0), line("b", 0.0, 10.0, 3.0))
    assert [one.identified for one in assess(known.fit.parameters, optimise(known)).estimates] == [True, False]


def test_runs_that_fail_on_the_way_shorten_the_step():
    # From 1 the full step of Gauss and Newton leads to 9.1, where runs fail.
    known = Known(lambda a: None if a > 6.0 else [math.log(a) - math.log(5.0), 0.1], line("a", 0.1, 20.0, 1.0))
    solution = optimise(known)
    assert known.fit.parameters[0].value(solution.z[0]) == pytest.approx(5.0, rel=1e-4)


def test_runs_that_fail_at_the_start_end_the_fit():
    with pytest.raises(NotConverged, match="at its start: died"):
        optimise(Known(lambda a: None, line("a", 0.0, 1.0, 0.5)))


def test_a_derivative_is_taken_on_the_side_where_runs_succeed():
    known = Known(lambda a: None if a > 0.5 else [a**2], line("a", 0.0, 1.0, 0.5))
    assert jacobian(known, (0.5,)) == pytest.approx(np.array([[1.0]]), abs=1e-3)
    with pytest.raises(NotConverged, match="where a was changed: died"):
        jacobian(Known(lambda a: None if a != 0.5 else [a], line("a", 0.0, 1.0, 0.5)), (0.5,))


def test_derivatives_stay_between_the_bounds():
    seen = []
    known = Known(lambda a: seen.append(a) or [a], line("a", 0.0, 1.0, 1.0), step=0.1)
    assert jacobian(known, (1.0,)) == pytest.approx(np.array([[1.0]]))
    assert max(seen) == 1.0
