"""Runs that are done once: each in a folder of its own, with a note of what it was a run of and how it ended.

Worker processes are started afresh, use one thread each and a cache of compiled kernels of their own: two processes
that add different types of one kernel to one cache of numba at the same moment can file one's code under the other's
types, and later runs would load it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, Self

from catholyte.errors import CatholyteError, InputError

_RUNNING, _DONE, _STOPPED = "running", "done", "stopped"
#: variables that keep libraries from starting threads of their own
_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """A case to run.

    Attributes
    ----------
    case
        The case file.
    overrides
        Changes of single keys.
    folder
        Folder of the result.
    key
        :func:`~catholyte.validation.identity.case_key` of the case with its overrides.
    """

    case: Path
    overrides: tuple[str, ...]
    folder: Path
    key: str


@dataclass(frozen=True)
class Finished:
    """How a job ended.

    Attributes
    ----------
    job
        The job.
    problem
        What stopped the run; empty if it went through.
    kept
        Whether it had been run before.
    """

    job: Job
    problem: str
    kept: bool


def carry_out(job: Job, *, retry: bool = True) -> Finished:
    """Run a job unless that has been done; a run that was killed goes on from where it stood.

    Parameters
    ----------
    job
        What to run. Its folder is replaced if it holds the run of something else.
    retry
        Whether a run that stopped by an error is tried again.

    Raises
    ------
    InputError
        If the case cannot be read, or the folder holds something else than a run.
    """
    from catholyte.build import build
    from catholyte.case import read_case
    from catholyte.simulation import Simulation

    note = _read_note(job)
    if note.get("state") == _DONE or (note.get("state") == _STOPPED and not retry):
        return Finished(job, note["problem"], kept=True)
    case = read_case(job.case, job.overrides)
    resume = bool(note) and _can_go_on(job.folder, case.text)
    if not resume:
        _clear(job.folder)
    _write_note(job, _RUNNING)
    try:
        Simulation(build(case)).run(job.folder, resume=resume)
    except CatholyteError as error:
        _write_note(job, _STOPPED, str(error))
        return Finished(job, str(error), kept=False)
    _write_note(job, _DONE)
    return Finished(job, "", kept=False)


class Workers:
    """Processes that run jobs, or this one alone; to be used in a ``with``, at the end of which they are gone.

    Parameters
    ----------
    processes
        How many jobs at a time; with one they are run in this process.
    """

    def __init__(self, processes: int = 1) -> None:
        self.processes = processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    @property
    def pool(self) -> ProcessPoolExecutor:
        """The processes; started when they are first needed."""
        if self._pool is None:
            self._pool = _pool(self.processes)
        return self._pool

    def run(
        self, jobs: Iterable[Job], *, retry: bool = True, on_finished: Callable[[Finished], None] | None = None
    ) -> dict[str, Finished]:
        """Run jobs, each of a key once.

        Parameters
        ----------
        jobs
            What to run.
        retry
            As of :func:`carry_out`.
        on_finished
            Called for each as it ends.

        Returns
        -------
        dict
            How each ended, by key.

        Raises
        ------
        CatholyteError
            If a process died, for want of memory as a rule. What was finished is kept.
        """
        ended: dict[str, Finished] = {}

        def end(finished: Finished) -> None:
            ended[finished.job.key] = finished
            if on_finished is not None:
                on_finished(finished)

        left = []
        for job in {job.key: job for job in jobs}.values():
            if self.processes == 1 or _is_done(job, retry=retry):
                end(carry_out(job, retry=retry))
            else:
                left.append(job)
        if left:
            futures = [self.pool.submit(carry_out, job, retry=retry) for job in left]
            try:
                for future in as_completed(futures):
                    end(future.result())
            except BrokenProcessPool as error:
                raise CatholyteError(
                    "a process died, for want of memory as a rule; what was finished is kept (fewer --jobs?)"
                ) from error
        return ended


def check_processes(number: int) -> int:
    """Return how many processes to use.

    Raises
    ------
    InputError
        If that is not a number of processes.
    """
    if number < 1:
        raise InputError("--jobs", number, f"a number of processes, like {os.cpu_count()}")
    return number


# ------------------------------------------------------------------------------------------------- worker processes


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    numbers = context.Queue()
    for number in range(workers):
        numbers.put(number)
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(numbers,))


def _start_worker(numbers: Queue[int]) -> None:
    """Give a worker one thread and a cache of its own, before it imports anything that would look for them."""
    base = os.environ.get("NUMBA_CACHE_DIR")
    shared = Path(base) if base else Path(tempfile.gettempdir()) / f"catholyte-kernels-{os.getuid()}"
    os.environ["NUMBA_CACHE_DIR"] = str(shared / f"worker-{numbers.get()}")
    for name in _THREADS:
        os.environ[name] = "1"


# --------------------------------------------------------------------------------------------- notes beside the runs


def _note(job: Job) -> Path:
    return job.folder.with_name(job.folder.name + ".json")


def _read_note(job: Job) -> dict[str, Any]:
    """Return what is noted of an earlier run of the same; nothing if there was none."""
    try:
        noted = json.loads(_note(job).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    known = isinstance(noted, dict) and noted.get("key") == job.key
    # A case that cannot be built stops before there is a run.
    return noted if known and (_is_run(job.folder) or noted.get("state") == _STOPPED) else {}


def _write_note(job: Job, state: str, problem: str = "") -> None:
    job.folder.parent.mkdir(parents=True, exist_ok=True)
    replace_text(_note(job), json.dumps({"key": job.key, "state": state, "problem": problem}, indent=2) + "\n")


def replace_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, whole."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _is_done(job: Job, *, retry: bool) -> bool:
    state = _read_note(job).get("state")
    return state == _DONE or (state == _STOPPED and not retry)


def _is_run(folder: Path) -> bool:
    return (folder / "provenance.json").is_file()


def _can_go_on(folder: Path, text: str) -> bool:
    """Whether a run can go on from what is in a folder."""
    from catholyte.results import Results

    try:
        return Results.open(folder).case_text == text
    except InputError:  # nothing was committed
        return False


def _clear(folder: Path) -> None:
    if not folder.exists():
        return
    if not (_is_run(folder) or folder.with_name(folder.name + ".json").is_file()):
        raise InputError("--out", str(folder), "a folder of runs; this one is something else and is kept")
    shutil.rmtree(folder)
