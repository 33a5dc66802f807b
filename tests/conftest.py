"""What all tests share: the command line in this process, and a cache of compiled kernels for each parallel worker.

Two processes that add different types of one kernel to one cache of numba at the same moment can file one's code under
the other's types, and later runs would load it.
"""

import os
import sys
import tempfile
from pathlib import Path

import pytest

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    folder = Path(tempfile.gettempdir()) / f"catholyte-kernels-{os.getuid()}-{worker}"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(folder))


@pytest.fixture
def catholyte(monkeypatch, capsys):
    """Run a command line; returns exit code, output and messages."""
    from catholyte import cli  # after the cache of kernels has its place

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["catholyte", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "120")
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return ended.value.code or 0, told.out, told.err

    return run
