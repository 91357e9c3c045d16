"""Repairs to other people's code, each to be deleted some day."""
