"""Tests of clips, their measurements and the media tools."""
