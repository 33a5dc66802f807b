"""Sentences of electrochemistry that stand for several steps, or for a spectrum.

::

    sweep   = "Sweep" "at" rate "from" start { "to" voltage } [ "for" n "cycles" ] [ [ "or" ] stops ]
    eis     = "EIS" ( "from" frequency "to" frequency [ [ "," ] n "points" "per" "decade" ]
                    | "at" frequency { ( "," | "and" ) frequency } ) [ [ "," ] "under" "load" ]
    gitt    = "GITT" pulse "," "rest" stops { "," bound }
    hppc    = "HPPC" pulse "," "rest" stops [ "," pulse ] "," "every" amount "at" load "," "rest" stops { "," bound }
    pulse   = ( "discharge" | "charge" ) "at" load stops
    bound   = "until" rule | "at" "most" n ( "pulses" | "levels" | "times" )
"""

from __future__ import annotations

import math
from itertools import pairwise

from catholyte.experiment.amounts import Capacity
from catholyte.experiment.blocks import Block, Leaf, Node
from catholyte.experiment.conditions import Condition, Limit
from catholyte.experiment.grammar import read_discharge, read_load, read_rest
from catholyte.experiment.quantities import capacity, fail_amount, frequency, share, voltage, voltage_rate
from catholyte.experiment.reader import Reader
from catholyte.experiment.rules import Setting, read_rule, read_stops
from catholyte.experiment.steps import CurrentControl, Role, Spectrum, Step, SweepControl

_MOST_FREQUENCIES = 1000
_POINTS_PER_DECADE = 6
_SWEPT = Setting(refused={"voltage rate": "the rate of a sweep is imposed"})
_PULSES: dict[int, Role] = {+1: "hppc discharge", -1: "hppc charge"}


def read_sweep(reader: Reader) -> Node:
    """Take what follows "Sweep": one step for each segment."""
    reader.keyword("at")
    rate = voltage_rate(reader)
    reader.keyword("from")
    found = _open_circuit(reader)
    corners = [None if found else _corner(reader)]
    while reader.accept("to"):
        token = reader.next
        corners.append(_corner(reader))
        if corners[-1] == corners[-2]:
            reader.fail("another voltage than the one before", token)
    if len(corners) == 1:
        reader.keyword("to")
    start = reader.next
    counted = reader.starts("for") and reader.ahead(2).lower in ("cycle", "cycles")
    cycles = 1
    if counted:
        reader.take()
        cycles = reader.whole("cycles")
        reader.take()
    if cycles > 1 and (len(corners) == 2 if found else corners[0] != corners[-1]):
        reader.fail("a sweep that comes back, like 'from 3 V to 2 V to 4 V to 3 V', before it is repeated", start)
    stop = None
    if (counted and reader.accept("or")) or reader.next.lower in ("for", "until"):
        stop = read_stops(reader, _SWEPT)
    controls = [SweepControl(begin, end, rate) for begin, end in pairwise(corners) if end is not None]
    if len(controls) == cycles == 1:
        return Leaf(Step(reader.text, controls[0], stop), reader.key)
    body = tuple(Leaf(Step(reader.text, control, None), reader.key) for control in controls)
    return Block(body, cycles, rule=stop, cycle=cycles > 1, key=reader.key, text=reader.text)


def read_spectrum(reader: Reader) -> Leaf:
    """Take what follows "EIS"."""
    word = reader.keyword("from", "at")
    start = reader.next
    frequencies = _range(reader) if word == "from" else _listed(reader)
    if len(set(frequencies)) < len(frequencies):
        reader.fail("frequencies that differ from one another", start)
    comma = reader.accept(",")
    loaded = reader.accept("under", "load")
    if comma and not loaded:
        reader.fail("'under load'", reader.next, ("under",))
    return Leaf(Spectrum(reader.text, frequencies, loaded), reader.key)


def read_gitt(reader: Reader) -> tuple[Block, int]:
    """Take what follows "GITT": pulses and rests until a bound is met; also the sign of the pulses."""
    sign = +1 if reader.keyword("discharge", "charge") == "discharge" else -1
    pulse = _pulse(reader, sign, "gitt pulse")
    rest = _rest_after_comma(reader, "gitt rest")
    return _until_bound(reader, [pulse, rest], sign, ("pulses", "times")), sign


