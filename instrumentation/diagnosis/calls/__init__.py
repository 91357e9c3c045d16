"""Failure modes of calls: tools and models that are called wrongly, repeatedly or in vain."""
