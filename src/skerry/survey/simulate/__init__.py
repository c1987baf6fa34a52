"""A small drawn survey, for whoever has no data at hand."""

from skerry.survey.simulate.survey import CLASSES, simulate

__all__ = ["CLASSES", "simulate"]
