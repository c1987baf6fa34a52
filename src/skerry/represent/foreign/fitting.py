"""The cutouts of a survey that a bottleneck is fitted to."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skerry.errors import ImageError, InputError
from skerry.survey import Survey, open_survey, prepare
from skerry.survey.images import inspect
from skerry.types import ByteArray, Contract, Failure

MOST = 5_000
"""Most cutouts that are taken."""

PART = 32


def cutouts(
    path: Path, contract: Contract, crop: float = 0.0
) -> tuple[Contract, Iterator[ByteArray]]:
    """Cutouts of a survey, uint8 (n, size, size, 3) at a time, and the contract they keep.

    At most ``MOST``, those whose id has the smallest SHA-256: neither the order of a catalog nor
    sources added to it change most of the choice. Images that cannot be read are left out.
    ``crop`` is the share of the width to keep of images as wide as these, and goes into the
    contract; 0 for the whole.

    Raises
    ------
    InputError
        The survey cannot be read or has no images.
    """
    survey = open_survey(path)
    if survey.kind == "vectors":
        raise InputError(f"{path} holds representations; a bottleneck is fitted to images")
    ids = survey.sources["id_str"].to_pylist()
    rows = sorted(range(len(ids)), key=lambda row: hashlib.sha256(ids[row].encode()).digest())
    rows = sorted(rows[:MOST])
    if crop:
        contract = dataclasses.replace(contract, crops=dict.fromkeys(_sides(survey, rows), crop))
    return contract, _prepared(survey, rows, contract)


def _sides(survey: Survey, rows: list[int]) -> list[int]:
    found = set()
    for raw, name in _images(survey, rows):
        try:
            header = inspect(raw, name)
        except ImageError:
            continue
        found.add(min(header.width, header.height))
    return sorted(found)


def _prepared(survey: Survey, rows: list[int], contract: Contract) -> Iterator[ByteArray]:
    part: list[ByteArray] = []
    for raw, name in _images(survey, rows):
        try:
            part.append(prepare(raw, name, contract).pixels)
        except ImageError:
            continue
        if len(part) == PART:
            yield np.stack(part)
            part = []
    if part:
        yield np.stack(part)


def _images(survey: Survey, rows: list[int]) -> Iterator[tuple[bytes, str]]:
    """Bytes and place of each image that is there."""
    places = survey.sources["location"].take(rows).to_pylist()
    for raw, name in zip(survey.images(rows), places, strict=True):
        if not isinstance(raw, Failure):
            yield raw, name
