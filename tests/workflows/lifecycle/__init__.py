"""Tests of the lessons about the life of an agent."""
