"""The rows of Table 1 of doi:10.1039/d5ee01767j as materials: every printed number is there, and none is invented."""

import numpy as np
import pytest

from catholyte.errors import InputError
from catholyte.materials import load_material
from catholyte.materials.transport import DUAL_CONDUCTIVE, capacity_range
from catholyte.physics.constants import F
from catholyte.physics.equilibrium import mean_potential
from catholyte.physics.species import molar_mass, parse_formula
from catholyte.units import from_si

T = 298.15

#: printed formula, ionic and electronic conductivity in mS/cm, D in cm2/s (a pair is a range), V, mAh/g
TABLE = [
    ("Li1.75Ti2(Ge0.25P0.75S3.8Se0.2)3", (0.22, 0.66), (242, 412), None, 2.55, 250),
    ("Li1.13Ti0.57Fe0.3S2", None, 20, None, 2.5, 214),
    ("O3-LixTiS2", None, 13.28, None, (2.2, 2.3), 195),
    ("Li3CuS2", 3.3e-3, 9.5, None, 2.1, 380),
    ("Li3NiS4", None, 2, None, 2.25, 400),
    ("Li3VS3", 0.1, 0.1, None, 2.1, 437),
    ("Li14Mn2S9", 0.011, None, None, 3.3, None),
    ("Li2FeCl4 (cubic)", 0.021, None, 2.8e-10, 3.6, 126),
    ("Li2FeCl4 (Cmmm+Imma)", 0.01, 2e-4, None, 3.7, 126),
    ("FeCl3", None, None, None, 3.65, 159),
    ("Li2VCl4", (0.01, 0.03), None, None, 2.4, 129.7),
    ("VCl3", None, None, 1e-10, 2.85, 170),
    ("Li3TiCl6", 1.04, 7.3e-4, None, 3.2, 90),
    ("LiCoO2", 1e-4, 0.1, (1e-13, 1e-11), 3.9, 140),
    ("LiNi0.8Co0.2O2", (0.36, 0.42), 5.17, 1e-13, 3.75, 195),
    ("LiNi0.8Mn0.2O2", (0.26, 0.31), 2.63, 1e-14, 3.85, 187),
    ("LiFePO4", None, 1e-6, (1e-18, 1e-14), 3.4, 170),
    ("LiMn2O4", None, 1e-3, (1e-14, 1e-11), 3.4, 148),
]
NAMES = [row[0] for row in TABLE]
UNITS = {"sigma_i": ("mS/cm", "conductivity"), "sigma_e": ("mS/cm", "conductivity"), "D": ("cm2/s", "diffusivity")}
#: curves that were measured and not made from the printed voltage
MEASURED = ("LiCoO2", "LiFePO4")


def numbers(material, quantity):
    """Numbers that the material holds for a quantity, in the units of the table: property, points, reported ones."""
    unit, dimension = UNITS[quantity]
    found = []
    if quantity in material.properties:
        one = material.property(quantity)
        found += [one.value] if one.points is None else one.points[1]
    found += [end for each in material.reported if each.quantity == quantity for end in (each.low, each.high)]
    return [from_si(value, unit, dimension) for value in found]


def test_rows_stand_in_the_order_of_the_table():
    assert tuple(load_material(name).name for name in NAMES) == DUAL_CONDUCTIVE


@pytest.mark.parametrize("row", TABLE, ids=NAMES)
def test_every_printed_number_is_there(row):
    material = load_material(row[0])
    for quantity, printed in zip(("sigma_i", "sigma_e", "D"), row[1:4], strict=True):
        held = numbers(material, quantity)
        if printed is None:
            # Nothing is invented: what the table does not print is only there from another named source.
            origin = material.properties[quantity].origin if held else None
            assert origin is None or (origin.source is not None and "d5ee01767j" not in origin.source)
            continue
        ends = printed if isinstance(printed, tuple) else (printed,)
        middle = np.sqrt(ends[0] * ends[-1])
        both = all(any(value == pytest.approx(end) for value in held) for end in ends)
        # The middle of a range is typed with two or three digits.
        assert both or any(value == pytest.approx(middle, rel=0.02) for value in held)


@pytest.mark.parametrize("row", TABLE, ids=NAMES)
def test_mean_potential_over_the_capacity_is_the_printed_voltage(row):
    material = load_material(row[0])
    printed = np.mean(row[4])
    mean = mean_potential(material.equilibrium_potential, *capacity_range(material), T)
    # A measured curve can only be held to the digits that are printed.
    assert mean == pytest.approx(printed, abs=0.05 if material.name in MEASURED else 0.01)


@pytest.mark.parametrize("row", TABLE, ids=NAMES)
def test_capacity_and_molar_mass(row):
    material = load_material(row[0])
    printed = row[5]
    if printed is None:
        with pytest.raises(InputError, match="nominal_capacity"):
            material.property("nominal_capacity")
    else:
        assert material.property("nominal_capacity").value / 3600.0 == pytest.approx(printed)
    mass = molar_mass(parse_formula(material.formula, key="formula"))
    assert material.property("molar_mass").value == pytest.approx(mass, rel=2e-4)


@pytest.mark.parametrize("name", [name for name in DUAL_CONDUCTIVE if name not in (*MEASURED, "Li14Mn2S9")])
def test_lithiation_counts_the_reversible_capacity(name):
    material = load_material(name)
    stored = F * material.property("maximum_concentration").value / material.property("density").value
    assert stored == pytest.approx(material.property("nominal_capacity").value, rel=1e-3)
    assert capacity_range(material) == pytest.approx((0.0, 1.0), abs=2e-3)


def test_part_of_a_whole_lattice():
    """LiCoO2 gives 140 of 274 mAh/g: the lithiation of a cell ends where the curve does and begins half-way."""
    low, high = capacity_range(load_material("LiCoO2"))
    assert high == pytest.approx(0.9989, abs=1e-3)
    assert high - low == pytest.approx(140 / 273.6, rel=5e-3)


REPORTED = '[[reported]]\nquantity = "{quantity}"\nvalue = {value}\n{mark}\n'


@pytest.mark.parametrize(
    ("quantity", "value", "mark", "key"),
    [
        ("sigma", '"1 S/m"', 'source = "doi:10.1/x"', "quantity"),
        ("D", '"1 S/m"', 'source = "doi:10.1/x"', "value"),
        ("D", '["2e-10 cm2/s", "1e-10 cm2/s"]', 'source = "doi:10.1/x"', "value"),
        ("D", '"0 cm2/s"', 'source = "doi:10.1/x"', "value"),
        ("D", '"1e-10 cm2/s"', "", "reported[0]"),
    ],
)
def test_faulty_report_is_refused(tmp_path, quantity, value, mark, key):
    path = tmp_path / "x.toml"
    head = 'name = "X"\nkind = "active"\nformula = "X"\n'
    path.write_text(head + REPORTED.format(quantity=quantity, value=value, mark=mark), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_material(str(path))
    assert caught.value.key.endswith(key)
