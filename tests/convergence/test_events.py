"""The moments at which the steps of a protocol end, where they are known: a store of charge behind resistances.

The film is so thin that its lithium is everywhere the same. With U = 4.2 V − x it is a capacitor of C = F c_max L per
volt, behind a resistance R and, in some cases, an RC element; every rule is then met at a moment that a formula gives.
All currents are per area of the cell.
"""

from __future__ import annotations

import numpy as np
import pytest
from film_case import run_film

from catholyte.physics.constants import F
from catholyte.physics.constants import R as GAS

X0, L, C_MAX, I0 = 0.5, 1e-6, 4e4, 1e4
C = F * C_MAX * L  # A s/m² per V
R = 0.02 + GAS * 298.15 / F / I0  # Ω m², in series and of charge transfer
R1, TAU = 0.01, 50.0  # of the RC element
U0 = 4.2 - X0
KINETICS = 'interfaces."active|electrolyte".kinetics'
CELL = (
    f"{KINETICS}.law=linear",
    f"{KINETICS}.concentration=constant",
    "cell.series_resistance=200 ohm cm2",
    "solver.x_tolerance=1e-9",
    "solver.voltage_tolerance=1e-8 V",
)
ELEMENT = f'cell.elements=[{{ kind = "RC", resistance = "{1e4 * R1} ohm cm2", time_constant = "{TAU} s" }}]'


def lengths(path, *steps, overrides=()):
    """Return how long every step of a protocol took, and the curves."""
    results = run_film(path, steps, n=1, L=L, D=1e-8, c_max=C_MAX, x=X0, i0=I0, overrides=(*CELL, *overrides))
    curves = results.curves
    number, t = curves["step_count"].values, curves["time"].values
    ends = np.array([t[number == k][-1] for k in np.unique(number)])
    return np.diff(ends, prepend=0.0), curves


def to_voltage(volts):
    """Time of a discharge at 5 A/m² to a voltage."""
    return (U0 - 5.0 * R - volts) * C / 5.0


DISCHARGE = "Discharge at 0.5 mA/cm2"


@pytest.mark.parametrize(
    ("step", "exact"),
    [
        (f"{DISCHARGE} until 3.4 V", to_voltage(3.4)),
        (f"{DISCHARGE} until 0.01 mAh/cm2", 0.36e3 / 5.0),
        (f"{DISCHARGE} until utilisation > 5 %", None),
        (f"{DISCHARGE} for 77 s", 77.0),
        (f"{DISCHARGE} for 200 s or until 3.4 V", to_voltage(3.4)),
        (f"{DISCHARGE} for 100 s or until 3.4 V", 100.0),
        (f"{DISCHARGE} until voltage < 3.4 V and time > 100 s", to_voltage(3.4)),
        (f"{DISCHARGE} until voltage < 3.4 V and time > 180 s", 180.0),
        (f"{DISCHARGE} until voltage < 3.2 V or voltage < 3.5 V and capacity > 0.02 mAh/cm2", 0.72e3 / 5.0),
        (f"{DISCHARGE} until (voltage < 3.4 V or time > 130 s) and capacity > 0.01 mAh/cm2", 130.0),
        ("Hold at 3.6 V until 0.1 mA/cm2", -R * C * np.log(1.0 * R / (U0 - 3.6))),
        (
            "Hold at 3.6 V for 1 hour or until capacity > 0.005 mAh/cm2",
            -R * C * np.log(1.0 - 0.18e3 / (C * (U0 - 3.6))),
        ),
        (
            "Discharge at 2000 ohm cm2 for 1 hour or until 1.5 mA/cm2",
            -(0.2 + R) * C * np.log(15.0 * (0.2 + R) / U0),
        ),
        (
            "Sweep at 1 mV/s from open circuit to 3 V until current > 0.2 mA/cm2",
            -R * C * np.log(1.0 - 2.0 / (1e-3 * C)),
        ),
    ],
)
def test_a_step_ends_at_the_moment_of_its_rule(tmp_path, step, exact):
    (found,), curves = lengths(tmp_path / "r.results", step)
    if exact is None:
        assert float(curves["utilisation"][-1]) == pytest.approx(0.05, abs=1e-7)
        return
    assert found == pytest.approx(exact, rel=1e-6)


def test_a_discharge_of_constant_power(tmp_path):
    """V + R P/V = U and C dU/dt = −P/V: t = (C/P) [(V0² − V1²)/2 − R P ln(V0/V1)]."""
    P, V1 = 20.0, 3.3
    V0 = 0.5 * (U0 + np.sqrt(U0**2 - 4.0 * R * P))
    (found,), curves = lengths(tmp_path / "r.results", f"Discharge at 2 mW/cm2 until {V1} V")
    assert found == pytest.approx(C / P * (0.5 * (V0**2 - V1**2) - R * P * np.log(V0 / V1)), rel=1e-6)
    np.testing.assert_allclose(curves["cell_voltage"].values * curves["current_density"].values, P, rtol=2e-7)


def test_a_relaxing_element(tmp_path):
    """A voltage in which an RC element takes part, and a rest that ends when |dV/dt| has decayed to its limit."""
    end, limit = 3.4, 0.1e-3
    steps = (f"{DISCHARGE} until {end} V", "Rest for 1 hour or until dV/dt < 0.1 mV/s")
    (pulse, rest), _ = lengths(tmp_path / "r.results", *steps, overrides=(ELEMENT,))
    V = U0 - 5.0 * (R + R1 * (1.0 - np.exp(-pulse / TAU))) - 5.0 * pulse / C
    assert pytest.approx(end, abs=1e-6) == V
    start = 5.0 * R1 * (1.0 - np.exp(-pulse / TAU))
    assert rest == pytest.approx(TAU * np.log(start / TAU / limit), rel=1e-5)


def test_a_rule_of_a_group_counts_from_its_beginning(tmp_path):
    """Three times 20 s of current and 10 s of rest; the group ends when it has passed 0.07 mAh/cm² or after 100 s."""
    group = {"steps": [f"{DISCHARGE} for 20 s", "Rest for 10 s"], "repeat": 9, "until": "capacity > 0.007 mAh/cm2"}
    found, _ = lengths(tmp_path / "a.results", "Rest for 7 s", group, "Rest for 3 s")
    np.testing.assert_allclose(found, [7.0, 20.0, 10.0, 20.0, 10.0, 0.252e3 / 5.0 - 40.0, 3.0], rtol=1e-6)
    group |= {"until": "time > 75 s"}
    found, _ = lengths(tmp_path / "b.results", "Rest for 7 s", group, "Rest for 3 s")
    np.testing.assert_allclose(found, [7.0, 20.0, 10.0, 20.0, 10.0, 15.0, 3.0], rtol=1e-9)


def test_cc_cv_and_back(tmp_path):
    """Each step begins where the one before has ended to a microvolt: moments add up over a protocol."""
    steps = (f"{DISCHARGE} until 3.4 V", "Hold at 3.4 V until 0.05 mA/cm2", "Charge at 0.5 mA/cm2 until 4 V")
    (down, hold, up), curves = lengths(tmp_path / "r.results", *steps)
    assert down == pytest.approx(to_voltage(3.4), rel=1e-6)
    assert hold == pytest.approx(R * C * np.log(10.0), rel=1e-5)
    below = 3.4 + 0.5 * R
    assert up == pytest.approx((4.0 - 5.0 * R - below) * C / 5.0, rel=1e-5)
    assert float(curves["charge"][-1]) == pytest.approx((U0 - (4.0 - 5.0 * R)) * C, abs=1e-5 * C)
