"""The main case at growing size: time and memory of set-up, of time steps and of whole runs, with iteration counts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from catholyte.build import Built, build
from catholyte.case import read_case
from catholyte.models.control import CurrentControl
from catholyte.simulation import Simulation

from . import skip_long, wanted

CASE = Path(__file__).parents[2] / "cases" / "composite" / "ncm83_packing" / "case.toml"
SIDE = 16.0  # um: the same electrode at every resolution


def main_case(voxels: int, *overrides: str) -> Built:
    """Return the main case with ``voxels`` along every edge of the same 16 um cube."""
    edge = SIDE / voxels
    layers = max(round(4.0 / edge), 1)
    resolution = (
        f"mesh.packing.voxels=[{voxels},{voxels},{voxels}]",
        f"mesh.packing.voxel_size={edge!r} um",
        f"mesh.separator={layers * edge!r} um",
    )
    return build(read_case(CASE, (*resolution, *overrides)))


class Build:
    """From the case file to the model."""

    params = (32, 48, 64, 96)
    param_names = ("voxels",)
    timeout = 600

    def time_build(self, voxels: int) -> None:
        main_case(voxels)

    def peakmem_model(self, voxels: int) -> None:
        Simulation(main_case(voxels))


class Step:
    """Twelve time steps from the start of the discharge: what a step costs once everything is compiled."""

    params = (32, 48, 64, 96, 128)
    param_names = ("voxels",)
    timeout = 1200
    number = 1
    repeat = 1
    rounds = 1
    warmup_time = 0
    steps = 12

    def setup(self, voxels: int) -> None:
        skip_long(voxels, 96)
        warm_up()
        self.simulation = Simulation(main_case(voxels))

    def advance(self) -> dict[str, float]:
        """Take the steps and return the mean numbers of iterations."""
        simulation = self.simulation
        current = 0.1 * simulation.built.design.current_density_1C * simulation.area
        control = CurrentControl(current)
        integrator = simulation.integrator
        frame, progress = integrator.begin(0.0, simulation.initial_state(), control, 0.0, current)
        newton = linear = 0
        pieces = integrator.integrate(progress, control, [], last=frame.evaluation)
        for _ in range(self.steps):
            frame, _ = next(pieces)
            newton += frame.newton_iterations
            linear += frame.linear_iterations
        return {"newton": newton / self.steps, "linear": linear / self.steps}

    def time_twelve_steps(self, voxels: int) -> None:
        self.advance()

    def peakmem_twelve_steps(self, voxels: int) -> None:
        self.advance()

    def track_newton_per_step(self, voxels: int) -> float:
        return self.advance()["newton"]

    def track_linear_per_step(self, voxels: int) -> float:
        return self.advance()["linear"]


def warm_up() -> None:
    """Take the first steps of a case that is just large enough for threads, so that all kernels are compiled."""
    small = Step()
    small.simulation = Simulation(main_case(32))
    small.advance()


class Discharge:
    """Whole discharges at 0.1C, the store included."""

    params = (32, 48, 64, 128)
    param_names = ("voxels",)
    timeout = 7200
    number = 1
    repeat = 1
    rounds = 1
    warmup_time = 0

    def setup(self, voxels: int) -> None:
        skip_long(voxels, 48)
        warm_up()
        self.folder = Path(tempfile.mkdtemp())
        self.simulation = Simulation(main_case(voxels))

    def teardown(self, voxels: int) -> None:
        # asv takes down what it has skipped, too.
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def time_discharge(self, voxels: int) -> None:
        self.simulation.run(self.folder / "out")

    def peakmem_discharge(self, voxels: int) -> None:
        self.simulation.run(self.folder / "out")


class DischargeCost:
    """What whole discharges cost by time step, iteration and unknown; every size is run once for all of them."""

    params = (32, 48, 64, 128)
    param_names = ("voxels",)
    timeout = 60

    def setup_cache(self) -> dict[int, dict[str, float]]:
        warm_up()
        return {voxels: whole_discharge(voxels) for voxels in wanted(self.params, 48)}

    setup_cache.timeout = 7200

    def setup(self, measured: dict[int, dict[str, float]], voxels: int) -> None:
        skip_long(voxels, 48)

    def track_time_steps(self, measured: dict[int, dict[str, float]], voxels: int) -> float:
        return measured[voxels]["time_steps"]

    track_time_steps.unit = "steps"

    def track_newton_iterations(self, measured: dict[int, dict[str, float]], voxels: int) -> float:
        return measured[voxels]["newton_iterations"]

    track_newton_iterations.unit = "iterations"

    def track_linear_iterations(self, measured: dict[int, dict[str, float]], voxels: int) -> float:
        return measured[voxels]["linear_iterations"]

    track_linear_iterations.unit = "products"

    def track_us_per_unknown_and_step(self, measured: dict[int, dict[str, float]], voxels: int) -> float:
        numbers = measured[voxels]
        return 1e6 * numbers["wall_time_s"] / numbers["unknowns"] / numbers["time_steps"]

    track_us_per_unknown_and_step.unit = "us"


def whole_discharge(voxels: int) -> dict[str, Any]:
    """Run the main case from start to end and return its provenance, with the estimate of its memory."""
    built = main_case(voxels)
    with tempfile.TemporaryDirectory() as folder:
        results = Simulation(built).run(Path(folder) / "out")
        return dict(results.provenance) | {"estimated_memory_MiB": built.estimated_memory / 2**20}
