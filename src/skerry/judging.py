"""The stage that judges what the searches found, and names it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from skerry.context import Context
from skerry.discover import rare_classes
from skerry.discover.assemble import Judged, Repeated, judge_all, repeated_of, whole_classes
from skerry.discover.classes import Found
from skerry.discover.complete import Whole
from skerry.discover.lineage import class_name, inherit
from skerry.discover.replicate import came_along
from skerry.searching import candidates_found, read_nulls, variants
from skerry.store import nouns
from skerry.types import Candidate, FloatArray, Measures, RareClass, Replicate


def classes(context: Context, key: str) -> dict[str, Any]:
    """Measure the candidates, hold them against nulls and repeated searches, name them."""
    config, space, data = context.config, context.space, context.representations
    context.on_event("judging", 0, 1)
    candidates, measures = candidates_found(context)
    repeated = _repeated(context)
    judged = judge_all(
        candidates,
        measures,
        space,
        config,
        read_nulls(context),
        repeated,
        context.second_space,
    )
    whole = whole_classes(candidates, judged, space, config)
    found = rare_classes(
        [
            _with_copies(f, context)
            for f in _named(context, candidates, measures, judged, whole, repeated)
        ],
        data.id_str,
        data.votes,
        data.vote_columns,
        config.classes,
        config.clusters.route,
    )
    context.on_event("judging", 1, 1)
    nouns.write_classes(context.path("classes") / "classes.json", found)
    return _counts(found, len(data))


def _counts(found: list[RareClass], n: int) -> dict[str, Any]:
    verdicts = [rare.verdict for rare in found]
    inside = {m for rare in found if rare.verdict != "rejected" for m in rare.members}
    named = {v: verdicts.count(v) for v in ("confirmed", "tentative", "rejected", "unjudged")}
    shown = {verdict: count for verdict, count in named.items() if count or verdict == "confirmed"}
    return {**shown, "members": len(inside), "unclustered": n - len(inside)}


def _repeated(context: Context) -> Repeated | None:
    made: list[Replicate] = []
    for plan in variants(context, context.config):
        path = context.path("replication") / f"{plan.name}.parquet"
        made.append(nouns.read_replicate(path, plan.name, plan.kind, plan.rows))
    return repeated_of(made)


def _named(
    context: Context,
    candidates: list[Candidate],
    measures: Measures,
    judged: list[Judged],
    whole: list[Whole | None],
    repeated: Repeated | None,
) -> list[Found]:
    """What is to be shown, under its names; pieces of other classes are not."""
    ids, copies = context.searched, context.copies
    shown = [(i, w) for i, w in enumerate(whole) if w is not None]
    members = [
        [name for row in w.members for name in (ids[row], *copies.get(ids[row], ()))]
        for _, w in shown
    ]
    proposed = [(class_name(names[0]), names) for names in members]
    previous, previous_ids = context.previous
    ids_here = set(context.representations.id_str) if previous_ids else set()
    named = inherit(proposed, previous, ids_here, previous_ids)
    return [
        Found(
            _extended(candidates[i], w),
            name.class_id,
            overdensity=float(measures.overdensity[i]),
            isolation=float(measures.isolation[i]),
            containment=float(measures.containment[i]),
            history=name.history,
            judgement=judged[i].judgement,
            replication=again.share if (again := judged[i].replicated) else None,
            returned=_returned(judged[i], w, repeated),
            core=len(w.core),
        )
        for (i, w), name in zip(shown, named, strict=True)
    ]


def _extended(candidate: Candidate, whole: Whole) -> Candidate:
    """The candidate with what completes it, as deep in it as its outermost member."""
    least = candidate.probability.min(initial=1.0)
    outer = np.full(len(whole.added), least, np.float32)
    return replace(
        candidate,
        members=whole.members,
        probability=np.concatenate([candidate.probability, outer]),
    )


def _returned(judged: Judged, whole: Whole, repeated: Repeated | None) -> FloatArray | None:
    """How often each member came back in repeated searches, what completes the class included."""
    if judged.replicated is None or repeated is None:
        return None
    added = came_along(whole.core, whole.added, repeated.variants)
    return np.concatenate([judged.replicated.member_probability, added]).astype(np.float32)


def _with_copies(found: Found, context: Context) -> Found:
    """The same with rows of all sources, each followed by those that have its very vector."""
    firsts, ends = context.firsts, context.representations.ends
    members = found.candidate.members
    rows = [np.arange(firsts[m], ends[m]) for m in members]
    times = [len(part) for part in rows]
    candidate = Candidate(
        np.concatenate(rows),
        np.repeat(found.candidate.probability, times),
        found.candidate.persistence,
    )
    returned = None if found.returned is None else np.repeat(found.returned, times)
    core = None if found.core is None else sum(times[: found.core])
    return replace(found, candidate=candidate, returned=returned, core=core)
