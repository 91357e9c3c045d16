"""Diagnoses in MLflow: assessments, issues, scorers, and the diagnosis of a whole experiment."""

from scenarios.traces.diagnoses.assessments import log_findings
from scenarios.traces.diagnoses.scorers import diagnosis_scorers
from scenarios.traces.diagnoses.span_links import link_spans

__all__ = ["diagnosis_scorers", "link_spans", "log_findings"]
