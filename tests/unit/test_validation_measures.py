"""Measures asked of results whose answers are known, and of results that cannot answer."""

from pathlib import Path

import numpy as np
import pytest
from recorded import COUNTER, FACTS, ONE_C, Step, constant, recorded, rest

from catholyte.errors import InputError, InputErrors
from catholyte.results import MeshRecord, Results, ResultWriter
from catholyte.results.spectra import spectrum_row
from catholyte.units import from_si
from catholyte.validation.measures import MEASURES, read_measure
from catholyte.validation.reading import Keys

FULL = 3600.0 * ONE_C  # A s/m² in 200 mAh/g
AREA = FACTS["cell_area_m2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("measures")


@pytest.fixture(scope="module")
def cycled(folder):
    """A charge of 200 mAh/g from 3 to 4 V, ten hours of rest, a discharge of 180 mAh/g, another cycle."""
    species = {"fraction iodine I-": np.linspace(0.8, 0.2, 50)}
    steps = [
        constant(-ONE_C, 1.0, 3.0, 4.0, curves=species),
        rest(10.0, 3.9, curves={"fraction iodine I-": 0.2}),
        constant(ONE_C, 0.9, 3.9, 3.0, curves={"fraction iodine I-": np.linspace(0.2, 0.74, 50)}),
        constant(-ONE_C, 0.9, 3.1, 4.0, cycle=1, curves={"fraction iodine I-": 0.5}),
        constant(ONE_C, 0.8, 3.8, 3.0, cycle=1, curves={"fraction iodine I-": 0.5}),
    ]
    return recorded(folder / "cycled.results", steps)


def ask(results, dimension=None, **table):
    measure = read_measure(Keys(table, "measure"), results.path.parent)
    return measure(results, dimension or measure.dimensions[0]).values


def mah_g(values):
    return [from_si(value, "mAh/g", "specific capacity") for value in values]


# ------------------------------------------------------------------------------------------------- along the curves


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"quantity": "charge capacity"}, 200.0),
        ({"quantity": "charge capacity", "number": 2}, 180.0),
        ({"quantity": "discharge capacity", "number": -1}, 160.0),
        ({"quantity": "discharge capacity", "step": 3}, 180.0),
        ({"quantity": "charge capacity", "step": 3}, 0.0),
        ({"quantity": "charge capacity", "below": "3.5 V"}, 100.0),
        ({"quantity": "charge capacity", "above": "3.25 V", "below": "3.31 V"}, 12.0),
        ({"quantity": "charge capacity", "above": "4.5 V"}, 0.0),
        ({"quantity": "charge capacity", "below": f"{3.5 - COUNTER} V", "against": "cell"}, 100.0),
        ({"quantity": "charge capacity", "basis": "composite"}, 200.0 * 0.05 / 0.08),
    ],
)
def test_capacities(cycled, table, expected):
    assert mah_g(ask(cycled, **table)) == pytest.approx([expected], abs=1e-9)


def test_windows_add_up_to_the_whole(cycled):
    ends = [("below", "3.17 V"), ("above", "3.17 V")]
    parts = [ask(cycled, quantity="discharge capacity", **{key: value})[0] for key, value in ends]
    assert sum(parts) == pytest.approx(ask(cycled, quantity="discharge capacity")[0])


def test_charge_at_constant_voltage_counts_in_its_window_once(folder):
    hold = Step(np.linspace(0.0, 3600.0, 20), 4.0, -0.1 * ONE_C, kind="voltage")
    held = recorded(folder / "held.results", [constant(-ONE_C, 0.5, 3.0, 4.0), hold])
    assert mah_g(ask(held, quantity="charge capacity", above="3.99 V")) == pytest.approx([21.0])


