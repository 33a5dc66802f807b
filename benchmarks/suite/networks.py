"""Reaction networks: a cycle of a layered iodine electrode, and a charge of iodine in its catholyte resolved in 3D."""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from catholyte.build import Built, build
from catholyte.case import read_case
from catholyte.simulation import Simulation

from . import skip_long, wanted

_CASES = Path(__file__).parents[2] / "cases" / "iodine"
LAYERED, NANO = _CASES / "rate_thin" / "case.toml", _CASES / "nano_ball_milled" / "case.toml"
#: mA per gram of iodine
RATES = (440, 44)
#: voxels along an edge of the case that is charged first, so that all kernels are compiled
WARM_UP = 12
#: edge of the smallest cube in nm, which holds domains of 5 nm, and of the smallest voxel
_CUBE, _VOXEL = 12.0, 0.5
CHARGE = "Charge at 22 mA/g until 4 V"
#: from the composite as made: down to iodide, then two electrons for every iodine on the way up
CYCLE = ("Discharge at 44 mA/g until 2 V", "Charge at 44 mA/g until 4 V")


def layered_cycle(rate: float) -> Built:
    """Return the layered electrode of 0.5 mg/cm² with a discharge to 2 V and a charge to 4 V, in mA/g."""
    return build(
        read_case(LAYERED, (_steps(f"Discharge at {rate} mA/g until 2 V", f"Charge at {rate} mA/g until 4 V"),))
    )


def nano(voxels: int, *steps: str) -> Built:
    """Return a cube of domains of 5 nm with ``voxels`` along an edge: of 12 nm, and larger beyond voxels of 0.5 nm."""
    size = max(_CUBE / voxels, _VOXEL)
    resolution = (f"mesh.blend.voxels=[{voxels},{voxels},{voxels}]", f"mesh.blend.voxel_size={size!r} nm")
    return build(read_case(NANO, (*resolution, "solver.linear=krylov", "output.fields=none", _steps(*steps))))


def _steps(*steps: str) -> str:
    return f"experiment.steps=[{', '.join(repr(step) for step in steps)}]"


def cost(built: Built) -> dict[str, float | str]:
    """Run a case and return what it took: seconds, time steps, iterations."""
    simulation = Simulation(built)
    with tempfile.TemporaryDirectory() as folder:
        began = perf_counter()
        results = simulation.run(Path(folder) / "out")
        seconds = perf_counter() - began
        newton, linear = (results.curves[f"{each}_iterations"].to_numpy() for each in ("newton", "linear"))
    taken = newton > 0
    return {
        "unknowns": simulation.cathode.size,
        "wall s": seconds,
        "time_steps": int(np.count_nonzero(taken)),
        "newton": float(newton[taken].mean()),
        "linear": float(linear.sum() / newton.sum()),
        "most": float(np.max(linear[taken] / newton[taken])),
        "end": str(results.provenance["end_reason"]),
    }


class LayeredCycle:
    """A discharge and a charge of the layered electrode, the store included."""

    params = RATES
    param_names = ("mA/g",)
    timeout = 300
    number = 1
    repeat = 3
    rounds = 1
    warmup_time = 0

    def setup(self, rate: int) -> None:
        cost(layered_cycle(rate))
        self.built = layered_cycle(rate)

    def time_cycle(self, rate: int) -> None:
        cost(self.built)

    def track_newton_per_step(self, rate: int) -> float:
        return float(cost(self.built)["newton"])


class NanoCharge:
    """Charge of the resolved nanocomposite to 4 V."""

    params = (12, 16, 24, 64)
    param_names = ("voxels",)
    timeout = 7200
    number = 1
    repeat = 1
    rounds = 1
    warmup_time = 0

    def setup_cache(self) -> dict[int, dict[str, float | str]]:
        cost(nano(WARM_UP, "Charge at 22 mA/g for 10 seconds"))
        return {voxels: cost(nano(voxels, CHARGE)) for voxels in wanted(self.params, 16)}

    setup_cache.timeout = 7200

    def setup(self, measured: dict[int, dict[str, float | str]], voxels: int) -> None:
        skip_long(voxels, 16)

    def track_seconds_per_step(self, measured: dict[int, dict[str, float | str]], voxels: int) -> float:
        return float(measured[voxels]["wall s"]) / float(measured[voxels]["time_steps"])

    track_seconds_per_step.unit = "s"

    def track_products_per_solve(self, measured: dict[int, dict[str, float | str]], voxels: int) -> float:
        return float(measured[voxels]["linear"])

    track_products_per_solve.unit = "products"

    def track_most_products_per_solve(self, measured: dict[int, dict[str, float | str]], voxels: int) -> float:
        return float(measured[voxels]["most"])

    track_most_products_per_solve.unit = "products"
