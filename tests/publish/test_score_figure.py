"""The figure of scores shows each way in its place, with the same bytes each time."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from skerry.publish.score_figure import score_figure
from skerry.represent.score.result import WAYS, Row, Section


def rows(section: Section, value: float = 0.5, way: str = "encoder") -> list[Row]:
    ceiling = 30.0 if section == "enrichment" else None
    return [
        Row(section, subject, way, 9, value, 0.8 * value, 1.2 * value, ceiling)
        for subject in ("ring", "merger")
    ]


def blue(png: bytes) -> np.ndarray:
    """Columns with the encoder's blue below the legend."""
    image = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)[150:]
    return np.flatnonzero((np.abs(image - [0, 114, 178]).sum(2) < 30).any(0))


@pytest.mark.parametrize("section", ["enrichment", "votes", "first"])
def test_a_higher_value_lies_further_right(section: Section) -> None:
    both = [*rows(section, 0.2), *rows(section, 0.8, "pixels")]
    swapped = [*rows(section, 0.8), *rows(section, 0.2, "pixels")]
    assert blue(score_figure(both)).mean() + 100 < blue(score_figure(swapped)).mean()


def test_each_measure_gets_a_panel_of_its_own() -> None:
    one, three = (
        Image.open(io.BytesIO(score_figure(r))).height
        for r in (rows("votes"), [*rows("votes"), *rows("first"), *rows("enrichment")])
    )
    assert three > 2 * one


def test_every_way_can_be_drawn_and_bytes_stay_the_same() -> None:
    found = [r for way in WAYS for r in rows("enrichment", 3.0, way)]
    once = score_figure(found)
    with matplotlib.rc_context({"figure.facecolor": "red", "font.size": 30, "savefig.dpi": 50}):
        assert score_figure(found) == once
    assert b"Software" not in once


def test_nothing_measured_is_an_empty_figure() -> None:
    assert Image.open(io.BytesIO(score_figure([]))).format == "PNG"
    assert Image.open(io.BytesIO(score_figure(rows("dimensions")))).format == "PNG"
