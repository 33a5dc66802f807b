"""Print how far a layered electrode stands from the microstructure it was homogenised from, and where it goes astray.

    python -m benchmarks.homogenisation [--across N …] [--cells N …] [--markdown]

A square array of discs of iodine in carbon lies in a chloride catholyte, and on a plate of carbon that brings electrons
to every disc and takes no part in reactions. It is charged as made, once as an image and once as layers with cylinders
of the same area on them, whose conduction ``catholyte effective`` found in the image. Squares of voxels have more
surface than a disc: the exchange current densities of the image are scaled so that their product with the area is that
of the layers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import Column, machine, show
from catholyte.build import Built, build
from catholyte.case import parse_case, read_case
from catholyte.effective import Plates, from_case
from catholyte.effective.run import run as conduct
from catholyte.simulation import Simulation

#: of the discs in m, and their share of the area
DIAMETER, SHARE = 8e-9, 0.45
#: exchange current density of both couples of iodine in A/m², diffusivity of all that stores in m²/s
_I0, _D = 1e-2, 1e-21
#: diffusivity in m²/s at which the states of iodine equalise within a disc, and voxels across of that comparison
_FAST, _FINE = 1e-17, 32
_CATHOLYTE, _DISC, _PLATE = range(3)

#: mA per gram of iodine, and losses in the catholyte in V to aim at
RATES = (22.0, 110.0, 220.0, 440.0, 880.0, 1760.0)
LOSSES = (0.01, 0.03, 0.1, 0.3)
#: loss times conductivity at 22 mA/g in V S/m of a depth of one disc; it grows with the square of the depth
_LOSS = 1.3e-12

_CASE = """
title = "discs of iodine in carbon, in a chloride catholyte"
[mesh]
{mesh}
separator = {{ thickness = "{separator!r} m", material = "Li3InCl6", sigma_i = "1 S/m" }}
[phases.catholyte]
material = "LIC7.2"
sigma_i = "{sigma_i!r} S/m"
lattices = {{ chloride = {{ D = "{D!r} m2/s" }}, "oxidised chloride" = {{ D = "{D!r} m2/s" }} }}
{catholyte}
[phases.iodine]
material = "I2-carbon"
lattices.iodine.D = "{D_iodine!r} m2/s"
{iodine}
[phases.plate]
material = "carbon"
{plate}
[interfaces."iodine|catholyte".reactions]
iodide.exchange_current = "{i0!r} A/m2"
iodonium.exchange_current = "{i0!r} A/m2"
indium.enabled = false
indium-loss.enabled = false
chloride-oxidation.enabled = false
{inert}
[cell]
counter = "Li-In"
[experiment]
steps = ["Charge at {rate!r} mA/g until 4 V"]
[output]
fields = "none"
[solver]
linear = "direct"
x_tolerance = {tolerance!r}
voltage_tolerance = "{tolerance!r} V"
"""

_INERT = """
[interfaces."plate|catholyte".reactions]
indium.enabled = false
indium-loss.enabled = false
chloride-oxidation.enabled = false
"""


def discs(cells: int, across: int) -> NDArray[np.uint8]:
    """Return half of a column of discs on their plate, shape (cells·across, 2, across/2); the other half mirrors it."""
    z = np.tile((np.arange(across) + 0.5) / across - 0.5, cells)
    x = (np.arange(across // 2) + 0.5) / across
    labels = np.full((z.size, 2, x.size), _PLATE, dtype=np.uint8)
    labels[:, 1] = np.where(z[:, None] ** 2 + x**2 < SHARE / np.pi, _DISC, _CATHOLYTE)
    return labels


@dataclass(frozen=True)
class Structure:
    """Discs and the layers they are homogenised to.

    Attributes
    ----------
    cells
        Discs along the depth.
    across
        Voxels along the edge of the square that belongs to a disc, an even number.
    shells, electrolyte_shells
        Of a cylinder and around it.
    layers_per_cell
        Layers in the depth of a disc.
    tolerance
        Of x, and of the voltage in V.
    """

    cells: int = 4
    across: int = 16
    shells: int = 24
    electrolyte_shells: int = 12
    layers_per_cell: int = 4
    tolerance: float = 1e-4

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """The image."""
        return discs(self.cells, self.across)

    @property
    def share(self) -> float:
        """Share of the discs in the area, as it is in the image."""
        return float(np.mean(self.labels[:, 1] == _DISC))

    @property
    def voxel(self) -> float:
        """Edge of a voxel in m: the area of a disc is that of a circle of the diameter."""
        return 0.5 * DIAMETER * float(np.sqrt(np.pi / self.share)) / self.across

    @property
    def surplus(self) -> float:
        """Surface between the voxels of a disc and the catholyte over the circumference of the circle."""
        disc = self.labels[: self.across, 1] == _DISC
        faces = sum(int(np.count_nonzero(np.diff(disc.astype(np.int8), axis=axis))) for axis in (0, 1))
        return 2.0 * faces * self.voxel / (np.pi * DIAMETER)

    def image(self, folder: Path, load: Load) -> str:
        """Write the image into a folder and return its case."""
        np.save(folder / "discs.npy", self.labels)
        return self._case(
            load,
            mesh=f'image = {{ file = "discs.npy", voxel_size = "{self.voxel!r} m" }}',
            i0=_I0 / self.surplus,
            inert=_INERT,
            catholyte=f"label = {_CATHOLYTE}",
            iodine=f"label = {_DISC}",
            plate=f"label = {_PLATE}",
        )

    def layers(self, conduction: str, load: Load) -> str:
        """Return the case of the layers that conduct by the result in a folder."""
        mesh = f"""
