"""What each stage of a run does, in the order of the data's way through."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from skerry.context import Context
from skerry.discover import embed, largest_size, neighbor_graph, neighbor_search
from skerry.discover.joining import joined_graph
from skerry.discover.neighbors import NeighborSearch
from skerry.encoding import Shards
from skerry.errors import InputError
from skerry.gathering import findings_of
from skerry.publish import (
    PAGES,
    shown_ids,
    write_citation,
    write_footprint,
    write_pages,
    write_products,
    write_regions,
    write_report,
    write_sheets,
)
from skerry.represent.encoder import Encoder
from skerry.store import encoded, nouns, write_table
from skerry.store.manifest import versions
from skerry.store.runfolder import clear
from skerry.types import Contract, NeighborGraph

PUBLISHED_WITH = ("astropy", "matplotlib", "mocpy", "numpy", "pyarrow")
"""Libraries that write the products."""


def sources(context: Context, key: str) -> dict[str, Any]:
    """Write the catalog as it was understood."""
    survey = context.survey
    write_table(context.path("sources") / "sources.parquet", survey.sources)
    return {"sources": len(survey.sources), "kind": survey.kind, "columns": dict(survey.choices)}


def representations(context: Context, key: str) -> dict[str, Any]:
    """Encode the shards that are missing, then list the sources that failed."""
    encoder = context.encoder
    counts = _encode_missing(context, "representations", key, encoder, context.contract)
    _stop_if_too_few(counts["represented"], context)
    return {**counts, "encoder": encoder.name if encoder else "given"}


def second(context: Context, key: str) -> dict[str, Any]:
    """Encode all again by a second encoder, where one is set."""
    encoder = context.second_encoder
    if encoder is None:
        clear(context.path("second"))
        return {"encoder": "none"}
    counts = _encode_missing(context, "second", key, encoder, context.second_contract)
    return {**counts, "encoder": encoder.name}


def _encode_missing(
    context: Context, stage: str, key: str, encoder: Encoder | None, contract: Contract | None
) -> dict[str, Any]:
    folder, shards = context.path(stage), Shards(context, stage, key, encoder, contract)
    clear(folder, keep=set(shards.paths))
    failures = shards.encode()
    encoded.write_failures(folder / "failures.parquet", failures)
    sides = Counter(side for path in shards.paths for side in encoded.shard_sides(path))
    return {
        "represented": len(context.survey) - len(failures),
        "failed": len(failures),
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


def neighbors(context: Context, key: str) -> dict[str, Any]:
    """Compute the one neighbor graph, of each vector once."""
    vectors, config = context.vectors, context.config.neighbors
    search = neighbor_search(vectors, config)
    graph = _joined_graph(context, search)
    if graph is None:
        graph = neighbor_graph(search, config, on_event=context.on_event)
    folder = context.path("neighbors")
    nouns.write_graph(folder, graph, context.searched)
    nouns.write_copies(folder / "copies.parquet", context.copies)
    copies = len(context.representations) - len(vectors)
    k = graph.indices.shape[1]
    return {"k": k, "recall": graph.recall, "exact": search.exact, "copies": copies}


def _joined_graph(context: Context, search: NeighborSearch) -> NeighborGraph | None:
    """The graph made from that of the run that is added to; None where all are to be searched."""
    config = context.config.neighbors
    # on a GPU every pair is compared sooner than the new are here
    if context.earlier is None or not search.exact or config.device != "cpu":
        return None
    ids, places = context.representations.id_str, context.places.tolist()
    known = context.earlier.graph(ids, places, config)
    if known is None:
        return None
    found = joined_graph(search, known, config, on_event=context.on_event)
    context.folder.log("graph", known=len(known.rows))
    return found


def embedding(context: Context, key: str) -> dict[str, Any]:
    """Compress with UMAP; sources with the same vector get the same place."""
    space, ids = context.space, context.representations.id_str
    found = embed(space, context.config.embedding, on_event=context.on_event)
    place = context.places
    everyone = replace(found, coordinates=found.coordinates[place], map=found.map[place])
    nouns.write_embedding(context.path("embedding") / "embedding.parquet", everyone, ids)
    counts = {"dimensions": found.coordinates.shape[1], "spectral": found.spectral}
    if not found.placed:
        return counts
    return {**counts, "fitted": len(space) - found.placed, "placed": found.placed}


def products(context: Context, key: str) -> dict[str, Any]:
    """Write tables, regions, the footprint, what to cite, contact sheets and the report."""
    context.space.forget_all()  # no product asks for them
    findings = findings_of(context)
    folder = context.path("products")
    context.on_event("publishing", 0, 3)
    write_products(findings, folder)
    write_regions(findings, folder / "regions")
    write_footprint(findings, folder)
    encoders = [e for e in (context.encoder, context.second_encoder) if e is not None]
    write_citation(findings, encoders, {**versions(PUBLISHED_WITH), **findings.provenance}, folder)
    context.on_event("publishing", 1, 3)
    cutouts = context.views(shown_ids(findings))
    images = None if context.encoder is None else cutouts
    if images is not None:
        write_sheets(findings, images, folder / "sheets")
    write_pages(findings, images, folder / PAGES)
    context.on_event("publishing", 2, 3)
    write_report(findings, images, context.folder.path / "report.html")
    context.on_event("publishing", 3, 3)
    return {"classes": len(findings.classes), "failures": len(findings.failures)}
