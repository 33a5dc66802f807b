"""Print how far a multigrid cycle is from the limit of the machine: bytes moved a cell against the memory bandwidth.

    python -m benchmarks.bandwidth [--sizes 64 128] [--threads N]

The bandwidth is that of the triad a = b + s·c (STREAM) on arrays far beyond any cache, counted as STREAM does: two
reads and one write. Where the hardware reads a line before it writes it, a third more moves in truth. What a cycle
moves is what its loops touch, ``GridMultigrid.bytes_per_cycle()``: levels that fit into a cache can beat the bandwidth.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numba as nb
import numpy as np

from benchmarks.isolate import measure
from benchmarks.suite.images import MATRIX, sphere_packing
from benchmarks.tables import Column, machine, show
from catholyte.solve.grid import GridLaplacian, GridMultigrid

#: elements of each of the three arrays: 256 MiB in double precision
_LENGTH = 1 << 25
_RUNS = 10
_TRIAD = (
    Column("threads", "threads", "d"),
    Column("type", "type"),
    Column("GB/s", "triad GB/s", ".1f"),
)
_CYCLE = (
    Column("edge", "edge", "d"),
    Column("threads", "threads", "d"),
    Column("B", "B/voxel", ".0f"),
    Column("ns", "ns/voxel", ".2f"),
    Column("GB/s", "GB/s", ".1f"),
    Column("share", "of the triad", ".0%"),
)


@nb.njit(parallel=True, cache=True)
def _triad(a: Any, b: Any, c: Any, s: Any) -> None:
    for i in nb.prange(a.size):
        a[i] = b[i] + s * c[i]


def _fastest(work: Callable[[], object]) -> float:
    """Return the shortest of some runs in s, after one that is not counted."""
    work()
    seconds = []
    for _ in range(_RUNS):
        began = perf_counter()
        work()
        seconds.append(perf_counter() - began)
    return min(seconds)


def triad(*, kind: str) -> dict[str, Any]:
    """Measure the bandwidth in B/s with all threads of this process."""
    scalar = np.dtype(kind).type(3.0)
    # Written by the threads that will use them, so that memory lies near them.
    a, b, c = (np.empty(_LENGTH, dtype=kind) for _ in range(3))
    for array in (a, b, c):
        _fill(array, scalar)
    seconds = _fastest(lambda: _triad(a, b, c, scalar))
    return {"rate": 3 * a.nbytes / seconds}


@nb.njit(parallel=True, cache=True)
def _fill(a: Any, s: Any) -> None:
    for i in nb.prange(a.size):
        a[i] = s


def cycle(*, voxels: int) -> dict[str, Any]:
    """Measure one multigrid cycle on the matrix of a sphere packing in single precision."""
    multigrid = GridMultigrid(conduction(sphere_packing(voxels) == MATRIX))
    load = np.random.default_rng(0).standard_normal(voxels**3).astype(np.float32)
    return {"bytes": multigrid.bytes_per_cycle(), "s": _fastest(lambda: multigrid.apply(load))}


def conduction(conducts: np.ndarray) -> GridLaplacian:
    """Return the operator of one conducting phase between plates at the ends of axis 0, sealed elsewhere."""
    links = np.zeros((1, 1, 3, *conducts.shape), dtype=np.float32)
    for axis in range(3):
        here = np.moveaxis(conducts, axis, 0)
        np.moveaxis(links[0, 0, axis], axis, 0)[:-1] = here[:-1] & here[1:]
    plates = np.zeros((1, *conducts.shape), dtype=np.float32)
    for end in (0, -1):
        plates[0, end] = 2.0 * conducts[end]
    return GridLaplacian(links, plates)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bandwidth", description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128], metavar="N", help="voxels along an edge")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads beside one (all)")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args(arguments)
    counts = sorted({1, options.threads})
    bandwidth, rows = {}, []
    for threads in counts:
        for kind in ("float64", "float32"):
            rate = _measured("triad", {"kind": kind}, threads)["rate"]
            bandwidth[threads] = max(rate, bandwidth.get(threads, 0.0))
            rows.append({"threads": threads, "type": kind, "GB/s": 1e-9 * rate})
    show(rows, _TRIAD, title="memory bandwidth", markdown=options.markdown)
    rows = []
    for voxels in options.sizes:
        for threads in counts:
            one = _measured("cycle", {"voxels": voxels}, threads)
            rate, n = one["bytes"] / one["s"], voxels**3
            rows.append(
                {
                    "edge": voxels,
                    "threads": threads,
                    "B": one["bytes"] / n,
                    "ns": 1e9 * one["s"] / n,
                    "GB/s": 1e-9 * rate,
                    "share": rate / bandwidth[threads],
                }
            )
    show(rows, _CYCLE, title="one multigrid cycle, single precision", markdown=options.markdown)
    print(f"\n{machine(options.threads)}")


def _measured(function: str, job: dict[str, Any], threads: int) -> dict[str, Any]:
    outcome = measure(f"benchmarks.bandwidth:{function}", job, threads=threads)
    if outcome.result is None:
        sys.exit(f"{function}: {outcome.failure}")
    return outcome.result


if __name__ == "__main__":
    main()
