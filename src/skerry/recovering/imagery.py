"""Images to plant, shown to a run's encoder as the run's own images were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import cv2
import numpy as np

from skerry.errors import ImageError, InputError
from skerry.recovering.opened import Opened
from skerry.represent.contract import hold
from skerry.represent.encoder import Encoder, load
from skerry.survey import Facts, prepare
from skerry.types import ByteArray, Contract, FloatArray


@dataclass(frozen=True)
class Eye:
    """A run's encoder, with the contract held for the images to be planted.

    ``crop`` is the run's ``representations.crop``.
    """

    encoder: Encoder
    contract: Contract
    crop: float

    def vectors(self, images: Iterable[ByteArray]) -> FloatArray:
        """Vectors (n, d) of images as the encoder takes them, uint8 (size, size, 3) RGB."""
        batches = _batches(iter(images), self.encoder.batch)
        made = [self.encoder.encode(batch)[0] for batch in batches]
        return np.concatenate(made).astype(np.float32, copy=False)

    def prepared(self, pixels: ByteArray, name: str) -> ByteArray:
        """An image, uint8 (h, w, 3) RGB, made ready by the very way that files go.

        Raises
        ------
        InputError
            It has one value all over: it would be no source of a survey.
        """
        _, data = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))
        try:
            return prepare(data.tobytes(), name, self.contract, self.crop).pixels
        except ImageError as error:
            raise InputError(f"{name} cannot be shown to the encoder: {error}") from error

    def share(self, side: int) -> float:
        """The share of its width that is kept of an image ``side`` pixels wide."""
        return self.crop or self.contract.crop_of(side) or 1.0

    @property
    def identity(self) -> dict[str, Any]:
        """What vectors depend on beside the images."""
        return {"encoder": self.encoder.sha256, "crop": self.crop, "kept": self.contract.kept}


def _batches(images: Iterator[ByteArray], size: int) -> Iterator[ByteArray]:
    while batch := list(islice(images, size)):
        yield np.stack(batch)


def runs_encoder(opened: Opened, planting: str) -> Encoder:
    """The encoder that made a run's representations.

    Raises
    ------
    InputError
        The run was given representations, so that no image can join them; or its encoder is not
        what it was.
    """
    made_by = opened.manifest("representations").inputs.get("encoder")
    if made_by == "given":
        raise InputError(
            f"the run in {opened.path} was made from a table of representations: {planting} "
            "cannot be planted, as what made the table is not known. Plant shifted copies of its "
            "vectors (copies in Python, --copies on the command line), which gives an optimistic "
            "bound, or make the run from images"
        )
    encoder = load(opened.config.representations.encoder)
    if encoder.sha256 != made_by:
        raise InputError(
            f"the encoder {encoder.name} is not the one that made the run in {opened.path} "
            f"(SHA-256 {encoder.sha256[:12]}, expected {str(made_by)[:12]}); make the run again"
        )
    return encoder


def eye_for(opened: Opened, encoder: Encoder, facts: Facts) -> Eye:
    """The run's encoder for images of which ``facts`` are known, held against its contract.

    Raises
    ------
    ContractError
        They are not what the encoder expects.
    """
    settings = opened.config.representations
    contract = hold(encoder.contract, facts, encoder.name, settings.crop, settings.accept)
    return Eye(encoder, contract, settings.crop)


def field_note(eye: Eye, side: int, opened: Opened) -> tuple[str, ...]:
    """A sentence where the images planted and the run's are not shown to the encoder alike."""
    sides: dict[str, int] = opened.manifest("representations").counts.get("sides", {})
    if not sides:
        return ()
    usual = int(max(sides, key=lambda s: sides[s]))
    kept = opened.manifest("representations").inputs.get("kept")
    theirs = min(1.0, float(kept.split()[0]) / usual) if kept else eye.share(usual)
    if side == usual and abs(eye.share(side) - theirs) < 0.01:
        return ()
    return (
        f"The images planted are {side} px wide, of which the encoder is shown the central "
        f"{eye.share(side):.0%}; most of the run's are {usual} px, of which it was shown "
        f"{theirs:.0%}. See that both show the same field: {eye.contract.field}.",
    )
