"""Effective conductivity of a simple cubic array of spheres against Rayleigh's multipole solution.

Around every sphere φ = Σ (A_lm r^l + B_lm r^(−l−1)) Y_lm; the multipoles of all other spheres make up the
regular part (Rayleigh 1892; McPhedran & McKenzie 1978, Proc. R. Soc. A 359, 45; McKenzie, McPhedran &
Derrick 1978, ibid. 362, 211):

    A_lm = −E δ_l1 + Σ_l'm' (−1)^l L_{l+l', m'−m} B_l'm',     L_nk = Σ_R≠0 I_nk(R),

with the solid harmonics R_lm = r^l P_l^m e^{imφ}/(l+m)! and I_lm = (l−m)! P_l^m e^{imφ}/r^{l+1}, and B from
A by the conditions on the surface. Only odd l and m = 0, ±4, ±8, … occur. With L_20 = 0 the field E is
Lorentz's local one.
"""

from __future__ import annotations

from functools import cache
from math import factorial, pi

import numpy as np
import pytest
from builders import observed_order
from scipy.special import erfc, lpmv

from catholyte.mesh.voxels import voxel_graph
from catholyte.models.conduction import effective_conductivity
from catholyte.models.effective import effective_transport


@cache
def lattice_sum(n: int, k: int) -> float:
    """Return L_nk of the simple cubic lattice of unit spacing (real by symmetry)."""
    if n == 2:
        return 0.0
    reach = np.arange(-22, 23)
    z, y, x = (a.ravel() for a in np.meshgrid(reach, reach, reach, indexing="ij"))
    r = np.sqrt(x * x + y * y + z * z)
    keep = r > 0.0
    x, y, z, r = x[keep], y[keep], z[keep], r[keep]
    # A smooth end of the sum leaves out a function without mean, so nothing but e^(−60) is lost.
    end = 0.5 * erfc((r - 12.0) / 2.5)
    legendre = lpmv(abs(k), n, z / r)
    return float(np.sum(end * factorial(n - abs(k)) * legendre * np.cos(k * np.arctan2(y, x)) / r ** (n + 1)))


