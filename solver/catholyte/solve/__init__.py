"""How it is solved: linear systems, Newton, time."""
