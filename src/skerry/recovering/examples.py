"""A user's own few example images, altered and planted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from skerry.config import SourcesConfig
from skerry.errors import ImageError, InputError
from skerry.recovering.imagery import Eye, eye_for, field_note, runs_encoder
from skerry.recovering.opened import Opened
from skerry.recovering.planters import Plan, Planter
from skerry.recovering.real import RealCutouts, real_cutouts
from skerry.survey import Survey, facts, open_survey, prepare, view
from skerry.survey.open_files import IMAGE_SUFFIXES, Listing, from_images
from skerry.types import ByteArray, Failure, FloatArray

FEWEST = 3
"""Examples, with fewer of which nothing is planted: copies of one image are no class."""

ZOOM, SHIFT, NOISE = 0.05, 0.02, 1.5
"""Largest change of scale and shift (of the width), standard deviation of the noise (of 255)."""

_FINER = 2
"""How many times finer than the encoder's pixels an image is altered."""


@dataclass(frozen=True)
class Examples:
    """Plants altered copies of a few example images.

    Each is turned by a quarter or not, mirrored or not, shifted, zoomed and given a little noise,
    and blended with a random cutout of the survey, altered likewise: visibility v is the share of
    the example in it. All examples are used alike often. Control sources are random cutouts of
    the survey, altered in the same way.

    ``images`` uint8 (m, side, side, 3), ``side`` twice that of what the encoder takes.
    """

    images: ByteArray
    real: RealCutouts
    eye: Eye
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"altered copies of {len(self.images)} example images"

    @property
    def optimistic(self) -> str:
        return (
            f"This is optimistic: the planted class is many altered copies of {len(self.images)} "
            "images, and galaxies of a class differ more than copies of one do."
        )

    @property
    def identity(self) -> dict[str, Any]:
        of = hashlib.sha256(self.images.tobytes()).hexdigest()
        return {"planter": "examples", "images": of, **self.eye.identity}

    def draw(self, n: int, visibility: float, seed: int) -> FloatArray:
        """As :class:`Planter` says."""
        rng = np.random.default_rng(seed)
        chosen = _evenly(len(self.images), n, rng)
        behind = rng.integers(len(self.real.rows), size=n)
        changes = rng.spawn(n)
        backs = self.real.read(behind.tolist(), self.images.shape[1])
        return self.eye.vectors(
            self._shown(
                visibility * _turned(self.images[i], own) + _rest(visibility, back, own), own
            )
            for i, back, own in zip(chosen, backs, changes, strict=True)
        )

    def control(self, n: int, seed: int) -> FloatArray:
        """As :class:`Planter` says."""
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(self.real.rows), size=n, replace=False)
        cutouts = self.real.read(chosen.tolist(), self.images.shape[1])
        return self.eye.vectors(
            self._shown(_turned(image, own), own)
            for image, own in zip(cutouts, rng.spawn(n), strict=True)
        )

    def _shown(self, pixels: FloatArray, rng: np.random.Generator) -> ByteArray:
        """Shrunk to what the encoder takes, with noise."""
        size = self.eye.contract.size
        small = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
        noisy = small + NOISE * rng.standard_normal(small.shape, dtype=np.float32)
        return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)


def of_images(paths: str | Path | Sequence[str | Path]) -> Plan:
    """Plant altered copies of example images.

    Parameters
    ----------
    paths
        A folder, a catalog or Parquet, as a survey is given, or some image files.

    Raises
    ------
    InputError
        They cannot be read, or are fewer than 3.
    """
    given = [paths] if isinstance(paths, (str, Path)) else paths

    def plan(opened: Opened) -> Planter:
        encoder = runs_encoder(opened, "images")
        set_for_run = opened.config.sources
        same = ("pixel_scale", "bands", "stretch")
        settings = replace(SourcesConfig(), **{k: getattr(set_for_run, k) for k in same})
        survey = _examples([Path(p) for p in given], settings)
        known = facts(survey, settings)
        eye = eye_for(opened, encoder, known)
        images = _read(survey, eye)
        told = (*field_note(eye, known.side, opened), *_own_note(survey, eye, opened))
        return Examples(images, real_cutouts(opened), eye, (*survey.notes, *known.notes, *told))

    return plan


