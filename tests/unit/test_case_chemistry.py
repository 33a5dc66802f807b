"""A case says what its phases store and how they react, and every fault in that is answered with its key."""

import copy
import tomllib

import pytest
import tomli_w

from catholyte.case import parse_case
from catholyte.case.chemistry import start
from catholyte.errors import InputErrors
from catholyte.materials import load_material

IODINE = """
title = "iodine against a chloride"

[mesh.laminate]
voxel_size = "1 nm"
stack = [["catholyte", "3 nm"], ["iodine", "2 nm"]]

[phases.iodine]
material = "I2-carbon"

[phases.catholyte]
material = "LIC7.2"

[cell]
counter = "Li-In"

[experiment]
steps = ["Charge at 22 mA/g until 4 V"]
"""
ALONE = """
title = "a catholyte with carbon, no iodine"

[mesh.laminate]
voxel_size = "1 nm"
stack = [["catholyte", "3 nm"], ["carbon", "2 nm"]]

[phases]
carbon = { material = "carbon" }
catholyte = { material = "LIC7.2" }

[cell]
counter = "Li-In"
mass_basis = "catholyte"

[experiment]
steps = ["Charge at 22 mA/g until 4 V"]
"""
OXIDE = """
title = "an oxide, which intercalates"

[mesh.laminate]
voxel_size = "1 um"
stack = [["salt", "3 um"], ["oxide", "2 um"]]

[phases]
oxide = { material = "NCM83" }
salt = { material = "LIC7.2" }

[cell]
counter = "Li-In"
initial = { voltage = "4 V" }

[experiment]
steps = ["Rest for 1 hour"]
"""
BASES = {"iodine": IODINE, "alone": ALONE, "oxide": OXIDE}
GONE = object()


def changed(base, changes):
    """Return the text of a case with some keys set; GONE takes a key away."""
    data = copy.deepcopy(tomllib.loads(BASES[base]))
    for path, value in changes.items():
        table, parts = data, path.split(".")
        for part in parts[:-1]:
            table = table.setdefault(part, {})
        if value is GONE:
            del table[parts[-1]]
        else:
            table[parts[-1]] = value
    return tomli_w.dumps(data)


def test_what_phases_store_and_how_they_react_is_read_in_si():
    case = parse_case(
        changed(
            "iodine",
            {
                "phases.iodine.composition": {"I-": "28 %", "I0": 0.72},
                "phases.iodine.branches": {"iodide": 1.0},
                "phases.iodine.lattices": {"iodine": {"D": "1e-13 cm2/s", "sites": "10 mol/L"}},
                "phases.iodine.active_share": "40 %",
                "interfaces.iodine|catholyte.reactions": {
                    "iodide": {"exchange_current": "1 mA/cm2", "hysteresis": {"width": "300 mV"}},
                    "indium": {"enabled": False},
                },
                "cell.mass_basis": ["catholyte", "iodine"],
            },
        )
    )
    iodine = case.phases["iodine"]
    assert iodine.composition == {"I-": 0.28, "I0": 0.72}
    assert iodine.branches == {"iodide": 1.0}
    assert iodine.active_share == 0.4
    lattice = iodine.lattices["iodine"]
    assert (lattice.sites, lattice.D) == pytest.approx((10e3, 1e-17))
    reactions = case.interface("catholyte", "iodine").reactions
    assert reactions["iodide"].exchange_current == 10.0
    assert reactions["iodide"].hysteresis.width == 0.3
    assert reactions["iodide"].hysteresis.span is None
    assert not reactions["indium"].enabled
    assert case.cell.mass_basis == ("catholyte", "iodine")
    assert case.cell.initial is None


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("phases.catholyte.composition.Cl-=0.3", lambda case: case.phases["catholyte"].composition["Cl-"] == 0.3),
        ("phases.iodine.lattices.iodine.D=0 m2/s", lambda case: case.phases["iodine"].lattices["iodine"].D == 0.0),
        (
            "interfaces.catholyte|iodine.reactions.iodide.exchange_current=2 A/m2",
            lambda case: case.interface("iodine", "catholyte").reactions["iodide"].exchange_current == 2.0,
        ),
        (
            "interfaces.iodine|catholyte.reactions.iodide.hysteresis.width=0 V",
            lambda case: case.interface("iodine", "catholyte").reactions["iodide"].hysteresis.width == 0.0,
        ),
        ("cell.mass_basis=catholyte", lambda case: case.cell.mass_basis == ("catholyte",)),
    ],
)
def test_overrides_reach_species_lattices_and_reactions(override, read):
    assert read(parse_case(IODINE, [override]))


def test_species_that_are_not_named_are_absent_on_a_full_lattice_and_as_made_elsewhere():
    iodine, salt = load_material("I2-carbon").chemistry, load_material("LIC7.2").chemistry
    assert start({"ICl": 1.0}, iodine) == {"I-": 0.0, "I0": 0.0, "ICl": 1.0}
    assert start({}, iodine) == {name: species.initial for name, species in iodine.species.items()}
    fractions = start({"Cl-": 0.4}, salt)
    assert fractions["Cl-"] == 0.4
    assert fractions["In3+"] == 1.0


def test_a_catholyte_on_carbon_needs_no_active_material():
    case = parse_case(ALONE)
    assert case.cell.mass_basis == ("catholyte",)
    parse_case(changed("alone", {"interfaces.catholyte|carbon.double_layer": "10 uF/cm2"}))


