"""Names, units and meanings of everything that a result holds."""

from __future__ import annotations

#: quantities of a point (one accepted time step): name -> (unit, meaning)
POINT_VARIABLES: dict[str, tuple[str, str]] = {
    "time": ("s", "time since the start"),
    "voltage": ("V", "cathode potential vs Li/Li+"),
    "cell_voltage": ("V", "voltage against the counter electrode"),
    "current_density": ("A/m2", "current per area of the cell, positive on discharge"),
    "charge": ("A s/m2", "charge passed per area of the cell since the start, positive on discharge"),
    "step_index": ("1", "step within its cycle, from 0"),
    "cycle_index": ("1", "cycle, from 0"),
    "step_count": ("1", "number of the step that was carried out, from 0"),
    "task": ("1", "step of the protocol, in the order of its text, from 0"),
    "temperature": ("K", "temperature"),
    "time_step": ("s", "length of the time step"),
    "order": ("1", "order of the time integration"),
    "newton_iterations": ("1", "Newton iterations of the time step"),
    "linear_iterations": ("1", "iterations of the linear solver in the time step"),
    "lithiation": ("1", "mean site fraction, weighted with capacity"),
    "lithiation_std": ("1", "standard deviation of the site fraction"),
    "lithiation_p05": ("1", "5th percentile of the site fraction"),
    "lithiation_p95": ("1", "95th percentile of the site fraction"),
    "utilisation": ("1", "charge passed over the nominal capacity of the active mass"),
    "reaction_current_mean": ("A/m2", "mean reaction current density of the interface"),
    "reaction_current_std": ("A/m2", "standard deviation of the reaction current density"),
    "reaction_current_p05": ("A/m2", "5th percentile of the reaction current density"),
    "reaction_current_p95": ("A/m2", "95th percentile of the reaction current density"),
    "equilibrium_voltage": ("V", "equilibrium potential at the mean site fraction"),
    "loss_electron": ("V", "polarisation by electron transport"),
    "loss_ion": ("V", "polarisation by ion transport in the cathode"),
    "loss_separator": ("V", "polarisation by ion transport in the separator"),
    "loss_reaction": ("V", "polarisation by charge transfer"),
    "loss_diffusion": ("V", "polarisation by diffusion in the active material"),
    "loss_contact": ("V", "polarisation by contact resistances"),
    "loss_film": ("V", "polarisation by film resistances"),
    "loss_counter": ("V", "polarisation by the counter electrode"),
    "loss_series": ("V", "polarisation by the series resistance"),
    "loss_elements": ("V", "polarisation by the lumped elements"),
    "loss_double_layer": ("V", "polarisation that charges double layers"),
    "loss_mixing": ("V", "polarisation by uneven lithiation"),
    "loss_total": ("V", "equilibrium voltage minus voltage"),
}

#: quantities of a row of a spectrum (one frequency): name -> (unit, meaning); the state is that of its point
SPECTRUM_VARIABLES: dict[str, tuple[str, str]] = {
    "spectrum": ("1", "number of the spectrum, from 0"),
    "point": ("1", "point of the curves at which it was taken, from 0"),
    "frequency": ("Hz", "frequency"),
    "real": ("Ohm m2", "real part of the impedance"),
    "imaginary": ("Ohm m2", "imaginary part of the impedance"),
    "iterations": ("1", "iterations of the linear solver"),
}

#: quantities of a frame (the state of every cell): name -> (unit, meaning)
FIELD_VARIABLES: dict[str, tuple[str, str]] = {
    "phi_e": ("V", "electron potential"),
    "phi_i": ("V", "ion potential"),
    "x": ("1", "site fraction of Li"),
    "reaction_current": ("A/m3", "reaction current per volume of the cell"),
    "current_e": ("A/m2", "magnitude of the electronic current density"),
    "current_i": ("A/m2", "magnitude of the ionic current density"),
}

#: fields that need double precision: phi_e is nearly uniform, and its small differences are the current
DOUBLE_PRECISION_FIELDS = frozenset({"phi_e"})


def attributes(name: str, table: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Return the ``units`` and ``long_name`` of a variable; nothing for a name that is not known.

    Names of species are not in a table: those of their curves and fields begin with "fraction".
    """
    if name.startswith("fraction "):
        return {"units": "1", "long_name": f"site fraction of {name.removeprefix('fraction ')}"}
    if name not in table:
        return {}
    unit, meaning = table[name]
    return {"units": unit, "long_name": meaning}
