"""A particle of a dual conductor in a homogeneous cathode beside one of a layered oxide in a composite.

    python -m benchmarks.particle_pair --image          writes the label image of the voxel cases
    python -m benchmarks.particle_pair [--out FOLDER]   runs both cases on tetrahedra and draws them

Both cases have the same geometry: a quarter of a sphere of 5 µm in a box, the current collector on top, the separator
below. In the homogeneous cathode the box around the particle is of the same material as the particle, in the composite
it is electrolyte. Printed are the spread of lithiation inside the electrode and what the voltage is spent on, at each
rate; the pictures show cuts through both particles at equal utilisation.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.tables import Column, show
from catholyte.build import build
from catholyte.case import read_case
from catholyte.models.analysis import LOSSES
from catholyte.plot.lithiation import lithiation_frames
from catholyte.plot.pictures import save
from catholyte.plot.style import new_figure, sequence, styled
from catholyte.results import Results
from catholyte.simulation import Simulation

CASES = Path(__file__).parents[1] / "cases" / "dual_conductive"
PAIR = {"LTGPSSe, homogeneous": "ltgpsse_particle_tetrahedra", "NCM811, composite": "ncm811_particle_tetrahedra"}
RATES = ("C/10", "C/2", "2C")

#: lengths in µm: radius, gap around, height of the particle above its lowest point, voxel
RADIUS, GAP, HEIGHT, VOXEL = 2.5, 1.0, 4.5, 0.25


def particle_image() -> np.ndarray:
    """Return the labels (z, y, x) of the quarter: 1 in the particle, 0 around it; the collector is at the last z."""
    across = round((RADIUS + GAP) / VOXEL)
    z, y, x = (VOXEL * (np.arange(n) + 0.5) for n in (round((GAP + HEIGHT) / VOXEL), across, across))
    inside = x**2 + y[:, None] ** 2 + (z[:, None, None] - GAP - RADIUS) ** 2 < RADIUS**2
    return inside.astype(np.uint8)


def run(name: str, folder: Path) -> Results:
    """Run a case of the pair, or open the result that is there."""
    out = folder / f"{name}.results"
    if out.exists():
        return Results.open(out)
    return Simulation(build(read_case(CASES / name / "case.toml"))).run(out)


def discharges(results: Results) -> list[np.ndarray]:
    """Return the points of every discharge."""
    current, step = results.curves["current_density"].to_numpy(), results.curves["step_count"].to_numpy()
    return [np.flatnonzero(step == k) for k in np.unique(step[current > 0.0])]


def spreads(pair: dict[str, Results]) -> None:
    """Print how unevenly both electrodes lithiate, and where the voltage goes at half of the capacity reached."""
    rows, losses = [], []
    key = Column("electrode", "electrode"), Column("rate", "rate")
    for name, results in pair.items():
        curves = results.curves
        for rate, at in zip(RATES, discharges(results), strict=True):
            std, low, high = (curves[f"lithiation_{key}"].to_numpy()[at] for key in ("std", "p05", "p95"))
            x, charge = curves["lithiation"].to_numpy()[at], curves["charge"].to_numpy()[at]
            middle = int(np.argmin(np.abs(charge - charge.mean())))
            used = (charge[-1] - charge[0]) / results.provenance["active_areal_mass_kg_m2"] / 3600.0
            row = {"electrode": name, "rate": rate, "used": used, "dx": float(x[-1] - x[0])}
            rows.append(row | {"std": float(std.max()), "range": float((high - low).max())})
            parts = {part: 1e3 * float(curves[f"loss_{part}"].to_numpy()[at][middle]) for part in LOSSES}
            losses.append({"electrode": name, "rate": rate} | {k: v for k, v in parts.items() if abs(v) >= 0.05})
    columns = (
        Column("used", "mAh/g", ".1f"),
        Column("dx", "change of x", ".3f"),
        Column("std", "largest standard deviation", ".4f"),
        Column("range", "largest 5-95 % range", ".4f"),
    )
    show(rows, (*key, *columns), title="Spread of lithiation in a discharge")
    of_losses = tuple(Column(part, part.replace("_", " "), ".1f") for part in LOSSES)
    show(losses, (*key, *of_losses), title="Where the voltage goes half-way through a discharge, in mV")


def spread_over_time(pair: dict[str, Results]) -> Figure:
    """Draw mean, standard deviation and 5-95 % range of lithiation over the discharges."""
    figure = new_figure(7.2, 3.0)
    axes = figure.subplots(1, len(pair), sharey=True)
    colours = sequence(len(RATES))
    for place, (name, results) in zip(axes, pair.items(), strict=True):
        for number, (rate, at) in enumerate(zip(RATES, discharges(results), strict=True)):
            time, x, std, low, high = (
                results.curves[key].to_numpy()[at]
                for key in ("time", "lithiation", "lithiation_std", "lithiation_p05", "lithiation_p95")
            )
            part = (time - time[0]) / (time[-1] - time[0])
            colour = colours[number]
            place.fill_between(part, low, high, color=colour, alpha=0.18, linewidth=0)
            place.fill_between(part, x - std, x + std, color=colour, alpha=0.35, linewidth=0)
            place.plot(part, x, color=colour, label=rate)
        place.set_title(name)
        place.set_xlabel("time over the time of the discharge")
        place.set_ylabel("lithiation x")
        place.legend()
    return figure


def main() -> None:
    """Write the image, or run, print and draw the pair."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", action="store_true", help="write the label image of the voxel cases")
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder of the pictures")
    parser.add_argument("--runs", type=Path, help="folder that keeps the results; made anew if not given")
    options = parser.parse_args()
    if options.image:
        np.savez_compressed(CASES / "particle.npz", labels=particle_image())
        return
    folder = options.runs or Path(tempfile.mkdtemp())
    pair = {name: run(case, folder) for name, case in PAIR.items()}
    spreads(pair)
    for short, results in zip(("homogeneous", "composite"), pair.values(), strict=True):
        save(lithiation_frames(results, [0.1, 0.35, 0.6]), options.out, f"particle_{short}")
    with styled():
        save(spread_over_time(pair), options.out, "particle_spread")


if __name__ == "__main__":
    main()
