"""Reactions of materials and of the case become networks, and a case says before any computing what it cannot have."""

import math

import numpy as np
import pytest

from catholyte.build import build
from catholyte.build.cell import interface_parameters, load_materials, phase_parameters
from catholyte.build.chemistry import TRACE, networks, stocks
from catholyte.build.reactions import planned_reactions
from catholyte.case import parse_case
from catholyte.errors import InputError, InputErrors
from catholyte.physics.constants import F, R
from catholyte.physics.kinetics import ButlerVolmer, Linear, MarcusHushChidsey, Tafel
from catholyte.physics.network import Hysteresis

T = 298.15

HOST = """
name = "redox"
kind = "active"
formula = "X"

[density]
value = "2 g/cm3"
assumed = "test"
[sigma_e]
value = "10 S/m"
assumed = "test"
[active_share]
value = "50 %"
assumed = "test"

[lattices.main]
filling = "full"
sites = { value = "10 mol/L", assumed = "test" }
D = { value = "1e-18 m2/s", assumed = "test", activation_energy = "30 kJ/mol", activation_energy_assumed = "test" }
[lattices.gas]
filling = "vacancies"
sites = { value = "1 mol/L", assumed = "test" }

[species.I-]
lattice = "main"
initial = 0.4
assumed = "test"
[species.I0]
lattice = "main"
initial = 0.6
assumed = "test"
[species.ICl]
lattice = "main"
[species.Br-]
lattice = "gas"
initial = 0.25
assumed = "test"

[reactions.lower]
equation = "I- <=> I0 + e-"
potential = { value = "3.0 V", assumed = "test" }
hysteresis = { width = "0.4 V", span = 0.05, assumed = "test" }
[reactions.lower.exchange_current]
value = "0.2 A/m2"
assumed = "test"
activation_energy = "40 kJ/mol"
activation_energy_assumed = "test"

[reactions.upper]
equation = "I0 + Cl-(electrolyte) <=> ICl + e-"
potential = { value = "3.7 V", assumed = "test" }
exchange_current = { value = "0.1 A/m2", assumed = "test" }
"""
SALT = """
name = "salt"
kind = "electrolyte"
formula = "Y"

[density]
value = "3 g/cm3"
assumed = "test"
[sigma_i]
value = "0.1 S/m"
assumed = "test"

[lattices.chloride]
filling = "dilute"
sites = { value = "15 mol/L", assumed = "test" }
[species.Cl-]
lattice = "chloride"
initial = 0.8
assumed = "test"
[species.Cl0]
lattice = "chloride"
[reactions.loss]
equation = "Cl- => Cl0 + e-"
potential = { value = "4.0 V", assumed = "test" }
exchange_current = { value = "1e-4 A/m2", assumed = "test" }

[lattices.metal]
filling = "full"
sites = { value = "2 mol/L", assumed = "test" }
[species."In3+"]
lattice = "metal"
initial = 1.0
assumed = "test"
[species."In2+"]
lattice = "metal"
[reactions.metal]
equation = "In2+ <=> In3+ + e-"
potential = { value = "2.35 V", assumed = "test" }
exchange_current = { value = "0.01 A/m2", assumed = "test" }
"""
PLAIN = """
name = "plain"
kind = "electrolyte"
formula = "Z"
[density]
value = "3 g/cm3"
assumed = "test"
[sigma_i]
value = "0.1 S/m"
assumed = "test"
"""
CASE = """
title = "a network"
[mesh.laminate]
voxel_size = "1 nm"
stack = [["salt", "3 nm"], ["host", "2 nm"]]
[phases]
host = { material = "host.toml" }
salt = { material = "salt.toml" }
[cell]
counter = "Li-In"
[experiment]
steps = ["Charge at 22 mA/g until 4 V"]
"""


@pytest.fixture
def case(tmp_path):
    """Return a function that reads the case with further TOML and overrides."""
    for name, text in (("host", HOST), ("salt", SALT), ("plain", PLAIN)):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")

    def read(more="", *overrides):
        return parse_case(CASE + more, overrides, folder=tmp_path)

    return read


def network(case, T=T, pair=("host", "salt")):
    return networks(case, load_materials(case), T)[frozenset(pair)]


def reaction(case, name, T=T, pair=("host", "salt")):
    return next(each for each in network(case, T, pair).reactions if each.name == name)


def refusals(case):
    with pytest.raises((InputError, InputErrors)) as caught:
        build(case)
    return [caught.value] if isinstance(caught.value, InputError) else list(caught.value.errors)


