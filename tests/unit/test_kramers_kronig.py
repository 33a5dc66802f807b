"""The Kramers–Kronig test lets through what a linear, steady cell can answer, and stops what it cannot."""

import numpy as np
import pytest
from circuits import FAST, SLOW, behind

from catholyte.errors import InputError
from catholyte.evaluation.kramers_kronig import LIMIT, kramers_kronig
from catholyte.physics.elements import FiniteLengthWarburg, FiniteSpaceWarburg, Inductor, ParallelRC, Zarc

FREQUENCY = np.logspace(6.85, -2.0, 54)  # from 7 MHz, six in a decade
OMEGA = 2.0 * np.pi * FREQUENCY
CONSISTENT = {
    "two zarcs": (FAST, SLOW),
    "two RC elements": (ParallelRC(20e-4, 0.05), ParallelRC(30e-4, 33.0)),
    "an inductance": (FAST, SLOW, Inductor(1e-11)),
    "a blocking electrode": (FAST, FiniteSpaceWarburg(30e-4, 10.0)),
    "diffusion through": (FAST, FiniteLengthWarburg(30e-4, 10.0)),
    "an arc beyond the last frequency": (FAST, Zarc(30e-4, 1e3, 0.9)),
}


def spectrum(elements, omega=OMEGA):
    return behind(*elements, omega=omega)


@pytest.mark.parametrize("elements", CONSISTENT.values(), ids=CONSISTENT)
def test_what_a_linear_steady_cell_answers_is_consistent(elements):
    test = kramers_kronig(FREQUENCY, spectrum(elements))
    assert test.verdict == "consistent"
    assert test.rms <= test.largest < 0.1 * LIMIT


def test_an_inductive_loop_is_consistent_too():
    """A relaxation of the other sign violates no causality."""
    Z = spectrum((FAST, SLOW)) - ParallelRC(3e-4, 1e3).impedance(OMEGA)
    assert kramers_kronig(FREQUENCY, Z).largest < 0.1 * LIMIT


def drifting(frequency, growth):
    """An arc that has grown by so much at the end of the measurement; a point takes three periods."""
    elapsed = np.cumsum(3.0 / frequency)
    grown = 1.0 + growth * elapsed / elapsed[-1]
    slow = [Zarc(SLOW.resistance * by, SLOW.time_constant * by, SLOW.exponent) for by in grown]
    omega = 2.0 * np.pi * frequency
    late = [arc.impedance(np.array([w]))[0] for arc, w in zip(slow, omega, strict=True)]
    return 5e-4 + FAST.impedance(omega) + np.array(late)


def test_a_cell_that_drifts_is_found_out():
    frequency = np.logspace(6.0, -1.5, 46)
    assert kramers_kronig(frequency, drifting(frequency, 0.0)).verdict == "consistent"
    test = kramers_kronig(frequency, drifting(frequency, 0.2))
    assert test.verdict == "inconsistent"
    assert test.largest > 3.0 * LIMIT


def test_a_wrong_point_is_found_out_and_located():
    Z = spectrum((FAST, SLOW))
    Z[30] *= 1.02
    test = kramers_kronig(FREQUENCY, Z)
    assert test.verdict == "inconsistent"
    assert np.argmax(np.abs(test.residual)) == 30


def test_a_sign_error_is_found_out():
    """The conjugate of an impedance is the answer of nothing."""
    test = kramers_kronig(FREQUENCY, spectrum((FAST, SLOW)).conj())
    assert test.verdict == "inconsistent"
    assert test.largest > 0.05


def test_noise_is_measured():
    """Proportional noise of 0.3 % comes out as such, up to the part that the elements follow."""
    normal = np.random.default_rng(1).normal(size=(2, FREQUENCY.size))
    Z = spectrum((FAST, SLOW)) * (1.0 + 3e-3 * (normal[0] + 1j * normal[1]) / np.sqrt(2.0))
    test = kramers_kronig(FREQUENCY, Z, limit=1e-2)
    assert test.verdict == "consistent"
    assert 1e-3 < test.rms < 4e-3


def test_too_few_frequencies_leave_it_open():
    few = FREQUENCY[::4]
    test = kramers_kronig(few, spectrum((FAST, SLOW), 2.0 * np.pi * few))
    assert test.verdict == "undecided"


def test_the_unit_of_impedance_does_not_matter():
    Z = spectrum((FAST, SLOW))
    one, other = kramers_kronig(FREQUENCY, Z), kramers_kronig(FREQUENCY, 1e4 * Z)
    assert other.largest == pytest.approx(one.largest, rel=1e-3)


def test_a_limit_is_above_zero():
    with pytest.raises(InputError, match="limit"):
        kramers_kronig(FREQUENCY, spectrum((FAST, SLOW)), limit=0.0)


def test_against_the_lin_kk_of_impedance_py():
    """With as many elements as it is told to take, the same residual to within the noise."""
    validation = pytest.importorskip("impedance.validation")
    frequency = np.logspace(6.0, -1.5, 46)
    Z = drifting(frequency, 0.2)
    ours = kramers_kronig(frequency, Z)
    with np.printoptions(legacy="1.25"):  # it evaluates the texts of numbers
        _, _, _, real, imaginary = validation.linKK(
            frequency, Z, c=None, max_M=ours.elements, fit_type="complex", add_cap=True
        )
    theirs = np.hypot(real, imaginary)
    assert 0.3 < np.sqrt(np.mean(theirs**2)) / ours.rms < 3.0