def _examples(paths: list[Path], settings: SourcesConfig) -> Survey:
    if len(paths) == 1 and paths[0].suffix.lower() not in IMAGE_SUFFIXES:
        survey = open_survey(paths[0], settings)
    else:
        survey = _of_files([path.resolve() for path in paths])
    if survey.kind == "vectors":
        raise InputError(f"{paths[0]} holds representations; expected images of the class")
    _require_enough(len(survey), "the examples are")
    return survey


def _require_enough(n: int, what: str) -> None:
    if n < FEWEST:
        raise InputError(
            f"{what} {n} different images; expected {FEWEST} or more, better 20: copies of one or "
            "two images are no class of galaxies"
        )


def _of_files(paths: list[Path]) -> Survey:
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist; give image files, or one folder of them")
        if not path.is_file() or path.suffix.lower() not in IMAGE_SUFFIXES:
            raise InputError(f"{path} is no image file; give image files, or one folder of them")
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    found = from_images(folder, Listing(tuple(sorted(set(paths))), (), (), 0, ()))
    return Survey(found.kind, folder, found.sources, found.choices, found.notes, found.reader)


def _read(survey: Survey, eye: Eye) -> ByteArray:
    """What the encoder would see of each example, finer than it sees it, in an order of content."""
    names, made = survey.sources["location"].to_pylist(), []
    for name, raw in zip(names, survey.images(range(len(survey))), strict=True):
        if isinstance(raw, Failure):
            raise InputError(f"the example {name} cannot be read: {raw.reason}")
        try:
            made.append(view(raw, name, _FINER * eye.contract.size, eye.contract, eye.crop))
        except ImageError as error:
            raise InputError(f"the example {name} cannot be used: {error}") from error
    distinct = {image.tobytes(): image for image in made}
    _require_enough(len(distinct), f"{len(made)} example images show")
    return np.stack([distinct[content] for content in sorted(distinct)])


def _own_note(survey: Survey, eye: Eye, opened: Opened) -> tuple[str, ...]:
    """A sentence where some examples are sources of the run themselves."""
    names, raw = survey.sources["location"].to_pylist(), survey.images(range(len(survey)))
    shown = (
        prepare(data, name, eye.contract, eye.crop).pixels
        for name, data in zip(names, raw, strict=True)
        if isinstance(data, bytes)
    )
    searched = opened.space.vectors
    own = sum(bool((searched == v).all(axis=1).any()) for v in eye.vectors(shown))
    if not own:
        return ()
    return (
        f"{own} of the {len(survey)} example images are sources of the run themselves. They lie "
        "among what is planted without being counted: the class searched for is larger by them.",
    )


def _evenly(m: int, n: int, rng: np.random.Generator) -> list[int]:
    """``n`` of ``m`` examples, one round of all after the other, each in its own random order."""
    rounds = [rng.permutation(m) for _ in range(-(-n // m))]
    return [int(i) for i in np.concatenate(rounds)[:n]]


def _rest(visibility: float, back: ByteArray, rng: np.random.Generator) -> FloatArray:
    return np.float32(1 - visibility) * _turned(back, rng)


def _turned(image: ByteArray, rng: np.random.Generator) -> FloatArray:
    """An image turned by quarters, mirrored, zoomed and shifted, float32 (side, side, 3)."""
    side = image.shape[0]
    turned = np.rot90(image, int(rng.integers(4)))
    turned = turned[:, ::-1] if rng.integers(2) else turned
    zoom = 1 + rng.uniform(-ZOOM, ZOOM)
    moved = SHIFT * side * rng.uniform(-1, 1, 2) + (1 - zoom) * (side - 1) / 2
    matrix = np.array([[zoom, 0, moved[0]], [0, zoom, moved[1]]])
    return np.asarray(
        cv2.warpAffine(
            np.ascontiguousarray(turned, np.float32), matrix, (side, side),
            flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101,
        ),
        np.float32,
    )  # fmt: skip
