"""Tests of `patches`, one folder per upstream project."""
