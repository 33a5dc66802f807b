"""Equivalent circuits: found again from their own spectrum, and refused with the place of what is wrong."""

import subprocess
import sys

import numpy as np
import pytest
from circuits import FAST, FREQUENCY, OMEGA, R_INF, SLOW, TWO_ZARC, behind
from hypothesis import given, settings
from hypothesis import strategies as st

from catholyte.errors import InputError, NotConverged
from catholyte.evaluation.circuit import ELEMENTS, fit_circuit, parameter_names, read_circuit
from catholyte.physics.elements import FiniteSpaceWarburg, Inductor, Zarc


def values(fit):
    return {parameter.name: parameter.value for parameter in fit.parameters}


class TestReading:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("R0", ["R0"]),
            (" R0 - p( R1 , CPE1 ) ", ["R0", "R1", "CPE1_0", "CPE1_1"]),
            ("p(R1-Wo1,C12)", ["R1", "Wo1_0", "Wo1_1", "C12"]),
            ("L1-p(R1-p(R2,C2),C1)", ["L1", "R1", "R2", "C2", "C1"]),
        ],
    )
    def test_parameters_stand_in_the_order_of_the_circuit(self, text, names):
        assert parameter_names(read_circuit(text)) == names

    @pytest.mark.parametrize(
        ("text", "place", "words", "suggestion"),
        [
            ("", 1, "an element", None),
            ("R", 1, "number", "R1"),
            ("R0-", 4, "an element", None),
            ("R0--R1", 4, "an element", None),
            ("R0 R1", 4, "'-'", None),
            ("R0-CEP1", 4, "CPE", "CPE1"),
            ("R0-p(R1,CPE)", 9, "number", "CPE1"),
            ("R0-p(R1,C1", 11, "')'", None),
            ("R0-p(R1)", 8, "two branches", None),
            ("R0-p()", 6, "an element", None),
            ("R0)-R1", 3, "'-'", None),
            ("R0-p(R0,C1)", 6, "another number", "R1"),
            ("R0-(R1,C1)", 4, "an element", None),
            ("R0-p(R1,C1)-__import__('os')", 13, "an element", None),
            ("p(" * 30 + "R1", 45, "at most 20", None),
        ],
    )
    def test_a_fault_is_told_with_its_place(self, text, place, words, suggestion):
        with pytest.raises(InputError) as refused:
            read_circuit(text)
        assert refused.value.key == "circuit"
        assert f"at character {place}" in refused.value.expected
        assert words in refused.value.expected
        assert refused.value.suggestion == suggestion

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.text(alphabet="RCLpWoZarc01(),- P'", max_size=14))
    def test_any_text_is_read_or_refused(self, text):
        try:
            names = parameter_names(read_circuit(text))
        except InputError:
            return
        assert names
        assert len(set(names)) == len(names)


