"""A case says what it means, and every fault in it is answered with the key, the value and what would do."""

import contextlib
import copy
import math
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catholyte.case import FieldSchedule, json_schema, parse_case, read_case, validate_case
from catholyte.errors import InputError, InputErrors

PACKING = """
title = "NCM83 : Li3InCl6 = 70 : 30, 3 um particles"

[mesh]
packing   = { voxels = [64, 64, 64], voxel_size = "0.25 um", seed = 7 }
separator = "4 um"

[phases]
active      = { material = "NCM83", mass_share = 0.70, diameter = { median = "3 um", spread = 0.3 } }
electrolyte = { material = "Li3InCl6", mass_share = 0.30, sigma_i = "0.7 mS/cm" }
void        = { material = "void", volume_share = 0.10 }

[interfaces."active|electrolyte"]
kinetics = { law = "butler-volmer", exchange_current = "0.11 A/m2" }

[cell]
counter     = "Li-In"
temperature = "25 degC"
initial     = { voltage = "4.2 V" }

[experiment]
steps = ["Discharge at C/10 until 2.5 V", "Rest for 30 minutes"]

[output]
fields = "every 5 % of capacity"
"""

REST = """
[cell]
counter = { material = "Li", area_resistance = "5 ohm cm2" }
initial = { lithiation = 0.3 }

[experiment]
steps = [["Discharge at C/5 until 2.5 V", "Charge at C/5 until 4.2 V"]]
repeat = 2
"""

IMAGE = (
    """
title = "an image"

[mesh]
separator = { thickness = "4 um", material = "Li6PS5Cl" }
collector = "1 um"
side_walls = "periodic"
[mesh.image]
file = "scan.raw"
voxel_size = ["0.5 um", "0.4 um", "0.4 um"]
axis = "x"
shape = [251, 301, 301]
dtype = "uint8"
crop = [[0, 64], [10, 74], [20, 84]]
downsample = 2

[phases.NCM]
material = "NCM811"
label = [2, 3]
[phases.pores]
material = "Li3InCl6"
label = 0
[phases.binder]
material = "carbon"
label = 1

[interfaces."pores|separator"]
contact_resistance = "1 ohm cm2"
[interfaces."NCM|separator"]
kinetics = { alpha = 0.4, activation_energy = "0.3 eV" }
[interfaces."collector|NCM"]
contact_resistance = "2 ohm cm2"
"""
    + REST
)

BLEND = (
    """
title = "a blend"
[mesh]
blend = { voxels = [32, 32, 32], voxel_size = "0.5 nm", seed = 1, domain_size = "4 nm" }
[phases]
host = { material = "LiCoO2", volume_share = "45 %" }
salt = { material = "Li3InCl6", volume_share = 0.55 }
"""
    + REST
)

LAMINATE = (
    """
title = "a laminate"
[mesh]
laminate = { voxel_size = "1 um", cross_section = [2, 2], stack = [["salt", "20 um"], ["host", "50 um"]] }
[phases]
host = { material = "LiCoO2" , equilibrium_potential = { law = "constant", U0 = "3.9 V" } }
salt = { material = "Li3InCl6" }
"""
    + REST
)

BASES = {"packing": PACKING, "image": IMAGE, "blend": BLEND, "laminate": LAMINATE}
GONE = object()


def changed(base, changes):
    """Return the base case as a dict in which some keys have other values."""
    data = tomllib.loads(BASES[base])
    for path, value in changes.items():
        *above, last = path.split(".")
        table = data
        for part in above:
            table = table.setdefault(part, {})
        if value is GONE:
            del table[last]
        else:
            table[last] = value
    return data


def refusals(function, *args, **kwargs):
    """Return the errors that a call is answered with."""
    with pytest.raises((InputError, InputErrors)) as caught:
        function(*args, **kwargs)
    return caught.value.errors if isinstance(caught.value, InputErrors) else (caught.value,)


# ----------------------------------------------------------------------------------------- what is accepted


