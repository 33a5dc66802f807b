"""[mesh.layers]: what a case says becomes layers, and every fault in it is answered."""

import json

import pytest

from catholyte.build import build
from catholyte.build.cell import load_materials
from catholyte.build.geometry import geometry
from catholyte.build.layers import effective, layered_geometry
from catholyte.case import parse_case
from catholyte.errors import InputError, InputErrors

CASE = """
title = "layers"
[mesh]
separator = "20 um"
[mesh.layers]
count = 10
thickness = "60 um"
domain = { phase = "active", diameter = "5 um" }
conduction = { sigma_e = "1 S/m", sigma_i = "0.2 mS/cm" }
[phases]
active = { material = "NCM811", mass_share = 0.7 }
electrolyte = { material = "Li6PS5Cl", mass_share = 0.27 }
carbon = { material = "carbon", mass_share = 0.03 }
void = { material = "void", volume_share = 0.1 }
[interfaces."electrolyte|separator"]
contact_resistance = "1 ohm cm2"
[cell]
counter = "Li-In"
initial = { voltage = "4.1 V" }
[experiment]
steps = ["Discharge at C/2 until 3 V"]
"""
LAYERS = "mesh.layers"


def case(*overrides, folder=None):
    return parse_case(CASE, overrides, **({} if folder is None else {"folder": folder}))


def test_the_recipe_fills_the_layers():
    built = build(case())
    graph, names = built.graph, built.graph.phase_names
    assert names == ("separator", "ions", "electrons", "active", "electrolyte")
    shares = built.design.volume_shares
    density = {name: built.materials[name].property("density").value for name in ("active", "electrolyte", "carbon")}
    mass = {name: shares[name] * density[name] for name in density}
    for name, share in (("active", 0.7), ("electrolyte", 0.27), ("carbon", 0.03)):
        assert mass[name] / sum(mass.values()) == pytest.approx(share)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert built.design.porosity == pytest.approx(0.1)
    assert built.design.thickness == 60e-6
    for k, name in enumerate(names[3:], start=3):
        assert graph.volume[graph.phase == k].sum() == pytest.approx(shares[name] * 60e-6)
    assert "carbon" not in names
    assert built.geometry.cross_section == 1.0
    assert built.geometry.layer("separator") == 20e-6
    assert built.geometry.layer("collector") == 0.0


def test_unknowns_are_potentials_of_layers_and_lithium_of_shells():
    assert build(case()).unknowns == (1 + 2 * 10) + 10 * 8 + 1


def test_shells_are_as_many_as_the_case_says():
    built = build(case(f"{LAYERS}.domain.shells=3", f"{LAYERS}.electrolyte={{phase='electrolyte', shells=2}}"))
    assert built.graph.n_cells == 1 + 2 * 10 + 10 * 5


def test_loading_gives_the_thickness():
    text = CASE.replace('thickness = "60 um"', 'loading = "12 mg/cm2"')
    built = build(parse_case(text))
    assert built.design.active_areal_mass == pytest.approx(0.12)
    assert built.design.thickness == pytest.approx(60e-6, rel=0.1)


def test_distributions_of_sizes():
    built = build(case(f"{LAYERS}.domain.diameter={{median='5 um', spread=0.4, classes=3}}"))
    sizes = built.geometry.domains.sizes
    assert len(sizes) == 3
    assert len(build(case(f"{LAYERS}.domain.diameter={{median='5 um', spread=0.4}}")).geometry.domains.sizes) == 5
    listed = build(case(f"{LAYERS}.domain.diameter={{sizes=['2 um', '6 um'], shares=['30 %', '70 %']}}"))
    assert [(s.diameter, s.share) for s in listed.geometry.domains.sizes] == [
        (pytest.approx(2e-6), pytest.approx(0.3)),
        (pytest.approx(6e-6), pytest.approx(0.7)),
    ]


def test_the_contact_with_the_separator_is_that_of_the_layers():
    parameters = build(case()).parameters
    assert parameters.interface("ions", "separator").contact_resistance == pytest.approx(1e-4)
    assert parameters.phases["electrons"].sigma == 1.0
    assert parameters.phases["ions"].sigma == pytest.approx(0.02)


