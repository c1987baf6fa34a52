"""What people say of a run's classes: names, endorsements, notes, beside the machine's verdicts.

``open_reviews(run)`` gives the log of a run: ``append(Action(...))`` checks an action and puts it
on the disk, ``state()`` tells what stands (:class:`Reviews`), ``actions()`` all that was done. ::

    log = open_reviews("run")
    log.append(Action("name", "SKR-1", text="green peas"))
    log.append(Action("dismiss", "SKR-1", "587729385541075021", text="a star"))
    log.append(Action("undo"))
    log.state().of_class("SKR-1").name
"""

from skerry.review.actions import KINDS, MEANS, Action, Kind
from skerry.review.corrected import Corrected, corrected
from skerry.review.export import export
from skerry.review.log import ReviewLog, open_reviews
from skerry.review.state import ClassReview, Note, Reviews, SourceReview, reviewed
from skerry.review.tables import REVIEWS_SCHEMA, as_tables

__all__ = [
    "KINDS",
    "MEANS",
    "REVIEWS_SCHEMA",
    "Action",
    "ClassReview",
    "Corrected",
    "Kind",
    "Note",
    "ReviewLog",
    "Reviews",
    "SourceReview",
    "as_tables",
    "corrected",
    "export",
    "open_reviews",
    "reviewed",
]
