"""Failure modes of calls: tools and models called wrongly, again and again, unsafely or in vain."""
