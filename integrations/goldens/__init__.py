"""Golden files of the cases: reviewed requests and span trees, and the comparison with them."""
