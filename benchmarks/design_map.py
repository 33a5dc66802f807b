"""Print and draw how much of a dense layer of a mixed conductor is used, against thickness, rate and conductivities.

    python -m benchmarks.design_map [--out docs/images/design_map.png] [--markdown]

Every number comes from a discharge by the full model (``dense_runs.py``) of a layer without additives, without charge
transfer and contacts in its way. With i the current density and ΔU the fall of the equilibrium potential over the
capacity, the groups are

    W_i = i·L/(σ_i·ΔU),        W_e = i·L/(σ_e·ΔU),        W = W_i + W_e,        t_i = W_e/W.

Discharges end at a voltage, that of the discharged material (stop rule A), or where a face is full or the polarisation
reaches 0.5 V, as in ``catholyte materials --transport`` (stop rule B).
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from numpy.typing import NDArray

from benchmarks.dense_runs import Range, T, as_dense_layer, to_voltage
from benchmarks.design_map_pictures import draw_map, draw_rows
from benchmarks.design_map_rows import Row, rows
from benchmarks.tables import Column, machine, show
from catholyte.models.parameters import Host
from catholyte.physics.constants import F
from catholyte.physics.dense_layer import utilisation
from catholyte.physics.equilibrium import EquilibriumPotential, IdealSolution, Linear, continued
from catholyte.physics.monotone import falling
from catholyte.physics.transport import MixedConduction, Uniform

Floats = NDArray[np.float64]

_C_MAX = 3e4  # mol/m³
_END = 0.005  # share of the sites that is left out at either end
_MS_CM = 0.1  # S/m
_UM = 1e-6

_THICKNESSES = (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)  # um
_RATES = (0.05, 0.2, 1.0, 5.0, 20.0)  # C
_SIGMA_I = (0.01, 0.1, 1.0)  # mS/cm
_SIGMA_E = (0.01, 10.0)
_BANDS = (0.0, 0.01, 0.1, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 10.0, np.inf)
_W = (0.3, 0.6, 1.0, 1.5, 2.0, 3.0)
_IONS = (0.001, 0.25, 0.5, 0.75, 0.999)
_PLANE = tuple(float(w) for w in np.geomspace(0.02, 3.0, 9))


def _straight() -> EquilibriumPotential:
    return continued(Linear(2.9, 2.1), _END, 1.0 - _END)


#: law of U(x), lithiations between which it is used
LAWS: dict[str, tuple[EquilibriumPotential, float]] = {
    "straight, 2.9 V to 2.1 V": (_straight(), _END),
    "solid solution, RT/F ln((1-x)/x)": (IdealSolution(2.5), 0.02),
    "two phases, regular solution of 3 RT": (falling(IdealSolution(2.5, (3.0 * 8.314462618 * T,)), T), 0.02),
}


def generic(sigma_e: float, sigma_i: float, U: EquilibriumPotential, end: float) -> Range:
    """Return a host with a law of U(x) and constant conductivities in S/m, used between ``end`` and 1 − ``end``."""
    return Range(Host(_C_MAX, U, MixedConduction(Uniform(sigma_e), Uniform(sigma_i), U)), sigma_e, end, 1.0 - end)


@dataclass(frozen=True)
class Run:
    """A discharge: its groups, the utilisation, and that of the semi-analytic model where both end alike."""

    W_i: float
    W_e: float
    used: float
    semi_analytic: float | None = None

    @property
    def W(self) -> float:
        """Sum of both groups."""
        return self.W_i + self.W_e


def of_groups(W: float, ions: float, U: EquilibriumPotential, end: float) -> tuple[Range, float, float]:
    """Return a host, a thickness in m and a current density in A/m² with given groups."""
    thickness, current = 50.0 * _UM, 40.0
    drop = generic(1.0, 1.0, U, end).drop
    scale = current * thickness / drop
    return generic(scale / (ions * W), scale / ((1.0 - ions) * W), U, end), thickness, current


def by_voltage(W: float, ions: float, law: str) -> Run:
    """Discharge to the equilibrium potential of the discharged material."""
    U, end = LAWS[law]
    of, thickness, current = of_groups(W, ions, U, end)
    return Run((1.0 - ions) * W, ions * W, to_voltage(of, thickness, current, of.U(of.high)))


def by_faces(W_i: float, W_e: float) -> Run:
    """Discharge until a face is full, or to the largest polarisation."""
    of, thickness, current = of_groups(W_i + W_e, W_e / (W_i + W_e), _straight(), _END)
    table = of.table()
    return Run(W_i, W_e, as_dense_layer(of, thickness, current), utilisation(table, thickness, current))


# ------------------------------------------------------------------------------------------------- tables


def _thickness_and_rate(markdown: bool) -> list[Run]:
    """Run the map in lengths, rates and conductivities."""
    found = []
    for sigma_i in _SIGMA_I:
        for sigma_e in _SIGMA_E:
            of = generic(sigma_e * _MS_CM, sigma_i * _MS_CM, _straight(), _END)
            lines = []
            for thickness in _THICKNESSES:
                line: dict[str, Any] = {"thickness": thickness}
                for rate in _RATES:
                    current = rate * of.capacity * thickness * _UM / 3600.0
                    used = to_voltage(of, thickness * _UM, current, of.U(of.high))
                    group = current * thickness * _UM / of.drop / _MS_CM
                    found.append(Run(group / sigma_i, group / sigma_e, used))
                    line[f"{rate:g}"] = used
                lines.append(line)
            if sigma_i == 0.1:
                columns = [Column("thickness", "um", "g"), *(Column(f"{r:g}", f"{r:g}C", ".3f") for r in _RATES)]
                title = f"utilisation, stop rule A: sigma_i {sigma_i:g} mS/cm, sigma_e {sigma_e:g} mS/cm"
                show(lines, columns, title=title, markdown=markdown)
    return found


def _bands(found: Sequence[Run], markdown: bool) -> None:
    """Print how far the runs of the map are from 1 − W/3."""
    lines = []
    for low, high in itertools.pairwise(_BANDS):
        inside = [run for run in found if low <= run.W < high]
        if inside:
            off = [run.used - max(0.0, 1.0 - run.W / 3.0) for run in inside]
            lines.append(
                {"W": f"{low:g} to {high:g}", "runs": len(inside), "least": min(off), "most": max(off)}
                | {"from": min(run.used for run in inside), "to": max(run.used for run in inside)}
            )
    columns = (
        Column("W", "W_i + W_e"),
        Column("runs", "runs", "d"),
        Column("from", "utilisation from", ".4f"),
        Column("to", "to", ".4f"),
        Column("least", "minus (1 - W/3), least", "+.4f"),
        Column("most", "most", "+.4f"),
    )
    show(lines, columns, title=f"all {len(found)} runs of the map, stop rule A", markdown=markdown)


def _curved(markdown: bool) -> None:
    """Print what curved potentials make of the collapse."""
    columns = [
        Column("W", "W", "g"),
        Column("expected", "1 - W/3", ".3f"),
        *(Column(f"{t:g}", f"t_i {t:g}", ".3f") for t in _IONS),
        Column("spread", "spread", ".3f"),
    ]
    for k, law in enumerate(LAWS):
        lines, shares = [], _IONS if k == 0 else _IONS[:3]  # beyond 1/2 electrons and ions change places
        for W in _W:
            used = [by_voltage(W, ions, law).used for ions in shares]
            line: dict[str, Any] = {f"{ions:g}": u for ions, u in zip(shares, used, strict=True)}
            lines.append(line | {"W": W, "expected": max(0.0, 1.0 - W / 3.0), "spread": max(used) - min(used)})
        show(lines, columns, title=f"utilisation, stop rule A, U(x) {law}", markdown=markdown)


def _faces(markdown: bool) -> list[Run]:
    """Print utilisation where a full face ends the discharge, and return the runs."""
    lines, found = [], []
    for W in _W[:-1]:
        line: dict[str, Any] = {"W": W, "one": 1.0 - W / 3.0, "more": 1.0 - 5.0 * W / 24.0, "both": 1.0 - W / 12.0}
        for ions in _IONS:
            run = by_faces((1.0 - ions) * W, ions * W)
            found.append(run)
            line[f"{ions:g}"] = run.used
        lines.append(line)
    columns = [
        Column("W", "W", "g"),
        *(Column(f"{t:g}", f"t_i {t:g}", ".3f") for t in _IONS),
        Column("one", "1 - W/3", ".3f"),
        Column("more", "1 - 5W/24", ".3f"),
        Column("both", "1 - W/12", ".3f"),
    ]
    show(lines, columns, title="utilisation, stop rule B, U(x) straight", markdown=markdown)
    return found


def _plane() -> list[Run]:
    """Return runs over the plane of both groups; what one carrier does the other does from the other face."""
    found = []
    for k, low in enumerate(_PLANE):
        for high in _PLANE[k:]:
            run = by_faces(high, low)
            found.append(run)
            if low != high:
                found.append(Run(low, high, run.used, run.semi_analytic))
    return found


def _rows(found: Sequence[Row], markdown: bool) -> None:
    columns = (
        Column("name", "material"),
        Column("sigma_i", "sigma_i mS/cm"),
        Column("sigma_e", "sigma_e mS/cm"),
        Column("drop", "dU V", ".3f"),
        Column("thickness", "80 % at 1C up to um"),
        Column("semi", "semi-analytic um"),
        Column("rate", "C-rate by `materials` there", ".3f"),
        Column("W", "W there", ".3f"),
    )
    title = "dense layers of the rows of Table 1 of doi:10.1039/d5ee01767j, stop rule B, 25 degC"
    show([row.line() for row in found], columns, title=title, markdown=markdown)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="where the map is drawn; that of the rows stands beside it")
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args(arguments)
    began = perf_counter()
    print(machine(1))
    per_volume = F * _C_MAX * (1.0 - 2.0 * _END) / 3.6e6
    print(f"generic material: {per_volume:.3f} mAh/cm3, U = 2.9 V - 0.8 V x, x from {_END:g} to {1.0 - _END:g}")
    mapped = _thickness_and_rate(chosen.markdown)
    _bands(mapped, chosen.markdown)
    _curved(chosen.markdown)
    faces, plane = _faces(chosen.markdown), _plane()
    table = rows()
    _rows(table, chosen.markdown)
    compared = [run.used - run.semi_analytic for run in (*faces, *plane) if run.semi_analytic is not None]
    of_rows = [row.semi_analytic / row.thickness - 1.0 for row in table if row.thickness and row.semi_analytic]
    print(
        f"full model against physics/dense_layer.py: largest difference of utilisation {np.abs(compared).max():.4f} "
        f"in {len(compared)} runs, of thickness {np.abs(of_rows).max():.2%} in {len(of_rows)} rows"
    )
    print(f"{perf_counter() - began:.0f} s")
    if chosen.out is not None:
        draw_map(chosen.out, mapped, plane, table)
        draw_rows(chosen.out.with_stem(f"{chosen.out.stem}_rows"), table)


if __name__ == "__main__":
    main()
