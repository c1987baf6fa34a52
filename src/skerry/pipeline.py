"""The stages of a run in their order: what to skip, what to redo, where each writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skerry import judging, stages
from skerry.adding.earlier import Earlier
from skerry.adding.joint import open_inputs
from skerry.backends import card, cuml
from skerry.config import ON_DEVICE, Config, digest, from_mapping
from skerry.context import (
    COMPUTES,
    Context,
    by_cuml,
    device_of,
    outside_of,
    part_settings_of,
    settings_of,
)
from skerry.context import warnings as warnings_of
from skerry.discover import largest_size
from skerry.discover.elsewhere import SEARCHED_WITH
from skerry.errors import InputError, RunError
from skerry.executors.executor import Executor
from skerry.executors.local import Local
from skerry.progress import OnEvent, silent
from skerry.store import Manifest, drop_damaged, read_manifest, reviews, write_manifest
from skerry.store.manifest import NAME, file_digest
from skerry.store.manifest import versions as versions
from skerry.store.nouns import read_classes
from skerry.store.runfolder import claim, clear, open_folder, read_config, remove
from skerry.survey import Survey

FORMAT = 12
"""Raised whenever a stage would write other bytes for the same input and settings."""


@dataclass(frozen=True)
class Stage:
    """One arrow: what it depends on and the function that writes its folder.

    ``build`` is given the key that the stage's parts are made under. ``keeps`` marks a stage
    whose finished parts are units of their own, kept over a restart; ``outside`` are files it
    writes beside its folder, relative to it.
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
    Stage("neighbors", ("representations",), stages.neighbors, ("faiss-cpu", "numpy")),
    Stage("embedding", ("neighbors",), stages.embedding, ("umap-learn", "numba")),
    Stage(
        "clusters",
        ("neighbors", "embedding"),
        judging.clusters,
        ("hdbscan", "scikit-network", "scipy", "scikit-learn"),
    ),
    Stage("nulls", ("neighbors", "clusters"), judging.nulls, SEARCHED_WITH, keeps=True),
    Stage("replication", ("neighbors",), judging.replication, SEARCHED_WITH, keeps=True),
    Stage(
        "second",
        ("sources", "representations"),
        stages.second,
        ("onnxruntime", "opencv-python-headless", "pyarrow"),
        keeps=True,
    ),
    Stage(
        "classes",
        ("representations", "neighbors", "clusters", "nulls", "replication", "second"),
        judging.classes,
        ("scikit-network", "scipy"),
    ),
    Stage(
        "products",
        ("sources", "representations", "neighbors", "embedding", "nulls", "classes"),
        stages.products,
        stages.PUBLISHED_WITH,
        outside=("../report.html",),
    ),
)


