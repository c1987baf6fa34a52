"""A run from its input to its products: what to skip, what to redo, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skerry.adding.earlier import Earlier
from skerry.adding.joint import open_inputs
from skerry.backends import card, cuml
from skerry.building import FORMAT, STAGES, up_to_date
from skerry.config import ON_DEVICE, Config, digest, from_mapping
from skerry.context import Context
from skerry.dependencies import COMPUTES, device_of, settings_of
from skerry.discover import largest_size
from skerry.discover.reduce import require_enough
from skerry.discover.variants import every_variant
from skerry.errors import InputError, RunError
from skerry.executors.executor import Executor
from skerry.executors.local import Local
from skerry.notices import warnings as warnings_of
from skerry.progress import OnEvent, silent
from skerry.store import Manifest, read_manifest, reviews
from skerry.store.nouns import read_classes
from skerry.store.runfolder import claim, open_folder, read_config
from skerry.survey import Survey

_FEW = 10_000


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
    require_enough(n, config.embedding)
    largest_size(n, config.classes)
    if n <= _FEW:
        # parts of a small survey may leave room for no class: said now, not after the nulls
        every_variant(n, config)


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
        A stage is stale where its settings, a stage it follows, or the input that it read have
        changed since. Of shards that no stage has ended with the number is counted.
    """
    output = Path(output)
    folder, config = open_folder(output), read_config(output)
    found: dict[str, dict[str, Any]] = {}
    upstream: dict[str, str] = {"format": str(FORMAT)}
    for stage in STAGES:
        manifest = read_manifest(output / stage.name)
        if manifest is None:
            state = "partial" if _has_files(output / stage.name) else "missing"
            shards = len(list((output / stage.name).glob("shard-*.parquet")))
            counts = {"shards": shards} if shards else {}
            found[stage.name] = {"state": state, "counts": counts}
            continue
        read = manifest.inputs.get("input")
        upstream.setdefault("input", read or "")
        fresh = digest(manifest.config) == digest(settings_of(stage.name, config)) and all(
            manifest.inputs.get(name) == upstream.get(name) for name in (*stage.after, "format")
        )
        fresh &= read in (None, upstream["input"])
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
