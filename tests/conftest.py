"""A cache of compiled kernels for every process of a parallel test run.

Two processes that add different types of one kernel to one cache of numba at the same moment can file one's code under
the other's types, and later runs would load it.
"""

import os
import tempfile
from pathlib import Path

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    folder = Path(tempfile.gettempdir()) / f"catholyte-kernels-{os.getuid()}-{worker}"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(folder))
