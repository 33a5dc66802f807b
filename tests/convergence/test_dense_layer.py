"""A dense layer of a mixed conductor: an exact polarisation, and the semi-analytic model beside the full one.

With straight U(x) and constant conductivities x is a parabola once all places fill alike, and the polarisation is a
third of i·L·(1/σ_i + 1/σ_e), however both share it.
"""

import pytest
from benchmarks.dense_runs import to_voltage
from benchmarks.design_map import LAWS, by_faces, of_groups

from catholyte.physics.dense_layer import utilisation

STRAIGHT, END = next(iter(LAWS.values()))


@pytest.mark.parametrize("ions", [0.001, 0.3, 0.5, 0.9])
def test_a_third_of_both_resistances_is_lost(ions):
    W = 0.9
    of, thickness, current = of_groups(W, ions, STRAIGHT, END)
    coarse, fine = (to_voltage(of, thickness, current, of.U(of.high), cells=n) - (1.0 - W / 3.0) for n in (10, 40))
    assert abs(fine) < 5e-4
    assert abs(fine) < abs(coarse) / 4.0 + 1e-4


@pytest.mark.parametrize(("W_i", "W_e"), [(0.6, 0.2), (0.2, 0.6), (0.7, 0.7), (2.0, 0.01)])
def test_the_semi_analytic_model_ends_where_the_full_one_does(W_i, W_e):
    run = by_faces(W_i, W_e)
    assert run.used == pytest.approx(run.semi_analytic, abs=1e-3)


def test_ions_and_electrons_may_change_places():
    """What one carrier does from the face of the separator the other does from that of the collector."""
    assert by_faces(0.9, 0.3).used == pytest.approx(by_faces(0.3, 0.9).used, abs=1e-4)


def test_only_current_times_thickness_counts():
    of, thickness, current = of_groups(0.8, 0.4, STRAIGHT, END)
    cut_off = of.U(of.high)
    thick = to_voltage(of, 10.0 * thickness, 0.1 * current, cut_off)
    assert thick == pytest.approx(to_voltage(of, thickness, current, cut_off), abs=1e-6)


def test_a_moment_of_high_polarisation_ends_the_discharge():
    """Where U(x) has a step, the polarisation passes its limit while the step is crossed, and falls back."""
    from benchmarks.design_map_rows import host_of

    from catholyte.materials import load_material

    of = host_of(load_material("LiMn2O4"))
    table = of.table()
    product = 0.09 * float(table.W[-1])
    assert utilisation(table, 1e-6, product / 1e-6) == pytest.approx(0.47, abs=0.02)
    assert utilisation(table, 1e-6, 0.4 * product / 1e-6) > 0.95
