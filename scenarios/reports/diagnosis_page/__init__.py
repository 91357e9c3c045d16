"""A diagnosis as one HTML page: the graph of agents, the path of the failure, time and evidence."""

from scenarios.reports.diagnosis_page.page import render_diagnosis_page, write_diagnosis_pages

__all__ = ["render_diagnosis_page", "write_diagnosis_pages"]
