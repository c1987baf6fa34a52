"""Pairs of sources close on the sky, and what their cutouts say of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skerry.errors import CannotAnswerError
from skerry.examine.columns import column_of
from skerry.examine.displayed import Display, display_of
from skerry.examine.shredded.bodies import light_between, white_between
from skerry.examine.shredded.close_pairs import offset, pairs_within
from skerry.examine.shredded.overlap import (
    SEARCHED,
    SMALLEST,
    TURNS,
    Cutout,
    Turn,
    cutout_of,
    overlaid,
    overlap_match,
)
from skerry.examine.subject import Images, Subject
from skerry.types import DoubleArray, IntArray

MATCHED = 0.97
"""Correlation of the common part of two cutouts from which they show the same sky."""
ONE_BODY = 0.6
"""Share of the fainter source's light that is left between two, from which they are one body."""
SAMPLED = 50
"""Cutouts that are looked at for their size, and laid over others for the null."""
BATCH = 64
MOST = 50_000
"""Pairs that are compared at most, those closest for their cutouts' size."""

ONE, APART, OTHER_SKY = "one body", "separate light", "another sky"
DARK, WHITE, UNKNOWN = "no light at one place", "too bright to tell", "not compared"


@dataclass(frozen=True)
class Placed:
    """Sources with a position and a pixel scale, in the order of their ids.

    ``rows`` int64 (n,) of the subject, ``places`` float64 (n, 2) ra and dec in degrees, ``scales``
    float64 (n,) arcsec a pixel. ``sample`` are some of their cutouts.
    """

    ids: tuple[str, ...]
    rows: IntArray
    places: DoubleArray
    scales: DoubleArray
    images: Images
    sample: tuple[Cutout, ...] = ()

    @property
    def reach(self) -> DoubleArray:
        """Half the side of each cutout, arcsec, (n,): as large in pixels as any of the sample."""
        largest = max(max(cutout.light.shape) for cutout in self.sample)
        return np.asarray(self.scales * largest / 2)

    def cutouts(self, rows: Sequence[int]) -> dict[int, Cutout]:
        """Cutouts of rows of these sources, of those that can be read."""
        images = self.images([self.ids[row] for row in rows])
        return {
            row: cutout_of(pixels, float(self.scales[row]))
            for row, (_, pixels) in zip(rows, images, strict=True)
            if pixels is not None
        }


@dataclass(frozen=True)
class Pair:
    """Two of the sources placed, ``apart`` arcsec, and what their cutouts say; NaN: not known.

    ``match`` is the correlation of the common part, ``null`` that with another source's cutout in
    the place of the second, ``between`` the share of light left between them.
    """

    one: int
    other: int
    apart: float
    match: float = float("nan")
    null: float = float("nan")
    between: float = float("nan")
    found: str = UNKNOWN


def placed(subject: Subject) -> Placed:
    """The sources that can be compared.

    Raises
    ------
    CannotAnswerError
        No positions, no images, no pixel scale or one in another unit than arcsec, or fewer than
        2 sources with all of them.
    """
    if subject.positions is None:
        raise CannotAnswerError(
            "the sources have no positions; give columns ra and dec in the run's catalog"
        )
    if subject.images is None:
        raise CannotAnswerError("the run began with representations; it has no images to compare")
    numbers = subject.attributes.numbers
    name = column_of("pixel scale", list(numbers))
    if name is None and subject.pixel_scale is None:
        raise CannotAnswerError(
            "the images' pixel scale is not known; give a table with a column pixel_scale (arcsec "
            "a pixel of each image) as table=FILE, or run again with sources.pixel_scale"
        )
    unit = subject.attributes.units.get(name or "", "")
    if unit and "arcsec" not in unit:
        raise CannotAnswerError(
            f"column {name!r} is in {unit!r}; give it in arcsec a pixel with table=FILE"
        )
    scales = numbers[name] if name else np.full(len(subject), subject.pixel_scale, np.float64)
    good = np.isfinite(subject.positions).all(axis=1) & np.isfinite(scales) & (scales > 0)
    if good.sum() < 2:
        raise CannotAnswerError("fewer than 2 sources have a position and a pixel scale")
    rows = np.flatnonzero(good)
    rows = rows[np.argsort(np.array(subject.ids)[rows], kind="stable")]
    ids = tuple(subject.ids[row] for row in rows.tolist())
    found = Placed(ids, rows, subject.positions[rows], scales[rows], subject.images)
    tried = np.unique(np.linspace(0, len(ids) - 1, SAMPLED).astype(np.int64)).tolist()
    sample = tuple(found.cutouts(tried).values())
    if not sample:
        raise CannotAnswerError(f"none of {len(tried)} images tried can be read now")
    return replace(found, sample=sample)