def test_the_packing_is_read_in_si():
    case = parse_case(PACKING)
    assert case.mesh.packing.voxels == (64, 64, 64)
    assert case.mesh.packing.voxel_size == (0.25e-6,) * 3
    assert case.mesh.separator.thickness == 4e-6
    assert case.mesh.separator.material is None
    assert list(case.phases) == ["active", "electrolyte", "void"]
    assert case.phases["active"].diameter.median == 3e-6
    assert case.phases["active"].diameter.spread == 0.3
    assert case.phases["electrolyte"].sigma_i == pytest.approx(0.07)
    assert case.phases["void"].is_void
    assert case.cell.counter.material == "Li-In"
    assert case.cell.temperature == 298.15
    assert case.cell.area == 1e-4
    assert case.cell.initial.voltage == 4.2
    assert case.experiment.steps == ("Discharge at C/10 until 2.5 V", "Rest for 30 minutes")
    assert case.output.fields == FieldSchedule("capacity", 0.05)
    assert case.solver.linear == "auto"
    assert case.text == PACKING


def test_the_image_is_read_in_si():
    case = parse_case(IMAGE)
    image = case.mesh.image
    assert image.voxel_size == (0.5e-6, 0.4e-6, 0.4e-6)
    assert image.axis == 2
    assert image.crop == ((0, 64), (10, 74), (20, 84))
    assert case.mesh.collector.material == "aluminium"
    assert case.phases["NCM"].label == (2, 3)
    assert case.interface("separator", "NCM").kinetics.alpha == 0.4
    assert case.interface("NCM", "separator").kinetics.activation_energy == pytest.approx(28945.6, rel=1e-5)
    assert case.interface("NCM", "pores") is None
    assert case.experiment.steps == (("Discharge at C/5 until 2.5 V", "Charge at C/5 until 4.2 V"),)
    assert case.experiment.repeat == 2


def test_blend_and_laminate_are_read():
    assert parse_case(BLEND).phases["host"].volume_share == 0.45
    laminate = parse_case(LAMINATE).mesh.laminate
    assert laminate.stack == (("salt", 20e-6), ("host", 50e-6))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every 5 % of capacity", FieldSchedule("capacity", 0.05)),
        ("Every 10% of the capacity", FieldSchedule("capacity", 0.1)),
        ("every 10 minutes", FieldSchedule("time", 600.0)),
        ("every step", FieldSchedule("step")),
        ("none", FieldSchedule("none")),
    ],
)
def test_schedules_of_the_fields(text, expected):
    assert validate_case(changed("packing", {"output.fields": text})).output.fields == expected


def test_an_electrolyte_without_share_fills_the_rest():
    changes = {
        "phases.active.mass_share": GONE,
        "phases.active.volume_share": 0.5,
        "phases.electrolyte.mass_share": GONE,
    }
    assert validate_case(changed("packing", changes)).phases["electrolyte"].volume_share is None


def test_a_case_cannot_be_changed():
    case = parse_case(PACKING)
    with pytest.raises(ValueError, match="frozen"):
        case.title = "other"


def test_relative_paths_start_from_the_folder_of_the_case(tmp_path):
    file = tmp_path / "case.toml"
    file.write_text(PACKING, encoding="utf-8")
    assert read_case(file).folder == tmp_path
    assert read_case(file, folder=tmp_path / "elsewhere").folder == tmp_path / "elsewhere"


# ------------------------------------------------------------------------------------------------ overrides


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("mesh.packing.voxels=[32,32,32]", lambda case: case.mesh.packing.voxels == (32, 32, 32)),
        ("mesh.packing.seed = 8", lambda case: case.mesh.packing.seed == 8),
        ("phases.electrolyte.sigma_i=0.3 mS/cm", lambda case: case.phases["electrolyte"].sigma_i == 0.03),
        ('phases."electrolyte".sigma_i="0.3 mS/cm"', lambda case: case.phases["electrolyte"].sigma_i == 0.03),
        ("title=a = b", lambda case: case.title == "a = b"),
        ("title=1\nmesh = 2", lambda case: case.title == "1\nmesh = 2"),
        ("mesh.separator.sigma_i=1 mS/cm", lambda case: case.mesh.separator.thickness == 4e-6),
        ("cell.initial={ lithiation = 0.5 }", lambda case: case.cell.initial.lithiation == 0.5),
        ("solver.order=3", lambda case: case.solver.order == 3),
        ("phases.active.diameter=2 um", lambda case: case.phases["active"].diameter.median == 2e-6),
        (
            "interfaces.active|electrolyte.kinetics.exchange_current=0.2 A/m2",
            lambda case: case.interface("active", "electrolyte").kinetics.exchange_current == 0.2,
        ),
        (
            'interfaces."electrolyte|active".kinetics.exchange_current=0.2 A/m2',
            lambda case: (
                len(case.interfaces) == 1 and case.interface("active", "electrolyte").kinetics.exchange_current == 0.2
            ),
        ),
        (
            "interfaces.active|collector.contact_resistance=1 ohm cm2",
            lambda case: case.interface("collector", "active").contact_resistance == 1e-4,
        ),
    ],
)
def test_overrides(override, value):
    assert value(parse_case(PACKING, [override]))


