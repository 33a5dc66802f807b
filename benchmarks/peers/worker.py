"""One problem and one solver, measured in the process that this is called in: see ``benchmarks/isolate.py``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.isolate import peak_memory, restart_peak
from benchmarks.peers.adapters import OURS, PEERS
from benchmarks.peers.problem import Plates, Problem

#: runs of one solver, of which the fastest counts, and seconds after which there are no more
_RUNS, _ENOUGH = 3, 10.0


def measure(
    *, peer: str, image: str, phase: int, tolerance: float, plates: Plates = "faces", once: bool = False
) -> dict[str, Any]:
    """Solve the problem of an image file (.npy) with a peer and return what it took.

    Import and a first solve in a corner of the image are timed apart. With ``once`` there is no such corner and one
    run.
    """
    solver = PEERS[peer]
    began = perf_counter()
    function = solver.load()
    imported = perf_counter() - began

    problem = Problem(np.load(image), phase, tolerance, plates)
    began = perf_counter()
    if not once:
        solver.solve(function, problem.duct(solver.warm_up))
    warmed = perf_counter() - began
    before = restart_peak()

    answer, clock = solver.solve(function, problem)
    peak, runs, spent = peak_memory(), 1, clock.counted
    while not once and runs < _RUNS and spent < _ENOUGH:
        _, again = solver.solve(function, problem)
        runs, spent = runs + 1, spent + again.counted
        clock = min(clock, again, key=lambda each: each.counted)
    where = plates if peer == OURS else solver.plates
    currents = answer.through(problem, where)
    sigma = problem.conductivity(answer.total(problem, where), where)
    return {
        "peer": peer,
        "version": solver.version(),
        "import": imported,
        "warm-up": warmed,
        **clock.seconds,
        "time": clock.counted,
        "runs": runs,
        "peak": peak,
        "before": before,
        "voxels": problem.labels.size,
        "iterations": answer.iterations,
        "tau": problem.share / sigma if sigma else float("inf"),
        "own tau": answer.tau,
        "mismatch": currents.mismatch,
    }


def packing(*, voxels: int, path: str) -> dict[str, Any]:
    """Write the sphere packing of ``voxels`` along every edge."""
    from benchmarks.suite.images import MATRIX, sphere_packing

    np.save(path, sphere_packing(voxels))
    return {"phase": MATRIX, "name": f"sphere packing, {voxels}³, its matrix (35 %)"}


def volume(*, name: str, phase: str | None, axis: int, voxels: int | None, path: str) -> dict[str, Any]:
    """Write a volume of the catalogue, or the low corner of one; ``phase`` is the last one if not given."""
    from benchmarks.suite.images import catalogued

    labels, phases = catalogued(name, voxels, axis)
    np.save(path, labels)
    wanted = phase or list(phases)[-1]
    if wanted not in phases:
        raise ValueError(f"{name} has no phase {wanted!r}, but {', '.join(phases)}")
    size = "×".join(str(n) for n in labels.shape)
    return {"phase": phases[wanted], "name": f"{name}, {size}, {wanted} along axis {axis}", "path": Path(path).name}
