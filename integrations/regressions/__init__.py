"""Known upstream regressions, and the proof that the cases detect them."""
