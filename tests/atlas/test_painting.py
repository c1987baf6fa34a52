"""Tiles are images of the sources in the colors they should have."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from skerry.atlas.coloring import SEA as GRAY
from skerry.atlas.coloring import WORDS, coloring, look_of
from skerry.atlas.painting import paint, paint_whole
from skerry.atlas.sea import SIDE, Sea
from skerry.publish.figures import COLORS

RNG = np.random.default_rng(2)
POINTS = RNG.uniform(size=(20_000, 2))
CROWDED = Sea(RNG.normal(size=(200_000, 2)))


def image(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def test_a_source_is_a_gray_disk_at_its_place() -> None:
    sea = Sea(np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.2]]))
    found = image(paint(sea, 1, 0, 0))
    column, line = (sea.unit[0] * 2 * SIDE).astype(int)
    assert found[SIDE - 1 - line, column, 3] > 60
    assert tuple(found[SIDE - 1 - line, column, :3]) == GRAY
    assert 0 < (found[..., 3] > 0).sum() < 200


def test_crowded_places_are_more_opaque() -> None:
    found = image(paint(CROWDED, 0, 0, 0))[..., 3].astype(float)
    middle, rim = found[240:272, 240:272].mean(), found[240:272, 90:110].mean()
    assert middle > 1.5 * rim > 0


def test_disks_go_on_beyond_the_edge_of_a_tile() -> None:
    sea = Sea(np.array([[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]]))
    # the third is at the corner of four tiles
    tiles = [image(paint(sea, 1, x, y))[..., 3] for x, y in ((0, 1), (1, 1), (0, 0), (1, 0))]
    whole = np.block([tiles[:2], tiles[2:]])
    middle = whole[SIDE - 8 : SIDE + 8, SIDE - 8 : SIDE + 8]
    assert np.count_nonzero(middle) > 20
    assert {tuple(np.sign(p - 7.5)) for p in np.argwhere(middle)} == {
        (-1, -1), (-1, 1), (1, -1), (1, 1)
    }  # fmt: skip


def test_numbers_are_colored_by_their_mean() -> None:
    sea = Sea(POINTS)
    color = coloring(POINTS[:, 0] * 100)
    found = image(paint(sea, 0, 0, 0, color))
    for share in (0.1, 0.5, 0.9):
        near = found[SIDE // 2 - 20 : SIDE // 2 + 20, int(SIDE * share)]
        near = near[near[:, 3] > 0][:, :3].astype(float)
        expected = color.palette[int(255 * share)].astype(float)
        assert np.abs(near - expected).max(axis=1).mean() < 25


def test_words_are_colored_by_the_most_frequent() -> None:
    sea = Sea(POINTS)
    words = np.where(POINTS[:, 0] < 0.5, "left", "right").astype(object)
    words[POINTS[:, 1] > 0.8] = ""
    found = image(paint(sea, 0, 0, 0, coloring(words)))
    drawn = found[..., 3] > 0

    def colors(part: tuple[slice, slice]) -> set[tuple[int, ...]]:
        return {tuple(c) for c in found[part][drawn[part]][:, :3].tolist()}

    lower, upper = slice(SIDE // 2, None), slice(0, SIDE // 8)
    both = {colors((lower, slice(0, 200))).pop(), colors((lower, slice(312, None))).pop()}
    assert both == {(0, 114, 178), (213, 94, 0)}
    assert colors((upper, slice(None))) == {GRAY}


def test_what_has_no_number_is_gray() -> None:
    values = np.full(len(POINTS), np.nan)
    found = image(paint(Sea(POINTS), 0, 0, 0, coloring(values)))
    assert {tuple(c) for c in found[found[..., 3] > 0][:, :3].tolist()} == {GRAY}


def test_rare_words_share_one_color() -> None:
    words = np.array([f"w{i % 12}" for i in range(120)] + [""], object)
    found = coloring(words, "kind")
    assert len(found.legend["words"]) == WORDS + 1
    assert found.legend["words"][-1] == {"word": "6 others", "color": COLORS[-1], "n": 60}
    assert found.legend["missing"] == 1 and found.level[-1] == -1


def test_legend_of_numbers_leaves_outliers_out() -> None:
    values = np.append(np.linspace(0, 10, 1000), [1e9, np.inf, np.nan])
    found = coloring(values, "mag").legend
    assert 9 < float(found["high"]) < 10.1 and found["missing"] == 2
    assert coloring(np.zeros(4)).level.tolist() == [0, 0, 0, 0]


def test_classes_look_different_and_rejected_ones_gray() -> None:
    looks = [tuple(look_of(i, "confirmed").values()) for i in range(40)]
    assert len(set(looks)) == 40
    assert look_of(0, "rejected") == {"color": "#5b6672", "marker": "x"}


def test_the_whole_is_its_tiles_and_the_same_each_time() -> None:
    data = paint_whole(CROWDED)
    assert data == paint_whole(Sea(CROWDED.unit)) and len(data) < 2e6
    whole = image(data)
    assert whole.shape == (4 * SIDE, 4 * SIDE, 4)
    part = image(paint(CROWDED, 2, 1, 2))
    assert np.array_equal(whole[SIDE : 2 * SIDE, SIDE : 2 * SIDE], part)