def test_the_text_of_a_case_holds_its_overrides():
    case = parse_case(PACKING, ["mesh.packing.seed=8", "mesh.packing.seed=9"])
    again = parse_case(case.text)
    assert again.mesh.packing.seed == 9
    assert again == case


@pytest.mark.parametrize(
    ("override", "key", "said"),
    [
        ("mesh.packin.seed=1", "mesh.packin.seed", "did you mean 'packing'"),
        ("mesh.packing.sed=1", "mesh.packing.sed", "did you mean 'seed'"),
        ("phases.electrolyt.sigma_i=1 S/m", "phases.electrolyt.sigma_i", "did you mean 'electrolyte'"),
        ("sover.order=2", "sover.order", "did you mean 'solver'"),
        ("cell.initial.voltage.x=1", "cell.initial.voltage.x", "key of a table"),
        ("experiment.steps[0]=Rest for 1 hour", "--set", "KEY=VALUE"),
        ("mesh.packing.seed", "--set", "KEY=VALUE"),
        ("=3", "--set", "KEY=VALUE"),
        ("mesh..seed=3", "--set", "KEY=VALUE"),
        ("mesh.packing.seed=" + "9" * 5000, "mesh.packing.seed", "a whole number"),
        ("mesh.packing.seed=" + "[" * 5000, "mesh.packing.seed", "a whole number"),
        ("mesh.packing.seed=" + "[" * 250 + "]" * 250, "mesh.packing.seed", "a whole number"),
        ("phases.active.equilibrium_potential.x." + "a." * 5000 + "b=1", "--set", "KEY=VALUE"),
        (
            "phases.active.equilibrium_potential.U=1",
            "phases.active.equilibrium_potential.law",
            "one of table",
        ),
    ],
)
def test_wrong_overrides(override, key, said):
    (error,) = refusals(parse_case, PACKING, [override])
    assert error.key == key
    assert said in str(error)


# ------------------------------------------------------------------------------------------ what is refused

