"""``catholyte design``: masses, volumes and energies of electrode and cell."""

import json

import numpy as np
import pytest

from catholyte.build.cell import load_materials
from catholyte.build.energy import cell_design, electrode_recipe, expected_delivery, surroundings, with_active_share
from catholyte.case import read_case
from catholyte.commands.design import design, read_shares
from catholyte.errors import InputError
from catholyte.materials import load_material
from catholyte.materials.energy import host_energy

T = 298.15
WH = 3600.0
PACKING = """
title = "composite"
[mesh]
packing = { voxels = [40, 20, 20], voxel_size = "0.5 um", seed = 3 }
separator = "10 um"
collector = "5 um"
[phases]
active = { material = "NCM83", mass_share = 0.7, diameter = "3 um" }
electrolyte = { material = "Li3InCl6", mass_share = 0.25 }
carbon = { material = "carbon", mass_share = 0.05, diameter = "1 um" }
void = { material = "void", volume_share = 0.1 }
[interfaces."active|electrolyte"]
[cell]
counter = "Li"
initial = { voltage = "4.2 V" }
[experiment]
steps = ["Rest for 1 minute"]
"""
DENSE = """
title = "dense"
[mesh]
laminate = { voxel_size = "1 um", stack = [["active", "50 um"]] }
separator = { thickness = "20 um", material = "Li6PS5Cl" }
[phases]
active = { material = "NAME", sigma_e = "1 mS/cm", sigma_i = "1 mS/cm" }
[cell]
counter = "Li"
initial = { lithiation = 0.5 }
[experiment]
steps = ["Rest for 1 minute"]
"""


