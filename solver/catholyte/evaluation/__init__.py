"""What an experimenter does with recorded data: tables of cycles, pulses and rates, spectra and what is in them."""