layers.count = {self.layers_per_cell * self.cells}
layers.thickness = "{self.cells * self.across * self.voxel!r} m"
layers.domain = {{ phase = "iodine", diameter = "{DIAMETER!r} m", shape = "cylinder", shells = {self.shells} }}
layers.electrolyte = {{ phase = "catholyte", shells = {self.electrolyte_shells} }}
layers.conduction.result = "{conduction}"
"""
        return self._case(
            load,
            mesh=mesh,
            i0=_I0,
            inert="",
            catholyte=f"volume_share = {0.5 * (1.0 - self.share)!r}",
            iodine=f"volume_share = {0.5 * self.share!r}",
            plate="volume_share = 0.5",
        )

    def _case(self, load: Load, **parts: Any) -> str:
        return _CASE.format(
            separator=self.voxel,
            D=_D,
            D_iodine=load.D,
            tolerance=self.tolerance,
            rate=load.rate,
            sigma_i=load.sigma_i,
            **parts,
        )


@dataclass(frozen=True)
class Load:
    """What is asked of the electrode.

    Attributes
    ----------
    rate
        In mA per gram of iodine.
    sigma_i
        Conductivity of the catholyte in S/m.
    D
        Diffusivity of the states of iodine in m²/s.
    """

    rate: float = 22.0
    sigma_i: float = 0.018
    D: float = _D


def lossy(cells: int, loss: float) -> Load:
    """Return 22 mA/g through a catholyte that conducts so badly that it costs about ``loss`` in V."""
    return Load(sigma_i=_LOSS * cells**2 / loss)


def compare(structure: Structure, load: Load) -> dict[str, Any]:
    """Charge image and layers to 4 V and return how far they stand apart.

    Returns
    -------
    dict
        Capacity of the image and of the layers in mAh per gram of iodine, that of the layers over that of the image
        less one; mean and largest distance of the voltages at equal capacity in V, between 5 and 95 % of the smaller
        one, the mean as a root of squares; mean loss in the catholyte in V, whole and over the number of discs along
        the depth; what is varied.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "case.toml"
        path.write_text(structure.image(folder, load), encoding="utf-8")
        conduct(from_case(path, (), Plates(axes=(0,))), folder / "effective")
        image = build(read_case(path))
        layers = build(parse_case(structure.layers("effective", load), folder=folder))
        resolved, homogenised = _charged(image, folder / "image.results"), _charged(layers, folder / "layers.results")
    return {
        "rate": load.rate,
        "across": structure.across,
        "cells": structure.cells,
        **_distance(resolved, homogenised, structure.cells),
    }


