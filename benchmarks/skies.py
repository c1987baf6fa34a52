"""Simulated surveys, drawn once and kept in a folder: images, and vectors of each look at them.

The images are the bytes of the files that ``skerry simulate`` writes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tables import key
from vectors import Look, digest

from skerry.executors.local import available_threads
from skerry.executors.processes import map_on_processes
from skerry.simulate.plan import Planned, plan
from skerry.simulate.sky import GALAXIES, Sky, sky_of
from skerry.simulate.writing import jpeg_bytes
from skerry.store import replacing
from skerry.types import FloatArray

KINDS = (*GALAXIES, "satellite-trail", "diffraction-spike")
_DRAWN = 50
"""Sources that a process draws at a time."""


@dataclass(frozen=True)
class Survey:
    """``sources`` of a seed with every kind of ``KINDS`` planted at a prevalence.

    ``visibility`` is that of each kind that is not planted at 1. Surveys that differ in it alone
    have every other source in common, to the byte. Kept in a folder within ``work``.
    """

    work: Path
    sources: int
    seed: int
    prevalence: float
    visibility: Mapping[str, float] = field(default_factory=dict)

    @property
    def case(self) -> dict[str, Any]:
        """What tells it from others in a row of results."""
        return {
            "sources": self.sources,
            "seed": self.seed,
            "prevalence": self.prevalence,
            "visibility": dict(sorted(self.visibility.items())),
        }

    @property
    def folder(self) -> Path:
        return self.work / f"survey-{digest(key(self.case).encode())}"

    @property
    def sky(self) -> Sky:
        kinds = {kind: self.prevalence for kind in KINDS}
        return sky_of("sdss", n=self.sources, seed=self.seed, kinds=kinds, visibility=1.0)

    def plan(self) -> tuple[Planned, ...]:
        return tuple(
            dataclasses.replace(source, visibility=self.visibility.get(source.kind, 1.0))
            for source in plan(self.sky)
        )

    def changed(self) -> tuple[int, ...]:
        """Which sources differ from those of the survey that has every visibility at 1."""
        planned = self.plan()
        return tuple(i for i, source in enumerate(planned) if source.visibility != 1)

    def visible(self) -> Survey:
        """The survey of the same sources with every visibility at 1."""
        return dataclasses.replace(self, visibility={})

    def images(self) -> list[bytes]:
        """The image file of each source, in the order of the plan; drawn if they are not yet."""
        path = self.folder / "images.npz"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _save_images(path, self._drawn())
        return _load_images(path)

    def vectors(self, look: Look) -> FloatArray:
        """Vectors (sources, d) by a look; made if they are not yet."""
        path = self.folder / f"{look.name}.npy"
        if not path.exists():
            made = self._shown(look)
            with replacing(path) as part, part.open("wb") as file:
                np.save(file, made)
        loaded: FloatArray = np.load(path)
        return loaded

    def _drawn(self) -> list[bytes]:
        if not self.visibility:
            return list(draw(self.plan(), self.sky))
        images, planned = self.visible().images(), self.plan()
        changed = self.changed()
        for i, image in zip(changed, draw([planned[i] for i in changed], self.sky), strict=True):
            images[i] = image
        return images

    def _shown(self, look: Look) -> FloatArray:
        images = self.images()
        if not (self.visibility and look.alone):
            return look.show(images)
        vectors, changed = self.visible().vectors(look), self.changed()
        vectors[list(changed)] = look.show([images[i] for i in changed])
        return vectors


def draw(sources: Sequence[Planned], sky: Sky) -> Iterator[bytes]:
    """The image file of each source."""
    batches = [(sources[i : i + _DRAWN], sky) for i in range(0, len(sources), _DRAWN)]
    for images in map_on_processes(_draw_batch, batches, available_threads()):
        yield from images


def _draw_batch(batch: tuple[Sequence[Planned], Sky]) -> list[bytes]:
    sources, sky = batch
    return [jpeg_bytes(source.drawn(sky), sky) for source in sources]


def _save_images(path: Path, images: Sequence[bytes]) -> None:
    ends = np.cumsum([len(image) for image in images])
    joined = np.frombuffer(b"".join(images), np.uint8)
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, data=joined, ends=ends)


def _load_images(path: Path) -> list[bytes]:
    with np.load(path) as stored:
        data, ends = stored["data"].tobytes(), stored["ends"].tolist()
    return [data[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]
