"""The answers that a run holds, as far as they are still of this search."""

from __future__ import annotations

from pathlib import Path

from skerry.answer import Answer
from skerry.examine import QUESTIONS
from skerry.store import read_manifest
from skerry.store.answers import read_answer

FOLDER = "examine"
OF_SEARCH = ("sources", "representations", "neighbors", "embedding", "nulls", "second", "classes")
"""Stages that answers are made of."""


def search_digests(run: Path) -> dict[str, str]:
    """The digest of each stage that answers are made of."""
    found = {name: read_manifest(run / name) for name in OF_SEARCH}
    return {name: manifest.digest for name, manifest in found.items() if manifest is not None}


def _standing(run: Path) -> dict[str, str]:
    """The questions whose answers are of the run as it is, in their order, with a digest each."""
    now, found = search_digests(run), {}
    for question in QUESTIONS:
        manifest = read_manifest(run / FOLDER / question.name)
        if manifest is not None and all(manifest.inputs.get(k) == v for k, v in now.items()):
            found[question.name] = manifest.digest
    return found


def answers(run: Path) -> tuple[Answer, ...]:
    """The answers that a run holds, in the order of the questions; those of an earlier search of
    the folder are left out."""
    return tuple(read_answer(run / FOLDER / name) for name in _standing(run))


def answers_digest(run: Path) -> dict[str, str]:
    """What the products depend on beside stages: the answers; empty where there are none."""
    return {f"{FOLDER}/{name}": digest for name, digest in _standing(run).items()}