@dataclass(frozen=True)
class Charge:
    """Charge in mAh per gram of iodine, voltage in V and loss in the catholyte in V along a run."""

    q: NDArray[np.float64]
    voltage: NDArray[np.float64]
    loss: NDArray[np.float64]


def _charged(built: Built, out: Path) -> Charge:
    curves = Simulation(built).run(out).curves
    q = -curves["charge"].to_numpy() / built.design.active_areal_mass / 3600.0
    # The same charge twice where a step begins.
    new = np.append(True, np.diff(q) > 0.0)
    return Charge(q[new], curves["voltage"].to_numpy()[new], np.abs(curves["loss_ion"].to_numpy()[new]))


def _distance(resolved: Charge, homogenised: Charge, cells: int) -> dict[str, float]:
    ends = float(resolved.q[-1]), float(homogenised.q[-1])
    at = np.linspace(0.05, 0.95, 181) * min(ends)
    apart = np.interp(at, homogenised.q, homogenised.voltage) - np.interp(at, resolved.q, resolved.voltage)
    loss = float(np.mean(np.interp(at, resolved.q, resolved.loss)))
    return {
        "image": ends[0],
        "layers": ends[1],
        "capacity": ends[1] / ends[0] - 1.0,
        "voltage": float(np.sqrt(np.mean(apart**2))),
        "largest": float(np.max(np.abs(apart))),
        "loss": loss,
        "per disc": loss / cells,
    }


_COMPARED = (
    Column("image", "image, mAh/g", ".1f"),
    Column("layers", "layers, mAh/g", ".1f"),
    Column("capacity", "capacity off", "+.2%"),
    Column("voltage mV", "voltage off, mV", ".1f"),
    Column("largest mV", "at most, mV", ".1f"),
)
_BY_RATE = (Column("rate", "mA/g", "g"), Column("across", "voxels across", "d"), *_COMPARED)
_BY_LOSS = (
    Column("cells", "discs", "d"),
    Column("loss mV", "loss in the catholyte, mV", ".1f"),
    Column("per disc mV", "per disc, mV", ".1f"),
    *_COMPARED,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.homogenisation", description=__doc__.partition("\n")[0])
    parser.add_argument("--across", type=int, nargs="+", default=[16, 32, 64], help="voxels along a square (16 32 64)")
    parser.add_argument("--cells", type=int, nargs="+", default=[1, 2, 4, 8], help="discs along the depth (1 2 4 8)")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args(arguments)
    rows = [compare(Structure(1, across), Load(rate)) for rate in RATES for across in options.across]
    title = "rate, one disc, LIC7.2 as it conducts"
    show(_in_mV(rows), _BY_RATE, title=title, markdown=options.markdown)
    rows = [compare(Structure(1, _FINE), Load(rate, D=_FAST)) for rate in RATES]
    title = "supply: chloride alone is slow, iodine's states equalise"
    show(_in_mV(rows), _BY_RATE, title=title, markdown=options.markdown)
    rows = [compare(Structure(cells), lossy(cells, loss)) for cells in options.cells for loss in LOSSES]
    title = "loss in the catholyte at 22 mA/g, 16 voxels across"
    show(_in_mV(rows), _BY_LOSS, title=title, markdown=options.markdown)
    print(f"\n{machine(1)}")


def _in_mV(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = ("voltage", "largest", "loss", "per disc")
    return [row | {f"{key} mV": 1e3 * row[key] for key in keys} for row in rows]


if __name__ == "__main__":
    main()
