"""A layered electrode against the microstructure it was homogenised from: discs of iodine in a chloride catholyte.

Both are charged to 4 V; ``python -m benchmarks.homogenisation`` prints the same over rates, resolutions and losses.
"""

from __future__ import annotations

import pytest
from benchmarks.homogenisation import LOSSES, Load, Structure, compare, lossy


def test_capacity_and_voltage_agree():
    """At a rate that discs and catholyte can follow, with a catholyte that costs 30 mV over four discs."""
    found = compare(Structure(cells=4), lossy(4, 0.03))
    assert found["loss"] > 0.02
    assert abs(found["capacity"]) < 0.02
    assert found["largest"] < 0.010


def test_the_electrode_is_too_thin_where_a_single_disc_costs_more_than_the_thermal_voltage():
    """The same layers go astray once the potential falls by more than RT/F around a disc."""
    found = compare(Structure(cells=1), lossy(1, LOSSES[-1]))
    assert found["per disc"] > 0.0257
    assert abs(found["capacity"]) > 0.02
    assert found["voltage"] > 0.010


def test_what_sets_them_apart_at_high_rates_is_the_resolution_of_the_image():
    """Steep profiles at the surface of a disc want finer voxels; the image approaches the layers with them."""
    coarse, fine = (compare(Structure(cells=1, across=across), Load(rate=880.0)) for across in (12, 24))
    assert fine["layers"] == pytest.approx(coarse["layers"], rel=0.01)
    assert abs(fine["capacity"]) < 0.5 * abs(coarse["capacity"])
