"""Pictures: what they show is what the result holds."""

import re
from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given, settings, strategies
from hypothesis.extra.numpy import arrays
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.evaluation.halfcycles import capacity, current_text, half_cycles
from catholyte.plot import (
    RenderError,
    lithiation_slices,
    lithiation_spread,
    plot_all,
    polarisation_split,
    scene,
    scene_phases,
    voltage_curve,
)
from catholyte.plot.curves import stack
from catholyte.plot.frames import default_frames
from catholyte.plot.phases import phase_colours, phase_kinds
from catholyte.plot.surface import quarter, surfaces
from catholyte.results import MeshRecord, Results, ResultWriter

PHASES = ("separator", "active", "electrolyte", "carbon", "void", "collector")
KINDS = ("electrolyte", "active", "electrolyte", "conductor", "void", "conductor")
CASE = """
title = "synthetic"
[phases]
active = { material = "NCM83" }
electrolyte = { material = "Li3InCl6" }
carbon = { material = "carbon" }
void = { material = "void" }
[cell]
counter = "Li-In"
"""
PROVENANCE = {
    "cell_area_m2": 1e-4,
    "active_areal_mass_kg_m2": 0.1,
    "nominal_capacity_As_kg": 720e3,
    "counter_potential_V": 0.62,
}
CAPACITY = PROVENANCE["active_areal_mass_kg_m2"] * PROVENANCE["nominal_capacity_As_kg"]
SHARES = {
    "loss_electron": 0.05,
    "loss_ion": 0.3,
    "loss_separator": 0.1,
    "loss_reaction": 0.25,
    "loss_diffusion": 0.3,
    "loss_contact": 0.0,
    "loss_film": 0.0,
    "loss_counter": 0.02,
    "loss_series": 0.05,
}


