"""The reviews of a chart's run as the page shows and makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from skerry.atlas.chart import Chart
from skerry.errors import InputError
from skerry.review import Action, Reviews

KINDS = ("name", "endorse", "dismiss", "note", "undo")
"""Kinds of reviews that the page can make."""

_FIELDS = ("kind", "class_id", "id_str", "text")


def standing(chart: Chart) -> dict[str, Any]:
    """What stands of the reviews: by class its ``name``, ``review`` and ``notes``, by class and id
    the reviews of its sources, and the ``last`` action, which an undo takes back."""
    state = Reviews() if chart.reviews is None else chart.reviews.state()
    last = next(
        (a for a in reversed(state.log) if a.kind != "undo" and a.number not in state.undone), None
    )
    sources: dict[str, dict[str, str]] = {}
    for (class_id, id_str), held in state.sources.items():
        sources.setdefault(class_id, {})[id_str] = held.review
    return {
        "classes": {
            class_id: {
                "name": one.name,
                "review": one.review,
                "notes": [asdict(note) for note in one.notes],
                "merged_into": one.merged_into,
            }
            for class_id, one in state.classes.items()
        },
        "sources": sources,
        "last": f"{last.kind} {last.id_str or last.class_id}" if last else None,
        "told": list(state.told),
    }


def review(chart: Chart, body: Mapping[str, Any]) -> dict[str, Any]:
    """Log a review, ``kind`` with ``class_id``, ``id_str`` and ``text``; what stands then.

    Raises
    ------
    InputError
        It is none that can be made; says why.
    RunError
        The log cannot be written.
    """
    if chart.reviews is None:
        raise InputError("this run cannot be reviewed here")
    if body.get("kind") not in KINDS:
        raise InputError(f"kind is {body.get('kind')!r}; expected one of {', '.join(KINDS)}")
    strange = [k for k, v in body.items() if not isinstance(v, str) or k not in _FIELDS]
    if strange:
        raise InputError(f"{strange[0]!r} is no text or not known; expected texts {_FIELDS}")
    chart.reviews.append(Action(**body))
    return standing(chart)
