"""Running scenarios: load a page, run its variants, evaluate and accept the traces."""
