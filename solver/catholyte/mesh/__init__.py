"""Geometry: images, generators and the finite-volume graph."""
