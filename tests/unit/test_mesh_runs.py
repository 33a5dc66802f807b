"""Cases on unstructured meshes from end to end: built, run, killed and resumed, drawn and exported."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import pyvista

from catholyte.build import build
from catholyte.case import parse_case
from catholyte.mesh.images import write_image
from catholyte.plot import plot_all
from catholyte.provenance import mesh_record
from catholyte.results import Results, export_paraview
from catholyte.simulation import Simulation

#: a layer of active material on one of electrolyte: what tetrahedra and voxels must agree on
FLAT = """
title = "flat"
[mesh]
separator = "1 um"
cells = "tetrahedra"
[mesh.laminate]
voxel_size = ["0.5 um", "1 um", "1 um"]
cross_section = [2, 2]
stack = [["electrolyte", "1 um"], ["active", "3 um"]]
[phases]
active = { material = "NCM811", D = "1e-9 cm2/s" }
electrolyte = { material = "Li6PS5Cl" }
[interfaces."active|electrolyte"]
kinetics = { exchange_current = "0.5 A/m2" }
[cell]
counter = "Li-In"
initial = { voltage = "4.2 V" }
[experiment]
steps = ["Discharge at 1C for 6 minutes", "Rest for 1 minute"]
[output]
fields = "every 5 % of capacity"
"""

#: the same in another process, which dies after so many points
KILLED = """
import os, signal
from pathlib import Path
from catholyte.build import build
from catholyte.case import parse_case
from catholyte.simulation import Simulation
seen = 0
def stop(update):
    global seen
    seen += 1
    if seen == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
