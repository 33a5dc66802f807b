"""Reading spectra: ends and owners of arcs, the command, and the pictures."""

import csv
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from catholyte.cli import app
from catholyte.errors import InputError
from catholyte.evaluation.drt import relaxation_times
from catholyte.evaluation.impedance import arcs, ends, ordered_parts, owner, peak_columns
from catholyte.physics.elements import FiniteSpaceWarburg, Inductor, Zarc
from catholyte.plot import plot_spectra
from catholyte.plot.impedance import contributions, frequency_text, nyquist, part_text, relaxation, spectra_pictures
from catholyte.results import Results, Spectrum

FREQUENCY = np.logspace(6.5, -2.0, 52)
OMEGA = 2.0 * np.pi * FREQUENCY
ELEMENTS = {
    "separator": Zarc(12e-4, 3e-7, 1.0),
    "ion electrolyte": Zarc(25e-4, 1e-5, 0.8),
    "reaction active|electrolyte": Zarc(40e-4, 8e-4, 0.9),
}


def spectrum(more=None, number=0, current=0.0):
    parts = {name: element.impedance(OMEGA) for name, element in (ELEMENTS | (more or {})).items()}
    parts["series"] = np.full(OMEGA.size, 2e-4 + 0j)
    return Spectrum(
        frequency=FREQUENCY,
        impedance=sum(parts.values()),
        parts=parts,
        time=0.0,
        voltage=3.7 + 0.1 * number,
        current_density=current,
        charge=0.0,
        temperature=298.15,
        cycle=0,
        step=number,
        task=number,
        point=number,
    )


TWO = (spectrum(), spectrum(number=1))


class TestReading:
    def test_ends_of_a_cell_that_passes_direct_current(self):
        found = ends(spectrum())
        assert 2e-4 < found.high < 3e-4  # the series resistance, and what has not died out yet
        assert found.high_frequency == FREQUENCY[0]
        assert found.low == pytest.approx(79e-4, rel=1e-3)
        assert np.isnan(found.capacitance)

    def test_ends_of_an_inductive_cell_that_blocks(self):
        """The beginning is where the real axis is crossed; the end is a capacitance τ/R."""
        more = {"elements": Inductor(1e-10), "diffusion active": FiniteSpaceWarburg(30e-4, 2.0)}
        found = ends(spectrum(more))
        L, Z = 2.0 * np.pi * found.high_frequency * 1e-10, spectrum(more)
        rest = np.interp(-np.log(found.high_frequency), -np.log(FREQUENCY), (Z.impedance - 1j * OMEGA * 1e-10).imag)
        assert -rest == pytest.approx(L, rel=0.02)
        assert found.capacitance == pytest.approx(2.0 / 30e-4, rel=0.03)

    def test_arcs_are_those_of_the_parts(self):
        found = {arc.name: arc for arc in arcs(spectrum())}
        reaction = found["reaction active|electrolyte"]
        assert reaction.low == pytest.approx(40e-4, rel=1e-3)
        assert reaction.apex == pytest.approx(1.0 / (2.0 * np.pi * 8e-4), rel=0.25)
        assert reaction.height == pytest.approx(0.5 * 40e-4 * np.tan(0.25 * np.pi * 0.9), rel=0.01)
        assert np.isnan(found["series"].apex)
        assert next(iter(found)) == "reaction active|electrolyte"

    def test_a_peak_belongs_to_the_part_that_relaxes_there(self):
        one = spectrum()
        drt = relaxation_times(one.frequency, one.impedance)
        mostly = next(c for c in peak_columns(one, drt) if c.name == "mostly").entries
        by_size = sorted(zip((p.resistance for p in drt.peaks), mostly, strict=True), reverse=True)
        assert [name for _, name in by_size[:3]] == ["reaction active|electrolyte", "ion electrolyte", "separator"]

    def test_nobody_owns_what_lies_beyond_the_spectrum(self):
        assert owner(spectrum(), 1e9) is None
        assert owner(spectrum(), 1e-6) is None
        name, share = owner(spectrum(), 200.0)
        assert name == "reaction active|electrolyte"
        assert 0.5 < share <= 1.0

    def test_the_order_of_measurement_does_not_matter(self):
        one = spectrum()
        back = replace(
            one,
            frequency=one.frequency[::-1],
            impedance=one.impedance[::-1],
            parts={name: part[::-1] for name, part in one.parts.items()},
        )
        assert ends(back) == ends(one)
        assert arcs(back) == arcs(one)
        assert owner(back, 50.0) == owner(one, 50.0)

    def test_parts_of_all_spectra_are_listed_once(self):
        names = ordered_parts([spectrum(), spectrum({"other thing": Zarc(1e-4, 1.0, 1.0)})])
        assert names == ["series", "separator", "ion electrolyte", "reaction active|electrolyte", "other thing"]


