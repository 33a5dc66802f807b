"""Cycles, groups and loops: in which order tasks are carried out, and where a run stands."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catholyte.case import read_case
from catholyte.errors import InputError, InputErrors
from catholyte.experiment import Cursor, Limit, Moment, Program, Scales, check_start

SCALES = Scales(areal_capacity_1C=36000.0, area=1e-4, areal_mass=0.1)
ZERO = Moment(0.0, 3.7, 0.0, 0.0, 298.15, 0.0, math.nan)
D, C, R = "Discharge at C/10 until 2.5 V", "Charge at 1C until 4.2 V", "Rest for 1 hour"


def walk(program, *, readings=(), leave=None, seconds=60.0, most=1000):
    """The (cycle, step, first letter) of every task carried out; each takes a minute.

    ``readings`` are the voltages after each task, ``leave`` says after which task (by count) which scope is left.
    """
    visits, cursor, moment = [], program.start(), ZERO
    readings = dict(enumerate(readings))
    while (cursor := program.advance(cursor, moment, SCALES)).task is not None:
        item = program.tasks[cursor.task].item
        assert cursor.count == len(visits)
        visits.append((cursor.cycle, cursor.step, item.text.split(": ")[-1][0]))
        moment = replace(moment, time=moment.time + seconds, voltage=readings.get(cursor.count, moment.voltage))
        cursor = program.finish(cursor, moment, (leave or {}).get(cursor.count))
        assert len(visits) <= most
    return visits


def letters(program, **how):
    return "".join(letter for _, _, letter in walk(program, **how))


def test_cycles_as_in_pybamm():
    program = Program.parse([D, [C, R]], repeat=2)
    assert walk(program) == [(0, 0, "D"), (1, 0, "C"), (1, 1, "R"), (2, 0, "D"), (3, 0, "C"), (3, 1, "R")]
    assert program.planned == 6
    assert [(task.number, task.key) for task in program.tasks] == [
        (0, "experiment.steps[0]"),
        (1, "experiment.steps[1][0]"),
        (2, "experiment.steps[1][1]"),
    ]


def test_a_pass_of_a_group_is_a_cycle():
    group = {"steps": [D, C], "repeat": 2}
    assert walk(Program.parse([R, group])) == [
        (0, 0, "R"),
        (1, 0, "D"),
        (1, 1, "C"),
        (2, 0, "D"),
        (2, 1, "C"),
    ]
    # Inside of a cycle a group belongs to it; around cycles it leaves the counting to them.
    assert [visit[:2] for visit in walk(Program.parse([[R, group]]))] == [(0, k) for k in range(5)]
    outer = Program.parse([{"steps": [[D, C], R], "repeat": 2}])
    assert [visit[:2] for visit in walk(outer)] == [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1), (3, 0)]
    nested = Program.parse([{"steps": [{"steps": [D, C], "repeat": 2}, R], "repeat": 2}])
    assert [visit[0] for visit in walk(nested)] == [0] * 5 + [1] * 5
    assert nested.planned == 10


def test_the_rule_of_a_group_is_watched_in_every_task_inside():
    inner = {"steps": [D, C], "repeat": 3, "until": "capacity > 1 mAh"}
    program = Program.parse([R, {"steps": [inner, R], "until": "voltage < 2 V"}, R], until="time > 1 day")
    cursor = program.finish(program.advance(program.start(), ZERO, SCALES), ZERO)
    later = replace(ZERO, time=100.0)
    cursor = program.advance(cursor, later, SCALES)
    scopes = program.scopes(cursor)
    assert [scope.condition.quantity for scope in scopes] == ["capacity", "voltage", "time"]
    assert [scope.began.time for scope in scopes] == [100.0, 100.0, 0.0]
    # The second pass of a group goes on with the first one's beginning.
    for time in (200.0, 300.0):
        moment = replace(ZERO, time=time)
        cursor = program.advance(program.finish(cursor, moment), moment, SCALES)
    assert program.scopes(cursor)[0].began.time == 100.0


def test_a_group_is_left_at_once():
    program = Program.parse(
        [{"steps": [{"steps": [D, C], "repeat": 3, "until": "voltage < 2 V"}, R], "until": "time > 1 h"}, D]
    )
    assert letters(program) == "DCDCDCRD"
    assert letters(program, leave={2: 0}) == "DCDRD"
    assert letters(program, leave={2: 1}) == "DCDD"


def test_a_loop_until_its_rule_is_met():
    program = Program.parse([{"steps": [D, R], "until": "voltage < 2.5 V", "repeat": "until met"}, C])
    assert program.planned is None
    assert letters(program, leave={8: 0}) == "DRDRDRDRDC"


def test_goto_repeats_everything_since_the_label():
    program = Program.parse([C, "pulse: " + D, R, "Go to Pulse 2 times", C])
    assert letters(program) == "CDRDRDRC"
    assert program.planned == 8
    assert [visit[:2] for visit in walk(program)] == [(k, 0) for k in range(8)]
    in_a_cycle = Program.parse([["pulse: " + D, R, "Goto pulse 1 time"]])
    assert [visit[:2] for visit in walk(in_a_cycle)] == [(0, k) for k in range(4)]


def test_goto_tests_its_condition_when_it_is_reached():
    program = Program.parse(["pulse: " + D, R, "Go to pulse until 3 V", C])
    assert program.planned is None
    # 2.9 V at the end of the second pulse does not count: the cell is at 3.1 V when the jump is reached.
    assert letters(program, readings=[3.5, 3.6, 2.9, 3.1, 2.9, 2.99]) == "DRDRDRC"
    # An end that was located to tolerance is met.
    assert letters(program, readings=[3.0 + 5e-7]) == "DRC"
    bounded = Program.parse(["pulse: " + D, R, "Go to pulse until 3 V, at most 2 times", C])
    assert letters(bounded) == "DRDRDRC"
    # A charge rises to the voltage; elsewhere the direction has to be said.
    assert letters(Program.parse(["a: " + C, "Go to a until 4 V", R]), readings=[3.8, 3.9, 4.0]) == "CCCR"


def test_goto_counts_its_time_and_charge_from_when_the_loop_was_entered():
    program = Program.parse([C, "a: " + D, R, "Go to a until time > 250 s", C])
    assert letters(program) == "CDRDRDRC"


def test_loops_may_lie_within_one_another():
    program = Program.parse(["a: " + D, "b: " + C, "Go to b 1 time", R, "Go to a 1 time"])
    assert letters(program) == "DCCRDCCR"
    assert program.planned == 8
    twice = Program.parse(["a: " + D, "Go to a 1 time", R, "Go to a 1 time"])
    assert letters(twice) == "DDRDDR"
    assert letters(Program.parse(["charge: " + D, "Go to charge 1 time"])) == "DD"
    named = Program.parse([{"name": "formation", "steps": [D, C]}, R, "Go to formation 1 time"])
    assert letters(named) == "DCRDCR"


def test_a_loop_that_takes_no_time_and_never_ends_is_refused():
    program = Program.parse(["a: EIS at 1 kHz", "Go to a until voltage < 3 V"])
    with pytest.raises(InputError, match="steps that take time") as caught:
        walk(program, seconds=0.0)
    assert caught.value.key == "experiment.steps[1]"
    assert letters(Program.parse(["a: EIS at 1 kHz", "Go to a 9 times"]), seconds=0.0) == "E" * 10


def test_further_entries_leave_the_earlier_instructions_as_they_are():
    entries = [R, {"steps": [D, C], "repeat": 2, "until": "time > 1 day"}]
    short = Program.parse(entries, repeat=2, until="voltage < 2 V")
    longer = Program.parse(entries, repeat=2, until="voltage < 2 V", continued=[[D, "EIS at 1 Hz"], [[R, C]]])
    assert longer.tasks[: len(short.tasks)] == short.tasks
    assert longer.planned == short.planned + 4
    assert longer.tasks[-1].key == "experiment.continued[1][0][1]"
    cursor, moment = short.start(), ZERO
    while True:  # every cursor of the short program is the same place in the longer one
        cursor = short.advance(cursor, moment, SCALES)
        if cursor.task is None:
            break
        assert longer.advance(replace(cursor, task=None), moment, SCALES).task == cursor.task
        assert longer.scopes(cursor) == short.scopes(cursor)
        moment = replace(moment, time=moment.time + 60.0)
        cursor = short.finish(cursor, moment)
    assert longer.scopes(longer.advance(cursor, moment, SCALES)) == ()  # the rule of the old list is over
    rest = []
    while (cursor := longer.advance(cursor, moment, SCALES)).task is not None:
        rest.append((cursor.cycle, longer.tasks[cursor.task].item.text))
        cursor = longer.finish(cursor, moment)
    assert rest == [(6, D), (7, "EIS at 1 Hz"), (8, R), (8, C)]


def test_a_cursor_survives_a_checkpoint(tmp_path):
    program = Program.parse([R, {"steps": ["a: " + D, "Go to a until voltage < 3 V"], "until": "time > 1 day"}])
    cursor, moment = program.start(), ZERO
    for _ in range(5):
        cursor = program.advance(cursor, moment, SCALES)
        np.savez(tmp_path / "checkpoint.npz", states=np.zeros(3), **cursor.pack())
        with np.load(tmp_path / "checkpoint.npz") as saved:
            read = Cursor.unpack(saved)
        assert repr(read) == repr(cursor)
        moment = replace(moment, time=moment.time + 60.0)
        cursor = program.finish(read, moment)


def test_finish_needs_a_task():
    program = Program.parse([R])
    with pytest.raises(ValueError, match="without a task"):
        program.finish(program.start(), ZERO)
    cursor = program.advance(program.start(), ZERO, SCALES)
    assert program.advance(cursor, ZERO, SCALES) is cursor


@pytest.mark.parametrize(
    ("entries", "more", "key", "message"),
    [
        ([], {}, "experiment.steps", "a list with at least one step"),
        (R, {}, "experiment.steps", "a list with at least one step"),
        ([[]], {}, "experiment.steps[0]", "a list with at least one step"),
        ([R], {"repeat": 0}, "experiment.repeat", "a whole number from 1"),
        ([R], {"repeat": True}, "experiment.repeat", "a whole number from 1"),
        ([R], {"repeat": 1.5}, "experiment.repeat", "a whole number from 1"),
        ([R], {"until": "2.5 V"}, "experiment.until", "a direction, as in 'voltage < 2.5 V'"),
        ([R], {"until": "voltage < 2.5 V at"}, "experiment.until", "not 'at' at position 17"),
        ([R], {"until": 3}, "experiment.until", "a condition as text"),
        ([R], {"until": "temperature > 45 degC"}, "experiment.until", "none inside of this group meets it"),
        ([R], {"continued": "Rest"}, "experiment.continued", "a list of lists"),
        ([R], {"continued": [R]}, "experiment.continued[0]", "a list with at least one step"),
        ([R, [R, "Rest"]], {}, "experiment.steps[1][1]", "the step would never end"),
        ([[R, [R]]], {}, "experiment.steps[0][1]", "a nested list is a cycle, and this is inside of one"),
        ([[{"steps": [[R]]}]], {}, "experiment.steps[0][0].steps[0]", "inside of one"),
        ([5], {}, "experiment.steps[0]", "a step as text"),
        ([{"step": [R], "steps": [R]}], {}, "experiment.steps[0].step", "did you mean 'steps'?"),
        ([{"repeat": 2}], {}, "experiment.steps[0].steps", "a list with at least one step"),
        ([{"steps": [R], "repeat": 0}], {}, "experiment.steps[0].repeat", "or 'until met'"),
        ([{"steps": [R], "repeat": "until met"}], {}, "experiment.steps[0].repeat", "no rule 'until'"),
        ([{"steps": [R], "until": "votage < 3 V"}], {}, "experiment.steps[0].until", "did you mean 'voltage'?"),
        ([{"steps": [R], "name": "a b"}], {}, "experiment.steps[0].name", "a name of letters"),
        (["a: " + R, "Go to b 2 times"], {}, "experiment.steps[1]", "a label that stands before this"),
        (["pulse: " + R, "Go to puls 2 times"], {}, "experiment.steps[1]", "did you mean 'pulse'?"),
        (["Go to a 2 times", "a: " + R], {}, "experiment.steps[0]", "not 'a' at position 7"),
        (["a: " + R, ["Go to a 2 times"]], {}, "experiment.steps[1][0]", "in the same list"),
        (
            ["a: " + R, "b: " + R, "Go to a 1 time", "Go to b 1 time"],
            {},
            "experiment.steps[3]",
            "outside of other loops",
        ),
        (["a: " + R, "Go to a"], {}, "experiment.steps[1]", "(the loop would never end)"),
        (["a: " + R, "Go to a 0 times"], {}, "experiment.steps[1]", "not '0' at position 9"),
        (["a: " + R, "Go to a until 3 V"], {}, "experiment.steps[1]", "a direction, as in 'voltage < 3 V'"),
        (["a: " + R, "a: " + R], {}, "experiment.steps[1]", "a label that no step before it in the list has"),
        (["a: Go to a 3 times"], {}, "experiment.steps[0]", "a step between the label 'a' and the jump"),
    ],
)
def test_refused(entries, more, key, message):
    with pytest.raises(InputError) as caught:
        Program.parse(entries, **more)
    assert caught.value.key == key
    assert message in str(caught.value)


def test_groups_without_end_are_refused():
    endless = {"steps": [R]}
    endless["steps"].append(endless)
    with pytest.raises(InputError, match="groups at most 20 deep"):
        Program.parse([endless])


def test_a_rule_on_temperature_needs_steps_of_several_temperatures():
    heat = {"steps": [R, R + " at 50 degC"], "until": "temperature > 45 degC"}
    assert Program.parse([heat]).planned == 2
    with pytest.raises(InputError, match="none inside of this group meets it"):
        Program.parse([{**heat, "steps": [R + " at 40 degC"]}])


def test_all_faults_are_reported_at_once():
    with pytest.raises(InputErrors) as caught:
        Program.parse(
            ["Rest", R, ["Hold at 4.2 V", {"steps": ["Rest"], "until": "3 V"}]], repeat=0, until="", continued=[[]]
        )
    assert sorted(error.key for error in caught.value.errors) == [
        "experiment.continued[0]",
        "experiment.repeat",
        "experiment.steps[0]",
        "experiment.steps[2][0]",
        "experiment.steps[2][1].steps[0]",
        "experiment.steps[2][1].until",
        "experiment.until",
    ]
    with pytest.raises(InputError) as caught:  # a jump to a step that cannot be read is no second fault
        Program.parse(["a: Rets for 1 s", "Go to a 2 times"])
    assert caught.value.key == "experiment.steps[0]"


def test_a_cut_off_already_passed_is_refused():
    program = Program.parse([R, "EIS at 1 kHz", [D, R]])
    check_start(program, 4.2)
    with pytest.raises(InputError, match=r"2\.5 V \(it is 2\.4 V, so the step would end at once\)") as caught:
        check_start(program, 2.4)
    assert caught.value.key == "experiment.steps[2][0]"
    with pytest.raises(InputError, match=r"below the cut-off of 4\.2 V"):
        check_start(Program.parse([C]), 4.2)
    # Only the first step that passes current starts from the initial state.
    check_start(Program.parse(["Hold at 4 V for 1 s", C]), 4.3)
    check_start(Program.parse(["Sweep at 1 mV/s from 3 V to 4 V until voltage < 2 V"]), 1.0)


@pytest.mark.parametrize(
    "entries",
    [
        ["GITT discharge at C/20 for 10 minutes, rest for 1 hour, until 2.5 V"],
        [{"steps": [R, {"steps": [["Discharge at 1 W for 1 h"]]}], "until": "voltage < 2.5 V or time > 1 day"}],
        ["Discharge at 5 ohm until voltage < 2.5 V and utilisation > -1 % or time > 1 day"],
        ["Discharge at 1C for 1 hour or until temperature > 20 degC"],
        ["Charge at 1C until utilisation < 1 %"],
    ],
)
def test_the_start_is_checked_against_every_rule(entries):
    program = Program.parse(entries)
    with pytest.raises(InputError, match="so the step would end at once"):
        check_start(program, 2.4, 298.15)
    if "utilisation < 1" not in str(entries):
        check_start(program, 3.7, 280.0)


def test_the_rule_of_a_group_may_be_read_in_python():
    assert Program.parse([{"steps": [D], "until": "for 1 hour"}]).blocks[0].body[0].rule == Limit("time", 3600.0, False)


SLAB = Path(__file__).parents[2] / "cases" / "verification" / "slab_discharge" / "case.toml"


def test_a_case_holds_groups_rules_and_further_steps():
    group = '{ steps = ["Rest for 1 hour"], repeat = 2, until = "capacity > 1 mAh" }'
    changes = [
        f"experiment.steps=[{group}]",
        "experiment.until=time > 1 day",
        "experiment.continued=[['EIS at 1 kHz']]",
    ]
    section = read_case(SLAB, changes).experiment
    assert section.steps == ({"steps": [R], "repeat": 2, "until": "capacity > 1 mAh"},)
    assert section.continued == (("EIS at 1 kHz",),)
    program = Program.parse(section.steps, repeat=section.repeat, until=section.until, continued=section.continued)
    assert program.planned == 3


def test_a_case_tells_where_a_fault_of_its_protocol_stands():
    group = '{ steps = ["Rets for 1 hour"], until = "capacity > 1 V" }'
    changes = [f"experiment.steps=[[{group}]]", "experiment.until=time < 1 day", "experiment.continued=[['EIS at 1']]"]
    with pytest.raises(InputErrors) as caught:
        read_case(SLAB, changes)
    assert [error.key for error in caught.value.errors] == [
        "experiment.until",
        "experiment.steps[0][0].until",
        "experiment.steps[0][0].steps[0]",
        "experiment.continued[0][0]",
    ]
    with pytest.raises(InputErrors, match="a list of lists of steps"):
        read_case(SLAB, ["experiment.continued=['EIS at 1 kHz']"])
