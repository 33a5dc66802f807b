"""Results of a layered electrode: its cells survive the disk, and pictures and exports say what they cannot show."""

from pathlib import Path

import numpy as np
import pytest

from catholyte.errors import InputError
from catholyte.evaluation.basis import basis
from catholyte.mesh.layers import Domains, layered_graph
from catholyte.mesh.shells import SizeClass
from catholyte.plot import layer_profiles, lithiation_slices, plot_all, shell_maps
from catholyte.results import LayerCells, MeshRecord, Results, ResultWriter, export_paraview

THICKNESS, SEPARATOR, COUNT = 40e-6, 10e-6, 6
SIZES = (SizeClass(2e-6, 0.3), SizeClass(4e-6, 0.7))
FACTS = {
    "cell_area_m2": 1e-4,
    "active_areal_mass_kg_m2": 0.1,
    "nominal_capacity_As_kg": 720e3,
    "counter_potential_V": 0.62,
    "thickness_m": THICKNESS,
    "active_volume_m3_m2": 2e-5,
}
CASE = """
title = "layers"
[phases]
active = { material = "NCM811" }
electrolyte = { material = "Li6PS5Cl" }
[cell]
counter = "Li-In"
"""


def record() -> MeshRecord:
    domains = Domains("active", "electrolyte", 0.5, 0.3, SIZES, shells=5, electrolyte_shells=2)
    graph, places = layered_graph(COUNT, THICKNESS, domains, separator=SEPARATOR)
    cells = LayerCells(places.depth, places.radius, places.size_class, graph.volume)
    return MeshRecord.without_voxels(graph.phase_names, graph.phase, layers=cells)


def state(mesh: MeshRecord, used: float, *, network: bool) -> dict[str, np.ndarray]:
    """Lithiation that falls with depth and rises towards the surface, or species that do so."""
    cells = mesh.layers
    assert cells is not None
    of = {name: mesh.cell_phase == k for k, name in enumerate(mesh.phase_names)}
    z = cells.depth / (THICKNESS + SEPARATOR)
    x = 0.3 + 0.4 * used - 0.1 * z + 0.05 * np.nan_to_num(cells.radius) / 2e-6
    fields = {
        "phi_e": np.where(of["electrons"] | of["active"], 3.8, np.nan),
        "phi_i": np.where(of["ions"] | of["separator"] | of["electrolyte"], -0.05 * z, np.nan),
        "x": np.where(of["active"] & (not network), x, np.nan),
        "current_e": np.where(of["electrons"], 10.0 * z, np.nan),
        "current_i": np.where(of["ions"] | of["separator"], 10.0 * (1.0 - z), np.nan),
    }
    if network:
        fields["fraction I-"] = np.where(of["active"], x, np.nan)
        fields["fraction I0"] = np.where(of["active"], 1.0 - x, np.nan)
        fields["fraction Cl-"] = np.where(of["electrolyte"], 1.0 - 0.3 * x, np.nan)
        fields["fraction branch iodide"] = np.where(of["active"], 0.5, np.nan)
    return fields


def make(path: Path, *, network: bool = False, points: int = 13) -> Results:
    mesh = record()
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
                "step_index": 0.0,
                "cycle_index": 0.0,
                "step_count": 0.0,
                "task": 0.0,
                "lithiation": np.nan if network else 0.3 + 0.4 * used,
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
            writer.append_frame(3600.0 * used, k, state(mesh, used, network=network))
    writer.commit({"state": 0})
    writer.finish({})
    return Results.open(path)


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make(tmp_path_factory.mktemp("layers") / "single")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make(tmp_path_factory.mktemp("layers") / "network", network=True)


def test_cells_read_back_as_they_were_written(single: Results) -> None:
    written, read = record(), single.mesh
    assert read.phase_names == ("separator", "ions", "electrons", "active", "electrolyte")
    assert read.n_cells == written.n_cells
    np.testing.assert_array_equal(read.cell_phase, written.cell_phase)
    assert read.layers is not None
    assert written.layers is not None
    for name in ("depth", "radius", "size_class", "volume"):
        np.testing.assert_array_equal(getattr(read.layers, name), getattr(written.layers, name))
    assert single.fields["x"].shape == (5, written.n_cells)


