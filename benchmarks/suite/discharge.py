"""The main case at growing size: time and memory of set-up, of time steps and of whole runs, with iteration counts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from catholyte.build import Built, build
from catholyte.case import read_case
from catholyte.models.control import CurrentControl
from catholyte.simulation import Simulation

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


class SetUp:
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

    params = (32, 48, 64, 96)
    param_names = ("voxels",)
    timeout = 1200
    number = 1
    repeat = 1
    rounds = 1
    warmup_time = 0
    steps = 12

    def setup(self, voxels: int) -> None:
        self.simulation = Simulation(main_case(voxels))

    def _advance(self) -> dict[str, float]:
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
        self._advance()

    def peakmem_twelve_steps(self, voxels: int) -> None:
        self._advance()

    def track_newton_per_step(self, voxels: int) -> float:
        return self._advance()["newton"]

    def track_linear_per_step(self, voxels: int) -> float:
        return self._advance()["linear"]


class Discharge:
    """Whole discharges at 0.1C, the store included."""

    params = (32, 48)
    param_names = ("voxels",)
    timeout = 3600
    number = 1
    repeat = 1
    rounds = 1
    warmup_time = 0

    def setup(self, voxels: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.simulation = Simulation(main_case(voxels))

    def teardown(self, voxels: int) -> None:
        shutil.rmtree(self.folder)

    def time_discharge(self, voxels: int) -> None:
        self.simulation.run(self.folder / "out")
