"""Values that the literature reports beside those that are computed with.

An ionic conductivity and a diffusivity of one host say the same thing twice. Where a source prints both and they
disagree, one is the property and the other stands here, for comparison only::

    [[reported]]
    quantity = "D"
    value = ["1e-13 cm2/s", "1e-11 cm2/s"]          # one value, or the ends of a range
    source = "doi:…"
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from catholyte.errors import InputError, nearest
from catholyte.materials.properties import Origin, known, marked
from catholyte.units import to_si

#: quantity -> its dimension in :data:`catholyte.units.DIMENSIONS`
QUANTITIES: Mapping[str, str] = MappingProxyType(
    {"sigma_e": "conductivity", "sigma_i": "conductivity", "D": "diffusivity"}
)


@dataclass(frozen=True)
class Reported:
    """A value or a range of the literature.

    Attributes
    ----------
    quantity
        ``"sigma_e"``, ``"sigma_i"`` or ``"D"``.
    low, high
        Ends of the range in SI; the same number where one value is reported.
    text
        The value as it was written.
    origin
        Where it comes from.
    """

    quantity: str
    low: float
    high: float
    text: str
    origin: Origin

    @property
    def middle(self) -> float:
        """Geometric middle of the range, SI."""
        return math.sqrt(self.low * self.high)


def read_reported(entries: object, key: str) -> tuple[Reported, ...]:
    """Read the list ``[[reported]]`` of a material file.

    Raises
    ------
    InputError
        Unknown quantity or key, missing mark of origin, a value that is not above zero, a range that does not rise.
    """
    if not isinstance(entries, list):
        raise InputError(key, entries, "a list of tables, [[reported]]")
    return tuple(_reported(entry, f"{key}[{k}]") for k, entry in enumerate(entries))


def _reported(entry: object, key: str) -> Reported:
    section, origin = marked(entry, key)
    for word in section:
        known(word, ("quantity", "value"), key)
    quantity = section.get("quantity")
    if not isinstance(quantity, str) or quantity not in QUANTITIES:
        alike = nearest(quantity, QUANTITIES) if isinstance(quantity, str) else None
        raise InputError(f"{key}.quantity", quantity, "one of " + ", ".join(QUANTITIES), alike)
    given = section.get("value")
    ends = given if isinstance(given, list) and len(given) == 2 else [given, given]
    low, high = (to_si(end, QUANTITIES[quantity], key=f"{key}.value") for end in ends)
    if low <= 0.0 or high < low:
        raise InputError(f"{key}.value", given, "a value above zero, or a range that rises")
    text = " to ".join(given) if isinstance(given, list) else str(given)
    return Reported(quantity, low, high, text, origin)
