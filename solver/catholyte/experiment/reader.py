"""The words of one sentence, taken one after the other, and errors that point at the word they are about."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from catholyte.errors import InputError, nearest

#: a number; a word or a unit with its exponent; one other sign
_TOKEN = re.compile(
    r"(?P<number>[+\-−]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+\-]?[0-9]+)?)"
    r"|(?P<word>[^\W\d_]+(?:\^?[-−]?[0-9]+|[⁻¹²³]+)?)"
    r"|(?P<sign>\S)"
)
#: a label: what may stand before a colon, and after "Go to"
NAME = re.compile(r"\s*(?P<name>[^\W\d_][\w\-−]*)")
_LONGEST = 10_000  # characters: a list of a thousand frequencies
_MOST = 1_000_000  # passes of a loop


@dataclass(frozen=True)
class Token:
    """A number, word or sign, and where it starts in its text (from 0)."""

    kind: str
    text: str
    start: int

    @property
    def lower(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    @property
    def value(self) -> float:
        """The value of a number."""
        return float(self.text.replace("−", "-"))


class Reader:
    """The tokens of one text.

    Parameters
    ----------
    text
        The whole sentence.
    key
        Where it stands in the case file.
    start
        Where to begin, after a label.
    """

    def __init__(self, text: str, key: str, start: int = 0) -> None:
        self.text = text
        self.key = key
        self.tokens = [
            Token(str(m.lastgroup), m.group(), m.start())
            for m in _TOKEN.finditer(text[:_LONGEST], min(start, _LONGEST))
        ]
        self.end = Token("end", "", len(text))
        self.at = 0
        if len(text) > _LONGEST:
            self.fail(f"at most {_LONGEST} characters", Token("word", text[_LONGEST], _LONGEST))

    @property
    def next(self) -> Token:
        """The token that has not been taken."""
        return self.ahead(0)

    def ahead(self, number: int) -> Token:
        """Return the token ``number`` places after the next one."""
        place = self.at + number
        return self.tokens[place] if place < len(self.tokens) else self.end

    def take(self) -> Token:
        """Take the next token."""
        token = self.next
        self.at += 1
        return token

    def fail(self, expected: str, token: Token, choices: Sequence[str] = ()) -> NoReturn:
        """Refuse ``token``, with the choice that is most like it."""
        found = repr(token.text) if token.text else "the end of the text"
        expected = f"{expected}, not {found} at position {token.start + 1}"
        raise InputError(self.key, self.text, expected, nearest(token.text, choices))

    def starts(self, *words: str) -> bool:
        """Whether the next tokens are these, in whatever case."""
        return all(self.ahead(place).lower == word for place, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        """Take the next tokens if they are these."""
        if not self.starts(*words):
            return False
        self.at += len(words)
        return True

    def keyword(self, *words: str, why: str = "") -> str:
        """Take one of ``words``."""
        token = self.take()
        if token.lower not in words:
            self.fail(" or ".join(repr(word) for word in words) + why, token, words)
        return token.lower

    def number(self, expected: str) -> Token:
        """Take a finite number."""
        if self.next.kind != "number":
            self.fail(expected, self.next)
        if not math.isfinite(self.next.value):
            self.fail("a finite number", self.next)
        return self.take()

    def positive(self, number: Token) -> Token:
        """Refuse a number that is not above zero."""
        if not number.value > 0.0:
            self.fail("a finite number above zero", number)
        return number

    def whole(self, what: str) -> int:
        """Take a whole number of at least 1."""
        number = self.number(f"a whole number of {what}")
        if not (number.value.is_integer() and 1.0 <= number.value <= _MOST):
            self.fail(f"a whole number of {what} from 1 to {_MOST}", number)
        return int(number.value)

    def name(self, expected: str) -> Token:
        """Take a label."""
        found = NAME.match(self.text, self.next.start)
        if found is None:
            self.fail(expected, self.next)
        start = self.next.start
        while self.next.start < found.end() and self.next.kind != "end":
            self.take()
        if self.text[start : self.next.start].strip() != found["name"]:
            self.fail(expected, Token("word", self.text[start : self.next.start].strip(), start))
        return Token("word", found["name"], start)
