"""A flat film as a case file: one dimension, a host and a protocol that a test chooses, all else of no resistance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w

from catholyte.build import build
from catholyte.case import parse_case
from catholyte.results import Results
from catholyte.simulation import Simulation

_CASE = """
title = "film"
[mesh]
laminate = {{ voxel_size = ["{voxel} m", "1 um", "1 um"], stack = [["electrolyte", "{voxel} m"], ["active", "{L} m"]] }}
[phases.electrolyte]
material = "Li6PS5Cl"
sigma_i = "1e6 S/m"
[phases.active]
material = "NCM811"
sigma_e = "1e6 S/m"
D = "{D} m2/s"
maximum_concentration = "{c_max} mol/m3"
equilibrium_potential = {potential}
[interfaces."active|electrolyte".kinetics]
exchange_current = "{i0} A/m2"
[cell]
counter = {{ material = "Li", exchange_current = "1e12 A/m2" }}
initial = {{ lithiation = {x} }}
[experiment]
{steps}
[output]
fields = "none"
"""

STRAIGHT = '{ law = "linear", U_at_0 = "4.2 V", U_at_1 = "3.2 V" }'


def film(
    steps: Sequence[Any],
    *,
    n: int = 40,
    L: float = 1e-6,
    D: float = 1e-14,
    c_max: float = 4e4,
    x: float = 0.5,
    i0: float = 1e5,
    potential: str = STRAIGHT,
    overrides: Sequence[str] = (),
) -> Simulation:
    """Return a film of ``n`` voxels and thickness ``L`` in m, ready to run a protocol.

    Parameters
    ----------
    steps
        The protocol.
    n, L, D, c_max
        Voxels, thickness in m, diffusivity in m²/s and concentration of sites in mol/m³.
    x
        Lithium at the start.
    i0
        Exchange current density in A/m², so high that charge transfer takes no voltage unless said otherwise.
    potential
        The table ``equilibrium_potential``; U = 4.2 V − x unless said otherwise.
    overrides
        Any other key of the case.
    """
    text = _CASE.format(
        voxel=L / n, L=L, D=D, c_max=c_max, x=x, i0=i0, potential=potential, steps=tomli_w.dumps({"steps": list(steps)})
    )
    return Simulation(build(parse_case(text, list(overrides))))


def run_film(path: Path, steps: Sequence[Any], **properties: Any) -> Results:
    """Run a protocol on a film and return the result, which is written to ``path``."""
    return film(steps, **properties).run(path)
