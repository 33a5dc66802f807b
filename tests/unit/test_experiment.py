"""The step grammar: what it accepts, what it refuses and how it says so."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catholyte.errors import InputError, InputErrors
from catholyte.experiment import (
    Capacity,
    CapacityStop,
    Control,
    Current,
    CurrentControl,
    CurrentStop,
    Experiment,
    RestControl,
    Step,
    StopRule,
    TimeStop,
    VoltageControl,
    VoltageStop,
    check_start,
    parse_step,
    resolve,
    threshold,
)

CELL = {"areal_capacity_1C": 36000.0, "area": 1e-4, "areal_mass": 0.1}


def current(value: float, basis: str) -> CurrentControl:
    return CurrentControl(Current(value, basis))


ACCEPTED: list[tuple[str, Control, tuple[StopRule, ...], float | None]] = [
    ("Discharge at C/10 until 2.5 V", current(0.1, "C-rate"), (VoltageStop(2.5, True),), None),
    ("discharge AT 0.1C Until 2.5V", current(0.1, "C-rate"), (VoltageStop(2.5, True),), None),
    ("Charge at 2 C until 4.2 V", current(-2.0, "C-rate"), (VoltageStop(4.2, False),), None),
    ("Charge at C until 4200 mV", current(-1.0, "C-rate"), (VoltageStop(4.2, False),), None),
    (
        "Charge at 1C for 30 minutes or until 4.2 V",
        current(-1.0, "C-rate"),
        (TimeStop(1800.0), VoltageStop(4.2, False)),
        None,
    ),
    ("Discharge at 0.5 mA/cm2 until 2.5 V", current(5.0, "area"), (VoltageStop(2.5, True),), None),
    ("Discharge at 0.5 mA cm-2 until -0.1 V", current(5.0, "area"), (VoltageStop(-0.1, True),), None),
    ("Discharge at 0.5 mA/cm² until 0 V", current(5.0, "area"), (VoltageStop(0.0, True),), None),
    ("Discharge at 22 mA/g until 2 V", current(22.0, "mass"), (VoltageStop(2.0, True),), None),
    ("Discharge at 0.5 mA for 1 hour", current(5e-4, "total"), (TimeStop(3600.0),), None),
    (
        "Discharge at C/10 until 2.5 V or 100 mAh/g or for 1 day",
        current(0.1, "C-rate"),
        (VoltageStop(2.5, True), CapacityStop(Capacity(360000.0, "mass")), TimeStop(86400.0)),
        None,
    ),
    (
        "Discharge at C/10 until 1 mAh/cm2",
        current(0.1, "C-rate"),
        (CapacityStop(Capacity(36000.0, "area")),),
        None,
    ),
    ("Discharge at C/10 until 2 mAh", current(0.1, "C-rate"), (CapacityStop(Capacity(7.2, "total")),), None),
    ("Rest for 30 minutes", RestControl(), (TimeStop(1800.0),), None),
    ("Rest for 1 Hour (5 minute period)", RestControl(), (TimeStop(3600.0),), 300.0),
    ("Hold at 4.2 V until C/50", VoltageControl(4.2), (CurrentStop(Current(0.02, "C-rate")),), None),
    ("Hold at 4.2V until 50uA", VoltageControl(4.2), (CurrentStop(Current(5e-5, "total")),), None),
    ("Hold at 4.2 V until 0.02C", VoltageControl(4.2), (CurrentStop(Current(0.02, "C-rate")),), None),
    ("Hold at 4.2 V until 0.05 mA/cm2", VoltageControl(4.2), (CurrentStop(Current(0.5, "area")),), None),
    (
        "Hold at 4.2 V for 1 hour or until C/50 (10 s period)",
        VoltageControl(4.2),
        (TimeStop(3600.0), CurrentStop(Current(0.02, "C-rate"))),
        10.0,
    ),
]


@pytest.mark.parametrize(("text", "control", "stops", "period"), ACCEPTED, ids=[accepted[0] for accepted in ACCEPTED])
def test_accepted(text: str, control: Control, stops: tuple[StopRule, ...], period: float | None) -> None:
    step = parse_step(text)
    assert step.text == text
    assert step.period == period
    assert type(step.control) is type(control)
    assert [type(rule) for rule in step.stop_rules] == [type(rule) for rule in stops]
    for got, expected in zip(_numbers(step.control, *step.stop_rules), _numbers(control, *stops), strict=True):
        assert got == (pytest.approx(expected) if isinstance(expected, float) else expected)


def _numbers(*parts: object) -> list[object]:
    """The values at the leaves of dataclasses."""
    if len(parts) != 1:
        return [leaf for part in parts for leaf in _numbers(part)]
    return _numbers(*vars(parts[0]).values()) if hasattr(parts[0], "__dict__") else [parts[0]]


REFUSED = [
    ("Dicharge at C/10 until 2.5 V", "not 'Dicharge' at position 1; did you mean 'Discharge'?"),
    ("Discharge C/10 until 2.5 V", "expected 'at', not 'C' at position 11"),
    ("Discharge at C/10 unitl 2.5 V", "not 'unitl' at position 19; did you mean 'until'?"),
    (
        "Discharge at C/10",
        "'for' a time or 'until' a limit (the step would never end), not the end of the text",
    ),
    ("Discharge at C/10 (5 minute period)", "(the step would never end), not '(' at position 19"),
    ("Hold at 4.2 V", "(the step would never end)"),
    (
        "Hold at C/10 until 2 V",
        "(a current is imposed by 'Discharge at' or 'Charge at'), not 'C' at position 9",
    ),
    ("Hold for 1 hour", "expected 'at', not 'for' at position 6"),
    ("Hold at 4.2 V until 4.1 V", "expected a current like C/50, 50 uA or 0.05 mA/cm2 or a capacity"),
    ("Rest", "expected 'for' (a rest ends by time alone), not the end of the text"),
    ("Rest until 3 V", "expected 'for' (a rest ends by time alone), not 'until' at position 6"),
    ("Rest for 1 hour or until 3 V", "(a rest ends by time alone), not 'or' at position 17"),
    ("Rest for 30 minuts", "not 'minuts' at position 13; did you mean 'minutes'?"),
    ("Rest for 0 s", "expected a finite number above zero, not '0' at position 10"),
    ("Rest for -1 hour", "expected a finite number above zero, not '-1' at position 10"),
    ("Rest for 1e400 s", "expected a finite number, not '1e400' at position 10"),
    ("Rest for 1 hour (0 s period)", "above zero, not '0' at position 18"),
    ("Rest for 1 hour (5 minute)", "expected 'period', not ')' at position 26"),
    (
        "Discharge at -1C until 2.5 V",
        "a current without a sign ('Discharge' or 'Charge' gives its direction)",
    ),
    ("Discharge at −1 mA until 2.5 V", "a current without a sign"),
    ("Discharge at 0 mA until 2.5 V", "above zero, not '0' at position 14"),
    ("Discharge at C/0 until 2.5 V", "above zero, not '0' at position 16"),
    ("Discharge at C10 until 2.5 V", "did you mean 'C/10'?"),
    ("Discharge at 5 ma until 2.5 V", "not 'ma' at position 16; did you mean 'mA'?"),
    ("Discharge at 5 until 2.5 V", "with its unit, not 'until' at position 16"),
    ("Discharge at C/10 until 2.5", "with its unit, not the end of the text"),
    ("Discharge at C/10 until 50 mA", "expected a voltage like 2.5 V or a capacity like 100 mAh/g, not 'mA'"),
    ("Discharge at C/10 until -5 mAh", "above zero, not '-5' at position 25"),
    ("Discharge at C/10 until 2 hours", "(a time is written 'for 2 hours'), not 'hours' at position 27"),
    (
        "Discharge at C/10 until 2.5 V or until 2.4 V",
        "at most one stop rule of a kind, not 'until' at position 34",
    ),
    ("Discharge at C/10 until 2.5 V or", "expected 'for' or 'until', not the end of the text"),
    ("Discharge at C/10 for 1 hour until 2.5 V", "not 'until' at position 30"),
    ("Discharge at 5 W until 2.5 V", "(constant power is not supported), not 'W' at position 16"),
    ("Discharge at 5mW until 2.5 V", "(constant power is not supported)"),
    ("Discharge at 5 ohm until 2.5 V", "(constant resistance is not supported)"),
    ("Discharge at 5 Ω until 2.5 V", "(constant resistance is not supported)"),
    (
        "Discharge at C/10 until 2.5 V at 25oC",
        "(a temperature per step is not supported), not 'at' at position 31",
    ),
    ("Run US06 (A)", "(drive cycles are not supported), not 'Run' at position 1"),
    ("", "expected 'Discharge', 'Charge', 'Hold' or 'Rest', not the end of the text"),
    (5, "expected a step as text"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[str(refused[0]) for refused in REFUSED])
def test_refused(text: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_step(text, key="experiment.steps[2]")
    assert caught.value.key == "experiment.steps[2]"
    assert caught.value.value == text
    assert message in str(caught.value)


positive = st.floats(1e-9, 1e9)
any_voltage = st.floats(-5.0, 10.0)
UNITS = {"total": "A", "area": "A/m2", "mass": "A/kg"}
TIMES = {"s": 1.0, "seconds": 1.0}


@st.composite
def written_steps(draw: st.DrawFn) -> tuple[str, Step]:
    """A step and one of the ways to write it, in SI units so that no digit is lost."""

    def a_current() -> tuple[str, Current]:
        value = draw(positive)
        basis = draw(st.sampled_from(["C-rate", *UNITS]))
        space = draw(st.sampled_from(["", " "]))
        return f"{value!r}{space}{UNITS.get(basis, 'C')}", Current(value, basis)

    def a_stop(kind: str, falling: bool) -> tuple[str, StopRule]:
        value = draw(positive)
        if kind == "time":
            return f"for {value!r} {draw(st.sampled_from(sorted(TIMES)))}", TimeStop(value)
        if kind == "voltage":
            voltage = draw(any_voltage)
            return f"until {voltage!r} V", VoltageStop(voltage, falling)
        if kind == "current":
            text, limit = a_current()
            return f"until {text}", CurrentStop(limit)
        basis = draw(st.sampled_from(sorted(UNITS)))
        return f"until {value!r} {UNITS[basis].replace('A', 'A s', 1)}", CapacityStop(Capacity(value, basis))

    action = draw(st.sampled_from(["Discharge", "Charge", "Hold", "Rest"]))
    control: Control
    if action == "Rest":
        head, control, kinds = "Rest", RestControl(), ["time"]
    elif action == "Hold":
        voltage = draw(any_voltage)
        head, control, kinds = (
            f"Hold at {voltage!r} V",
            VoltageControl(voltage),
            ["time", "current", "capacity"],
        )
    else:
        text, amount = a_current()
        sign = 1.0 if action == "Discharge" else -1.0
        head, control = f"{action} at {text}", CurrentControl(Current(sign * amount.value, amount.basis))
        kinds = ["time", "voltage", "capacity"]
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, unique=True))
    stops = [a_stop(kind, action == "Discharge") for kind in chosen]
    written = f"{head} {' or '.join(text for text, _ in stops)}"
    period = draw(st.none() | positive)
    if period is not None:
        written += f" ({period!r} s period)"
    if draw(st.booleans()):
        written = written.replace("until", "UNTIL").replace(" at ", "  at ")
    return written, Step(written, control, tuple(rule for _, rule in stops), period)


@given(written_steps())
def test_a_step_survives_being_written(example: tuple[str, Step]) -> None:
    text, step = example
    assert parse_step(text) == step


@given(st.text("DischargeRtHold /0123456789.CVmAcuni()-+ε²\n\t", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        step = parse_step(text)
    except InputError:
        return
    assert step.stop_rules


def test_cycles_as_in_pybamm() -> None:
    steps = ["Discharge at C/10 until 2.5 V", ["Charge at 1C until 4.2 V", "Rest for 1 hour"]]
    experiment = Experiment.parse(steps, repeat=2)
    visits = [(cycle, index, step.text.split()[0]) for cycle, index, step in experiment]
    assert visits == [
        (0, 0, "Discharge"),
        (1, 0, "Charge"),
        (1, 1, "Rest"),
        (2, 0, "Discharge"),
        (3, 0, "Charge"),
        (3, 1, "Rest"),
    ]
    assert len(experiment) == len(visits)


@pytest.mark.parametrize(
    ("steps", "repeat", "key"),
    [
        ([], 1, "experiment.steps"),
        ("Rest for 1 hour", 1, "experiment.steps"),
        ([[]], 1, "experiment.steps[0]"),
        (["Rest for 1 hour"], 0, "experiment.repeat"),
        (["Rest for 1 hour"], True, "experiment.repeat"),
        (["Rest for 1 hour"], 1.5, "experiment.repeat"),
        (["Rest for 1 hour", ["Rest for 1 hour", "Rest"]], 1, "experiment.steps[1][1]"),
        ([["Rest for 1 hour", ["Rest for 1 hour"]]], 1, "experiment.steps[0][1]"),
    ],
)
def test_protocols_refused(steps: list[str], repeat: int, key: str) -> None:
    with pytest.raises(InputError) as caught:
        Experiment.parse(steps, repeat=repeat)
    assert caught.value.key == key


def test_all_faults_are_reported_at_once() -> None:
    with pytest.raises(InputErrors) as caught:
        Experiment.parse(["Rest", "Rest for 1 hour", ["Hold at 4.2 V"]])
    assert [error.key for error in caught.value.errors] == ["experiment.steps[0]", "experiment.steps[2][0]"]


def test_currents_come_to_the_area_of_the_cell() -> None:
    assert resolve(Current(0.1, "C-rate"), **CELL) == pytest.approx(1.0)
    assert resolve(Current(-5e-4, "total"), **CELL) == pytest.approx(-5.0)
    assert resolve(Current(5.0, "area"), **CELL) == 5.0
    assert resolve(Current(20.0, "mass"), **CELL) == pytest.approx(2.0)
    assert resolve(Capacity(7.2, "total"), **CELL) == pytest.approx(72000.0)
    assert resolve(Capacity(360000.0, "mass"), **CELL) == pytest.approx(36000.0)


@pytest.mark.parametrize(
    ("text", "quantity", "before", "after"),
    [
        ("Discharge at C/10 until 2.5 V", "voltage", 2.6, 2.5),
        ("Charge at C/10 until 4.2 V", "voltage", 4.1, 4.2),
        ("Hold at 4.2 V until C/10", "current", 1.1, 1.0),
        ("Discharge at C/10 for 1 hour", "elapsed", 3599.0, 3600.0),
        ("Discharge at C/10 until 1 mAh/cm2", "charge", 35999.0, 36000.1),
    ],
)
def test_thresholds(text: str, quantity: str, before: float, after: float) -> None:
    event = threshold(parse_step(text).stop_rules[0], **CELL)
    assert event.quantity == quantity
    assert event.margin(before) > 0.0
    assert event.margin(after) <= 1e-9


def test_a_cut_off_already_passed_is_refused() -> None:
    experiment = Experiment.parse(["Rest for 1 hour", ["Discharge at C/10 until 2.5 V", "Rest for 1 s"]])
    check_start(experiment, 4.2)
    with pytest.raises(InputError, match=r"2\.5 V \(it is 2\.4 V, so the step would end at once\)") as caught:
        check_start(experiment, 2.4)
    assert caught.value.key == "experiment.steps[1][0]"
    with pytest.raises(InputError, match=r"below the cut-off of 4\.2 V"):
        check_start(Experiment.parse(["Charge at C/10 until 4.2 V"]), 4.2)
    # Only the first step that passes current starts from the initial state.
    check_start(Experiment.parse(["Hold at 4 V for 1 s", "Charge at C/10 until 4.2 V"]), 4.3)


def test_import_is_light() -> None:
    heavy = "{'pint', 'numpy', 'pydantic', 'xarray', 'zarr', 'numba'}"
    code = f"import catholyte.experiment, sys; print(sorted({heavy} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
