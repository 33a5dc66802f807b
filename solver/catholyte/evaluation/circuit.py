"""Fit of an equivalent circuit to a spectrum, by impedance.py (Murbach et al. 2020, doi:10.21105/joss.02349).

A circuit is written in its notation: elements with a number, in series with ``-``, side by side in ``p( , )``::

    circuit  = part {"-" part}
    part     = element | "p(" circuit "," circuit {"," circuit} ")"
    element  = name number                                              R0, CPE1, Wo2

The text is read here, so that a fault is told with its place, and only what was understood is handed on: impedance.py
evaluates the circuit as a Python expression. The package is an extra, ``pip install "catholyte[circuit]"``.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from catholyte.errors import InputError, NotConverged, nearest
from catholyte.evaluation.drt import relaxation_times
from catholyte.evaluation.spectrum import Complexes, Reals, read_spectrum

#: element -> (unit, power of the cell's area in it) of each of its parameters, with ohm for the unit of the impedance
ELEMENTS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "R": (("ohm", 1),),
    "C": (("F", -1),),
    "L": (("H", 1),),
    "CPE": (("s^a/ohm", -1), ("", 0)),
    "W": (("ohm/s^0.5", 1),),
    "Wo": (("ohm", 1), ("s", 0)),
    "Ws": (("ohm", 1), ("s", 0)),
    "G": (("ohm", 1), ("s", 0)),
    "Gs": (("ohm", 1), ("s", 0), ("", 0)),
    "K": (("ohm", 1), ("s", 0)),
    "Zarc": (("ohm", 1), ("s", 0), ("", 0)),
    "TLMQ": (("ohm", 1), ("F s^(a-1)", -1), ("", 0)),
}
#: elements that relax, so that a circuit has a time constant for each; those of a group in parallel have one together
_RELAXING = ("W", "Wo", "Ws", "G", "Gs", "K", "Zarc", "TLMQ")
#: relative change of a parameter for a derivative, and what the spectrum cannot see over what it sees best
_STEP, _UNSEEN = 1e-4, 1e-6
_TOKEN = re.compile(r"\s*(?:(?P<element>[A-Za-z]+)(?P<number>[0-9]+)|(?P<open>p\s*\()|(?P<mark>[-,)]))")


@dataclass(frozen=True)
class Parameter:
    """A fitted parameter of a circuit.

    Attributes
    ----------
    name
        Element, and the number of the parameter where it has several: "R0", "CPE1_0".
    value, deviation
        Value and its standard deviation, which is infinite if the spectrum does not determine it.
    unit, area_power
        Unit for an impedance in Ω of a cell, and how often the unit of area multiplies it for an impedance in Ω times
        that unit.
    """

    name: str
    value: float
    deviation: float
    unit: str
    area_power: int


@dataclass(frozen=True)
class CircuitFit:
    """A circuit fitted to a spectrum.

    Attributes
    ----------
    circuit
        As it was understood.
    parameters
        In the order of the circuit.
    impedance
        Of the fit at the frequencies of the data, in their unit and order.
    residual
        (fit − data)/abs(data), complex.
    """

    circuit: str
    parameters: tuple[Parameter, ...]
    impedance: Complexes
    residual: Complexes

    @property
    def rms(self) -> float:
        """Root mean square magnitude of the residual."""
        return float(np.sqrt(np.mean(np.abs(self.residual) ** 2)))


def fit_circuit(
    frequency: ArrayLike,
    impedance: ArrayLike,
    circuit: str,
    *,
    guesses: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> CircuitFit:
    """Fit a circuit with residuals relative to the magnitude of the impedance.

    Parameters
    ----------
    frequency, impedance
        In Hz and in any unit of impedance, both of shape (n,).
    circuit
        Like ``"R0-p(R1,CPE1)-Wo1"``.
    guesses
        Where to start, by name of the parameter; what is missing is taken from the peaks of the relaxation times.
    bounds
        Lowest and highest value by name of the parameter; positive, and exponents up to 1, without.

    Raises
    ------
    InputError
        If the circuit cannot be read, a name or a guess does not fit it, the data are too few, or impedance.py is not
        installed.
    NotConverged
        If the fit finds no minimum.
    """
    parts = read_circuit(circuit)
    text = _written(parts)
    names = parameter_names(parts)
    f, Z = read_spectrum(frequency, impedance, least=max(8, -(-len(names) // 2)))
    start = _start(parts, f, Z)
    low, high = _limits(names, bounds or {})
    for name, value in (guesses or {}).items():
        if name not in names:
            raise InputError("guesses", name, f"one of the parameters {', '.join(names)}", nearest(name, names))
        k = names.index(name)
        if not low[k] <= value <= high[k]:
            raise InputError(f"guesses.{name}", value, f"a value from {low[k]:g} to {high[k]:g}")
        start[k] = value
    start = np.clip(start, low, high)
    model = _model(text, start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a parameter is not determined is told by its deviation
        try:
            model.fit(f, Z, bounds=(low, high), weight_by_modulus=True, x_scale="jac", maxfev=5000)
        except (RuntimeError, np.linalg.LinAlgError) as error:
            raise NotConverged("circuit fit", f"for {text}: {error}") from error
    found = np.array(model.parameters_)
    fitted = _predict(model, f, found)
    residual = (fitted - Z) / np.abs(Z)
    scale = np.where(found != 0.0, np.abs(found), np.abs(start))
    deviations = scale * _relative_deviations(model, f, found, scale, residual)
    units = [unit for element in _elements(parts) for unit in ELEMENTS[element[0]]]
    parameters = tuple(
        Parameter(name, float(value), float(deviation), unit, power)
        for name, value, deviation, (unit, power) in zip(names, found, deviations, units, strict=True)
    )
    return CircuitFit(text, parameters, fitted, residual)


def _model(text: str, start: Reals) -> Any:
    try:
        from impedance.models.circuits import CustomCircuit
    except ImportError as error:
        expected = f"the package impedance.py, which is not installed: pip install 'catholyte[circuit]' ({error})"
        raise InputError("circuit", text, expected) from error
    return CustomCircuit(text, initial_guess=start.tolist())


def _predict(model: Any, f: Reals, values: Reals) -> Complexes:
    model.parameters_ = values
    return np.asarray(model.predict(f), dtype=np.complex128)


def _relative_deviations(model: Any, f: Reals, found: Reals, scale: Reals, residual: Complexes) -> Reals:
    """Return the standard deviations over ``scale``, infinite where a change of parameters leaves the fit as it is.

    Those of impedance.py leave such changes out of account, and call the parameters they belong to well determined.
    """
    size = np.abs(_predict(model, f, found))
    columns = []
    for k in range(found.size):
        step = np.zeros(found.size)
        step[k] = _STEP * scale[k]
        columns.append((_predict(model, f, found + step) - _predict(model, f, found - step)) / (2.0 * _STEP * size))
    J = np.stack(columns, axis=1)
    _, s, V = np.linalg.svd(np.concatenate([J.real, J.imag]), full_matrices=False)
    certain = s > _UNSEEN * s[0]
    variance = (np.abs(residual) ** 2).sum() / max(2 * f.size - found.size, 1)
    deviation: Reals = np.sqrt(variance * ((V[certain].T / s[certain]) ** 2).sum(axis=1))
    open_ = (np.abs(V[~certain]) > 1e-3).any(axis=0)
    return np.where(open_, np.inf, deviation)


# ------------------------------------------------------------------------------------------ the circuit as text

#: an element (name, number), or branches side by side, each a series of parts
Element = tuple[str, str]
Part = Element | list[list["Part"]]


def read_circuit(text: str) -> list[Part]:
    """Return the parts of a circuit in series.

    Raises
    ------
    InputError
        With the place of what is wrong, counted from 1.
    """
    seen: set[Element] = set()

    def fault(place: int, expected: str, suggestion: str | None = None) -> InputError:
        return InputError("circuit", text, f"{expected} at character {place + 1}", suggestion)

    def series(at: int, depth: int) -> tuple[list[Part], int]:
        parts: list[Part] = []
        while True:
            part, at = one(at, depth)
            parts.append(part)
            token = _TOKEN.match(text, at)
            if token is None or token["mark"] != "-":
                return parts, at
            at = token.end()

    def one(at: int, depth: int) -> tuple[Part, int]:
        token = _TOKEN.match(text, at)
        at += len(text[at:]) - len(text[at:].lstrip())
        if token is None or token["mark"]:
            word = re.match(r"[A-Za-z]*", text[at:])
            written = word[0] if word is not None else ""
            if written in ELEMENTS:
                raise fault(at, "an element with a number", f"{written}1")
            alike = nearest(written, ELEMENTS) if written else None
            raise fault(
                at, f"an element with a number, like R0 ({', '.join(ELEMENTS)}), or p( … , … )", alike and f"{alike}1"
            )
        if token["open"]:
            branches, at = parallel(token.end(), depth)
            return branches, at
        element = (token["element"], token["number"])
        if element[0] not in ELEMENTS:
            alike = nearest(element[0], ELEMENTS)
            raise fault(at, f"one of the elements {', '.join(ELEMENTS)}", alike and alike + element[1])
        if element in seen:
            free = next(k for k in range(100) if (element[0], str(k)) not in seen)
            raise fault(at, f"another number, since {''.join(element)} stands before,", f"{element[0]}{free}")
        seen.add(element)
        return element, token.end()

    def parallel(at: int, depth: int) -> tuple[list[list[Part]], int]:
        if depth > 20:
            raise fault(at, "at most 20 groups inside one another")
        branches = []
        while True:
            branch, at = series(at, depth + 1)
            branches.append(branch)
            token = _TOKEN.match(text, at)
            mark = token["mark"] if token is not None else None
            if token is None or mark not in (",", ")"):
                raise fault(at, "',' before another branch, or ')'")
            if mark == ")":
                if len(branches) == 1:
                    raise fault(token.start("mark"), "at least two branches in p( … , … ), parted by ','")
                return branches, token.end()
            at = token.end()

    parts, at = series(0, 0)
    if text[at:].strip():
        raise fault(at + len(text[at:]) - len(text[at:].lstrip()), "'-' before another part, or the end")
    return parts


def _written(parts: list[Part]) -> str:
    return "-".join(
        "".join(part) if isinstance(part, tuple) else f"p({','.join(map(_written, part))})" for part in parts
    )


def _elements(parts: list[Part]) -> Iterator[Element]:
    for part in parts:
        if isinstance(part, tuple):
            yield part
        else:
            for branch in part:
                yield from _elements(branch)


def parameter_names(parts: list[Part]) -> list[str]:
    """Return the names of all parameters of a circuit in their order."""
    names = []
    for kind, number in _elements(parts):
        several = len(ELEMENTS[kind]) > 1
        names += [f"{kind}{number}_{k}" if several else f"{kind}{number}" for k in range(len(ELEMENTS[kind]))]
    return names


# ------------------------------------------------------------------------------------------ where to begin


def _start(parts: list[Part], f: Reals, Z: Complexes) -> Reals:
    """Return a guess of all parameters: every part that relaxes gets a peak of the relaxation times, the fast first."""
    drt = relaxation_times(f, Z)
    relaxing = sum(map(_relaxes, parts))
    largest = sorted(drt.peaks, key=lambda peak: -peak.resistance)[:relaxing]
    arcs = [(peak.resistance, peak.tau) for peak in largest]
    size = float(np.median(np.abs(Z)))
    rest = max(drt.polarisation, 1e-3 * size) / max(relaxing, 1)
    spare = np.geomspace(1.0 / (2.0 * np.pi * f.max()), 1.0 / (2.0 * np.pi * f.min()), relaxing + 2)[1:-1]
    arcs += [(rest, float(tau)) for tau in spare[len(arcs) :]]
    arcs.sort(key=lambda arc: arc[1])
    turn = iter(arcs)
    slowest = 1.0 / (2.0 * np.pi * f.min())
    alone = {
        "R": [max(drt.resistance, 1e-3 * size)],
        "L": [max(drt.inductance, 1e-3 * size / (2.0 * np.pi * f.max()))],
        "C": [1.0 / max(drt.elastance, 1e-3 * size / slowest)],
        "CPE": [1.0 / max(drt.elastance, size / slowest), 0.8],
    }
    values: list[float] = []
    for part in parts:
        if isinstance(part, tuple) and part[0] in alone:
            values += alone[part[0]]
        else:
            R, tau = next(turn)
            for kind, _ in _elements([part]):
                values += _of_arc(kind, R, tau)
    return np.array(values)


def _relaxes(part: Part) -> bool:
    return not isinstance(part, tuple) or part[0] in _RELAXING


def _of_arc(kind: str, R: float, tau: float) -> list[float]:
    """Return parameters with which an element belongs to an arc of resistance R and time constant τ."""
    return {
        "R": [R],
        "C": [tau / R],
        "L": [R * tau],
        "CPE": [tau**0.9 / R, 0.9],
        "W": [R / np.sqrt(tau)],
        "Zarc": [R, tau, 0.9],
        "Gs": [R, tau, 1.0],
        "TLMQ": [R, tau / R, 0.9],
    }.get(kind, [R, tau])


def _limits(names: list[str], bounds: Mapping[str, tuple[float, float]]) -> tuple[Reals, Reals]:
    low, high = np.zeros(len(names)), np.full(len(names), np.inf)
    for k, name in enumerate(names):
        kind = re.match(r"[A-Za-z]+", name)
        assert kind is not None
        last = int(name.rpartition("_")[2]) if "_" in name else 0
        if kind[0] in ("CPE", "Zarc", "TLMQ") and last == len(ELEMENTS[kind[0]]) - 1:
            high[k] = 1.0
    for name, (least, most) in bounds.items():
        if name not in names:
            raise InputError("bounds", name, f"one of the parameters {', '.join(names)}", nearest(name, names))
        if not least < most:
            raise InputError(f"bounds.{name}", [least, most], "a lowest value below the highest")
        low[names.index(name)], high[names.index(name)] = least, most
    return low, high
