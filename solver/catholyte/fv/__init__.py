"""Finite-volume kernels and the sparse operators built from them."""
