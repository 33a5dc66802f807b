"""One run: a built case is carried through its protocol, and every accepted step is on disk before the next begins.

    for each step of the protocol:  consistent potentials -> time steps until a stop rule -> located end
    for each accepted time step:    derived numbers -> store -> checkpoint

A run can be killed at any moment and resumed; it then continues from the last accepted time step.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from catholyte import experiment as protocol
from catholyte.build import Built
from catholyte.errors import InputError, NotConverged
from catholyte.models.analysis import Analysis
from catholyte.models.cathode import Evaluation
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.provenance import mesh_record, peak_memory, provenance
from catholyte.results import Results, ResultWriter, run_log
from catholyte.solve.bdf import History
from catholyte.solve.events import Event
from catholyte.solve.linear import linear_solver
from catholyte.solve.transient import Frame, Integrator, Progress, Settings

State = NDArray[np.float64]

_log = logging.getLogger(__name__)

#: smallest current, as a part of 1C, that imbalances are measured against
_SCALE_FLOOR = 1e-3


@dataclass(frozen=True)
class Update:
    """What a progress display needs after every accepted time step.

    Attributes
    ----------
    step, n_steps
        Number of the protocol step (from 1) and their total.
    text
        The step as it was written.
    time
        Simulated time in s.
    voltage
        In V vs Li/Li⁺.
    current_density
        In A/m², discharge positive.
    utilisation
        Charge passed over the nominal capacity.
    fraction
        Estimated part of the present step that is done, 0 to 1.
    ended
        Why the step ended, at its last time step.
    """

    step: int
    n_steps: int
    text: str
    time: float
    voltage: float
    current_density: float
    utilisation: float
    fraction: float
    ended: str | None


@dataclass(frozen=True)
class _Position:
    """Where a run stands: the protocol step, when and with what charge it began, and the integrator's memory."""

    step: int
    began: float
    began_charge: float
    progress: Progress | None


