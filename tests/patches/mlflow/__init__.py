"""Tests of the patches for MLflow."""