class TestFitting:
    @pytest.fixture(autouse=True)
    def _needs_the_package(self):
        pytest.importorskip("impedance")

    def test_two_zarcs_are_found_without_a_guess(self):
        fit = fit_circuit(FREQUENCY, TWO_ZARC, "R0-p(R1,CPE1)-p(R2,CPE2)")
        found = values(fit)
        assert found["R0"] == pytest.approx(R_INF, rel=1e-6)
        for arc, k in ((FAST, 1), (SLOW, 2)):
            assert found[f"R{k}"] == pytest.approx(arc.resistance, rel=1e-6)
            assert found[f"CPE{k}_1"] == pytest.approx(arc.exponent, rel=1e-6)
            assert found[f"CPE{k}_0"] == pytest.approx(arc.time_constant**arc.exponent / arc.resistance, rel=1e-6)
        assert fit.rms < 1e-8

    @pytest.mark.parametrize(
        ("circuit", "Z", "expected"),
        [
            ("R0-p(R1,C1)", behind(Zarc(20e-4, 1e-4, 1.0)), {"R1": 20e-4, "C1": 0.05}),
            ("R0-Zarc1-L1", behind(FAST, Inductor(1e-11)), {"L1": 1e-11, "Zarc1_1": 1e-4}),
            (
                "R0-Zarc1-Wo1",
                behind(FAST, FiniteSpaceWarburg(30e-4, 10.0)),
                {"Zarc1_0": 20e-4, "Wo1_0": 30e-4, "Wo1_1": 10.0},
            ),
            ("R0-Zarc1-C1", behind(FAST) + 1e-4 / (1j * OMEGA), {"C1": 1e4, "Zarc1_2": 0.9}),
            (
                "R0-p(R1-p(R2,C2),C1)",
                R_INF + 1.0 / (1j * OMEGA * 0.05 + 1.0 / (20e-4 + 10e-4 / (1.0 + 1j * OMEGA * 0.1))),
                {"R1": 20e-4, "R2": 10e-4, "C1": 0.05, "C2": 100.0},
            ),
        ],
    )
    def test_a_circuit_finds_its_own_values(self, circuit, Z, expected):
        fit = fit_circuit(FREQUENCY, Z, circuit)
        for name, value in expected.items():
            assert values(fit)[name] == pytest.approx(value, rel=1e-4)
        assert fit.impedance == pytest.approx(Z, rel=1e-5)

    def test_deviations_cover_what_noise_does(self):
        """Over a few draws the errors are as large as the deviations say."""
        worst, exact = [], {"R0": R_INF, "R1": FAST.resistance, "R2": SLOW.resistance, "CPE1_1": 0.9, "CPE2_1": 0.8}
        for seed in range(5):
            normal = np.random.default_rng(seed).normal(size=(2, 49))
            noisy = TWO_ZARC * (1.0 + 3e-3 * (normal[0] + 1j * normal[1]))
            fit = fit_circuit(FREQUENCY, noisy, "R0-p(R1,CPE1)-p(R2,CPE2)")
            worst += [(p.value - exact[p.name]) / p.deviation for p in fit.parameters if p.name in exact]
            assert fit.rms == pytest.approx(3e-3 * np.sqrt(2.0), rel=0.25)
        assert 0.5 < np.sqrt(np.mean(np.square(worst))) < 2.0

    def test_guesses_and_bounds_are_kept(self):
        """From a guess at the other end the arcs come out the other way round; a bound holds a value there."""
        circuit = "R0-Zarc1-Zarc2"
        fit = fit_circuit(FREQUENCY, TWO_ZARC, circuit, guesses={"Zarc1_1": 0.1, "Zarc2_1": 1e-4})
        assert values(fit)["Zarc1_1"] == pytest.approx(SLOW.time_constant, rel=1e-4)
        held = fit_circuit(FREQUENCY, TWO_ZARC, circuit, bounds={"R0": (6e-4, 7e-4)})
        assert values(held)["R0"] == pytest.approx(6e-4, rel=1e-3)

    def test_units_follow_the_impedance(self):
        """In Ω cm² a resistance is ten thousand times that in Ω m², a capacitance as many times less."""
        circuit = "R0-p(R1,CPE1)-p(R2,C2)"
        SI, cm2 = (fit_circuit(FREQUENCY, factor * TWO_ZARC, circuit) for factor in (1.0, 1e4))
        for a, b in zip(SI.parameters, cm2.parameters, strict=True):
            assert b.value == pytest.approx(a.value * 1e4**a.area_power, rel=1e-4)
        assert {p.name: p.unit for p in SI.parameters}["C2"] == "F"

    def test_a_value_that_the_spectrum_does_not_hold_has_no_deviation(self):
        """Of two resistances in series only the sum is determined."""
        fit = fit_circuit(FREQUENCY, TWO_ZARC, "R0-R3-p(R1,CPE1)-p(R2,CPE2)")
        by_name = {p.name: p for p in fit.parameters}
        assert by_name["R0"].value + by_name["R3"].value == pytest.approx(R_INF, rel=1e-3)
        assert by_name["R0"].deviation == by_name["R3"].deviation == np.inf
        assert by_name["R1"].deviation < 1e-6 * by_name["R1"].value

    def test_every_element_is_known_to_the_package(self):
        from impedance.models.circuits.elements import circuit_elements

        for name, units in ELEMENTS.items():
            assert circuit_elements[name].num_params == len(units)

    @pytest.mark.parametrize(
        ("more", "key", "suggestion"),
        [
            ({"guesses": {"R9": 1.0}}, "guesses", "R1"),
            ({"guesses": {"CPE1_1": 1.5}}, "guesses.CPE1_1", None),
            ({"bounds": {"CPE1": (0.0, 1.0)}}, "bounds", "CPE1_1"),
            ({"bounds": {"R0": (2.0, 1.0)}}, "bounds.R0", None),
        ],
    )
    def test_what_does_not_fit_the_circuit_is_refused(self, more, key, suggestion):
        with pytest.raises(InputError) as refused:
            fit_circuit(FREQUENCY, TWO_ZARC, "R0-p(R1,CPE1)", **more)
        assert refused.value.key == key
        assert refused.value.suggestion == suggestion

    def test_a_fit_that_does_not_end_is_told(self, monkeypatch):
        from impedance.models.circuits import CustomCircuit

        def fail(*_, **__):
            raise RuntimeError("Optimal parameters not found")

        monkeypatch.setattr(CustomCircuit, "fit", fail)
        with pytest.raises(NotConverged, match="R0-C1"):
            fit_circuit(FREQUENCY, TWO_ZARC, "R0-C1")


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "impedance.models.circuits", None)
    with pytest.raises(InputError, match=r"catholyte\[circuit\]"):
        fit_circuit(FREQUENCY, TWO_ZARC, "R0-p(R1,CPE1)")


def test_the_package_is_loaded_only_for_a_fit():
    """It brings altair and pandas, and more than a second."""
    code = "import sys, catholyte.evaluation.circuit; sys.exit('impedance' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
