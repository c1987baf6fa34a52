"""Which sources are pieces of one galaxy that the catalog holds several times?

Three things are asked of a pair, each of which the others cannot answer: do their cutouts overlap,
do both show the same sky there, and is there one body of light at both places? Two
galaxies side by side pass the first two and fail the third.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from skerry.answer import Answer, array
from skerry.examine.columns import column_of
from skerry.examine.settings import ExamineConfig
from skerry.examine.shredded.close_pairs import (
    Clustering,
    drawn_at_random,
    groups_of,
    moved_apart,
    offset,
    pairs_within,
)
from skerry.examine.shredded.seen_pairs import ONE, Pair, Placed, placed, seen_pairs
from skerry.examine.shredded.shown import Row, notes_of, of_class, plot, sentence
from skerry.examine.statistics import q_values
from skerry.examine.subject import Subject
from skerry.types import IntArray

QUESTION = "shredded"
SURVEY_NULLS = 99
"""Times that all sources are moved at most, for the survey's null."""

PARENT, FRAGMENT, COPY = "parent", "fragment", "copy"

SOURCES_SCHEMA = pa.schema(
    [
        ("id_str", pa.string()),
        ("role", pa.string()),
        ("parent_id", pa.string()),
        ("sources", pa.int64()),
        ("class_id", pa.string()),
        ("separation", pa.float64()),
        ("match", pa.float64()),
        ("light_between", pa.float64()),
    ]
)
"""One row a source of a shredded galaxy, ``sources`` of which the galaxy has. ``separation`` from
the parent in arcsec; ``match`` and ``light_between`` of the source's best link."""

PAIRS_SCHEMA = pa.schema(
    [
        ("id_a", pa.string()),
        ("id_b", pa.string()),
        ("separation", pa.float64()),
        ("match", pa.float64()),
        ("match_null", pa.float64()),
        ("light_between", pa.float64()),
        ("found", pa.string()),
    ]
)
"""One row a pair whose cutouts overlap. ``match_null``: with another source's cutout in
the place of the second one's."""

