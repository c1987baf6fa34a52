"""What each stage of a run depends on: where that is as it was, a stage is as it was."""

from __future__ import annotations

import dataclasses
from typing import Any

from skerry import publish
from skerry.answered import answers_digest
from skerry.config import Config
from skerry.context import Context, classes_file
from skerry.represent.encoder import Encoder
from skerry.represent.placed import computed_by
from skerry.store.manifest import file_digest
from skerry.types import Contract

_SECTIONS = {
    "neighbors": ("neighbors",),
    "clusters": ("neighbors", "clusters", "classes"),
    "nulls": ("neighbors", "embedding", "clusters", "nulls", "classes"),
    "replication": ("neighbors", "embedding", "clusters", "replication", "classes"),
    "second": (),
    "classes": ("clusters", "nulls", "replication", "classes"),
}
_ONLY_SHOWN = {
    "classes": ("exemplars", "previous", "area"),
    "embedding": ("map_min_dist",),
    "replication": ("encoder",),
}
"""Settings that no search depends on."""

_HOW_MANY = {"nulls": ("n",), "replication": ("subsamples", "seeds")}
"""Settings that say how many parts a stage has, not what is in one."""

COMPUTES = {
    "representations": "representations",
    "second": "representations",
    "neighbors": "neighbors",
    "embedding": "embedding",
    "nulls": "neighbors",
    "replication": "neighbors",
}
"""Stages that compute on a device, with the section of the settings that names it."""


def device_of(stage: str, config: Config) -> str:
    """Where a stage computes: ``cpu`` or ``cuda``."""
    return str(getattr(config, COMPUTES[stage]).device) if stage in COMPUTES else "cpu"


def by_cuml(stage: str, config: Config) -> bool:
    """Whether UMAP or HDBSCAN runs on a GPU in a stage; repeated searches go both routes."""
    if config.embedding.device == "cpu":
        return False
    compresses = config.clusters.route == "umap-hdbscan" and stage in ("clusters", "nulls")
    return compresses or stage in ("embedding", "replication")


def settings_of(stage: str, config: Config) -> dict[str, Any]:
    """The settings that a stage's files depend on."""
    found = _settings_of(stage, config)
    # what the CPU made is what was made before there was a choice
    for table in (found, *found.values()):
        if isinstance(table, dict) and table.get("device") == "cpu":
            del table["device"]
    return found


def _settings_of(stage: str, config: Config) -> dict[str, Any]:
    if stage == "products":
        return dataclasses.asdict(config)
    if stage not in _SECTIONS:
        return dataclasses.asdict(getattr(config, stage))
    found = {name: dataclasses.asdict(getattr(config, name)) for name in _SECTIONS[stage]}
    if stage != "classes":
        for section, names in _ONLY_SHOWN.items():
            for name in names:
                found.get(section, {}).pop(name, None)
    if by_cuml(stage, config):
        found.setdefault("embedding", {})["device"] = config.embedding.device
    else:
        found.get("embedding", {}).pop("device", None)
    return found


def part_settings_of(stage: str, config: Config) -> dict[str, Any]:
    """The settings that each part of a stage depends on: more parts leave those that are there."""
    found = settings_of(stage, config)
    for name in _HOW_MANY.get(stage, ()):
        del found[stage][name]
    return found


def outside_of(stage: str, context: Context) -> dict[str, str]:
    """What a stage's files depend on beside settings and other stages."""
    if stage == "sources":
        return {"input": context.fingerprint}
    if stage == "representations":
        by = _encoded_by(stage, context, context.encoder, context.contract) or {"encoder": "given"}
        return {"input": context.fingerprint, **by}
    if stage == "second":
        return _encoded_by(stage, context, context.second_encoder, context.second_contract)
    if stage == "products":
        return {**answers_digest(context.folder.path), "products": str(publish.FORMAT)}
    if stage == "classes" and context.config.classes.previous:
        return {"previous": file_digest(classes_file(context.config.classes.previous))}
    return {}


def _encoded_by(
    stage: str, context: Context, encoder: Encoder | None, contract: Contract | None
) -> dict[str, str]:
    if encoder is None or contract is None:
        return {}
    kept = {"kept": f"{contract.kept:.6g} px"} if contract.kept else {}
    computed = computed_by(device_of(stage, context.config))
    return {"encoder": encoder.sha256, **kept, **computed}
