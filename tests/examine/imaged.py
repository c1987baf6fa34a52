"""Small subjects with images and positions, for tests of the questions that look at pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from skerry.examine import Subject
from skerry.types import ByteArray, DoubleArray, FloatArray
from tests.examine.made import subject_of


class Sky:
    """A frame of light, levels 0 to 255, from which cutouts are taken at places in arcsec."""

    def __init__(self, side: int = 201, seed: int = 0, noise: float = 2.0) -> None:
        rng = np.random.default_rng(seed)
        self.light = 12 + noise * rng.standard_normal((side, side))
        self.middle = (side - 1) / 2

    def add(self, east: float, north: float, peak: float, width: float, ratio: float = 1) -> Sky:
        """A round body of light, or one drawn out along a row, ``width`` arcsec (sigma)."""
        row, column = np.mgrid[: len(self.light), : len(self.light)]
        dy = (self.middle - row - north) / width
        dx = (self.middle - column - east) / (width * ratio)
        self.light += peak * np.exp(-(dx**2 + dy**2) / 2)
        return self

    def cutout(self, east: float, north: float, side: int = 64) -> ByteArray:
        """North up, east left, one arcsec a pixel; places are rounded to whole pixels."""
        row, column = round(self.middle - north), round(self.middle - east)
        top, left = row - side // 2, column - side // 2
        part = self.light[top : top + side + 1, left : left + side + 1]
        levels = np.clip(np.rint(part), 0, 255).astype(np.uint8)
        return np.repeat(levels[..., None], 3, axis=2)


def imaged(
    images: Mapping[str, ByteArray | None],
    places: DoubleArray | None = None,
    groups: Sequence[Sequence[int]] = (),
    numbers: Mapping[str, Sequence[float]] | None = None,
    words: Mapping[str, Sequence[str]] | None = None,
    pixel_scale: float | None = 1.0,
    seed: int = 0,
) -> Subject:
    """A subject of these images by id; all else is by their order.

    ``places`` (n, 2) ra and dec in degrees. Another ``seed`` is another order of the rows.
    """
    n = max(len(images), 20)  # a space needs some; the rest have no image and no position
    names = [*images, *(f"z{i:03d}" for i in range(n - len(images)))]
    vectors: FloatArray = np.random.default_rng(seed).standard_normal((n, 4)).astype(np.float32)
    there = np.full((n, 2), np.nan)
    if places is not None:
        there[: len(images)] = places
    filled = {
        k: np.concatenate([np.asarray(v, float), np.full(n - len(images), np.nan)])
        for k, v in (numbers or {}).items()
    }
    said = {k: [*v, *[""] * (n - len(images))] for k, v in (words or {}).items()}
    subject = subject_of(
        vectors,
        [np.asarray(group) for group in groups],
        filled,
        said,
        None if places is None else there,
        ids=names,
    )

    def read(ids: Sequence[str]) -> Iterator[tuple[str, ByteArray | None]]:
        return ((name, images.get(name)) for name in ids)

    sources = replace(subject.config.sources, pixel_scale=pixel_scale or 0.0)
    return replace(
        subject,
        images=read,
        pixel_scale=pixel_scale,
        config=replace(subject.config, sources=sources),
    )
