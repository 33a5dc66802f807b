"""Equations of reactions: what they say, what balances, and what an error tells of one that does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catholyte.errors import InputError
from catholyte.physics.atoms import ATOMIC_WEIGHTS
from catholyte.physics.species import Formula, molar_mass, parse_formula, parse_species
from catholyte.physics.stoichiometry import Side, check, parse_equation, read_name, resolve


def side(*names, species=(), full=()):
    return Side(names, {name: parse_species(name, key="species") for name in species}, {"sites": full} if full else {})


IODINE = side("iodine", "active", species=("I-", "I0", "ICl", "I2", "LiI"), full=("I-", "I0", "ICl", "I2", "LiI"))
SALT = side("catholyte", "electrolyte", species=("Cl-", "Cl0", "In2+", "In3+"))


def balanced(text, own=0):
    return check(parse_equation(text, key="reactions.x.equation"), (IODINE, SALT), own=own, key="reactions.x.equation")


def refusal(call, *arguments, **keywords):
    with pytest.raises(InputError) as caught:
        call(*arguments, **keywords)
    return caught.value


# ------------------------------------------------------------------------------------------------------ species


@pytest.mark.parametrize(
    ("name", "elements", "charge"),
    [
        ("I-", {"I": 1}, -1),
        ("I0", {"I": 1}, 0),
        ("ICl", {"I": 1, "Cl": 1}, 0),
        ("I2", {"I": 2}, 0),
        ("In3+", {"In": 1}, 3),
        ("In³⁺", {"In": 1}, 3),
        ("O2-", {"O": 1}, -2),
        ("ClO-", {"Cl": 1, "O": 1}, -1),
        ("Li3.6InCl6.6", {"Li": 3.6, "In": 1, "Cl": 6.6}, 0),
        ("C10", {"C": 10}, 0),
    ],
)
def test_name_tells_atoms_and_charge(name, elements, charge):
    assert parse_species(name, key="s") == Formula(elements, charge)


def test_name_that_could_mean_two_things_is_refused():
    assert "formula and charge beside the name" in refusal(parse_species, "SO42-", key="species.SO42-").expected
    assert refusal(parse_species, "SO42-", key="species.SO42-").key == "species.SO42-"


@pytest.mark.parametrize(
    ("text", "elements"), [("Fe(CN)6", {"Fe": 1, "C": 6, "N": 6}), ("Ca(PO4)2", {"Ca": 1, "P": 2, "O": 8})]
)
def test_formula_with_groups(text, elements):
    assert parse_formula(text, key="f") == elements


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Xy2", "'Xy' is none"),
        ("I(Cl", "not closed"),
        ("ICl)2", "has no '('"),
        ("I*2", "'*2' cannot be read"),
        ("I0", "above zero"),
        ("I.", "above zero"),
        ("", "a formula"),
        ("quinone", "'quinone' cannot be read"),
    ],
)
def test_faulty_formula_says_what_is_wrong(text, said):
    assert said in refusal(parse_formula, text, key="f").expected


def test_molar_masses_of_well_known_compounds():
    assert molar_mass(parse_formula("Li3InCl6", key="f")) == pytest.approx(0.3483, abs=5e-5)
    assert molar_mass(parse_formula("LiNi0.8Co0.1Mn0.1O2", key="f")) == pytest.approx(0.09728, abs=2e-5)
    assert len(ATOMIC_WEIGHTS) == 84
    assert ATOMIC_WEIGHTS["Li"] == pytest.approx(6.94e-3)


@pytest.mark.parametrize(("text", "name"), [("I⁻", "I-"), (" In3+ ", "In3+"), ("BQ_red", "BQ_red")])
def test_name_as_equations_write_it(text, name):
    assert read_name(text, key="s") == name


@pytest.mark.parametrize("text", ["e-", "Li+", "2I", "I--", "I (a)", ""])
def test_name_that_no_equation_could_use_is_refused(text):
    assert refusal(read_name, text, key="s").key == "s"


# ---------------------------------------------------------------------------------------------------- equations


@pytest.mark.parametrize(
    ("text", "terms", "electrons", "direction", "lithium"),
    [
        ("I- <=> I0 + e-", {("I-", None): -1, ("I0", None): 1}, 1, "both", 0),
        (
            "I0 + Cl-(catholyte) <=> ICl + e-",
            {("I0", None): -1, ("Cl-", "catholyte"): -1, ("ICl", None): 1},
            1,
            "both",
            0,
        ),
        ("Li <=> Li+ + e-", {("Li", None): -1}, 1, "both", 1),
        ("LiI <=> I0 + Li+ + e-", {("LiI", None): -1, ("I0", None): 1}, 1, "both", 1),
        ("Cl- => Cl0 + e-", {("Cl-", None): -1, ("Cl0", None): 1}, 1, "oxidation", 0),
        ("Cl0 + e- => Cl-", {("Cl-", None): -1, ("Cl0", None): 1}, 1, "reduction", 0),
        ("I0 + Li+ + e- => LiI", {("LiI", None): -1, ("I0", None): 1}, 1, "reduction", 1),
        ("2 I- <=> I2 + 2 e-", {("I-", None): -2, ("I2", None): 1}, 2, "both", 0),
        ("I- <=> 1/2 I2 + e-", {("I-", None): -1, ("I2", None): 0.5}, 1, "both", 0),
        ("I- + I0 <=> 2 I0 + e-", {("I-", None): -1, ("I0", None): 1}, 1, "both", 0),
        ("I⁻ ⇌ I⁰ + e⁻", {("I-", None): -1, ("I0", None): 1}, 1, "both", 0),
        ("In²⁺ → In³⁺ + e⁻", {("In2+", None): -1, ("In3+", None): 1}, 1, "oxidation", 0),
    ],
)
def test_equation(text, terms, electrons, direction, lithium):
    equation = parse_equation(text, key="k")
    assert {(species, tag): number for number, species, tag in equation.terms} == terms
    assert (equation.electrons, equation.direction, equation.lithium) == (electrons, direction, lithium)
    assert str(equation) == text


NAMES = st.sampled_from(["I-", "I0", "ICl", "In2+", "In3+", "BQ_red", "Li3InCl6"])
NUMBERS = st.sampled_from(["", "2", "0.5", "3/2", ".25"])
TAGS = st.sampled_from(["", "(electrolyte)", "(my phase)"])


@given(
    left=st.tuples(NUMBERS, NAMES, TAGS), right=st.tuples(NUMBERS, NAMES, TAGS), gap=st.sampled_from(["", " ", "  "])
)
def test_spaces_do_not_matter(left, right, gap):
    if left[1:] == right[1:]:
        return
    text = f"{' '.join(left)} <=> {' '.join(right)} + e-"
    close = f"{gap.join(left)}{gap}<=>{gap}{gap.join(right)}{gap}+{gap}e-"
    assert parse_equation(close, key="k") == parse_equation(text, key="k")


@pytest.mark.parametrize(
    ("text", "said", "suggestion"),
    [
        ("I- <=> I0", "moves electrons", None),
        ("I0 + e- <=> I-", "the electrons on the right", "I- <=> I0 + e-"),
        ("I- -> I0 + e-", "the arrow", "I- => I0 + e-"),
        ("I-->I0+e-", "the arrow", "I- => I0+e-"),
        ("I- = I0 + e-", "the arrow", "I- <=> I0 + e-"),
        ("I- <-> I0 + e-", "the arrow", "I- <=> I0 + e-"),
        ("I0 + e- <- I-", "the arrow", "I- => I0 + e-"),
        ("I- I0 + e-", "no arrow is there", None),
        ("I- <=> I0 <=> ICl + e-", "2 arrows are there", None),
        ("I- <=> I0 + + e-", "on the right '+ e-' cannot be read", None),
        ("I- + <=> I0 + e-", "on the left a term is missing", None),
        ("<=> I0 + e-", "on the left a term is missing", None),
        ("I- I0 <=> ICl + e-", "on the left 'I0' cannot be read", None),
        ("I-(a <=> I0 + e-", "on the left '(a' cannot be read", None),
        ("I-() <=> I0 + e-", "behind I-", None),
        ("I- <=> I0 + e-(carbon)", "without a phase", "I- <=> I0 + e-"),
        ("0 I- <=> I0 + e-", "above zero; on the left stands '0 I-'", None),
        ("I- <=> 1/0 I0 + e-", "above zero; on the right stands '1/0 I0'", None),
        ("I- <=> I- + e-", "as much I- is on the left", None),
        ("I- + e- <=> I0 + e-", "e- on one side only", None),
        ("Li <=> 2 Li+ + e-", "it has 1 e- on the right and 2 Li+ on the right", None),
        ("Li + Li+ <=> I0 + e-", "it has 1 e- on the right and 1 Li+ on the left", None),
        ("2 e- + I0 + Li+ => I-", "it has 2 e- on the left and 1 Li+ on the left", None),
        (3, "a reaction", None),
    ],
)
def test_faulty_equation_says_what_is_wrong(text, said, suggestion):
    error = refusal(parse_equation, text, key="reactions.x.equation")
    assert error.key == "reactions.x.equation"
    assert error.value == text
    assert said in error.expected
    assert error.suggestion == suggestion


# ------------------------------------------------------------------------------------------------------ balance


@pytest.mark.parametrize(
    ("text", "own", "made"),
    [
        ("I- <=> I0 + e-", 0, {(0, "I-"): -1, (0, "I0"): 1}),
        ("I0 + Cl-(electrolyte) <=> ICl + e-", 0, {(0, "I0"): -1, (1, "Cl-"): -1, (0, "ICl"): 1}),
        ("I0(iodine) + Cl- <=> ICl(active) + e-", 1, {(0, "I0"): -1, (1, "Cl-"): -1, (0, "ICl"): 1}),
        ("LiI <=> I0 + Li+ + e-", 0, {(0, "LiI"): -1, (0, "I0"): 1}),
        ("In2+ <=> In3+ + e-", 1, {(1, "In2+"): -1, (1, "In3+"): 1}),
        ("ICl + e- => I0 + Cl-(catholyte)", 0, {(0, "I0"): -1, (1, "Cl-"): -1, (0, "ICl"): 1}),
    ],
)
def test_balanced_reaction_gives_its_stoichiometry(text, own, made):
    assert balanced(text, own) == made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I0 <=> ICl + e-", "the left has 1 I, the right 1 I, 1 Cl: the left lacks 1 Cl"),
        ("2 I0 + Cl-(electrolyte) <=> ICl + e-", "the left has 2 I, 1 Cl, the right 1 I, 1 Cl: the right lacks 1 I"),
        ("I- + Cl0(electrolyte) <=> Cl-(electrolyte) + LiI + e-", "the left lacks 1 Li"),
        ("I- <=> Cl0(electrolyte) + e-", "the left lacks 1 Cl and the right lacks 1 I"),
        ("ICl + e- => I0 + 2 Cl-(electrolyte)", "the left lacks 1 Cl"),
        ("LiI <=> I0 + e-", "the right lacks 1 Li (write the Li+ that goes with the electrons)"),
        ("I- <=> I0 + 2 e-", "as much charge on both sides; the left has -1, the right -2"),
        ("I0 <=> I- + e-", "the left has 0, the right -2"),
        (
            "2 I- <=> I2 + 2 e-",
            "lattice 'sites' of iodine on both sides, since it is full; the left has 2, the right 1",
        ),
    ],
)
def test_unbalanced_reaction_shows_both_sides(text, said):
    error = refusal(balanced, text)
    assert error.key == "reactions.x.equation"
    assert error.value == text
    assert said in error.expected


def test_lattice_with_vacant_sites_needs_no_balance():
    gas = Side(("iodine",), IODINE.species, {})
    equation = parse_equation("2 I- <=> I2 + 2 e-", key="k")
    assert check(equation, (gas, SALT), own=0, key="k") == {(0, "I-"): -2, (0, "I2"): 1}


@pytest.mark.parametrize(
    ("text", "said", "suggestion"),
    [
        ("I0 + Cl-(catolyte) <=> ICl + e-", "(catolyte) is none", "catholyte"),
        ("I0 + Cl- <=> ICl + e-", "iodine has I-, I0, ICl, I2, LiI, no Cl-", "Cl-(catholyte)"),
        ("I0 + Cl2-(electrolyte) <=> ICl + e-", "catholyte has Cl-, Cl0, In2+, In3+, no Cl2-", "Cl-"),
    ],
)
def test_unknown_name_suggests_the_nearest(text, said, suggestion):
    error = refusal(balanced, text)
    assert said in error.expected
    assert error.suggestion == suggestion


def test_both_names_of_a_phase_are_one_species():
    equation = parse_equation("I0 + I-(iodine) <=> 2 I0(active) + e-", key="k")
    assert resolve(equation, (IODINE, SALT), own=0, key="k") == {(0, "I0"): 1, (0, "I-"): -1}
    catalyst = parse_equation("ICl + I- <=> I0 + ICl(active) + e-", key="k")
    assert "as much ICl" in refusal(resolve, catalyst, (IODINE, SALT), own=0, key="k").expected


COUNTS = st.integers(1, 5)


@given(a=COUNTS, b=COUNTS, scale=st.sampled_from([1, 2, 3]))
def test_balance_holds_for_any_multiple_and_for_nothing_else(a, b, scale):
    """A(a)B(b) = a A + b B with electrons from a charge of the compound: exact, and refused if one atom is added."""
    whole = Formula({"I": a, "Cl": b}, -1.0)
    left = Side(("host",), {"whole": whole, "I0": Formula({"I": 1}, 0.0), "Cl0": Formula({"Cl": 1}, 0.0)}, {})

    def equation(extra):
        return parse_equation(f"{scale} whole <=> {scale * a + extra} I0 + {scale * b} Cl0 + {scale} e-", key="k")

    assert check(equation(0), (left,), own=0, key="k") == {
        (0, "whole"): -scale,
        (0, "I0"): scale * a,
        (0, "Cl0"): scale * b,
    }
    assert "the left lacks 1 I" in refusal(check, equation(1), (left,), own=0, key="k").expected
