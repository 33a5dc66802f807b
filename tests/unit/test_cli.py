"""The command line as a user meets it: exit codes, messages, files."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from catholyte.mesh.images import write_image

CASES = Path(__file__).parents[2] / "cases"
PACKING = CASES / "composite" / "ncm83_packing" / "case.toml"
SMALL = [
    "--set", "mesh.packing.voxels=[8,8,8]", "--set", "mesh.packing.voxel_size=2 um",
    "--set", "phases.void.volume_share=0.05",
]  # fmt: skip


def catholyte(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "catholyte.cli", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd,
    )  # fmt: skip


def test_check_shows_the_derived_numbers():
    done = catholyte("check", PACKING)
    assert done.returncode == 0
    for word in (
        "porosity",
        "mass loading",
        "mAh/cm2",
        "mA/cm2",
        "connected",
        "unknowns",
        "estimated memory",
    ):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("mesh.packing.voxel=3", ("mesh.packing.voxel", "voxels")),
        ("cell.temperature=25 V", ("cell.temperature", "25 V")),
        ("phases.active.material=NCM38", ("NCM38", "NCM83")),
        ("phases.electrolyte.sigma_i=-1 mS/cm", ("phases.electrolyte.sigma_i", "-1 mS/cm")),
        ("phases.electrolyte.sigma_i=nan mS/cm", ("phases.electrolyte.sigma_i", "nan")),
        ("cell.initial.voltage=2.4 V", ("cell.initial.voltage", "2.4 V", "between")),
        ("cell.initial.voltage=12 V", ("cell.initial.voltage", "12 V", "between")),
        ('experiment.steps=["Dicharge at C/10 until 2.5 V"]', ("Dicharge", "Discharge")),
        ('experiment.steps=["Discharge at C/10 until 4.3 V"]', ("4.3 V", "4.2")),
        ("mesh.separator=4.1 um", ("mesh.separator.thickness", "4 um")),
    ],
)
def test_a_wrong_case_is_refused_quickly_and_nothing_is_written(tmp_path, override, words):
    out = tmp_path / "out"
    began = time.perf_counter()
    done = catholyte("run", PACKING, "--set", override, "--out", out)
    took = time.perf_counter() - began
    assert done.returncode == 2, done.stderr
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()
    assert took < 10.0  # a hang would show; the second it should take is measured in benchmarks/


def test_labels_that_are_not_in_the_image(tmp_path):
    image = np.zeros((6, 6, 6), np.uint8)
    image[3:] = 7
    write_image(tmp_path / "scan.tif", image, (1e-6, 1e-6, 1e-6))
    text = (CASES / "composite" / "ncm811_image" / "case.toml").read_text()
    head, _, tail = text.partition("[phases]")
    mesh = '[mesh]\nimage = { file = "scan.tif", voxel_size = "1 um" }\n'
    phases = (
        '[phases]\nelectrolyte = { material = "Li3InCl6", label = 0 }\nactive = { material = "NCM811", label = 5 }\n'
    )
    (tmp_path / "case.toml").write_text(
        head.partition("[mesh]")[0] + mesh + phases + "[cell]" + tail.partition("[cell]")[2]
    )
    done = catholyte("check", tmp_path / "case.toml")
    assert done.returncode == 2
    assert "label" in done.stderr
    assert "7" in done.stderr


def test_an_image_where_nothing_percolates_says_so(tmp_path):
    image = np.zeros((6, 4, 4), np.uint8)  # label 0 electrolyte, 1 active, 2 void; the active is cut off by void
    image[2:4] = 1
    image[4:] = 2
    write_image(tmp_path / "scan.npy", image, (1e-6, 1e-6, 1e-6))
    (tmp_path / "case.toml").write_text(
        'title = "cut off"\n[mesh]\nimage = { file = "scan.npy", voxel_size = "1 um" }\n[phases]\n'
        'electrolyte = { material = "Li3InCl6", label = 0 }\nactive = { material = "NCM811", label = 1 }\n'
        'gap = { material = "void", label = 2 }\n[cell]\ncounter = "Li"\ninitial = { voltage = "4 V" }\n'
        '[experiment]\nsteps = ["Discharge at C/10 until 3 V"]\n'
    )
    done = catholyte("check", tmp_path / "case.toml")
    assert done.returncode == 2
    assert "percolates" in done.stderr


def test_run_info_plot_export(tmp_path):
    out = tmp_path / "out"
    done = catholyte("run", PACKING, *SMALL, "--set", "experiment.steps=['Discharge at C/5 until 3 V']", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "discharge capacity" in done.stdout
    header = (out / "curves.csv").read_text().splitlines()[0]
    assert header.startswith("Test Time / s")
    assert "Voltage / V" in header
    assert "Current / A" in header
    assert catholyte("run", PACKING, *SMALL, "--out", out).returncode == 2
    resumed = catholyte(
        "run",
        PACKING,
        *SMALL,
        "--set",
        "experiment.steps=['Discharge at C/5 until 3 V']",
        "--out",
        out,
        "--resume",
    )
    assert resumed.returncode == 0, resumed.stderr
    shown = catholyte("info", out)
    assert shown.returncode == 0
    assert "Where the voltage goes" in shown.stdout
    drawn = catholyte("plot", out)
    assert drawn.returncode == 0, drawn.stderr
    assert (out / "plots" / "voltage.png").stat().st_size > 10_000
    exported = catholyte("export", out)
    assert exported.returncode == 0, exported.stderr
    assert any((out / "paraview").glob("*.pvd"))


def test_elements_are_generated_and_read_back(tmp_path):
    """The mesh of an image of tetrahedra, written to a file, is a case of its own."""
    tetrahedra = ["--set", "mesh.cells=tetrahedra", "--set", "phases.active.diameter=5 um"]
    written = catholyte("mesh", "generate", PACKING, tmp_path / "scan.msh", *SMALL, *tetrahedra)
    assert written.returncode == 0, written.stderr
    assert "regions active, electrolyte, void, separator" in written.stdout.replace("\n", " ")
    (tmp_path / "case.toml").write_text(
        'title = "read"\n[mesh]\nfile = "scan.msh"\nseparator = {}\n[phases]\nactive = { material = "NCM83" }\n'
        'electrolyte = { material = "Li3InCl6" }\n[cell]\ncounter = "Li-In"\ninitial = { voltage = "4.2 V" }\n'
        '[experiment]\nsteps = ["Discharge at C/10 until 3 V"]\n'
    )
    read = catholyte("check", tmp_path / "case.toml")
    assert read.returncode == 0, read.stderr
    assert "tetrahedra" in read.stdout
    refused = catholyte("mesh", "generate", PACKING, tmp_path / "scan.tif", *SMALL, *tetrahedra)
    assert refused.returncode == 2
    assert ".msh or .vtu" in refused.stderr


def test_schema_is_json_and_knows_the_tables():
    schema = json.loads(catholyte("schema").stdout)
    assert {"mesh", "phases", "interfaces", "cell", "experiment"} <= schema["properties"].keys()


def test_materials_list_and_sources():
    assert "NCM83" in catholyte("materials").stdout
    shown = catholyte("materials", "ncm83").stdout
    assert "0.11 A/m2" in shown
    assert catholyte("materials", "NCM38").returncode == 2


def test_mesh_generate_then_inspect(tmp_path):
    made = catholyte("mesh", "generate", PACKING, tmp_path / "packing.tif", *SMALL)
    assert made.returncode == 0, made.stderr
    seen = catholyte("mesh", "inspect", tmp_path / "packing.tif")
    assert seen.returncode == 0, seen.stderr
    assert "percolates" in seen.stdout
