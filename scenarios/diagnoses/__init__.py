"""Diagnoses in MLflow: assessments, issues, scorers, and the diagnosis of a whole experiment."""

from scenarios.diagnoses.assessments import log_findings
from scenarios.diagnoses.scorers import diagnosis_scorers
from scenarios.diagnoses.span_links import link_spans

__all__ = ["diagnosis_scorers", "link_spans", "log_findings"]