BROKEN = [
    # unknown keys
    ("packing", {"tittle": "x"}, "tittle", "did you mean 'title'"),
    ("packing", {"mesh.separater": "4 um"}, "mesh.separater", "did you mean 'separator'"),
    ("packing", {"mesh.packing.voxel": 3}, "mesh.packing.voxel", "did you mean 'voxels'"),
    ("packing", {"phases.active.sigma": "1 S/m"}, "phases.active.sigma", "did you mean 'sigma_"),
    ("packing", {"phases.active.diameter.mean": "1 um"}, "phases.active.diameter.mean", "median, spread"),
    ("packing", {"cell.temprature": "25 degC"}, "cell.temprature", "did you mean 'temperature'"),
    ("packing", {"cell.initial.volt": "4 V"}, "cell.initial.volt", "did you mean 'voltage'"),
    (
        "packing",
        {"interfaces.active|electrolyte.kinetics.i0": "1 A/m2"},
        "interfaces.active|electrolyte.kinetics.i0",
        "exchange_current",
    ),
    # missing
    ("packing", {"title": GONE}, "title", "= missing: expected a title"),
    ("packing", {"mesh": GONE}, "mesh", "missing"),
    ("packing", {"phases": GONE}, "phases", "a table [phases.NAME]"),
    ("packing", {"phases": {}}, "phases", "active material"),
    ("packing", {"cell.initial": GONE}, "cell.initial", 'like { voltage = "4.2 V" }'),
    ("packing", {"cell.counter": GONE}, "cell.counter", 'like "Li-In"'),
    ("packing", {"experiment.steps": GONE}, "experiment.steps", "Discharge at C/10"),
    ("packing", {"phases.active.material": GONE}, "phases.active.material", "void"),
    # numbers and units
    ("packing", {"cell.temperature": 25}, "cell.temperature", "did you mean '25 degC'"),
    ("packing", {"cell.temperature": "25"}, "cell.temperature", "did you mean '25 degC'"),
    ("packing", {"cell.temperature": "-300 degC"}, "cell.temperature", "greater than zero"),
    ("packing", {"cell.temperature": "25 mV"}, "cell.temperature", "not a potential"),
    ("packing", {"mesh.separator": "4 mS/cm"}, "mesh.separator", "not a conductivity"),
    ("packing", {"mesh.separator": "-4 um"}, "mesh.separator", "a length greater than zero"),
    ("packing", {"mesh.separator": 4}, "mesh.separator", "thickness"),
    ("packing", {"phases.electrolyte.sigma_i": "0.3 mS/cmm"}, "phases.electrolyte.sigma_i", "'0.3 mS/cm'"),
    ("packing", {"phases.electrolyte.sigma_i": "-1 S/m"}, "phases.electrolyte.sigma_i", "not negative"),
    ("packing", {"phases.active.D": "0 m2/s"}, "phases.active.D", "greater than zero"),
    ("packing", {"phases.active.D": "inf m2/s"}, "phases.active.D", "a finite diffusivity"),
    ("packing", {"phases.active.mass_share": math.nan}, "phases.active.mass_share", "fraction"),
    ("packing", {"phases.void.volume_share": math.inf}, "phases.void.volume_share", "fraction"),
    ("packing", {"phases.void.volume_share": 1.2}, "phases.void.volume_share", "from 0 to 1"),
    ("packing", {"cell.series_resistance": "-1 ohm cm2"}, "cell.series_resistance", "not negative"),
    ("packing", {"cell.initial": {"lithiation": 1.0}}, "cell.initial.lithiation", "above 0 and below 1"),
    (
        "packing",
        {"interfaces.active|electrolyte.kinetics.alpha": 1},
        "interfaces.active|electrolyte.kinetics.alpha",
        "above 0 and below 1",
    ),
    # forms and choices
    ("packing", {"title": ""}, "title", "a text"),
    ("packing", {"mesh": 3}, "mesh", "a table"),
    ("packing", {"phases.active": "NCM83"}, "phases.active", "a table"),
    ("packing", {"mesh.packing.voxels": [32, 32]}, "mesh.packing.voxels", "3 whole numbers"),
    ("packing", {"mesh.packing.voxels": [32, 32, 1.5]}, "mesh.packing.voxels", "3 whole numbers"),
    ("packing", {"mesh.packing.voxels": [32, 32, 0]}, "mesh.packing.voxels", "3 whole numbers"),
    ("packing", {"mesh.packing.voxels": [32, 32, True]}, "mesh.packing.voxels", "3 whole numbers"),
    ("packing", {"mesh.packing.seed": -1}, "mesh.packing.seed", "a whole number of at least 0"),
    ("packing", {"mesh.packing.voxel_size": ["1 um", "1 um"]}, "mesh.packing.voxel_size", "three of them"),
    ("packing", {"mesh.side_walls": "seeled"}, "mesh.side_walls", "did you mean 'sealed'"),
    ("packing", {"cell.voltage_reference": "Li"}, "cell.voltage_reference", "did you mean 'Li/Li+'"),
    ("packing", {"solver.linear": "direkt"}, "solver.linear", "did you mean 'direct'"),
    ("packing", {"solver.order": 6}, "solver.order", "from 1 to 5"),
    ("packing", {"solver": {"first_step": "1 h", "largest_step": "1 s"}}, "solver.first_step", "at most"),
    ("packing", {"output.fields": "every 5 minuts"}, "output.fields", "'every 10 minutes'"),
    ("packing", {"output.fields": "every -5 minutes"}, "output.fields", "one of"),
    ("packing", {"output.fields": "every 500 % of capacity"}, "output.fields", "one of"),
    ("packing", {"experiment.repeat": 0}, "experiment.repeat", "from 1"),
    ("packing", {"experiment.steps": []}, "experiment.steps", "a list of steps"),
    ("packing", {"experiment.steps": ["Rest for 1 hour", 3]}, "experiment.steps", "a list of steps"),
    ("packing", {"experiment.steps": ["Disscharge at C/10"]}, "experiment.steps[0]", "'Discharge'"),
    (
        "packing",
        {"interfaces.active|electrolyte.kinetics.law": "Butler-Volmer"},
        "interfaces.active|electrolyte.kinetics.law",
        "did you mean 'butler-volmer'",
    ),
    ("image", {"mesh.image.axis": 3}, "mesh.image.axis", "'z', 'y', 'x'"),
    ("image", {"mesh.image.axis": True}, "mesh.image.axis", "'z', 'y', 'x'"),
    ("image", {"mesh.image.flip": 1}, "mesh.image.flip", "true or false"),
    ("image", {"mesh.image.crop": [[0, 64], [0, 64]]}, "mesh.image.crop", "three ranges"),
    ("image", {"mesh.image.crop": [[0, 64], [9, 9], [0, 64]]}, "mesh.image.crop", "start < end"),
    ("image", {"mesh.image.crop": [[0, 64], [-4, 9], [0, 64]]}, "mesh.image.crop", "start < end"),
    ("image", {"mesh.image.downsample": 0}, "mesh.image.downsample", "a whole number"),
    ("image", {"phases.NCM.label": [2, 2]}, "phases.NCM.label", "differ"),
    ("image", {"phases.NCM.label": "2"}, "phases.NCM.label", "a label of the image"),
    ("image", {"phases.NCM.label": []}, "phases.NCM.label", "a label of the image"),
    ("laminate", {"mesh.laminate.stack": [["salt"]]}, "mesh.laminate.stack", "layers"),
    ("laminate", {"mesh.laminate.stack": [["salt", "20 V"]]}, "mesh.laminate.stack", "not a potential"),
    # geometry
    ("packing", {"mesh.packing": GONE}, "mesh.image", "exactly one of the tables"),
    ("packing", {"mesh.image": {"file": "a.tif"}}, "mesh.packing", "not both image and packing"),
    ("image", {"mesh.image.file": GONE}, "mesh.image.file", "exactly one of file"),
    ("image", {"mesh.image.name": "hard-carbon"}, "mesh.image.file", "exactly one of file"),
    ("image", {"mesh.image.voxel_size": GONE}, "mesh.image.voxel_size", "= missing"),
    ("image", {"mesh.image.shape": GONE}, "mesh.image.shape", "shape [z, y, x] of the .raw file"),
    (
        "image",
        {"mesh.image.file": "scan.tif", "mesh.image.dtype": GONE},
        "mesh.image.shape",
        ".raw files only",
    ),
    ("image", {"mesh.image.array": "labels"}, "mesh.image.array", ".npz and .vti files only"),
    ("image", {"phases.NCM.label": GONE}, "phases.NCM.label", "= missing"),
    ("image", {"phases.NCM.label": [1, 2]}, "phases.binder.label", "phases.NCM has 1"),
    ("image", {"phases.NCM.mass_share": 0.5}, "phases.NCM.mass_share", "not with mesh.image"),
    ("packing", {"phases.active.label": 1}, "phases.active.label", "mesh.image only, not with mesh.packing"),
    ("blend", {"phases.host.diameter": "1 um"}, "phases.host.diameter", "mesh.packing only"),
    (
        "laminate",
        {"mesh.laminate.stack": [["salt", "1 um"], ["hast", "1 um"]]},
        "mesh.laminate.stack[1][0]",
        "did you mean 'host'",
    ),
    ("laminate", {"phases.air": {"material": "void"}}, "phases.air", "stands in mesh.laminate.stack"),
    # shares
    ("packing", {"phases.active.mass_share": GONE}, "phases.active.mass_share", "the share of this phase"),
    ("packing", {"phases.electrolyte.mass_share": GONE}, "phases.electrolyte.mass_share", "the share of"),
    ("packing", {"phases.void.volume_share": GONE}, "phases.void.volume_share", "the share of this phase"),
    ("packing", {"phases.active.volume_share": 0.5}, "phases.active.volume_share", "not both"),
    ("packing", {"phases.void.mass_share": 0.5}, "phases.void.mass_share", "no mass"),
    ("packing", {"phases.void.volume_share": 1}, "phases.void.volume_share", "leave room"),
    ("blend", {"phases.host.volume_share": 0.5}, "phases.salt.volume_share", "sum to 1, not 1.05"),
    ("packing", {"phases.active.diameter": GONE}, "phases.active.diameter", "the diameter of the particles"),
    ("packing", {"phases.electrolyte.diameter": "1 um"}, "phases.electrolyte.diameter", "fills"),
    ("packing", {"phases.active.placement": "coating"}, "phases.active.placement", "a conductor only"),
    (
        "packing",
        {"phases.carbon": {"material": "carbon", "mass_share": 0.03, "placement": "coating"}},
        "phases.carbon.thickness",
        "thickness of the coating",
    ),
    (
        "packing",
        {"phases.second": {"material": "Li6PS5Cl", "mass_share": 0.1}, "mesh.separator": GONE},
        "phases.second.material",
        "one electrolyte, the matrix",
    ),
    # materials
    ("packing", {"phases.active.material": "NCM84"}, "phases.active.material", "did you mean 'NCM83'"),
    ("packing", {"phases.active.material": "mine.toml"}, "phases.active.material", "a file that exists"),
    ("packing", {"phases.active.material": "a" * 9999 + ".toml"}, "phases.active.material", "file"),
    ("packing", {"phases.active.material": "Li-In"}, "phases.active.material", "kind counter"),
    ("packing", {"cell.counter": "NCM83"}, "cell.counter", "kind active"),
    ("packing", {"cell.counter": "Li-Im"}, "cell.counter", "did you mean 'Li-In'"),
    (
        "packing",
        {"mesh.separator": {"thickness": "1 um", "material": "carbon"}},
        "mesh.separator.material",
        "kind electrolyte",
    ),
    ("packing", {"phases.void.sigma_e": "1 S/m"}, "phases.void.sigma_e", "for a void"),
    ("packing", {"phases.electrolyte.D": "1 m2/s"}, "phases.electrolyte.D", "active material only"),
    (
        "laminate",
        {"phases.host.equilibrium_potential": {"law": "constnt"}},
        "phases.host.equilibrium_potential.law",
        "did you mean 'constant'",
    ),
    ("laminate", {"phases.host.equilibrium_potential": 3.9}, "phases.host.equilibrium_potential", "a table"),
    # interfaces
    ("packing", {"interfaces.active|salt": {}}, "interfaces.active|salt", "'salt' is none of them"),
    (
        "packing",
        {"interfaces.active|electrolite": {}},
        "interfaces.active|electrolite",
        "did you mean 'active|electrolyte'",
    ),
    ("packing", {"interfaces.electrolyte|active": {}}, "interfaces.electrolyte|active", "one table for"),
    ("packing", {"interfaces.active": {}}, "interfaces.active", "the names of two phases"),
    ("packing", {"interfaces.active|active": {}}, "interfaces.active|active", "two different phases"),
    ("packing", {"interfaces.active|void": {}}, "interfaces.active|void", "active and void do not"),
    (
        "image",
        {"interfaces.pores|collector": {}},
        "interfaces.pores|collector",
        "exchanges electrons or ions",
    ),
    ("blend", {"interfaces.host|separator": {}}, "interfaces.host|separator", "a separator in [mesh]"),
    (
        "image",
        {"interfaces.NCM|binder": {"kinetics": {"alpha": 0.5}}},
        "interfaces.NCM|binder.kinetics",
        "do not react",
    ),
    (
        "image",
        {"interfaces.NCM|binder": {"film_resistance": "1 ohm cm2"}},
        "interfaces.NCM|binder.film_resistance",
        "contact_resistance",
    ),
    # phases and cell
    ("laminate", {"phases.host.material": "carbon"}, "phases", "an active material"),
    ("packing", {"phases.a|b": {"material": "void", "volume_share": 0}}, "phases.a|b", "without '|'"),
    ("packing", {"phases.collector": {"material": "void", "volume_share": 0}}, "phases.collector", "another"),
    ("packing", {"cell.initial": {}}, "cell.initial", "exactly one of voltage"),
    (
        "packing",
        {"cell.initial": {"voltage": "4 V", "lithiation": 0.3}},
        "cell.initial",
        "exactly one of voltage",
    ),
]


