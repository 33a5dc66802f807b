"""Tables of equilibrium potentials in a case, kept as written: each law reads its own keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from catholyte.case.values import Read, refuse


def _raw_table(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        refuse("a table, like { law = 'table', file = 'potential.csv' }")
    return dict(value)


_KEYS_OF_POTENTIALS: Mapping[str, Any] = {
    "law": {
        "enum": ["table", "formula", "constant", "linear", "ideal-solution"],
        "description": "the law, which says what the other keys are",
    },
    "file": {"type": "string", "description": "table: a file of two columns under the heading 'x,U / V'"},
    "x": {"type": "array", "items": {"type": "number"}, "description": "table: site fractions"},
    "U": {"type": "array", "items": {"type": "number"}, "description": "table: potentials"},
    "unit": {"type": "string", "description": "table: the unit of U", "examples": ["V"]},
    "formula": {"type": "string", "description": "formula: its name in the library"},
    "U0": {"type": "string", "description": "constant, ideal-solution: the potential", "examples": ["3.4 V"]},
    "U_at_0": {"type": "string", "description": "linear: the potential at x = 0", "examples": ["4.2 V"]},
    "U_at_1": {"type": "string", "description": "linear: the potential at x = 1", "examples": ["3.2 V"]},
    "x_lo": {"type": "number", "description": "constant, linear: holds above this x"},
    "x_hi": {"type": "number", "description": "constant, linear: holds below this x"},
    "margules": {
        "type": ["string", "array"],
        "items": {"type": "string"},
        "description": "ideal-solution: the coefficients of the excess energy",
    },
}

#: kept as written: each law reads its own keys (:mod:`catholyte.materials`)
PotentialTable = Annotated[
    Mapping[str, Any],
    Read(
        _raw_table,
        {
            "type": "object",
            "properties": _KEYS_OF_POTENTIALS,
            "required": ["law"],
            "additionalProperties": False,
        },
    ),
]

#: the same over the fraction of one species
ReactionPotential = Annotated[
    Mapping[str, Any],
    Read(
        _raw_table,
        {
            "type": "object",
            "properties": _KEYS_OF_POTENTIALS
            | {"species": {"type": "string", "description": "the species whose fraction x is", "examples": ["I-"]}},
            "required": ["law", "species"],
            "additionalProperties": False,
        },
    ),
]
