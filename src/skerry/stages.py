"""What each stage of a run does, in the order of the data's way through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from skerry.config import ASSUMED
from skerry.context import Context, provenance, warnings
from skerry.discover import (
    centered,
    cluster,
    distinctive,
    embed,
    find_candidates,
    largest_size,
    neighbor_graph,
    rare_classes,
)
from skerry.errors import InputError, TooManyFailuresError
from skerry.publish import Findings, shown_ids, write_products, write_report, write_sheets
from skerry.represent.encode import encode, given
from skerry.store import nouns, write_table
from skerry.store.runfolder import clear
from skerry.types import Failure


def sources(context: Context, key: str) -> dict[str, Any]:
    """Write the catalog as it was understood."""
    survey = context.survey
    write_table(context.path("sources") / "sources.parquet", survey.sources)
    return {"sources": len(survey.sources), "kind": survey.kind, "columns": dict(survey.choices)}


def representations(context: Context, key: str) -> dict[str, Any]:
    """Encode the shards that are missing, then list the sources that failed."""
    folder, survey, config = context.path("representations"), context.survey, context.config
    total, size = len(survey.sources), config.representations.shard_size
    rows = [range(s, min(s + size, total)) for s in range(0, total, size)]
    paths = [nouns.shard_path(folder, i) for i in range(len(rows))]
    clear(folder, keep=set(paths))
    kept = [i for i, path in enumerate(paths) if nouns.shard_key(path) == key]
    missing = sorted(set(range(len(rows))) - set(kept))
    failures = [f for i in kept for f in nouns.shard_failures(paths[i])]
    _stop_if_too_many(failures, total, context)
    done = sum(len(rows[i]) for i in kept)
    context.on_event("encoding", done, total)

    def on_event(encoded: int) -> None:
        context.on_event("encoding", done + encoded, total)

    todo, encoder = [rows[i] for i in missing], context.encoder
    stream = (
        given(survey, todo, on_event=on_event)
        if encoder is None
        else encode(
            survey, encoder, todo, contract=context.contract, crop=config.representations.crop,
            threads=context.threads, on_event=on_event,
        )
    )  # fmt: skip
    for position, part in stream:
        nouns.write_shard(paths[missing[position]], part, key)
        failures += part.failures
        _stop_if_too_many(failures, total, context)
    nouns.write_failures(folder / "failures.parquet", failures)
    _stop_if_too_few(total - len(failures), context)
    sides = Counter(side for path in paths for side in nouns.shard_sides(path))
    return {
        "represented": total - len(failures),
        "failed": len(failures),
        "encoder": encoder.name if encoder else "given",
        "sides": {str(side): n for side, n in sides.most_common() if side},
    }


def _stop_if_too_few(represented: int, context: Context) -> None:
    largest_size(represented, context.config.classes)
    needed = context.config.neighbors.k + 1
    if represented < needed:
        raise InputError(
            f"only {represented} sources could be read; a graph of {needed - 1} neighbors needs "
            f"{needed}: see {context.path('representations') / 'failures.parquet'}"
        )


def _stop_if_too_many(failures: Sequence[Failure], total: int, context: Context) -> None:
    allowed = context.config.sources.max_failed
    if len(failures) <= allowed * total:
        return
    path = context.path("representations") / "failures.parquet"
    nouns.write_failures(path, failures)
    common = Counter(failure.reason for failure in failures).most_common(1)[0][0]
    example = next(failure for failure in failures if failure.reason == common)
    raise TooManyFailuresError(
        f"{len(failures)} of {total} sources could not be read, more than the allowed share "
        f"{allowed:g}; the most common reason: {common} (as {example.location}). All are listed "
        f"in {path}. Mend the input, or raise sources.max_failed"
    )


def neighbors(context: Context, key: str) -> dict[str, Any]:
    """Compute the one neighbor graph."""
    data = context.representations
    graph = neighbor_graph(data.vectors, context.config.neighbors, on_event=context.on_event)
    nouns.write_graph(context.path("neighbors"), graph, data.id_str)
    return {"k": graph.indices.shape[1], "recall": graph.recall}


def embedding(context: Context, key: str) -> dict[str, Any]:
    """Compress with UMAP."""
    data = context.representations
    graph = nouns.read_graph(context.path("neighbors"))
    found = embed(data.vectors, graph, context.config.embedding, on_event=context.on_event)
    nouns.write_embedding(context.path("embedding") / "embedding.parquet", found, data.id_str)
    return {"dimensions": found.coordinates.shape[1], "spectral": found.spectral}


def clusters(context: Context, key: str) -> dict[str, Any]:
    """Cluster with HDBSCAN."""
    data = context.representations
    found = nouns.read_embedding(context.path("embedding") / "embedding.parquet")
    result = cluster(found, context.config.clusters, on_event=context.on_event)
    nouns.write_clusters(context.path("clusters"), result, data.id_str)
    return {"clusters": int(result.labels.max(initial=-1)) + 1}


def classes(context: Context, key: str) -> dict[str, Any]:
    """Keep the small local branches of the tree."""
    data = context.representations
    tree = nouns.read_clusters(context.path("clusters")).tree
    candidates = centered(find_candidates(tree, context.config.classes), data.vectors)
    found = rare_classes(
        candidates, data.id_str, data.votes, data.vote_columns, context.config.classes
    )
    nouns.write_classes(context.path("classes") / "classes.json", found)
    members = sum(rare.size for rare in found)
    return {"classes": len(found), "members": members, "unclustered": len(data) - members}


def products(context: Context, key: str) -> dict[str, Any]:
    """Write tables, contact sheets and the report."""
    data = context.representations
    found = nouns.read_classes(context.path("classes") / "classes.json")
    placed = nouns.read_embedding(context.path("embedding") / "embedding.parquet")
    findings = Findings(
        classes=found,
        sources=context.survey.sources,
        ids=data.id_str,
        map=placed.map,
        distinctive=distinctive(found, data.votes, data.vote_columns),
        failures=nouns.read_failures(context.path("representations") / "failures.parquet"),
        n_sources=len(context.survey.sources),
        config=context.config,
        assumed=ASSUMED.get(context.config.preset, ()),
        provenance=provenance(
            context, ("representations", "neighbors", "embedding", "clusters", "classes")
        ),
        warnings=tuple(warnings(context)),
    )
    folder = context.path("products")
    context.on_event("publishing", 0, 3)
    write_products(findings, folder)
    context.on_event("publishing", 1, 3)
    cutouts = context.views(shown_ids(findings))
    images = None if context.encoder is None else cutouts
    if images is not None:
        write_sheets(findings, images, folder / "sheets")
    context.on_event("publishing", 2, 3)
    write_report(findings, images, context.folder.path / "report.html")
    context.on_event("publishing", 3, 3)
    return {"classes": len(found), "failures": len(findings.failures)}
