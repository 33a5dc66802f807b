"""Measure a function in a process of its own, within limits of time and memory, so that its peak memory is its own.

    outcome = measure("benchmarks.suite.images:write", {"voxels": 64, "path": "…"}, threads=2)

The child is ``python -m benchmarks.isolate module:function JOB RESULT``; the function takes the job as keywords and
returns what JSON can hold. Only the standard library is used, so that an interpreter without Catholyte can be the
child.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
#: what the libraries that may be loaded take their number of threads from
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_PATIENCE = 0.1
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Outcome:
    """What a process brought back: its result, or why there is none.

    Attributes
    ----------
    result
        What the function returned.
    failure
        One line that says why it did not.
    exhausted
        Whether it ran into a limit, so that anything larger would too.
    """

    result: dict[str, Any] | None
    failure: str | None = None
    exhausted: bool = False


def measure(
    function: str,
    job: Mapping[str, Any],
    *,
    threads: int = 1,
    limit: float = 3600.0,
    memory: float = float("inf"),
    python: str = sys.executable,
) -> Outcome:
    """Call a function in a process of its own.

    Parameters
    ----------
    function
        ``module:name``.
    job
        Its keywords.
    threads
        Threads of every library that has some.
    limit
        Seconds after which the process is ended.
    memory
        Resident memory beyond which it is ended, B.
    python
        Interpreter to run it with.
    """
    environment = dict(os.environ) | dict.fromkeys(_THREADS, str(threads))
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory() as folder:
        job_file, result_file, errors = (Path(folder) / name for name in ("job.json", "result.json", "errors.txt"))
        job_file.write_text(json.dumps(dict(job)), encoding="utf-8")
        # Started in the folder that will be removed: a program that crashes may leave a trace behind.
        command = [python, "-m", "benchmarks.isolate", function, str(job_file), str(result_file)]
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=stream, start_new_session=True
            )
            excess = _watch(process, time.monotonic() + limit, memory)
        if excess is not None:
            return Outcome(
                None, f"more than {limit:g} s" if excess == "time" else f"more than {memory / 2**30:.3g} GiB", True
            )
        # What a library does while it is torn down, after the result is there, is no matter.
        if result_file.exists():
            return Outcome(json.loads(result_file.read_text(encoding="utf-8")))
        return Outcome(None, _reason(process.returncode, errors.read_text(encoding="utf-8", errors="replace")))


def peak_memory() -> float:
    """Return the largest resident memory of this process so far, B.

    Linux keeps ``ru_maxrss`` across the start of a program, so a child would begin with its parent's: hence ``VmHWM``.
    """
    if _STATUS.exists():
        return 1024.0 * _field(_STATUS, "VmHWM")
    import resource

    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1.0 if sys.platform == "darwin" else 1024.0)


def restart_peak() -> float:
    """Forget the largest resident memory so far, where the system can, and return the resident memory of now, B."""
    if not _STATUS.exists():
        return peak_memory()
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return 1024.0 * _field(_STATUS, "VmRSS")


def _watch(process: subprocess.Popen[bytes], deadline: float, memory: float) -> str | None:
    """Wait for a process; end it and say why if it goes beyond a limit."""
    status = Path(f"/proc/{process.pid}/status")
    while True:
        try:
            process.wait(_PATIENCE)
            return None
        except subprocess.TimeoutExpired:
            late = time.monotonic() > deadline
            if late or (status.exists() and 1024.0 * _field(status, "VmRSS") > memory):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return "time" if late else "memory"


def _field(status: Path, name: str) -> float:
    """Return a number of /proc/…/status in KiB; zero once the process has ended."""
    found = re.search(rf"^{name}:\s+(\d+)", status.read_text(encoding="utf-8"), re.MULTILINE)
    return float(found[1]) if found else 0.0


def _reason(code: int, errors: str) -> str:
    """Return the line of the error stream that says most."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    missing = re.search(r"ModuleNotFoundError: (No module named '[^']+')", errors)
    if missing:
        return f"not installed: {missing[1]}"
    raised = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Exit|Converged)\b", line)]
    raised = [re.sub(r"^(\w+\.)+", "", line) for line in raised]
    aborted = [line for line in lines if "abort" in line.lower()]
    if code < 0:
        return f"ended by {signal.Signals(-code).name}: {(aborted or lines or ['no message'])[0]}"
    return (raised[-1:] or aborted or lines or [f"exit status {code}"])[0]


def _child(function: str, job: str, result: str) -> None:
    module, name = function.split(":")
    done = getattr(importlib.import_module(module), name)(**json.loads(Path(job).read_text(encoding="utf-8")))
    # Written aside and moved, so that there is a whole result or none.
    partial = Path(f"{result}.part")
    partial.write_text(json.dumps(done), encoding="utf-8")
    partial.rename(result)


if __name__ == "__main__":
    _child(*sys.argv[1:])