def test_bruggeman_reduces_the_conductivities_of_the_materials():
    made = case(f"{LAYERS}.conduction={{bruggeman=1.5}}")
    materials = load_materials(made)
    shares = layered_geometry(made, materials).shares
    conduction = made.mesh.layers.conduction

    def sigma(name, key, T=298.15):
        return materials[name].property(key).at(T)

    ions = sigma("electrolyte", "sigma_i") * shares["electrolyte"] ** 1.5
    assert effective(made, conduction, materials, "sigma_i", 298.15) == pytest.approx(ions)
    electrons = sum(sigma(name, "sigma_e") * shares[name] ** 1.5 for name in ("active", "carbon"))
    assert effective(made, conduction, materials, "sigma_e", 298.15) == pytest.approx(electrons)
    warm = effective(made, conduction, materials, "sigma_i", 333.15)
    assert warm / ions == pytest.approx(sigma("electrolyte", "sigma_i", 333.15) / sigma("electrolyte", "sigma_i"))


def saved(folder, **changes):
    """Write what `catholyte effective --save` writes, as far as it is read."""
    transport = {
        "ionic": {
            "phases": {"electrolyte": 0.1},
            "directions": {"z": {"percolates": True, "effective": 0.03}},
        },
        "electronic": {
            "phases": {"active": 1.0, "carbon": 1e3},
            "directions": {"z": {"percolates": True, "effective": 4.0}},
        },
    }
    for path, value in changes.items():
        *above, last = path.split("__")
        entry = transport
        for key in above:
            entry = entry[key]
        if value is None:
            del entry[last]
        else:
            entry[last] = value
    target = folder / "nano.effective"
    target.mkdir()
    (target / "summary.json").write_text(json.dumps({"transport": transport}), encoding="utf-8")


def test_a_computed_conductivity_follows_the_one_phase_that_conducts(tmp_path):
    saved(tmp_path)
    made = case(f"{LAYERS}.conduction={{result='nano.effective'}}", folder=tmp_path)
    phases = build(made).parameters.phases
    sigma = build(made).materials["electrolyte"].property("sigma_i").at(298.15)
    assert phases["ions"].sigma == pytest.approx(0.03 * sigma / 0.1)
    assert phases["electrons"].sigma == 4.0  # of several phases it is taken as it is


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ionic": None}, r"with ionic transport, or sigma_i beside it; this one has electronic"),
        ({"electronic__directions": {"x": {}}}, r"along z, the depth; it has x"),
        ({"ionic__directions__z__percolates": False}, r"whose ionic conductors percolate along z"),
    ],
)
def test_results_that_do_not_say_it(tmp_path, changes, said):
    saved(tmp_path, **changes)
    with pytest.raises(InputError, match=said):
        build(case(f"{LAYERS}.conduction={{result='nano.effective'}}", folder=tmp_path))


def test_a_result_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"mesh.layers.conduction.result = 'nano.effective': expected the folder"):
        build(case(f"{LAYERS}.conduction={{result='nano.effective'}}", folder=tmp_path))


def test_the_hash_is_that_of_the_layers():
    one, same = build(case()), build(case("cell.temperature=40 degC"))
    other = build(case(f"{LAYERS}.domain.shells=9"))
    assert one.mesh_sha256 == same.mesh_sha256 != other.mesh_sha256


def test_layers_are_no_image():
    made = case()
    with pytest.raises(InputError, match="layers are no image of voxels"):
        geometry(made, load_materials(made))


def test_a_phase_without_volume_makes_no_layers():
    with pytest.raises(InputError, match=r"phases.active = '0': expected a phase with a share of the volume above 0"):
        build(case("phases.active.mass_share=0"))


def test_a_double_layer_needs_a_resistance_in_front_of_it():
    layer = "interfaces.active|electrolyte.double_layer=10 uF/cm2"
    with pytest.raises(InputError, match=r"electrolyte.film_resistance = '0 ohm cm2': expected at least 0\.\d+"):
        build(case(layer))
    build(case(layer, "interfaces.active|electrolyte.film_resistance=0.1 ohm cm2"))
    build(case(layer, "solver.double_layers=spectra"))
    constant_phase = "interfaces.active|electrolyte.double_layer={capacitance='10 uF/cm2', exponent=0.9}"
    build(case(constant_phase))


def test_domains_of_a_conductor_need_no_active_material():
    """What reacts there the electrolyte brings."""
    text = CASE.replace('initial = { voltage = "4.1 V" }', 'mass_basis = "electrolyte"')
    text = text.replace("until 3 V", "until 1 V")
    built = build(parse_case(text, ["phases.active.material=carbon", "phases.electrolyte.material=LIC6"]))
    assert built.geometry.domains.shells == 1
    assert built.graph.phase_names[-2:] == ("active", "electrolyte")
    assert built.percolation.reacting == {"active": 1.0}


