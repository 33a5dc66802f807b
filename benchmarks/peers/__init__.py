"""The same effective transport in the same image, here and in other programs: ``python -m benchmarks.peers``."""
