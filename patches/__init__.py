"""Fixes for code of other projects, one folder per upstream project, one module per patch."""
