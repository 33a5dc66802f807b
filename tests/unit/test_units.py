"""Units of the literature become SI, and nothing else becomes anything."""

import contextlib
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catholyte.errors import InputError
from catholyte.units import DIMENSIONS, from_si, to_si

LITERATURE = [
    ("5 um", "length", 5e-6),
    ("5um", "length", 5e-6),
    ("0.4 µm", "length", 0.4e-6),  # micro sign U+00B5
    ("0.4 μm", "length", 0.4e-6),  # Greek mu U+03BC
    ("4 nm", "length", 4e-9),
    ("12 Å", "length", 1.2e-9),
    ("0.785 cm2", "area", 0.785e-4),
    ("0.785 cm^2", "area", 0.785e-4),
    ("0.785 cm**2", "area", 0.785e-4),
    ("0.785 cm²", "area", 0.785e-4),
    ("30 minutes", "time", 1800.0),
    ("1 h", "time", 3600.0),
    ("12 mg", "mass", 12e-6),
    ("25 degC", "temperature", 298.15),
    ("25 °C", "temperature", 298.15),
    ("-20 degC", "temperature", 253.15),
    ("298.15 K", "temperature", 298.15),
    ("0.18 mS/cm", "conductivity", 0.018),
    ("1.8e-4 S cm-1", "conductivity", 0.018),
    ("1.8×10⁻⁴ S cm⁻¹", "conductivity", 0.018),
    ("1.8*10^-4 S/cm", "conductivity", 0.018),
    ("3.8e-12 cm2/s", "diffusivity", 3.8e-16),
    ("3.8e-12 cm²·s⁻¹", "diffusivity", 3.8e-16),
    ("4.7 g/cm3", "density", 4700.0),
    ("97.3 g/mol", "molar mass", 0.0973),
    ("48.2 mol/L", "concentration", 48200.0),
    ("1 M", "concentration", 1000.0),
    ("2.5 V", "potential", 2.5),
    ("620 mV", "potential", 0.62),
    ("−0.1 V", "potential", -0.1),  # true minus sign
    ("0.5 mA", "current", 5e-4),
    ("0.5 mA/cm2", "current density", 5.0),
    ("0.11 A/m2", "current density", 0.11),
    ("22 mA/g", "specific current", 22.0),
    ("10 ohm cm2", "area resistance", 1e-3),
    ("10 ohm*cm**2", "area resistance", 1e-3),
    ("10 Ω·cm²", "area resistance", 1e-3),
    ("160 mAh/g", "specific capacity", 576e3),
    ("160 mA h g-1", "specific capacity", 576e3),
    ("2 mAh/cm2", "areal capacity", 72e3),
    ("8 mg/cm2", "areal mass", 0.08),
    ("5 mAh", "capacity", 18.0),
    ("0.3 eV", "molar energy", 28945.5996),
    ("300 meV", "molar energy", 28945.5996),
    ("30 kJ/mol", "molar energy", 30e3),
    ("7 MPa", "pressure", 7e6),
    ("8.314 J/(mol K)", "pressure", None),  # brackets are read; the dimension is then wrong
    ("0.7", "fraction", 0.7),
    ("70 %", "fraction", 0.7),
    (0.7, "fraction", 0.7),
    (1, "fraction", 1.0),
]


@pytest.mark.parametrize(("text", "dimension", "expected"), LITERATURE)
def test_units_of_the_literature(text, dimension, expected):
    if expected is None:
        with pytest.raises(InputError):
            to_si(text, dimension, key="k")
    else:
        assert to_si(text, dimension, key="k") == pytest.approx(expected, rel=1e-8)


def test_decimal_prefixes_are_exact():
    assert to_si("5 um", "length", key="k") == 5e-6
    assert to_si("0.4 um", "length", key="k") == 4e-7
    assert to_si("0.7 mS/cm", "conductivity", key="k") == 0.07
    assert to_si("3.8e-12 cm2/s", "diffusivity", key="k") == 3.8e-16
    assert to_si("160 mAh/g", "specific capacity", key="k") == 576000.0


def test_every_example_of_a_dimension_is_read():
    for dimension, (unit, example_text) in DIMENSIONS.items():
        if unit:
            assert math.isfinite(to_si(example_text, dimension, key="k"))
            assert to_si(f"1 {unit}", dimension, key="k") == 1.0


@given(st.sampled_from(sorted(DIMENSIONS)), st.floats(1e-30, 1e30))
def test_there_and_back(dimension, value):
    unit, text = DIMENSIONS[dimension]
    if not unit:
        return
    unit = text.partition(" ")[2]
    there = to_si(f"{value!r} {unit}", dimension, key="k")
    offset = 273.15 if dimension == "temperature" else 0.0
    assert from_si(there, unit, dimension) == pytest.approx(value, rel=1e-12, abs=1e-12 * offset)


