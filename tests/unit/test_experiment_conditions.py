"""Rules judged at an instant: what they read, when they are met and how that is said."""

import math
from dataclasses import replace

import pytest

from catholyte.experiment import (
    Capacity,
    Current,
    Moment,
    Power,
    Resistance,
    Scales,
    duration,
    margin,
    met_by,
    read_condition,
    resolve,
)

SCALES = Scales(areal_capacity_1C=36000.0, area=1e-4, areal_mass=0.1)
BEGAN = Moment(1000.0, 4.0, 0.0, 5000.0, 298.15, 5000.0 / 36000.0, math.nan)


def condition(text):
    return read_condition(text, key="until")


def at(text, tolerance=None, **readings):
    return margin(condition(text), replace(BEGAN, **readings), BEGAN, SCALES, tolerance)


def test_amounts_come_to_the_area_of_the_cell():
    assert resolve(Current(0.1, "C-rate"), SCALES) == pytest.approx(1.0)
    assert resolve(Current(-5e-4, "total"), SCALES) == pytest.approx(-5.0)
    assert resolve(Current(5.0, "area"), SCALES) == 5.0
    assert resolve(Current(20.0, "mass"), SCALES) == pytest.approx(2.0)
    assert resolve(Capacity(7.2, "total"), SCALES) == pytest.approx(72000.0)
    assert resolve(Capacity(360000.0, "mass"), SCALES) == pytest.approx(36000.0)
    assert resolve(Capacity(0.1, "nominal"), SCALES) == pytest.approx(3600.0)
    assert resolve(Power(-2e-3, "total"), SCALES) == pytest.approx(-20.0)
    assert resolve(Power(50.0, "mass"), SCALES) == pytest.approx(5.0)
    assert resolve(Resistance(5.0, "total"), SCALES) == pytest.approx(5e-4)
    assert resolve(Resistance(5e-4, "area"), SCALES) == 5e-4


@pytest.mark.parametrize(
    ("text", "before", "met", "words"),
    [
        ("voltage < 2.5 V", {"voltage": 2.6}, {"voltage": 2.5}, "cut-off of 2.5 V reached"),
        ("voltage > 4.2 V", {"voltage": 4.1}, {"voltage": 4.2}, "cut-off of 4.2 V reached"),
        ("current < C/20", {"current": -0.6}, {"current": -0.5}, "current fell to 0.05 mA/cm2"),
        ("current > 2C", {"current": 19.0}, {"current": 20.0}, "current rose to 2 mA/cm2"),
        ("time > 1 hour", {"time": 4599.0}, {"time": 4600.0}, "time 3600 s reached"),
        ("capacity > 1.2 mAh/cm2", {"charge": 48199.0}, {"charge": 48200.0}, "capacity of 1.2 mAh/cm2 passed"),
        ("capacity > 10 %", {"charge": 1401.0}, {"charge": 1400.0}, "capacity of 0.1 mAh/cm2 passed"),
        ("temperature > 45 degC", {"temperature": 318.0}, {"temperature": 318.15}, "temperature of 45 degC reached"),
        ("utilisation > 80 %", {"utilisation": 0.7}, {"utilisation": 0.8}, "utilisation of 80 % reached"),
        ("utilisation < -0.1", {"utilisation": 0.0}, {"utilisation": -0.1}, "utilisation of -10 % reached"),
        ("dV/dt < 1 mV/h", {"voltage_rate": 3e-7}, {"voltage_rate": 1e-3 / 3600}, "|dV/dt| fell to 1 mV/h"),
    ],
)
def test_a_limit(text, before, met, words):
    assert at(text, **before) > 1.0
    assert abs(at(text, **met)) <= 1.0
    assert met_by(condition(text), replace(BEGAN, **met), BEGAN, SCALES) == words


def test_a_margin_is_counted_in_tolerances():
    assert at("voltage < 2.5 V", voltage=2.5 + 3e-6) == pytest.approx(3.0)
    assert at("voltage > 2.5 V", voltage=2.5 + 3e-6) == pytest.approx(-3.0)
    assert at("time > 1 hour", time=4600.0 - 7.2e-6) == pytest.approx(2.0, rel=1e-3)
    assert at("capacity > 36 A s/m2", charge=5000.0 + 36.0 * (1 - 4e-6)) == pytest.approx(4.0, rel=1e-3)
    assert at("utilisation > 50 %", utilisation=0.5 - 5e-8) == pytest.approx(5.0, rel=1e-3)
    assert at("voltage < 2.5 V", {"voltage": 1e-3}, voltage=2.502) == pytest.approx(2.0)


def test_what_is_not_known_is_not_met():
    assert at("dV/dt < 1 V/s") == math.inf
    assert at("dV/dt < 1 V/s and time > 1 s", time=1100.0) == math.inf
    assert at("dV/dt < 1 V/s or time > 1 s", time=1100.0) < 0.0


def test_and_binds_tighter_than_or():
    text = "voltage < 3 V or voltage > 4.1 V and time > 10 s"
    assert at(text, voltage=4.2, time=1005.0) > 0.0
    assert at(text, voltage=4.2, time=1011.0) <= 0.0
    assert at(text, voltage=2.9, time=1005.0) <= 0.0
    grouped = "(voltage < 3 V or voltage > 4.1 V) and time > 10 s"
    assert at(grouped, voltage=2.9, time=1005.0) > 0.0


def test_words_name_what_is_met():
    rule = condition("voltage < 3 V and time > 10 s or capacity > 5 %")
    now = replace(BEGAN, voltage=2.0, time=2000.0)
    assert met_by(rule, now, BEGAN, SCALES) == "cut-off of 3 V reached and time 10 s reached"
    assert met_by(rule, replace(BEGAN, charge=9000.0), BEGAN, SCALES) == "capacity of 0.05 mAh/cm2 passed"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("time > 1 hour", 3600.0),
        ("voltage < 3 V", math.inf),
        ("voltage < 3 V or time > 1 hour", 3600.0),
        ("voltage < 3 V and time > 1 hour", math.inf),
        ("(time > 1 hour or voltage < 3 V) and time > 2 hours or time > 3 hours", 7200.0),
    ],
)
def test_the_time_after_which_a_rule_is_met_for_certain(text, seconds):
    assert duration(condition(text)) == seconds
