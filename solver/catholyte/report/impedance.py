"""What ``catholyte impedance`` shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Group
from rich.table import Table

from catholyte.evaluation.circuit import CircuitFit
from catholyte.evaluation.columns import Column
from catholyte.evaluation.drt import RelaxationTimes
from catholyte.evaluation.impedance import OHM_CM2, arc_columns, circuit_columns, peak_columns
from catholyte.evaluation.kramers_kronig import KramersKronig
from catholyte.report.tables import column_table
from catholyte.results import Spectrum


def spectra_report(summary: Sequence[Column]) -> Table:
    """Return the spectra of a run: states, ends, Kramers–Kronig test."""
    return column_table("Impedance spectra", summary)


def parts_report(number: int, spectrum: Spectrum, test: KramersKronig | None) -> Group:
    """Return what the parts of the cell add to a spectrum, and its Kramers–Kronig test in full."""
    table = column_table(f"Spectrum {number}: what gives which arc", arc_columns(spectrum))
    if test is None:
        return Group(table, "Kramers-Kronig: too few frequencies")
    residual = f"largest residual {100.0 * test.largest:.2g} %, rms {100.0 * test.rms:.2g} %"
    return Group(table, f"Kramers-Kronig: {residual}, {test.elements} RC elements: {test.verdict}")


def relaxation_report(number: int, spectrum: Spectrum, drt: RelaxationTimes) -> Group:
    """Return the peaks of the relaxation times of a spectrum."""
    residual = float(np.sqrt(np.mean(np.abs(drt.residual) ** 2)))
    lines = [
        f"R_inf {drt.resistance / OHM_CM2:.4g} + relaxing {drt.polarisation / OHM_CM2:.4g} "
        f"= {(drt.resistance + drt.polarisation) / OHM_CM2:.4g} ohm cm2"
    ]
    if drt.inductance > 0.0:
        lines.append(f"inductance {drt.inductance / OHM_CM2:.3g} H cm2")
    if drt.elastance > 0.0:
        lines.append(f"capacitance in series {OHM_CM2 / drt.elastance:.4g} F/cm2")
    lines.append(f"regularisation {drt.regularisation:.1e}, rms residual {100.0 * residual:.2g} %")
    title = f"Spectrum {number}: relaxation times"
    return Group(column_table(title, peak_columns(spectrum, drt)), *lines)


def circuit_report(number: int, fit: CircuitFit) -> Group:
    """Return the fit of a circuit to a spectrum."""
    table = column_table(f"Spectrum {number}: {fit.circuit}", circuit_columns(fit))
    return Group(table, f"rms residual {100.0 * fit.rms:.2g} %; deviations are one standard deviation")
