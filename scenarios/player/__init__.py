"""Running scenarios: load a scenario, run its variants, evaluate and accept the traces."""