def run(
    input_path: str | Path,
    output: str | Path,
    config: Config | None = None,
    *,
    threads: int = 0,
    executor: Executor | None = None,
    device: str = "",
    on_event: OnEvent = silent,
) -> dict[str, Any]:
    """Take an input survey to candidate rare classes in the folder ``output``.

    A stage whose inputs and settings are as they were is skipped; anything else is redone, so
    the same call after a kill or with a changed setting does only what is missing. ``executor``
    is where images are encoded, featureless data searched and searches repeated, None for this
    process, and ``threads`` how many of it, or of each task elsewhere, do so, 0 for all here and
    for one there; the results depend on neither.
    ``device``, ``cpu`` or ``cuda``, stands for ``representations.device`` and
    ``neighbors.device``; where it is empty those of the settings hold.

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
    if device:
        config = from_mapping({section: {"device": device} for section in ON_DEVICE}, config)
    encodes = executor is None or executor.here
    require_gpu(config, *(("representations",) if encodes else ()), "neighbors", "embedding")
    context = prepare(input_path, output, config, threads, executor, on_event)
    with context.folder.locked():
        return carry_through(context)


def require_gpu(config: Config, *stages: str) -> None:
    """That there is a GPU for those of some stages that are to compute on one.

    Raises
    ------
    ConfigError
        There is none, or what drives it is not installed.
    """
    for stage in stages:
        device = device_of(stage, config)
        if device == "cpu":
            continue
        section = COMPUTES[stage]
        if section == "embedding":
            cuml.require(f"{section}.device = {device}")
        else:
            encoding = ("onnx",) if section == "representations" else ()
            card.require(f"{section}.device = {device}", *encoding)


def prepare(
    input_path: str | Path,
    output: str | Path,
    config: Config | None,
    threads: int,
    executor: Executor | None,
    on_event: OnEvent,
    added: Sequence[str | Path] = (),
    earlier: Earlier | None = None,
) -> Context:
    """An input, settings and a run's folder, found to fit each other; nothing is written yet.

    ``added`` are further inputs, and ``earlier`` the run that the last of them is added to.

    Raises
    ------
    SkerryError
        They do not, or cannot be used.
    """
    output, config = Path(output), config or Config()
    folder = claim(output, input_path, added)
    on_event("reading the catalog", 0, 1)
    survey = open_inputs([input_path, *added], config.sources)
    on_event("reading the catalog", 1, 1)
    _check_size(survey, config)
    where = executor or Local(threads)
    context = Context(folder, survey, config, on_event, threads, where, earlier)
    # an encoder that is missing or does not fit, or a previous run that is none, ends it here
    _ = context.contract, context.second_contract, context.previous
    return context


def carry_through(context: Context) -> dict[str, Any]:
    """Take a run that this process holds the lock of through all its stages; see :func:`run`."""
    folder, config = context.folder, context.config
    # another process may have begun since
    claim(folder.path, folder.input, folder.added)
    folder.start(config)
    folder.log("columns", **context.survey.choices)
    if config.neighbors.device != "cpu":
        folder.log("gpu", name=card.name())
    if config.embedding.device != "cpu":
        folder.log("cuml", gpu=cuml.name(), version=cuml.version())
    if config.classes.previous:
        brought = reviews.bring(folder.path, Path(config.classes.previous))
        folder.log("reviews", brought=brought, previous=config.classes.previous)
    done: dict[str, Manifest] = {}
    skipped = []
    for stage in STAGES:
        done[stage.name], built = up_to_date(stage, context, done)
        if not built:
            skipped.append(stage.name)
    warnings = warnings_of(context)
    folder.log("end", warnings=warnings)
    return {**status(folder.path), "skipped": skipped, "warnings": warnings}


def up_to_date(
    stage: Stage, context: Context, done: Mapping[str, Manifest]
) -> tuple[Manifest, bool]:
    """A stage's manifest, and whether the stage had to be built; ``done`` holds those before."""
    inputs = _inputs(stage, context, done)
    manifest = _still_good(stage, context, inputs)
    return (_build(stage, context, inputs), True) if manifest is None else (manifest, False)


def publish(output: str | Path, *, threads: int = 0, on_event: OnEvent = silent) -> None:
    """Make the products of a finished run again where answers about it are new.

    Raises
    ------
    SkerryError
        The folder holds no finished run, or its input is gone.
    """
    folder, config = open_folder(Path(output)), read_config(Path(output))
    survey = open_inputs(folder.inputs, config.sources)
    context = Context(folder, survey, config, on_event, threads)
    stage = next(stage for stage in STAGES if stage.name == "products")
    done = {name: read_manifest(folder.path / name) for name in stage.after}
    missing = [name for name, manifest in done.items() if manifest is None]
    if missing:
        raise RunError(f"the run in {output} has not ended: {', '.join(missing)} missing")
    with folder.locked():
        up_to_date(stage, context, {k: v for k, v in done.items() if v is not None})


def _check_size(survey: Survey, config: Config) -> None:
    n = len(survey.sources)
    if n < config.neighbors.k + 1:
        raise InputError(
            f"{survey.path} has {n} sources; a graph of {config.neighbors.k} neighbors needs at "
            f"least {config.neighbors.k + 1}: add sources or lower neighbors.k"
        )
    largest_size(n, config.classes)


def _inputs(stage: Stage, context: Context, done: Mapping[str, Manifest]) -> dict[str, str]:
    upstream = {name: done[name].digest for name in stage.after}
    outside = outside_of(stage.name, context)
    if stage.name == "replication":
        # of a large survey they follow the candidates that the nulls leave
        outside |= judging.replication_rests_on(context)
    return {**upstream, **outside, "format": str(FORMAT)}


def _key(stage: Stage, config: Config, inputs: Mapping[str, str]) -> str:
    return digest(stage.name, settings_of(stage.name, config), inputs)


def part_key(stage: Stage, context: Context, done: Mapping[str, Manifest]) -> str:
    """What the parts of a stage are made under; ``done`` holds the stages before it."""
    return _part_key(stage, context.config, _inputs(stage, context, done))