def write(folder, text, name="case.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def made(path, *overrides, excess=1.0, share=None):
    case = read_case(path, overrides)
    materials = load_materials(case)
    around = surroundings(case, materials, {}, excess)
    recipe = electrode_recipe(case, materials)
    if share is not None:
        recipe = with_active_share(recipe, materials, share)
    return cell_design(case, recipe, materials, around, expected_delivery(case, recipe, materials, around.counter))


@pytest.fixture
def packing(tmp_path):
    return write(tmp_path, PACKING)


def facts(capsys, *args, **options):
    design(*args, form="json", **options)
    return json.loads(capsys.readouterr().out)


# ---------------------------------------------------------------------------------------------------- numbers


def test_shares_are_those_of_the_recipe_and_add_up(packing, capsys):
    found = facts(capsys, packing)
    inside = {part["name"]: part for part in found["components"] if part["mass_share_of_electrode"] is not None}
    assert inside["active"]["mass_share_of_electrode"] == pytest.approx(0.7)
    assert inside["carbon"]["mass_share_of_electrode"] == pytest.approx(0.05)
    assert inside["void"]["volume_share_of_electrode"] == pytest.approx(0.1)
    for key in ("mass_share_of_electrode", "volume_share_of_electrode"):
        assert sum(part[key] for part in inside.values()) == pytest.approx(1.0)
    for key in ("mass_share_of_cell", "volume_share_of_cell"):
        assert sum(part[key] for part in found["components"]) == pytest.approx(1.0)


def test_energy_by_hand(packing):
    """One electrode of known mass: every level from densities, thicknesses, Faraday's law and the mean of U(x)."""
    found = made(packing, excess=1.5)
    rho = {name: load_material(name).property("density").value for name in ("NCM83", "Li3InCl6", "carbon")}
    specific = 0.7 / rho["NCM83"] + 0.25 / rho["Li3InCl6"] + 0.05 / rho["carbon"]
    electrode = 20e-6 * 0.9 / specific
    capacity = 0.7 * electrode * load_material("NCM83").property("nominal_capacity").value
    lithium = 1.5 * capacity / (3862 * 3600)
    rest = 10e-6 * rho["Li3InCl6"] + 5e-6 * load_material("aluminium").property("density").value
    volume = 35e-6 + lithium / 534.0
    voltage = host_energy(load_material("NCM83"), T).voltage
    assert found.areal_capacity == pytest.approx(capacity, rel=1e-6)
    assert found.electrode.specific_energy == pytest.approx(capacity * voltage / electrode, rel=1e-6)
    assert found.electrode.energy_density == pytest.approx(capacity * voltage / 20e-6, rel=1e-6)
    assert found.cell.specific_energy == pytest.approx(capacity * voltage / (electrode + lithium + rest), rel=1e-4)
    assert found.cell.energy_density == pytest.approx(capacity * voltage / volume, rel=1e-4)


def test_counter_electrode_lowers_the_voltage_of_the_cell_alone(packing):
    lithium, indium = made(packing), made(packing, "cell.counter=Li-In")
    assert indium.active.energy == pytest.approx(lithium.active.energy)
    assert lithium.cell.energy - indium.cell.energy == pytest.approx(0.62 * lithium.areal_capacity)
    assert indium.cell.mass > lithium.cell.mass
    bare = made(packing, excess=0.0)
    assert [part.name for part in bare.components][-1] == "collector"
    assert bare.cell.energy == pytest.approx(lithium.cell.energy)


def test_sweep_keeps_thickness_porosity_and_the_mix_of_the_rest(packing):
    for share in (0.3, 0.7, 0.95, 1.0):
        found = made(packing, share=share)
        inside = {part.name: part for part in found.components if part.in_electrode}
        assert found.active_share == pytest.approx(share)
        assert sum(part.volume for part in inside.values()) == pytest.approx(20e-6)
        assert inside["void"].volume == pytest.approx(2e-6)
        assert inside["electrolyte"].mass == pytest.approx(5.0 * inside["carbon"].mass)
        assert found.electrode.specific_energy == pytest.approx(share * found.active.specific_energy)
    assert made(packing, share=0.7).cell.energy == pytest.approx(made(packing).cell.energy)


def test_image_counts_as_it_is(packing, tmp_path):
    """The voxels of an image decide, whatever the recipe of its case would say."""
    labels = np.zeros((20, 4, 4), dtype=np.uint8)
    labels[:5] = 1
    np.save(tmp_path / "image.npy", labels)
    text = PACKING.replace(
        'packing = { voxels = [40, 20, 20], voxel_size = "0.5 um", seed = 3 }',
        'image = { file = "image.npy", voxel_size = "1 um" }',
    )
    text = text[: text.index("[phases]")] + (
        '[phases]\nactive = { material = "NCM83", label = 0 }\nelectrolyte = { material = "Li3InCl6", label = 1 }\n'
        + text[text.index('[interfaces."active') :]
    )
    found = made(write(tmp_path, text, "image.toml"))
    assert {part.name: part.volume for part in found.components}["active"] == pytest.approx(15e-6)


def test_recipe_needs_no_mesh(packing, monkeypatch):
    def never(*args, **options):
        raise AssertionError("a packing was made")

    monkeypatch.setattr("catholyte.mesh.generate.packing", never)
    assert made(packing).areal_capacity > 0.0


# ------------------------------------------------------------------------------------------- printed energies


def test_printed_energy_of_the_sulphide(tmp_path):
    """600 Wh/kg are printed for 245 mAh/g at 2.5 V, which is 612.5; 2.45 V would still be printed as 2.5."""
    path = write(tmp_path, DENSE.replace("NAME", "Li1.13Ti0.57Fe0.3S2"))
    found = made(path, "cell.nominal_capacity=245 mAh/g")
    energy = found.active.specific_energy / WH
    assert energy == pytest.approx(612.5, abs=0.5)
    assert energy - 0.05 * 245 - 0.5 * 2.5 < 600.0 < energy
    assert found.lithiated is None  # its formula has the lithium


def test_printed_energy_of_iron_chloride(tmp_path):
    """558 Wh/kg are printed; 159 mAh/g at 3.65 V are 580 per gram of FeCl3, and 557 per gram with its lithium."""
    found = made(write(tmp_path, DENSE.replace("NAME", "FeCl3")))
    rounding = (0.5 / 159 + 0.005 / 3.65) * 580
    assert found.active.specific_energy / WH == pytest.approx(580.35, abs=0.1)
    assert abs(found.active.specific_energy / WH - 558) > rounding
    assert found.lithiated is not None
    assert found.lithiated.specific_energy / WH == pytest.approx(558, abs=rounding)


def test_lithium_taken_up_is_that_of_the_capacity():
    """FeCl3 + 159/165.2 Li: the mass grows by so many lithium atoms per formula unit."""
    iron = load_material("FeCl3")
    electrons = 159 * 3.6 * iron.property("molar_mass").value * 1e3 / 96485.33
    found = host_energy(iron, T)
    assert found.specific / found.lithiated == pytest.approx(1 + electrons * 6.94 / 162.19, rel=1e-4)


# ---------------------------------------------------------------------------------------------------- options


def test_measured_voltage_and_capacity(packing, tmp_path, capsys):
    """A dense layer that was run: the design takes what its discharge gave."""
    from catholyte.build import build
    from catholyte.results import Results
    from catholyte.simulation import Simulation

    text = DENSE.replace("NAME", "LTGPSSe").replace(', sigma_e = "1 mS/cm", sigma_i = "1 mS/cm"', "")
    text = text.replace("lithiation = 0.5", "lithiation = 0.1").replace(
        "Rest for 1 minute", "Discharge at 1C until 2.3 V"
    )
    text = text.replace('voxel_size = "1 um"', 'voxel_size = "10 um"')
    path = write(tmp_path, text, "run.toml")
    Simulation(build(read_case(path))).run(tmp_path / "run.results")
    summary = Results.open(tmp_path / "run.results").summary()
    found = facts(capsys, path, result=tmp_path / "run.results")
    assert found["capacity_mAh_g"] == pytest.approx(summary["discharge_capacity_mAh_g"])
    assert found["mean_voltage_vs_Li_V"] == pytest.approx(summary["mean_discharge_voltage_vs_Li_V"])
    energy = found["levels"]["active"]["specific_energy_Wh_kg"]
    assert energy == pytest.approx(summary["discharge_energy_Wh_kg"], rel=1e-9)


def test_layers_may_be_given(packing, capsys):
    found = facts(capsys, packing, separator="Li6PS5Cl, 30 um", collector="aluminium, 12 um", active_share="80 %")
    parts = {part["name"]: part for part in found["components"]}
    assert parts["separator"]["material"] == "Li6PS5Cl"
    assert parts["separator"]["thickness_um"] == pytest.approx(30.0)
    assert parts["collector"]["areal_mass_mg_cm2"] == pytest.approx(12e-4 * 2.7e3, rel=0.01)
    assert found["active_mass_share"] == pytest.approx(0.8)


def test_sweep_as_table_json_and_picture(packing, capsys, tmp_path):
    found = facts(capsys, packing, active_share="0.5:1:0.25", plot=tmp_path / "sweep.png")
    assert [each["active_mass_share"] for each in found] == pytest.approx([0.5, 0.75, 1.0])
    assert (tmp_path / "sweep.png").stat().st_size > 10_000
    design(packing, active_share="0.5:1:0.25")
    assert "porosity kept" in capsys.readouterr().out
    design(packing, plot=tmp_path / "shares.svg")
    assert "Wh/kg" in capsys.readouterr().out
    assert (tmp_path / "shares.svg").is_file()


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("0.9", [0.9]),
        ("50%:100%:25%", [0.5, 0.75, 1.0]),
        ("0.5:0.6:0.04", [0.5, 0.54, 0.58, 0.6]),
        ("0.7:0.7:1", [0.7]),
    ],
)
def test_shares_are_read_with_both_ends(text, shares):
    assert read_shares(text) == pytest.approx(shares)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"active_share": "0.5:1"}, "--active-share"),
        ({"active_share": "1:0.5:0.1"}, "--active-share"),
        ({"active_share": "0.5:1:1e-9"}, "--active-share"),
        ({"active_share": "0"}, "--active-share"),
        ({"active_share": "1.2"}, "--active-share"),
        ({"collector": "aluminium"}, "--collector"),
        ({"collector": "aluminium, 0 um"}, "--collector"),
        ({"collector": "aluminimum, 15 um"}, "material"),
        ({"counter_excess": -1.0}, "--counter-excess"),
        ({"voltage": "3 V", "result": "x.results"}, "--voltage"),
        ({"voltage": "-1 V"}, "--voltage"),
        ({"form": "yaml"}, "--format"),
    ],
)
def test_faulty_options_are_refused(packing, options, key):
    with pytest.raises(InputError) as caught:
        design(packing, **options)
    assert caught.value.key == key


def test_nothing_beside_the_active_material_cannot_be_added(tmp_path):
    with pytest.raises(InputError, match="nothing but active material"):
        design(write(tmp_path, DENSE.replace("NAME", "LTGPSSe")), active_share="0.5:1:0.1")


def test_chemistry_needs_a_voltage(tmp_path, capsys):
    text = PACKING.replace('"NCM83"', '"I2-carbon"').replace('"Li3InCl6"', '"LIC7.2"')
    path = write(tmp_path, text.replace('initial = { voltage = "4.2 V" }', ""))
    with pytest.raises(InputError, match="no U\\(x\\) of one host"):
        design(path)
    found = facts(capsys, path, voltage="3.2 V")
    assert found["levels"]["active"]["specific_energy_Wh_kg"] == pytest.approx(422 * 3.2, rel=1e-3)
