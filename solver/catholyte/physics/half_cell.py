"""The diffusion between the face and the centre of a cell, at a frequency.

In steps of time the half cell next to a face is a resistance: the site fraction falls by q·i between centre and face.
A current that alternates faster than D/ℓ² (ℓ: half a cell) does not reach the centre; it would meet q where it should
meet the impedance of Warburg. With s² = iωℓ²/D and in units of q, a half space has the impedance 1/s, and behind the
half cell a chain of equal cells has 2ζ with 4s²ζ² + 4s²ζ = 1. The chain gives the exact answer at every frequency if
the half cell is taken as f·q with f = 1/s − 2ζ, that is

    f(ω) = 1 − s/(1 + √(1 + s²)),

which is 1 at low frequencies and 1/s − 1/(2s²) at high ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def depletion_factor(omega: float, diffusion_time: NDArray[np.float64]) -> NDArray[Any]:
    """Return f(ω) at an angular frequency in rad/s for half cells of diffusion time ℓ²/D in s; complex."""
    s = np.sqrt(1j * omega * diffusion_time)
    return 1.0 - s / (1.0 + np.sqrt(1.0 + s * s))
