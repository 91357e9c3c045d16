"""Figures in texts: extract numbers with unit and period, and check them against sources."""

from instrumentation.figures.figure import Figure, SupportedFigure, UnsupportedFigure
from instrumentation.figures.figure_check import FigureCheck, check_figures, extract_figures

__all__ = [
    "Figure",
    "FigureCheck",
    "SupportedFigure",
    "UnsupportedFigure",
    "check_figures",
    "extract_figures",
]
