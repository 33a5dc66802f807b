"""What is measured beside what is computed: rows of numbers, cases that answer them, and the table of both.

A study is a folder of cases. Beside each ``case.toml`` stands a ``validation.toml`` whose rows say what was measured,
how it is read off a result, and what the number was used for: to calibrate, to be predicted, or nothing yet (blind).

Nothing is imported here: the processes that run cases have to set their threads before numba is loaded.
"""
