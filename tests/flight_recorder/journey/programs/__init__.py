"""Programs in the style of strangers: they know nothing of this project, its tapes and headers."""
