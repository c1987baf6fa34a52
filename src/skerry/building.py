"""The stages of a run in their order: what each is made by and under, and whether it is good."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from skerry import judging, searching, stages
from skerry.backends import cuml
from skerry.config import ON_DEVICE, Config, digest
from skerry.context import Context
from skerry.dependencies import (
    COMPUTES,
    by_cuml,
    device_of,
    outside_of,
    part_settings_of,
    settings_of,
)
from skerry.discover.elsewhere import SEARCHED_WITH
from skerry.store import Manifest, drop_damaged, read_manifest, write_manifest
from skerry.store.manifest import NAME, file_digest, versions
from skerry.store.runfolder import clear, remove

FORMAT = 15
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
        searching.clusters,
        ("hdbscan", "scikit-network", "scipy", "scikit-learn"),
    ),
    Stage("nulls", ("neighbors", "clusters"), searching.nulls, SEARCHED_WITH, keeps=True),
    Stage("replication", ("neighbors",), searching.replication, SEARCHED_WITH, keeps=True),
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


def up_to_date(
    stage: Stage, context: Context, done: Mapping[str, Manifest]
) -> tuple[Manifest, bool]:
    """A stage's manifest, and whether the stage had to be built; ``done`` holds those before."""
    inputs = _inputs(stage, context, done)
    manifest = _still_good(stage, context, inputs)
    return (_build(stage, context, inputs), True) if manifest is None else (manifest, False)


def _inputs(stage: Stage, context: Context, done: Mapping[str, Manifest]) -> dict[str, str]:
    upstream = {name: done[name].digest for name in stage.after}
    outside = outside_of(stage.name, context)
    if stage.name == "replication":
        # of a large survey they follow the candidates that the nulls leave
        outside |= searching.replication_rests_on(context)
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
