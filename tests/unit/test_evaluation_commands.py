"""Commands that evaluate a result, as a user meets them: tables, files, messages."""

import numpy as np
import pytest
from recorded import ONE_C, Step, constant, recorded, rest

from catholyte import cli


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("commands")


@pytest.fixture(scope="module")
def cycled(folder):
    steps = []
    for k in range(2):
        steps += [constant(-ONE_C, 1.0, 3.7, 4.3, cycle=k), constant(ONE_C, 0.9, 4.1, 3.1, cycle=k)]
    return recorded(folder / "cycled.results", steps).path


@pytest.fixture(scope="module")
def pulsed(folder):
    t = np.linspace(0.0, 360.0, 40)
    steps = [rest(1.0, 4.1)]
    for k in range(2):
        steps.append(Step(t, 4.05 - 0.02 * k - 1e-3 * np.sqrt(t), ONE_C, role="gitt pulse"))
        steps.append(rest(1.0, 4.08 - 0.02 * k, role="gitt rest"))
    steps += [constant(ONE_C, 0.1, 4.0, 3.9), rest(0.1, 3.95, role="interruption")]
    return recorded(folder / "pulsed.results", steps).path


def test_cycles(catholyte, cycled, tmp_path):
    code, out, _ = catholyte("cycles", cycled, "--peaks", "--plots", "--csv", tmp_path / "cycles.csv")
    assert code == 0
    assert "per mass of active material" in out
    assert "90.00" in out  # Coulombic efficiency
    assert "first-cycle loss 20 mAh/g (10.00 % of the charge)" in out
    assert (tmp_path / "cycles.csv").read_text().count("\n") == 3
    assert (cycled / "plots" / "cycles.png").stat().st_size > 10_000
    assert (cycled / "plots" / "derivative.png").stat().st_size > 10_000
    _, out, _ = catholyte("cycles", cycled, "--basis", "composite", "--per", "volume", "--against", "li")
    assert "per volume of composite" in out
    assert "mAh/cm3" in out
    assert "against Li/Li+" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--basis", "compsite"), ("--basis", "did you mean 'composite'")),
        (("--basis", "all"), ("separator_areal_mass_kg_m2",)),
        (("--smooth", "10"), ("--smooth", "did you mean '10 V'")),
        (("--reference", "9"), ("--reference", "from 1 to 2")),
    ],
)
def test_wrong_options_of_cycles(catholyte, cycled, arguments, words):
    code, _, err = catholyte("cycles", cycled, *arguments)
    assert code == cli.BAD_INPUT
    for word in words:
        assert word in err


def test_pulses(catholyte, pulsed, tmp_path):
    code, out, _ = catholyte("pulses", pulsed, "--plots")
    assert code == 0
    assert "Titration (GITT)" in out
    assert "L = V/S = 1 um" in out
    assert "Current interruptions" in out
    assert "HPPC" not in out
    assert (pulsed / "plots" / "gitt.png").is_file()
    code, _, err = catholyte("pulses", pulsed, "--csv", tmp_path / "gitt.csv")
    assert code == cli.BAD_INPUT
    assert "--kind" in err
    code, out, _ = catholyte("pulses", pulsed, "--kind", "gitt", "--length", "2 um", "--csv", tmp_path / "gitt.csv")
    assert code == 0
    header, first, *_ = (tmp_path / "gitt.csv").read_text().splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True))
    assert float(row["D / m2/s"]) == pytest.approx(4.0 / (np.pi * 360.0) * (2e-6 * 0.02 / (1e-3 * np.sqrt(360.0))) ** 2)