# ------------------------------------------------------------------------------------------------ the network


def test_both_materials_bring_their_reactions(case):
    found = network(case())
    assert [each.name for each in found.reactions] == ["lower", "upper", "loss", "metal"]
    lower, upper, loss, _ = found.reactions
    assert lower.stoichiometry == {(0, "I-"): -1.0, (0, "I0"): 1.0}
    assert upper.stoichiometry == {(0, "I0"): -1.0, (1, "Cl-"): -1.0, (0, "ICl"): 1.0}
    assert loss.stoichiometry == {(1, "Cl-"): -1.0, (1, "Cl0"): 1.0}
    assert loss.direction == "oxidation"
    assert loss.rate == Tafel(0.5)
    assert (lower.U0, lower.electrons, lower.rate) == (3.0, 1.0, ButlerVolmer(0.5))
    assert lower.hysteresis == Hysteresis(0.4, 0.05)


def test_what_no_reaction_touches_is_not_computed(case):
    stored = stocks(case(), load_materials(case()), T)
    assert stored["host"].species == ("I-", "I0", "ICl")  # not the lattice of bromide
    assert [branch.name for branch in stored["host"].branches] == ["lower"]
    assert stored["host"].branches[0].sites == 10e3
    assert stored["salt"].species == ("Cl-", "Cl0", "In3+", "In2+")
    without = case('[interfaces."host|salt".reactions]\nmetal = { enabled = false }\n')
    assert stocks(without, load_materials(without), T)["salt"].species == ("Cl-", "Cl0")


def test_rates_and_diffusivities_follow_arrhenius(case):
    hot = 333.15
    factor = {energy: math.exp(-energy / R * (1 / hot - 1 / T)) for energy in (30e3, 40e3, 50e3)}
    assert reaction(case(), "lower", hot).i00 == pytest.approx(0.2 * factor[40e3])
    assert reaction(case(), "upper", hot).i00 == 0.1
    diffusivity = stocks(case(), load_materials(case()), hot)["host"].lattices[0].D
    assert diffusivity == pytest.approx(1e-18 * factor[30e3])
    kept = case('[interfaces."host|salt".reactions]\nlower = { exchange_current = "2 A/m2" }\n')
    assert reaction(kept, "lower", hot).i00 == pytest.approx(2.0 * factor[40e3])
    new = case('[interfaces."host|salt".reactions]\nupper = { activation_energy = "50 kJ/mol" }\n')
    assert reaction(new, "upper", hot).i00 == pytest.approx(0.1 * factor[50e3])


def test_the_case_changes_lattices(case):
    changed = case("", "phases.host.lattices.main.D=0 m2/s", "phases.salt.lattices.chloride.sites=5 mol/L")
    stored = stocks(changed, load_materials(changed), T)
    assert stored["host"].lattices[0].D == 0.0
    assert stored["salt"].lattices[0].sites == 5e3
    assert stored["salt"].lattices[0].D == 0.0  # the material's: immobile


def test_the_case_changes_and_adds_reactions(case):
    changed = case(
        """
[interfaces."salt|host".reactions]
lower = { law = "linear", potential = "2.9 V", hysteresis = { width = "0 V" } }
upper = { law = "marcus-hush-chidsey", reorganisation_energy = "0.5 eV", concentration = "constant", alpha = 0.4 }
loss = { alpha = 0.3 }
fade = { equation = "I0 + e- => I-", potential = "3.1 V", exchange_current = "1e-6 A/m2", alpha = 0.3 }
direct = { equation = "I- + Cl-(salt) <=> ICl + 2 e-", potential = "3.3 V", exchange_current = "1 A/m2" }
"""
    )
    lower, upper = reaction(changed, "lower"), reaction(changed, "upper")
    assert (lower.rate, lower.U0, lower.hysteresis) == (Linear(), 2.9, None)
    assert isinstance(upper.rate, MarcusHushChidsey)
    assert upper.rate.reorganisation == pytest.approx(0.5 * F / (R * T), rel=1e-9)
    assert (upper.concentration, upper.alpha) == ("constant", 0.4)
    assert reaction(changed, "loss").rate == Tafel(0.3)
    fade = reaction(changed, "fade")
    assert (fade.direction, fade.rate) == ("reduction", Tafel(0.7))
    direct = reaction(changed, "direct")
    assert direct.electrons == 2.0
    assert direct.stoichiometry == {(0, "I-"): -1.0, (1, "Cl-"): -1.0, (0, "ICl"): 1.0}
    assert stocks(changed, load_materials(changed), T)["host"].branches == ()


