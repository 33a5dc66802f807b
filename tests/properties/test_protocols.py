"""Random valid protocols on a small cell: they end with a stated reason, and nothing is lost on the way."""

import shutil
import tempfile
import tomllib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from hypothesis import HealthCheck, Phase, given, settings
from protocols import protocols

from catholyte.build import build
from catholyte.case import parse_case
from catholyte.errors import NotConverged
from catholyte.physics.constants import F
from catholyte.results import Results
from catholyte.simulation import Simulation

CASE = """
title = "flat layer"
[mesh]
laminate = { voxel_size = "0.5 um", stack = [["electrolyte", "1 um"], ["active", "3 um"]] }
[phases]
electrolyte = { material = "Li6PS5Cl" }
active = { material = "NCM811", D = "1e-10 cm2/s" }
[interfaces."active|electrolyte"]
double_layer = "10 uF/cm2"
film_resistance = "5 ohm cm2"
[cell]
counter = "Li-In"
initial = { voltage = "3.8 V" }
elements = [ { kind = "RC", resistance = "20 ohm cm2", capacitance = "1 mF/cm2" } ]
[experiment]
steps = ["Rest for 1 minute"]
[output]
fields = "every step"
"""
AREAL_CAPACITY = build(parse_case(CASE)).design.areal_capacity / 3.6e4  # mAh/cm2


def simulation(experiment):
    data = tomllib.loads(CASE) | {"experiment": experiment}
    return Simulation(build(parse_case(tomli_w.dumps(data))))


@settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
@given(protocols(areal_capacity=AREAL_CAPACITY))
def test_any_protocol_ends_with_a_reason_and_conserves_charge(experiment):
    s = simulation(experiment)
    folder = Path(tempfile.mkdtemp())
    try:
        with suppress(NotConverged):  # what follows holds up to there, and the reason is stated
            s.run(folder / "out")
        results = Results.open(folder / "out")
        assert results.provenance["end_reason"]
        curves, fields = results.curves, results.fields
        assert np.all(np.diff(curves["time"].values) >= 0.0)
        x = fields["x"].values[:, np.isfinite(fields["x"].values[0])]
        assert x.min() > 0.0
        assert x.max() < 1.0
        c_max = s.built.materials["active"].property("maximum_concentration").value
        stored = F * c_max * 0.5e-6 * (x - s.built.initial_lithiation["active"]).sum(axis=1)
        charge = curves["charge"].values[fields["point_index"].values.astype(int)]
        # The double layer holds what the lithium does not: C·Δs, with steps of the potential below 2 V.
        passed = np.abs(np.diff(curves["charge"].values, prepend=0.0)).sum()
        assert np.abs(stored - charge).max() <= 0.1 * 2.0 + 1e-5 * passed + 3e-7 * x.shape[1] * F * c_max * 0.5e-6
        for spectrum in results.spectra:
            assert np.all(spectrum.impedance.real > 0.0)
            np.testing.assert_allclose(sum(spectrum.parts.values()), spectrum.impedance, rtol=1e-6)
    finally:
        shutil.rmtree(folder)


def test_lithium_and_double_layer_together_hold_the_charge(tmp_path):
    """To rounding, from the stored state: the double layer's part is C times the change of its potential step."""
    s = simulation({"steps": ["Discharge at 1C for 10 minutes", "Hold at 3.9 V for 5 minutes", "Rest for 10 s"]})
    s.run(tmp_path / "out")
    writer, checkpoint, _ = s._resume(tmp_path / "out", "--resume")
    assert writer.n_points
    cathode = s.cathode
    start = s.initial_state()
    x, x0 = checkpoint.now.u[cathode.n_phi : -1], start[cathode.n_phi : -1]
    lithium = float(cathode.capacity @ (x - x0))
    steps = checkpoint.now.memory[: cathode.n_charged] - s._stage.resting_memory(start)[: cathode.n_charged]
    layer = -0.1 * float(np.concatenate([group.area for group in cathode.reacting]) @ steps)
    assert abs(layer) > 0.0
    assert lithium + layer == pytest.approx(checkpoint.now.charge, rel=1e-8)
