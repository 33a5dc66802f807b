"""The language of protocols: every text is read or refused at a position, and every program comes to its end."""

import math
import re
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from protocols import protocols, steps

from catholyte.errors import InputError, InputErrors
from catholyte.experiment import (
    AllOf,
    AnyOf,
    Capacity,
    Current,
    CurrentControl,
    Cursor,
    Limit,
    Moment,
    Power,
    PowerControl,
    Program,
    Resistance,
    ResistanceControl,
    RestControl,
    Scales,
    Spectrum,
    Step,
    SweepControl,
    VoltageControl,
    check_start,
    parse_step,
    read_condition,
)
from catholyte.experiment.blocks import Leaf
from catholyte.experiment.sentences import read_sentence

SCALES = Scales(areal_capacity_1C=36000.0, area=1e-4, areal_mass=0.1)

# ---------------------------------------------------------------------------------------------- what is written

positive = st.floats(1e-9, 1e9)
volts = st.floats(-5.0, 10.0)
PER = {"total": "", "area": "/m2", "mass": "/kg"}


@st.composite
def currents(draw):
    value, basis = draw(positive), draw(st.sampled_from(["C-rate", *PER]))
    unit = "C" if basis == "C-rate" else f"A{PER[basis]}"
    return f"{value!r}{draw(st.sampled_from(['', ' ']))}{unit}", Current(value, basis)


@st.composite
def limits(draw, quantities):
    """A limit and the way it is written with its comparator."""
    quantity = draw(st.sampled_from(quantities))
    falling = draw(st.booleans()) and quantity not in ("time", "capacity")
    amount = draw(positive)
    written = f"{amount!r} s"
    match quantity:
        case "voltage":
            amount = draw(volts)
            written = f"{amount!r} V"
        case "current":
            written, amount = draw(currents())
        case "capacity":
            basis = draw(st.sampled_from([*PER, "nominal"]))
            unit = "of capacity" if basis == "nominal" else f"A s{PER[basis]}"
            written = f"{amount!r} % of capacity" if basis == "nominal" else f"{amount!r} {unit}"
            amount = Capacity(amount / 100.0 if basis == "nominal" else amount, basis)
        case "temperature":
            written = f"{amount!r} K"
        case "utilisation":
            amount = draw(st.floats(-2.0, 2.0))
            written = f"{amount!r}"
        case "voltage rate":
            written = f"{amount!r} V/s"
    name = draw(st.sampled_from(["dV/dt", "|dV/dt|", "| DV / dt |"])) if quantity == "voltage rate" else quantity
    comparator = draw(st.sampled_from(["<", "<=", "≤", "below"] if falling else [">", ">=", "≥", "ABOVE"]))
    return f"{name} {comparator} {written}", Limit(quantity, amount, falling)


ALL = ["time", "voltage", "current", "capacity", "temperature", "utilisation", "voltage rate"]


def distinct(parts):
    """Whether no two limits watch one quantity in one direction."""
    seen = [(part.quantity, part.falling) for part in parts if isinstance(part, Limit)]
    return len(set(seen)) == len(seen)


@st.composite
def conditions(draw, quantities=ALL, depth=3):
    """A condition and one way to write it, with parentheses where they are needed and sometimes elsewhere."""
    kind = draw(st.sampled_from(["limit", "all", "any"])) if depth else "limit"
    if kind == "limit":
        return draw(limits(quantities))
    parts = draw(st.lists(conditions(quantities, depth - 1), min_size=2, max_size=3))
    same = AllOf if kind == "all" else AnyOf
    inner = [q for _, part in parts for q in (part.conditions if isinstance(part, same) else (part,))]
    if not distinct(inner):
        return parts[0]
    wrap = [isinstance(part, AnyOf) if kind == "all" else False for _, part in parts]
    texts = [
        f"({text})" if needed or draw(st.booleans()) else text for (text, _), needed in zip(parts, wrap, strict=True)
    ]
    return (" and " if kind == "all" else " or ").join(texts), same(tuple(inner))


@given(conditions())
def test_a_condition_survives_being_written(example):
    text, condition = example
    assert read_condition(text, key="until") == condition


