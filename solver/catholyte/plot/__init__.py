"""Pictures of results: curves, cuts through the fields, and the electrode in three dimensions."""

from catholyte.plot.curves import lithiation_spread, polarisation_split, voltage_curve
from catholyte.plot.fields import lithiation_slices
from catholyte.plot.layers import layer_profiles, shell_maps
from catholyte.plot.lithiation import lithiation_frames
from catholyte.plot.particles import radial_profiles
from catholyte.plot.pictures import plot_all, plot_spectra
from catholyte.plot.scene import RenderError, scene_lithiation, scene_phases
from catholyte.plot.species import composition, species_maps
from catholyte.plot.style import styled

__all__ = [
    "RenderError",
    "composition",
    "layer_profiles",
    "lithiation_frames",
    "lithiation_slices",
    "lithiation_spread",
    "plot_all",
    "plot_spectra",
    "polarisation_split",
    "radial_profiles",
    "scene_lithiation",
    "scene_phases",
    "shell_maps",
    "species_maps",
    "styled",
    "voltage_curve",
]
