"""The instrument as a user runs it: spectra in a protocol, resumed in the middle, continued runs, all controls."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from catholyte.build import build
from catholyte.case import parse_case
from catholyte.errors import InputError, InputErrors, NotConverged
from catholyte.results import Results
from catholyte.simulation import Simulation, continued_case

CASE = """
title = "flat layer"
[mesh]
laminate = { voxel_size = "0.5 um", stack = [["electrolyte", "1 um"], ["active", "3 um"]] }
[phases]
electrolyte = { material = "Li6PS5Cl" }
active = { material = "NCM811", D = "1e-10 cm2/s" }
[interfaces."active|electrolyte"]
kinetics = { exchange_current = "0.1 A/m2", activation_energy = "0.5 eV" }
double_layer = "10 uF/cm2"
[cell]
counter = "Li-In"
initial = { voltage = "3.9 V" }
[experiment]
steps = STEPS
"""
EIS = '"EIS from 1 kHz to 1 Hz, 4 points per decade"'


def simulation(steps, **overrides):
    case = parse_case(CASE.replace("STEPS", steps), [f"{key}={value}" for key, value in overrides.items()])
    return Simulation(build(case))


def test_a_spectrum_takes_no_time_and_leaves_no_trace(tmp_path):
    steps = '["Discharge at 1C for 10 minutes", {}"Discharge at 1C for 5 minutes"]'
    without = simulation(steps.format("")).run(tmp_path / "without")
    measured = simulation(steps.format(EIS + ", ")).run(tmp_path / "measured")
    assert without.spectra == ()
    (spectrum,) = measured.spectra
    assert spectrum.time == pytest.approx(600.0)
    assert spectrum.current_density == pytest.approx(0.0, abs=1e-12)
    assert spectrum.frequency.size == 13
    for name in ("voltage", "charge"):
        assert float(measured.curves[name][-1]) == pytest.approx(float(without.curves[name][-1]), abs=1e-5)


def test_under_load_the_current_stays_on(tmp_path):
    steps = f'["Discharge at 2C for 10 minutes", {EIS}, "{EIS[1:-1]}, under load"]'
    open_circuit, under_load = simulation(steps).run(tmp_path / "out").spectra
    assert under_load.current_density > 0.0
    assert under_load.voltage < open_circuit.voltage
    # Butler-Volmer: a bias current lowers the resistance of charge transfer.
    name = "reaction active|electrolyte"
    assert under_load.parts[name][-1].real < 0.99 * open_circuit.parts[name][-1].real


def test_resistance_of_charge_transfer_follows_the_temperature_of_the_step(tmp_path):
    steps = '["EIS at 1 mHz", "EIS at 1 mHz at 45 degC", "EIS at 1 mHz"]'
    cold, warm, again = simulation(steps).run(tmp_path / "out").spectra
    assert warm.temperature == pytest.approx(318.15)
    name = "reaction active|electrolyte"
    rise = np.exp(0.5 * 96485.33 / 8.314463 * (1.0 / 298.15 - 1.0 / 318.15)) * 298.15 / 318.15
    assert cold.parts[name][0].real / warm.parts[name][0].real == pytest.approx(rise, rel=1e-2)
    np.testing.assert_allclose(again.impedance, cold.impedance, rtol=1e-9)


def test_power_and_resistance_are_held(tmp_path):
    steps = '["Discharge at 2 mW/cm2 for 5 minutes", "Discharge at 2000 ohm cm2 for 5 minutes"]'
    curves = simulation(steps).run(tmp_path / "out").curves
    V, i, task = (curves[name].values for name in ("cell_voltage", "current_density", "task"))
    np.testing.assert_allclose((V * i)[task == 0], 20.0, rtol=1e-7)
    np.testing.assert_allclose((V / i)[task == 1], 0.2, rtol=1e-7)


def test_a_sweep_runs_along_its_ramp(tmp_path):
    curves = simulation('["Sweep at 1 mV/s from 3.9 V to 3.7 V to 3.9 V"]').run(tmp_path / "out").curves
    t, V = curves["time"].values, curves["voltage"].values
    assert t[-1] == pytest.approx(400.0, rel=1e-12)
    np.testing.assert_allclose(V, 3.7 + 1e-3 * np.abs(t - 200.0), atol=1e-8)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_instrument import simulation
count = 0
def update(u):
    global count
    count += u.spectrum is not None
    if count == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
simulation({steps!r}).run(Path({out!r}), on_update=update)
"""


@pytest.mark.parametrize("after", [1, 6, 13])
def test_a_spectrum_is_resumed_in_its_middle(tmp_path, after):
    steps = f'["Discharge at 1C for 5 minutes", {EIS}, "Rest for 1 minute", "EIS at 1 Hz"]'
    whole = simulation(steps).run(tmp_path / "whole")
    code = textwrap.dedent(KILLED).format(
        tests=os.path.dirname(__file__), after=after, steps=steps, out=str(tmp_path / "killed")
    )
    subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert Results.open(tmp_path / "killed").counts.spectra == after
    resumed = simulation(steps).run(tmp_path / "killed", resume=True)
    assert len(resumed.spectra) == 2
    for a, b in zip(resumed.spectra, whole.spectra, strict=True):
        np.testing.assert_array_equal(a.frequency, b.frequency)
        np.testing.assert_allclose(a.impedance, b.impedance, rtol=1e-6)
        assert a.point == b.point
    assert float(resumed.curves["voltage"][-1]) == pytest.approx(float(whole.curves["voltage"][-1]), abs=1e-7)


