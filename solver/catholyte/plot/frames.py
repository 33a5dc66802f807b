"""Which moments of a run are drawn, and how they are named."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.evaluation.halfcycles import capacity, half_cycles
from catholyte.results import Results
from catholyte.units import from_si

#: moments in one picture
MOST_COLUMNS = 4


def chosen_frames(
    results: Results, frames: Sequence[int] | None, default: Callable[[Results], tuple[int, ...]] | None = None
) -> tuple[int, ...]:
    """Return the frames that were asked for, or else the default ones (:func:`default_frames`).

    Raises
    ------
    InputError
        If there is no such frame, none at all, or more than fit into a picture.
    """
    chosen = (default or default_frames)(results) if frames is None else tuple(frames)
    if not 1 <= len(chosen) <= MOST_COLUMNS:
        raise InputError("frames", list(chosen), f"1 to {MOST_COLUMNS} frames")
    for frame in chosen:
        if not -results.counts.frames <= frame < results.counts.frames:
            raise InputError("frame", frame, f"a frame below {results.counts.frames}")
    return chosen


def default_frames(results: Results) -> tuple[int, ...]:
    """Return the frames nearest to the beginning, the middle and the end of the first discharge.

    Without a discharge they are taken from the first charge, without either from the whole run.
    """
    points, n_frames = _points(results), results.counts.frames
    halves = half_cycles(results)
    half = next((half for half in halves if half.sign > 0), halves[0] if halves else None)
    if half is None:
        passed, candidates = results.fields["time"].to_numpy(), np.arange(n_frames)
    else:
        passed = half.sign * (results.curves["charge"].to_numpy()[points] - half.start)
        first, last = half.parts[0].start, half.parts[-1].stop
        candidates = np.flatnonzero((points >= first - 1) & (points < last))
        if not candidates.size:
            candidates = np.arange(n_frames)
    passed = passed[candidates]
    wanted = np.linspace(passed.min(), passed.max(), 3)
    nearest = [int(candidates[np.argmin(np.abs(passed - value))]) for value in wanted]
    return tuple(dict.fromkeys(nearest))


def protocol_frames(results: Results, number: int = MOST_COLUMNS) -> tuple[int, ...]:
    """Return the frames nearest to the beginning, to the ends of charges and discharges, and evenly between these.

    Of a run that turns around more often than there are frames: the first turns and the end.
    """
    points = _points(results)
    passed = charge_passed(results)
    turns = [passed[half.parts[-1].stop - 1] for half in half_cycles(results)] or [passed[-1]]
    ends = np.array([0.0, *turns] if len(turns) < number else [0.0, *turns[: number - 2], turns[-1]])
    parts = np.ones(ends.size - 1, dtype=int)
    while parts.sum() + 1 < number:
        parts[np.argmax(np.diff(ends) / parts)] += 1
    between = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(ends[:-1], ends[1:], parts, strict=True)]
    wanted = np.concatenate([*between, ends[-1:]])
    nearest = [int(np.argmin(np.abs(passed[points] - value))) for value in wanted]
    return tuple(dict.fromkeys(nearest))


def charge_passed(results: Results) -> NDArray[np.float64]:
    """Return the charge that has passed in either direction up to every point [A s/m²]."""
    charge, _ = results.increments("voltage")
    return np.cumsum(np.abs(charge))


def _points(results: Results) -> NDArray[np.int64]:
    """Return the point of every frame."""
    if not results.counts.frames:
        raise InputError("result", str(results.path), "a run that has written fields (output.fields)")
    return results.fields["point_index"].to_numpy().astype(np.int64)


def frame_title(results: Results, frame: int) -> str:
    """Return two lines that say when a frame was taken: capacity or time, voltage, and mean lithiation if any."""
    point = int(results.fields["point_index"][frame])
    curves = results.curves.isel(point=point)
    half = next((half for half in half_cycles(results) if point in half), None)
    if half is None:
        when = f"{from_si(float(curves['time']), 'hour', 'time'):.3g} h"
    else:
        q = abs(float(capacity(results, half, slice(point, point + 1))[0]))  # not "-0"
        when = f"{half.direction}, {q:.0f} mAh g⁻¹"
    voltage, x = float(curves["voltage"]), float(curves["lithiation"])
    return f"{when}\n{voltage:.2f} V" + (f", mean x = {x:.2f}" if np.isfinite(x) else "")
