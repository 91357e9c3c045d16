"""Programs in the style of others: they know nothing of tapes, lanes and headers."""