@st.composite
def written_steps(draw):
    """A step and one of the ways to write it, in SI units so that no digit is lost."""
    kind = draw(st.sampled_from(["discharge", "charge", "hold", "rest", "interrupt", "sweep", "eis"]))
    kelvin, period, role = draw(st.none() | st.floats(1.0, 1e3)), draw(st.none() | positive), ""
    text, time = "", draw(positive)
    sure = Limit("time", time, False)
    match kind:
        case "discharge" | "charge":
            sign = 1.0 if kind == "discharge" else -1.0
            value, basis = draw(positive), draw(st.sampled_from([*PER]))
            load, amount = draw(currents())
            control = CurrentControl(Current(sign * amount.value, amount.basis))
            watched = ["voltage", "capacity", "voltage rate"]
            if draw(st.booleans()):
                load, control = f"{value!r} W{PER[basis]}", PowerControl(Power(sign * value, basis))
            elif sign > 0 and basis != "mass" and draw(st.booleans()):
                load = f"{value!r} ohm" + (" m2" if basis == "area" else "")
                control = ResistanceControl(Resistance(value, basis))
            text = f"{kind} at {load}"
        case "hold":
            voltage = draw(volts)
            text, control, watched = f"Hold at {voltage!r} V", VoltageControl(voltage), ["current", "capacity"]
        case "sweep":
            start, end, rate = draw(volts), draw(st.floats(11.0, 12.0)), draw(positive)
            begin = draw(st.booleans())
            text = f"Sweep at {rate!r} V/s from {f'{start!r} V' if begin else 'open circuit'} to {end!r} V"
            control, watched = SweepControl(start if begin else None, end, rate), ["current", "capacity"]
        case "eis":
            hertz = draw(st.lists(positive, min_size=1, max_size=4, unique=True))
            loaded = draw(st.booleans())
            text = "EIS at " + " and ".join(f"{f!r} Hz" for f in hertz) + (" under load" if loaded else "")
            text += "" if kelvin is None else f" at {kelvin!r} K"
            return text, Spectrum(text, tuple(hertz), loaded, kelvin)
        case _:
            text, control, watched = kind, RestControl(), ["voltage rate", "voltage"]
            role = "interruption" if kind == "interrupt" else ""
    rule_text, rule = draw(conditions(watched, 2))
    text += f" for {time!r} s or until ({rule_text})"
    parts = rule.conditions if isinstance(rule, AnyOf) else (rule,)
    text += "" if kelvin is None else f" at {kelvin!r} K"
    text += "" if period is None else f" ({period!r} s period)"
    if draw(st.booleans()):
        text = text.replace("until", "UNTIL").replace(" at ", "  at ").replace("for", "For")
    return text, Step(text, control, AnyOf((sure, *parts)), period, kelvin, role)


@given(written_steps())
def test_a_step_survives_being_written(example):
    text, step = example
    assert parse_step(text) == step


# ------------------------------------------------------------------------------------------------ what is refused


def read_or_refuse(text):
    """Read a sentence; whatever is refused is refused at a position."""
    try:
        sentence = read_sentence(text, key="experiment.steps[0]", labels={"pulse": True})
    except InputError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert refused.key == "experiment.steps[0]"
        found = re.search(r"at position (\d+)", refused.expected)
        assert found is not None
        assert 1 <= int(found[1]) <= len(text) + 1
        return
    if isinstance(sentence.content, Leaf) and isinstance(sentence.content.item, Step):
        step = sentence.content.item
        assert step.stop is not None or isinstance(step.control, SweepControl)


@settings(max_examples=300)
@given(st.text(max_size=60) | st.text("DischargeRtHold /0123456789.CVmAcuni()-+ε²\n\t%|<>,:", max_size=60))
def test_any_text_is_read_or_refused(text):
    read_or_refuse(text)


WORDS = [
    *("Discharge", "Charge", "Hold", "Rest", "Interrupt", "Sweep", "EIS", "GITT", "HPPC", "Go", "pulse:", "pulse"),
    *(
        "to",
        "at",
        "for",
        "until",
        "or",
        "and",
        "from",
        "under",
        "load",
        "every",
        "at most",
        "times",
        "cycles",
        "points",
    ),
    *("per", "decade", "open", "circuit", "OCV", "(", ")", ",", "|", "<", ">", "%", "(5 minute period)", "°C", "²"),
    *("voltage", "current", "capacity", "time", "temperature", "utilisation", "dV/dt", "|dV/dt|", "V", "s", "minutes"),
    *(
        "C/10",
        "1C",
        "2.5",
        "50 mA",
        "10 mA/cm2",
        "5 ohm",
        "1 W",
        "1 kHz",
        "10 mV/s",
        "45 degC",
        "1e400",
        "1e-400",
        "-3",
    ),
]


