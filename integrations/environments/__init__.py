"""The cells: sets of versions, and the environments that are built of them."""
