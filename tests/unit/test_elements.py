"""Lumped elements: exact in frequency, and the same thing in time."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from catholyte.build.cell import lumped_parameters
from catholyte.case import parse_case
from catholyte.errors import InputError, InputErrors
from catholyte.physics.elements import (
    CHAIN_ERROR,
    Chain,
    FiniteLengthWarburg,
    FiniteSpaceWarburg,
    Inductor,
    ParallelRC,
    Zarc,
)

R, TAU = 2.5e-3, 4e-3  # 25 Ω cm², 4 ms
OMEGA = np.logspace(-8, 10, 1441)
ALL = [
    ParallelRC(R, TAU / R),
    Zarc(R, TAU, 0.3),
    Zarc(R, TAU, 0.85),
    Zarc(R, TAU, 0.995),
    FiniteSpaceWarburg(R, TAU),
    FiniteLengthWarburg(R, TAU),
    Inductor(1e-10),
]
RELAXING = ALL[:-1]
WARBURGS = [FiniteSpaceWarburg(R, TAU), FiniteLengthWarburg(R, TAU)]


@pytest.mark.parametrize("element", ALL, ids=repr)
def test_every_element_is_passive_and_finite_over_eighteen_decades(element):
    with np.errstate(all="raise", under="ignore"):
        Z = element.impedance(OMEGA)
    assert np.isfinite(Z).all()
    assert (Z.real >= 0.0).all()


@pytest.mark.parametrize("element", ALL, ids=repr)
def test_a_real_signal_has_a_real_answer(element):
    """Z(−ω) is the conjugate of Z(ω)."""
    omega = OMEGA[200:900:50]
    assert element.impedance(-omega) == pytest.approx(element.impedance(omega).conj(), rel=1e-12)


def test_an_arc_tops_at_its_time_constant():
    assert ParallelRC(R, TAU / R).impedance(np.array([1.0 / TAU]))[0] == pytest.approx(R * (0.5 - 0.5j))
    for alpha in (0.4, 0.9):
        Z = Zarc(R, TAU, alpha).impedance(np.array([1.0 / TAU]))[0]
        assert pytest.approx(0.5 * R * (1.0 - 1j * np.tan(0.25 * np.pi * alpha))) == Z


def test_a_zarc_of_exponent_one_is_an_rc():
    rc = ParallelRC(R, TAU / R)
    for alpha in (1.0, 1.0 - 1e-9):
        zarc = Zarc(R, TAU, alpha)
        assert zarc.impedance(OMEGA) == pytest.approx(rc.impedance(OMEGA), rel=1e-6)
        assert zarc.chain().impedance(OMEGA) == pytest.approx(rc.impedance(OMEGA), rel=1e-6)


def test_limits_of_diffusion():
    """45° at high frequency with R/√(ωτ); at low frequency R, or R/3 and a capacitance τ/R."""
    high, low = np.array([1e9]), np.array([1e-7])
    for warburg in WARBURGS:
        assert warburg.impedance(high)[0] == pytest.approx(R / np.sqrt(1j * high[0] * TAU), rel=1e-9)
    assert FiniteLengthWarburg(R, TAU).impedance(low)[0] == pytest.approx(R, rel=1e-8)
    Z = FiniteSpaceWarburg(R, TAU).impedance(low)[0]
    assert Z.real == pytest.approx(R / 3.0, rel=1e-8)
    assert Z.imag == pytest.approx(-R / (low[0] * TAU), rel=1e-8)


def test_diffusion_is_smooth_where_its_series_takes_over():
    """Around |ωτ| = 1e-3 the real part keeps its digits: R/3 − O((ωτ)²), against R/ωτ of the imaginary one."""
    omega = np.array([0.999e-3, 1.001e-3]) / TAU
    below, above = FiniteSpaceWarburg(R, TAU).impedance(omega)
    assert below.real == pytest.approx(above.real, rel=1e-9)


@pytest.mark.parametrize("element", RELAXING, ids=repr)
def test_the_chain_has_the_impedance_of_the_element(element):
    """At all of eighteen decades, to a thousandth of R."""
    error = np.abs(element.chain().impedance(OMEGA) - element.impedance(OMEGA))
    assert error.max() <= CHAIN_ERROR * R


@pytest.mark.parametrize("alpha", [0.2, 0.35, 0.5, 0.65, 0.8, 0.92, 0.98, 0.9995])
def test_the_chain_of_a_zarc_is_short_and_keeps_its_resistance(alpha):
    zarc = Zarc(R, TAU, alpha)
    chain = zarc.chain()
    assert np.abs(chain.impedance(OMEGA) - zarc.impedance(OMEGA)).max() <= CHAIN_ERROR * R
    assert chain.branch_resistance.sum() == pytest.approx(R, rel=1e-14)
    assert (chain.branch_resistance > 0.0).all()
    assert (chain.resistance, chain.elastance) == (0.0, 0.0)
    assert chain.branch_time.size <= 60


@pytest.mark.parametrize("alpha", [0.3, 0.6, 0.9])
def test_the_distribution_of_a_zarc_is_its_impedance(alpha):
    """∫ γ/(1 + iωτ) d ln τ by a fine sum against the closed form."""
    zarc = Zarc(R, TAU, alpha)
    s = np.linspace(-80.0, 80.0, 16001)
    tau = TAU * np.exp(s)
    omega = np.logspace(-2, 6, 9)
    summed = (zarc.distribution(tau) / (1.0 + 1j * omega[:, np.newaxis] * tau)).sum(axis=1) * (s[1] - s[0])
    assert summed == pytest.approx(zarc.impedance(omega), rel=1e-8)


@pytest.mark.parametrize(("warburg", "total"), list(zip(WARBURGS, (R / 3.0, R), strict=True)))
def test_the_chain_of_diffusion_keeps_its_resistance(warburg, total):
    chain = warburg.chain()
    assert chain.resistance + chain.branch_resistance.sum() == pytest.approx(total, rel=1e-14)
    assert 0.0 < chain.resistance < CHAIN_ERROR * R
    slowest = 1.0 if isinstance(warburg, FiniteSpaceWarburg) else 0.5
    assert chain.branch_time[0] == pytest.approx(TAU / (slowest * np.pi) ** 2)


def test_only_a_reflecting_end_blocks():
    assert FiniteSpaceWarburg(R, TAU).chain().elastance == R / TAU
    assert FiniteLengthWarburg(R, TAU).chain().elastance == 0.0


def test_an_inductor_does_nothing_in_time():
    assert Inductor(1e-10).chain().impedance(OMEGA) == pytest.approx(np.zeros(OMEGA.size))


def test_the_chain_in_time_answers_like_the_impedance_in_frequency():
    """Its ODEs under a sine, once the transient is over, against |Z| and the phase."""
    element, omega = Zarc(R, TAU, 0.7), 150.0
    chain = element.chain()
    fast = chain.branch_time < 1e-6  # over before the sine has moved
    Rs, taus = chain.branch_resistance[~fast], chain.branch_time[~fast]

    def rates(t, v):
        return (np.sin(omega * t) * Rs - v) / taus

    end = 40.0
    t = end + np.linspace(0.0, 2.0 * np.pi / omega, 64, endpoint=False)
    moving = taus < 10.0  # slower ones carry no voltage at this frequency
    Rs, taus = Rs[moving], taus[moving]
    done = solve_ivp(rates, (0.0, t[-1]), np.zeros(Rs.size), "LSODA", t, rtol=1e-8, atol=1e-12)
    v = done.y.sum(axis=0) + chain.branch_resistance[fast].sum() * np.sin(omega * t)
    amplitude = 2j * np.mean(v * np.exp(-1j * omega * t))
    assert amplitude == pytest.approx(element.impedance(np.array([omega]))[0], abs=2.0 * CHAIN_ERROR * R)


def test_a_chain_without_anything_is_a_wire():
    assert Chain().impedance(OMEGA).tolist() == [0j] * OMEGA.size


# ------------------------------------------------------------------------------------------------- in a case


def case_with(*tables):
    """A case with circuit elements, each the inside of a table in braces."""
    return f"""
