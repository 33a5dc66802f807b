"""A particle on the collector plate, in tetrahedra and in voxels: both kinds lead to the same discharge.

``python -m benchmarks.mesh_kinds`` prints the same over more and finer meshes.
"""

import pytest
from benchmarks.suite.cut_sphere import AREA, VOLUME, diffusing, mixed, tetrahedra, voxels

pytest.importorskip("gmsh")

STEPS = 8
MATERIALS = {
    "diffusion": diffusing,
    # ions and electrons both lose voltage on their way through the particle
    "mixed conductor": lambda: mixed(sigma_e=1e-3, sigma_i=5e-5),
}


@pytest.mark.parametrize("name", MATERIALS)
def test_both_kinds_of_meshes_lead_to_the_same_curve(name):
    """At edges half as long they are nearly half as far apart, and within 1.5 mV from the first moment on."""
    material = MATERIALS[name]()
    tetra = [tetrahedra(edge, material).discharge(STEPS) for edge in (0.7e-6, 0.35e-6)]
    voxel = [voxels(across, material).discharge(STEPS) for across in (7, 14)]
    coarse, fine = (a.apart(b) for a, b in zip(tetra, voxel, strict=True))
    assert fine < 0.7 * coarse
    assert fine < 1.5e-3
    # What is left is the error of the voxels: that of the tetrahedra falls with the square of their edges.
    limit = tetra[0].limit(tetra[1], 2.0)
    assert tetra[1].apart(limit) < 2.5e-4
    assert fine == pytest.approx(voxel[1].apart(limit), abs=2.5e-4)


def test_the_area_of_the_voxels_themselves_misses_the_curve():
    """By half as much area again, which no refinement removes, against 1.5 mV with the corrected one."""
    smooth = tetrahedra(0.35e-6).discharge(STEPS)
    for across in (7, 14):
        body = voxels(across, area="counted")
        assert body.area / AREA == pytest.approx(1.5, abs=0.05)
        assert body.discharge(STEPS).apart(smooth) > 8e-3


def test_bodies_are_those_of_the_sphere():
    """Tetrahedra are inside of it, by the square of their edges; voxels have its area but for a few percent."""
    missing = [(1.0 - body.volume / VOLUME, 1.0 - body.area / AREA) for body in map(tetrahedra, (0.7e-6, 0.35e-6))]
    for coarse, fine in zip(*missing, strict=True):
        assert 0.0 < fine < 0.3 * coarse
    assert missing[1][0] < 0.01
    assert voxels(14).area / AREA == pytest.approx(1.0, abs=0.015)
    assert voxels(14).volume / VOLUME == pytest.approx(1.0, abs=0.005)
