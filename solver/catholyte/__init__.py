"""Catholyte: from the microstructure of a solid-state battery cathode to what a cycler measures."""
