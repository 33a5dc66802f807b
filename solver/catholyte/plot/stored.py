"""What a result stores, as pictures name it: lithium in hosts, and species on the sites of their phases."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from catholyte.results import Results

Floats = NDArray[np.floating]

STORED_MAP = "viridis"

#: site fractions that never exceed this are traces, which pictures leave out
TRACE = 1e-3

#: prefix of the curves and fields of species; behind it, states of hysteresis and vacant sites have one of their own
_FRACTION = "fraction "
_NO_SPECIES = ("branch ", "vacancy ")

_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def stores_lithium(results: Results) -> bool:
    """Return whether a phase intercalates, so that there is a lithiation."""
    return bool(results.curves["lithiation"].notnull().any())


def species_curves(results: Results) -> dict[str, dict[str, str]]:
    """Return the curve of every species, phase by phase; those in the separator are left out."""
    found: dict[str, dict[str, str]] = {}
    phases = sorted(results.mesh.phase_names, key=len, reverse=True)  # a name may begin with another
    for curve in map(str, results.curves.data_vars):
        phase = next((name for name in phases if curve.startswith(f"{_FRACTION}{name} ")), None)
        if phase is None or phase == "separator":
            continue
        species = curve.removeprefix(f"{_FRACTION}{phase} ")
        if not species.startswith(_NO_SPECIES):
            found.setdefault(phase, {})[species] = curve
    return {phase: found[phase] for phase in results.mesh.phase_names if phase in found}


def species_fields(results: Results) -> list[str]:
    """Return the fields of species."""
    names = (str(name) for name in results.fields.data_vars)
    return [n for n in names if n.startswith(_FRACTION) and not n.removeprefix(_FRACTION).startswith(_NO_SPECIES)]


def stored_fields(results: Results, frames: Sequence[int], number: int = 6) -> list[str]:
    """Return the fields of what is stored: lithiation, and species of which there are more than traces.

    Of more than ``number`` fields, those stay that differ most between places and frames.
    """
    spans: dict[str, float] = {}
    for name in (n for n in ("x", *species_fields(results)) if n in results.fields):
        values = results.fields[name].isel(frame=list(frames)).to_numpy()
        largest = float(np.nanmax(values, initial=0.0))
        if largest > (0.0 if name == "x" else TRACE):
            spans[name] = largest - float(np.nanmin(values, initial=1.0))
    most = sorted(spans, key=spans.__getitem__, reverse=True)[:number]
    return [name for name in spans if name in most]


def stored_label(name: str) -> str:
    """Return the label of a scale of one of :func:`stored_fields`."""
    return "Lithiation x (–)" if name == "x" else f"Fraction of {species_text(name)} (–)"


def species_text(name: str) -> str:
    """Write a species, or the field of one, with its charge raised: In3+ as In³⁺, I0 as I⁰, ICl2- as ICl₂⁻."""
    name = name.removeprefix(_FRACTION)
    one_element = re.fullmatch(r"([A-Z][a-z]?)(0|\d*[+-])", name)
    if one_element:
        return one_element[1] + one_element[2].translate(_RAISED)
    formula = re.fullmatch(r"((?:[A-Z][a-z]?\d*)+)([+-]?)", name)
    return formula[1].translate(_LOWERED) + formula[2].translate(_RAISED) if formula else name


def fraction_norm(images: Sequence[Floats]) -> Normalize:
    """Return a scale from the smallest to the largest fraction, within 0 and 1 and not too narrow."""
    values = np.concatenate([image[np.isfinite(image)] for image in images])
    if not values.size:
        return Normalize(0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    margin = max(0.0, 0.5 * (0.01 - (high - low)))
    return Normalize(max(low - margin, 0.0), min(high + margin, 1.0))


def without_counterparts(means: Mapping[str, Floats]) -> list[str]:
    """Return the names without those that another one tells, because both fill the same sites alone.

    Parameters
    ----------
    means
        Mean fractions at the same moments. Of two that always add up to 1, the one that is rarer at first stays.
    """
    kept = list(means)
    for name, values in means.items():
        others = (means[other] for other in kept if other != name)
        if name in kept and any(
            np.abs(values + other - 1.0).max() < TRACE and values[0] > other[0] for other in others
        ):
            kept.remove(name)
    return kept
