"""What each stage of a run does, in the order of the data's way through."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from skerry.config import ASSUMED, Config
from skerry.discover import (
    canonical_order,
    centered,
    cluster,
    distinctive,
    embed,
    find_candidates,
    neighbor_graph,
    rare_classes,
)
from skerry.errors import InputError, TooManyFailuresError
from skerry.progress import OnEvent
from skerry.publish import Findings, write_products, write_report, write_sheets
from skerry.represent.encode import encode, given
from skerry.represent.encoder import Encoder, load
from skerry.store import nouns, write_table
from skerry.store.runfolder import RunFolder
from skerry.survey import Survey, view
from skerry.types import ByteArray, Failure, Representations

VIEW_SIZE = 128
"""Side in pixels of the cutouts in sheets and report."""


@dataclass
class Context:
    """What the stages of one run share; each noun is read once, when first asked for."""

    folder: RunFolder
    survey: Survey
    config: Config
    on_event: OnEvent

    def path(self, stage: str) -> Path:
        """The folder of a stage."""
        return self.folder.path / stage

    @cached_property
    def encoder(self) -> Encoder | None:
        """The encoder, None for a table of representations."""
        if self.survey.kind == "vectors":
            return None
        return load(self.config.representations.encoder)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row of each id in the catalog."""
        return {i: row for row, i in enumerate(self.survey.sources["id_str"].to_pylist())}

    @cached_property
    def representations(self) -> Representations:
        """All representations in canonical order: by content, so that names do not matter."""
        found = nouns.read_representations(self.path("representations"))
        order = canonical_order(found.vectors)
        return Representations(
            tuple(found.id_str[i] for i in order),
            found.vectors[order],
            found.votes[order],
            found.sides[order],
            found.vote_columns,
        )


def settings_of(stage: str, context: Context) -> dict[str, Any]:
    """The settings and outside inputs that a stage's files depend on."""
    config = context.config
    if stage == "sources":
        return {**dataclasses.asdict(config.sources), "input": context.survey.fingerprint()}
    if stage == "representations":
        settings = dataclasses.asdict(config.representations)
        del settings["threads"]  # the vectors do not depend on it
        encoder = context.encoder
        return {**settings, "encoder": encoder.sha256 if encoder else None}
    if stage == "products":
        return dataclasses.asdict(config)
    return dataclasses.asdict(getattr(config, stage))


def sources(context: Context, key: str) -> dict[str, Any]:
    """Write the catalog as it was understood."""
    survey = context.survey
    write_table(context.path("sources") / "sources.parquet", survey.sources)
    return {"sources": len(survey.sources), "kind": survey.kind, "columns": dict(survey.choices)}


def representations(context: Context, key: str) -> dict[str, Any]:
    """Encode the shards that are missing, then list the sources that failed."""
    folder, survey, settings = (
        context.path("representations"),
        context.survey,
        context.config.representations,
    )
    total = len(survey.sources)
    starts = range(0, total, settings.shard_size)
    rows = [range(s, min(s + settings.shard_size, total)) for s in starts]
    paths = [nouns.shard_path(folder, i) for i in range(len(rows))]
    for stray in set(folder.glob("*")) - set(paths):
        stray.unlink()
    missing = [i for i, path in enumerate(paths) if nouns.shard_key(path) != key]
    failures = [
        f
        for i, path in enumerate(paths)
        if i not in set(missing)
        for f in nouns.shard_failures(path)
    ]
    done = sum(len(r) for i, r in enumerate(rows) if i not in set(missing))
    _stop_if_too_many(failures, total, context.config)
    context.on_event("encoding", done, total)
    todo = [rows[i] for i in missing]
    encoder = context.encoder
    stream = (
        given(survey, todo)
        if encoder is None
        else encode(
            survey,
            encoder,
            todo,
            crop=settings.crop,
            threads=settings.threads,
            on_event=lambda n: context.on_event("encoding", done + n, total),
        )
    )
    for position, part in stream:
        failures += part.failures
        _stop_if_too_many(failures, total, context.config)
        nouns.write_shard(paths[missing[position]], part, key)
    nouns.write_failures(folder / "failures.parquet", failures)
    if total - len(failures) < context.config.neighbors.k + 1:
        raise InputError(
            f"only {total - len(failures)} of {total} sources could be read; a graph of "
            f"{context.config.neighbors.k} neighbors needs {context.config.neighbors.k + 1}: see "
            f"{folder / 'failures.parquet'}"
        )
    name = encoder.name if encoder else "given"
    return {"represented": total - len(failures), "failed": len(failures), "encoder": name}


