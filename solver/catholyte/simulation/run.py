"""Carrying a built case through its protocol."""

from __future__ import annotations

import logging
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from catholyte.build import Built
from catholyte.case import Case, parse_case
from catholyte.errors import CatholyteError, InputError, NotConverged
from catholyte.experiment import Cursor, Moment, Spectrum, Step
from catholyte.models.analysis import Analysis
from catholyte.models.cathode import Cathode
from catholyte.provenance import mesh_record, peak_memory, provenance, task_list
from catholyte.results import Results, ResultWriter, run_log
from catholyte.simulation.checkpoint import Checkpoint, Standing
from catholyte.simulation.record import Recorder
from catholyte.simulation.stage import Stage
from catholyte.simulation.step import Basis, Driven
from catholyte.simulation.update import Update
from catholyte.solve.bdf import History
from catholyte.solve.events import Instant
from catholyte.solve.frames import Frame, Progress
from catholyte.solve.transient import Integrator

State = NDArray[np.float64]

_log = logging.getLogger(__name__)

#: seconds of computing that a process killed at the worst moment may lose
_COMMIT_EVERY = 0.2
#: a voltage in V that no cell has: an exhausted electrode whose double layers go on charging
_ABSURD = 50.0


@dataclass(frozen=True)
class _Reached:
    """A state on disk: the checkpoint, why the task ended if it did, and how far a spectrum is."""

    checkpoint: Checkpoint
    ended: str | None
    spectrum: str | None = None


