"""How many threads share the loops: as many as allowed, or one while other processes hold the cores.

A parallel loop ends when its slowest thread does. A thread that has to wait for a core that another process uses
waits for whole time slices of the operating system, many times longer than a loop over a grid takes. Iterations are
therefore timed, and those with one thread tried now and then. Results do not depend on it: every sum is taken in the
same order.
"""

from __future__ import annotations

from time import perf_counter

import numba

from catholyte.errors import InputError

#: iterations between two trials of the slower choice, and weight of the last iteration in the running mean
_TRIAL, _WEIGHT = 24, 0.2

#: unknowns below which starting threads costs more than they save
PARALLEL_FROM = 20_000

_limit: int = numba.get_num_threads()


def allow_threads(count: int) -> None:
    """Set the most threads that the solver may use.

    Raises
    ------
    InputError
        If there are not that many.
    """
    global _limit
    most = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    if not 1 <= count <= most:
        raise InputError("--threads", str(count), f"a whole number from 1 to {most}, the cores at hand")
    _limit = count
    numba.set_num_threads(count)


def share(size: int) -> None:
    """Use all allowed threads for loops over ``size`` unknowns, or one where starting them costs more."""
    numba.set_num_threads(_limit if size >= PARALLEL_FROM else 1)


class Pace:
    """Seconds an iteration takes with all threads and with one, and the choice that follows.

    Parameters
    ----------
    size
        Unknowns that an iteration works on.
    """

    def __init__(self, size: int) -> None:
        self._worth_it = size >= PARALLEL_FROM
        self._seconds: dict[int, float] = {}
        self._iterations = 0
        self._count = 1
        self._trial = False
        self._start = 0.0

    def begin(self) -> None:
        """Choose the threads of the iteration that follows."""
        self._iterations += 1
        choices = {1, _limit} if self._worth_it else {1}
        untried = choices - self._seconds.keys()
        best = min(choices - untried, key=self._seconds.__getitem__, default=max(choices))
        self._trial = bool(untried) or self._iterations % _TRIAL == 0
        if untried:
            self._count = max(untried)
        elif self._trial:
            self._count = min(choices - {best}, default=best)
        else:
            self._count = best
        numba.set_num_threads(self._count)
        self._start = perf_counter()

    def end(self) -> None:
        """Note how long the iteration took."""
        seconds = perf_counter() - self._start
        weight = 1.0 if self._trial else _WEIGHT
        self._seconds[self._count] = weight * seconds + (1.0 - weight) * self._seconds.get(self._count, 0.0)
