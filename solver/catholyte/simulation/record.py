"""What is kept of a run: a point for every time step, fields as scheduled, a row for every frequency."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from catholyte.build import Built
from catholyte.experiment import Cursor, Moment
from catholyte.models.analysis import Analysis
from catholyte.models.cathode import Evaluation
from catholyte.models.impedance import Response
from catholyte.results import ResultWriter
from catholyte.results.spectra import spectrum_row
from catholyte.solve.frames import Frame


@dataclass
class Recorder:
    """Appends to a result what a run computes.

    Attributes
    ----------
    built
        The case.
    area
        Cross-section of the mesh in m².
    totals
        Time steps, iterations and frequencies so far.
    """

    built: Built
    area: float
    totals: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("time_steps", "newton_iterations", "linear_iterations", "frequencies"), 0
        )
    )
    _previous: tuple[float, float] = (0.0, 0.0)

    def start_from(self, t: float, charge: float) -> None:
        """Count the field schedule on from a time in s and a charge in C."""
        self._previous = (t, charge)

    def point(
        self, writer: ResultWriter, frame: Frame, moment: Moment, cursor: Cursor, analysis: Analysis, *, last: bool
    ) -> None:
        """Append the derived numbers of a frame, and its fields where the schedule asks for them."""
        at: Evaluation = frame.evaluation
        assert cursor.task is not None
        point = {
            "time": frame.t,
            "voltage": float(at.voltage),
            "cell_voltage": float(at.voltage) - self.built.counter_potential,
            "current_density": moment.current,
            "charge": moment.charge,
            "step_index": cursor.step,
            "cycle_index": cursor.cycle,
            "step_count": cursor.count,
            "task": cursor.task,
            "temperature": moment.temperature,
            "time_step": frame.time_step,
            "order": frame.order,
            "newton_iterations": frame.newton_iterations,
            "linear_iterations": frame.linear_iterations,
            "utilisation": moment.utilisation,
        }
        writer.append_point(point | analysis.distribution(at) | analysis.losses(at))
        self.totals["time_steps"] += frame.time_step > 0.0
        self.totals["newton_iterations"] += frame.newton_iterations
        self.totals["linear_iterations"] += frame.linear_iterations
        if self._wants_fields(writer, frame, last):
            writer.append_frame(frame.t, writer.n_points - 1, analysis.fields(at))
        self._previous = (frame.t, frame.charge)

    def frequency(self, writer: ResultWriter, number: int, response: Response) -> None:
        """Append one frequency of the spectrum with a number, which was taken at the last point."""
        row = {
            "spectrum": number,
            "point": writer.n_points - 1,
            "frequency": response.frequency,
            "iterations": response.iterations,
        }
        writer.append_spectrum(row | spectrum_row(response.impedance, response.parts))
        self.totals["frequencies"] += 1

    # ------------------------------------------------------------------ schedule of the fields

    def landing(self, t: float, charge: float, current: float) -> float:
        """Return the next time in s at which fields are wanted, at a charge in C and a steady current in A."""
        schedule = self.built.case.output.fields
        times = [np.inf]
        if schedule.every == "time":
            times.append((np.floor(t / schedule.interval + 1e-9) + 1.0) * schedule.interval)
        every = self._field_charge()
        if every and current != 0.0:
            times.append(t + (_next_mark(charge, every, current) - charge) / current)
        return float(min(times))

    def _field_charge(self) -> float:
        """Return the charge in C between two frames, zero where frames do not follow the charge."""
        schedule = self.built.case.output.fields
        if schedule.every != "capacity":
            return 0.0
        return schedule.interval * self.built.design.areal_capacity * self.area

    def _wants_fields(self, writer: ResultWriter, frame: Frame, last: bool) -> bool:
        schedule = self.built.case.output.fields
        if schedule.every == "none":
            return False
        if writer.n_frames == 0 or last:
            return True
        t, charge = self._previous
        if schedule.every == "time":
            return bool(np.floor(frame.t / schedule.interval + 1e-9) > np.floor(t / schedule.interval + 1e-9))
        every = self._field_charge()
        if not every or frame.charge == charge:
            return False
        mark = _next_mark(charge, every, frame.charge - charge)
        return bool((mark - frame.charge) * np.sign(frame.charge - charge) <= 1e-9 * every)


def _next_mark(charge: float, every: float, direction: float) -> float:
    """Return the next multiple of ``every`` beyond ``charge`` in the direction of a current."""
    position = charge / every
    if direction > 0.0:
        return float(np.floor(position + 1e-9) + 1.0) * every
    return float(np.ceil(position - 1e-9) - 1.0) * every