def test_a_result_can_be_continued(tmp_path: Path) -> None:
    results = make(tmp_path / "out")
    writer = ResultWriter.resume(results.path)
    writer.append_frame(4000.0, writer.n_points - 1, state(record(), 1.0, network=False))
    writer.commit({"state": 1})
    assert Results.open(results.path).counts.frames == results.counts.frames + 1


def test_layers_have_no_image(single: Results, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a mesh of voxels; layers and shells make no image"):
        single.grid("x", -1)
    with pytest.raises(InputError, match=r"expected a result on a mesh of voxels or elements; .*layers"):
        export_paraview(single, tmp_path)


def test_the_separator_counts_by_its_thickness(single: Results) -> None:
    assert single.mesh.thickness("separator") == pytest.approx(SEPARATOR)
    assert single.mesh.thickness("active") == pytest.approx(0.5 * THICKNESS)
    assert basis(single, "all", "volume").amount == pytest.approx(THICKNESS + SEPARATOR)


def test_profiles_are_means_over_the_domains_of_a_layer(single: Results) -> None:
    figure = layer_profiles(single, (0, -1))
    upper, lower = figure.axes
    assert upper.get_ylabel() == "Lithiation x (–)"
    mesh = single.mesh
    assert mesh.layers is not None
    x = single.fields["x"].isel(frame=-1).to_numpy()
    depth, mean = upper.lines[1].get_data()
    np.testing.assert_allclose(depth, 1e6 * (SEPARATOR + THICKNESS / COUNT * (np.arange(COUNT) + 0.5)))
    at = np.isfinite(x) & (np.abs(mesh.layers.depth - 1e-6 * depth[2]) < 1e-9)
    expected = np.average(x[at], weights=mesh.layers.volume[at])
    assert mean[2] == pytest.approx(expected, rel=1e-6)
    band = upper.collections[1].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(x[np.isfinite(x)].min(), rel=1e-6)
    assert band[:, 1].max() == pytest.approx(x[np.isfinite(x)].max(), rel=1e-6)
    assert "collector" in lower.get_xlabel()
    assert lower.get_ylabel() == "Current density (mA cm⁻²)"


def test_maps_show_the_class_that_fills_most(single: Results) -> None:
    (image,) = (axes for axes in shell_maps(single, (-1,)).axes if axes.collections and axes.get_xlabel())
    mesh = image.collections[0]
    values = mesh.get_array()
    assert values.shape == (5, COUNT)
    x = single.fields["x"].isel(frame=-1).to_numpy()
    layers = single.mesh.layers
    assert layers is not None
    chosen = x[(layers.size_class == 1) & np.isfinite(x)].reshape(COUNT, 5).T
    np.testing.assert_allclose(values, chosen)
    with pytest.raises(InputError, match="a size class from 0 to 1"):
        shell_maps(single, (-1,), size_class=2)


def test_every_species_has_its_row(network: Results) -> None:
    labels = [axes.get_ylabel() for axes in layer_profiles(network).axes]
    assert labels == ["Fraction of I⁻ (–)", "Fraction of I⁰ (–)", "Fraction of Cl⁻ (–)", "Current density (mA cm⁻²)"]
    rows = [axes.get_ylabel() for axes in shell_maps(network).axes]
    assert sum(label.startswith("Fraction of") for label in rows) == 3


@pytest.mark.parametrize("kind", ["single", "network"])
def test_all_pictures(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(kind)
    names = {file.name for file in plot_all(results, tmp_path)}
    assert {"slices.png", "shells.png", "voltage.png"} <= names
    assert not {"phases_3d.png", "lithiation_3d.png"} & names
    assert ("spread.png" in names) == (kind == "single")


def test_a_cut_of_layers_is_their_profile(single: Results) -> None:
    assert len(lithiation_slices(single, (0,)).axes) == len(layer_profiles(single, (0,)).axes)


@pytest.mark.parametrize(("frames", "said"), [((), "1 to 4 frames"), ((9,), "a frame below 5")])
def test_frames_that_are_not_there(single: Results, frames: tuple[int, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        shell_maps(single, frames)
