"""A run as a whole: charge, resumption after SIGKILL, ends and their reasons."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from catholyte.build import build
from catholyte.case import parse_case
from catholyte.errors import InputError
from catholyte.physics.constants import F
from catholyte.simulation import Simulation

CASE = """
title = "small composite"
[mesh]
packing = { voxels = [8, 8, 8], voxel_size = "0.75 um", seed = 3 }
separator = "1.5 um"
[phases]
active = { material = "NCM811", volume_share = 0.5, diameter = "3 um" }
electrolyte = { material = "Li6PS5Cl", volume_share = 0.5 }
[cell]
counter = "Li-In"
initial = { voltage = "4.1 V" }
[experiment]
steps = STEPS
[output]
fields = "every 10 % of capacity"
"""


def simulation(steps='["Discharge at C/2 until 3 V"]', **overrides):
    return Simulation(build(parse_case(CASE.replace("STEPS", steps), [f"{k}={v}" for k, v in overrides.items()])))


def test_charge_is_the_lithium_that_moved(tmp_path):
    s = simulation('["Discharge at C/2 until 3 V", "Rest for 10 minutes", "Hold at 3.8 V for 1 hour"]')
    results = s.run(tmp_path / "out")
    mesh = results.mesh
    x = results.fields["x"].values
    active = np.isfinite(x[0])
    volume = np.prod(mesh.spacing)
    c_max = s.built.materials["active"].property("maximum_concentration").value
    stored = (x[-1] - x[0])[active].sum() * F * c_max * volume / s.area
    assert stored == pytest.approx(float(results.curves["charge"][-1]), rel=1e-5)  # fields are single precision


def test_points_land_on_the_field_schedule(tmp_path):
    results = simulation().run(tmp_path / "out")
    used = results.curves["utilisation"].values[results.fields["point_index"].values.astype(int)]
    assert np.allclose(used[1:-1], 0.1 * np.arange(1, used.size - 1), atol=1e-7)


def test_too_large_a_current_ends_at_the_cut_off_with_the_reason(tmp_path):
    results = simulation('["Discharge at 500C until 3 V", "Rest for 1 minute"]').run(tmp_path / "out")
    summary = results.summary()
    assert summary["end_reason"] == "time 60 s reached"
    assert float(results.curves["charge"][-1]) == pytest.approx(0.0, abs=1e-6 * 4e4)


def test_reason_names_what_the_electrode_can_deliver(tmp_path):
    s = simulation('["Discharge at 500C until 3 V"]')
    seen = []
    s.run(tmp_path / "out", on_update=lambda update: seen.append(update.ended))
    assert "3 V" in seen[-1]


def test_zero_current_stays_at_rest(tmp_path):
    results = simulation('["Rest for 1 hour"]').run(tmp_path / "out")
    assert np.ptp(results.curves["voltage"].values) < 1e-9
    assert np.ptp(results.fields["x"].values[-1][np.isfinite(results.fields["x"].values[-1])]) < 1e-9


def test_cell_voltage_as_reference_shifts_the_cut_off(tmp_path):
    changes = {"cell.voltage_reference": "cell", "cell.initial.voltage": "3.48 V"}
    results = simulation('["Discharge at C/2 until 2.38 V"]', **changes).run(tmp_path / "out")
    assert float(results.curves["voltage"][-1]) == pytest.approx(3.0, abs=1e-5)


def test_an_existing_result_is_not_overwritten(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="--resume"):
        simulation().run(tmp_path / "out")


def test_resume_refuses_another_mesh(tmp_path):
    simulation('["Rest for 1 minute"]').run(tmp_path / "out")
    with pytest.raises(InputError, match="mesh"):
        simulation('["Rest for 1 minute"]', **{"mesh.packing.seed": 4}).run(tmp_path / "out", resume=True)


def test_resume_refuses_another_case_on_the_same_mesh(tmp_path):
    simulation('["Rest for 1 minute"]').run(tmp_path / "out")
    with pytest.raises(InputError, match="something else"):
        simulation('["Rest for 2 minutes"]').run(tmp_path / "out", resume=True)


def test_the_log_says_which_solver_was_chosen_and_why_steps_ended(tmp_path):
    steps = '["Discharge at C/2 for 1 minute", "Rest for 1 minute"]'
    simulation(steps, **{"solver.linear": "krylov"}).run(tmp_path / "out")
    log = (tmp_path / "out" / "run.log").read_text()
    assert "linear solver: grid multigrid" in log
    assert "step 1/2 ended" in log
    assert "step 2/2 ended" in log


def test_resume_after_the_last_frame_of_a_step_goes_on_from_the_event(tmp_path):
    steps = '["Discharge at C/2 until 3.6 V", "Rest for 5 minutes"]'
    whole = simulation(steps).run(tmp_path / "whole")
    ends = int(np.flatnonzero(np.diff(whole.curves["cycle_index"].values))[0]) + 1
    code = textwrap.dedent(KILLED).format(
        tests=os.path.dirname(__file__), after=ends, steps=steps, out=str(tmp_path / "killed")
    )
    subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    resumed = simulation(steps).run(tmp_path / "killed", resume=True)
    for name in ("time", "voltage", "charge"):
        assert np.allclose(resumed.curves[name].values, whole.curves[name].values, rtol=1e-6, atol=1e-9), name


def test_capacity_of_a_protocol_that_ends_with_a_rest(tmp_path):
    summary = simulation('["Discharge at C/2 until 3.6 V", "Rest for 1 hour"]').run(tmp_path / "out").summary()
    assert summary["discharge_capacity_mAh_g"] > 10.0
    assert summary["charge_capacity_mAh_g"] is None


def test_tabulated_exchange_current(tmp_path):
    def last(*changes):
        s = Simulation(build(parse_case(CASE.replace("STEPS", '["Discharge at C/2 for 1 minute"]'), list(changes))))
        return float(s.run(tmp_path / str(len(changes))).curves["loss_reaction"][-1])

    key = "interfaces.active|electrolyte.kinetics"
    flat = last(f"{key}.exchange_current=0.1 A/m2", f"{key}.concentration=constant")
    table = last(
        f"{key}.exchange_current=0.2 A/m2", f"{key}.concentration=table",
        f"{key}.x=[0.1,0.5,0.9]", f"{key}.factor=[0.5,0.5,0.5]",
    )  # fmt: skip
    assert table == pytest.approx(flat, rel=1e-9)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_simulation import simulation
count = 0
def update(u):
    global count
    count += 1
    if count == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
simulation({steps!r}).run(Path({out!r}), on_update=update)
"""


@pytest.mark.parametrize("after", [1, 9, 24])
def test_killed_and_resumed_gives_the_same_answer(tmp_path, after):
    steps = '["Discharge at C/2 until 3.5 V", "Rest for 5 minutes", "Charge at C/2 until 3.9 V"]'
    whole = simulation(steps).run(tmp_path / "whole")
    code = textwrap.dedent(KILLED).format(
        tests=os.path.dirname(__file__), after=after, steps=steps, out=str(tmp_path / "killed")
    )
    died = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    resumed = simulation(steps).run(tmp_path / "killed", resume=True)
    assert resumed.counts.points == whole.counts.points
    assert resumed.counts.frames == whole.counts.frames
    for name in ("time", "voltage", "charge", "lithiation_std"):
        assert np.allclose(resumed.curves[name].values, whole.curves[name].values, rtol=1e-6, atol=1e-9), name
    assert np.all(np.diff(resumed.curves["time"].values) >= 0.0)
    again = simulation(steps).run(tmp_path / "killed", resume=True)
    assert again.counts.points == whole.counts.points
