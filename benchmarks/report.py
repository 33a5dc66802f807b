"""Print how time, iterations and memory grow with the size: effective transport, coupled solve, steps, whole discharge.

    python -m benchmarks.report [--effective] [--coupled] [--steps] [--impedance] [--discharge] [--networks]
                                [--sizes N …] [--cycle N]

Without a section: all but impedance, discharge and networks. Every size runs in a process of its own, one after the
other, so that its peak memory is its own. A first solve of a small case, uncounted, compiles the kernels.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.isolate import measure, peak_memory, restart_peak
from benchmarks.tables import Column, Row, machine, show

#: runs of a short measurement, of which the fastest counts
_RUNS = 3


@dataclass(frozen=True)
class Section:
    """One table: what is measured at every size, and what is fitted over the sizes.

    Attributes
    ----------
    title
        Heading.
    sizes
        Voxels along an edge, if none are given.
    size
        The column that counts as size in the fits, and whose unit cost is compared.
    columns
        What is shown.
    fitted
        Columns whose exponent over the size is printed.
    growing
        Columns whose ratio of last to first is printed.
    """

    title: str
    sizes: tuple[int, ...]
    size: str
    columns: tuple[Column, ...]
    fitted: tuple[str, ...]
    growing: tuple[str, ...]


_EDGE = Column("edge", "edge", "d")
_RELATIVE = Column("relative", "relative", ".2f")
_PEAK = Column("peak MiB", "peak MiB", ",.0f")
SECTIONS = {
    "effective": Section(
        "effective transport of a sphere packing (matrix, 35 %), plates matched to 1e-4",
        (64, 96, 128),
        "voxels",
        (
            _EDGE,
            Column("voxels", "voxels", ",d"),
            Column("s", "s"),
            Column("us", "µs/voxel"),
            _RELATIVE,
            Column("iterations", "cycles", "d"),
            Column("mismatch", "mismatch", ".0e"),
            _PEAK,
            Column("B", "B/voxel", ".0f"),
            Column("method", "method"),
        ),
        ("s", "peak MiB"),
        ("iterations",),
    ),
    "coupled": Section(
        "one Newton system of the main case (300 s step), true residual 1e-6",
        (32, 48, 64),
        "unknowns",
        (
            _EDGE,
            Column("unknowns", "unknowns", ",d"),
            Column("first s", "first s"),
            Column("s", "next s"),
            Column("us", "µs/unknown"),
            _RELATIVE,
            Column("iterations", "iterations", "d"),
            Column("residual", "residual", ".0e"),
            _PEAK,
            Column("B", "B/unknown", ",.0f"),
        ),
        ("s", "peak MiB"),
        ("iterations",),
    ),
    "steps": Section(
        "first twelve time steps of the main case at 0.1C",
        (32, 48, 64),
        "unknowns",
        (
            _EDGE,
            Column("unknowns", "unknowns", ",d"),
            Column("build s", "build s"),
            Column("s", "s/step"),
            Column("us", "µs/unknown"),
            _RELATIVE,
            Column("newton", "Newton/step", ".2f"),
            Column("linear", "Krylov/step", ".1f"),
            _PEAK,
            Column("B", "B/unknown", ",.0f"),
            Column("estimate MiB", "estimate MiB", ",.0f"),
        ),
        ("s", "peak MiB"),
        ("newton", "linear"),
    ),
    "impedance": Section(
        "spectrum of 60 frequencies, 1 MHz to 1 mHz, of the main case with double layers, against an implicit step",
        (32, 48, 96),
        "unknowns",
        (
            _EDGE,
            Column("unknowns", "unknowns", ",d"),
            Column("s", "s/frequency"),
            Column("step", "s/implicit step"),
            Column("ratio", "ratio", ".2f"),
            Column("us", "µs/unknown"),
            _RELATIVE,
            Column("iterations", "iterations", ".1f"),
            Column("most", "most", "d"),
            _PEAK,
            Column("B", "B/unknown", ",.0f"),
        ),
        ("s", "peak MiB"),
        ("iterations",),
    ),
    "discharge": Section(
        "whole discharge of the main case at 0.1C, start to stored result",
        (32, 48, 64),
        "unknowns",
        (
            _EDGE,
            Column("unknowns", "unknowns", ",d"),
            Column("s", "s"),
            Column("time_steps", "steps", "d"),
            Column("us", "µs/unknown/step"),
            _RELATIVE,
            Column("newton", "Newton/step", ".2f"),
            Column("linear", "Krylov/step", ".1f"),
            _PEAK,
            Column("B", "B/unknown", ",.0f"),
            Column("estimate MiB", "estimate MiB", ",.0f"),
            Column("end", "end"),
        ),
        ("s", "peak MiB"),
        ("time_steps", "newton", "linear"),
    ),
    "networks": Section(
        "charge of iodine in its catholyte to 4 V, domains of 5 nm, 22 mA/g",
        (12, 16, 24),
        "unknowns",
        (
            _EDGE,
            Column("unknowns", "unknowns", ",d"),
            Column("wall s", "s"),
            Column("time_steps", "steps", "d"),
            Column("s", "s/step"),
            Column("us", "µs/unknown/step"),
            _RELATIVE,
            Column("newton", "Newton/step", ".2f"),
            Column("linear", "Krylov/solve", ".1f"),
            Column("most", "most", ".0f"),
            _PEAK,
            Column("end", "end"),
        ),
        ("s", "peak MiB"),
        ("time_steps", "newton", "linear"),
    ),
}
_LAYERED_COLUMNS = (
    Column("rate", "mA/g", "d"),
    Column("unknowns", "unknowns", ",d"),
    Column("wall s", "s"),
    Column("time_steps", "steps", "d"),
    Column("newton", "Newton/step", ".2f"),
    Column("end", "end"),
)

CONTRASTS = (1.0, 1e2, 1e4, 1e6, 1e8)
_CONTRAST_COLUMNS = (
    Column("contrast", "contrast", ".0e"),
    Column("s", "s"),
    Column("us", "µs/voxel"),
    Column("iterations", "cycles", "d"),
    Column("mismatch", "mismatch", ".0e"),
    _PEAK,
    Column("method", "method"),
)


def effective(*, voxels: int, contrast: float | None = None) -> dict[str, Any]:
    """Measure one solve of effective transport; with a contrast, of both phases of the packing."""
    from benchmarks.suite import effective as suite
    from benchmarks.suite.images import sphere_packing

    def solve(image: suite.Image) -> suite.EffectiveTransport:
        return suite.one_phase(image) if contrast is None else suite.two_phases(image, contrast)

    image = sphere_packing(voxels)
    solve(sphere_packing(suite.WARM_UP))
    before = restart_peak()
    seconds, result = math.inf, None
    for _ in range(_RUNS):
        began = perf_counter()
        result = solve(image)
        seconds = min(seconds, perf_counter() - began)
    assert result is not None
    return {
        "voxels": image.size,
        "contrast": contrast,
        "s": seconds,
        "us": 1e6 * seconds / image.size,
        "iterations": result.iterations,
        "mismatch": result.mismatch,
        "method": result.method,
        **_memory(image.size, before),
    }


def coupled(*, voxels: int) -> dict[str, Any]:
    """Measure the first and the next solve of one Newton system."""
    from benchmarks.suite import coupled as suite

    small = suite.newton_system(suite.WARM_UP)
    small.solve(small.solver())
    before = restart_peak()
    newton = suite.newton_system(voxels)
    solver = newton.solver()
    began = perf_counter()
    newton.solve(solver)
    first, seconds, result = perf_counter() - began, math.inf, None
    for _ in range(_RUNS):
        began = perf_counter()
        result = newton.solve(solver)
        seconds = min(seconds, perf_counter() - began)
    assert result is not None
    return {
        "unknowns": newton.size,
        "first s": first,
        "s": seconds,
        "us": 1e6 * seconds / newton.size,
        "iterations": result.iterations,
        "residual": result.residual,
        **_memory(newton.size, before),
    }


def steps(*, voxels: int) -> dict[str, Any]:
    """Measure set-up and twelve time steps."""
    from benchmarks.suite.discharge import Step, main_case, warm_up
    from catholyte.simulation import Simulation

    warm_up()
    before = restart_peak()
    began = perf_counter()
    step = Step()
    step.simulation = Simulation(main_case(voxels))
    built = perf_counter()
    counts = step.advance()
    seconds = (perf_counter() - built) / Step.steps
    unknowns = step.simulation.cathode.size
    return {
        "unknowns": unknowns,
        "build s": built - began,
        "s": seconds,
        "us": 1e6 * seconds / unknowns,
        "newton": counts["newton"],
        "linear": counts["linear"],
        "estimate MiB": step.simulation.built.estimated_memory / 2**20,
        **_memory(unknowns, before),
    }


def impedance(*, voxels: int) -> dict[str, Any]:
    """Measure a spectrum and, for comparison, implicit steps of the same size."""
    from benchmarks.suite.discharge import warm_up
    from benchmarks.suite.impedance import spectrum_cost

    warm_up()
    before = restart_peak()
    cost = spectrum_cost(voxels)
    return cost | {"us": 1e6 * cost["s"] / cost["unknowns"], **_memory(int(cost["unknowns"]), before)}


def discharge(*, voxels: int) -> dict[str, Any]:
    """Measure a whole discharge."""
    from benchmarks.suite.discharge import warm_up, whole_discharge

    warm_up()
    before = restart_peak()
    began = perf_counter()
    run = whole_discharge(voxels)
    seconds = perf_counter() - began
    return {
        "unknowns": run["unknowns"],
        "s": seconds,
        "us": 1e6 * seconds / run["unknowns"] / run["time_steps"],
        "time_steps": run["time_steps"],
        "newton": run["newton_iterations"] / run["time_steps"],
        "linear": run["linear_iterations"] / run["time_steps"],
        "estimate MiB": run["estimated_memory_MiB"],
        "end": run["end_reason"],
        **_memory(run["unknowns"], before),
    }


def networks(*, voxels: int, cycle: bool = False) -> dict[str, Any]:
    """Measure a charge of the resolved nanocomposite, or its whole cycle of four electrons for every I2."""
    from benchmarks.suite import networks as suite

    suite.cost(suite.nano(suite.WARM_UP, "Charge at 22 mA/g for 10 seconds"))
    before = restart_peak()
    run = suite.cost(suite.nano(voxels, *(suite.CYCLE if cycle else (suite.CHARGE,))))
    size, steps = int(run["unknowns"]), int(run["time_steps"])
    each = float(run["wall s"]) / steps
    return run | {"s": each, "us": 1e6 * each / size, **_memory(size, before)}


def layered(*, rate: int) -> dict[str, Any]:
    """Measure a cycle of the layered electrode."""
    from benchmarks.suite import networks as suite

    suite.cost(suite.layered_cycle(rate))
    runs = [suite.cost(suite.layered_cycle(rate)) for _ in range(_RUNS)]
    return min(runs, key=lambda run: float(run["wall s"])) | {"rate": rate}


def _memory(size: int, before: float) -> dict[str, float]:
    peak = peak_memory()
    return {"peak MiB": peak / 2**20, "B": (peak - before) / size}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__.partition("\n")[0])
    for name, section in SECTIONS.items():
        parser.add_argument(f"--{name}", action="store_true", help=section.title)
    parser.add_argument("--sizes", type=int, nargs="+", metavar="N", help="voxels along an edge")
    parser.add_argument("--cycle", type=int, metavar="N", help="networks: the whole cycle as well at this edge")
    parser.add_argument("--contrast-at", type=int, default=64, metavar="N", help="edge for the contrasts (64; 0: none)")
    parser.add_argument("--threads", type=int, default=1, help="threads (1)")
    parser.add_argument("--limit", type=float, default=3600.0, help="seconds for each process (3600)")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args(arguments)
    asked = [name for name in SECTIONS if getattr(options, name)]
    for name in asked or ("effective", "coupled", "steps"):
        section = SECTIONS[name]
        rows = _rows(name, [{"voxels": voxels} for voxels in options.sizes or section.sizes], options)
        for row in rows:
            row["relative"] = row["us"] / rows[0]["us"]
        show(rows, section.columns, title=section.title, markdown=options.markdown)
        for line in _growth(section, rows):
            print(line)
        if name == "effective" and options.contrast_at:
            jobs = [{"voxels": options.contrast_at, "contrast": contrast} for contrast in CONTRASTS]
            rows = _rows(name, jobs, options)
            title = f"the same at {options.contrast_at}³, spheres (55 %) against the matrix"
            show(rows, _CONTRAST_COLUMNS, title=title, markdown=options.markdown)
            if rows:
                most, least = (f(row["iterations"] for row in rows) for f in (max, min))
                print(f"cycles: {least} to {most}, a factor of {most / max(least, 1):.2f}")
        if name == "networks":
            _show_cycles(options)
    print(f"\n{machine(options.threads)}")


def _show_cycles(options: argparse.Namespace) -> None:
    """Print what cycles with reaction networks take: layered, and resolved if asked for."""
    from benchmarks.suite.networks import RATES

    rows = _rows("layered", [{"rate": rate} for rate in RATES], options)
    title = "discharge and charge of a layered iodine electrode, start to stored result"
    show(rows, _LAYERED_COLUMNS, title=title, markdown=options.markdown)
    if options.cycle:
        rows = _rows("networks", [{"voxels": options.cycle, "cycle": True}], options)
        title = "four electrons: discharge to 2 V and charge to 4 V at 44 mA/g"
        show(rows, SECTIONS["networks"].columns, title=title, markdown=options.markdown)


def _rows(function: str, jobs: Sequence[dict[str, Any]], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every job in a process of its own; those that fail are told on the error stream and left out."""
    rows = []
    for job in jobs:
        label = " ".join(f"{key}={value:g}" for key, value in job.items())
        print(f"  {function} {label} …", file=sys.stderr, flush=True)
        outcome = measure(f"benchmarks.report:{function}", job, threads=options.threads, limit=options.limit)
        if outcome.result is None:
            print(f"  {function} {label}: {outcome.failure}", file=sys.stderr, flush=True)
        else:
            rows.append(outcome.result | {"edge": job.get("voxels")})
    return rows


def _growth(section: Section, rows: Sequence[Row]) -> list[str]:
    """Return lines that say how the columns grow with the size."""
    if len(rows) < 2:
        return []
    lines = []
    headings = {column.key: column.heading for column in section.columns}
    sizes = [row[section.size] for row in rows]
    for key in section.fitted:
        values = [row[key] for row in rows]
        pairs = zip(itertools.pairwise(sizes), itertools.pairwise(values), strict=True)
        between = ", ".join(f"{_exponent(*pair):.2f}" for pair in pairs)
        lines.append(f"{headings[key]} ~ {section.size}^{_exponent(sizes, values):.2f} (from size to size: {between})")
    for key in section.growing:
        lines.append(
            f"{headings[key]}: ×{rows[-1][key] / rows[0][key]:.2f} from {rows[0]['edge']}³ to {rows[-1]['edge']}³"
        )
    return lines


def _exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Fit log value against log size by least squares and return the slope."""
    x, y = ([math.log(v) for v in series] for series in (sizes, values))
    x_mean, y_mean = sum(x) / len(x), sum(y) / len(y)
    return sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True)) / sum((a - x_mean) ** 2 for a in x)


if __name__ == "__main__":
    main()
