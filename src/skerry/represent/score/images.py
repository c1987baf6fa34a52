"""Images of a labeled folder as an encoder is given them, and their twins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa

from skerry.config import SourcesConfig
from skerry.errors import ImageError, InputError
from skerry.executors.local import map_ordered
from skerry.progress import OnEvent
from skerry.represent.contract import hold
from skerry.represent.encoder import Encoder
from skerry.represent.score.alike import alike
from skerry.represent.score.twins import CHANGES, Twins, make_twins
from skerry.survey import Survey, facts, prepare
from skerry.types import ByteArray, Contract, Failure, IntArray

TWINS = 1000
"""Most galaxies that are turned, mirrored and shifted; they are sought among all."""

_BATCH = 64
T = TypeVar("T")


@dataclass(frozen=True)
class Images:
    """Those images of a survey that can be used.

    ``pixels`` uint8 (n, size, size, 3), ``rows`` int64 (n,) their sources' row numbers.
    ``contract`` is the encoder's, as held for this survey. Of ``failed`` sources there is no
    usable image; of ``whole`` images the contract knows no field of view, so all was kept.
    """

    survey: Survey
    contract: Contract
    pixels: ByteArray
    rows: IntArray
    failed: int
    whole: int


@dataclass(frozen=True)
class ManyTwins:
    """Twins of some images: ``chosen`` int64 (m,) are their places among them.

    ``pixels`` by change, uint8 (m, size, size, 3). In ``filled`` of the rotated ones the part
    kept reaches beyond the image.
    """

    chosen: IntArray
    pixels: Mapping[str, ByteArray]
    filled: int


def read_images(
    survey: Survey, encoder: Encoder, rows: Sequence[int], threads: int, on_event: OnEvent
) -> Images:
    """Read and prepare the images of some sources as the encoder's contract asks.

    Raises
    ------
    ContractError
        The images are not what the encoder expects.
    InputError
        None of them can be used.
    """
    settings = SourcesConfig()
    contract = hold(encoder.contract, facts(survey, settings), encoder.name, 0.0, "")

    def one(raw: bytes | Failure, name: str) -> tuple[ByteArray, int] | None:
        try:
            prepared = None if isinstance(raw, Failure) else prepare(raw, name, contract)
        except ImageError:
            return None
        return None if prepared is None else (prepared.pixels, prepared.side)

    what = f"reading {survey.path.name}"
    found = list(_each(survey, rows, one, threads, on_event, what))
    good = [f for f in found if f is not None]
    if not good:
        raise InputError(f"none of the {len(rows)} images of {survey.path} can be used")
    return Images(
        survey,
        contract,
        np.stack([pixels for pixels, _ in good]),
        np.array([r for r, f in zip(rows, found, strict=True) if f is not None], np.int64),
        len(found) - len(good),
        sum(contract.crop_of(side) is None for _, side in good),
    )


def require_apart(fit: Images, scored: Images) -> list[str]:
    """Check that no image to fit on shows a galaxy that is scored, also not from another file.

    It does where both, once prepared, are the same bytes, or look alike
    (:data:`~skerry.represent.score.alike.ALIKE`) and have one id.

    Returns
    -------
    list of str
        A note where others look alike: they may be the same galaxies.

    Raises
    ------
    InputError
        Some do.
    """
    known = {pixels.tobytes() for pixels in scored.pixels}
    like = alike(fit.pixels, scored.pixels)
    mine, theirs = (s.survey.sources["id_str"].take(pa.array(s.rows)) for s in (fit, scored))
    named = np.isin(mine.to_pylist(), theirs.to_pylist())
    same = np.array([pixels.tobytes() in known for pixels in fit.pixels]) | (like & named)
    if same.any():
        raise InputError(
            f"{int(same.sum())} images of {fit.survey.path} show galaxies that are also in "
            f"{scored.survey.path}; fit on galaxies that are not scored"
        )
    if not like.any():
        return []
    return [
        f"{int(like.sum())} images of {fit.survey.path.name} look like ones that are scored, as "
        "galaxies saved again do, and stars: see that they are others."
    ]


def many_twins(images: Images, seed: int, threads: int, on_event: OnEvent) -> ManyTwins:
    """Twins of all images, or of a seeded sample of ``TWINS`` of them."""
    n = len(images.rows)
    chosen = np.sort(np.random.default_rng(seed).permutation(n)[:TWINS])

    def one(raw: bytes | Failure, name: str) -> Twins:
        if isinstance(raw, Failure):
            raise InputError(f"{name} was readable before, now it is not: {raw.reason}")
        return make_twins(raw, name, images.contract, seed)

    rows = images.rows[chosen].tolist()
    found = list(_each(images.survey, rows, one, threads, on_event, "making twins"))
    pixels = {c: np.stack([f.pixels[i] for f in found]) for i, c in enumerate(CHANGES)}
    return ManyTwins(chosen.astype(np.int64), pixels, sum(f.filled for f in found))


def _each(
    survey: Survey,
    rows: Sequence[int],
    one: Callable[[bytes | Failure, str], T],
    threads: int,
    on_event: OnEvent,
    what: str,
) -> Iterator[T]:
    """``one`` of each source's image and its location, in order."""
    places = survey.sources["location"].to_pylist()

    def batches() -> Iterator[list[tuple[bytes | Failure, str]]]:
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            yield [(raw, places[r]) for raw, r in zip(survey.images(part), part, strict=True)]

    done = 0
    for results in map_ordered(lambda batch: [one(*item) for item in batch], batches(), threads):
        yield from results
        done += len(results)
        on_event(what, done, len(rows))
