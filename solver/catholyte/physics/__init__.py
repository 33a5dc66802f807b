"""Laws, each one function or small class: plain numpy, SI units."""
