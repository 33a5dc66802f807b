"""Random protocols that are valid, short and bounded: every step ends by a time, every loop by a number of passes."""

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

#: where a rule may lie so that no protocol is refused for an initial voltage between the two [V]
LOW, HIGH = (3.0, 3.3), (4.2, 4.3)


def _number(low: float, high: float, digits: int = 3) -> st.SearchStrategy[str]:
    return st.floats(low, high).map(lambda value: f"{value:.{digits}g}")


seconds = st.integers(5, 900).map(lambda value: f"{value} s")
below = _number(*LOW).map(lambda value: f"voltage < {value} V")
above = _number(*HIGH).map(lambda value: f"voltage > {value} V")
temperatures = st.sampled_from(["", "", "", " at 45 degC", " at 10oC", " at 318 K"])
periods = st.sampled_from(["", "", "", " (30 s period)", " (2 minute period)"])


@st.composite
def rates(draw: st.DrawFn, areal_capacity: float) -> str:
    """A current between C/20 and 5C; ``areal_capacity`` in mAh/cm2."""
    rate = draw(st.floats(0.05, 5.0))
    return draw(st.sampled_from([f"{rate:.3g}C", f"C/{1.0 / rate:.3g}", f"{rate * areal_capacity:.3g} mA/cm2"]))


@st.composite
def loads(draw: st.DrawFn, areal_capacity: float, *, charge: bool) -> str:
    """What a discharge or charge imposes."""
    rate = draw(st.floats(0.05, 5.0))
    kinds = [draw(rates(areal_capacity)), f"{3.7 * rate * areal_capacity:.3g} mW/cm2"]
    if not charge:
        kinds.append(f"{3700.0 / (rate * areal_capacity):.3g} ohm cm2")
    return draw(st.sampled_from(kinds))


@st.composite
def rules(draw: st.DrawFn, *, low: bool = True, high: bool = True, time: bool = True) -> str:
    """A condition with "and", "or" and parentheses; with ``time`` one for a group, where nothing is imposed."""
    choices = [
        _number(1.0, 60.0).map(lambda value: f"capacity > {value} %"),
        _number(1.0, 1000.0).map(lambda value: f"|dV/dt| > {value} mV/s"),
    ]
    choices += [below, _number(50.0, 99.0).map(lambda value: f"utilisation > {value} %")] if low else []
    choices += [above, _number(-99.0, -50.0).map(lambda value: f"utilisation < {value} %")] if high else []
    if time:
        choices += [
            seconds.map(lambda value: f"time > {value}"),
            _number(6.0, 20.0).map(lambda value: f"current > {value}C"),
        ]
    parts = draw(st.lists(st.sampled_from(choices), min_size=1, max_size=3, unique=True))
    texts = [draw(part) for part in parts]
    if time and draw(st.integers(0, 4)) == 0:
        texts[0] = f"({texts[0]} or temperature > 330 K)"
    if len(texts) < 3:
        return draw(st.sampled_from([" or ", " and "])).join(texts)
    a, b, c = texts
    return draw(st.sampled_from([f"{a} or {b} and {c}", f"({a} or {b}) and {c}", f"{a} or {b} or {c}"]))


@st.composite
def steps(draw: st.DrawFn, areal_capacity: float = 1.0) -> str:
    """One sentence."""
    kind = draw(st.sampled_from(["discharge", "charge", "hold", "rest", "interrupt", "sweep", "eis", "gitt", "hppc"]))
    time = draw(seconds)
    tail = draw(temperatures) + draw(periods)
    match kind:
        case "discharge":
            rule = draw(rules(high=False, time=False))
            return f"Discharge at {draw(loads(areal_capacity, charge=False))} for {time} or until ({rule}){tail}"
        case "charge":
            rule = draw(rules(low=False, time=False))
            return f"Charge at {draw(loads(areal_capacity, charge=True))} for {time} or until ({rule}){tail}"
        case "hold":
            return f"Hold at {draw(_number(3.4, 4.1))} V for {time} or until C/{draw(st.integers(5, 100))}{tail}"
        case "rest":
            bound = draw(st.sampled_from(["", " or until dV/dt < 1 mV/h", " or until dV/dt < 0.1 mV/s"]))
            return f"Rest for {time}{bound}{tail}"
        case "interrupt":
            return f"Interrupt for {time}{tail}"
        case "sweep":
            corners = " to ".join(f"{volts} V" for volts in draw(_corners()))
            rate = draw(_number(0.5, 20.0))
            return f"Sweep at {rate} mV/s from open circuit to {corners} for {time}{tail}"
        case "eis":
            span = draw(
                st.sampled_from(["at 1 kHz", "at 10 kHz, 1 Hz and 0.01 Hz", "from 1 MHz to 1 Hz, 2 points per decade"])
            )
            return f"EIS {span}{draw(st.sampled_from(['', ' under load']))}{draw(temperatures)}"
        case "gitt":
            way, volts = draw(st.sampled_from([("discharge", LOW), ("charge", HIGH)]))
            pulse = f"GITT {way} at {draw(rates(areal_capacity))} for {time}, rest for {draw(seconds)}"
            return f"{pulse}, until {draw(_number(*volts))} V, at most {draw(st.integers(1, 3))} pulses{tail}"
        case _:
            trains = f"HPPC discharge at 1C for 10 s, rest for 20 s, charge at {draw(rates(areal_capacity))} for 10 s"
            return (
                f"{trains}, every {draw(_number(1.0, 8.0))} % at 1C, rest for {time}, until 3 V, at most 2 levels{tail}"
            )


@st.composite
def _corners(draw: st.DrawFn) -> list[str]:
    volts = draw(st.lists(_number(3.0, 4.3), min_size=1, max_size=3))
    return [volts[0], *(after for before, after in pairwise(volts) if after != before)]


@st.composite
def groups(draw: st.DrawFn, areal_capacity: float) -> dict[str, Any]:
    """A table."""
    table: dict[str, Any] = {"steps": draw(st.lists(steps(areal_capacity), min_size=1, max_size=2))}
    if draw(st.booleans()):
        table["repeat"] = draw(st.integers(1, 2))
    if draw(st.booleans()):
        table["until"] = draw(rules())
    return table


@st.composite
def protocols(draw: st.DrawFn, areal_capacity: float = 1.0) -> dict[str, Any]:
    """The table [experiment] of a random valid protocol.

    Rules on the voltage lie below 3.3 V or above 4.2 V, so that any initial open-circuit voltage between does.

    Parameters
    ----------
    draw
        Of hypothesis.
    areal_capacity
        Nominal capacity of the cell that is to run it, in mAh/cm2: currents are then between C/20 and 5C.
    """
    entry = st.one_of(
        steps(areal_capacity),
        st.lists(steps(areal_capacity), min_size=1, max_size=2),
        groups(areal_capacity),
    )
    entries: list[Any] = draw(st.lists(entry, min_size=1, max_size=3))
    if draw(st.booleans()):
        bound = draw(st.sampled_from(["once more", "until"]))
        entries.append(f"again: {draw(steps(areal_capacity))}")
        if draw(st.booleans()):
            entries.append(draw(entry))
        if bound == "until":
            entries.append(f"Go to again until {draw(rules())}, at most {draw(st.integers(1, 2))} times")
        else:
            entries.append("Go to again 1 time")
    table: dict[str, Any] = {"steps": entries}
    if draw(st.booleans()):
        table["repeat"] = 2
    if draw(st.booleans()):
        table["until"] = draw(rules())
    return table
