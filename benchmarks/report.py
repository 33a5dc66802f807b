"""Print a table of the main case at growing size: time a step, iterations, memory, and the scaling exponents.

    python benchmarks/report.py [VOXELS …]        32 48 64 96 by default

Every size runs in a process of its own, one after the other, so that its peak memory is its own. The first steps
compile the kernels on a fresh machine; the steps that are timed come after them.
"""

from __future__ import annotations

import itertools
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path

SUITE = Path(__file__).parent


def measure(voxels: int) -> dict[str, float]:
    """Time set-up and twelve steps of the main case at one size, in this process."""
    sys.path.insert(0, str(SUITE))
    from suite.discharge import Step, main_case

    from catholyte.simulation import Simulation

    began = time.perf_counter()
    main_case(voxels)
    built = time.perf_counter()
    warm = Step()
    warm.simulation = Simulation(main_case(16))
    warm._advance()
    step = Step()
    step.setup(voxels)
    ready = time.perf_counter()
    counts = step._advance()
    done = time.perf_counter()
    unknowns = step.simulation.cathode.size
    return {
        "voxels": voxels,
        "unknowns": unknowns,
        "build s": built - began,
        "step s": (done - ready) / Step.steps,
        "us/unknown": 1e6 * (done - ready) / Step.steps / unknowns,
        "Newton/step": counts["newton"],
        "Krylov/step": counts["linear"],
        "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "estimate MiB": step.simulation.built.estimated_memory / 2**20,
    }


def main(sizes: list[int]) -> None:
    """Measure every size in a fresh process and print the table."""
    rows = []
    for voxels in sizes:
        done = subprocess.run(
            [sys.executable, __file__, "--one", str(voxels)], capture_output=True, text=True, check=True
        )
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        if len(rows) == 1:
            print("  ".join(f"{name:>12}" for name in rows[0]))
        print("  ".join(f"{value:>12.4g}" for value in rows[-1].values()), flush=True)
    for name in ("step s", "peak MiB"):
        exponents = [
            math.log(b[name] / a[name]) / math.log(b["unknowns"] / a["unknowns"]) for a, b in itertools.pairwise(rows)
        ]
        print(f"{name} ~ unknowns^" + ", ".join(f"{e:.2f}" for e in exponents))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(int(sys.argv[2]))))
    else:
        main([int(argument) for argument in sys.argv[1:]] or [32, 48, 64, 96])