def rayleigh(share: float, sigma: float, highest: int = 15) -> float:
    """Return σ_eff of spheres of conductivity ``sigma`` filling ``share`` of a matrix of conductivity one."""
    a = (3.0 * share / (4.0 * pi)) ** (1.0 / 3.0)
    modes = [(n, m) for n in range(1, highest + 1, 2) for m in range(-(n // 4) * 4, n + 1, 4)]
    matrix, load = np.zeros((len(modes), len(modes))), np.zeros(len(modes))
    for p, (n, m) in enumerate(modes):
        # In units of R_lm a^l on the surface, and B scaled alike, the matrix is of order one.
        surface = 1.0 if sigma == np.inf else (sigma + (n + 1) / n) / (sigma - 1.0)
        matrix[p, p] -= surface
        load[p] = 1.0 if n == 1 else 0.0
        for q, (n2, m2) in enumerate(modes):
            scale = a ** (n + n2 + 1) / (factorial(n2 - m2) * factorial(n2 + m2))
            matrix[p, q] += scale * lattice_sum(n + n2, m2 - m)
    # The unknown is (l−m)! (l+m)! B_lm a^(−l−2); its equation is A_lm a^(l−1) + E δ_l1 = 0 in these units.
    moment = np.linalg.solve(matrix, -load)[modes.index((1, 0))] * a**3
    return float(1.0 + 4.0 * pi * moment / (1.0 - 4.0 * pi / 3.0 * moment))


def eighth(n: int, share: float) -> np.ndarray:
    """Return one eighth of the unit cell in n³ voxels, the centre of the sphere in its corner."""
    a = (3.0 * share / (4.0 * pi)) ** (1.0 / 3.0)
    z = (np.arange(n) + 0.5) * 0.5 / n
    return (z[:, None, None] ** 2 + z[:, None] ** 2 + z**2 < a * a).astype(np.uint8)


def voxel_value(n: int, share: float, sigma: float) -> float:
    """Return σ_eff of one eighth of the unit cell as a graph."""
    graph = voxel_graph(eighth(n, share), (0.5 / n,) * 3, ("matrix", "sphere"))
    conductivities = {"matrix": 1.0, "sphere": sigma}
    return effective_conductivity(graph, conductivities, length=0.5, cross_section=0.25).value


def test_lattice_sum_of_order_four():
    # Σ P_4(cos θ)/R^5 of the simple cubic lattice is 3.108227 (McKenzie, McPhedran & Derrick 1978).
    assert lattice_sum(4, 0) / factorial(4) == pytest.approx(3.108227, rel=1e-6)
    assert lattice_sum(6, 0) / factorial(6) == pytest.approx(0.573329, rel=1e-5)
    # Cubic symmetry ties the sums of one order together: the six nearest neighbours alone give 84 and 420.
    assert lattice_sum(4, 4) == pytest.approx(5.0 * lattice_sum(4, 0), rel=1e-9)


@pytest.mark.parametrize("sigma", [0.0, 10.0, np.inf])
def test_multipoles_meet_the_dilute_expansion(sigma):
    """Rayleigh's formula with the corrections of McKenzie, McPhedran & Derrick (1978), good to O(f⁶)."""
    f = 0.15
    inverse = 1.0 if sigma == np.inf else (sigma + 2.0) / (sigma - 1.0)
    third = 1.0 if sigma == np.inf else (sigma - 1.0) / (sigma + 4.0 / 3.0)
    dilute = 1.0 + 3.0 * f / (inverse - f - 1.30472 * third * f ** (10.0 / 3.0))
    assert rayleigh(f, sigma) == pytest.approx(dilute, rel=2e-5)


def test_multipoles_converge():
    for f, sigma in ((0.3, 10.0), (0.3, 0.0), (0.45, np.inf)):
        assert rayleigh(f, sigma, 15) == pytest.approx(rayleigh(f, sigma, 11), rel=2e-3)
    assert rayleigh(0.3, 10.0, 15) == pytest.approx(rayleigh(0.3, 10.0, 13), rel=1e-6)


@pytest.mark.parametrize(("share", "sigma"), [(0.3, 10.0), (0.3, 0.0), (0.45, 10.0), (0.2, 1000.0)])
def test_voxels_approach_the_array_of_spheres(share, sigma):
    """A surface of voxel faces is of first order; the noise of one resolution averages out over several."""
    exact = rayleigh(share, sigma)
    coarse = [abs(voxel_value(n, share, sigma) / exact - 1.0) for n in (6, 7, 8, 9, 10)]
    fine = [abs(voxel_value(n, share, sigma) / exact - 1.0) for n in (24, 27, 30, 33)]
    order = observed_order([8.0, 28.5], [float(np.mean(coarse)), float(np.mean(fine))])
    assert np.mean(fine) < 0.025
    assert -order > 0.7


@pytest.mark.parametrize(("sigma", "order", "left"), [(0.0, 0.9, 0.010), (10.0, 1.0, 0.002)])
def test_images_approach_the_array_of_spheres(sigma, order, left, record_property):
    """First order around insulating spheres, whose steps hinder the current; better around conducting ones."""
    exact, errors = rayleigh(0.3, sigma), []
    for sizes in ((10, 11, 12, 13), (21, 22, 23, 24), (41, 43, 45, 47)):
        values = [effective_transport(eighth(n, 0.3), (0.5 / n,) * 3, [1.0, sigma]).value for n in sizes]
        errors.append(float(np.mean(np.abs(np.array(values) / exact - 1.0))))
    found = -observed_order([11.5, 22.5, 44.0], errors)
    record_property("order", found)
    assert found > order
    assert errors[-1] < left


def test_periodic_cell_is_eight_mirrored_eighths():
    cell = eighth(10, 0.3)
    for axis in range(3):
        cell = np.concatenate([np.flip(cell, axis), cell], axis)
    options = {"tolerance": 1e-6}
    part = effective_transport(eighth(10, 0.3), (1.0, 1.0, 1.0), [1.0, 10.0], **options).value
    for axis in range(3):
        whole = effective_transport(cell, (1.0, 1.0, 1.0), [1.0, 10.0], axis=axis, walls="periodic", **options)
        assert whole.value == pytest.approx(part, rel=1e-7)
        assert whole.flux == pytest.approx(np.eye(3)[axis] * part, abs=1e-5)