Simulation(build(parse_case({text!r}))).run(Path({out!r}), on_update=stop)
"""


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return Simulation(build(parse_case(FLAT))).run(tmp_path_factory.mktemp("flat") / "out")


def test_flat_layers_are_those_of_the_recipe() -> None:
    built = build(parse_case(FLAT))
    place, graph = built.geometry, built.graph
    assert place.cross_section == pytest.approx(4e-12)
    assert place.thickness == pytest.approx(4e-6)
    assert place.layer("separator") == pytest.approx(1e-6)
    assert place.layer("collector") == 0.0
    assert place.shares == {"active": pytest.approx(0.75), "electrolyte": pytest.approx(0.25)}
    meeting = graph.phase[graph.cell_a] != graph.phase[graph.cell_b]
    assert graph.area[meeting].sum() == pytest.approx(2 * 4e-12)  # active on electrolyte on separator
    for terminal in graph.terminals.values():
        assert terminal.area.sum() == pytest.approx(4e-12)
    same = build(parse_case(FLAT, ["cell.temperature=40 degC"]))
    assert same.mesh_sha256 == built.mesh_sha256 != build(parse_case(FLAT, ["mesh.separator=1.5 um"])).mesh_sha256


def test_tetrahedra_and_voxels_agree_on_flat_layers(flat: Results, tmp_path: Path) -> None:
    """Where nothing varies across, both are second order in the same spacing."""
    voxels = Simulation(build(parse_case(FLAT, ["mesh.cells=voxels"]))).run(tmp_path / "voxels")
    moments = np.linspace(60.0, 350.0, 8)
    V = [np.interp(moments, r.curves["time"], r.curves["voltage"]) for r in (flat, voxels)]
    assert np.abs(V[0] - V[1]).max() < 6e-3
    assert flat.curves["charge"][-1] == pytest.approx(float(voxels.curves["charge"][-1]), rel=1e-9)
    polarisation = float(flat.curves["loss_total"].isel(point=5))
    parts = [str(n) for n in flat.curves if str(n).startswith("loss_") and n != "loss_total"]
    assert sum(float(flat.curves[n].isel(point=5)) for n in parts) == pytest.approx(polarisation, abs=1e-6)


def test_lithium_is_that_of_the_charge(flat: Results) -> None:
    x = flat.fields["x"].isel(frame=[0, -1]).to_numpy().astype(float)
    known = np.isfinite(x[0])
    volume = flat.mesh.elements.volume[known]
    stored = (x[1] - x[0])[known] @ volume / volume.sum()
    lithiation = flat.curves["lithiation"].to_numpy()
    assert stored == pytest.approx(lithiation[-1] - lithiation[0], rel=1e-5)


@pytest.mark.parametrize("after", [3, 9])
def test_killed_and_resumed_gives_the_same_answer(flat: Results, tmp_path: Path, after: int) -> None:
    code = textwrap.dedent(KILLED).format(after=after, text=FLAT, out=str(tmp_path / "killed"))
    died = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    resumed = Simulation(build(parse_case(FLAT))).run(tmp_path / "killed", resume=True)
    assert resumed.counts.points == flat.counts.points
    assert resumed.counts.frames == flat.counts.frames
    for name in ("time", "voltage", "charge", "lithiation_std"):
        assert np.allclose(resumed.curves[name], flat.curves[name], rtol=1e-6, atol=1e-9), name


def test_what_takes_no_part_is_kept_for_the_pictures(tmp_path: Path) -> None:
    """A grain without a path to the collector has no unknowns; its elements stay, behind those of the cells."""
    labels = np.zeros((7, 5, 5), np.uint8)
    labels[5:] = labels[2, 2, 2] = 1
    write_image(tmp_path / "scan.tif", labels, (1e-6, 1e-6, 1e-6))
    head, _, tail = FLAT.partition("[mesh.laminate]")
    phases = (
        tail[tail.index("[phases]") :].replace('D = "1e-9 cm2/s"', "label = 1").replace('Cl" }', 'Cl", label = 0 }')
    )
    image = '[mesh.image]\nfile = "scan.tif"\nvoxel_size = "1 um"\n'
    built = build(parse_case(head + image + phases, folder=tmp_path))
    record, full = mesh_record(built), built.geometry.nodes
    kept = built.percolation.keep
    assert built.percolation.connected["active"] < 1.0
    np.testing.assert_array_equal(record.elements.points[: record.n_cells], full.points[kept])
    assert len(record.elements.points) == kept.size > record.n_cells == built.graph.n_cells
    (block,) = record.elements.blocks
    inside = (block.nodes < record.n_cells).all(axis=1)
    assert not (block.nodes[~inside] < record.n_cells).any()  # an element takes part or not, as a whole
    np.testing.assert_array_equal(
        record.cell_phase[block.nodes[inside]], np.repeat(block.phase[inside][:, None], 4, axis=1)
    )
    assert set(block.phase[~inside]) == {record.phase_names.index("active")}
    place = record.elements.points[block.nodes[~inside]]
    assert (np.abs(place - [2.5e-6, 2.5e-6, 3.5e-6]) < 1.1e-6).all()


def test_pictures_and_export(flat: Results, tmp_path: Path) -> None:
    files = {file.name: file.stat().st_size for file in plot_all(flat, tmp_path / "plots")}
    assert {"voltage.png", "slices.png", "spread.png", "phases_3d.png", "lithiation_3d.png"} <= files.keys()
    assert min(files.values()) > 5000
    reader = pyvista.PVDReader(export_paraview(flat, tmp_path / "paraview"))
    assert len(reader.time_values) == flat.counts.frames
    (grid,) = reader.read()
    sizes = grid.compute_cell_sizes()["Volume"]
    names = list(grid.field_data["phase_names"])
    assert sizes[grid.cell_data["phase"] == names.index("active")].sum() == pytest.approx(3e-6 * 4e-12, rel=1e-4)
    assert {"x", "phi_e", "phi_i"} <= set(grid.point_data.keys())


def test_grain_boundaries_cost_what_the_case_says(tmp_path: Path) -> None:
    """Electrons cross the boundaries between grains on their way from the collector."""
    changes = ["phases.active.grains={size='1.5 um', seed=2}", "experiment.steps=['Discharge at 1C for 1 minute']"]
    resistive = [*changes, "interfaces.active|active.contact_resistance=10 ohm cm2"]
    drops = [
        float(Simulation(build(parse_case(FLAT, each))).run(tmp_path / str(len(each))).curves["loss_total"][0])
        for each in (changes, resistive)
    ]
    assert drops[1] > drops[0] + 1e-3
