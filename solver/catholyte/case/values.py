"""Kinds of values in a case file: how each is read, and how an editor is told what to write.

A reader takes what TOML gave and returns the value in SI, or refuses it in the field's words; pydantic adds
the key and collects the refusals of the whole case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from catholyte.errors import InputError, nearest
from catholyte.units import DIMENSIONS, to_si

#: the type of pydantic errors whose context holds "expected" and "suggestion"
REFUSED = "refused"


def refuse(expected: str, suggestion: str | None = None) -> NoReturn:
    """Refuse the value that is being read; ``expected`` completes "expected …"."""
    raise PydanticCustomError(REFUSED, "{expected}", {"expected": expected, "suggestion": suggestion})


@dataclass(frozen=True, eq=False)  # typing hashes annotations
class Read:
    """Annotation of a field: the function that reads it and its JSON Schema."""

    read: Callable[[Any], Any]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: object) -> dict[str, Any]:
        return dict(self.schema)


class OneOf:
    """Annotation of a ``Literal`` field: an unknown choice is refused with the nearest one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = get_args(source)

        def check(value: object) -> object:
            if not isinstance(value, str) or value not in choices:
                refuse(
                    "one of " + ", ".join(repr(choice) for choice in choices),
                    nearest(value, choices) if isinstance(value, str) else None,
                )
            return value

        return core_schema.no_info_before_validator_function(check, handler(source))


def quantity(dimension: str, *, sign: Literal["any", "positive", "not negative"] = "positive") -> Read:
    """Return the annotation of a quantity: text with a unit, read as an SI float."""
    unit, example = DIMENSIONS[dimension]
    article, like = ("an" if dimension[0] in "aeiou" else "a"), (f", like {example!r}" if unit else "")

    def read(value: object) -> float:
        try:
            number = to_si(value, dimension, key="")
        except InputError as error:
            refuse(error.expected, error.suggestion)
        if sign == "positive" and not number > 0.0:
            refuse(f"{article} {dimension} greater than zero{like}")
        if sign == "not negative" and number < 0.0:
            refuse(f"{article} {dimension} that is not negative{like}")
        return number

    if unit:
        return Read(read, {"type": "string"})
    return Read(read, {"type": ["number", "string"]})


def _proper_fraction(value: object) -> float:
    number = to_fraction(value)
    if not 0.0 < number < 1.0:
        refuse("a fraction above 0 and below 1, like 0.3 or '30 %'")
    return number


def _from_0_to_1(expected: str, *, zero: bool = True) -> Callable[[object], float]:
    def read(value: object) -> float:
        number = to_fraction(value)
        if not 0.0 <= number <= 1.0 or (number == 0.0 and not zero):
            refuse(expected)
        return number

    return read


def _names_of(what: str) -> Callable[[object], tuple[str, ...]]:
    def read(value: object) -> tuple[str, ...]:
        names: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
        if not names or not all(isinstance(name, str) and name.strip() for name in names):
            refuse(what)
        if len(set(names)) < len(names):
            refuse("names that differ from one another")
        return tuple(names)

    return read


#: the least exponent of a constant-phase element: below it an arc spans more decades than any run
LEAST_EXPONENT = 0.2


def _exponent(value: object) -> float:
    number = to_fraction(value)
    if not LEAST_EXPONENT <= number <= 1.0:
        refuse(f"an exponent from {LEAST_EXPONENT} to 1, like 0.9")
    return number


