"""The asv benchmarks."""
