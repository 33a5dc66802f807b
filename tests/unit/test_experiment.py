"""The sentences of a protocol: what they mean, what is refused and how that is said."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from catholyte.errors import InputError
from catholyte.experiment import (
    AllOf,
    AnyOf,
    Capacity,
    Current,
    CurrentControl,
    Limit,
    Power,
    PowerControl,
    Program,
    Resistance,
    ResistanceControl,
    RestControl,
    Spectrum,
    Step,
    SweepControl,
    VoltageControl,
    parse_step,
)

MANUAL = Path(__file__).parents[2] / "docs" / "experiment.md"


def current(value, basis="C-rate"):
    return CurrentControl(Current(value, basis))


def falls(volts):
    return Limit("voltage", volts, True)


def rises(volts):
    return Limit("voltage", volts, False)


def after(seconds):
    return Limit("time", seconds, False)


def current_falls(value, basis="C-rate"):
    return Limit("current", Current(value, basis), True)


def passed(value, basis):
    return Limit("capacity", Capacity(value, basis), False)


def step(control, stop, **more):
    return Step("", control, stop, **more)


REST_RATE = Limit("voltage rate", pytest.approx(1e-4 / 3600.0), True)
STEPS = {
    # currents, in every way they may be written
    "Discharge at C/10 until 2.5 V": step(current(0.1), falls(2.5)),
    "discharge AT 0.1C Until 2.5V": step(current(0.1), falls(2.5)),
    "Charge at 2 C until 4.2 V": step(current(-2.0), rises(4.2)),
    "Charge at C until 4200 mV": step(current(-1.0), rises(4.2)),
    "Discharge at 0.5 mA/cm2 until 2.5 V": step(current(5.0, "area"), falls(2.5)),
    "Discharge at 0.5 mA cm-2 until -0.1 V": step(current(5.0, "area"), falls(-0.1)),
    "Discharge at 0.5 mA/cm² until 0 V": step(current(5.0, "area"), falls(0.0)),
    "Discharge at 22 mA/g until 2 V": step(current(22.0, "mass"), falls(2.0)),
    "Discharge at 0.5 mA for 1 hour": step(current(5e-4, "total"), after(3600.0)),
    # the grammar of PyBaMM
    "Discharge at C/10 for 10 hours or until 3.3 V": step(current(0.1), AnyOf((after(36000.0), falls(3.3)))),
    "Charge at 1 A until 4.1 V": step(current(-1.0, "total"), rises(4.1)),
    "Charge at 200 mA for 45 minutes": step(current(-0.2, "total"), after(2700.0)),
    "Charge at 1 A for 15 minutes at 10.2oC (1 minute period)": step(
        current(-1.0, "total"), after(900.0), temperature=pytest.approx(283.35), period=60.0
    ),
    "Discharge at 1 W for 0.5 hours": step(PowerControl(Power(1.0, "total")), after(1800.0)),
    "Discharge at 200mW for 45 minutes at -10.4oC": step(
        PowerControl(Power(0.2, "total")), after(2700.0), temperature=pytest.approx(262.75)
    ),
    "Discharge at 5 ohm until 2.5 V": step(ResistanceControl(Resistance(5.0, "total")), falls(2.5)),
    "Hold at 4.1 V until 50 mA": step(VoltageControl(4.1), current_falls(0.05, "total")),
    "Hold at 1 V for 20 seconds": step(VoltageControl(1.0), after(20.0)),
    "Hold at 3V until C/50": step(VoltageControl(3.0), current_falls(0.02)),
    "Rest for 10 minutes (5 minute period)": step(RestControl(), after(600.0), period=300.0),
    # powers and loads per area and mass
    "Charge at 5 mW/cm2 until 4.2 V": step(PowerControl(Power(-50.0, "area")), rises(4.2)),
    "Discharge at 50 W/kg until 2.5 V": step(PowerControl(Power(50.0, "mass")), falls(2.5)),
    "Discharge at 2 kOhm until 2.5 V": step(ResistanceControl(Resistance(2000.0, "total")), falls(2.5)),
    "Discharge at 20 Ω cm2 until 10 uA": step(
        ResistanceControl(Resistance(pytest.approx(0.002), "area")), current_falls(1e-5, "total")
    ),
    # rules
    "Discharge at C/10 until 2.5 V or 100 mAh/g or for 1 day": step(
        current(0.1), AnyOf((falls(2.5), passed(360000.0, "mass"), after(86400.0)))
    ),
    "Discharge at C/10 until 1 mAh/cm2": step(current(0.1), passed(36000.0, "area")),
    "Discharge at C/10 until 2 mAh": step(current(0.1), passed(pytest.approx(7.2), "total")),
    "Discharge at C/10 until 20 % of the capacity": step(current(0.1), passed(0.2, "nominal")),
    "Discharge at C/10 until capacity > 20 %": step(current(0.1), passed(0.2, "nominal")),
    "Charge at 1C until voltage above 4.2 V": step(current(-1.0), rises(4.2)),
    "Discharge at 1C until voltage < 3 V and time > 1 h or utilization >= 80 %": step(
        current(1.0), AnyOf((AllOf((falls(3.0), after(3600.0))), Limit("utilisation", 0.8, False)))
    ),
    "Discharge at 1C until (3 V or |dV/dt| > 1 mV/s) and time > 10 s": step(
        current(1.0), AllOf((AnyOf((falls(3.0), Limit("voltage rate", 1e-3, False))), after(10.0)))
    ),
    "Discharge at 1 W until current > 2C": step(
        PowerControl(Power(1.0, "total")), Limit("current", Current(2.0, "C-rate"), False)
    ),
    "Discharge at 1C until voltage < 3 V or temperature > 45 °C": step(
        current(1.0), AnyOf((falls(3.0), Limit("temperature", 318.15, False)))
    ),
    "Hold at 4.2 V for 1 hour or until 0.05 mA/cm2 (10 s period)": step(
        VoltageControl(4.2), AnyOf((after(3600.0), current_falls(0.5, "area"))), period=10.0
    ),
    "Rest for 2 hours or until dV/dt < 0.1 mV/h": step(RestControl(), AnyOf((after(7200.0), REST_RATE))),
    "Rest until |dV/dt| below 0.1 mV/h at 45 degC": step(RestControl(), REST_RATE, temperature=318.15),
    "Interrupt for 30 seconds": step(RestControl(), after(30.0), role="interruption"),
    "Interrupt for 50 ms": step(RestControl(), after(0.05), role="interruption"),
    # sweeps of one segment
    "Sweep at 0.1 mV/s from 4.2 V to 2.5 V": step(SweepControl(4.2, 2.5, 1e-4), None),
    "Sweep at 6 mV/min from open circuit to 2.5 V at 318 K": step(
        SweepControl(None, 2.5, 1e-4), None, temperature=318.0
    ),
    "Sweep at 1 V/s from OCV to 2.5 V until current > 1 mA/cm2": step(
        SweepControl(None, 2.5, 1.0), Limit("current", Current(10.0, "area"), False)
    ),
    # spectra
    "EIS at 1 kHz": Spectrum("", (1000.0,)),
    "EIS at 1 kHz, 10 Hz and 0.1 Hz under load": Spectrum("", (1000.0, 10.0, 0.1), under_load=True),
    "EIS from 100 Hz to 1 Hz, 2 points per decade at 45 degC": Spectrum(
        "", tuple(pytest.approx(10.0 ** (k / 2)) for k in (4, 3, 2, 1, 0)), temperature=318.15
    ),
    "EIS from 1 Hz to 10 Hz, 1 point/decade, under load": Spectrum("", (1.0, 10.0), under_load=True),
}


@pytest.mark.parametrize("text", STEPS)
def test_a_sentence_means_what_it_says(text):
    read = parse_step(text)
    assert read.text == text
    assert STEPS[text] == read  # left to right: the values with a tolerance decide


def test_a_range_of_frequencies_has_both_ends_and_even_spacing():
    frequencies = parse_step("EIS from 7 MHz to 100 mHz").frequencies
    assert (frequencies[0], frequencies[-1]) == (7e6, 0.1)
    assert len(frequencies) == 48  # 7.85 decades with 6 intervals each, to the nearest whole number
    ratios = [high / low for high, low in pairwise(frequencies)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=1e-12)
    assert parse_step("EIS from 100 mHz to 7 MHz").frequencies == pytest.approx(frequencies[::-1])


def items(text):
    """The tasks that one sentence stands for."""
    return [task.item for task in Program.parse([text]).tasks]


def test_a_sweep_is_one_step_for_each_segment():
    program = Program.parse(["Sweep at 0.1 mV/s from 3.0 V to 2.0 V to 4.2 V to 3.0 V for 3 cycles at 45 degC"])
    segments = [(3.0, 2.0), (2.0, 4.2), (4.2, 3.0)]
    assert [task.item.control for task in program.tasks] == [SweepControl(a, b, 1e-4) for a, b in segments]
    assert {task.item.temperature for task in program.tasks} == {318.15}
    assert program.planned == 9
    # From open circuit, each cycle goes on from where the last one ended.
    first, second = items("Sweep at 1 mV/s from open circuit to 2 V to 4 V for 2 cycles")
    assert (first.control.start, second.control.start) == (None, 2.0)


def test_a_rule_of_several_segments_ends_them_all():
    text = "Sweep at 1 mV/s from 3 V to 2 V to 3 V for 5 cycles or until current > 1C"
    (sweep,) = Program.parse([text]).blocks[0].body
    assert sweep.cycle
    assert (sweep.times, sweep.rule) == (5, Limit("current", Current(1.0, "C-rate"), False))
    assert all(leaf.item.stop is None for leaf in sweep.body)


def test_gitt_is_a_loop_of_pulse_and_rest():
    text = "GITT charge at C/20 for 10 minutes, rest for 1 hour or until dV/dt < 0.1 mV/h, until 4.3 V (10 s period)"
    program = Program.parse([text])
    pulse, rest = (task.item for task in program.tasks)
    assert pulse == step(current(-0.05), after(600.0), period=10.0, role="gitt pulse")
    assert step(RestControl(), AnyOf((after(3600.0), REST_RATE)), period=10.0, role="gitt rest") == rest
    assert program.planned is None
    assert program.blocks[0].body[0].body[0].rule == rises(4.3)
    bounded = Program.parse(["GITT discharge at C/20 for 10 minutes, rest for 1 hour, at most 30 pulses"])
    assert bounded.planned == 60


def test_hppc_pulses_at_each_level_of_charge():
    text = (
        "HPPC discharge at 1C for 10 s, rest for 40 s, charge at 0.75C for 10 s, "
        "every 10 % at C/3, rest for 1 hour, until 2.5 V, at most 9 levels"
    )
    assert items(text) == [
        step(current(1.0), after(10.0), role="hppc discharge"),
        step(RestControl(), after(40.0), role="hppc rest"),
        step(current(-0.75), after(10.0), role="hppc charge"),
        step(current(1.0 / 3.0), passed(0.1, "nominal"), role="hppc level"),
        step(RestControl(), after(3600.0), role="hppc relax"),
    ]
    assert Program.parse([text]).planned == 45
    assert items(text.replace("10 %", "0.2 mAh/cm2"))[3].stop == passed(7200.0, "area")
    # The levels go the way of the first pulse, and the second pulse may be left out.
    upwards = items("HPPC charge at 1C for 10 s, rest for 40 s, every 5 % at C/5, rest for 1 h, until 4.3 V")
    assert [item.role for item in upwards] == ["hppc charge", "hppc rest", "hppc level", "hppc relax"]
    assert upwards[2].control == current(-0.2)


SURE = "a rule that is sure to be met"
REFUSED = [
    ("Dicharge at C/10 until 2.5 V", "not 'Dicharge' at position 1; did you mean 'Discharge'?"),
    ("Discharge C/10 until 2.5 V", "expected 'at', not 'C' at position 11"),
    ("Discharge at C/10 unitl 2.5 V", "not 'unitl' at position 19; did you mean 'until'?"),
    ("Discharge at C/10", "'for' a time or 'until' a limit (the step would never end), not the end of the text at"),
    ("Discharge at C/10 (5 minute period)", "(the step would never end), not '(' at position 19"),
    ("Hold at 4.2 V", "(the step would never end)"),
    ("Hold at C/10 until 2 V", "(a current is imposed by 'Discharge at' or 'Charge at'), not 'C' at position 9"),
    ("Hold for 1 hour", "expected 'at', not 'for' at position 6"),
    ("Hold at 4.2 V until 4.1 V", "(the voltage of a hold does not change), not '4.1' at position 21"),
    ("Hold at 4.2 V until dV/dt < 1 mV/h", "(the voltage of a hold does not change), not 'dV' at position 21"),
    ("Hold at 4.2 V until 100 mAh/g", "also a time or a current below which to end"),
    ("Rest", "(the step would never end), not the end of the text at position 5"),
    ("Rest until 3 V or for 1 hour", "a direction, as in 'voltage < 3 V' or 'voltage > 3 V', not '3' at position 12"),
    ("Rest until voltage > 3 V", SURE),
    ("Rest for 1 hour or until capacity > 1 mAh", "(no current flows at rest), not 'capacity' at position 26"),
    ("Rest for 30 minuts", "not 'minuts' at position 13; did you mean 'minutes'?"),
    ("Rest for 0 s", "expected a finite number above zero, not '0' at position 10"),
    ("Rest for -1 hour", "expected a finite number above zero, not '-1' at position 10"),
    ("Rest for 1e400 s", "expected a finite number, not '1e400' at position 10"),
    ("Rest for 1e308 days", "a number of a sensible size, not '1e308' at position 10"),
    ("Rest for 1 hour (0 s period)", "above zero, not '0' at position 18"),
    ("Rest for 1 hour (5 minute)", "expected 'period', not ')' at position 26"),
    ("Rest for 1 hour (5 minute period) at 45 degC", "nothing more or the end of the step, not 'at' at position 35"),
    ("Discharge at -1C until 2.5 V", "a current without a sign ('Discharge' or 'Charge' gives its direction)"),
    ("Discharge at −1 mA until 2.5 V", "a current without a sign"),
    ("Discharge at 0 mA until 2.5 V", "above zero, not '0' at position 14"),
    ("Discharge at C/0 until 2.5 V", "above zero, not '0' at position 16"),
    ("Discharge at C10 until 2.5 V", "did you mean 'C/10'?"),
    ("Discharge at 5 ma until 2.5 V", "not 'ma' at position 16; did you mean 'mA'?"),
    ("Discharge at 5 until 2.5 V", "with its unit, not 'until' at position 16"),
    ("Discharge at C/10 until 2.5", "with its unit, not the end of the text"),
    ("Discharge at C/10 until 50 mA", "(the current of this step is imposed), not '50' at position 25"),
    ("Discharge at 1 W until 50 mA", "a direction, as in 'current < C/50', not '50' at position 24"),
    ("Discharge at C/10 until -5 mAh", "above zero, not '-5' at position 25"),
    ("Discharge at C/10 until 2 hours", "(a time is written 'for 2 hours'), not 'hours' at position 27"),
    ("Discharge at C/10 until 2.5 V or until 2.4 V", "at most one limit of a kind and direction, not 'until' at"),
    ("Discharge at C/10 until 2.5 V or", "or a condition like 'voltage < 2.5 V' or 'time > 1 hour', not the end"),
    ("Discharge at C/10 for 1 hour until 2.5 V", "not 'until' at position 30"),
    ("Discharge at C/10 until votage < 2.5 V", "not 'votage' at position 25; did you mean 'voltage'?"),
    ("Discharge at C/10 until voltage 2.5 V", "expected '<' or '>' (or 'below', 'above'), not '2.5' at position 33"),
    ("Discharge at C/10 until voltage < 50 mA", "expected a voltage like 2.5 V, not 'mA' at position 38"),
    ("Discharge at C/10 until time < 1 hour", "expected '>' (the time of a step only grows), not '<' at position 30"),
    ("Discharge at C/10 until utilisation < 20 %", "expected '>' (the utilisation rises on discharge), not '<'"),
    ("Discharge at C/10 until (2.5 V or for 1 hour", "expected 'and', 'or' or ')', not the end of the text"),
    ("Discharge at C/10 until " + "(" * 30 + "2.5 V" + ")" * 30, "at most 20 parentheses within one another, not '('"),
    (
        "Discharge at C/10 until temperature > 45 degC",
        "the temperature does not change within a step), not 'temperature'",
    ),
    ("Discharge at C/10 until 2.5 V and temperature > 45 degC at 20 degC", "this one can never be met"),
    ("Discharge at C/10 until 2.5 V or temperature > 15 degC at 20 degC", "this one is met before it begins"),
    ("Discharge at C/10 until 2.5 V at 25 C", "a temperature in degC or K, not 'C' at position 37"),
    ("Discharge at C/10 until 2.5 V at -300 degC", "a temperature above absolute zero, not '-300' at position 34"),
    ("Discharge at 5 Pa until 2.5 V", "a power or a resistance, not 'Pa' at position 16"),
    ("Charge at 5 ohm until 2.5 V", "(a resistor cannot charge a cell), not '5' at position 11"),
    ("Discharge at 5 ohm until 1 mAh", SURE),
    ("Sweep at 1 mV from 2 V to 3 V", "expected a rate like 0.1 mV/s or 1 mV/h, not 'mV' at position 12"),
    ("Sweep at 1 mV/s to 3 V", "expected 'from', not 'to' at position 17"),
    ("Sweep at 1 mV/s from 2 V", "expected 'to', not the end of the text at position 25"),
    ("Sweep at 1 mV/s from 2 V to 2 V", "another voltage than the one before, not '2' at position 29"),
    ("Sweep at 1 mV/s from 2 V to OCV", "to begin with, not 'OCV' at position 29"),
    ("Sweep at 1 mV/s from 2 V to 3 V for 2 cycles", "a sweep that comes back"),
    ("Sweep at 1 mV/s from OCV to 3 V for 2 cycles", "a sweep that comes back"),
    ("Sweep at 1 mV/s from 2 V to 3 V or until current > 1C", "the end of the step, not 'or' at position 33"),
    ("Sweep at 1 mV/s from 2 V to 3 V until dV/dt > 2 mV/s", "(the rate of a sweep is imposed)"),
    ("EIS", "expected 'from' or 'at', not the end of the text at position 4"),
    ("EIS at 1 rad/s", "a frequency like 10 Hz, 7 MHz or 100 mHz, not 'rad/s' at position 10"),
    ("EIS at 0 Hz", "above zero, not '0' at position 8"),
    ("EIS at 1 kHz and 1000 Hz", "frequencies that differ from one another"),
    ("EIS from 1 kHz to 1 kHz", "('EIS at 1 kHz' takes a single one), not '1' at position 10"),
    ("EIS from 1 MHz to 1 mHz, 500 points per decade", "at most 1000 frequencies (these are 4501)"),
    ("EIS from 1 MHz to 1 mHz, 6.5 points per decade", "a whole number of points from 1 to 1000000, not '6.5'"),
    ("EIS at 1 kHz, undr load", "expected 'under load', not 'undr' at position 15; did you mean 'under'?"),
    ("EIS at 1 kHz (5 s period)", "(a spectrum takes no time), not '(' at position 14"),
    ("GITT at C/20 for 10 minutes, rest for 1 hour, until 2.5 V", "expected 'discharge' or 'charge', not 'at'"),
    ("GITT discharge at C/20 for 10 minutes, until 2.5 V", "expected 'rest', not 'until' at position 40"),
    ("GITT discharge at C/20 for 10 minutes, rest for 1 hour", "', until' a limit or ', at most 30 pulses' (it would"),
    ("GITT discharge at 1 W for 1 s, rest for 1 s, until 2 V", "(a pulse is evaluated at constant current), not '1'"),
    ("HPPC discharge at 1C for 1 s, rest for 1 s, discharge at 1C for 1 s", "expected 'every' or 'charge', not"),
    ("HPPC discharge at 1C for 1 s, rest for 1 s, every 5 V at C/3, rest for 1 s, until 2 V", "a part of the capacity"),
    ("Run US06 (A)", "(drive cycles are not supported), not 'Run' at position 1"),
    ("pulse: Rset for 1 hour", "not 'Rset' at position 8; did you mean 'Rest'?"),
    ("", "'HPPC' or 'Go to', not the end of the text at position 1"),
    ("Rest for 1 s" + " " * 10_000, "at most 10000 characters, not ' ' at position 10001"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[refused[0][:60] for refused in REFUSED])
def test_refused(text, message):
    with pytest.raises(InputError) as caught:
        parse_step(text, key="experiment.steps[2]")
    assert caught.value.key == "experiment.steps[2]"
    assert caught.value.value == text
    assert message in str(caught.value)
    assert re.search(r"at position \d+", caught.value.expected)


def test_what_is_no_single_step():
    with pytest.raises(InputError, match="expected a step as text"):
        parse_step(5)
    with pytest.raises(InputError, match="stands for several"):
        parse_step("Sweep at 1 mV/s from 2 V to 3 V to 2 V")


def test_the_examples_of_the_manual_are_protocols():
    import tomllib

    manual = MANUAL.read_text(encoding="utf-8")
    tables = [tomllib.loads(example)["experiment"] for example in re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)]
    assert len(tables) >= 4
    for table in tables:
        Program.parse(table.pop("steps"), **table)
    rows = [row for row in manual.splitlines() if row.startswith("| `")]
    sentences = re.findall(r"`((?:Discharge|Charge|Hold|Rest|Interrupt|Sweep|EIS|GITT|HPPC) [^`]*)`", "\n".join(rows))
    assert len(sentences) >= 20
    for sentence in sentences:
        Program.parse([sentence])
    for example in re.findall(r"```python\n(.*?)```", manual, re.DOTALL):
        exec(compile(example, str(MANUAL), "exec"), {})


def test_import_is_light():
    heavy = "{'pint', 'numpy', 'pydantic', 'xarray', 'zarr', 'numba'}"
    code = f"import catholyte.experiment, sys; print(sorted({heavy} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
