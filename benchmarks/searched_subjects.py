"""Subjects for questions, of vectors that are searched and judged in memory."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from skerry.config import Config
from skerry.discover.find import Searched, find
from skerry.discover.reduce import coordinates_of
from skerry.examine import Subject
from skerry.types import Embedding, FloatArray, RareClass


def searched_subject(vectors: FloatArray, config: Config) -> tuple[Subject, Searched]:
    """The subject of a search of vectors (n, d), every candidate a class, and the search.

    Row i of the subject is row ``Searched.rows[i]`` of the vectors; classes are in the order of
    the search's candidates.
    """
    searched = find(vectors, config)
    space = searched.space
    coordinates = coordinates_of(space, config.embedding)
    names = tuple(f"s{i:05d}" for i in range(len(space)))
    classes = tuple(_class(names, searched, i) for i in range(len(searched.candidates)))
    subject = Subject(
        ids=names,
        space=space,
        classes=classes,
        members=tuple(c.members for c in searched.candidates),
        config=config,
        embedding=Embedding(coordinates, coordinates[:, :2]),
        votes=np.zeros((len(space), 0), np.float32),
    )
    return subject, searched


def _class(names: Sequence[str], searched: Searched, i: int) -> RareClass:
    candidate, judgement = searched.candidates[i], searched.judged[i].judgement
    members = tuple(names[row] for row in candidate.members)
    return RareClass(
        class_id=f"SKR-{i}",
        rank=i + 1,
        members=members,
        probability=(1.0,) * len(members),
        exemplars=members[:1],
        persistence=candidate.persistence,
        route="",
        verdict=judgement.verdict,
        p_value=judgement.p,
        q_value=judgement.q,
        containment=float(searched.measures.containment[i]),
        isolation=float(searched.measures.isolation[i]),
        core=len(members),
    )


def of_run(
    run: Path, catalog: Path
) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.str_]]]:
    """The vectors of a run on a simulated survey, and the kind that each source is."""
    with catalog.open(newline="") as file:
        kinds = {row["id_str"]: row["truth_kind"] for row in csv.DictReader(file)}
    ids, vectors = [], []
    for path in sorted((run / "representations").glob("shard-*.parquet")):
        table = pq.read_table(path, columns=["id_str", "representation"])
        ids += table["id_str"].to_pylist()
        vectors += table["representation"].to_pylist()
    return np.array(vectors, np.float32), np.array([kinds[name] for name in ids])
