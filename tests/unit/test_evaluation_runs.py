"""Evaluations of real runs: what went into the case comes out of its measurements."""

import numpy as np
import pytest

from catholyte.build import build
from catholyte.case import parse_case
from catholyte.evaluation.cycles import cycles
from catholyte.evaluation.gitt import diffusion_length, gitt
from catholyte.evaluation.hppc import hppc
from catholyte.evaluation.interruption import interruptions
from catholyte.evaluation.voltammetry import sweeps
from catholyte.simulation import Simulation

FILM = """
title = "film"
[mesh]
laminate = { voxel_size = "0.1 um", cross_section = [1, 1], stack = [["electrolyte", "1 um"], ["active", "3 um"]] }
[phases]
active = { material = "NCM83", D = "DIFFUSIVITY" }
electrolyte = { material = "Li3InCl6" }
[interfaces."active|electrolyte"]
film_resistance = "50 ohm cm2"
[cell]
counter = "Li-In"
series_resistance = "20 ohm cm2"
initial = { voltage = "4.05 V" }
[experiment]
steps = STEPS
[output]
fields = "none"
[solver]
voltage_tolerance = "1 uV"
x_tolerance = 1e-6
"""


def run(path, steps, diffusivity="1e-15 m2/s"):
    text = FILM.replace("STEPS", steps).replace("DIFFUSIVITY", diffusivity)
    return Simulation(build(parse_case(text))).run(path)


def test_titration_of_a_film_gives_back_its_diffusivity(tmp_path):
    """Pulses of a tenth of L²/D in which the potential curve is nearly straight."""
    results = run(
        tmp_path / "gitt.results", '["GITT discharge at C/200 for 15 minutes, rest for 6 hours, at most 3 pulses"]'
    )
    length, _ = diffusion_length(results)
    assert length == pytest.approx(3e-6)
    pulses = gitt(results, length)
    assert len(pulses) == 3
    for pulse in pulses:
        assert pulse.doubts == ()
        assert pulse.diffusivity / 1e-15 == pytest.approx(1.0, abs=0.03)


@pytest.fixture(scope="module")
def instrument(tmp_path_factory):
    """A film that diffuses so fast that only its resistances show."""
    steps = """[
        "HPPC discharge at C/5 for 10 s, rest for 10 minutes, charge at C/5 for 10 s, every 1 % at C/5, rest for 1 hour,
         at most 2 levels",
        ["Discharge at C/5 for 1 minute", "Interrupt for 30 minutes"],
        ["Sweep at 1 mV/s from OCV to 3.9 V to 4.1 V"],
        ["Charge at C/5 until 4.15 V", "Discharge at C/5 until 3.95 V"],
    ]"""
    return run(tmp_path_factory.mktemp("runs") / "all.results", " ".join(steps.split()), "1e-11 m2/s")


def test_pulses_and_interruptions_see_the_resistances_of_the_case(instrument):
    """The jump of a pulse is the sum of the losses at its first moment, and so is that of an interruption."""
    curves = instrument.curves
    pulses = hppc(instrument, times=(0.0,))
    assert [(pulse.level, pulse.direction) for pulse in pulses] == [
        (level, direction) for level in (1, 2) for direction in ("discharge", "charge")
    ]
    (cut,) = interruptions(instrument)
    inner = [name for name in curves if str(name).startswith("loss_") and name not in ("loss_total", "loss_mixing")]
    for pulse in pulses:
        flows = np.isclose(curves["current_density"].values, pulse.current_density)
        point = int(np.argmax(flows & (curves["time"].values == pulse.time)))
        split = sum(float(curves[name][point]) for name in inner) / pulse.current_density
        assert pulse.resistances[0] == pytest.approx(split, rel=1e-3)
    assert cut.ohmic == pytest.approx(pulses[-1].resistances[0], rel=0.05)
    assert cut.slow == pytest.approx(0.0, abs=0.1 * cut.ohmic)


def test_charge_of_sweeps_and_cycles_is_that_of_the_curves(instrument):
    table = sweeps(instrument)
    assert [sweep.anodic for sweep in table] == [False, True]
    charge = instrument.curves["charge"].values
    for sweep in table:
        net = charge[sweep.points][-1] - charge[sweep.points][0]
        assert sweep.reduction - sweep.oxidation == pytest.approx(net, rel=1e-9)
    last = cycles(instrument)[-1]
    at = instrument.curves["task"].values
    ends = [charge[np.flatnonzero(at == task)[-1]] for task in (at.max() - 2, at.max() - 1, at.max())]
    assert last.charge.charge == pytest.approx(ends[0] - ends[1], rel=1e-9)
    assert last.discharge.charge == pytest.approx(ends[2] - ends[1], rel=1e-9)
    assert last.discharge.end_voltage == pytest.approx(3.95 - 0.62, abs=1e-6)
