"""``catholyte impedance``: the spectra of a run, their parts, relaxation times and equivalent circuits.

Imports are made inside the command, as in :mod:`catholyte.cli`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from catholyte.errors import InputError

if TYPE_CHECKING:
    from catholyte.evaluation.kramers_kronig import KramersKronig
    from catholyte.results import Spectrum

_out = Console()

#: so many spectra are shown part by part without being asked for
_FEW = 3
#: fewer frequencies are too few for the Kramers–Kronig test
_FEWEST = 6


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(impedance)


def impedance(
    result: Annotated[Path, typer.Argument(help="A result folder (NAME.results).", show_default=False)],
    spectrum: Annotated[
        int | None, typer.Option(metavar="N", help="One spectrum of the run, from 1; all by default.")
    ] = None,
    drt: Annotated[bool, typer.Option("--drt", help="List the peaks of the relaxation times.")] = False,
    regularisation: Annotated[
        float | None, typer.Option("--lambda", help="Regularisation of the relaxation times; by cross-validation.")
    ] = None,
    circuit: Annotated[
        str | None, typer.Option(metavar="CIRCUIT", help="Fit a circuit: 'R0-p(R1,CPE1)-Wo1'.", show_default=False)
    ] = None,
    guess: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Start of the fit, areas in cm2: R1=20; may be repeated."),
    ] = None,
    bound: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=LOW:HIGH", help="Bounds of the fit, areas in cm2: CPE1_1=0.7:1; may be repeated."),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the spectra with all parts.")] = None,
    plots: Annotated[bool, typer.Option("--plots", help="Draw the pictures, into RESULT/plots.")] = False,
) -> None:
    """Impedance spectra of a run: ends of the arcs, what gives which arc, relaxation times, equivalent circuits."""
    guesses = dict(_guess(text) for text in guess or ())
    bounds = dict(_bound(text) for text in bound or ())
    for option, given in (("--guess", guess), ("--bound", bound)):
        if given and circuit is None:
            raise InputError(option, given[0], "--circuit beside it")
    if regularisation is not None and not drt:
        raise InputError("--lambda", regularisation, "--drt beside it")
    if circuit is not None:
        from catholyte.evaluation.circuit import read_circuit

        read_circuit(circuit)  # before anything is computed
    from catholyte.evaluation.impedance import spectrum_columns, summary_columns
    from catholyte.report.impedance import circuit_report, parts_report, relaxation_report, spectra_report
    from catholyte.results import Results

    spectra = Results.open(result).spectra
    if not spectra:
        raise InputError("RESULT", str(result), "a run whose protocol measures impedance ('EIS from 7 MHz to 100 mHz')")
    if spectrum is not None and not 1 <= spectrum <= len(spectra):
        raise InputError("--spectrum", spectrum, f"a number from 1 to {len(spectra)}")
    tests = [_test(one) for one in spectra]
    _out.print(spectra_report(summary_columns(spectra, tests)))
    chosen = [spectrum] if spectrum is not None else list(range(1, len(spectra) + 1))
    for number in chosen:
        one = spectra[number - 1]
        if spectrum is not None or len(spectra) <= _FEW:
            _out.print("", parts_report(number, one, tests[number - 1]))
        if drt:
            from catholyte.evaluation.drt import relaxation_times

            found = relaxation_times(one.frequency, one.impedance, regularisation=regularisation)
            _out.print("", relaxation_report(number, one, found))
        if circuit is not None:
            from catholyte.evaluation.circuit import fit_circuit
            from catholyte.evaluation.impedance import OHM_CM2

            fit = fit_circuit(one.frequency, one.impedance / OHM_CM2, circuit, guesses=guesses, bounds=bounds)
            _out.print("", circuit_report(number, fit))
    if csv is not None:
        from catholyte.evaluation.columns import write_csv

        write_csv(csv, spectrum_columns([spectra[number - 1] for number in chosen]))
        _wrote(csv)
    if plots:
        from catholyte.plot.pictures import plot_spectra

        for path in plot_spectra([spectra[number - 1] for number in chosen], result / "plots"):
            _wrote(path)


def _test(spectrum: Spectrum) -> KramersKronig | None:
    from catholyte.evaluation.kramers_kronig import kramers_kronig

    if spectrum.frequency.size < _FEWEST:
        return None
    return kramers_kronig(spectrum.frequency, spectrum.impedance)


def _guess(text: str) -> tuple[str, float]:
    """Read ``--guess``."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError("--guess", text, "NAME=VALUE, like R1=20")
    return name.strip(), _number(value, "--guess", text)


def _bound(text: str) -> tuple[str, tuple[float, float]]:
    """Read ``--bound``; a side that is left out is open."""
    name, equals, values = text.partition("=")
    low, colon, high = values.partition(":")
    if not equals or not colon or not name.strip():
        raise InputError("--bound", text, "NAME=LOW:HIGH, like CPE1_1=0.7:1")
    least = _number(low, "--bound", text) if low.strip() else 0.0
    return name.strip(), (least, _number(high, "--bound", text) if high.strip() else math.inf)


def _number(value: str, option: str, text: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(option, text, "a number without a unit, with areas in cm2 as in the table of the fit")
    return number


def _wrote(path: Path) -> None:
    _out.print(f"wrote {path}", highlight=False, soft_wrap=True)
