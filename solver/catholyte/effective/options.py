"""What is written behind the options of ``catholyte effective``, read into numbers.

Each reader names the option, the value, what was expected and, if there is one, the nearest valid choice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catholyte.errors import InputError, nearest
from catholyte.mesh.images import AXES
from catholyte.units import to_si

Spacing = tuple[float, float, float]
Walls = Literal["sealed", "periodic"]

#: what a conductivity written with this unit makes effective: its name in results -> (SI unit, dimension of units.py)
KINDS: Mapping[str, tuple[str, str | None]] = {
    "conductivity": ("S/m", "conductivity"),
    "diffusivity": ("m2/s", "diffusivity"),
    "relative": ("1", None),
}

_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")


@dataclass(frozen=True)
class Conductivity:
    """``LABEL=VALUE`` of ``--sigma``: the label or name as written, the value in SI, and a key of :data:`KINDS`."""

    text: str
    phase: str
    value: float
    kind: str


@dataclass(frozen=True)
class Resistance:
    """``A|B=VALUE`` of ``--resistance``: two labels or names as written, the area resistance in Ω m²."""

    text: str
    phases: tuple[str, str]
    value: float


@dataclass(frozen=True)
class ImageOptions:
    """How an image is read and what conducts in it, as written on the command line."""

    sigma: Sequence[str] = ()
    phase: Sequence[str] = ()
    resistance: Sequence[str] = ()
    voxel_size: str | None = None
    crop: str | None = None
    array: str | None = None
    shape: str | None = None
    dtype: str | None = None


def refuse_options(options: ImageOptions) -> None:
    """Refuse what is said of an image where a case is given, which says it itself."""
    for name, value in vars(options).items():
        if value:
            option = f"--{name.replace('_', '-')}"
            written = value if isinstance(value, str) else ", ".join(value)
            raise InputError(option, written, "no such option beside a case, which is changed by --set KEY=VALUE")


def check_folder(folder: Path) -> None:
    """Refuse a folder of ``--save`` that is there already, or that cannot be made."""
    if folder.exists():
        raise InputError("--save", str(folder), "a folder that does not exist yet")
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if not above.is_dir():
        raise InputError("--save", str(folder), f"a folder; {above} is a file")


def read_axes(text: str) -> tuple[int, ...]:
    """Return the axes of ``--axis``: one of z, y, x, or all of them."""
    choices = (*AXES, "all")
    if text not in choices:
        raise InputError("--axis", text, f"one of {', '.join(choices)}", nearest(text, choices))
    return (0, 1, 2) if text == "all" else (AXES.index(text),)


def read_walls(text: str) -> Walls:
    """Return what ``--walls`` says of the side walls."""
    if text == "sealed":
        return "sealed"
    if text == "periodic":
        return "periodic"
    raise InputError("--walls", text, "'sealed' or 'periodic'", nearest(text, ("sealed", "periodic")))


def read_tolerance(value: float) -> float:
    """Return the mismatch of the currents through the two plates that ``--tolerance`` allows."""
    if not 1e-12 <= value <= 0.1:
        raise InputError("--tolerance", value, "a relative mismatch of the two currents from 1e-12 to 0.1, like 1e-4")
    return value


def read_voxel_size(text: str) -> Spacing:
    """Return the edges (z, y, x) in m of ``0.4 um`` or ``0.5, 0.4, 0.4 um``; the last unit holds for those without."""
    parts = text.split(",")
    if len(parts) not in (1, 3):
        raise InputError("--voxel-size", text, "one length, like '0.4 um', or three (z, y, x), like '0.5, 0.4, 0.4 um'")
    unit = _NUMBER.sub("", parts[-1], count=1)
    edges = [
        to_si(f"{part} {unit}" if _NUMBER.fullmatch(part) and unit else part.strip(), "length", key="--voxel-size")
        for part in parts
    ]
    if min(edges) <= 0.0:
        raise InputError("--voxel-size", text, "lengths greater than zero, like '0.4 um'")
    return (edges[0], edges[0], edges[0]) if len(edges) == 1 else (edges[0], edges[1], edges[2])


def read_shape(text: str) -> tuple[int, ...]:
    """Return the shape of ``251,301,301``."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError("--shape", text, "whole numbers z,y,x, like 251,301,301") from error


