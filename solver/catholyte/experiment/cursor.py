"""Where a run stands in its protocol, as a value that a checkpoint can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from catholyte.experiment.conditions import Moment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """A group or loop that has been entered and not been left.

    Attributes
    ----------
    opened
        Number of the instruction that entered it.
    passes
        How many passes have begun, the present one included.
    began
        The instant at which it was entered.
    moved
        Whether a task of the present pass has taken time.
    """

    opened: int
    passes: int
    began: Moment
    moved: bool


@dataclass(frozen=True)
class Cursor:
    """A place in a program, and what has been counted on the way to it.

    Attributes
    ----------
    position
        Number of the instruction that comes next, or of that of the present task.
    task
        Number of the present task; None before :meth:`Program.advance` and at the end.
    cycle, step, count
        Of the present task, or of the last one: the cycle, the step within it, and the serial number among all tasks
        carried out; each from 0, and -1 before the first.
    began
        The time at which the present task began [s].
    frames
        Groups and loops around the present place, the outermost first.
    """

    position: int = 0
    task: int | None = None
    cycle: int = -1
    step: int = -1
    count: int = -1
    began: float = 0.0
    frames: tuple[Frame, ...] = ()

    def pack(self) -> dict[str, NDArray[Any]]:
        """Return the cursor as arrays, each under a name that starts with "cursor"."""
        import numpy as np

        task = -1 if self.task is None else self.task
        frames = [(frame.opened, frame.passes, frame.moved) for frame in self.frames]
        moments = [astuple(frame.began) for frame in self.frames]
        return {
            "cursor": np.array([self.position, task, self.cycle, self.step, self.count], dtype=np.int64),
            "cursor_began": np.array(self.began),
            "cursor_frames": np.array(frames, dtype=np.int64).reshape(-1, 3),
            "cursor_moments": np.array(moments, dtype=np.float64).reshape(-1, len(Moment.__dataclass_fields__)),
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[np.generic]]) -> Cursor:
        """Return the cursor that :meth:`pack` made these arrays of; other arrays may be among them."""
        position, task, cycle, step, count = (int(value) for value in packed["cursor"].tolist())
        moments = (Moment(*values) for values in packed["cursor_moments"].tolist())
        frames = tuple(
            Frame(opened, passes, began, bool(moved))
            for (opened, passes, moved), began in zip(packed["cursor_frames"].tolist(), moments, strict=True)
        )
        return cls(position, None if task < 0 else task, cycle, step, count, float(packed["cursor_began"]), frames)