def test_a_curve_takes_the_place_of_a_standard_potential(case):
    curve = """
[interfaces."host|salt".reactions.lower.equilibrium_potential]
law = "linear"
U_at_0 = "3.2 V"
U_at_1 = "2.8 V"
species = "I-"
"""
    lower = reaction(case(curve), "lower")
    assert (lower.table.side, lower.table.species) == (0, "I-")
    assert lower.table.law(np.array([0.25]), T)[0] == pytest.approx(3.1)
    # at 0.4 I-, in the middle between the branches
    assert build(case(curve)).initial_voltage == pytest.approx(3.2 - 0.4 * 0.4)


def test_reactions_that_lack_a_species_do_not_take_place(case):
    bare = case("", "phases.salt.material=plain.toml")
    plan = {each.name: each for each in planned_reactions(bare, load_materials(bare))}
    assert plan["lower"].takes_place
    assert plan["upper"].obstacle == "salt has no Cl-"
    assert [each.name for each in network(bare).reactions] == ["lower"]
    assert network(bare).stocks[1].lattices == ()
    assert phase_parameters(bare, load_materials(bare), T)["salt"].stock is None
    # what the case changes of such a reaction is no mistake
    text = '[interfaces."host|salt".reactions]\nupper = { exchange_current = "1 A/m2" }\n'
    assert [each.name for each in network(case(text, "phases.salt.material=plain.toml")).reactions] == ["lower"]


def test_the_separator_reacts_like_the_electrolyte(case):
    text = '[interfaces."host|salt"]\ndouble_layer = "10 uF/cm2"\nreactions = { lower = { potential = "2.9 V" } }\n'
    layered = case(text, "mesh.separator=2 nm")
    faces = interface_parameters(layered, load_materials(layered), T)
    face = faces[frozenset(("host", "separator"))]
    assert face.network.reactions == faces[frozenset(("host", "salt"))].network.reactions
    assert face.network.stocks[1].species == ("Cl-", "Cl0", "In3+", "In2+")
    assert face.double_layer.capacitance == pytest.approx(0.1)
    other = case(text, "mesh.separator={ thickness = '2 nm', material = 'plain.toml' }")
    assert [each.name for each in network(other, pair=("host", "separator")).reactions] == ["lower"]


def test_a_conductor_brings_out_what_the_electrolyte_has(case):
    text = """
[phases.carbon]
material = "carbon"
"""
    stack = 'mesh.laminate.stack=[["salt", "3 nm"], ["carbon", "1 nm"], ["host", "2 nm"]]'
    mixed = case(text, stack)
    found = networks(mixed, load_materials(mixed), T)
    assert [each.name for each in found[frozenset(("carbon", "salt"))].reactions] == ["loss", "metal"]
    assert frozenset(("carbon", "host")) not in found
    assert frozenset(("collector", "salt")) not in found
    assert phase_parameters(mixed, load_materials(mixed), T)["carbon"].stock is None


def test_an_electrolyte_on_carbon_is_a_cell(case):
    ready = case()
    text = (
        CASE.replace("host", "carbon").replace("carbon.toml", "carbon").replace("[cell]", '[cell]\nmass_basis = "salt"')
    )
    built = build(parse_case(text, folder=ready.folder))
    assert built.percolation.reacting == {"carbon": 1.0}
    assert built.initial_voltage == 2.35  # In2+ is absent, the chloride runs one way
    assert built.unknowns == built.cathode().size


def test_an_oxide_intercalates_and_leaves_the_electrolyte_alone(case):
    oxide = case("", "phases.host.material=NCM83", "cell.initial={ lithiation = 0.5 }")
    materials = load_materials(oxide)
    assert networks(oxide, materials, T) == {}
    assert phase_parameters(oxide, materials, T)["salt"].stock is None
    assert build(oxide).initial_lithiation == {"host": 0.5}


# ----------------------------------------------------------------------------------------------------- faults

