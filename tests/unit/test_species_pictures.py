"""Pictures and reports of reaction networks: they tell species and charge where there is no lithiation."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from rich.console import Console
from typer.testing import CliRunner

from catholyte.cli import app
from catholyte.errors import InputError
from catholyte.evaluation.gitt import GittPulse
from catholyte.plot import (
    composition,
    lithiation_slices,
    plot_all,
    polarisation_split,
    scene,
    species_maps,
    voltage_curve,
)
from catholyte.plot.fields import cut_plane
from catholyte.plot.frames import frame_title, protocol_frames
from catholyte.plot.phases import phase_kinds
from catholyte.plot.pulses import titration
from catholyte.plot.stored import species_curves, species_text
from catholyte.report import run_report
from catholyte.results import MeshRecord, Results, ResultWriter

pytestmark = pytest.mark.filterwarnings("error")

PHASES = ("iodine", "catholyte", "separator")
MASS = 2e-6  # kg/m², of a few nm
RUN = """
title = "two layers"
[mesh.layers]
count = 2
loading = "2 mg/cm2"
domain = { phase = "iodine", diameter = "5 nm", shells = 2 }
electrolyte = { phase = "catholyte", shells = 2 }
conduction = { bruggeman = 1.5 }
[phases]
iodine = { material = "I2-carbon", mass_share = 0.5 }
catholyte = { material = "LIC7.2", mass_share = 0.5 }
[cell]
counter = "Li-In"
[experiment]
steps = ["Charge at 200 mA/g until 3.7 V"]
[output]
fields = "every step"
"""
CASE = """
title = "iodine in chloride"
[phases]
iodine = { material = "I2-carbon" }
catholyte = { material = "LIC7.2" }
[cell]
counter = "Li-In"
"""
FACTS = {
    "title": "iodine in chloride",
    "cell_area_m2": 1e-4,
    "active_areal_mass_kg_m2": MASS,
    "nominal_capacity_As_kg": 3600.0 * 422.0,
    "counter_potential_V": 0.62,
}


def image(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Waves of iodine in catholyte, behind a separator at the low end of the depth."""
    z, y, x = np.indices(shape)
    labels = (np.sin(0.9 * z) + np.sin(0.8 * y) + 0.5 * np.sin(0.7 * x) > 0.0).astype(np.uint8)
    if shape[0] > 1:
        labels[:1] = 2
    return labels


def fractions(charged: float) -> dict[str, dict[str, float]]:
    """What each phase holds, from all iodide (0) by way of iodine (1/2) to all ICl (1)."""
    upper, lower = max(2.0 * charged - 1.0, 0.0), min(2.0 * charged, 1.0)
    electrolyte = {"Cl-": 1.0 - 0.8 * upper, "Cl0": 2e-4 * upper, "In3+": 1.0 - 0.1 * lower, "In2+": 0.1 * lower}
    return {
        "iodine": {"I-": 1.0 - lower, "I0": lower - upper, "ICl": upper, "branch iodide": 0.4},
        "catholyte": electrolyte | {"vacancy oxidised chloride": 0.9},
        "separator": electrolyte,
    }


