"""One module for each program: ``solve(problem, clock, **options) -> Answer``, and what it needs to be comparable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from typing import Any

from benchmarks.peers.problem import Answer, Clock, Plates, Problem

Solve = Callable[..., Answer]


@dataclass(frozen=True)
class Peer:
    """A solver as it stands in the table.

    Attributes
    ----------
    name
        Its name; ``family-variant`` where there are several.
    module
        Module of this package with the function ``solve``.
    package
        The distribution whose version is reported.
    plates
        Where its plates lie.
    options
        What ``solve`` is called with beside the problem and the clock.
    warm_up
        Edge of the small problem that is solved first, uncounted, so that everything is loaded and compiled.
    """

    name: str
    module: str
    package: str
    plates: Plates = "faces"
    options: Mapping[str, Any] = field(default_factory=dict)
    warm_up: int = 16

    def load(self) -> Solve:
        """Import the program and return its ``solve``."""
        function: Solve = import_module(f"{__name__}.{self.module}").solve
        return function

    def solve(self, function: Solve, problem: Problem) -> tuple[Answer, Clock]:
        """Solve a problem against the clock."""
        clock = Clock()
        return function(problem, clock, **self.options), clock

    def version(self) -> str:
        """Return the version of the program."""
        return version(self.package)


_ALL = (
    # Threads start at some 20 000 unknowns here: beyond that their kernels are compiled too.
    Peer("catholyte", "catholyte", "catholyte", warm_up=64),
    Peer("taufactor", "taufactor", "taufactor"),
    Peer("porespy", "porespy", "porespy", "centres"),
    Peer("openimpala-mlmg", "openimpala", "openimpala", options={"solver": "mlmg"}),
    Peer("openimpala-hypre", "openimpala", "openimpala", "centres", {"solver": "pcg"}),
    Peer("fipy-default", "fipy", "fipy", options={"method": "default"}),
    Peer("fipy-cg", "fipy", "fipy", options={"method": "cg"}),
    Peer("pyamg-rs", "pyamg", "pyamg", options={"coarsening": "ruge-stuben"}),
    Peer("pyamg-sa", "pyamg", "pyamg", options={"coarsening": "smoothed-aggregation"}),
    Peer("petsc-hypre", "petsc", "petsc4py", options={"preconditioner": "hypre-tuned"}),
    Peer("petsc-hypre-default", "petsc", "petsc4py", options={"preconditioner": "hypre"}),
    Peer("petsc-gamg", "petsc", "petsc4py", options={"preconditioner": "gamg"}),
    Peer("scipy-cg", "scipy", "scipy", options={"method": "cg"}),
    Peer("scipy-direct", "scipy", "scipy", options={"method": "direct"}),
)

PEERS: Mapping[str, Peer] = {peer.name: peer for peer in _ALL}
OURS = "catholyte"


def chosen(names: list[str] | None) -> list[Peer]:
    """Return the peers of some names or families; all of them without names.

    Raises
    ------
    KeyError
        If a name fits none.
    """
    if not names:
        return list(_ALL)
    for name in names:
        if not any(_fits(peer, name) for peer in _ALL):
            raise KeyError(name)
    return [peer for peer in _ALL if any(_fits(peer, name) for name in names)]


def _fits(peer: Peer, name: str) -> bool:
    return peer.name == name or peer.name.startswith(f"{name}-")