def test_the_unit_chooses_what_a_capacity_is_divided_by(cycled):
    assert ask(cycled, "areal capacity", quantity="charge capacity") == pytest.approx([FULL])
    assert ask(cycled, "capacity", quantity="charge capacity") == pytest.approx([FULL * AREA])


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"quantity": "mean charge voltage"}, 3.5),
        ({"quantity": "mean discharge voltage", "number": 2}, 3.4),
        ({"quantity": "mean discharge voltage", "against": "cell"}, 3.45 - COUNTER),
        ({"quantity": "discharge energy", "number": 2}, 3.4 * 160.0 * 3600.0),
        ({"quantity": "charge energy", "step": 1, "against": "cell"}, (3.5 - COUNTER) * 200.0 * 3600.0),
        ({"quantity": "lithiation spread"}, 0.01),
        ({"quantity": "lithiation spread", "statistic": "range", "discharge": 1}, 0.04),
        ({"quantity": "lithiation spread", "statistic": "range", "discharge": 1, "at": "start"}, 0.04),
        ({"quantity": "voltage"}, 3.0),
        ({"quantity": "voltage", "at": "start"}, 3.0),
        ({"quantity": "voltage", "step": 2}, 3.9),
        ({"quantity": "voltage", "charge": 1, "at": "30 minutes"}, 3.5),
        ({"quantity": "voltage", "charge": 1, "at": "50 mAh/g"}, 3.25),
        ({"quantity": "voltage", "charge": 1, "at": "0.75 mAh/cm2"}, 3.75),
        ({"quantity": "voltage", "charge": -1, "at": "end"}, 4.0),
        ({"quantity": "composition", "phase": "iodine", "species": "I-", "charge": 1, "at": "100 mAh/g"}, 0.5),
        ({"quantity": "composition", "phase": "iodine", "species": "I-", "discharge": 1}, 0.74),
        ({"quantity": "coulombic efficiency"}, 0.9),
        ({"quantity": "coulombic efficiency", "cycle": -1}, 8.0 / 9.0),
        ({"quantity": "retention"}, 8.0 / 9.0),
        ({"quantity": "retention", "cycle": 1, "reference": 2}, 9.0 / 8.0),
    ],
)  # fmt: skip
def test_along_the_curves(cycled, table, expected):
    assert ask(cycled, **table) == pytest.approx([expected])


def test_distance_to_a_measured_curve(cycled):
    (cycled.path.parent / "charge.csv").write_text("capacity (mAh/g),voltage (V)\n0,3.02\n100,3.52\n200,4.02\n")
    table = {"quantity": "curve distance", "file": "charge.csv"}
    assert ask(cycled, **table) == pytest.approx([0.02])
    assert ask(cycled, **table, statistic="largest") == pytest.approx([-0.02])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"quantity": "charge capacity", "number": 3}, ("measure.number", "3", "only 2")),
        ({"quantity": "voltage", "step": 9}, ("measure.step", "only 5")),
        ({"quantity": "voltage", "charge": 1, "at": "2 hours"}, ("measure.at", "7200 s", "ends at 3600 s")),
        ({"quantity": "voltage", "charge": 1, "at": "300 mAh/g"}, ("300 mAh/g", "ends at 200 mAh/g")),
        ({"quantity": "composition", "phase": "iodine", "species": "I0"}, ("fraction iodine I0", "iodine I-'")),
        ({"quantity": "mean charge voltage", "step": 2}, ("a charge passes",)),
        ({"quantity": "peak potentials", "direction": "anodic"}, ("anodic sweep", "none")),
        ({"quantity": "gitt diffusivity"}, ("titration",)),
        ({"quantity": "resistance"}, ("spectrum", "none")),
    ],
)  # fmt: skip
def test_what_a_result_cannot_answer(cycled, table, words):
    with pytest.raises(InputError) as refused:
        ask(cycled, **table)
    for word in words:
        assert word in str(refused.value)


# -------------------------------------------------------------------------------------------------------- instruments


