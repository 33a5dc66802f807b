r"""Layers at interfaces that grow: a coating that reacts on, a space charge that widens, an interphase.

A layer gains resistance as ΔR = ξⁿ with dξ/dt = k(T): n = 1 where a reaction limits the growth, n = 1/2 where what
grows hinders its own growth (Wagner's parabolic law). ξ is a part of the memory (``solve/bdf.py``): it is integrated
exactly, keeps what has grown when the temperature changes, and is saved with every checkpoint.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.models.parameters import Layer
from catholyte.solve.bdf import Past

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Growth:
    """The growth of all layers of a cathode, group by group of reacting faces.

    Attributes
    ----------
    rate, exponent
        k in (Ω m²)^(1/n)/s and n of every layer, shape (layers,).
    groups
        Which layers belong to every group.
    """

    rate: Floats
    exponent: Floats
    groups: tuple[slice, ...]

    @classmethod
    def of(cls, layers: Sequence[Sequence[Layer]]) -> Growth:
        """Gather the layers of every group."""
        ends = np.cumsum([0, *(len(each) for each in layers)])
        every = [layer for each in layers for layer in each]
        return cls(
            np.array([layer.growth for layer in every], dtype=float),
            np.array([layer.exponent for layer in every], dtype=float),
            tuple(slice(int(a), int(b)) for a, b in itertools.pairwise(ends)),
        )

    @property
    def size(self) -> int:
        """Number of layers."""
        return self.rate.size

    def grown(self, past: Past | None) -> Floats:
        """Return ξ of every layer; without a past all layers are as they were made."""
        if past is None:
            return np.zeros(self.size)
        if past.held or past.resting:
            return past.memory
        return (self.rate - past.memory) / past.gamma

    def resistance(self, grown: Floats) -> Floats:
        """Return what ξ adds to the resistance of every layer in Ω m²."""
        return np.maximum(grown, 0.0) ** self.exponent
