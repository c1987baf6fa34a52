"""The stages of a run in their order: what to skip, what to redo, where each writes."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skerry import stages
from skerry.config import Config, digest
from skerry.discover import largest_size
from skerry.errors import InputError
from skerry.progress import OnEvent, silent
from skerry.stages import Context
from skerry.store import Manifest, read_manifest, write_manifest
from skerry.store.manifest import NAME, file_digest
from skerry.store.runfolder import claim, open_folder, read_config
from skerry.survey import open_survey

FORMAT = 1
"""Raised whenever a stage would write other bytes for the same input and settings."""


@dataclass(frozen=True)
class Stage:
    """One arrow: what it depends on and the function that writes its folder.

    ``keeps`` marks a stage whose finished parts are units of their own, kept over a restart;
    ``outside`` are files it writes beside its folder, relative to it.
    """

    name: str
    after: tuple[str, ...]
    build: Callable[[Context, str], dict[str, Any]]
    libraries: tuple[str, ...] = ()
    keeps: bool = False
    outside: tuple[str, ...] = ()


STAGES = (
    Stage("sources", (), stages.sources, ("pyarrow", "astropy")),
    Stage(
        "representations",
        ("sources",),
        stages.representations,
        ("onnxruntime", "opencv-python-headless", "pyarrow"),
        keeps=True,
    ),
    Stage("neighbors", ("representations",), stages.neighbors, ("faiss-cpu",)),
    Stage("embedding", ("neighbors",), stages.embedding, ("umap-learn", "numba")),
    Stage("clusters", ("embedding",), stages.clusters, ("hdbscan",)),
    Stage("classes", ("clusters", "representations"), stages.classes),
    Stage(
        "products",
        ("sources", "representations", "embedding", "classes"),
        stages.products,
        ("astropy", "matplotlib", "pyarrow"),
        outside=("../report.html",),
    ),
)


def run(
    input_path: Path, output: Path, config: Config | None = None, *, on_event: OnEvent = silent
) -> dict[str, Any]:
    """Take an input survey to candidate rare classes in the folder ``output``.

    A stage whose inputs and settings are as they were is skipped; anything else is redone, so
    the same call after a kill or with a changed setting does only what is missing.

    Returns
    -------
    dict
        As :func:`status`, with ``warnings`` and, under ``skipped``, the stages left as they were.

    Raises
    ------
    SkerryError
        The input, the settings or the folder cannot be used; each says what to do.
    """
    config = config or Config()
    folder = claim(output, input_path)
    survey = open_survey(input_path, config.sources)
    if len(survey.sources) < config.neighbors.k + 1:
        raise InputError(
            f"{input_path} has {len(survey.sources)} sources; a graph of {config.neighbors.k} "
            f"neighbors needs at least {config.neighbors.k + 1}: add sources or lower neighbors.k"
        )
    largest_size(len(survey.sources), config.classes)
    context = Context(folder, survey, config, on_event)
    skipped = []
    with folder.locked():
        folder.start(config)
        folder.log("columns", **survey.choices)
        done: dict[str, Manifest] = {}
        for stage in STAGES:
            manifest = read_manifest(context.path(stage.name))
            key = _key(stage, context, done)
            if manifest is not None and manifest.key == key:
                skipped.append(stage.name)
            else:
                manifest = _build(stage, context, key, done)
            done[stage.name] = manifest
        warnings = stages.warnings(context)
        folder.log("end", warnings=warnings)
    return {**status(output), "skipped": skipped, "warnings": warnings}


def _key(stage: Stage, context: Context, done: Mapping[str, Manifest]) -> str:
    settings = stages.settings_of(stage.name, context)
    return digest(FORMAT, stage.name, settings, {name: done[name].digest for name in stage.after})


def _build(stage: Stage, context: Context, key: str, done: Mapping[str, Manifest]) -> Manifest:
    path = context.path(stage.name)
    (path / NAME).unlink(missing_ok=True)
    if path.exists() and not stage.keeps:
        shutil.rmtree(path)
    context.folder.log("stage", stage=stage.name, state="started")
    began = time.monotonic()
    counts = stage.build(context, key)
    files = [p for p in sorted(path.rglob("*")) if p.is_file() and p.name != NAME]
    outputs = {p.relative_to(path).as_posix(): file_digest(p) for p in files}
    outputs |= {name: file_digest(path / name) for name in stage.outside}
    manifest = Manifest(
        stage=stage.name,
        key=key,
        config=stages.settings_of(stage.name, context),
        inputs={name: done[name].digest for name in stage.after},
        versions=versions(stage.libraries),
        counts=counts,
        outputs=outputs,
    )
    write_manifest(path, manifest)
    context.folder.log(
        "stage", stage=stage.name, state="done", seconds=round(time.monotonic() - began, 2)
    )
    return manifest


def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Installed versions of skerry and of some libraries."""
    return {name: importlib.metadata.version(name) for name in ("skerry", *libraries)}


def status(output: Path) -> dict[str, Any]:
    """Where a run stands.

    Returns
    -------
    dict
        ``run`` and ``input`` (paths), ``stages`` (for each: ``state``, one of ``done``,
        ``stale``, ``partial`` and ``missing``, and ``counts``), ``complete``, and ``classes``, a
        list of records (class_id, rank, size, persistence, verdict), empty until they are done.
    """
    folder = open_folder(output)
    read_config(output)
    found: dict[str, dict[str, Any]] = {}
    upstream: dict[str, str] = {}
    for stage in STAGES:
        manifest = read_manifest(output / stage.name)
        if manifest is None:
            state = "partial" if _has_files(output / stage.name) else "missing"
            found[stage.name] = {"state": state, "counts": {}}
            continue
        fresh = all(upstream.get(k) == v for k, v in manifest.inputs.items())
        found[stage.name] = {"state": "done" if fresh else "stale", "counts": dict(manifest.counts)}
        if fresh:
            upstream[stage.name] = manifest.digest
    return {
        "run": str(output),
        "input": folder.input,
        "complete": all(stage["state"] == "done" for stage in found.values()),
        "stages": found,
        "classes": _class_rows(output) if found["classes"]["state"] == "done" else [],
    }


def _has_files(path: Path) -> bool:
    return path.is_dir() and any(path.iterdir())


def _class_rows(output: Path) -> list[dict[str, Any]]:
    from skerry.store.nouns import read_classes

    keys = ("class_id", "rank", "persistence", "verdict")
    rows = []
    for rare in read_classes(output / "classes" / "classes.json"):
        record = dataclasses.asdict(rare)
        rows.append({**{k: record[k] for k in keys}, "size": rare.size})
    return rows
