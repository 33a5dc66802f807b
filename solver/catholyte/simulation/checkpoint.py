"""Where a run stands, as arrays on the disk and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.experiment import Cursor, Moment
from catholyte.solve.bdf import History
from catholyte.solve.frames import Progress

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """State of the cell between two tasks.

    Attributes
    ----------
    moment
        What the cycler reads.
    u, memory
        State vector and what double layers and lumped elements remember.
    charge
        Charge passed since the start in C.
    """

    moment: Moment
    u: Vector
    memory: Vector
    charge: float


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stands after a time step or a frequency.

    Attributes
    ----------
    cursor
        Place in the protocol, at the present task.
    began
        The state as the task began; of its vectors only their lengths are kept.
    now
        The state.
    progress
        Memory of the integrator; None in a spectrum.
    measured
        Frequencies of the present spectrum that are done.
    done
        Whether the task is over.
    left
        Index of the group whose rule ended it, −1 if none did.
    """

    cursor: Cursor
    began: Moment
    now: Standing
    progress: Progress | None
    measured: int = 0
    done: bool = False
    left: int = -1

    def pack(self) -> dict[str, Any]:
        """Return the checkpoint as arrays."""
        history = self.progress.history if self.progress is not None else None
        none = np.zeros(0)
        packed: dict[str, Any] = {
            **self.cursor.pack(),
            "began": np.array(astuple(self.began)),
            "moment": np.array(astuple(self.now.moment)),
            "charge": self.now.charge,
            "u": self.now.u if history is None else none,
            "memory": self.now.memory if history is None else none,
            "measured": self.measured,
            "done": self.done,
            "left": self.left,
        }
        if history is None or self.progress is None:
            return packed
        return packed | {
            "times": np.array(history.times),
            "states": np.stack(history.states),
            "memories": np.stack(history.memories),
            "charges": np.array(history.charges),
            "slope": none if history.slope is None else history.slope,
            "memory_slope": none if history.memory_slope is None else history.memory_slope,
            "order": self.progress.order,
            "time_step": self.progress.step,
            "steps_at_order": self.progress.steps_at_order,
        }

    @classmethod
    def unpack(cls, saved: Mapping[str, NDArray[Any]]) -> Checkpoint:
        """Return the checkpoint that :meth:`pack` made these arrays of; other arrays may be among them."""
        progress = None
        u, memory = saved["u"], saved["memory"]
        if "times" in saved:
            first = saved["slope"].size > 0
            history = History(
                tuple(saved["times"].tolist()),
                tuple(saved["states"]),
                tuple(saved["charges"].tolist()),
                tuple(saved["memories"]),
                saved["slope"] if first else None,
                saved["memory_slope"] if first else None,
            )
            progress = Progress(history, int(saved["order"]), float(saved["time_step"]), int(saved["steps_at_order"]))
            u, memory = history.states[0], history.memories[0]
        now = Standing(Moment(*saved["moment"].tolist()), u, memory, float(saved["charge"]))
        return cls(
            Cursor.unpack(saved),
            Moment(*saved["began"].tolist()),
            now,
            progress,
            int(saved["measured"]),
            bool(saved["done"]),
            int(saved["left"]),
        )
