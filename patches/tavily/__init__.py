"""Patches of Tavily's client."""
