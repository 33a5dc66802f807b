"""Physical constants (CODATA, through scipy)."""

from scipy import constants

#: Faraday constant in C/mol
F = constants.value("Faraday constant")
#: gas constant in J/(mol K)
R = constants.R
#: permittivity of the vacuum in F/m
VACUUM_PERMITTIVITY = constants.epsilon_0