class Simulation:
    """A built case in motion.

    Parameters
    ----------
    built
        The case.
    """

    def __init__(self, built: Built) -> None:
        self.built = built
        self.program = built.program
        self.area = built.geometry.cross_section
        reference = built.counter_potential if built.case.cell.voltage_reference == "cell" else 0.0
        self.basis = Basis(built.scales, self.area, reference, built.counter_potential)
        self._recorder = Recorder(built, self.area)
        self._spectrum = -1
        self._stage = Stage(built, built.case.cell.temperature)

    @property
    def cathode(self) -> Cathode:
        """The model at the present temperature."""
        return self._stage.cathode

    @property
    def integrator(self) -> Integrator:
        """The integrator at the present temperature."""
        return self._stage.integrator

    @property
    def analysis(self) -> Analysis:
        """Derived quantities of the model at the present temperature."""
        return self._stage.analysis

    # ------------------------------------------------------------------ running

    def initial_state(self) -> State:
        """Return the state at rest: uniform composition in every phase and potentials at equilibrium."""
        u = np.zeros(self.cathode.size)
        _, x, _ = self.cathode.split(u)
        start = self.built.initial_lithiation
        for store in self.cathode.stores:
            x[store.at] = start[store.key]
        u[-1] = self.built.initial_voltage
        return u

    def run(
        self,
        out: Path,
        *,
        resume: bool = False,
        extend: bool = False,
        on_update: Callable[[Update], None] | None = None,
    ) -> Results:
        """Run the protocol and write the result.

        Parameters
        ----------
        out
            Folder of the result; must not exist unless ``resume`` is set.
        resume
            Continue the result in ``out`` from its last committed time step or frequency.
        extend
            The same for a case that is that of the result with further steps (:func:`continued_case`).
        on_update
            Called after every one of them.

        Raises
        ------
        InputError
            If ``out`` exists, or what is there to resume belongs to another case.
        NotConverged
            If the run cannot go on; everything up to there is saved.
        """
        started = time.perf_counter()
        checkpoint, spent = None, 0.0
        if resume or extend:
            writer, checkpoint, spent = self._resume(out, "continue" if extend else "--resume")
        else:
            about = provenance(self.built, self.cathode)
            writer = ResultWriter.create(
                out, case_text=self.built.case.text, provenance=about, mesh=mesh_record(self.built)
            )
        origin = started - spent
        reason, pending, counted, written = None, None, (0, 0), -np.inf
        try:
            # Threads of the linear algebra library only get in the way of vectors of this size.
            with threadpool_limits(limits=1, user_api="blas"), run_log(out):
                _log.info("%s: %d unknowns", "resumed" if checkpoint is not None else "started", self.cathode.size)
                for reached in self._carry_out(writer, checkpoint):
                    wall_time = time.perf_counter() - origin
                    pending = reached.checkpoint
                    counted = writer.n_points, writer.n_frames
                    at_once = reached.ended is not None or reached.spectrum is not None
                    if at_once or wall_time > written + _COMMIT_EVERY:
                        writer.commit(self._packed(pending, wall_time))
                        pending, written = None, time.perf_counter() - origin
                    update = self._update(reached, wall_time)
                    reason = update.ended or "interrupted"
                    if update.ended is not None:
                        number = f"{update.step}/{update.n_steps}" if update.n_steps else f"{update.step}"
                        _log.info("step %s ended: %s", number, reason)
                    if on_update is not None:
                        on_update(update)
        except CatholyteError as error:
            reason = str(error)
            raise
        finally:
            # Not where the process was interrupted between a point and its checkpoint.
            if pending is not None and counted == (writer.n_points, writer.n_frames):
                writer.commit(self._packed(pending, time.perf_counter() - origin))
            if reason is not None and writer.n_points:
                self._finish(writer, reason, time.perf_counter() - origin)
        return Results.open(out)

    def _carry_out(self, writer: ResultWriter, checkpoint: Checkpoint | None) -> Iterator[_Reached]:
        """Carry out the protocol from a checkpoint; yields whatever is to be committed."""
        cursor, now = self.program.start(), None
        if checkpoint is not None:
            cursor, now = checkpoint.cursor, checkpoint.now
            if checkpoint.done:
                cursor = self._over(checkpoint)
                checkpoint = None
        if now is None:
            now = self._at_rest()
        while True:
            cursor = self.program.advance(cursor, now.moment, self.basis.scales)
            if cursor.task is None:
                return
            item = self.program.tasks[cursor.task].item
            self._bring_to(item.temperature)
            if checkpoint is None:
                checkpoint = Checkpoint(cursor, self._entering(now.moment), now, None)
            for reached in self._task(writer, item, checkpoint):
                yield reached
                checkpoint = reached.checkpoint
            now = checkpoint.now
            cursor, checkpoint = self._over(checkpoint), None

    def _task(self, writer: ResultWriter, item: Step | Spectrum, start: Checkpoint) -> Iterator[_Reached]:
        if isinstance(item, Spectrum):
            return self._measure(writer, item, start)
        return self._step(writer, item, start)

    def _over(self, checkpoint: Checkpoint) -> Cursor:
        left = checkpoint.left if checkpoint.left >= 0 else None
        return self.program.finish(checkpoint.cursor, checkpoint.now.moment, left)

    def _at_rest(self) -> Standing:
        u = self.initial_state()
        now = Instant(0.0, 0.0, self.built.initial_voltage, np.nan, 0.0)
        moment = self.basis.moment(now, self._stage.temperature)
        return Standing(moment, u, self._stage.resting_memory(u), 0.0)

    def _entering(self, moment: Moment) -> Moment:
        """Return the moment as it is at the temperature of the task that begins."""
        return replace(moment, temperature=self._stage.temperature)

    def _bring_to(self, temperature: float | None) -> None:
        wanted = self.built.case.cell.temperature if temperature is None else temperature
        if wanted != self._stage.temperature:
            self._stage = Stage(self.built, wanted)

    # ------------------------------------------------------------------ a step

    def _step(self, writer: ResultWriter, step: Step, start: Checkpoint) -> Iterator[_Reached]:
        """Carry out one step, from its beginning or from where a checkpoint stands."""
        stage = self._stage
        driven = Driven(step, start.began, self.program.scopes(start.cursor), self.basis, stage.temperature)

        def reached(frame: Frame, progress: Progress, ended: tuple[str, int] | None) -> _Reached:
            voltage = float(frame.evaluation.voltage)
            if abs(voltage) > _ABSURD:
                where = f"at t = {frame.t:.6g} s, where it is {voltage:.3g} V; the step needs a rule on the voltage"
                raise NotConverged("the voltage of the cell", where)
            now = self._standing(frame, stage)
            self._recorder.point(writer, frame, now.moment, start.cursor, stage.analysis, last=ended is not None)
            reason, left = (None, -1) if ended is None else ended
            done = ended is not None
            return _Reached(Checkpoint(start.cursor, start.began, now, progress, 0, done, left), reason)

        def given_up(here: Standing, progress: Progress | None, error: NotConverged) -> _Reached:
            t = here.moment.time
            frame, reason, scope = stage.beyond_limit(driven, here.u, here.memory, t, here.charge, error)
            if progress is None:
                at = frame.evaluation
                nothing = np.zeros(stage.cathode.size), at.memory, np.zeros_like(at.memory)
                progress = Progress(History.start(t, at.u, here.charge, *nothing), 1, 1.0, 0)
            return reached(frame, progress, (reason, scope))

        progress, last = start.progress, None
        if progress is None:
            now = start.now
            try:
                frame, progress = stage.integrator.begin(
                    now.moment.time, now.u, driven.control, now.charge, driven.expected_current, now.memory
                )
            except NotConverged as error:
                yield given_up(now, None, error)
                return
            over = driven.over_at_once(frame.instant)
            yield reached(frame, progress, None if over is None else driven.ending(over, frame.instant))
            if over is not None:
                return
            last = frame.evaluation

        def landing(t: float, charge: float) -> float:
            return min(driven.landing(t), self._recorder.landing(t, charge, driven.imposed_current))

        pieces = stage.integrator.integrate(
            progress, driven.control, driven.events, end=driven.end, landing=landing, last=last
        )
        while True:
            try:
                frame, progress = next(pieces)
            except StopIteration:
                return
            except NotConverged as error:
                history = progress.history
                moment = replace(start.began, time=history.times[0])
                here = Standing(moment, history.states[0], history.memories[0], history.charges[0])
                yield given_up(here, progress, error)
                return
            yield reached(frame, progress, None if frame.event is None else driven.ending(frame.event, frame.instant))

    def _standing(self, frame: Frame, stage: Stage) -> Standing:
        moment = self.basis.moment(frame.instant, stage.temperature)
        return Standing(moment, frame.evaluation.u, frame.evaluation.memory, frame.charge)

    # ------------------------------------------------------------------ a spectrum

    def _measure(self, writer: ResultWriter, item: Spectrum, start: Checkpoint) -> Iterator[_Reached]:
        """Measure a spectrum, from its first frequency or from where a checkpoint stands."""
        stage, before = self._stage, start.now
        current = start.began.current * self.area if item.under_load else 0.0
        frame = stage.biased(before.u, before.memory, before.moment.time, before.charge, current)
        if start.measured == 0:
            moment = self.basis.moment(frame.instant, stage.temperature)
            self._recorder.point(writer, frame, moment, start.cursor, stage.analysis, last=True)
            self._spectrum += 1
        impedance = stage.impedance(frame.evaluation)
        count = len(item.frequencies)
        for k, frequency in enumerate(item.frequencies[start.measured :], start.measured + 1):
            self._recorder.frequency(writer, self._spectrum, impedance.response(frequency))
            done = k == count
            words = f"EIS {k}/{count}, {frequency:.3g} Hz"
            checkpoint = replace(start, measured=k, done=done)
            yield _Reached(checkpoint, f"{count} frequencies measured" if done else None, words)

    # ------------------------------------------------------------------ progress, checkpoint and provenance

    def _update(self, reached: _Reached, wall_time: float) -> Update:
        checkpoint = reached.checkpoint
        cursor, moment = checkpoint.cursor, checkpoint.now.moment
        assert cursor.task is not None
        item, planned = self.program.tasks[cursor.task].item, self.program.planned
        if reached.ended is not None:
            fraction = 1.0
        elif isinstance(item, Spectrum):
            fraction = checkpoint.measured / len(item.frequencies)
        else:
            scopes = self.program.scopes(cursor)
            fraction = Driven(item, checkpoint.began, scopes, self.basis, moment.temperature).fraction(moment)
        return Update(
            step=cursor.count + 1,
            n_steps=planned,
            cycle=cursor.cycle + 1,
            text=_title(item),
            time=moment.time,
            wall_time=wall_time,
            voltage=moment.voltage + self.basis.reference,
            current_density=moment.current,
            utilisation=moment.utilisation,
            fraction=fraction,
            progress=None if planned is None else min((cursor.count + fraction) / planned, 1.0),
            spectrum=reached.spectrum,
            ended=reached.ended,
        )

    def _packed(self, checkpoint: Checkpoint, wall_time: float) -> dict[str, Any]:
        return {
            **checkpoint.pack(),
            "mesh_sha256": self._mesh_hash,
            "wall_time": wall_time,
            "spectrum": self._spectrum,
            **{f"total_{name}": value for name, value in self._recorder.totals.items()},
        }

    def _resume(self, out: Path, command: str) -> tuple[ResultWriter, Checkpoint, float]:
        writer = ResultWriter.resume(out)
        saved = writer.checkpoint
        checkpoint = Checkpoint.unpack(saved)
        if str(saved["mesh_sha256"]) != self._mesh_hash or checkpoint.now.u.size != self.cathode.size:
            raise InputError(command, str(out), "the result of this case: its mesh is another one")
        if command == "continue":
            writer.replace_case(self.built.case.text)
        elif (out / "case.toml").read_text(encoding="utf-8") != self.built.case.text:
            raise InputError(
                command,
                str(out),
                f"the result of this case: {out / 'case.toml'} says something else than the case now does",
            )
        for name in self._recorder.totals:
            self._recorder.totals[name] = int(saved[f"total_{name}"])
        self._spectrum = int(saved["spectrum"])
        self._recorder.start_from(checkpoint.now.moment.time, checkpoint.now.charge)
        return writer, checkpoint, float(saved["wall_time"])

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
                    "tasks": task_list(self.program),
                    **self._recorder.totals,
                }
            )


def _title(item: Step | Spectrum) -> str:
    """Return the task as it was written, or what it is within the sequence that one sentence stands for."""
    method, _, part = (item.role if isinstance(item, Step) else "").partition(" ")
    return f"{method.upper()} {part}" if part else item.text


def continued_case(result: Path, steps: Sequence[str], folder: Path | None = None) -> Case:
    """Return the case of a result with further steps after its own.

    Parameters
    ----------
    result
        Folder of the result.
    steps
        Steps as in a case file, carried out one after the other; none to go on with an interrupted run.
    folder
        Where relative paths in the case start from; where the case was when it was run if not given.

    Raises
    ------
    InputError, InputErrors
        If ``result`` is none, or a step cannot be read.
    """
    opened = Results.open(result)
    where = Path(opened.provenance.get("case_folder", ".")) if folder is None else folder
    if not steps:
        return parse_case(opened.case_text, folder=where, name=str(result / "case.toml"))
    data = tomllib.loads(opened.case_text)
    data["experiment"].setdefault("continued", []).append(list(steps))
    return parse_case(tomli_w.dumps(data), folder=where, name=str(result / "case.toml"))