title = "a laminate"
[mesh]
laminate = {{ voxel_size = "1 um", stack = [["salt", "20 um"], ["host", "50 um"]] }}
[phases]
host = {{ material = "LiCoO2" }}
salt = {{ material = "Li3InCl6" }}
[cell]
counter = "Li-In"
area = "0.785 cm2"
elements = [{", ".join("{ " + table + " }" for table in tables)}]
initial = {{ lithiation = 0.6 }}
[experiment]
steps = ["Rest for 1 hour"]
"""


RC = 'kind = "RC", resistance = "10 ohm cm2"'


@pytest.mark.parametrize(
    ("table", "element"),
    [
        (f'{RC}, capacitance = "1 uF/cm2"', ParallelRC(1e-3, 1e-2)),
        (f'{RC}, time_constant = "10 us"', ParallelRC(1e-3, 1e-2)),
        ('kind = "ZARC", resistance = "25 ohm cm2", time_constant = "4 ms", exponent = 0.9', Zarc(R, TAU, 0.9)),
        ('kind = "ZARC", resistance = "25 ohm cm2", capacitance = "160 uF/cm2", exponent = "90 %"', Zarc(R, TAU, 0.9)),
        (
            'kind = "Warburg", resistance = "25 ohm cm2", time_constant = "4 ms", end = "reflecting"',
            FiniteSpaceWarburg(R, TAU),
        ),
        (
            'kind = "Warburg", resistance = "25 ohm cm2", time_constant = "4 ms", end = "transmissive"',
            FiniteLengthWarburg(R, TAU),
        ),
        ('kind = "inductance", inductance = "1 uH"', Inductor(0.785e-10)),
    ],
)
def test_a_case_builds_its_elements(table, element):
    """In SI per area; the inductance is that of the whole cell."""
    (built,) = lumped_parameters(parse_case(case_with(table)), 298.15)[0].elements
    assert type(built) is type(element)
    assert vars(built) == pytest.approx(vars(element))


def test_elements_stand_in_the_order_of_the_case():
    tables = (f'{RC}, capacitance = "1 uF/cm2"', 'kind = "inductance", inductance = "1 uH"')
    built = lumped_parameters(parse_case(case_with(*tables)), 298.15)[0].elements
    assert [type(element) for element in built] == [ParallelRC, Inductor]
    assert lumped_parameters(parse_case(case_with()), 298.15)[0].elements == ()


@pytest.mark.parametrize(
    ("table", "key", "expected", "suggestion"),
    [
        ('kind = "rc"', "kind", "'ZARC'", "RC"),
        ('resistance = "1 ohm cm2"', "kind", "kind", None),
        (f'{RC}, capacitence = "1 uF/cm2"', "capacitence", "capacitance", "capacitance"),
        (RC, "capacitance", "capacitance or time_constant", None),
        (f'{RC}, capacitance = "1 uF/cm2", time_constant = "1 s"', "time_constant", "not both", None),
        (f'{RC}, capacitance = "1 uF/cm2", inductance = "1 uH"', "inductance", "of the kind 'RC'", None),
        (f'{RC}, capacitance = "1 uF"', "capacitance", "areal capacitance", "1 uF/cm2"),
        ('kind = "RC", resistance = "0 ohm cm2"', "resistance", "greater than zero", None),
        (
            'kind = "ZARC", resistance = "1 ohm cm2", time_constant = "1 s", exponent = 1.2',
            "exponent",
            "from 0.2 to 1",
            None,
        ),
        ('kind = "Warburg", resistance = "1 ohm cm2", time_constant = "1 s"', "end", "end", None),
        ('kind = "inductance", resistance = "1 ohm cm2"', "resistance", "of the kind 'inductance'", "inductance"),
    ],
)
def test_a_faulty_element_is_told_by_its_key(table, key, expected, suggestion):
    with pytest.raises((InputError, InputErrors)) as refused:
        parse_case(case_with(f'{RC}, capacitance = "1 uF/cm2"', table))
    errors = refused.value.errors if isinstance(refused.value, InputErrors) else (refused.value,)
    found = {error.key: error for error in errors}[f"cell.elements[1].{key}"]
    assert expected in found.expected
    assert found.suggestion == suggestion
