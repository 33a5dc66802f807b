"""How long a user waits to be told that a case is wrong: the whole process."""

from __future__ import annotations

import subprocess
import sys

from .discharge import CASE


class Refusal:
    """``catholyte check`` on a case with a wrong key and on a cut-off that is already passed."""

    params = ("mesh.packing.voxel=3", "experiment.steps=['Discharge at C/10 until 4.3 V']")
    param_names = ("fault",)

    def time_refusal(self, fault: str) -> None:
        command = [sys.executable, "-m", "catholyte.cli", "check", str(CASE), "--set", fault]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 2:
            raise RuntimeError(done.stderr.decode())
