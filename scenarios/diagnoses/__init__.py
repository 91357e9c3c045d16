"""Diagnoses in MLflow: assessments, issues, scorers, and the diagnosis of a whole experiment."""

from scenarios.diagnoses.assessments import log_findings
from scenarios.diagnoses.scorers import diagnosis_scorers

__all__ = ["diagnosis_scorers", "log_findings"]