def _permittivity(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1.0 <= value < 1e9:
        refuse("a relative permittivity, a number of at least 1, like 30")
    return float(value)


def _bruggeman(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1.0 <= value <= 10.0:
        refuse("an exponent from 1 to 10, like 1.5")
    return float(value)


def _angle(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value <= 180.0:
        refuse("an angle in degrees, a number above 0 and at most 180, like 20")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        refuse("a text that is not empty")
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        refuse("true or false")
    return value


def is_whole(value: object, at_least: int, at_most: int) -> bool:
    """Whether ``value`` is an integer (and no boolean) between the two limits."""
    return isinstance(value, int) and not isinstance(value, bool) and at_least <= value <= at_most


def whole(at_least: int, at_most: int = 2**31 - 1) -> Read:
    """Return the annotation of a whole number between two limits."""
    limits = f"of at least {at_least}" if at_most == 2**31 - 1 else f"from {at_least} to {at_most}"

    def read(value: Any) -> int:
        if not is_whole(value, at_least, at_most):
            refuse(f"a whole number {limits}")
        return int(value)

    return Read(read, {"type": "integer", "minimum": at_least, "maximum": at_most})


_MOST_VOXELS = 100_000  # along one axis; a slip of the keyboard, not a limit of the solver


def _voxels(number: int, names: str) -> Read:
    def read(value: Any) -> tuple[int, ...]:
        if (
            not isinstance(value, list | tuple)
            or len(value) != number
            or not all(is_whole(v, 1, _MOST_VOXELS) for v in value)
        ):
            refuse(f"{number} whole numbers of voxels {names}, each from 1 to {_MOST_VOXELS}")
        return tuple(value)

    item = {"type": "integer", "minimum": 1, "maximum": _MOST_VOXELS}
    return Read(read, {"type": "array", "items": item, "minItems": number, "maxItems": number})


def _voxel_size(value: object) -> tuple[float, float, float]:
    sizes = list(value) if isinstance(value, list | tuple) else [value] * 3
    if len(sizes) != 3:
        refuse("one length, like '0.4 um', or three of them (z, y, x)")
    z, y, x = (_length(size) for size in sizes)
    return z, y, x


_AXES: Mapping[object, int] = {0: 0, 1: 1, 2: 2, "z": 0, "y": 1, "x": 2}


def _axis(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or value not in _AXES:
        refuse("0, 1, 2 or 'z', 'y', 'x': the axis of the image that is through-plane")
    return _AXES[value]


def _crop(value: object) -> tuple[tuple[int, int], ...]:
    expected = "three ranges [[z0, z1], [y0, y1], [x0, x1]] of voxels with 0 <= start < end, end excluded"
    if not isinstance(value, list | tuple) or len(value) != 3:
        refuse(expected)
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            refuse(expected)
        start, stop = pair
        if not is_whole(start, 0, _MOST_VOXELS) or not is_whole(stop, 0, _MOST_VOXELS) or start >= stop:
            refuse(expected)
    return tuple((start, stop) for start, stop in value)


def _label(value: object) -> tuple[int, ...]:
    labels: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
    if not labels or not all(is_whole(label, 0, 2**31 - 1) for label in labels):
        refuse("a label of the image, like 1, or several, like [1, 2]")
    if len(set(labels)) < len(labels):
        refuse("labels that differ from one another")
    return tuple(labels)


def _stack(value: object) -> tuple[tuple[str, float], ...]:
    expected = "layers from the counter electrode to the collector, like [['electrolyte', '20 um'], …]"
    if not isinstance(value, list | tuple) or not value:
        refuse(expected)
    layers = []
    for layer in value:
        if not isinstance(layer, list | tuple) or len(layer) != 2 or not isinstance(layer[0], str):
            refuse(expected)
        layers.append((layer[0], _length(layer[1])))
    return tuple(layers)


def _steps(value: object) -> tuple[Any, ...]:
    """Read a list of texts, lists and tables; what they say is read by :mod:`catholyte.experiment`."""
    expected = (
        "a list of steps, like ['Discharge at C/10 until 2.5 V'], where a nested list is one cycle "
        "and a table with the keys steps, repeat, until and name is a group"
    )
    if not isinstance(value, list | tuple) or not value:
        refuse(expected)
    steps: list[Any] = []
    for entry in value:
        if isinstance(entry, list | tuple):
            steps.append(_steps(entry))
        elif isinstance(entry, dict) or (isinstance(entry, str) and entry.strip()):
            steps.append(entry)
        else:
            refuse(expected)
    return tuple(steps)


def _continued(value: object) -> tuple[tuple[Any, ...], ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(steps, list | tuple) for steps in value):
        refuse("a list of lists of steps, like [['Rest for 1 hour'], ['EIS at 1 kHz']]")
    return tuple(_steps(steps) for steps in value)


@dataclass(frozen=True)
class FieldSchedule:
    """When the fields are written.

    Attributes
    ----------
    every
        "capacity" (``interval`` is a fraction of the nominal capacity), "time" (s), "step" (at the end of
        every step of the experiment) or "none"; ``interval`` is 0 for the last two.
    """

    every: Literal["capacity", "time", "step", "none"]
    interval: float = 0.0


_SCHEDULES = ("every 5 % of capacity", "every step", "every 10 minutes", "none")
_OF_CAPACITY = re.compile(r"every\s+(?P<share>\S+(?:\s*%)?)\s+of\s+(?:the\s+)?capacity", re.IGNORECASE)


def _schedule(value: object) -> FieldSchedule:
    expected = "one of " + ", ".join(repr(schedule) for schedule in _SCHEDULES)
    if not isinstance(value, str):
        refuse(expected)
    words = " ".join(value.lower().split())
    if words == "none":
        return FieldSchedule("none")
    if words == "every step":
        return FieldSchedule("step")
    try:
        if found := _OF_CAPACITY.fullmatch(value.strip()):
            schedule = FieldSchedule("capacity", to_si(found["share"], "fraction", key=""))
            usable = 0.0 < schedule.interval <= 1.0
        else:
            schedule = FieldSchedule("time", to_si(words.removeprefix("every "), "time", key=""))
            usable = words.startswith("every ") and schedule.interval > 0.0
    except InputError:
        usable = False
    if not usable:
        refuse(expected, nearest(words, _SCHEDULES))
    return schedule


to_fraction = quantity("fraction", sign="any").read
_length = quantity("length").read
_LENGTH_SCHEMA = quantity("length").schema

# All in SI. Positive unless said otherwise.
Length = Annotated[float, quantity("length")]
Area = Annotated[float, quantity("area")]
Time = Annotated[float, quantity("time")]
Temperature = Annotated[float, quantity("temperature")]
Conductivity = Annotated[float, quantity("conductivity", sign="not negative")]
Diffusivity = Annotated[float, quantity("diffusivity")]
NoOrSomeDiffusivity = Annotated[float, quantity("diffusivity", sign="not negative")]
Density = Annotated[float, quantity("density")]
ArealMass = Annotated[float, quantity("areal mass")]
MolarMass = Annotated[float, quantity("molar mass")]
Concentration = Annotated[float, quantity("concentration")]
Potential = Annotated[float, quantity("potential", sign="any")]
NoOrSomePotential = Annotated[float, quantity("potential", sign="not negative")]
Tolerance = Annotated[float, quantity("potential")]
CurrentDensity = Annotated[float, quantity("current density")]
AreaResistance = Annotated[float, quantity("area resistance", sign="not negative")]
PositiveAreaResistance = Annotated[float, quantity("area resistance")]
ArealCapacitance = Annotated[float, quantity("areal capacitance")]
Inductance = Annotated[float, quantity("inductance")]
Exponent = Annotated[float, Read(_exponent, quantity("fraction").schema)]
SpecificCapacity = Annotated[float, quantity("specific capacity")]
MolarEnergy = Annotated[float, quantity("molar energy", sign="not negative")]
PositiveMolarEnergy = Annotated[float, quantity("molar energy")]
Frequency = Annotated[float, quantity("frequency")]
AngleInDegrees = Annotated[float, Read(_angle, {"type": "number", "exclusiveMinimum": 0.0, "maximum": 180.0})]
BruggemanExponent = Annotated[float, Read(_bruggeman, {"type": "number", "minimum": 1.0, "maximum": 10.0})]
RelativePermittivity = Annotated[float, Read(_permittivity, {"type": "number", "minimum": 1.0})]
Share = Annotated[float, quantity("fraction", sign="not negative")]
Fraction = Annotated[float, quantity("fraction")]
Spread = Annotated[float, quantity("fraction", sign="not negative")]
ProperFraction = Annotated[float, Read(_proper_fraction, quantity("fraction").schema)]
VolumeShare = Annotated[
    float, Read(_from_0_to_1("a share of the volume from 0 to 1, like 0.1 or '10 %'"), quantity("fraction").schema)
]
SiteFraction = Annotated[
    float,
    Read(_from_0_to_1("a fraction of the sites from 0 to 1, like 0.28 or '28 %'"), quantity("fraction").schema),
]
PartOfMass = Annotated[
    float,
    Read(
        _from_0_to_1("a share of the mass above 0 and at most 1, like 0.48 or '48 %'", zero=False),
        quantity("fraction").schema,
    ),
]

Text = Annotated[str, Read(_text, {"type": "string", "minLength": 1})]
_NAMES_SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
    ]
}
Names = Annotated[
    tuple[str, ...],
    Read(_names_of("the name of a phase, like 'catholyte', or several, like ['catholyte', 'iodine']"), _NAMES_SCHEMA),
]
Regions = Annotated[
    tuple[str, ...],
    Read(_names_of("the name of a region of the mesh, like 'core', or several, like ['core', 'shell']"), _NAMES_SCHEMA),
]
Switch = Annotated[bool, Read(_switch, {"type": "boolean"})]
Voxels = Annotated[tuple[int, int, int], _voxels(3, "[z, y, x]")]
CrossSection = Annotated[tuple[int, int], _voxels(2, "[y, x]")]
VoxelSize = Annotated[
    tuple[float, float, float],
    Read(
        _voxel_size,
        {"anyOf": [_LENGTH_SCHEMA, {"type": "array", "items": _LENGTH_SCHEMA, "minItems": 3, "maxItems": 3}]},
    ),
]
Axis = Annotated[int, Read(_axis, {"enum": list(_AXES)})]
Crop = Annotated[
    tuple[tuple[int, int], tuple[int, int], tuple[int, int]],
    Read(
        _crop,
        {
            "type": "array",
            "items": {
                "type": "array",
                "items": {"type": "integer", "minimum": 0},
                "minItems": 2,
                "maxItems": 2,
            },
            "minItems": 3,
            "maxItems": 3,
        },
    ),
]
Labels = Annotated[
    tuple[int, ...],
    Read(
        _label,
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
            ]
        },
    ),
]
Stack = Annotated[
    tuple[tuple[str, float], ...],
    Read(
        _stack,
        {
            "type": "array",
            "items": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
            "minItems": 1,
        },
    ),
]
_TEXT_SCHEMA: Mapping[str, Any] = {"type": "string", "minLength": 1}
_GROUP_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "steps": {"type": "array", "minItems": 1, "description": "texts, lists and tables as in experiment.steps"},
        "repeat": {
            "anyOf": [{"type": "integer", "minimum": 1}, {"enum": ["until met"]}],
            "description": "how many times, or until the rule is met",
        },
        "until": {**_TEXT_SCHEMA, "description": "a rule that ends the group", "examples": ["voltage < 2.5 V"]},
        "name": {**_TEXT_SCHEMA, "description": "a label for 'Go to'"},
    },
    "required": ["steps"],
    "additionalProperties": False,
}
_CYCLE_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "items": {"anyOf": [_TEXT_SCHEMA, _GROUP_SCHEMA]},
    "minItems": 1,
}
_STEPS_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "items": {"anyOf": [_TEXT_SCHEMA, _CYCLE_SCHEMA, _GROUP_SCHEMA]},
    "minItems": 1,
}
Steps = Annotated[tuple[Any, ...], Read(_steps, _STEPS_SCHEMA)]
Continued = Annotated[tuple[tuple[Any, ...], ...], Read(_continued, {"type": "array", "items": _STEPS_SCHEMA})]
Schedule = Annotated[FieldSchedule, Read(_schedule, {"type": "string", "examples": list(_SCHEDULES)})]
