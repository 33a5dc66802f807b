"""Small half cells whose active material reacts through a network: iodine against a chloride, one couple, laminates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from builders import T, laminate_graph
from numpy.typing import NDArray
from small_cells import Piece, run

from catholyte.models.cathode import Cathode
from catholyte.models.parameters import CellParameters, Interface, Phase
from catholyte.physics.kinetics import ButlerVolmer, NetworkRate, Tafel
from catholyte.physics.network import Branch, ChargeTransfer, Hysteresis, Lattice, Network, Stock
from catholyte.solve.frames import Frame, Settings

Array = NDArray[Any]

#: standard potentials in V vs Li/Li⁺
IODIDE, IODONIUM, INDIUM, CHLORIDE = 3.0, 3.7, 2.35, 4.1
#: what every reaction releases is counted against this: electrons that a species has given away
RELEASED = {"I-": 0, "I0": 1, "ICl": 2, "Cl-": 0, "Cl0": 1, "In2+": 0, "In3+": 1}
ELEMENTS = {"I": ("I-", "I0", "ICl"), "Cl": ("Cl-", "Cl0", "ICl"), "In": ("In2+", "In3+")}


def iodine_network(
    *,
    D: float = 1e-18,
    D_supply: float = 1e-14,
    sites: float = 18e3,
    supply: float = 30e3,
    i00: float = 0.1,
    hysteresis: Hysteresis | None = None,
    side_reactions: bool = True,
) -> Network:
    """Return I⁻ ⇌ I⁰ + e⁻ and I⁰ + Cl⁻ ⇌ ICl + e⁻, with the indium couple and Cl⁻ → Cl⁰ + e⁻ of a catholyte."""
    iodine = Lattice("iodine", sites, D, "full", ("I-", "I0", "ICl"))
    branches = () if hysteresis is None else (Branch("iodide", sites, D),)
    lattices = [Lattice("chloride", supply, D_supply, "dilute", ("Cl-", "Cl0"))]
    bv = ButlerVolmer(0.5)
    reactions = [
        ChargeTransfer("iodide", {(0, "I-"): -1, (0, "I0"): 1}, 1, IODIDE, bv, i00, hysteresis=hysteresis),
        ChargeTransfer("iodonium", {(0, "I0"): -1, (1, "Cl-"): -1, (0, "ICl"): 1}, 1, IODONIUM, bv, i00),
    ]
    if side_reactions:
        lattices.append(Lattice("indium", 5e3, D_supply, "full", ("In3+", "In2+")))
        oxidation = {(1, "Cl-"): -1, (1, "Cl0"): 1}
        reactions += [
            ChargeTransfer("indium", {(1, "In2+"): -1, (1, "In3+"): 1}, 1, INDIUM, bv, i00),
            ChargeTransfer("chloride", oxidation, 1, CHLORIDE, Tafel(0.5), 1e-4, direction="oxidation"),
        ]
    return Network((Stock((iodine,), branches), Stock(tuple(lattices))), tuple(reactions), T)


def couple_network(
    *, U0: float = 3.8, i00: float = 1.0, sites: float = 4e4, D: float = 1e-14, rate: NetworkRate | None = None
) -> Network:
    """Return one couple R ⇌ O + e⁻ on a lattice that both fill."""
    stock = Stock((Lattice("couple", sites, D, "full", ("R", "O")),))
    law = ButlerVolmer(0.5) if rate is None else rate
    alpha = getattr(law, "alpha", 0.5)
    reaction = ChargeTransfer("couple", {(0, "R"): -1, (0, "O"): 1}, 1, U0, law, i00, alpha=alpha)
    return Network((stock, Stock(())), (reaction,), T)


def laminate(
    network: Network,
    layers: tuple[int, int],
    spacing: float,
    *,
    sigma: tuple[float, float] = (1e9, 1e9),
    cross_section: float = 1.0,
    **interface: Any,
) -> Cathode:
    """Return voxels of electrolyte under voxels of active material, ``layers`` = (electrolyte, active)."""
    width = np.sqrt(cross_section)
    graph = laminate_graph([("electrolyte", layers[0]), ("active", layers[1])], (spacing, width, width))
    solid, fluid = network.stocks
    phases = {
        "electrolyte": Phase("electrolyte", sigma[0], stock=fluid if fluid.lattices else None),
        "active": Phase("active", sigma[1], stock=solid),
    }
    interfaces = {frozenset(("electrolyte", "active")): Interface(network=network, **interface)}
    return Cathode(graph, CellParameters(phases, interfaces, cross_section, T))


def composed(problem: Cathode, fractions: Mapping[str, float], voltage: float) -> Array:
    """Return the state of uniform composition without drops of potential; branches not named stand in the middle."""
    u = np.zeros(problem.size)
    for store in problem.stores:
        u[problem.n_phi : -1][store.at] = fractions.get(store.name, 0.5)
    u[-1] = voltage
    return u


def contents(problem: Cathode, u: Array) -> dict[str, float]:
    """Return what the cathode holds of every store in coulombs."""
    x = problem.split(u)[1]
    return {store.name: float(problem.capacity[store.at] @ x[store.at]) for store in problem.stores}


def fractions(problem: Cathode, u: Array) -> dict[str, float]:
    """Return the mean of every store."""
    x = problem.split(u)[1]
    return {
        store.name: float(problem.capacity[store.at] @ x[store.at] / problem.capacity[store.at].sum())
        for store in problem.stores
    }


def frames(
    problem: Cathode, u: Array, pieces: Sequence[Piece], *, scale: float, settings: Settings | None = None
) -> Iterator[Frame]:
    """Yield every frame of a protocol."""
    for frame, _ in run(problem, u, pieces, scale=scale, settings=settings):
        yield frame
