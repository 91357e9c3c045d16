"""The shapes: trees without their values, how they differ, and those that are golden."""
