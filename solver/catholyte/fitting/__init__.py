"""Parameters of cases found from measured rows and curves by least squares, with what the data say of them.

    minimise  ½ Σ r_k²,   r_k = √w (computed − measured) / uncertainty

over parameters that run from 0 to 1 between their bounds, linearly or by their logarithm. Every evaluation is a run of
the cases, kept under the key of what was run, so that a fit that was killed takes up where it stood.

Nothing is imported here: the processes that run cases have to set their threads before numba is loaded.
"""