@st.composite
def spoiled(draw):
    """A valid sentence in which words or characters were lost, added or exchanged."""
    text = draw(steps() | st.sampled_from(["pulse: Rest for 1 s", "Go to pulse until 2.5 V, at most 9 times"]))
    parts = text.split() if draw(st.booleans()) else list(text)
    glue = " " if " " not in parts else ""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(parts)))
        new = draw(st.sampled_from(WORDS)) if glue else draw(st.characters(codec="utf-8"))
        match draw(st.sampled_from(["lose", "add", "exchange"])):
            case "lose":
                del parts[place : place + 1]
            case "add":
                parts.insert(place, new)
            case _:
                parts[place : place + 1] = [new]
    return glue.join(parts)


@settings(max_examples=500)
@given(spoiled() | st.lists(st.sampled_from(WORDS), max_size=15).map(" ".join))
def test_any_spoiled_sentence_is_read_or_refused(text):
    read_or_refuse(text)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | steps() | st.just("until met"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["steps", "repeat", "until", "name", "other"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(junk, junk, junk, junk)
def test_any_table_is_read_or_refused(entries, repeat, until, continued):
    try:
        program = Program.parse(entries, repeat=repeat, until=until, continued=continued)
    except (InputError, InputErrors):
        return
    assert program.tasks


# ------------------------------------------------------------------------------------------- what is carried out


def most_tasks(node):
    """How many tasks a block can carry out at most."""
    return 1 if isinstance(node, Leaf) else node.times * sum(most_tasks(part) for part in node.body)


moments = st.builds(
    Moment,
    time=st.floats(0.0, 1e3),
    voltage=st.floats(2.5, 4.5),
    current=st.floats(-50.0, 50.0),
    charge=st.floats(-4e4, 4e4),
    temperature=st.floats(270.0, 330.0),
    utilisation=st.floats(-1.0, 1.0),
    voltage_rate=st.floats(0.0, 1.0) | st.just(math.nan),
)


def packed_alike(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)


@settings(max_examples=200, deadline=None)
@given(protocols(), st.data())
def test_every_program_comes_to_its_end(table, data):
    """Whatever the cell does: within the bound, through cursors that can be packed at any moment."""
    entries = table.pop("steps")
    program = Program.parse(entries, **table)
    longer = Program.parse(entries, **table, continued=[["Rest for 1 s"]])
    check_start(program, data.draw(st.floats(3.4, 4.1)), 298.15)
    cursor, time, carried_out, left_early = program.start(), 0.0, 0, False
    while True:
        moment = data.draw(moments)
        time += moment.time
        moment = replace(moment, time=time)
        cursor = program.advance(cursor, moment, SCALES)
        again = Cursor.unpack(cursor.pack())
        assert packed_alike(again.pack(), cursor.pack())
        if cursor.task is None:
            break
        assert cursor.count == carried_out
        scopes = program.scopes(cursor)
        left = data.draw(st.none() | st.integers(0, len(scopes) - 1)) if scopes else None
        left_early = left_early or left is not None
        cursor = program.finish(again, moment, left)
        carried_out += 1
    assert carried_out <= sum(most_tasks(block) for block in program.blocks)
    if program.planned is not None and not left_early:
        assert carried_out == program.planned
    assert cursor.frames == ()
    last = longer.advance(cursor, moment, SCALES)
    assert longer.tasks[last.task].key == "experiment.continued[0][0]"


@settings(max_examples=200)
@given(protocols())
def test_tasks_know_where_they_stand(table):
    """The key of a task leads to the text that it was read from."""
    for task in Program.parse(table["steps"], repeat=table.get("repeat", 1)).tasks:
        found = {"experiment": table}
        for part in re.findall(r"\w+", task.key):
            found = found[int(part)] if part.isdigit() else found[part]
        assert found == task.item.text
