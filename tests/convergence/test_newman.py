"""Newman's porous electrode with linear kinetics and two finite conductivities.

Newman & Tobias 1962 (J. Electrochem. Soc. 109, 1183); Newman & Balsara, *Electrochemical Systems*, ch. 22.
An ion conductor (conductance K a length) and an electron conductor (S a length) lie side by side over the
thickness L and exchange g·(φ_e − φ_i − U) a length. With ν² = L² g (1/K + 1/S) and current I entering as
ions at z = 0 and leaving as electrons at z = L,

    R = L/(K + S)·[1 + (2 + (S/K + K/S) cosh ν)/(ν sinh ν)],
    i_n(z)·L/I = ν/(K + S)·[S cosh ν(1 − z/L) + K cosh ν z/L]/sinh ν.

The mesh has one column of voxels for either conductor. Across the columns the voxels are so thin that
nothing but the half-cell resistances, which stand in series with the kinetics, is left of the second
dimension.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import THERMAL, cell_parameters, host_phase, observed_order, straight, uniform_state

from catholyte.mesh.voxels import voxel_graph
from catholyte.models.cathode import Cathode
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.physics.kinetics import ConstantExchange
from catholyte.solve.frames import Settings
from catholyte.solve.linear import linear_solver
from catholyte.solve.transient import Integrator

LENGTH, WIDTH = 50e-6, 1e-8
U0 = 3.8
SIZES = [8, 16, 32, 64]


class Electrode:
    """The mesh with n cells along z and its closed form."""

    def __init__(self, n: int, sigma_e: float, sigma_i: float, nu: float) -> None:
        labels = np.zeros((n, 1, 2), dtype=np.uint8)
        labels[:, :, 1] = 1
        graph = voxel_graph(labels, (LENGTH / n, WIDTH, WIDTH), ("electrolyte", "active"))
        self.n, self.nu = n, nu
        self.S, self.K = sigma_e * WIDTH**2, sigma_i * WIDTH**2
        g = nu**2 / LENGTH**2 / (1.0 / self.K + 1.0 / self.S)
        across = 0.5 * WIDTH * (1.0 / sigma_e + 1.0 / sigma_i)
        i0 = THERMAL / (WIDTH / g - across)
        assert i0 > 0.0
        host = host_phase(straight(U0, 0.0), D=1e-9, sigma=sigma_e)
        self.problem = Cathode(
            graph,
            cell_parameters(host, sigma_i=sigma_i, i0=ConstantExchange(i0), cross_section=2.0 * WIDTH**2),
        )

    def resistance(self) -> float:
        K, S, nu = self.K, self.S, self.nu
        return LENGTH / (K + S) * (1.0 + (2.0 + (S / K + K / S) * np.cosh(nu)) / (nu * np.sinh(nu)))

    def reaction(self, z):
        """Local over mean reaction current."""
        K, S, nu = self.K, self.S, self.nu
        return nu / (K + S) * (S * np.cosh(nu * (1.0 - z)) + K * np.cosh(nu * z)) / np.sinh(nu)

    def potentials(self, current):
        """φ_i and φ_e − V at the cell centres for a discharge current in A (φ_i falls into the electrode)."""
        z = (np.arange(self.n) + 0.5) / self.n
        K, S, nu = self.K, self.S, self.nu
        # The ion current that is left at z is 1 minus what has reacted before; integrated again it is φ_i.
        both, sinh = K + S, np.sinh(nu)

        def fall(z, own, other):
            far = np.cosh(nu) - np.cosh(nu * (1.0 - z))
            return own / both * z + (other * far - own * (np.cosh(nu * z) - 1.0)) / (nu * sinh * both)

        return -current * LENGTH / K * fall(z, K, S), current * LENGTH / S * fall(1.0 - z, S, K)

    def solve(self, control, current):
        integrator = Integrator(self.problem, linear_solver(self.problem.size), current, Settings(balance=1e-12))
        return integrator.consistent(uniform_state(self.problem, 0.5, U0), control, current=current).evaluation


CASES = [(1.0, 1.0, 2.0), (10.0, 0.5, 3.0), (0.05, 2.0, 1.0), (100.0, 0.01, 5.0)]


@pytest.mark.parametrize(("sigma_e", "sigma_i", "nu"), CASES)
def test_resistance_and_distribution(sigma_e, sigma_i, nu):
    total, local, ions, electrons = [], [], [], []
    for n in SIZES:
        electrode = Electrode(n, sigma_e, sigma_i, nu)
        current = 1e-3 / electrode.resistance()
        at = electrode.solve(CurrentControl(current), current)
        assert at.current == pytest.approx(current, rel=1e-10)
        total.append(abs((U0 - at.voltage) / current / electrode.resistance() - 1.0))
        z = (np.arange(n) + 0.5) / n
        group = electrode.problem.reacting[0]
        order = np.argsort(group.electron)
        spread = -(group.area * at.faces[0].i)[order] * n / current
        local.append(float(np.max(np.abs(spread - electrode.reaction(z)))) / electrode.reaction(z).max())
        phi_i, phi_e = electrode.potentials(current)
        p = electrode.problem
        ions.append(float(np.max(np.abs(at.u[p.n_electron : p.n_phi] - phi_i))) / 1e-3)
        electrons.append(float(np.max(np.abs(at.u[: p.n_electron] - phi_e))) / 1e-3)
    for errors in (total, local, ions, electrons):
        assert -observed_order(SIZES[1:], errors[1:]) > 1.9
        assert errors[-1] < 3e-3


def test_voltage_control_gives_the_same_resistance():
    electrode = Electrode(64, 1.0, 1.0, 2.0)
    current = 1e-2 / electrode.resistance()
    at = electrode.solve(VoltageControl(U0 - 1e-2), current)
    assert at.current == pytest.approx(current, rel=2e-4)
    other = electrode.solve(CurrentControl(at.current), current)
    assert other.voltage == pytest.approx(U0 - 1e-2, abs=1e-12)


@pytest.mark.parametrize("method", ["direct", "krylov"])
def test_a_voltage_step_from_rest_needs_no_idea_of_its_current(method):
    """The imbalance is then judged by a current far below the one that flows."""
    electrode = Electrode(64, 1.0, 1.0, 2.0)
    expected = 0.2 / electrode.resistance()
    problem = electrode.problem
    integrator = Integrator(problem, linear_solver(problem.size, method), 1e-6 * expected)
    control = VoltageControl(U0 - 0.2)
    at = integrator.consistent(uniform_state(problem, 0.5, U0), control, current=0.0).evaluation
    assert at.voltage == pytest.approx(U0 - 0.2, abs=1e-9)
    assert at.current == pytest.approx(expected, rel=2e-4)


def test_exchanging_the_conductors_mirrors_the_distribution():
    one, other = Electrode(16, 3.0, 0.2, 2.5), Electrode(16, 0.2, 3.0, 2.5)
    current = 1e-3 / one.resistance()
    faces = []
    for electrode in (one, other):
        at = electrode.solve(CurrentControl(current), current)
        order = np.argsort(electrode.problem.reacting[0].electron)
        faces.append(at.faces[0].i[order])
    np.testing.assert_allclose(faces[1], faces[0][::-1], rtol=1e-8)
