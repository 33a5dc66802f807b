"""Rows of measured values: reading, faults, and the verdict on what was computed."""

import math

import numpy as np
import pytest
from recorded import ONE_C, Step, constant, recorded

from catholyte.errors import InputError, InputErrors
from catholyte.validation.compare import answer
from catholyte.validation.rows import read_rows

HEAD = '[[rows]]\nid = "a"\nuse = "calibrate"\nunit = "mAh/g"\n'
CHARGE = 'measure = { quantity = "charge capacity" }\n'


@pytest.fixture(scope="module")
def cycled(tmp_path_factory):
    """200 and 180 mAh/g, charge and discharge."""
    steps = [constant(-ONE_C, 1.0, 3.0, 4.0), constant(ONE_C, 0.9, 3.9, 3.0)]
    return recorded(tmp_path_factory.mktemp("rows") / "r.results", steps)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """One sweep with peaks at 3.3 and 3.75 V."""
    E = np.linspace(2.0, 4.0, 801)
    shape = sum(np.exp(-(((E - at) / 0.05) ** 2)) for at in (3.3, 3.75))
    up = Step(np.linspace(0.0, 20000.0, 801), E, -shape, kind="sweep")
    return recorded(tmp_path_factory.mktemp("rows") / "s.results", [up])


def rows(folder, text):
    (folder / "validation.toml").write_text(text, encoding="utf-8")
    return read_rows(folder)


def verdicts(folder, text, results):
    (row,) = rows(folder, text)
    return answer(row, "case", results)


@pytest.mark.parametrize(
    ("rest", "within", "relative"),
    [
        ('value = 190\ntolerance = "10 %"', True, 10.0 / 190.0),
        ('value = 180\ntolerance = "10 %"', False, 20.0 / 180.0),
        ("value = 190\ntolerance = 10", True, 10.0 / 190.0),
        ("value = 190\nuncertainty = 9", False, 10.0 / 190.0),
        ("value = 190", None, 10.0 / 190.0),
        ('value = [150, 200.1]\nkind = "range"', True, 0.0),
        ('value = [210, 220]\nkind = "range"', False, -10.0 / 210.0),
        ('value = [210, 220]\nkind = "range"\ntolerance = "5 %"', True, -10.0 / 210.0),
    ],
)
def test_the_verdict_on_one_value(tmp_path, cycled, rest, within, relative):
    (verdict,) = verdicts(tmp_path, HEAD + CHARGE + rest, cycled).verdicts
    assert verdict.computed == pytest.approx(200.0)
    assert verdict.within is within
    assert verdict.relative == pytest.approx(relative, abs=1e-9)


def test_named_values_have_measures_of_the_same_names(tmp_path, cycled):
    text = HEAD + "value = { charge = 210, discharge = 180 }\ntolerance = 5\n[rows.measure]\n"
    text += 'charge = { quantity = "charge capacity" }\ndischarge = { quantity = "discharge capacity" }\n'
    first, second = verdicts(tmp_path, text, cycled).verdicts
    assert (first.name, first.within, first.deviation) == ("charge", False, pytest.approx(-10.0))
    assert (second.name, second.within, second.deviation) == ("discharge", True, pytest.approx(0.0, abs=1e-9))


def test_a_list_of_measures(tmp_path, cycled):
    text = HEAD + "value = [200, 170]\n"
    text += 'measure = [{ quantity = "charge capacity" }, { quantity = "discharge capacity" }]\n'
    assert [v.deviation for v in verdicts(tmp_path, text, cycled).verdicts] == pytest.approx([0.0, 10.0], abs=1e-9)


def test_peaks_find_their_partners(tmp_path, swept):
    text = '[[rows]]\nid = "cv"\nuse = "predict"\nunit = "mV"\ntolerance = 20\n'
    text += 'measure = { quantity = "peak potentials", direction = "anodic" }\n'
    found = verdicts(tmp_path, text + "value = [3740, 3290]", swept)
    assert [v.deviation for v in found.verdicts] == pytest.approx([10.0, 10.0], abs=1.0)
    found = verdicts(tmp_path, text + "value = 3700", swept)
    assert found.verdicts[0].deviation == pytest.approx(50.0, abs=1.0)
    assert found.note == "also computed: 3300"
    first, second, third = verdicts(tmp_path, text + "value = [2600, 3300, 3750]", swept).verdicts
    assert math.isnan(first.computed)
    assert first.within is False
    assert (second.within, third.within) == (True, True)