@pytest.mark.parametrize(("base", "changes", "key", "said"), BROKEN)
def test_a_broken_case_is_answered_with_key_and_expectation(base, changes, key, said):
    errors = refusals(parse_case, tomli_w.dumps(changed(base, changes)))
    messages = [str(error) for error in errors if error.key == key]
    assert messages, [str(error) for error in errors]
    assert any(said in message for message in messages), messages


def test_messages_speak_no_jargon():
    for base, changes, _, _ in BROKEN:
        for error in refusals(validate_case, changed(base, changes)):
            for word in ("Input should", "pydantic", "dict", "validator", "NoneType", "str type"):
                assert word not in str(error)


def test_all_faults_are_told_at_once():
    changes = {"cell.temperature": 25, "mesh.packing.seed": -1, "phases.active.sigma": 3, "title": GONE}
    errors = refusals(validate_case, changed("packing", changes))
    keys = {error.key for error in errors}
    assert keys == {"cell.temperature", "mesh.packing.seed", "phases.active.sigma", "title"}
    written = {error.key: error.value for error in errors}
    assert written["cell.temperature"] == 25
    assert repr(written["title"]) == "missing"


def test_a_shorthand_is_blamed_where_it_was_written():
    (error,) = refusals(validate_case, changed("packing", {"mesh.separator": "4 umm"}))
    assert (error.key, error.value, error.suggestion) == ("mesh.separator", "4 umm", "4 um")