def _stop_if_too_many(failures: Sequence[Failure], total: int, config: Config) -> None:
    allowed = config.sources.max_failed
    if len(failures) <= allowed * total:
        return
    reasons: dict[str, int] = {}
    for failure in failures:
        reasons[failure.reason] = reasons.get(failure.reason, 0) + 1
    common = max(reasons, key=lambda r: (reasons[r], r))
    raise TooManyFailuresError(
        f"{len(failures)} of {total} sources could not be read, more than the allowed share "
        f"{allowed:g}; the most common reason: {common} (as {failures[-1].location}). Mend the "
        "input, or raise sources.max_failed"
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
    return {"dimensions": found.coordinates.shape[1]}


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
        distinctive={
            rare.class_id: distinctive(rare, data.votes, data.vote_columns) for rare in found
        },
        failures=nouns.read_failures(context.path("representations") / "failures.parquet"),
        n_sources=len(context.survey.sources),
        config=context.config,
        assumed=ASSUMED.get(context.config.preset, ()),
        provenance=_provenance(context),
        warnings=tuple(warnings(context)),
    )
    images = None if context.encoder is None else lambda ids: _views(context, ids)
    folder = context.path("products")
    context.on_event("publishing", 0, 3)
    write_products(findings, folder)
    context.on_event("publishing", 1, 3)
    if images is not None:
        write_sheets(findings, images, folder / "sheets")
    context.on_event("publishing", 2, 3)
    write_report(findings, images, context.folder.path / "report.html")
    context.on_event("publishing", 3, 3)
    return {"classes": len(found), "failures": len(findings.failures)}


def warnings(context: Context) -> list[str]:
    """What a user must know of how the input was read."""
    found = list(context.survey.notes)
    encoder = context.encoder
    if encoder is None or context.config.representations.crop:
        return found
    sides, counts = np.unique(context.representations.sides, return_counts=True)
    unknown = {
        int(s): int(n)
        for s, n in zip(sides, counts, strict=True)
        if encoder.contract.crop_of(int(s)) is None
    }
    if unknown:
        listed = ", ".join(f"{n} of {s} px" for s, n in list(unknown.items())[:5])
        found.append(
            f"The field of view of {sum(unknown.values())} images ({listed}) is not known; they "
            f"were taken whole. The encoder expects {encoder.contract.field}: if yours show "
            "another field, set representations.crop."
        )
    return found


def _provenance(context: Context) -> dict[str, str]:
    encoder = context.encoder
    described = f"{encoder.name} (SHA-256 {encoder.sha256})" if encoder else "none: vectors given"
    libraries = ("skerry", "umap-learn", "hdbscan", "faiss-cpu", "onnxruntime", "numpy")
    return {
        "input": context.folder.input,
        "encoder": described,
        **{name: importlib.metadata.version(name) for name in libraries},
    }


def _views(context: Context, ids: Sequence[str]) -> dict[str, ByteArray]:
    """Cutouts to look at, by id."""
    survey, encoder = context.survey, context.encoder
    assert encoder is not None
    rows = sorted(context.row_of[i] for i in set(ids))
    places = survey.sources["location"]
    names = survey.sources["id_str"]
    found = {}
    for row, raw in zip(rows, survey.images(rows), strict=True):
        if isinstance(raw, Failure):
            raise InputError(f"{raw.location} could be read before and cannot now: {raw.reason}")
        pixels = view(
            raw,
            places[row].as_py(),
            VIEW_SIZE,
            encoder.contract,
            context.config.representations.crop,
        )
        found[names[row].as_py()] = pixels
    return found
