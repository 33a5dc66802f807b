"""One run: a built case is carried through its protocol, and every accepted step is on disk before the next begins.

    for each task of the protocol:
        a step       consistent potentials -> time steps until a rule is met -> located end
        a spectrum   the state linearised -> one frequency after the other
    for each time step and each frequency:  derived numbers -> store -> checkpoint

A run can be killed at any moment and resumed; it then continues from the last time step or frequency. A run that has
ended can be continued with further steps.
"""

from catholyte.simulation.run import Simulation, continued_case
from catholyte.simulation.update import Update

__all__ = ["Simulation", "Update", "continued_case"]
