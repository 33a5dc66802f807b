"""What an experimenter asks of a result: cycles, pulses, sweeps, rates, and the distance to a measurement.

Imports are made inside the commands, as in :mod:`catholyte.cli`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from catholyte.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure
    from rich.console import RenderableType

    from catholyte.evaluation.basis import Basis
    from catholyte.evaluation.columns import Column
    from catholyte.evaluation.rates import RatePoint
    from catholyte.results import Results

_out = Console()

ResultPath = Annotated[Path, typer.Argument(help="A result folder (NAME.results).", show_default=False)]
BasisName = Annotated[str, typer.Option("--basis", help="What counts: active, composite, or all with the layers.")]
PerName = Annotated[str, typer.Option("--per", help="Divide by mass, area or volume.")]
Against = Annotated[str, typer.Option(help="Voltage against the counter electrode (cell) or Li/Li+ (li).")]
CsvFile = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the table, every column of it.")]
Plots = Annotated[bool, typer.Option("--plots", help="Draw the pictures, into RESULT/plots.")]

_KINDS = ("gitt", "hppc", "interruption")
_PICTURES = (".png", ".pdf", ".svg")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (cycles, pulses, sweeps, rates, compare):
        app.command()(command)


def cycles(
    result: ResultPath,
    basis_name: BasisName = "active",
    per: PerName = "mass",
    against: Against = "cell",
    reference: Annotated[int, typer.Option(metavar="N", help="Cycle whose discharge is 100 % of the retention.")] = 1,
    peaks: Annotated[bool, typer.Option("--peaks", help="List the peaks of dQ/dV too.")] = False,
    resolution: Annotated[str, typer.Option(help="Interval of voltage of dQ/dV.")] = "2 mV",
    smooth: Annotated[str, typer.Option(help="Width of the Gaussian that smooths dQ/dV.")] = "0 mV",
    csv: CsvFile = None,
    plots: Plots = False,
) -> None:
    """Capacity, energy, efficiencies and mean voltages of every cycle; peaks of dQ/dV."""
    from catholyte.evaluation.basis import basis
    from catholyte.evaluation.cycles import cycle_columns
    from catholyte.evaluation.cycles import cycles as evaluate
    from catholyte.evaluation.derivative import half_cycle_derivatives
    from catholyte.report.cycles import cycles_report, peaks_report
    from catholyte.units import to_si

    opened = _open(result)
    divisor = basis(opened, basis_name, per)
    table = evaluate(opened, against=against, reference=reference)
    options: dict[str, Any] = {
        "against": against,
        "resolution": to_si(resolution, "potential", key="--resolution"),
        "smoothing": to_si(smooth, "potential", key="--smooth"),
    }
    _out.print(cycles_report(table, divisor, against=against))
    if peaks:
        curves = half_cycle_derivatives(opened, **options)
        _out.print("", peaks_report([(f"{half.direction} {half.number}", curve) for half, curve in curves]))
    _write(csv, cycle_columns(table, divisor))
    if plots:
        from catholyte.plot.cycles import cycle_life, derivative_curves

        _draw(cycle_life(table, divisor), result / "plots" / "cycles.png")
        if half_cycle_derivatives(opened, **options):
            _draw(derivative_curves(opened, **options), result / "plots" / "derivative.png")


def pulses(
    result: ResultPath,
    kind: Annotated[str | None, typer.Option(help="gitt, hppc or interruption; all that are there by default.")] = None,
    read_as: Annotated[
        str | None,
        typer.Option(help="Read a protocol that spells its steps out as gitt or interruption.", show_default=False),
    ] = None,
    length: Annotated[
        str | None, typer.Option(help="GITT: V/S, like '1.2 um'; a third of the radius of spheres.")
    ] = None,
    area: Annotated[
        str | None, typer.Option(help="GITT: S of the whole cell, '0.785 cm2', or of the active mass, '0.5 m2/g'.")
    ] = None,
    window: Annotated[str, typer.Option(help="GITT: part of the pulse that is fitted, as shares.")] = "0.04, 1",
    curvature: Annotated[bool, typer.Option("--curvature", help="GITT: fit a term in t beside that in √t.")] = False,
    at: Annotated[str, typer.Option(help="HPPC: times into the pulse.")] = "0 s, 1 s, 10 s",
    csv: CsvFile = None,
    plots: Plots = False,
) -> None:
    """Diffusivities from GITT, resistances from HPPC, ohmic drops from current interruptions."""
    if kind is not None and kind not in _KINDS:
        raise InputError("--kind", kind, f"one of {', '.join(_KINDS)}", nearest(kind, _KINDS))
    if read_as not in (None, "gitt", "interruption"):
        raise InputError("--read-as", read_as, "gitt or interruption", nearest(str(read_as), _KINDS))
    opened = _open(result)
    wanted = _KINDS if kind is None and read_as is None else (kind or str(read_as),)
    found: dict[str, _Evaluated] = {}
    if "gitt" in wanted:
        depth = {"length": length, "area": area}
        found |= _gitt(opened, depth, _shares(window), curvature=curvature, spelled_out=read_as == "gitt")
    if "hppc" in wanted:
        found |= _hppc(opened, _times(at))
    if "interruption" in wanted:
        found |= _interruptions(opened, spelled_out=read_as == "interruption")
    if not found:
        raise InputError(
            "RESULT",
            str(result),
            f"a run whose protocol holds {' or '.join(wanted)} steps (--read-as gitt or interruption takes a current "
            "and the rest behind it for one)",
        )
    if csv is not None and len(found) > 1:
        raise InputError(
            "--csv", str(csv), f"--kind beside it: there are {' and '.join(found)}", f"--kind {next(iter(found))}"
        )
    for each in found.values():
        _out.print(each.report, "")
    _write(csv, next(iter(found.values())).columns)
    if plots:
        for name, each in found.items():
            _draw(each.draw(), result / "plots" / f"{name}.png")


def sweeps(result: ResultPath, csv: CsvFile = None, plots: Plots = False) -> None:
    """Peaks, their separation, and charges of a cyclic voltammetry."""
    from catholyte.evaluation.voltammetry import pair_columns, peak_pairs, sweep_columns
    from catholyte.evaluation.voltammetry import sweeps as evaluate
    from catholyte.report.pulses import sweeps_report

    opened = _open(result)
    table = evaluate(opened)
    if not table:
        raise InputError("RESULT", str(result), "a run whose protocol sweeps the voltage ('Sweep at 0.1 mV/s …')")
    columns = sweep_columns(table)
    _out.print(sweeps_report(columns, pair_columns(peak_pairs(table))))
    _write(csv, columns)
    if plots:
        from catholyte.plot.voltammogram import voltammogram

        _draw(voltammogram(opened, table), result / "plots" / "voltammogram.png")


def rates(
    results: Annotated[list[Path], typer.Argument(help="Result folders.", show_default=False)],
    direction: Annotated[str, typer.Option(help="discharge or charge.")] = "discharge",
    basis_name: BasisName = "active",
    per: PerName = "mass",
    against: Against = "cell",
    csv: CsvFile = None,
    plots: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Draw rate capability and Ragone plot.")] = None,
) -> None:
    """Capacity, energy and power of runs at several currents: rate capability and Ragone plot."""
    from catholyte.evaluation.basis import basis
    from catholyte.evaluation.rates import rate_columns, rate_points
    from catholyte.report.comparison import rates_report

    points: list[RatePoint] = []
    divisors: list[Basis] = []
    for path in results:
        opened = _open(path)
        found = rate_points(opened, direction=direction, against=against)
        if not found:
            raise InputError("RESULT", str(path), f"a run with a {direction} at one go, without rests in it")
        points += found
        divisors += [basis(opened, basis_name, per)] * len(found)
    columns = rate_columns(points, divisors)
    _out.print(rates_report(columns, divisors[0], direction))
    _write(csv, columns)
    if plots is not None:
        from catholyte.plot.rates import ragone, rate_capability, series

        lines = series(points, divisors)
        _draw(rate_capability(lines, direction), plots / "rates.png")
        _draw(ragone(lines), plots / "ragone.png")


def compare(
    result: ResultPath,
    data: Annotated[Path, typer.Argument(help="A measured table: Battery Data Format, or .csv with units.")],
    half_cycle: Annotated[
        int | None, typer.Option(metavar="N", help="Half-cycle of the run, from 1; all in their order by default.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="QUANTITY=HEADER[:UNIT],…", help="Columns of time, voltage, current, capacity."),
    ] = None,
    by: Annotated[str, typer.Option(help="Compare over capacity or time.")] = "capacity",
    against: Against = "cell",
    basis_name: BasisName = "active",
    per: PerName = "mass",
    csv: CsvFile = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw both curves and their difference.")] = None,
) -> None:
    """Overlay a measured curve and print its distance: rms and largest difference, capacity at cut-off."""
    from catholyte.evaluation.basis import basis
    from catholyte.evaluation.comparison import compare_capacity, compare_time, time_curve
    from catholyte.evaluation.measured import read_measured
    from catholyte.report.comparison import comparison_columns, comparison_report, time_report

    if by not in ("capacity", "time"):
        raise InputError("--by", by, "capacity or time", nearest(by, ("capacity", "time")))
    if plot is not None and plot.suffix not in _PICTURES:
        raise InputError("--plot", str(plot), f"a file that ends in {', '.join(_PICTURES)}")
    opened = _open(result)
    divisor = basis(opened, basis_name, per)
    measured = read_measured(data, opened.provenance, columns)
    if by == "time":
        apart = compare_time(opened, measured, against=against)
        _out.print(time_report(apart))
        if plot is not None and measured.time is not None:
            from catholyte.plot.overlay import time_overlay

            theirs = (measured.time - measured.time[0], measured.voltage)
            _draw(time_overlay(*time_curve(opened, against=against), *theirs, apart, against=against), plot)
        return
    found = compare_capacity(opened, measured, against=against, half_cycle=half_cycle)
    table = comparison_columns(found, divisor)
    _out.print(comparison_report(table))
    _write(csv, table)
    if plot is not None:
        from catholyte.plot.overlay import capacity_overlay

        _draw(capacity_overlay(found, divisor, against=against), plot)


@dataclass(frozen=True)
class _Evaluated:
    """One kind of measurement: its table, what is shown of it, and its picture."""

    columns: list[Column]
    report: RenderableType
    draw: Callable[[], Figure]


def _gitt(
    opened: Results, depth: dict[str, str | None], window: tuple[float, float], *, curvature: bool, spelled_out: bool
) -> dict[str, _Evaluated]:
    from catholyte.evaluation.gitt import diffusion_length, gitt, gitt_columns
    from catholyte.evaluation.pulses import Record
    from catholyte.report.pulses import gitt_report

    if not Record(opened).pulses("gitt pulse", "gitt rest", spelled_out=spelled_out):
        return {}
    metres, origin = diffusion_length(opened, **depth)
    titrated = gitt(opened, metres, window=window, curvature=curvature, spelled_out=spelled_out)
    columns = gitt_columns(titrated, float(opened.provenance["active_areal_mass_kg_m2"]))

    def draw() -> Figure:
        from catholyte.plot.pulses import titration

        return titration(titrated)

    return {"gitt": _Evaluated(columns, gitt_report(columns, length=metres, origin=origin), draw)}


def _hppc(opened: Results, times: tuple[float, ...]) -> dict[str, _Evaluated]:
    from catholyte.evaluation.hppc import hppc, hppc_columns
    from catholyte.report.pulses import hppc_report

    found = hppc(opened, times=times)
    if not found:
        return {}
    columns = hppc_columns(found, times)

    def draw() -> Figure:
        from catholyte.plot.pulses import pulse_resistance

        return pulse_resistance(found, times)

    return {"hppc": _Evaluated(columns, hppc_report(columns), draw)}


def _interruptions(opened: Results, *, spelled_out: bool) -> dict[str, _Evaluated]:
    from catholyte.evaluation.interruption import interruption_columns, interruptions
    from catholyte.report.pulses import interruption_report

    found = interruptions(opened, spelled_out=spelled_out)
    if not found:
        return {}
    columns = interruption_columns(found)

    def draw() -> Figure:
        from catholyte.plot.pulses import interruption_resistance

        return interruption_resistance(found)

    return {"interruption": _Evaluated(columns, interruption_report(columns), draw)}


def _shares(text: str) -> tuple[float, float]:
    """Read the two shares of ``--window``."""
    parts = text.split(",")
    if len(parts) != 2:
        raise InputError("--window", text, "two shares of the pulse, like '0.04, 1'")
    from catholyte.units import to_si

    low, high = (to_si(part.strip(), "fraction", key="--window") for part in parts)
    return low, high


def _times(text: str) -> tuple[float, ...]:
    """Read the times of ``--at``."""
    from catholyte.units import to_si

    return tuple(to_si(part.strip(), "time", key="--at") for part in text.split(","))


def _open(result: Path) -> Results:
    from catholyte.results import Results

    return Results.open(result)


def _write(path: Path | None, columns: Sequence[Column]) -> None:
    if path is not None:
        from catholyte.evaluation.columns import write_csv

        write_csv(path, columns)
        _wrote(path)


def _draw(figure: Figure, path: Path) -> None:
    from catholyte.plot.pictures import save

    for written in save(figure, path.parent, path.stem, (path.suffix.removeprefix("."),)):
        _wrote(written)


def _wrote(path: Path) -> None:
    _out.print(f"wrote {path}", highlight=False, soft_wrap=True)
