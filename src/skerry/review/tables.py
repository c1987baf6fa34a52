"""Reviews as tables, and as columns beside a run's catalogs of classes and members."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from skerry.review.known import Known
from skerry.review.state import ClassReview, Reviews, SourceReview
from skerry.store import read_table
from skerry.store.tables import rows_named

_WORDS = {
    "number": ("Place in the log, from 1", "meta.id;meta.main"),
    "kind": ("name, endorse, dismiss, note, merge, split or undo", "meta.code"),
    "class_id": ("Class that it is about", "meta.id.parent"),
    "id_str": ("Source that it is about", "meta.id"),
    "text": ("Name, note or reason", "meta.note"),
    "others": ("Classes merged into it, as a JSON list", "meta.id.assoc"),
    "parts": ("Parts with their members, as a JSON object", "meta.id.assoc"),
    "undoes": ("Number of the action taken back, 0 for none", "meta.id.cross"),
    "who": ("Who did it", "meta.curation"),
    "when": ("When, UTC", "time.processing"),
    "undone": ("Was it taken back?", "meta.code"),
    "in_run": ("Is its class one of this run?", "meta.code"),
    "review": ("endorsed, dismissed or empty", "meta.code"),
    "review_name": ("Name that was given", "meta.note"),
    "review_note": ("What was noted", "meta.note"),
    "reviewed_by": ("Who endorsed or dismissed it, or else spoke of it last", "meta.curation"),
    "reviewed_at": ("When, UTC", "time.processing"),
    "review_class": ("Class it belongs to after merging", "meta.id.parent"),
    "review_part": ("Part of its class, where that was split", "meta.code.class"),
}
"""Description and UCD of each column here."""


def _field(name: str, kind: pa.DataType) -> pa.Field:
    description, ucd = _WORDS[name]
    return pa.field(name, kind, metadata={"description": description, "ucd": ucd})


_TEXT = ("kind", "class_id", "id_str", "text", "others", "parts")
REVIEWS_SCHEMA = pa.schema(
    [
        _field("number", pa.int64()),
        *(_field(name, pa.string()) for name in _TEXT),
        _field("undoes", pa.int64()),
        *(_field(name, pa.string()) for name in ("who", "when")),
        *(_field(name, pa.bool_()) for name in ("undone", "in_run")),
    ]
)
"""``reviews``: one row an action, in order. ``in_run``: the class it is about, if it is about
one, is one of the run's."""

COLUMNS = ("review", "review_name", "review_note", "reviewed_by", "reviewed_at")
"""Added to ``classes`` and ``members``. Several notes are joined by a line break."""


def as_tables(reviews: Reviews, run: Path) -> dict[str, pa.Table]:
    """Reviews as ``reviews`` (``REVIEWS_SCHEMA``), and ``classes`` and ``members`` of the run with
    ``COLUMNS``.

    ``classes`` has ``review_class`` too, the class it was merged into or itself. ``members`` has
    ``review_class``, ``review_part``, and behind the members of each class the endorsed sources
    that the search left out of it, with ``order`` 0 and no probability; dismissed members stay, and
    say so. A name is that of the part, else of the merged class.

    Raises
    ------
    RunError
        The run's products are missing or damaged.
    """
    known = Known(run)
    return {
        "reviews": _log_table(reviews, known),
        "classes": _classes_table(reviews, read_table(run / "products" / "classes.parquet")),
        "members": _members_table(reviews, known),
    }


def _log_table(reviews: Reviews, known: Known) -> pa.Table:
    columns: dict[str, list[object]] = {
        name: [getattr(a, name) for a in reviews.log]
        for name in ("number", "kind", "class_id", "id_str", "text", "undoes", "who", "when")
    }
    columns["others"] = [_json(a.others) if a.others else "" for a in reviews.log]
    columns["parts"] = [_json(dict(a.parts)) if a.parts else "" for a in reviews.log]
    columns["undone"] = [a.number in reviews.undone for a in reviews.log]
    columns["in_run"] = [not a.class_id or a.class_id in known.classes for a in reviews.log]
    return pa.table({f.name: columns[f.name] for f in REVIEWS_SCHEMA}, schema=REVIEWS_SCHEMA)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _classes_table(reviews: Reviews, classes: pa.Table) -> pa.Table:
    ids = classes["class_id"].to_pylist()
    found = [reviews.of_class(class_id) for class_id in ids]
    columns = _columns(found, [_root(reviews, i).name for i in ids])
    return _with(classes, {**columns, "review_class": [_root(reviews, i).class_id for i in ids]})


