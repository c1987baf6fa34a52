"""Small subjects made of arrays, for tests of the questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skerry.config import Config, from_mapping
from skerry.discover import space_of
from skerry.discover.order import distinct_rows
from skerry.examine import Subject
from skerry.survey import Attributes
from skerry.types import DoubleArray, Embedding, FloatArray, IntArray, RareClass

SMALL = from_mapping(
    {
        "neighbors": {"k": 15},
        "embedding": {"n_neighbors": 10, "n_components": 2, "epochs": 30},
        "nulls": {"n": 5, "scales": "2"},
        "replication": {"subsamples": 2, "seeds": 0},
        "classes": {"min_size": 8, "max_share": 0.1},
    }
)


def subject_of(
    vectors: FloatArray,
    groups: Sequence[IntArray],
    numbers: Mapping[str, DoubleArray] | None = None,
    words: Mapping[str, Sequence[str]] | None = None,
    positions: DoubleArray | None = None,
    votes: FloatArray | None = None,
    vote_columns: Sequence[str] = (),
    config: Config = SMALL,
    ids: Sequence[str] | None = None,
) -> Subject:
    """The subject of a run on ``vectors`` (n, d) whose classes are ``groups`` of rows.

    All that is given is by row of ``vectors``, in any order; the subject's rows are in canonical
    order, as a run's are. Ids are ``s000``... by row of ``vectors`` unless given.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    rows = distinct_rows(vectors)
    place = {int(row): i for i, row in enumerate(rows)}
    names = [f"s{i:03d}" for i in range(len(vectors))] if ids is None else list(ids)
    members = tuple(np.array([place[int(r)] for r in group], np.int64) for group in groups)
    classes = tuple(
        RareClass(
            class_id=f"SKR-{names[int(group[0])]}",
            rank=i + 1,
            members=tuple(names[int(r)] for r in group),
            probability=(1.0,) * len(group),
            exemplars=(names[int(group[0])],),
            persistence=0.5,
            route="graph",
            verdict="confirmed",
            core=len(group),
        )
        for i, group in enumerate(groups)
    )
    n = len(rows)
    return Subject(
        ids=tuple(names[int(r)] for r in rows),
        space=space_of(vectors[rows], config.neighbors),
        classes=classes,
        members=members,
        config=config,
        embedding=Embedding(np.zeros((n, 2), np.float32), np.zeros((n, 2), np.float32)),
        votes=np.zeros((n, 0), np.float32) if votes is None else votes[rows],
        vote_columns=tuple(vote_columns),
        attributes=Attributes(
            {k: np.asarray(v, np.float64)[rows] for k, v in (numbers or {}).items()},
            {k: np.array(list(v), dtype=object)[rows] for k, v in (words or {}).items()},
        ),
        positions=None if positions is None else positions[rows],
    )
