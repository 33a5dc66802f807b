"""What is committed survives any death, and reads back as it was given."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from catholyte.errors import InputError
from catholyte.results import MeshRecord, ResultWriter
from catholyte.results.bdf import BdfTable

N_CELLS = 20
PROVENANCE = {
    "cell_area_m2": 2e-4,
    "active_areal_mass_kg_m2": np.float64(0.1),
    "temperature_K": 298.15,
    "seed": np.int64(7),
}
BATCH = 40
N_POINTS = 27 * BATCH  # more than one chunk of 1024


def make_mesh() -> MeshRecord:
    labels = (np.arange(24).reshape(2, 3, 4) % 3).astype(np.uint8)
    cells = np.arange(24)[2:22].astype(np.int64)
    return MeshRecord((2, 3, 4), (3e-6, 2e-6, 1e-6), labels, ("am", "se", "void"), cells, labels.flat[cells])


def make_point(i: int) -> dict[str, float]:
    current = -5.0 if (i // 500) % 2 else 10.0
    return {
        "time": 1.0 * i,
        "voltage": 4.2 - 1e-3 * i + 1e-7 * i**2,
        "cell_voltage": 3.6 - 1e-3 * i,
        "current_density": current if i else 0.0,
        "charge": 10.0 * i,
        "utilisation": 1e-4 * i,
        "step_index": float(i // 100 % 2),
        "cycle_index": float(i // 200),
        "loss_total": np.nan if i == 0 else 0.1,
    }


def make_fields(i: int) -> dict[str, np.ndarray]:
    cells = np.arange(N_CELLS)
    return {"x": np.where(cells % 2, np.nan, np.sin(cells + i)), "phi_e": 4.0 + 1e-12 * np.cos(cells * i)}


def create(path: Path, **provenance: object) -> ResultWriter:
    return ResultWriter.create(path, case_text='title = "ä"\n', provenance=PROVENANCE | provenance, mesh=make_mesh())


def compute(writer: ResultWriter, end: int) -> None:
    """Go on from where the writer stands, in batches of points with a frame each."""
    while writer.n_points < end:
        for i in range(writer.n_points, writer.n_points + BATCH):
            writer.append_point(make_point(i))
        last = writer.n_points - 1
        writer.append_frame(float(last), last, make_fields(last))
        writer.commit({"state": np.arange(50.0) * last, "points": writer.n_points, "name": "bdf"})


def tree(path: Path) -> dict[str, bytes]:
    """Every file of a result; the checkpoint is left out because zip files carry the time of day."""
    files = (file for file in path.rglob("*") if file.is_file() and file.suffix != ".npz")
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def die_at(operations: int, path: Path) -> None:
    """Kill this process in its nth operation on files in ``path``; one opened for rewriting is left empty."""
    count = itertools.count(1)
    events = {"open", "os.rename", "os.mkdir", "os.remove", "os.truncate", "os.rmdir"}

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in events and str(arguments[0]).startswith(str(path)) and next(count) == operations:
            if event == "open" and int(arguments[2]) & os.O_TRUNC and Path(arguments[0]).exists():
                os.truncate(arguments[0], 0)
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def serve(path: Path) -> None:
    """Fork a child for every line on stdin; it goes on with the run and dies where the line says.

    A line is the number of operations on files that the child may make, or 0 and a time in seconds.
    """
    BdfTable(PROVENANCE)  # loads what every child would load anew
    for line in sys.stdin:
        operations, seconds = int(line.split()[0]), float(line.split()[1])
        child = os.fork()
        if child == 0:
            if operations:
                die_at(operations, path)
            compute(ResultWriter.resume(path), N_POINTS)
            os._exit(0)
        if not operations:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


def test_round_trip(tmp_path: Path) -> None:
    from catholyte.results import Results

    writer = create(tmp_path / "a.results")
    compute(writer, 2 * BATCH)
    writer.finish({"end_reason": "voltage 2.5 V reached", "wall_time_s": np.float32(2.5)})
    results = Results.open(tmp_path / "a.results")
    assert results.case_text == 'title = "ä"\n'
    assert results.provenance["seed"] == 7
    assert results.provenance["end_reason"] == "voltage 2.5 V reached"
    for name in make_point(0):
        expected = [make_point(i)[name] for i in range(2 * BATCH)]
        np.testing.assert_array_equal(results.curves[name], expected)
    assert results.curves["voltage"].attrs["units"] == "V"
    assert results.fields.sizes == {"frame": 2, "cell": N_CELLS}
    np.testing.assert_array_equal(results.fields["point_index"], [BATCH - 1, 2 * BATCH - 1])
    for frame, i in enumerate((BATCH - 1, 2 * BATCH - 1)):
        np.testing.assert_array_equal(results.fields["phi_e"][frame], make_fields(i)["phi_e"])
        np.testing.assert_array_equal(results.fields["x"][frame], make_fields(i)["x"].astype(np.float32))
    mesh = results.mesh
    for name in ("shape", "spacing", "phase_names"):
        assert getattr(mesh, name) == getattr(make_mesh(), name)
    for name in ("labels", "cell_voxel", "cell_phase"):
        np.testing.assert_array_equal(getattr(mesh, name), getattr(make_mesh(), name))
    image = results.grid("phi_e", -1)
    assert image.shape == (2, 3, 4)
    np.testing.assert_array_equal(image.ravel()[2:22], make_fields(2 * BATCH - 1)["phi_e"])
    assert np.isnan(image.ravel()[[0, 1, 22, 23]]).all()
    checkpoint = ResultWriter.resume(tmp_path / "a.results").checkpoint
    assert checkpoint.keys() == {"state", "points", "name"}
    assert checkpoint["name"] == "bdf"
    np.testing.assert_array_equal(checkpoint["state"], np.arange(50.0) * (2 * BATCH - 1))


def test_plain_xarray_reads_the_store_without_complaint(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    import xarray

    writer = create(tmp_path / "a.results")
    store = tmp_path / "a.results" / "data.zarr"
    assert dict(xarray.open_zarr(store, group="curves", chunks=None).sizes) == {}
    compute(writer, BATCH)
    compute(writer, 2 * BATCH)
    writer.finish({})
    for consolidated in (None, False):
        options = {"chunks": None, "consolidated": consolidated}
        assert xarray.open_zarr(store, group="curves", **options).sizes == {"point": 2 * BATCH}
        fields = xarray.open_zarr(store, group="fields", **options)
        assert fields.sizes == {"frame": 2, "cell": N_CELLS}
        assert set(fields.coords) == {"time", "point_index"}
    assert set(xarray.open_datatree(store, engine="zarr", chunks=None).children) == {
        "mesh",
        "curves",
        "fields",
        "spectra",
    }
    assert [str(w.message) for w in recwarn] == []


def test_resume_drops_everything_after_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "a.results"
    writer = create(path)
    compute(writer, 26 * BATCH)
    before = tree(path)
    writer.append_point(make_point(writer.n_points))
    writer.append_frame(1.0, 1, make_fields(1))
    (path / "data.zarr" / "curves" / "junk").mkdir()
    (path / ".partial").write_bytes(b"half a checkpo")
    with (path / "curves.csv").open("a") as file:
        file.write("1,2,3")
    checkpoint = (path / "checkpoint.npz").read_bytes()
    compute(writer, 27 * BATCH + 1)
    # As if death had come between the metadata and the checkpoint of the last commit.
    (path / "checkpoint.npz").write_bytes(checkpoint)
    assert tree(path) != before
    assert ResultWriter.resume(path).n_points == 26 * BATCH
    assert tree(path) == before


def test_commit_without_points_or_frames(tmp_path: Path) -> None:
    from catholyte.results import Results

    path = tmp_path / "a.results"
    writer = create(path)
    writer.commit({"state": 0.0})
    before = tree(path)
    checkpoint = (path / "checkpoint.npz").read_bytes()
    compute(writer, BATCH)
    (path / "checkpoint.npz").write_bytes(checkpoint)
    assert dict(Results.open(path).curves.sizes) == {"point": 0}
    assert Results.open(path).summary()["discharge_capacity_mAh_g"] is None
    writer = ResultWriter.resume(path)
    assert tree(path) == before
    compute(writer, BATCH)
    assert Results.open(path).curves.sizes == {"point": BATCH}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """SIGKILL in any operation on files, and at any instant: what was committed is there, and no more."""
    import xarray

    from catholyte.results import Results
    from catholyte.results.layout import read_checkpoint

    path, twin = tmp_path / "a.results", tmp_path / "b.results"
    compute(create(path), BATCH)
    compute(create(twin), N_POINTS)
    delays = random.Random(3)
    # Every operation of a resumption and of the commit after it; then instants at random; then to the end.
    schedule = [(n, 0.0) for n in range(1, 60)] + [(0, delays.uniform(0.0, 0.03)) for _ in range(10)]
    deaths, points = 0, BATCH
    with subprocess.Popen(
        [sys.executable, __file__, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        for operations, seconds in [*schedule, (10**9, 0.0)]:
            driver.stdin.write(f"{operations} {seconds}\n")
            driver.stdin.flush()
            status = int(driver.stdout.readline())
            assert status in (0, -signal.SIGKILL)
            deaths += status != 0
            results = Results.open(path)
            assert results.counts.points >= points
            points = results.counts.points
            assert points == BATCH * results.counts.frames == read_checkpoint(path)["points"]
            curves = xarray.open_zarr(path / "data.zarr", group="curves", chunks=None).load()
            fields = xarray.open_zarr(path / "data.zarr", group="fields", chunks=None).load()
            assert curves.sizes["point"] - points in (0, BATCH)
            assert fields.sizes["frame"] - results.counts.frames in (0, 1)
            np.testing.assert_array_equal(curves["time"], np.arange(curves.sizes["point"]))
            assert not fields["phi_e"].isnull().any()
            assert results.curves.sizes["point"] == points
            assert results.fields.sizes["frame"] == results.counts.frames
        driver.stdin.close()
    assert deaths > 50
    assert points == N_POINTS
    assert tree(path) == tree(twin)


def test_points_are_cheap(tmp_path: Path) -> None:
    """The time of a commit does not grow with what was committed before."""
    names = [f"quantity_{i}" for i in range(30)]
    writer = create(tmp_path / "a.results")
    spent = []
    for i in range(200):
        point = make_point(i) | dict.fromkeys(names, 1.0)
        start = time.process_time()
        writer.append_point(point)
        writer.commit({"i": i})
        spent.append(time.process_time() - start)
    assert np.median(spent) < 0.01


def test_curves_csv_is_in_the_battery_data_format(tmp_path: Path) -> None:
    writer = create(tmp_path / "a.results")
    discharge = {"step_index": 0.0, "cycle_index": 0.0, "current_density": 36.0}
    charge = {"step_index": 1.0, "cycle_index": 0.0, "current_density": -18.0}
    again = discharge | {"cycle_index": 1.0}
    for k, (kind, t, q) in enumerate(
        [
            (discharge | {"current_density": 0.0}, 0.0, 0.0),
            (discharge, 100.0, 3600.0),
            (charge, 200.0, 1800.0),
            (again, 250.0, 3600.0),
        ]
    ):
        writer.append_point(kind | {"time": t, "charge": q, "voltage": 4.0 - k, "cell_voltage": 3.4 - k})
    writer.commit({})
    header, *rows = (tmp_path / "a.results" / "curves.csv").read_text().splitlines()
    names = header.split(",")
    assert names[:3] == ["Test Time / s", "Voltage / V", "Current / A"]
    table = {name: [float(row.split(",")[i]) for row in rows] for i, name in enumerate(names)}
    area = 2e-4
    assert table["Test Time / s"] == [0, 100, 200, 250]
    assert table["Voltage / V"] == pytest.approx([3.4, 2.4, 1.4, 0.4])
    # The format counts a charging current as positive; Catholyte a discharging one.
    assert table["Current / A"] == pytest.approx([0.0, -36 * area, 18 * area, -36 * area])
    assert "-0," not in rows[0]
    assert table["Net Capacity / Ah"] == pytest.approx([0, -area, -0.5 * area, -area])
    assert table["Charging Capacity / Ah"] == pytest.approx([0, 0, 0.5 * area, 0.5 * area])
    assert table["Discharging Capacity / Ah"] == pytest.approx([0, area, area, 1.5 * area])
    assert table["Step Count / 1"] == [1, 1, 2, 3]
    assert table["Step Index / 1"] == [1, 2, 1, 1]
    assert table["Cycle Count / 1"] == [0, 0, 0, 1]
    assert table["Ambient Temperature / degC"] == pytest.approx([25.0] * 4)
    assert table["Voltage vs Li/Li+ / V"] == [4, 3, 2, 1]
    assert table["Net Specific Discharge Capacity / mAh/g"] == pytest.approx([0, 10.0, 5.0, 10.0])
    assert table["Net Areal Discharge Capacity / mAh/cm2"] == pytest.approx([0, 0.1, 0.05, 0.1])


def test_summary(tmp_path: Path) -> None:
    from catholyte.results import Results

    writer = create(tmp_path / "a.results", time_steps=3)
    base = {"cycle_index": 0.0, "current_density": 0.0, "utilisation": 0.5}
    for step, t, q, v in [
        (0, 0, 0, 4),
        (0, 1, 7200, 3),
        (0, 2, 14400, 3),
        (1, 2, 14400, 3.5),
        (1, 3, 7200, 4),
    ]:
        point = {"step_index": float(step), "time": t, "charge": q, "voltage": v, "cell_voltage": v - 0.6}
        writer.append_point(base | point | {"step_count": float(step)})
    writer.commit({})
    summary = Results.open(tmp_path / "a.results").summary()
    assert summary["discharge_capacity_mAh_g"] == pytest.approx(40.0)
    assert summary["discharge_capacity_mAh_cm2"] == pytest.approx(0.4)
    assert summary["mean_discharge_voltage_vs_Li_V"] == pytest.approx(3.25)
    assert summary["mean_discharge_cell_voltage_V"] == pytest.approx(2.65)
    assert summary["discharge_energy_Wh_kg"] == pytest.approx(2.65 * 40)
    assert summary["charge_capacity_mAh_g"] == pytest.approx(20.0)
    assert summary["mean_charge_voltage_vs_Li_V"] == pytest.approx(3.75)
    assert summary["end_reason"] is None
    assert summary["time_steps"] == 3


def test_export_for_paraview(tmp_path: Path) -> None:
    pyvista = pytest.importorskip("pyvista")
    from xml.etree import ElementTree

    from catholyte.results import Results, export_paraview

    writer = create(tmp_path / "a.results")
    compute(writer, 2 * BATCH)
    results = Results.open(tmp_path / "a.results")
    collection = export_paraview(results, tmp_path / "paraview")
    entries = ElementTree.parse(collection).getroot().findall("./Collection/DataSet")
    assert [float(entry.attrib["timestep"]) for entry in entries] == [BATCH - 1, 2 * BATCH - 1]
    image = pyvista.read(collection.parent / entries[1].attrib["file"])
    assert set(image.cell_data.keys()) == {"phase", "x", "phi_e"}
    mesh = make_mesh()
    # A voxel is found where it stands: z is the first axis of the image and the third of VTK.
    cell = image.find_containing_cell((2.5e-6, 3.0e-6, 4.5e-6))
    assert image.cell_data["phase"][cell] == mesh.labels[1, 1, 2]
    assert image.cell_data["phi_e"][cell] == results.grid("phi_e", 1)[1, 1, 2]
    assert list(image.field_data["phase_names"]) == ["am", "se", "void"]


def test_what_is_not_a_result_is_refused(tmp_path: Path) -> None:
    from catholyte.results import Results, export_paraview

    with pytest.raises(InputError, match=r"nowhere.*expected the folder of a result"):
        Results.open(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"which holds data\.zarr and checkpoint\.npz"):
        ResultWriter.resume(tmp_path)
    writer = create(tmp_path / "a.results")
    with pytest.raises(InputError, match="a committed point"):
        Results.open(tmp_path / "a.results")
    with pytest.raises(InputError, match="--resume continues it, --out names another"):
        create(tmp_path / "a.results")
    writer.append_point(make_point(0))
    writer.commit({})
    results = Results.open(tmp_path / "a.results")
    with pytest.raises(InputError, match="at least one frame"):
        export_paraview(results, tmp_path / "paraview")
    writer.append_frame(0.0, 0, make_fields(0))
    writer.commit({})
    with pytest.raises(InputError, match="did you mean 'phi_e'"):
        Results.open(tmp_path / "a.results").grid("phie", 0)
    with pytest.raises(InputError, match="a frame below 1"):
        Results.open(tmp_path / "a.results").grid("phi_e", 1)
    (tmp_path / "a.results" / "checkpoint.npz").write_bytes(b"PK not a zip")
    with pytest.raises(InputError, match="a checkpoint written by"):
        Results.open(tmp_path / "a.results")


def test_points_and_frames_keep_their_names(tmp_path: Path) -> None:
    writer = create(tmp_path / "a.results")
    writer.append_point(make_point(0))
    with pytest.raises(ValueError, match="extra"):
        writer.append_point(make_point(1) | {"extra": 1.0})
    writer.append_frame(0.0, 0, make_fields(0))
    with pytest.raises(ValueError, match="phi_e"):
        writer.append_frame(1.0, 1, {"x": np.zeros(N_CELLS)})
    with pytest.raises(ValueError, match="shape"):
        writer.append_frame(1.0, 1, make_fields(0) | {"x": np.zeros(3)})
    with pytest.raises(ValueError, match="after the last commit"):
        writer.finish({})
    with pytest.raises(ValueError, match="cannot be saved"):
        writer.commit({"committed_points": 3})
    with pytest.raises(ValueError, match="cannot be saved"):
        writer.commit({"thing": object()})


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
