"""Results on unstructured meshes: they survive the disk, are cut and drawn, and open in other programs."""

from pathlib import Path

import numpy as np
import pytest
import pyvista
from mesh_records import tetrahedral_record

from catholyte.errors import InputError
from catholyte.plot import lithiation_frames, lithiation_slices, plot_all
from catholyte.plot.cuts import cut_through
from catholyte.plot.phases import phase_kinds
from catholyte.plot.solids import Solid
from catholyte.results import ElementBlock, Elements, MeshRecord, Results, ResultWriter, export_paraview

EDGE = 1e-6
NAMES = ("electrolyte", "active")
FACTS = {
    "cell_area_m2": 1e-4,
    "active_areal_mass_kg_m2": 0.1,
    "nominal_capacity_As_kg": 720e3,
    "counter_potential_V": 0.62,
    "thickness_m": 4e-6,
}
CASE = """
title = "tetrahedra"
[phases]
active = { material = "NCM811" }
electrolyte = { material = "Li6PS5Cl" }
[cell]
counter = "Li-In"
"""


def cube(left_out: int = 0) -> MeshRecord:
    """A cube of active material in the middle of one of electrolyte."""
    labels = np.zeros((4, 3, 3), np.int16)
    labels[1:3, 1, 1] = 1
    return tetrahedral_record(labels, EDGE, NAMES, left_out=left_out)


def ring() -> MeshRecord:
    """Two triangles and a quadrilateral around an axis: active material from the axis to 1 µm, electrolyte to 2 µm."""
    x = EDGE * np.array([[0, 0], [1, 0], [1, 1], [0, 1], [1, 0], [2, 0], [2, 1], [1, 1]], dtype=float)
    blocks = (
        ElementBlock("triangle", np.array([[0, 1, 2], [0, 2, 3]], np.int32), np.array([1, 1], np.int16)),
        ElementBlock("quad", np.array([[4, 5, 6, 7]], np.int32), np.array([0], np.int16)),
    )
    elements = Elements(np.column_stack([x, np.zeros(8)]), blocks, np.full(8, 1e-6), "axisymmetric")
    return MeshRecord.without_voxels(NAMES, np.repeat([1, 0], 4).astype(np.int16), elements=elements)


def state(mesh: MeshRecord, used: float) -> dict[str, np.ndarray]:
    assert mesh.elements is not None
    active = mesh.cell_phase == 1
    z = mesh.elements.points[: mesh.n_cells, 2] / EDGE
    nothing = np.full(mesh.n_cells, np.nan)
    return {
        "phi_e": np.where(active, 3.8, np.nan),
        "phi_i": np.where(active, np.nan, -0.01 * z),
        "x": np.where(active, 0.3 + 0.4 * used + 0.05 * z, np.nan),
        "current_e": nothing,
        "current_i": nothing,
    }


def make(path: Path, mesh: MeshRecord, points: int = 7) -> Results:
    tasks = [{"text": "Discharge at 1C", "kind": "current", "role": ""}]
    writer = ResultWriter.create(path, case_text=CASE, provenance=FACTS | {"tasks": tasks}, mesh=mesh)
    for k in range(points):
        used = k / (points - 1)
        writer.append_point(
            {
                "time": 3600.0 * used,
                "voltage": 4.2 - 0.5 * used,
                "cell_voltage": 3.6 - 0.5 * used,
                "current_density": 20.0,
                "charge": 72000.0 * used,
                "utilisation": used,
                "step_index": 0.0,
                "cycle_index": 0.0,
                "step_count": 0.0,
                "task": 0.0,
                "lithiation": 0.3 + 0.4 * used,
                "lithiation_std": 0.02,
                "lithiation_p05": 0.2,
                "lithiation_p95": 0.8,
                "equilibrium_voltage": 4.25 - 0.5 * used,
                "loss_ion": 0.03,
                "loss_reaction": 0.02,
                "loss_total": 0.05,
            }
        )
        if k % 3 == 0:
            writer.append_frame(3600.0 * used, k, state(mesh, used))
    writer.commit({"state": 0})
    writer.finish({})
    return Results.open(path)