def test_pulses_spelled_out(catholyte, pulsed):
    code, out, _ = catholyte("pulses", pulsed, "--read-as", "interruption")
    assert code == 0
    assert "Current interruptions" in out
    assert "GITT" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kind", "hppc"), ("hppc steps", "--read-as")),
        (("--kind", "git"), ("did you mean 'gitt'",)),
        (("--window", "0.1"), ("--window", "two shares")),
        (("--at", "1"), ("--at", "time")),
        (("--length", "1 m2"), ("--length", "length")),
    ],
)
def test_wrong_options_of_pulses(catholyte, pulsed, arguments, words):
    code, _, err = catholyte("pulses", pulsed, *arguments)
    assert code == cli.BAD_INPUT
    for word in words:
        assert word in err


def test_a_run_without_such_steps_says_what_would_be_one(catholyte, cycled):
    code, _, err = catholyte("pulses", cycled)
    assert code == cli.BAD_INPUT
    assert "gitt or hppc or interruption steps" in err
    code, _, err = catholyte("sweeps", cycled)
    assert code == cli.BAD_INPUT
    assert "Sweep at 0.1 mV/s" in err


def test_sweeps(catholyte, folder, tmp_path):
    V = np.linspace(3.4, 4.2, 101)
    peak = 3.0 / np.cosh((V - 3.8) / 0.03) ** 2
    steps = [Step(np.arange(101.0), v, i, kind="sweep") for v, i in ((V, -peak), (V[::-1], 0.5 * peak))]
    result = recorded(folder / "cv.results", steps).path
    code, out, _ = catholyte("sweeps", result, "--plots", "--csv", tmp_path / "cv.csv")
    assert code == 0
    assert "anodic" in out
    assert "2.000" in out  # ratio of the peak currents
    assert (result / "plots" / "voltammogram.png").is_file()


def test_rates_of_several_runs(catholyte, folder, tmp_path):
    runs = [
        recorded(folder / f"{name}.results", [constant(rate * ONE_C, 0.5 / rate, 4.0, 3.0)]).path
        for name, rate in (("slow", 0.1), ("fast", 2.0))
    ]
    code, out, _ = catholyte("rates", *runs, "--plots", tmp_path / "plots", "--csv", tmp_path / "rates.csv")
    assert code == 0
    assert "slow" in out
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["ragone.png", "rates.png"]
    code, _, err = catholyte("rates", *runs, "--direction", "charge")
    assert code == cli.BAD_INPUT
    assert "slow.results" in err


def test_compare(catholyte, cycled, tmp_path):
    code, out, _ = catholyte("compare", cycled, cycled / "curves.csv", "--plot", tmp_path / "overlay.pdf")
    assert code == 0
    assert "Capacity at the cut-off that both reach" in out
    assert (tmp_path / "overlay.pdf").stat().st_size > 5_000
    rows = "\n".join(f"{q},{4.08 - q / 180.0}" for q in np.linspace(0.0, 170.0, 50))
    (tmp_path / "data.csv").write_text(f"Q,E (V)\n{rows}\n")
    arguments = ("--columns", "capacity=Q:mAh/g", "--against", "li", "--half-cycle", "2", "--csv", tmp_path / "d.csv")
    code, out, _ = catholyte("compare", cycled, tmp_path / "data.csv", *arguments)
    assert code == 0
    assert (tmp_path / "d.csv").read_text().splitlines()[1].startswith("Discharge 1,20,20,20")
    code, out, _ = catholyte("compare", cycled, cycled / "curves.csv", "--by", "time", "--plot", tmp_path / "t.png")
    assert code == 0
    assert "over time" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--by", "charge"), ("--by", "capacity or time")),
        (("--plot", "x.gif"), ("--plot", ".png")),
        (("--columns", "volt=E"), ("--columns", "did you mean 'voltage'")),
        (("--half-cycle", "7"), ("--half-cycle", "from 1 to 4")),
    ],
)
def test_wrong_options_of_compare(catholyte, cycled, arguments, words):
    code, _, err = catholyte("compare", cycled, cycled / "curves.csv", *arguments)
    assert code == cli.BAD_INPUT
    for word in words:
        assert word in err
