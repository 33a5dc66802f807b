"""Properties of phases, interfaces and the rest of the cell, in SI units at the temperature of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from catholyte.physics.constants import F, R
from catholyte.physics.double_layer import DoubleLayer
from catholyte.physics.elements import Element
from catholyte.physics.equilibrium import EquilibriumPotential
from catholyte.physics.kinetics import ExchangeCurrent, RateLaw
from catholyte.physics.network import Network, Stock
from catholyte.physics.transport import HostTransport, MixedConduction

PhaseKind = Literal["active", "electrolyte", "conductor"]


@dataclass(frozen=True)
class Host:
    """A phase that stores lithium.

    Attributes
    ----------
    c_max
        Concentration of lithium sites in mol/m³.
    U
        Equilibrium potential U(x, T) in V vs Li/Li⁺; takes complex x.
    transport
        How lithium moves inside the phase.
    """

    c_max: float
    U: EquilibriumPotential
    transport: HostTransport


@dataclass(frozen=True)
class Phase:
    """What a phase carries.

    Attributes
    ----------
    kind
        ``"active"`` and ``"conductor"`` carry electrons, ``"electrolyte"`` carries lithium ions.
    sigma
        Conductivity of the carrier of its kind in S/m; of a mixed conductor the electronic one at x = 1/2.
    host
        Lithium storage of an active phase that intercalates.
    stock
        Species of a phase that takes part in a reaction network.
    permittivity
        ε = ε_r·ε₀ in F/m; its displacement current counts in spectra only.
    """

    kind: PhaseKind
    sigma: float
    host: Host | None = None
    permittivity: float = 0.0
    stock: Stock | None = None

    @property
    def mixed(self) -> MixedConduction | None:
        """How the phase conducts if it is a mixed conductor, whose ions and electrons both move."""
        transport = self.host.transport if self.host is not None else None
        return transport if isinstance(transport, MixedConduction) else None


@dataclass(frozen=True)
class Layer:
    """A layer at an interface that is too thin to be meshed: a coating, a space charge, an interphase.

    Attributes
    ----------
    name
        Its name.
    resistance
        Area resistance at the start in Ω m².
    growth, exponent
        ΔR = (growth·t)^exponent: the resistance in Ω m² that an undisturbed layer has gained after t seconds; growth in
        (Ω m²)^(1/exponent)/s, zero where it does not grow.
    """

    name: str
    resistance: float
    growth: float = 0.0
    exponent: float = 0.5


@dataclass(frozen=True)
class Interface:
    """What happens at the faces between two phases.

    Attributes
    ----------
    rate, i0
        Rate law and exchange current density i0(x) in A/m²; None where nothing reacts.
    contact_resistance, film_resistance
        Area resistances in Ω m²; a contact is met by whatever passes between the phases, by electrons where both
        carry them.
    double_layer
        Capacitance beside the reaction, if there is one.
    network
        Reactions in place of the one of ``rate`` and ``i0``.
    ionic_resistance
        What ions meet between two mixed conductors or two grains of one, in Ω m².
    layers
        Layers between active material and electrolyte.
    surface
        Area at which the phases react over that of the faces between their cells: below one where voxels stand for
        curved surfaces.
    """

    rate: RateLaw | None = None
    i0: ExchangeCurrent | None = None
    contact_resistance: float = 0.0
    film_resistance: float = 0.0
    double_layer: DoubleLayer | None = None
    network: Network | None = None
    ionic_resistance: float = 0.0
    layers: tuple[Layer, ...] = ()
    surface: float = 1.0


@dataclass(frozen=True)
class Lumped:
    """The parts of the cell that are not meshed, in series with it.

    Attributes
    ----------
    series_resistance, counter_resistance
        Area resistances in Ω m².
    counter_exchange
        Exchange current density of the counter electrode in A/m², infinite where its kinetics cost nothing.
    elements
        Circuit elements that need time to answer.
    """

    series_resistance: float = 0.0
    counter_resistance: float = 0.0
    counter_exchange: float = float("inf")
    elements: tuple[Element, ...] = ()

    def drop(self, i: float, T: float) -> tuple[float, float, float]:
        """Return the voltage lost at the counter electrode and in the series resistance, and the slope of their sum.

        Parameters
        ----------
        i
            Current density in A/m², discharge positive.
        T
            Temperature in K.

        Returns
        -------
        Losses in V (counter, series), and d(sum)/di in Ω m². Symmetric Butler–Volmer kinetics at the counter electrode.
        """
        half = i / (2.0 * self.counter_exchange)
        thermal = R * T / F
        counter = 2.0 * thermal * np.arcsinh(half) + i * self.counter_resistance
        slope = thermal / (self.counter_exchange * np.sqrt(1.0 + half * half))
        return counter, i * self.series_resistance, slope + self.counter_resistance + self.series_resistance


@dataclass(frozen=True)
class CellParameters:
    """Everything a cathode model needs besides the graph.

    Attributes
    ----------
    phases
        Properties by phase name.
    interfaces
        Properties by unordered pair of phase names; pairs that are absent conduct without resistance and do not react.
        ``"collector"`` stands for the terminal where it touches a phase directly, a set of one phase for the boundaries
        between its grains. A third name ``"@tag"`` stands for the faces with that tag.
    cross_section
        Area of the electrode that the graph covers in m².
    temperature
        In K.
    lumped
        Elements in series.
    charging
        Whether double layers are charged in time, or in spectra alone. A constant-phase element, which has no equation
        in time, acts in spectra alone in any case.
    """

    phases: Mapping[str, Phase]
    interfaces: Mapping[frozenset[str], Interface]
    cross_section: float
    temperature: float = 298.15
    lumped: Lumped = field(default_factory=Lumped)
    charging: bool = True

    def interface(self, a: str, b: str, tag: str | None = None) -> Interface:
        """Return the properties of the faces between phases ``a`` and ``b``, of those with a tag if one is named."""
        found = self.interfaces.get(frozenset((a, b, f"@{tag}"))) if tag is not None else None
        return found if found is not None else self.interfaces.get(frozenset((a, b)), Interface())
