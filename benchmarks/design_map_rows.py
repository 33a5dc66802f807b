"""The rows of the table of dual conductors as dense layers: up to which thickness 80 % are used at 1C."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq

from benchmarks.dense_runs import Range, T, as_dense_layer
from catholyte.build.cell import load_materials, phase_parameters
from catholyte.case import parse_case
from catholyte.materials import Material, load_material
from catholyte.materials.transport import DUAL_CONDUCTIVE, EDGE, UTILISATION, capacity_range, transport
from catholyte.physics.constants import F
from catholyte.physics.dense_layer import highest_current

#: electronic conductivity in S/m that stands for mobile electrons where a row has none
_MOBILE = 1e6
#: of the logarithm of the current, where it is looked for and how closely
_STEP, _TOLERANCE = 0.02, 5e-4

_CASE = """
title = "{name}"
[mesh]
laminate = {{ voxel_size = "1 um", stack = [["active", "50 um"]] }}
separator = {{ thickness = "1 um", material = "Li6PS5Cl" }}
[phases.active]
material = "{name}"
transport = "{transport}"
{electrons}
[cell]
counter = "Li"
initial = {{ lithiation = 0.5 }}
[experiment]
steps = ["Rest for 1 minute"]
"""


@dataclass(frozen=True)
class Row:
    """A row: its conductivities in S/m at half of its capacity, and the thickness up to which 80 % are used at 1C.

    Attributes
    ----------
    name
        Of the material.
    sigma_i, sigma_e
        None where the row has none; σ_i also follows from D.
    drop
        ΔU in V.
    thickness
        m.
    semi_analytic
        The same thickness by the semi-analytic model, m.
    W_i, W_e
        The groups there, with means of the conductivities over the potential.
    rate
        C-rate that ``catholyte materials --transport`` gives for this thickness.
    """

    name: str
    sigma_i: float | None = None
    sigma_e: float | None = None
    drop: float | None = None
    thickness: float | None = None
    semi_analytic: float | None = None
    W_i: float | None = None
    W_e: float | None = None
    rate: float | None = None

    @property
    def bound(self) -> str:
        """Sign of a thickness that mobile electrons give."""
        return "≤ " if self.sigma_e is None else ""

    def line(self) -> dict[str, Any]:
        """Return what the table shows."""
        shown = {
            key: "missing" if value is None else f"{value * 10.0:.3g}"
            for key, value in (("sigma_i", self.sigma_i), ("sigma_e", self.sigma_e))
        }
        if self.thickness is None or self.W_i is None or self.W_e is None:
            return {"name": self.name, "thickness": "missing", **shown}
        return {
            "name": self.name,
            **shown,
            "drop": self.drop,
            "thickness": f"{self.bound}{self.thickness * 1e6:.3g}",
            "W": self.W_i + self.W_e,
            "rate": self.rate,
            "semi": None if self.semi_analytic is None else f"{self.bound}{self.semi_analytic * 1e6:.3g}",
        }


def rows() -> list[Row]:
    """Return all rows of the table, in its order."""
    return [_row(load_material(name)) for name in DUAL_CONDUCTIVE]


def _row(material: Material) -> Row:
    electrons = material.property("sigma_e") if "sigma_e" in material.properties else None
    sigma_e = None if electrons is None else electrons.at(T)
    if not {"D", "sigma_i"} & set(material.properties):
        return Row(material.name, sigma_e=sigma_e)
    of = host_of(material)
    table = of.table()
    # 1C counts the whole capacity, utilisation what lies between the lithiations.
    low, high = capacity_range(material)
    one_c = F * of.host.c_max * (high - low) / 3600.0
    # Only the product of current and thickness counts, so the thickness at 1C follows from the current at any other.
    guess = highest_current(table, 1e-5, UTILISATION) * 1e-5
    product = _product(of, guess)
    thickness = math.sqrt(product / one_c)
    found = transport(material, T, thickness)
    W, ions = product / float(table.W[-1]), float(np.mean(table.ions))
    return Row(
        material.name,
        found.middle.sigma_i,
        sigma_e,
        of.drop,
        thickness,
        math.sqrt(guess / one_c),
        (1.0 - ions) * W,
        ions * W,
        found.highest_rate,
    )


def host_of(material: Material) -> Range:
    """Return the host of a row, by ions and electrons where it gives σ_i, by diffusion where it gives D."""
    text = _CASE.format(
        name=material.name,
        transport="diffusion" if "D" in material.properties else "mixed",
        electrons="" if "sigma_e" in material.properties else f'sigma_e = "{_MOBILE:g} S/m"',
    )
    case = parse_case(text)
    phase = phase_parameters(case, load_materials(case), T)["active"]
    assert phase.host is not None
    law = material.equilibrium_potential
    assert law is not None
    low, high = capacity_range(material)
    edge = EDGE * (high - low)
    return Range(phase.host, phase.sigma, max(law.x_lo, low + edge), min(law.x_hi, high - edge))


def _product(of: Range, guess: float) -> float:
    """Return the largest product of current density and thickness in A/m at which 80 % are used.

    Utilisation may fall at once there, where a polarisation that passes its limit early no longer does so.
    """
    thickness = 1e-5

    def excess(logarithm: float) -> float:
        return as_dense_layer(of, thickness, math.exp(logarithm) / thickness) - UTILISATION

    low, high = math.log(guess) - _STEP, math.log(guess) + _STEP
    while excess(low) < 0.0:
        low, high = low - _STEP, low
    while excess(high) >= 0.0:
        low, high = high, high + _STEP
    return math.exp(brentq(excess, low, high, xtol=_TOLERANCE))
