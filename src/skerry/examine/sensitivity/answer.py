"""In which settings of the search does a class live?

The search is made again on the run's own cached neighbor graph with other settings, and each
class is looked for among the candidates: which settings keep it, and which split, merge or lose it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from skerry.answer import Answer
from skerry.examine.searching.searches import (
    UMAP,
    Compress,
    by_umap,
    candidates,
    cores,
    surrogates_of,
)
from skerry.examine.searching.sweeps import (
    TOGETHER,
    Setting,
    other_settings,
    overlaps,
    own_settings,
    sweep,
)
from skerry.examine.sensitivity.lineages import Lineage, fate, lineage, lineage_plot
from skerry.examine.sensitivity.regions import Region, regions, table_of_regions
from skerry.examine.sensitivity.survival import admitted, lifetimes, null_lifetimes, null_shares
from skerry.examine.sensitivity.tables import (
    SENSITIVITY_SCHEMA,
    class_rows,
    lineage_table,
    links_table,
    null_table,
    overlaps_table,
    settings_table,
)
from skerry.examine.sensitivity.words import CAVEAT, class_plot, notes, of_class, sentence
from skerry.examine.settings import ExamineConfig
from skerry.examine.subject import Subject
from skerry.types import IntArray

QUESTION = "sensitivity"


def sensitivity(subject: Subject, settings: ExamineConfig, compress: Compress = by_umap) -> Answer:
    """Each class in other settings of the search, beside what lives there of featureless data.

    All settings that need no other embedding are tried: of the route ``graph`` the number of
    neighbors ``k`` by ``min_size``, of ``umap-hdbscan`` ``min_samples`` by ``min_size``, and
    ``max_share`` alone. Where there are no more than
    ``settings.umap_sources`` sources UMAP is run with other ``n_neighbors``, ``n_components``,
    ``min_dist`` and seeds. A class is found again where a candidate overlaps all its members, or
    those that it was judged by, by 0.5 (Jaccard) or more. Up to ``settings.nulls`` draws of each
    kind of featureless data are searched with all settings of the run's route, no more than give
    60 candidates, to tell how long groups of chance live. ``compress`` stands in for UMAP.

    Raises
    ------
    CannotAnswerError
        There is no class.
    """
    subject.require_classes()
    space, config, n = subject.space, subject.config, len(subject)
    umap = n <= settings.umap_sources
    own = own_settings(space, config)
    tried = own + other_settings(space, config, umap)
    found = sweep(space, subject.embedding.coordinates, config.embedding, tried, compress)
    judged, groups = cores(subject), subject.members
    ids = [rare.class_id for rare in subject.classes]
    overlap = overlaps(judged, groups, found)
    allowed = admitted(judged, groups, tried, n)
    others = slice(1, len(own))
    share = lifetimes(overlap[:, others], allowed[:, others])
    # a run by umap-hdbscan needs a new embedding of each draw
    number = settings.nulls if umap or config.clusters.route != UMAP else 0
    at_own = candidates(space, subject.embedding.coordinates, config)
    surrogates, _ = surrogates_of(subject, at_own)
    nulls = null_lifetimes(surrogates, config, own, number, compress)
    fates = [
        [fate(rows, there, overlap[i, j], bool(allowed[i, j]), n) for j, there in enumerate(found)]
        for i, rows in enumerate(groups)
    ]
    lived = regions(ids, tried, fates)
    rows = class_rows(ids, groups, fates, allowed, share, null_shares(share, nulls), len(own))
    lineages = [_along(name, own, found, groups, n) for name in TOGETHER[own[0].route]]
    expected = null_table(subject, nulls)
    return Answer(
        QUESTION,
        sentence(rows, tried, len(own), found, expected.to_pylist(), settings.alpha),
        CAVEAT,
        {
            "sensitivity": pa.Table.from_pylist(rows, schema=SENSITIVITY_SCHEMA),
            "settings": settings_table(tried, found, fates, allowed),
            "overlaps": overlaps_table(ids, overlap, fates),
            "regions": table_of_regions(lived),
            "nulls": expected,
            "lineage": lineage_table(lineages, ids),
            "links": links_table(lineages),
        },
        plots=tuple(lineage_plot(one, ids) for one in lineages),
        of_class={
            str(row["class_id"]): of_class(row, own[0].route, _of(lived, str(row["class_id"])))
            for row in rows
        },
        class_plots={
            name: class_plot(name, own, overlap[i, : len(own)]) for i, name in enumerate(ids)
        },
        notes=notes(subject, tried, umap, number, settings, nulls),
    )


def _of(lived: Sequence[Region], class_id: str) -> list[Region]:
    return [region for region in lived if region.class_id == class_id]


def _along(
    name: str,
    own: Sequence[Setting],
    found: Sequence[Sequence[IntArray]],
    groups: Sequence[IntArray],
    n: int,
) -> Lineage:
    picked = [j for j, setting in enumerate(own) if set(setting.changed) <= {name}]
    picked.sort(key=lambda j: own[j].value(name))
    values = [own[j].value(name) for j in picked]
    return lineage(name, values, own[0].value(name), [found[j] for j in picked], groups, n)
