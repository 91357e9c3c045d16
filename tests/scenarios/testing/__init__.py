"""Tests of expectations outside the plugin: in files, and as scorers."""