# ---------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("content", "key", "said"),
    [
        (b"title = \n", "case.toml:1:9", "the TOML format: invalid value"),
        (b"title = 'a'\ntitle = 'b'\n", "case.toml:2:12", "the TOML format"),
        (b"a = { b = 1,\n c = 2 }\n", "case.toml:1:13", "stands on one line"),
        (b"[mesh\n", "case.toml:1:6", "the TOML format"),
        (b"x = '''", "case.toml", "the TOML format"),
        (b"x = " + b"9" * 5000, "case.toml", "sensible size"),
        (b"x = " + b"[" * 50_000, "case.toml", "sensible size"),
        (b"x = " + b"[" * 250 + b"]" * 250, "case.toml", "sensible size"),
        (b"\xff\xfe", "case.toml", "UTF-8"),
    ],
)
def test_what_is_no_toml(tmp_path, content, key, said):
    file = tmp_path / "case.toml"
    file.write_bytes(content)
    (error,) = refusals(read_case, file)
    assert error.key == str(tmp_path / key)
    assert said in str(error)


def test_files_that_are_not_there(tmp_path):
    (tmp_path / "case.toml").write_text(PACKING, encoding="utf-8")
    (error,) = refusals(read_case, tmp_path / "caes.toml")
    assert error.suggestion == str(tmp_path / "case.toml")
    (error,) = refusals(read_case, tmp_path)
    assert error.suggestion == str(tmp_path / "case.toml")
    (error,) = refusals(read_case, "a\0b")
    assert "a case file" in str(error)


