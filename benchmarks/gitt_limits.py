"""Print what a titration makes of a known diffusivity: D found over D put in, run by run, with the doubts it raises.

    python -m benchmarks.gitt_limits [--markdown]

A flat film of thickness L with a constant D is titrated from a case and evaluated as ``catholyte pulses`` does: what is
off comes from the pulse, the rest, the shape of U(x), the voxels or the tolerances of the time steps, one at a time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.tables import Column, show
from catholyte.build import build
from catholyte.case import parse_case
from catholyte.evaluation.gitt import gitt
from catholyte.simulation import Simulation

_L, _D, _C_MAX, _F = 1e-6, 1e-14, 4e4, 96485.33212  # m, m²/s, mol/m³, C/mol
_UNIT = _L * _L / _D
_STRAIGHT = '{ law = "linear", U_at_0 = "4.2 V", U_at_1 = "3.2 V" }'
_SOLUTION = '{ law = "ideal-solution", U0 = "3.8 V" }'

_CASE = """
title = "film"
[mesh]
laminate = {{ voxel_size = ["{h} m", "1 um", "1 um"], stack = [["electrolyte", "{h} m"], ["active", "{L} m"]] }}
[phases]
electrolyte = {{ material = "Li6PS5Cl", sigma_i = "1e6 S/m" }}
[phases.active]
material = "NCM811"
sigma_e = "1e6 S/m"
D = "{D} m2/s"
maximum_concentration = "{c_max} mol/m3"
equilibrium_potential = {potential}
[interfaces."active|electrolyte"]
kinetics = {{ exchange_current = "{i0} A/m2" }}
[cell]
counter = "Li-In"
initial = {{ lithiation = {x} }}
[experiment]
steps = ["GITT {way} at {current:.10g} mA/cm2 for {tau:.10g} s, rest for {rest:.10g} s, at most {pulses} pulses"]
[output]
fields = "none"
[solver]
x_tolerance = {tolerance}
voltage_tolerance = "{tolerance} V"
"""


@dataclass(frozen=True)
class Titration:
    """One run: what it varies, in the words of a table.

    Attributes
    ----------
    varied
        Group and value.
    depth, dx, rest
        D τ/L² of a pulse, change of x by it, rest over L²/D.
    voxels
        Through the film.
    x, way, potential, i0
        Lithium at the start, direction, U(x), exchange current density in A/m².
    tolerance
        Of x, and of the voltage in V.
    """

    varied: tuple[str, str]
    depth: float = 0.05
    dx: float = 0.005
    rest: float = 3.0
    voxels: int = 80
    x: float = 0.3
    way: str = "discharge"
    potential: str = _STRAIGHT
    i0: float = 1e5
    tolerance: float = 1e-6

    def run(self, folder: Path) -> dict[str, Any]:
        """Run, evaluate the second pulse, and return a row."""
        tau = self.depth * _UNIT
        text = _CASE.format(
            h=_L / self.voxels,
            L=_L,
            D=_D,
            c_max=_C_MAX,
            potential=self.potential,
            i0=self.i0,
            x=self.x,
            way=self.way,
            current=0.1 * self.dx * _F * _C_MAX * _L / tau,
            tau=tau,
            rest=self.rest * _UNIT,
            pulses=2,
            tolerance=self.tolerance,
        )
        results = Simulation(build(parse_case(text, []))).run(folder / "film.results")
        pulse = gitt(results, _L)[1]
        return {
            "group": self.varied[0],
            "value": self.varied[1],
            "ratio": pulse.diffusivity / _D,
            "linearity": pulse.linearity,
            "doubts": "; ".join(pulse.doubts),
        }


def titrations() -> Iterator[Titration]:
    """Yield every run."""
    for depth in (0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0):
        yield Titration(("duration of the pulse, D τ/L²", f"{depth:g}"), depth=depth, voxels=160)
    for rest in (3.0, 1.0, 0.5, 0.25, 0.1):
        yield Titration(("duration of the rest, D t/L²", f"{rest:g}"), rest=rest)
    for voxels in (100, 40, 30, 20, 10):
        reach = 0.1 * voxels
        yield Titration(("voxels on √(Dτ)", f"{reach:g}"), depth=0.01, voxels=voxels)
    for tolerance in (1e-6, 1e-5, 1e-4, 4e-4):
        for dx in (0.02, 0.005, 0.001):
            yield Titration(("tolerance of x, change of x", f"{tolerance:g}, {dx:g}"), dx=dx, tolerance=tolerance)
    for dx in (0.0005, 0.002, 0.005):
        for way in ("discharge", "charge"):
            yield Titration(
                ("ideal solution at x = 0.1, change of x", f"{dx:g} by {way}"),
                dx=dx,
                way=way,
                x=0.1,
                potential=_SOLUTION,
            )
    for i0 in (10.0, 1.0, 0.1):
        yield Titration(("exchange current density at x = ½, A/m², under 3.9 A/m²", f"{i0:g}"), i0=i0)


_COLUMNS = (
    Column("value", "value"),
    Column("ratio", "D found / put in", ".3f"),
    Column("linearity", "R²", ".5f"),
    Column("doubts", "doubts"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gitt_limits", description=__doc__.partition("\n")[0])
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args(arguments)
    groups: dict[str, list[dict[str, Any]]] = {}
    for titration in titrations():
        with tempfile.TemporaryDirectory() as folder:
            row = titration.run(Path(folder))
        groups.setdefault(row["group"], []).append(row)
    for name, rows in groups.items():
        show(rows, _COLUMNS, title=name, markdown=options.markdown)


if __name__ == "__main__":
    main()