CLUSTERING_SCHEMA = pa.schema(
    [
        ("of", pa.string()),
        ("sources", pa.int64()),
        ("pairs", pa.int64()),
        ("expected", pa.float64()),
        ("expected_low", pa.float64()),
        ("expected_high", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
    ]
)
"""Pairs closer than half a cutout, of the survey and within each class, against chance."""

CAVEAT = (
    "Pieces are told from neighbors by the light between them alone. A companion whose light runs "
    "into its host's without a dip, as in late mergers or where a faint galaxy is seen through a "
    "bright one, counts as a piece; a piece with a bright knot of its own or in a faint outer arm "
    "may count as a galaxy. How deep a dip is depends on how images are displayed: where nothing "
    "says so an asinh stretch is assumed. That both cutouts show the same sky guards against wrong "
    "pixel scales and positions; it does not say how many galaxies are there."
)


def shredded(subject: Subject, settings: ExamineConfig) -> Answer:
    """Find galaxies catalogued as several sources, in the whole survey and in each class.

    The pixel scale of images is the column ``pixel_scale`` (arcsec a pixel), which
    ``settings.table`` can give, or what the run knows of all its images.

    Raises
    ------
    CannotAnswerError
        No positions, no images, no pixel scale, or a stretch in which light cannot be compared.
    """
    sources = placed(subject)
    pairs, turn, left_out = seen_pairs(subject, sources)
    joined = array([[p.one, p.other] for p in pairs if p.found == ONE]).astype(np.int64)
    groups = groups_of(joined.reshape(-1, 2), len(sources.ids))
    rows = [row for group in groups for row in _pieces(subject, sources, group, pairs)]
    copies = _copies(subject)
    clustering = _clustering(subject, settings, sources)
    table = _clustering_table(clustering)
    q = table["q_value"].to_pylist()[1:]
    return Answer(
        QUESTION,
        sentence(len(subject), rows, pairs, clustering["survey"]),
        CAVEAT,
        {
            "shredded": pa.Table.from_pylist([*rows, *copies], schema=SOURCES_SCHEMA),
            "pairs": _pairs_table(sources.ids, pairs),
            "clustering": table,
        },
        plots=(plot(pairs),) if any(np.isfinite(p.match) for p in pairs) else (),
        of_class={
            rare.class_id: of_class(
                [row for row in rows if row["class_id"] == rare.class_id],
                rare.size,
                clustering[rare.class_id],
                float(adjusted) <= settings.alpha,
            )
            for rare, adjusted in zip(subject.classes, q, strict=True)
        },
        notes=tuple(notes_of(subject, sources, pairs, turn, left_out, len(copies))),
    )


def _pieces(subject: Subject, sources: Placed, group: IntArray, pairs: Sequence[Pair]) -> list[Row]:
    """The sources of one galaxy, its parent first."""
    inside = group.tolist()
    links = [p for p in pairs if p.found == ONE and p.one in inside]
    apart = {(i, j): float(np.hypot(*offset(sources.places, i, j))) for i in inside for j in inside}
    parent = _parent(subject, sources, inside, apart)
    found: list[Row] = []
    for row in sorted(inside, key=lambda i: (i != parent, apart[parent, i], i)):
        best = max((p for p in links if row in (p.one, p.other)), key=lambda p: p.between)
        found.append(
            {
                "id_str": sources.ids[row],
                "role": PARENT if row == parent else FRAGMENT,
                "parent_id": sources.ids[parent],
                "sources": len(inside),
                "class_id": _class_of(subject, int(sources.rows[row])),
                "separation": apart[parent, row],
                "match": best.match,
                "light_between": best.between,
            }
        )
    return found


def _parent(
    subject: Subject, sources: Placed, inside: list[int], apart: Mapping[tuple[int, int], float]
) -> int:
    """The largest source; of those as large the brightest; the most central where no column says.

    Sizes within a hundredth are alike.
    """
    numbers = subject.attributes.numbers
    left = inside
    for role, sign, alike in (("size", 1, 0.01), ("magnitude", -1, 0.0)):
        name = column_of(role, list(numbers))
        if name is None:
            continue
        values = {row: sign * float(numbers[name][sources.rows[row]]) for row in left}
        known = [value for value in values.values() if np.isfinite(value)]
        if known:
            best = max(known) - alike * abs(max(known))
            left = [row for row in left if values[row] >= best]
    return min(left, key=lambda row: (sum(apart[row, other] for other in inside), row))


def _class_of(subject: Subject, row: int) -> str:
    label = int(subject.label[row])
    return "" if label < 0 else subject.classes[label].class_id


def _copies(subject: Subject) -> list[Row]:
    """Sources with the very image of another, which is the parent."""
    if not subject.extras or subject.images is None:
        return []
    names = sorted(subject.extras)
    firsts = [subject.ids[subject.extras[name]] for name in names]
    own = dict(subject.images(names))
    other = dict(subject.images(sorted(set(firsts))))
    alike: list[tuple[str, str]] = []
    for name, first in zip(names, firsts, strict=True):
        here, there = own.get(name), other.get(first)
        if here is not None and there is not None and np.array_equal(here, there):
            alike.append((name, first))
    counted = [first for _, first in alike]
    return [
        {
            "id_str": name,
            "role": COPY,
            "parent_id": first,
            "sources": 1 + counted.count(first),
            "class_id": _class_of(subject, subject.extras[name]),
            "match": 1.0,
        }
        for name, first in alike
    ]


def _clustering(
    subject: Subject, settings: ExamineConfig, sources: Placed
) -> dict[str, Clustering]:
    """Of the whole survey, then of each class by its id."""
    rng = np.random.default_rng(settings.seed)
    times = min(settings.permutations, SURVEY_NULLS)
    quarter = sources.reach / 2  # two of them: half a cutout
    found = {"survey": moved_apart(sources.places, quarter, times, rng)}
    close = pairs_within(sources.places, quarter)
    row_of = np.full(len(subject), -1, dtype=np.int64)
    row_of[sources.rows] = np.arange(len(sources.ids))
    for rare, members in zip(subject.classes, subject.members, strict=True):
        rows = row_of[members][row_of[members] >= 0]
        found[rare.class_id] = drawn_at_random(
            rows, close, len(sources.ids), settings.permutations, rng
        )
    return found


def _pairs_table(ids: Sequence[str], pairs: Sequence[Pair]) -> pa.Table:
    rows = [
        {
            "id_a": ids[pair.one],
            "id_b": ids[pair.other],
            "separation": pair.apart,
            "match": pair.match,
            "match_null": pair.null,
            "light_between": pair.between,
            "found": pair.found,
        }
        for pair in pairs
    ]
    return pa.Table.from_pylist(rows, schema=PAIRS_SCHEMA)


def _clustering_table(clustering: Mapping[str, Clustering]) -> pa.Table:
    q = q_values(array([found.p for found in clustering.values()]))
    rows = [
        {
            "of": name,
            "sources": found.sources,
            "pairs": found.pairs,
            "expected": found.expected,
            "expected_low": found.low,
            "expected_high": found.high,
            "p_value": found.p,
            "q_value": float(adjusted),
        }
        for (name, found), adjusted in zip(clustering.items(), q, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=CLUSTERING_SCHEMA)