# ----------------------------------------------------------------------------------------------------- fuzz

junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=12),
        st.sampled_from(["4 um", "void", "NCM83", "Li-In", "-3 V", "25 degC", "active", "1e999 m", "x.toml"]),
        st.dates(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places(data, above=()):
    """Return the paths of everything in a case."""
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list):
        items = enumerate(data)
    else:
        return []
    return [path for key, value in items for path in [(*above, key), *places(value, (*above, key))]]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(BASES)), st.data())
def test_a_mutilated_case_is_read_or_refused(base, data):
    case = copy.deepcopy(tomllib.loads(BASES[base]))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(case)))
        table = case
        for part in path[:-1]:
            table = table[part]
        action = data.draw(st.sampled_from(["replace", "delete", "add"]))
        if action == "replace":
            table[path[-1]] = data.draw(junk)
        elif action == "delete":
            del table[path[-1]]
        elif isinstance(table, dict):
            table[data.draw(st.text(max_size=8))] = data.draw(junk)
        if not places(case):
            break
    with contextlib.suppress(InputErrors):
        validate_case(case)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_case_or_refused(text):
    for function, args in ((parse_case, (text,)), (parse_case, (PACKING, [text]))):
        with contextlib.suppress(InputError, InputErrors):
            function(*args)