def read_crop(text: str, shape: Sequence[int]) -> tuple[slice, slice, slice]:
    """Return the ranges of ``0:64,0:64,:`` (z, y, x, end excluded; what is left out means the whole axis)."""
    parts = text.split(",")
    found = [re.fullmatch(r"\s*([0-9]*)\s*:\s*([0-9]*)\s*", part) for part in parts]
    if len(parts) != 3 or not all(found):
        raise InputError("--crop", text, "three ranges z0:z1,y0:y1,x0:x1, like 0:64,0:64,:")
    ranges = []
    for name, match, length in zip(AXES, found, shape, strict=True):
        assert match is not None
        start, stop = int(match[1] or 0), int(match[2] or length)
        if not 0 <= start < stop <= length:
            expected = f"0 <= {name}0 < {name}1 <= {length}, the image's size along {name}"
            raise InputError("--crop", match[0].strip(), expected)
        ranges.append(slice(start, stop))
    return ranges[0], ranges[1], ranges[2]


def read_conductivities(sigma: Sequence[str], phase: Sequence[str]) -> tuple[Conductivity, ...]:
    """Read ``--sigma`` and ``--phase``, all of one kind: S/m, m²/s, or plain numbers.

    Raises
    ------
    InputError
        If both or none are given, a value is no such quantity or negative, kinds are mixed, or nothing conducts.
    """
    if sigma and phase:
        raise InputError("--phase", ", ".join(phase), "either --phase or --sigma, not both")
    if not sigma and not phase:
        raise InputError("--sigma", None, "what conducts: --phase LABEL, or --sigma LABEL=VALUE of each")
    if phase:
        return tuple(Conductivity(text, text, 1.0, "relative") for text in phase)
    read = [_conductivity(text) for text in sigma]
    # a zero is a zero in any unit
    kinds = {entry.kind: entry for entry in reversed(read) if entry.kind != "relative" or entry.value != 0.0}
    if len(kinds) > 1:
        first, second = sorted(kinds.values(), key=read.index)[:2]
        units = {"relative": "a plain number"}
        raise InputError(
            "--sigma",
            second.text,
            f"values of one kind: {first.text!r} is {units.get(first.kind, f'a {first.kind}')}, "
            f"this is {units.get(second.kind, f'a {second.kind}')}",
        )
    if all(entry.value == 0.0 for entry in read):
        raise InputError("--sigma", ", ".join(sigma), "at least one value above zero")
    kind = next(iter(kinds))
    return tuple(Conductivity(entry.text, entry.phase, entry.value, kind) for entry in read)


def _conductivity(text: str) -> Conductivity:
    phase, equals, value = (part.strip() for part in text.rpartition("="))
    if not equals or not phase or not value:
        raise InputError("--sigma", text, "LABEL=VALUE, like '2=0.18 mS/cm', '2=3.8e-12 cm2/s' or 2=1")
    number, kind = _value(text, value)
    if number < 0.0:
        raise InputError("--sigma", text, "a value that is not negative")
    return Conductivity(text, phase, number, kind)


def _value(text: str, value: str) -> tuple[float, str]:
    if _NUMBER.fullmatch(value):
        return to_si(value, "fraction", key="--sigma"), "relative"
    for kind, (_, dimension) in KINDS.items():
        if dimension is not None:
            try:
                return to_si(value, dimension, key="--sigma"), kind
            except InputError:
                continue
    number = _NUMBER.match(value)
    written, units = ("" if number is None else value[number.end() :]), ("S/m", "mS/cm", "S/cm", "m2/s", "cm2/s")
    unit = next((unit for unit in units if written and unit.startswith(written)), None) or nearest(written, units)
    raise InputError(
        "--sigma",
        text,
        "a conductivity like '0.18 mS/cm', a diffusivity like '3.8e-12 cm2/s', or a plain number for relative values",
        f"{text.rpartition('=')[0]}={number[0].strip()} {unit}" if number is not None and unit is not None else None,
    )


def read_resistances(texts: Sequence[str]) -> tuple[Resistance, ...]:
    """Read ``--resistance A|B=VALUE``."""
    read = []
    for text in texts:
        pair, equals, value = (part.strip() for part in text.rpartition("="))
        phases = tuple(part.strip() for part in pair.split("|"))
        if not equals or len(phases) != 2 or not all(phases):
            raise InputError("--resistance", text, "A|B=VALUE with two labels, like '1|2=10 ohm cm2'")
        resistance = to_si(value, "area resistance", key="--resistance")
        if resistance < 0.0:
            raise InputError("--resistance", text, "an area resistance that is not negative, like '1|2=10 ohm cm2'")
        read.append(Resistance(text, (phases[0], phases[1]), resistance))
    return tuple(read)