FAULTS = [
    (["domain.phase=actve"], "domain.phase = 'actve': expected the name of a phase", "did you mean 'active'?"),
    (["domain.phase=void"], "domain.phase = 'void': expected a phase of kind active or conductor", "of kind void"),
    (["electrolyte=carbon"], "electrolyte", "a phase of kind electrolyte; carbon is of kind conductor"),
    (["loading=2 mg/cm2"], "thickness = '60 um': expected exactly one of thickness", "and loading, like '2 mg/cm2'"),
    (["count=0"], "count = 0", "a whole number from 1"),
    (["domain.shape=sphre"], "domain.shape = 'sphre'", "did you mean 'sphere'?"),
    (["domain.widths=fine"], "domain.widths = 'fine'", "'graded', 'even', 'equal volume'"),
    (["domain.diameter={spread=0.3}"], "domain.diameter.median", "exactly one of median"),
    (["domain.diameter={sizes=['1 um', '2 um']}"], "domain.diameter.shares", "2 shares of the volume"),
    (["domain.diameter={sizes=['1 um', '2 um'], shares=[0.5, 0.6]}"], "domain.diameter.shares", "sum to 1, not 1.1"),
    (["domain.diameter={sizes=['1 um'], shares=[1], spread=0.2}"], "domain.diameter.spread", "with median only"),
    (["domain.diameter={median='1 um', shares=[1]}"], "domain.diameter.shares", "with sizes only"),
    (["domain.diameter={median='1 um', classes=3}"], "domain.diameter.classes", "a spread above 0"),
    (["conduction={bruggeman=0.5}"], "conduction.bruggeman = 0.5", "an exponent from 1 to 10"),
    (["conduction={sigma_e='1 S/m'}"], "conduction.sigma_i = missing", "bruggeman, like 1.5, or result, a folder"),
    (["conduction={}"], "conduction.sigma_e = missing", "sigma_e and sigma_i, or where they come from"),
    (["conduction={bruggeman=1.5, result='x'}"], "conduction.result", "one of bruggeman and result, not both"),
    (["conduction.bruggeman=1.5"], "conduction.bruggeman", "nothing beside sigma_e and sigma_i"),
    (["conduction.sigma_i=0 S/m"], "conduction.sigma_i", "a conductivity above zero"),
    (["cuont=3"], "cuont", "did you mean 'count'?"),
]


@pytest.mark.parametrize(("overrides", "key", "said"), FAULTS, ids=[" ".join(fault[0]) for fault in FAULTS])
def test_faults_of_the_table(overrides, key, said):
    with pytest.raises(InputErrors) as caught:
        case(*(f"{LAYERS}.{override}" for override in overrides))
    (error,) = caught.value.errors
    assert f"{LAYERS}.{key}" in str(error)
    assert said in str(error)


@pytest.mark.parametrize(
    ("override", "key", "said"),
    [
        ("mesh.collector=1 um", "mesh.collector", "no collector with mesh.layers"),
        ("mesh.side_walls=periodic", "mesh.side_walls", "layers have no side walls"),
        ("phases.active.diameter=5 um", "phases.active.diameter", "with mesh.packing only, not with mesh.layers"),
        ("phases.carbon.material=NCM811", "phases.carbon.material", "a conductor or a void beside the domains"),
        ("phases.void={material='Li3InCl6', mass_share=0.1}", f"{LAYERS}.electrolyte", "several (electrolyte, void)"),
        ("phases.ions={material='carbon', mass_share=0.1}", "phases.ions", "'ions' is what conducts along the depth"),
        ("interfaces.active|carbon.contact_resistance=1 ohm cm2", "interfaces.active|carbon", "cell.series_resistance"),
        ("interfaces.active|collector.contact_resistance=1 ohm cm2", "interfaces.active|collector", "of the layers"),
        ("phases.void.volume_share=1", "phases.void.volume_share", "leave room for the phases with a mass share"),
    ],
)
def test_faults_around_it(override, key, said):
    with pytest.raises(InputErrors) as caught:
        case(override)
    errors = [str(error) for error in caught.value.errors]
    assert any(key in error and said in error for error in errors), errors


def test_two_geometries():
    with pytest.raises(InputErrors, match="exactly one of the tables image, packing, blend, laminate, layers"):
        case("mesh.laminate={voxel_size='1 um', stack=[['active', '5 um']]}")
