"""Which classes show only when the leading structure is taken out, or when more is joined to it?

What strikes the eye also fills a representation: smooth or featured, small or large, red or blue.
A class that differs in none of these may be hidden by them. So the same search is made again where
they are taken out, and all of it is held against the same nulls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from skerry.answer import Answer, Plot, Series, array
from skerry.discover.checks import Q_BELOW
from skerry.errors import CannotAnswerError
from skerry.examine.searching.again import SAME, Found, Searched, judged_together, search_again
from skerry.examine.searching.altered import altered
from skerry.examine.settings import ExamineConfig
from skerry.examine.subject import Subject
from skerry.examine.subtle.tables import (
    classes_table,
    members_table,
    null_95,
    searches_table,
)

QUESTION = "subtle"

_ORDER = ("confirmed", "tentative", "rejected", "unjudged")

CAVEAT = (
    "That a class shows in residuals makes it real there, not obvious: sources whose votes or "
    "columns are wrong in the same way stand together too, once what these say is taken out, so "
    "look at the images and at the columns of a new class. Out-of-fold splines take out what each "
    "predictor tells by itself, not what they tell only together. Within a common type a class may "
    "be what lies at the border of that type."
)


def subtle(subject: Subject, settings: ExamineConfig) -> Answer:
    """Search again without votes, columns, or leading components, within common types, and with
    columns joined.

    ``settings.columns`` are taken out (empty: size, color, magnitude, redshift by their usual
    names), ``settings.joined`` are joined. Each search has ``settings.subtle_nulls`` nulls of each
    kind: with S representations this is S times as long as the nulls of a run. Classes are judged
    at the rate of false discoveries of a run, over all searches together.

    Raises
    ------
    ConfigError
        A column that is named is missing.
    CannotAnswerError
        A column holds no numbers, there are too few sources, or nothing can be taken out.
    """
    representations, notes = altered(subject, settings)
    if not representations:
        raise CannotAnswerError(
            "nothing can be taken out of the representation: " + " ".join(notes)
        )
    config = replace(subject.config, nulls=replace(subject.config.nulls, n=settings.subtle_nulls))
    searches = [search_again(one, config) for one in representations]
    found = judged_together(searches, subject)
    found.sort(key=lambda f: (_ORDER.index(f.verdict), f.q, -f.containment, f.where))
    names = [f"{f.where}: {subject.ids[f.members[0]]}" for f in found]
    again = _repeats(found)
    return Answer(
        QUESTION,
        _sentence(found, again, searches),
        CAVEAT,
        {
            "searches": searches_table(searches, found),
            "classes": classes_table(subject, found, names, again),
            "members": members_table(subject, found, names),
        },
        plots=(_plot(searches, found),),
        of_class={
            rare.class_id: _of_class(i, searches, found) for i, rare in enumerate(subject.classes)
        },
        notes=tuple(notes),
    )


def _repeats(found: Sequence[Found]) -> list[int]:
    """For each of those kept the earlier one that is the same class, -1 for none."""
    again = [-1] * len(found)
    for i, one in enumerate(found):
        for j in range(i):
            if not (one.kept and found[j].kept) or again[j] >= 0:
                continue
            both = len(np.intersect1d(one.members, found[j].members))
            if both >= SAME * (len(one.members) + len(found[j].members) - both):
                again[i] = j
                break
    return again


def _sentence(
    found: Sequence[Found],
    again: Sequence[int],
    searches: Sequence[Searched],
) -> str:
    kept = [f for f in found if f.kept]
    new = [f for f, earlier in zip(found, again, strict=True) if f.kept and f.new and earlier < 0]
    confirmed = [f for f in new if f.verdict == "confirmed"]
    listed = ", ".join(
        f"{sum(s.altered.name == f.where for f in new)} {s.altered.name}"
        for s in searches
        if any(s.altered.name == f.where for f in new)
    )
    return (
        f"In {len(searches)} altered representations {len(kept)} of {len(found)} candidates are "
        f"more than chance, at a false discovery rate of {Q_BELOW:.0%} over all together. "
        f"New to the run: {len(new)} {'class' if len(new) == 1 else 'classes'}"
        f"{', ' + listed if listed else ''}; {len(confirmed)} confirmed."
    )


def _of_class(number: int, searches: Sequence[Searched], found: Sequence[Found]) -> str:
    parts = []
    for search in searches:
        own = [
            f for f in found
            if f.where == search.altered.name and f.number == number and f.overlap >= SAME
        ]  # fmt: skip
        if own:
            best = max(own, key=lambda f: f.overlap)
            parts.append(f"{search.altered.name} (overlap {best.overlap:.2f}, {best.verdict})")
    if not parts:
        return f"Found again in none of {len(searches)} altered representations."
    return (
        f"Found again in {len(parts)} of {len(searches)} altered representations: "
        f"{', '.join(parts)}."
    )


def _plot(searches: Sequence[Searched], found: Sequence[Found]) -> Plot:
    place = {search.altered.name: i for i, search in enumerate(searches[::-1])}
    series = []
    for label, chosen in (
        ("not more than chance", [f for f in found if not f.kept]),
        ("a class that the run has", [f for f in found if f.kept and not f.new]),
        ("a new class", [f for f in found if f.kept and f.new]),
    ):
        if chosen:
            x, y = array([f.containment for f in chosen]), array([place[f.where] for f in chosen])
            series.append(Series("points", x, y, label))
    ends = array([null_95(search) for search in searches])
    at = array([place[search.altered.name] for search in searches])
    drawn = np.isfinite(ends)
    series.append(
        Series("segments", ends[drawn], at[drawn] - 0.35, "", ends[drawn], at[drawn] + 0.35)
    )
    return Plot(
        "How far the share of its edges that leads out of each candidate lies below what is usual "
        "of its size, in standard deviations, by representation; the lines are what 5% of chance "
        "groups exceed in featureless data.",
        "containment",
        "",
        tuple(series),
        y_ticks=tuple(place),
    )
