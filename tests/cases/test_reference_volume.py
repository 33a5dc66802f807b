"""Tortuosity factors of a public volume of 500³ voxels against those that five codes agree upon.

Kench et al. 2023, doi:10.21105/joss.05358: 1.1513, 1.3905 and 4.2431, to 0.5 %, which are those along y, x and z of the
file between sealed side walls. The volume goes on at its opposite sides: between periodic walls the current finds more
ways, and the factors are lower by up to 6 %.
"""

import os

import pytest

from catholyte.effective import ImageOptions, Plates, from_image
from catholyte.mesh.catalogue import DATA_FOLDER


@pytest.mark.long
@pytest.mark.skipif(not os.environ.get(DATA_FOLDER), reason=f"{DATA_FOLDER} names no folder with the public volumes")
@pytest.mark.parametrize(("axis", "published"), [(0, 4.2431), (1, 1.1513), (2, 1.3905)])
def test_the_published_tortuosity_factors(axis, published):
    from catholyte.effective.study import compute

    plates = Plates(axes=(axis,), walls="sealed")
    request = from_image("taufactor-reference-500", ImageOptions(phase=("conductor",)), plates)
    ((direction,),) = [outcome.directions for outcome in compute(request).outcomes]
    assert direction.fraction == pytest.approx(0.3, abs=1e-6)
    assert direction.transport.mismatch <= 1e-4
    assert direction.tortuosity_factor == pytest.approx(published, rel=5e-3)