def seen_pairs(subject: Subject, sources: Placed) -> tuple[list[Pair], Turn, int]:
    """All pairs whose cutouts overlap, how cutouts lie, and how many pairs were left out.

    Cutouts are north up and east left, or mirrored: the way in which more pairs agree.

    Raises
    ------
    CannotAnswerError
        The stretch is one in which light cannot be compared.
    """
    display = display_of(subject)
    close, left_out = _closest(sources)
    found: dict[Turn, list[Pair]] = {turn: [] for turn in TURNS}
    for start in range(0, len(close), BATCH):
        batch = close[start : start + BATCH]
        cutouts = sources.cutouts(np.unique(batch).tolist())
        for number, (one, other) in enumerate(batch.tolist(), start):
            away = offset(sources.places, one, other)
            blank = Pair(one, other, float(np.hypot(*away)))
            a, b = cutouts.get(one), cutouts.get(other)
            if a is not None and b is not None and not _overlap(a, b, away):
                continue
            foreign = sources.sample[number % len(sources.sample)]
            for turn in TURNS:
                pair = blank
                if a is not None and b is not None:
                    pair = _compared(blank, a, b, foreign, away, turn, display)
                found[turn].append(pair)
    agreeing = [sum(pair.match >= MATCHED for pair in found[turn]) for turn in TURNS]
    turn = TURNS[int(np.argmax(agreeing))]
    return found[turn], turn, left_out


def _closest(sources: Placed) -> tuple[IntArray, int]:
    """Pairs to be compared, int64 (m, 2), and how many more there are."""
    reach = sources.reach * np.sqrt(2)  # to the corner
    close = pairs_within(sources.places, reach)
    if len(close) <= MOST:
        return close, 0
    apart = [np.hypot(*offset(sources.places, a, b)) / (reach[a] + reach[b]) for a, b in close]
    kept = np.sort(np.argsort(apart, kind="stable")[:MOST])
    return close[kept], len(close) - MOST


def _overlap(one: Cutout, other: Cutout, away: tuple[float, float]) -> bool:
    """Whether enough is common of two cutouts to be compared."""
    least = (SMALLEST + 2 * SEARCHED + 1) * max(one.scale, other.scale)
    for apart, a, b in zip(away, one.light.shape[::-1], other.light.shape[::-1], strict=True):
        if (a * one.scale + b * other.scale) / 2 - abs(apart) < least:
            return False
    return True


def _compared(
    pair: Pair,
    one: Cutout,
    other: Cutout,
    foreign: Cutout,
    away: tuple[float, float],
    turn: Turn,
    display: Display,
) -> Pair:
    """What is seen of a pair where cutouts lie as ``turn`` says."""
    match = overlap_match(one, other, away, turn)
    pair = replace(pair, match=match, null=overlap_match(one, foreign, away, turn))
    if np.isnan(match):
        return pair
    if match < MATCHED:
        return replace(pair, found=OTHER_SKY)
    both = overlaid(one, other, away, turn, display)
    between = light_between(both, display)
    found = DARK if np.isnan(between) else ONE if between >= ONE_BODY else APART
    if found == ONE and white_between(both):
        found = WHITE
    return replace(pair, between=between, found=found)
