"""Properties that vary with the lithiation of the host."""

import numpy as np
import pytest

from catholyte.errors import InputError
from catholyte.materials import load_material
from catholyte.materials.properties import read_property
from catholyte.physics.constants import R

T = 298.15
ENTRY = {"x": [0.0, 0.5, 1.0], "value": ["0.1 mS/cm", "1 mS/cm", "2 mS/cm"], "assumed": "a test of the reading"}


def read(**changes):
    entry = {key: value for key, value in (ENTRY | changes).items() if value is not None}
    return read_property(entry, "conductivity", "m.toml: sigma_i", varying=True)


def test_logarithm_is_linear_between_points():
    sigma = read()
    assert sigma.along([0.0, 0.25, 0.5, 0.75, 1.0], T) == pytest.approx([0.01, 0.01 * 10**0.5, 0.1, 0.1 * 2**0.5, 0.2])
    assert sigma.value == pytest.approx(0.1, rel=1e-14)


def test_constant_beyond_the_ends():
    sigma = read(x=[0.2, 0.4, 0.8])
    assert sigma.along([0.0, 0.2, 0.8, 1.0], T) == pytest.approx([0.01, 0.01, 0.2, 0.2])
    assert sigma.along(np.array([0.1 + 1e-30j, 0.9 + 1e-30j]), T).imag == pytest.approx(0.0, abs=0.0)


def test_slope_by_complex_step():
    sigma = read()
    x = np.array([0.1, 0.3, 0.6, 0.9])
    slope = sigma.along(x + 1e-30j, T).imag / 1e-30
    assert slope / sigma.along(x, T) == pytest.approx([np.log(10) / 0.5] * 2 + [np.log(2) / 0.5] * 2)


def test_temperature_multiplies_the_whole_curve():
    sigma = read(activation_energy="30 kJ/mol", activation_energy_assumed="a test of the reading")
    x = np.linspace(0.0, 1.0, 7)
    factor = np.exp(-30e3 / R * (1 / 333.15 - 1 / 298.15))
    assert sigma.along(x, 333.15) == pytest.approx(factor * sigma.along(x, T))
    assert sigma.at(333.15) == pytest.approx(float(sigma.along(0.5, 333.15)))


def test_one_number_is_the_same_everywhere():
    sigma = read(x=None, value="0.3 mS/cm")
    assert sigma.points is None
    assert (sigma.along(np.linspace(0, 1, 5), T) == 0.03).all()


def test_a_number_in_place_of_the_points_is_a_constant():
    material = load_material("LTGPSSe").override(sigma_i=0.05)
    sigma = material.property("sigma_i")
    assert sigma.points is None
    assert (sigma.along(np.array([0.0, 1.0]), T) == 0.05).all()


@pytest.mark.parametrize(
    ("changes", "key", "expected"),
    [
        ({"x": [0.0, 0.5]}, "sigma_i.value", "a list of 2 values"),
        ({"x": [0.5]}, "sigma_i.x", "two lithiations or more"),
        ({"x": 0.5}, "sigma_i.x", "two lithiations or more"),
        ({"x": [0.0, 0.7, 0.7]}, "sigma_i.x", "increase"),
        ({"x": [0.0, 0.7, 1.2]}, "sigma_i.x", "0 (charged) to 1 (discharged)"),
        ({"x": [-0.1, 0.7, 1.0]}, "sigma_i.x", "0 (charged) to 1 (discharged)"),
        ({"value": ["0.1 mS/cm", "1 mS/cm", "0 mS/cm"]}, "sigma_i.value[2]", "above zero"),
        ({"value": ["0.1 mS/cm", "1 mS/cm", "2 V"]}, "sigma_i.value[2]", "conductivity"),
        ({"value": "0.1 mS/cm"}, "sigma_i.value", "a list of 3 values"),
        ({"x": None}, "sigma_i.value", "a finite conductivity"),
    ],
)
def test_points_that_make_no_curve_are_refused(changes, key, expected):
    with pytest.raises(InputError) as caught:
        read(**changes)
    assert caught.value.key.endswith(key)
    assert expected in str(caught.value)


HEAD = 'name = "X"\nkind = "{kind}"\nformula = "X"\n'
POINTS = '[{name}]\nx = [0.0, 1.0]\nvalue = {value}\nassumed = "a test of the reading"\n'


@pytest.mark.parametrize(
    ("kind", "name", "value", "expected"),
    [
        ("active", "density", ["2 g/cm3", "3 g/cm3"], "no x"),
        ("electrolyte", "sigma_i", ["1 mS/cm", "2 mS/cm"], "only an active material"),
    ],
)
def test_points_where_nothing_varies_are_refused(tmp_path, kind, name, value, expected):
    path = tmp_path / "x.toml"
    path.write_text(HEAD.format(kind=kind) + POINTS.format(name=name, value=value), encoding="utf-8")
    with pytest.raises(InputError, match=expected):
        load_material(str(path))
