"""Temperature dependence of transport and kinetics."""

from __future__ import annotations

import math

from catholyte.physics.constants import R


def arrhenius(p_ref: float, E_a: float, T: float, T_ref: float) -> float:
    """Return p(T) = p_ref·exp[−E_a/R (1/T − 1/T_ref)].

    Parameters
    ----------
    p_ref
        Value at T_ref, any unit.
    E_a
        Activation energy in J/mol.
    T, T_ref
        Temperatures in K.
    """
    return p_ref * math.exp(-E_a / R * (1.0 / T - 1.0 / T_ref))