def _root(reviews: Reviews, class_id: str) -> ClassReview:
    """The class that a class was merged into in the end."""
    seen = {class_id}
    found = reviews.of_class(class_id)
    while found.merged_into and found.merged_into not in seen:
        seen.add(found.merged_into)
        found = reviews.of_class(found.merged_into)
    return found


def _members_table(reviews: Reviews, known: Known) -> pa.Table:
    members = _with_endorsed(reviews, known)
    pairs = list(zip(members["class_id"].to_pylist(), members["id_str"].to_pylist(), strict=True))
    part = {
        (c.class_id, m): name for c in reviews.classes.values() for name, ms in c.parts for m in ms
    }
    roots = [_root(reviews, class_id) for class_id, _ in pairs]
    parts = [
        part.get((root.class_id, m), part.get((c, m), ""))
        for root, (c, m) in zip(roots, pairs, strict=True)
    ]
    names = [p or root.name for p, root in zip(parts, roots, strict=True)]
    said = {name: reviews.said(name) for name in {root.class_id for root in roots}}
    found = [
        said[root.class_id].get(m, SourceReview(c, m))
        for root, (c, m) in zip(roots, pairs, strict=True)
    ]
    columns = _columns(found, names)
    own = {"review_class": [root.class_id for root in roots], "review_part": parts}
    return _with(members, {**columns, **own})


def _with_endorsed(reviews: Reviews, known: Known) -> pa.Table:
    """The catalog of members with the endorsed sources that are in none of their class, nor of
    those that are one with it."""
    members = read_table(known.run / "products" / "members.parquet")
    added = []
    for root in sorted({_root(reviews, class_id).class_id for class_id, _ in reviews.sources}):
        inside = {m for c in reviews.whole(root) for m in known.classes.get(c, ())}
        added += [
            (s.class_id, s.id_str)
            for s in reviews.held(root).values()
            if s.review == "endorsed" and s.class_id in known.classes
            and s.id_str in known.sources and s.id_str not in inside
        ]  # fmt: skip
    added.sort()
    if not added:
        return members
    sources = read_table(known.run / "sources" / "sources.parquet")
    row = rows_named(sources["id_str"], [m for _, m in added])
    at = sources.take(pa.array([row[m] for _, m in added], pa.int64()))
    known_of = {"class_id": [c for c, _ in added], "id_str": [m for _, m in added]}
    for name in ("ra", "dec"):
        if name in at.column_names:
            known_of[name] = at[name].cast(pa.float64()).to_pylist()
    new = pa.table(
        {f.name: known_of.get(f.name, [_nothing(f.type)] * len(added)) for f in members.schema},
        schema=members.schema,
    )
    both = pa.concat_tables([members, new])
    rank = {class_id: i for i, class_id in enumerate(known.classes)}
    places = [rank.get(c, len(rank)) for c in both["class_id"].to_pylist()]
    order = sorted(range(len(both)), key=lambda i: places[i])  # stable: added ones last
    return both.take(pa.array(order, pa.int64()))


def _nothing(kind: pa.DataType) -> object:
    if pa.types.is_boolean(kind):
        return False
    return 0 if pa.types.is_integer(kind) else None


def _columns(
    found: Sequence[ClassReview] | Sequence[SourceReview], names: Sequence[str]
) -> dict[str, list[str]]:
    return {
        "review": [one.review for one in found],
        "review_name": list(names),
        "review_note": ["\n".join(note.text for note in one.notes) for one in found],
        "reviewed_by": [one.who for one in found],
        "reviewed_at": [one.when for one in found],
    }


def _with(table: pa.Table, columns: Mapping[str, Sequence[str]]) -> pa.Table:
    for name, values in columns.items():
        table = table.append_column(_field(name, pa.string()), pa.array(values, pa.string()))
    return table
