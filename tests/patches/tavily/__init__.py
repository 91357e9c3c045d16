"""Tests of the patches of Tavily's client."""
