"""Reading a survey: its catalog, its images, and images made ready for an encoder."""

from skerry.survey.attributes import Attributes, attributes, attributes_of
from skerry.survey.facts import Facts, facts
from skerry.survey.header_positions import catalog_of
from skerry.survey.images import decode
from skerry.survey.prepare import Prepared, prepare, view
from skerry.survey.streams.place import Place
from skerry.survey.survey import Survey, open_survey

__all__ = [
    "Attributes",
    "Facts",
    "Place",
    "Prepared",
    "Survey",
    "attributes",
    "attributes_of",
    "catalog_of",
    "decode",
    "facts",
    "open_survey",
    "prepare",
    "view",
]
