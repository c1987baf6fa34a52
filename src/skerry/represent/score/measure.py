"""From the vectors of each way of looking at the same galaxies to rows of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from skerry.represent.dimensions import effective_dimensions
from skerry.represent.score import probe as probing
from skerry.represent.score import votes as voting
from skerry.represent.score.bootstrap import crossed_interval, mean_interval, wilson
from skerry.represent.score.invariance import ranks
from skerry.represent.score.result import (
    ENCODER,
    MEAN,
    PIXELS,
    RIDGE,
    SHUFFLED,
    UNTRAINED,
    Row,
    Section,
)
from skerry.represent.score.retrieval import ARTIFACTS, retrieve, retrieve_artifacts, shuffled
from skerry.represent.trees.schema import Schema
from skerry.types import IntArray

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Vectors = Mapping[str, Floats]
"""Vectors (n, d) by way; rows are the same galaxies in each."""


def retrieval(vectors: Vectors, kinds: Mapping[str, Bools], seed: int) -> list[Row]:
    """Enrichment and mean average precision of each kind, by each way and by chance."""
    rows = []
    for kind, mask in kinds.items():
        n = int(mask.sum())
        for way, found in vectors.items():
            got = retrieve(found, mask)
            bounds = mean_interval(got.enrichment, seed)
            mean = float(got.enrichment.mean())
            rows.append(Row("enrichment", kind, way, n, mean, *bounds, got.ceiling))
            bounds = mean_interval(got.precision, seed)
            rows.append(Row("precision", kind, way, n, float(got.precision.mean()), *bounds))
        enrichment, precision = shuffled(vectors[ENCODER], mask, seed)
        bounds = mean_interval(enrichment, seed)
        mean = float(enrichment.mean())
        rows.append(Row("enrichment", kind, SHUFFLED, n, mean, *bounds, got.ceiling))
        bounds = mean_interval(precision, seed)
        rows.append(Row("precision", kind, SHUFFLED, n, float(precision.mean()), *bounds))
    return rows


def of_artifacts(vectors: Vectors, artifacts: Vectors, seed: int) -> list[Row]:
    """Enrichment of artifacts that are mixed in, by each way."""
    rows = []
    for way, found in vectors.items():
        values, ceiling = retrieve_artifacts(found, artifacts[way], seed)
        bounds = crossed_interval(values, seed)
        mean = float(values.mean())
        rows.append(Row("artifacts", "artifact", way, ARTIFACTS, mean, *bounds, ceiling))
    return rows


def probes(vectors: Vectors, kinds: Mapping[str, Bools], seed: int) -> list[Row]:
    """Area under the curve from few labels for each kind with enough members, by each way."""
    rows = []
    rng = np.random.default_rng(seed)
    for kind, mask in kinds.items():
        shuffle = rng.permutation(len(mask))
        for labels in probing.LABELS:
            if not probing.possible(mask, labels):
                continue
            ways = {w: (v, mask) for w, v in vectors.items()}
            ways[SHUFFLED] = (vectors[ENCODER], mask[shuffle])
            for way, (found, of_kind) in ways.items():
                got = probing.probe(found, of_kind, labels, seed)
                subject = f"{kind}, {labels} labels"
                n = int(mask.sum())
                rows.append(Row("probe", subject, way, n, got.auc, got.low, got.high))
    return rows


def invariance(
    originals: Vectors, twins: Mapping[str, Mapping[str, Floats]], chosen: IntArray
) -> list[Row]:
    """Share of twins whose original is found first, and among the first five.

    ``twins`` by change, then by way: vectors of ``originals[way][chosen]``, changed.
    """
    rows = []
    for change, by_way in twins.items():
        for way, vectors in by_way.items():
            place = ranks(vectors, originals[way], chosen)
            within: tuple[tuple[Section, int], ...] = (("first", 1), ("top5", 5))
            for section, limit in within:
                hits, n = int((place <= limit).sum()), len(place)
                rows.append(Row(section, change, way, n, hits / n, *wilson(hits, n)))
    return rows


def dimensions(vectors: Vectors) -> list[Row]:
    """Effective dimensions of each way's vectors."""
    return [
        Row("dimensions", "vectors", way, len(found), effective_dimensions(found))
        for way, found in vectors.items()
    ]


def vote_error(
    truth: Floats,
    schema: Schema,
    heads: Vectors,
    vectors: Vectors,
    fit: tuple[Vectors, Floats] | None,
    seed: int,
) -> list[Row]:
    """Error of the fractions ``truth`` (n, columns) by each way.

    Parameters
    ----------
    heads
        Fractions that heads expect, with NaN for answers without one, by way.
    vectors
        To predict fractions from by ridge regression, by way.
    fit
        Vectors of other galaxies, by way, and their fractions; None for heads alone.
    """
    expected = dict(heads)
    if fit is not None:
        others, votes = fit
        rng = np.random.default_rng(seed)
        for way in (ENCODER, UNTRAINED, PIXELS):
            if way in others:
                name = RIDGE if way == ENCODER else way
                expected[name] = voting.ridge(others[way], votes, vectors[way])
        exchanged = votes[rng.permutation(len(votes))]
        expected[SHUFFLED] = voting.ridge(others[ENCODER], exchanged, vectors[ENCODER])
        own = heads[ENCODER]
        expected[ENCODER] = np.where(np.isnan(own), expected[RIDGE], own)
    expected[MEAN] = np.broadcast_to(truth.mean(0), truth.shape)
    known = np.asarray(~np.isnan(heads[ENCODER]).any(0))
    groups = voting.groups(schema, [c for c, k in zip(schema.columns, known, strict=True) if k])
    rows = []
    for way, found in expected.items():
        for group, (value, low, high) in voting.rmse(found, truth, groups, seed).items():
            rows.append(Row("votes", group, way, len(truth), value, low, high))
    order: Sequence[str] = list(groups)
    return sorted(rows, key=lambda r: order.index(r.subject))
