"""Tests of the wheel, and of the package that it installs."""