BROKEN = [
    # composition
    ("iodine", {"phases.iodine.composition": {"Icl": 1.0}}, "phases.iodine.composition.Icl", "did you mean 'ICl'"),
    ("iodine", {"phases.iodine.composition": {"Br-": 1.0}}, "phases.iodine.composition.Br-", "(I-, I0, ICl)"),
    (
        "iodine",
        {"phases.iodine.composition": {"I-": 0.3, "I0": 0.6}},
        "phases.iodine.composition.I0",
        "of the lattice iodine (I-, I0, ICl) that sum to 1, not 0.9",
    ),
    ("iodine", {"phases.iodine.composition": {"I-": 1.2}}, "phases.iodine.composition.I-", "from 0 to 1"),
    ("iodine", {"phases.iodine.composition": "I-"}, "phases.iodine.composition", "like { I- = 0.28, I0 = 0.72 }"),
    (
        "oxide",
        {"phases.oxide.composition": {"Li": 1.0}},
        "phases.oxide.composition",
        "with lattices only; the material NCM83 has none",
    ),
    ("iodine", {"phases.iodine.branches": {"iodide": 2}}, "phases.iodine.branches.iodide", "from 0 to 1"),
    # lattices
    (
        "iodine",
        {"phases.iodine.lattices": {"iodin": {"D": "1e-18 m2/s"}}},
        "phases.iodine.lattices.iodin",
        "did you mean 'iodine'",
    ),
    ("iodine", {"phases.iodine.lattices": {"iodine": {"d": 1}}}, "phases.iodine.lattices.iodine.d", "sites, D"),
    (
        "iodine",
        {"phases.iodine.lattices": {"iodine": {"D": "1e-18"}}},
        "phases.iodine.lattices.iodine.D",
        "did you mean '1e-18 cm2/s'",
    ),
    ("iodine", {"phases.iodine.D": "1e-18 m2/s"}, "phases.iodine.D", "lattices.iodine.D"),
    (
        "iodine",
        {"phases.iodine.maximum_concentration": "1 mol/L"},
        "phases.iodine.maximum_concentration",
        "I2-carbon has lattices",
    ),
    ("iodine", {"phases.iodine.active_share": 1.2}, "phases.iodine.active_share", "at most 1"),
    ("iodine", {"phases.iodine.active_share": 0}, "phases.iodine.active_share", "above 0"),
    # reactions
    (
        "iodine",
        {"interfaces.iodine|catholyte.kinetics": {"alpha": 0.5}},
        "interfaces.iodine|catholyte.kinetics",
        "reactions: this pair reacts through a network",
    ),
    (
        "oxide",
        {"interfaces.oxide|salt.reactions": {"x": {}}},
        "interfaces.oxide|salt.reactions",
        "kinetics: this pair intercalates",
    ),
    (
        "oxide",
        {"interfaces.oxide|collector.reactions": {"x": {}}},
        "interfaces.oxide|collector.reactions",
        "do not react",
    ),
    (
        "iodine",
        {"interfaces.iodine|catholyte.reactions": {"iodide": {"i0": "1 A/m2"}}},
        "interfaces.iodine|catholyte.reactions.iodide.i0",
        "exchange_current",
    ),
    (
        "iodine",
        {"interfaces.iodine|catholyte.reactions": {"iodide": {"law": "tafl"}}},
        "interfaces.iodine|catholyte.reactions.iodide.law",
        "did you mean 'tafel'",
    ),
    (
        "alone",
        {"interfaces.carbon|catholyte.kinetics": {"alpha": 0.5}},
        "interfaces.carbon|catholyte.kinetics",
        "reactions",
    ),
    (
        "alone",
        {"phases.catholyte.material": "Li3InCl6", "interfaces.carbon|catholyte": {}},
        "interfaces.carbon|catholyte",
        "a pair that exchanges electrons or ions",
    ),
    # the cell
    ("alone", {"phases.catholyte.material": "Li3InCl6"}, "phases", "an active material"),
    ("alone", {"cell.mass_basis": GONE}, "cell.mass_basis", "no phase is active"),
    ("iodine", {"cell.mass_basis": "cathlyte"}, "cell.mass_basis", "did you mean 'catholyte'"),
    ("iodine", {"cell.mass_basis": []}, "cell.mass_basis", "the name of a phase"),
    (
        "iodine",
        {"cell.initial": {"voltage": "3 V"}},
        "cell.initial",
        "phases.iodine.composition gives the state at the start",
    ),
    ("oxide", {"cell.initial": GONE}, "cell.initial", 'like { voltage = "4.2 V" }'),
    ("oxide", {"cell.initial": {}}, "cell.initial", "exactly one of voltage"),
]


@pytest.mark.parametrize(("base", "changes", "key", "said"), BROKEN)
def test_a_fault_is_answered_with_key_and_expectation(base, changes, key, said):
    with pytest.raises(InputErrors) as caught:
        parse_case(changed(base, changes))
    messages = [str(error) for error in caught.value.errors if error.key == key]
    assert messages, [str(error) for error in caught.value.errors]
    assert any(said in message for message in messages), messages


@pytest.mark.parametrize("base", sorted(BASES))
def test_the_cases_themselves_are_good(base):
    assert parse_case(BASES[base]).phases