def test_a_finished_run_goes_on_with_further_steps(tmp_path):
    whole = simulation(f'["Discharge at 1C for 5 minutes", "Rest for 1 minute", {EIS}]').run(tmp_path / "whole")
    simulation('["Discharge at 1C for 5 minutes"]').run(tmp_path / "part")
    further = ["Rest for 1 minute", EIS[1:-1]]
    going_on = Simulation(build(continued_case(tmp_path / "part", further))).run(tmp_path / "part", extend=True)
    for name in ("time", "voltage", "charge"):
        np.testing.assert_allclose(going_on.curves[name].values, whole.curves[name].values, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(going_on.spectra[0].impedance, whole.spectra[0].impedance, rtol=1e-6)
    assert len(going_on.provenance["tasks"]) == 3
    again = Simulation(build(continued_case(tmp_path / "part", ["Rest for 1 minute"])))
    assert float(again.run(tmp_path / "part", extend=True).curves["time"][-1]) == pytest.approx(420.0)


def test_a_step_that_cannot_be_read_is_refused_before_the_result_is_touched(tmp_path):
    simulation('["Rest for 1 minute"]').run(tmp_path / "part")
    before = (tmp_path / "part" / "case.toml").read_text()
    with pytest.raises((InputError, InputErrors), match="Dischrge"):
        continued_case(tmp_path / "part", ["Dischrge at 1C until 3 V"])
    assert (tmp_path / "part" / "case.toml").read_text() == before


def test_a_group_rule_ends_the_step_and_the_group(tmp_path):
    group = '{ until = "voltage < 3.8 V", repeat = 20, steps = ["Discharge at 1C for 3 minutes", "Rest for 1 minute"] }'
    results = simulation(f'[{group}, "Rest for 5 minutes"]').run(tmp_path / "out")
    curves = results.curves
    reached = curves["voltage"].values[curves["task"].values == 0][-1]
    assert reached == pytest.approx(3.8, abs=1e-5)
    assert int(curves["task"][-1]) == 2


def test_a_rest_ends_when_the_voltage_stands_still(tmp_path):
    steps = '["Discharge at 1C for 10 minutes", "Rest for 10 hours or until dV/dt < 2 mV/h (1 minute period)"]'
    curves = simulation(steps).run(tmp_path / "out").curves
    t, V = curves["time"].values, curves["voltage"].values
    assert t[-1] < 3.6e4
    assert (V[-1] - V[-2]) / (t[-1] - t[-2]) * 3.6e6 == pytest.approx(2.0, rel=0.5)


def test_resuming_what_has_ended_changes_nothing(tmp_path):
    simulation('["Rest for 1 minute"]').run(tmp_path / "out")
    again = simulation('["Rest for 1 minute"]').run(tmp_path / "out", resume=True)
    assert again.provenance["end_reason"] == "time 60 s reached"


def test_a_capacitor_in_series_keeps_its_charge_in_a_spectrum(tmp_path):
    steps = '["Discharge at C/2 for 2 minutes", "Rest for 10 minutes", "EIS at 1 Hz", "Rest for 1 s"]'
    warburg = '[{kind="Warburg", resistance="10 ohm cm2", time_constant="10 s", end="reflecting"}]'
    curves = simulation(steps, **{"cell.elements": warburg}).run(tmp_path / "out").curves
    before, measured, after = (curves["voltage"].values[curves["task"].values == k] for k in (1, 2, 3))
    assert measured[0] == pytest.approx(before[-1], abs=2e-3)
    assert measured[0] == pytest.approx(after[0], abs=2e-3)


def test_repetitions_of_a_sweep_are_cycles(tmp_path):
    curves = simulation('["Sweep at 5 mV/s from 3.9 V to 3.8 V to 3.9 V for 2 cycles"]').run(tmp_path / "out").curves
    assert set(curves["cycle_index"].values) == {0, 1}
    assert set(curves["step_index"].values) == {0, 1}


def test_an_exhausted_electrode_ends_with_the_reason(tmp_path):
    """Without a rule on the voltage its double layers would go on charging for ever."""
    with pytest.raises(NotConverged, match="rule on the voltage"):
        simulation('["Discharge at 20C for 3 hours"]').run(tmp_path / "out")
    assert "rule on the voltage" in Results.open(tmp_path / "out").provenance["end_reason"]


def test_the_table_has_the_temperature_of_the_step(tmp_path):
    simulation('["Rest for 1 minute", "Rest for 1 minute at 45 degC"]').run(tmp_path / "out")
    rows = (tmp_path / "out" / "curves.csv").read_text().splitlines()
    at = rows[0].split(",").index("Ambient Temperature / degC")
    assert {float(row.split(",")[at]) for row in rows[1:]} == {25.0, 45.0}
