"""Lattices, species and reactions of material files, the iodine system's own data, and families of materials."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import catholyte.materials
from catholyte.errors import InputError
from catholyte.materials import list_materials, load_material
from catholyte.physics.constants import F
from catholyte.physics.species import molar_mass, parse_formula
from catholyte.physics.stoichiometry import check
from catholyte.report import material_report
from catholyte.units import from_si

DATA = Path(catholyte.materials.__file__).parent / "data"
MAH_G = 3600.0

HEAD = """
name = "Salt"
kind = "electrolyte"
formula = "X"
[density]
value = "2 g/cm3"
assumed = "test"
[molar_mass]
value = "400 g/mol"
assumed = "test"
"""
LATTICES = """
[lattices.indium]
filling = "full"
sites = { value = "2 mol/L", assumed = "test" }
[lattices.chloride]
filling = "dilute"
sites = { per_formula = 0.5, assumed = "test" }
D = { value = "1e-15 cm2/s", assumed = "test", activation_energy = "0.4 eV", activation_energy_assumed = "test" }
[species."In3+"]
lattice = "indium"
initial = 1
assumed = "test"
[species."In2+"]
lattice = "indium"
[species."Cl-"]
lattice = "chloride"
initial = "90 %"
source = "doi:10.1/x"
[species.Cl0]
lattice = "chloride"
"""
NUMBERS = """
potential = { value = "2.35 V", assumed = "test" }
exchange_current = { value = "1 mA/cm2", assumed = "test" }
"""
INDIUM = '[reactions.indium]\nequation = "In2+ <=> In3+ + e-"\n' + NUMBERS
CHLORIDE = '[reactions.chloride]\nequation = "Cl- => Cl0 + e-"\n' + NUMBERS
WHOLE = HEAD + LATTICES + INDIUM + CHLORIDE


def load(folder, text):
    (folder / "salt.toml").write_text(text, encoding="utf-8")
    return load_material("salt.toml", folder=folder)


def refusal(folder, text):
    with pytest.raises(InputError) as caught:
        load(folder, text)
    return caught.value


def test_material_with_chemistry(tmp_path):
    salt = load(tmp_path, WHOLE).chemistry
    assert list(salt.lattices) == ["indium", "chloride"]
    assert salt.full == {"indium": ("In3+", "In2+")}
    indium, chloride = salt.lattices["indium"], salt.lattices["chloride"]
    assert indium.sites.value == pytest.approx(2000.0)
    assert indium.D is None
    assert chloride.sites.value == pytest.approx(0.5 * 2000.0 / 0.4)
    assert chloride.sites.text == "0.5 per formula unit"
    assert chloride.D.value == pytest.approx(1e-19)
    assert chloride.D.at(330.0) > 3.0 * chloride.D.value
    assert (salt.species["In3+"].elements, salt.species["In3+"].charge) == ({"In": 1.0}, 3.0)
    assert salt.species["Cl-"].initial == 0.9
    assert salt.species["Cl-"].origin.source == "doi:10.1/x"
    assert salt.species["Cl0"].initial == 0.0
    assert salt.reactions["indium"].law == "butler-volmer"
    assert salt.reactions["indium"].alpha == 0.5
    assert salt.reactions["indium"].concentration == "mass-action"
    assert salt.reactions["indium"].exchange_current.value == pytest.approx(10.0)
    assert salt.reactions["chloride"].law == "tafel"
    assert salt.reactions["chloride"].equation.direction == "oxidation"


def test_everything_a_reaction_may_say(tmp_path):
    text = (
        HEAD
        + LATTICES
        + '[reactions.indium]\nequation = "In2+ <=> In3+ + e-"\nlaw = "marcus-hush-chidsey"\nalpha = 0.4\n'
        + 'assumed = "test"\nconcentration = "constant"\n'
        + 'exchange_current = { value = "1 A/m2", assumed = "test" }\n'
        + 'reorganisation_energy = { value = "0.5 eV", assumed = "test" }\n'
        + 'hysteresis = { width = "450 mV", span = "5 %", assumed = "test" }\n'
        + 'equilibrium_potential = { law = "table", x = [0.1, 0.9], U = [2.2, 2.5], unit = "V", species = "In3+",'
        + ' assumed = "test" }\n'
    )
    reaction = load(tmp_path, text).chemistry.reactions["indium"]
    assert reaction.potential is None
    assert reaction.table.species == "In3+"
    assert float(reaction.table.law(0.5, 298.15)) == pytest.approx(2.35)
    assert (reaction.hysteresis.width, reaction.hysteresis.span) == pytest.approx((0.45, 0.05))
    assert reaction.reorganisation_energy.value == pytest.approx(0.5 * F, rel=1e-6)
    assert (reaction.alpha, reaction.concentration, reaction.origin.assumed) == (0.4, "constant", "test")


def test_example_of_the_manual_is_a_material(tmp_path):
    manual = (Path(__file__).parents[2] / "docs/materials.md").read_text(encoding="utf-8")
    example = manual.split("## Species, lattices and reactions")[1].split("```toml")[1].split("```")[0]
    chemistry = load(tmp_path, 'name = "I"\nkind = "active"\nformula = "I2"\n' + example).chemistry
    assert chemistry.lattices["iodine"].species == ("I-", "I0", "ICl")
    assert chemistry.lattices["iodine"].interactions == (("I-", "I0", 3000.0),)
    assert list(chemistry.reactions) == ["iodide", "iodonium"]


def test_formula_and_charge_beside_a_name_that_does_not_tell(tmp_path):
    text = HEAD + (
        '[lattices.a]\nfilling = "full"\nsites = { value = "1 mol/L", assumed = "test" }\n'
        '[species."BQ"]\nlattice = "a"\nformula = "C6H4O2"\ninitial = 1.0\nassumed = "test"\n'
        '[species."BQ_red"]\nlattice = "a"\nformula = "C6H4O2"\ncharge = -2\n'
        '[reactions.quinone]\nequation = "BQ_red <=> BQ + 2 e-"\n' + NUMBERS
    )
    chemistry = load(tmp_path, text).chemistry
    assert chemistry.species["BQ_red"].charge == -2.0
    assert chemistry.species["BQ"].elements == {"C": 6.0, "H": 4.0, "O": 2.0}
    assert chemistry.reactions["quinone"].equation.electrons == 2.0


def test_species_of_the_other_phase_need_not_tell_their_formula(tmp_path):
    """What they are is known in a case, where the reaction is checked again."""
    text = WHOLE.replace('"In2+ <=> In3+ + e-"', '"In2+ + SO42-(active) <=> In3+ + e-"')
    assert load(tmp_path, text).chemistry.reactions["indium"].equation.tags == ("active",)


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ('filling = "full"', 'filling = "ful"', "lattices.indium.filling", "full, vacancies, dilute"),
        ('filling = "full"', "", "lattices.indium.filling", "one of"),
        ('sites = { value = "2 mol/L", assumed = "test" }', "", "lattices.indium.sites", "concentration of sites"),
        ('"2 mol/L", assumed = "test"', '"2 mol/L"', "lattices.indium.sites", "exactly one of source"),
        ("per_formula = 0.5", "per_formula = 0", "sites.per_formula", "above zero"),
        ("per_formula = 0.5", 'per_formula = 0.5, value = "1 mol/L"', "chloride.sites", "either value or per_formula"),
        ('[molar_mass]\nvalue = "400 g/mol"\nassumed = "test"', "", "sites.per_formula", "a molar_mass beside"),
        ('lattice = "indium"', 'lattice = "indum"', "species.In3+.lattice", "one of the lattices"),
        ('[species."In3+"]', '[species."Li+"]', "species.Li+", "carrier"),
        ('[species."In3+"]', '[species."I n"]', "species.I n", "letters and digits"),
        ("[species.Cl0]", '[species."Cl⁻"]', "species.Cl⁻", "Cl- is twice"),
        ('initial = 1\nassumed = "test"', "initial = 1", "species.In3+.initial", "exactly one of source"),
        ("initial = 1\n", "", "species.In3+.initial", "'assumed' is about"),
        ("initial = 1\n", "initial = 0.7\n", "lattices.indium: initial", "In3+ 0.7, In2+ 0 add up to 0.7"),
        ("initial = 1\n", "initial = 1.2\n", "species.In3+.initial", "a share from 0 to 1"),
        ("[species.Cl0]\n", "[species.Cl0]\ncharge = -1\n", "species.Cl0.formula", "the neutral formula"),
        ("[species.Cl0]\n", '[species.Cl0]\nformula = "Cl"\ncharge = 0.5\n', "species.Cl0.charge", "whole number"),
        ("In3+ + e-", "In3+ + 2 e-", "reactions.indium.equation", "as much charge"),
        ("In3+ + e-", "In3+ + Cl- + e-", "reactions.indium.equation", "the left lacks 1 Cl"),
        ("In3+ + e-", "In4+ + e-", "reactions.indium.equation", "no In4+"),
        ("In2+ <=> In3+ + e-", "I-(active) <=> I0(active) + e-", "indium.equation", "without a phase"),
        (NUMBERS, NUMBERS + 'law = "tafel"\n', "reactions.indium.law", "runs both ways"),
        (NUMBERS, NUMBERS + "alpha = 0.4\n", "reactions.indium.alpha", "beside a transfer coefficient"),
        (NUMBERS, NUMBERS + 'alpha = 1.4\nassumed = "t"\n', "reactions.indium.alpha", "between 0 and 1"),
        (NUMBERS, NUMBERS + 'law = "marcus"\n', "reactions.indium.law", "marcus-hush-chidsey"),
        (NUMBERS, NUMBERS + 'law = "marcus-hush-chidsey"\n', "reorganisation_energy", "the law needs it"),
        (NUMBERS, NUMBERS + "reorganisation_energy = 1\n", "reorganisation_energy", "belongs to the law"),
        (NUMBERS, NUMBERS + "hysteresis = 0.4\n", "reactions.indium.hysteresis", "a table"),
        (NUMBERS, NUMBERS + 'hysteresis = { width = "0.4 V", span = 0, assumed = "t" }\n', "hysteresis.span", "share"),
        (NUMBERS, NUMBERS + 'hysteresis = { width = "0 V", span = 1, assumed = "t" }\n', "hysteresis.width", "zero"),
        (NUMBERS, NUMBERS + 'concentration = "symmetric"\n', "reactions.indium.concentration", "mass-action, constant"),
        (NUMBERS, NUMBERS + "electrons = 1\n", "reactions.indium: electrons", "one of equation"),
        (NUMBERS, NUMBERS + 'equilibrium_potential = { law = "constant" }\n', "indium.potential", "exactly one"),
        ('potential = { value = "2.35 V", assumed = "test" }', "", "reactions.indium.potential", "exactly one"),
        ('exchange_current = { value = "1 mA/cm2", assumed = "test" }', "", "exchange_current", "a current density"),
        ('value = "1 mA/cm2"', 'value = "0 A/m2"', "exchange_current.value", "above zero"),
        (
            'potential = { value = "2.35 V", assumed = "test" }',
            'equilibrium_potential = { law = "constant", U0 = "2 V", species = "In", assumed = "t" }',
            "equilibrium_potential.species",
            "one of In2+, In3+",
        ),
        (
            "[lattices.chloride]",
            'interactions = [{ between = ["In2+", "In4+"], value = "1 kJ/mol", assumed = "t" }]\n[lattices.chloride]',
            "lattices.indium.interactions[0].between",
            "which has In3+, In2+",
        ),
        (
            "[lattices.chloride]",
            'interactions = [{ between = ["In2+", "In2+"], value = "1 kJ/mol", assumed = "t" }]\n[lattices.chloride]',
            "lattices.indium.interactions[0].between",
            "two different species",
        ),
        ('kind = "electrolyte"', 'kind = "conductor"', "lattices", "not in a conductor"),
    ],
)
def test_faulty_chemistry_is_refused_by_key(tmp_path, old, new, key, said):
    assert old in WHOLE
    error = refusal(tmp_path, WHOLE.replace(old, new, 1))
    assert error.key.endswith(key)
    assert said in error.expected


def test_one_way_reaction_takes_no_law_but_tafel(tmp_path):
    assert refusal(tmp_path, WHOLE + 'law = "linear"\n').suggestion == "tafel"
    assert "one way" in refusal(tmp_path, WHOLE + 'hysteresis = { width = "1 V", span = 1, assumed = "t" }\n').expected


def test_tables_that_need_one_another(tmp_path):
    assert refusal(tmp_path, HEAD + INDIUM).key == "salt.toml: lattices"
    lattice = '[lattices.empty]\nfilling = "full"\nsites = { value = "1 mol/L", assumed = "t" }\n'
    assert refusal(tmp_path, HEAD + lattice).key == "salt.toml: species"
    assert "species that sit on it" in refusal(tmp_path, WHOLE + lattice).expected
    active = WHOLE.replace('"electrolyte"', '"active"')
    host = '[maximum_concentration]\nvalue = "10 mol/L"\nassumed = "test"\n'
    assert load(tmp_path, active).chemistry is not None
    assert "the material has both" in refusal(tmp_path, active + host).expected


def test_active_share_is_a_share(tmp_path):
    assert "at most 1" in refusal(tmp_path, HEAD + '[active_share]\nvalue = "120 %"\nassumed = "test"\n').expected


def test_override_keeps_the_chemistry():
    original = load_material("LIC7.2")
    changed = original.override(sigma_i=0.02, active_share=0.5)
    assert changed.chemistry is original.chemistry
    assert changed.property("active_share").value == 0.5


# ------------------------------------------------------------------------------------------ the iodine system


def test_iodine_stores_four_electrons_per_molecule():
    iodine = load_material("I2-carbon")
    share = iodine.property("active_share").value
    sites = iodine.chemistry.lattices["iodine"].sites.value
    per_iodine = 2.0 * F * sites / (iodine.property("density").value * share)
    assert per_iodine / MAH_G == pytest.approx(422.4, rel=1e-3)
    assert iodine.property("nominal_capacity").value == pytest.approx(per_iodine, rel=2e-3)
    assert sum(r.equation.electrons for r in iodine.chemistry.reactions.values()) == 2.0


def test_iodide_branches_are_those_of_formation_and_of_the_charge_plateau():
    iodide = load_material("I2-carbon").chemistry.reactions["iodide"]
    discharge = iodide.potential.value - 0.5 * iodide.hysteresis.width
    assert discharge == pytest.approx(270.3e3 / F, abs=0.005)
    assert 3.15 <= iodide.potential.value + 0.5 * iodide.hysteresis.width <= 3.3
    pristine = load_material("I2-carbon").chemistry.species["I-"].initial
    assert pristine * 211.2 == pytest.approx(60.0, abs=2.0)


def charge_per_gram(name, lattice):
    """Capacity of one electron per site in mAh per gram of the material."""
    material = load_material(name)
    return F * material.chemistry.lattices[lattice].sites.value / material.property("density").value / MAH_G


@pytest.mark.parametrize(
    ("name", "lattice", "measured"),
    [
        ("LIC6", "oxidised chloride", 29.5),
        ("LIC7.2", "oxidised chloride", 35.0),
        ("LYB", "bromide", 14.4),
        ("LIC7.2", "indium", 25.0),
        ("LIC7.2", "lost indium", 37.0),  # of 62 on the first discharge, 25 come back
    ],
)
def test_supplies_of_catholytes_are_those_measured(name, lattice, measured):
    assert charge_per_gram(name, lattice) == pytest.approx(measured, rel=0.01)


@pytest.mark.parametrize("salt", ["LIC6", "LIC6.6", "LIC6.9", "LIC7.2", "LIC7.8"])
def test_reactions_of_iodine_balance_against_every_chloride(salt):
    iodine, catholyte = load_material("I2-carbon").chemistry, load_material(salt).chemistry
    sides = iodine.side("iodine", "active"), catholyte.side("catholyte", "electrolyte")
    bound = check(iodine.reactions["iodonium"].equation, sides, own=0, key="k")
    assert bound == {(0, "I0"): -1.0, (1, "Cl-"): -1.0, (0, "ICl"): 1.0}
    for reaction in catholyte.reactions.values():
        assert {place for place, _ in check(reaction.equation, sides, own=1, key="k")} == {1}


def test_bromide_has_nothing_that_binds_iodonium():
    bromide = load_material("LYB").chemistry
    assert "Cl-" not in bromide.species
    assert list(bromide.reactions) == ["bromide-oxidation"]


# --------------------------------------------------------------------------------------------------- the family


def test_members_at_the_nodes_are_the_measured_ones():
    measured = {"LIC6": 0.63, "LIC7.2": 0.18, "LIC7.8": 0.06}
    for name, conductivity in measured.items():
        sigma = load_material(name).property("sigma_i")
        assert from_si(sigma.value, "mS/cm", "conductivity") == pytest.approx(conductivity)
        assert sigma.note is None
    assert {*measured, "LIC6.6"} <= set(list_materials())


@pytest.mark.parametrize("x", [0.0, 0.3, 0.6, 0.9, 1.2, 1.5, 1.8])
def test_any_composition_agrees_with_its_formula(x):
    material = load_material(f"LIC{6 + x:g}")
    atoms = parse_formula(material.formula, key="f")
    assert atoms == pytest.approx({"Li": 3 + x, "In": 1, "Cl": 6 + x})
    mass = material.property("molar_mass").value
    assert mass == pytest.approx(molar_mass(atoms), rel=1e-5)
    volume = mass / material.property("density").value
    assert volume == pytest.approx(128.07e-6 + x * 20.48e-6, rel=1e-5)
    chloride = material.chemistry.lattices["chloride"].sites.value
    assert chloride * volume == pytest.approx(0.364 + x, rel=1e-5)
    assert chloride * volume < 6 + x


def test_conductivity_between_nodes_is_stated_and_falls():
    names = [f"LIC{6 + x:.2f}" for x in np.linspace(0.0, 1.8, 19)]
    sigma = [load_material(name).property("sigma_i").value for name in names]
    assert np.all(np.diff(sigma) < 0.0)
    between = load_material("LIC6.6").property("sigma_i")
    assert between.value == pytest.approx(np.sqrt(0.063 * 0.018), rel=1e-5)
    assert between.note == "interpolated between x = 0 and 1.2, its logarithm linear in x"
    assert between.source is not None


def test_names_of_members():
    assert load_material("lic7.2") is load_material("LIC7.20")
    assert load_material("Li4.2InCl7.2") is load_material("LIC7.2")
    assert load_material("LIC7.2").name == "LIC7.2"
    assert load_material("LIC6").name == "LIC6"
    assert load_material("Li3InCl6").name == "Li3InCl6"
    assert load_material("Li3InCl6").chemistry is None


@pytest.mark.parametrize(
    ("name", "suggestion"), [("LIC8.4", "LIC7.8"), ("LIC5.9", "LIC6"), ("Li5InCl8", "Li4.8InCl7.8")]
)
def test_composition_outside_the_range_is_refused(name, suggestion):
    with pytest.raises(InputError, match=r"x from 0 to 1\.8") as caught:
        load_material(name)
    assert caught.value.suggestion == suggestion


def test_formula_that_is_no_member_is_unknown():
    with pytest.raises(InputError, match=r"any of LIC6 to LIC7\.8"):
        load_material("Li4InCl8")


@pytest.mark.parametrize("path", sorted(DATA.glob("families/*.toml")), ids=lambda path: path.stem)
def test_every_number_of_a_family_has_one_origin(path):
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert content.pop("family")
    for name, entry in content.items():
        if isinstance(entry, dict) and name not in ("lattices", "species", "reactions"):
            assert ("source" in entry) != ("assumed" in entry), name


@pytest.mark.parametrize("name", ["I2-carbon", "LIC6.9", "LYB"])
def test_report_shows_every_number_with_its_origin(name):
    material = load_material(name)
    console = Console(width=400)
    with console.capture() as captured:
        console.print(material_report(material))
    shown = captured.get()
    for lattice in material.chemistry.lattices.values():
        assert f"lattice {lattice.name}" in shown
        assert lattice.sites.text in shown
        assert str(lattice.sites.origin) in shown
    for reaction in material.chemistry.reactions.values():
        assert str(reaction.equation) in shown
        assert str(reaction.potential.origin) in shown
        assert str(reaction.exchange_current.origin) in shown
