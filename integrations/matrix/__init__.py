"""The matrix: cases, run under instrumentors in several environments."""