def composite(n: int) -> NDArray[np.uint8]:
    """Spheres of active material and carbon in electrolyte with voids, between separator and collector."""
    rng = np.random.default_rng(3)
    z, y, x = np.indices((n, n, n))
    labels = np.full((n, n, n), 2, np.uint8)
    for phase, number, radius in ((4, 12, 0.07), (1, 28, 0.17), (3, 60, 0.045)):
        for centre in rng.uniform(0.1 * n, n, (number, 3)):
            inside = (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 < (radius * n) ** 2
            labels[inside & ((labels == 2) | (phase == 1))] = phase
    labels[: n // 8] = 0
    labels[-max(n // 16, 1) :] = 5
    return labels


def layers(n: int) -> NDArray[np.uint8]:
    return np.repeat(np.array([0, 2, 1, 5], np.uint8), (n // 4, n // 4, n - 2 * (n // 4) - 2, 2)).reshape(n, 1, 1)


def mesh_record(labels: NDArray[np.uint8], voxel: float) -> MeshRecord:
    cells = np.flatnonzero(labels.ravel() != 4).astype(np.int64)
    nz, ny, nx = labels.shape
    return MeshRecord((nz, ny, nx), (voxel, voxel, voxel), labels, PHASES, cells, labels.ravel()[cells])


def point(time: float, current: float, charge: float, step: int, cycle: int) -> dict[str, float]:
    used = charge / CAPACITY
    x = 0.25 + 0.7 * used
    U = 4.25 - 0.9 * used - 0.15 * np.tanh((used - 0.9) / 0.05) - 0.15
    rate = current * 3600.0 / CAPACITY
    losses = {name: share * rate * (0.2 + 0.4 * used**4) * 0.8 for name, share in SHARES.items()}
    losses["loss_mixing"] = 0.08 * rate * np.sin(5.0 * used)
    losses["loss_total"] = sum(losses.values())
    voltage = U - losses["loss_total"]
    if current == 0.0:
        losses = dict.fromkeys(losses, np.nan)
    spread = 0.02 + 0.1 * used * (1.0 - 0.8 * used)
    return {
        "time": time,
        "voltage": voltage,
        "cell_voltage": voltage - 0.62,
        "current_density": current,
        "charge": charge,
        "step_index": float(step),
        "cycle_index": float(cycle),
        "lithiation": x,
        "lithiation_std": spread,
        "lithiation_p05": x - 1.6 * spread,
        "lithiation_p95": x + 1.5 * spread,
        "equilibrium_voltage": U,
        **losses,
    }


def cell_fields(mesh: MeshRecord, x: float, current: float) -> dict[str, NDArray[np.float64]]:
    kinds = np.array(KINDS)[mesh.cell_phase]
    z, y, lateral = np.unravel_index(mesh.cell_voxel, mesh.shape)
    depth = z / mesh.shape[0]
    active = kinds == "active"
    wave = np.sin(0.4 * y) * np.sin(0.3 * lateral + 0.2 * z)
    flow = abs(current) * np.exp(2.0 * wave)
    return {
        "x": np.where(active, np.clip(x + 0.12 * (0.5 - depth) + 0.03 * wave, 0.01, 0.99), np.nan),
        "phi_e": np.where(active | (kinds == "conductor"), 3.8 + 1e-9 * depth, np.nan),
        "phi_i": np.where(kinds == "electrolyte", -0.05 * depth, np.nan),
        "current_e": np.where(active | (kinds == "conductor"), flow * (depth + 0.001), np.nan),
        "current_i": np.where(kinds == "electrolyte", flow * (1.02 - depth), np.nan),
    }


def make_results(
    path: Path,
    labels: NDArray[np.uint8],
    steps: list[tuple[float, float]],
    *,
    voxel: float = 0.5e-6,
    frames: int = 8,
    cycle_length: int = 4,
    known_x: float = 1.0,
) -> Results:
    """Write a run of steps (C-rate, positive on discharge; share of the capacity, or hours of rest)."""
    mesh = mesh_record(labels, voxel)
    tasks = [{"text": f"{rate:g}C", "kind": "current" if rate else "rest", "role": ""} for rate, _ in steps]
    writer = ResultWriter.create(path, case_text=CASE, provenance=PROVENANCE | {"tasks": tasks}, mesh=mesh)
    time, charge = 0.0, 0.0
    for index, (rate, amount) in enumerate(steps):
        current = rate * CAPACITY / 3600.0
        duration = 3600.0 * amount / (abs(rate) or 1.0)
        n_points = 61
        for k in range(n_points):
            part = duration / n_points * (k > 0)
            time += part
            charge += part * current
            entry = point(time, current, charge, index % cycle_length, index // cycle_length)
            entry |= {"step_count": float(index), "task": float(index)}
            writer.append_point(entry)
            if frames and k % max(n_points // frames, 1) == 0 and (frames > 1 or index + k == 0):
                fields = cell_fields(mesh, entry["lithiation"], current)
                fields["x"][: int((1.0 - known_x) * mesh.n_cells)] = np.nan
                writer.append_frame(time, writer.n_points - 1, fields)
    writer.commit({"state": 0})
    writer.finish({})
    return Results.open(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def cycled(folder: Path) -> Results:
    """Two cycles, each a discharge in two steps without a rest between them, a rest, a charge, a rest."""
    cycle = [(0.5, 0.6), (0.1, 0.2), (0.0, 0.5), (-0.2, 0.75)]
    return make_results(folder / "cycled", composite(32), cycle * 2)


@pytest.fixture(scope="module")
def laminate(folder: Path) -> Results:
    return make_results(folder / "laminate", layers(24), [(0.1, 0.9)])


@pytest.fixture(scope="module")
def resting(folder: Path) -> Results:
    return make_results(folder / "resting", layers(16), [(0.0, 2.0)], frames=1)


def signed_areas(axes: Axes) -> dict[str, float]:
    """Area of every layer of a stack, what lies below zero counted negative."""
    areas: dict[str, float] = {}
    for band in axes.collections:
        for path in band.get_paths():
            q, height = path.vertices.T
            area = abs(0.5 * np.sum(q * np.roll(height, -1) - np.roll(q, -1) * height))
            sign = 1.0 if height.sum() > 0.0 else -1.0
            areas[band.get_label()] = areas.get(band.get_label(), 0.0) + sign * area
    return areas


def labels_of(figure: Figure) -> list[str]:
    return [
        label
        for axes in (*figure.axes, *(child for ax in figure.axes for child in ax.child_axes))
        for label in (axes.get_xlabel(), axes.get_ylabel())
        if label
    ]


def test_half_cycles_join_steps_of_one_direction(cycled: Results) -> None:
    halves = half_cycles(cycled)
    assert [(half.sign, half.number, half.cycle) for half in halves] == [
        (1, 1, 0),
        (-1, 1, 0),
        (1, 2, 1),
        (-1, 2, 1),
    ]
    assert [len(half.parts) for half in halves] == [1, 1, 1, 1]
    assert [half.steady for half in halves] == [False, True, False, True]
    for half, share in zip(halves, (0.8, 0.75, 0.8, 0.75), strict=True):
        q = capacity(cycled, half, half.parts[0])
        assert q[0] == pytest.approx(0.0, abs=1e-9)
        assert q[-1] == pytest.approx(200.0 * share, rel=0.02)
        assert (np.diff(q) >= 0.0).all()


def test_pulses_with_rests_are_one_half_cycle_with_gaps(tmp_path: Path) -> None:
    pulses = [(0.1, 0.1), (0.0, 1.0), (0.1, 0.1), (0.0, 1.0)]
    (half,) = half_cycles(make_results(tmp_path / "gitt", layers(16), pulses, frames=0))
    assert [part.stop - part.start for part in half.parts] == [61, 61]


def test_rates_are_written_as_they_are_spoken(cycled: Results) -> None:
    first, second, *_ = half_cycles(cycled)
    assert current_text(cycled, first) == "≤ C/2"
    assert current_text(cycled, second, density=True) == "C/5 (0.4 mA cm⁻²)"


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, (5, 7), elements=strategies.floats(-1.0, 1.0)))
def test_stacked_layers_add_up(values: NDArray[np.float64]) -> None:
    inner, outer = stack(values)
    np.testing.assert_allclose((outer - inner).sum(axis=0), values, atol=1e-14)
    np.testing.assert_allclose(outer[:, -1].sum(axis=0), values.sum(axis=0), atol=1e-14)
    assert (inner[0, 1:] == outer[0, :-1]).all()
    assert (outer[0] >= 0.0).all()
    assert (outer[1] <= 0.0).all()


def test_drawn_polarisation_is_the_whole(cycled: Results) -> None:
    figure = polarisation_split(cycled)
    total = cycled.curves["loss_total"].to_numpy()
    for axes, half in zip(figure.axes, half_cycles(cycled), strict=True):
        (part,) = half.parts
        q, whole = capacity(cycled, half, part), 1e3 * half.sign * total[part]
        areas = signed_areas(axes)
        assert sum(areas.values()) == pytest.approx(np.trapezoid(whole, q), rel=1e-9)
        alone = 1e3 * half.sign * cycled.curves["loss_ion"].to_numpy()[part]
        assert areas["loss_ion"] == pytest.approx(np.trapezoid(alone, q), rel=1e-9)
        line = max(axes.lines, key=lambda line: len(line.get_xdata()))
        np.testing.assert_allclose(line.get_ydata(), whole)


def test_losses_that_are_zero_are_left_out(cycled: Results) -> None:
    (legend,) = polarisation_split(cycled).legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words[0] == "Total"
    assert "Ions in cathode" in words
    assert not {"Contacts", "Interphase film"} & set(words)


def test_voltage_is_drawn_against_both_references(cycled: Results) -> None:
    figure = voltage_curve(cycled)
    (axes,) = figure.axes
    figure.canvas.draw()
    low, high = axes.get_ylim()
    limits = {axis.get_ylabel(): axis.get_ylim() for axis in axes.child_axes if axis.get_ylabel()}
    assert limits == {"Cell voltage vs Li–In (V)": pytest.approx((low - 0.62, high - 0.62))}
    (top,) = (axis for axis in axes.child_axes if "mAh cm⁻²" in axis.get_xlabel())
    assert top.get_xlim()[1] == pytest.approx(axes.get_xlim()[1] * 10.0 / 1000.0)  # 0.1 kg/m² = 10 mg/cm²


@pytest.mark.parametrize("draw", [voltage_curve, polarisation_split, lithiation_spread, lithiation_slices])
def test_axes_carry_units(cycled: Results, draw: Callable[[Results], Figure]) -> None:
    labels = labels_of(draw(cycled))
    assert len(labels) >= 2
    assert all(re.search(r"\((mAh g⁻¹|mAh cm⁻²|V|mV|–|µm|mA cm⁻²)\)$", label) for label in labels), labels


def test_small_domains_are_drawn_in_nanometres(tmp_path: Path) -> None:
    small = make_results(tmp_path / "small", composite(16), [(0.1, 0.9)], voxel=2e-9)
    labels = labels_of(lithiation_slices(small))
    assert "Depth (nm)" in labels
    assert lithiation_slices(small).axes[0].get_images()[0].get_extent() == [0.0, 32.0, 0.0, 32.0]


def test_kinds_are_those_of_the_phases(cycled: Results, folder: Path) -> None:
    assert tuple(phase_kinds(cycled).values()) == KINDS
    without_fields = make_results(folder / "bare", composite(16), [(0.1, 0.1)], frames=0)
    assert tuple(phase_kinds(without_fields).values()) == KINDS


def test_phases_have_the_same_colour_in_every_picture(cycled: Results) -> None:
    colours = phase_colours(cycled)
    assert len(set(colours.values())) == len(PHASES)
    (legend,) = lithiation_slices(cycled).legends
    shown = {t.get_text(): p.get_facecolor() for t, p in zip(legend.get_texts(), legend.get_patches(), strict=True)}
    labels = cycled.mesh.labels[:, 16, :].T
    seen = {name: np.flatnonzero(labels == index) for index, name in enumerate(PHASES) if name != "active"}
    assert shown == {name: to_rgba(colours[name]) for name, places in seen.items() if places.size}
    image = lithiation_slices(cycled).axes[0].get_images()[0].get_array().reshape(-1, 3)
    for name, places in seen.items():
        assert (np.abs(image[places] - to_rgb(colours[name])) < 1e-6).all()


def test_default_frames_are_beginning_middle_and_end_of_the_first_discharge(cycled: Results) -> None:
    used = [float(cycled.curves["charge"][cycled.fields["point_index"][i]]) for i in default_frames(cycled)]
    np.testing.assert_allclose(np.array(used) / CAPACITY, [0.0, 0.4, 0.8], atol=0.08)


def test_isolated_active_material_is_named(tmp_path: Path) -> None:
    isolated = make_results(tmp_path / "isolated", composite(16), [(0.1, 0.1)], known_x=0.5)
    (legend,) = lithiation_slices(isolated).legends
    assert "active, not connected" in [text.get_text() for text in legend.get_texts()]


def test_laminate_is_drawn_as_profiles(laminate: Results) -> None:
    upper, lower = lithiation_slices(laminate, frames=[0, 3]).axes
    assert not upper.get_images()
    assert len(upper.lines) == 2
    x = laminate.grid("x", 3)[:, 0, 0]
    np.testing.assert_allclose(upper.lines[1].get_ydata(), x)
    np.testing.assert_allclose(upper.lines[1].get_xdata(), 0.5 * (np.arange(24) + 0.5))
    assert lower.get_ylabel() == "Current density (mA cm⁻²)"


def test_nothing_global_changes(cycled: Results) -> None:
    before = dict(matplotlib.rcParams)
    voltage_curve(cycled)
    lithiation_slices(cycled)
    assert dict(matplotlib.rcParams) == before


def test_all_pictures_are_written(
    cycled: Results, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene, "WIDTH", 400)
    monkeypatch.setattr(scene, "HEIGHT", 300)
    written = plot_all(cycled, tmp_path / "plots", formats=("png", "pdf"))
    names = [path.name for path in written]
    flat = [
        f"{name}.{form}"
        for name in ("voltage", "polarisation", "spread", "derivative", "cycles", "slices")
        for form in ("png", "pdf")
    ]
    assert names[:12] == flat
    assert all(path.stat().st_size > 5000 for path in written)
    assert capfd.readouterr().err == ""


def test_scene_shows_the_phases(cycled: Results, tmp_path: Path) -> None:
    try:
        picture = matplotlib.image.imread(scene_phases(cycled, tmp_path / "phases.png"))
    except RenderError as error:
        pytest.skip(str(error))
    assert picture.shape[:2] == (1200, 1600)
    red, blue = picture[..., 0], picture[..., 2]
    assert 0.03 < np.mean(blue - red > 0.3) < 0.3, "active material is blue"
    assert np.mean(picture[..., :3].min(axis=-1) > 0.99) > 0.4, "the background is white"


def test_laminates_and_rests_have_fewer_pictures(laminate: Results, resting: Results, tmp_path: Path) -> None:
    names = [path.name for path in plot_all(laminate, tmp_path / "laminate")]
    assert names == ["voltage.png", "polarisation.png", "spread.png", "derivative.png", "slices.png"]
    assert [path.name for path in plot_all(resting, tmp_path / "resting")] == ["slices.png"]
    assert lithiation_slices(resting).axes[0].get_ylabel() == "Lithiation x (–)"
    with pytest.raises(InputError, match="has begun"):
        voltage_curve(resting)


def test_surfaces_keep_flat_faces_and_round_corners() -> None:
    z, y, x = np.indices((20, 20, 20))
    ball = ((z - 9.5) ** 2 + (y - 9.5) ** 2 + (x - 9.5) ** 2 < 64.0).astype(np.uint8)
    whole = surfaces(np.where(quarter(ball.shape), 0, 1 + ball).astype(np.uint8), np.ones(3))
    assert whole[1].bounds == pytest.approx((0.0, 20.0) * 3)
    flat = np.abs(whole[2].points[:, 1] - 10.0) < 1e-9
    assert flat.sum() > 50
    (sphere,) = surfaces(ball, np.ones(3)).values()
    free = np.abs(sphere.points[:, 1:] - 10.0).min(axis=1) > 1.0
    radius = np.linalg.norm(sphere.points[free] - 10.0, axis=1)
    assert radius.std() < 0.25
    assert radius.mean() == pytest.approx(8.0, abs=0.4)


def test_wrong_choices_are_refused(cycled: Results, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'png'"):
        plot_all(cycled, tmp_path, formats=("pnj",))
    with pytest.raises(InputError, match="1 to 4 frames"):
        lithiation_slices(cycled, frames=range(5))
    with pytest.raises(InputError, match="a half-cycle from 0 to 3"):
        polarisation_split(cycled, [7])
