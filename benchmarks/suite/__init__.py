"""The asv benchmarks."""

from __future__ import annotations

import os
from collections.abc import Iterable

#: environment variable: measure the sizes that take minutes as well
LONG = "CATHOLYTE_BENCH_LONG"


def wanted(sizes: Iterable[int], largest: int) -> list[int]:
    """Return the sizes up to ``largest``; all of them if the long ones are asked for."""
    return [voxels for voxels in sizes if voxels <= largest or os.environ.get(LONG)]


def skip_long(voxels: int, largest: int) -> None:
    """Skip a size that is not wanted (asv takes this error in a ``setup`` for that)."""
    if not wanted([voxels], largest):
        raise NotImplementedError(f"set {LONG}=1 to measure {voxels} voxels along an edge")