# ----------------------------------------------------------------------------------------- schema and speed


def tables(node):
    """Yield the schemas of all tables."""
    if isinstance(node, dict):
        yield from ([node] if node.get("type") == "object" and "properties" in node else [])
        for inner in node.values():
            yield from tables(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from tables(inner)


def test_every_key_of_the_schema_is_described():
    schema = json_schema()
    assert schema["$schema"].endswith("2020-12/schema")

    found = list(tables(schema))
    assert len(found) >= 18
    for table in found:
        for key, node in table["properties"].items():
            assert node.get("description"), key
    assert '"null"' not in str(schema).replace("'", '"')


def test_the_manual_names_every_key_and_its_examples_are_cases():
    manual = (Path(__file__).parents[2] / "docs" / "case_file.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        parse_case(example)
    rows = re.findall(r"^\| `(\w+)`", manual, re.MULTILINE)
    for table in tables(json_schema()):
        for key in table["properties"]:
            assert key in rows or f"`{key}`" in manual.partition("| `law` | keys |")[2].partition("##")[0], key


def test_the_schema_knows_the_laws_of_equilibrium_potentials():
    from catholyte.materials.potentials import _LAWS

    known = json_schema()["$defs"]["PhaseSection"]["properties"]["equilibrium_potential"]["properties"]
    assert set(known["law"]["enum"]) == set(_LAWS)
    assert set(known) == {"law"}.union(*(required + optional for _, required, optional in _LAWS.values()))


def test_examples_in_the_schema_are_accepted_by_the_schema_of_their_key():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for table in schema["$defs"].values():
        for option in table.get("anyOf", [table]):
            for node in option.get("properties", {}).values():
                checker = jsonschema.Draft202012Validator({**node, "$defs": schema["$defs"]})
                for example in [*node.get("examples", []), *([node["default"]] if "default" in node else [])]:
                    checker.validate(example)


@pytest.mark.parametrize("base", sorted(BASES))
def test_good_cases_are_good_by_the_schema(base):
    jsonschema = pytest.importorskip("jsonschema")
    checker = jsonschema.Draft202012Validator(json_schema())
    checker.validate(tomllib.loads(BASES[base]))
    for broken in ({"tittle": "x"}, {"cell.temperature": 25}, {"title": GONE}, {"mesh.side_walls": "open"}):
        assert not checker.is_valid(changed(base, broken))


def test_a_wrong_case_is_refused_within_a_second(tmp_path):
    file = tmp_path / "case.toml"
    file.write_text(PACKING.replace('"25 degC"', "25"), encoding="utf-8")
    program = (
        "import sys\n"
        "from catholyte.case import read_case\n"
        "from catholyte.errors import InputErrors\n"
        "try:\n"
        f"    read_case({str(file)!r})\n"
        "except InputErrors as error:\n"
        "    assert 'cell.temperature' in str(error)\n"
        "    heavy = {'numba', 'scipy.sparse', 'xarray', 'zarr', 'pyvista', 'matplotlib'}\n"
        "    sys.exit(len(heavy & set(sys.modules)))\n"
        "sys.exit(9)\n"
    )
    taken = []
    for _ in range(3):  # the best of three: other work on the machine is not the program's
        start = time.perf_counter()
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
        taken.append(time.perf_counter() - start)
    assert min(taken) < 1.0