def test_peaks_of_a_voltammogram(folder):
    E = np.linspace(2.0, 4.0, 801)
    shape = sum(height * np.exp(-(((E - at) / 0.05) ** 2)) for at, height in ((3.3, 1.0), (3.75, 2.0)))
    up = Step(np.linspace(0.0, 20000.0, 801), E, -shape, kind="sweep")
    down = Step(np.linspace(0.0, 20000.0, 801), E[::-1], np.exp(-(((E[::-1] - 2.7) / 0.05) ** 2)), kind="sweep")
    swept = recorded(folder / "swept.results", [up, down])
    anodic = {"quantity": "peak potentials", "direction": "anodic"}
    assert ask(swept, **anodic) == pytest.approx([3.3, 3.75], abs=1e-3)
    assert ask(swept, **anodic, above="3.5 V") == pytest.approx([3.75], abs=1e-3)
    assert ask(swept, quantity="peak potentials", direction="cathodic") == pytest.approx([2.7], abs=1e-3)


def test_titrations(folder):
    t, steps = np.linspace(0.0, 360.0, 40), [rest(1.0, 4.1)]
    slopes = (1e-3, 2e-3, 4e-3)
    for k, slope in enumerate(slopes):
        steps.append(Step(t, 4.05 - 0.02 * k - slope * np.sqrt(t), ONE_C, role="gitt pulse"))
        steps.append(rest(1.0, 4.08 - 0.02 * k, role="gitt rest"))
    titrated = recorded(folder / "titrated.results", steps)
    D = [4.0 / (np.pi * 360.0) * (2e-6 * 0.02 / (slope * np.sqrt(360.0))) ** 2 for slope in slopes]
    table = {"quantity": "gitt diffusivity", "length": "2 um"}
    assert ask(titrated, **table) == pytest.approx([D[2], D[0]])
    assert ask(titrated, **table, statistic="median") == pytest.approx([D[1]])
    assert ask(titrated, **table, above="4.05 V") == pytest.approx([D[1], D[0]])
    with pytest.raises(InputError, match="none of its 3"):
        ask(titrated, **table, direction="charge")


@pytest.fixture(scope="module")
def measured_spectra(folder):
    """Two spectra of R0 + R1 || C1 + R2 || C2; in the second one R2 is doubled."""
    frequency = np.logspace(6, -3, 91)
    labels = np.zeros((2, 1, 1), np.uint8)
    mesh = MeshRecord(labels.shape, (1e-6,) * 3, labels, ("active",), np.arange(2), np.zeros(2, int))
    tasks = [{"text": "EIS", "kind": "spectrum", "role": ""}]
    path = folder / "spectra.results"
    writer = ResultWriter.create(path, case_text="", provenance=FACTS | {"tasks": tasks}, mesh=mesh)
    for number, R2 in enumerate((2e-3, 4e-3)):
        point = dict.fromkeys(("time", "voltage", "cell_voltage", "current_density", "charge", "temperature"), 1.0)
        writer.append_point(point | {"cycle_index": 0, "step_index": number, "step_count": number, "task": 0})
        for f in frequency:
            s = 2j * np.pi * f
            parts = {"series": 3e-3 + 0j, "reaction a|b": 1e-3 / (1 + s * 1e-3), "diffusion a": R2 / (1 + s * 1.0)}
            about = {"spectrum": number, "point": number, "frequency": f, "iterations": 0}
            writer.append_spectrum(about | spectrum_row(sum(parts.values()), parts))
    writer.commit({"state": 0})
    writer.finish({})
    return Results.open(path)


def test_resistances_of_spectra(measured_spectra):
    assert ask(measured_spectra, quantity="resistance", which="high") == pytest.approx([3e-3], rel=1e-3)
    both = ask(measured_spectra, quantity="resistance", spectrum=[1, 2])
    assert both == pytest.approx([3e-3, 5e-3], rel=1e-3)
    of_cell = ask(measured_spectra, "resistance", quantity="resistance", which="low", spectrum=-1)
    assert of_cell == pytest.approx([8e-3 / AREA], rel=1e-3)
    part = ask(measured_spectra, quantity="resistance", part="reaction a|b")
    assert part == pytest.approx([1e-3])
    with pytest.raises(InputError, match="did you mean 'diffusion a'"):
        ask(measured_spectra, quantity="resistance", part="difusion a")