def test_blind_rows_give_the_computed_value_alone(tmp_path, cycled):
    text = HEAD.replace("calibrate", "blind") + CHARGE
    (verdict,) = verdicts(tmp_path, text, cycled).verdicts
    assert verdict.computed == pytest.approx(200.0)
    assert verdict.measured is None
    assert verdict.within is None


def test_a_row_that_a_result_cannot_answer_says_so(tmp_path, cycled):
    text = HEAD + 'value = 1\nmeasure = { quantity = "charge capacity", number = 4 }\n'
    found = verdicts(tmp_path, text, cycled)
    assert found.verdicts == ()
    assert "only 1 of them" in found.problem


def test_a_value_without_unit(tmp_path, cycled):
    text = HEAD.replace("mAh/g", "1") + 'value = 0.93\nmeasure = { quantity = "coulombic efficiency" }\n'
    assert verdicts(tmp_path, text, cycled).verdicts[0].computed == pytest.approx(0.9)
    text = text.replace('"1"', '"%"')
    assert verdicts(tmp_path, text, cycled).verdicts[0].computed == pytest.approx(90.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("rows", "missing")),
        ("rows = 3", ("rows", "tables [[rows]]")),
        ("[[row]]\nid = 'a'", ("rows", "did you mean 'rows instead of row'")),
        (HEAD.replace("calibrate", "calibrte") + CHARGE, ("rows.a.use", "did you mean 'calibrate'")),
        (HEAD + CHARGE, ("rows.a.value", "None")),
        (HEAD.replace("calibrate", "blind") + "value = 3\n" + CHARGE, ("rows.a.value", "blind", "'predict'")),
        (HEAD.replace("mAh/g", "V") + "value = 1\n" + CHARGE, ("rows.a.unit", "specific capacity or areal")),
        (HEAD.replace("mAh/g", "mAh per g") + "value = 1\n" + CHARGE, ("rows.a.unit", "'mAh per g'")),
        (HEAD + "value = 'x'\n" + CHARGE, ("rows.a.value", "'x'")),
        (HEAD + "value = [2, 1]\nkind = 'range'\n" + CHARGE, ("rows.a.value", "two rising numbers")),
        (HEAD + "value = 1\ntolerance = '10 mAh'\n" + CHARGE, ("rows.a.tolerance", "10 %")),
        (HEAD + "value = 1\ntolerance = 0\n" + CHARGE, ("rows.a.tolerance", "positive")),
        (HEAD + "value = { x = 1 }\n" + CHARGE, ("rows.a.measure", "x = { quantity = … }")),
        (HEAD + "value = [1]\nmeasure = [{ quantity = 'voltage' }, { quantity = 'voltage' }]", ("a list of 2",)),
        (HEAD + "value = 1\ntolerence = 1\n" + CHARGE, ("rows.a.tolerence", "did you mean 'tolerance'")),
        (HEAD + "value = 1\n" + CHARGE + HEAD + "value = 1\n" + CHARGE, ("rows", "two rows have this one")),
        ("[[rows]]\nid = 'b'", ("rows.b.use", "missing")),
    ],
)
def test_faults_of_rows_are_told(tmp_path, text, words):

    with pytest.raises((InputError, InputErrors)) as refused:
        rows(tmp_path, text)
    for word in words:
        assert word in str(refused.value)


def test_all_faults_are_told_at_once(tmp_path):
    text = HEAD + CHARGE + HEAD.replace('"a"', '"b"') + "value = 1\nmeasure = { quantity = 'voltag' }\n"
    with pytest.raises(InputErrors) as refused:
        rows(tmp_path, text)
    assert len(refused.value.errors) == 2
