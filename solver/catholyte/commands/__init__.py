"""Commands of the command line that have a file of their own; :mod:`catholyte.cli` puts them together."""
