"""Rates of several runs, reading of measured tables, and the distance to them."""

import numpy as np
import pytest
from recorded import COUNTER, FACTS, ONE_C, Step, constant, recorded, rest

from catholyte.errors import InputError
from catholyte.evaluation.basis import basis
from catholyte.evaluation.comparison import branches, compare_capacity, compare_time, distance
from catholyte.evaluation.measured import Measured, read_measured
from catholyte.evaluation.rates import rate_columns, rate_points

FULL = 3600.0 * ONE_C  # A s/m² in 200 mAh/g


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A charge and a discharge of straight lines, 200 and 180 mAh/g."""
    steps = [constant(-ONE_C, 1.0, 3.7, 4.3), rest(0.5, 4.2), constant(ONE_C, 0.9, 4.1, 3.2)]
    return recorded(tmp_path_factory.mktemp("run") / "run.results", steps)


def table(path, text):
    path.write_text(text, encoding="utf-8")
    return path


# ------------------------------------------------------------------ rates


def test_rates_in_one_run_and_across_runs(tmp_path):
    steps = []
    for k, (rate, share) in enumerate(((0.1, 0.9), (1.0, 0.7), (2.0, 0.5))):
        steps += [
            constant(-0.1 * ONE_C, 10.0 * share, 3.5, 4.2, cycle=k),
            constant(rate * ONE_C, share / rate, 4.0, 3.0, cycle=k),
        ]
    results = recorded(tmp_path / "test.results", steps)
    points = rate_points(results, against="li")
    assert [point.c_rate for point in points] == pytest.approx([0.1, 1.0, 2.0])
    assert [point.charge / FULL for point in points] == pytest.approx([0.9, 0.7, 0.5])
    assert [point.power for point in points] == pytest.approx([3.5 * rate * ONE_C for rate in (0.1, 1.0, 2.0)])
    columns = {each.name: each for each in rate_columns(points, [basis(results)] * 3)}
    assert columns["of the slowest"].entries == pytest.approx((100.0, 700.0 / 9.0, 500.0 / 9.0))
    assert columns["energy"].entries[0] == pytest.approx(0.9 * 200.0 * 3.5)
    assert columns["mean power"].entries[1] == pytest.approx(200.0 * 3.5)
    assert [point.result for point in rate_points(results, direction="charge")] == ["test"] * 3


def test_the_rate_of_a_charge_with_a_hold_is_that_before_it(tmp_path):
    t = np.linspace(0.0, 3600.0, 100)
    hold = Step(t, 4.2, -ONE_C * np.exp(-t / 600.0), kind="voltage")
    (point,) = rate_points(
        recorded(tmp_path / "r.results", [constant(-ONE_C, 0.8, 3.6, 4.2), hold]), direction="charge"
    )
    assert point.c_rate == pytest.approx(1.0)


def test_titrations_have_no_rate(tmp_path):
    pulses = [constant(ONE_C, 0.1, 4.0, 3.9), rest(0.1, 3.95), constant(ONE_C, 0.1, 3.9, 3.8)]
    assert rate_points(recorded(tmp_path / "r.results", pulses)) == ()


# ------------------------------------------------------------------ reading


@pytest.mark.parametrize(
    ("header", "scale"),
    [
        ("capacity (mAh/g),voltage (V)", 200.0),
        ("Specific Capacity / mAh/g,Voltage / V", 200.0),
        ("Capacity [mAh/cm2],Ecell/V", 1.0),
        ("Q/mA.h,Ewe/V", 1.0),
        ("Capacity / Ah,U / mV", 1e-3),
    ],
)
def test_headers_with_units(tmp_path, header, scale):
    in_volts = 1000.0 if "mV" in header else 1.0
    rows = "\n".join(f"{scale * q},{in_volts * (4.1 - 0.9 * q)}" for q in np.linspace(0.0, 1.0, 11))
    measured = read_measured(table(tmp_path / "data.csv", f"{header}\n{rows}\n"), FACTS)
    assert measured.capacity == pytest.approx(np.linspace(0.0, FULL, 11))
    assert measured.voltage[[0, -1]] == pytest.approx([4.1, 3.2])
    (branch,) = branches(measured)
    assert branch.sign == 1


def test_semicolons_and_decimal_commas(tmp_path):
    text = "Kapazität (mAh/g);Capacity (mAh/g);Voltage (V)\n0,0;0,0;4,1\n\n1,0;100,0;3,5\n1,0;200,0;3,0\n"
    measured = read_measured(table(tmp_path / "data.csv", text), FACTS)
    assert measured.voltage == pytest.approx([4.1, 3.5, 3.0])
    assert measured.capacity[-1] == pytest.approx(FULL)


def test_columns_are_chosen_by_name(tmp_path):
    text = "Q,U,other\n0,4.1,1\n100,3.5,1\n200,3.0,x\n"
    path = table(tmp_path / "data.csv", text)
    measured = read_measured(path, FACTS, "capacity=Q:mAh/g, voltage=U:V")
    assert measured.capacity[-1] == pytest.approx(FULL)
    with pytest.raises(InputError, match=r"a column of voltage with its unit.*did you mean"):
        read_measured(path, FACTS)
    with pytest.raises(InputError, match="a unit of potential"):
        read_measured(path, FACTS, "capacity=Q:mAh/g,voltage=U:mA")
    with pytest.raises(InputError, match="a unit of specific capacity or areal capacity or capacity"):
        read_measured(path, FACTS, "capacity=Q,voltage=U:V")
    with pytest.raises(InputError, match="did you mean 'other'"):
        read_measured(path, FACTS, "capacity=othr:mAh/g,voltage=U:V")
    with pytest.raises(InputError, match="did you mean 'voltage'"):
        read_measured(path, FACTS, "volts=U:V")


@pytest.mark.parametrize(
    "header",
    ["Test Time / s,Voltage / V,Current / A", "test_time_second,voltage_volt,current_ampere"],
)
def test_battery_data_format_is_positive_on_charge(tmp_path, header):
    i = ONE_C * FACTS["cell_area_m2"]
    rows = [
        (0.0, 3.7, i),
        (3600.0, 4.3, i),
        (3601.0, 4.25, 0.0),
        (5400.0, 4.2, 1e-6 * i),
        (5400.1, 4.1, -i),
        (8640.1, 3.2, -i),
    ]
    text = header + "\n" + "\n".join(",".join(map(str, row)) for row in rows)
    measured = read_measured(table(tmp_path / "data.bdf", text), FACTS)
    charge, discharge = branches(measured)
    assert (charge.sign, discharge.sign) == (-1, 1)
    assert charge.capacity[-1] == pytest.approx(FULL)
    assert discharge.capacity[-1] == pytest.approx(0.9 * FULL)


def test_a_result_agrees_with_its_own_table(run):
    found = compare_capacity(run, read_measured(run.path / "curves.csv", run.provenance))
    assert [each.computed.direction for each in found] == ["Charge", "Discharge"]
    for each in found:
        assert each.distance.rms < 1e-9
        assert each.relative == pytest.approx(0.0, abs=1e-9)
        assert each.distance.last == pytest.approx(each.computed.capacity[-1])


def test_tables_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="a table of measured data"):
        read_measured(tmp_path / "none.csv", FACTS)
    with pytest.raises(InputError, match="a first line of headers"):
        read_measured(table(tmp_path / "bare.csv", "0,4\n1,3.9\n2,3.8\n"), FACTS)
    with pytest.raises(InputError, match="at least two rows"):
        read_measured(table(tmp_path / "one.csv", "capacity (mAh/g),voltage (V)\n1,4\nx,y\n"), FACTS)
    with pytest.raises(InputError, match="a column of capacity"):
        read_measured(table(tmp_path / "volts.csv", "n,voltage (V)\n1,4\n2,3\n3,2\n"), FACTS)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81" * 20)
    with pytest.raises(InputError, match="UTF-8"):
        read_measured(tmp_path / "binary.csv", FACTS)


# ------------------------------------------------------------------ distance


def test_distance_of_parallel_and_crossing_lines():
    x, y = np.linspace(0.0, 2.0, 7), np.linspace(0.5, 3.0, 40)
    parallel = distance(x, 4.0 - x, y, 3.99 - y)
    assert (parallel.first, parallel.last) == (0.5, 2.0)
    assert parallel.rms == pytest.approx(0.01)
    assert parallel.mean == pytest.approx(0.01)
    crossing = distance(x, 0.1 * (x - 1.25), y, np.zeros_like(y))
    assert crossing.mean == pytest.approx(0.0, abs=1e-12)
    assert crossing.rms == pytest.approx(0.075 / np.sqrt(3.0), rel=1e-5)
    assert abs(crossing.largest) == pytest.approx(0.075)
    assert distance(x, x, x + 5.0, x) is None


def measured_line(first, last, amount, *, sign=1, points=20):
    q = np.linspace(0.0, amount, points)
    return Measured("line.csv", np.linspace(first, last, points), None, None, q, signed=False)


def test_capacity_at_the_cut_off_that_both_reach(run):
    """Computed: 4.1 to 3.2 V in 0.9; measured: 4.05 to 3.45 V in 0.6, so both are at 3.45 V after 0.65 and 0.6."""
    data = measured_line(4.05 - COUNTER, 3.45 - COUNTER, 0.6 * FULL)
    (found,) = compare_capacity(run, data)
    assert found.distance.rms == pytest.approx(0.05)
    assert found.distance.last == pytest.approx(0.6 * FULL)
    assert found.cut_off == pytest.approx(3.45 - COUNTER)
    assert found.at_cut_off == pytest.approx((0.65 * FULL, 0.6 * FULL))
    assert found.relative == pytest.approx(0.05 / 0.6)
    (against_li,) = compare_capacity(run, measured_line(4.05, 3.45, 0.6 * FULL), against="li")
    assert against_li.distance.rms == pytest.approx(0.05)


def test_half_cycles_are_chosen(run):
    data = measured_line(3.0, 3.6, FULL)  # rises: a charge
    (found,) = compare_capacity(run, data, half_cycle=1)
    assert found.computed.sign == -1
    with pytest.raises(InputError, match="from 1 to 2"):
        compare_capacity(run, data, half_cycle=3)
    with pytest.raises(InputError, match="it has only charge"):
        compare_capacity(run, data, half_cycle=2)


def test_capacities_that_begin_again(run):
    q = np.concatenate([np.linspace(0.0, FULL, 30), np.linspace(0.0, 0.9 * FULL, 30)])
    V = np.concatenate([np.linspace(3.7, 4.3, 30), np.linspace(4.1, 3.2, 30)]) - COUNTER
    found = compare_capacity(run, Measured("two.csv", V, None, None, q, signed=False))
    assert [each.distance.rms for each in found] == pytest.approx([0.0, 0.0], abs=1e-9)


def test_over_time(run):
    time, V = run.curves["time"].to_numpy(), run.curves["cell_voltage"].to_numpy()
    data = Measured("log.csv", V - 0.02, time + 1000.0, None, None, signed=False)
    found = compare_time(run, data)
    assert found.rms == pytest.approx(0.02)
    assert found.last == pytest.approx(2.4 * 3600.0)
    with pytest.raises(InputError, match="a column of time"):
        compare_time(run, measured_line(4.0, 3.0, FULL))