class TestCommand:
    @pytest.fixture
    def run(self, monkeypatch):
        def invoke(*arguments, spectra=TWO):
            monkeypatch.setattr(Results, "open", lambda path: SimpleNamespace(spectra=spectra))
            monkeypatch.setenv("COLUMNS", "120")
            return CliRunner().invoke(app, ["impedance", *map(str, arguments)])

        return invoke

    def test_it_shows_ends_parts_and_the_test(self, run):
        done = run("x.results")
        assert done.exit_code == 0, done.exception
        for word in ("3.700", "3.800", "consistent", "reaction active|electrolyte", "Spectrum 2", "RC elements"):
            assert word in done.output
        assert "relaxation" not in done.output

    def test_many_spectra_are_summarised(self, run):
        spectra = tuple(spectrum(number=k) for k in range(6))
        assert "which arc" not in run("x.results", spectra=spectra).output
        assert "Spectrum 5: what gives which arc" in run("x.results", "--spectrum", 5, spectra=spectra).output

    def test_relaxation_times(self, run):
        done = run("x.results", "--drt", "--spectrum", 1)
        assert "R_inf" in done.output
        assert "ion electrolyte" in done.output
        assert "regularisation 1.0e-02" in run("x.results", "--drt", "--lambda", "0.01").output

    def test_a_circuit_is_fitted_in_square_centimetres(self, run):
        pytest.importorskip("impedance")
        one = replace(spectrum(), impedance=2e-4 + Zarc(20e-4, 1e-4, 0.9).impedance(OMEGA))
        done = run("x.results", "--circuit", "R0-p(R1,CPE1)", "--bound", "CPE1_1=0.5:1", spectra=(one,))
        lines = {words[0]: words[1] for line in done.output.splitlines() if len(words := line.split()) > 1}
        assert float(lines["R0"]) == pytest.approx(2.0, rel=1e-4)
        assert float(lines["R1"]) == pytest.approx(20.0, rel=1e-4)
        assert float(lines["CPE1_0"]) == pytest.approx(1e-4**0.9 / 20.0, rel=1e-4)

    def test_the_table_holds_every_part(self, run, tmp_path):
        assert run("x.results", "--csv", tmp_path / "out" / "z.csv").exit_code == 0
        with (tmp_path / "out" / "z.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 2 * FREQUENCY.size
        for row in rows[::17]:
            parts = sum(float(v) for k, v in row.items() if k.startswith("Real ") and "Impedance" not in k)
            assert parts == pytest.approx(float(row["Real Impedance / ohm cm2"]), rel=1e-9)

    @pytest.mark.parametrize(
        ("arguments", "key"),
        [
            (("--spectrum", 3), "--spectrum"),
            (("--guess", "R1=1"), "--guess"),
            (("--circuit", "R0-C1", "--guess", "R0"), "--guess"),
            (("--circuit", "R0-C1", "--guess", "R0=ten"), "--guess"),
            (("--circuit", "R0-C1", "--bound", "R0=1"), "--bound"),
            (("--circuit", "R0-X1"), "circuit"),
            (("--lambda", "0.1"), "--lambda"),
        ],
    )
    def test_what_it_cannot_use_is_refused(self, run, arguments, key):
        refused = run("x.results", *arguments).exception
        assert isinstance(refused, InputError)
        assert refused.key == key

    def test_a_run_without_spectra_is_told_so(self, run):
        refused = run("x.results", spectra=()).exception
        assert isinstance(refused, InputError)
        assert "EIS" in refused.expected


class TestPictures:
    def test_every_picture_is_written(self, tmp_path):
        written = plot_spectra([spectrum(), spectrum(number=1, current=5.0)], tmp_path)
        names = ["nyquist", "bode", "relaxation_times", "contributions_1", "contributions_2"]
        assert [path.name for path in written] == [f"{name}.png" for name in names]
        assert all(path.stat().st_size > 10_000 for path in written)

    def test_no_spectra_no_pictures(self):
        assert spectra_pictures([]) == {}

    def test_a_single_frequency_is_drawn(self, tmp_path):
        one = spectrum()
        single = replace(
            one,
            frequency=one.frequency[:1],
            impedance=one.impedance[:1],
            parts={k: v[:1] for k, v in one.parts.items()},
        )
        assert [path.stem for path in plot_spectra([single], tmp_path)] == ["nyquist", "bode"]

    def test_both_axes_of_a_plane_have_one_scale(self):
        axes = nyquist([spectrum()]).axes[0]
        assert axes.get_aspect() == 1.0
        assert "Ω cm²" in axes.get_xlabel()
        assert axes.get_xlim()[1] > 79.0

    def test_arcs_before_a_long_tail_are_drawn_again(self):
        tail = spectrum({"diffusion active": FiniteSpaceWarburg(30e-4, 0.5)})
        whole, close = nyquist([tail]).axes
        assert close.get_ylim()[1] < 0.5 * whole.get_ylim()[1]
        assert len(nyquist([spectrum()]).axes) == 1

    def test_the_stacks_add_up_to_the_whole(self):
        one = spectrum()
        upper, lower, _ = contributions(one).axes
        for axes, values in ((upper, one.impedance.real), (lower, -one.impedance.imag)):
            assert axes.lines[0].get_ydata()[::-1] == pytest.approx(1e4 * values)
            tops = [shape.get_paths()[0].vertices[:, 1].max() for shape in axes.collections]
            assert max(tops) == pytest.approx(1e4 * values.max(), rel=1e-6)

    def test_peaks_are_named_after_their_parts(self):
        figure = relaxation([spectrum()])
        labels = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
        assert any("Charge transfer active | electrolyte" in label and "Ω cm²" in label for label in labels)

    def test_words(self):
        assert part_text("ion electrolyte") == "Ions in electrolyte"
        assert part_text("contact a|b") == "Contact a | b"
        assert part_text("separator") == "Separator"
        assert [frequency_text(f) for f in (7e6, 1e5, 1.0, 0.01)] == ["7 MHz", "100 kHz", "1 Hz", "10 mHz"]
