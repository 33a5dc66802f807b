"""The log of a run: what the solver chose and where it had to change its mind."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def run_log(folder: Path) -> Iterator[None]:
    """Append what the package logs from level INFO on to ``run.log`` in a result folder."""
    logger = logging.getLogger("catholyte")
    handler = logging.FileHandler(folder / "run.log", mode="a", encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S"))
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()