def test_relaxation_times(measured_spectra):
    assert ask(measured_spectra, quantity="relaxation times") == pytest.approx([1e-3, 1.0], rel=0.05)
    assert ask(measured_spectra, quantity="relaxation times", above="10 ms") == pytest.approx([1.0], rel=0.05)
    slow = ask(measured_spectra, quantity="relaxation resistance", spectrum=[1, 2], above="10 ms")
    assert slow == pytest.approx([2e-3, 4e-3], rel=0.02)


# ------------------------------------------------------------------------------------------------------------ reading


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, ("m.quantity", "missing", "charge capacity")),
        ({"quantty": "voltage"}, ("m.quantity", "did you mean 'quantity instead of quantty'")),
        ({"quantity": "charge capacty"}, ("m.quantity", "did you mean 'charge capacity'")),
        ({"quantity": "voltage", "stp": 1}, ("m.stp", "one of the keys", "did you mean 'step'")),
        ({"quantity": "voltage", "step": 0}, ("m.step", "from 1, or from the last with -1")),
        ({"quantity": "voltage", "step": 1, "charge": 1}, ("m.step", "m.charge", "alone")),
        ({"quantity": "voltage", "at": "halfway"}, ("m.at", "'start', 'end'")),
        ({"quantity": "charge capacity", "above": "3.5"}, ("m.above", "3.5 V")),
        ({"quantity": "charge capacity", "above": "4 V", "below": "3 V"}, ("m.above", "less than below")),
        ({"quantity": "charge capacity", "step": 1, "number": 1}, ("m.number", "no number beside a step")),
        ({"quantity": "composition", "phase": "iodine"}, ("m.species", "missing")),
        ({"quantity": "peak potentials"}, ("m.direction", "anodic, cathodic")),
        ({"quantity": "gitt diffusivity", "length": "1 um", "area": "1 cm2"}, ("m.length", "no length beside area")),
        ({"quantity": "resistance", "spectrum": ["a"]}, ("m.spectrum", "list of such numbers")),
        ({"quantity": "resistance", "part": "ion", "which": "low"}, ("m.which", "no which beside part")),
        ({"quantity": "relaxation times", "lambda": -1}, ("m.lambda", "above zero")),
        ({"quantity": "curve distance", "file": "no.csv"}, ("m.file", "no.csv", "measured table")),
        ({"quantity": "gitt diffusivity", "trusted": 1}, ("m.trusted", "true or false")),
    ],
)
def test_a_slip_in_a_measure_is_told(tmp_path, table, words):
    with pytest.raises((InputError, InputErrors)) as refused:
        read_measure(Keys(table, "m"), tmp_path)
    for word in words:
        assert word in str(refused.value)


NEEDED = {
    "composition": {"phase": "a", "species": "b"},
    "peak potentials": {"direction": "anodic"},
    "curve distance": {"file": "x.csv"},
}


def test_every_measure_and_its_keys_are_in_the_manual(tmp_path):
    manual = (Path(__file__).parents[2] / "docs" / "validation" / "index.md").read_text(encoding="utf-8")
    (tmp_path / "x.csv").touch()
    for quantity in MEASURES:
        line = next(line for line in manual.splitlines() if line.startswith("|") and f"`{quantity}`" in line)
        keys = Keys({"quantity": quantity} | NEEDED.get(quantity, {}), "m")
        read_measure(keys, tmp_path)
        for key in keys.asked:
            assert key == "quantity" or f"`{key}`" in line, (quantity, key)


def test_every_measure_says_its_dimensions(tmp_path):
    (tmp_path / "x.csv").touch()
    for quantity in MEASURES:
        measure = read_measure(Keys({"quantity": quantity} | NEEDED.get(quantity, {}), "m"), tmp_path)
        for dimension in measure.dimensions:
            assert from_si(1.0, "" if dimension == "fraction" else _UNITS[dimension], dimension) > 0.0


_UNITS = {
    "specific capacity": "mAh/g",
    "areal capacity": "mAh/cm2",
    "capacity": "mAh",
    "potential": "V",
    "diffusivity": "cm2/s",
    "area resistance": "ohm cm2",
    "resistance": "ohm",
    "time": "s",
    "specific energy": "W h/kg",
}
