"""Which moments of a run are drawn, and how they are named."""

from __future__ import annotations

import numpy as np

from catholyte.errors import InputError
from catholyte.evaluation.halfcycles import capacity, half_cycles
from catholyte.results import Results
from catholyte.units import from_si

#: moments in one picture
MOST_COLUMNS = 4


def default_frames(results: Results) -> tuple[int, ...]:
    """Return the frames nearest to the beginning, the middle and the end of the first discharge.

    Without a discharge they are taken from the first charge, without either from the whole run.
    """
    n_frames = results.counts.frames
    if not n_frames:
        raise InputError("result", str(results.path), "a run that has written fields (output.fields)")
    points = results.fields["point_index"].to_numpy().astype(int)
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


def frame_title(results: Results, frame: int) -> str:
    """Return two lines that say when a frame was taken: capacity or time, voltage and mean lithiation."""
    point = int(results.fields["point_index"][frame])
    curves = results.curves.isel(point=point)
    half = next((half for half in half_cycles(results) if point in half), None)
    if half is None:
        when = f"{from_si(float(curves['time']), 'hour', 'time'):.3g} h"
    else:
        q = float(capacity(results, half, slice(point, point + 1))[0])
        when = f"{half.direction}, {q:.0f} mAh g⁻¹"
    voltage, x = float(curves["voltage"]), float(curves["lithiation"])
    return f"{when}\n{voltage:.2f} V" + (f", mean x = {x:.2f}" if np.isfinite(x) else "")
