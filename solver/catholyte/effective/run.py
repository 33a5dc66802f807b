"""A request from beginning to end: solve, keep the fields and draw the pictures that were asked for, sum up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catholyte.effective.request import Quantity, Request
from catholyte.effective.store import FieldStore
from catholyte.effective.study import Study, compute
from catholyte.effective.summary import summary
from catholyte.models.effective import EffectiveTransport

if TYPE_CHECKING:
    from catholyte.plot.effective import TransportCut

#: folder of the pictures, within that of the result
PLOTS = "plots"


@dataclass(frozen=True, eq=False)
class Done:
    """Answers, their summary, and the files and folders that were written."""

    study: Study
    summary: dict[str, Any]
    files: tuple[Path, ...]


def run(
    request: Request,
    folder: Path | None = None,
    *,
    plots: bool = False,
    begin: Callable[[Quantity, int], None] | None = None,
) -> Done:
    """Answer a request.

    Parameters
    ----------
    request
        The conduction problem.
    folder
        Where to write summary and fields; nothing is written without one.
    plots
        Whether to draw into the folder.
    begin
        Called before each solve with the quantity and the axis.
    """
    if folder is None:
        study = compute(request, begin=begin)
        return Done(study, summary(study), ())
    store = FieldStore(folder, request)
    cuts: dict[str, list[TransportCut]] = {quantity.name: [] for quantity in request.quantities}

    def solved(quantity: Quantity, transport: EffectiveTransport) -> None:
        store.add(quantity, transport)
        if plots:
            from catholyte.effective.cuts import cut

            cuts[quantity.name].append(cut(request, quantity, transport))

    study = compute(request, begin=begin, solved=solved)
    facts = summary(study)
    store.finish(facts)
    return Done(study, facts, (folder, *(_draw(request, folder / PLOTS, cuts) if plots else ())))


def _draw(request: Request, folder: Path, cuts: dict[str, list[TransportCut]]) -> list[Path]:
    from catholyte.plot.effective import transport_cuts
    from catholyte.plot.style import DPI, styled

    folder.mkdir()
    written = []
    for quantity in request.quantities:
        # in an image what conducts has a colour, and the rest is pale
        kinds = {
            phase.name: phase.kind or ("active" if quantity.sigma[k] > 0.0 else "electrolyte")
            for k, phase in enumerate(request.phases)
        }
        figure = transport_cuts(cuts[quantity.name], kinds, unit=quantity.unit)
        written.append(folder / f"{quantity.name}.png")
        with styled():
            figure.savefig(written[-1], dpi=DPI)
    return written
