"""Every case of the repository runs, ends for the expected reason with the expected capacity, and balances.

``expected.toml`` beside a case holds a smoke override (seconds) and, for cases with a ``full`` table, the whole case
(``pytest -m long``).
"""

import os
import tomllib
from pathlib import Path

import numpy as np
import pytest

from catholyte.build import build
from catholyte.case import read_case
from catholyte.simulation import Simulation

CASES = Path(__file__).parents[2] / "cases"
FOLDERS = sorted(path.parent for path in CASES.rglob("case.toml"))
NAMES = [str(folder.relative_to(CASES)) for folder in FOLDERS]


def expectations(folder):
    return tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))


def run(folder, overrides, out):
    case = read_case(folder / "case.toml", overrides)
    if case.mesh.image is not None and "CATHOLYTE_DATA" not in os.environ:
        pytest.skip("the public scan is not at hand; CATHOLYTE_DATA names a folder that holds it")
    return Simulation(build(case)).run(out)


def check(results, expected):
    summary = results.summary()
    assert summary["end_reason"] == expected["end_reason"]
    for key, entry in expected["expect"].items():
        assert summary[key] == pytest.approx(entry["value"], abs=entry["tolerance"]), key
    curves = results.curves
    parts = [name for name in curves if name.startswith("loss_") and name != "loss_total"]
    total = curves["loss_total"].values
    gap = sum(curves[name].values for name in parts) - total
    flowing = np.isfinite(gap)
    assert flowing.any()
    assert np.max(np.abs(gap[flowing])) < 1e-6, "the split of the polarisation does not sum to the whole"
    assert results.counts.frames >= 2
    for entry in expected.get("impedance", []):
        spectrum = results.spectra[-1]
        Z = 1e4 * spectrum.impedance[np.argmin(np.abs(np.log(spectrum.frequency / entry["frequency"])))]
        assert abs(Z - complex(entry["real"], entry["imaginary"])) < entry["tolerance"]


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_smoke(folder, tmp_path):
    expected = expectations(folder)["smoke"]
    check(run(folder, expected["set"], tmp_path / "out"), expected)


@pytest.mark.long
@pytest.mark.parametrize("folder", [f for f in FOLDERS if "full" in expectations(f)], ids=str)
def test_full(folder, tmp_path):
    expected = expectations(folder)["full"]
    check(run(folder, [], tmp_path / "out"), expected)


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_every_case_has_a_readme(folder):
    assert (folder / "README.md").is_file()