def _part_key(stage: Stage, config: Config, inputs: Mapping[str, str]) -> str:
    return digest(stage.name, part_settings_of(stage.name, config), inputs)


def _still_good(stage: Stage, context: Context, inputs: Mapping[str, str]) -> Manifest | None:
    """The manifest of a stage that need not be redone."""
    path = context.path(stage.name)
    manifest = read_manifest(path)
    if manifest is None:
        return None
    # parts may be kept where the stage is redone: none of them may be damaged
    damaged = drop_damaged(path, manifest)
    if damaged:
        context.folder.log("damaged", stage=stage.name, files=damaged)
        return None
    return manifest if manifest.key == _key(stage, context.config, inputs) else None


def _build(stage: Stage, context: Context, inputs: Mapping[str, str]) -> Manifest:
    path = context.path(stage.name)
    used = _made_with(stage, context.config)
    if path.is_file() or not stage.keeps:
        clear(path)
    for name in (NAME, *stage.outside):
        remove(path / name)
    context.folder.log("stage", stage=stage.name, state="started")
    began = time.monotonic()
    counts = stage.build(context, _part_key(stage, context.config, inputs))
    files = [p for p in sorted(path.rglob("*")) if p.is_file() and p.name != NAME]
    outputs = {p.relative_to(path).as_posix(): file_digest(p) for p in files}
    outputs |= {name: file_digest(path / name) for name in stage.outside}
    manifest = Manifest(
        stage=stage.name,
        key=_key(stage, context.config, inputs),
        config=settings_of(stage.name, context.config),
        inputs=inputs,
        versions=used,
        counts=counts,
        outputs=outputs,
    )
    write_manifest(path, manifest)
    seconds = round(time.monotonic() - began, 2)
    context.folder.log("stage", stage=stage.name, state="done", seconds=seconds)
    return manifest


def _made_with(stage: Stage, config: Config) -> dict[str, str]:
    """The versions of what a stage is made with."""
    libraries = list(stage.libraries)
    if COMPUTES.get(stage.name) in ON_DEVICE and device_of(stage.name, config) != "cpu":
        libraries.append("torch")
    if not by_cuml(stage.name, config):
        return versions(tuple(libraries))
    others = tuple(name for name in libraries if name not in ("umap-learn", "numba"))
    # which distribution brings it depends on that of CUDA
    return {**versions(others), "cuml": cuml.version()}


def status(output: str | Path) -> dict[str, Any]:
    """Where a run stands.

    Returns
    -------
    dict
        ``run``, ``input`` (paths) and ``added`` (paths of the inputs added to the first),
        ``stages`` (for each: ``state``, one of ``done``,
        ``stale``, ``partial`` and ``missing``, and ``counts``), ``complete``, and ``classes``, a
        list of records (class_id, rank, size, containment, q_value, replication, verdict), empty
        until they are done.
        A stage is stale where its settings, or a stage it follows, have changed since.
    """
    output = Path(output)
    folder, config = open_folder(output), read_config(output)
    found: dict[str, dict[str, Any]] = {}
    upstream: dict[str, str] = {"format": str(FORMAT)}
    for stage in STAGES:
        manifest = read_manifest(output / stage.name)
        if manifest is None:
            state = "partial" if _has_files(output / stage.name) else "missing"
            found[stage.name] = {"state": state, "counts": {}}
            continue
        fresh = digest(manifest.config) == digest(settings_of(stage.name, config)) and all(
            manifest.inputs.get(name) == upstream.get(name) for name in (*stage.after, "format")
        )
        found[stage.name] = {"state": "done" if fresh else "stale", "counts": dict(manifest.counts)}
        if fresh:
            upstream[stage.name] = manifest.digest
    return {
        "run": str(output),
        "input": folder.input,
        "added": list(folder.added),
        "complete": all(stage["state"] == "done" for stage in found.values()),
        "stages": found,
        "classes": _class_rows(output) if found["classes"]["state"] == "done" else [],
    }


def _has_files(path: Path) -> bool:
    return path.is_dir() and any(path.iterdir())


def _class_rows(output: Path) -> list[dict[str, Any]]:
    return [
        {
            "class_id": rare.class_id,
            "rank": rare.rank,
            "size": rare.size,
            "containment": rare.containment,
            "q_value": rare.q_value,
            "replication": rare.replication,
            "verdict": rare.verdict,
        }
        for rare in read_classes(output / "classes" / "classes.json")
    ]
