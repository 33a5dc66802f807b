"""How many threads share the loops: as many as allowed, or one while other processes hold the cores.

A parallel loop ends when its slowest thread does. A thread that has to wait for a core that another process uses waits
for whole time slices of the operating system, many times longer than a loop over a coarse grid takes. Loops are therefore
timed now and then, with all threads and with one. Results do not depend on it: every sum is taken in the same order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter

import numba

from catholyte.errors import InputError

_log = logging.getLogger(__name__)

#: solves between two timings, and how often a loop is repeated in one
_INTERVAL, _REPEATS = 8, 4


class Crew:
    """The threads of this process.

    Attributes
    ----------
    limit
        Most threads that may be used.
    """

    def __init__(self) -> None:
        self.limit: int = numba.get_num_threads()
        self._solves = 0

    def allow(self, count: int) -> None:
        """Set the most threads that may be used.

        Raises
        ------
        InputError
            If there are not that many.
        """
        most = int(numba.config.NUMBA_NUM_THREADS)
        if not 1 <= count <= most:
            raise InputError("--threads", str(count), f"a whole number from 1 to {most}, the cores of this machine")
        self.limit = count
        self._solves = 0
        numba.set_num_threads(count)

    def adapt(self, loop: Callable[[], None]) -> None:
        """Choose between all threads and one by timing ``loop``; most calls do nothing."""
        self._solves += 1
        if self.limit == 1 or self._solves % _INTERVAL != 1:
            return
        before = numba.get_num_threads()
        together, alone = self._time(loop, self.limit), self._time(loop, 1)
        chosen = self.limit if together <= alone else 1
        numba.set_num_threads(chosen)
        if chosen != before:
            _log.info("threads: %d (a loop takes %.2g ms with %d, %.2g ms with one)", chosen, 1e3 * together, self.limit, 1e3 * alone)

    @staticmethod
    def _time(loop: Callable[[], None], count: int) -> float:
        numba.set_num_threads(count)
        start = perf_counter()
        for _ in range(_REPEATS):
            loop()
        return (perf_counter() - start) / _REPEATS


#: the one crew of this process
crew = Crew()
