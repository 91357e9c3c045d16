"""Tests of evaluations: their statistics, their scores, and what they store."""
