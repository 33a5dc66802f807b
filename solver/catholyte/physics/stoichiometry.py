"""Equations of charge-transfer reactions: read from text, checked for elements, charge and sites.

::

    equation = terms arrow terms
    arrow    = "<=>" (both directions) | "=>" (from left to right only)
    terms    = term { "+" term }
    term     = [number] species ["(" phase ")"]          2 I-, 1/2 Cl2, Cl-(electrolyte)

A ``+`` in front of a term adds it, any other belongs to the name before it: ``In2+ <=> In3+ + e-``. ``e-`` and ``Li+``
are the carriers of charge. An equation is written as an oxidation, with the electrons on the right; ``=>`` with
electrons on the left is an irreversible reduction. Li⁺ need not be written: the electrolyte gives or takes one for
every electron, which leaves both phases neutral.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from catholyte.errors import InputError, nearest
from catholyte.physics.species import Compound, Formula, plain

ELECTRON = "e-"
LITHIUM = "Li+"


@dataclass(frozen=True)
class Equation:
    """A reaction, counted as an oxidation whichever way it was written.

    Attributes
    ----------
    terms
        (ν, species, tag): ν is positive for what the oxidation makes, the tag is the phase in parentheses or None.
    electrons
        Number that the oxidation releases.
    direction
        ``"both"``, or the only one it runs in.
    lithium
        Number of Li⁺ that the oxidation releases, where they are written; else zero.
    text
        As it was written.
    """

    terms: tuple[tuple[float, str, str | None], ...]
    electrons: float
    direction: Literal["both", "oxidation", "reduction"] = "both"
    lithium: float = 0.0
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text

    @property
    def tags(self) -> tuple[str, ...]:
        """Phases that the equation names."""
        return tuple(dict.fromkeys(tag for _, _, tag in self.terms if tag is not None))


@dataclass(frozen=True)
class Side:
    """What a phase has to offer to reactions.

    Attributes
    ----------
    names
        What a tag may call the phase.
    species
        Species -> its atoms and charge.
    full
        Lattices whose sites are all taken -> their species.
    """

    names: tuple[str, ...]
    species: Mapping[str, Compound]
    full: Mapping[str, Sequence[str]]


# ---------------------------------------------------------------------------------------------------- equations

# Of "->" and "-=>" the arrow takes no more than it must: the minus before it may be a charge.
_ARROW = re.compile(r"<=+>|<-+>|=+>|->|<=+|<-+|=+")
_TERM = re.compile(
    r"\s*(?P<number>[0-9]{1,6}\s*/\s*[0-9]{1,6}|[0-9]{1,6}\.?[0-9]{0,6}|\.[0-9]{1,6})?\s*"
    r"(?P<species>[A-Za-z][A-Za-z0-9_.]*(?:-|\+(?!\s*[A-Za-z0-9.]))?)"
    r"\s*(?:\(\s*(?P<tag>[^()]*?)\s*\))?\s*"
)
_EXPECTED = "a reaction, like 'I- <=> I0 + e-' or 'I0 + Cl-(electrolyte) <=> ICl + e-'"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*[-+]?")

_Term = tuple[Fraction, str, str | None]


def read_name(text: str, *, key: str) -> str:
    """Return the name of a species as equations write it.

    Raises
    ------
    InputError
        If no equation could name it, or it is a carrier.
    """
    name = plain(text)
    if name in (ELECTRON, LITHIUM):
        raise InputError(key, text, f"a species that is stored; {name} is a carrier and belongs to no lattice")
    if _NAME.fullmatch(name) is None:
        raise InputError(key, text, "a name of letters and digits, with a sign if charged, like 'I-', 'I0', 'ICl'")
    return name


def parse_equation(text: object, *, key: str) -> Equation:
    """Read the text of a reaction.

    Raises
    ------
    InputError
        If the text is no equation, moves no electrons, is written as a reduction, or its Li⁺ do not go with the
        electrons.
    """
    if not isinstance(text, str):
        raise InputError(key, text, _EXPECTED)
    left, arrow, right = _sides(plain(text), text, key)
    electrons = _carriers(left, right, ELECTRON, text, key)
    lithium = _carriers(left, right, LITHIUM, text, key)
    if electrons == 0:
        raise InputError(key, text, f"{_EXPECTED}: a reaction that moves electrons, written 'e-'")
    if electrons < 0 and arrow == "<=>":
        sides = plain(text).split("<=>")
        suggestion = f"{sides[1].strip()} <=> {sides[0].strip()}"
        raise InputError(key, text, "the electrons on the right (an oxidation)", suggestion)
    if lithium not in (0, electrons):
        expected = (
            "as many Li+ as electrons and on the same side, or no Li+ at all; it has "
            f"{_amount(electrons, ELECTRON)} and {_amount(lithium, LITHIUM)}"
        )
        raise InputError(key, text, expected)
    sense = 1 if electrons > 0 else -1
    net: dict[tuple[str, str | None], Fraction] = {}
    for sign, terms in ((-sense, left), (sense, right)):
        for number, species, tag in terms:
            if species not in (ELECTRON, LITHIUM):
                net[species, tag] = net.get((species, tag), Fraction(0)) + sign * number
    for (species, _), number in net.items():
        if number == 0:
            raise InputError(key, text, f"species that react; as much {species} is on the left as on the right")
    if not net:
        raise InputError(key, text, f"{_EXPECTED}: a species besides e- and Li+")
    direction: Literal["both", "oxidation", "reduction"] = "both"
    if arrow == "=>":
        direction = "oxidation" if sense > 0 else "reduction"
    reacting = tuple((float(number), species, tag) for (species, tag), number in net.items())
    return Equation(reacting, float(abs(electrons)), direction, float(abs(lithium)), text.strip())


def _sides(equation: str, text: str, key: str) -> tuple[list[_Term], str, list[_Term]]:
    """Split an equation at its arrow."""
    arrows = list(_ARROW.finditer(equation))
    if len(arrows) != 1:
        found = "no arrow is there" if not arrows else f"{len(arrows)} arrows are there"
        raise InputError(key, text, f"{_EXPECTED}, with one arrow, <=> or =>; {found}")
    arrow = arrows[0]
    before, after = equation[: arrow.start()], equation[arrow.end() :]
    if arrow[0] not in ("<=>", "=>"):
        if arrow[0].startswith("<") and not arrow[0].endswith(">"):
            before, after, meant = after, before, "=>"
        else:
            meant = "<=>" if arrow[0].startswith("<") or ">" not in arrow[0] else "=>"
        suggestion = f"{before.strip()} {meant} {after.strip()}"
        raise InputError(key, text, "the arrow <=> (both directions) or => (left to right only)", suggestion)
    return _terms(before, "left", text, key), arrow[0], _terms(after, "right", text, key)


def _terms(side: str, place: str, text: str, key: str) -> list[_Term]:
    """Read one side of an equation."""
    terms: list[_Term] = []
    position = 0
    while True:
        found = _TERM.match(side, position)
        if found is None:
            rest = side[position:].strip()
            what = f"{rest!r} cannot be read" if rest else "a term is missing"
            raise InputError(key, text, f"{_EXPECTED}; on the {place} {what}")
        over, _, under = (found["number"] or "1").partition("/")
        if not float(over) or (under and not float(under)):
            raise InputError(key, text, f"numbers above zero; on the {place} stands {found[0].strip()!r}")
        number = Fraction(over.strip()) / Fraction(under.strip() or 1)
        if found["tag"] is not None:
            if not found["tag"]:
                raise InputError(key, text, f"the name of a phase in the parentheses behind {found['species']}")
            if found["species"] in (ELECTRON, LITHIUM):
                expected = f"{found['species']} without a phase: it is a carrier, electrons and Li+ have a phase each"
                raise InputError(key, text, expected, text.replace(f"({found['tag']})", "", 1))
        terms.append((number, found["species"], found["tag"]))
        position = found.end()
        if position == len(side):
            return terms
        if side[position] != "+":
            raise InputError(key, text, f"{_EXPECTED}; on the {place} {side[position:].strip()!r} cannot be read")
        position += 1


def _carriers(left: Iterable[_Term], right: Iterable[_Term], name: str, text: str, key: str) -> Fraction:
    """Count a carrier: positive on the right, negative on the left."""
    amounts = [sum((n for n, species, _ in side if species == name), Fraction(0)) for side in (left, right)]
    if all(amounts):
        raise InputError(key, text, f"{name} on one side only")
    return amounts[1] - amounts[0]


def _amount(number: Fraction, name: str) -> str:
    return f"{float(abs(number)):g} {name} on the {'right' if number > 0 else 'left'}"


# ------------------------------------------------------------------------------------------------------ balance


def resolve(equation: Equation, sides: Sequence[Side], *, own: int, key: str) -> dict[tuple[int, str], float]:
    """Return ν of (side, species), with every species found.

    Parameters
    ----------
    equation
        The reaction.
    sides
        The phases that meet.
    own
        Side of the species without a tag.
    key
        Where the equation stands; used in errors.

    Raises
    ------
    InputError
        A tag that names none of the phases, a species that its phase does not have, or one that does not change.
    """
    net: dict[tuple[int, str], float] = {}
    for number, species, tag in equation.terms:
        place = own if tag is None else _tagged(tag, sides, equation, key)
        if species not in sides[place].species:
            phase = sides[place].names[0] if sides[place].names else "the phase"
            there = ", ".join(sides[place].species) or "none"
            elsewhere = next((side for side in sides if species in side.species and side.names), None)
            suggestion = nearest(species, sides[place].species)
            if elsewhere is not None and tag is None:
                suggestion = f"{species}({elsewhere.names[0]})"
            raise InputError(key, str(equation), f"species that exist; {phase} has {there}, no {species}", suggestion)
        net[place, species] = net.get((place, species), 0.0) + number
    for (_, species), number in net.items():
        if abs(number) < 1e-12:
            raise InputError(
                key, str(equation), f"species that react; as much {species} is on the left as on the right"
            )
    return net


def check(equation: Equation, sides: Sequence[Side], *, own: int, key: str) -> dict[tuple[int, str], float]:
    """Check that a reaction balances and return ν of (side, species); parameters as of :func:`resolve`.

    Raises
    ------
    InputError
        What :func:`resolve` raises; elements, charge, or the sites of a full lattice that differ on the two sides of
        the arrow. The error shows both counts and the side that lacks something.
    """
    net = resolve(equation, sides, own=own, key=key)
    amounts = [(number, sides[place].species[name]) for (place, name), number in net.items()]
    check_balance(equation, amounts, key=key)
    for place, side in enumerate(sides):
        for lattice, members in side.full.items():
            present = [(number, 1.0) for (at, name), number in net.items() if at == place and name in members]
            counts = _count(present, equation)
            if not _equal(*counts):
                phase = f" of {side.names[0]}" if side.names else ""
                expected = (
                    f"as many sites of the lattice {lattice!r}{phase} on both sides, since it is full; "
                    f"the left has {counts[0]:g}, the right {counts[1]:g}"
                )
                raise InputError(key, str(equation), expected)
    return net


def check_balance(equation: Equation, amounts: Sequence[tuple[float, Compound]], *, key: str) -> None:
    """Check elements and charge of what reacts, given as (ν, atoms and charge) of every species.

    Raises
    ------
    InputError
        If they differ on the two sides of the arrow.
    """
    carriers = [(equation.electrons, Formula({}, -1.0)), (equation.lithium, Formula({"Li": 1.0}, 1.0))]
    everything: list[tuple[float, Compound]] = [*amounts, *(pair for pair in carriers if pair[0] > 0.0)]
    elements = list(dict.fromkeys(element for _, compound in everything for element in compound.elements))
    atoms = {e: _count([(n, c.elements.get(e, 0.0)) for n, c in everything], equation) for e in elements}
    if not all(_equal(*counts) for counts in atoms.values()):
        raise InputError(key, str(equation), _unbalanced(atoms) + _forgotten_lithium(atoms, equation))
    charges = _count([(number, compound.charge) for number, compound in everything], equation)
    if not _equal(*charges):
        expected = f"as much charge on both sides; the left has {_charge(charges[0])}, the right {_charge(charges[1])}"
        raise InputError(key, str(equation), expected)


def _tagged(tag: str, sides: Sequence[Side], equation: Equation, key: str) -> int:
    for place, side in enumerate(sides):
        if tag in side.names:
            return place
    names = [name for side in sides for name in side.names]
    expected = "one of the phases that meet here in parentheses: " + ", ".join(names)
    raise InputError(key, str(equation), f"{expected}; ({tag}) is none", nearest(tag, names))


def _count(present: Iterable[tuple[float, float]], equation: Equation) -> tuple[float, float]:
    """Add up (ν, amount) on the left and on the right of the arrow, as the equation was written."""
    sense = -1.0 if equation.direction == "reduction" else 1.0
    left = right = 0.0
    for number, amount in present:
        if sense * number < 0.0:
            left += abs(number) * amount
        else:
            right += abs(number) * amount
    return left, right


def _equal(left: float, right: float) -> bool:
    return abs(left - right) <= 1e-9 * max(1.0, abs(left), abs(right))


def _unbalanced(atoms: Mapping[str, tuple[float, float]]) -> str:
    """Say which side has what and which one lacks something."""
    left = _listed((element, counts[0]) for element, counts in atoms.items())
    right = _listed((element, counts[1]) for element, counts in atoms.items())
    lacking = []
    for place, sign in (("left", 1.0), ("right", -1.0)):
        missing = [(element, sign * (counts[1] - counts[0])) for element, counts in atoms.items()]
        if any(amount > 1e-9 for _, amount in missing):
            lacking.append(f"the {place} lacks {_listed(missing)}")
    return f"the same elements on both sides; the left has {left}, the right {right}: " + " and ".join(lacking)


def _forgotten_lithium(atoms: Mapping[str, tuple[float, float]], equation: Equation) -> str:
    short = {element: abs(right - left) for element, (left, right) in atoms.items() if not _equal(left, right)}
    if set(short) != {"Li"} or equation.lithium or not _equal(short["Li"], equation.electrons):
        return ""
    return " (write the Li+ that goes with the electrons)"


def _listed(amounts: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{amount:g} {element}" for element, amount in amounts if amount > 1e-9) or "nothing"


def _charge(value: float) -> str:
    return f"{value:+g}" if abs(value) > 1e-9 else "0"