class Simulation:
    """A built case in motion.

    Parameters
    ----------
    built
        The case.
    """

    def __init__(self, built: Built) -> None:
        self.built = built
        self.cathode = built.cathode()
        self.analysis = Analysis(self.cathode)
        self.steps = tuple(built.experiment)
        self.area = built.geometry.cross_section
        design, solver = built.design, built.case.solver
        self._basis = {
            "areal_capacity_1C": design.areal_capacity,
            "area": built.case.cell.area,
            "areal_mass": design.active_areal_mass,
        }
        self._reference = built.counter_potential if built.case.cell.voltage_reference == "cell" else 0.0
        chosen = {
            key: value
            for key in ("order", "x_tolerance", "voltage_tolerance", "first_step", "largest_step")
            if (value := getattr(solver, key)) is not None
        }
        self.integrator = Integrator(
            self.cathode,
            linear_solver(self.cathode.size, solver.linear),
            _SCALE_FLOOR * design.current_density_1C * self.area,
            Settings(**chosen),
        )
        self._previous = (0.0, 0.0)
        self._totals = {"time_steps": 0, "newton_iterations": 0, "linear_iterations": 0}

    # ------------------------------------------------------------------ running

    def initial_state(self) -> State:
        """Return the state at rest: uniform lithium in every phase and potentials at equilibrium."""
        u = np.zeros(self.cathode.size)
        _, x, _ = self.cathode.split(u)
        for name, _, at in self.cathode.hosts:
            x[at] = self.built.initial_lithiation[name]
        u[-1] = self.built.initial_voltage
        return u

    def run(
        self,
        out: Path,
        *,
        resume: bool = False,
        on_update: Callable[[Update], None] | None = None,
    ) -> Results:
        """Run the protocol and write the result.

        Parameters
        ----------
        out
            Folder of the result; must not exist unless ``resume`` is set.
        resume
            Continue the result in ``out`` from its last committed time step.
        on_update
            Called after every accepted time step.

        Raises
        ------
        InputError
            If ``out`` exists, or what is there to resume belongs to another case.
        NotConverged
            If the run cannot go on; everything up to there is saved.
        """
        started = time.perf_counter()
        if resume:
            writer, position, spent = self._resume(out)
        else:
            writer = ResultWriter.create(
                out, case_text=self.built.case.text, provenance=provenance(self.built), mesh=mesh_record(self.built)
            )
            position, spent = None, 0.0
        reason = "interrupted"
        try:
            # Threads of the linear algebra library only get in the way of vectors of this size.
            with threadpool_limits(limits=1, user_api="blas"), run_log(out):
                _log.info("%s: %d unknowns", "resumed" if resume else "started", self.cathode.size)
                for update in self._carry_out(writer, position, started - spent):
                    if update.ended is not None:
                        reason = update.ended
                        _log.info("step %d/%d ended: %s", update.step, update.n_steps, reason)
                    if on_update is not None:
                        on_update(update)
        except NotConverged as error:
            reason = str(error)
            raise
        finally:
            if writer.n_points:
                self._finish(writer, reason, time.perf_counter() - started + spent)
        return Results.open(out)

    def _carry_out(self, writer: ResultWriter, position: _Position | None, origin: float) -> Iterator[Update]:
        """Carry out the protocol from a position; yields after every commit."""
        if position is None:
            u, t, charge, first = self.initial_state(), 0.0, 0.0, 0
        else:
            assert position.progress is not None
            history = position.progress.history
            u, t, charge, first = history.states[0], history.times[0], history.charges[0], position.step
        for number in range(first, len(self.steps)):
            if position is not None and number == first:
                if bool(writer.checkpoint["step_done"]):
                    continue
                began = position
            else:
                began = _Position(number, t, charge, None)
            for frame, progress, last in self._protocol_step(began, u):
                self._record(writer, frame, number, last)
                where = replace(began, progress=progress)
                writer.commit(self._checkpoint(where, last is not None, time.perf_counter() - origin))
                yield self._update(frame, number, began, last)
                u, t, charge = frame.evaluation.u, frame.t, frame.charge

    def _protocol_step(self, position: _Position, u: State) -> Iterator[tuple[Frame, Progress, str | None]]:
        """Carry out one step; yields every frame with the integrator's memory and, at the end, the reason."""
        _, _, step = self.steps[position.step]
        control, current = self._control(step.control)
        events, duration = self._stops(step, position)
        end = position.began + duration
        if position.progress is None:
            try:
                frame, progress = self.integrator.begin(position.began, u, control, position.began_charge, current)
            except NotConverged as error:
                frame, reason = self._beyond_limit(step, position, u, error)
                history = History.start(frame.t, frame.evaluation.u, frame.charge, np.zeros(self.cathode.size))
                yield frame, Progress(history, 1, 1.0, 0), reason
                return
            met = self._met(events, frame)
            yield frame, progress, met
            if met is not None:
                return
            last = frame.evaluation
        else:
            progress, last = position.progress, None
        landing = self._landing(step, position, current)
        pieces = self.integrator.integrate(progress, control, events, end=end, landing=landing, last=last)
        while True:
            try:
                frame, progress = next(pieces)
            except StopIteration:
                return
            except NotConverged as error:
                here = replace(position, progress=progress)
                frame, reason = self._beyond_limit(step, here, progress.history.states[0], error)
                yield frame, progress, reason
                return
            ended = f"time {duration:g} s reached" if frame.event == "time" else frame.event
            yield frame, progress, ended

    def _control(self, control: protocol.Control) -> tuple[CurrentControl | VoltageControl, float]:
        """Return the terminal equation of a step and the current to expect in A."""
        if isinstance(control, protocol.CurrentControl):
            current = protocol.resolve(control.current, **self._basis) * self.area
            return CurrentControl(current), current
        if isinstance(control, protocol.VoltageControl):
            return VoltageControl(control.voltage + self._reference), 0.0
        return CurrentControl(0.0), 0.0

    def _stops(self, step: protocol.Step, position: _Position) -> tuple[list[Event], float]:
        """Return the stop rules of a step as events, and its longest duration in s."""
        events, duration = [], float("inf")
        for rule in step.stop_rules:
            limit = protocol.threshold(rule, **self._basis)
            if limit.quantity == "elapsed":
                duration = min(duration, limit.limit)
            else:
                events.append(self._event(limit, position.began_charge))
        return events, duration

    def _event(self, limit: protocol.Threshold, began_charge: float) -> Event:
        """Return a stop rule as a function of time in s, current in A, voltage in V and charge in C."""
        area, reference = self.area, self._reference
        if limit.quantity == "voltage":
            return Event(
                f"cut-off of {limit.limit:g} V reached",
                lambda t, current, voltage, charge: limit.margin(voltage - reference),
                "voltage",
            )
        if limit.quantity == "current":
            return Event(
                f"current fell to {0.1 * limit.limit:.4g} mA/cm2",
                lambda t, current, voltage, charge: area * limit.margin(abs(current) / area),
                "current",
            )
        return Event(
            f"capacity of {limit.limit / 3.6e4:.4g} mAh/cm2 passed",
            lambda t, current, voltage, charge: area * limit.margin(abs(charge - began_charge) / area),
            "charge",
        )

    @staticmethod
    def _met(events: list[Event], frame: Frame) -> str | None:
        at = frame.evaluation
        for event in events:
            if event.value(frame.t, at.current, at.voltage, frame.charge) <= 0.0:
                return event.name
        return None

    def _beyond_limit(
        self, step: protocol.Step, position: _Position, u: State, error: NotConverged
    ) -> tuple[Frame, str]:
        """Decide whether a step failed because the electrode cannot deliver the current above its cut-off voltage.

        At fixed lithium the current grows as the voltage falls. If at the cut-off it is still less than what is asked
        for, the voltage would lie beyond the cut-off: the step ends there. Otherwise the error stands.
        """
        cutoffs = [rule for rule in step.stop_rules if isinstance(rule, protocol.VoltageStop)]
        if not cutoffs or not isinstance(step.control, protocol.CurrentControl):
            raise error
        wanted = protocol.resolve(step.control.current, **self._basis) * self.area
        voltage = cutoffs[0].voltage
        result = self.integrator.consistent(u, VoltageControl(voltage + self._reference), current=abs(wanted))
        at: Evaluation = result.evaluation
        if at.current / wanted >= 1.0:
            raise error
        if position.progress is None:
            t, charge = position.began, position.began_charge
        else:
            t, charge = position.progress.history.times[0], position.progress.history.charges[0]
        reason = (
            f"cut-off of {voltage:g} V reached: the electrode cannot sustain {0.1 * wanted / self.area:.4g} mA/cm2 "
            f"(at {voltage:g} V it delivers {0.1 * at.current / self.area:.4g} mA/cm2)"
        )
        return Frame(t, at, charge, 0.0, 0, result.iterations, result.linear_iterations), reason

    def _landing(
        self, step: protocol.Step, position: _Position, current: float
    ) -> Callable[[float, float], float] | None:
        """Return the function that maps time and charge to the next time at which output is wanted."""
        schedule = self.built.case.output.fields
        every_charge = self._field_charge()
        by_current = isinstance(step.control, protocol.CurrentControl)

        def landing(t: float, charge: float) -> float:
            times = [float("inf")]
            if schedule.every == "time":
                times.append((np.floor(t / schedule.interval + 1e-9) + 1.0) * schedule.interval)
            if every_charge and by_current:
                times.append(t + (_next_mark(charge, every_charge, current) - charge) / current)
            if step.period is not None:
                passed = np.floor((t - position.began) / step.period + 1e-9) + 1.0
                times.append(position.began + passed * step.period)
            return float(min(times))

        return landing

    def _field_charge(self) -> float:
        """Return the charge in C between two frames, zero where frames do not follow the charge."""
        schedule = self.built.case.output.fields
        if schedule.every != "capacity":
            return 0.0
        return schedule.interval * self.built.design.areal_capacity * self.area

    # ------------------------------------------------------------------ recording

    def _record(self, writer: ResultWriter, frame: Frame, number: int, last: str | None) -> None:
        """Append the derived numbers of a frame, and its fields where the schedule asks for them."""
        at: Evaluation = frame.evaluation
        cycle, index, _ = self.steps[number]
        design = self.built.design
        point = {
            "time": frame.t,
            "voltage": at.voltage,
            "cell_voltage": at.voltage - self.built.counter_potential,
            "current_density": at.current / self.area,
            "charge": frame.charge / self.area,
            "step_index": index,
            "cycle_index": cycle,
            "time_step": frame.time_step,
            "order": frame.order,
            "newton_iterations": frame.newton_iterations,
            "linear_iterations": frame.linear_iterations,
            "utilisation": frame.charge / self.area / design.areal_capacity,
        }
        point |= self.analysis.distribution(at) | self.analysis.losses(at)
        writer.append_point(point)
        self._totals["time_steps"] += frame.time_step > 0.0
        self._totals["newton_iterations"] += frame.newton_iterations
        self._totals["linear_iterations"] += frame.linear_iterations
        if self._wants_fields(writer, frame, last):
            writer.append_frame(frame.t, writer.n_points - 1, self.analysis.fields(at))
        self._previous = (frame.t, frame.charge)

    def _wants_fields(self, writer: ResultWriter, frame: Frame, last: str | None) -> bool:
        schedule = self.built.case.output.fields
        if schedule.every == "none":
            return False
        if writer.n_frames == 0 or last is not None:
            return True
        t, charge = self._previous
        if schedule.every == "time":
            return bool(np.floor(frame.t / schedule.interval + 1e-9) > np.floor(t / schedule.interval + 1e-9))
        every = self._field_charge()
        if not every or frame.charge == charge:
            return False
        mark = _next_mark(charge, every, frame.charge - charge)
        return bool((mark - frame.charge) * np.sign(frame.charge - charge) <= 1e-9 * every)

    def _update(self, frame: Frame, number: int, position: _Position, last: str | None) -> Update:
        _, _, step = self.steps[number]
        at: Evaluation = frame.evaluation
        design = self.built.design
        done = [abs(frame.charge - position.began_charge) / self.area / design.areal_capacity]
        for rule in step.stop_rules:
            if isinstance(rule, protocol.TimeStop):
                done.append((frame.t - position.began) / rule.duration)
        return Update(
            step=number + 1,
            n_steps=len(self.steps),
            text=step.text,
            time=frame.t,
            voltage=float(at.voltage),
            current_density=float(at.current) / self.area,
            utilisation=frame.charge / self.area / design.areal_capacity,
            fraction=1.0 if last is not None else min(max(done), 0.99),
            ended=last,
        )

    # ------------------------------------------------------------------ checkpoint and provenance

    def _checkpoint(self, position: _Position, done: bool, spent: float) -> dict[str, Any]:
        assert position.progress is not None
        progress = position.progress
        history = progress.history
        slope = np.zeros(0) if history.slope is None else history.slope
        return {
            "mesh_sha256": self._mesh_hash,
            "step": position.step,
            "step_done": done,
            "began": position.began,
            "began_charge": position.began_charge,
            "times": np.array(history.times),
            "states": np.stack(history.states),
            "charges": np.array(history.charges),
            "slope": slope,
            "order": progress.order,
            "time_step": progress.step,
            "steps_at_order": progress.steps_at_order,
            "wall_time": spent,
            **{f"total_{name}": value for name, value in self._totals.items()},
        }

    def _resume(self, out: Path) -> tuple[ResultWriter, _Position, float]:
        writer = ResultWriter.resume(out)
        saved = writer.checkpoint
        if str(saved["mesh_sha256"]) != self._mesh_hash or saved["states"].shape[1] != self.cathode.size:
            raise InputError("--resume", str(out), "the result of this case: its mesh is another one")
        if (out / "case.toml").read_text(encoding="utf-8") != self.built.case.text:
            raise InputError(
                "--resume",
                str(out),
                f"the result of this case: {out / 'case.toml'} says something else than the case now does",
            )
        slope = saved["slope"]
        history = History(
            tuple(saved["times"].tolist()),
            tuple(saved["states"]),
            tuple(saved["charges"].tolist()),
            slope if slope.size else None,
        )
        progress = Progress(history, int(saved["order"]), float(saved["time_step"]), int(saved["steps_at_order"]))
        self._totals = {name: int(saved[f"total_{name}"]) for name in self._totals}
        self._previous = (history.times[0], history.charges[0])
        position = _Position(int(saved["step"]), float(saved["began"]), float(saved["began_charge"]), progress)
        return writer, position, float(saved["wall_time"])

    @cached_property
    def _mesh_hash(self) -> str:
        return self.built.mesh_sha256

    def _finish(self, writer: ResultWriter, reason: str, wall_time: float) -> None:
        with suppress(ValueError):  # an interrupted append leaves nothing to add
            writer.finish(
                {
                    "end_reason": reason,
                    "wall_time_s": round(wall_time, 3),
                    "peak_memory_MiB": round(peak_memory() / 2**20, 1),
                    **self._totals,
                }
            )


def _next_mark(charge: float, every: float, direction: float) -> float:
    """Return the next multiple of ``every`` beyond ``charge`` in the direction of a current."""
    position = charge / every
    if direction > 0.0:
        return float(np.floor(position + 1e-9) + 1.0) * every
    return float(np.ceil(position - 1e-9) - 1.0) * every