@pytest.fixture(scope="module")
def solid(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make(tmp_path_factory.mktemp("elements") / "solid", cube())


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make(tmp_path_factory.mktemp("elements") / "flat", ring())


@pytest.mark.parametrize("kind", ["solid", "flat"])
def test_meshes_read_back_as_they_were_written(kind: str, request: pytest.FixtureRequest) -> None:
    read, written = request.getfixturevalue(kind).mesh, cube() if kind == "solid" else ring()
    assert read.phase_names == NAMES
    assert not read.is_image
    np.testing.assert_array_equal(read.cell_phase, written.cell_phase)
    assert read.elements.symmetry == written.elements.symmetry
    assert [b.kind for b in read.elements.blocks] == [b.kind for b in written.elements.blocks]
    for name in ("points", "volume"):
        np.testing.assert_array_equal(getattr(read.elements, name), getattr(written.elements, name))
    for one, other in zip(read.elements.blocks, written.elements.blocks, strict=True):
        np.testing.assert_array_equal(one.nodes, other.nodes)
        np.testing.assert_array_equal(one.phase, other.phase)


def test_a_result_can_be_continued(tmp_path: Path) -> None:
    results = make(tmp_path / "out", cube())
    writer = ResultWriter.resume(results.path)
    writer.append_frame(4000.0, writer.n_points - 1, state(cube(), 1.0))
    writer.commit({"state": 1})
    assert Results.open(results.path).counts.frames == results.counts.frames + 1


def test_there_is_no_image(solid: Results) -> None:
    with pytest.raises(InputError, match=r"an unstructured mesh.*expected a mesh of voxels"):
        solid.grid("x", -1)


def test_fields_tell_the_kinds_of_phases(solid: Results) -> None:
    assert phase_kinds(solid) == {"electrolyte": "electrolyte", "active": "active"}


def test_the_cut_has_the_area_of_the_phases_and_their_own_values(solid: Results) -> None:
    """At interfaces every phase keeps its own corner, so that no value leaks into the other one."""
    elements = solid.mesh.elements
    x = solid.fields["x"].isel(frame=0).to_numpy()
    cut = cut_through(elements, [x])
    a, b, c = (cut.points[cut.triangles[:, k]] for k in range(3))
    area = 0.5 * np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    assert cut.labels == ("z", "x")
    assert area[cut.phase == 1].sum() == pytest.approx(2.0)
    assert area[cut.phase == 0].sum() == pytest.approx(10.0)
    np.testing.assert_array_equal(cut.known(0), cut.phase == 1)
    at = np.unique(cut.triangles[cut.phase == 1])
    np.testing.assert_allclose(cut.values[0][at], 0.3 + 0.05 * cut.points[at, 0], rtol=1e-5)


def test_what_turns_around_an_axis_is_drawn_on_both_sides(flat: Results) -> None:
    cut = cut_through(flat.mesh.elements, [flat.fields["x"].isel(frame=0).to_numpy()])
    assert cut.labels == ("r", "z")
    assert cut.extent == pytest.approx((-2.0, 2.0, 0.0, 1.0))
    assert cut.triangles.shape == (8, 3)
    assert cut.known(0).sum() == 4


def test_nodes_that_take_no_part_are_drawn_and_have_no_value(tmp_path: Path) -> None:
    mesh = cube(left_out=12)  # the active cube has twelve nodes, which come last
    results = make(tmp_path / "out", mesh)
    cut = cut_through(mesh.elements, [results.fields["phi_i"].isel(frame=0).to_numpy()])
    assert (cut.phase == 1).any()
    assert not cut.known(0)[cut.phase == 1].any()


@pytest.mark.parametrize("kind", ["solid", "flat"])
def test_all_pictures(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(kind)
    files = plot_all(results, tmp_path)
    names = {file.name for file in files}
    assert {"slices.png", "voltage.png", "spread.png"} <= names
    assert ({"phases_3d.png", "lithiation_3d.png"} <= names) == (kind == "solid")
    assert not {"shells.png", "species.png"} & names
    assert all(file.stat().st_size > 5000 for file in files)


def test_cuts_without_a_current_show_the_lithiation_alone(solid: Results) -> None:
    figure = lithiation_slices(solid, (0, -1))
    assert len(figure.axes) == 3  # two panels and a scale


@pytest.mark.parametrize("kind", ["solid", "flat"])
def test_frames_at_utilisations(kind: str, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(kind)
    figure = lithiation_frames(results, (0.0, 0.45, 1.0), norm=(0.0, 1.0))
    assert [axes.get_title() for axes in figure.axes[:3]] == [
        "0 % used, 4.20 V",
        "50 % used, 3.95 V",
        "100 % used, 3.70 V",
    ]
    assert figure.axes[3].get_ylim() == (0.0, 1.0)
    with pytest.raises(InputError, match="1 to 4 frames"):
        lithiation_frames(results, np.linspace(0.0, 1.0, 5))


def test_a_solid_is_opened_towards_the_viewer(solid: Results) -> None:
    """A quarter of the cross-section is gone; what is seen in the planes of the cut has its own values."""
    x = solid.fields["x"].isel(frame=0).to_numpy()
    block = Solid(solid.mesh.elements, {"x": x})
    assert block.lengths == pytest.approx((4e-6, 3e-6, 3e-6))
    whole, opened = (block.surface(1, cut=cut, finite="x") for cut in (False, True))
    unit = 1.0 / 4.0
    assert whole.volume == pytest.approx(2.0 * unit**3, rel=1e-5)
    assert opened.volume == pytest.approx(1.5 * unit**3, rel=1e-5)
    np.testing.assert_allclose(opened["x"], 0.3 + 0.05 * opened.points[:, 0] / unit, rtol=1e-4)


@pytest.mark.parametrize("kind", ["solid", "flat"])
def test_the_export_opens_in_pyvista(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(kind)
    collection = pyvista.PVDReader(export_paraview(results, tmp_path))
    assert collection.time_values == pytest.approx([0.0, 1800.0, 3600.0])
    collection.set_active_time_value(3600.0)
    (grid,) = collection.read()
    elements = results.mesh.elements
    assert grid.n_cells == sum(len(block.nodes) for block in elements.blocks)
    np.testing.assert_allclose(grid.points, elements.points, rtol=1e-6)
    np.testing.assert_allclose(grid.point_data["x"], results.fields["x"].isel(frame=-1).to_numpy(), rtol=1e-6)
    if kind == "solid":
        sizes = grid.compute_cell_sizes()["Volume"]
        assert sizes[grid.cell_data["phase"] == 1].sum() == pytest.approx(2e-18, rel=1e-5)
    assert list(grid.field_data["phase_names"]) == list(NAMES)