def make(
    path: Path, shape: tuple[int, int, int], *, voxel: float = 0.5e-9, turns: tuple[float, ...] = (1.0, 0.2)
) -> Results:
    """Write a run that charges and discharges between the given states, a rest after each."""
    labels = image(shape)
    mesh = MeshRecord(shape, (voxel,) * 3, labels, PHASES, np.arange(labels.size), labels.ravel())
    ends = [0.1, *turns]
    tasks = [{"text": text, "kind": kind, "role": ""} for text, kind in (("1C", "current"), ("rest", "rest"))]
    writer = ResultWriter.create(path, case_text=CASE, provenance=FACTS | {"tasks": tasks * len(turns)}, mesh=mesh)
    time = 0.0
    for step in range(2 * len(turns)):
        begin, end = ends[step // 2], ends[step // 2 + 1]
        for part in np.linspace(0.0, 1.0, 13):
            rest = step % 2
            charged = end if rest else begin + part * (end - begin)
            time += 60.0
            point = {
                "time": time,
                "voltage": 3.0 + charged - 0.01 * rest,
                "cell_voltage": 2.38 + charged - 0.01 * rest,
                "current_density": 0.0 if rest else float(np.sign(begin - end)),
                "charge": -3600.0 * 0.422e3 * MASS * (charged - ends[0]),
                "utilisation": ends[0] - charged,
                "step_index": float(step),
                "cycle_index": 0.0,
                "step_count": float(step),
                "task": float(step),
                "equilibrium_voltage": 3.01 + charged,
                **dict.fromkeys(("lithiation", "lithiation_std", "lithiation_p05", "lithiation_p95"), np.nan),
                **dict.fromkeys(("loss_reaction", "loss_diffusion", "loss_mixing"), np.nan if rest else 0.01),
                "loss_total": 0.03,
            }
            held = fractions(charged)
            point |= {f"fraction {phase} {name}": v for phase, each in held.items() for name, v in each.items()}
            writer.append_point(point)
            if part in (0.0, 0.25, 0.5, 0.75, 1.0):
                writer.append_frame(time, writer.n_points - 1, cells(mesh, held, point["current_density"]))
    writer.commit({"state": 0})
    writer.finish({})
    return Results.open(path)


def cells(mesh: MeshRecord, held: dict[str, dict[str, float]], current: float) -> dict[str, NDArray[np.float64]]:
    of = {name: mesh.cell_phase == index for index, name in enumerate(PHASES)}
    ionic = of["catholyte"] | of["separator"]
    fields = {
        "phi_e": np.where(of["iodine"], 3.5, np.nan),
        "phi_i": np.where(ionic, 0.0, np.nan),
        "x": np.full(mesh.n_cells, np.nan),
        "current_e": np.where(of["iodine"], abs(current), np.nan),
        "current_i": np.where(ionic, 2.0 * abs(current), np.nan),
    }
    for phase, each in held.items():
        for name, value in each.items():
            field = fields.setdefault(f"fraction {name}", np.full(mesh.n_cells, np.nan))
            field[of[phase]] = value
    return fields


@pytest.fixture(scope="module")
def blend(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make(tmp_path_factory.mktemp("species") / "blend", (12, 12, 12))


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make(tmp_path_factory.mktemp("species") / "flat", (1, 16, 24), turns=(0.8,))


def words(figure: Figure) -> str:
    """Everything that is written in a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def species_titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


@pytest.mark.parametrize(
    ("name", "written"),
    [("I-", "I⁻"), ("I0", "I⁰"), ("In3+", "In³⁺"), ("ICl", "ICl"), ("ICl2-", "ICl₂⁻"), ("Li+", "Li⁺"), ("odd", "odd")],
)
def test_species_are_written_with_their_charge(name: str, written: str) -> None:
    assert species_text(f"fraction {name}") == written


def test_species_are_told_from_branches_vacancies_and_the_separator(blend: Results) -> None:
    assert {phase: list(each) for phase, each in species_curves(blend).items()} == {
        "iodine": ["I-", "I0", "ICl"],
        "catholyte": ["Cl-", "Cl0", "In3+", "In2+"],
    }
    assert blend.curves["fraction iodine ICl"].attrs["units"] == "1"


def test_phases_with_species_are_active_or_electrolytes(blend: Results) -> None:
    assert phase_kinds(blend) == {"iodine": "active", "catholyte": "electrolyte", "separator": "electrolyte"}


def test_composition_draws_the_curves_of_every_phase(blend: Results) -> None:
    figure = composition(blend)
    top, iodine, catholyte = figure.axes
    assert [line.get_label() for line in iodine.get_lines()[:3]] == ["I⁻", "I⁰", "ICl"]
    assert "in catholyte" in catholyte.get_ylabel()
    legend = [text.get_text() for text in catholyte.get_legend().get_texts()]
    assert legend == ["Cl⁻", "In³⁺", "In²⁺"], "Cl0 is a trace"
    passed, iodide = iodine.get_lines()[0].get_data()
    assert passed[0] == 0.0
    assert (np.diff(passed) >= 0.0).all()
    assert passed[-1] == pytest.approx(422.0 * (0.9 + 0.8))
    np.testing.assert_allclose(iodide, blend.curves["fraction iodine I-"])
    np.testing.assert_allclose(top.get_lines()[0].get_ydata(), blend.curves["voltage"])


def test_composition_tells_charge_from_discharge_and_every_step(blend: Results) -> None:
    figure = composition(blend)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Charge", "Discharge"]
    top = figure.axes[0]
    bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in top.patches]
    assert bands == [pytest.approx((0.0, 422.0 * 0.9)), pytest.approx((422.0 * 0.9, 422.0 * 1.7))]
    ends = [line.get_xdata()[0] for line in top.get_lines()[1:]]
    assert ends == pytest.approx([422.0 * 0.9, 422.0 * 0.9, 422.0 * 1.7])


def test_frames_are_the_turns_of_the_protocol_and_moments_between(blend: Results) -> None:
    at = blend.fields["point_index"].to_numpy().astype(int)[list(protocol_frames(blend))]
    charged = 0.1 - blend.curves["charge"].to_numpy()[at] / (3600.0 * 422.0 * MASS)
    np.testing.assert_allclose(charged, [0.1, 0.55, 1.0, 0.2], atol=0.11)
    assert len(protocol_frames(blend, 2)) == 2
    assert frame_title(blend, 0) == "Charge, 0 mAh g⁻¹\n3.10 V"


def test_maps_show_the_field_in_the_cut(blend: Results) -> None:
    frames = protocol_frames(blend)
    figure = species_maps(blend)
    assert species_titles(figure) == ["I⁻", "I⁰", "ICl", "Cl⁻", "In²⁺"], "In3+ is what In2+ leaves"
    panels = [axes for axes in figure.axes if axes.get_images()]
    assert len(panels) == 5 * len(frames)
    labels = cut_plane(blend.mesh).of(blend.mesh.labels)
    charged = [axes.get_images()[0].get_array() for axes in panels[2::5]]  # ICl, a row a frame
    value = [float(blend.fields["fraction ICl"][frame].max()) for frame in frames]
    for picture, fraction in zip(charged, value, strict=True):
        inside, outside = picture[labels == 0], picture[labels == 1]
        assert np.ptp(inside, axis=0).max() < 1e-12
        assert np.ptp(outside, axis=0).max() < 1e-12
        assert (inside[0, 0] > 0.9) == (fraction > 0.95), "viridis ends in yellow"
    assert figure.axes[-1].get_ylabel() == "Site fraction (–)"
    assert {axes.get_xlabel() for axes in panels} == {"", "Depth (nm)"}


def test_a_flat_image_is_drawn_as_a_whole(flat: Results) -> None:
    plane = cut_plane(flat.mesh)
    assert plane.of(flat.mesh.labels).shape == (24, 16)
    assert plane.size == pytest.approx((8.0, 12.0))
    assert "Width (nm)" in {axes.get_xlabel() for axes in species_maps(flat, species=["I-"]).axes}


def test_large_images_have_micrometres(tmp_path: Path) -> None:
    figure = species_maps(make(tmp_path / "large", (8, 8, 8), voxel=0.5e-6), frames=(0,))
    assert "Depth (µm)" in {axes.get_xlabel() for axes in figure.axes}


def test_two_results_have_the_same_species(blend: Results, flat: Results) -> None:
    titles = species_titles(species_maps(blend, flat))
    half = len(titles) // 2
    assert titles[:half] == titles[half:]
    assert words(species_maps(blend, flat)).count("iodine in chloride") == 2


def test_choices_that_are_not_there(blend: Results) -> None:
    with pytest.raises(InputError, match="species = 'Br-': expected one of I-, I0, ICl"):
        species_maps(blend, species=["Br-"])
    with pytest.raises(InputError, match="a frame below"):
        species_maps(blend, frames=(99,))


def test_nothing_that_is_drawn_says_lithiation(blend: Results) -> None:
    for draw in (voltage_curve, polarisation_split, lithiation_slices, composition, species_maps):
        assert not re.search(r"\bnan\b|[Ll]ithiation|\bLi diffusion", words(draw(blend))), draw.__name__
    assert "Areal capacity (nAh cm⁻²)" in {axis.get_xlabel() for axis in voltage_curve(blend).axes[0].child_axes}


def test_a_titration_is_drawn_against_charge(blend: Results) -> None:
    unknown = (np.nan, np.nan)
    pulses = [
        GittPulse(
            number=k + 1,
            time=0.0,
            duration=60.0,
            current_density=6.0,
            charge=360.0 * k,
            lithiation=unknown,
            relaxed=(3.5 - 0.1 * k, 3.4 - 0.1 * k),
            ohmic_drop=-0.01,
            steady=-0.1,
            transient=-0.05,
            linearity=1.0,
            diffusivity=1e-15,
            depth=0.1,
            drift=0.0,
            doubts=(),
        )
        for k in range(3)
    ]
    upper, lower = titration(pulses).axes
    assert lower.get_xlabel() == "Charge passed, discharge positive (mAh cm⁻²)"
    np.testing.assert_allclose(lower.get_lines()[0].get_xdata(), [0.0, 0.01, 0.02, 0.03])
    np.testing.assert_allclose(upper.get_lines()[0].get_xdata(), [0.005, 0.015, 0.025])


def test_the_report_tells_the_charge_of_the_step(blend: Results) -> None:
    console = Console(width=120, record=True, quiet=True)
    with console.capture() as capture:
        console.quiet = False
        console.print(run_report(blend))
    text = capture.get()
    assert "nan" not in text
    assert "337.6 mAh/g" in text  # 0.8 of 422 mAh/g at the end of the discharge
    assert "sum = U(mean) - V" in text


def test_all_pictures(blend: Results, flat: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "WIDTH", 200)
    monkeypatch.setattr(scene, "HEIGHT", 150)
    for results in (blend, flat):
        names = {path.name for path in plot_all(results, tmp_path / results.path.stem)}
        assert {"voltage.png", "polarisation.png", "composition.png", "slices.png", "species.png"} <= names
        assert not {"spread.png", "lithiation_3d.png"} & names


def test_a_laminate_has_profiles_of_its_species(tmp_path: Path) -> None:
    thin = make(tmp_path / "thin", (20, 1, 1))
    labels = [axes.get_ylabel() for axes in lithiation_slices(thin, (0, -1)).axes]
    assert labels[0] == "Fraction of I⁻ (–)"
    assert labels[-1] == "Current density (mA cm⁻²)"
    assert "species.png" not in {path.name for path in plot_all(thin, tmp_path / "plots")}


def test_two_results_from_the_command_line(blend: Results, flat: Results, tmp_path: Path) -> None:
    out = tmp_path / "figures" / "pair.svg"
    asked = ["plot", str(blend.path), "--beside", str(flat.path), "--out", str(out)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    assert out.stat().st_size > 1000
    refused = CliRunner().invoke(app, [*asked[:-1], str(tmp_path / "folder")])
    assert isinstance(refused.exception, InputError)
    assert ".png" in str(refused.exception)


def test_a_run_has_what_the_pictures_look_for(tmp_path: Path) -> None:
    case = tmp_path / "case.toml"
    case.write_text(RUN, encoding="utf-8")
    result = tmp_path / "out.results"
    ended = CliRunner().invoke(app, ["run", str(case), "--out", str(result), "--plots", "--quiet"])
    assert ended.exit_code == 0, ended.output
    assert "nan" not in ended.output
    assert {"composition.png", "slices.png", "shells.png"} <= {path.name for path in (result / "plots").iterdir()}
    results = Results.open(result)
    found = species_curves(results)
    assert list(found) == ["iodine", "catholyte"]
    assert {"I-", "I0", "ICl"} == set(found["iodine"])
    assert {"Cl-", "In3+"} <= set(found["catholyte"])
    with pytest.raises(InputError, match="shell_maps draws layers"):
        species_maps(results)