def read_hppc(reader: Reader) -> tuple[Block, int]:
    """Take what follows "HPPC": pulses at one level of charge after the other; also the sign of the first pulse."""
    sign = +1 if reader.keyword("discharge", "charge") == "discharge" else -1
    steps = [_pulse(reader, sign, _PULSES[sign]), _rest_after_comma(reader, "hppc rest")]
    opposite = "charge" if sign > 0 else "discharge"
    reader.keyword(",")
    if reader.accept(opposite):
        steps.append(_pulse(reader, -sign, _PULSES[-sign]))
        reader.keyword(",")
        reader.keyword("every")
    else:
        reader.keyword("every", opposite)
    if reader.ahead(1).text == "%" and reader.ahead(2).lower != "of":
        amount: Capacity | None = Capacity(share(reader), "nominal")
    else:
        amount = capacity(reader)
    if amount is None:
        fail_amount(reader, "a part of the capacity like 10 %, or a capacity like 0.2 mAh/cm2")
    token = reader.ahead(1)
    control, _ = read_load(reader, sign)
    if not isinstance(control, CurrentControl):
        reader.fail("a current like C/3", token)
    steps.append(Step(reader.text, control, Limit("capacity", amount, falling=False), role="hppc level"))
    steps.append(_rest_after_comma(reader, "hppc relax"))
    return _until_bound(reader, steps, sign, ("levels", "pulses", "times")), sign


def _open_circuit(reader: Reader) -> bool:
    if reader.accept("ocv"):
        return True
    if not (reader.accept("open", "circuit") or reader.accept("open", "-", "circuit")):
        return False
    return reader.accept("voltage") or reader.accept("potential") or True


def _corner(reader: Reader) -> float:
    volts = voltage(reader)
    if volts is None:
        words = ("open circuit", "OCV")
        if reader.next.kind == "word":
            reader.fail("a voltage like 4.2 V, or 'open circuit' to begin with", reader.next, words)
        fail_amount(reader, "a voltage like 4.2 V")
    return volts


def _range(reader: Reader) -> tuple[float, ...]:
    start = reader.next
    first = frequency(reader)
    reader.keyword("to")
    last = frequency(reader)
    density = _POINTS_PER_DECADE
    if reader.next.kind == "number" or (reader.starts(",") and reader.ahead(1).kind == "number"):
        reader.accept(",")
        density = reader.whole("points")
        reader.keyword("points", "point")
        if not reader.accept("/"):
            reader.keyword("per")
        reader.keyword("decade")
    if first == last:
        reader.fail("two frequencies that differ ('EIS at 1 kHz' takes a single one)", start)
    begin, end = math.log10(first), math.log10(last)
    intervals = max(1, round(density * abs(end - begin)))
    if intervals + 1 > _MOST_FREQUENCIES:
        reader.fail(f"at most {_MOST_FREQUENCIES} frequencies (these are {intervals + 1})", start)
    inner = (10.0 ** (begin + (end - begin) * k / intervals) for k in range(1, intervals))
    return (first, *inner, last)


def _listed(reader: Reader) -> tuple[float, ...]:
    found = [frequency(reader)]
    while reader.accept("and") or (reader.starts(",") and reader.ahead(1).kind == "number" and reader.accept(",")):
        if len(found) == _MOST_FREQUENCIES:
            reader.fail(f"at most {_MOST_FREQUENCIES} frequencies", reader.next)
        found.append(frequency(reader))
    return tuple(found)


def _pulse(reader: Reader, sign: int, role: Role) -> Step:
    token = reader.ahead(1)
    step = read_discharge(reader, sign, role=role)
    if not isinstance(step.control, CurrentControl):
        reader.fail("a current like C/10 (a pulse is evaluated at constant current)", token)
    return step


def _rest_after_comma(reader: Reader, role: Role) -> Step:
    reader.keyword(",")
    reader.keyword("rest")
    return read_rest(reader, role=role)


def _until_bound(reader: Reader, steps: list[Step], sign: int, counted: tuple[str, ...]) -> Block:
    """Take what ends a loop over ``steps``: a rule, a number of passes, or both."""
    rule: Condition | None = None
    times: int | None = None
    expected = f"', until' a limit or ', at most 30 {counted[0]}' (it would never end)"
    while reader.next.text == "," or reader.starts("at", "most"):
        reader.accept(",")
        if times is None and reader.accept("at", "most"):
            times = reader.whole(counted[0])
            reader.keyword(*counted, *(word.removesuffix("s") for word in counted))
        elif rule is None and reader.accept("until"):
            rule = read_rule(reader, Setting(falling=sign > 0, example="a voltage like 2.5 V"))
        else:
            reader.fail(expected, reader.next, ("until",))
    if rule is None and times is None:
        reader.fail(expected, reader.next, ("until",))
    body = tuple(Leaf(step, reader.key) for step in steps)
    return Block(body, times, rule=rule, key=reader.key, text=reader.text)
