"""Diagnosis of a trace: what went wrong, which agent began it, in which span, on what evidence."""

from instrumentation.diagnosis.detectors import DETECTORS, Detector
from instrumentation.diagnosis.diagnosis import Diagnosis, diagnose
from instrumentation.diagnosis.finding import Evidence, Finding, PathStep

__all__ = ["DETECTORS", "Detector", "Diagnosis", "Evidence", "Finding", "PathStep", "diagnose"]