WRONG = [
    ("lower = { equation = 'I- <=> ICl + e-' }", "lower.equation", "the left lacks 1 Cl"),
    ("lower = { equation = 'I- <=> I0 + 2 e-' }", "lower.equation", "as much charge on both sides"),
    ("lower = { equation = '2 I- <=> I0 + I-(salt) + e-' }", "lower.equation", "no I-"),
    ("lower = { equation = 'I- <=> I0(catholyte) + e-' }", "lower.equation", "(catholyte) is none"),
    ("lower = { law = 'tafel' }", "lower.law", "runs in both directions"),
    ("loss = { law = 'linear' }", "loss.law", "'tafel': the reaction runs in one direction"),
    ("loss = { hysteresis = { width = '0.1 V' } }", "loss.hysteresis.width", "one direction only"),
    ("upper = { hysteresis = { span = 0.1 } }", "upper.hysteresis.width", "the distance of the branches"),
    ("lower = { law = 'marcus-hush-chidsey' }", "lower.reorganisation_energy", "like '0.5 eV'"),
    ("lower = { reorganisation_energy = '0.5 eV' }", "lower.reorganisation_energy", "not with 'butler-volmer'"),
    ("lowr = { exchange_current = '1 A/m2' }", "lowr.equation", "did you mean 'lower'"),
    ("x = { equation = 'I- <=> I0 + e-', exchange_current = '1 A/m2' }", "x.potential", "the standard potential"),
    ("x = { equation = 'I- <=> I0 + e-', potential = '3 V' }", "x.exchange_current", "the exchange current"),
    (
        "lower = { potential = '3 V', equilibrium_potential = { law = 'constant', U0 = '3 V', species = 'I-' } }",
        "lower.equilibrium_potential",
        "not both",
    ),
    (
        "lower = { equilibrium_potential = { law = 'constant', U0 = '3 V', species = 'Cl-' } }",
        "lower.equilibrium_potential.species",
        "a species of the reaction (I-, I0)",
    ),
    (
        "lower = { equilibrium_potential = { law = 'constant', U0 = '3 V' } }",
        "lower.equilibrium_potential.species",
        "like 'I-'",
    ),
    (
        "lower = { equilibrium_potential = { law = 'constnt', species = 'I-' } }",
        "lower.equilibrium_potential.law",
        "did you mean 'constant'",
    ),
]


@pytest.mark.parametrize(("text", "key", "said"), WRONG)
def test_a_reaction_that_cannot_be_is_refused(case, text, key, said):
    errors = refusals(case(f'[interfaces."host|salt".reactions]\n{text}\n', "mesh.separator=2 nm"))
    assert [error.key for error in errors] == [f"interfaces.host|salt.reactions.{key}"]  # not again for the separator
    assert said in str(errors[0])


def test_all_faults_of_reactions_are_told_at_once(case):
    text = '[interfaces."host|salt".reactions]\nlower = { law = "tafel" }\nloss = { law = "linear" }\n'
    assert len(refusals(case(text))) == 2


def test_branches_and_materials_without_reactions_are_refused(case):
    (error,) = refusals(case("", "phases.host.branches={ uper = 1.0 }"))
    assert error.key == "phases.host.branches.uper"
    assert "(lower)" in str(error)
    assert "did you mean 'lower'" not in str(refusals(case("", "phases.salt.branches={ metal = 1.0 }"))[0])
    off = "lower = { enabled = false }\nupper = { enabled = false }\nloss = { enabled = false }\n"
    (error,) = refusals(case(f'[interfaces."host|salt".reactions]\n{off}'))
    assert error.key == "phases.host.material"
    assert "lower, upper" in str(error)


def test_reactions_of_both_materials_have_names_of_their_own(case, tmp_path):
    ready = case()
    (tmp_path / "salt.toml").write_text(SALT.replace("[reactions.metal]", "[reactions.lower]"), encoding="utf-8")
    (error,) = refusals(ready)
    assert error.key == "interfaces.host|salt.reactions.lower"
    assert "both redox and salt have this one" in str(error)


# ------------------------------------------------------------------------------------------ state at the start


def test_the_composition_is_the_state_at_the_start(case):
    built = build(case("", "phases.host.branches={ lower = 1.0 }"))
    start = built.initial_lithiation
    assert start["host I-"] == pytest.approx(0.4)
    assert start["host ICl"] == pytest.approx(TRACE)
    assert sum(start[f"host {name}"] for name in ("I-", "I0", "ICl")) == pytest.approx(1.0, abs=1e-15)
    assert start["salt Cl-"] == 0.8
    assert start["host branch lower"] == 1.0
    assert build(case()).initial_lithiation["host branch lower"] == 0.5
    thermal = R * T / F
    assert built.initial_voltage == pytest.approx(3.0 + thermal * math.log(0.6 / 0.4) + 0.2)


