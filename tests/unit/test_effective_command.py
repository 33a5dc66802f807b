"""``catholyte effective``: what it reads, what it answers, what it leaves behind, and what it refuses."""

import json
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
import typer
import xarray

from catholyte import cli
from catholyte.effective import ImageOptions, Plates, from_case, from_image
from catholyte.effective.options import read_conductivities, read_voxel_size
from catholyte.effective.study import compute
from catholyte.mesh.images import write_image
from catholyte.models.flux import local_flux
from catholyte.plot.effective import transport_cuts

PORE, SOLID, BINDER = 0, 85, 170


@dataclass(frozen=True)
class Answer:
    """What the command left on the screen, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def facts(self):
        def refuse(token):
            raise AssertionError(f"{token} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs the command line in this process."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["catholyte", "effective", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "120")
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        printed = capsys.readouterr()
        return Answer(int(stopped.value.code or 0), printed.out, printed.err)

    return call


def composite(shape=(12, 10, 9)):
    """Return an image of three labels in blobs."""
    z, y, x = np.indices(shape) * (2.0 * np.pi / np.array(shape))[:, None, None, None]
    wave = np.sin(z) * np.cos(y) + np.sin(2 * y) * np.cos(x) + np.sin(x) * np.cos(z)
    image = np.full(shape, PORE, np.uint8)
    image[wave > 0.1] = SOLID
    image[wave > 0.9] = BINDER
    return image


def half_open(shape=(6, 6, 8)):
    """Return an image whose label 1 fills half of it, straight along z and y."""
    image = np.zeros(shape, np.uint8)
    image[:, :, : shape[2] // 2] = 1
    return image


def saved(folder, image, name="image.tif"):
    write_image(folder / name, image, (1e-6, 1e-6, 1e-6))
    return folder / name


# --------------------------------------------------------------------------------------------- answers


def test_a_straight_channel(tmp_path, run):
    answer = run(saved(tmp_path, half_open()), "--phase", 1, "--axis", "z", "--voxel-size", "2 um", "--format", "json")
    assert answer.code == 0
    facts = answer.facts
    along = facts["transport"]["relative"]["directions"]["z"]
    assert along["effective"] == pytest.approx(0.5, rel=1e-4)
    assert along["tortuosity_factor"] == pytest.approx(1.0, rel=1e-4)
    assert along["bruggeman_exponent"] == pytest.approx(1.0, rel=2e-4)
    assert along["macmullin_number"] == pytest.approx(2.0, rel=1e-4)
    assert along["formation_factor"] == along["macmullin_number"]
    assert along["mean_over_effective"] == pytest.approx(along["tortuosity_factor"])
    assert along["percolating_share"] == 1.0
    assert along["isolated_share"] == 0.0
    assert along["flux_mismatch"] <= 1e-4
    assert facts["transport"]["relative"]["tensor"] is None
    # one interface of 6 x 6 faces of 2 um in 6 x 6 x 8 voxels
    (between,) = facts["interfaces"]
    assert between["area_counted_per_m"] == pytest.approx(1.0 / (8 * 2e-6))
    assert [phase["area_counted_per_m"] for phase in facts["phases"]] == pytest.approx([1.0 / (8 * 2e-6)] * 2)
    assert facts["bpx"]["Porosity"] == pytest.approx(0.5)
    assert facts["bpx"]["Transport efficiency"] == pytest.approx(0.5, rel=1e-4)
    assert facts["bpx"]["Surface area per unit volume [m-1]"] == between["area_corrected_per_m"]
    assert facts["pybamm"]["Positive electrode Bruggeman coefficient (electrolyte)"] == along["bruggeman_exponent"]


def test_the_documented_keys_are_there(tmp_path, run):
    facts = run(saved(tmp_path, composite()), "--phase", 0, "--voxel-size", "1 um", "--format", "json").facts
    assert set(facts) == {
        *("form", "catholyte", "source", "mesh_sha256", "shape", "voxel_size_m", "walls", "tolerance"),
        *("temperature_K", "phases", "interfaces", "transport", "bpx", "pybamm", "notes"),
    }
    outcome = facts["transport"]["relative"]
    assert set(outcome) == {
        *("title", "unit", "phases", "resistances", "volume_fraction", "reference", "mean", "directions", "tensor"),
    }
    assert set(outcome["directions"]) == {"z", "y", "x"}
    assert set(outcome["directions"]["z"]) == {
        *("percolates", "effective", "tortuosity_factor", "bruggeman_exponent", "macmullin_number"),
        *("formation_factor", "mean_over_effective", "percolating_share", "isolated_share", "flux", "flux_mismatch"),
        *("iterations", "solver", "seconds"),
    }
    assert facts["voxel_size_m"] == [1e-6] * 3
    assert sum(phase["volume_fraction"] for phase in facts["phases"]) == pytest.approx(1.0)
    for column, axis in enumerate("zyx"):
        found = outcome["directions"][axis]
        assert outcome["tensor"][column][column] == found["effective"]
        rows = [row for row in range(3) if row != column]
        assert [outcome["tensor"][row][column] for row in rows] == [found["flux"][row] for row in rows]
        assert found["flux"][column] == pytest.approx(found["effective"], rel=1e-3)


def test_the_manual_names_every_key_and_option(tmp_path, run, case):
    manual = (Path(__file__).parents[2] / "docs" / "effective.md").read_text(encoding="utf-8")
    facts = run(case, "--format", "json").facts
    keys = {*facts, *facts["phases"][0], *facts["interfaces"][0], *facts["transport"]["ionic"], *facts["bpx"]}
    keys |= {*facts["transport"], *facts["transport"]["ionic"]["directions"]["z"]}
    keys |= set(facts["transport"]["ionic"]["resistances"][0])
    assert [key for key in keys if f"`{key}`" not in manual] == []
    command = typer.main.get_command(cli.app).commands["effective"]
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    assert [option for option in options if f"`{option}" not in manual] == []


def test_the_table_says_what_the_summary_says(tmp_path, run):
    answer = run(
        saved(tmp_path, composite()), "--sigma", "0=1 mS/cm", "--sigma", "170=0.2 mS/cm", "--voxel-size", "1 um"
    )
    assert answer.code == 0
    for word in ("12 x 10 x 9", "sealed walls", "0 | 85", "Conductivity", "mean/eff", "Tensor in S/m", "multigrid"):
        assert word in answer.out
    assert "no tortuosity factor" in " ".join(answer.out.split())


def test_layers_in_series_and_a_resistance_between_them(tmp_path, run):
    image = np.zeros((10, 3, 3), np.uint8)
    image[4:] = 1
    arguments = (
        "--sigma",
        "0=2 S/m",
        "--sigma",
        "1=50 mS/cm",
        "--voxel-size",
        "1 um",
        "--axis",
        "z",
        "--format",
        "json",
    )
    path = saved(tmp_path, image)
    plain = run(path, *arguments).facts["transport"]["conductivity"]
    specific = 4e-6 / 2.0 + 6e-6 / 5.0
    assert plain["directions"]["z"]["effective"] == pytest.approx(1e-5 / specific, rel=1e-4)
    assert plain["reference"] is None
    assert plain["directions"]["z"]["tortuosity_factor"] is None
    assert plain["directions"]["z"]["mean_over_effective"] == pytest.approx(3.8 * specific / 1e-5, rel=1e-4)
    facts = run(path, *arguments, "--resistance", "1|0=0.05 ohm cm2").facts
    added = facts["transport"]["conductivity"]
    assert added["directions"]["z"]["effective"] == pytest.approx(1e-5 / (specific + 5e-6), rel=1e-4)
    assert added["resistances"] == [{"phases": ["0", "1"], "area_resistance_ohm_m2": pytest.approx(5e-6)}]
    assert any("different conductivities and with resistances" in note for note in facts["notes"])


def test_two_labels_of_one_conductivity_are_one_phase(tmp_path, run):
    image = composite()
    facts = run(saved(tmp_path, image), "--phase", SOLID, "--phase", BINDER, "--axis", "x", "--format", "json").facts
    merged = run(
        saved(tmp_path, (image != PORE).astype(np.uint8), "merged.tif"), "--phase", 1, "--axis", "x", "--format", "json"
    ).facts
    first, second = (f["transport"]["relative"]["directions"]["x"]["tortuosity_factor"] for f in (facts, merged))
    assert first == pytest.approx(second, rel=1e-3)
    everything = (word for label in (PORE, SOLID, BINDER) for word in ("--phase", label))
    whole = run(tmp_path / "image.tif", "--axis", "x", "--format", "json", *everything).facts
    assert whole["transport"]["relative"]["directions"]["x"]["tortuosity_factor"] == pytest.approx(1.0, rel=1e-4)
    assert whole["transport"]["relative"]["directions"]["x"]["bruggeman_exponent"] is None


def test_what_does_not_percolate_is_a_result(tmp_path, run):
    path = saved(tmp_path, half_open())
    facts = run(path, "--phase", 1, "--axis", "x", "--voxel-size", "1 um", "--format", "json").facts
    along = facts["transport"]["relative"]["directions"]["x"]
    assert along["percolates"] is False
    assert along["effective"] == 0.0
    for key in (
        "tortuosity_factor",
        "bruggeman_exponent",
        "macmullin_number",
        "formation_factor",
        "mean_over_effective",
    ):
        assert along[key] is None
    assert along["isolated_share"] == 1.0
    assert along["percolating_share"] == 0.0
    assert facts["bpx"]["Transport efficiency"] == 0.0
    assert "Positive electrode Bruggeman coefficient (electrolyte)" not in facts["pybamm"]
    (note,) = facts["notes"]
    assert note.startswith("1 does not percolate along x")
    shown = run(path, "--phase", 1)
    assert shown.code == 0
    assert "∞" in shown.out
    assert "does not percolate along x" in shown.out


def test_isolated_voxels_are_counted(tmp_path, run):
    image = half_open()
    image[2, 2, 6] = 1
    facts = run(saved(tmp_path, image), "--phase", 1, "--axis", "z", "--format", "json").facts
    along = facts["transport"]["relative"]["directions"]["z"]
    assert along["isolated_share"] == pytest.approx(1.0 / np.count_nonzero(image))
    assert along["percolating_share"] == pytest.approx(1.0 - 1.0 / np.count_nonzero(image))


def test_periodic_walls_join_opposite_sides(tmp_path, run):
    """A staircase that leaves the image on one side and comes in again on the other."""
    image = np.zeros((6, 4, 6), np.uint8)
    for z in range(6):
        image[z, :, [(z + 3) % 6, (z + 4) % 6]] = 1
    path = saved(tmp_path, image)
    options = ("--phase", 1, "--axis", "z", "--voxel-size", "1 um", "--format", "json")
    sealed, periodic = (run(path, *options, "--walls", walls).facts for walls in ("sealed", "periodic"))
    assert sealed["transport"]["relative"]["directions"]["z"]["percolates"] is False
    found = periodic["transport"]["relative"]["directions"]["z"]
    assert found["percolates"] is True
    assert found["flux"][2] > 0.05  # the stairs lead sideways too
    assert periodic["interfaces"][0]["area_counted_per_m"] > sealed["interfaces"][0]["area_counted_per_m"]


def test_diffusivities_keep_their_unit(tmp_path, run):
    facts = run(saved(tmp_path, half_open()), "--sigma", "1=2e-5 cm2/s", "--axis", "z", "--format", "json").facts
    found = facts["transport"]["diffusivity"]
    assert found["unit"] == "m2/s"
    assert found["directions"]["z"]["effective"] == pytest.approx(1e-9, rel=1e-4)


def test_without_a_voxel_size_there_are_no_areas(tmp_path, run):
    facts = run(saved(tmp_path, half_open()), "--phase", 1, "--axis", "z", "--format", "json").facts
    assert facts["voxel_size_m"] is None
    assert facts["interfaces"] == []
    assert all(phase["area_corrected_per_m"] is None for phase in facts["phases"])
    assert "--voxel-size" in facts["notes"][-1]


# ---------------------------------------------------------------------------------------------- reading


def test_the_usual_files_are_read(tmp_path, run):
    image = half_open()
    tifffile.imwrite(tmp_path / "bool.tif", image.astype(bool), photometric="minisblack")
    tifffile.imwrite(tmp_path / "inside.tiff", image * 255)
    with zipfile.ZipFile(tmp_path / "image.tiff.zip", "w") as archive:
        archive.write(tmp_path / "inside.tiff", "inside.tiff")
    np.savez(tmp_path / "two.npz", other=image + 1, labels=image)
    image.tofile(tmp_path / "image.raw")
    for name, label, options in (
        ("bool.tif", 1, ()),
        ("image.tiff.zip", 255, ()),
        ("two.npz", 2, ("--array", "other")),
        ("image.raw", 1, ("--shape", "6,6,8", "--dtype", "uint8")),
    ):
        answer = run(tmp_path / name, "--phase", label, "--axis", "y", "--format", "json", *options)
        assert answer.code == 0, answer.err
        found = answer.facts["transport"]["relative"]["directions"]["y"]
        assert found["effective"] == pytest.approx(0.5, rel=1e-4)


def test_a_part_of_an_image(tmp_path, run):
    facts = run(
        saved(tmp_path, half_open()), "--phase", 1, "--crop", "1:4, :, 2:6", "--axis", "z", "--format", "json"
    ).facts
    assert facts["shape"] == [3, 6, 4]
    assert facts["transport"]["relative"]["volume_fraction"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ("0.4 um", (4e-7, 4e-7, 4e-7)),
        ("0.5, 0.4,0.3 um", (5e-7, 4e-7, 3e-7)),
        ("500 nm, 0.4 um, 3e-7 m", (5e-7, 4e-7, 3e-7)),
        ("4e-7 m", (4e-7, 4e-7, 4e-7)),
    ],
)
def test_voxel_sizes(text, edges):
    assert read_voxel_size(text) == pytest.approx(edges, rel=1e-12)


def test_a_zero_goes_with_any_unit():
    read = read_conductivities(["0=0", "1=0.1 mS/cm", "2=0 S/m"], [])
    assert [(entry.phase, entry.kind) for entry in read] == [(label, "conductivity") for label in "012"]
    assert [entry.value for entry in read] == pytest.approx([0.0, 0.01, 0.0])


def test_labels_of_the_catalogue_have_names(tmp_path, monkeypatch):
    from catholyte.mesh import catalogue

    path = saved(tmp_path, composite())
    monkeypatch.setattr(catalogue, "fetch", lambda name: path)
    request = from_image("taufactor-electrode", ImageOptions(sigma=("NMC=10 mS/cm", "170=1 S/cm")), Plates())
    assert [phase.name for phase in request.phases] == ["pore", "NMC", "carbon-binder"]
    assert request.quantities[0].sigma == pytest.approx((0.0, 1.0, 100.0))
    assert request.voxel_size == pytest.approx((3.90625e-7,) * 3)


def test_the_reference_volume_is_in_the_catalogue():
    from catholyte.mesh.catalogue import entry

    reference = entry("taufactor-reference-500")
    assert reference.shape == (500, 500, 500)
    assert reference.labels["conductor"] == 255
    assert "periodic" in reference.remarks


# ------------------------------------------------------------------------------------------------ cases


CASE = """
title = "layers"
[mesh]
laminate = { voxel_size = "1 um", cross_section = [3, 3], stack = [["electrolyte", "6 um"], ["active", "4 um"]] }
separator = "3 um"
collector = "2 um"
[phases]
electrolyte = { material = "Li6PS5Cl", sigma_i = "2 mS/cm" }
active = { material = "LTGPSSe", sigma_i = "0.5 mS/cm", sigma_e = "3 S/m" }
[interfaces."active|electrolyte"]
contact_resistance = "0.3 ohm cm2"
film_resistance = "0.2 ohm cm2"
[cell]
counter = "Li-In"
initial = { lithiation = 0.5 }
[experiment]
steps = ["Rest for 1 minute"]
"""


@pytest.fixture
def case(tmp_path):
    (tmp_path / "case.toml").write_text(CASE, encoding="utf-8")
    return tmp_path / "case.toml"


def test_a_case_gives_ions_and_electrons_of_its_electrode(case, run):
    answer = run(case, "--format", "json")
    assert answer.code == 0, answer.err
    facts = answer.facts
    assert facts["source"] == "layers"
    assert facts["shape"] == [10, 3, 3]  # without separator and collector
    assert [phase["name"] for phase in facts["phases"]] == ["electrolyte", "active"]
    assert [phase["kind"] for phase in facts["phases"]] == ["electrolyte", "active"]
    assert facts["temperature_K"] == pytest.approx(298.15)
    ions = facts["transport"]["ionic"]
    assert ions["phases"] == pytest.approx({"electrolyte": 0.2, "active": 0.05})
    assert ions["resistances"][0]["area_resistance_ohm_m2"] == pytest.approx(5e-5)
    in_series = 6e-6 / 0.2 + 4e-6 / 0.05 + 5e-5
    assert ions["directions"]["z"]["effective"] == pytest.approx(1e-5 / in_series, rel=1e-4)
    assert ions["directions"]["y"]["effective"] == pytest.approx(0.6 * 0.2 + 0.4 * 0.05, rel=1e-4)
    electrons = facts["transport"]["electronic"]
    assert electrons["phases"] == pytest.approx({"active": 3.0})
    assert electrons["resistances"] == []
    assert electrons["directions"]["z"]["percolates"] is False
    assert electrons["directions"]["x"]["effective"] == pytest.approx(0.4 * 3.0, rel=1e-4)


def test_bpx_and_pybamm_names_of_a_case(case, run):
    blend = "mesh={blend={voxels=[12,12,12],voxel_size='1 um',domain_size='4 um',seed=3}}"
    text = CASE[CASE.index("[cell]") :]
    case.write_text(
        f'title = "blend"\n{blend}\n[phases]\n'
        'electrolyte = { material = "Li6PS5Cl", volume_share = 0.45 }\n'
        'active = { material = "NCM83", volume_share = 0.55, sigma_e = "2 S/m" }\n'
        f"{text}",
        encoding="utf-8",
    )
    facts = run(case, "--format", "json").facts
    bpx, pybamm = facts["bpx"], facts["pybamm"]
    through = {name: facts["transport"][name]["directions"]["z"] for name in ("ionic", "electronic")}
    assert bpx["Thickness [m]"] == pytest.approx(12e-6)
    assert bpx["Porosity"] == pytest.approx(0.45, abs=1e-3)
    assert bpx["Transport efficiency"] == pytest.approx(1.0 / through["ionic"]["macmullin_number"])
    assert bpx["Conductivity [S.m-1]"] == through["electronic"]["effective"]
    assert bpx["Surface area per unit volume [m-1]"] == facts["interfaces"][0]["area_corrected_per_m"]
    exponent = pybamm["Positive electrode Bruggeman coefficient (electrolyte)"]
    assert pybamm["Positive electrode porosity"] ** exponent == pytest.approx(bpx["Transport efficiency"])
    assert exponent == pytest.approx(through["ionic"]["bruggeman_exponent"])
    assert pybamm["Positive electrode Bruggeman coefficient (electrode)"] == 0.0
    assert pybamm["Positive electrode conductivity [S.m-1]"] == bpx["Conductivity [S.m-1]"]
    assert pybamm["Positive electrode active material volume fraction"] == pytest.approx(0.55, abs=1e-3)


def test_a_case_takes_overrides_and_has_its_own_walls(case):
    request = from_case(case, ["mesh.side_walls=periodic", "phases.electrolyte.sigma_i=1 S/m"], Plates(axes=(0,)))
    assert request.walls == "periodic"
    assert request.quantities[0].sigma[0] == 1.0
    assert from_case(case, ["mesh.side_walls=periodic"], Plates(walls="sealed")).walls == "sealed"


# -------------------------------------------------------------------------------------- what is written


def test_fields_are_saved(tmp_path, run):
    path = saved(tmp_path, composite())
    out = tmp_path / "new" / "out"
    options = ("--sigma", "0=1 mS/cm", "--sigma", "170=3 mS/cm", "--resistance", "0|170=1e-3 ohm cm2")
    answer = run(path, *options, "--voxel-size", "2,1,1 um", "--walls", "periodic", "--save", out, "--format", "json")
    assert answer.code == 0, answer.err
    assert json.loads((out / "summary.json").read_text(encoding="utf-8")) == answer.facts
    root = xarray.open_zarr(out / "fields.zarr")
    assert root.attrs["spacing_m"] == pytest.approx([2e-6, 1e-6, 1e-6])
    assert root.attrs["phase_names"] == ["0", "85", "170"]
    fields = xarray.open_zarr(out / "fields.zarr", group="conductivity")
    for axis, found in answer.facts["transport"]["conductivity"]["directions"].items():
        flux = fields[f"flux_{axis}"].to_numpy().mean(axis=(1, 2, 3), dtype=float)
        np.testing.assert_allclose(flux, found["flux"], rtol=2e-3, atol=1e-4 * found["effective"])
        potential = fields[f"potential_{axis}"].to_numpy()
        assert np.isnan(potential[root["labels"].to_numpy() == 1]).all()
        assert np.nanmin(potential) > 0.0
        assert np.nanmax(potential) < 1.0
    pyvista = pytest.importorskip("pyvista")
    image = pyvista.read(out / "conductivity_y.vti")
    assert image.dimensions == (10, 11, 13)
    assert image.spacing == pytest.approx((1e-6, 1e-6, 2e-6))
    np.testing.assert_array_equal(image.cell_data["phase"], root["labels"].to_numpy().ravel())
    flux_y = fields["flux_y"].to_numpy()
    np.testing.assert_array_equal(image.cell_data["flux"][:, 1], flux_y[1].ravel())  # y stands second in either order
    np.testing.assert_array_equal(image.cell_data["flux"][:, 2], flux_y[0].ravel())


def test_pictures_are_drawn(tmp_path, run):
    out = tmp_path / "out"
    answer = run(saved(tmp_path, composite()), "--phase", 0, "--save", out, "--plots")
    assert answer.code == 0, answer.err
    assert (out / "plots" / "relative.png").stat().st_size > 10_000
    assert "relative.png" in answer.out.replace("\n", "")


def test_pictures_show_the_middle_of_the_fields(tmp_path):
    from catholyte.effective.cuts import cut

    request = from_image(str(saved(tmp_path, half_open((6, 5, 8)))), ImageOptions(phase=("1",)), Plates())
    cuts = []
    compute(request, solved=lambda quantity, transport: cuts.append(cut(request, quantity, transport)))
    assert [c.axes for c in cuts] == [("z", "x"), ("y", "x"), ("x", "z")]
    through, _, stopped = cuts
    np.testing.assert_array_equal(through.labels, request.labels[:, 2].T)
    np.testing.assert_allclose(through.potential[0], (np.arange(6) + 0.5) / 6.0, atol=1e-4)
    np.testing.assert_allclose(through.flux[:4], 1.0, rtol=1e-3)
    np.testing.assert_array_equal(through.flux[4:], 0.0)
    assert np.isnan(stopped.potential).all()
    figure = transport_cuts(cuts, {"0": "electrolyte", "1": "active"}, unit="1")
    assert len(figure.axes) == 3 * 3 + 2
    assert any("does not percolate" in text.get_text() for axes in figure.axes for text in axes.texts)
    figure = transport_cuts([stopped], {"0": "electrolyte", "1": "active"}, unit="1")
    assert len(figure.axes) == 3 + 1


@pytest.mark.parametrize("walls", ["sealed", "periodic"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_local_flux_is_conserved(axis, walls):
    """What goes in on one side of a layer across the plates comes out on the other, resistances included."""
    from catholyte.models.effective import effective_transport

    labels = (composite() // 85).astype(np.uint8)
    sigma, edges = (1.0, 5.0, 0.3), (1.0, 0.7, 1.3)
    resistance = np.array([[0.0, 0.4, 0.0], [0.4, 0.0, 0.1], [0.0, 0.1, 0.0]])
    options = {"axis": axis, "walls": walls, "resistance": resistance}
    found = effective_transport(labels, edges, np.array(sigma), tolerance=1e-7, keep_potential=True, **options)
    flux = local_flux(labels, found.potential, edges, sigma, **options)
    across = tuple(a for a in range(3) if a != axis)
    np.testing.assert_allclose(flux[axis].mean(axis=across, dtype=float), found.value, rtol=2e-3)
    np.testing.assert_allclose(flux.mean(axis=(1, 2, 3), dtype=float), found.flux, rtol=2e-3, atol=1e-4 * found.value)
    box = (slice(2, 5), slice(0, 10), slice(4, 5))
    part = local_flux(labels, found.potential, edges, sigma, box=box, **options)
    np.testing.assert_array_equal(part, flux[(slice(None), *box)])


# ------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ("--sigma", "--phase")),
        (("--phase", 84), ("--phase", "84", "0, 85, 170", "did you mean '85'")),
        (("--phase", "pore"), ("--phase", "'pore'", "0, 85, 170")),
        (("--phase", 0, "--phase", 0), ("--phase", "each label once")),
        (("--phase", 0, "--sigma", "0=1"), ("--phase", "not both")),
        (("--sigma", "0"), ("--sigma", "LABEL=VALUE")),
        (("--sigma", "0=-1 S/m"), ("--sigma", "-1 S/m", "not negative")),
        (("--sigma", "0=nan"), ("--sigma", "nan")),
        (("--sigma", "0=1e400 S/m"), ("--sigma", "1e400")),
        (("--sigma", "0=1 mS"), ("--sigma", "conductivity", "diffusivity", "did you mean '0=1 mS/cm'")),
        (("--sigma", "0=1", "--sigma", "85=1 S/m"), ("--sigma", "85=1 S/m", "one kind", "plain number")),
        (("--sigma", "0=1e-9 m2/s", "--sigma", "85=1 S/m"), ("--sigma", "one kind", "diffusivity")),
        (("--sigma", "0=0"), ("--sigma", "above zero")),
        (("--phase", 0, "--axis", "w"), ("--axis", "'w'", "z, y, x, all")),
        (("--phase", 0, "--walls", "periodc"), ("--walls", "did you mean 'periodic'")),
        (("--phase", 0, "--tolerance", "2"), ("--tolerance", "2.0", "1e-4")),
        (("--phase", 0, "--voxel-size", "0.4"), ("--voxel-size", "length", "um")),
        (("--phase", 0, "--voxel-size", "0.4 V"), ("--voxel-size", "0.4 V")),
        (("--phase", 0, "--voxel-size", "0.4,0.5 um"), ("--voxel-size", "three")),
        (("--phase", 0, "--voxel-size", "0 um"), ("--voxel-size", "greater than zero")),
        (("--phase", 0, "--crop", "0:3"), ("--crop", "z0:z1")),
        (("--phase", 0, "--crop", "0:3,0:3,0:99"), ("--crop", "0:99", "x0 < x1 <= 9")),
        (("--phase", 0, "--shape", "a,b"), ("--shape", "a,b")),
        (("--phase", 0, "--format", "jsn"), ("--format", "did you mean 'json'")),
        (("--phase", 0, "--plots"), ("--plots", "--save")),
        (("--phase", 0, "--set", "mesh.packing.seed=1"), ("--set", "case")),
        (("--phase", 0, "--resistance", "0|85=1 ohm cm2"), ("--phase", "ohm m2")),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_computed(tmp_path, run, monkeypatch, options, words):
    from catholyte.effective import study

    monkeypatch.setattr(study, "effective_transport", lambda *_, **__: pytest.fail("computed"))
    answer = run(saved(tmp_path, composite()), *options)
    assert answer.code == 2, answer.out
    for word in words:
        assert word in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("resistance", "words"),
    [
        ("0|0=1 ohm cm2", ("two different phases",)),
        ("0|170=1 ohm cm2", ("two phases that conduct", "170")),
        ("0|86=1 ohm cm2", ("did you mean '85'",)),
        ("0|85=-1 ohm cm2", ("not negative",)),
        ("0|85=1", ("ohm cm2",)),
        ("0|85=1 ohm", ("area resistance",)),
        ("0-85=1 ohm cm2", ("A|B=VALUE",)),
    ],
)
def test_wrong_resistances(tmp_path, run, resistance, words):
    sigma = ("--sigma", "0=1 S/m", "--sigma", "85=2 S/m", "--voxel-size", "1 um")
    answer = run(saved(tmp_path, composite()), *sigma, "--resistance", resistance)
    assert answer.code == 2
    for word in ("--resistance", *words):
        assert word in answer.err


def test_a_resistance_twice_or_without_a_scale(tmp_path, run):
    sigma = ("--sigma", "0=1 S/m", "--sigma", "85=2 S/m")
    path = saved(tmp_path, composite())
    answer = run(path, *sigma, "--resistance", "0|85=1 ohm cm2")
    assert answer.code == 2
    assert "--voxel-size" in answer.err
    twice = ("--resistance", "0|85=1 ohm cm2", "--resistance", "85|0=2 ohm cm2", "--voxel-size", "1 um")
    answer = run(path, *sigma, *twice)
    assert answer.code == 2
    assert "each pair once" in answer.err


def test_sources_that_are_not_there(tmp_path, run):
    saved(tmp_path, composite(), "scan.tif")
    for source, words in (
        (tmp_path / "scn.tif", ("existing file", "did you mean 'scan.tif'")),
        ("taufactor-electrod", ("did you mean 'taufactor-electrode'",)),
        (tmp_path / "no.toml", ("no.toml",)),
    ):
        answer = run(source, "--phase", 0) if str(source)[-5:] != ".toml" else run(source)
        assert answer.code == 2
        for word in words:
            assert word in answer.err


def test_reading_errors_name_the_option(tmp_path, run):
    np.savez(tmp_path / "two.npz", first=composite(), second=composite())
    answer = run(tmp_path / "two.npz", "--phase", 0)
    assert answer.code == 2
    assert "--array" in answer.err


def test_grey_values_are_no_labels(tmp_path, run):
    image = np.arange(1000, dtype=np.uint16).reshape(10, 10, 10)
    answer = run(saved(tmp_path, image), "--phase", 0)
    assert answer.code == 2
    assert "1000 labels" in answer.err
    assert "segmented" in answer.err


def test_options_of_images_do_not_belong_to_cases(case, run):
    for options in (("--phase", "1"), ("--sigma", "1=1"), ("--crop", "0:1,0:1,0:1"), ("--voxel-size", "1 um")):
        answer = run(case, *options)
        assert answer.code == 2
        assert options[0] in answer.err
        assert "--set" in answer.err


def test_a_result_is_never_overwritten(tmp_path, run):
    (tmp_path / "out").mkdir()
    answer = run(saved(tmp_path, composite()), "--phase", 0, "--save", tmp_path / "out")
    assert answer.code == 2
    assert "--save" in answer.err
    answer = run(tmp_path / "image.tif", "--phase", 0, "--save", tmp_path / "image.tif" / "below")
    assert answer.code == 2
    assert "is a file" in answer.err