def test_back_to_units_of_the_literature():
    assert from_si(0.018, "mS/cm", "conductivity") == pytest.approx(0.18, rel=1e-15)
    assert from_si(298.15, "degC", "temperature") == pytest.approx(25.0, rel=1e-12)
    assert from_si(28945.5996, "eV", "molar energy") == pytest.approx(0.3, rel=1e-8)
    with pytest.raises(InputError, match="'cmm' is not a unit"):
        from_si(1.0, "cmm", "length")


@pytest.mark.parametrize(
    ("value", "dimension", "said"),
    [
        (5, "length", "did you mean '5 um'"),
        ("5", "length", "did you mean '5 um'"),
        (0.0, "area resistance", "with its unit"),
        ("5 umm", "length", "'umm' is not a unit; did you mean '5 um'"),
        ("0.3 mS/cmm", "conductivity", "did you mean '0.3 mS/cm'"),
        ("0.18 mS", "conductivity", "not the dimension"),
        ("5 um", "diffusivity", "not a length"),
        ("25 C", "temperature", "not a capacity"),  # coulomb
        ("30 kJ", "molar energy", "not the dimension"),  # per mole forgotten
        ("5 degC2", "temperature", "temperature"),
        ("5 degC/m", "temperature", "temperature"),
        ("0.5 um", "fraction", "not a length"),
        ("nan m", "length", "finite"),
        ("inf m", "length", "finite"),
        ("1e400 m", "length", "finite"),
        ("1×10^999 m", "length", "finite"),
        ("1e308 km", "length", "finite"),
        ("1e" + "9" * 70 + " m", "length", "finite"),
        (math.nan, "fraction", "a fraction"),
        (-math.inf, "fraction", "a fraction"),
        (10**400, "fraction", "a fraction"),
        (10**400, "length", "with its unit"),
        (True, "fraction", "a fraction"),
        (None, "length", "a finite length"),
        (["5 um"], "length", "a finite length"),
        ("", "length", "a finite length"),
        ("'", "length", "a finite length"),
        ("5 (um", "length", "did you mean '5 um'"),
        ("5 um)", "length", "a finite length"),
        ("5 ()", "length", "a finite length"),
        ("5 m//s", "length", "a finite length"),
        ("5 /m", "length", "a finite length"),
        ("5 m /", "length", "a finite length"),
        ("5 m2.5", "length", "a finite length"),
        ("5 m**2**9", "length", "a finite length"),
        ("5 m999999999", "length", "a finite length"),
        ("9**9**9**9 m", "length", "a finite length"),
        ("5 ** 7 m", "length", "a finite length"),
        ("__import__('os')", "length", "a finite length"),
        ("5 __import__", "length", "is not a unit"),
        ("5 m if 1 else 2", "length", "a finite length"),
        ("5 lambda", "length", "not the dimension"),
        ("5 " + "m" * 100_000, "length", "a finite length"),
        ("9" * 100_000 + " m", "length", "a finite length"),
        ("٥ um", "length", "a finite length"),  # Arabic digit
        ("½ m", "length", "a finite length"),
        ("5 \N{PILE OF POO}", "length", "a finite length"),
        ("5 m\x00", "length", "a finite length"),
        ("5\num", "length", None),  # a line break is a space
    ],
)
def test_what_is_no_quantity_is_refused_in_words(value, dimension, said):
    if said is None:
        assert to_si(value, dimension, key="k") == 5e-6
        return
    with pytest.raises(InputError) as caught:
        to_si(value, dimension, key="a.b")
    assert caught.value.key == "a.b"
    assert caught.value.value is value
    assert said in str(caught.value)


@given(
    st.one_of(
        st.text(max_size=100),
        st.text(alphabet="0123456789.eE+-*/^() mnskgVAhKCoΩµ%°²⁻_'\"\\", max_size=40),
        st.from_regex(r"[0-9]{1,4} ?[a-zA-Zµ]{1,6}([*/ ^-]{0,2}[a-zA-Z]{1,5}-?[0-9]?){0,3}", fullmatch=True),
        st.floats(),
        st.integers(),
        st.none(),
        st.booleans(),
    ),
    st.sampled_from(sorted(DIMENSIONS)),
)
@example("5 Ym9 Ym9 Ym9 Ym9/(Ym9 Ym9)", "length")
@example("5 ym9 ym9 ym9 ym9 ym9", "length")
@example("5 degC9 ym-9", "temperature")
def test_any_value_gives_a_finite_number_or_an_input_error(value, dimension):
    with contextlib.suppress(InputError):
        assert math.isfinite(to_si(value, dimension, key="k"))
