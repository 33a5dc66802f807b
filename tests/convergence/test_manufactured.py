"""Manufactured and exact solutions of the coupled system: order two in space, order k in time.

Space: a smooth φ_e, φ_i, x is chosen in the laminate electrolyte | active such that the face balance holds exactly
(``physics/interface.py``); what it leaves in the conservation laws is added as a source (Roache 2002,
doi:10.1115/1.1436090). x is linear in time, which a formula of order two or more follows without error.

Time: (a) the same with the source of the discrete system, so that nothing but the error in time is left; (b) without
any source, a laminate with linear laws is a linear system of ordinary equations, solved by its matrix exponential.
Histories are filled with exact states, since every start from one state is of first order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from builders import T, THERMAL, cell_parameters, host_phase, laminate_graph, observed_order, straight
from scipy.linalg import expm

from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.physics.constants import F
from catholyte.physics.kinetics import ButlerVolmer, ConstantExchange, SymmetricExchange
from catholyte.solve.bdf import History
from catholyte.solve.linear import DirectSolver
from catholyte.solve.newton import newton
from catholyte.solve.transient import Integrator, Progress, Settings

C_MAX, D, SIZE, AREA = 5e4, 1e-14, 1e-6, 1e-6
SIGMA_I, SIGMA_E, CONTACT = 1e-3, 2e-3, 1e-4
TIME = SIZE * SIZE / D
LAW, EXCHANGE = ButlerVolmer(0.4), SymmetricExchange(3.0)


def smooth(x, T):
    return 4.1 - 0.5 * x - 0.2 * x**2


@dataclass(frozen=True)
class Exact:
    """A smooth solution; z runs from 0 to SIZE in either layer, ``steady`` or with x linear in time.

    x = x_f + (i/F c_max D)(sin πζ/π)·SIZE + …, so that the flux at the flat interface is the current i there.
    """

    i: float = -4.0

    def x(self, z, t):
        s = z / SIZE
        slope = self.i * SIZE / (F * C_MAX * D)
        return 0.5 + 0.15 * np.cos(np.pi * s) + slope * np.sin(1.5 * s) / 1.5 + 0.1 * t / TIME * np.cos(2.0 * np.pi * s)

    def x_source(self, z, t):
        """F c_max (∂x/∂t − D ∂²x/∂z²) in A/m³."""
        s = z / SIZE
        slope = self.i * SIZE / (F * C_MAX * D)
        rate = 0.1 / TIME * np.cos(2.0 * np.pi * s)
        curvature = (
            -0.15 * np.pi**2 * np.cos(np.pi * s)
            - slope * 1.5 * np.sin(1.5 * s)
            - 0.1 * t / TIME * 4.0 * np.pi**2 * np.cos(2.0 * np.pi * s)
        ) / SIZE**2
        far = slope * np.cos(1.5)
        assert np.isfinite(far)
        return F * C_MAX * (rate - D * curvature)

    def phi_i(self, z, t):
        """Zero at the counter electrode; −σ_i ∂φ_i/∂z at the interface is −i."""
        s = z / SIZE
        slope = self.i * SIZE / SIGMA_I
        return 0.02 * np.sin(0.5 * np.pi * s) ** 2 + slope * (np.sin(s) / np.cos(1.0))

    def phi_i_source(self, z, t):
        s = z / SIZE
        slope = self.i * SIZE / SIGMA_I
        return -SIGMA_I / SIZE**2 * (0.01 * np.pi**2 * np.cos(np.pi * s) - slope * np.sin(s) / np.cos(1.0))

    def phi_e(self, z, t):
        x_f = float(self.x(0.0, t))
        eta = THERMAL * LAW.inverse(np.array([self.i / float(EXCHANGE(np.array(x_f)))]))[0][0]
        at_face = float(self.phi_i(SIZE, t)) + smooth(x_f, T) + eta + self.i * CONTACT
        s = z / SIZE
        return at_face + 0.03 * (np.cos(np.pi * s) - 1.0) + self.i * SIZE / SIGMA_E * np.sin(2.0 * s) / 2.0

    def phi_e_source(self, z, t):
        s = z / SIZE
        curvature = -0.03 * np.pi**2 * np.cos(np.pi * s) - self.i * SIZE / SIGMA_E * 2.0 * np.sin(2.0 * s)
        return -SIGMA_E / SIZE**2 * curvature
