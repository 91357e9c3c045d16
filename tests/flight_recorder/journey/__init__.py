"""Programs of strangers on the whole way from a first trace to a test of their own."""
