"""Print how tetrahedra and voxels lead to the same discharge of a particle, and what either costs.

    python -m benchmarks.mesh_kinds [--curves] [--solves] [--edges UM …] [--voxels N …] [--mixed SIGMA_E SIGMA_I]
                                    [--threads N] [--markdown]

Without a section: both, the curves with what they cost at equal error, and solves of single Newton systems.

A quarter of a sphere of 5 µm in electrolyte, on the collector plate, is discharged at 1C (``suite/cut_sphere.py``). The
limit of the curves is extrapolated from the two finest meshes of tetrahedra, which are off by the square of the edges.
Voxels react at the corrected area of their surface, as with ``mesh.interface_area = "corrected"``, but of the image
that mirrors complete; one row shows what the counted area of their faces makes of the same mesh.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.suite.coupled import TOLERANCE
from benchmarks.suite.cut_sphere import AREA, VOLUME, Body, Curve, Material, diffusing, mixed, tetrahedra, voxels
from benchmarks.tables import Column, machine, show
from catholyte.solve.linear import KrylovSolver
from catholyte.solve.threads import allow_threads

#: steps of a discharge, runs of which the fastest counts, and the time step of a Newton system in s
_STEPS, _RUNS, _TIME_STEP = 30, 3, 60.0
#: errors in V that both kinds are asked for
_TARGETS = (2e-3, 1e-3)
#: edges in µm and voxels across of about as many unknowns, for single Newton systems
_PAIRS = ((0.35, 11), (0.25, 15), (0.18, 20))
_MATERIALS = {"diffusion": diffusing, "mixed conductor": mixed}

_CONVERGENCE = (
    Column("mesh", "mesh"),
    Column("unknowns", "unknowns", ",d"),
    Column("volume", "volume off", "+.2%"),
    Column("area", "area off", "+.2%"),
    Column("limit", "from the limit, mV", ".2f"),
    Column("tetrahedra", "finest tetrahedra, mV", ".2f"),
    Column("voxels", "finest voxels, mV", ".2f"),
    Column("charge", "limit at equal charge, mV", ".2f"),
)
_EQUAL = (
    Column("target", "error asked for, mV", ".0f"),
    Column("mesh", "mesh"),
    Column("error", "error, mV", ".2f"),
    Column("unknowns", "unknowns", ",d"),
    Column("mesh s", "mesh s", ".2f"),
    Column("s", "discharge s", ".2f"),
)
_SOLVES = (
    Column("material", "material"),
    Column("mesh", "mesh"),
    Column("variant", "multigrid"),
    Column("unknowns", "unknowns", ",d"),
    Column("first s", "first s"),
    Column("s", "next s"),
    Column("us", "µs/unknown", ".1f"),
    Column("iterations", "iterations", "d"),
    Column("residual", "residual", ".0e"),
)


@dataclass(frozen=True)
class Mesh:
    """One mesh: edges of tetrahedra in µm, or voxels across."""

    size: float
    voxels: bool
    counted: bool = False

    @property
    def name(self) -> str:
        """How it is called in tables."""
        if not self.voxels:
            return f"tetrahedra, {self.size:g} µm"
        return f"voxels, {self.size:g} across" + (", counted area" if self.counted else "")

    def build(self, material: Material) -> Body:
        """Return the particle in this mesh."""
        if self.voxels:
            return voxels(int(self.size), material, area="counted" if self.counted else "corrected")
        return tetrahedra(1e-6 * self.size, material)


@dataclass(frozen=True)
class Run:
    """A mesh, the particle in it and its discharge."""

    mesh: Mesh
    body: Body
    curve: Curve


def discharged(mesh: Mesh, material: Material) -> Run:
    """Discharge the particle in a mesh."""
    print(f"  {mesh.name} …", file=sys.stderr, flush=True)
    body = mesh.build(material)
    return Run(mesh, body, body.discharge(_STEPS))


def convergence(runs: Sequence[Run], limit: Curve) -> list[dict[str, Any]]:
    """Return how far curves are from the limit and from those of the finest meshes, in mV."""
    finest = {
        name: [run for run in runs if run.mesh.voxels == voxel and not run.mesh.counted][-1].curve
        for name, voxel in (("tetrahedra", False), ("voxels", True))
    }
    return [
        {
            "mesh": run.mesh.name,
            "unknowns": run.body.model.size,
            "volume": run.body.volume / VOLUME - 1.0,
            "area": run.body.area / AREA - 1.0,
            "limit": 1e3 * run.curve.apart(limit),
            "charge": 1e3 * run.curve.apart_by_charge(limit),
        }
        | {name: 1e3 * run.curve.apart(curve) for name, curve in finest.items() if curve is not run.curve}
        for run in runs
    ]


def at_equal_error(runs: Sequence[Run], limit: Curve, material: Material) -> list[dict[str, Any]]:
    """Return what the coarsest mesh of either kind takes that has the error asked for, as all finer ones have."""
    rows = []
    for target in _TARGETS:
        chosen = [_coarsest(runs, limit, target, voxel) for voxel in (False, True)]
        found = [run for run in chosen if run is not None]
        times = _alternating([run.body for run in found])
        for run, seconds in zip(found, times, strict=True):
            began = perf_counter()
            run.mesh.build(material)
            rows.append(
                {
                    "target": 1e3 * target,
                    "mesh": run.mesh.name,
                    "error": 1e3 * run.curve.apart(limit),
                    "unknowns": run.body.model.size,
                    "mesh s": perf_counter() - began,
                    "s": seconds,
                }
            )
    return rows


def _coarsest(runs: Sequence[Run], limit: Curve, target: float, voxel: bool) -> Run | None:
    found = None
    for run in reversed([run for run in runs if run.mesh.voxels == voxel and not run.mesh.counted]):
        if run.curve.apart(limit) > target:
            break
        found = run
    return found


def _alternating(bodies: Sequence[Body]) -> list[float]:
    """Return the shortest time of a discharge of each in s, taken in turn."""
    seconds = [float("inf")] * len(bodies)
    for _ in range(_RUNS):
        for k, body in enumerate(bodies):
            began = perf_counter()
            body.discharge(_STEPS)
            seconds[k] = min(seconds[k], perf_counter() - began)
    return seconds


def solve(material: str, mesh: Mesh) -> dict[str, Any]:
    """Measure the first and the next solve of one Newton system by the iteration."""
    newton = mesh.build(_MATERIALS[material]()).newton_system(_TIME_STEP)
    solver = KrylovSolver()
    began = perf_counter()
    newton.solve(solver)
    first, seconds = perf_counter() - began, float("inf")
    for _ in range(_RUNS):
        began = perf_counter()
        result = newton.solve(solver)
        seconds = min(seconds, perf_counter() - began)
    return {
        "material": material,
        "mesh": mesh.name,
        "variant": solver.variant,
        "unknowns": newton.size,
        "first s": first,
        "s": seconds,
        "us": 1e6 * seconds / newton.size,
        "iterations": result.iterations,
        "residual": result.residual,
    }


def curves(options: argparse.Namespace) -> None:
    """Print how the discharges of both kinds converge, and what they cost at equal error."""
    material = mixed(*options.mixed) if options.mixed else diffusing()
    edges, across = sorted(options.edges, reverse=True), sorted(options.voxels)
    meshes = [Mesh(edge, voxels=False) for edge in edges] + [Mesh(n, voxels=True) for n in across]
    runs = [discharged(mesh, material) for mesh in meshes]
    tetra = [run.curve for run in runs[: len(edges)]]
    limits = [a.limit(b, h / finer) for (a, b), (h, finer) in zip(pairwise(tetra), pairwise(edges), strict=True)]
    counted = discharged(Mesh(across[len(across) // 2], voxels=True, counted=True), material)

    title = f"discharge at 1C in {_STEPS} steps: largest distances of the voltage at equal charge per volume"
    show(convergence([*runs, counted], limits[-1]), _CONVERGENCE, title=title, markdown=options.markdown)
    apart = ", ".join(f"{1e3 * limit.apart(limits[-1]):.3f}" for limit in limits[:-1])
    if apart:
        print(f"limits of coarser pairs of tetrahedra, from that of the finest: {apart} mV")
    finest, voxel = tetra[-1], runs[-1].curve
    by_charge = 1e3 * finest.apart_by_charge(voxel)
    print(
        f"finest meshes: {1e3 * finest.apart(voxel):.2f} mV at equal charge per volume, {by_charge:.2f} at equal charge"
    )
    title = f"the coarsest meshes of an error, the fastest of {_RUNS} discharges"
    show(at_equal_error(runs, limits[-1], material), _EQUAL, title=title, markdown=options.markdown)


def solves(options: argparse.Namespace) -> None:
    """Print what the iteration takes for one Newton system."""
    rows = [
        solve(material, Mesh(size, voxels=voxel))
        for material in _MATERIALS
        for edge, n in _PAIRS
        for size, voxel in ((edge, False), (n, True))
    ]
    title = f"one Newton system, a step of {_TIME_STEP:g} s, to a true residual of {TOLERANCE:g}"
    show(rows, _SOLVES, title=title, markdown=options.markdown)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mesh_kinds", description=__doc__.partition("\n")[0])
    edges, across = (0.8, 0.5, 0.35, 0.25, 0.18), (7, 10, 14, 20, 28)
    parser.add_argument("--curves", action="store_true", help="discharges alone")
    parser.add_argument("--solves", action="store_true", help="single Newton systems alone")
    parser.add_argument("--edges", type=float, nargs="+", default=edges, metavar="UM", help="of tetrahedra, in µm")
    parser.add_argument("--voxels", type=int, nargs="+", default=across, metavar="N", help="along x and y")
    help_mixed = "discharge a mixed conductor of these conductivities in S/m"
    parser.add_argument("--mixed", type=float, nargs=2, metavar=("SIGMA_E", "SIGMA_I"), help=help_mixed)
    parser.add_argument("--threads", type=int, default=1, help="threads (1)")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args(arguments)
    if len(set(options.edges)) < 2:
        parser.error("--edges: at least two, from which the limit is extrapolated")
    allow_threads(options.threads)
    for mesh in (Mesh(0.5, voxels=False), Mesh(10, voxels=True)):
        # Compiles what is timed later.
        mesh.build(mixed()).newton_system(_TIME_STEP).solve(KrylovSolver())
        mesh.build(diffusing()).discharge(2)
    if options.curves or not options.solves:
        curves(options)
    if options.solves or not options.curves:
        solves(options)
    print(f"\n{machine(options.threads)}")


if __name__ == "__main__":
    main()
