"""The model at one temperature, with the integrator and the solver that work on it."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from catholyte.build import Built
from catholyte.errors import NotConverged
from catholyte.models.analysis import Analysis
from catholyte.models.cathode import Cathode, Evaluation
from catholyte.models.control import CurrentControl, VoltageControl
from catholyte.models.impedance import Impedance
from catholyte.simulation.step import Driven
from catholyte.solve.bdf import Past
from catholyte.solve.frames import Frame, Settings
from catholyte.solve.linear import linear_solver
from catholyte.solve.transient import Integrator

Vector = NDArray[np.float64]

#: smallest current, as a part of 1C, that imbalances are measured against
_SCALE_FLOOR = 1e-3


class Stage:
    """A built case at one temperature.

    Parameters
    ----------
    built
        The case.
    temperature
        In K.
    """

    def __init__(self, built: Built, temperature: float) -> None:
        self.temperature = temperature
        self.cathode: Cathode = built.cathode(temperature)
        solver, area = built.case.solver, built.geometry.cross_section
        chosen = {
            key: value
            for key in ("order", "x_tolerance", "voltage_tolerance", "current_tolerance", "first_step", "largest_step")
            if (value := getattr(solver, key)) is not None
        }
        self._method = solver.linear
        self.integrator = Integrator(
            self.cathode,
            linear_solver(self.cathode.size, solver.linear),
            _SCALE_FLOOR * built.design.current_density_1C * area,
            Settings(**chosen),
        )

    @cached_property
    def analysis(self) -> Analysis:
        """Derived quantities of the model."""
        return Analysis(self.cathode)

    def resting_memory(self, u: Vector) -> Vector:
        """Return what double layers and lumped elements remember of a long rest at the lithium in ``u``."""
        if self.cathode.n_charged == 0:
            return np.zeros(self.cathode.n_memory)
        at = self.integrator.consistent(u, CurrentControl(0.0), current=0.0).evaluation
        return self.cathode.resting_memory(at)

    def biased(self, u: Vector, memory: Vector, t: float, charge: float, current: float) -> Frame:
        """Return the state with the lithium in ``u`` and a direct current in A through it, every transient over.

        Capacitors in series keep what they hold in ``memory``.
        """
        found = self.integrator.consistent(u, CurrentControl(current), current=current, past=Past.rest(memory))
        return Frame(t, found.evaluation, charge, 0.0, 0, found.iterations, found.linear_iterations)

    def impedance(self, at: Evaluation) -> Impedance:
        """Return the linear response at a state; it has a solver of its own, whose memory goes with it."""
        return Impedance(self.cathode, at, linear_solver(self.cathode.size, self._method))

    def beyond_limit(
        self, driven: Driven, u: Vector, memory: Vector, t: float, charge: float, error: NotConverged
    ) -> tuple[Frame, str, int]:
        """Decide whether a step failed because the electrode cannot deliver the current above its cut-off voltage.

        At fixed lithium the current grows as the voltage falls. If at the cut-off it is still less than what is asked
        for, the voltage would lie beyond the cut-off: the step ends there. Otherwise the error stands.

        Returns
        -------
        The last frame, the reason in words, and the group whose rule it is, −1 if it is the step's.
        """
        area = driven.basis.area
        for voltage, scope in driven.cut_offs():
            hold = VoltageControl(voltage)
            current = abs(driven.expected_current)
            result = self.integrator.consistent(u, hold, current=current, past=Past.hold(memory))
            at: Evaluation = result.evaluation
            excess, slope, _ = driven.control.at(t).equation(at.current, voltage)
            wanted = at.current - excess
            if slope != 1.0 or wanted == 0.0 or at.current / wanted >= 1.0:
                continue
            reason = (
                f"cut-off of {voltage - driven.basis.reference:g} V reached: the electrode cannot sustain "
                f"{0.1 * wanted / area:.4g} mA/cm2 (at that voltage it delivers {0.1 * at.current / area:.4g} mA/cm2)"
            )
            return Frame(t, at, charge, 0.0, 0, result.iterations, result.linear_iterations), reason, scope
        raise error
