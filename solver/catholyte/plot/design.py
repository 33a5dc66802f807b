"""Pictures of ``catholyte design``: what a cell consists of, and its energy against the share of active material."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from catholyte.plot.style import OKABE_ITO, new_figure, open_frame, styled

_COLOURS = [OKABE_ITO[name] for name in ("blue", "orange", "green", "vermilion", "purple", "sky", "black")]


def composition_bars(shares: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw one bar a row of what it consists of.

    Parameters
    ----------
    shares
        Row, like ``"mass of the cell"`` -> component -> its share; components keep their colour in all rows.
    """
    components = list(dict.fromkeys(name for row in shares.values() for name in row))
    with styled():
        figure = new_figure(5.4, 0.75 + 0.42 * len(shares))
        axes = figure.add_subplot()
        for place, row in enumerate(shares.values()):
            left = 0.0
            for name, share in row.items():
                colour = _COLOURS[components.index(name) % len(_COLOURS)]
                axes.barh(place, 100.0 * share, left=left, height=0.62, color=colour, label=name)
                left += 100.0 * share
        axes.set_yticks(range(len(shares)), list(shares))
        axes.invert_yaxis()
        axes.set_xlim(0.0, 100.0)
        axes.set_xlabel("Share (%)")
        handles, labels = axes.get_legend_handles_labels()
        unique = dict(zip(labels, handles, strict=True))
        axes.legend(unique.values(), unique.keys(), loc="upper left", bbox_to_anchor=(1.01, 1.0))
        open_frame(axes)
    return figure


def energy_against_share(
    share: Sequence[float], specific: Mapping[str, Sequence[float]], density: Mapping[str, Sequence[float]]
) -> Figure:
    """Draw energy per mass and per volume against the share of active material.

    Parameters
    ----------
    share
        Share of active material in the mass of the electrode.
    specific, density
        Level, like ``"electrode"`` -> energies in Wh/kg, in Wh/L.
    """
    with styled():
        figure = new_figure(6.4, 3.0)
        for panel, (curves, unit) in enumerate(((specific, "Wh kg⁻¹"), (density, "Wh L⁻¹"))):
            axes = figure.add_subplot(1, 2, panel + 1)
            for k, (level, values) in enumerate(curves.items()):
                axes.plot(
                    [100.0 * each for each in share], values, "o-", color=_COLOURS[k], markersize=3.5, label=level
                )
            axes.margins(x=0.04)
            axes.set_ylim(bottom=0.0)
            axes.set_xlabel("Active material (mass % of the electrode)")
            axes.set_ylabel(f"Energy ({unit})")
            axes.legend(loc="best")
            open_frame(axes)
    return figure
