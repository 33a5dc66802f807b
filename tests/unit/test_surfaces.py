"""Voxels that react at the area of the smooth surface behind them, and what a case may replace of its materials."""

import numpy as np
import pytest

from catholyte.build import build
from catholyte.case import parse_case
from catholyte.errors import InputErrors
from catholyte.physics.constants import F

CASE = """
title = "a quarter of a sphere"
mesh.image = { file = "ball.npy", voxel_size = "0.25 um" }
mesh.interface_area = "corrected"
mesh.separator = { thickness = "1 um", material = "Li6PS5Cl" }
phases.active = { material = "NCM811", label = 1 }
phases.electrolyte = { material = "Li6PS5Cl", label = 0 }
cell.counter = "Li-In"
cell.initial = { voltage = "4.2 V" }
experiment.steps = ["Discharge at C/10 until 3 V"]
"""
RADIUS, N = 2.5e-6, 14


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A sphere on the collector, cut by it in the middle, and by two side walls."""
    folder = tmp_path_factory.mktemp("ball")
    h = 0.25e-6
    side = h * (np.arange(N) + 0.5)
    z = h * (np.arange(N) + 0.5)
    inside = side**2 + side[:, None] ** 2 + (z[:, None, None] - N * h) ** 2 < RADIUS**2
    np.save(folder / "ball.npy", inside.astype(np.uint8))
    return folder


def cathode(folder, *replaced):
    text = CASE
    for old, new in replaced:
        text = text.replace(old, new)
    return build(parse_case(text, folder=folder)).cathode()


def test_a_sphere_reacts_at_its_area(folder):
    exact = 4.0 * np.pi * RADIUS**2 / 8.0
    corrected, counted = cathode(folder), cathode(folder, ('"corrected"', '"counted"'))
    assert corrected.reacting[0].area.sum() == pytest.approx(exact, rel=0.02)
    assert counted.reacting[0].area.sum() > 1.4 * exact


def test_the_half_cells_keep_their_conductance(folder):
    """Only what happens at the surface is scaled: the way to it stays that of the voxels."""
    corrected, counted = cathode(folder).reacting[0], cathode(folder, ('"corrected"', '"counted"')).reacting[0]
    for name in ("ohmic_e", "ohmic_i", "depletion"):
        np.testing.assert_allclose(corrected.area / getattr(corrected, name), counted.area / getattr(counted, name))


def test_only_voxels_are_corrected(folder):
    with pytest.raises(InputErrors) as refused:
        cathode(folder, ('"corrected"', '"corrected"\nmesh.cells = "tetrahedra"'))
    assert "mesh.interface_area = 'corrected': expected 'counted'" in str(refused.value)


def test_a_conductivity_in_the_case_replaces_a_diffusivity_of_the_material(folder):
    """And the other way round: no material has both by accident."""
    mixed = cathode(folder, ('"NCM811"', '"NCM811", sigma_i = "1 mS/cm"'))
    assert mixed.mixed is not None
    assert mixed.reacting[0].mixed.sigma_i(np.array([0.5]), 298.15) == pytest.approx(0.1)
    diffusing = cathode(folder, ('"NCM811"', '"LTGPSSe", D = "1e-9 cm2/s"'), ('"4.2 V"', '"2.6 V"'), ("3 V", "2.3 V"))
    assert diffusing.mixed is None
    host = diffusing.hosts[0][1]
    assert host.transport.slope(np.array([0.5]), 298.15) == pytest.approx(F * host.c_max * 1e-13)
