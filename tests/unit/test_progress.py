"""What a run says of itself while it goes on: bar, lines, log, and the estimates in them."""

import io
import re

import pytest
from rich.console import Console

from catholyte.errors import InputError
from catholyte.progress import Remaining, duration_text, log_line, watch
from catholyte.simulation import Update


def update(**given):
    values = {
        "step": 1,
        "n_steps": 4,
        "text": "Discharge at C/10 until 2.5 V",
        "time": 360.0,
        "voltage": 3.8121,
        "current_density": 4.0,
        "utilisation": 0.1,
        "fraction": 0.5,
        "ended": None,
        "wall_time": 10.0,
        "cycle": 0,
        "spectrum": None,
        "progress": None,
    }
    return Update(**(values | given))


def plain():
    return Console(file=io.StringIO(), width=200, force_terminal=False)


def test_what_is_left_takes_as_long_as_what_was_done():
    remaining = Remaining()
    remaining.see(update(wall_time=1.0, fraction=0.1, progress=0.05))
    assert remaining.step is None
    remaining.see(update(wall_time=5.0, fraction=0.5, progress=0.25))
    assert remaining.step == pytest.approx(5.0)  # 0.4 of the step in 4 s, 0.5 to go
    assert remaining.run == pytest.approx(15.0)
    remaining.see(update(step=2, wall_time=7.0, fraction=0.2, progress=0.35))
    assert remaining.step == pytest.approx(8.0)  # the step began with the last word of the one before
    assert remaining.run == pytest.approx(13.0)
    remaining.see(update(step=2, wall_time=15.0, fraction=1.0, progress=1.0))
    assert remaining.step == remaining.run == 0.0


def test_a_resumed_run_does_not_count_what_was_there():
    remaining = Remaining()
    remaining.see(update(step=7, wall_time=1000.0, fraction=0.9, progress=0.8))
    assert remaining.step is None
    assert remaining.run is None
    remaining.see(update(step=7, wall_time=1010.0, fraction=0.95, progress=0.9))
    assert remaining.step == pytest.approx(10.0)
    assert remaining.run == pytest.approx(10.0)


def test_a_run_of_unknown_length_has_no_estimate_for_the_whole():
    remaining = Remaining()
    remaining.see(update(wall_time=1.0, n_steps=None, fraction=0.1))
    remaining.see(update(wall_time=2.0, n_steps=None, fraction=0.2))
    assert remaining.step == pytest.approx(8.0)
    assert remaining.run is None
    assert "step 1 " in log_line(update(n_steps=None), remaining)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (185.0, "3 min 5 s"), (7800.0, "2 h 10 min"), (97200.0, "1 d 3 h")],
)
def test_durations(seconds, text):
    assert duration_text(seconds) == text


def test_log_has_a_line_every_step_without_control_characters(tmp_path):
    log = tmp_path / "run.txt"
    with watch(plain(), quiet=True, log=log) as show:
        for k in range(5):
            show(
                update(
                    wall_time=float(k), fraction=k / 4, ended="cut-off\n\x1b[31m of 2.5 V reached" if k == 4 else None
                )
            )
    with watch(plain(), quiet=True, log=log) as show:  # a resumed run goes on in the same file
        show(update(step=2, spectrum="EIS 12/60, 1.2 kHz"))
    lines = log.read_text().splitlines()
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)
    assert lines[1].startswith("wall 1.0  step 1/4  cycle 0  t 360  V 3.81210  mA/cm2 +0.4  utilisation 0.10000")
    assert "left 1/-" in lines[3]
    assert "ended: cut-off" in lines[4]
    assert lines[5].endswith("EIS 12/60, 1.2 kHz")


def test_log_at_intervals_never_misses_the_end_of_a_step(tmp_path):
    log = tmp_path / "run.txt"
    with watch(plain(), quiet=True, log=log, every=10.0) as show:
        for k in range(31):
            show(update(wall_time=float(k), ended="time 5 s reached" if k == 13 else None))
    walls = [float(re.match(r"wall (\S+)", line)[1]) for line in log.read_text().splitlines()]
    assert walls == [0.0, 10.0, 13.0, 23.0]


def test_log_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="--log"), watch(plain(), quiet=True, log=tmp_path / "no" / "log.txt"):
        pass


def test_quiet_says_nothing_and_asks_for_nothing():
    console = plain()
    with watch(console, quiet=True) as show:
        assert show is None
    assert console.file.getvalue() == ""


def test_elsewhere_than_on_a_terminal_a_line_a_step():
    console = plain()
    with watch(console, quiet=False) as show:
        show(update())
        show(update(ended="cut-off of 2.5 V reached", text="Discharge [at] C/10"))
    (line,) = console.file.getvalue().splitlines()
    assert line.startswith("step 1/4 Discharge [at] C/10: cut-off of 2.5 V reached")


def test_bar_shows_state_and_what_is_left():
    console = Console(file=io.StringIO(), width=160, force_terminal=True, color_system=None)
    with watch(console, quiet=False) as show:
        show(update(wall_time=1.0, fraction=0.1, progress=0.1))
        show(update(wall_time=21.0, fraction=0.3, progress=0.3))
        show(update(wall_time=22.0, n_steps=None, spectrum="EIS 12/60, 1.2 kHz", progress=0.31))
    shown = console.file.getvalue()
    assert "EIS 12/60, 1.2 kHz" in shown
    assert re.search(r"1 min \d+ s left", shown)