def test_the_reaction_with_the_most_of_its_scarcest_species_sets_the_voltage(case):
    upper = build(case("", "phases.host.composition={ I0 = 0.4, ICl = 0.6 }"))
    assert upper.initial_voltage == pytest.approx(3.7 + R * T / F * math.log(0.6 / (0.4 * 0.8)))
    # every reaction lacks a species: the first reversible one's standard potential
    assert build(case("", "phases.host.composition={ I0 = 1.0 }")).initial_voltage == 3.0


def test_unknowns_are_those_of_the_model(case):
    built = build(case("", "mesh.separator=2 nm"))
    # 3 + 2 cells of salt with 4 species, 2 of the host with 3 and a branch, 7 potentials and the terminal
    assert built.unknowns == 5 * 4 + 2 * 4 + 7 + 1
    assert built.unknowns == built.cathode().size
    assert {store.key for store in built.cathode().stores} <= set(built.initial_lithiation)


def test_layers_react_with_their_electrolyte_and_not_with_the_separator(case):
    shares = "[phases]\nhost = { material = 'host.toml', volume_share = 0.4 }\nsalt = { material = 'salt.toml' }"
    layers = """
separator = "5 um"
[mesh.layers]
count = 3
thickness = "10 um"
domain = { phase = "host", diameter = "5 nm", shells = 4 }
electrolyte = { phase = "salt", shells = 2 }
conduction = { bruggeman = 1.5 }
"""
    ready = case()
    head, _, tail = CASE.partition("[mesh.laminate]")
    text = head + "[mesh]" + layers + shares + tail[tail.index("\n[cell]") :]
    built = build(parse_case(text, folder=ready.folder))
    assert built.parameters.phases["separator"].stock is None
    assert built.unknowns == built.cathode().size
    assert {store.key for store in built.cathode().stores} == {
        key for key in built.initial_lithiation if not key.startswith("separator")
    }
    assert built.initial_voltage == build(ready).initial_voltage


# --------------------------------------------------------------------------------------------- derived numbers


def test_capacities_count_charges_and_the_share_of_the_mass(case):
    design = build(case()).design
    # I- to ICl: two electrons a site, per half of the mass
    stored = 2.0 * F * 10e3
    assert design.theoretical_capacity == pytest.approx(stored / (0.5 * 2000.0))
    assert design.nominal_capacity == pytest.approx(design.theoretical_capacity)  # the material gives none
    assert design.active_areal_mass == pytest.approx(0.5 * 2000.0 * 2e-9)
    without = build(case("", "phases.salt.material=plain.toml")).design
    assert without.theoretical_capacity == pytest.approx(design.theoretical_capacity / 2.0)
    given = build(case("", "cell.nominal_capacity=100 mAh/g", "phases.host.active_share=1")).design
    assert given.areal_capacity == pytest.approx(100.0 * 3600.0 * 2000.0 * 2e-9)


def test_amounts_per_mass_refer_to_what_the_case_names(case):
    design = build(case("", "cell.mass_basis=salt")).design
    assert design.active_areal_mass == pytest.approx(3000.0 * 3e-9)
    # indium one electron a site; chloride is oxidised as far as it is there
    assert design.theoretical_capacity == pytest.approx(F * (2e3 + 0.8 * 15e3) / 3000.0)
    both = build(case("", "cell.mass_basis=['salt', 'host']")).design
    assert both.active_areal_mass == pytest.approx(3000.0 * 3e-9 + 0.5 * 2000.0 * 2e-9)


def test_a_mass_that_stores_nothing_needs_a_capacity(case):
    bare = case("", "phases.salt.material=plain.toml", "cell.mass_basis=salt")
    (error,) = refusals(bare)
    assert error.key == "cell.nominal_capacity"


def test_check_shows_species_reactions_and_supplies(case):
    from io import StringIO

    from rich.console import Console

    from catholyte.report.case import check_report

    def shown(built):
        console = Console(file=StringIO(), width=200)
        console.print(check_report(built))
        return console.file.getvalue()

    text = shown(build(case('[interfaces."host|salt".reactions]\nmetal = { enabled = false }\n')))
    assert "I0 + Cl-(electrolyte) <=> ICl + e-" in text
    assert "3.000 ± 0.2" in text
    assert "I- 0.4, I0 0.6, ICl 0" in text
    assert "does not take place: switched off in the case" in text
    # 15 mol/L in 3 nm over 10 mol/L in 2 nm
    assert "Cl- of salt per site of main" in text
    assert "2.25" in text
    assert "50 % of host" in text
    assert "initial lithiation" not in text
    assert "host has no" not in text
