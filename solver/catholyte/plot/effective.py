"""What flows between two plates: phases, potential and flux in a cut through the middle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from catholyte.plot.phases import colours_of_kinds
from catholyte.plot.style import REFERENCE, length_unit, new_figure, styled

POTENTIAL_MAP = "viridis"
FLUX_MAP = "inferno"

#: what carries nothing, in the panels of potential and flux
INSULATING = "#FFFFFF"

#: decades of flux that a map may span
_DECADES = 3.0

#: height of a panel for its width, at most
_TALLEST = 1.6

#: SI unit of a conductivity -> what the flux of a unit gradient is called
_FLUX_LABELS = {
    "S/m": "Current density (A m⁻² at 1 V m⁻¹)",
    "m2/s": "Flux (mol m⁻² s⁻¹ at 1 mol m⁻⁴)",
    "1": "Flux (of a unit gradient)",
}


@dataclass(frozen=True, eq=False)
class TransportCut:
    """A plane along the direction of the plates; arrays are [lateral, along].

    Attributes
    ----------
    axes
        Names of the direction of the plates, which runs to the right, and of the lateral one.
    size
        Lengths in m of the two; None where they are known in voxels only.
    labels
        Phase indices.
    potential
        0 at the left plate, 1 at the right one; NaN where nothing flows.
    flux
        Magnitude of the flux of a unit mean gradient.
    """

    axes: tuple[str, str]
    size: tuple[float, float] | None
    labels: NDArray[np.uint8]
    potential: NDArray[np.floating]
    flux: NDArray[np.floating]

    def extent(self) -> tuple[tuple[float, float, float, float], str]:
        """Return the borders of the picture and the unit they are in."""
        if self.size is None:
            n_lateral, n_along = self.labels.shape
            return (0.0, float(n_along), 0.0, float(n_lateral)), "voxels"
        factor, unit = length_unit(self.size[0])
        return (0.0, factor * self.size[0], 0.0, factor * self.size[1]), unit


def transport_cuts(cuts: Sequence[TransportCut], kinds: Mapping[str, str], *, unit: str) -> Figure:
    """Draw phases, potential and flux side by side, a row for each direction of the plates.

    Parameters
    ----------
    cuts
        One for each direction.
    kinds
        Kind of every phase, in the order of their indices: it decides on their colours.
    unit
        SI unit of the conductivity.
    """
    with styled():
        extents = [cut.extent()[0] for cut in cuts]
        heights = [min(extent[3] / extent[1], _TALLEST) for extent in extents]
        figure = new_figure(8.4, 0.7 + sum(0.4 + 2.0 * height for height in heights))
        grid = figure.subplots(len(cuts), 3, squeeze=False, gridspec_kw={"height_ratios": heights})
        colours = colours_of_kinds(kinds)
        norm = _flux_norm([cut.flux for cut in cuts])
        for cut, panels in zip(cuts, grid, strict=True):
            _row(cut, panels, list(colours.values()), norm)
        for axes, title in zip(grid[0], ("Phases", "Potential (–)", _FLUX_LABELS[unit]), strict=True):
            axes.set_title(title)
        form: dict[str, Any] = {"pad": 0.02, "aspect": 12.0 * sum(heights)}
        figure.colorbar(ScalarMappable(Normalize(0.0, 1.0), POTENTIAL_MAP), ax=grid[:, 1], **form)
        if norm is not None:
            bar = figure.colorbar(ScalarMappable(norm, FLUX_MAP), ax=grid[:, 2], extend="both", **form)
            bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            bar.ax.yaxis.set_minor_formatter(NullFormatter())
        seen = np.unique(np.concatenate([np.unique(cut.labels) for cut in cuts]))
        named = {name: colours[name] for k, name in enumerate(kinds) if k in seen}
        patches = [Patch(facecolor=c, edgecolor="black", linewidth=0.4, label=name) for name, c in named.items()]
        patches.append(Patch(facecolor=INSULATING, edgecolor="black", linewidth=0.4, label="nothing flows"))
        figure.legend(handles=patches, loc="outside lower center", ncols=min(len(patches), 6))
    return figure


def _row(cut: TransportCut, panels: Sequence[Axes], colours: Sequence[str], norm: LogNorm | None) -> None:
    extent, unit = cut.extent()
    images = (
        np.array([to_rgb(colour) for colour in colours])[cut.labels],
        _paint(cut.potential, np.isfinite(cut.potential), POTENTIAL_MAP, Normalize(0.0, 1.0)),
        _paint(cut.flux, cut.flux > 0.0, FLUX_MAP, norm),
    )
    along, lateral = cut.axes
    for axes, image in zip(panels, images, strict=True):
        axes.imshow(image, extent=extent, origin="lower", interpolation="none", aspect="equal")
        axes.tick_params(direction="out", length=2.5, labelleft=axes is panels[0])
        axes.set_xlabel(f"{along} ({unit})")
    panels[0].set_ylabel(f"{lateral} ({unit})")
    if not np.isfinite(cut.potential).any():
        ends: dict[str, Any] = {"transform": panels[1].transAxes, "ha": "center", "va": "center", "color": REFERENCE}
        panels[1].text(0.5, 0.5, f"does not percolate\nalong {along}", **ends)


def _flux_norm(images: Sequence[NDArray[np.floating]]) -> LogNorm | None:
    """Return a scale of all images by percentiles; None where nothing flows."""
    values = np.concatenate([image[image > 0.0] for image in images])
    if not values.size:
        return None
    low, high = (float(value) for value in np.percentile(values, [2.0, 99.5]))
    low = max(low, high / 10.0**_DECADES)
    return LogNorm(low, high) if high > 1.05 * low else LogNorm(low / 3.0, high * 3.0)


def _paint(
    values: NDArray[np.floating], known: NDArray[np.bool_], map_name: str, norm: Normalize | None
) -> NDArray[np.floating]:
    """Return an RGB image: the map where something flows, a flat colour elsewhere."""
    image = np.broadcast_to(np.array(to_rgb(INSULATING)), (*values.shape, 3)).copy()
    if norm is not None:
        image[known] = matplotlib.colormaps[map_name](norm(values[known]))[:, :3]
    return image
