"""The open questions about a run, one function each: a subject and settings in, an answer out."""

from skerry.examine.questions import QUESTIONS, Question
from skerry.examine.settings import ExamineConfig, from_settings
from skerry.examine.subject import Subject

__all__ = ["QUESTIONS", "ExamineConfig", "Question", "Subject", "from_settings"]
